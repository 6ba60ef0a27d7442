"""Buildings (fabric, not things) whose storeys, windows and doors give their scale; fronts at -y.

`near` builds the front: piers and bands before a recessed sheet of glass, so that every window has a reveal, then
frames, sills, shops, balconies. Farther away the windows are painted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..things import Item, Paint, paint_of, pick_colour, rgb_of, shade, stuff
from .solids import gable, plate

PANE = Paint((0.03, 0.04, 0.05), (0.08, 0.095, 0.11), "blobs", 1.3, gloss=0.9)
SHOP = Paint((0.05, 0.045, 0.04), (0.22, 0.18, 0.14), "photo", 1.4, gloss=0.7, glow=0.1)
STOREY = {"house": (2.8, 3.0), "flats": (2.8, 3.0), "office": (3.2, 3.5), "old": (3.0, 3.5), "warehouse": (5.5, 8.0)}
"""Height of a storey of each style, metres."""


@dataclass
class Building:
    """The fabric, its size (x, y, z) in metres and things on its front: (item, place) in the building's frame."""

    item: Item
    size: tuple[float, float, float]
    things: list[tuple[Item, tuple[float, float, float]]] = field(default_factory=list)


@dataclass
class _Front:
    """Where the front wall is and what it is made of."""

    left: float
    right: float
    face: float  # y of its outer face
    wall: Paint
    frame: Paint
    reveal: float


def front_door(rng) -> Item:
    """A street door: 0.9-1.1 x 2.0-2.2 m, in its frame, on a step."""
    colour = pick_colour(rng, "brown", "black", "green", "blue", "white", "red")
    item, width, height = Item("door", colour), rng.uniform(0.9, 1.1), rng.uniform(2.0, 2.2)
    paint = paint_of(rng, colour, "grain", 0.25, 0.2, gloss=0.3)
    trim = paint_of(rng, "white" if colour != "white" else "grey")
    item.box((0, 0, height / 2), (width, 0.06, height), paint)
    inner = Paint(shade(paint.rgb, 0.75), shade(paint.rgb2, 0.75), paint.texture, paint.scale)
    glazed = rng.random() < 0.5
    item.box((0, -0.03, height * 0.28), (width * 0.62, 0.015, height * 0.36), inner)
    item.box((0, -0.03, height * 0.74), (width * 0.62, 0.015, height * 0.36), PANE if glazed else inner)
    for sx in (-1, 1):
        item.box((sx * (width / 2 + 0.05), -0.01, height / 2 + 0.05), (0.1, 0.12, height + 0.1), trim)
    item.box((0, -0.01, height + 0.05), (width, 0.12, 0.1), trim)
    item.capsule((width * 0.36, -0.08, 1.02), (width * 0.46, -0.08, 1.02), 0.015, paint_of(rng, "grey", gloss=0.8))
    return item


def _rows(item, front: _Front, columns, rows, share, low, high, glass=PANE, bars=True):
    """Windows as the gaps of a lattice: `rows` are (sill, head) heights; the wall fills `low` to `high`, metres."""
    width, middle = front.right - front.left, (front.left + front.right) / 2
    cell = width / columns
    back = front.face + front.reveal
    item.box((middle, back + 0.03, (low + high) / 2), (width, 0.06, high - low), glass)
    deep = front.reveal
    for i in range(columns + 1):
        x0 = front.left if i == 0 else front.left + (i - 1) * cell + cell * (1 + share) / 2
        x1 = front.right if i == columns else front.left + i * cell + cell * (1 - share) / 2
        item.box(((x0 + x1) / 2, front.face + deep / 2, (low + high) / 2), (x1 - x0, deep, high - low), front.wall)
    edges = [low, *(z for row in rows for z in row), high]
    for z0, z1 in zip(edges[::2], edges[1::2], strict=True):
        if z1 - z0 > 0.02:
            item.box((middle, front.face + 0.015 + deep / 2, (z0 + z1) / 2), (width, deep, z1 - z0), front.wall)
    if not bars:
        return
    for i in range(columns):
        x = front.left + (i + 0.5) * cell
        item.box((x, back - 0.03, (low + high) / 2), (0.07, 0.05, high - low), front.frame)
        for sx in (-1, 1) if columns <= 6 else ():
            side = x + sx * (cell * share / 2 - 0.03)
            item.box((side, back - 0.03, (low + high) / 2), (0.06, 0.06, high - low), front.frame)
    for sill, head in rows:
        item.box((middle, back - 0.03, sill + 0.68 * (head - sill)), (width, 0.04, 0.06), front.frame)


def _shops(item, rng, front: _Front, height, things):
    """A ground floor of shops: wide panes, a fascia with the name, an awning now and then, glazed doors."""
    width = front.right - front.left
    count = max(1, round(width / rng.uniform(4.5, 7.0)))
    cell = width / count
    head = min(height - 0.7, 2.6)
    _rows(item, front, count * 2, [(0.45, head)], 0.86, 0.0, height, SHOP, bars=False)
    for i in range(count):
        x = front.left + (i + 0.5) * cell
        colour = paint_of(rng, pick_colour(rng, "white", "black"), "text" if rng.random() < 0.5 else "plain", 0.5, 0.6)
        item.box((x, front.face - 0.03, head + 0.32), (cell * 0.86, 0.08, 0.5), colour)
        door = x + cell * 0.25 * rng.choice([-1, 1])
        item.box((door, front.face + front.reveal - 0.05, 1.05), (1.0, 0.06, 2.1), front.frame)
        item.box((door, front.face + front.reveal - 0.09, 1.1), (0.76, 0.04, 1.8), SHOP)
        if rng.random() < 0.45:
            cloth = paint_of(rng, pick_colour(rng), "stripes" if rng.random() < 0.5 else "plain", 0.4, 0.5)
            out, drop = rng.uniform(0.9, 1.5), rng.uniform(0.3, 0.55)
            plate(item, (front.face - out, head + 0.1 - drop), (front.face, head + 0.1), cell * 0.84, 0.03, cloth, x)
            item.box((x, front.face - out, head + 0.02 - drop), (cell * 0.84, 0.02, 0.2), cloth)
    if rng.random() < 0.5:
        things.append((front_door(rng), (front.left + rng.choice([0.06, 0.94]) * width, front.face - 0.05, 0.0)))


def _balconies(item, rng, front: _Front, columns, floors):
    """Slabs 1-1.4 m deep with a parapet 1.0 m high before some columns of windows; `floors` are their heights."""
    cell = (front.right - front.left) / columns
    out, solid = rng.uniform(1.0, 1.4), rng.random() < 0.5
    paint = paint_of(rng, pick_colour(rng, "white", "grey", "black"), "plain" if solid else "slats", 0.12, 0.4)
    slab = stuff(rng, "grey", "concrete", 0.15)
    wide = min(cell * 0.95, 3.6)
    every = int(rng.integers(1, 4))
    for i in range(int(rng.integers(every)), columns, every):
        x = front.left + (i + 0.5) * cell
        for z in floors:
            item.box((x, front.face - out / 2, z - 0.08), (wide, out, 0.16), slab)
            item.box((x, front.face - out, z + 0.5), (wide, 0.04, 1.0), paint)
            for sx in (-1, 1):
                item.box((x + sx * wide / 2, front.face - out / 2, z + 0.5), (0.04, out, 1.0), paint)


def _walls(rng, style) -> tuple[str, Paint]:
    """The named colour of a building and its wall."""
    if style == "house" and rng.random() < 0.5:
        colour = str(rng.choice(["red", "brown", "brown"]))
        rgb = 0.6 * np.array(rgb_of(rng, colour)) + 0.4 * np.array(rgb_of(rng, "brown"))
        return colour, Paint(tuple(rgb), (0.5, 0.47, 0.43), "bricks", 0.22)
    colours = {
        "warehouse": ["grey", "white", "blue", "green", "red"], "office": ["grey", "white", "grey", "brown", "black"],
        "old": ["yellow", "orange", "pink", "white", "brown", "red"],
    }.get(style, ["white", "white", "grey", "yellow", "brown", "pink", "blue"])  # fmt: skip
    colour = str(rng.choice(colours))
    rgb, mute = np.array(rgb_of(rng, colour)), rng.uniform(0.3, 0.65)
    rgb = mute * rgb.mean() + (1 - mute) * rgb
    textures = {"warehouse": ("corrugated", "siding"), "house": ("plaster", "siding"), "office": ("concrete", "stone")}
    texture = str(rng.choice(textures.get(style, ("plaster", "plaster", "bricks"))))
    paint = stuff(rng, colour, texture)
    return colour, Paint(tuple(rgb), shade(rgb, rng.uniform(0.8, 0.93)), texture, paint.scale)


def _roof(item, rng, size, style, wall, near):
    """A flat roof with its cornice, or a gabled one with eaves, gutter and chimneys."""
    width, depth, top = size
    trim = Paint(shade(wall.rgb, 0.75), shade(wall.rgb, 0.65), "plaster", 0.5)
    if style in ("office", "warehouse") or (style == "flats" and rng.random() < 0.6):
        item.box((0, 0, top + 0.2), (width + 0.1, depth + 0.1, 0.5), trim)
        for _ in range(int(rng.integers(0, 4))):  # plant rooms and vents
            x, y = rng.uniform(-0.35, 0.35) * width, rng.uniform(-0.3, 0.3) * depth
            item.box((x, y, top + 1.0), (rng.uniform(1, 4), rng.uniform(1, 3), 1.6), trim)
        return
    colour = str(rng.choice(["red", "brown", "grey", "black", "orange"]))
    tiles = stuff(rng, colour, "shingles", 0.35)
    rise = depth / 2 * rng.uniform(0.55, 1.0)
    if style == "old":
        item.box((0, -depth / 2, top - 0.15), (width + 0.2, 0.5, 0.3), trim)
    gable(item, (width, depth), top, rise, tiles, wall, 0.35 if style == "house" else 0.15, 5 if near else 2)
    eave = depth / 2 + (0.35 if style == "house" else 0.15) * 1.1
    if near:
        metal = paint_of(rng, "grey", gloss=0.3)
        item.rod((-width / 2, -eave - 0.05, top - 0.05), (width / 2, -eave - 0.05, top - 0.05), 0.07, metal)
        x = (width / 2 - 0.3) * rng.choice([-1, 1])
        item.post(x, -depth / 2 - 0.08, 0, top - 0.05, 0.045, metal)
        for _ in range(int(rng.integers(0, 3)) if style in ("house", "old") else 0):  # dormers
            x = rng.uniform(-0.35, 0.35) * width
            item.box((x, -depth * 0.24, top + rise * 0.42), (1.5, depth * 0.3, 1.4), trim)
            item.box((x, -depth * 0.24, top + rise * 0.42), (1.0, depth * 0.3 + 0.04, 1.0), PANE)
    for _ in range(int(rng.integers(1, 3))):
        x, y = rng.uniform(-0.4, 0.4) * width, rng.uniform(-0.15, 0.25) * depth
        bricks = stuff(rng, str(rng.choice(["red", "brown", "grey"])), "bricks")
        item.box((x, y, top + rise * 0.8), (0.6, 0.7, rise * 0.8 + 1.0), bricks)


def building(rng, style: str, width: float = 0.0, near: bool = True) -> Building:
    """A building of a style of STOREY; `width` along the street, metres, else drawn from its style."""
    spans = {"house": (7.5, 13), "flats": (11, 24), "office": (14, 28), "old": (6.5, 13), "warehouse": (18, 34)}
    floors = {"house": (1, 3), "flats": (3, 8), "office": (3, 11), "old": (3, 6), "warehouse": (1, 2)}[style]
    storeys, storey = int(rng.integers(*floors)), rng.uniform(*STOREY[style])
    width = width or rng.uniform(*spans[style])
    depth = {"house": rng.uniform(7.5, 10), "warehouse": rng.uniform(14, 24)}.get(style, rng.uniform(9, 14))
    colour, wall = _walls(rng, style)
    item, things = Item("building", colour), []
    shop = style in ("flats", "old", "office") and rng.random() < 0.6
    ground = rng.uniform(3.2, 3.8) if shop else storey + (0.3 if style != "warehouse" else 0.0)
    top = ground + (storeys - 1) * storey
    size = (width, depth, top)
    pitch = {"house": rng.uniform(2.2, 3.2), "flats": rng.uniform(2.2, 3.6), "office": rng.uniform(1.5, 3.0),
             "old": rng.uniform(1.7, 2.4), "warehouse": rng.uniform(3, 5)}[style]  # fmt: skip
    if not near:
        painted = Paint(wall.rgb, (0.04, 0.05, 0.065), "facade", pitch)
        item.box((0, 0, top / 2), size, painted if style != "warehouse" else wall)
        if shop:
            item.box((0, -depth / 2, 1.5), (width * 0.94, 0.1, 2.4), SHOP)
        _roof(item, rng, size, style, wall, near)
        return Building(item, size)
    reveal = {"old": 0.25, "office": 0.12}.get(style, 0.16)
    inset = reveal + 0.07
    item.box((0, inset / 2, top / 2), (width, depth - inset, top), wall)
    for i in range(1 if style != "warehouse" else storeys, storeys):  # windows on the sides and the back
        z = ground + (i - 1) * storey + storey * 0.5
        for y in (-0.22, 0.2):
            item.box((0, y * depth, z), (width + 0.03, 1.1, 1.35), PANE)
    if style != "warehouse":
        item.box((0, 0.2 * depth, ground * 0.55), (width + 0.03, 1.1, 1.3), PANE)
    frame = paint_of(rng, str(rng.choice(["white", "white", "brown", "grey", "black"])))
    front = _Front(-width / 2, width / 2, -depth / 2, wall, frame, reveal)
    columns = max(2, round(width / pitch))
    shares = {"house": 0.48, "flats": rng.uniform(0.45, 0.7), "office": rng.uniform(0.75, 0.94), "old": 0.5}
    sills = {"house": (0.9, 2.2), "flats": (0.9, 2.3), "office": (0.75, 2.85), "old": (0.75, 2.5)}
    share, (sill, head) = shares.get(style, 0.7), sills.get(style, (top - 1.6, top - 0.7))
    if style == "warehouse":
        _rows(item, front, columns, [(sill, head)], share, 0.0, top)
        for i in range(int(rng.integers(1, 4))):  # loading doors, 3.5 x 4 m
            x = width * (-0.32 + 0.3 * i)
            shutter = stuff(rng, str(rng.choice(["grey", "blue", "red"])), "siding", 0.3)
            item.box((x, front.face - 0.02, 2.0), (3.5, 0.1, 4.0), shutter)
        things.append((front_door(rng), (width * 0.43, front.face - 0.04, 0.0)))
    else:
        low = 0.0
        if shop:
            _shops(item, rng, front, ground, things)
            low = ground
        bottoms = [ground + i * storey for i in range(storeys - 1)]
        rows = [(z + sill, z + head) for z in bottoms]
        if not shop:
            lift = ground - storey
            rows = [(lift + sill, lift + head), *rows]
            cell = width / columns
            x = front.left + (int(rng.integers(columns)) + 0.5) * cell
            plinth = Paint(shade(wall.rgb, 0.6), shade(wall.rgb, 0.5), "stone", 0.4)
            item.box((0, front.face + 0.02, lift / 2), (width + 0.04, 0.12, lift), plinth)
            item.box((x, front.face + 0.06, 1.2 + lift / 2), (max(1.3, cell * share), 0.1, 2.4 + lift), wall)
            item.box((x, front.face - 0.25, lift / 2), (1.6, 0.6, lift), plinth)
            things.append((front_door(rng), (x, front.face - 0.05, lift)))
        if rows:
            _rows(item, front, columns, rows, share, low, top, bars=style != "office")
        if style == "old":  # string courses and sills
            for z in bottoms:
                item.box((0, front.face - 0.04, z), (width + 0.05, 0.14, 0.18), frame)
        elif style != "office":
            for s, _ in rows:
                item.box((0, front.face - 0.02, s - 0.03), (width, 0.08, 0.06), frame)
        if style == "flats" and rng.random() < 0.6:
            _balconies(item, rng, front, columns, bottoms)
    _roof(item, rng, size, style, wall, near)
    return Building(item, size, things)
