"""Indoor places: a room with a purpose, often open to a second one, furnished, and from where one may look."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .. import people
from .. import small_things as small
from ..places import Place, Rectangle, is_free
from ..things import STRUCTURE
from . import clutter, fittings, halls, homes, lamps, shell
from .room import WALLS, Room
from .shell import THICK


class Plan(NamedTuple):
    """A kind of room: its odds, ranges of its sizes in metres, how it is furnished, its floors and chances."""

    odds: float
    width: tuple[float, float]
    length: tuple[float, float]
    height: tuple[float, float]
    furnish: Callable[[Room], None]
    floors: tuple[str, ...]
    windows: float  # chance of windows
    doors: tuple[int, int]
    office: bool = False  # panels and tubes on the ceiling, a switch to columns in large rooms


_HOME = ("planks", "parquet", "planks", "carpet", "tiles")
_STONE = ("tiles", "speckle", "concrete")
_WORK = ("carpet", "speckle", "tiles", "concrete", "planks")
PLANS = {
    "living room": Plan(0.2, (3.2, 6.5), (3.5, 8.0), (2.4, 3.2), homes.living, _HOME, 0.85, (1, 3)),
    "bedroom": Plan(0.13, (2.6, 4.8), (3.0, 5.5), (2.4, 3.0), homes.bedroom, _HOME, 0.8, (1, 3)),
    "kitchen": Plan(0.13, (2.2, 4.8), (2.6, 5.5), (2.4, 3.0), homes.cook, ("tiles", "checker", "planks"), 0.7, (1, 3)),
    "dining room": Plan(0.07, (2.8, 5.5), (3.2, 6.5), (2.4, 3.2), homes.dining, _HOME, 0.75, (1, 3)),
    "bathroom": Plan(0.08, (1.6, 3.2), (2.0, 3.8), (2.3, 2.8), homes.bath, ("tiles", "checker", "tiles"), 0.4, (1, 2)),
    "attic": Plan(0.04, (3.5, 6.0), (3.5, 8.0), (2.3, 2.8), homes.attic, ("planks", "carpet"), 0.4, (1, 2)),
    "office": Plan(0.1, (3.0, 11.0), (3.5, 16.0), (2.6, 3.2), halls.office, _WORK, 0.85, (1, 3), True),
    "classroom": Plan(0.05, (5.0, 9.0), (6.0, 11.0), (2.8, 3.5), halls.classroom, _WORK, 0.85, (1, 2), True),
    "meeting room": Plan(0.05, (3.2, 6.0), (4.2, 9.0), (2.6, 3.2), halls.meeting, _WORK, 0.7, (1, 3), True),
    "corridor": Plan(0.05, (1.3, 2.6), (6.0, 25.0), (2.3, 3.2), halls.corridor, _WORK, 0.15, (3, 9), True),
    "hall": Plan(0.04, (6.0, 15.0), (8.0, 25.0), (2.9, 4.5), halls.lobby, _STONE, 0.8, (1, 5), True),
    "shop": Plan(0.03, (4.0, 12.0), (5.0, 18.0), (2.7, 4.0), halls.shop, _WORK, 0.4, (1, 3), True),
    "store": Plan(0.02, (2.5, 6.0), (3.0, 9.0), (2.3, 3.0), halls.storage, ("concrete", "planks"), 0.3, (1, 2)),
    "stairs": Plan(0.03, (3.0, 6.0), (5.0, 9.0), (2.5, 4.0), halls.stair_hall, _WORK, 0.5, (1, 4)),
}


def indoor(rng: np.random.Generator) -> Place:
    """A room of one of PLANS with its corner at the origin; `rooms_of` says which rooms the place has."""
    rooms = rooms_of(rng)
    main = rooms[0]
    size = (main.width, main.length, main.height)
    targets = [t for t in main.targets if all(0.1 < c < s - 0.1 for c, s in zip(t, size, strict=True))]
    return Place("indoor", main.placed, lambda r: _view(r, main), size, targets)


def rooms_of(rng: np.random.Generator) -> list[Room]:
    """The room, and in 45 of 100 places the one behind it, that share one list of placed things."""
    names = list(PLANS)
    name = str(rng.choice(names, p=np.array([p.odds for p in PLANS.values()]) / sum(p.odds for p in PLANS.values())))
    plan = PLANS[name]
    width, length, height = rng.uniform(*plan.width), rng.uniform(*plan.length), rng.uniform(*plan.height)
    main = Room(rng, (0.0, 0.0, width, length), height, rng.uniform(0.02, 1) ** 0.7, name=name)
    main.storey = float(rng.choice([0.3, 3, 6, 12]))
    if name == "attic":
        low, steep = rng.uniform(0.8, 1.3), np.tan(np.radians(rng.uniform(38, 52)))
        main.knee = low, max(steep, (height - low) / (0.42 * width))  # so that the slopes end under a flat middle
    rooms, plans = [main], [plan]
    if name != "attic" and main.chance(0.45):
        second = _behind(main, str(rng.choice([n for n in names if n != "attic"])))
        if second:
            rooms.append(second)
            plans.append(PLANS[second.name])
    for room, own in zip(rooms, plans, strict=True):
        _openings(room, own)
        _enclose(room, own)
    clear = [r for r in rooms if any(low > 0 for side in WALLS for _, _, low, _ in r.holes[side])]
    if clear:
        shell.outside(clear[0], rooms)
    for room, own in zip(rooms, plans, strict=True):
        own.furnish(room)
        _fit(room, own)
    return rooms


def _behind(main: Room, name: str) -> Room | None:
    """A second room behind one wall of the first, joined by a doorway."""
    rng, side, plan = main.rng, int(main.rng.integers(4)), PLANS[name]
    width, length = rng.uniform(*plan.width), rng.uniform(*plan.length)
    x0, y0, x1, y1 = main.area
    if side < 2:
        x = rng.uniform(x0 - width + 1.6, x1 - 1.6) if x1 - 1.6 > x0 - width + 1.6 else x0
        y = y1 + 2 * THICK if side == 0 else y0 - 2 * THICK - length
    else:
        y = rng.uniform(y0 - length + 1.6, y1 - 1.6) if y1 - 1.6 > y0 - length + 1.6 else y0
        x = x1 + 2 * THICK if side == 3 else x0 - 2 * THICK - width
    height = main.height if main.chance(0.7) else rng.uniform(*plan.height)
    area, density = (x, y, x + width, y + length), main.density * rng.uniform(0.2, 1.0)
    second = Room(rng, area, height, density, main.placed, main.targets, main.budget, name=name)
    second.storey = main.storey
    if not shell.join(main, second, side):
        return None
    main.shut, second.shut = side, side ^ 1
    return second


def _openings(room: Room, plan: Plan) -> None:
    rng = room.rng
    walls = [side for side in WALLS if side != room.shut]
    if plan.furnish is halls.corridor:
        sides = [2, 3] if room.length > room.width else [0, 1]
        for side in sides:
            for _ in range(int(rng.integers(*plan.doors)) // 2 + 1):
                shell.add_door(room, side)
    else:
        for _ in range(int(rng.integers(*plan.doors))):
            shell.add_door(room, int(rng.choice(walls)))
    lit = []
    if room.chance(plan.windows):
        lit = [int(rng.choice(walls))]
        if room.chance(0.25):
            lit.append(int(rng.choice(walls)))
    glazed = float(rng.choice([0.0, 1.0], p=[0.6, 0.4]))
    for side in dict.fromkeys(lit):
        cooks = plan.furnish is homes.cook
        shell.add_windows(room, side, glazed, plan.office and room.chance(0.6), cooks)
        if not plan.office and not cooks and room.chance(0.45):
            shell.add_curtains(room, side)
        for a, b, low, _ in list(room.holes[side]):
            radiator = fittings.radiator(rng)
            if low > 0.7 and not cooks and room.chance(0.7) and radiator.bounds()[1][2] < low - 0.03:
                room.stand(radiator, side, (a + b) / 2, 0.04)
    if plan.office and room.width * room.length > 45 and room.chance(0.4):
        shell.columns(room, rng.uniform(3.0, 6.0))


def _enclose(room: Room, plan: Plan) -> None:
    rng = room.rng
    wet = plan.furnish in (homes.bath,) or (plan.furnish is homes.cook and room.chance(0.2))
    first = shell.tile_paint(rng) if wet and room.chance(0.8) else shell.wall_paint(rng)
    paints = [first if room.chance(0.8) else shell.wall_paint(rng) for _ in WALLS]
    shell.enclose(
        room, paints, shell.floor_paint(rng, *plan.floors), shell.ceiling_paint(rng, plan.office and room.chance(0.6))
    )
    if room.knee is None and room.chance(0.1):
        shell.beams(room)
    if room.chance(0.15 if plan.office else 0.06):
        shell.pipes(room)


def _fit(room: Room, plan: Plan) -> None:
    """What every room has: lamps, sockets, paintings, shelves on walls, and clutter on the floor."""
    rng, area = room.rng, room.width * room.length
    x, y = (room.area[0] + room.area[2]) / 2, (room.area[1] + room.area[3]) / 2
    if plan.office:  # a grid of one kind of lamp, at most a dozen or so
        lamp = (lamps.tube_lamp if room.chance(0.8) else lamps.pendant)(rng)
        step = max(2.4, (area / 12) ** 0.5)
        across, along = max(1, int(room.width / step)), max(1, int(room.length / step))
        for k in range(across * along):
            u, v = (k % across + 0.5) / across, (k // across + 0.5) / along
            room.add(lamp, room.area[0] + room.width * u, room.area[1] + room.length * v, room.height)
    elif room.chance(0.75):
        room.add((lamps.pendant if room.chance(0.5) else lamps.ceiling_lamp)(rng), x, y, room.height)
    for _ in range(int(rng.integers(1, 5))):
        room.hang(fittings.socket(rng), rng.uniform(*fittings.SOCKET_Z))
    for _ in range(room.count(1, 8)):
        item = room.pick(fittings.WALL)
        high = float(item.bounds()[1][2])
        z = rng.uniform(1.9, 2.2) if item.kind == "clock" else max(0.25, rng.uniform(1.45, 1.7) - high / 2)
        room.hang(item, z)
    for _ in range(room.count(0, 2)):
        spot = room.hang(fittings.wall_shelf(rng), rng.uniform(1.2, 1.7))
        room.on(spot, clutter.SHELF, room.count(2, 7))
    if room.chance(0.06):
        room.stand(small.ladder(rng))
    for _ in range(round((1 + 14 * room.density * rng.random()) * min(2.0, 0.4 + area / 20))):
        room.scatter(room.pick(clutter.FLOOR), 3)
    if room.chance(0.3):
        room.scatter(people.anybody(rng))
    if room.chance(0.1):
        room.scatter((people.dog if room.chance(0.5) else people.cat)(rng))


def is_in(at: tuple[float, float, float], area: Rectangle) -> bool:
    return area[0] < at[0] < area[2] and area[1] < at[1] < area[3]


def _view(rng, room: Room) -> tuple[float, float, float]:
    """A free spot in the room with a look at one of its things, across it, or at the doorway to the next room."""
    x = y = 0.0
    for _ in range(30):
        spot = [rng.uniform(0.25, side - 0.25) for side in (room.width, room.length)]
        if rng.random() < 0.55:  # people step back to take a picture
            axis, gap = int(rng.integers(2)), rng.uniform(0.25, 0.8)
            spot[axis] = gap if rng.random() < 0.5 else (room.width, room.length)[axis] - gap
        x, y = spot
        if is_free((x - 0.2, y - 0.2, x + 0.2, y + 0.2), room.taken) and room.headroom((x, y, x, y)) > 2.0:
            break
    to_x, to_y = rng.uniform(0.15, 0.85) * room.width, rng.uniform(0.15, 0.85) * room.length
    style = rng.random()
    seen = [at for item, at, _ in room.placed if item.kind not in STRUCTURE and is_in(at, room.area)]
    far = [at for at in seen if np.hypot(at[0] - x, at[1] - y) > 1.2]
    if style < 0.55 and far:
        some = [far[k] for k in rng.integers(len(far), size=2)]
        to_x, to_y, _ = max(some, key=lambda at: np.hypot(at[0] - x, at[1] - y))
    elif room.shut is not None and style > 0.8:
        a, b, *_ = next(h for h in room.holes[room.shut] if h[2] == 0.0)
        to_x, to_y, _ = room.against(room.shut, (a + b) / 2, 0.0)
    elif np.hypot(to_x - x, to_y - y) < 1.0:
        to_x, to_y = room.width - x, room.length - y
    return x, y, np.arctan2(to_x - x, to_y - y) + np.radians(rng.normal(0, 12))
