"""Rooms and streets: which items stand where, from where one may look, and the light and the lens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from . import furniture, street
from .things import Item, Paint, paint_of, pick_colour, rgb_of, shade

Rectangle = tuple[float, float, float, float]  # x0, y0, x1, y1 on the floor, metres


@dataclass
class Place:
    """Items with their place (x, y, z) and yaw (radians), and a sampler of viewpoints (x, y, heading).

    targets: points (x, y, z) that are worth a close-up, metres, in the frame of the place.
    style: who looks; "driver" is a camera in a car: in its lane, level, 1.2-1.8 m (higher in a truck) above the road.
    """

    domain: str
    placed: list[tuple[Item, tuple[float, float, float], float]]
    viewpoint: Callable
    room: tuple[float, float, float] | None = None
    targets: list[tuple[float, float, float]] = field(default_factory=list)
    style: str = "walker"


def footprint(item: Item, x: float, y: float, yaw: float, margin: float = 0.0) -> Rectangle:
    """The upright rectangle around the item standing at (x, y), turned by yaw, grown by the margin."""
    low, high = item.bounds()
    c, s = np.cos(yaw), np.sin(yaw)
    xs = [c * a - s * b for a in (low[0], high[0]) for b in (low[1], high[1])]
    ys = [s * a + c * b for a in (low[0], high[0]) for b in (low[1], high[1])]
    return (x + min(xs) - margin, y + min(ys) - margin, x + max(xs) + margin, y + max(ys) + margin)


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _free(rectangle: Rectangle, taken: list[Rectangle]) -> bool:
    return not any(_overlap(rectangle, other) for other in taken)


def _put(place, taken, item, x, y, z=0.0, yaw=0.0, inside=None, margin=0.03) -> bool:
    """Place the item unless it would overlap another or leave the rectangle `inside`."""
    area = footprint(item, x, y, yaw, margin)
    if inside and (area[0] < inside[0] or area[1] < inside[1] or area[2] > inside[2] or area[3] > inside[3]):
        return False
    if not _free(area, taken):
        return False
    taken.append(area)
    place.append((item, (x, y, z), yaw))
    return True


def _slab(kind, colour, centre, size, paint) -> tuple[Item, tuple, float]:
    item = Item(kind, colour)
    item.box((0, 0, 0), size, paint)
    return item, tuple(centre), 0.0


# --- indoors ---------------------------------------------------------------------------------------------


def _wall_paint(rng):
    colour = str(rng.choice(["white", "white", "white", "yellow", "grey", "blue", "green", "pink", "brown"]))
    rgb = np.array(rgb_of(rng, colour)) * 0.5 + 0.5 * np.array(rgb_of(rng, "white")) * rng.uniform(0.5, 1)
    texture = str(rng.choice(["noise", "stripes", "bricks", "tiles", "wood"], p=[0.72, 0.1, 0.06, 0.06, 0.06]))
    contrast = 0.04 if texture == "noise" else 0.15
    rgb2 = shade(rgb, 1 - contrast * rng.uniform(0.3, 1))
    return colour, Paint(tuple(rgb), rgb2, texture, rng.uniform(0.15, 0.5))


def _floor_paint(rng):
    style = str(rng.choice(["wood", "tiles", "noise", "checker", "speckle"], p=[0.45, 0.22, 0.15, 0.06, 0.12]))
    rare = ["orange", "grey", "grey", "grey", "white", "black", "blue", "green", "red"]
    colour = str(rng.choice(["brown"] * 5 + rare))
    rgb = np.array(rgb_of(rng, colour)) * 0.6 + 0.4 * np.array(rgb_of(rng, "grey"))
    scale = {"wood": rng.uniform(0.08, 0.2), "tiles": rng.uniform(0.2, 0.6), "noise": 0.5,
             "checker": rng.uniform(0.2, 0.5), "speckle": 0.05}[style]  # fmt: skip
    gloss = rng.uniform(0, 0.35) if style in ("wood", "tiles", "checker") else 0.0
    return colour, Paint(tuple(rgb), shade(rgb, rng.uniform(0.45, 0.8)), style, scale, gloss)


def _door(rng) -> Item:
    colour = pick_colour(rng, "white", "brown", "white", "brown")
    item = Item("door", colour)
    paint = paint_of(rng, colour, str(rng.choice(["plain", "wood"])), 0.2, 0.2, gloss=0.2)
    trim = paint_of(rng, str(rng.choice(["white", "brown", "grey"])))
    item.box((0, 0, 1.0), (0.9, 0.04, 2.0), paint)
    inner = Paint(shade(paint.rgb, 0.85), shade(paint.rgb2, 0.85), paint.texture, paint.scale)
    if rng.random() < 0.6:
        for z in (0.5, 1.45):
            item.box((0, -0.022, z), (0.6, 0.01, 0.65), inner)
    for sx in (-1, 1):
        item.box((sx * 0.49, -0.01, 1.03), (0.08, 0.06, 2.06), trim)
    item.box((0, -0.01, 2.05), (0.9, 0.06, 0.09), trim)
    item.box((0.38, -0.05, 1.02), (0.12, 0.05, 0.025), paint_of(rng, "grey", gloss=0.8))
    return item


def _window(rng) -> Item:
    colour = str(rng.choice(["white", "white", "brown", "grey"]))
    item, trim = Item("window", colour), paint_of(rng, colour)
    width, height = rng.uniform(0.7, 2.2), rng.uniform(0.9, 1.4)
    sky = Paint((0.75, 0.87, 1.0), (0.3, 0.42, 0.3), "blobs", rng.uniform(0.4, 1.2), glow=rng.uniform(0.8, 2.2))
    item.box((0, 0.01, height / 2), (width, 0.02, height), sky)
    for sx in (-1, 0, 1) if width > 1.1 else (-1, 1):
        item.box((sx * width / 2, -0.01, height / 2), (0.06, 0.06, height + 0.06), trim)
    for z in (0, height):
        item.box((0, -0.02, z), (width + 0.06, 0.08, 0.06), trim)
    return item


def _picture(rng) -> Item:
    colour = pick_colour(rng)
    item = Item("picture", colour)
    frame = paint_of(rng, str(rng.choice(["black", "brown", "white", "yellow"])))
    width, height = rng.uniform(0.3, 1.1), rng.uniform(0.3, 0.8)
    art = Paint(rgb_of(rng, colour), shade(rgb_of(rng, colour), 0.4), "blobs", rng.uniform(0.15, 0.4))
    item.box((0, 0, height / 2), (width, 0.03, height), frame)
    item.box((0, -0.01, height / 2), (width - 0.05, 0.03, height - 0.05), art)
    return item


def _curtain(rng, height) -> Item:
    colour = pick_colour(rng, "white", "grey")
    item = Item("curtain", colour)
    cloth = paint_of(rng, colour, "slats", rng.uniform(0.08, 0.16), 0.35)
    item.box((0, 0, height / 2), (rng.uniform(0.35, 0.7), 0.06, height - 0.1), cloth)
    return item


def _against(side, along, depth, width, length):
    """(x, y, yaw) of an item of this depth with its back against a wall: 0 = +y, 1 = -y, 2 = -x, 3 = +x."""
    if side == 0:
        return along, length - depth, 0.0
    if side == 1:
        return along, depth, np.pi
    if side == 2:
        return depth, along, np.pi / 2
    return width - depth, along, -np.pi / 2


def indoor(rng) -> Place:
    """A room or a corridor, its fabric, doors, windows, furniture and small things."""
    corridor = rng.random() < 0.12
    width = rng.uniform(1.4, 2.4) if corridor else rng.uniform(3, 7) if rng.random() < 0.8 else rng.uniform(6, 9)
    length, height = rng.uniform(6, 18) if corridor else rng.uniform(3, 9), rng.uniform(2.3, 3.2)
    placed, taken = [], []
    colour, paint = _wall_paint(rng)
    for side in range(4):
        c, p = (colour, paint) if rng.random() < 0.8 else _wall_paint(rng)
        x, y, _ = _against(side, width / 2 if side < 2 else length / 2, -0.1, width, length)
        size = (width + 0.4, 0.2, height) if side < 2 else (0.2, length + 0.4, height)
        placed.append(_slab("wall", c, (x, y, height / 2), size, p))
    if rng.random() < 0.6:
        skirt = paint_of(rng, str(rng.choice(["white", "brown", "grey"])))
        for side in range(4):
            x, y, _ = _against(side, width / 2 if side < 2 else length / 2, 0.008, width, length)
            size = (width, 0.016, 0.09) if side < 2 else (0.016, length, 0.09)
            placed.append(_slab("wall", colour, (x, y, 0.045), size, skirt))
    colour, paint = _floor_paint(rng)
    placed.append(_slab("floor", colour, (width / 2, length / 2, -0.1), (width + 0.4, length + 0.4, 0.2), paint))
    white = paint_of(rng, "white", "noise", 0.5, 0.06)
    if rng.random() < 0.15:
        white = Paint(white.rgb, shade(white.rgb, 0.75), "tiles", 0.6)
    ceiling = (width / 2, length / 2, height + 0.1)
    placed.append(_slab("ceiling", "white", ceiling, (width + 0.4, length + 0.4, 0.2), white))

    room: Rectangle = (0, 0, width, length)
    spans: list[list] = [[], [], [], []]  # per wall: (from, to, lowest height in use)
    _openings(rng, placed, taken, spans, (width, length, height), corridor)
    area = width * length
    _wall_furniture(rng, placed, taken, spans, room, int(rng.integers(1, 3 + int(area / 7))))
    if rng.random() < 0.45:
        rug = furniture.rug(rng)
        x, y = rng.uniform(0.3, 0.7) * width, rng.uniform(0.3, 0.7) * length
        _put(placed, list(taken), rug, x, y, 0, rng.choice([0, np.pi / 2]), room)
    _free_furniture(rng, placed, taken, room, int(rng.integers(2, 5 + int(area / 6))))
    for _ in range(int(rng.integers(0, 6))):
        item, side = _picture(rng), int(rng.integers(4))
        _hang(rng, placed, spans, item, side, (width, length, height), rng.uniform(1.2, 1.6))
    return Place("indoor", placed, lambda r: _indoor_view(r, room, taken), (width, length, height))


def _span(rng, spans, side, room, item, lowest) -> float | None:
    """A free place along the wall for the item, which uses the wall from height `lowest` up."""
    low, high = item.bounds()
    half, extent = (high[0] - low[0]) / 2 + 0.06, room[0] if side < 2 else room[1]
    for _ in range(6):
        if extent <= 2 * half + 0.1:
            return None
        along = rng.uniform(half + 0.05, extent - half - 0.05)
        top = lowest + high[2]
        clash = any(along - half < b and a < along + half and z0 < top and lowest < z1
                    for a, b, z0, z1 in spans[side])  # fmt: skip
        if not clash:
            spans[side].append((along - half, along + half, lowest, top))
            return along
    return None


def _hang(rng, placed, spans, item, side, room, z) -> None:
    along = _span(rng, spans, side, room, item, z)
    if along is not None and z + item.bounds()[1][2] < room[2] - 0.05:
        x, y, yaw = _against(side, along, item.bounds()[1][1], room[0], room[1])
        placed.append((item, (x, y, z), yaw))


def _openings(rng, placed, taken, spans, room, corridor) -> None:
    for _ in range(int(rng.integers(2, 7)) if corridor else int(rng.integers(1, 3))):
        side, item = int(rng.integers(2, 4)) if corridor else int(rng.integers(4)), _door(rng)
        along = _span(rng, spans, side, room, item, 0.0)
        if along is not None:
            x, y, yaw = _against(side, along, 0.02, room[0], room[1])
            placed.append((item, (x, y, 0.0), yaw))
            if not corridor:
                taken.append((x - 0.6, y - 0.6, x + 0.6, y + 0.6))
    window_side = int(rng.integers(4))
    for _ in range(0 if corridor else int(rng.integers(0, 4))):
        item, z = _window(rng), rng.uniform(0.75, 0.95)
        along = _span(rng, spans, window_side, room, item, z)
        if along is None or z + item.bounds()[1][2] > room[2] - 0.1:
            continue
        x, y, yaw = _against(window_side, along, 0.0, room[0], room[1])
        x, y, _ = _against(window_side, along, 0.02, room[0], room[1])
        placed.append((item, (x, y, z), yaw))
        if rng.random() < 0.5:
            _, high = item.bounds()
            for sign in (-1, 1):
                curtain = _curtain(rng, room[2])
                at = along + sign * (high[0] + 0.1)
                if 0.4 < at < (room[0] if window_side < 2 else room[1]) - 0.4:
                    x, y, yaw = _against(window_side, at, 0.06, room[0], room[1])
                    placed.append((curtain, (x, y, 0.05), yaw))


def _wall_furniture(rng, placed, taken, spans, room, count) -> None:
    makers = (furniture.cabinet, furniture.shelf, furniture.sofa, furniture.bed, furniture.table,
              furniture.cabinet, furniture.lamp, furniture.plant, furniture.chair)  # fmt: skip
    for _ in range(count):
        item, side = makers[int(rng.integers(len(makers)))](rng), int(rng.integers(4))
        _, high = item.bounds()
        along = _span(rng, spans, side, (room[2], room[3]), item, 0.0)
        if along is None:
            continue
        x, y, yaw = _against(side, along, high[1] + 0.04, room[2], room[3])
        if _put(placed, taken, item, x, y, 0, yaw, room):
            _small_things(rng, placed, item, x, y, yaw)


def _free_furniture(rng, placed, taken, room, count) -> None:
    makers = (furniture.chair, furniture.chair, furniture.stool, furniture.table, furniture.table, furniture.box,
              furniture.ball, furniture.plant, furniture.person, furniture.person, furniture.lamp, street.bin,
              furniture.sofa, furniture.bottle, furniture.box, furniture.ball)  # fmt: skip
    for _ in range(count):
        item = makers[int(rng.integers(len(makers)))](rng)
        yaw = rng.uniform(0, 2 * np.pi) if rng.random() < 0.6 else rng.integers(4) * np.pi / 2
        for _ in range(4):
            x, y = rng.uniform(0.3, room[2] - 0.3), rng.uniform(0.3, room[3] - 0.3)
            if _put(placed, taken, item, x, y, 0, yaw, room):
                _small_things(rng, placed, item, x, y, yaw)
                break


def _small_things(rng, placed, item, x, y, yaw) -> None:
    if item.top is None or rng.random() < 0.25:
        return
    _, high = item.bounds()
    here: list[Rectangle] = []
    makers = furniture.SMALL
    for _ in range(int(rng.integers(1, 6))):
        small = makers[int(rng.integers(len(makers)))](rng)
        reach = footprint(small, 0, 0, 0)[2:]
        fx, fy = high[0] * 0.85 - reach[0], high[1] * 0.85 - reach[1]
        if fx <= 0 or fy <= 0:
            continue
        u, v = rng.uniform(-fx, fx), rng.uniform(-fy, fy)
        if item.parts[0].shape == "cylinder" and np.hypot(u, v) + max(reach) > high[0]:
            continue
        area = footprint(small, u, v, 0, 0.01)
        if _free(area, here):
            here.append(area)
            c, s = np.cos(yaw), np.sin(yaw)
            placed.append((small, (x + c * u - s * v, y + s * u + c * v, item.top), yaw))


def _indoor_view(rng, room, taken):
    for _ in range(20):
        x, y = rng.uniform(0.25, room[2] - 0.25), rng.uniform(0.25, room[3] - 0.25)
        if _free((x - 0.25, y - 0.25, x + 0.25, y + 0.25), taken):
            break
    to_x, to_y = rng.uniform(0.2, 0.8) * room[2], rng.uniform(0.2, 0.8) * room[3]
    return x, y, np.arctan2(to_x - x, to_y - y) + np.radians(rng.normal(0, 12))
