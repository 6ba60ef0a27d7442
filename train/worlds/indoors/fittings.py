"""What is fixed to walls and ceilings: doors, windows, switches, sockets, radiators, paintings, lamps.

Heights and sizes are those of common building standards: door leaves 2.0 x 0.7-0.95 (DIN 18101), sills 0.75-0.95,
switches at 1.0-1.2, sockets at 0.25-0.4, stairs 0.17-0.19 high and 0.26-0.29 deep (DIN 18065). The backs of wall things
lie at their highest y; `hang` puts that against the wall.
"""

from __future__ import annotations

import numpy as np

from ..materials import board, cloth, darker, metal, plastic, usual, wood
from ..things import Item, Paint, Part, paint_of, pick_colour, stuff
from .kitchen import STEEL

SWITCH_Z, SOCKET_Z, SILL_Z = (1.0, 1.2), (0.25, 0.4), (0.75, 0.95)
LEAF = 2.0
"""Height of a door leaf, metres."""


def door(rng, wide: float | None = None, opened: float = 0.0, thick: float = 0.04) -> Item:
    """A door in its frame; `opened` radians about its left or right edge, into -y, in a wall `thick` metres deep.

    A shut door stands before the wall's face, which is y = 0.02; an open one turns about the edge of its opening.
    """
    colour = usual(rng, "white", "brown", "white", "brown", "grey")
    item, wide = Item("door", colour), wide or rng.uniform(0.7, 0.95)
    paint = stuff(rng, colour, str(rng.choice(["plain", "wood", "grain"])), 0.2, gloss=0.2)
    trim, knob = plastic(rng, str(rng.choice(["white", "brown", "grey", colour]))), STEEL
    depth = max(0.06, thick)
    for sx in (-1, 1):
        item.box((sx * (wide / 2 + 0.035), depth / 2 - 0.04, 1.035), (0.07, depth, LEAF + 0.07), trim)
    item.box((0, depth / 2 - 0.04, LEAF + 0.035), (wide + 0.14, depth, 0.07), trim)
    side = int(rng.choice([-1, 1]))
    hinge = np.array([side * wide / 2, -0.03, 0.0])
    along = np.array([-side * np.cos(opened), -np.sin(opened), 0.0])  # from the hinge to the handle
    normal = np.array([side * along[1], -side * along[0], 0.0])  # towards the room when shut
    normal = -normal if normal[1] > 0 and not opened else normal

    def panel(reach, z, width, tall, deep, out, material):
        centre = hinge + along * reach + normal * out + [0, 0, z]
        item.parts.append(Part("box", tuple(centre), (tall / 2, width / 2, deep / 2), material, tuple(normal)))

    panel(wide / 2, 1.0, wide, LEAF - 0.01, 0.04, 0.0, paint)
    inner, style = darker(paint, 0.85), rng.random()
    if style < 0.45:
        for z, tall in ((0.5, 0.65), (1.42, 0.85)):
            for s in (-1, 1):
                panel(wide / 2, z, wide - 0.26, tall, 0.01, s * 0.02, inner)
    elif style < 0.6:
        for s in (-1, 1):
            panel(
                wide / 2, 1.45, wide - 0.4, 0.7, 0.008, s * 0.02, Paint((0.35, 0.4, 0.4), (0.4, 0.45, 0.45), gloss=0.7)
            )
    for s in (-1, 1):
        panel(wide - 0.1, 1.04, 0.13, 0.022, 0.045, s * 0.05, knob)
        panel(wide - 0.065, 1.0, 0.04, 0.2, 0.008, s * 0.022, knob)
    return item


def window(rng, width: float, height: float, thick: float, pane: Paint | None) -> Item:
    """A window in a hole of a wall `thick` metres deep: frame, bars, sill; without a pane one sees through it.

    y = 0 is the wall's inner face, z = 0 the hole's lower edge.
    """
    colour = str(rng.choice(["white", "white", "white", "brown", "grey", "black"]))
    item, trim = Item("window", colour), stuff(rng, colour, "wood" if colour == "brown" else "plain", 0.1, gloss=0.2)
    y, bar = thick * rng.uniform(0.45, 0.85), rng.uniform(0.045, 0.075)
    for sx in (-1, 1):
        item.box((sx * (width - bar) / 2, y, height / 2), (bar, 0.06, height), trim)
    for z in (bar / 2, height - bar / 2):
        item.box((0, y, z), (width, 0.06, bar), trim)
    count = max(1, round(width / rng.uniform(0.55, 1.1)))
    for k in range(1, count):
        item.box((-width / 2 + width * k / count, y, height / 2), (bar * 1.3, 0.05, height), trim)
    if rng.random() < 0.3:
        item.box((0, y, height * 0.7), (width, 0.04, bar * 0.7), trim)
    if height < 1.8:
        item.box((0, y / 2 - 0.03, -0.012), (width + 0.08, y + 0.1, 0.03), trim)
    item.box(
        (width / 2 / count - width / 2 + 0.42 * width / count, y - 0.045, height * 0.48), (0.025, 0.03, 0.12), STEEL
    )
    if pane is not None:
        item.box((0, y + 0.01, height / 2), (width - bar, 0.008, height - bar), pane)
    return item


def daylight(rng) -> Paint:
    """A pane too bright to see through, or with something vague behind it; the light of the place may be night."""
    return Paint((0.75, 0.87, 1.0), (0.3, 0.42, 0.3), "blobs", rng.uniform(0.4, 1.2), glow=rng.uniform(0.8, 1.4))


def curtain(rng, height: float) -> Item:
    """A hanging curtain of three folds at least, 0.3-0.7 wide."""
    colour = usual(rng, "white", "grey")
    item, width = Item("curtain", colour), rng.uniform(0.3, 0.7)
    material = stuff(rng, colour, str(rng.choice(["slats", "weave", "floral", "plain"], p=[0.4, 0.3, 0.15, 0.15])), 0.3)
    count = max(3, round(width / 0.11))
    for k in range(count):
        x = -width / 2 + width * (k + 0.5) / count
        item.cushion((x, 0.02 * (k % 2), height / 2), (width / count + 0.02, 0.06, height - 0.04), 0.028, material)
    item.capsule((-width / 2 - 0.08, 0.01, height), (width / 2 + 0.08, 0.01, height), 0.014, metal(rng))
    return item


def blind(rng, width: float, drop: float) -> Item:
    """A blind before a window, `drop` metres down: slats or a roll. The item's origin is its lower edge."""
    colour = usual(rng, "white", "grey", "white")
    item = Item("curtain", colour)
    paint = paint_of(rng, colour, str(rng.choice(["stripes", "plain", "noise"])), 0.025, 0.3)
    item.box((0, 0.01, drop / 2), (width, 0.012, drop), paint, "z")
    item.cushion((0, 0, drop), (width + 0.02, 0.05, 0.06), 0.02, plastic(rng, colour))
    item.box((0, 0.005, 0.0), (width, 0.022, 0.02), darker(paint, 0.8))
    return item


def painting(rng) -> Item:
    colour = pick_colour(rng)
    item, frame = Item("painting", colour), plastic(rng, str(rng.choice(["black", "brown", "white", "yellow"])))
    width, height = rng.uniform(0.2, 1.1), rng.uniform(0.2, 0.9)
    art = stuff(rng, colour, str(rng.choice(["photo", "poster", "blobs", "floral", "dots"])), 0.5)
    item.box((0, 0, height / 2), (width, 0.025, height), frame)
    inset = rng.choice([0.02, 0.04])
    if rng.random() < 0.4:
        item.box((0, -0.005, height / 2), (width - inset, 0.025, height - inset), plastic(rng, "white"))
        inset += 0.12 * min(width, height) * 2
    item.box((0, -0.008, height / 2), (width - inset, 0.025, height - inset), art)
    return item


def poster(rng) -> Item:
    """A sheet on the wall, A3 to A0, or a notice: a sign of paper."""
    colour = usual(rng, "white", "yellow", "blue")
    item, height = Item("sign", colour), float(rng.choice([0.297, 0.42, 0.594, 0.84, 1.19]))
    item.box(
        (0, 0, height / 2),
        (height * 0.707, 0.006, height),
        stuff(rng, colour, str(rng.choice(["poster", "text"])), 0.5),
    )
    return item


def blackboard(rng) -> Item:
    """A board of 2-4 x 1.0-1.2: black, green or white, with a ledge; a sign."""
    colour = str(rng.choice(["white", "black", "green"]))
    item, width, height = Item("sign", colour), rng.uniform(1.6, 4.0), rng.uniform(1.0, 1.2)
    face = paint_of(rng, colour, "noise", 0.8, 0.12, gloss=0.3 if colour == "white" else 0.05)
    item.box((0, 0, height / 2), (width + 0.06, 0.03, height + 0.06), metal(rng, "grey", "brown"))
    item.box((0, -0.008, height / 2), (width, 0.03, height), face)
    item.box((0, -0.05, -0.02), (width, 0.08, 0.02), metal(rng, "grey"))
    return item


def mirror(rng) -> Item:
    """On the wall: 0.4-1.0 wide, 0.5-1.8 high, framed or bare, or round."""
    colour = str(rng.choice(["grey", "white", "brown", "black"]))
    item, frame = Item("mirror", colour), board(rng, colour)
    glass = Paint((0.55, 0.58, 0.58), (0.5, 0.53, 0.54), "mirror", 1.0, gloss=1.0)
    width, height = rng.uniform(0.4, 1.0), rng.uniform(0.5, 1.0) if rng.random() < 0.7 else rng.uniform(1.2, 1.8)
    if rng.random() < 0.25:
        item.disc((0, 0, width / 2), width / 2, 0.03, frame, "y")
        item.disc((0, -0.004, width / 2), width / 2 - 0.025, 0.03, glass, "y")
    else:
        item.box((0, 0, height / 2), (width, 0.025, height), frame)
        item.box((0, -0.004, height / 2), (width - 0.05, 0.025, height - 0.05), glass)
    return item


def clock(rng) -> Item:
    """A round clock on the wall, 0.22-0.4 across; its colour is the face's."""
    colour = str(rng.choice(["white", "white", "white", "black", "yellow"]))
    item, radius = Item("clock", colour), rng.uniform(0.11, 0.2)
    rim, hand = metal(rng, "black", "grey", "brown", "red"), plastic(rng, "white" if colour == "black" else "black")
    item.disc((0, 0, radius), radius, 0.04, rim, "y")
    item.disc((0, -0.004, radius), radius * 0.9, 0.04, paint_of(rng, colour, "plain", 1, 0.03), "y")
    for long, thick in ((0.5, 0.012), (0.75, 0.008)):
        angle = rng.uniform(0, 2 * np.pi)
        end = (long * radius * np.sin(angle), -0.027, radius + long * radius * np.cos(angle))
        item.rod((0, -0.027, radius), end, thick * radius * 5 * 0.1 + 0.003, hand)
    for k in range(4):
        angle = k * np.pi / 2
        item.box(
            (0.78 * radius * np.sin(angle), -0.025, radius * (1 + 0.78 * np.cos(angle))), (0.014, 0.004, 0.014), hand
        )
    return item


def radiator(rng) -> Item:
    """0.6-1.8 wide, 0.4-0.7 high, 0.06-0.12 deep, hung 0.1 above the floor: panels or ribs."""
    colour = str(rng.choice(["white", "white", "white", "grey"]))
    item, width, height = Item("radiator", colour), rng.uniform(0.6, 1.8), rng.uniform(0.4, 0.7)
    paint = paint_of(rng, colour, "plain", 1, 0.05, gloss=0.3)
    if rng.random() < 0.5:
        ridged = paint_of(rng, colour, "slats", 0.05, 0.2, gloss=0.3)
        item.cushion((0, 0, 0.1 + height / 2), (width, rng.uniform(0.06, 0.1), height), 0.015, ridged)
        item.box((0, 0.01, 0.1 + height), (width, 0.07, 0.012), darker(paint, 0.8))
    else:
        count = int(width / 0.075)
        for k in range(count):
            x = -width / 2 + 0.04 + k * 0.075
            item.cushion((x, 0, 0.1 + height / 2), (0.048, 0.12, height), 0.022, paint)
        for z in (0.16, 0.04 + height):
            item.rod((-width / 2 + 0.04, 0, z), (width / 2 - 0.04, 0, z), 0.018, paint)
    item.capsule((width / 2, 0, 0.16), (width / 2 + 0.06, 0, 0.16), 0.02, plastic(rng, "white"))
    item.rod((width / 2 + 0.05, 0.02, 0.0), (width / 2 + 0.05, 0.02, 0.16), 0.009, paint)
    return item


def light_switch(rng) -> Item:
    """One to three rockers of 0.08 x 0.08."""
    colour = str(rng.choice(["white", "white", "white", "grey", "black"]))
    item, paint = Item("light switch", colour), plastic(rng, colour)
    count = int(rng.choice([1, 1, 1, 2, 3]))
    item.cushion((0, 0, 0.041 * count), (0.082, 0.014, 0.08 * count), 0.004, paint)
    for k in range(count):
        item.box((0, -0.007, 0.041 + 0.08 * k), (0.055, 0.008, 0.055), darker(paint, 0.92))
    return item


def socket(rng) -> Item:
    """One to three power sockets of 0.08 x 0.08, sometimes with a plug."""
    colour = str(rng.choice(["white", "white", "white", "grey", "black"]))
    item, paint = Item("socket", colour), plastic(rng, colour)
    count = int(rng.choice([1, 2, 3]))
    width = 0.08 * count
    item.cushion((0, 0, 0.041), (width, 0.014, 0.082), 0.004, paint)
    for k in range(count):
        x = -width / 2 + 0.04 + 0.08 * k
        item.disc((x, -0.004, 0.041), 0.02, 0.012, darker(paint, 0.55), "y")
        if rng.random() < 0.2:
            item.capsule(
                (x, -0.012, 0.041), (x, -0.045, 0.041), 0.016, plastic(rng, str(rng.choice(["black", "white"])))
            )
    return item


def fireplace(rng) -> Item:
    """A mantelpiece 1.0-1.5 wide, 0.95-1.25 high, 0.3-0.45 deep around a dark opening, or an iron stove."""
    if rng.random() < 0.25:
        return _stove(rng)
    colour = str(rng.choice(["white", "grey", "brown", "red"]))
    item = Item("fireplace", colour)
    paint = stuff(rng, colour, "bricks" if colour == "red" else str(rng.choice(["marble", "stone", "noise"])), 0.2)
    width, depth, height = rng.uniform(1.0, 1.5), rng.uniform(0.3, 0.45), rng.uniform(0.95, 1.25)
    post = width * rng.uniform(0.16, 0.24)
    for sx in (-1, 1):
        item.box((sx * (width - post) / 2, 0, height / 2), (post, depth, height), paint)
    item.box((0, 0, height * 0.84), (width, depth, height * 0.32), paint)
    item.box((0, -0.03, height + 0.025), (width + 0.16, depth + 0.1, 0.05), darker(paint, 1.15))
    item.box(
        (0, depth / 2 - 0.01, height * 0.35),
        (width, 0.02, height * 0.7),
        Paint((0.02, 0.02, 0.02), (0.05, 0.05, 0.05), "bricks", 0.22),
    )
    item.box((0, -depth / 2 - 0.1, 0.015), (width + 0.1, 0.25, 0.03), darker(paint, 0.6))
    for k in range(3):
        x = (k - 1) * 0.12
        item.rod(
            (x - 0.2, 0, 0.07 + 0.05 * (k == 1)),
            (x + 0.2, 0.03 * k, 0.07 + 0.05 * (k == 1)),
            0.045,
            stuff(rng, "brown", "bark", 0.4),
        )
    if rng.random() < 0.4:
        fire = Paint((1.0, 0.35, 0.05), (1.0, 0.7, 0.1), "blobs", 0.1, glow=2.0)
        for x in (-0.1, 0.05, 0.14):
            item.spire(x, 0.02, 0.08, rng.uniform(0.25, 0.45), 0.07, fire)
    item.top = height + 0.05
    return item


def _stove(rng) -> Item:
    item, width, height = Item("fireplace", "black"), rng.uniform(0.45, 0.6), rng.uniform(0.75, 1.1)
    iron = stuff(rng, "black", "metal", 0.15, gloss=0.3)
    for sx in (-1, 1):
        for sy in (-1, 1):
            item.post(sx * width * 0.4, sy * 0.15, 0, 0.16, 0.02, iron)
    item.cushion((0, 0, 0.14 + (height - 0.14) / 2), (width, 0.42, height - 0.14), 0.02, iron)
    glow = Paint((1.0, 0.4, 0.08), (0.3, 0.08, 0.02), "blobs", 0.12, glow=rng.choice([0.0, 1.5]))
    item.box((0, -0.215, height * 0.58), (width * 0.7, 0.01, height * 0.36), glow)
    item.rod((0, 0.08, height - 0.02), (0, 0.08, height + 0.9), 0.07, iron)
    return item


def stairs(rng, steps: int | None = None) -> Item:
    """A flight rising away from its front, risers 0.17-0.19, treads 0.26-0.29, with a rail or two at 0.9."""
    colour = str(rng.choice(["brown", "grey", "white", "grey"]))
    item, width = Item("stairs", colour), rng.uniform(0.9, 1.5)
    rise, tread, count = rng.uniform(0.17, 0.19), rng.uniform(0.26, 0.29), steps or int(rng.integers(3, 15))
    paint = wood(rng, colour) if colour == "brown" else stuff(rng, colour, "concrete", 0.2)
    length, solid = count * tread, rng.random() < 0.7
    for k in range(count):
        top, y = (k + 1) * rise, -length / 2 + tread * (k + 0.5)
        if solid:
            item.box((0, y, top / 2), (width, tread, top), paint)
            item.box((0, y - 0.012, top - 0.015), (width + 0.02, tread + 0.024, 0.03), darker(paint, 0.85))
        else:
            item.box((0, y, top - 0.02), (width, tread + 0.03, 0.04), paint)
    rail, slope = metal(rng), rise / tread
    if not solid:
        for sx in (-1, 1):
            a, b = -length / 2, length / 2
            item.rod((sx * width * 0.42, a, 0.03), (sx * width * 0.42, b, count * rise - 0.05), 0.03, paint)
    for sx in (-1, 1) if rng.random() < 0.6 else (1,):
        x = sx * (width / 2 - 0.03)
        item.capsule((x, -length / 2, 0.95 + rise / 2), (x, length / 2, 0.95 + rise / 2 + slope * length), 0.022, rail)
        for k in range(0, count + 1, 2 if count < 8 else 3):
            y = -length / 2 + min(max(k * tread, 0.03), length - 0.03)
            item.rod(
                (x, y, max(0.0, slope * (y + length / 2) - 0.1)),
                (x, y, 0.95 + rise / 2 + slope * (y + length / 2)),
                0.014,
                rail,
            )
    return item


def wall_shelf(rng) -> Item:
    """A board on the wall, 0.5-1.4 wide, 0.18-0.28 deep."""
    colour = usual(rng, "white", "brown", "black")
    item, paint = Item("shelf", colour), board(rng, colour)
    width, depth = rng.uniform(0.5, 1.4), rng.uniform(0.18, 0.28)
    item.box((0, 0, 0.1), (width, depth, 0.025), paint)
    for sx in (-1, 1):
        item.box((sx * width * 0.36, depth / 2 - 0.012, 0.045), (0.025, 0.02, 0.09), metal(rng))
        item.rod(
            (sx * width * 0.36, depth / 2 - 0.02, 0.01),
            (sx * width * 0.36, -depth * 0.2, 0.09),
            0.008,
            metal(rng, "grey"),
        )
    item.top = 0.1125
    return item


def coat_rack(rng) -> Item:
    """A board with hooks at 1.6-1.8 and coats: a curtain of clothes. The origin is the coats' lower edge."""
    colour = usual(rng, "black", "blue", "brown")
    item, width = Item("curtain", colour), rng.uniform(0.5, 1.1)
    item.box((0, 0.1, 0.98), (width, 0.02, 0.1), wood(rng, "brown"))
    for k in range(int(rng.integers(2, 5))):
        coat = cloth(rng, colour if k % 2 == 0 else pick_colour(rng))
        x, long = -width / 2 + width * (k + 0.5) / 4, rng.uniform(0.6, 0.95)
        item.cushion((x, 0, 0.95 - long / 2), (rng.uniform(0.2, 0.32), 0.17, long), 0.07, coat)
    return item


WALL = (painting, painting, painting, poster, mirror, clock)
