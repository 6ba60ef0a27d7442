"""Where a ray meets a unit shape, and the normal there.

Every primitive is a unit shape seen through an affine map: the box [-1, 1]^3, the unit ball, the cylinder
x^2 + y^2 <= 1 with |z| <= 1, the cone with its apex at z = 1 and its unit base at z = -1. Rays are mapped
into the shape's coordinates and keep their parameter t, so with camera z-component 1, t is depth_z.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .things import SHAPES

NEAR = 0.02
"""Smallest accepted ray parameter: metres of z-depth for camera rays."""


def hit(shape: int, origin: Tensor, ray: Tensor, near: float = NEAR) -> Tensor:
    """First t > near where origin + t * ray enters the unit shape, else inf; an origin inside never hits.

    origin (N, 3, 1 or K) and ray (N, 3, 1 or K) in the shape's coordinates -> (N, K).
    """
    t = (_box, _ball, _cylinder, _cone, _cylinder, _box)[shape](origin, ray)
    return torch.where(t > near, t, torch.inf)


def _slab(o: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    inverse = 1 / torch.where(d.abs() < 1e-9, 1e-9, d)
    a, b = (-1 - o) * inverse, (1 - o) * inverse
    return torch.minimum(a, b), torch.maximum(a, b)


def _box(o: Tensor, d: Tensor) -> Tensor:
    low, high = _slab(o, d)
    enter, leave = low.amax(1), high.amin(1)
    return torch.where(enter < leave, enter, torch.inf)


def _ball(o: Tensor, d: Tensor) -> Tensor:
    a, b = (d * d).sum(1), (o * d).sum(1)
    nearest = -b / a
    gap = 1 - (o + nearest[:, None] * d).square().sum(1)  # 1 - (distance of the line)^2, well conditioned
    return torch.where(gap > 0, nearest - (gap.clamp(min=0) / a).sqrt(), torch.inf)


def _cylinder(o: Tensor, d: Tensor) -> Tensor:
    oxy, dxy = o[:, :2], d[:, :2]
    a = (dxy * dxy).sum(1).clamp(min=1e-12)
    nearest = -(oxy * dxy).sum(1) / a
    gap = 1 - (oxy + nearest[:, None] * dxy).square().sum(1)
    reach = (gap.clamp(min=0) / a).sqrt()
    low, high = _slab(o[:, 2], d[:, 2])
    enter, leave = torch.maximum(nearest - reach, low), torch.minimum(nearest + reach, high)
    return torch.where((gap > 0) & (enter < leave), enter, torch.inf)


def _cone(o: Tensor, d: Tensor) -> Tensor:
    # x^2 + y^2 = (1 - z)^2 / 4, on -1 <= z <= 1
    oz, dz = (1 - o[:, 2]) / 2, -d[:, 2] / 2
    a = (d[:, :2] * d[:, :2]).sum(1) - dz * dz
    a = torch.where(a.abs() < 1e-9, 1e-9, a)
    b = (o[:, :2] * d[:, :2]).sum(1) - oz * dz
    c = (o[:, :2] * o[:, :2]).sum(1) - oz * oz
    root = (b * b - a * c).clamp(min=0).sqrt()
    first, second = (-b - root) / a, (-b + root) / a
    t = torch.full_like(first, torch.inf)
    for side in (torch.maximum(first, second), torch.minimum(first, second)):
        z = o[:, 2] + side * d[:, 2]
        t = torch.where((b * b - a * c > 0) & (z.abs() <= 1) & (side > 0), side, t)
    base = (-1 - o[:, 2]) / torch.where(d[:, 2].abs() < 1e-9, 1e-9, d[:, 2])
    inside = (o[:, :2] + base[:, None] * d[:, :2]).square().sum(1) <= 1
    return torch.where(inside & (base > 0), torch.minimum(t, base), t)


def first_hits(shape: Tensor, local: Tensor, origin: Tensor, rays: Tensor) -> tuple[Tensor, Tensor]:
    """Nearest hit of K rays among P primitives, by brute force: for a few rays only.

    shape (P,), local (P, 3, 3), origin (P, 3) in local coordinates, rays (3, K) -> t (K,) and index (K,).
    """
    t = torch.full((len(shape), rays.shape[1]), torch.inf)
    directions = local @ rays
    for index in range(len(SHAPES)):
        rows = (shape == index).nonzero()[:, 0]
        if len(rows):
            t[rows] = hit(index, origin[rows, :, None], directions[rows])
    best, which = t.min(0)
    return best, which


def normals(shape: Tensor, point: Tensor) -> Tensor:
    """Outward normals, not normalised, in the shape's coordinates. shape (N,), point (N, 3) -> (N, 3)."""
    size = point.abs()
    box = torch.where(size >= size.amax(1, keepdim=True), point.sign(), 0)
    radius = point[:, :2].norm(dim=1)
    up = torch.zeros_like(point)
    up[:, 2] = point[:, 2].sign()
    side = torch.cat([point[:, :2], torch.zeros_like(point[:, :1])], 1)
    cylinder = torch.where((size[:, 2] > radius)[:, None], up, side)
    slope = torch.cat([point[:, :2], (1 - point[:, 2:]) / 4], 1)
    cone = torch.where((point[:, 2] < -0.9999)[:, None], up, slope)
    kind = shape[:, None]
    return torch.where(kind == 0, box, torch.where(kind == 1, point, torch.where(kind == 2, cylinder, cone)))
