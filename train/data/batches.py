"""Samples -> keyword arguments of `Fathom.forward` for every family, with truth for every head.

Qwen families: the conversations about a sample's pictures share them and do not see each other: each continues
the pictures' prefix at the same rotary position, under a block mask. That is how `Scene.ask` will put them later,
and a picture is encoded once for all of them. Other families (and `pack=False`): one row a sample, its
conversations one after the other as turns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from train.asked import compared, number_of
from train.data.conversations import joined, only_exchange, told
from train.data.samples import Sample, View
from train.data.truth import dense_size, depth_truth, label_truth, ray_truth
from train.data.windows import Window
from train.shown import VALUES, Mention, Pictured, copied, first_word, tokens_of
from train.taught import GuideOptions
from vlm.backbones.common import counted_positions
from vlm.images import Photo, Plan, fit_to_budget, prepare
from vlm.processor import FathomProcessor

LABELS = ["kind", "colour"]
SMALL = 64  # px: side of the picture that keeps a batch of text company


@dataclass(frozen=True)
class Look:
    """A token of a row that names or points at something in the row's picture."""

    token: int
    last: int  # the token before its answer's first word, articles apart
    order: int  # which of its question's things it is, from 0
    image: int  # the row's first image token
    told: bool  # whether its question is one of those that are told the truth
    compared: tuple[int, int]  # see `train.asked.compared`; (-1, 0) where its question compares no two things
    at: Mention


@dataclass(frozen=True)
class Looks:
    """What the guide is told of one row: looks; copies: (token before a repeated one, the one that it repeats);

    numbers: (token before it, number) of answers that begin with one; image: the row's first image token; cells (N, 7),
    names (N, 2): VALUES, kind and colour from there on, none where they are not asked for.
    """

    looks: list[Look]
    copies: list[tuple[int, int]]
    numbers: list[tuple[int, float]]
    image: int
    cells: np.ndarray
    names: np.ndarray


class Collator:
    """heads: the model's own (name -> Head), or their names where they are made as by default.

    pack: whether conversations share a row, where the family can. always_picture: a batch of text alone gets a row
    with a small picture and no truth, so that every process of a run uses every weight in every step. guide: also
    tell where each question looks and what is there (`looks`), as far as these options ask for it; packed rows only.
    """

    def __init__(
        self,
        processor: FathomProcessor,
        heads: Any = (),
        pack: bool = True,
        always_picture: bool = False,
        guide: GuideOptions | None = None,
    ):
        self.processor, self.always_picture, self.guide = processor, always_picture, guide
        self.heads = {name: _facts(heads[name]) if _named(heads) else None for name in heads}
        self.pack = pack and processor.family.text_positions(0, 1, torch.device("cpu")).ndim == 3

    def __call__(self, samples: list[Sample]) -> dict[str, Any]:
        if self.always_picture and not any(sample.views for sample in samples):
            samples = [*samples, Sample([View(np.zeros((SMALL, SMALL, 3), np.uint8))], [])]
        views = [sample.views for sample in samples]
        plans = [[self._plan(view, len(row)) for view in row] for row in views]
        pictures, grids, batch = self._pictures(views, plans)
        rows = [self._row(sample, grid) for sample, grid in zip(samples, grids, strict=True)]
        batch |= self._stack(rows)
        if self.guide is not None:
            found = [self._shown(*each, self.guide) for each in zip(samples, grids, rows, strict=True)]
            batch["looks"] = stack_looks(found, batch["input_ids"].shape[1], self.guide)
        if pictures is not None:
            batch["truth"] = self._truth(views, plans, grids)
        return batch

    # ---- pictures --------------------------------------------------------------------------------------------

    def _plan(self, view: View, count: int) -> Plan:
        """The network's size, as `vlm.look` chooses it: heads that want a certain fx get it where it is known."""
        height, width = view.image.shape[:2]
        wanted = getattr(self.heads.get("depth"), "network_fx", None)
        if wanted is None or view.camera is None:
            return self.processor.plan(width, height, count)
        processor = self.processor
        wanted_scale = wanted / view.camera.fx
        return fit_to_budget(width, height, processor.factor, max_pixels=processor.max_pixels, wanted=wanted_scale)

    def _pictures(
        self, views: list[list[View]], plans: list[list[Plan]]
    ) -> tuple[Tensor | None, list[list[list[int]]], dict[str, Any]]:
        """pixel_values, the rows (t, h, w) of every sample's images, and both as arguments of forward."""
        flat = [(view, plan) for row, ps in zip(views, plans, strict=True) for view, plan in zip(row, ps, strict=True)]
        if not flat:
            return None, [[] for _ in views], {}
        prepared = [prepare(Photo(view.image, None, "", "image"), plan) for view, plan in flat]
        pixel_values, grid_thw = self.processor.pixels(prepared, [len(row) for row in views if row])
        left = iter(grid_thw.tolist())
        grids = [[next(left) for _ in row] for row in views]
        return pixel_values, grids, {"pixel_values": pixel_values, "image_grid_thw": grid_thw}

    def _sizes(self, grid: list[int]) -> tuple[int, int]:
        """(h, w) of an image's token grid."""
        if self.processor.config is not None:
            return self.processor.family.token_sizes(torch.tensor([grid]), self.processor.config)[0]
        merge = self.processor.image_processor.merge_size
        return grid[1] // merge, grid[2] // merge

    # ---- text ------------------------------------------------------------------------------------------------

    def _row(self, sample: Sample, grids: list[list[int]]) -> dict[str, Tensor]:
        """ids, labels (L,); block (L,): 0 = the pictures' prefix, n = the n-th conversation; position where packed."""
        processor = self.processor
        if not sample.conversations:
            prefix = processor.split_prompt("?", grids)[0]
            return self._pack([(prefix, [-100] * len(prefix))], grids)
        conversations = sample.conversations
        if not self.pack and len(conversations) > 1:
            conversations = [joined(conversations)]
        return self._pack([told(processor, messages, grids) for messages in conversations], grids)

    def _pack(self, conversations: list[tuple[list[int], list[int]]], grids: list[list[int]]) -> dict[str, Tensor]:
        """Conversations that begin with the same images -> one row in which each of them follows these."""
        first, first_labels = conversations[0]
        shared = len(first) - first[::-1].index(self.processor.image_token_id) if grids else 0
        ids, labels, block = first[:shared], first_labels[:shared], [0] * shared
        for number, (own_ids, own_labels) in enumerate(conversations, 1):
            assert own_ids[:shared] == first[:shared]
            ids, labels = ids + own_ids[shared:], labels + own_labels[shared:]
            block += [number] * (len(own_ids) - shared)
        row = {"ids": torch.tensor(ids), "labels": torch.tensor(labels), "block": torch.tensor(block)}
        if self.pack:
            prefix = self._positions(first[:shared], [self._sizes(grid) for grid in grids])
            after = int(prefix.max()) + 1 if shared else 0
            lengths = [len(own_ids) - shared for own_ids, _ in conversations]
            parts = [np.tile(after + np.arange(length), (3, 1)) for length in lengths]
            row["position"] = torch.from_numpy(np.concatenate([prefix, *parts], 1))
        return row

    def _shown(self, sample: Sample, grids: list[list[int]], row: dict[str, Tensor], guide: GuideOptions) -> Looks:
        """What the questions about a sample's one picture, seen whole, name or point at. Nothing of other samples."""
        none = np.zeros((0, len(VALUES)), np.float32), np.zeros((0, 2), int)
        if not _shows_things(sample):
            return Looks([], [], [], 0, *none)
        view, tokenizer = sample.views[0], self.processor.tokenizer
        shown = Pictured(view.things, view.labels, view.depth_z, self._sizes(grids[0]))
        image = int((row["ids"] == self.processor.image_token_id).nonzero()[0, 0])
        found, copies, numbers = [], [], []
        for number, messages in enumerate(sample.conversations, 1):
            exchange = only_exchange(messages)
            own = (row["block"] == number).nonzero()[:, 0].tolist()
            if exchange is None or not own:
                continue
            named, begin, end = shown.mentions(exchange[0]), own[0], own[-1] + 1
            ids = row["ids"][begin:end].tolist()
            answer = begin + int((row["labels"][begin:end] != -100).nonzero()[0, 0])
            word = [first_word(exchange[1])] if exchange[1] else []
            last = answer + sum(tokens_of(tokenizer, exchange[1], ids[answer - begin :], word)) - 1
            said = number_of(exchange[1])
            numbers += [] if said is None else [(last, said)]
            pairs = copied(*exchange, named) if guide.copies is not None else []
            asked = [mention.last for mention in named] + [of for _, of in pairs]
            places = [begin + place for place in tokens_of(tokenizer, exchange[0], ids, asked)]
            tokens = sorted(zip(places, named, strict=False), key=lambda look: look[0])
            told_ = guide.told is not None and number % guide.told == 0
            asks = (compared(*exchange, named) if guide.chosen is not None else None) or (-1, 0)
            found += [Look(token, last, i, image, told_, asks, mention) for i, (token, mention) in enumerate(tokens)]
            repeats = tokens_of(tokenizer, exchange[1], ids[answer - begin :], [to for to, _ in pairs])
            copies += {answer + r - 1: of for r, of in zip(repeats, places[len(named) :], strict=False)}.items()
        return Looks(
            found, copies, numbers, image, *(none if guide.cells is None else (shown.cell_values(), shown.cell_names()))
        )

    def _positions(self, ids: list[int], sizes: list[tuple[int, int]]) -> np.ndarray:
        """(3, L) Qwen's rotary positions (time, height, width): text counts on behind an image's longer side."""
        parts, start, i, left = [np.zeros((3, 0), int)], 0, 0, iter(sizes)
        while i < len(ids):
            if ids[i] == self.processor.image_token_id:
                h, w = next(left)
                y, x = np.divmod(np.arange(h * w), w)
                parts.append(start + np.stack([np.zeros(h * w, int), y, x]))
                i, start = i + h * w, start + max(h, w)
            else:
                parts.append(np.full((3, 1), start))
                i, start = i + 1, start + 1
        return np.concatenate(parts, 1)

    def _stack(self, rows: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Rows -> input_ids, labels (B, L), and attention_mask and position_ids as the family takes them."""
        length, count = max(len(row["ids"]) for row in rows), len(rows)
        ids = torch.full((count, length), self.processor.end_id)
        labels, block = torch.full((count, length), -100), torch.full((count, length), -1)
        for b, row in enumerate(rows):
            n = len(row["ids"])
            ids[b, :n], labels[b, :n], block[b, :n] = row["ids"], row["labels"], row["block"]
        stacked = {"input_ids": ids, "labels": labels}
        if self.pack:
            positions = torch.zeros(3, count, length, dtype=torch.long)
            for b, row in enumerate(rows):
                positions[:, b, : len(row["ids"])] = row["position"]
            return stacked | {"position_ids": positions, "attention_mask": block_mask(block)}
        present = block >= 0
        if self.processor.family.IMAGE_SEES_QUESTION:
            mask = prefix_mask(labels, present)
            return stacked | {"position_ids": counted_positions(ids, present, first=1), "attention_mask": mask}
        return stacked | {"attention_mask": present.long()}

    # ---- truth -----------------------------------------------------------------------------------------------

    def _truth(self, views: list[list[View]], plans: list[list[Plan]], grids: list[list[list[int]]]) -> dict[str, Any]:
        truth: dict[str, Any] = {}
        flat = [
            (view, plan, grid)
            for row in zip(views, plans, grids, strict=True)
            for view, plan, grid in zip(*row, strict=True)
        ]
        if "depth" in self.heads:
            head = self.heads["depth"]
            by_fx = getattr(head, "network_fx", None) is not None
            truth["depth"] = [
                depth_truth(view, plan, dense_size(head, (grid[1], grid[2]), self._sizes(grid)), by_fx)
                for view, plan, grid in flat
            ]
        if "labels" in self.heads:
            names = list(getattr(self.heads["labels"], "classes", LABELS))
            truth["labels"] = [label_truth(view, plan, names) for view, plan, _ in flat]
        if "rays" in self.heads:
            with_images = [(row, ps) for row, ps in zip(views, plans, strict=True) if row]
            truth["rays"] = ray_truth([row for row, _ in with_images], [ps for _, ps in with_images])
        return truth


def stack_looks(rows: Sequence[Looks], length: int, guide: GuideOptions) -> dict[str, Tensor]:
    """The rows' looks -> row, token, last, order, kind, colour (M,), told (M,) bool, share (M, length), values (M, 7).

    With `guide.chosen` also value and side (M,), as `train.asked` has them, -1 and 0 = none; with `guide.cells`
    cell_row, cell_token, cell_kind, cell_colour (N,), cell_values (N, 7); with `guide.numbers` number_row,
    number_token, number (K,) float; with `guide.copies` copy_row, copy_token, copy_of (K,).
    """
    flat = [(number, look) for number, row in enumerate(rows) for look in row.looks]
    share, values = torch.zeros(len(flat), length), torch.zeros(len(flat), len(VALUES))
    for m, (_, look) in enumerate(flat):
        share[m, look.image : look.image + len(look.at.share)] = torch.from_numpy(look.at.share)
        values[m] = torch.from_numpy(look.at.values)
    names = ("row", "token", "last", "order", "kind", "colour")
    looks = _columns(names, [(b, k.token, k.last, k.order, k.at.kind, k.at.colour) for b, k in flat])
    looks |= {"share": share, "values": values, "told": torch.tensor([look.told for _, look in flat], dtype=torch.bool)}
    if guide.chosen is not None:
        looks |= _columns(("value", "side"), [look.compared for _, look in flat])
    if guide.cells is not None:
        cells = [(b, row.image + k, *name) for b, row in enumerate(rows) for k, name in enumerate(row.names.tolist())]
        looks |= _columns(("cell_row", "cell_token", "cell_kind", "cell_colour"), cells)
        looks["cell_values"] = torch.from_numpy(np.concatenate([row.cells for row in rows]))
    if guide.numbers is not None:
        numbers = [(b, *pair) for b, row in enumerate(rows) for pair in row.numbers]
        looks |= _columns(("number_row", "number_token"), [pair[:2] for pair in numbers])
        looks["number"] = torch.tensor([pair[2] for pair in numbers], dtype=torch.float32)
    if guide.copies is not None:
        looks |= _columns(
            ("copy_row", "copy_token", "copy_of"), [(b, *pair) for b, r in enumerate(rows) for pair in r.copies]
        )
    return looks


def _columns(names: tuple[str, ...], rows: list[tuple[int, ...]]) -> dict[str, Tensor]:
    return dict(zip(names, torch.tensor(rows, dtype=torch.long).reshape(-1, len(names)).unbind(1), strict=True))


def _shows_things(sample: Sample) -> bool:
    """One picture, seen whole, whose things are known."""
    return len(sample.views) == 1 and sample.views[0].window == Window() and "instance" in sample.views[0].labels


def block_mask(block: Tensor) -> Tensor:
    """block (B, L), -1 = padding -> (B, 1, L, L) bool: a token sees its own block and block 0, up to itself."""
    query, key = block[:, :, None], block[:, None, :]
    causal = torch.ones(block.shape[1], block.shape[1], dtype=torch.bool).tril()
    return (causal & ((key == query) | (key == 0)))[:, None]


def prefix_mask(labels: Tensor, present: Tensor) -> Tensor:
    """(B, 1, L, L) bool: what comes before the first answer sees all of itself, the rest what comes before it."""
    length = labels.shape[1]
    answered = torch.cummax((labels != -100).long(), 1).values.bool()
    prefix = ~answered & present
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    both_ways = prefix[:, :, None] & prefix[:, None, :]
    padding = ~present[:, :, None] & torch.eye(length, dtype=torch.bool)  # a row of nothing would be nan
    return (((causal & present[:, :, None] & present[:, None, :]) | both_ways) | padding)[:, None]


def _facts(head: Any) -> SimpleNamespace:
    """What truth must know of a head: no weights, for those would travel to every worker process."""
    names = ("taps", "stride", "network_fx", "classes")
    return SimpleNamespace(**{name: getattr(head, name) for name in names if hasattr(head, name)})


def _named(heads: Any) -> bool:
    return isinstance(heads, Mapping | torch.nn.ModuleDict)
