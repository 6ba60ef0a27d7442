"""What a step's losses are divided by, and what the log says of them: sums and counts over every rank and pass."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from train.taught import GuideOptions
from train.taught import counts as guide_counts
from vlm.model import Fathom


def counts_of(model: Fathom, batch: dict[str, Any], guide: GuideOptions | None = None) -> dict[str, Tensor]:
    """name -> the count that the model's losses will have on this batch, without a forward pass.

    guide: what `train.guide` teaches, where batches hold `looks`.
    """
    counts = {}
    if batch.get("labels") is not None:
        counts["text"] = (batch["labels"][:, 1:] != -100).sum()
    if guide is not None and "looks" in batch:
        counts |= guide_counts(batch["looks"], guide)
    for name, truth in (batch.get("truth") or {}).items():
        parts = truth if isinstance(truth, list) else [truth]  # dense: one of an image; rays: one of the batch
        for part in parts:
            rows = part if part is truth else {key: value[None] for key, value in part.items()}
            for loss, count in model.heads[name].counts(rows).items():
                counts[loss] = counts.get(loss, 0) + count
    return counts


def over_ranks(counts: dict[str, Tensor], names: list[str], device: torch.device) -> dict[str, Tensor]:
    """The counts of `names` (0 where absent), summed over all processes; no process waits for its device."""
    total = torch.stack([torch.as_tensor(counts.get(name, 0), device=device).long() for name in names])
    if dist.is_initialized():
        dist.all_reduce(total)
    return dict(zip(names, total, strict=True))


class Tally:
    """Sums and counts of losses since it was last read; stays on the device until then."""

    def __init__(self) -> None:
        self.parts: dict[str, tuple[Tensor, Tensor]] = {}

    def add(self, losses: dict[str, tuple[Tensor, Tensor]]) -> None:
        """Adds a forward pass's name -> (sum, count)."""
        for name, (value, count) in losses.items():
            before = self.parts.get(name, (0.0, 0.0))
            count = torch.as_tensor(count, device=value.device)
            self.parts[name] = (before[0] + value.detach().float(), before[1] + count.float())

    def read(self) -> dict[str, float]:
        """name -> mean over all that was added on all processes; empties the tally. Every process must call it."""
        mine = {name: (float(value), float(count)) for name, (value, count) in self.parts.items()}
        self.parts.clear()
        all_ranks: list[Any] = [mine]
        if dist.is_initialized():
            all_ranks = [None] * dist.get_world_size()
            dist.all_gather_object(all_ranks, mine)
        totals: dict[str, list[float]] = {}
        for rank in all_ranks:
            for name, (value, count) in rank.items():
                total = totals.setdefault(name, [0.0, 0.0])
                total[0], total[1] = total[0] + value, total[1] + count
        return {name: value / count for name, (value, count) in sorted(totals.items()) if count}
