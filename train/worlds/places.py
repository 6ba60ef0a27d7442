"""Where things stand: a place, footprints on its floor, and what fits where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .things import Item, Paint

Rectangle = tuple[float, float, float, float]  # x0, y0, x1, y1 on the floor, metres
Placed = tuple[Item, tuple[float, float, float], float]
"""An item, where its origin is (x, y, z) in metres, and its yaw in radians."""
MOST_THINGS = 240
"""Things that a place may hold: their numbers must fit into the 8 bits of a label."""


@dataclass
class Place:
    """What is placed, and a sampler of viewpoints (x, y, heading in radians from +y towards +x).

    targets: points (x, y, z) that are worth a close-up, metres, in the frame of the place.
    style: who looks; "driver" is a camera in a car: in its lane, level, 1.2-1.9 m (higher in a truck) above the road.
    """

    domain: str
    placed: list[Placed]
    viewpoint: Callable
    room: tuple[float, float, float] | None = None
    targets: list[tuple[float, float, float]] = field(default_factory=list)
    style: str = "walker"


def footprint(item: Item, x: float, y: float, yaw: float, margin: float = 0.0) -> Rectangle:
    """The upright rectangle around the item standing at (x, y), turned by yaw, grown by the margin."""
    low, high = (side.tolist() for side in item.bounds())  # plain numbers: thousands are compared
    x, y, c, s = float(x), float(y), float(np.cos(yaw)), float(np.sin(yaw))
    xs = [c * a - s * b for a in (low[0], high[0]) for b in (low[1], high[1])]
    ys = [s * a + c * b for a in (low[0], high[0]) for b in (low[1], high[1])]
    return (x + min(xs) - margin, y + min(ys) - margin, x + max(xs) + margin, y + max(ys) + margin)


def overlap(a: Rectangle, b: Rectangle) -> bool:
    """Whether they have more than an edge in common."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def is_free(rectangle: Rectangle, taken: list[Rectangle]) -> bool:
    """Whether it overlaps none of the others: `overlap`, spelled out because thousands are compared."""
    x0, y0, x1, y1 = rectangle
    return not any(x0 < b[2] and b[0] < x1 and y0 < b[3] and b[1] < y1 for b in taken)


def inside(area: Rectangle, room: Rectangle) -> bool:
    """Whether the area does not reach out of the room."""
    return area[0] >= room[0] and area[1] >= room[1] and area[2] <= room[2] and area[3] <= room[3]


def slab(kind: str, colour: str, size: tuple[float, float, float], paint: Paint) -> Item:
    """A flat piece of fabric of size (x, y, z) metres, its middle at its origin."""
    item = Item(kind, colour)
    item.box((0, 0, 0), size, paint)
    return item
