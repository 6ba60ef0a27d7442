"""What rays meet: the points, how these answer to light, and what they are painted with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..things import KINDS, SHAPES, TEXTURES
from . import looks
from .batch import Batch, Rows, per
from .noise import random
from .patterns import panes
from .rays import normals
from .spot import Spot
from .textures import painted
from .vectors import constant, dot, length, unit

_RIPPLES = {"leaves": 0.9, "speckle": 0.5, "lawn": 0.5, "gravel": 0.5, "bark": 0.5, "water": 0.1}
_LEAFY = [_RIPPLES.get(name, 0.0) for name in TEXTURES]
_KIND = {name: index for index, name in enumerate(KINDS)}
_TEXTURE = {name: index for index, name in enumerate(TEXTURES)}


@dataclass
class Surface:
    """What N rays meet: points, and how these answer to light."""

    rows: Rows  # whose each of them is
    place: Tensor  # (N, 3) world, metres
    normal: Tensor  # (N, 3) unit, world
    shading: Tensor  # (N, 3) the same with what is too fine to be shape: leaves, blades of grass
    unit: Tensor  # (N, 3) unit direction of the ray
    distance: Tensor  # (N,) from the camera, metres
    albedo: Tensor  # (N, 3)
    emitted: Tensor  # (N, 3)
    mirrors: Tensor  # (N, 3) share of mirrored light that is thrown back
    rough: Tensor  # (N,) 0 for mirrors to 1 for dull surfaces


def met(batch: Batch, part: Tensor, offset: Tensor, ray: Tensor) -> Surface:
    """Parts (N,), pictures in order, met at `offset` (N, 3) metres from their cameras, world axes, by rays (N, 3)."""
    rows = Rows(batch.picture.index_select(0, part), batch.size)
    local, shape = [axis.index_select(0, part) for axis in batch.axes], batch("shape", part)
    point = torch.stack([dot(axis, offset) for axis in local], 1) + batch.start.index_select(0, part)
    raw = normals(shape, point, batch.extent.index_select(0, part))
    normal = unit(sum(axis * raw[:, i : i + 1] for i, axis in enumerate(local)))  # type: ignore[arg-type]
    towards, distance, place = unit(ray), length(offset), offset + per(batch.position, rows.picture)
    cos = dot(towards, normal).abs()
    spot = _spots(batch, rows, part, point, normal, place[:, 2], distance, cos)
    names, kind = batch("texture", part), batch("kind", part)
    albedo, gloss, paint_glow = painted(names, spot), batch("gloss", part), batch("glow", part)
    glow = batch.looks["glow"].reshape(-1).index_select(0, rows.picture * len(KINDS) + kind)
    emitted = (paint_glow * glow)[:, None] * albedo
    base = 0.04 * gloss[:, None].expand(-1, 3)
    mirror, metal = names == _TEXTURE["mirror"], names == _TEXTURE["metal"]
    base = torch.where(mirror[:, None], 0.88, torch.where(metal[:, None], 0.6 * albedo, base))
    facade = (names == _TEXTURE["facade"]).nonzero()[:, 0]
    if len(facade):
        glass, _, own = panes(spot.at(facade))
        gloss, base = gloss.clone(), base.clone()
        gloss[facade] = torch.maximum(gloss[facade], glass)
        base[facade] = torch.maximum(base[facade], 0.07 * glass[:, None])
        picture = rows.picture.index_select(0, facade)
        share, strength = per(batch.looks["lit"], picture), 0.3 + 0.3 * per(batch.looks["dark"], picture)
        lit = glass * (random((own * 1e6).floor()) < share) * (0.3 + random((own * 1e6).floor() + 1)) * strength
        emitted[facade] = emitted[facade] + lit[:, None] * constant((0.9, 0.62, 0.3), place)
    if batch.indoor_host.any():
        indoor = per(batch.indoor, rows.picture)
        window = (indoor & (kind == _KIND["window"]) & (paint_glow > 0)).nonzero()[:, 0]
        emitted[window] = looks.outside(towards[window], batch.looks, rows.picture.index_select(0, window))
        albedo[window], gloss[window], base[window] = 0.02, 1.0, 0.05
        ceiling = (indoor & (kind == _KIND["ceiling"])).nonzero()[:, 0]
        _ceiling_panels(batch, rows.picture.index_select(0, ceiling), place, ceiling, emitted)
    fresnel = base + ((1 - base) * gloss[:, None]) * ((1 - cos) ** 5)[:, None]
    rough = torch.where(mirror, 0.0, 1 - gloss)
    shading = _rippled(names, spot, normal)
    return Surface(rows, place, normal, shading, towards, distance, albedo, emitted, fresnel, rough)


def _spots(batch: Batch, rows: Rows, part, point, normal, height, distance, cos) -> Spot:
    half, shape = batch("half", part), batch("shape", part)
    metres = point * half
    boxes = (shape == SHAPES.index("box")) | (shape == SHAPES.index("rounded box"))
    flat_end = ((shape == SHAPES.index("cylinder")) | (shape == SHAPES.index("cone"))) & (point[:, 2].abs() > 0.999)
    beyond = (metres.abs() - half).unbind(1)  # the face of a box is that which the point is nearest to
    first = (beyond[0] >= beyond[1]) & (beyond[0] >= beyond[2])
    face = torch.where(first, 0, torch.where(beyond[1] >= beyond[2], 1, 2))
    axis = torch.where(boxes, face, torch.where(flat_end, 2, 3))
    u = torch.where(axis == 0, metres[:, 1], metres[:, 0])
    wide = 2 * torch.where(axis == 0, half[:, 1], half[:, 0])
    curved = (axis == 3).nonzero()[:, 0]
    around_it = torch.atan2(*point.index_select(0, curved)[:, :2].unbind(1)[::-1])
    radius = half[:, 0].index_select(0, curved)
    u[curved], wide[curved] = around_it * radius, 6.283 * radius
    v = torch.where(axis == 2, metres[:, 1] + half[:, 1], metres[:, 2] + half[:, 2])
    tall = torch.where(axis == 2, 2 * half[:, 1], 2 * half[:, 2])
    return Spot(
        u=u, v=v, wide=wide, tall=tall, scale=batch("scale", part),
        pixel=distance / per(batch.focal, rows.picture) / cos.clamp(min=0.06) ** 0.75,
        salt=random(batch.number.index_select(0, part), per(batch.looks.pattern(99991), rows.picture)),
        upright=((axis != 2) & (normal[:, 2].abs() < 0.5)).float(), height=height,
        rgb=batch("rgb", part), rgb2=batch("rgb2", part),
    )  # fmt: skip


def _rippled(names: Tensor, spot: Spot, normal: Tensor) -> Tensor:
    """Normals for light only: leaves, grass and rough ground face many ways."""
    leafy = constant(_LEAFY, normal).index_select(0, names)
    rows = (leafy > 0).nonzero()[:, 0]
    if not len(rows):
        return normal
    some = spot.at(rows)
    cell = 0.5 * some.scale.clamp(min=0.02)
    column, row, key = (value[:, None] for value in ((some.u / cell).floor(), (some.v / cell).floor(), some.key))
    tilt = (random(column + constant((0, 131, 262), cell), row, key) - 0.5) * 1.4
    normal = normal.clone()
    normal[rows] = unit(normal[rows] + tilt * (leafy[rows] * some.fine(cell))[:, None])
    return normal


def _ceiling_panels(batch: Batch, picture: Tensor, place: Tensor, at: Tensor, emitted: Tensor) -> None:
    """Lights let into the ceiling are drawn on it: large ones as rectangles, small ones round.

    at (M,): the rows that show a ceiling; picture (M,): whose these are.
    """
    down = [[x for x in look.lights if x.kind == "panel" and x.normal[2] <= -0.9] for look in batch.looks.each]
    most = max(len(lights) for lights in down)
    if not most or not len(at):
        return
    table = np.zeros((batch.size, most, 8), np.float32)  # middle, half extents, whether round, colour; none: size 0
    for row, lights in enumerate(down):
        for i, light in enumerate(lights):
            half = np.abs(light.across).max(0)[:2]
            table[row, i] = (*light.at[:2], *half, half.max() < 0.15, *light.rgb)
    panel = per(batch.tensor(table), picture)  # (M, panels, 8)
    off = (place.index_select(0, at)[:, None, :2] - panel[..., :2]).abs() / panel[..., 2:4].clamp(min=1e-9)
    inside = torch.where(panel[..., 4] > 0, off.square().sum(2) < 1, off.amax(2) < 1)
    last, number = (inside * torch.arange(1, most + 1, device=at.device)).max(1)
    shown = last.nonzero()[:, 0]
    emitted[at[shown]] = panel[shown, number[shown], 5:]
