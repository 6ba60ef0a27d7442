"""A batch as one block of memory for each type of number, so that it travels whole.

A batch of 128 pictures has a thousand tensors. Each of them would pass from a worker process to the trainer, into
pinned memory and to the GPU by itself, and every one that waits there keeps a file open.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Place:
    """Where a tensor's numbers are: of which block, from which one on, in which shape."""

    block: str
    first: int
    shape: tuple[int, ...]


class Packing:
    """collate, whose batch is packed: what a `DataLoader` of a run takes."""

    def __init__(self, collate: Callable[[list], dict[str, Any]]):
        self.collate = collate

    def __call__(self, samples: list) -> dict[str, Any]:
        return packed(self.collate(samples))


def packed(batch: dict[str, Any]) -> dict[str, Any]:
    """Dictionaries and lists of tensors, however deep -> {"blocks": name of a dtype -> (N,), "places": the same}."""
    parts: dict[str, list[Tensor]] = defaultdict(list)
    sizes: dict[str, int] = defaultdict(int)

    def put(tensor: Tensor) -> Place:
        name = str(tensor.dtype)
        place = Place(name, sizes[name], tuple(tensor.shape))
        parts[name].append(tensor.reshape(-1))
        sizes[name] += tensor.numel()
        return place

    places = _changed(batch, Tensor, put)
    return {"blocks": {name: torch.cat(tensors) for name, tensors in parts.items()}, "places": _Whole(places)}


def unpacked(batch: dict[str, Any]) -> dict[str, Any]:
    """What was packed, where its blocks are now. Its tensors share their memory."""
    blocks: dict[str, Tensor] = batch["blocks"]

    def take(place: Place) -> Tensor:
        return blocks[place.block].narrow(0, place.first, prod(place.shape)).view(place.shape)

    return _changed(batch["places"].inside, Place, take)


@dataclass(frozen=True)
class _Whole:
    """Keeps whoever moves tensors through dictionaries and lists from walking through a thousand places."""

    inside: Any


def _changed(tree: Any, kind: type, change: Callable[[Any], Any]) -> Any:
    if isinstance(tree, kind):
        return change(tree)
    if isinstance(tree, dict):
        return {key: _changed(value, kind, change) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(_changed(value, kind, change) for value in tree)
    return tree
