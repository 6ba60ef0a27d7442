"""Rays after the first: what stands before a light, and what a polished surface mirrors.

Rays that start close together go in bundles of 32. Whatever lies outside the cone around a bundle is dropped
before any exact test: first whole things by their bounding balls, then their parts by their boxes. Round edges
and ends are taken for sharp ones here: what a shadow or a mirror image would show of them is below a pixel.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..things import SHAPES
from .rays import hit
from .vectors import length, unit

PAIRS = 2048
BUNDLE = 32
_PLAIN = torch.tensor([{"capsule": 2, "rounded box": 0}.get(name, i) for i, name in enumerate(SHAPES)])


class Tracer:
    """The shapes of one scene, ready for rays; those that follow each other should start close together."""

    def __init__(self, primitives, device):
        p = primitives
        corners = p.corners().reshape(-1, 8, 3)
        self.local = torch.from_numpy(p.to_local()).float().to(device)
        shift = np.einsum("pij,pj->pi", p.to_local(), p.centre)
        self._shift = torch.from_numpy(shift).float().to(device)
        self.turn = torch.from_numpy(p.turn).float().to(device)
        self.centre = torch.from_numpy(p.centre).float().to(device)
        self.half = torch.from_numpy(p.half).float().to(device)
        self.extent = torch.from_numpy(p.extent()).float().to(device)
        self.shape = _PLAIN[torch.from_numpy(p.shape)].to(device)
        own = np.where(p.instance > 0, p.instance, p.instance.max(initial=0) + 1 + np.arange(len(p.instance)))
        _, group = np.unique(own, return_inverse=True)
        self._order = np.argsort(group, kind="stable")  # parts, things in order
        self._count = np.bincount(group)
        self._start = np.cumsum(self._count) - self._count
        ordered = corners[self._order]
        low = np.minimum.reduceat(ordered.min(1), self._start)
        high = np.maximum.reduceat(ordered.max(1), self._start)
        self._ball = torch.from_numpy((low + high) / 2).float().to(device)
        self._radius = torch.from_numpy(np.linalg.norm(high - low, axis=1) / 2).float().to(device)
        self.device = device

    def blocked(self, origin: Tensor, ray: Tensor, casts: np.ndarray) -> Tensor:
        """(N,) bool: rays that meet a casting part at 0 < t < 1. origin, ray (N, 3), neighbours close together.

        casts (P,) bool: the parts that cast shadows.
        """
        count, (origin, ray) = len(ray), _bundles(origin, ray)
        found = torch.zeros(ray.shape[:2], device=self.device)
        for k, _, t in self._meet(origin, ray, casts, 1.0):
            found.index_add_(0, k, (t < 1).float())
        return found.reshape(-1)[:count] > 0

    def nearest(self, origin: Tensor, ray: Tensor) -> tuple[Tensor, Tensor]:
        """t (N,), inf where nothing is met, and the index of the part met first, -1 where none.

        Bundles that spread by more than about 37 degrees are not followed: they count as meeting nothing.
        """
        count, (origin, ray) = len(ray), _bundles(origin, ray)
        best = torch.full(ray.shape[:2], torch.inf, device=self.device)
        which = torch.full(ray.shape[:2], -1, dtype=torch.long, device=self.device)
        narrow = (_cone(origin, ray, 1.0)[4] > 0.8).nonzero()[:, 0]
        meets = list(self._meet(origin[narrow], ray[narrow], np.ones(len(self.shape), bool), torch.inf))
        meets = [(narrow[k], part, t) for k, part, t in meets]
        for k, _, t in meets:
            best.scatter_reduce_(0, k[:, None].expand_as(t), t, "amin")
        for k, part, t in meets:
            row, column = ((t == best[k]) & t.isfinite()).nonzero(as_tuple=True)
            which[k[row], column] = part[row]
        return best.reshape(-1)[:count], which.reshape(-1)[:count]

    def _meet(self, origin, ray, casts, reach):
        """Yields (bundle (n,), part (n,), t (n, 32)) for pairs that may meet at t < reach. origin, ray (T, 32, 3)."""
        if not len(origin):
            return
        bundle, part = self._pairs(_cone(origin, ray, reach), casts)
        shape = self.shape[part]
        lines = torch.cat([origin, ray], 1).transpose(1, 2).contiguous()  # one product maps starts and directions
        for index in shape.unique().tolist():
            rows = (shape == index).nonzero()[:, 0]
            for at in range(0, len(rows), PAIRS):
                k, c = bundle[rows[at : at + PAIRS]], part[rows[at : at + PAIRS]]
                mapped = torch.bmm(self.local.index_select(0, c), lines.index_select(0, k))
                start = mapped[..., :BUNDLE] - self._shift.index_select(0, c)[..., None]
                yield k, c, hit(index, start, mapped[..., BUNDLE:], self.extent.index_select(0, c), near=0.0)

    def _pairs(self, cone, casts) -> tuple[Tensor, Tensor]:
        """(bundle, part): parts that the cones of bundles may touch."""
        apex, box, radius, axis, cos, sin, far = cone
        casting = torch.from_numpy(casts).to(self.device)
        some = torch.from_numpy(np.add.reduceat(casts[self._order], self._start) > 0).to(self.device).nonzero()[:, 0]
        if not len(some):
            return torch.zeros(0, dtype=torch.long, device=self.device), some
        ball, large = self._ball[some], self._radius[some]
        along = axis @ ball.T - (axis * apex).sum(1, keepdim=True)
        here, there = apex.square().sum(1, keepdim=True), ball.square().sum(1)
        off = (here + there - 2 * apex @ ball.T - along * along).clamp(min=0).sqrt()
        slack = 1e-3 * torch.maximum(here, there).sqrt()  # what float32 may lose above
        reach = radius[:, None] + large + slack
        back = large + slack + (box * axis.abs()).sum(1, keepdim=True)
        near = (off * cos[:, None] - along * sin[:, None] < reach) & (along > -back) & (along < far[:, None] + back)
        bundle, group = near.nonzero(as_tuple=True)
        bundle, part = self._parts(bundle, some[group])
        keep = casting[part].nonzero()[:, 0]
        bundle, part = bundle.index_select(0, keep), part.index_select(0, keep)
        gap = self.centre.index_select(0, part) - apex.index_select(0, bundle)
        turn, size, far = self.turn.index_select(0, part), self.half.index_select(0, part), far.index_select(0, bundle)
        mapped = torch.bmm(torch.stack([gap, axis.index_select(0, bundle)], 1), turn)
        start, way = -mapped[:, 0], mapped[:, 1]
        farthest = torch.minimum(length(gap) + length(size), far)
        tan = (sin / cos.clamp(min=0.05)).index_select(0, bundle)
        wide = torch.bmm((1.001 * box).index_select(0, bundle)[:, None], turn.abs())[:, 0]
        room = size + wide + (farthest * tan + 1e-4)[:, None]
        inverse = 1 / torch.where(way.abs() < 1e-9, 1e-9, way)
        middle, reach = -start * inverse, room * inverse.abs()
        enter, leave = (middle - reach).amax(1), (middle + reach).amin(1)
        touched = (enter <= leave) & (leave >= 0) & (enter <= far) | (cos < 0.06).index_select(0, bundle)
        keep = touched.nonzero()[:, 0]
        return bundle.index_select(0, keep), part.index_select(0, keep)

    def _parts(self, bundle: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
        """Pairs of bundle and thing -> pairs of bundle and part."""
        start, count = (torch.from_numpy(x).to(self.device) for x in (self._start, self._count))
        count = count[group]
        row = torch.repeat_interleave(torch.arange(len(group), device=self.device), count)
        step = torch.arange(len(row), device=self.device) - (count.cumsum(0) - count)[row]
        order = torch.from_numpy(self._order).to(self.device)
        return bundle[row], order[start[group][row] + step]


def _bundles(*values: Tensor) -> list[Tensor]:
    """(N, 3) -> (T, 32, 3): in order; the last one is repeated to fill the last bundle."""
    return [torch.cat([x, x[-1:].expand(-len(x) % BUNDLE, -1)]).reshape(-1, BUNDLE, 3) for x in values]


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
