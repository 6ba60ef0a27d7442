"""Records -> samples -> batches: what `fathom train` feeds a model with."""
