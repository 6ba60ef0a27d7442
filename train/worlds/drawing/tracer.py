"""Rays after the first: what stands before a light, and what a polished surface mirrors.

Rays of one scene that start close together go in bundles of 32. What a bundle misses as a whole is dropped before any
exact test: first things by the balls and the boxes around them, then their parts by their boxes. Round edges and ends
are taken for sharp ones here: what a shadow or a mirror image would show of them is below a pixel.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..things import SHAPES
from .batch import Batch, Rows
from .groups import grouped, starts
from .rays import hit
from .vectors import length, unit

PAIRS = {"cpu": 2048, "gpu": 1 << 17}
"""Bundles times parts that are intersected at once: on a CPU they are to stay in its cache."""
BUNDLE = 32
_PLAIN = torch.tensor([{"capsule": 2, "rounded box": 0}.get(name, i) for i, name in enumerate(SHAPES)])


class Tracer:
    """The shapes of the scenes of a batch, ready for rays; those that follow each other should start close together."""

    def __init__(self, batch: Batch, casts: np.ndarray):
        """casts (P,) bool: the parts that cast shadows."""
        self.batch, self.device = batch, batch.device
        self.shape = _PLAIN.to(self.device).index_select(0, batch.column("shape"))
        self._casting = _Things(batch, casts)
        self._all = _Things(batch, np.ones(len(casts), bool))

    def blocked(self, origin: Tensor, ray: Tensor, rows: Rows) -> Tensor:
        """(N,) bool: rays that meet a casting part of their scene at 0 < t < 1. origin, ray (N, 3)."""
        if not len(ray):
            return torch.zeros(0, dtype=torch.bool, device=self.device)
        bundles = _Bundles(rows)
        origin, ray = bundles.of(origin), bundles.of(ray)
        found = torch.zeros(ray.shape[:2], device=self.device)
        for k, _, t in self._meet(origin, ray, bundles.rows, self._casting, 1.0):
            found.index_add_(0, k, (t < 1).float())
        return bundles.back(found) > 0

    def nearest(self, origin: Tensor, ray: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
        """t (N,), inf where nothing is met, and the index of the part met first, -1 where none.

        Bundles that spread by more than about 37 degrees are not followed: they count as meeting nothing.
        """
        if not len(ray):
            return ray.new_zeros(0), torch.zeros(0, dtype=torch.long, device=self.device)
        bundles = _Bundles(rows)
        origin, ray = bundles.of(origin), bundles.of(ray)
        best = torch.full(ray.shape[:2], torch.inf, device=self.device)
        which = torch.full((best.numel(),), -1, dtype=torch.long, device=self.device)
        narrow = (_Cones(origin, ray, torch.inf).cos > 0.8).nonzero()[:, 0]
        meets = list(self._meet(origin[narrow], ray[narrow], bundles.rows.at(narrow), self._all, torch.inf))
        meets = [(narrow[k], part, t) for k, part, t in meets]
        for k, _, t in meets:
            best.scatter_reduce_(0, k[:, None].expand_as(t), t, "amin")
        for k, part, t in meets:
            row, column = ((t == best[k]) & t.isfinite()).nonzero(as_tuple=True)
            which.scatter_reduce_(0, k[row] * BUNDLE + column, part[row], "amax")
        return bundles.back(best), bundles.back(which)

    def _meet(self, origin, ray, rows: Rows, things: _Things, reach: float):
        """Yields (bundle (n,), part (n,), t (n, 32)) for pairs that may meet at t < reach. origin, ray (T, 32, 3)."""
        if not len(origin):
            return
        bundle, part = self._pairs(_Cones(origin, ray, reach), rows, things)
        shape = self.shape.index_select(0, part)
        lines = torch.cat([origin, ray], 1).transpose(1, 2).contiguous()  # one product maps starts and directions
        batch, pairs = self.batch, PAIRS[self.batch.processor]
        order, present, sizes = grouped(shape)
        for index, chosen in zip(present, order.split(sizes), strict=True):
            for some in chosen.split(pairs):
                k, c = bundle.index_select(0, some), part.index_select(0, some)
                mapped = torch.bmm(batch.local.index_select(0, c), lines.index_select(0, k))
                start = mapped[..., :BUNDLE] - batch.shift.index_select(0, c)[..., None]
                yield k, c, hit(index, start, mapped[..., BUNDLE:], batch.extent.index_select(0, c), near=0.0)

    def _pairs(self, cones: _Cones, rows: Rows, things: _Things) -> tuple[Tensor, Tensor]:
        """(bundle, part): parts that bundles may touch."""
        bundle, thing = things.near(cones, rows)
        apex, box, shift, grow = (x.index_select(0, bundle) for x in (cones.apex, cones.box, cones.shift, cones.grow))
        middle, size = things.box.index_select(0, thing).unbind(1)
        keep = _touched(apex - middle, shift, size + 1.001 * box, grow, cones.reach).nonzero()[:, 0]
        bundle, part = things.parts(bundle.index_select(0, keep), thing.index_select(0, keep))
        apex, box, shift, grow = (x.index_select(0, bundle) for x in (cones.apex, cones.box, cones.shift, cones.grow))
        turn, size = self.batch("turn", part), self.batch("half", part)
        gap = apex - self.batch.column("centre").index_select(0, part)
        start, way = torch.bmm(torch.stack([gap, shift], 1), turn).unbind(1)  # along the part's axes
        wide, wider = torch.bmm(torch.stack([1.001 * box, grow], 1), turn.abs()).unbind(1)
        keep = _touched(start, way, size + wide, wider, cones.reach).nonzero()[:, 0]
        return bundle.index_select(0, keep), part.index_select(0, keep)


def _touched(start: Tensor, way: Tensor, room: Tensor, wider: Tensor, reach: float) -> Tensor:
    """(M,) bool: whether start + t * way lies within room + t * wider on all axes (M, 3) at some 0 < t < reach."""
    start, way, room, wider = (x.T.contiguous() for x in (start, way, room + 1e-3, wider))
    speed = torch.cat([way - wider, -way - wider])  # (6, M): speed * t <= limit
    speed = torch.where(speed.abs() < 1e-9, 1e-9, speed)
    limit, back = torch.cat([room - start, room + start]) / speed, speed < 0
    first = torch.where(back, limit, 0).amax(0)
    last = torch.where(back, reach, limit).amin(0).clamp(max=reach)
    return first <= last


class _Things:
    """The things of every scene, of some of its parts, by the balls and the boxes around them."""

    def __init__(self, batch: Batch, chosen: np.ndarray):
        device = batch.device
        own, instance = np.flatnonzero(chosen), batch.stacked(lambda p: p.instance)[chosen]
        single = instance.max(initial=0) + 1 + np.arange(len(own))  # parts of the fabric stand alone
        key, group = np.unique((batch.owner[own] << 32) + np.where(instance > 0, instance, single), return_inverse=True)
        owner = key >> 32
        order = np.argsort(group, kind="stable")  # parts, things in order
        count = np.bincount(group, minlength=len(owner))
        start = starts(count)
        many = np.bincount(owner, minlength=batch.size)
        first = starts(many)
        boxes = np.zeros((0, 2, 3))
        ball = np.full((batch.size, many.max(), 4), (0, 0, 0, -np.inf), np.float32)  # centre and radius
        if len(own):
            corners = batch.corners[own[order]]
            low, high = np.minimum.reduceat(corners.min(1), start), np.maximum.reduceat(corners.max(1), start)
            place = np.arange(len(owner)) - first[owner]
            ball[owner, place, :3] = (low + high) / 2
            ball[owner, place, 3] = np.linalg.norm(high - low, axis=1) / 2
            boxes = np.stack([low + high, high - low], 1) / 2
        self._ball = torch.from_numpy(ball).to(device)  # (B, G, 4)
        self.box = batch.tensor(boxes)  # (things, 2, 3): middle and half extents, world axes
        self._order = torch.from_numpy(own[order]).to(device)
        self._start, self._count = torch.from_numpy(np.stack([start, count])).to(device)
        self._first = torch.from_numpy(first).to(device)

    def near(self, cones: _Cones, rows: Rows) -> tuple[Tensor, Tensor]:
        """(bundle, thing): things of its own scene that the cone around a bundle (T,) may touch."""
        axis, apex = cones.axis, cones.apex
        most = int(rows.counts.max())
        pictures = len(rows.counts)
        first = torch.from_numpy(rows.first).to(apex.device)
        here = apex.square().sum(1)
        lone = torch.stack([cones.radius, (axis * apex).sum(1), here, cones.cos, cones.sin, cones.far], 1)
        given = torch.cat([axis, apex, axis.abs() * cones.box, lone], 1)
        if pictures > 1:  # every picture's bundles side by side; nothing is near to a bundle of nan
            seat = torch.arange(len(axis), device=axis.device) + (most * rows.picture - first[rows.picture])
            given = given.new_full((pictures * most, given.shape[1]), torch.nan).index_copy_(0, seat, given)
        given = given.reshape(pictures, most, -1)
        axis, apex = given[..., :3], given[..., 3:6]
        radius, level, here, cos, sin, far = given[..., 9:, None].unbind(2)
        middle, large = self._ball[..., :3].transpose(1, 2), self._ball[:, None, :, 3]
        there = middle.square().sum(1, keepdim=True)
        along = torch.bmm(axis, middle) - level
        off = (here + there - 2 * torch.bmm(apex, middle) - along * along).clamp(min=0).sqrt()
        slack = 1e-3 * torch.maximum(here, there).sqrt()  # what float32 may lose above
        back = large + slack + given[..., 6:9].sum(2, keepdim=True)
        near = (off * cos - along * sin < radius + large + slack) & (along > -back) & (along < far + back)
        picture, bundle, thing = near.nonzero(as_tuple=True)
        return bundle + first[picture], thing + self._first[picture]

    def parts(self, bundle: Tensor, thing: Tensor) -> tuple[Tensor, Tensor]:
        """Pairs of bundle and thing -> pairs of bundle and part."""
        count = self._count[thing]
        row = torch.repeat_interleave(torch.arange(len(thing), device=thing.device), count)
        step = torch.arange(len(row), device=thing.device) - starts(count)[row]
        return bundle[row], self._order[self._start[thing][row] + step]


class _Bundles:
    """Rays (N,) of each picture, in order, by 32: the last one is repeated to fill a picture's last bundle."""

    def __init__(self, rows: Rows):
        picture, device = rows.picture, rows.picture.device
        many = -(-rows.counts // BUNDLE)
        first = starts(many)
        known = torch.from_numpy(np.stack([many, rows.first - BUNDLE * first, rows.first + rows.counts - 1])).to(device)
        each = torch.arange(len(many), device=device)
        owner = torch.repeat_interleave(each, known[0], output_size=int(many.sum()))
        self.rows = Rows(owner, len(many))
        seat = torch.arange(len(owner) * BUNDLE, device=device).reshape(-1, BUNDLE)
        self._source = torch.minimum(seat + known[1][owner][:, None], known[2][owner][:, None]).reshape(-1)
        self._seat = torch.arange(len(picture), device=device) - known[1][picture]

    def of(self, values: Tensor) -> Tensor:
        """(N, 3) -> (T, 32, 3)."""
        return values.index_select(0, self._source).reshape(-1, BUNDLE, 3)

    def back(self, values: Tensor) -> Tensor:
        """(T, 32) -> (N,)."""
        return values.reshape(-1).index_select(0, self._seat)


class _Cones:
    """What bounds each of T bundles, from origin + t * ray (T, 32, 3) with 0 < t < reach.

    A cone, for balls: its axis, cos and sin of its opening, its length, and how far the starts lie from the axis. For
    boxes: a box of half extents `box` + t * `grow` that moves along `apex` + t * `shift`, world axes.
    """

    def __init__(self, origin: Tensor, ray: Tensor, reach: float):
        self.reach = reach
        self.apex, self.box = _box(origin)
        self.shift, self.grow = _box(ray)
        if reach <= 1:  # what comes together has room in what lies between starts and ends
            middle, half = _box(origin + ray)
            self.shift, self.grow = middle - self.apex, half - self.box
        far = length(ray)
        way = ray / far[..., None].clamp(min=1e-9)
        self.axis = unit(way.mean(1))
        cos = (way @ self.axis[..., None])[..., 0].amin(1).clamp(-1, 1)
        self.cos = (cos - 1e-6).clamp(min=0.0)  # wider than a half space counts as all of it
        self.sin = (1 - self.cos * self.cos).clamp(min=0).sqrt()
        off = origin - self.apex[:, None]
        self.radius = length(off - (off @ self.axis[..., None]) * self.axis[:, None]).amax(1)
        self.far = far.amax(1) * min(reach, 1e6)


def _box(points: Tensor) -> tuple[Tensor, Tensor]:
    """(T, 32, 3) -> the middle and the half extents of the box around each 32, (T, 3)."""
    low, high = points.amin(1), points.amax(1)
    return (low + high) / 2, (high - low) / 2
