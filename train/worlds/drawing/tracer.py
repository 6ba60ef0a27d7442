"""Rays after the first: what stands before a light, and what a polished surface mirrors.

Rays of one scene that start close together go in bundles of 32. Whatever lies outside the cone around a bundle is
dropped before any exact test: first whole things by their bounding balls, then their parts by their boxes. Round edges
and ends are taken for sharp ones here: what a shadow or a mirror image would show of them is below a pixel.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..things import SHAPES
from .batch import Batch, Rows
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
        narrow = (_cone(origin, ray, 1.0)[4] > 0.8).nonzero()[:, 0]
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
        bundle, part = self._pairs(_cone(origin, ray, reach), rows, things)
        shape = self.shape.index_select(0, part)
        lines = torch.cat([origin, ray], 1).transpose(1, 2).contiguous()  # one product maps starts and directions
        batch, pairs = self.batch, PAIRS[self.batch.processor]
        for index in shape.unique().tolist():
            chosen = (shape == index).nonzero()[:, 0]
            for at in range(0, len(chosen), pairs):
                k, c = (x.index_select(0, chosen[at : at + pairs]) for x in (bundle, part))
                mapped = torch.bmm(batch.local.index_select(0, c), lines.index_select(0, k))
                start = mapped[..., :BUNDLE] - batch.shift.index_select(0, c)[..., None]
                yield k, c, hit(index, start, mapped[..., BUNDLE:], batch.extent.index_select(0, c), near=0.0)

    def _pairs(self, cone, rows: Rows, things: _Things) -> tuple[Tensor, Tensor]:
        """(bundle, part): parts that the cones of bundles may touch."""
        apex, box, _, axis, cos, sin, far = cone
        bundle, thing = things.near(cone, rows)
        bundle, part = things.parts(bundle, thing)
        axis, far, cos, sin, wide = (x.index_select(0, bundle) for x in (axis, far, cos, sin, 1.001 * box))
        gap = self.batch.column("centre").index_select(0, part) - apex.index_select(0, bundle)
        turn, size = self.batch("turn", part), self.batch("half", part)
        mapped = torch.bmm(torch.stack([gap, axis], 1), turn)
        start, way = -mapped[:, 0], mapped[:, 1]
        farthest = torch.minimum(length(gap) + length(size), far)
        tan = sin / cos.clamp(min=0.05)
        wide = torch.bmm(wide[:, None], turn.abs())[:, 0]
        room = size + wide + (farthest * tan + 1e-4)[:, None]
        inverse = 1 / torch.where(way.abs() < 1e-9, 1e-9, way)
        middle, reach = -start * inverse, room * inverse.abs()
        enter, leave = (middle - reach).amax(1), (middle + reach).amin(1)
        touched = (enter <= leave) & (leave >= 0) & (enter <= far) | (cos < 0.06)
        keep = touched.nonzero()[:, 0]
        return bundle.index_select(0, keep), part.index_select(0, keep)


class _Things:
    """The things of every scene by their bounding balls, of some of the parts."""

    def __init__(self, batch: Batch, chosen: np.ndarray):
        device = batch.device
        own, instance = np.flatnonzero(chosen), batch.all(lambda p: p.instance)[chosen]
        single = instance.max(initial=0) + 1 + np.arange(len(own))  # parts of the fabric stand alone
        key, group = np.unique((batch.owner[own] << 32) + np.where(instance > 0, instance, single), return_inverse=True)
        owner = key >> 32
        order = np.argsort(group, kind="stable")  # parts, things in order
        count = np.bincount(group, minlength=len(owner))
        start = np.cumsum(count) - count
        many = np.bincount(owner, minlength=batch.size)
        first = np.cumsum(many) - many
        ball = np.full((batch.size, many.max(), 4), (0, 0, 0, -np.inf), np.float32)  # centre and radius
        if len(own):
            corners = batch.corners[own[order]]
            low, high = np.minimum.reduceat(corners.min(1), start), np.maximum.reduceat(corners.max(1), start)
            place = np.arange(len(owner)) - first[owner]
            ball[owner, place, :3] = (low + high) / 2
            ball[owner, place, 3] = np.linalg.norm(high - low, axis=1) / 2
        self._ball = torch.from_numpy(ball).to(device)  # (B, G, 4)
        self._order = torch.from_numpy(own[order]).to(device)
        self._start, self._count = torch.from_numpy(np.stack([start, count])).to(device)
        self._first = torch.from_numpy(first).to(device)

    def near(self, cone, rows: Rows) -> tuple[Tensor, Tensor]:
        """(bundle, thing): things of its own scene that the cone around a bundle (T,) may touch."""
        apex, box, radius, axis, cos, sin, far = cone
        most = int(rows.counts.max())
        pictures = len(rows.counts)
        first = torch.from_numpy(rows.first).to(apex.device)
        here = apex.square().sum(1)
        lone = torch.stack([radius, (axis * apex).sum(1), here, cos, sin, far], 1)
        given = torch.cat([axis, apex, axis.abs() * box, lone], 1)
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
        step = torch.arange(len(row), device=thing.device) - (count.cumsum(0) - count)[row]
        return bundle[row], self._order[self._start[thing][row] + step]


class _Bundles:
    """Rays (N,) of each picture, in order, by 32: the last one is repeated to fill a picture's last bundle."""

    def __init__(self, rows: Rows):
        picture, device = rows.picture, rows.picture.device
        many = -(-rows.counts // BUNDLE)
        first = np.cumsum(many) - many
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


def _cone(origin: Tensor, ray: Tensor, reach: float):
    """The cone around each bundle: apex (T, 3), box of its starts around it (T, 3), their radius across the axis,

    axis, cos and sin of its opening, length.
    """
    low, high = origin.amin(1), origin.amax(1)
    apex, box = (low + high) / 2, (high - low) / 2
    far = length(ray)
    way = ray / far[..., None].clamp(min=1e-9)
    axis = unit(way.mean(1))
    cos = (way @ axis[..., None])[..., 0].amin(1).clamp(-1, 1)
    cos = (cos - 1e-6).clamp(min=0.0)  # wider than a half space counts as all of it: see `_pairs`
    off = origin - apex[:, None]
    radius = length(off - (off @ axis[..., None]) * axis[:, None]).amax(1)
    return apex, box, radius, axis, cos, (1 - cos * cos).clamp(min=0).sqrt(), far.amax(1) * min(reach, 1e6)
