"""What the picture shows of every thing, in one pass over the maps.

Words: a thing is *clear* when it covers at least 0.25 % of the pixels and at least a quarter of what its box would;
*named* when it is clear and no other thing with a visible pixel shares its name (its colour and kind; in a picture
without colours its kind alone); *whole* when its visible
pixels reach, up and down and across, as far as its projected box, away from the picture's border. Its *depth* is the
median depth_z over its visible pixels; its *point* their median x, y and z in the camera frame, metres.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ..layout import Scene, Thing
from ..things import KINDS

MIN_SHARE = 0.0025
"""A share of the picture under which no thing is clear."""
SPECK = 0.0002
"""A share of the picture under which nobody is expected to see a thing."""
WHOLE = 0.85
"""Of the projected box's width and height, at least."""


@dataclass
class Seen:
    """What the image shows of one thing."""

    kind: str
    colour: str
    instance: int
    box: tuple[int, int, int, int]  # x0, y0, x1, y1 of its visible pixels, ends excluded
    depth_z: float  # median over its visible pixels, metres
    centre: tuple[float, float]  # median visible pixel, at +0.5
    point: tuple[float, float, float]  # median of its visible points, camera frame, metres
    share: float  # of all pixels
    clear: bool
    whole: bool
    across: float  # metres from its leftmost to its rightmost visible point, along the camera's level right
    tall: float  # its own height, metres


def see(scene: Scene, depth_z: np.ndarray, instance: np.ndarray, points: np.ndarray | None = None) -> list[Seen]:
    """Every thing with a visible pixel. depth_z (H, W) metres, instance (H, W); points as `points_of` gives them."""
    height, width = instance.shape
    flat = instance.ravel()
    order = np.argsort(flat, kind="stable")
    order = order[np.searchsorted(flat[order], 1) :]
    numbers, starts, counts = np.unique(flat[order], return_index=True, return_counts=True)
    points = points_of(scene, depth_z) if points is None else points
    points = points.reshape(-1, 3)[order]
    sideways = points @ level_right(scene)
    table = np.concatenate([points.T, (order % width + 0.5)[None], (order // width + 0.5)[None]])
    seen = []
    for number, start, count in zip(numbers, starts, counts, strict=True):
        mine, thing = table[:, start : start + count], scene.things[number - 1]
        x, y, z, column, row = np.median(mine, axis=1).tolist()
        low, high = mine[3:].min(1) - 0.5, mine[3:].max(1) + 0.5
        projected = _projected(scene, thing)
        share = int(count) / (height * width)
        reach = sideways[start : start + count]
        seen.append(Seen(
            thing.kind, thing.colour, int(number), (int(low[0]), int(low[1]), int(high[0]), int(high[1])),
            z, (column, row), (x, y, z), share, share >= max(MIN_SHARE, 0.125 * _share(scene, projected)),
            _is_whole(scene, projected, low, high), float(reach.max() - reach.min()), _height(scene, thing),
        ))  # fmt: skip
    return seen


def points_of(scene: Scene, depth_z: np.ndarray) -> np.ndarray:
    """(H, W, 3): the visible points, camera frame, metres; depth_z (H, W) is their z."""
    rows, columns = np.indices(depth_z.shape) + 0.5
    slopes = scene.slopes_at(np.stack([columns, rows], -1))
    with np.errstate(invalid="ignore"):
        return np.concatenate([slopes, np.ones_like(rows)[..., None]], -1) * depth_z[..., None]


def level_right(scene: Scene) -> np.ndarray:
    """(3,): the horizontal direction to the right of where the camera looks, in the camera frame."""
    forward = scene.rotation[:, 2]
    right = np.array([forward[1], -forward[0], 0.0])
    return scene.rotation.T @ (right / np.linalg.norm(right))


def _projected(scene: Scene, thing: Thing) -> np.ndarray | None:
    """(2, 2): lowest and highest pixel (x, y) of the thing's box, unclipped; None where it reaches the camera."""
    corners = thing.corners()
    if corners[:, 2].min() < 0.05:
        return None
    pixel = scene.project(corners)
    return np.stack([pixel.min(0), pixel.max(0)])


def _share(scene: Scene, projected: np.ndarray | None) -> float:
    """The share of the picture inside the projected box (parts fill about half of it)."""
    if projected is None:
        return 0.0
    height, width = scene.size
    low, high = np.clip(projected, 0, (width, height))
    return float(np.prod(high - low) / (height * width))


def _is_whole(scene: Scene, projected: np.ndarray | None, low: np.ndarray, high: np.ndarray) -> bool:
    height, width = scene.size
    if projected is None or low.min() < 1 or high[0] > width - 1 or high[1] > height - 1:
        return False
    return bool((high - low >= WHOLE * (projected[1] - projected[0]) - 1).all())


def _height(scene: Scene, thing: Thing) -> float:
    """Of the thing's box along the world's up."""
    up = scene.rotation.T @ np.array([0.0, 0.0, 1.0])
    return float(np.abs(thing.turn.T @ up) @ thing.size)


class Shown:
    """A scene with its maps (H, W) and what they show: the ground that questions stand on."""

    def __init__(self, scene: Scene, depth_z: np.ndarray, instance: np.ndarray, kind: np.ndarray):
        self.scene, self.depth_z, self.instance, self.kind = scene, depth_z, instance, kind
        self.points = points_of(scene, depth_z)
        self.all = see(scene, depth_z, instance, self.points)
        self.grey = scene.look.saturation == 0.0  # a picture without colours
        names, kinds = Counter(map(self.name, self.all)), Counter(s.kind for s in self.all)
        self.clear = [s for s in self.all if s.clear]
        self.named = [s for s in self.clear if names[self.name(s)] == 1]
        self.alone = {s.kind for s in self.clear if kinds[s.kind] == 1}
        self.kinds, self.names = set(kinds), set(names)
        self.structure = np.bincount(kind.ravel(), minlength=len(KINDS)) / kind.size  # (kinds,) share of the pixels

    def name(self, thing: Seen | Thing) -> str:
        """ "red chair"; where the picture shows no colours, "chair"."""
        return thing.kind if self.grey else f"{thing.colour} {thing.kind}"

    def count(self, kind: str) -> int | None:
        """How many of a kind are visible; None when some are seen but not clearly."""
        found = [s for s in self.all if s.kind == kind and s.share > SPECK]
        return len(found) if all(s.clear for s in found) else None

    def heights(self) -> np.ndarray:
        """(H, W): metres of every visible point above the ground below the camera; not finite in the sky."""
        with np.errstate(invalid="ignore"):
            return self.points @ self.scene.rotation[2] + self.scene.camera_height

    def smooth_depth(self, x: int, y: int) -> float | None:
        """depth_z there; None in the sky and right beside an edge: rounding to 0-1000 must not change an answer."""
        near = self.depth_z[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
        nearest = float(near.min())
        return float(self.depth_z[y, x]) if near.max() < 1.1 * nearest and np.isfinite(nearest) else None
