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

from ..things import SHAPES
from .groups import grouped

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
        t = (_box, _enter_round, _cylinder, _cone)[shape](origin, ray)
    return torch.where(t > near, t, torch.inf)


def _dot(a: Tensor, b: Tensor, axes: int = 3) -> Tensor:
    """Sum over dimension 1, without the slow reduction over three entries."""
    total = a[:, 0] * b[:, 0]
    for i in range(1, axes):
        total = torch.addcmul(total, a[:, i], b[:, i])
    return total


def _slab(o: Tensor, d: Tensor, half: Tensor | float = 1.0) -> tuple[Tensor, Tensor]:
    """Where the line enters and leaves -half ... half; infinite where it runs along, nan on the very border."""
    inverse = d.reciprocal()
    a, b = (-half - o) * inverse, (half - o) * inverse
    return torch.minimum(a, b), torch.maximum(a, b)


def _through(o: Tensor, d: Tensor, half: Tensor | float = 1.0) -> tuple[Tensor, Tensor]:
    """Where the line enters and leaves the box of these half extents; it misses where enter is not below leave."""
    low, high = _slab(o, d, half)
    enter = torch.maximum(torch.maximum(low[:, 0], low[:, 1]), low[:, 2])
    return enter, torch.minimum(torch.minimum(high[:, 0], high[:, 1]), high[:, 2])


def _round(o: Tensor, d: Tensor, radius: Tensor | float = 1.0, axes: int = 3) -> tuple[Tensor, Tensor]:
    """The t nearest to the middle of a ball (of a cylinder: 2 axes), and half the way inside: 0 where it misses.

    Through the distance of the line from the middle, which is well conditioned for far and small balls.
    """
    a = _dot(d, d, axes).clamp(min=1e-12)
    nearest = -_dot(o, d, axes) / a
    off = [torch.addcmul(o[:, i], nearest, d[:, i]) for i in range(axes)]
    gap = radius * radius - off[0] * off[0]
    for side in off[1:]:
        gap = gap - side * side
    return nearest, (gap.clamp(min=0) / a).sqrt()


def _enter_round(o: Tensor, d: Tensor, radius: Tensor | float = 1.0, axes: int = 3) -> Tensor:
    nearest, reach = _round(o, d, radius, axes)
    return torch.where(reach > 0, nearest - reach, torch.inf)


def _box(o: Tensor, d: Tensor) -> Tensor:
    enter, leave = _through(o, d)
    return torch.where(enter < leave, enter, torch.inf)


def _cylinder(o: Tensor, d: Tensor) -> Tensor:
    nearest, reach = _round(o, d, axes=2)
    low, high = _slab(o[:, 2], d[:, 2])
    enter, leave = torch.maximum(nearest - reach, low), torch.minimum(nearest + reach, high)
    return torch.where((reach > 0) & (enter < leave), enter, torch.inf)


def _cone(o: Tensor, d: Tensor) -> Tensor:
    # x^2 + y^2 = (1 - z)^2 / 4, on -1 <= z <= 1
    oz, dz = (1 - o[:, 2]) / 2, -d[:, 2] / 2
    a = _dot(d, d, 2) - dz * dz
    a = torch.where(a.abs() < 1e-9, 1e-9, a)
    b = _dot(o, d, 2) - oz * dz
    c = _dot(o, o, 2) - oz * oz
    square = b * b - a * c
    root = square.clamp(min=0).sqrt()
    first, second = (-b - root) / a, (-b + root) / a
    t = torch.full_like(first, torch.inf)
    for side in (torch.maximum(first, second), torch.minimum(first, second)):
        z = o[:, 2] + side * d[:, 2]
        t = torch.where((square > 0) & (z.abs() <= 1) & (side > 0), side, t)
    base = (-1 - o[:, 2]) / torch.where(d[:, 2].abs() < 1e-9, 1e-9, d[:, 2])
    inside = (o[:, 0] + base * d[:, 0]).square() + (o[:, 1] + base * d[:, 1]).square() <= 1
    return torch.where(inside & (base > 0), torch.minimum(t, base), t)


def _capsule(o: Tensor, d: Tensor, extent: Tensor) -> Tensor:
    """The first of its cylinder and its two balls: their union is convex. Metres."""
    radius = extent[:, :1]
    half = extent[:, 2:3] - radius
    side = _enter_round(o, d, radius, axes=2)
    z = o[:, 2] + torch.where(side.isinf(), 0, side) * d[:, 2]
    first = torch.where(z.abs() <= half, side, torch.inf)
    for end in (-half, half):
        shifted = torch.stack([o[:, 0], o[:, 1], o[:, 2] - end], 1)
        first = torch.minimum(first, _enter_round(shifted, d, radius))
    return first


def _rounded_box(o: Tensor, d: Tensor, extent: Tensor) -> Tensor:
    """Like a box, but where the ray meets the box around it beside an edge, as `_edge` says. Metres."""
    half, radius = extent[:, :3, None], extent[:, 3:]
    enter, leave = _through(o, d, half)
    point = torch.addcmul(o.expand_as(d), enter[:, None], d)
    outer = (point.abs() > half - radius[..., None]).int()
    at = ((enter < leave) & (outer[:, 0] + outer[:, 1] + outer[:, 2] > 1)).nonzero()
    row, column = at[:, 0], at[:, 1]
    t = torch.where(enter < leave, enter, torch.inf)
    begin, length = enter[row, column], (leave - enter)[row, column]
    inner = (half - radius[..., None])[row, :, 0]
    rest = _edge(point[row, :, column], d[row, :, column], inner, radius[row, 0], length, 3e-6 * begin.abs())
    t[row, column] = begin + rest
    return t


def _edge(o: Tensor, d: Tensor, inner: Tensor, radius: Tensor, length: Tensor, slack: Tensor) -> Tensor:
    """t (M,) in 0 ... length at which the distance to the inner box (M, 3) falls to `radius`, else inf.

    The squared distance along the ray is convex and, between the planes of the inner box, a quadratic: the
    piece with the root begins at the last plane at which the ray is still outside and coming closer.
    """
    inverse = d.reciprocal()
    planes = torch.cat([(-inner - o) * inverse, (inner - o) * inverse], 1)  # (M, 6)
    point = o[:, None] + planes[..., None] * d[:, None]  # (M, 6, 3)
    beyond = (point.abs() - inner[:, None]).clamp(min=0)
    closing = (beyond * point.sign() * d[:, None]).sum(2) < 0
    outside = closing & (beyond.square().sum(2) > radius[:, None] ** 2) & (planes > 0) & (planes < length[:, None])
    begin = torch.where(outside, planes, 0).amax(1)
    end = torch.where(planes > begin[:, None], planes, torch.inf).amin(1)
    middle = o + ((begin + torch.minimum(end, length)) / 2)[:, None] * d
    sign = torch.where(middle.abs() > inner, middle.sign(), 0)
    t = _enter_round((o - sign * inner) * sign.abs(), d * sign.abs(), radius)
    return torch.where((t > -1e-3 * radius - slack) & (t < length), t.clamp(min=0), torch.inf)


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
    out = torch.empty_like(point)
    order, present, sizes = grouped(shape)
    for index, rows in zip(present, order.split(sizes), strict=True):
        out.index_copy_(0, rows, _normals(SHAPES[index], point.index_select(0, rows), extent.index_select(0, rows)))
    return out


def _normals(shape: str, point: Tensor, extent: Tensor) -> Tensor:
    if shape == "ellipsoid":
        return point
    if shape == "box":
        size = point.abs()
        most = torch.maximum(torch.maximum(size[:, 0], size[:, 1]), size[:, 2])
        return point.sign() * (size >= most[:, None])
    if shape in ROUND:  # a capsule's points are nearest to the line between its balls' centres
        half, metres = extent[:, :3], point * extent[:, :3]
        core = half - (half[:, :1] if shape == "capsule" else extent[:, 3:])
        return (metres - metres.clamp(-core, core)) * half
    x, y, z = point.unbind(1)
    if shape == "cylinder":
        end = z.abs() > torch.hypot(x, y)
        return torch.stack([x * ~end, y * ~end, z.sign() * end], 1)
    base = z < -0.9999
    return torch.stack([x * ~base, y * ~base, torch.where(base, -1.0, (1 - z) / 4)], 1)
