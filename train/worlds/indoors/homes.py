"""How people furnish the rooms of a home: living room, bedroom, kitchen, dining room, bathroom, attic."""

from __future__ import annotations

import numpy as np

from .. import people, pots
from .. import small_things as small
from ..things import Item
from . import bathroom, clutter, fittings, furniture, kitchen, lamps, screens
from .room import Room, Spot


def living(room: Room) -> None:
    """A sofa that faces a screen or a fireplace over a low table, with seats, lamps and shelves around."""
    rng, side = room.rng, room.longest()[2]  # a short wall: the sofa looks along the room
    middle = room.extent(side) * rng.uniform(0.4, 0.6)
    if room.chance(0.2):
        room.stand(fittings.fireplace(rng), side, middle)
    elif room.chance(0.75):
        board = room.stand(furniture.sideboard(rng), side, middle)
        room.on(board, (screens.tv,), 1, facing=True)
        room.on(board, clutter.SIDEBOARD[:-1], room.count(0, 3))
    else:
        room.hang(screens.wall_tv(rng), rng.uniform(0.8, 1.2), side, middle)
    depth = room.length if side < 2 else room.width
    sofa, away = furniture.sofa(rng), rng.uniform(2.2, 3.6)
    half = float(sofa.bounds()[1][1])
    x, y, yaw = room.against(side ^ 1, middle, max(half + 0.05, depth - away - half))
    seat = room.put(sofa, x, y, yaw) or room.stand(sofa)
    if seat:
        dress_sofa(room, seat)
        x, y = seat.at(rng.uniform(-0.15, 0.15), -half - rng.uniform(0.55, 0.75))
        _rug(room, x, y, seat.yaw)
        room.on(room.put(furniture.coffee_table(rng), x, y, seat.yaw), clutter.TABLE, room.count(1, 9))
        for u in (-1, 1):
            wide = float(sofa.bounds()[1][0])
            if room.chance(0.5):
                x, y = seat.at(u * (wide + rng.uniform(0.2, 0.9)), -half - rng.uniform(0.2, 0.9))
                maker = furniture.chair if room.chance(0.5) else furniture.sofa
                other = room.put(maker(rng), x, y, seat.yaw - u * rng.uniform(0.8, 1.6))
                if other and other.item.kind == "sofa":
                    dress_sofa(room, other)
            elif room.chance(0.5):
                room.put(lamps.lamp(rng), *seat.at(u * (wide + 0.3), half * 0.5))
    for _ in range(room.count(2, 9)):
        shelve(
            room,
            room.pick(
                (furniture.shelf, furniture.sideboard, pots.plant, lamps.lamp, furniture.shelf, furniture.cabinet)
            ),
        )
    if room.chance(0.12):
        seat = room.stand(furniture.piano(rng))
        if seat:
            room.put(furniture.stool(rng), *seat.at(0, -0.75), seat.yaw)
    if room.width * room.length > 20 and room.chance(0.6):
        _dining_group(room)


def dress_sofa(room: Room, seat: Spot) -> None:
    """Cushions along the back, sometimes somebody who sits."""
    low, high = seat.item.bounds()
    free = list(np.arange(low[0] + 0.4, high[0] - 0.3, 0.5))
    for u in free:
        if room.chance(0.12):
            room.add(people.seated(room.rng, seat.item.top or 0.42), *seat.at(u, 0.0), 0.0, seat.yaw)
        elif room.chance(0.25 + 0.4 * room.density):
            turn = room.rng.normal(0, 0.25)
            room.add(small.cushion(room.rng), *seat.at(u, high[1] - 0.42), seat.item.top or 0.42, seat.yaw + turn)


def _rug(room: Room, x: float, y: float, yaw: float) -> None:
    rug = furniture.rug(room.rng)
    reach = float(np.hypot(*rug.bounds()[1][:2]))
    if min(room.width, room.length) > 2 * reach and room.chance(0.65):
        x = np.clip(x, room.area[0] + reach, room.area[2] - reach)
        y = np.clip(y, room.area[1] + reach, room.area[3] - reach)
        room.add(rug, float(x), float(y), 0.0, yaw + room.rng.normal(0, 0.05))


def shelve(room: Room, item) -> Spot | None:
    """Stand a thing against a wall and put small things on it; a shelf gets them on its boards."""
    rng = room.rng
    if item.kind != "shelf":
        spot = room.stand(item)
        room.on(spot, clutter.SIDEBOARD, room.count(1, 8))
        return spot
    item, levels = furniture.shelf_and_levels(rng, books=rng.uniform(0.2, 0.9))
    spot = room.stand(item)
    for level in levels if spot else []:
        room.on(spot, clutter.SHELF, room.count(1, 6), level)
    return spot


def _dining_group(room: Room) -> Spot | None:
    table = furniture.dining_table(room.rng)
    spot = room.scatter(table, 10, room.rng.integers(4) * np.pi / 2)
    room.around(spot, furniture.dining_chair, room.rng.uniform(0.4, 1.0), people.seated)
    room.on(spot, clutter.TABLE + clutter.KITCHEN, room.count(1, 12), facing=False)
    if spot and room.chance(0.6):
        room.add(lamps.pendant(room.rng), spot.x, spot.y, room.height)
    return spot


def bedroom(room: Room) -> None:
    rng = room.rng
    bed = furniture.bed(rng)
    spot = None
    for side in room.longest()[::-1]:
        spot = spot or room.stand(bed, side, room.extent(side) * rng.uniform(0.35, 0.65)) or room.stand(bed, side)
    if spot:
        half, back = float(bed.bounds()[1][0]), float(bed.bounds()[1][1])
        for u in (-1, 1):
            table = furniture.bedside_table(rng)
            x, y = spot.at(u * (half + 0.3), back - float(table.bounds()[1][1]))
            beside = room.put(table, x, y, spot.yaw, 0.0) if room.chance(0.7) else None
            room.on(beside, (lamps.table_lamp, small.book, small.mug, small.bottle), room.count(1, 3))
        room.on(spot, (small.clothes, small.book, small.flat_cushion, screens.laptop, small.bag, small.clothes),
                room.count(0, 4), reach=0.6)  # fmt: skip
        _rug(room, *spot.at(half + 0.5, -0.4), spot.yaw)
    for maker, share in ((furniture.wardrobe, 0.8), (furniture.shelf, 0.5), (furniture.sideboard, 0.6),
                         (furniture.chair, 0.5), (pots.plant, 0.3), (lamps.lamp, 0.25)):  # fmt: skip
        if room.chance(share):
            shelve(room, maker(rng))
    if room.chance(0.5):
        workplace(room)
    for _ in range(room.count(0, 6)):
        room.scatter(room.pick((small.clothes, small.bag, small.suitcase, small.basket, small.flat_cushion)))


def workplace(room: Room) -> None:
    """A desk at a wall with its chair and what lies on it."""
    furnish_desk(room, room.stand(furniture.desk(room.rng)))


def furnish_desk(room: Room, desk: Spot | None, chair=None) -> None:
    """Screen at the back, chair in front, things on top; the chair may be pushed in, turned away or sat on."""
    if desk is None:
        return
    rng, high = room.rng, desk.item.bounds()[1]
    chair = chair or (furniture.office_chair if room.chance(0.7) else furniture.chair)(rng)
    left, right = _leg_space(desk.item)
    spare = max(0.0, right - left - float(np.ptp([side[0] for side in chair.bounds()]))) / 2
    middle = (left + right) / 2 + float(np.clip(rng.uniform(-0.2, 0.2), -spare, spare))
    x, y = desk.at(middle, -float(high[1]) - rng.uniform(-0.05, 0.35))
    seat = room.seat(chair, x, y, desk.yaw + np.pi + rng.normal(0, 0.35), desk, None)
    if seat and room.chance(0.12):
        room.sit(people.seated(rng), seat, desk)
    if room.chance(0.75):
        for u in [0.0] if room.chance(0.6) else [-0.3, 0.3]:
            at = desk.at(u, float(high[1]) - rng.uniform(0.14, 0.2))
            room.add(screens.monitor(rng), *at, desk.item.top or 0.74, desk.yaw + rng.normal(0, 0.1) - 0.4 * u)
    room.on(desk, (*clutter.DESK[3:], screens.laptop), room.count(2, 11), reach=0.9)
    room.targets.append((desk.x, desk.y, desk.item.top or 0.74))


def _leg_space(desk: Item) -> tuple[float, float]:
    """The widest stretch across a desk, from left to right, that no leg, panel or drawer stands in."""
    low, high = desk.bounds()
    wide, feet = float(high[0] - low[0]), []
    for part in desk.parts:
        (x, _, z), (half, _, rise) = part.centre, part.half
        if z - rise < 0.3 and half < wide / 4:
            feet.append((x - half, x + half))
    edges = sorted([*feet, (float(low[0]), float(low[0])), (float(high[0]), float(high[0]))])
    gaps, reached = [], edges[0][1]
    for start, end in edges[1:]:
        gaps.append((start - reached, reached, start))
        reached = max(reached, end)
    _, left, right = max(gaps)
    return left, right


def cook(room: Room) -> None:
    """Counters along one wall or round a corner, cooker, sink, fridge, cabinets above; a table if there is room."""
    rng, sides = room.rng, sorted(range(4), key=lambda side: -_free_length(room, side))
    style, height = kitchen.counter_style(rng), rng.uniform(0.86, 0.93)
    _kitchen_run(room, sides[0], style, height, main=True)
    if room.chance(0.5):
        _kitchen_run(room, sides[1] if room.chance(0.8) else sides[2], style, height, main=False)
    if room.width > 3.8 and room.length > 4.0 and room.chance(0.4):
        spot = room.scatter(kitchen.island(rng, style), 10, room.rng.integers(4) * np.pi / 2)
        room.on(spot, clutter.KITCHEN, room.count(1, 8), facing=False)
        for u in (-0.5, 0.0, 0.5):
            if spot and room.chance(0.5):
                room.put(furniture.stool(rng), *spot.at(u, -0.75))
    elif room.chance(0.75):
        _dining_group(room)
    if room.chance(0.2):
        room.stand(kitchen.washing_machine(rng))
    if room.chance(0.6):
        room.scatter(small.waste_bin(rng))


def _free_length(room: Room, side: int) -> float:
    """Metres of the wall along which nothing is in use below a worktop's height."""
    return room.extent(side) - sum(b - a for a, b, low, _ in room.spans[side] if low < 0.9)


def _kitchen_run(room: Room, side: int, style, height: float, main: bool) -> None:
    rng, at, middle = room.rng, 0.02, 0.0
    names = ["counter", "sink", "counter", "oven", "counter"] if main else ["counter", "counter"]
    names = list(rng.permutation(names)) if room.chance(0.3) else names
    if main:
        names.insert(0 if room.chance(0.5) else len(names), "fridge")
    elif room.chance(0.4):
        names.append("washing machine")
    for name in names:
        wide = float(rng.choice([0.6, 0.6, 0.8, 1.2]))
        if name == "fridge":
            item = kitchen.fridge(rng)
        elif name == "oven":
            item = kitchen.oven(rng)
        elif name == "washing machine":
            item = kitchen.washing_machine(rng)
        else:
            item = kitchen.counter(rng, 0.9 if name == "sink" else wide, height, style)
        low, high = item.bounds()
        wide = float(high[0] - low[0])
        spot, start = None, at
        while spot is None and start + wide < room.extent(side) - 0.02:
            spot, middle, start = room.stand(item, side, start + wide / 2), start + wide / 2, start + 0.1
        if spot is None:
            continue
        at = middle + wide / 2 + 0.01
        if name == "sink":
            room.add(kitchen.sink(rng), *spot.at(0, 0.0), height, spot.yaw)
        elif name == "counter":
            room.on(spot, clutter.KITCHEN + ((kitchen.microwave,) if main else ()), room.count(1, 8))
        if name in ("oven", "counter", "sink") and room.chance(0.75):
            above = kitchen.hood(rng) if name == "oven" else kitchen.wall_cabinet(rng, wide, style)
            room.hang(above, rng.uniform(1.4, 1.5) if name != "oven" else 1.6, side, middle)
        if name == "counter" and room.chance(0.5):
            room.hang(fittings.socket(rng), rng.uniform(1.08, 1.2), side, middle)


def dining(room: Room) -> None:
    spot = _dining_group(room)
    if spot and room.chance(0.4):
        _rug(room, spot.x, spot.y, spot.yaw)
    for maker, share in ((furniture.sideboard, 0.9), (furniture.cabinet, 0.5), (pots.plant, 0.5),
                         (furniture.shelf, 0.4), (furniture.piano, 0.12), (lamps.lamp, 0.3),
                         (furniture.sideboard, 0.3)):  # fmt: skip
        if room.chance(share):
            shelve(room, maker(room.rng))
    if room.chance(0.2):
        room.stand(fittings.fireplace(room.rng))


def bath(room: Room) -> None:
    rng = room.rng
    if room.chance(0.6):
        for side in room.longest()[::-1]:
            tub = bathroom.bathtub(rng)
            if room.stand(tub, side, float(tub.bounds()[1][0]) + 0.025 if room.chance(0.8) else None):
                if room.chance(0.5):
                    room.hang(bathroom.towel(rng), rng.uniform(1.0, 1.3))
                break
    basin = room.stand(bathroom.basin(rng))
    if basin:
        side = int(np.argmin([abs(np.angle(np.exp(1j * (basin.yaw - room.against(k, 0, 0)[2])))) for k in range(4)]))
        along = basin.x - room.area[0] if side < 2 else basin.y - room.area[1]
        room.hang(fittings.mirror(rng), rng.uniform(1.1, 1.25), side, along)
        room.hang(fittings.wall_shelf(rng), rng.uniform(0.95, 1.0), side, along)
    if room.chance(0.85):
        room.stand(bathroom.toilet(rng))
    if room.chance(0.35):
        machine = room.stand(kitchen.washing_machine(rng))
        room.on(machine, (small.bottle, small.small_box, small.basket, small.clothes), room.count(0, 3))
    for maker, share in ((bathroom.towel, 0.8), (bathroom.towel, 0.5)):
        if room.chance(share):
            room.hang(maker(rng), rng.uniform(0.9, 1.3))
    for maker, share in ((furniture.bedside_table, 0.4), (small.basket, 0.4), (furniture.stool, 0.3)):
        if room.chance(share):
            room.on(room.stand(maker(rng)), (small.bottle, small.clothes, pots.vase, small.small_box), room.count(0, 3))
    for _ in range(room.count(0, 6)):
        room.scatter(room.pick((small.waste_bin, small.small_box, small.bottle, small.clothes, pots.small_plant)))


def attic(room: Room) -> None:
    """Under a sloping roof: a bedroom, a study or a store."""
    if room.chance(0.45):
        bedroom(room)
    elif room.chance(0.5):
        workplace(room)
        room.scatter(furniture.sofa(room.rng), 8, room.rng.integers(4) * np.pi / 2)
        shelve(room, furniture.shelf(room.rng))
    for _ in range(room.count(2, 14)):
        room.on(room.scatter(room.pick((small.box, small.crate_stack, small.suitcase, small.basket, furniture.chair))),
                (small.small_box, small.book, small.bag), room.count(0, 2))  # fmt: skip
