"""One file a kind of rival: what it takes to predict, and what it may claim."""
