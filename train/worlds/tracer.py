"""Rays after the first: what stands before a light, and what a polished surface mirrors.

Rays come in tiles of 64, as neighbouring pixels send them. Whatever lies outside the cone around a tile's rays
is dropped before any exact test: first whole things by their bounding balls, then their parts by their boxes.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .rays import hit
from .things import SHAPES

PAIRS = 1024


class Tracer:
    """The shapes of one scene, ready for rays from anywhere in it."""

    def __init__(self, primitives, device):
        p = primitives
        corners = p.corners().reshape(-1, 8, 3)
        self.local = torch.from_numpy(p.to_local()).float().to(device)
        self.turn = torch.from_numpy(p.turn).float().to(device)
        self.centre = torch.from_numpy(p.centre).float().to(device)
        self.half = torch.from_numpy(p.half).float().to(device)
        self.extent = torch.from_numpy(p.extent()).float().to(device)
        self.shape = torch.from_numpy(p.shape).to(device)
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

    def blocked(self, origin: Tensor, ray: Tensor, active: Tensor, casts: np.ndarray, reach: float = 1.0) -> Tensor:
        """(T, 64) bool: rays that meet a casting part at 0 < t < reach. origin, ray (T, 64, 3), active (T, 64)."""
        found = torch.zeros(active.shape, device=self.device)
        for k, _, t in self._meet(origin, ray, active, casts, reach):
            found.index_add_(0, k, (t < reach).float())
        return (found > 0) & active

    def nearest(self, origin: Tensor, ray: Tensor, active: Tensor) -> tuple[Tensor, Tensor]:
        """t (T, 64), inf where nothing is met, and the index of the part met first."""
        best = torch.full(active.shape, torch.inf, device=self.device)
        meets = list(self._meet(origin, ray, active, np.ones(len(self.shape), bool), torch.inf))
        for k, _, t in meets:
            best.index_reduce_(0, k, t, "amin")
        which = torch.full(active.shape, -1, dtype=torch.long, device=self.device)
        for k, part, t in meets:
            row, column = ((t == best[k]) & t.isfinite()).nonzero(as_tuple=True)
            which[k[row], column] = part[row]
        return torch.where(which >= 0, best, torch.inf), which

    def _meet(self, origin, ray, active, casts, reach):
        """Yields (tile (n,), part (n,), t (n, 64)) for all pairs that may meet."""
        tiles = active.any(1).nonzero()[:, 0]
        if not len(tiles):
            return
        cone = _cone(origin[tiles], ray[tiles], active[tiles], reach)
        tile, part = self._pairs(cone, casts)
        tile = tiles[tile]
        shape = self.shape[part]
        rays, origins = ray.transpose(1, 2).contiguous(), origin.transpose(1, 2).contiguous()
        for index in range(len(SHAPES)):
            rows = (shape == index).nonzero()[:, 0]
            for at in range(0, len(rows), PAIRS):
                k, c = tile[rows[at : at + PAIRS]], part[rows[at : at + PAIRS]]
                o = torch.bmm(self.local[c], origins[k] - self.centre[c, :, None])
                t = hit(index, o, torch.bmm(self.local[c], rays[k]), self.extent[c], near=0.0)
                yield k, c, t

    def _pairs(self, cone, casts) -> tuple[Tensor, Tensor]:
        """(tile, part): parts that the cones of tiles may touch."""
        apex, radius, axis, cos, sin, far = cone
        casting = torch.from_numpy(casts).to(self.device)
        some = torch.from_numpy(np.add.reduceat(casts[self._order], self._start) > 0).to(self.device).nonzero()[:, 0]
        if not len(some):
            return torch.zeros(0, dtype=torch.long, device=self.device), some
        gap = self._ball[some] - apex[:, None]
        along = (gap * axis[:, None]).sum(-1)
        off = (gap.square().sum(-1) - along * along).clamp(min=0).sqrt()
        reach = radius[:, None] + self._radius[some]
        near = (off * cos[:, None] - along * sin[:, None] < reach) & (along > -reach) & (along < far[:, None] + reach)
        tile, group = near.nonzero(as_tuple=True)
        tile, part = self._parts(tile, some[group])
        keep = casting[part].nonzero()[:, 0]
        tile, part = tile[keep], part[keep]
        gap = self.centre[part] - apex[tile]
        turn = self.turn[part]
        start = -torch.einsum("nij,ni->nj", turn, gap)
        way = torch.einsum("nij,ni->nj", turn, axis[tile])
        size = self.half[part]
        farthest = torch.minimum(gap.norm(dim=1) + size.norm(dim=1), far[tile])
        tan = sin[tile] / cos[tile].clamp(min=0.05)
        room = size + (1.001 * radius[tile] + farthest * tan + 1e-4)[:, None]
        inverse = 1 / torch.where(way.abs() < 1e-9, 1e-9, way)
        a, b = (-room - start) * inverse, (room - start) * inverse
        enter, leave = torch.minimum(a, b).amax(1), torch.maximum(a, b).amin(1)
        touched = (enter <= leave) & (leave >= 0) & (enter <= far[tile] + radius[tile]) | (cos[tile] < 0.06)
        keep = touched.nonzero()[:, 0]
        return tile[keep], part[keep]

    def _parts(self, tile: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
        """Pairs of tile and thing -> pairs of tile and part."""
        start, count = (torch.from_numpy(x).to(self.device) for x in (self._start, self._count))
        count = count[group]
        row = torch.repeat_interleave(torch.arange(len(group), device=self.device), count)
        step = torch.arange(len(row), device=self.device) - (count.cumsum(0) - count)[row]
        order = torch.from_numpy(self._order).to(self.device)
        return tile[row], order[start[group][row] + step]


def _cone(origin: Tensor, ray: Tensor, active: Tensor, reach: float):
    """The cone around each tile's active rays: apex (T, 3), radius there, axis, cos and sin of its opening, length."""
    weight = active[..., None].float()
    count = weight.sum(1)
    apex = (origin * weight).sum(1) / count
    radius = ((origin - apex[:, None]).norm(dim=2) * active).amax(1)
    length = ray.norm(dim=2)
    unit = ray / length[..., None].clamp(min=1e-9)
    axis = torch.nn.functional.normalize((unit * weight).sum(1), dim=1)
    cos = torch.where(active, (unit * axis[:, None]).sum(2), 1.0).amin(1).clamp(-1, 1)
    cos = (cos - 1e-6).clamp(min=0.0)  # wider than a half space counts as all of it: see `_pairs`
    far = (length * active).amax(1) * min(reach, 1e6)
    return apex, radius, axis, cos, (1 - cos * cos).clamp(min=0).sqrt(), far
