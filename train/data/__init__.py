"""Records -> samples -> batches: what `fathom train` feeds a model with."""

from train.data.batches import Collator
from train.data.build import build_data, held_out_data
from train.data.mixture import HeldOut, Mixture
from train.data.sources import Augment, Source

__all__ = ["Augment", "Collator", "HeldOut", "Mixture", "Source", "build_data", "held_out_data"]
