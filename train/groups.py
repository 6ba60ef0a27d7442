"""Which weights belong together, and which of them a recipe trains, at what rate."""

from collections.abc import Iterator
from typing import Any

from torch import nn

from heads.errors import InputError
from train.recipe import Recipe
from vlm.model import Fathom

GROUPS: tuple[str, ...] = ("adapter", "heads", "backbone", "vision")


def grouped(model: Fathom) -> Iterator[tuple[str, str, nn.Parameter]]:
    """(group, name, weight) of every weight. A LoRA layer is of the adapter, wherever it sits.

    The merger that ends a vision tower is part of it where the family keeps it there (Qwen-VL does).
    """
    tower = {id(weight) for weight in model.vision_tower.parameters()}
    for name, weight in model.named_parameters():
        if name.startswith("heads."):
            yield "heads", name, weight
        elif "lora_" in name:
            yield "adapter", name, weight
        else:
            yield "vision" if id(weight) in tower else "backbone", name, weight


def set_trainable(model: Fathom, recipe: Recipe) -> None:
    """Switches on what the recipe trains and everything else off, and lets the heads speak to the backbone or not."""
    model.detach_heads = recipe.detach_heads
    first = recipe.trains.backbone_from
    late = {id(weight) for layer in last_layers(model, first) for weight in layer.parameters()} if first else set()
    for group, _, weight in grouped(model):
        moves = getattr(recipe.trains, group) and (group != "backbone" or first == 0 or id(weight) in late)
        weight.requires_grad_(moves and weight.is_floating_point())


def last_layers(model: Fathom, first: int) -> list[nn.Module]:
    """The LLM's decoder layers from number `first` on and the norm behind them; InputError where there are fewer."""
    count = model.config.get_text_config().num_hidden_layers
    if first >= count:
        raise InputError("trains.backbone_from", f"no layer {first}", f"0 to {count - 1}")
    return [model.family.module(model.backbone, f"language.{number}") for number in (*range(first, count), -1)]


def trainable(model: Fathom) -> dict[str, int]:
    """Group -> how many weights train."""
    counts: dict[str, int] = dict.fromkeys(GROUPS, 0)
    for group, _, weight in grouped(model):
        counts[group] += weight.numel() * weight.requires_grad
    return counts


def optimizer_groups(model: Fathom, recipe: Recipe) -> list[dict[str, Any]]:
    """The optimizer's groups: each of ours at its rate; matrices decay, vectors and embeddings do not."""
    sorted_out: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for group, name, weight in grouped(model):
        if weight.requires_grad:
            decays = weight.ndim > 1 and "embed" not in name
            sorted_out.setdefault((group, decays), []).append(weight)
    return [
        {
            "params": weights,
            "name": group if decays else f"{group}, no decay",
            "lr": recipe.rate_of(group),
            "weight_decay": recipe.weight_decay if decays else 0.0,
        }
        for (group, decays), weights in sorted_out.items()
    ]
