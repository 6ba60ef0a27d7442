"""Scenes -> images with exact depth, normals and labels: a batched ray tracer in plain torch.

Rays are grouped in tiles of 8 x 8 pixels. A primitive is tried only on the tiles that its projected bounds
touch, near ones first, so that a tile already filled by something nearer is skipped. All work is on the pixels, rays
and parts of many pictures at once, so that a GPU gets few large operations: their number hardly grows with the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from ..layout import FAR, Scene
from ..things import SHAPES
from .batch import Batch
from .groups import starts
from .rays import NEAR, hit
from .shade import shade

TILE = 8
PAIRS = {"cpu": 1024, "gpu": 1 << 16}
"""(primitive, tile) pairs intersected at once, 64 rays each: on a CPU they are to stay in its cache."""
ROUNDS = (1, 4, 16, 64)
"""Of its candidates, nearest first, a tile tries one, then those up to the 4th, ...: each round costs operations."""
SHADED = {"cpu": 2, "gpu": 64}
"""Pictures that are shaded at once: on a CPU they are to stay in its cache, on a GPU to bound the memory."""

_SIDES = [(a, b) for a in range(8) for b in range(a + 1, 8) if bin(a ^ b).count("1") == 1]


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
    sizes = {scene.size for scene in scenes}
    if len(sizes) != 1:
        raise ValueError("render takes scenes of one size, at least one; group them by scene.size first")
    ((height, width),) = sizes
    down, across = -(-height // TILE), -(-width // TILE)
    directions = torch.stack([_rays(scene, down, across) for scene in scenes]).to(device)  # (B, tiles, 3, 64)
    batch, grid = Batch(scenes, device), (down, across, TILE)
    depth, which = _trace(batch, directions, down, across)
    drawn, count = [], SHADED[batch.processor]
    for at in range(0, len(scenes), count):
        some = slice(at, at + count)
        own = batch if len(scenes) <= count else Batch(scenes[some], device)
        part = which[some] - int(np.searchsorted(batch.owner, at))
        drawn.append(shade(own, directions[some], depth[some], part, grid))
    return Render(*(torch.cat(column) for column in zip(*drawn, strict=True)))


def _rays(scene: Scene, down: int, across: int) -> Tensor:
    """(tiles, 3, 64): world directions whose camera z-component is 1, so that t is depth_z."""
    y, x = np.meshgrid(np.arange(down * TILE) + 0.5, np.arange(across * TILE) + 0.5, indexing="ij")
    x, y = np.moveaxis(scene.slopes_at(np.stack([x, y], -1)), -1, 0)
    rays = np.stack([a * x + b * y + c for a, b, c in scene.rotation]).astype(np.float32)
    tiles = rays.reshape(3, down, TILE, across, TILE).transpose(1, 3, 0, 2, 4)
    return torch.from_numpy(tiles.reshape(down * across, 3, TILE * TILE))


def _tile_bounds(scene: Scene, corners: np.ndarray, down: int, across: int) -> tuple[np.ndarray, np.ndarray]:
    """(P, 4) tile ranges x0, x1, y0, y1 (ends excluded) and (P,) smallest z-depth of every primitive.

    corners (P, 8, 3): those of its box, world.
    """
    points = (corners - scene.position) @ scene.rotation
    ends = np.array(_SIDES)
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
    step = np.arange(count.sum()) - np.repeat(starts(count), count)
    row, column = step // wide[primitive], step % wide[primitive]
    return primitive, (bounds[primitive, 2] + row) * across + bounds[primitive, 0] + column


def _trace(batch: Batch, directions: Tensor, down: int, across: int) -> tuple[Tensor, Tensor]:
    """depth_z (B, tiles, 64), inf where nothing is hit, and the index of the part, -1 where there is none."""
    tiles, device = down * across, batch.device
    pair_primitive, pair_tile, nearest = [], [], []
    offset = 0
    for i, scene in enumerate(batch.scenes):
        corners = batch.corners[offset : offset + len(scene.primitives.shape)]
        bounds, near = _tile_bounds(scene, corners, down, across)
        order = np.argsort(near, kind="stable")
        primitive, tile = expand(bounds[order], across)
        pair_primitive.append(order[primitive] + offset)
        pair_tile.append(tile + i * tiles)
        nearest.append(near)
        offset += len(near)
    primitive, tile = np.concatenate(pair_primitive), np.concatenate(pair_tile)
    order = np.argsort(tile, kind="stable")
    primitive, tile = primitive[order], tile[order]
    turn = np.arange(len(tile)) - np.searchsorted(tile, tile)  # in the tile: 0 for its nearest candidate, then 1, ...
    round_of, shape = np.searchsorted(ROUNDS, turn, side="right"), batch.stacked(lambda p: p.shape)[primitive]
    order = np.lexsort((shape, round_of))
    rounds = np.searchsorted(round_of[order], np.arange(len(ROUNDS) + 2))

    rays = directions.reshape(-1, 3, TILE * TILE)
    found = _Found(len(rays), len(tile), device)
    primitive, tile, order = (torch.from_numpy(values).to(device) for values in (primitive, tile, order))
    near = batch.tensor(np.concatenate(nearest)).index_select(0, primitive)
    shape, pairs = batch.column("shape").index_select(0, primitive), PAIRS[batch.processor]
    for low, high in pairwise(rounds):
        row = order[low:high]
        keep = near.index_select(0, row) < found.farthest.index_select(0, tile.index_select(0, row))
        row = row[keep]
        begin = 0
        for index, size in enumerate(torch.bincount(shape.index_select(0, row), minlength=len(SHAPES)).tolist()):
            for some in row[begin : begin + size].split(pairs) if size else ():
                p, k = primitive.index_select(0, some), tile.index_select(0, some)
                local, origin, extent = (x.index_select(0, p) for x in (batch.local, batch.start, batch.extent))
                t = hit(index, origin[..., None], torch.bmm(local, rays.index_select(0, k)), extent)
                found.add(k, some, t)
            begin += size
    near = found.depth <= FAR
    depth = torch.where(near, found.depth, torch.inf)
    which = pad(primitive, (0, 1), value=-1)[torch.where(near, found.row, len(tile)).long()]
    return depth.reshape(batch.size, tiles, -1), which.reshape(batch.size, tiles, -1)


class _Found:
    """What the rays of all tiles meet first, of the pairs tried so far."""

    def __init__(self, tiles: int, pairs: int, device):
        self.depth = torch.full((tiles, TILE * TILE), torch.inf, device=device)
        self.row = torch.full((tiles, TILE * TILE), pairs, dtype=torch.int32, device=device)  # the pair; at first none
        self.farthest = torch.full((tiles,), torch.inf, device=device)  # depth of the farthest of a tile's rays
        self._none = pairs

    def add(self, tile: Tensor, row: Tensor, t: Tensor) -> None:
        """Pairs `row` (n,) of `tile` (n,), met at t (n, 64); of equally near ones the first counts."""
        old = self.depth.index_select(0, tile)
        self.depth.scatter_reduce_(0, tile[:, None].expand_as(t), t, "amin")
        best = self.depth.index_select(0, tile)
        self.row.index_copy_(0, tile, torch.where(best < old, self._none, self.row.index_select(0, tile)))
        mine = torch.where((t == best) & t.isfinite(), row[:, None].int(), self._none)
        self.row.scatter_reduce_(0, tile[:, None].expand_as(t), mine, "amin")
        self.farthest.index_copy_(0, tile, best.amax(1))
