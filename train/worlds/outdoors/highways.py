"""Roads out of town: a suburb with gardens, a motorway, a country road."""

from __future__ import annotations

import numpy as np

from .. import people
from ..places import Place
from ..things import Item, Paint, stuff
from . import nature, street, vehicles
from .facades import building
from .roads import FAR_END, TOP, Road, dashes, line, paints, traffic
from .site import Site, earth
from .solids import ramp


def suburb(rng) -> Place:
    """Houses behind gardens: hedges and fences, driveways, garages, wheeled bins, trees."""
    road = Road(2, rng.uniform(2.75, 3.2), 0.0, rng.uniform(0.10, 0.14), rng.uniform(1.3, 2.2),
                1 if rng.random() < 0.75 else -1)  # fmt: skip
    half, top = road.half, TOP + road.kerb
    driver, sign = rng.random() < 0.5, rng.choice([-1, 1])
    eye = (road.hand * road.lane / 2, 0.0, rng.normal(0, 0.04))
    if not driver:
        eye = (sign * (half + rng.uniform(0.4, 1.1)), 0.0, sign * rng.uniform(-1.5, 0.5))
    site = Site(rng, eye, "driver" if driver else "walker", 0.07 if driver else 0.25)
    site.ground("grass")
    site.raise_horizon(int(rng.integers(0, 3)), 32.0)
    colour, asphalt = earth(rng, "road")
    site.slab("road", colour, (-half, -60, half, 260), TOP, asphalt)
    colour, paving = earth(rng, "pavement")
    garden = half + road.pavement
    for side in (-1, 1):
        inner, outer = sorted((side * half, side * garden))
        site.slab("pavement", colour, (inner, -60, outer, 260), top, paving)
    if rng.random() < 0.5:
        marks, (_, middle) = Item("road", "white"), paints(rng)
        dashes(marks, 0.0, -12, 90, middle, 3.0, 4.0)
        site.placed.append((marks, (0.0, 0.0, 0.0), 0.0))
    deep, border = rng.uniform(3.5, 8.0), str(rng.choice(["hedge", "fence", "wall", "none"]))
    for side in (-1, 1):
        y = rng.uniform(-18, -10)
        while y < 92:
            y += _plot(site, side, y, garden, deep, border, paving)
    traffic(site, road, rng.uniform(0.1, 0.5), heavy=0.08)
    for side in (-1, 1):
        for y in np.arange(rng.uniform(-5, 5), 100, rng.uniform(16, 28)):
            item = street.street_lamp(rng) if rng.random() < 0.6 else street.pole(rng)
            site.stand(item, side * (half + 0.4), y, top, -side * np.pi / 2)
    for _ in range(int(rng.integers(2, 8))):
        side = rng.choice([-1, 1])
        site.somebody(side * (half + rng.uniform(0.3, road.pavement - 0.2)), rng.uniform(0, 45), top)
    for _ in range(int(rng.integers(2, 7))):  # at the kerb
        side, makers = rng.choice([-1, 1]), (street.bin, street.mailbox, street.fire_hydrant, street.sign, street.bin)
        item = makers[int(rng.integers(len(makers)))](rng)
        site.put(item, side * (half + 0.45), rng.uniform(1, 35), top, -side * np.pi / 2)
    if not driver:
        site.before(int(rng.integers(1, 3)), (people.person, people.dog, nature.bush, street.bin, street.mailbox))
    site.horizon(int(rng.integers(0, 2)), int(rng.integers(6, 16)))
    return site.place()


def _plot(site: Site, side: int, y: float, garden: float, deep: float, border: str, paving: Paint) -> float:
    """One house with its garden and driveway; the width of the plot.

    side: of the road. y: where the plot starts. garden: |x| of its border (hedge, fence, wall or none) to the street.
    deep: metres from there to the house.
    """
    rng = site.rng
    near = site.near(side * garden, y + 7)
    house = building(rng, "house", near=near)
    width, drive = house.size[0], rng.uniform(3.2, 4.2)
    front = garden + deep
    site.build(house, side * (front + house.size[1] / 2), y + width / 2, -side * np.pi / 2)
    lane, out = y + width + drive / 2, -side * np.pi / 2
    inner, outer = sorted((side * garden, side * (front + 4)))
    site.slab("pavement", "grey", (inner, lane - 1.5, outer, lane + 1.5), 0.03, paving)
    if rng.random() < 0.6:
        site.placed.append((street.garage(rng), (side * (front + 6.5), lane, 0.0), out))
    if rng.random() < 0.65:
        site.vehicle(
            side * (garden + rng.uniform(2.6, max(2.7, deep))), lane, 0.03, out + np.pi * rng.integers(2), 0.08
        )
    length = width - 0.4
    if border != "none" and rng.random() < 0.85:
        if border == "hedge":
            item = nature.hedge(rng, length)
        elif border == "fence":
            item = street.fence(rng, length, near)
        else:
            item = Item("wall", "grey")
            item.box((0, 0, 0.45), (length, 0.24, 0.9), stuff(rng, str(rng.choice(["red", "brown", "grey"])), "bricks"))
        at = (side * (garden + 0.5), y + width / 2)
        if item.kind == "wall":
            site.placed.append((item, (*at, 0.0), out))
        else:
            site.put(item, *at, 0.0, out)
    for _ in range(int(rng.integers(1, 4))):
        x, v = side * rng.uniform(garden + 1.3, front - 0.8), y + rng.uniform(0, width)
        if rng.random() < 0.35:
            site.tree(x, v, 0.0)
        else:
            site.put(nature.bush(rng), x, v, 0.0)
    return width + drive + rng.uniform(0.3, 3.0)


def motorway(rng) -> Place:
    """Two carriageways of 2-4 lanes with hard shoulders, guard rails, sign gantries, a bridge, trucks."""
    lanes, lane, hand = int(rng.integers(2, 5)), rng.uniform(3.4, 3.75), 1 if rng.random() < 0.8 else -1
    road = Road(lanes, lane, rng.uniform(1.8, 2.6), 0.0, 0.0, hand, one_way=True)
    mine = road.centre(int(rng.integers(lanes)))
    site = Site(rng, (mine, 0.0, rng.normal(0, 0.02)), "driver", 0.05)
    site.ground("grass")
    site.raise_horizon(int(rng.integers(1, 4)), 55.0)
    colour, asphalt = earth(rng, "road")
    half, reserve = road.half, rng.uniform(1.6, 4.0)
    other = -hand * (2 * half + reserve)
    marks, (white, _) = Item("road", "white"), paints(rng)
    for centre in (0.0, other):
        site.slab("road", colour, (centre - half, -60, centre + half, 260), TOP, asphalt)
        for side in (-1, 1):
            line(marks, centre + side * lanes * lane / 2, -15, FAR_END + 30, white, 0.2)
        for i in range(1, lanes):
            dashes(marks, centre + (i - lanes / 2) * lane, rng.uniform(-14, -8), 105, white, 5.0, 9.0, 0.15)
    site.placed.append((marks, (0.0, 0.0, 0.0), 0.0))
    outer = hand * (half + 0.6), other - hand * (half + 0.6)
    for x in (*outer, -hand * (half + reserve / 2)):
        for y in np.arange(-12, 84, 24.35):
            site.put(street.guard_rail(rng), x, y + 12, 0.0, np.pi / 2)
    for x in outer:
        out = 1 if x * hand > 0 else -1
        style = str(rng.choice(["bank", "wall", "flat"], p=[0.4, 0.2, 0.4]))
        at = x + hand * out * 1.5
        if style == "wall":
            barrier, high = Item("wall", "grey"), rng.uniform(2.5, 4.5)
            barrier.box(
                (0, 0, high / 2), (0.2, 260, high), stuff(rng, str(rng.choice(["grey", "brown", "green"])), "concrete")
            )
            site.placed.append((barrier, (at, 70.0, 0.0), 0.0))
        elif style == "bank":
            bank, high, run = Item("grass", "green"), rng.uniform(2, 7), rng.uniform(6, 14)
            far = at + hand * out * run
            ends = ((at, 0.0), (far, high)) if far > at else ((far, high), (at, 0.0))
            ramp(bank, *ends, 300.0, 3.0, earth(rng, "grass")[1], 70.0)
            site.placed.append((bank, (0.0, 0.0, 0.0), 0.0))
        for _ in range(int(rng.integers(6, 18)) if style != "bank" else 0):
            site.tree(at + hand * out * rng.uniform(2, 25), rng.uniform(5, 110), radius=0.8)
    if rng.random() < 0.55:
        site.stand(street.gantry(rng, 2 * half + 1.6), 0.0, rng.uniform(22, 95), 0.0, 0.0, 0.2)
    if rng.random() < 0.45:
        _bridge(site, rng.uniform(30, 105), other)
    traffic(site, road, rng.uniform(0.4, 0.85), heavy=0.35, riders=0.0)
    for number in range(lanes):  # oncoming
        y = rng.uniform(10, 30)
        while y < 105:
            site.vehicle(other + road.centre(number), y, TOP, 0.0, 0.3)
            y += rng.uniform(14, 45)
    if rng.random() < 0.3:  # work on the shoulder
        for i in range(6):
            site.put(street.traffic_cone(rng), hand * (half - 0.4 - 0.2 * i), 12 + 4.0 * i, TOP)
    for y in np.arange(5, 106, 25.0):
        site.put(street.bollard(rng), hand * (half + 1.1), y, 0.0)
    site.horizon(int(rng.integers(0, 4)), int(rng.integers(4, 12)))
    return site.place()


def _bridge(site: Site, y: float, other: float) -> None:
    """A bridge across, clear by 4.7-5.5 m."""
    rng = site.rng
    item, low, raw = Item("building", "grey"), rng.uniform(4.7, 5.5), stuff(rng, "grey", "concrete", 0.2)
    deep = rng.uniform(6, 11)
    item.box((0, 0, low + 0.5), (130, deep, 1.0), raw)
    for sy in (-1, 1):
        item.box((0, sy * deep / 2, low + 1.5), (130, 0.15, 1.0), stuff(rng, "grey", "metal", 0.2))
    for x in (other / 2, other * 1.5 - np.sign(other) * 1.2, -other / 2 + np.sign(other) * 1.2):
        for sy in (-1, 1):
            item.post(x, sy * deep * 0.3, 0, low, 0.5, raw)
    site.placed.append((item, (0.0, y, 0.0), float(rng.normal(0, 0.08))))


def country_road(rng) -> Place:
    """Two lanes between verges, fields, rows of trees, fences, farms and hills."""
    road = Road(2, rng.uniform(2.75, 3.4), 0.0, 0.0, 0.0, 1 if rng.random() < 0.75 else -1)
    driver, half = rng.random() < 0.65, road.half + rng.uniform(0.1, 0.5)
    eye = (road.hand * road.lane / 2, 0.0, rng.normal(0, 0.03))
    if not driver:
        side = rng.choice([-1, 1])
        eye = (side * (half + rng.uniform(0.6, 3.0)), 0.0, -side * rng.uniform(-0.5, 1.0))
    site = Site(rng, eye, "driver" if driver else "walker", 0.06 if driver else 0.3)
    site.ground("grass")
    site.raise_horizon(int(rng.integers(2, 5)))
    colour, asphalt = earth(rng, "road")
    site.slab("road", colour, (-half, -60, half, 260), TOP, asphalt)
    marks, (white, middle) = Item("road", "white"), paints(rng)
    dashes(marks, 0.0, rng.uniform(-14, -8), 100, middle, 3.0, rng.uniform(3, 9))
    if rng.random() < 0.6:
        for side in (-1, 1):
            line(marks, side * road.half, -15, FAR_END + 20, white)
    site.placed.append((marks, (0.0, 0.0, 0.0), 0.0))
    for side in (-1, 1):
        inner, outer = sorted((side * (half + rng.uniform(2.5, 6)), side * 200.0))
        if rng.random() < 0.7:  # a field
            kind = str(rng.choice(["ground", "grass", "sand"]))
            colour, paint = earth(rng, kind)
            site.slab(
                "grass" if kind == "grass" else "ground",
                colour,
                (inner, rng.uniform(-30, 20), outer, 300),
                0.015,
                paint,
            )
        row, y, step = str(rng.choice(["trees", "posts", "poles", "none"])), rng.uniform(-4, 8), rng.uniform(7, 16)
        species = str(rng.choice(["round", "column", "wide", "birch"]))
        while y < 106 and row != "none":
            x = side * (half + (rng.uniform(1.5, 2.2) if row != "posts" else 0.7))
            near = site.near(x, y)
            item = nature.tree(rng, near, species) if row == "trees" else street.pole(rng)
            if row == "posts":
                item = street.bollard(rng)
            site.stand(item, x, y, 0.0, rng.uniform(0, 6) if row == "trees" else 0.0)
            y += step if row != "posts" else 2 * step
        if rng.random() < 0.4:
            for y in np.arange(-2, 40, 8.0):
                site.put(
                    street.fence(rng, 8.0, site.near(side * (half + 4), y, 14.0)),
                    side * (half + 4),
                    y + 4,
                    0.0,
                    np.pi / 2,
                )
        for _ in range(int(rng.integers(3, 12))):
            x, y = side * np.exp(rng.uniform(np.log(half + 5), np.log(75))), rng.uniform(8, 112)
            site.tree(x, y, radius=0.8)
        for _ in range(int(rng.integers(1, 6))):
            site.put(nature.bush(rng), side * rng.uniform(half + 1.5, half + 14), rng.uniform(1, 40))
        if rng.random() < 0.4:
            style = str(rng.choice(["house", "warehouse", "house"]))
            x, y = side * rng.uniform(14, 45), rng.uniform(22, 95)
            built = building(rng, style, rng.uniform(9, 20), near=site.near(x, y, 30))
            site.build(built, x, y, -side * np.pi / 2 + rng.normal(0, 0.3))
    traffic(site, road, rng.uniform(0.2, 0.6), heavy=0.25)
    for _ in range(int(rng.integers(0, 3))):
        site.put(street.sign(rng), road.hand * (half + 0.8), rng.uniform(6, 60), 0.0)
    if not driver:
        makers = (nature.bush, people.person, nature.rock, vehicles.bicycle, street.fence, street.bollard)
        site.before(int(rng.integers(1, 3)), makers)
        for _ in range(int(rng.integers(1, 4))):
            site.somebody(eye[0] + rng.uniform(-4, 4), rng.uniform(2, 25))
    site.horizon(int(rng.integers(0, 3)), int(rng.integers(8, 22)))
    return site.place()
