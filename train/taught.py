"""What the guide teaches (`train.guide`): its options, and what the truth of a batch says of each loss.

looks: what `stack_looks` of `train.data.batches` makes of a batch's questions.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from train.shown import VALUES
from vlm.options import Options, number

NAMED = 3
"""How many things the token before an answer looks at: "which of the three is nearest"."""
SURE = 4.0
"""Log odds of a verdict that is held as 1."""
APART, COMPARED = 0.15, 5
"""Difference at which a verdict is clear, it is tanh(difference / that), and how many of VALUES have one."""
CLEAR = 0.3
"""Verdicts of less do not tell how a question turns them."""
LEAST, STEP, BINS = 0.02, 0.1, 110
"""Numbers are held in bins of their log: the centre of the first (for all below too), their width, how many."""

LOSSES = {
    "layers": ("guide",),
    "places": ("places", "places_name"),
    "cells": ("cells", "cells_name"),
    "answers": ("answers_look", "answers_hold", "answers_name"),
    "verdict": ("verdict",),
    "chosen": ("asked", "chosen"),
    "numbers": ("numbers",),
    "copies": ("copies",),
}
"""Option of `GuideOptions` -> the losses that it gives."""


@dataclass
class GuideOptions(Options):
    """layers: decoder layers of the LLM that are taught, none = no guide; head: which query head of each.

    places: the decoder layer whose output must hold VALUES, kind and colour, None = none. cells: all of it again, for
    image tokens, each of what it shows: best the layer before those of the guide, which then find it there. answers:
    the decoder layer in which the token before an answer looks at the first NAMED things of it, by one head each,
    those that follow `head`; its output must hold VALUES of each, and kind and colour of the first. Best behind
    `places`. verdict: the layer whose output must hold how the first two compare; best behind `answers`, with a layer
    or two left to say it. chosen: the layer whose output must hold which side the answer of a question takes that
    compares two things in one value (yes, A, the first, right: 1; no, B, the second, left: -1); that of `verdict` then
    also holds how the question turns the comparison. Best the one behind `verdict`. numbers: the layer whose output
    must hold the number that an answer begins with, whatever its unit: near ones are nearly right there, where to the
    text 2.9 is as wrong as 7 for 3.0. Best a layer or two behind `answers`. copies: the layer in which an answer that
    repeats a name looks where the question has it, word by word, by query head `head`; best behind those two, which
    tell the one name from the other. told: every so many questions of a row, while training, `answers` and `verdict`
    hold true numbers in place of what was found, None = never: how an answer is put into words can be learned before
    what it says is known. The logged losses of text, verdict, asked, chosen and copies are then partly of such
    questions, and lower than those of an evaluation.
    """

    layers: list[int] = field(default_factory=list)
    head: int = number(0, least=0)
    places: int | None = number(None, least=0)
    cells: int | None = number(None, least=0)
    answers: int | None = number(None, least=0)
    verdict: int | None = number(None, least=0)
    chosen: int | None = number(None, least=0)
    numbers: int | None = number(None, least=0)
    copies: int | None = number(None, least=0)
    told: int | None = number(None, least=1)


def verdicts(looks: dict[str, Tensor]) -> Tensor:
    """(P, 5): how the first two things of each question that has two compare in VALUES, -1 to 1, nan = unknown.

    Positive: the first is farther right, lower, farther away, wider, taller. A question's things follow each other.
    """
    second = (looks["order"] == 1).nonzero()[:, 0]
    pairs = looks["values"][:, :COMPARED]
    return ((pairs[second - 1] - pairs[second]) / APART).tanh()


def asked(looks: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """(turned (K, 5), side (K,), at (K,)) of questions that compare two things in one value; at: their second looks.

    turned: of the value that is compared 1 where the answer's side (see `train.asked`) is 1 if the first of the two
    has more of it, -1 where it is 1 if it has less; 0 of the others. It is worked out from the true comparison and the
    answer, and yet depends on the question's words alone. Where the two hardly differ it is unknown, and left out.
    """
    second = (looks["order"] == 1).nonzero()[:, 0]
    value, side = looks["value"][second], looks["side"][second]
    differ = verdicts(looks).gather(1, value.clamp(min=0)[:, None])[:, 0]
    clear = (value >= 0) & (differ.abs() > CLEAR)
    turned = (differ.sign() * side)[clear, None] * functional.one_hot(value[clear], COMPARED)
    return turned, side[clear].float(), second[clear]


def in_bins(numbers: Tensor) -> Tensor:
    """Numbers (K,) from 0 -> (K, BINS) what share of each is in which bin: a normal curve of one STEP around it."""
    centres = math.log(LEAST) + STEP * torch.arange(BINS, device=numbers.device)
    logs = numbers.clamp(min=LEAST).log().clamp(max=centres[-1])
    return (-0.5 * ((logs[:, None] - centres) / STEP).square()).softmax(1)


def truths(looks: dict[str, Tensor]) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """name -> (row, token (N,), values (N, K), nan = unknown) of the questions that are told: see `Guide.told`."""
    heard = (looks["told"] & (looks["order"] < NAMED)).nonzero()[:, 0]
    where, of = torch.stack([looks["row"][heard], looks["last"][heard]], 1).unique(dim=0, return_inverse=True)
    values = looks["values"].new_full((len(where), NAMED, len(VALUES)), float("nan"))
    values[of, looks["order"][heard]] = looks["values"][heard]
    second = (looks["order"] == 1).nonzero()[:, 0]
    heard = looks["told"][second]
    odds = 2 * verdicts(looks)[heard].clamp(-0.999, 0.999).atanh()
    row, last = looks["row"][second][heard], looks["last"][second][heard]
    verdict = (odds / SURE).clamp(-1, 1)  # as `_judged` would have them
    if "value" in looks:
        turned, _, at = asked(looks)
        known = looks["values"].new_full((len(looks["row"]), COMPARED), float("nan"))
        known[at] = turned
        verdict = torch.cat([verdict, known[second][heard]], 1)
    return {"answers": (*where.unbind(1), values.flatten(1)), "verdict": (row, last, verdict)}


def counts(looks: dict[str, Tensor], options: GuideOptions) -> dict[str, Tensor]:
    """name -> what each loss of a batch's looks is divided by; without a forward pass."""
    told = {"guide": (looks["share"].sum(1) > 0).sum() * len(options.layers)}
    names = torch.stack([looks["kind"], looks["colour"]], 1) >= 0
    if options.places is not None:
        told |= {"places": looks["values"].isfinite().sum(), "places_name": names.sum()}
    if options.cells is not None:
        cell_names = torch.stack([looks["cell_kind"], looks["cell_colour"]], 1) >= 0
        told |= {"cells": looks["cell_values"].isfinite().sum(), "cells_name": cell_names.sum()}
    if options.answers is not None:
        few = looks["order"] < NAMED
        held, named = looks["values"][few].isfinite().sum(), names[looks["order"] == 0].sum()
        told |= {"answers_look": few.sum(), "answers_hold": held, "answers_name": named}
    if options.verdict is not None:
        told["verdict"] = verdicts(looks).isfinite().sum()
    if options.chosen is not None:
        turned, side, _ = asked(looks)
        told |= {"asked": looks["value"].new_tensor(turned.numel()), "chosen": looks["value"].new_tensor(len(side))}
    if options.numbers is not None:
        told["numbers"] = looks["number_row"].new_tensor(len(looks["number_row"]))
    if options.copies is not None:
        told["copies"] = looks["copy_row"].new_tensor(len(looks["copy_row"]))
    return told
