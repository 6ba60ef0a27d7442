"""The fabric of a room: walls with real openings, floor, ceiling, doors, windows and what lies outside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..materials import metal
from ..outdoors import facades, nature
from ..places import is_free, slab
from ..things import Item, Paint, paint_of, rgb_of, shade, stuff
from . import fittings
from .room import WALLS, Room

THICK = 0.12
"""Thickness of a room's own walls, metres; a doorway between two rooms is twice as deep."""
SIGN = (1, -1, 1, -1)  # does a wall's own x grow with `along`?


def wall_paint(rng) -> tuple[str, Paint]:
    colour = str(rng.choice(["white"] * 9 + ["yellow", "yellow", "grey", "grey", "blue", "green", "pink", "brown"]))
    rgb = np.array(rgb_of(rng, colour)) * 0.5 + 0.5 * np.array(rgb_of(rng, "white")) * rng.uniform(0.5, 1)
    textures = ("plaster", "plain", "noise", "stripes", "bricks", "tiles", "wood", "floral", "concrete")
    texture = str(rng.choice(textures, p=[0.34, 0.22, 0.16, 0.06, 0.05, 0.04, 0.03, 0.05, 0.05]))
    model = stuff(rng, colour, texture)
    return colour, replace(model, rgb=tuple(rgb), rgb2=shade(rgb, 1 - rng.uniform(0.03, 0.15)))


def tile_paint(rng, *colours: str) -> tuple[str, Paint]:
    colour = str(rng.choice(list(colours or ("white", "white", "grey", "blue", "green", "brown"))))
    rgb = rgb_of(rng, colour)
    return colour, Paint(
        rgb, shade(rgb, rng.uniform(0.55, 0.85)), "tiles", rng.uniform(0.1, 0.35), gloss=rng.uniform(0.2, 0.7)
    )


def floor_paint(rng, *textures: str) -> tuple[str, Paint]:
    style = str(
        rng.choice(list(textures or ("planks", "parquet", "tiles", "carpet", "checker", "speckle", "concrete")))
    )
    rare = ["orange", "grey", "grey", "grey", "white", "black", "blue", "green", "red"]
    if style in ("planks", "parquet"):
        colour = str(rng.choice(["brown", "brown", "brown", "grey", "orange"]))
    else:
        colour = str(rng.choice(["brown"] * 2 + rare))
    rgb = np.array(rgb_of(rng, colour)) * 0.6 + 0.4 * np.array(rgb_of(rng, "grey"))
    gloss = rng.uniform(0, 0.4) if style not in ("carpet", "concrete") else 0.0
    return colour, replace(
        stuff(rng, colour, style, gloss=gloss), rgb=tuple(rgb), rgb2=shade(rgb, rng.uniform(0.5, 0.85))
    )


# --- openings: made before the walls ---------------------------------------------------------------------


def add_windows(room: Room, side: int, glazed: float, wide: bool = False, over_counter: bool = False) -> None:
    """Windows along one wall; `glazed` of the rooms have panes that hide what is outside."""
    rng, extent = room.rng, room.extent(side)
    painted, sill = room.chance(glazed), rng.uniform(*((1.0, 1.15) if over_counter else fittings.SILL_Z))
    full = room.chance(0.15) and not over_counter  # down to the floor
    width = rng.uniform(1.6, 3.0) if wide else rng.uniform(0.7, 1.9)
    low = 0.06 if full else sill
    high = min(low + rng.uniform(0.95, 1.55), room.height - 0.2) if not full else rng.uniform(2.0, 2.2)
    if wide and not full:
        high = room.height - rng.uniform(0.2, 0.5)
    if high - low < 0.5 or high > room.height - 0.1:
        return
    count = max(1, int(extent / (width + rng.uniform(0.4, 2.5))))
    depth = rng.uniform(0.12, 0.3)
    drop = room.chance(0.25)
    for k in range(count):
        if room.chance(0.08):
            continue
        along = room.span(side, width + 0.1, low - 0.05, high + 0.05, extent * (k + 0.5) / count)
        if along is None:
            continue
        room.holes[side].append((along - width / 2, along + width / 2, low, high))
        pane = fittings.daylight(rng) if painted else None
        x, y, yaw = room.against(side, along, 0.0)
        room.add(fittings.window(rng, width, high - low, depth, pane), x, y, low, yaw)
        room.targets.append((x, y, (low + high) / 2))
        if drop and room.chance(0.8):
            down = rng.uniform(0.15, 0.9) * (high - low)
            x, y, yaw = room.against(side, along, -0.02)
            room.add(fittings.blind(rng, width - 0.04, down), x, y, high - down, yaw)
    room.holes[side].sort()
    room.wall_depth[side] = depth


def add_curtains(room: Room, side: int) -> None:
    for a, b, _, high in [h for h in room.holes[side] if h[2] > 0.0]:
        top = min(room.height - 0.03, high + 0.15)
        for edge, sign in ((a, -1), (b, 1)):
            curtain = fittings.curtain(room.rng, top - 0.02)
            wide = float(curtain.bounds()[1][0])
            along = float(np.clip(edge + sign * (wide * 0.55), wide + 0.02, room.extent(side) - wide - 0.02))
            x, y, yaw = room.against(side, along, 0.08)
            if room.add(curtain, x, y, 0.01, yaw):
                room.spans[side].append((along - wide, along + wide, 0.0, top))


def add_door(room: Room, side: int) -> bool:
    """A shut door with its switch; the floor before it stays free."""
    item = fittings.door(room.rng)
    wide = float(item.bounds()[1][0] - item.bounds()[0][0])
    at = room.span(side, wide, 0.0, 2.1)
    if at is None or room.height < 2.1:
        return False
    x, y, yaw = room.against(side, at, 0.02)
    if room.knee and side > 1:
        return False
    room.add(item, x, y, 0.0, yaw)
    _keep_free(room, side, at)
    _switch(room, side, at, wide)
    return True


def _keep_free(room: Room, side: int, at: float) -> None:
    """The floor before a door or a doorway."""
    x, y, _ = room.against(side, at, 0.45)
    room.taken.append((x - 0.45, y - 0.45, x + 0.45, y + 0.45))


def _switch(room: Room, side: int, at: float, wide: float) -> None:
    """A light switch at the handle's height beside a door."""
    if room.chance(0.85):
        for sign in room.rng.permutation([-1, 1]):
            if room.hang(fittings.light_switch(room.rng), room.rng.uniform(*fittings.SWITCH_Z), side,
                         at + sign * (wide / 2 + room.rng.uniform(0.1, 0.3))):  # fmt: skip
                return


def join(room: Room, other: Room, side: int) -> bool:
    """A doorway or a wide opening from a room to another that lies behind its wall `side`; a door may stand open."""
    rng = room.rng
    wide = rng.uniform(0.8, 0.95) if room.chance(0.65) else rng.uniform(1.2, 2.4)
    high = fittings.LEAF if wide < 1.0 else min(room.height, other.height) - rng.choice([0.0, 0.3])
    axis = 0 if side < 2 else 1
    low = max(room.area[axis], other.area[axis]) + wide / 2 + 0.15
    top = min(room.area[axis + 2], other.area[axis + 2]) - wide / 2 - 0.15
    if low >= top:
        return False
    middle = rng.uniform(low, top)
    back = side ^ 1
    at, behind = middle - room.area[axis], middle - other.area[axis]
    for place, wall, along in ((room, side, at), (other, back, behind)):
        if place.span(wall, wide + 0.16, 0.0, high + 0.08, along) is None:
            return False
    for place, wall, along in ((room, side, at), (other, back, behind)):
        place.holes[wall].append((along - wide / 2, along + wide / 2, 0.0, high))
        _keep_free(place, wall, along)
        _switch(place, wall, along, wide + 0.14)
    if wide < 1.0:
        opened = rng.uniform(0.7, 1.65) if room.chance(0.8) else 0.0
        place, wall, along = (room, side, at) if room.chance(0.5) else (other, back, behind)
        x, y, yaw = place.against(wall, along, 0.02)
        if opened:
            place.add(fittings.door(rng, wide, opened, thick=THICK), x, y, 0.0, yaw)
            x, y, _ = place.against(wall, along, 0.5)
            place.taken.append((x - 0.95, y - 0.95, x + 0.95, y + 0.95))
    return True


# --- fabric ----------------------------------------------------------------------------------------------


def _pieces(extent: float, height: float, holes) -> list[tuple[float, float, float, float]]:
    """(from, to, low, high) of the wall around its openings, which do not overlap along it."""
    pieces, at = [], 0.0
    for a, b, low, high in sorted(holes):
        pieces.append((at, a, 0.0, height))
        pieces += [(a, b, 0.0, low), (a, b, high, height)]
        at = b
    pieces.append((at, extent, 0.0, height))
    return [p for p in pieces if p[1] - p[0] > 0.005 and p[3] - p[2] > 0.005]


def enclose(room: Room, paints: list[tuple[str, Paint]], floor: tuple[str, Paint], ceiling: Paint) -> None:
    """Walls (in the order of their numbers), floor and ceiling."""
    rng, height = room.rng, room.height
    skirt = paint_of(rng, str(rng.choice(["white", "brown", "grey"]))) if room.chance(0.7) else None
    cornice = paint_of(rng, "white", gloss=0.1) if room.chance(0.25) and not room.knee else None
    rise, jut = rng.uniform(0.05, 0.12), rng.uniform(0.03, 0.1)
    for side in WALLS:
        extent, thick = room.extent(side), room.wall_depth[side]
        top = room.knee[0] if room.knee and side > 1 else height
        x, y, yaw = room.against(side, extent / 2, 0.0)
        colour, paint = paints[side]
        wall, trim = Item("wall", colour), Item("wall", "white")
        for a, b, low, high in _pieces(extent, top, room.holes[side]):
            a, b = (a - thick if a == 0 else a), (b + thick if b == extent else b)
            wall.box(
                (SIGN[side] * ((a + b) / 2 - extent / 2), thick / 2, (low + high) / 2),
                (b - a, thick, high - low),
                paint,
            )
            if low == 0.0 and skirt and high > 0.5:
                trim.box((SIGN[side] * ((a + b) / 2 - extent / 2), -0.008, rise / 2), (b - a, 0.016, rise), skirt)
        if cornice:
            trim.box((0, -jut / 2, height - jut / 2), (extent, jut, jut), cornice)
        room.add(wall, x, y, 0.0, yaw)
        if trim.parts:
            room.add(trim, x, y, 0.0, yaw)
    x, y = (room.area[0] + room.area[2]) / 2, (room.area[1] + room.area[3]) / 2
    size = (room.width + 2 * THICK, room.length + 2 * THICK, 0.2)
    room.add(slab("floor", floor[0], size, floor[1]), x, y, -0.1)
    if room.knee is None:
        room.add(slab("ceiling", "white", size, ceiling), x, y, height + 0.1)
        return
    low, slope = room.knee
    run = (height - low) / slope  # how far the slope reaches into the room
    roof, angle = Item("ceiling", "white"), np.arctan(slope)
    long = np.hypot(run, height - low) + 0.3
    for sx in (-1, 1):
        normal = np.array([sx * np.sin(angle), 0.0, np.cos(angle)])
        middle = np.array([sx * (room.width / 2 - run / 2), 0.0, (low + height) / 2]) + normal * 0.08
        roof.box(middle, (long, room.length + 0.3, 0.16), ceiling, tuple(normal))
    roof.box((0, 0, height + 0.1), (max(0.3, room.width - 2 * run + 0.3), room.length + 0.3, 0.2), ceiling)
    room.add(roof, x, y)


def ceiling_paint(rng, office: bool) -> Paint:
    white = paint_of(rng, "white", "plaster", 0.5, 0.06)
    if office or rng.random() < 0.05:
        return Paint(white.rgb, shade(white.rgb, 0.75), "tiles", 0.6)
    return stuff(rng, "brown", "planks", 0.3) if rng.random() < 0.06 else white


def beams(room: Room) -> None:
    """Wooden or concrete beams under the ceiling, across the room."""
    colour = str(room.rng.choice(["brown", "white", "grey"]))
    paint, item = stuff(room.rng, colour, "wood" if colour == "brown" else "concrete", 0.2), Item("ceiling", colour)
    deep, step = room.rng.uniform(0.12, 0.3), room.rng.uniform(0.8, 2.2)
    for k in range(int(room.length / step)):
        y = -room.length / 2 + step * (k + 0.5)
        item.box((0, y, room.height - deep / 2), (room.width, room.rng.uniform(0.1, 0.25), deep), paint)
    if item.parts:
        room.add(item, (room.area[0] + room.area[2]) / 2, (room.area[1] + room.area[3]) / 2)


def columns(room: Room, step: float) -> None:
    """Columns in two rows or one, from floor to ceiling."""
    rng, colour = room.rng, str(room.rng.choice(["white", "grey", "brown"]))
    paint, size, is_round = stuff(rng, colour, "concrete", 0.12), rng.uniform(0.25, 0.5), room.chance(0.5)
    rows = (0.5,) if room.width < 6 else (0.28, 0.72)
    for share in rows:
        for k in range(1, int(room.length / step) + 1):
            x, y = room.area[0] + share * room.width, room.area[1] + k * room.length / (int(room.length / step) + 1)
            item = Item("wall", colour)
            if is_round:
                item.post(0, 0, 0, room.height, size / 2, paint)
            else:
                item.box((0, 0, room.height / 2), (size, size, room.height), paint)
            _stand_column(room, item, x, y, size)


def _stand_column(room: Room, item: Item, x: float, y: float, size: float) -> None:
    area = (x - size / 2 - 0.1, y - size / 2 - 0.1, x + size / 2 + 0.1, y + size / 2 + 0.1)
    if is_free(area, room.taken) and room.add(item, x, y):
        room.taken.append(area)


def pipes(room: Room) -> None:
    """Pipes or a duct along a wall under the ceiling, and one down a corner."""
    rng, side = room.rng, int(room.rng.integers(4))
    paint, item = metal(rng, "grey", "white", "red"), Item("wall", "grey")
    extent, radius = room.extent(side), float(rng.choice([0.02, 0.035, 0.12]))
    x, y, yaw = room.against(side, extent / 2, radius + 0.03)
    for k in range(1 if radius > 0.1 else int(rng.integers(1, 4))):
        z = room.height - radius - 0.06 - k * 3 * radius
        item.rod((-extent / 2, 0, z), (extent / 2, 0, z), radius, paint)
    item.rod((extent / 2 - radius - 0.04, 0, 0), (extent / 2 - radius - 0.04, 0, room.height), min(radius, 0.05), paint)
    room.add(item, x, y, 0.0, yaw)


# --- outside ---------------------------------------------------------------------------------------------


def outside(room: Room, rooms: list[Room]) -> None:
    """What one sees through panes that are clear: ground `storey` metres down, houses and trees in daylight."""
    rng, day = room.rng, room.rng.uniform(0.5, 1.1)
    kind, colour = [("grass", "green"), ("pavement", "grey"), ("ground", "brown")][int(rng.integers(3))]
    paint = stuff(rng, colour, {"grass": "lawn", "pavement": "asphalt", "ground": "soil"}[kind], 0.3)
    middle = ((room.area[0] + room.area[2]) / 2, (room.area[1] + room.area[3]) / 2)
    _daylit(room, slab(kind, colour, (400, 400, 2.0), paint), *middle, -room.storey - 1.0, 0.0, day)
    for side in WALLS:
        if not any(low > 0 for _, _, low, _ in room.holes[side]):
            continue
        for _ in range(int(rng.integers(1, 4))):
            house = rng.random() < 0.55
            away = -rng.uniform(14, 60) if house else -rng.uniform(6, 30)
            x, y, yaw = room.against(side, room.extent(side) / 2 + rng.uniform(-1, 1) * -away * 0.7, away)
            item = facades.building(rng, "flats", near=False).item if house else nature.tree(rng, near=False)
            reach = np.abs(np.concatenate(item.bounds())[[0, 1, 3, 4]]).max()
            clear = is_free((x - reach, y - reach, x + reach, y + reach), [r.area for r in rooms])
            if clear and len(item.parts) < 160:
                _daylit(room, item, x, y, -room.storey, yaw, day)


def _daylit(room: Room, item: Item, x, y, z, yaw, day: float) -> None:
    """Outside it is brighter than the lamps of a room make things: paint glows with the daylight."""
    item.parts = [replace(part, paint=replace(part.paint, glow=day)) for part in item.parts]
    room.add(item, x, y, z, yaw)
