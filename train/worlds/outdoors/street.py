"""What stands along streets, with real sizes. Every function takes a random generator and returns an `Item`."""

from __future__ import annotations

import numpy as np

from ..things import Item, Paint, Part, paint_of, pick_colour, rgb_of, shade, stuff


def _metal(rng, colour: str) -> Paint:
    return paint_of(rng, colour, "metal", rng.uniform(0.3, 1.0), 0.12, gloss=0.3)


def _lantern(item, at, metal, glass):
    """A lamp head at the end of an arm."""
    item.cushion(at, (0.26, 0.62, 0.12), 0.05, metal)
    item.box((at[0], at[1], at[2] - 0.065), (0.18, 0.45, 0.02), glass)


def street_lamp(rng) -> Item:
    """A lamp, 4-10 m high: on one arm, two arms, a straight post or an old lantern."""
    style = str(rng.choice(["arm", "two arms", "top", "old"], p=[0.5, 0.12, 0.18, 0.2]))
    colour = "black" if style == "old" else str(rng.choice(["grey", "grey", "black", "green"]))
    item, metal = Item("street lamp", colour), _metal(rng, colour)
    height = rng.uniform(4.0, 4.6) if style == "old" else rng.uniform(4.2, 9.9)
    glass = Paint((0.75, 0.75, 0.7), (0.7, 0.7, 0.65), gloss=0.5)
    thick = 0.04 + 0.006 * height
    item.post(0, 0, 0, height - 0.1, thick, metal)
    item.post(0, 0, 0, rng.uniform(0.7, 1.1), thick * 1.7, metal)
    if style == "old":
        item.post(0, 0, height - 0.6, height - 0.56, 0.16, metal)
        item.spire(0, 0, height - 0.24, height, 0.22, metal)
        item.post(0, 0, height - 0.56, height - 0.24, 0.14, glass)
        item.post(0, 0, height * 0.5, height * 0.5 + 0.06, thick * 1.6, metal)
    elif style == "top":
        item.blob((0, 0, height - 0.15), (0.24, 0.24, 0.15), glass)
    else:
        arm = rng.uniform(0.6, 2.0)
        for sign in (-1,) if style == "arm" else (-1, 1):
            item.capsule((0, 0, height - 0.35), (0, sign * arm, height - 0.06), 0.04, metal)
            _lantern(item, (0, sign * arm, height - 0.07), metal, glass)
    return item


def sign(rng) -> Item:
    """A traffic sign 0.6-0.9 m wide: round, a triangle or a rectangle, its lower edge at 2.0-2.5 m."""
    shape = str(rng.choice(["round", "triangle", "rectangle", "diamond"], p=[0.4, 0.25, 0.27, 0.08]))
    favourites = {"round": ("red", "blue"), "triangle": ("red",), "diamond": ("yellow",)}
    colour = str(rng.choice(favourites.get(shape, ("blue", "yellow", "white", "green"))))
    item, paint, metal = Item("sign", colour), paint_of(rng, colour, contrast=0.1), paint_of(rng, "grey", gloss=0.4)
    width, low = rng.uniform(0.6, 0.9), rng.uniform(2.0, 2.5)
    middle = low + width / 2
    item.post(0, 0, 0, low + width * 0.9, 0.03, metal)
    pale = paint_of(rng, "white" if colour != "white" else "black", contrast=0.1)
    dark = paint_of(rng, "black")
    if shape == "round":
        item.disc((0, -0.045, middle), width / 2, 0.02, paint, "y")
        if colour == "red" and rng.random() < 0.7:
            item.disc((0, -0.058, middle), width * 0.38, 0.01, pale, "y")
            for sx in (-1, 1):
                item.box((sx * width * 0.11, -0.066, middle), (width * 0.13, 0.01, width * 0.3), dark)
        else:
            item.box((0, -0.06, middle), (width * 0.7, 0.012, width * 0.18), pale)
    elif shape == "triangle":
        item.parts.append(Part("cone", (0, -0.045, low + width * 0.44), (width / 2, 0.012, width * 0.44), paint))
        item.parts.append(Part("cone", (0, -0.058, low + width * 0.4), (width * 0.33, 0.008, width * 0.29), pale))
        item.box((0, -0.07, low + width * 0.32), (width * 0.07, 0.008, width * 0.26), dark)
    elif shape == "diamond":
        side = width / np.sqrt(2)
        half = (side / 2, 0.01, side / 2)
        item.parts.append(Part("box", (0, -0.045, middle), half, paint, (1.0, 0.0, 1.0)))
        item.box((0, -0.06, middle), (width * 0.12, 0.012, width * 0.4), dark)
    else:
        tall = width * rng.uniform(0.7, 1.4)
        middle = low + tall / 2
        item.box((0, -0.045, middle), (width, 0.02, tall), paint)
        item.box((0, -0.057, middle), (width * 0.6, 0.01, tall * 0.14), pale)
        item.box((0, -0.057, middle + tall * 0.25), (width * 0.7, 0.01, tall * 0.1), pale)
        item.box((0, -0.057, middle - tall * 0.25), (width * 0.45, 0.01, tall * 0.1), pale)
    return item


def gantry(rng, width: float = 15.0) -> Item:
    """A motorway's sign bridge along x, 7-9 m high, with panels 3-5 m wide; named by the panels."""
    colour = str(rng.choice(["blue", "green"]))
    item, height = Item("sign", colour), rng.uniform(7.0, 8.0)
    paint, metal, white = paint_of(rng, colour, contrast=0.1), _metal(rng, "grey"), paint_of(rng, "white")
    for sx in (-1, 1):
        item.box((sx * width / 2, 0, height / 2), (0.35, 0.35, height), metal)
    for z in (height - 0.2, height - 1.1):
        item.box((0, 0, z), (width, 0.25, 0.25), metal)
    count = max(1, int(width / 6))
    for i in range(count):
        x, wide, tall = width * ((i + 0.5) / count - 0.5), rng.uniform(3.0, 5.0), rng.uniform(2.0, 2.6)
        for sy in (-1, 1):
            item.box((x, sy * 0.2, height - 0.5), (wide, 0.1, tall), paint)
            item.box((x - 0.3, sy * 0.26, height - 0.1), (wide * 0.6, 0.02, 0.35), white)
            item.box((x + 0.2, sy * 0.26, height - 0.8), (wide * 0.45, 0.02, 0.35), white)
    return item


def traffic_light(rng) -> Item:
    """A signal on a post 3.0-3.6 m high, or on an arm over the road 5.2-6 m high; named by its housing."""
    colour = str(rng.choice(["black", "black", "yellow", "green"]))
    item, box = Item("traffic light", colour), paint_of(rng, colour, contrast=0.1)
    metal, over = _metal(rng, "grey"), rng.random() < 0.35
    height = rng.uniform(5.4, 6.0) if over else rng.uniform(3.0, 3.6)
    heads = [(0.0, height - 0.5 if not over else 3.0)]
    item.post(0, 0, 0, height if over else height - 0.05, 0.1 if over else 0.06, metal)
    if over:
        arm = rng.uniform(3.0, 5.0)
        item.capsule((0, 0, height - 0.1), (-arm, 0, height - 0.1), 0.07, metal)
        heads.append((-arm + 0.2, height - 0.52))
    lit = int(rng.integers(3))
    for x, z in heads:
        item.cushion((x, -0.17, z), (0.32, 0.22, 0.96), 0.04, box)
        if rng.random() < 0.4:
            item.box((x, -0.05, z), (0.56, 0.02, 1.2), paint_of(rng, "black"))
        for i, name in enumerate(("red", "yellow", "green")):
            rgb = rgb_of(rng, name) if i == lit else shade(rgb_of(rng, name), 0.2)
            lamp = Paint(rgb, rgb, glow=1.6 if i == lit else 0.0)
            item.disc((x, -0.28, z + 0.3 - 0.3 * i), 0.1, 0.03, lamp, "y")
            item.box((x, -0.34, z + 0.41 - 0.3 * i), (0.22, 0.14, 0.02), box)
    return item


def traffic_cone(rng) -> Item:
    """A cone, 0.45-0.75 m high."""
    item, height = Item("traffic cone", "orange"), rng.uniform(0.45, 0.75)
    rgb = rgb_of(rng, "orange")
    paint = Paint(rgb, shade(rgb, 0.9))
    white = paint_of(rng, "white")
    item.box((0, 0, 0.015), (height * 0.55, height * 0.55, 0.03), Paint(shade(rgb, 0.5), shade(rgb, 0.4)))
    item.spire(0, 0, 0.03, height, height * 0.2, paint)
    for low, high in ((0.35, 0.5), (0.62, 0.75)):
        radius = height * 0.2 * (1 - (low + high) / 2) + 0.012
        item.post(0, 0, height * low, height * high, radius, white)
    return item


def bin(rng) -> Item:
    """A litter bin or a wheeled bin: 0.35-0.7 m wide, 0.6-1.1 m high."""
    colour = pick_colour(rng, "green", "grey", "black", "blue")
    item = Item("bin", colour)
    paint = paint_of(rng, colour, str(rng.choice(["plain", "slats", "noise"])), 0.12, 0.3, gloss=0.2)
    dark = Paint(shade(paint.rgb, 0.6), shade(paint.rgb, 0.6))
    style = rng.random()
    if style < 0.4:
        radius, height = rng.uniform(0.18, 0.3), rng.uniform(0.6, 1.0)
        item.post(0, 0, 0, height, radius, paint)
        item.post(0, 0, height, height + 0.05, radius * 1.08, dark)
    elif style < 0.6:  # on a post
        item.post(0, 0.2, 0, 1.05, 0.03, dark)
        item.cushion((0, 0, 0.72), (0.38, 0.32, 0.6), 0.05, paint)
        item.box((0, -0.15, 0.9), (0.26, 0.05, 0.1), dark)
    else:
        height = rng.uniform(0.85, 1.0)
        item.cushion((0, 0, 0.03 + height / 2), (0.55, 0.6, height - 0.04), 0.04, paint)
        item.cushion((0, -0.03, height + 0.05), (0.6, 0.7, 0.08), 0.03, dark)
        item.disc((0, 0.25, 0.1), 0.1, 0.58, dark, "x")
    return item


def bench(rng) -> Item:
    """A bench, its seat 0.43-0.47 m high, with slats or in stone."""
    colour = pick_colour(rng, "brown", "brown", "grey", "green")
    item, width, seat = Item("bench", colour), rng.uniform(1.3, 2.0), rng.uniform(0.43, 0.47)
    if rng.random() < 0.12:
        item.colour, stone = "grey", stuff(rng, "grey", "concrete", 0.15)
        item.cushion((0, 0, seat - 0.06), (width, 0.45, 0.12), 0.02, stone)
        for sx in (-1, 1):
            item.box((sx * width * 0.36, 0, (seat - 0.1) / 2), (0.15, 0.38, seat - 0.1), stone)
        return item
    paint, metal = paint_of(rng, colour, "grain", 0.2, 0.3), paint_of(rng, "black")
    for y in (-0.18, -0.06, 0.06, 0.18):
        item.box((0, y, seat - 0.02), (width, 0.1, 0.04), paint)
    if rng.random() < 0.75:
        for i, z in enumerate((seat + 0.14, seat + 0.26, seat + 0.38)):
            item.box((0, 0.25 + 0.025 * i, z), (width, 0.03, 0.095), paint)
        for sx in (-1, 1):
            item.capsule((sx * width * 0.4, 0.23, seat - 0.05), (sx * width * 0.4, 0.32, seat + 0.42), 0.025, metal)
            if width > 1.5:
                item.box((sx * width * 0.47, 0.02, seat + 0.2), (0.05, 0.42, 0.04), metal)
                item.box((sx * width * 0.47, -0.17, seat + 0.1), (0.04, 0.04, 0.2), metal)
    for sx in (-1, 1):
        for y in (-0.18, 0.2):
            item.box((sx * width * 0.4, y, (seat - 0.04) / 2), (0.05, 0.05, seat - 0.04), metal)
        item.box((sx * width * 0.4, 0, seat - 0.06), (0.05, 0.42, 0.04), metal)
    return item


def fire_hydrant(rng) -> Item:
    """A hydrant, 0.6-0.9 m high."""
    colour = str(rng.choice(["red", "red", "yellow", "blue"]))
    item, height = Item("fire hydrant", colour), rng.uniform(0.6, 0.9)
    paint, cap = paint_of(rng, colour, contrast=0.15, gloss=0.3), paint_of(rng, str(rng.choice([colour, "grey"])))
    radius = rng.uniform(0.1, 0.13)
    item.post(0, 0, 0, 0.05, radius * 1.5, paint)
    item.post(0, 0, 0.05, height - 0.14, radius, paint)
    item.post(0, 0, height - 0.18, height - 0.14, radius * 1.3, paint)
    item.blob((0, 0, height - 0.14), (radius * 1.1, radius * 1.1, 0.1), cap)
    item.post(0, 0, height - 0.06, height, 0.025, cap)
    for direction in ((-1, 0), (1, 0), (0, -1)):
        reach, thick = radius + 0.07, 0.06 if direction[0] else 0.075
        item.rod((0, 0, height * 0.6), (direction[0] * reach, direction[1] * reach, height * 0.6), thick, cap)
    return item


def mailbox(rng) -> Item:
    """A letter box: a pillar, a street box on legs or a wayside box on a stake; 1.0-1.6 m high."""
    style = str(rng.choice(["pillar", "legs", "stake"]))
    colours = {"pillar": ("red", "yellow"), "legs": ("blue", "yellow", "red"), "stake": ("grey", "white", "black")}
    colour = str(rng.choice(colours[style]))
    item, paint = Item("mailbox", colour), paint_of(rng, colour, contrast=0.12, gloss=0.4)
    dark = paint_of(rng, "black")
    if style == "pillar":
        radius, height = rng.uniform(0.2, 0.24), rng.uniform(1.45, 1.6)
        item.post(0, 0, 0, 0.15, radius * 1.05, dark)
        item.post(0, 0, 0.15, height - 0.1, radius, paint)
        item.post(0, 0, height - 0.14, height - 0.06, radius * 1.15, paint)
        item.blob((0, 0, height - 0.07), (radius, radius, 0.07), paint)
        item.box((0, -radius, height - 0.32), (0.2, 0.03, 0.03), dark)
        item.box((0, -radius, height - 0.6), (0.14, 0.03, 0.2), paint_of(rng, "white"))
    elif style == "legs":
        width, height = rng.uniform(0.42, 0.52), rng.uniform(1.15, 1.3)
        for sx in (-1, 1):
            for sy in (-1, 1):
                item.box((sx * (width / 2 - 0.03), sy * 0.18, 0.12), (0.05, 0.05, 0.24), dark)
        item.box((0, 0, (0.2 + height - width / 2) / 2), (width, 0.48, height - width / 2 - 0.2), paint)
        item.disc((0, 0, height - width / 2), width / 2, 0.48, paint, "y")
        item.box((0, -0.245, height - 0.3), (width * 0.7, 0.02, 0.04), dark)
        item.box((0, -0.245, height - 0.55), (0.2, 0.02, 0.2), paint_of(rng, "white"))
    else:
        height = rng.uniform(1.05, 1.2)
        item.box((0, 0.05, (height - 0.2) / 2), (0.09, 0.09, height - 0.2), stuff(rng, "brown", "grain"))
        item.box((0, 0, height - 0.16), (0.17, 0.48, 0.14), paint)
        item.disc((0, 0, height - 0.09), 0.085, 0.48, paint, "y")
        item.box((0.095, 0.05, height - 0.05), (0.01, 0.03, 0.18), paint_of(rng, "red"))
    return item


def bollard(rng) -> Item:
    """A bollard, 0.9-1.1 m high."""
    colour = str(rng.choice(["black", "grey", "white", "red", "green"]))
    item, height, radius = Item("bollard", colour), rng.uniform(0.9, 1.1), rng.uniform(0.05, 0.12)
    paint = _metal(rng, colour)
    item.post(0, 0, 0, height - radius * 0.6, radius, paint)
    item.blob((0, 0, height - radius * 0.6), (radius, radius, radius * 0.6), paint)
    band = paint_of(rng, "white" if colour != "white" else "red")
    if rng.random() < 0.6:
        item.post(0, 0, height * 0.72, height * 0.8, radius * 1.03, band)
    else:
        item.post(0, 0, 0, 0.1, radius * 1.4, paint)
    return item


def pole(rng) -> Item:
    """A utility pole 7-10 m high with cross-arms, or a flagpole 6-9 m high."""
    if rng.random() < 0.3:
        item, height, metal = Item("pole", "white"), rng.uniform(6.0, 9.0), _metal(rng, "white")
        item.post(0, 0, 0, height - 0.1, 0.05, metal)
        item.blob((0, 0, height - 0.08), (0.08, 0.08, 0.08), paint_of(rng, "yellow", gloss=0.6))
        flag = paint_of(rng, pick_colour(rng), "stripes", rng.uniform(0.3, 0.6), 0.5)
        item.box((0.75, 0, height - 0.7), (1.4, 0.02, 0.9), flag)
        return item
    colour = str(rng.choice(["brown", "brown", "grey"]))
    item, height = Item("pole", colour), rng.uniform(7.0, 10.0)
    wood = stuff(rng, colour, "grain" if colour == "brown" else "concrete", 0.3)
    item.post(0, 0, 0, height, rng.uniform(0.11, 0.15), wood)
    for z in (height - 0.35, height - 1.1)[: int(rng.integers(1, 3))]:
        item.box((0, 0.12, z), (rng.uniform(1.6, 2.4), 0.1, 0.12), wood)
        for x in (-0.7, -0.25, 0.25, 0.7):
            item.post(x, 0.12, z + 0.05, z + 0.2, 0.04, paint_of(rng, "grey"))
    if rng.random() < 0.4:
        item.post(0.32, 0, height - 2.6, height - 1.7, 0.2, _metal(rng, "grey"))
    return item


def bus_shelter(rng) -> Item:
    """A bus shelter: 3-4 x 1.3-1.6 x 2.4-2.6 m, open in front, with a seat and a poster."""
    colour = str(rng.choice(["grey", "black", "green", "blue"]))
    item, metal = Item("bus shelter", colour), _metal(rng, colour)
    width, deep, height = rng.uniform(3.0, 4.0), rng.uniform(1.3, 1.6), rng.uniform(2.4, 2.6)
    pane = Paint((0.3, 0.38, 0.4), (0.2, 0.27, 0.3), "noise", 0.8, gloss=0.8)
    item.cushion((0, 0, height - 0.06), (width, deep, 0.12), 0.05, metal)
    for x in np.linspace(-width / 2 + 0.06, width / 2 - 0.06, 3):
        item.box((x, deep / 2 - 0.06, height / 2 - 0.05), (0.07, 0.07, height - 0.1), metal)
        item.box((x, -deep / 2 + 0.2, height - 0.15), (0.06, deep - 0.4, 0.06), metal)
    for i in (-1, 1):
        item.box((i * width / 4, deep / 2 - 0.06, 1.2), (width / 2 - 0.2, 0.02, 1.7), pane)
    side = float(rng.choice([-1, 1]))
    item.box((side * (width / 2 - 0.07), 0, 1.15), (0.12, deep - 0.2, 1.9), metal)
    poster = paint_of(rng, pick_colour(rng), "poster", 0.9, 0.6)
    item.box((side * (width / 2 - 0.07), 0, 1.2), (0.14, deep - 0.34, 1.6), poster)
    seat = paint_of(rng, "brown", "grain", 0.2)
    item.box((-0.2 * side, deep / 2 - 0.35, 0.45), (width * 0.55, 0.32, 0.05), seat)
    for sx in (-1, 1):
        item.box((-0.2 * side + sx * width * 0.22, deep / 2 - 0.3, 0.22), (0.05, 0.25, 0.44), metal)
    return item


def fence(rng, length: float = 0.0, near: bool = True) -> Item:
    """A run of fence along x, `length` or 3-8 m long: boards, pickets, rails, bars or mesh, 0.8-2 m high."""
    style = str(rng.choice(["boards", "pickets", "rails", "bars", "mesh"], p=[0.25, 0.25, 0.15, 0.15, 0.2]))
    wooden = style in ("boards", "pickets", "rails")
    colour = str(rng.choice(["brown", "brown", "white", "grey"] if wooden else ["grey", "black", "green"]))
    item, length = Item("fence", colour), length or rng.uniform(3.0, 8.0)
    height = rng.uniform(*{"boards": (1.2, 2.0), "pickets": (0.8, 1.2), "rails": (1.0, 1.3), "bars": (1.0, 1.8),
                           "mesh": (1.2, 2.0)}[style])  # fmt: skip
    paint = stuff(rng, colour, "grain", 0.35) if wooden else _metal(rng, colour)
    count = max(2, round(length / 2.0) + 1)
    for x in np.linspace(-length / 2 + 0.06, length / 2 - 0.06, count):
        if wooden:
            item.box((x, 0.05, height / 2), (0.11, 0.1, height), paint)
        else:
            item.post(x, 0.03, 0, height, 0.03, paint)
    if style == "boards":
        board = Paint(paint.rgb, paint.rgb2, "slats", rng.uniform(0.1, 0.16))
        item.box((0, -0.01, height / 2), (length, 0.03, height - 0.08), board)
    elif style == "rails":
        for z in (0.35, 0.65, 0.95):
            item.box((0, -0.02, height * z), (length, 0.04, 0.12), paint)
    else:
        for z in (0.2, 0.85) if style != "mesh" else (0.03, 0.25, 0.5, 0.75, 0.97):
            size = 0.07 if style == "pickets" else 0.03 if style == "bars" else 0.012
            item.box((0, 0, height * z), (length, size / 2, size), paint)
        pitch = {"pickets": 0.16, "bars": 0.14, "mesh": 0.24}[style] * (1 if near else 2.5)
        wide = {"pickets": 0.09, "bars": 0.02, "mesh": 0.008}[style] * (1 if near else 1.7)
        for x in np.linspace(-length / 2 + pitch / 2, length / 2 - pitch / 2, max(2, int(length / pitch))):
            top = height - 0.02 if style != "mesh" else height * 0.97
            if style == "pickets":
                item.box((x, -0.03, (0.05 + top) / 2), (wide, 0.02, top - 0.05), paint)
            else:
                item.box((x, 0, (0.03 + top) / 2), (wide, wide, top - 0.03), paint)
    return item


def guard_rail(rng) -> Item:
    """24 m of a motorway's steel rail along x, 0.7-0.8 m high, a post every 4 m."""
    length = 24.0
    item, height, metal = Item("fence", "grey"), rng.uniform(0.7, 0.8), _metal(rng, "grey")
    for z in (height - 0.075, height - 0.235):
        item.capsule((-length / 2, -0.06, z), (length / 2, -0.06, z), 0.075, metal)
    for i in range(int(length / 4)):
        item.box((-length / 2 + 2 + 4 * i, 0.06, height / 2 - 0.05), (0.1, 0.14, height - 0.1), metal)
    return item


def site_fence(rng) -> Item:
    """One panel of a building site's fence: 3.5 x 2 m of tubes and wires on concrete feet."""
    item, metal, length = Item("fence", "grey"), _metal(rng, "grey"), 3.5
    for sx in (-1, 1):
        item.post(sx * (length / 2 - 0.03), 0, 0.1, 2.0, 0.02, metal)
        item.cushion((sx * (length / 2 - 0.12), 0, 0.07), (0.24, 0.6, 0.14), 0.03, stuff(rng, "grey", "concrete", 0.2))
    for z in (0.15, 0.75, 1.35, 1.98):
        item.rod((-length / 2, 0, z), (length / 2, 0, z), 0.016, metal)
    for x in np.linspace(-length / 2 + 0.2, length / 2 - 0.2, 14):
        item.box((x, 0, 1.06), (0.008, 0.008, 1.84), metal)
    return item


def garage(rng) -> Item:
    """A single garage (fabric): 3 x 6 x 2.5 m, its door in front."""
    colour = str(rng.choice(["white", "grey", "brown"]))
    item = Item("building", colour)
    door = stuff(rng, str(rng.choice(["white", "brown", "grey", "green"])), "siding", 0.25)
    item.box((0, 0, 1.25), (3.1, 6.0, 2.5), stuff(rng, colour, "plaster", 0.1))
    item.box((0, 0, 2.55), (3.3, 6.2, 0.14), stuff(rng, "grey", "concrete", 0.2))
    item.box((0, -2.99, 1.05), (2.4, 0.06, 2.1), door)
    return item
