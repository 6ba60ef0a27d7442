"""Shapes that several parts make: slanted plates, gables, rings."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..things import Item, Paint, Part


def plate(item: Item, start, end, width: float, thick: float, paint: Paint, x: float = 0.0) -> None:
    """A slanted plate `width` along x. Its upper face runs from start = (y, z) to end = (y, z), metres.

    The plate lies to the right of the way from start to end as seen from +x, so `start` is the low front edge of a
    windscreen and the high front edge of anything that falls away from the viewer.
    """
    (y0, z0), (y1, z1) = start, end
    length = float(np.hypot(y1 - y0, z1 - z0))
    normal = (0.0, -(z1 - z0) / length, (y1 - y0) / length)
    centre = (x, (y0 + y1) / 2 - normal[1] * thick / 2, (z0 + z1) / 2 - normal[2] * thick / 2)
    half = (width / 2, length / 2, thick / 2)
    if abs(normal[1]) >= 0.9:  # turn_of then puts the part's y along x
        half = (half[1], half[0], half[2])
    item.parts.append(Part("box", centre, half, paint, normal))


def ramp(item: Item, start, end, depth: float, thick: float, paint: Paint, y: float = 0.0) -> None:
    """A plate `depth` along y whose upper face runs from start = (x, z) to end = (x, z), x growing, metres."""
    (x0, z0), (x1, z1) = start, end
    length = float(np.hypot(x1 - x0, z1 - z0))
    normal = (-(z1 - z0) / length, 0.0, (x1 - x0) / length)
    centre = ((x0 + x1) / 2 - normal[0] * thick / 2, y, (z0 + z1) / 2 - normal[2] * thick / 2)
    item.parts.append(Part("box", centre, (length / 2, depth / 2, thick / 2), paint, normal))


def gable(item: Item, size, low: float, rise: float, roof: Paint, wall: Paint, over: float = 0.4, steps: int = 4):
    """A gabled roof over a footprint of size (x, y), its ridge along x, from height `low` up by `rise`, metres.

    The ends are filled with steps that stay under the two slabs; `over`: overhang at eaves and ends.
    """
    width, half = size[0], size[1] / 2
    drop = over * rise / half
    for sign in (-1, 1):
        eave, ridge = (sign * (half + over), low - drop + 0.12), (0.0, low + rise + 0.12)
        first, last = (eave, ridge) if sign < 0 else (ridge, eave)
        plate(item, first, last, width + 2 * over, 0.2, roof)
    for i in range(steps):
        top = low + rise * (i + 1) / (steps + 0.5)
        reach = half * (1 - (i + 0.75) / (steps + 0.5))
        item.box((0, 0, (low + top) / 2), (width, 2 * reach, top - low), wall)


def ring(item: Item, centre, radius: float, thick: float, paint: Paint, pieces: int = 12) -> None:
    """A ring of rods in the plane x = centre[0] (a bicycle's wheel); `thick`: radius of the rods, metres."""
    x, y, z = centre
    angle = 2 * np.pi * np.arange(pieces + 1) / pieces
    points = [(x, y + (radius - thick) * np.cos(a), z + (radius - thick) * np.sin(a)) for a in angle]
    for start, end in pairwise(points):
        item.capsule(start, end, thick, paint)
