"""Trees of several species, bushes, hedges, rocks and hills with real sizes.

`near` asks for finer crowns, which only show within some 25 m.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..things import Item, Paint, Part, paint_of, rgb_of, shade, stuff, turn_of

SPECIES = ("round", "wide", "column", "conifer", "pine", "birch", "bare", "palm")
SPECIES_ODDS = (0.3, 0.16, 0.08, 0.16, 0.07, 0.09, 0.08, 0.06)
STREET_SPECIES = ("round", "round", "birch", "column", "bare", "palm", "wide")
"""Trees as planted along streets: their crowns start above head height."""


def _leaves(rng, colour: str, period=(0.1, 0.3)) -> Paint:
    """Foliage; greens run from yellowish to bluish and stay dark, as leaves do."""
    if colour == "green":
        red, green, blue = rgb_of(rng, "green")
        warm = rng.uniform(0.0, 0.6)
        rgb = (red * 0.6 + warm * green * 0.5, green * 0.6, blue * 0.35)
    else:
        rgb = np.array(rgb_of(rng, colour))
        rgb = shade(0.75 * rgb + 0.25 * rgb.mean(), 0.65)
    return Paint(rgb, shade(rgb, rng.uniform(0.3, 0.5)), "leaves", rng.uniform(*period))


def _clump(item, rng, low, high, spread, count, paint, size):
    """`count` blobs spread evenly over the ellipsoid crown from height `low` to `high` of radius `spread`, metres."""
    middle, tall, turn = (low + high) / 2, (high - low) / 2, rng.uniform(0, 2 * np.pi)
    for i in range(count):
        up = 1 - 2 * (i + 0.5) / count
        angle, side = turn + 2.4 * i + rng.normal(0, 0.25), np.sqrt(1 - up * up)
        out = rng.uniform(0.55, 0.82)
        r = min(spread, tall) * size * rng.uniform(0.75, 1.3)
        z = float(np.clip(middle + up * out * tall, low + 0.6 * r, high - 0.6 * r))
        at = (np.cos(angle) * side * out * spread, np.sin(angle) * side * out * spread, z)
        item.blob(at, (r, r * rng.uniform(0.85, 1.15), r * rng.uniform(0.6, 0.85)), paint)


def _branches(item, rng, start, direction, length, radius, depth, bark):
    """A branch that splits `depth` times."""
    end = start + direction * length
    item.capsule(start, end, radius, bark)
    if depth == 0:
        return
    for _ in range(int(rng.integers(2, 4))):
        bend = direction + rng.normal(0, 0.55, 3)
        bend[2] = max(bend[2], 0.25)
        bend /= np.linalg.norm(bend)
        _branches(item, rng, start + direction * length * rng.uniform(0.7, 1.0), bend, length * 0.68, radius * 0.55,
                  depth - 1, bark)  # fmt: skip


def _bare(item, rng, height, bark, near):
    trunk = height * rng.uniform(0.22, 0.32)
    item.rod((0, 0, 0), (0, 0, trunk), height * 0.022, bark)
    for _ in range(4):
        side = rng.normal(0, 0.5, 2)
        direction = np.array([*side, 1.0])
        direction /= np.linalg.norm(direction)
        first = height * 0.27 if near else height * 0.4
        _branches(item, rng, np.array([0, 0, trunk * rng.uniform(0.8, 1.0)]), direction, first, height * 0.013,
                  2 if near else 1, bark)  # fmt: skip


def _palm(item, rng, height, bark, leaf):
    lean, pieces = rng.uniform(-0.08, 0.08, 2) * height, 4
    points = [np.array([*(lean * (i / pieces) ** 2), height * 0.86 * i / pieces]) for i in range(pieces + 1)]
    for start, end in pairwise(points):
        item.rod(start, end, 0.14, bark)
    crown, count = points[-1], int(rng.integers(11, 17))
    for i in range(count):
        angle = 2 * np.pi * (i + rng.uniform(-0.3, 0.3)) / count
        reach, rise = height * 0.06 + rng.uniform(0.8, 1.2), rng.uniform(-0.6, 0.7)
        out = np.array([np.cos(angle), np.sin(angle), rise])
        out /= np.linalg.norm(out)
        item.parts.append(Part("ellipsoid", tuple(crown + out * reach), (0.22, 0.22, reach), leaf, tuple(out)))


def tree(rng, near: bool = True, species: str = "") -> Item:
    """A tree, 4-20 m high, of one of eight species; the named colour is the crown's."""
    species = species or str(rng.choice(SPECIES, p=SPECIES_ODDS))
    height = rng.uniform(4.0, 9.0) if rng.random() < 0.5 else rng.uniform(7.0, 20.0)
    if species == "palm":
        height = rng.uniform(4.5, 12.0)
    colour = "green"
    if species in ("round", "wide", "birch") and rng.random() < 0.18:
        colour = str(rng.choice(["orange", "yellow", "red", "pink"]))
    tone = str(rng.choice(["brown", "brown", "grey"]))
    if species == "birch":
        tone = "white"
    elif species == "bare":
        colour = tone
    bark, leaf = stuff(rng, tone, "bark", 0.5), _leaves(rng, colour)
    item, thick = Item("tree", colour), height * rng.uniform(0.014, 0.024)
    if species == "bare":
        _bare(item, rng, height, bark, near)
    elif species == "palm":
        _palm(item, rng, height, bark, leaf)
    elif species == "conifer":
        item.post(0, 0, 0, height * 0.4, thick, bark)
        low, wide, levels = height * rng.uniform(0.05, 0.18), height * rng.uniform(0.13, 0.21), 5 if near else 3
        for i in range(levels):
            base = low + (height - low) * i / levels
            tip = min(height, base + (height - low) * 1.7 / levels)
            item.spire(0, 0, base, tip if i < levels - 1 else height, wide * (1 - 0.85 * i / levels), leaf)
    else:
        share, spread, slim = {
            "round": (0.28, 0.24, 1.0), "wide": (0.3, 0.36, 1.0), "column": (0.1, 0.1, 0.7), "pine": (0.6, 0.22, 0.9),
            "birch": (0.25, 0.17, 0.55),
        }[species]  # fmt: skip
        low, spread = height * share * rng.uniform(0.85, 1.15), height * spread * rng.uniform(0.85, 1.15)
        low = max(low, min(1.9, 0.4 * height)) if species != "column" else low
        item.post(0, 0, 0, low + (height - low) * 0.5, thick * slim, bark)
        if near:
            for _ in range(3):
                angle, top = rng.uniform(0, 2 * np.pi), low + (height - low) * 0.4
                fork = (0.5 * spread * np.cos(angle), 0.5 * spread * np.sin(angle), top)
                item.capsule((0, 0, low * 0.85), fork, thick * 0.45, bark)
        core = 0.55 if near and species != "column" else 0.8
        item.blob((0, 0, (low + height) / 2), (spread * core, spread * core, (height - low) / 2 * core), leaf)
        count = int(rng.integers(16, 26)) if near else int(rng.integers(4, 7))
        if near and height - low > 4 * spread:
            count += 10
        _clump(item, rng, low, height, spread, count, leaf, 0.5 if near else 0.6)
    return item


def bush(rng) -> Item:
    """A bush, 0.5-1.9 m high, now and then in flower."""
    item, size = Item("bush", "green"), rng.uniform(0.35, 1.0)
    leaf = _leaves(rng, "green", (0.05, 0.13))
    for i in range(int(rng.integers(4, 10))):
        x, y = rng.normal(0, size * 0.4, 2) if i else (0.0, 0.0)
        r = size * rng.uniform(0.4, 0.65)
        tall = r * rng.uniform(0.7, 0.9)
        item.blob((x, y, tall + (0.4 * size if i == 0 else 0.0)), (r, r, tall), leaf)
    if rng.random() < 0.2:
        flower = paint_of(rng, str(rng.choice(["red", "pink", "white", "yellow", "purple"])))
        for _ in range(8):
            angle, up = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.0)
            item.blob((np.cos(angle) * size * 0.5, np.sin(angle) * size * 0.5, up * size), (0.05, 0.05, 0.05), flower)
    return item


def hedge(rng, length: float = 0.0) -> Item:
    """A clipped hedge along x: 0.8-2.0 m high, 0.45-0.9 m deep, `length` or 2-6 m long."""
    item, leaf = Item("hedge", "green"), _leaves(rng, "green", (0.05, 0.12))
    length, deep, height = length or rng.uniform(2.0, 6.0), rng.uniform(0.45, 0.8), rng.uniform(0.8, 1.9)
    item.cushion((0, 0, height / 2), (length, deep, height), 0.12, leaf)
    for _ in range(int(min(8, 2 * length))):
        x = rng.uniform(-0.5, 0.5) * (length - 0.6)
        item.blob((x, 0, height - 0.14), (rng.uniform(0.2, 0.5), deep * 0.45, 0.2), leaf)
    return item


def rock(rng) -> Item:
    """A boulder or a few stones, 0.3-2.5 m wide."""
    colour = str(rng.choice(["grey", "grey", "brown"]))
    item, size = Item("rock", "grey"), np.exp(rng.uniform(np.log(0.2), np.log(0.9)))
    rgb = 0.3 * np.array(rgb_of(rng, colour)) + 0.5 * np.array(rgb_of(rng, "grey"))
    paint = Paint(tuple(rgb), shade(rgb, rng.uniform(0.4, 0.7)), "granite" if rng.random() < 0.3 else "noise", 0.4)
    for i in range(int(rng.integers(2, 5))):
        share = 1.0 if i == 0 else rng.uniform(0.3, 0.7)
        angle, out = rng.uniform(0, 2 * np.pi), 0.0 if i == 0 else size * rng.uniform(0.3, 0.9)
        half = size * share * rng.uniform(0.6, 1.0, 3) * [1, 1, 0.75]
        axis = np.array([rng.normal(0, 0.3), rng.normal(0, 0.3), 1.0])
        axis /= np.linalg.norm(axis)
        shape = "rounded box" if rng.random() < 0.4 else "ellipsoid"
        half, edge = (half * 0.75, 0.26 * float(min(half))) if shape == "rounded box" else (half, 0.0)
        up = np.abs(turn_of(tuple(axis))[2])
        rise = float(np.linalg.norm(up * half) if shape == "ellipsoid" else up @ half)
        at = (np.cos(angle) * out, np.sin(angle) * out, rise)
        item.parts.append(Part(shape, at, tuple(half), paint, tuple(axis), edge))
    return item


def hill(rng, size, colour: str = "green") -> Item:
    """A rise of the ground (fabric), a cap of `size` (x, y, height) metres that stands out of the plane z = 0."""
    item = Item("grass" if colour == "green" else "ground", colour)
    wooded = colour == "green" and size[1] > 50 and rng.random() < 0.5
    texture = "leaves" if wooded else "lawn" if colour == "green" else "soil"
    rgb = shade(rgb_of(rng, colour), 0.5)
    period = rng.uniform(0.6, 1.2) if wooded else rng.uniform(0.08, 0.3)
    half = (size[0] / 1.73, size[1] / 1.73, 2 * size[2])
    item.parts.append(Part("ellipsoid", (0, 0, -size[2]), half, Paint(rgb, shade(rgb, 0.6), texture, period)))
    return item


def height_on(hills, x: float, y: float) -> float:
    """The ground's height at (x, y) with these placed hills, metres."""
    top = 0.0
    for item, at, _ in hills:
        part = item.parts[0]
        reach = 1 - ((x - at[0]) / part.half[0]) ** 2 - ((y - at[1]) / part.half[1]) ** 2
        if reach > 0:
            top = max(top, at[2] + part.centre[2] + part.half[2] * float(np.sqrt(reach)))
    return top
