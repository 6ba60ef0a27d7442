"""Records -> training batches."""

from train.data.batches import Collator, RecordSet

__all__ = ["Collator", "RecordSet"]
