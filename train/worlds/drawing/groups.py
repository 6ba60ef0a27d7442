"""Rows that belong together: where each group of a list begins, and rows sorted by what they are."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

Counts = TypeVar("Counts", np.ndarray, Tensor)


def starts(counts: Counts) -> Counts:
    """Sizes (G,) of groups that follow each other -> where each begins (G,)."""
    return counts.cumsum(0) - counts


def grouped(names: Tensor) -> tuple[Tensor, list[int], list[int]]:
    """Whole numbers (N,) -> indices (N,) that sort them, those that occur, rising, and how often each does.

    Equal ones keep their order. The processor waits for a GPU here however many there are, not once for each.
    """
    counts = {name: count for name, count in enumerate(torch.bincount(names).tolist()) if count}
    return names.argsort(stable=True), list(counts), list(counts.values())
