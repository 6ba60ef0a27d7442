"""From hit points to light: surface coordinates, textures, one sun or lamp with shadows, ambient, haze."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from . import looks
from .layout import Primitives, Scene
from .rays import hit, normals
from .things import KINDS, SHAPES, TEXTURES

PAIRS = 1024
_NO_SHADOW = [KINDS.index(k) for k in ("floor", "ceiling", "wall", "ground", "road", "pavement", "grass", "window")]


def shade_image(scene: Scene, rays: Tensor, depth: Tensor, which: Tensor, grid: tuple[int, int, int]):
    """One image from its traced rays: (image, depth_z, normals, instance, kind, colour), each (H, W, ...).

    rays (tiles, 3, 64) world, depth and which (tiles, 64); grid: tiles down, tiles across, pixels a tile.
    """
    p = scene.primitives
    seen = (which.reshape(-1) >= 0).nonzero()[:, 0]
    part = which.reshape(-1)[seen]
    ray = rays.transpose(1, 2).reshape(-1, 3)
    offset = ray[seen] * depth.reshape(-1)[seen, None]  # from the camera, world axes
    get = _Gather(p, part)
    point, normal = _surface(scene, get, part, offset)
    generator = torch.Generator().manual_seed(scene.seed)
    light = _light(scene, get, offset, point, normal, ray[seen], seen, depth.shape, generator)
    colour = torch.zeros(len(ray), 3)
    colour[seen] = light
    if scene.room is None:
        gone = (which.reshape(-1) < 0).nonzero()[:, 0]
        unit = torch.nn.functional.normalize(ray, dim=1)
        colour[gone] = looks.sky(unit[gone], scene.look)
        haze = (-depth.reshape(-1)[seen, None] / scene.look["fog"]).exp()
        flat = torch.nn.functional.normalize(unit[seen] * torch.tensor([1.0, 1.0, 0.0]), dim=1)
        horizon = looks.sky(flat, scene.look)
        colour[seen] = torch.lerp(horizon, colour[seen], haze)
    facing = torch.zeros_like(colour)
    facing[seen] = normal @ torch.from_numpy(scene.rotation).float()
    labels = []
    for values in (p.instance, p.kind, p.colour):
        flat = torch.zeros(len(ray), dtype=torch.uint8)
        flat[seen] = torch.from_numpy(values).to(torch.uint8)[part]
        labels.append(_untile(flat, grid, scene.size))
    depth = _untile(depth.reshape(-1), grid, scene.size)
    linear = _contact(_untile(colour, grid, scene.size), depth) if len(seen) else _untile(colour, grid, scene.size)
    image = looks.photograph(_soften(linear, _untile(which.reshape(-1), grid, scene.size)), scene.look, generator)
    return image, depth, _untile(facing, grid, scene.size), *labels


class _Gather:
    """Per-pixel values of the primitive that each pixel shows."""

    def __init__(self, primitives: Primitives, part: Tensor):
        self.primitives, self.part = primitives, part

    def __call__(self, name: str) -> Tensor:
        values = torch.from_numpy(getattr(self.primitives, name))
        values = values.float() if values.is_floating_point() else values
        return values[self.part]


def _untile(flat: Tensor, grid, size) -> Tensor:
    down, across, tile = grid
    rest = flat.shape[1:]
    image = flat.reshape(down, across, tile, tile, *rest).transpose(1, 2)
    return image.reshape(down * tile, across * tile, *rest)[: size[0], : size[1]].contiguous()


def _surface(scene, get, part, offset) -> tuple[Tensor, Tensor]:
    """Hit points in unit-shape coordinates (N, 3), and unit world normals (N, 3)."""
    p = scene.primitives
    local = p.to_local()
    start = torch.from_numpy(np.einsum("pij,pj->pi", local, scene.position - p.centre)).float()[part]
    local = torch.from_numpy(local).float()[part]
    point = (local * offset[:, None]).sum(-1) + start
    normal = normals(get("shape"), point, torch.from_numpy(p.extent()).float()[part])
    normal = torch.nn.functional.normalize((local * normal[:, :, None]).sum(1), dim=1)
    return point, normal


def _light(scene, get, offset, point, normal, ray, seen, tiles, generator) -> Tensor:
    """Linear RGB (N, 3) of surface points."""
    look, half, shape = scene.look, get("half"), get("shape")
    metres = point * half
    size = point.abs()
    axis = torch.where(shape == 0, size.argmax(1), torch.where((shape == 2) & (size[:, 2] > 0.999), 2, 3))
    around = torch.atan2(point[:, 1], point[:, 0]) * half[:, 0]
    u = torch.where(axis == 0, metres[:, 1], torch.where(axis == 3, around, metres[:, 0]))
    v = torch.where(axis == 2, metres[:, 1], metres[:, 2] + half[:, 2])
    distance = offset.norm(dim=1)
    unit = ray / ray.norm(dim=1, keepdim=True)
    slant = (unit * normal).sum(1).abs().clamp(min=0.08)
    salt = (get.part * 0.618034 + look["pattern"] % 97) % 10
    names = get("texture")
    mix, tint = looks.textured(
        names, u=u, v=v, scale=get("scale"), pixel=distance / scene.focal / slant, salt=salt,
        upright=(axis != 2).float(), half=half,
    )  # fmt: skip
    albedo = torch.lerp(get("rgb"), get("rgb2"), mix[:, None]) * tint[:, None]
    leafy = names == TEXTURES.index("speckle")
    bump = 0.9 * (mix - 0.5) * leafy * (shape == 1)
    shading = torch.nn.functional.normalize(normal + bump[:, None] * normal.roll(1, 1), dim=1)

    position = torch.from_numpy(scene.position).float()
    place = offset + position
    if scene.room is None:
        to_light = torch.as_tensor(look["sun"], dtype=torch.float32).expand_as(offset)
        wobble, strength = 0.008, torch.ones_like(distance)
    else:
        to_light = torch.as_tensor(look["lamp"], dtype=torch.float32) - place
        wobble, strength = 0.05, 1.6 / (0.6 + 0.2 * to_light.square().sum(1))
    unit_light = torch.nn.functional.normalize(to_light, dim=1)
    facing = (shading * unit_light).sum(1).clamp(min=0) * ((normal * unit_light).sum(1) > 0)
    jitter = torch.randn(tiles[0] * tiles[1], 3, generator=generator)[seen] * wobble
    start = place + normal * (0.002 + 4e-4 * distance[:, None])
    visible = _visible(scene, start, to_light + jitter, facing, seen, tiles)
    direct = facing * visible * strength
    up = 0.7 + 0.3 * shading[:, 2]
    if scene.room is not None:
        room = torch.tensor(scene.room)
        gap = torch.cat([place, room - place], 1).clamp(min=0)
        along = torch.cat([normal, -normal], 1).clamp(min=0)
        up = (0.85 + 0.15 * shading[:, 2]) * (1 - 0.3 * (1 - along) * torch.exp(-gap / 0.35)).prod(1)
    ambient = torch.as_tensor(look["ambient"], dtype=torch.float32)
    light = torch.as_tensor(look["light"], dtype=torch.float32)
    colour = albedo * (ambient * up[:, None] + light * direct[:, None])
    gloss, glow = get("gloss")[:, None], get("glow")[:, None]
    mirror = unit - 2 * (unit * normal).sum(1, keepdim=True) * normal
    shine = (mirror * unit_light).sum(1).clamp(min=0) ** 40 * visible
    fresnel = 0.04 + 0.5 * (1 - slant) ** 5
    reflected = ambient * (0.5 + 0.5 * mirror[:, 2:]).clamp(min=0.1)
    return colour + gloss * (0.5 * shine[:, None] * light + fresnel[:, None] * reflected) + glow * albedo


def _light_coordinates(scene: Scene, points: Tensor) -> Tensor:
    """(..., 3): two coordinates that a ray to the light keeps, and one that grows towards the light."""
    if scene.room is None:
        sun = torch.as_tensor(scene.look["sun"])
        side = torch.nn.functional.normalize(torch.stack([sun[1], -sun[0], torch.zeros_like(sun[0])]), dim=0)
        frame = torch.stack([side, torch.linalg.cross(sun, side), sun]).to(points.dtype)
        return points @ frame.T
    below = torch.as_tensor(scene.look["lamp"]).to(points.dtype) - points
    z = below[..., 2:].clamp(min=0.05)
    return torch.cat([below[..., :2] / z, -below[..., 2:]], -1)


def _visible(scene, start, to_light, facing, seen, tiles) -> Tensor:
    """(N,): 1 where nothing stands between the point and the light, 0 in shadow."""
    p = scene.primitives
    casts = ~np.isin(p.kind, _NO_SHADOW) & (p.glow == 0)
    lit = (facing > 0).nonzero()[:, 0]
    blocked = torch.zeros(tiles[0] * tiles[1])
    if not casts.any() or not len(lit):
        return torch.ones(len(seen))
    casters = np.flatnonzero(casts)
    bounds = _light_coordinates(scene, torch.from_numpy(p.corners()[casters])).float()  # (C, 8, 3)
    low, high = bounds.amin(1), bounds.amax(1)
    if scene.room is not None:
        high_up = torch.from_numpy(p.corners()[casters])[..., 2].amax(1) > scene.look["lamp"][2] - 0.06
        low[high_up, :2], high[high_up, :2] = -1e9, 1e9
    coordinates = torch.full((tiles[0] * tiles[1], 3), torch.inf)
    coordinates[seen[lit]] = _light_coordinates(scene, start[lit])
    coordinates = coordinates.reshape(tiles[0], tiles[1], 3)
    tile_low = coordinates.amin(1)
    tile_high = torch.where(coordinates.isinf(), -torch.inf, coordinates).amax(1)
    pad_by = 0.03
    begins = tile_low[:, None, :2] < high[None, :, :2] + pad_by
    meets = begins & (tile_high[:, None, :2] > low[None, :, :2] - pad_by)
    pairs = (meets.all(2) & (tile_low[:, None, 2] < high[None, :, 2])).nonzero()
    tile, caster = pairs[:, 0], torch.from_numpy(casters)[pairs[:, 1]]
    local = torch.from_numpy(p.to_local()).float()
    centre = torch.from_numpy(p.centre).float()
    extent = torch.from_numpy(p.extent()).float()
    origins, rays = torch.zeros(tiles[0] * tiles[1], 3), torch.ones(tiles[0] * tiles[1], 3)
    origins[seen], rays[seen] = start, to_light
    origins = origins.reshape(tiles[0], tiles[1], 3).transpose(1, 2).contiguous()
    rays = rays.reshape(tiles[0], tiles[1], 3).transpose(1, 2).contiguous()
    blocked = blocked.reshape(tiles)
    shape = torch.from_numpy(p.shape)[caster]
    reach = torch.inf if scene.room is None else 1.0
    for index in range(len(SHAPES)):
        rows = (shape == index).nonzero()[:, 0]
        for at in range(0, len(rows), PAIRS):
            k, c = tile[rows[at : at + PAIRS]], caster[rows[at : at + PAIRS]]
            o = torch.bmm(local[c], origins[k] - centre[c, :, None])
            t = hit(index, o, torch.bmm(local[c], rays[k]), extent[c], near=0.0)
            blocked.index_add_(0, k, (t < reach).float())
    clear = (blocked.reshape(-1) == 0).float()
    clear[seen[facing <= 0]] = 0.5
    grid = clear.reshape(-1, 1, 8, 8)  # soften inside each tile: cheap, and the grain hides the seams
    return avg_pool2d(pad(grid, (1, 1, 1, 1), mode="replicate"), 3, 1).reshape(-1)[seen]


def _contact(linear: Tensor, depth: Tensor) -> Tensor:
    """Darken what lies just behind its surroundings: a cheap stand-in for ambient occlusion. (H, W, 3)."""
    near = torch.where(depth.isinf(), 0, 1 / depth)[None, None]
    around = avg_pool2d(pad(near, (4, 4, 4, 4), mode="replicate"), 9, 1)[0, 0]
    behind = (around / near[0, 0].clamp(min=1e-3) - 1).clamp(0, 0.4) * (depth.isfinite())
    return linear * (1 - 0.45 * behind)[..., None]


def _soften(linear: Tensor, which: Tensor) -> Tensor:
    """Blend pixels at the outlines of parts with their neighbours, against jagged edges. (H, W, 3)."""
    edge = torch.zeros(which.shape, dtype=torch.bool)
    across, down = which[:, 1:] != which[:, :-1], which[1:] != which[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    planes = pad(linear.clamp(max=3).permute(2, 0, 1)[None], (1, 1, 1, 1), mode="replicate")
    rows = planes[..., :-2, :] + 2 * planes[..., 1:-1, :] + planes[..., 2:, :]
    smooth = (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:])[0].permute(1, 2, 0) / 16
    return torch.where(edge[..., None], smooth, linear)
