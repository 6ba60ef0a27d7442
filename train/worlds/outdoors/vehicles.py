"""Cars, vans, buses, trucks and two-wheelers with real sizes, fronts at -y.

`near` asks for the small parts (pillars, plates, spokes) that only show within some 25 m.
"""

from __future__ import annotations

import numpy as np

from ..people import skin_paint
from ..things import Item, Paint, paint_of, pick_colour, rgb_of
from .solids import plate, ring

GLASS = Paint((0.02, 0.025, 0.03), (0.05, 0.06, 0.07), "noise", 0.6, gloss=1.0)
LAMP = Paint((0.8, 0.8, 0.75), (0.8, 0.8, 0.75), gloss=0.8)
TAIL = Paint((0.4, 0.01, 0.01), (0.3, 0.01, 0.01), gloss=0.4)
CAR_COLOURS = ("white", "black", "grey", "grey", "red", "blue", "white", "black")

# body: ranges of length, width, height in metres; then where, as shares of the length from the front, the windscreen
# starts, the roof starts, the roof ends and the rear window ends; then the belt line as a share of the height
BODIES = {
    "hatchback": ((3.6, 4.3), (1.62, 1.8), (1.42, 1.54), (0.23, 0.42, 0.84, 0.97), 0.62),
    "sedan": ((4.4, 5.0), (1.75, 1.9), (1.4, 1.5), (0.27, 0.44, 0.70, 0.86), 0.62),
    "estate": ((4.3, 4.9), (1.75, 1.88), (1.42, 1.54), (0.26, 0.43, 0.90, 0.985), 0.62),
    "suv": ((4.2, 4.9), (1.8, 1.95), (1.6, 1.8), (0.25, 0.40, 0.88, 0.98), 0.62),
    "pickup": ((4.8, 5.0), (1.8, 1.95), (1.7, 1.8), (0.27, 0.39, 0.57, 0.62), 0.6),
}
BODY_ODDS = (0.32, 0.24, 0.16, 0.2, 0.08)


def _colour(rng, *usual: str) -> str:
    """Mostly one of the usual colours."""
    return str(rng.choice(usual)) if rng.random() < 0.6 else pick_colour(rng, *usual)


def _wheels(item, width, axles, radius, near, rubber, metal, thick=0.22):
    for y in axles:
        if not near:
            item.disc((0, y, radius), radius, width + 0.02, rubber, "x")
            continue
        for sx in (-1, 1):
            item.disc((sx * (width / 2 - thick / 2 + 0.003), y, radius * 1.16), radius * 1.13, thick, rubber, "x")
            item.disc((sx * (width / 2 - thick / 2 + 0.012), y, radius), radius, thick, rubber, "x")
            item.disc((sx * (width / 2 - thick / 2 + 0.018), y, radius), radius * 0.64, thick, metal, "x")


def _ends(item, length, width, z, near, rng, lamp_height=0.13):
    """Lights and number plates (0.52 x 0.11 m) at both ends."""
    for sx in (-1, 1):
        item.cushion((sx * width * 0.35, -length / 2 + 0.01, z), (width * 0.2, 0.06, lamp_height), 0.02, LAMP)
        item.cushion((sx * width * 0.38, length / 2 - 0.01, z + 0.06), (width * 0.15, 0.06, 0.18), 0.02, TAIL)
    if near:
        white = rng.random() < 0.7
        ink = (0.75, 0.74, 0.7) if white else (0.75, 0.55, 0.06)
        sign = Paint(ink, (0.08, 0.08, 0.1), "stripes", 0.07)
        for sy in (-1, 1):
            item.box((0, sy * (length / 2 + 0.004), z - 0.17), (0.52, 0.02, 0.11), sign)


def car(rng, near: bool = True) -> Item:
    """A passenger car of one of five bodies: 3.6-5.0 x 1.6-1.95 (mirrors: 2.3) x 1.4-1.8 m, wheels 0.6-0.7 m."""
    colour = _colour(rng, *CAR_COLOURS)
    item = Item("car", colour)
    body = paint_of(rng, colour, "plain", 1, 0.1, gloss=rng.uniform(0.3, 0.9))
    rubber, metal = paint_of(rng, "black"), paint_of(rng, "grey", gloss=0.2)
    name = str(rng.choice(list(BODIES), p=BODY_ODDS))
    *ranges, shares, belt_share = BODIES[name]
    length, width, height = (float(rng.uniform(*r)) for r in ranges)
    radius, clear = rng.uniform(0.3, 0.32) if height < 1.6 else rng.uniform(0.32, 0.35), 0.19 if height < 1.6 else 0.24
    glass_start, roof_start, roof_end, glass_end = (length * (s - 0.5) for s in shares)
    belt, back = height * belt_share, length / 2
    bonnet = belt - rng.uniform(0.05, 0.12)
    item.cushion((0, 0, (clear + bonnet) / 2), (width, length, bonnet - clear), 0.16, body)
    deck = back if name != "sedan" else back - 0.05
    front = glass_start - 0.55 * (glass_start + back)
    if name == "pickup":
        deck = glass_end + 0.05
        for sx in (-1, 1):  # the open bed
            item.box((sx * (width / 2 - 0.05), (deck + back) / 2, belt - 0.05), (0.09, back - deck, 0.22), body)
        item.box((0, back - 0.06, belt - 0.05), (width * 0.98, 0.08, 0.22), body)
    item.cushion((0, (front + deck) / 2, (belt + bonnet) / 2 - 0.1), (width * 0.98, deck - front, 0.2 + belt - bonnet),
                 0.1, body)  # fmt: skip
    inner, top = width * 0.84, height - 0.05
    item.box((0, (roof_start + roof_end) / 2, (belt + top) / 2), (inner, roof_end - roof_start, top - belt), GLASS)
    plate(item, (glass_start, belt - 0.03), (roof_start + 0.03, top), inner * 0.97, 0.4, GLASS)
    plate(item, (roof_end - 0.03, top), (glass_end, belt - 0.03), inner * 0.97, 0.4, GLASS)
    roof = (inner + 0.02, roof_end - roof_start + 0.12, 0.12)
    item.cushion((0, (roof_start + roof_end) / 2, height - 0.06), roof, 0.06, body)
    axles = (-0.31 * length, 0.3 * length)
    _wheels(item, width, axles, radius, near, rubber, metal)
    _ends(item, length, width, bonnet - rng.uniform(0.1, 0.16), near, rng)
    if near:
        edge = inner / 2
        for sx in (-1, 1):
            item.capsule((sx * (edge + 0.015), glass_start, belt), (sx * edge, roof_start, top), 0.035, body)
            item.capsule((sx * (edge + 0.015), glass_end, belt), (sx * edge, roof_end, top), 0.05, body)
            posts = (0.42,) if name in ("sedan", "pickup") else (0.35, 0.72)
            for share in posts:
                y = roof_start + share * (roof_end - roof_start)
                item.box((sx * edge, y, (belt + top) / 2), (0.03, 0.08, top - belt), body)
            item.cushion((sx * (width / 2 + 0.07), glass_start + 0.35, belt + 0.08), (0.18, 0.1, 0.14), 0.04, body)
        item.box((0, -length / 2 + 0.03, clear + 0.26), (width * 0.55, 0.09, 0.16), rubber)
        for sy in (-1, 1):
            item.box((0, sy * (length / 2 - 0.1), clear + 0.05), (width * 0.9, 0.21, 0.14), rubber)
    return item


def van(rng, near: bool = True) -> Item:
    """A delivery van: 4.8-6.0 x 1.9-2.05 (mirrors: 2.5) x 1.9-2.6 m."""
    colour = _colour(rng, "white", "white", "blue", "grey", "yellow")
    item = Item("van", colour)
    body = paint_of(rng, colour, "plain", 1, 0.1, gloss=0.4)
    rubber, metal = paint_of(rng, "black"), paint_of(rng, "grey", gloss=0.2)
    length, width, height = rng.uniform(4.8, 6.0), rng.uniform(1.9, 2.05), rng.uniform(1.9, 2.6)
    front, back, belt = -length / 2, length / 2, rng.uniform(1.05, 1.2)
    item.cushion((0, 0, (0.22 + belt) / 2), (width, length, belt - 0.22), 0.15, body)
    screen = front + 0.9
    roof_start = screen + 0.45 * (height - belt)
    item.cushion((0, (roof_start + back) / 2, (belt + height) / 2 - 0.1),
                 (width * 0.97, back - roof_start, height - belt + 0.2), 0.12, body)  # fmt: skip
    plate(item, (screen - 0.12, belt - 0.02), (roof_start + 0.06, height - 0.1), width * 0.88, 0.4, GLASS)
    cab = roof_start + 0.45
    item.box((0, cab, belt + 0.32), (width * 0.98, 0.8, 0.55), GLASS)
    if rng.random() < 0.4:
        item.box((0, (cab + back) / 2 + 0.4, belt + 0.34), (width * 0.98, (back - cab) * 0.65, 0.5), GLASS)
    elif near and rng.random() < 0.6:  # the owner's sign
        stripe = paint_of(rng, pick_colour(rng))
        item.box((0, (cab + back) / 2 + 0.3, belt + 0.15), (width * 0.975, length * 0.3, 0.4), stripe)
    item.box((0, back - 0.01, height * 0.68), (width * 0.8, 0.05, height * 0.22), GLASS)
    _wheels(item, width, (-0.3 * length, 0.3 * length), rng.uniform(0.33, 0.36), near, rubber, metal)
    _ends(item, length, width, belt - 0.28, near, rng, 0.2)
    if near:
        for sx in (-1, 1):
            item.cushion((sx * (width / 2 + 0.1), screen + 0.3, belt + 0.2), (0.2, 0.12, 0.28), 0.04, rubber)
        item.box((0, front + 0.03, 0.62), (width * 0.5, 0.09, 0.22), rubber)
        item.box((0, back - 0.03, 1.1), (0.03, 0.09, 1.6), rubber)
    return item


def bus(rng, near: bool = True) -> Item:
    """A city bus: 10-12 x 2.5-2.55 (mirrors: 3.1) x 2.9-3.1 m."""
    colour = _colour(rng, "red", "yellow", "white", "blue", "green")
    item = Item("bus", colour)
    body = paint_of(rng, colour, "plain", 1, 0.1, gloss=0.5)
    rubber, metal = paint_of(rng, "black"), paint_of(rng, "grey", gloss=0.2)
    length, width, height = rng.uniform(10.0, 12.0), rng.uniform(2.5, 2.55), rng.uniform(2.9, 3.1)
    item.cushion((0, 0, (0.3 + height) / 2 - 0.04), (width, length, height - 0.38), 0.16, body)
    item.box((0, 0.1, 1.75), (width + 0.02, length - 0.6, 0.95), GLASS)
    item.box((0, -length / 2 + 0.1, 1.65), (width * 0.92, 0.23, 1.5), GLASS)
    item.box((0, length / 2 - 0.1, 1.95), (width * 0.8, 0.23, 0.75), GLASS)
    show = Paint((0.9, 0.5, 0.05), (0.1, 0.05, 0.01), "stripes", 0.12, glow=0.6)
    item.box((0, -length / 2 + 0.09, height - 0.32), (1.6, 0.23, 0.26), show)
    item.cushion((0, 0.1 * length, height - 0.06), (1.7, 2.6, 0.12), 0.05, metal)
    _wheels(item, width, (-0.27 * length, 0.24 * length), rng.uniform(0.46, 0.5), near, rubber, metal, 0.3)
    _ends(item, length, width, 0.72, near, rng, 0.2)
    if near:
        for i in range(int(length / 1.5)):  # window posts
            item.box((0, -length / 2 + 1.3 + 1.5 * i, 1.75), (width + 0.03, 0.09, 0.96), body)
        for y in (-length / 2 + 0.95, 0.05 * length):  # doors on the kerb side
            item.box((width / 2 - 0.02, y, 1.3), (0.08, 1.15, 2.0), GLASS)
            item.box((width / 2 - 0.02, y, 1.3), (0.1, 0.05, 2.0), rubber)
        for sx in (-1, 1):
            item.cushion((sx * (width / 2 + 0.15), -length / 2 + 0.05, 2.1), (0.22, 0.16, 0.4), 0.05, rubber)
    return item


def _load(item, rng, kind, start, length, width, height, paint):
    """What a truck carries behind its cab, from y = start on."""
    middle = start + length / 2
    if kind == "tank":
        radius = min(width / 2, (height - 1.0) / 2) * 0.97
        item.capsule((0, start + radius, 1.05 + radius), (0, start + length - radius, 1.05 + radius), radius, paint)
        for share in (0.25, 0.75):
            item.box((0, start + share * length, 1.1), (width * 0.9, 0.2, 0.5), paint_of(rng, "grey"))
    elif kind == "bed":
        dark = paint_of(rng, "brown", "speckle", 0.3, 0.5)
        item.box((0, middle, 1.5), (width, length, 0.9), paint)
        item.blob((0, middle, 1.95), (width * 0.42, length * 0.42, 0.5), dark)
        for y in np.linspace(start + 0.06, start + length - 0.06, int(length / 1.2) + 1):
            item.box((0, y, 1.5), (width + 0.06, 0.1, 0.9), paint)
    else:
        item.box((0, middle, (1.05 + height) / 2), (width, length, height - 1.05), paint)
        rim = paint_of(rng, "grey", gloss=0.3)
        item.box((0, start + length - 0.02, height - 0.06), (width + 0.02, 0.08, 0.14), rim)
        item.box((0, start + length - 0.01, (1.1 + height) / 2), (0.05, 0.06, height - 1.3), rim)


def truck(rng, near: bool = True) -> Item:
    """A lorry with a box, a tank or an open bed: 6.5-12 x 2.4-2.55 (mirrors: 3.1) x 2.7-4.0 m."""
    colour = _colour(rng, "white", "red", "blue", "yellow", "green")
    item = Item("truck", colour)
    cab = paint_of(rng, colour, "plain", 1, 0.1, gloss=0.5)
    rubber, metal = paint_of(rng, "black"), paint_of(rng, "grey", gloss=0.4)
    kind = str(rng.choice(["box", "tank", "bed"], p=[0.6, 0.2, 0.2]))
    length, width, height = rng.uniform(6.5, 12.0), rng.uniform(2.4, 2.55), rng.uniform(3.2, 4.0)
    front, deep, top = -length / 2, rng.uniform(1.8, 2.3), min(height - 0.1, rng.uniform(2.7, 3.3))
    item.cushion((0, front + deep / 2, (0.4 + top) / 2), (width, deep, top - 0.4), 0.18, cab)
    item.box((0, front + 0.08, top * 0.68), (width * 0.9, 0.18, top * 0.27), GLASS)
    item.box((0, front + 0.75, top * 0.68), (width + 0.02, 0.9, top * 0.24), GLASS)
    item.box((0, 0.3, 0.85), (0.9, length - 0.8, 0.3), rubber)
    load = paint_of(rng, colour, "plain", 1, 0.12, gloss=0.3)
    if kind == "box" and rng.random() < 0.4:  # curtain sides
        load = paint_of(rng, colour, "slats", 0.6, 0.15)
    _load(item, rng, kind, front + deep + 0.12, length - deep - 0.12, width, height, load)
    axles = [front + 1.3, length / 2 - 1.9] + ([length / 2 - 3.1] if length > 9 else [])
    _wheels(item, width, axles, rng.uniform(0.48, 0.52), near, rubber, metal, 0.3)
    _ends(item, length, width, 0.75, near, rng, 0.2)
    if near:
        item.box((0, front + 0.02, top * 0.36), (width * 0.7, 0.06, 0.45), rubber)
        item.box((0, length / 2 - 0.06, 0.5), (width * 0.95, 0.1, 0.12), metal)
        for sx in (-1, 1):
            item.cushion((sx * (width / 2 + 0.15), front + 0.25, top * 0.68), (0.22, 0.16, 0.6), 0.05, rubber)
            item.box((sx * (width / 2 - 0.05), 0.1, 0.75), (0.06, length * 0.3, 0.5), metal)
    return item


def bicycle(rng, near: bool = True) -> Item:
    """A bicycle: 1.7-1.85 m long, 0.5-0.65 wide, 0.95-1.1 high, wheels 0.66-0.7 m."""
    colour = pick_colour(rng, "black", "red", "blue", "white")
    item = Item("bicycle", colour)
    frame = paint_of(rng, colour, gloss=0.5)
    black, metal = paint_of(rng, "black"), paint_of(rng, "grey", gloss=0.7)
    length, radius = rng.uniform(1.7, 1.85), rng.uniform(0.33, 0.35)
    saddle, bar, wide = rng.uniform(0.88, 0.98), rng.uniform(0.97, 1.08), rng.uniform(0.52, 0.62)
    front, rear = -length / 2 + radius, length / 2 - radius
    for y in (front, rear):
        if near:
            ring(item, (0, y, radius), radius, 0.02, black)
            for angle in range(3):
                item.rod(*_across(y, radius, angle), 0.004, metal)
        else:
            item.disc((0, y, radius), radius, 0.03, black, "x")
    crank, seat, head = (0, rear - 0.44, 0.28), (0, rear - 0.24, saddle - 0.1), (0, front + 0.2, bar - 0.14)
    thin = 0.018
    for start, end in (
        (crank, seat), (seat, (0, rear, radius)), (crank, (0, rear, radius)), (crank, head), (head, (0, front, radius)),
        ((0, rear - 0.28, saddle - 0.26), head),
    ):  # fmt: skip
        item.capsule(start, end, thin, frame)
    item.capsule(seat, (0, rear - 0.22, saddle), 0.014, metal)
    item.cushion((0, rear - 0.22, saddle), (0.15, 0.26, 0.06), 0.03, black)
    item.capsule(head, (0, front + 0.17, bar), 0.014, metal)
    item.capsule((-wide / 2, front + 0.24, bar), (wide / 2, front + 0.24, bar), 0.016, black)
    item.capsule((0, front + 0.17, bar), (0, front + 0.24, bar), 0.016, metal)
    item.disc((0.04, crank[1], crank[2]), 0.09, 0.01, metal, "x")
    for sx in (-1, 1):
        pedal = (sx * 0.09, crank[1] + sx * 0.08, crank[2] - sx * 0.14)
        item.capsule((sx * 0.07, crank[1], crank[2]), pedal, 0.012, metal)
    if rng.random() < 0.4:
        item.box((0, rear + 0.05, radius * 2 + 0.06), (0.12, 0.36, 0.02), black)
        if rng.random() < 0.5:
            item.box((0, rear + 0.05, radius * 2 + 0.17), (0.34, 0.3, 0.2), paint_of(rng, "brown", "slats", 0.05))
    return item


def _across(y, radius, number):
    """Both ends of one of three pairs of spokes."""
    sine, cosine = ((0.0, 1.0), (0.866, 0.5), (0.866, -0.5))[number]
    reach = radius - 0.03
    return (0, y - reach * cosine, radius - reach * sine), (0, y + reach * cosine, radius + reach * sine)


def motorcycle(rng, near: bool = True) -> Item:
    """A motorcycle: 1.95-2.25 m long, 0.65-0.85 wide, 1.0-1.25 high, wheels 0.58-0.64 m."""
    colour = pick_colour(rng, "black", "red", "blue")
    item = Item("motorcycle", colour)
    paint = paint_of(rng, colour, gloss=0.7)
    black, metal = paint_of(rng, "black"), paint_of(rng, "grey", gloss=0.7)
    length, radius, wide = rng.uniform(1.95, 2.25), rng.uniform(0.29, 0.32), rng.uniform(0.65, 0.82)
    bar, front, rear = rng.uniform(0.98, 1.12), -length / 2 + radius, length / 2 - radius
    for y, thick in ((front, 0.11), (rear, 0.15)):
        item.disc((0, y, radius), radius, thick, black, "x")
        item.disc((0, y, radius), radius * 0.62, thick + 0.02, metal, "x")
    head = (0, front + 0.3, bar - 0.12)
    for sx in (-1, 1):
        item.capsule((sx * 0.09, front, radius), (sx * 0.08, head[1], head[2]), 0.025, metal)
    item.capsule((0, front - 0.12, radius * 2 + 0.01), (0, front + 0.16, radius * 2 - 0.01), 0.05, paint)
    item.cushion((0, front + 0.72, 0.42), (0.34, 0.46, 0.36), 0.08, metal)
    item.blob((0, front + 0.62, 0.78), (0.17, 0.3, 0.14), paint)
    item.cushion((0, rear - 0.32, 0.76), (0.28, 0.68, 0.11), 0.05, black)
    item.cushion((0, rear - 0.12, 0.68), (0.22, 0.55, 0.12), 0.05, paint)
    item.capsule((0, head[1], head[2]), (0, rear - 0.3, 0.6), 0.04, black)
    item.capsule((0, rear - 0.45, 0.35), (0, rear, radius), 0.04, black)
    item.capsule((0.17, front + 0.75, 0.28), (0.17, rear + 0.1, 0.34), 0.05, metal)
    item.capsule((-wide / 2, head[1] + 0.08, bar), (wide / 2, head[1] + 0.08, bar), 0.018, black)
    item.blob((0, head[1] - 0.13, bar - 0.12), (0.09, 0.08, 0.1), LAMP)
    item.box((0, rear + radius * 0.6, 0.66), (0.14, 0.04, 0.06), TAIL)
    if near:
        for sx in (-1, 1):
            item.capsule((sx * wide * 0.36, head[1] + 0.08, bar), (sx * wide * 0.42, head[1], bar + 0.1), 0.008, black)
            item.blob((sx * wide * 0.42, head[1], bar + 0.1), (0.06, 0.015, 0.04), black)
        if rng.random() < 0.4:
            plate(item, (head[1] - 0.2, bar - 0.05), (head[1] - 0.02, bar + 0.13), 0.34, 0.012, GLASS)
    return item


def rider(rng, motor: bool = False) -> Item:
    """A person who sits on a bicycle or motorcycle placed at the same spot; named by the shirt."""
    colour = pick_colour(rng)
    item, s = Item("person", colour), rng.uniform(0.95, 1.04)
    shirt = paint_of(rng, colour, "plain", 0.3, 0.2)
    below = paint_of(rng, str(rng.choice(["blue", "black", "grey", "brown"])), "noise", 0.2, 0.2)
    skin = skin_paint(rng.uniform(0.15, 1.0))
    seat, hip = (0.86, 0.28) if motor else (1.02, 0.3)
    shoulder = (0.0, hip - 0.28 * s, seat + 0.46 * s)
    item.capsule((0, hip, seat), shoulder, 0.155 * s, shirt)
    head = (0.0, shoulder[1] - 0.1, shoulder[2] + 0.27 * s)
    item.capsule(shoulder, head, 0.055 * s, skin)
    item.blob(head, (0.085 * s, 0.1 * s, 0.12 * s), skin)
    if motor or rng.random() < 0.6:
        helmet = rgb_of(rng, str(rng.choice(["black", "white", "red", "blue"])))
        item.blob((0, head[1] + 0.02, head[2] + 0.05), (0.12 * s, 0.14 * s, 0.11 * s), Paint(helmet, helmet, gloss=0.6))
    else:
        hair = paint_of(rng, str(rng.choice(["black", "brown", "yellow", "grey"])), "noise", 0.05)
        item.blob((0, head[1] + 0.03, head[2] + 0.03), (0.09 * s, 0.1 * s, 0.1 * s), hair)
    for sx in (-1, 1):
        hand = (sx * 0.25, -0.38, 1.03)
        elbow = (sx * 0.27, (shoulder[1] - 0.38) / 2 + 0.04, (shoulder[2] + 1.03) / 2 - 0.08)
        item.capsule((sx * 0.17 * s, shoulder[1], shoulder[2]), elbow, 0.05 * s, shirt)
        item.capsule(elbow, hand, 0.04 * s, skin)
        down = 0.0 if motor else sx * 0.12
        knee, foot = (sx * 0.12, hip - 0.42, seat - 0.2 + down), (sx * 0.12, hip - 0.2, seat - 0.6 + down)
        item.capsule((sx * 0.1, hip, seat - 0.05), knee, 0.075 * s, below)
        item.capsule(knee, foot, 0.055 * s, below)
        item.cushion((foot[0], foot[1] - 0.08, foot[2] - 0.05), (0.09, 0.26, 0.09), 0.04, paint_of(rng, "black"))
    return item
