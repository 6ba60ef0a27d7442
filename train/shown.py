"""What a question names or points at, and what the image tokens show of it: from the truth of a picture.

Names are read off the question's own words ("the red chair", "a laptop", "people", "(250, 500)"), so that any question
about known kinds of things will do, also one about what is not there. `train.guide` teaches with what is found here.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from train.worlds.asking.phrases import plural
from train.worlds.asking.seen import SPECK
from train.worlds.things import COLOURS, KINDS, THINGS

VALUES = ("x", "y", "log_depth_z", "width", "height", "there", "log_count")
"""Of what is named: its middle from the picture's, in half sides; log of its metres over USUAL; its size, in half

sides; 1, or -1 where there is nothing of that name; log(1 + how many) there are of what a kind's name stands for.
"""
USUAL = 4.0
"""Metres that are held as 0: log depths of either sign take less of a hidden state than large ones of one sign."""
ABSENT = (*[math.nan] * 5, -1.0, 0.0)
PLACE = re.compile(r"\((\d{1,4}), (\d{1,4})\)")
ARTICLE = re.compile(r"(?:(?:[Tt]he|[Aa]n?) (?=\S))?")
NO_NAMES = ("as a box", "a box around", "the box that holds")

_KIND_OF = {name: kind for kind in THINGS for name in (kind, plural(kind))}
_KINDS, _COLOURS = "|".join(sorted(_KIND_OF, key=len, reverse=True)), "|".join(COLOURS[1:])
_NAME = re.compile(rf"\b(?:([Tt]he|[Aa]n?(?: flight of)?) )?(?:({_COLOURS}) )?({_KINDS})\b")


@dataclass(frozen=True)
class Mention:
    """Something that a question names or points at.

    first, last: indices of its characters in the question, articles apart; share (h * w,): of each image token in what
    it stands for, sum 1, or 0 where nothing is; values (7,): VALUES, nan = unknown; kind, colour: numbers in KINDS and
    COLOURS, -1 = unknown.
    """

    first: int
    last: int
    share: np.ndarray
    values: np.ndarray
    kind: int = -1
    colour: int = -1


class Pictured:
    """What one picture shows in its image tokens, measured once for all that is asked about it.

    things: dictionaries with kind, colour and instance, as `fathom worlds` writes them; labels: instance (H, W) whole
    numbers from 0, which of them each pixel shows, and where known kind and colour (H, W): numbers in KINDS, COLOURS.
    depth_z (H', W') metres, None = unknown. grid (h, w): the image tokens.
    """

    def __init__(
        self,
        things: list[dict[str, Any]],
        labels: dict[str, np.ndarray],
        depth_z: np.ndarray | None,
        grid: tuple[int, int],
    ):
        self.things, self.labels, self.depth_z, self.grid = things, labels, depth_z, grid
        self.instance = labels["instance"]
        height, width = self.instance.shape
        rows, columns = np.arange(height), np.arange(width)
        self.cells = (rows * grid[0] // height)[:, None] * grid[1] + columns * grid[1] // width
        self.in_cells = _pixels_in(self.cells, grid[0] * grid[1], self.instance)
        self.in_columns = _pixels_in(columns, width, self.instance)
        self.in_rows = _pixels_in(rows[:, None], height, self.instance)
        self.seen = set(np.flatnonzero(self.in_rows.any(0)).tolist())

    def mentions(self, question: str) -> list[Mention]:
        """What a question names or points at, with the image tokens that show it.

        A name of one thing that two share is left out; so is one of things that are hardly or not to be seen. That
        nothing of a name is there is told only where the labels have kind and colour.
        """
        return [*self._named(question), *self._points(question)]

    def _named(self, question: str) -> Iterator[Mention]:
        for phrase in NO_NAMES:
            question = question.replace(phrase, "." * len(phrase))
        for match in _NAME.finditer(question):
            article, colour, name = match.groups()
            kind = _KIND_OF[name]
            several = name != kind or (article is not None and article.lower() != "the")
            if not several and article is None and colour is None:
                continue  # a bare kind: one of several options
            called = [t for t in self.things if t["kind"] == kind and colour in (None, t.get("colour"))]
            there = [t for t in called if t["instance"] in self.seen]
            plain = all(t.get("visible", 1) > SPECK for t in there)
            code = KINDS.index(kind), _number(COLOURS, colour)
            ends = match.start(3 if colour is None else 2), match.end() - 1
            if not called:
                if self._nowhere(*code):
                    none = np.zeros(len(self.in_cells), np.float32)
                    yield Mention(*ends, none, np.array(ABSENT, np.float32), *code)
            elif several and plain and len(there) == len(called):
                values = [math.nan] * 5 + [1.0, math.log1p(len(there))]
                yield Mention(*ends, self._share(there), np.array(values, np.float32), *code)
            elif not several and len(called) == len(there) == 1:
                (thing,) = there
                values = self._values(thing["instance"], float(thing.get("depth_z", math.nan)))
                yield Mention(*ends, self._share(there), values, code[0], _number(COLOURS, thing.get("colour")))

    def _points(self, question: str) -> Iterator[Mention]:
        for match in PLACE.finditer(question):
            x, y = (min(int(value), 999) / 1000 for value in match.groups())
            share = np.zeros(self.grid, np.float32)
            share[int(y * self.grid[0]), int(x * self.grid[1])] = 1
            metres = math.nan if self.depth_z is None else float(_at(self.depth_z, x, y))
            values = np.full(len(VALUES), np.nan, np.float32)
            values[:3] = 2 * x - 1, 2 * y - 1, _log(metres)
            kind, colour = (int(_at(self.labels[k], x, y)) if k in self.labels else -1 for k in ("kind", "colour"))
            kind, colour = (kind if kind < len(KINDS) else -1), (colour if colour < len(COLOURS) else -1)
            yield Mention(match.start(), match.end() - 1, share.ravel(), values, kind, colour)

    def _nowhere(self, kind: int, colour: int) -> bool:
        """Whether no pixel, however small the thing, shows the kind in that colour (-1 = any)."""
        if "kind" not in self.labels or "colour" not in self.labels:
            return False
        here = self.labels["kind"] == kind
        return not (here if colour < 0 else here & (self.labels["colour"] == colour)).any()

    def cell_values(self) -> np.ndarray:
        """(h * w, 7) VALUES of each image token: its own middle and median depth, the size of the thing in it.

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
                values[most == instance, 3:5] = self._values(instance, math.nan)[3:5]
        return values

    def cell_names(self) -> np.ndarray:
        """(h * w, 2) what most of each image token shows: numbers in KINDS and COLOURS, -1 = the labels do not say."""
        if "kind" not in self.labels:
            return np.full((len(self.in_cells), 2), -1)
        kind = self.labels["kind"].astype(int)
        colour = self.labels.get("colour", np.zeros_like(kind)).astype(int)
        known = (kind < len(KINDS)) & (colour < len(COLOURS))
        both = np.where(known, 1 + kind * len(COLOURS) + colour, 0)
        most = _pixels_in(self.cells, len(self.in_cells), both).argmax(1) - 1
        names = np.stack([np.where(most < 0, -1, part) for part in np.divmod(most, len(COLOURS))], 1)
        if "colour" not in self.labels:
            names[:, 1] = -1
        return names

    @cached_property
    def shares(self) -> np.ndarray:
        """(h * w, instances) how much of each image token an instance covers, 0 to 1."""
        return (self.in_cells / self.in_cells.sum(1, keepdims=True).clip(min=1)).astype(np.float32)

    def _share(self, things: list[dict[str, Any]]) -> np.ndarray:
        share = self.shares[:, [thing["instance"] for thing in things]].sum(1)
        return share / share.sum()

    def _values(self, number: int, depth_z: float) -> np.ndarray:
        """VALUES of one thing from its visible pixels and its depth in metres."""
        (x, width), (y, height) = (_along(pixels[:, number]) for pixels in (self.in_columns, self.in_rows))
        return np.array([x, y, _log(depth_z), width, height, 1, math.nan], np.float32)

    def _most(self) -> np.ndarray:
        """(h * w,) the instance of most pixels of each image token."""
        if _even(self.instance.shape, self.grid):
            return self.in_cells.argmax(1)
        return np.array([np.bincount(cell).argmax() for cell in _uneven(self.instance, self.grid)])


def _at(map_: np.ndarray, x: float, y: float) -> Any:
    """What a map (h, w) has at a place in shares of its sides, under 1."""
    return map_[int(y * map_.shape[0]), int(x * map_.shape[1])]


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
    return math.log(metres / USUAL) if 0 < metres < math.inf else math.nan


def _number(names: tuple[str, ...], name: str | None) -> int:
    return names.index(name) if name in names else -1


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


def first_word(answer: str) -> int:
    """Where an answer's first word begins that is no article: an article tells little of what the answer is."""
    return ARTICLE.match(answer).end()  # type: ignore[union-attr]


def copied(question: str, answer: str, mentions: list[Mention]) -> list[tuple[int, int]]:
    """(character of the answer, that of the question) wherever the answer repeats a name of the question."""
    asked = {question[mention.first : mention.last + 1]: mention.first for mention in mentions}
    pairs = []
    for match in _NAME.finditer(answer):
        start = match.start(3 if match[2] is None else 2)
        first = asked.get(answer[start : match.end()])
        if first is not None:
            pairs += [(start + k, first + k) for k in range(match.end() - start)]
    return pairs
