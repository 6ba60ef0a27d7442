"""Where a question looks: attention of the LLM is taught to go from a thing's name to the thing. A training aid.

From answers alone a small model is slow to find out that "the red chair" of a question is to be looked for among
the image tokens; the worlds' truth (instance per pixel) says which tokens those are. At the last token of every name,
or of a pixel "(x, y)", a loss compares the true share of each image token with what one query head attends to:

    - sum over tokens of share * log(attention),   one head of each chosen layer

It is the model's own attention that is taught (after rotary positions, over all that the token may attend to), so
nothing is added to what ships. A second loss, `places`, makes the token hold what was found there: where the thing
is in the picture, how far, how large. It is read off the hidden states by a fixed random matrix, which adds no
weights either. A third, `cells`, makes every image token hold the same of what it shows itself, in the same
directions: a look then has something to bring along. At last, `answers` teaches the token before an answer to look at
the names of its question, each with a head of its own, and to hold what they hold: an answer that compares two things
has both at hand there. See train/LOG.md for what they give. Qwen families, packed rows, whole weights.
"""

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
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

NAMED = 3
"""How many things a question's last token looks at: "which of the three is nearest"."""
PLACE = re.compile(r"\((\d{1,4}), (\d{1,4})\)")
FAMILY = "qwen3_vl"

VALUES = ("x", "y", "log_depth_z", "width", "height")
"""What `places` reads: the middle of what is named, from the centre, and its size, in half picture sides; log depth."""

LOSSES = {
    "layers": ("guide",),
    "places": ("places",),
    "cells": ("cells",),
    "answers": ("answers_look", "answers_hold"),
}
"""Option of `GuideOptions` -> the losses that it gives."""


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
    what it shows: best the layer before those of the guide, which then find it there. answers: the decoder layer in
    which the last token of a question looks at the first NAMED things of it, by one head each, those that follow
    `head`; its output must hold VALUES of each. Best behind `places`, with a layer or two left to answer.
    """

    layers: list[int] = field(default_factory=list)
    head: int = number(0, least=0)
    places: int | None = number(None, least=0)
    cells: int | None = number(None, least=0)
    answers: int | None = number(None, least=0)


class Shown:
    """What one picture shows in its image tokens, measured once for all that is asked about it.

    things: dictionaries with kind, colour and instance, as `fathom worlds` writes them; instance (H, W) whole numbers
    from 0: which of them each pixel shows. depth_z (H', W') metres, None = unknown. grid (h, w): the image tokens.
    """

    def __init__(
        self,
        things: list[dict[str, Any]],
        instance: np.ndarray,
        depth_z: np.ndarray | None,
        grid: tuple[int, int],
    ):
        self.things, self.instance, self.depth_z, self.grid = things, instance, depth_z, grid
        height, width = instance.shape
        rows, columns = np.arange(height), np.arange(width)
        cells = (rows * grid[0] // height)[:, None] * grid[1] + columns * grid[1] // width
        self.in_cells = _pixels_in(cells, grid[0] * grid[1], instance)
        self.in_columns = _pixels_in(columns, width, instance)
        self.in_rows = _pixels_in(rows[:, None], height, instance)
        self.seen = set(np.flatnonzero(self.in_rows.any(0)).tolist())

    def mentions(self, question: str) -> list[Mention]:
        """What a question names or points at, with the image tokens that show it.

        A name that two things share, and one without a visible pixel, is left out.
        """
        found: list[Mention] = []
        for thing, phrases in zip(self.things, self._calls, strict=True):
            for which, phrase in enumerate(phrases):
                end = _end_of(phrase, thing["kind"], question)
                if end is None or thing["instance"] not in self.seen:
                    continue
                if sum(other[which] == phrase for other in self._calls) == 1:
                    number = int(thing["instance"])
                    share, values = self.shares(number), self._values(number, float(thing.get("depth_z", np.nan)))
                    found.append(Mention(end, share / share.sum(), values))
        for match in PLACE.finditer(question):
            x, y = (min(int(value), 999) / 1000 for value in match.groups())
            share = np.zeros(self.grid, np.float32)
            share[int(y * self.grid[0]), int(x * self.grid[1])] = 1
            metres, depth_z = np.nan, self.depth_z
            if depth_z is not None:
                metres = float(depth_z[int(y * depth_z.shape[0]), int(x * depth_z.shape[1])])
            values = np.array([2 * x - 1, 2 * y - 1, _log(metres), np.nan, np.nan], np.float32)
            found.append(Mention(match.end() - 1, share.ravel(), values))
        return found

    def cell_values(self) -> np.ndarray:
        """(h * w, 5) VALUES of each image token: its own middle and median depth, the size of the thing in it.

        The thing is that of most of its pixels; nan = unknown, sky, no thing.
        """
        height, width = self.grid
        values = np.full((height, width, len(VALUES)), np.nan, np.float32)
        values[..., 0] = (2 * np.arange(width) + 1) / width - 1
        values[..., 1] = (2 * np.arange(height) + 1)[:, None] / height - 1
        values = values.reshape(-1, len(VALUES))
        if self.depth_z is not None:
            values[:, 2] = [_log(metres) for metres in _medians(self.depth_z, self.grid)]
        most, things = self._most(), {thing["instance"] for thing in self.things}
        for instance in set(most.tolist()):
            if instance in things:
                values[most == instance, 3:] = self._values(instance, math.nan)[3:]
        return values

    def shares(self, number: int) -> np.ndarray:
        """(h * w,) how much of each image token an instance covers, 0 to 1."""
        return (self.in_cells[:, number] / self.in_cells.sum(1).clip(min=1)).astype(np.float32)

    @cached_property
    def _calls(self) -> list[tuple[str, str]]:
        """What each thing is called where no other is called so."""
        return [(f"{thing['colour']} {thing['kind']}", f"the {thing['kind']}") for thing in self.things]

    def _values(self, number: int, depth_z: float) -> np.ndarray:
        """VALUES of an instance from its visible pixels and its depth in metres."""
        (x, width), (y, height) = (_along(pixels[:, number]) for pixels in (self.in_columns, self.in_rows))
        return np.array([x, y, _log(depth_z), width, height], np.float32)

    def _most(self) -> np.ndarray:
        """(h * w,) the instance of most pixels of each image token."""
        if _even(self.instance.shape, self.grid):
            return self.in_cells.argmax(1)
        return np.array([np.bincount(cell).argmax() for cell in _uneven(self.instance, self.grid)])


def _pixels_in(part: np.ndarray, parts: int, instance: np.ndarray) -> np.ndarray:
    """(parts, instances): pixels of each instance in each part of a picture; part: of each pixel of instance (H, W)."""
    count = int(instance.max()) + 1
    return np.bincount((part * count + instance).ravel(), minlength=parts * count).reshape(parts, count)


def _along(pixels: np.ndarray) -> tuple[float, float]:
    """A thing's pixels in each column (or row) -> their median's place from the centre and its size, in half sides."""
    at, side = np.repeat(np.arange(len(pixels)), pixels), len(pixels)
    median = (at[(len(at) - 1) // 2] + at[len(at) // 2]) / 2
    return 2 * (median + 0.5) / side - 1, 2 * (at[-1] - at[0] + 1) / side


def _medians(map_: np.ndarray, grid: tuple[int, int]) -> list[float]:
    """The median of each cell of the grid (h, w), h * w of them."""
    (height, width), (h, w) = map_.shape, grid
    if _even(map_.shape, grid):
        cells = map_.reshape(h, height // h, w, width // w).swapaxes(1, 2).reshape(h * w, -1)
        return np.median(cells, axis=1).tolist()
    return [float(np.median(cell)) for cell in _uneven(map_, grid)]


def _even(shape: tuple[int, ...], grid: tuple[int, int]) -> bool:
    return not any(n % cells for n, cells in zip(shape, grid, strict=True))


def _uneven(map_: np.ndarray, grid: tuple[int, int]) -> list[np.ndarray]:
    """What lies in each cell of a grid (h, w) that does not divide the map: h * w of them, one pixel each at least."""
    rows, columns = (
        [slice(i * n // cells, max(i * n // cells + 1, (i + 1) * n // cells)) for i in range(cells)]
        for n, cells in zip(map_.shape, grid, strict=True)
    )
    return [map_[row, column].ravel() for row in rows for column in columns]


def _log(metres: float) -> float:
    return math.log(metres) if 0 < metres < math.inf else math.nan


def _end_of(phrase: str, kind: str, question: str) -> int | None:
    """Index of the phrase's last character where the question holds it as whole words; a bus shelter is no bus."""
    if phrase not in question:
        return None
    match = _whole_words(phrase, kind).search(question)
    return None if match is None else match.end() - 1


@lru_cache(maxsize=4096)
def _whole_words(phrase: str, kind: str) -> re.Pattern[str]:
    longer = "|".join(re.escape(other[len(kind) :]) for other in KINDS if other.startswith(f"{kind} "))
    return re.compile(rf"\b{re.escape(phrase)}\b" + (rf"(?!(?:{longer})\b)" if longer else ""))


def tokens_of(tokenizer: Any, question: str, ids: list[int], characters: list[int]) -> list[int]:
    """Where in `ids`, which hold the question's tokens somewhere, the token of each of its characters is."""
    if not characters:
        return []
    own = tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)
    first = next((k for k in range(len(ids)) if ids[k : k + len(own.input_ids)] == own.input_ids), None)
    if first is None:  # the chat template's last word melted with the question's first
        return []
    of = {c: k for k, (start, end) in enumerate(own.offset_mapping) for c in range(start, end)}
    return [first + of[c] for c in characters]


@dataclass
class Seen:
    """What went by in one pass: of every taught layer its attention, that one's input and rotary positions; and the
    hidden states (B, L, C) that `places`, `cells` and `answers` read."""

    attentions: dict[int, tuple[nn.Module, Tensor, tuple[Tensor, Tensor]]] = field(default_factory=dict)
    hidden: dict[str, Tensor] = field(default_factory=dict)


class Guide:
    """The losses, on what went through the chosen layers during one pass."""

    def __init__(self, options: GuideOptions, backbone: Any):
        text = backbone.config.get_text_config()
        if backbone.config.model_type != FAMILY:
            raise InputError("guide", f"a {backbone.config.model_type} backbone", FAMILY)
        spare = text.num_attention_heads - (NAMED if options.answers is not None else 0)  # those of `answers`
        for name, values, most in (
            ("layers", options.layers, text.num_hidden_layers),
            ("head", [options.head], spare),
            ("places", [options.places or 0], text.num_hidden_layers),
            ("cells", [options.cells or 0], text.num_hidden_layers),
            ("answers", [options.answers or 0], text.num_hidden_layers),
        ):
            for value in values:
                if not 0 <= value < most:
                    raise InputError(f"guide.{name}", f"there is no {value}", f"0 to {most - 1}")
        self.options = options
        layers = backbone.model.language_model.layers
        read_at = {"places": options.places, "cells": options.cells, "answers": options.answers}
        self.read_at = {name: layers[number] for name, number in read_at.items() if number is not None}
        taught = {*options.layers, *([options.answers] if options.answers is not None else [])}
        self.attentions = {number: layers[number].self_attn for number in sorted(taught)}
        own = torch.Generator().manual_seed(0)
        self.readers = torch.randn(1 + NAMED, len(VALUES), text.hidden_size, generator=own) / text.hidden_size**0.5

    @contextmanager
    def watching(self) -> Iterator[Seen]:
        """Filled by the pass inside."""
        seen = Seen()

        def keeping(number: int) -> Callable[[nn.Module, tuple, dict[str, Any], Any], None]:
            def keep(module: nn.Module, args: tuple, kwargs: dict[str, Any], _out: Any) -> None:
                hidden = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
                seen.attentions[number] = module, hidden, kwargs["position_embeddings"]

            return keep

        def keeping_hidden(name: str) -> Callable[[nn.Module, tuple, Any], None]:
            def keep(_module: nn.Module, _args: tuple, out: Any) -> None:
                seen.hidden[name] = out[0] if isinstance(out, tuple) else out

            return keep

        hooks = [each.register_forward_hook(keeping(n), with_kwargs=True) for n, each in self.attentions.items()]
        hooks += [layer.register_forward_hook(keeping_hidden(name)) for name, layer in self.read_at.items()]
        try:
            yield seen
        finally:
            for hook in hooks:
                hook.remove()

    def losses(self, seen: Seen, mask: Tensor, looks: dict[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
        """name -> (sum, count). mask (B, 1, L, L) bool; looks: row, token, last, order (M,), share (M, L), values

        (M, 5), and with `cells` cell_row, cell_token (N,), cell_values (N, 5): see `train.data.batches`.
        """
        row, token, share = looks["row"], looks["token"], looks["share"]
        total = share.new_zeros(())
        for layer in self.options.layers:
            total = total - (share * self._logs(seen, layer, self.options.head, mask, row, token)).sum()
        losses = {"guide": (total, torch.tensor(len(row) * len(self.options.layers), device=share.device))}
        if self.options.places is not None:
            losses["places"] = self._held(seen.hidden["places"][row, token], looks["values"])
        if self.options.cells is not None:
            shown = seen.hidden["cells"][looks["cell_row"], looks["cell_token"]]
            losses["cells"] = self._held(shown, looks["cell_values"])
        if self.options.answers is not None:
            losses |= self._answers(seen, mask, looks, self.options.answers)
        return losses

    def _answers(
        self, seen: Seen, mask: Tensor, looks: dict[str, Tensor], layer: int
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """`answers_look`: - log(attention) from a question's last token to the token of each name; `answers_hold`."""
        look, hold = [], []
        for order in range(NAMED):
            here = (looks["order"] == order).nonzero()[:, 0]
            row, last, token = (looks[key][here] for key in ("row", "last", "token"))
            logs = self._logs(seen, layer, self.options.head + 1 + order, mask, row, last)
            look.append((-logs.gather(1, token[:, None]).sum(), torch.tensor(len(token), device=token.device)))
            hold.append(self._held(seen.hidden["answers"][row, last], looks["values"][here], 1 + order))
        parts = {"answers_look": look, "answers_hold": hold}
        return {name: (sum(t for t, _ in each), sum(n for _, n in each)) for name, each in parts.items()}  # type: ignore[misc]

    def _logs(self, seen: Seen, layer: int, head: int, mask: Tensor, row: Tensor, token: Tensor) -> Tensor:
        """(M, L): log of what a head of decoder layer `layer` attends to, from tokens (row, token)."""
        scores = attention_scores(seen.attentions[layer][0], head, *seen.attentions[layer][1:], row, token)
        return scores.masked_fill(~mask[row, 0, token], -1e4).log_softmax(-1)

    def _held(self, hidden: Tensor, values: Tensor, reader: int = 0) -> tuple[Tensor, Tensor]:
        """How far hidden states (M, C) are from holding VALUES (M, 5), nan = unknown: sum and count."""
        return masked_sum((self.read(hidden, reader) - values.nan_to_num()).abs(), values.isfinite())

    def read(self, hidden: Tensor, reader: int = 0) -> Tensor:
        """Hidden states (M, C) -> what they say of VALUES (M, 5): a fixed linear map of them at unit mean square.

        reader: 0 of what a token itself stands for, n of the question's n-th thing.
        """
        hidden = hidden.float()
        self.readers = self.readers.to(hidden.device)
        scaled = hidden * (hidden.square().mean(-1, keepdim=True) + 1e-6).rsqrt()
        return scaled @ self.readers[reader].T


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
