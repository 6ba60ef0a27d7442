"""Indoor items with real sizes. Every function takes a random generator and returns an `Item`."""

from __future__ import annotations

from .things import Item, Paint, Part, paint_of, pick_colour, rgb_of, shade

WOODS = ("brown", "white", "black", "grey")


def _cloth(rng, colour):
    texture = str(rng.choice(["plain", "noise", "stripes", "checker"], p=[0.45, 0.3, 0.15, 0.1]))
    return paint_of(rng, colour, texture, rng.uniform(0.05, 0.25), 0.25)


def _wood(rng, colour):
    return paint_of(rng, colour, "wood", rng.uniform(0.08, 0.3), 0.3, gloss=rng.uniform(0, 0.4))


def _legs(item, width, depth, height, thick, paint, inset=0.04):
    for sx in (-1, 1):
        for sy in (-1, 1):
            x, y = sx * (width / 2 - inset), sy * (depth / 2 - inset)
            item.box((x, y, height / 2), (thick, thick, height), paint)


def table(rng) -> Item:
    colour = pick_colour(rng, *WOODS)
    item = Item("table", colour)
    paint, low = _wood(rng, colour), rng.random() < 0.25
    height = rng.uniform(0.38, 0.48) if low else rng.uniform(0.72, 0.76)
    if rng.random() < 0.25:
        radius = rng.uniform(0.35, 0.65)
        item.post(0, 0, height - 0.035, height, radius, paint)
        item.post(0, 0, 0, height - 0.035, 0.04, paint)
        item.post(0, 0, 0, 0.03, radius * 0.55, paint)
    else:
        width, depth = rng.uniform(0.8, 2.0), rng.uniform(0.6, 0.95)
        item.box((0, 0, height - 0.02), (width, depth, 0.04), paint)
        _legs(item, width, depth, height - 0.04, rng.uniform(0.035, 0.07), paint)
    item.top = height
    return item


def chair(rng) -> Item:
    colour = pick_colour(rng, *WOODS)
    item = Item("chair", colour)
    paint = _wood(rng, colour) if rng.random() < 0.5 else _cloth(rng, colour)
    seat, width, depth = rng.uniform(0.43, 0.47), rng.uniform(0.4, 0.5), rng.uniform(0.4, 0.5)
    thick, back = rng.uniform(0.03, 0.07), rng.uniform(0.8, 1.0)
    item.box((0, 0, seat - thick / 2), (width, depth, thick), paint)
    if rng.random() < 0.25:  # office chair
        dark = paint_of(rng, "black")
        item.post(0, 0, 0.05, seat - thick, 0.03, dark)
        item.box((0, 0, 0.04), (0.55, 0.06, 0.05), dark)
        item.box((0, 0, 0.04), (0.06, 0.55, 0.05), dark)
    else:
        _legs(item, width, depth, seat - thick, rng.uniform(0.025, 0.045), paint, 0.025)
    if rng.random() < 0.5:
        item.box((0, depth / 2 - 0.02, (seat + back) / 2), (width, 0.04, back - seat), paint)
    else:
        for x in (-width / 2 + 0.02, width / 2 - 0.02):
            item.box((x, depth / 2 - 0.02, (seat + back) / 2), (0.035, 0.035, back - seat), paint)
        item.box((0, depth / 2 - 0.02, back - 0.09), (width - 0.06, 0.025, 0.16), paint)
    return item


def stool(rng) -> Item:
    colour = pick_colour(rng, *WOODS)
    item = Item("stool", colour)
    paint, height, radius = _wood(rng, colour), rng.uniform(0.44, 0.75), rng.uniform(0.15, 0.2)
    item.post(0, 0, height - 0.05, height, radius, paint)
    _legs(item, radius * 1.6, radius * 1.6, height - 0.05, 0.03, paint, 0.03)
    return item


def sofa(rng) -> Item:
    colour = pick_colour(rng)
    item = Item("sofa", colour)
    paint, width, depth = _cloth(rng, colour), rng.uniform(1.0, 2.3), rng.uniform(0.8, 0.95)
    seat, back, arm = rng.uniform(0.4, 0.45), rng.uniform(0.75, 0.9), rng.uniform(0.14, 0.22)
    item.box((0, 0, 0.04 + seat / 2 - 0.06), (width, depth, seat - 0.12), paint)
    count = max(1, round((width - 2 * arm) / 0.65))
    for i in range(count):
        w = (width - 2 * arm) / count
        x = -width / 2 + arm + w * (i + 0.5)
        item.box((x, -0.06, seat - 0.07), (w - 0.015, depth - 0.14, 0.14), paint)
    item.box((0, depth / 2 - 0.11, back / 2 + 0.05), (width, 0.22, back - 0.1), paint)
    for sx in (-1, 1):
        item.box((sx * (width - arm) / 2, 0, 0.33), (arm, depth, 0.56), paint)
    if rng.random() < 0.5:
        cushion = _cloth(rng, pick_colour(rng))
        item.blob((rng.uniform(-0.3, 0.3) * width, 0.1, seat + 0.17), (0.22, 0.1, 0.2), cushion)
    return item


def bed(rng) -> Item:
    colour = pick_colour(rng)
    item = Item("bed", colour)
    wood, cover, white = _wood(rng, "brown"), _cloth(rng, colour), paint_of(rng, "white")
    width, length, height = rng.choice([0.9, 1.4, 1.6, 1.8]), rng.uniform(1.95, 2.1), rng.uniform(0.45, 0.6)
    item.box((0, 0, 0.15), (width, length, 0.3), wood)
    item.box((0, -0.02, 0.15 + height / 2), (width - 0.03, length - 0.06, height - 0.3), cover)
    item.box((0, length / 2 + 0.02, 0.5), (width, 0.05, 1.0), wood)
    for x in (0,) if width < 1.2 else (-width / 4, width / 4):
        item.blob((x, length / 2 - 0.25, height + 0.04), (min(0.33, width * 0.22), 0.2, 0.08), white)
    return item


def cabinet(rng) -> Item:
    colour = pick_colour(rng, *WOODS)
    item = Item("cabinet", colour)
    paint = _wood(rng, colour) if rng.random() < 0.6 else paint_of(rng, colour, "noise", 0.3, 0.08)
    tall = rng.random() < 0.4
    width = rng.uniform(0.6, 2.0)
    depth, height = rng.uniform(0.35, 0.6), rng.uniform(1.6, 2.1) if tall else rng.uniform(0.55, 1.0)
    item.box((0, 0, height / 2), (width, depth, height), paint)
    front = Paint(shade(paint.rgb, 0.85), shade(paint.rgb2, 0.85), paint.texture, paint.scale, paint.gloss)
    knob = paint_of(rng, str(rng.choice(["grey", "black", "brown"])), gloss=0.6)
    columns, rows = max(1, round(width / 0.5)), 1 if tall else int(rng.integers(1, 4))
    for i in range(columns):
        for j in range(rows):
            w, h = width / columns, (height - 0.06) / rows
            x, z = -width / 2 + w * (i + 0.5), 0.05 + h * (j + 0.5)
            item.box((x, -depth / 2 - 0.008, z), (w - 0.02, 0.016, h - 0.02), front)
            item.box((x, -depth / 2 - 0.025, z + h * 0.2), (0.09, 0.02, 0.015), knob)
    item.top = None if tall else height
    return item


def shelf(rng) -> Item:
    colour = pick_colour(rng, *WOODS)
    item = Item("shelf", colour)
    paint, width, depth = _wood(rng, colour), rng.uniform(0.6, 1.4), rng.uniform(0.26, 0.4)
    rows = int(rng.integers(3, 6))
    height = rows * rng.uniform(0.33, 0.38) + 0.05
    for x in (-width / 2 + 0.015, width / 2 - 0.015):
        item.box((x, 0, height / 2), (0.03, depth, height), paint)
    item.box((0, depth / 2 - 0.008, height / 2), (width, 0.016, height), paint)
    for i in range(rows + 1):
        item.box((0, 0, 0.04 + (height - 0.06) * i / rows), (width - 0.06, depth - 0.02, 0.025), paint)
    for i in range(rows):
        if rng.random() < 0.75:
            w, h = (width - 0.1) * rng.uniform(0.35, 1.0), rng.uniform(0.18, 0.27)
            x = -width / 2 + 0.05 + w / 2 + rng.uniform(0, 1) * (width - 0.1 - w)
            z = 0.055 + (height - 0.06) * i / rows + h / 2
            books = Paint(rgb_of(rng, pick_colour(rng)), rgb_of(rng, pick_colour(rng)), "books", 0.035)
            item.box((x, 0.01, z), (w, depth * 0.7, h), books)
    return item


def lamp(rng) -> Item:
    """A standing lamp; its colour is the shade's."""
    colour = pick_colour(rng, "white", "yellow", "orange")
    item = Item("lamp", colour)
    metal, glow = paint_of(rng, str(rng.choice(["black", "grey", "brown"])), gloss=0.5), rng.uniform(0.3, 1.2)
    cloth, height = paint_of(rng, colour, "plain", 1, 0.1, glow=glow), rng.uniform(1.35, 1.75)
    item.post(0, 0, 0, 0.03, 0.15, metal)
    item.post(0, 0, 0.03, height - 0.2, 0.014, metal)
    item.post(0, 0, height - 0.28, height, rng.uniform(0.14, 0.22), cloth)
    return item


def table_lamp(rng) -> Item:
    colour = pick_colour(rng, "white", "yellow", "orange")
    item = Item("lamp", colour)
    metal = paint_of(rng, pick_colour(rng, "black", "grey", "brown"), gloss=0.5)
    cloth = paint_of(rng, colour, "plain", 1, 0.1, glow=rng.uniform(0.3, 1.2))
    item.blob((0, 0, 0.1), (0.07, 0.07, 0.1), metal)
    item.post(0, 0, 0.18, 0.36, rng.uniform(0.1, 0.14), cloth)
    return item


def box(rng) -> Item:
    colour = pick_colour(rng, "brown")
    item, side = Item("box", colour), rng.uniform(0.15, 0.6)
    size = (side * rng.uniform(0.8, 1.4), side, side * rng.uniform(0.6, 1.2))
    paint = paint_of(rng, colour, str(rng.choice(["plain", "noise", "stripes"])), rng.uniform(0.1, 0.3), 0.2)
    item.box((0, 0, size[2] / 2), size, paint)
    if rng.random() < 0.4:
        tape = paint_of(rng, str(rng.choice(["white", "grey", "yellow"])))
        item.box((0, 0, size[2] / 2), (0.06, size[1] + 0.004, size[2] + 0.004), tape)
    return item


def small_box(rng) -> Item:
    colour = pick_colour(rng)
    item = Item("box", colour)
    size = (rng.uniform(0.1, 0.3), rng.uniform(0.08, 0.25), rng.uniform(0.04, 0.22))
    item.box((0, 0, size[2] / 2), size, paint_of(rng, colour, "noise", 0.1, 0.2))
    return item


def ball(rng) -> Item:
    colour = pick_colour(rng)
    item, radius = (
        Item("ball", colour),
        rng.uniform(0.1, 0.14) if rng.random() < 0.7 else rng.uniform(0.2, 0.35),
    )
    texture = str(rng.choice(["plain", "noise", "stripes"], p=[0.6, 0.2, 0.2]))
    paint = paint_of(rng, colour, texture, radius * 0.6, 0.35, gloss=rng.uniform(0, 0.8))
    item.blob((0, 0, radius), (radius, radius, radius), paint)
    return item


def bottle(rng) -> Item:
    colour = pick_colour(rng, "green", "blue", "brown")
    item, paint = Item("bottle", colour), paint_of(rng, colour, gloss=0.8)
    radius, height = rng.uniform(0.032, 0.05), rng.uniform(0.2, 0.33)
    item.post(0, 0, 0, height * 0.62, radius, paint)
    item.blob((0, 0, height * 0.62), (radius, radius, height * 0.13), paint)
    item.post(0, 0, height * 0.62, height, radius * 0.36, paint)
    if rng.random() < 0.5:
        item.post(0, 0, height * 0.2, height * 0.45, radius * 1.02, paint_of(rng, "white", "noise", 0.03))
    return item


def mug(rng) -> Item:
    colour = pick_colour(rng, "white")
    item, paint = Item("mug", colour), paint_of(rng, colour, gloss=0.6)
    radius, height = rng.uniform(0.038, 0.05), rng.uniform(0.08, 0.12)
    item.post(0, 0, 0, height, radius, paint)
    item.disc((radius + 0.01, 0, height / 2), height * 0.3, 0.012, paint, "y")
    return item


def plant(rng) -> Item:
    item, size = Item("plant", "green"), rng.uniform(0.35, 1.0)
    pot = paint_of(rng, str(rng.choice(["brown", "white", "grey", "orange"])), "noise", 0.1, 0.2)
    leaf = paint_of(rng, "green", "speckle", rng.uniform(0.06, 0.14), 0.6)
    pot_height, pot_radius = 0.15 + 0.15 * size, 0.08 + 0.1 * size
    item.post(0, 0, 0, pot_height, pot_radius, pot)
    for _ in range(int(rng.integers(3, 7))):
        x, y = rng.uniform(-0.18, 0.18, 2) * size
        z, r = pot_height + rng.uniform(0.1, 0.75) * size, rng.uniform(0.12, 0.25) * size
        item.blob((x, y, z), (r * 0.8, r * 0.8, r), leaf)
    return item


def small_plant(rng) -> Item:
    item = Item("plant", "green")
    pot = paint_of(rng, str(rng.choice(["brown", "white", "grey"])))
    item.post(0, 0, 0, 0.1, 0.055, pot)
    leaf = paint_of(rng, "green", "speckle", 0.04, 0.6)
    for _ in range(4):
        x, y = rng.uniform(-0.05, 0.05, 2)
        item.blob((x, y, rng.uniform(0.13, 0.22)), (0.06, 0.06, 0.07), leaf)
    return item


def person(rng) -> Item:
    """A standing person; the named colour is the shirt's (or coat's)."""
    colour = pick_colour(rng)
    item, height = Item("person", colour), rng.uniform(1.5, 1.92)
    s = height / 1.75
    shirt = paint_of(rng, colour, str(rng.choice(["plain", "noise", "stripes"], p=[0.6, 0.25, 0.15])), 0.1, 0.2)
    below = paint_of(rng, pick_colour(rng, "blue", "black", "grey", "brown"), "noise", 0.2, 0.2)
    tone = rng.uniform(0.12, 1.0)
    skin = Paint((0.75 * tone, 0.47 * tone, 0.33 * tone), (0.65 * tone, 0.4 * tone, 0.28 * tone))
    hair = paint_of(rng, str(rng.choice(["black", "brown", "brown", "grey", "yellow"])), "noise", 0.05)
    step = rng.uniform(-0.22, 0.22) * s
    for sx in (-1, 1):
        item.post(sx * 0.09 * s, sx * step / 2, 0.06 * s, 0.88 * s, 0.075 * s, below)
        shoe = paint_of(rng, "black")
        item.blob((sx * 0.09 * s, sx * step / 2 - 0.05 * s, 0.05 * s), (0.055 * s, 0.13 * s, 0.05 * s), shoe)
        item.post(sx * 0.235 * s, -sx * step / 4, 0.8 * s, 1.4 * s, 0.05 * s, shirt)
        item.blob((sx * 0.235 * s, -sx * step / 4, 0.77 * s), (0.045 * s, 0.045 * s, 0.08 * s), skin)
    low = 0.55 if rng.random() < 0.25 else 0.84  # a long coat or a shirt
    item.parts.append(_torso(s, low, shirt))
    item.blob((0, 0, 1.36 * s), (0.235 * s, 0.13 * s, 0.13 * s), shirt)
    item.post(0, 0, 1.42 * s, 1.56 * s, 0.05 * s, skin)
    item.blob((0, -0.01 * s, 1.625 * s), (0.085 * s, 0.1 * s, 0.12 * s), skin)
    item.blob((0, 0.025 * s, 1.655 * s), (0.09 * s, 0.095 * s, 0.1 * s), hair)
    return item


def _torso(s, low, paint):
    return Part("cylinder", (0, 0, (low + 1.38) / 2 * s), (0.185 * s, 0.115 * s, (1.38 - low) / 2 * s), paint)


def tv(rng) -> Item:
    """A screen on a low stand."""
    item, width = Item("tv", "black"), rng.uniform(0.7, 1.4)
    height, black = width * 0.57, paint_of(rng, "black", gloss=0.6)
    item.box((0, 0, 0.06 + height / 2), (width, 0.05, height), black)
    item.box((0, 0, 0.015), (width * 0.4, 0.22, 0.03), black)
    item.box((0, 0, 0.045), (0.08, 0.05, 0.06), black)
    if rng.random() < 0.35:
        show = Paint(rgb_of(rng, "blue"), rgb_of(rng, pick_colour(rng)), "blobs", 0.3, glow=0.6)
        item.box((0, -0.026, 0.06 + height / 2), (width - 0.08, 0.004, height - 0.08), show)
    return item


def rug(rng) -> Item:
    colour = pick_colour(rng)
    item, paint = Item("rug", colour), _cloth(rng, colour)
    if rng.random() < 0.3:
        item.post(0, 0, 0, 0.012, rng.uniform(0.6, 1.3), paint)
    else:
        size = (rng.uniform(1.2, 3.0), rng.uniform(0.9, 2.2), 0.012)
        item.box((0, 0, 0.006), size, paint)
        if rng.random() < 0.5:
            inner = Paint(paint.rgb2, paint.rgb, paint.texture, paint.scale)
            item.box((0, 0, 0.007), (size[0] * 0.85, size[1] * 0.8, 0.014), inner)
    return item


SMALL = (bottle, mug, small_box, small_plant, table_lamp, tv, ball)
