"""A recipe's data: everything is checked before training starts, then samples come from disk as they are drawn."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heads.errors import InputError
from train.data.batches import Collator
from train.data.check import examine
from train.data.mixture import HeldOut, Mixture

if TYPE_CHECKING:
    from train.recipe import Recipe

FULLY_CHECKED = 8
"""Records of each source whose files are opened before a run; of all others only that they are there."""


def build_data(
    recipe: Recipe, model: Any, rank: int = 0, world: int = 1, report: Path | None = None
) -> tuple[Mixture, Collator]:
    """What the recipe trains `model` (a Fathom with its processor) on, and what makes batches of it."""
    return mixture_of(recipe, rank, report), collator_of(recipe, model, world)


def mixture_of(recipe: Recipe, rank: int = 0, report: Path | None = None) -> Mixture:
    """Checked (rank 0): every line, every file's presence, and the first records of each source all through.

    report: a file for one JSON line about every sample that turns out bad later.
    """
    mixture = Mixture(
        recipe.sources,
        recipe.seed,
        recipe.questions_per_image,
        recipe.steps * recipe.batch,
        recipe.indoor,
        report,
        files_exist=rank == 0,
        favour=recipe.favour,
    )
    if rank == 0:
        for i, source in enumerate(recipe.sources):
            numbers = sorted(n for of, _, numbers in mixture.streams if of == i for n in numbers[:FULLY_CHECKED])
            _check([mixture.files[i][int(n)] for n in numbers[:FULLY_CHECKED]], str(source.records))
    return mixture


def collator_of(recipe: Recipe, model: Any, world: int = 1) -> Collator:
    """flash-attn takes no block masks, so with it every conversation has its own row."""
    pack = not (recipe.attention or "").startswith("flash")
    for source in recipe.sources if "rays" in model.heads else []:
        if source.views > model.heads["rays"].max_views:
            raise InputError(
                "data", f"{source.views} views a sample", f"the ray head's {model.heads['rays'].max_views}"
            )
    guide = recipe.guide if recipe.guide.layers else None
    if guide is not None and not pack:
        raise InputError("guide", f"with attention: {recipe.attention}", "sdpa or eager")
    return Collator(model.processor, model.heads, pack=pack, always_picture=world > 1, guide=guide)


def held_out_data(recipe: Recipe) -> HeldOut | None:
    """The first records of `held_out`, as they are; None where the recipe names none."""
    if not recipe.held_out:
        return None
    data = HeldOut(recipe.held_out, recipe.questions_per_image, recipe.eval_samples)
    first = [data.files[i][number] for i, number in data.places[:FULLY_CHECKED]]
    _check(first, ", ".join(recipe.held_out))
    return data


def _check(records: list[Any], name: str) -> None:
    """InputError for the first error in these records; a warning for everything that may be one."""
    for finding in [finding for record in records for finding in examine(record)]:
        if finding.bad:
            wrong = str(finding).split("; allowed: ")[0]
            raise InputError("records", wrong, f"records of {name} that `fathom data check` finds no fault with")
        warnings.warn(str(finding), stacklevel=4)
