"""Small things that stand and lie about, on tables, floors and streets, in metres.

Bottles 0.20-0.33 tall, mugs 0.08-0.12, books 0.20-0.30 tall (A5 to A4).
"""

from __future__ import annotations

import numpy as np

from .materials import METALS, cloth, darker, metal, plastic, usual, wood
from .things import Item, Paint, paint_of, pick_colour, stuff


def box(rng) -> Item:
    """A carton or crate, 0.2-0.6 m; shut, or open with flaps."""
    colour = usual(rng, "brown")
    item = Item("box", colour)
    paint = stuff(rng, colour, str(rng.choice(["noise", "plain", "text"], p=[0.5, 0.3, 0.2])), 0.2)
    size = rng.uniform(0.2, 0.6, 3)
    item.box((0, 0, size[2] / 2), size, paint)
    if rng.random() < 0.35:
        item.box((0, 0, size[2] / 2), (size[0] + 0.004, 0.05, size[2] + 0.004), darker(paint, 1.3))
    elif rng.random() < 0.4:
        item.box((0, 0, size[2]), (size[0] - 0.02, size[1] - 0.02, 0.006), darker(paint, 0.25))
        for sx in (-1, 1):
            item.box(
                (sx * size[0] * 0.56, 0, size[2] + 0.03), (size[0] * 0.2, size[1], 0.005), paint, (sx * 0.5, 0, 0.87)
            )
    item.top = float(size[2])
    return item


def small_box(rng) -> Item:
    """A packet or parcel, 0.06-0.3 m."""
    colour = pick_colour(rng)
    item, size = Item("box", colour), (rng.uniform(0.06, 0.25), rng.uniform(0.05, 0.2), rng.uniform(0.04, 0.3))
    paint = stuff(rng, colour, str(rng.choice(["noise", "stripes", "text", "plain"])), 0.25)
    item.box((0, 0, size[2] / 2), size, paint)
    return item


def basket(rng) -> Item:
    """An open tray or laundry basket with something in it: a box of 0.3-0.5 m."""
    colour = usual(rng, "white", "brown", "blue")
    item, paint = Item("box", colour), plastic(rng, colour)
    w, d, h = rng.uniform(0.3, 0.5), rng.uniform(0.25, 0.4), rng.uniform(0.12, 0.4)
    for s in (-1, 1):
        item.box((s * (w / 2 - 0.008), 0, h / 2), (0.016, d, h), paint)
        item.box((0, s * (d / 2 - 0.008), h / 2), (w, 0.016, h), paint)
    item.box((0, 0, 0.02), (w, d, 0.04), paint)
    item.cushion((0, 0, h * 0.5), (w * 0.85, d * 0.85, h * 0.9), 0.05, cloth(rng, pick_colour(rng)))
    return item


def ball(rng) -> Item:
    """A ball of 0.2-0.28 m across, or an exercise ball of up to 0.7."""
    colour = pick_colour(rng)
    item, radius = Item("ball", colour), rng.uniform(0.1, 0.14) if rng.random() < 0.75 else rng.uniform(0.2, 0.35)
    texture = str(rng.choice(["plain", "noise", "stripes"], p=[0.6, 0.2, 0.2]))
    paint = paint_of(rng, colour, texture, radius * 0.6, 0.35, gloss=rng.uniform(0, 0.8))
    item.blob((0, 0, radius), (radius, radius, radius), paint)
    return item


def bottle(rng) -> Item:
    colour = usual(rng, "green", "blue", "brown", "white")
    item, paint = Item("bottle", colour), paint_of(rng, colour, gloss=0.8)
    radius, height = rng.uniform(0.032, 0.05), rng.uniform(0.2, 0.33)
    shoulder = height * rng.uniform(0.55, 0.72)
    item.post(0, 0, 0, shoulder, radius, paint)
    item.blob((0, 0, shoulder), (radius, radius, height * 0.12), paint)
    item.post(0, 0, shoulder, height, radius * 0.36, paint)
    item.post(0, 0, height - 0.02, height + 0.004, radius * 0.4, plastic(rng, pick_colour(rng)))
    if rng.random() < 0.6:
        label = stuff(rng, str(rng.choice(["white", "yellow", "red"])), "text", 0.4)
        item.post(0, 0, height * 0.18, height * 0.42, radius * 1.02, label)
    return item


def mug(rng) -> Item:
    colour = usual(rng, "white", "blue")
    item, paint = Item("mug", colour), plastic(rng, colour)
    radius, height = rng.uniform(0.036, 0.046), rng.uniform(0.08, 0.11)
    item.post(0, 0, 0, height, radius, paint)
    item.post(0, 0, height, height + 0.001, radius * 0.88, Paint((0.05, 0.025, 0.01), (0.06, 0.03, 0.01)))
    for z in (0.25, 0.75):
        item.capsule((radius * 0.9, 0, height * z), (radius + 0.026, 0, height * (0.3 + 0.4 * z)), 0.006, paint)
    item.capsule((radius + 0.026, 0, height * 0.4), (radius + 0.026, 0, height * 0.6), 0.006, paint)
    return item


def book(rng) -> Item:
    """A book lying flat, a pile of up to six, or a short row standing: pages 0.20-0.30 tall."""
    colour, style = pick_colour(rng), rng.random()
    item = Item("book", colour)
    pages, tall = Paint((0.8, 0.78, 0.7), (0.6, 0.58, 0.5), "stripes", 0.003), rng.uniform(0.2, 0.3)
    if style < 0.6:
        z, count = 0.0, 1 if style < 0.25 else int(rng.integers(2, 7))
        for k in range(count):
            thick, wide, deep = rng.uniform(0.012, 0.045), rng.uniform(0.13, 0.2), tall * rng.uniform(0.85, 1.0)
            cover = stuff(rng, colour if k in (0, count - 1) else pick_colour(rng), "noise", 0.15, gloss=0.2)
            x, y = rng.uniform(-0.015, 0.015, 2)
            item.box((x, y, z + thick / 2), (wide - 0.006, deep - 0.006, thick - 0.004), pages)
            for s in (-1, 1):
                item.box((x, y, z + thick / 2 + s * (thick / 2 - 0.0015)), (wide, deep, 0.003), cover)
            item.box((x - wide / 2, y, z + thick / 2), (0.004, deep, thick), cover)
            z += thick
        item.top = z if count > 2 else None
    else:
        x = 0.0
        count = int(rng.integers(4, 12))
        for k in range(count):
            thick, high = rng.uniform(0.015, 0.045), tall * rng.uniform(0.75, 1.0)
            paint = stuff(
                rng, colour if k % 2 == 0 else pick_colour(rng), str(rng.choice(["plain", "text", "noise"])), 0.2
            )
            item.box((x - count * 0.015 + thick / 2, 0, high / 2), (thick, rng.uniform(0.14, 0.2), high), paint)
            x += thick + 0.001
    return item


def papers(rng) -> Item:
    """Sheets of A4 lying about: a flat book of paper."""
    item = Item("book", "white")
    for k in range(int(rng.integers(1, 5))):
        x, y = rng.uniform(-0.1, 0.1, 2)
        item.box((x, y, 0.002 + 0.001 * k), (0.21, 0.297, 0.003), stuff(rng, "white", "text", 0.5))
    return item


def bowl(rng) -> Item:
    """0.12-0.3 across, 0.05-0.12 high; empty or with fruit."""
    colour = usual(rng, "white", "blue", "brown")
    item, paint = Item("bowl", colour), plastic(rng, colour)
    radius = rng.uniform(0.06, 0.15)
    height = radius * rng.uniform(0.6, 0.85)
    item.blob((0, 0, height * 0.55), (radius * 0.93, radius * 0.93, height * 0.55), paint)
    item.post(0, 0, height * 0.62, height, radius, paint)
    item.post(0, 0, height, height + 0.001, radius * 0.93, darker(paint, 0.6))
    if rng.random() < 0.5:
        for k in range(int(rng.integers(3, 6))):
            angle, r = k * 1.3, min(0.038, radius * 0.35)
            at = (radius * 0.5 * np.cos(angle), radius * 0.5 * np.sin(angle), height + r * 0.5)
            item.blob(at, (r, r, r), plastic(rng, str(rng.choice(["red", "orange", "green", "yellow"]))))
    return item


def cushion(rng) -> Item:
    """0.35-0.55 square, leaning back a little when put on a sofa."""
    colour = pick_colour(rng)
    item, size, thick = Item("cushion", colour), rng.uniform(0.35, 0.55), rng.uniform(0.11, 0.17)
    lean = rng.uniform(0.2, 0.5)
    high = np.cos(lean) * size / 2 + np.sin(lean) * thick / 2
    axis = (0.0, np.sin(lean), np.cos(lean))
    item.cushion((0, 0, high), (size, thick, size), thick * 0.48, cloth(rng, colour), axis)
    return item


def flat_cushion(rng) -> Item:
    """A cushion or pillow lying flat."""
    colour = usual(rng, "white")
    item, size = Item("cushion", colour), rng.uniform(0.35, 0.6)
    item.cushion((0, 0, 0.07), (size, size * rng.uniform(0.6, 1), 0.14), 0.065, cloth(rng, colour))
    return item


def backpack(rng) -> Item:
    """0.4-0.52 high, standing, with a front pocket and straps."""
    colour = usual(rng, "black", "blue", "grey")
    item, paint = Item("backpack", colour), stuff(rng, colour, str(rng.choice(["weave", "noise", "plain"])), 0.2)
    w, d, h = rng.uniform(0.28, 0.34), rng.uniform(0.15, 0.22), rng.uniform(0.4, 0.52)
    item.cushion((0, 0, h / 2), (w, d, h), 0.07, paint)
    item.cushion((0, -d / 2 - 0.02, h * 0.32), (w * 0.75, 0.09, h * 0.45), 0.035, darker(paint, rng.uniform(0.7, 1.2)))
    for sx in (-1, 1):
        item.capsule((sx * w * 0.3, d / 2, h * 0.88), (sx * w * 0.34, d / 2 + 0.03, h * 0.3), 0.018, darker(paint, 0.7))
    item.capsule((-0.04, d * 0.3, h + 0.01), (0.04, d * 0.3, h + 0.01), 0.01, darker(paint, 0.7))
    return item


def suitcase(rng) -> Item:
    """0.5-0.75 high on four wheels, handle drawn out or not."""
    colour = usual(rng, "black", "grey", "blue", "red")
    item, paint = (
        Item("suitcase", colour),
        stuff(rng, colour, str(rng.choice(["plain", "noise", "slats"])), 0.2, gloss=0.4),
    )
    h = rng.uniform(0.5, 0.75)
    w, d, dark = h * 0.66, rng.uniform(0.2, 0.3), plastic(rng, "black")
    item.cushion((0, 0, h / 2 + 0.03), (w, d, h - 0.05), 0.04, paint)
    for sx in (-1, 1):
        for sy in (-1, 1):
            item.blob((sx * w * 0.4, sy * d * 0.35, 0.025), (0.02, 0.025, 0.025), dark)
        if (rise := rng.choice([0.04, 0.4])) and sx == 1:
            for s in (-1, 1):
                item.post(s * 0.08, d * 0.35, h - 0.02, h + rise, 0.009, metal(rng, "grey"))
            item.capsule((-0.09, d * 0.35, h + rise), (0.09, d * 0.35, h + rise), 0.014, dark)
    return item


def bag(rng) -> Item:
    """A shopping or hand bag, 0.25-0.4 high: a backpack carried in the hand."""
    colour = usual(rng, "white", "brown", "black")
    item, paint = Item("backpack", colour), cloth(rng, colour)
    w, d, h = rng.uniform(0.26, 0.4), rng.uniform(0.1, 0.18), rng.uniform(0.25, 0.4)
    item.cushion((0, 0, h / 2), (w, d, h), 0.035, paint)
    for sx in (-1, 1):
        item.capsule((sx * 0.07, 0, h), (sx * 0.05, 0, h + 0.16), 0.008, darker(paint, 0.7))
    item.capsule((-0.05, 0, h + 0.16), (0.05, 0, h + 0.16), 0.008, darker(paint, 0.7))
    return item


def clothes(rng) -> Item:
    """A heap of clothes: soft lumps of several colours, 0.3-0.6 across; called a cushion."""
    colour = pick_colour(rng)
    item = Item("cushion", colour)
    for k in range(int(rng.integers(2, 5))):
        paint = cloth(rng, colour if k < 2 else pick_colour(rng))
        x, y = rng.uniform(-0.12, 0.12, 2)
        a, b, c = rng.uniform(0.2, 0.4), rng.uniform(0.15, 0.3), rng.uniform(0.05, 0.09)
        item.cushion((x, y, c / 2 + 0.035 * k), (a, b, c), 0.4 * c, paint)
    return item


def waste_bin(rng) -> Item:
    """A waste-paper or pedal bin, 0.25-0.7 high."""
    colour = usual(rng, "grey", "black", "white", "blue")
    item, paint, height = Item("bin", colour), plastic(rng, colour), rng.uniform(0.25, 0.7)
    radius = rng.uniform(0.11, 0.16) + 0.04 * (height > 0.45)
    if rng.random() < 0.7:
        item.post(0, 0, 0, height, radius, paint)
        rim = darker(paint, 0.35 if height < 0.45 else 0.8)
        item.post(0, 0, height, height + (0.002 if height < 0.45 else 0.04), radius * 0.94, rim)
    else:
        item.cushion((0, 0, height / 2), (radius * 2, radius * 1.6, height), 0.03, paint)
        item.box((0, 0, height), (radius * 1.7, radius * 1.3, 0.004), darker(paint, 0.3))
    return item


def easel(rng) -> Item:
    """A sheet or small board on three legs, 1.1-1.6 high: a sign."""
    item, height, post = Item("sign", "white"), rng.uniform(1.1, 1.6), metal(rng, *METALS)
    for k in range(3):
        angle = k * 2 * np.pi / 3
        item.rod((0.32 * np.cos(angle), 0.32 * np.sin(angle), 0.015), (0, 0, height * 0.75), 0.014, post)
    item.box((0, -0.04, height - 0.25), (0.5, 0.02, 0.5), stuff(rng, "white", "poster", 0.4), (0, 0.24, 0.97))
    return item


def power_strip(rng) -> Item:
    """Three to five sockets on the floor, 0.2-0.34 long, on a cable that lies about."""
    colour = str(rng.choice(["white", "black", "white"]))
    item, paint, count = Item("socket", colour), plastic(rng, colour), int(rng.integers(3, 6))
    item.cushion((0, 0, 0.02), (0.06 + 0.056 * count, 0.055, 0.04), 0.01, paint)
    for k in range(count):
        x = 0.056 * (k - (count - 1) / 2)
        item.post(x, 0, 0.038, 0.041, 0.019, darker(paint, 0.5))
        if rng.random() < 0.4:
            item.capsule((x, 0, 0.05), (x, 0, 0.075), 0.016, plastic(rng, str(rng.choice(["black", "white"]))))
    at, heading = np.array([0.03 + 0.028 * count, 0.0, 0.006]), rng.uniform(-0.5, 0.5)
    for _ in range(6):
        heading += rng.normal(0, 0.7)
        end = at + 0.13 * np.array([np.cos(heading), np.sin(heading), 0.0])
        item.capsule(at, end, 0.004, paint)
        at = end
    return item


def ladder(rng) -> Item:
    """A step ladder, 1.2-2.2 high, rungs every 0.25 m."""
    colour = str(rng.choice(["grey", "grey", "brown", "red", "yellow"]))
    item, height = Item("ladder", colour), rng.uniform(1.2, 2.2)
    paint, foot = metal(rng, "grey") if colour == "grey" else wood(rng, colour), height * 0.24
    for sx in (-1, 1):
        for sy in (-1, 1):
            item.rod((sx * 0.24, sy * foot, 0.015), (sx * 0.17, sy * 0.04, height), 0.018, paint)
    for k in range(1, int(height / 0.25)):
        share = k * 0.25 / height
        y, w = -foot + (foot - 0.04) * share, 0.44 - 0.13 * share
        item.box((0, y, k * 0.25), (w, 0.08, 0.025), paint)
    item.box((0, 0, height), (0.36, 0.2, 0.025), paint)
    return item


def crate_stack(rng) -> Item:
    """Two or three cartons on one another."""
    item = box(rng)
    for _ in range(int(rng.integers(1, 3))):
        upper, base = box(rng), item.top or 0.0
        for part in upper.parts[:1]:
            item.box((part.centre[0] + rng.uniform(-0.04, 0.04), part.centre[1], base + part.centre[2]),
                     [2 * h for h in part.half], item.parts[0].paint)  # fmt: skip
            item.top = base + 2 * part.half[2]
    return item
