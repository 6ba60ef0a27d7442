"""How larger rooms are furnished: offices, classrooms, meeting rooms, corridors, lobbies, shops, stores, stairs."""

from __future__ import annotations

import numpy as np

from .. import people, pots
from .. import small_things as small
from . import clutter, fittings, furniture, kitchen, screens
from .homes import dress_sofa, furnish_desk, shelve, workplace
from .room import Room


def office(room: Room) -> None:
    """Rows of desks, back to back in large rooms, along the walls in small ones; cupboards at the sides."""
    rng = room.rng
    if room.width * room.length < 22:
        for _ in range(room.count(1, 3)):
            workplace(room)
    else:
        desk, chair = furniture.desk(rng), furniture.office_chair(rng)
        wide, deep = (float(v) for v in (desk.bounds()[1] - desk.bounds()[0])[:2])
        for y, yaw in _rows(room, 2 * deep + 2.2, deep, start=1.9):
            x = room.area[0] + 1.0 + wide / 2
            while x + wide / 2 < room.area[2] - 0.9:
                if room.chance(0.9):
                    furnish_desk(room, room.put(desk, x, y, yaw, 0.0), chair if room.chance(0.9) else None)
                x += wide + (0.01 if room.chance(0.75) else 0.9)
    for _ in range(room.count(1, 8)):
        shelve(
            room, room.pick((furniture.shelf, furniture.cabinet, furniture.sideboard, pots.plant, furniture.wardrobe))
        )
    for _ in range(room.count(0, 5)):
        room.scatter(
            room.pick((small.waste_bin, small.backpack, small.box, pots.plant, small.bag, furniture.office_chair))
        )
    if room.chance(0.3):
        room.hang(fittings.blackboard(rng), 0.95)
    _passers(room, 0.15)


def _rows(room: Room, step: float, deep: float, start: float):
    """(y, yaw) of pairs of rows across the room that face each other."""
    y = room.area[1] + start
    while y + deep < room.area[3] - 1.2:
        yield y, np.pi
        yield y + deep + 0.02, 0.0
        y += step


def classroom(room: Room) -> None:
    """Tables in rows before a board; chairs behind them; the teacher faces them from a desk."""
    rng, table = room.rng, furniture.dining_table(room.rng)
    while table.parts[0].shape == "cylinder" or table.bounds()[1][0] * 2 < 1.1:
        table = furniture.dining_table(rng)
    room.hang(fittings.blackboard(rng), rng.uniform(0.85, 1.0), 1, room.width / 2)
    if room.chance(0.4):
        room.hang(fittings.clock(rng), rng.uniform(2.0, 2.2), 1)
    teacher = room.put(furniture.desk(rng), room.area[0] + room.width * rng.uniform(0.3, 0.7), room.area[1] + 1.5, 0.0)
    furnish_desk(room, teacher)
    chair = furniture.dining_chair(rng)
    low, high = table.bounds()
    wide, deep, gap = float(high[0] - low[0]), float(high[1] - low[1]), rng.uniform(0.85, 1.2)
    y = room.area[1] + 3.0
    together = room.chance(0.5)
    while y < room.area[3] - 1.2:
        x = room.area[0] + 0.5 + wide / 2
        while x + wide / 2 < room.area[2] - 0.4:
            spot = room.put(table, x, y + rng.normal(0, 0.02), np.pi, 0.0)
            if spot:
                for u in (-wide / 4, wide / 4):
                    at = spot.at(u + rng.normal(0, 0.03), low[1] - rng.uniform(-0.1, 0.3))
                    if room.chance(0.9):
                        seat = room.seat(chair, *at, rng.normal(0, 0.15), spot, people.seated)
                        if seat and room.chance(0.15 * room.density):
                            room.on(seat, (small.backpack,), 1)
                room.on(
                    spot, (small.book, small.papers, small.bottle, screens.laptop, small.backpack), room.count(0, 2)
                )
            x += wide + (0.01 if together else rng.uniform(0.5, 0.9))
        y += deep + gap
    for _ in range(room.count(1, 4)):
        shelve(room, room.pick((furniture.shelf, furniture.cabinet, furniture.wardrobe)))
    _passers(room, 0.2)


def meeting(room: Room) -> None:
    """A long table made of several, chairs around it, a screen on the wall."""
    rng, table = room.rng, furniture.dining_table(room.rng)
    x, y = (room.area[0] + room.area[2]) / 2, (room.area[1] + room.area[3]) / 2
    yaw = np.pi / 2 if room.length > room.width else 0.0
    wide = float(table.bounds()[1][0]) * 2
    count = 1 if table.parts[0].shape == "cylinder" else max(1, int((max(room.length, room.width) - 2.6) / wide))
    chair = furniture.chair(rng)
    spots = []
    for k in range(min(4, count)):
        u = (k - (min(4, count) - 1) / 2) * (wide + 0.005)
        spots.append(room.put(table, x + u * np.cos(yaw), y + u * np.sin(yaw), yaw, 0.0))
    for spot in spots:
        room.around(spot, lambda r: chair if r.random() < 0.9 else furniture.office_chair(r), 0.85, people.seated)
        room.on(spot, clutter.TABLE, room.count(0, 5), facing=False)
    side = 1 if room.length > room.width else 2
    if room.chance(0.6):
        room.hang(screens.wall_tv(rng), rng.uniform(0.9, 1.3), side, room.extent(side) / 2)
    else:
        room.hang(fittings.blackboard(rng), 0.95, side, room.extent(side) / 2)
    for _ in range(room.count(0, 3)):
        shelve(room, room.pick((furniture.sideboard, pots.plant, furniture.cabinet, small.easel)))


def corridor(room: Room) -> None:
    """Little on the floor, at the walls; notices."""
    for _ in range(room.count(1, 8)):
        shelve(room, room.pick((furniture.sideboard, pots.plant, furniture.chair, furniture.shelf, small.waste_bin,
                                furniture.wardrobe)))  # fmt: skip
    for _ in range(room.count(0, 4)):
        room.hang(fittings.poster(room.rng), room.rng.uniform(1.0, 1.4))
    if room.chance(0.4):
        room.hang(fittings.coat_rack(room.rng), room.rng.uniform(0.7, 0.9))
    for _ in range(room.count(0, 2)):
        room.scatter(room.pick((small.box, small.backpack, small.suitcase, small.ladder, small.bag)))
    _passers(room, 0.35)


def lobby(room: Room) -> None:
    """A large hall: a reception or bar, groups of seats, tables with chairs, plants, people."""
    rng, large = room.rng, room.width * room.length / 100
    if room.chance(0.5):
        till(room)
    table, chair = furniture.table(rng), furniture.chair(rng)
    for _ in range(round(room.count(2, 7) * (0.6 + large))):
        if room.chance(0.3):
            spot = room.scatter(table, 8, rng.integers(4) * np.pi / 2)
            room.around(spot, lambda _: chair, rng.uniform(0.5, 1.0), people.seated)
            room.on(spot, clutter.TABLE, room.count(0, 4), facing=False)
        elif room.chance(0.4):
            spot = room.scatter(furniture.table(rng), 8, rng.integers(4) * np.pi / 2)
            room.around(spot, furniture.chair, rng.uniform(0.5, 1.0), people.seated)
            room.on(spot, clutter.TABLE, room.count(0, 4), facing=False)
        else:
            spot = room.scatter(furniture.sofa(rng), 8, rng.integers(4) * np.pi / 2)
            if spot:
                dress_sofa(room, spot)
                room.put(furniture.coffee_table(rng), *spot.at(0, -1.2), spot.yaw)
    if room.chance(0.3):
        room.stand(furniture.piano(rng))
    for _ in range(round(room.count(2, 8) * (0.6 + large))):
        room.scatter(room.pick((pots.plant, pots.plant, small.suitcase, small.backpack, small.waste_bin, small.easel)))
    for _ in range(room.count(1, 5)):
        shelve(room, room.pick((furniture.sideboard, furniture.shelf, pots.plant, furniture.cabinet)))
    flight(room, 0.35)
    _passers(room, 0.8)


def shop(room: Room) -> None:
    """Rows of shelves full of goods, a counter with a till."""
    rng, goods = room.rng, (small.small_box, small.bottle, small.small_box, small.book, small.bowl, pots.vase)
    till(room)
    y = room.area[1] + rng.uniform(1.2, 2.0)
    gap = rng.uniform(1.5, 2.4)
    rows = int(rng.integers(4, 6))
    racks = [furniture.shelf_and_levels(rng, rows, 0.5) for _ in range(3)]  # few looks in one shop
    while y < room.area[3] - 1.0:
        x = room.area[0] + rng.uniform(0.9, 1.4)
        yaw = float(rng.choice([0.0, np.pi]))
        while x < room.area[2] - 1.2:
            item, levels = racks[int(rng.integers(3))]
            half = float(item.bounds()[1][0])
            spot = room.put(item, x + half, y, yaw, 0.0)
            for level in levels if spot else []:
                room.on(spot, goods, room.count(0, 3), level)
            x += 2 * half + 0.02
        y += gap
    storage(room, few=True)
    _passers(room, 0.4)


def till(room: Room) -> None:
    """A counter that stands free, with a screen and small things on it, and somebody behind."""
    rng = room.rng
    spot = room.scatter(kitchen.island(rng, kitchen.counter_style(rng)), 10, rng.integers(4) * np.pi / 2)
    if spot:
        room.add(screens.monitor(rng), *spot.at(rng.uniform(-0.3, 0.3), 0.1), spot.item.top or 0.9, spot.yaw)
        room.on(spot, clutter.TABLE, room.count(0, 6))
        if room.chance(0.6):
            room.put(people.person(rng), *spot.at(0.0, -0.9), spot.yaw + np.pi)


def storage(room: Room, few: bool = False) -> None:
    """Racks along the walls, cartons in stacks, ladders and cases."""
    for _ in range(room.count(1, 3) if few else room.count(2, 7)):
        shelve(room, furniture.shelf(room.rng))
    for _ in range(room.count(1, 3) if few else room.count(4, 22)):
        room.on(room.scatter(room.pick((small.box, small.crate_stack, small.box, small.basket, small.suitcase,
                                        small.ladder))), (small.small_box, small.bag), room.count(0, 2))  # fmt: skip
    if room.chance(0.4) and not few:
        workplace(room)


def stair_hall(room: Room) -> None:
    """Flights of stairs along a wall."""
    flight(room, 1.0)
    flight(room, 0.4)
    corridor(room)


def flight(room: Room, share: float) -> None:
    if room.chance(share):
        most = int((room.height + 0.1) / 0.19)
        item = fittings.stairs(room.rng, steps=int(room.rng.integers(3, max(4, most + 1))))
        _, high = item.bounds()
        for side in room.rng.permutation(4):
            for along in (float(high[0]) + 0.03, room.extent(side) - float(high[0]) - 0.03):
                if room.stand(item, side, along):
                    return


def _passers(room: Room, mean: float) -> None:
    for _ in range(int(room.rng.poisson(mean * (1 + room.width * room.length / 60)))):
        room.scatter(people.anybody(room.rng))
