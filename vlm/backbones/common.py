"""What several families share: taps by name, and positions of models that count tokens one by one."""

import inspect
from collections import defaultdict
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLModel

from heads.base import Tap

CACHE = "cache" if "cache" in inspect.signature(Qwen3VLModel.forward).parameters else "past_key_values"
"""What transformers calls the keys and values that a forward continues: renamed in 5.24."""

Place = tuple[int, int, int]
"""How many there are, their channels, pixels per cell."""


def find_tap(name: str, model_type: str, places: dict[str, Place]) -> Tap:
    """`kind.number` among `places` -> Tap; an unknown one is an error that lists what there is."""
    kind, _, index = name.partition(".")
    lowest = -1 if kind == "language" else 0
    if kind not in places or not index.lstrip("-").isdigit() or not lowest <= int(index) < places[kind][0]:
        allowed = ", ".join(f"{k}.0 to {k}.{count - 1}" for k, (count, _, _) in places.items())
        raise ValueError(f"taps: {name!r} is not in this {model_type}; allowed: {allowed}, language.-1")
    return Tap(name, *places[kind][1:])


def usual_taps(blocks: int, layers: int) -> dict[str, list[str]]:
    """The middle and the end of both towers for depth, of the LLM for rays."""
    language = [f"language.{layers // 2}", "language.-1"]
    return {"depth": [f"vision.{blocks // 2}", f"vision.{blocks - 1}", *language], "rays": language}


def of_one_size(
    parts: Sequence[Tensor], sizes: list[tuple[int, int]], change: Callable[[Tensor, tuple[int, int]], Tensor]
) -> list[Tensor]:
    """change(stacked parts, size) of the parts of each size, in the order of `parts`: one call a size, not a part."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, size in enumerate(sizes):
        groups[size].append(i)
    changed: dict[int, Tensor] = {}
    for size, rows in groups.items():
        changed |= zip(rows, change(torch.stack([parts[i] for i in rows]), size).unbind(), strict=True)
    return [changed[i] for i in range(len(sizes))]


def counted_positions(input_ids: Tensor, attention_mask: Tensor | None, first: int = 0) -> Tensor:
    """(B, L): tokens counted from `first`, padding left out."""
    if attention_mask is None:
        return torch.arange(first, first + input_ids.shape[1], device=input_ids.device).expand(input_ids.shape)
    return (attention_mask.long().cumsum(-1) - 1).clamp(min=0) + first
