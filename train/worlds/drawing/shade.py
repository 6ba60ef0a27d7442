"""From hit points to light: materials, lamps and sun with soft shadows, corners, mirror images, haze, the camera."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from . import looks, screen
from .batch import Batch, Rows, per, pick
from .lighting import Lights, around, casts_shadow, direct, facing_share, light_at, way_to
from .met import Surface, met
from .tracer import Tracer
from .vectors import constant, dot, mix, unit

_Moves = Callable[..., Tensor]
MIRRORED = 0.08
"""Surfaces that throw back less of what stands before them get the light from all around instead."""


def shade(batch: Batch, rays: Tensor, depth: Tensor, which: Tensor, grid: tuple[int, int, int]) -> tuple[Tensor, ...]:
    """Images from their traced rays: (image, depth_z, normals, instance, kind, colour, material), each (B, H, W, ...).

    rays (B, tiles, 3, 64) world, depth and which (B, tiles, 64); grid: tiles down, tiles across, pixels along a tile.
    """
    down, across, tile = grid
    size = (batch.size, down * tile, across * tile)
    ray, flat_depth, flat_which = (_untile(x, grid) for x in (rays.transpose(2, 3), depth, which))
    seen = flat_which >= 0
    pixels = seen.nonzero()[:, 0]
    whole = len(pixels) == len(ray)

    def some(values: Tensor, dim: int = 0) -> Tensor:
        """All pixels -> those that show something."""
        return values if whole else values.index_select(dim, pixels)

    def full(values: Tensor, dim: int = 0) -> Tensor:
        """The way back; 0 where nothing is seen."""
        shape = list(values.shape)
        shape[dim] = len(ray)
        return values if whole else values.new_zeros(shape).index_copy_(dim, pixels, values)

    found = met(batch, some(flat_which), some(ray) * some(flat_depth)[:, None], some(ray))
    colour = torch.zeros_like(ray)
    if len(pixels):
        colour = full(_lit(batch, found, pixels, seen.reshape(size), some, full))
    if not whole:
        colour[~seen] = _beyond(batch, ray, ~seen)
    linear = screen.soften(colour.reshape(*size, 3), flat_which.reshape(size))
    height, width = batch.scenes[0].size

    def cut(values: Tensor) -> Tensor:
        """(B * pixels, ...) -> (B, H, W, ...)."""
        return values.reshape(*size, *values.shape[1:])[:, :height, :width].contiguous()

    depth_z = cut(flat_depth)
    generators = [torch.Generator().manual_seed(scene.seed * 16 + scene.view) for scene in batch.scenes]
    image = looks.photograph(linear[:, :height, :width], depth_z, batch.looks, generators)
    turned = found.rows.times(found.normal, batch.rotation)
    part = flat_which.clamp(min=0)
    labels = [cut((batch(name, part) * seen).to(torch.uint8)) for name in ("instance", "kind", "colour", "texture")]
    return image, depth_z, cut(full(turned)), *labels


def _untile(values: Tensor, grid: tuple[int, int, int]) -> Tensor:
    """(B, tiles, 64, ...) -> (B * pixels, ...), row by row of each picture."""
    down, across, tile = grid
    rest = values.shape[3:]
    return values.reshape(-1, down, across, tile, tile, *rest).transpose(2, 3).reshape(-1, *rest)


def _beyond(batch: Batch, ray: Tensor, sky: Tensor) -> Tensor:
    """Colours (M, 3) of the pixels that show nothing near: `sky` (N,) bool; ray (N, 3)."""
    at = sky.nonzero()[:, 0]
    rows, way = Rows(at // (len(ray) // batch.size), batch.size), unit(ray.index_select(0, at))
    colour = torch.empty_like(way)
    for draw, chosen in ((looks.sky, ~batch.indoor_host), (looks.outside, batch.indoor_host)):
        if rows.counts[chosen].any():
            own = rows.of(chosen)
            colour[own] = draw(pick(way, own), batch.looks, pick(rows.picture, own))
    return colour


def _lit(batch: Batch, found: Surface, pixels: Tensor, there: Tensor, some: _Moves, full: _Moves) -> Tensor:
    """Linear light (N, 3) from the points found at `pixels` (N,), with haze. there (B, H, W) bool: what is seen.

    some and full: values of all pixels -> those of the points, and the way back, as in `shade`.
    """
    _, height, width = there.shape
    lights = Lights(batch.looks.each, there.device)
    tracer = Tracer(batch, batch.stacked(casts_shadow))
    slot = screen.slots(height, width, there.device)
    pixel = pixels % (height * width)
    row, column, own_slot = pixel // width, pixel % width, slot.reshape(-1).index_select(0, pixel)
    order = _neighbours(found.rows.picture, row, column, found.distance)
    chosen = (row + column) % 2 == 0  # every second pixel's shadow is traced; its neighbours share it
    straight = direct(batch, lights, tracer, found, own_slot, order[chosen[order]])
    mirrored, sharp = _mirror_images(batch, lights, tracer, found, own_slot, order)
    offset = found.place - per(batch.position, found.rows.picture)
    offset, normal = (full(x).reshape(*there.shape, 3) for x in (offset, found.normal))
    radii = torch.where(batch.indoor[:, None], constant((0.12, 0.5), offset), constant((0.3, 1.2), offset))
    open_share = screen.occlusion(offset, normal, there, slot, batch.focal, radii)
    part = chosen.float()
    noisy = torch.cat([some(open_share.reshape(1, -1), 1), part[None], mirrored.T, straight.level * part])
    calm = screen.smooth(full(noisy, 1).reshape(-1, *there.shape), offset, normal)
    calm = some(calm.reshape(len(noisy), -1), 1)
    open_share, count = calm[0], calm[1]
    visible = straight.visible(torch.where(count > 0, calm[5:] / count.clamp(min=1e-6), straight.level))
    light = around(batch, found.rows, found.place, found.shading) * open_share[:, None]
    light = light + found.rows.times((straight.shares * visible).T, lights.rgb)
    lit = found.albedo * light * (1 - 0.6 * found.mirrors) + found.emitted
    lit = lit + found.mirrors * mix(calm[2:5].T, mirrored, sharp) + _shine(lights, found, visible)
    return _hazy(batch, lit, found)


def _neighbours(picture: Tensor, row: Tensor, column: Tensor, distance: Tensor) -> Tensor:
    """(N,): an order, picture by picture, in which points close in it and in depth follow each other: Morton curves."""
    depth = (distance.clamp(min=0.05).log() + 3) / 0.12
    numbers = torch.arange(128, dtype=torch.int32, device=row.device)
    spread = torch.stack([(numbers >> bit & 1) << (3 * bit) for bit in range(7)]).sum(0).int()
    code = picture.int() << 21
    for i, value in enumerate((column >> 1, row >> 1, depth.long())):
        code |= spread.index_select(0, value & 127) << i
    return code.argsort(stable=True)


def _mirror_images(
    batch: Batch, lights: Lights, tracer: Tracer, found: Surface, slot: Tensor, order: Tensor
) -> tuple[Tensor, Tensor]:
    """What polished points mirror, (N, 3), and how sharp (N,): dull ones scatter and are smoothed afterwards."""
    seen, facing = around(batch, found.rows, found.place, found.normal), _reflected(found.unit, found.normal)
    if not batch.indoor_host.all():
        at = found.rows.of(~batch.indoor_host)
        low = per(batch.looks["horizon"], pick(found.rows.picture, at))
        seen[at] = mix(pick(seen, at), low, pick(facing, at)[:, 2].clamp(min=0) ** 0.5)
    red, green, blue = found.mirrors.unbind(1)
    strong = torch.maximum(torch.maximum(red, green), blue) > MIRRORED
    sharp = torch.zeros_like(found.rough)
    rows = order[strong[order]]
    if not len(rows):
        return seen, sharp
    slot, rough, normal = slot[rows], found.rough[rows], found.normal[rows]
    jitter = torch.stack([slot % 4 - 1.5, slot // 4 - 1.5, (slot * 5) % 16 / 4 - 1.9], 1) / 1.5
    way = unit(facing[rows] + jitter * (0.12 * rough)[:, None])
    free = (dot(way, normal) > 0.01).nonzero()[:, 0]
    rows, way, rough, normal, slot = (x.index_select(0, free) for x in (rows, way, rough, normal, slot))
    sharp[rows] = (1 - rough).clamp(0, 1) ** 2
    start = found.place[rows] + normal * (0.003 + 4e-4 * found.distance[rows, None])
    whose = found.rows.at(rows)
    t, which = tracer.nearest(start, way, whose)
    hit, gone = (which >= 0).nonzero()[:, 0], ((which < 0) & ~per(batch.indoor, whose.picture)).nonzero()[:, 0]
    if len(hit):
        offset = start[hit] + way[hit] * t[hit, None] - per(batch.position, whose.picture[hit])
        seen[rows[hit]] = _in_mirrors(batch, lights, met(batch, which[hit], offset, way[hit]), slot[hit])
    if len(gone):
        seen[rows[gone]] = looks.sky(way[gone], batch.looks, whose.picture[gone])
    return seen, sharp


def _in_mirrors(batch: Batch, lights: Lights, other: Surface, slot: Tensor) -> Tensor:
    """(N, 3): light from the points that mirrors show, without their shadows."""
    light = around(batch, other.rows, other.place, other.normal)
    for _, kind, at, lamp in lights.each(other.rows):
        picture, place = pick(other.rows.picture, at), pick(other.place, at)
        share = facing_share(*light_at(kind, lamp, picture, place), pick(other.shading, at))
        if kind == "shaft":
            share = share * way_to(kind, lamp, picture, place, pick(slot, at), per(0.618 * lamp.number, picture))[1]
        light[at] += 0.7 * share[:, None] * per(lamp.rgb, picture)
    return other.albedo * light + other.emitted


def _reflected(way: Tensor, normal: Tensor) -> Tensor:
    """(N, 3): the unit directions from which mirrored light comes, for unit rays and unit normals (N, 3)."""
    return way - 2 * dot(way, normal)[:, None] * normal


def _shine(lights: Lights, found: Surface, visible: Tensor) -> Tensor:
    """Highlights of lamps and sun on polished points (N, 3): these lights are in no mirror image."""
    polished = (found.mirrors[:, 0] > 0).nonzero()[:, 0]
    rows, place = found.rows.at(polished), found.place.index_select(0, polished)
    facing = _reflected(found.unit.index_select(0, polished), found.normal.index_select(0, polished))
    power = 12 + 500 * (1 - found.rough.index_select(0, polished)).square()
    visible, total = visible.index_select(1, polished), torch.zeros_like(facing)
    for seat, kind, at, light in lights.each(rows):
        if kind not in ("sun", "lamp"):
            continue
        picture, way, sharp = pick(rows.picture, at), pick(facing, at), pick(power, at)
        toward = per(light.at, picture)
        cos, near = dot(way, toward), 1.0
        if kind == "lamp":
            toward = toward - pick(place, at)
            d2 = dot(toward, toward)
            cos, near = dot(way, toward) / d2.sqrt().clamp(min=1e-12), 1 / (d2 + 0.05)
        peak = cos.clamp(min=0) ** sharp * (sharp / 8) * near * pick(visible[seat], at)
        total[at] += peak[:, None] * per(light.rgb, picture)
    shine = (total * found.mirrors.index_select(0, polished)).clamp(max=20)
    return torch.zeros_like(found.mirrors).index_copy_(0, polished, shine)


def _hazy(batch: Batch, lit: Tensor, found: Surface) -> Tensor:
    """Distance fades into the colour of the horizon, which is brighter towards the sun; in rooms into their light."""
    foggy = np.array([look.fog < looks.CLEAR for look in batch.looks.each])
    if not foggy.any():
        return lit
    at = found.rows.of(foggy)
    picture = pick(found.rows.picture, at)
    flat = unit(pick(found.unit, at) * constant((1.0, 1.0, 0.0), lit))
    haze = looks.horizon(flat, batch.looks, picture).clamp(max=4)
    haze = torch.where(per(batch.indoor, picture)[:, None], per(batch.looks["ambient"].mean(1) * 0.6, picture), haze)
    kept = torch.exp(-pick(found.distance, at) / per(batch.looks["fog"], picture))
    lit[at] = mix(haze, pick(lit, at), kept)
    return lit
