"""What stands in parks, squares, gardens and camps, with real sizes."""

from __future__ import annotations

import numpy as np

from ..things import Item, Paint, Part, paint_of, pick_colour, shade, stuff
from .solids import plate

WATER = Paint((0.03, 0.09, 0.11), (0.12, 0.24, 0.26), "water", 1.0, gloss=0.9)


def fountain(rng) -> Item:
    """A fountain: a basin 2.5-6 m across with a rim 0.4-0.6 m high, a bowl on a column, a jet."""
    colour = str(rng.choice(["grey", "grey", "white", "brown"]))
    item, stone = Item("fountain", colour), stuff(rng, colour, "stone", 0.2)
    radius, rim, top = rng.uniform(1.25, 3.0), rng.uniform(0.4, 0.6), rng.uniform(1.0, 1.9)
    item.post(0, 0, 0, rim - 0.12, radius, stone)
    item.post(0, 0, rim - 0.12, rim - 0.1, radius - 0.25, WATER)
    pieces = 16
    for i in range(pieces):  # the rim: blocks on a circle
        a, b = (2 * np.pi * (i + k) / pieces for k in (0, 1))
        start, end = (((radius - 0.13) * np.cos(k), (radius - 0.13) * np.sin(k), rim - 0.12) for k in (a, b))
        item.capsule(start, end, 0.12, stone)
    item.post(0, 0, 0, top, radius * 0.09 + 0.05, stone)
    for share, size in ((0.62, 0.42), (1.0, 0.24)):
        bowl = radius * size
        item.blob((0, 0, top * share), (bowl, bowl, 0.14), stone)
        item.post(0, 0, top * share + 0.08, top * share + 0.145, bowl * 0.8, WATER)
    if rng.random() < 0.7:
        spray = Paint((0.75, 0.82, 0.85), (0.55, 0.65, 0.7), "noise", 0.1)
        item.spire(0, 0, top, top + rng.uniform(0.4, 1.6), 0.07, spray)
    return item


def slide(rng) -> Item:
    """A playground slide: its platform 1.0-2.0 m high, 0.5-0.6 m wide, the chute falling to the front."""
    colour = pick_colour(rng, "red", "yellow", "blue", "green")
    item, paint = Item("slide", colour), paint_of(rng, colour, contrast=0.1, gloss=0.5)
    high, wide = rng.uniform(1.0, 2.0), rng.uniform(0.48, 0.58)
    run, metal = high * rng.uniform(1.35, 1.7), paint_of(rng, "grey", gloss=0.5)
    front, back = -run / 2 - 0.4, run / 2
    plate(item, (front + 0.45, 0.3), (back - 0.25, high), wide, 0.04, paint)
    item.box((0, front + 0.25, 0.28), (wide, 0.5, 0.04), paint)
    item.box((0, back, high - 0.02), (wide, 0.55, 0.04), paint)
    for sx in (-1, 1):
        x = sx * wide / 2
        plate(item, (front + 0.45, 0.46), (back - 0.25, high + 0.16), 0.04, 0.2, paint, x)
        item.box((x, front + 0.25, 0.36), (0.04, 0.5, 0.18), paint)
        item.rod((x, front + 0.3, 0), (x, front + 0.3, 0.3), 0.025, metal)
        item.rod((x, back - 0.22, 0), (x, back - 0.22, high + 0.7), 0.025, metal)
        item.rod((x, back + 0.75, 0.012), (x, back + 0.25, high), 0.025, metal)
        item.rod((x, back + 0.25, high), (x, back + 0.25, high + 0.7), 0.025, metal)
        item.rod((x, back - 0.22, high + 0.7), (x, back + 0.25, high + 0.7), 0.025, metal)
    for i in range(int(high / 0.25)):
        share = (i + 0.7) / (high / 0.25)
        y, z = back + 0.75 - 0.5 * share, high * share
        item.rod((-wide / 2, y, z), (wide / 2, y, z), 0.02, metal)
    if rng.random() < 0.35:
        roof = paint_of(rng, pick_colour(rng, "red", "green", "blue"), contrast=0.1)
        item.parts.append(Part("cone", (0, back, high + 1.65), (0.6, 0.6, 0.3), roof))
        for sx in (-1, 1):
            item.rod((sx * wide / 2, back - 0.2, high), (sx * wide / 2, back - 0.2, high + 1.4), 0.03, metal)
            item.rod((sx * wide / 2, back + 0.2, high), (sx * wide / 2, back + 0.2, high + 1.4), 0.03, metal)
    return item


def parasol(rng) -> Item:
    """A sunshade: 2.2-2.8 m high, 2-3.2 m across."""
    colour = pick_colour(rng, "red", "white", "green", "blue", "yellow")
    item = Item("parasol", colour)
    height, radius = rng.uniform(2.2, 2.8), rng.uniform(1.0, 1.6)
    cloth = paint_of(rng, colour, "stripes" if rng.random() < 0.3 else "plain", 0.35, 0.2)
    wood = paint_of(rng, str(rng.choice(["brown", "white", "grey"])), "grain", 0.2)
    item.post(0, 0, 0, height - 0.05, 0.025, wood)
    item.spire(0, 0, height - 0.3 * radius, height, radius, cloth)
    item.post(0, 0, height - 0.3 * radius - 0.14, height - 0.3 * radius, radius * 0.985, cloth)
    item.cushion((0, 0, 0.06), (0.5, 0.5, 0.12), 0.04, stuff(rng, "grey", "concrete", 0.2))
    return item


def tent(rng) -> Item:
    """A ridge tent (2-3.5 m long, 1.1-1.9 high), or a market tent on four posts (2.5-3.2 m square, 2.7-3.3 high)."""
    colour = pick_colour(rng, "green", "orange", "blue", "red", "white")
    item, cloth = Item("tent", colour), paint_of(rng, colour, "noise", 0.4, 0.12)
    dark = Paint(shade(cloth.rgb, 0.35), shade(cloth.rgb, 0.3))
    if rng.random() < 0.5:
        length, half, high = rng.uniform(2.0, 3.5), rng.uniform(0.8, 1.25), rng.uniform(1.1, 1.9)
        for sx in (-1, 1):
            run, steep = np.hypot(half, high), high / half
            centre = (sx * (half / 2 - 0.012 * steep), 0, high / 2)
            half_size = (run / 2 - 0.02, length / 2, 0.012)
            item.parts.append(Part("box", centre, half_size, cloth, (sx * steep, 0.0, 1.0)))
        steps = 7
        for i in range(steps):
            low, top = high * i / steps, high * (i + 1) / steps - 0.02
            reach = half * (1 - (i + 1) / steps) + 0.02
            item.box((0, 0.02, (low + top) / 2), (2 * reach, length - 0.08, top - low), cloth if i % 2 else dark)
        return item
    wide, high = rng.uniform(2.5, 3.2), rng.uniform(2.7, 3.3)
    metal, eave = paint_of(rng, "grey", gloss=0.4), rng.uniform(2.0, 2.2)
    for sx in (-1, 1):
        for sy in (-1, 1):
            item.box((sx * (wide / 2 - 0.04), sy * (wide / 2 - 0.04), eave / 2), (0.04, 0.04, eave), metal)
    item.box((0, 0, eave + 0.1), (wide, wide, 0.25), cloth)
    steps = 6
    for i in range(steps):
        low, top = eave + 0.2 + (high - eave - 0.2) * i / steps, eave + 0.2 + (high - eave - 0.2) * (i + 1) / steps
        size = wide * (1 - (i + 0.5) / steps)
        item.box((0, 0, (low + top) / 2), (size, size, top - low), cloth)
    if rng.random() < 0.7:  # a stall's counter
        board = paint_of(rng, str(rng.choice(["brown", "white"])), "planks", 0.12)
        item.box((0, -wide / 2 + 0.4, 0.45), (wide * 0.85, 0.7, 0.9), board)
    return item


def picnic_table(rng) -> Item:
    """A table with two seats on one frame: 1.5-1.9 m long, top 0.72-0.76 m, seats 0.43-0.46 m."""
    colour = str(rng.choice(["brown", "brown", "grey"]))
    item, paint = Item("table", colour), stuff(rng, colour, "grain", 0.3)
    length, top, seat = rng.uniform(1.5, 1.9), rng.uniform(0.72, 0.76), rng.uniform(0.43, 0.46)
    for y in np.linspace(-0.3, 0.3, 5):
        item.box((0, y, top - 0.02), (length, 0.13, 0.04), paint)
    for sy in (-1, 1):
        for y in (0.56, 0.7):
            item.box((0, sy * y, seat - 0.02), (length, 0.13, 0.04), paint)
    for sx in (-1, 1):
        x = sx * length * 0.36
        item.box((x, 0, seat - 0.08), (0.05, 1.5, 0.09), paint)
        item.box((x, 0, top - 0.08), (0.05, 0.68, 0.08), paint)
        for sy in (-1, 1):
            item.rod((x, sy * 0.25, top - 0.06), (x, sy * 0.52, 0.02), 0.035, paint)
    item.top = top
    return item


def mound(rng, radius: float, height: float, kind: str = "soil") -> Item:
    """A heap of earth, sand or gravel (fabric), a cone of `radius` and `height` metres."""
    colour = "brown" if kind == "soil" else "yellow" if kind == "sand" else "grey"
    item = Item("ground", colour)
    paint = stuff(rng, colour, "gravel" if kind == "gravel" else "soil", 0.35)
    item.spire(0, 0, 0, height, radius, paint)
    for _ in range(4):
        angle = rng.uniform(0, 2 * np.pi)
        at = (0.55 * radius * np.cos(angle), 0.55 * radius * np.sin(angle), 0.1)
        item.blob(at, (radius * 0.4, radius * 0.4, height * 0.35), paint)
    return item


def shell(rng, width: float, depth: float, storeys: int) -> Item:
    """A building under construction (fabric): slabs 3 m apart on columns."""
    item, raw = Item("building", "grey"), stuff(rng, "grey", "concrete", 0.2)
    for i in range(storeys):
        item.box((0, 0, 3.0 * i + 2.88), (width, depth, 0.24), raw)
        for x in np.linspace(-width / 2 + 0.3, width / 2 - 0.3, max(2, round(width / 5) + 1)):
            for y in (-depth / 2 + 0.3, depth / 2 - 0.3):
                item.box((x, y, 3.0 * i + 1.38), (0.35, 0.35, 2.76), raw)
    item.box((width * 0.2, depth * 0.1, 1.5 * storeys), (3.0, 3.0, 3.0 * storeys), raw)
    return item
