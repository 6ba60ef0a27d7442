"""Where a question looks: attention of the LLM is taught to go from a thing's name to the thing. A training aid.

From answers alone a small model is slow to find out that "the red chair" of a question is to be looked for among
the image tokens; the worlds' truth (instance per pixel) says which tokens those are. At the last token of every name,
or of a pixel "(x, y)", a loss compares the true share of each image token with what one query head attends to:

    - sum over tokens of share * log(attention),   one head of each chosen layer

It is the model's own attention that is taught (after rotary positions, over all that the token may attend to), so
nothing is added to what ships. A second loss, `places`, makes the token hold what was found there: where the thing
is in the picture, how far, how large. It is read off the hidden states by a fixed random matrix, which adds no
weights either. A third, `cells`, makes every image token hold the same of what it shows itself, in the same
directions: a look then has something to bring along. See train/LOG.md for what they give. Qwen families, packed rows,
whole weights.
"""

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.qwen3_vl.modeling_qwen3_vl import apply_rotary_pos_emb

from heads.base import masked_sum
from heads.errors import InputError
from train.worlds.things import KINDS
from vlm.options import Options, number

PLACE = re.compile(r"\((\d{1,4}), (\d{1,4})\)")
FAMILY = "qwen3_vl"

VALUES = ("x", "y", "log_depth_z", "width", "height")
"""What `places` reads: the middle of what is named, from the centre, and its size, in half picture sides; log depth."""


@dataclass(frozen=True)
class Mention:
    """Something that a question names or points at.

    character: index of its last one in the question; share (h * w,): of each image token in what it stands for, sum 1;
    values (5,): VALUES, nan = unknown.
    """

    character: int
    share: np.ndarray
    values: np.ndarray


@dataclass
class GuideOptions(Options):
    """layers: decoder layers of the LLM that are taught, none = no guide; head: which query head of each.

    places: the decoder layer whose output must hold VALUES, None = none. cells: the same for image tokens, each of
    what it shows: best the layer before those of the guide, which then find it there.
    """

    layers: list[int] = field(default_factory=list)
    head: int = number(0, least=0)
    places: int | None = number(None, least=0)
    cells: int | None = number(None, least=0)


def mentions(
    question: str,
    things: list[dict[str, Any]],
    instance: np.ndarray,
    depth_z: np.ndarray | None,
    grid: tuple[int, int],
) -> list[Mention]:
    """What a question names or points at, with the image tokens (h, w) that show it.

    things: dictionaries with kind, colour and instance, as `fathom worlds` writes them. A name that two of them
    share, and one without a visible pixel in instance (H, W), is left out. depth_z (h', w') metres, None = unknown.
    """
    found: list[Mention] = []
    calls = [(f"{thing['colour']} {thing['kind']}", f"the {thing['kind']}") for thing in things]
    for thing, phrases in zip(things, calls, strict=True):
        for which, phrase in enumerate(phrases):
            end = _end_of(phrase, thing["kind"], question)
            if end is not None and sum(other[which] == phrase for other in calls) == 1:
                mask = instance == thing["instance"]
                share = cell_shares(mask, grid)
                if share.any():
                    found.append(Mention(end, share / share.sum(), _extent(mask, float(thing.get("depth_z", np.nan)))))
    for match in PLACE.finditer(question):
        x, y = (min(int(value), 999) / 1000 for value in match.groups())
        share = np.zeros(grid, np.float32)
        share[int(y * grid[0]), int(x * grid[1])] = 1
        metres = np.nan if depth_z is None else float(depth_z[int(y * depth_z.shape[0]), int(x * depth_z.shape[1])])
        values = np.array([2 * x - 1, 2 * y - 1, _log(metres), np.nan, np.nan], np.float32)
        found.append(Mention(match.end() - 1, share.ravel(), values))
    return found


def cell_values(
    instance: np.ndarray, things: list[dict[str, Any]], depth_z: np.ndarray | None, grid: tuple[int, int]
) -> np.ndarray:
    """(h * w, 5) VALUES of each image token (h, w): its own middle and median depth, the size of the thing in it.

    instance (H, W); depth_z (H', W') metres, None = unknown. The thing is that of most of its pixels; nan = unknown,
    sky, no thing.
    """
    values = np.full((*grid, len(VALUES)), np.nan, np.float32)
    values[..., 0] = (2 * np.arange(grid[1]) + 1) / grid[1] - 1
    values[..., 1] = (2 * np.arange(grid[0]) + 1)[:, None] / grid[0] - 1
    sizes = {
        thing["instance"]: _extent(instance == thing["instance"], math.nan)[3:] for thing in _seen(things, instance)
    }
    for y in range(grid[0]):
        for x in range(grid[1]):
            if depth_z is not None:
                values[y, x, 2] = _log(float(np.median(_cell(depth_z, grid, y, x))))
            values[y, x, 3:] = sizes.get(int(np.bincount(_cell(instance, grid, y, x).ravel()).argmax()), math.nan)
    return values.reshape(-1, len(VALUES))


def _seen(things: list[dict[str, Any]], instance: np.ndarray) -> list[dict[str, Any]]:
    there = set(np.unique(instance).tolist())
    return [thing for thing in things if thing["instance"] in there]


def _cell(map_: np.ndarray, grid: tuple[int, int], y: int, x: int) -> np.ndarray:
    """What lies in a cell of the grid; one pixel at least."""
    edges = [
        (i * n // cells, max(i * n // cells + 1, (i + 1) * n // cells))
        for i, n, cells in zip((y, x), map_.shape, grid, strict=True)
    ]
    return map_[slice(*edges[0]), slice(*edges[1])]


def _extent(mask: np.ndarray, depth_z: float) -> np.ndarray:
    """VALUES of a thing from its visible pixels (H, W) and its depth in metres."""
    rows, columns = np.nonzero(mask)
    middle = [2 * (np.median(at) + 0.5) / side - 1 for at, side in ((columns, mask.shape[1]), (rows, mask.shape[0]))]
    size = [2 * (np.ptp(at) + 1) / side for at, side in ((columns, mask.shape[1]), (rows, mask.shape[0]))]
    return np.array([*middle, _log(depth_z), *size], np.float32)


def _log(metres: float) -> float:
    return math.log(metres) if 0 < metres < math.inf else math.nan


def cell_shares(mask: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """(H, W) bool -> (h * w,) how much of each cell of the grid is covered, 0 to 1."""
    rows, columns = (np.arange(n) * cells // n for n, cells in zip(mask.shape, grid, strict=True))
    cells = (rows[:, None] * grid[1] + columns).ravel()
    size = grid[0] * grid[1]
    return (np.bincount(cells, mask.ravel(), size) / np.bincount(cells, minlength=size).clip(min=1)).astype(np.float32)


def _end_of(phrase: str, kind: str, question: str) -> int | None:
    """Index of the phrase's last character where the question holds it as whole words; a bus shelter is no bus."""
    longer = "|".join(re.escape(other[len(kind) :]) for other in KINDS if other.startswith(f"{kind} "))
    match = re.search(rf"\b{re.escape(phrase)}\b" + (rf"(?!(?:{longer})\b)" if longer else ""), question)
    return None if match is None else match.end() - 1


def tokens_of(tokenizer: Any, question: str, ids: list[int], characters: list[int]) -> list[int]:
    """Where in `ids`, which hold the question's tokens somewhere, the token of each of its characters is."""
    own = tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)
    first = next((k for k in range(len(ids)) if ids[k : k + len(own.input_ids)] == own.input_ids), None)
    if first is None:  # the chat template's last word melted with the question's first
        return []
    of = {c: k for k, (start, end) in enumerate(own.offset_mapping) for c in range(start, end)}
    return [first + of[c] for c in characters]


@dataclass
class Seen:
    """What went by in one pass: of every taught layer its attention, that one's input and rotary positions; and the
    hidden states (B, L, C) that `places` and `cells` read."""

    attentions: list[tuple[nn.Module, Tensor, tuple[Tensor, Tensor]]] = field(default_factory=list)
    hidden: dict[str, Tensor] = field(default_factory=dict)


class Guide:
    """The losses, on what went through the chosen layers during one pass."""

    def __init__(self, options: GuideOptions, backbone: Any):
        text = backbone.config.get_text_config()
        if backbone.config.model_type != FAMILY:
            raise InputError("guide", f"a {backbone.config.model_type} backbone", FAMILY)
        for name, values, most in (
            ("layers", options.layers, text.num_hidden_layers),
            ("head", [options.head], text.num_attention_heads),
            ("places", [options.places or 0], text.num_hidden_layers),
            ("cells", [options.cells or 0], text.num_hidden_layers),
        ):
            for value in values:
                if not 0 <= value < most:
                    raise InputError(f"guide.{name}", f"there is no {value}", f"0 to {most - 1}")
        self.options = options
        layers = backbone.model.language_model.layers
        self.attentions = [layers[number].self_attn for number in options.layers]
        read_at = {"places": options.places, "cells": options.cells}
        self.read_at = {name: layers[number] for name, number in read_at.items() if number is not None}
        own = torch.Generator().manual_seed(0)
        self.reader = torch.randn(len(VALUES), text.hidden_size, generator=own) / text.hidden_size**0.5

    @contextmanager
    def watching(self) -> Iterator[Seen]:
        """Filled by the pass inside."""
        seen = Seen()

        def keep(module: nn.Module, args: tuple, kwargs: dict[str, Any], _out: Any) -> None:
            hidden = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
            seen.attentions.append((module, hidden, kwargs["position_embeddings"]))

        def keeping(name: str) -> Callable[[nn.Module, tuple, Any], None]:
            def keep_hidden(_module: nn.Module, _args: tuple, out: Any) -> None:
                seen.hidden[name] = out[0] if isinstance(out, tuple) else out

            return keep_hidden

        hooks = [each.register_forward_hook(keep, with_kwargs=True) for each in self.attentions]
        hooks += [layer.register_forward_hook(keeping(name)) for name, layer in self.read_at.items()]
        try:
            yield seen
        finally:
            for hook in hooks:
                hook.remove()

    def losses(self, seen: Seen, mask: Tensor, looks: dict[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
        """name -> (sum, count). mask (B, 1, L, L) bool; looks: row, token (M,), share (M, L), values (M, 5), and

        cell_row, cell_token (N,), cell_values (N, 5).
        """
        row, token, share = looks["row"], looks["token"], looks["share"]
        total = share.new_zeros(())
        for module, hidden, rotary in seen.attentions:
            scores = attention_scores(module, self.options.head, hidden, rotary, row, token)
            logs = scores.masked_fill(~mask[row, 0, token], -1e4).log_softmax(-1)
            total = total - (share * logs).sum()
        losses = {"guide": (total, torch.tensor(len(row) * len(seen.attentions), device=share.device))}
        read = {"places": (row, token, looks["values"])}
        read["cells"] = looks["cell_row"], looks["cell_token"], looks["cell_values"]
        for name, hidden in seen.hidden.items():
            *where, values = read[name]
            told = self.read(hidden[*where])
            losses[name] = masked_sum((told - values.nan_to_num()).abs(), values.isfinite())
        return losses

    def read(self, hidden: Tensor) -> Tensor:
        """Hidden states (M, C) -> what they say of VALUES (M, 5): a fixed linear map of them at unit mean square."""
        hidden = hidden.float()
        scaled = hidden * (hidden.square().mean(-1, keepdim=True) + 1e-6).rsqrt()
        return scaled @ self.reader.to(hidden.device).T


def attention_scores(
    module: Any, head: int, hidden: Tensor, rotary: tuple[Tensor, Tensor], row: Tensor, token: Tensor
) -> Tensor:
    """(M, L): scaled scores of one query head, from tokens (row, token) to all of their row, before the mask."""
    size, group = module.head_dim, head // module.num_key_value_groups
    cos, sin = rotary
    query_weight = module.q_proj.weight[head * size : (head + 1) * size]
    key_weight = module.k_proj.weight[group * size : (group + 1) * size]
    query = module.q_norm(functional.linear(hidden[row, token], query_weight))[None, None]
    key = module.k_norm(functional.linear(hidden, key_weight))[:, None]
    query, _ = apply_rotary_pos_emb(query, query, cos[row, token][None], sin[row, token][None])
    key, _ = apply_rotary_pos_emb(key, key, cos, sin)
    return torch.einsum("mc,mlc->ml", query[0, 0], key[row, 0]).float() * module.scaling
