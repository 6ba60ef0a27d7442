"""Where a ray meets a unit shape, and the normal there.

Every primitive is a unit shape seen through an affine map: the box [-1, 1]^3, the unit ball, the cylinder
x^2 + y^2 <= 1 with |z| <= 1, the cone with its apex at z = 1 and its unit base at z = -1. Rays are mapped
into the shape's coordinates and keep their parameter t, so with camera z-component 1, t is depth_z. Capsules
and rounded boxes are no affine images of one shape: they fill [-1, 1]^3 likewise, and their `extent`, the half
extents and the radius of the edges in metres, undoes the map.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .things import SHAPES

NEAR = 0.02
"""Smallest accepted ray parameter: metres of z-depth for camera rays."""
ROUND = ("capsule", "rounded box")
"""Shapes whose form depends on their size in metres."""


def hit(shape: int, origin: Tensor, ray: Tensor, extent: Tensor, near: float = NEAR) -> Tensor:
    """First t > near where origin + t * ray enters the unit shape, else inf; an origin inside never hits.

    origin (N, 3, 1 or K) and ray (N, 3, 1 or K) in the shape's coordinates; extent (N, 4): half extents and
    radius of the edges, metres -> (N, K).
    """
    if SHAPES[shape] in ROUND:
        half = extent[:, :3, None]
        t = (_capsule if SHAPES[shape] == "capsule" else _rounded_box)(origin * half, ray * half, extent)
    else:
        t = (_box, _ball, _cylinder, _cone)[shape](origin, ray)
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


def _enter_ball(o: Tensor, d: Tensor, radius: Tensor) -> Tensor:
    """Where the line enters a ball (or, of two coordinates, a cylinder) around the origin, else inf."""
    a = (d * d).sum(1).clamp(min=1e-12)
    nearest = -(o * d).sum(1) / a
    gap = radius * radius - (o + nearest[:, None] * d).square().sum(1)
    return torch.where(gap > 0, nearest - (gap.clamp(min=0) / a).sqrt(), torch.inf)


def _capsule(o: Tensor, d: Tensor, extent: Tensor) -> Tensor:
    """The first of its cylinder and its two balls: their union is convex. Metres."""
    radius = extent[:, :1]
    half = (extent[:, 2:3] - radius)[..., None]
    side = _enter_ball(o[:, :2], d[:, :2], radius)
    z = o[:, 2] + torch.where(side.isinf(), 0, side) * d[:, 2]
    first = torch.where(z.abs() <= half[:, 0], side, torch.inf)
    for sign in (-1, 1):
        shift = torch.cat([torch.zeros_like(o[:, :2]), (sign * half).expand(-1, 1, o.shape[2])], 1)
        first = torch.minimum(first, _enter_ball(o - shift, d, radius))
    return first


def _rounded_box(o: Tensor, d: Tensor, extent: Tensor) -> Tensor:
    """Where the distance to the inner box falls to the radius of the edges. Metres.

    The squared distance along the ray is convex and, between the planes of the inner box, a quadratic: the
    piece with the root begins at the last plane at which the ray is still outside and coming closer.
    """
    half, radius = extent[:, :3, None], extent[:, 3:]
    inner = half - radius[..., None]
    inverse = 1 / torch.where(d.abs() < 1e-9, 1e-9, d)
    a, b = (-half - o) * inverse, (half - o) * inverse
    enter, leave = torch.minimum(a, b).amax(1), torch.maximum(a, b).amin(1)
    o = o + enter[:, None] * d  # from here on everything is as small as the box
    length, slack = leave - enter, 1e-3 * radius + 3e-6 * enter.abs()
    planes = torch.cat([(-inner - o) * inverse, (inner - o) * inverse], 1)
    begin = torch.zeros_like(enter)
    for i in range(6):
        t = planes[:, i]
        point = o + t[:, None] * d
        beyond = (point.abs() - inner).clamp(min=0)
        closing = (beyond * point.sign() * d).sum(1) < 0
        before = closing & (beyond.square().sum(1) > radius * radius) & (t < length)
        begin = torch.where(before, torch.maximum(begin, t), begin)
    end = torch.where(planes > begin[:, None], planes, torch.inf).amin(1)
    middle = o + ((begin + torch.minimum(end, length)) / 2)[:, None] * d
    sign = torch.where(middle.abs() > inner, middle.sign(), 0)
    t = _enter_ball((o - sign * inner) * sign.abs(), d * sign.abs(), radius)
    return torch.where((enter < leave) & (t > -slack) & (t < length), enter + t.clamp(min=0), torch.inf)


def first_hits(shape: Tensor, local: Tensor, origin: Tensor, extent: Tensor, rays: Tensor) -> tuple[Tensor, Tensor]:
    """Nearest hit of K rays among P primitives, by brute force: for a few rays only.

    shape (P,), local (P, 3, 3), origin (P, 3) in local coordinates, extent (P, 4), rays (3, K) -> t (K,) and
    index (K,).
    """
    t = torch.full((len(shape), rays.shape[1]), torch.inf)
    directions = local @ rays
    for index in range(len(SHAPES)):
        rows = (shape == index).nonzero()[:, 0]
        if len(rows):
            t[rows] = hit(index, origin[rows, :, None], directions[rows], extent[rows])
    best, which = t.min(0)
    return best, which


def normals(shape: Tensor, point: Tensor, extent: Tensor) -> Tensor:
    """Outward normals, not normalised, as covectors of the shape's coordinates: local.T @ normal points outward.

    shape (N,), point (N, 3) in the shape's coordinates, extent (N, 4) -> (N, 3).
    """
    size = point.abs()
    box = torch.where(size >= size.amax(1, keepdim=True), point.sign(), 0)
    radius = point[:, :2].norm(dim=1)
    up = torch.zeros_like(point)
    up[:, 2] = point[:, 2].sign()
    side = torch.cat([point[:, :2], torch.zeros_like(point[:, :1])], 1)
    cylinder = torch.where((size[:, 2] > radius)[:, None], up, side)
    slope = torch.cat([point[:, :2], (1 - point[:, 2:]) / 4], 1)
    cone = torch.where((point[:, 2] < -0.9999)[:, None], up, slope)
    half, metres = extent[:, :3], point * extent[:, :3]
    core = half - half[:, :1]  # a capsule's points are nearest to the line between its balls' centres
    capsule = (metres - metres.clamp(-core, core)) * half
    core = half - extent[:, 3:]
    rounded = (metres - metres.clamp(-core, core)) * half
    kind = shape[:, None]
    normal = torch.where(kind == 0, box, torch.where(kind == 1, point, torch.where(kind == 2, cylinder, cone)))
    return torch.where(kind == 4, capsule, torch.where(kind == 5, rounded, normal))
