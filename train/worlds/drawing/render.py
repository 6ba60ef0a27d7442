"""Scenes -> images with exact depth, normals and labels: a batched ray tracer in plain torch.

Rays are grouped in tiles of 8 x 8 pixels. A primitive is tried only on the tiles that its projected bounds
touch, near ones first, so that a tile already filled by something nearer is skipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from ..layout import FAR, Scene
from ..things import SHAPES
from .rays import NEAR, hit
from .shade import shade_image

TILE = 8
PAIRS = 1024  # (primitive, tile) pairs intersected at once: 64 rays each, small enough for the CPU's cache

_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if bin(a ^ b).count("1") == 1]


@dataclass
class Render:
    """B images of one size, camera frame, metres. Labels and geometry are those of the pixel's centre."""

    image: Tensor  # (B, H, W, 3) uint8, sRGB
    depth_z: Tensor  # (B, H, W) float32; inf = sky
    normals: Tensor  # (B, H, W, 3) unit, towards the camera; 0 = sky
    instance: Tensor  # (B, H, W) uint8; 0 = none
    kind: Tensor  # (B, H, W) uint8, index in KINDS; 0 = sky
    colour: Tensor  # (B, H, W) uint8, index in COLOURS
    material: Tensor  # (B, H, W) uint8, index in TEXTURES; 0 = sky, too


def render(scenes: list[Scene], device: str = "cpu") -> Render:
    """Draw scenes that share one image size, all of it on `device`."""
    (height, width), *others = {scene.size for scene in scenes}
    if others:
        raise ValueError("scenes of one render must share one size; group them by scene.size first")
    down, across = -(-height // TILE), -(-width // TILE)
    directions = torch.stack([_rays(scene, down, across) for scene in scenes]).to(device)  # (B, tiles, 3, 64)
    depth, which = _trace(scenes, directions, down, across, device)
    results = [
        (
            *shade_image(scene, directions[i], depth[i], which[i], (down, across, TILE)),
            _material(scene, which[i], across),
        )
        for i, scene in enumerate(scenes)
    ]
    return Render(*(torch.stack(column) for column in zip(*results, strict=True)))


def _material(scene: Scene, which: Tensor, across: int) -> Tensor:
    """(H, W) uint8 from the primitive of every pixel, (tiles, 64)."""
    texture = torch.from_numpy(scene.primitives.texture.astype(np.uint8)).to(which.device)
    flat = texture.take(which.clamp(min=0)) * (which >= 0)
    image = flat.reshape(-1, across, TILE, TILE).transpose(1, 2).reshape(-1, across * TILE)
    return image[: scene.size[0], : scene.size[1]].contiguous()


def _rays(scene: Scene, down: int, across: int) -> Tensor:
    """(tiles, 3, 64): world directions whose camera z-component is 1, so that t is depth_z."""
    y, x = np.meshgrid(np.arange(down * TILE) + 0.5, np.arange(across * TILE) + 0.5, indexing="ij")
    slopes = scene.slopes_at(np.stack([x, y], -1))
    rays = slopes @ scene.rotation[:, :2].T + scene.rotation[:, 2]
    rays = rays.reshape(down, TILE, across, TILE, 3).transpose(0, 2, 4, 1, 3)
    return torch.from_numpy(rays.reshape(down * across, 3, TILE * TILE).astype(np.float32))


def _tile_bounds(scene: Scene, down: int, across: int) -> tuple[np.ndarray, np.ndarray]:
    """(P, 4) tile ranges x0, x1, y0, y1 (ends excluded) and (P,) smallest z-depth of every primitive."""
    points = (scene.primitives.corners() - scene.position) @ scene.rotation
    ends = np.array(_EDGES)
    a, b = points[:, ends[:, 0]], points[:, ends[:, 1]]  # (P, 12, 3): edges, clipped at z = NEAR
    za, zb = a[..., 2:], b[..., 2:]
    with np.errstate(divide="ignore", invalid="ignore"):
        cut = a + (b - a) * np.clip((NEAR - za) / (zb - za), 0, 1)
    kept = np.concatenate([np.where(za < NEAR, cut, a), np.where(zb < NEAR, cut, b)], 1)
    ok = np.concatenate([np.maximum(za, zb)[..., 0]] * 2, 1) > NEAR
    slopes = kept[..., :2] / np.maximum(kept[..., 2:], NEAR)
    low = np.where(ok[..., None], slopes, np.inf).min(1)
    high = np.where(ok[..., None], slopes, -np.inf).max(1)
    if scene.distortion != (0.0, 0.0):
        low, high = _distorted_bounds(scene, low, high)
    low, high = (side * scene.focal + np.array(scene.principal) for side in (low, high))
    count = (across, down)
    first = np.clip(np.floor(low / TILE - 0.01), 0, count)
    last = np.clip(np.ceil(high / TILE + 0.01), 0, count)
    bounds = np.stack([first, last], 2).reshape(-1, 4)
    bounds[~ok.any(1)] = 0
    return bounds.astype(np.int64), np.maximum(points[..., 2].min(1), 0)


def _distorted_bounds(scene: Scene, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(P, 2) slope ranges -> ranges that hold all they become in the lens; cut off outside the picture.

    The lens scales a slope by a factor between those at the smallest and the largest radius of its range (its two
    terms are too mild for a turning point inside the picture to matter beyond the slack of 0.5 %).
    """
    corners = scene.slopes_at(scene.lens.corners())
    low, high = (np.clip(side, 1.1 * corners.min(0), 1.1 * corners.max(0)) for side in (low, high))
    smallest = np.where((low < 0) & (high > 0), 0, np.minimum(np.abs(low), np.abs(high)))
    largest = np.maximum(np.abs(low), np.abs(high))
    k1, k2 = scene.distortion
    r2 = np.stack([(reach * reach).sum(1, keepdims=True) for reach in (smallest, largest)])
    factor = 1 + r2 * (k1 + r2 * k2)
    factor = np.stack([factor.min(0) - 0.005, factor.max(0) + 0.005])
    return (low * factor).min(0), (high * factor).max(0)


def expand(bounds: np.ndarray, across: int) -> tuple[np.ndarray, np.ndarray]:
    """Tile ranges (P, 4) -> all (primitive, tile) pairs, as two index arrays, primitives in order."""
    wide, tall = np.maximum(bounds[:, 1] - bounds[:, 0], 0), np.maximum(bounds[:, 3] - bounds[:, 2], 0)
    count = wide * tall
    primitive = np.repeat(np.arange(len(bounds)), count)
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    row, column = step // wide[primitive], step % wide[primitive]
    return primitive, (bounds[primitive, 2] + row) * across + bounds[primitive, 0] + column


def _trace(scenes, directions, down, across, device) -> tuple[Tensor, Tensor]:
    """depth_z (B, tiles, 64), inf where nothing is hit, and the primitive's index in its own scene."""
    tiles = down * across
    pair_primitive, pair_tile, nearest, shapes, local, origin, extent, first = ([] for _ in range(8))
    offset = 0
    for i, scene in enumerate(scenes):
        p = scene.primitives
        bounds, near = _tile_bounds(scene, down, across)
        order = np.argsort(near, kind="stable")
        primitive, tile = expand(bounds[order], across)
        pair_primitive.append(order[primitive] + offset)
        pair_tile.append(tile + i * tiles)
        nearest.append(near)
        shapes.append(p.shape)
        local.append(p.to_local())
        origin.append(np.einsum("pij,pj->pi", local[-1], scene.position - p.centre))
        extent.append(p.extent())
        first.append(np.full(tiles, offset))
        offset += len(p.shape)
    primitive, tile = np.concatenate(pair_primitive), np.concatenate(pair_tile)
    order = np.argsort(tile, kind="stable")
    primitive, tile = primitive[order], tile[order]
    start = np.searchsorted(tile, tile)  # turn in the tile: 0 for its nearest candidate, then 1, ...
    turn = np.arange(len(tile)) - start
    shape = np.concatenate(shapes)
    order = np.lexsort((shape[primitive], turn))
    primitive, tile, turn = primitive[order], tile[order], turn[order]
    rounds = np.searchsorted(turn, np.arange(turn[-1] + 2))

    near_of = torch.from_numpy(np.concatenate(nearest)).float().to(device)
    local_of = torch.from_numpy(np.concatenate(local)).float().to(device)
    origin_of = torch.from_numpy(np.concatenate(origin)).float().to(device)
    extent_of = torch.from_numpy(np.concatenate(extent)).float().to(device)
    shape_of = torch.from_numpy(shape).to(device)
    rays = directions.reshape(-1, 3, TILE * TILE)
    depth = torch.full((len(rays), TILE * TILE), torch.inf, device=device)
    which = torch.full((len(rays), TILE * TILE), -1, dtype=torch.int32, device=device)
    farthest = torch.full((len(rays),), torch.inf, device=device)
    primitive, tile = torch.from_numpy(primitive).to(device), torch.from_numpy(tile).to(device)
    for low, high in pairwise(rounds):
        p, k = primitive[low:high], tile[low:high]
        keep = (near_of[p] < farthest[k]).nonzero()[:, 0]
        p, k = p[keep], k[keep]
        sizes = torch.bincount(shape_of[p], minlength=len(SHAPES)).tolist()
        begin = 0
        for index, size in enumerate(sizes):
            for at in range(begin, begin + size, PAIRS):
                some = slice(at, min(at + PAIRS, begin + size))
                _try(index, p[some], k[some], local_of, origin_of, extent_of, rays, depth, which, farthest)
            begin += size
    depth = torch.where(depth > FAR, torch.inf, depth)
    which = torch.where(depth.isinf(), -1, which)
    base = torch.from_numpy(np.concatenate(first)).to(device)[:, None]
    which = torch.where(which >= 0, which - base, -1).long()
    return depth.reshape(len(scenes), tiles, -1), which.reshape(len(scenes), tiles, -1)


def _try(shape, p, k, local_of, origin_of, extent_of, rays, depth, which, farthest) -> None:
    """Intersect pairs (primitive p, tile k) of one shape, every tile at most once; keep what is nearer."""
    local, origin, extent = (of.index_select(0, p) for of in (local_of, origin_of, extent_of))
    t = hit(shape, origin[..., None], torch.bmm(local, rays.index_select(0, k)), extent)
    old = depth.index_select(0, k)
    best = torch.minimum(t, old)
    depth.index_copy_(0, k, best)
    which.index_copy_(0, k, torch.where(t < old, p[:, None].int(), which.index_select(0, k)))
    farthest.index_copy_(0, k, best.amax(1))
