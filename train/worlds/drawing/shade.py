"""From hit points to light: materials, lamps and sun with soft shadows, corners, mirror images, haze, the camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..things import KINDS, SHAPES, TEXTURES
from . import looks, screen
from .lighting import around, direct, facing_share, light_at, way_to
from .noise import random
from .patterns import panes
from .rays import normals
from .spot import Spot
from .textures import painted
from .tracer import Tracer
from .vectors import dot, length, mix, unit

MIRRORED = 0.08
"""Surfaces that throw back less of what stands before them get the light from all around instead."""
_RIPPLES = {"leaves": 0.9, "speckle": 0.5, "lawn": 0.5, "gravel": 0.5, "bark": 0.5, "water": 0.1}
_KIND = {name: index for index, name in enumerate(KINDS)}
_TEXTURE = {name: index for index, name in enumerate(TEXTURES)}


@dataclass
class Surface:
    """What N rays meet: points, and how these answer to light."""

    place: Tensor  # (N, 3) world, metres
    normal: Tensor  # (N, 3) unit, world
    shading: Tensor  # (N, 3) the same with what is too fine to be shape: leaves, blades of grass
    unit: Tensor  # (N, 3) unit direction of the ray
    distance: Tensor  # (N,) from the camera, metres
    albedo: Tensor  # (N, 3)
    emitted: Tensor  # (N, 3)
    mirrors: Tensor  # (N, 3) share of mirrored light that is thrown back
    rough: Tensor  # (N,) 0 for mirrors to 1 for dull surfaces


def shade_image(scene, rays: Tensor, depth: Tensor, which: Tensor, grid: tuple[int, int, int]):
    """One image from its traced rays: (image, depth_z, normals, instance, kind, colour), each (H, W, ...).

    rays (tiles, 3, 64) world, depth and which (tiles, 64); grid: tiles down, tiles across, pixels along a tile.
    """
    down, across, tile = grid
    shape, device = (down * tile, across * tile), rays.device
    ray, flat_depth, flat_which = _untile(rays.transpose(1, 2), grid), _untile(depth, grid), _untile(which, grid)
    seen = flat_which >= 0
    rows = seen.nonzero()[:, 0]
    table = _Table(scene, device)
    whole = len(rows) == len(ray)

    def some(values: Tensor, dim: int = 0) -> Tensor:
        """All pixels -> those that show something."""
        return values if whole else values.index_select(dim, rows)

    def full(values: Tensor, dim: int = 0) -> Tensor:
        """The way back; 0 where nothing is seen."""
        shape = list(values.shape)
        shape[dim] = len(ray)
        return values if whole else values.new_zeros(shape).index_copy_(dim, rows, values)

    seen_ray = some(ray)
    found = _surfaces(scene, table, some(flat_which), seen_ray * some(flat_depth)[:, None], seen_ray)

    slot = screen.slots(*shape, device)
    generator = torch.Generator().manual_seed(scene.seed * 16 + scene.view)
    colour = torch.zeros_like(ray)
    if len(rows):
        row, column = rows // shape[1], rows % shape[1]
        order = _neighbours(row, column, found.distance)
        tracer = Tracer(scene.primitives, device)
        own_slot = some(slot.reshape(-1))
        chosen = (row + column) % 2 == 0  # every second pixel's shadow is traced; its neighbours share it
        rgb, shares, visible, varying = direct(scene, tracer, found, own_slot, order[chosen[order]])
        mirrored, sharp = _mirror_images(scene, table, tracer, found, own_slot, order)
        offset, normal = (full(x).reshape(*shape, 3) for x in (found.place - table.position, found.normal))
        there = seen.reshape(shape)
        radii = (0.12, 0.5) if scene.room is not None else (0.3, 1.2)
        open_share = screen.occlusion(offset, normal, there, slot, scene.focal, radii)
        part = chosen.float()
        noisy = torch.cat([some(open_share.reshape(1, -1), 1), part[None], mirrored.T, visible[varying] * part])
        calm = screen.smooth(full(noisy, 1).reshape(-1, *shape), offset, normal)
        calm = some(calm.reshape(len(noisy), -1), 1)
        open_share, count = calm[0], calm[1]
        visible[varying] = torch.where(count > 0, calm[5:] / count.clamp(min=1e-6), visible[varying])
        mirrored = mix(calm[2:5].T, mirrored, sharp)
        light = around(scene, found.place, found.shading) * open_share[:, None] + (shares * visible).T @ rgb
        lit = found.albedo * light * (1 - 0.6 * found.mirrors) + found.emitted
        lit = lit + found.mirrors * mirrored + _shine(scene, found, visible, rgb)
        colour = full(_hazy(scene, lit, found))
    if not whole:
        beyond = (~seen).nonzero()[:, 0]
        colour[beyond] = (looks.sky if scene.room is None else looks.outside)(unit(ray[beyond]), scene.look)
    linear = screen.soften(colour.reshape(*shape, 3), flat_which.reshape(shape))
    height, width = scene.size
    depth_z = flat_depth.reshape(shape)[:height, :width].contiguous()
    image = looks.photograph(linear[:height, :width], depth_z, scene.look, generator)
    facing = full(found.normal @ looks.tensor(scene.rotation, ray)).reshape(*shape, 3)[:height, :width].contiguous()
    labels = []
    for name in ("instance", "kind", "colour"):
        flat = table(name, flat_which.clamp(min=0)) * seen
        labels.append(flat.to(torch.uint8).reshape(shape)[:height, :width].contiguous())
    return image, depth_z, facing, *labels


def _untile(values: Tensor, grid) -> Tensor:
    """(tiles, 64, ...) -> (pixels, ...), row by row of the picture."""
    down, across, tile = grid
    rest = values.shape[2:]
    return values.reshape(down, across, tile, tile, *rest).transpose(1, 2).reshape(-1, *rest)


def _neighbours(row: Tensor, column: Tensor, distance: Tensor) -> Tensor:
    """(N,): an order in which points close in the picture and in depth follow each other (a Morton curve)."""
    depth = (distance.clamp(min=0.05).log() + 3) / 0.12
    numbers = torch.arange(128, dtype=torch.int32, device=row.device)
    spread = torch.stack([(numbers >> bit & 1) << (3 * bit) for bit in range(7)]).sum(0).int()
    code = torch.zeros_like(row, dtype=torch.int32)
    for i, value in enumerate((column >> 1, row >> 1, depth.long())):
        code |= spread.index_select(0, value & 127) << i
    return code.argsort(stable=True)


class _Table:
    """The scene's primitives on the device: `table(name, part)` reads one column."""

    def __init__(self, scene, device):
        self._primitives, self._device, self._columns = scene.primitives, device, {}
        local = scene.primitives.to_local()
        start = np.einsum("pij,pj->pi", local, scene.position - scene.primitives.centre)
        self.axes = [torch.from_numpy(axis.copy()).float().to(device) for axis in local.transpose(1, 0, 2)]
        self.start = torch.from_numpy(start).float().to(device)
        self.extent = torch.from_numpy(scene.primitives.extent()).float().to(device)
        self.position = torch.from_numpy(scene.position).float().to(device)

    def __call__(self, name: str, part: Tensor) -> Tensor:
        if name not in self._columns:
            values = torch.from_numpy(getattr(self._primitives, name))
            self._columns[name] = (values.float() if values.is_floating_point() else values).to(self._device)
        return self._columns[name].index_select(0, part)


def _surfaces(scene, table: _Table, part: Tensor, offset: Tensor, ray: Tensor) -> Surface:
    """Primitives `part` (N,) met at `offset` (N, 3) metres from the camera, world axes, by rays (N, 3)."""
    local, shape = [axis.index_select(0, part) for axis in table.axes], table("shape", part)
    point = torch.stack([dot(axis, offset) for axis in local], 1) + table.start.index_select(0, part)
    raw = normals(shape, point, table.extent.index_select(0, part))
    normal = unit(sum(axis * raw[:, i : i + 1] for i, axis in enumerate(local)))  # type: ignore[arg-type]
    towards, distance, place = unit(ray), length(offset), offset + table.position
    cos = dot(towards, normal).abs()
    spot = _spots(scene, table, part, point, normal, place[:, 2], distance, cos)
    names, kind = table("texture", part), table("kind", part)
    albedo = painted(names, spot)
    gloss = table("gloss", part)
    glow = table("glow", part) * looks.tensor(scene.look.glow, place)[kind]
    emitted = glow[:, None] * albedo
    base = 0.04 * gloss[:, None].expand(-1, 3)
    mirror, metal = names == _TEXTURE["mirror"], names == _TEXTURE["metal"]
    base = torch.where(mirror[:, None], 0.88, torch.where(metal[:, None], 0.6 * albedo, base))
    facade = (names == _TEXTURE["facade"]).nonzero()[:, 0]
    if len(facade):
        glass, _, own = panes(spot.at(facade))
        gloss, base = gloss.clone(), base.clone()
        gloss[facade] = torch.maximum(gloss[facade], glass)
        base[facade] = torch.maximum(base[facade], 0.07 * glass[:, None])
        lit = glass * (random((own * 1e6).floor()) < scene.look.lit) * (0.3 + random((own * 1e6).floor() + 1))
        warm = torch.tensor([0.9, 0.62, 0.3], device=place.device)
        emitted[facade] = emitted[facade] + lit[:, None] * warm * (0.6 if scene.look.dark else 0.3)
    if scene.room is not None:
        window = ((kind == _KIND["window"]) & (table("glow", part) > 0)).nonzero()[:, 0]
        emitted[window] = looks.outside(towards[window], scene.look)
        albedo[window], gloss[window], base[window] = 0.02, 1.0, 0.05
        _ceiling_panels(scene, place, kind == _KIND["ceiling"], emitted)
    fresnel = base + ((1 - base) * gloss[:, None]) * ((1 - cos) ** 5)[:, None]
    rough = torch.where(mirror, 0.0, 1 - gloss)
    shading = _rippled(names, spot, normal)
    return Surface(place, normal, shading, towards, distance, albedo, emitted, fresnel, rough)


def _spots(scene, table, part, point, normal, height, distance, cos) -> Spot:
    half, shape = table("half", part), table("shape", part)
    metres = point * half
    boxes = (shape == SHAPES.index("box")) | (shape == SHAPES.index("rounded box"))
    flat_end = ((shape == SHAPES.index("cylinder")) | (shape == SHAPES.index("cone"))) & (point[:, 2].abs() > 0.999)
    axis = torch.where(boxes, (metres.abs() - half).argmax(1), torch.where(flat_end, 2, 3))
    around_it = torch.atan2(point[:, 1], point[:, 0]) * half[:, 0]
    u = torch.where(axis == 0, metres[:, 1], torch.where(axis == 3, around_it, metres[:, 0]))
    v = torch.where(axis == 2, metres[:, 1] + half[:, 1], metres[:, 2] + half[:, 2])
    wide = torch.where(axis == 0, 2 * half[:, 1], torch.where(axis == 3, 6.283 * half[:, 0], 2 * half[:, 0]))
    tall = torch.where(axis == 2, 2 * half[:, 1], 2 * half[:, 2])
    return Spot(
        u=u, v=v, wide=wide, tall=tall, scale=table("scale", part),
        pixel=distance / scene.focal / cos.clamp(min=0.06) ** 0.75,
        salt=random(part, part * 0 + scene.look.pattern % 99991),
        upright=((axis != 2) & (normal[:, 2].abs() < 0.5)).float(), height=height,
        rgb=table("rgb", part), rgb2=table("rgb2", part),
    )  # fmt: skip


def _rippled(names: Tensor, spot: Spot, normal: Tensor) -> Tensor:
    """Normals for light only: leaves, grass and rough ground face many ways."""
    leafy = torch.zeros_like(spot.u)
    for name, amount in _RIPPLES.items():
        leafy = torch.where(names == _TEXTURE[name], amount, leafy)
    rows = (leafy > 0).nonzero()[:, 0]
    if not len(rows):
        return normal
    some = spot.at(rows)
    cell = 0.5 * some.scale.clamp(min=0.02)
    keys = [(some.u / cell).floor(), (some.v / cell).floor(), some.key()]
    tilt = torch.stack([random(keys[0] + i * 131, *keys[1:]) - 0.5 for i in range(3)], 1) * 1.4
    normal = normal.clone()
    normal[rows] = unit(normal[rows] + tilt * (leafy[rows] * some.fine(cell))[:, None])
    return normal


def _ceiling_panels(scene, place: Tensor, ceiling: Tensor, emitted: Tensor) -> None:
    """Lights let into the ceiling are drawn on it: large ones as rectangles, small ones round."""
    for light in scene.look.lights:
        if light.kind != "panel" or light.normal[2] > -0.9:
            continue
        half = looks.tensor(np.abs(light.across).max(0)[:2], place)
        off = (place[:, :2] - looks.tensor(light.at[:2], place)).abs() / half
        round_one = half.max() < 0.15
        inside = (off.norm(dim=1) < 1) if round_one else (off < 1).all(1)
        emitted[inside & ceiling] = looks.tensor(light.rgb, place)


def _mirror_images(scene, table, tracer, found: Surface, slot: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
    """What polished points mirror, (N, 3), and how sharp (N,): dull ones scatter and are smoothed afterwards."""
    seen = around(scene, found.place, found.normal)
    facing = _reflected(found)
    if scene.room is None:
        up = facing[:, 2].clamp(min=0) ** 0.5
        seen = mix(seen, looks.tensor(scene.look.horizon, seen), up)
    strong = found.mirrors.amax(1) > MIRRORED
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
    t, which = tracer.nearest(start, way)
    hit, gone = (which >= 0).nonzero()[:, 0], (which < 0).nonzero()[:, 0]
    if len(hit):
        offset = start[hit] + way[hit] * t[hit, None] - table.position
        other = _surfaces(scene, table, which[hit], offset, way[hit])
        light = around(scene, other.place, other.normal)
        for i, lamp in enumerate(scene.look.lights):
            share = facing_share(*light_at(lamp, other.place), other.shading)
            if lamp.kind == "shaft":
                share = share * way_to(lamp, other.place, slot[hit], 0.618 * i)[1]
            light = light + 0.7 * share[:, None] * looks.tensor(lamp.rgb, light)
        seen[rows[hit]] = other.albedo * light + other.emitted
    if scene.room is None:
        seen[rows[gone]] = looks.sky(way[gone], scene.look)
    return seen, sharp


def _reflected(found: Surface) -> Tensor:
    """(N, 3): the unit directions from which mirrored light comes."""
    return found.unit - 2 * dot(found.unit, found.normal)[:, None] * found.normal


def _shine(scene, found: Surface, visible: Tensor, rgb: Tensor) -> Tensor:
    """Highlights of lamps and sun on polished points (N, 3): these lights are in no mirror image."""
    facing, glossy = _reflected(found), 1 - found.rough
    power = 12 + 500 * glossy * glossy
    total = torch.zeros_like(facing)
    for i, light in enumerate(scene.look.lights):
        if light.kind not in ("sun", "lamp"):
            continue
        at = looks.tensor(light.at, facing)
        if light.kind == "lamp":
            toward = at - found.place
            d2 = dot(toward, toward)
            cos, near = dot(facing, toward) / d2.sqrt().clamp(min=1e-12), 1 / (d2 + 0.05)
        else:
            cos, near = facing @ at, 1.0
        peak = cos.clamp(min=0) ** power * (power / 8) * near * visible[i]
        total.addcmul_(peak[:, None], rgb[i])
    return (total * found.mirrors).clamp(max=20)


def _hazy(scene, lit: Tensor, found: Surface) -> Tensor:
    """Distance fades into the colour of the horizon, which is brighter towards the sun."""
    if scene.look.fog >= looks.CLEAR:
        return lit
    kept = torch.exp(-found.distance / scene.look.fog)
    if scene.room is not None:
        haze = looks.tensor(scene.look.ambient, lit).mean(0).expand_as(lit) * 0.6
    else:
        flat = found.unit * looks.tensor([1.0, 1.0, 0.0], lit)
        haze = looks.horizon(unit(flat), scene.look).clamp(max=4)
    return mix(haze, lit, kept)
