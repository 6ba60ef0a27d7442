"""Outdoor items with real sizes. Every function takes a random generator and returns an `Item`."""

from __future__ import annotations

from .things import Item, Paint, paint_of, pick_colour, rgb_of, shade

GLASS = Paint((0.02, 0.025, 0.03), (0.05, 0.06, 0.07), "noise", 0.6, gloss=1.0)
CAR_COLOURS = ("white", "black", "grey", "grey", "red", "blue", "white", "black")


def _wheels(item, length, width, radius, rubber, metal):
    for sx in (-1, 1):
        for y in (-0.3 * length, 0.31 * length):
            item.disc((sx * (width / 2 - 0.1), y, radius), radius, 0.22, rubber, "x")
            item.disc((sx * (width / 2 - 0.095), y, radius), radius * 0.6, 0.23, metal, "x")


def _lights(item, length, width, z):
    lamp, tail = (
        Paint((0.8, 0.8, 0.75), (0.8, 0.8, 0.75), gloss=0.8),
        Paint((0.4, 0.01, 0.01), (0.4, 0.01, 0.01)),
    )
    plate = Paint((0.7, 0.7, 0.6), (0.1, 0.1, 0.1), "stripes", 0.08)
    for sx in (-1, 1):
        item.box((sx * width * 0.37, -length / 2 - 0.005, z), (width * 0.2, 0.02, 0.13), lamp)
        item.box((sx * width * 0.4, length / 2 + 0.005, z + 0.05), (width * 0.15, 0.02, 0.15), tail)
    for sy in (-1, 1):
        item.box((0, sy * (length / 2 + 0.005), z - 0.18), (0.5, 0.02, 0.11), plate)


def car(rng) -> Item:
    """A passenger car along its y axis; front at -y."""
    colour = pick_colour(rng, *CAR_COLOURS)
    item = Item("car", colour)
    body = paint_of(rng, colour, "plain", 1, 0.1, gloss=rng.uniform(0.3, 0.9))
    rubber, metal = paint_of(rng, "black"), paint_of(rng, "grey", gloss=0.5)
    length, width, height = rng.uniform(3.9, 4.8), rng.uniform(1.7, 1.86), rng.uniform(1.4, 1.6)
    belt, radius = height * 0.6, rng.uniform(0.3, 0.34)
    item.box((0, 0, (0.22 + belt) / 2 + 0.03), (width, length, belt - 0.22), body)
    item.box((0, 0, 0.3), (width * 0.97, length * 1.01, 0.2), rubber)
    start = -0.14 * length if rng.random() < 0.5 else -0.2 * length
    end = rng.uniform(0.33, 0.47) * length
    middle, cabin = (start + end) / 2, end - start
    item.box((0, middle, (belt + height) / 2), (width * 0.88, cabin, height - belt - 0.06), GLASS)
    item.box((0, middle, height - 0.04), (width * 0.86, cabin * 0.86, 0.08), body)
    for y in (start + 0.1, middle, end - 0.1):
        item.box((0, y, (belt + height) / 2), (width * 0.89, 0.07, height - belt - 0.04), body)
    item.blob((0, start, belt), (width * 0.44, 0.55, 0.22), GLASS)
    _wheels(item, length, width, radius, rubber, metal)
    _lights(item, length, width, belt * 0.72)
    return item


def van(rng) -> Item:
    colour = pick_colour(rng, "white", "white", "blue", "grey", "yellow")
    item = Item("van", colour)
    body = paint_of(rng, colour, "plain", 1, 0.1, gloss=0.4)
    rubber, metal = paint_of(rng, "black"), paint_of(rng, "grey", gloss=0.5)
    length, width, height = rng.uniform(4.8, 6.0), rng.uniform(1.9, 2.05), rng.uniform(1.9, 2.6)
    item.box((0, 0.07 * length, height / 2 + 0.12), (width, length * 0.86, height - 0.24), body)
    item.box((0, -0.42 * length, 0.65), (width * 0.96, length * 0.16, 0.8), body)
    item.box((0, -0.355 * length, height * 0.66), (width * 0.9, 0.05, height * 0.34), GLASS)
    item.box((0, -0.27 * length, height * 0.66), (width * 1.005, length * 0.12, height * 0.28), GLASS)
    item.box((0, 0.502 * length, height * 0.66), (width * 0.8, 0.02, height * 0.3), GLASS)
    _wheels(item, length, width, rng.uniform(0.33, 0.38), rubber, metal)
    _lights(item, length, width, 0.75)
    return item


def tree(rng) -> Item:
    item, height = Item("tree", "green"), rng.uniform(3.5, 11.0)
    bark = paint_of(rng, str(rng.choice(["brown", "brown", "grey"])), "wood", rng.uniform(0.1, 0.3), 0.5)
    leaf = paint_of(rng, "green", "speckle", rng.uniform(0.25, 0.7), 0.65)
    trunk = height * rng.uniform(0.25, 0.4)
    item.post(0, 0, 0, height * 0.6, height * rng.uniform(0.014, 0.028), bark)
    if rng.random() < 0.25:
        for i in range(3):
            low, radius = height * (0.12 + 0.25 * i), height * (0.22 - 0.05 * i)
            item.spire(0, 0, low, low + height * 0.4, radius, leaf)
    else:
        spread = height * rng.uniform(0.14, 0.24)
        item.blob((0, 0, height * 0.6), (spread, spread, height * 0.25), leaf)
        for _ in range(int(rng.integers(2, 8))):
            x, y = rng.uniform(-spread, spread, 2) * 0.8
            z, r = rng.uniform(trunk + spread * 0.5, height * 0.85), spread * rng.uniform(0.5, 0.9)
            item.blob((x, y, z), (r, r, r * rng.uniform(0.7, 1.0)), leaf)
    return item


def bush(rng) -> Item:
    item, size = Item("bush", "green"), rng.uniform(0.35, 1.1)
    leaf = paint_of(rng, "green", "speckle", rng.uniform(0.1, 0.3), 0.6)
    for _ in range(int(rng.integers(2, 6))):
        x, y = rng.normal(0, size * 0.4, 2)
        r = size * rng.uniform(0.5, 0.8)
        item.blob((x, y, r * 0.7), (r, r, r * rng.uniform(0.7, 1.0)), leaf)
    return item


def street_lamp(rng) -> Item:
    colour = str(rng.choice(["grey", "black", "green"]))
    item, height = Item("street lamp", colour), rng.uniform(3.5, 8.0)
    metal = paint_of(rng, colour, "noise", 0.5, 0.15, gloss=0.3)
    item.post(0, 0, 0, height, rng.uniform(0.05, 0.09), metal)
    item.post(0, 0, 0, 0.9, 0.12, metal)
    arm = rng.uniform(0.3, 1.6)
    item.box((0, -arm / 2, height), (0.07, arm, 0.07), metal)
    glass = Paint((0.7, 0.7, 0.65), (0.7, 0.7, 0.65))
    item.box((0, -arm, height - 0.04), (0.25, 0.5, 0.12), metal)
    item.box((0, -arm, height - 0.11), (0.18, 0.4, 0.04), glass)
    return item


def sign(rng) -> Item:
    colour = str(rng.choice(["red", "blue", "yellow", "white", "green"]))
    item, height = Item("sign", colour), rng.uniform(2.1, 2.9)
    paint, metal = paint_of(rng, colour), paint_of(rng, "grey", gloss=0.4)
    item.post(0, 0, 0, height, 0.03, metal)
    inner = paint_of(rng, "white" if colour != "white" else "red")
    if rng.random() < 0.5:
        item.disc((0, -0.04, height - 0.3), 0.32, 0.02, paint, "y")
        item.box((0, -0.055, height - 0.3), (0.36, 0.01, 0.1), inner)
    else:
        item.box((0, -0.04, height - 0.3), (0.6, 0.02, 0.6), paint)
        item.box((0, -0.055, height - 0.3), (0.1, 0.01, 0.36), inner)
    return item


def traffic_cone(rng) -> Item:
    item, height = Item("traffic cone", "orange"), rng.uniform(0.45, 0.75)
    rgb = rgb_of(rng, "orange")
    paint = Paint(rgb, (0.8, 0.8, 0.8), "stripes", height * 0.55)
    item.box((0, 0, 0.015), (height * 0.55, height * 0.55, 0.03), Paint(shade(rgb, 0.7), rgb))
    item.spire(0, 0, 0.03, height, height * 0.2, paint)
    return item


def bin(rng) -> Item:
    colour = pick_colour(rng, "green", "grey", "black", "blue")
    item = Item("bin", colour)
    paint = paint_of(rng, colour, str(rng.choice(["plain", "slats", "noise"])), 0.12, 0.3, gloss=0.2)
    dark = Paint(shade(paint.rgb, 0.6), shade(paint.rgb, 0.6))
    if rng.random() < 0.5:
        radius, height = rng.uniform(0.18, 0.3), rng.uniform(0.6, 1.0)
        item.post(0, 0, 0, height, radius, paint)
        item.post(0, 0, height, height + 0.05, radius * 1.08, dark)
    else:
        item.box((0, 0, 0.5), (0.55, 0.6, 0.9), paint)
        item.box((0, -0.03, 0.98), (0.6, 0.7, 0.08), dark)
        item.disc((0, 0.25, 0.1), 0.1, 0.5, dark, "x")
    return item


def bench(rng) -> Item:
    colour = pick_colour(rng, "brown", "brown", "grey", "green")
    item, width = Item("bench", colour), rng.uniform(1.3, 2.0)
    paint, metal = paint_of(rng, colour, "wood", 0.12, 0.3), paint_of(rng, "black")
    for y in (-0.16, 0.0, 0.16):
        item.box((0, y, 0.44), (width, 0.13, 0.04), paint)
    if rng.random() < 0.75:
        for z in (0.6, 0.76):
            item.box((0, 0.25, z), (width, 0.03, 0.12), paint)
    for sx in (-1, 1):
        item.box((sx * width * 0.4, 0, 0.21), (0.06, 0.4, 0.42), metal)
        item.box((sx * width * 0.4, 0.23, 0.55), (0.05, 0.03, 0.5), metal)
    return item


def fence(rng) -> Item:
    """A run of fence along x."""
    colour = pick_colour(rng, "brown", "white", "grey")
    item, width, height = Item("fence", colour), rng.uniform(3, 9), rng.uniform(0.8, 1.8)
    paint = paint_of(rng, colour, "slats", rng.uniform(0.1, 0.2), 0.6)
    post = Paint(shade(paint.rgb, 0.8), paint.rgb)
    item.box((0, 0, height / 2 + 0.03), (width, 0.04, height - 0.06), paint)
    for i in range(int(width / 2) + 1):
        x = -width / 2 + width * i / max(1, int(width / 2))
        item.box((x, 0, height / 2), (0.1, 0.1, height), post)
    return item


def facade(rng) -> tuple[Item, tuple[float, float, float]]:
    """A building (fabric, not a thing): its item and its size in metres (x, y, z)."""
    storeys = int(rng.integers(1, 8))
    size = (rng.uniform(7, 24), rng.uniform(7, 16), storeys * rng.uniform(2.8, 3.3) + 0.3)
    colour = str(rng.choice(["white", "grey", "brown", "red", "yellow", "pink", "orange", "grey", "brown"]))
    rgb = rgb_of(rng, colour)
    mute = rng.uniform(0.2, 0.8)
    grey = sum(rgb) / 3
    rgb = tuple(mute * grey + (1 - mute) * c for c in rgb)
    item = Item("building", colour)
    wall = Paint(rgb, (0.03, 0.04, 0.055), "facade", rng.uniform(2.2, 3.6))
    item.box((0, 0, size[2] / 2), size, wall)
    trim = Paint(shade(rgb, 0.7), shade(rgb, 0.8), "noise", 0.7)
    item.box((0, 0, size[2] + 0.15), (size[0] + 0.5, size[1] + 0.5, 0.3), trim)
    base = Paint(shade(rgb, 0.5), shade(rgb, 0.6), "bricks", rng.uniform(0.25, 0.6))
    item.box((0, 0, 0.3), (size[0] + 0.06, size[1] + 0.06, 0.6), base)
    if storeys <= 3 and rng.random() < 0.6:
        roof = paint_of(rng, str(rng.choice(["red", "brown", "grey", "black"])), "stripes", 0.3, 0.25)
        item.box((0, 0, size[2] + 0.6), (size[0] * 0.9, size[1] * 0.6, 0.7), roof)
        item.box((0, 0, size[2] + 1.1), (size[0] * 0.8, size[1] * 0.3, 0.8), roof)
    for _ in range(int(rng.integers(0, 3))):  # street doors
        x = rng.uniform(-0.4, 0.4) * size[0]
        dark = paint_of(rng, str(rng.choice(["brown", "black", "green", "blue", "grey"])))
        item.box((x, 0, 1.1), (1.1, size[1] + 0.1, 2.2), dark)
    return item, size
