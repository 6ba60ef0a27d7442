"""Places in town off the traffic: an alley, a parking lot, a square, a courtyard, a building site. Metres."""

from __future__ import annotations

import numpy as np

from .. import people, pots, small_things
from ..indoors.furniture import chair, table
from ..places import Place, is_free
from ..things import Item, stuff
from . import nature, park, street, vehicles
from .facades import building
from .site import Site, earth
from .solids import plate

_LITTER = (street.bin, street.bin, vehicles.bicycle, small_things.box, pots.plant, street.bollard, people.cat,
           vehicles.motorcycle, street.bench, small_things.crate_stack)  # fmt: skip


def _row(site: Site, styles, x: float, sign: int, start: float, stop: float, reach: float = 24.0) -> None:
    """Fronts at x from y = start to stop without gaps."""
    y = start
    while y < stop:
        built = building(site.rng, str(site.rng.choice(styles)), near=site.near(x, y + 5, reach))
        site.build(built, x + sign * built.size[1] / 2, y + built.size[0] / 2, -sign * np.pi / 2, -0.05)
        y += built.size[0]


def _end(site: Site, styles, x: float, y: float, reach: float = 24.0) -> None:
    """A front across the way ahead."""
    built = building(site.rng, str(site.rng.choice(styles)), near=site.near(x, y, reach))
    site.build(built, x, y + built.size[1] / 2, 0.0, -0.05)


def alley(rng) -> Place:
    """A lane 2.4-4.5 m wide between old fronts."""
    half, styles = rng.uniform(1.4, 2.25), ("old", "old", "house")
    site = Site(rng, (rng.uniform(-0.4, 0.4) * half, 0.0, rng.normal(0, 0.15)), "walker", 0.18, room=0.6)
    site.ground("pavement")
    site.raise_horizon(int(rng.integers(0, 2)))
    for sign in (-1, 1):
        _row(site, styles, sign * half, sign, -2.0, rng.uniform(30, 100), 13.0)
    if rng.random() < 0.6:
        _end(site, styles, 0.0, rng.uniform(35, 80))
    for _ in range(int(rng.integers(5, 13))):
        item, sign = _LITTER[int(rng.integers(len(_LITTER)))](rng), rng.choice([-1, 1])
        low, high = item.bounds()
        deep = float(min(high[:2] - low[:2])) / 2
        lengthwise = item.kind in ("bicycle", "motorcycle")
        yaw = 0.0 if lengthwise else -sign * np.pi / 2
        site.put(item, sign * (half - 0.1 - (deep if lengthwise else float(high[1]))), rng.uniform(1.2, 26), 0.0, yaw)
    for _ in range(int(rng.integers(1, 7))):
        site.somebody(rng.uniform(-0.6, 0.6) * half, rng.uniform(2, 40), 0.0, rng.choice([0, np.pi]))
    if half > 1.8 and rng.random() < 0.4:
        site.vehicle(-half + 1.15, rng.uniform(8, 30), 0.0, 0.0, 0.2, 0.0)
    for _ in range(int(rng.integers(0, 3))):  # lamps and cloth overhead
        sign, y = rng.choice([-1, 1]), rng.uniform(3, 25)
        site.stand(street.street_lamp(rng), sign * (half - 0.15), y, 0.0, -sign * np.pi / 2, 0.14)
    site.before(int(rng.integers(0, 3)), (people.person, street.bin, pots.plant, vehicles.bicycle), (0.7, 2.5))
    site.horizon(2, 2, 20.0)
    return site.place()


def parking_lot(rng) -> Place:
    """Rows of bays 2.5 x 5 m before a large shop."""
    driver = rng.random() < 0.4
    site = Site(rng, (rng.uniform(-2, 2), 0.0, rng.normal(0, 0.15)), "driver" if driver else "walker", 0.25)
    site.ground(str(rng.choice(["grass", "pavement", "ground"])))
    site.raise_horizon(int(rng.integers(0, 3)), 50.0)
    colour, asphalt = earth(rng, "road")
    wide, deep = rng.uniform(26, 45), rng.uniform(40, 75)
    site.slab("road", colour, (-wide, -14, wide, deep), 0.02, asphalt)
    bay, length, aisle = rng.uniform(2.4, 2.7), rng.uniform(4.9, 5.3), rng.uniform(5.5, 7.0)
    marks, white = Item("road", "white"), stuff(rng, "white", "plain", 0.2)
    y, busy = 3.2, rng.uniform(0.3, 0.85)
    while y < deep - length:
        for row in range(2):  # nose to nose
            middle = y + length * (row + 0.5)
            for x in np.arange(-wide + 2, wide - bay, bay):
                if abs(x) < 30 and y < 32:
                    marks.box((x, middle, -0.076), (0.1, length - 0.3, 0.2), white)
                if rng.random() < busy * (1.0 if y < 25 else 0.5) and site.things < 110:
                    yaw = np.pi * ((rng.random() < 0.3) ^ row)
                    site.vehicle(x + bay / 2 + rng.normal(0, 0.06), middle, 0.02, yaw, 0.05, 0.0)
        for x in (-0.6 * wide, 0.0, 0.6 * wide):
            if rng.random() < 0.5:
                site.stand(street.street_lamp(rng), x, y + length, 0.02, rng.choice([0, np.pi]), 0.15)
        if rng.random() < 0.4:
            site.tree(rng.uniform(-0.8, 0.8) * wide, y + length, 0.0)
        y += 2 * length + aisle
    if marks.parts:
        site.placed.append((marks, (0.0, 0.0, 0.0), 0.0))
    _end(site, ("warehouse", "warehouse", "office"), rng.uniform(-12, 12), deep + rng.uniform(3, 9), 45.0)
    for _ in range(int(rng.integers(3, 10))):
        site.somebody(rng.uniform(-10, 10), rng.uniform(1, 35), 0.02)
    extras = (street.bollard, street.sign, street.bin, street.traffic_cone, small_things.box, nature.bush)
    for _ in range(int(rng.integers(2, 7))):
        site.put(extras[int(rng.integers(len(extras)))](rng), rng.uniform(-9, 9), rng.uniform(1, 22), 0.02)
    site.before(int(rng.integers(0, 3)), (people.person, vehicles.car, street.bollard, street.traffic_cone), (1.0, 3.0))
    site.horizon(int(rng.integers(1, 4)), int(rng.integers(4, 12)))
    return site.place()


def square(rng) -> Place:
    """A paved square between fronts: a fountain or a market, cafés, people."""
    site = Site(rng, (rng.uniform(-4, 4), 0.0, rng.normal(0, 0.3)), "walker", 0.35)
    site.ground("pavement")
    half, deep = rng.uniform(12, 28), rng.uniform(28, 65)
    styles = ("old", "old", "flats") if rng.random() < 0.7 else ("flats", "office")
    for sign in (-1, 1):
        _row(site, styles, sign * half, sign, -2.0, deep, 22.0)
    x = -half
    while x < half:
        built = building(rng, str(rng.choice(styles)), near=site.near(x, deep, 30.0))
        site.build(built, x + built.size[0] / 2, deep + built.size[1] / 2 + 0.1, 0.0, -0.05)
        x += built.size[0]
    market = rng.random() < 0.45
    if rng.random() < 0.65:
        site.put(park.fountain(rng), rng.uniform(-5, 5), rng.uniform(6, 0.6 * deep), 0.0)
    if market:
        for y in np.arange(rng.uniform(4, 8), min(deep - 4, 34), rng.uniform(4.5, 6.5)):
            for x in (-rng.uniform(3, 5), rng.uniform(3, 5)):
                maker = park.tent if rng.random() < 0.5 else park.parasol
                if site.put(maker(rng), x, y, 0.0, -np.sign(x) * np.pi / 2):
                    site.put(small_things.crate_stack(rng), x * 0.5, y + rng.uniform(-1, 1), 0.0)
    for _ in range(int(rng.integers(0, 3))):  # a café: a parasol over a table and chairs
        x, y = rng.choice([-1, 1]) * rng.uniform(2.5, half - 3), rng.uniform(3, 20)
        for i in range(int(rng.integers(1, 4))):
            at = y + 3.2 * i
            if site.stand(park.parasol(rng), x, at, 0.0, radius=0.3) and site.near(x, at):
                site.put(table(rng), x + 1.2, at, 0.0)
                for side in (-1, 1):
                    site.put(chair(rng), x + 1.2, at + side * 1.15, 0.0, 0.0 if side > 0 else np.pi)
    for _ in range(int(rng.integers(8, 24))):
        reach = np.exp(rng.uniform(np.log(1.5), np.log(45)))
        angle = rng.uniform(-1.0, 1.0)
        site.somebody(reach * np.sin(angle), reach * np.cos(angle), 0.0)
    for _ in range(int(rng.integers(1, 5))):
        site.seat(rng.uniform(-0.8, 0.8) * half, rng.uniform(2, 25), 0.0, rng.integers(4) * np.pi / 2)
    makers = (street.bench, street.bin, street.street_lamp, street.bollard, vehicles.bicycle, pots.plant,
              nature.hedge, people.dog, street.pole, small_things.box)  # fmt: skip
    for _ in range(int(rng.integers(6, 16))):
        item = makers[int(rng.integers(len(makers)))](rng)
        site.put(item, rng.uniform(-0.8, 0.8) * half, rng.uniform(1, 30), 0.0, rng.integers(4) * np.pi / 2)
    species = str(rng.choice(nature.STREET_SPECIES))
    for _ in range(int(rng.integers(0, 7))):
        x, y = rng.uniform(-0.8, 0.8) * half, rng.uniform(5, deep - 3)
        site.tree(x, y, 0.0, species)
    site.before(int(rng.integers(1, 4)), (people.person, people.person, street.bench, street.bollard, park.parasol))
    site.horizon(3, 0, half + 10)
    return site.place()


def courtyard(rng) -> Place:
    """A yard between flats: bins, bicycles, a tree, cars, children."""
    site = Site(rng, (rng.uniform(-2, 2), 0.0, rng.normal(0, 0.3)), "walker", 0.4)
    site.ground(str(rng.choice(["pavement", "grass", "pavement"])))
    half, deep, styles = rng.uniform(6, 13), rng.uniform(14, 32), ("flats", "old", "flats")
    for sign in (-1, 1):
        _row(site, styles, sign * half, sign, -1.0, deep, 16.0)
    _end(site, styles, rng.uniform(-3, 3), deep, 30.0)
    if rng.random() < 0.5:
        for i in range(int(rng.integers(1, 4))):
            site.vehicle(half - 2.6, 4 + 2.8 * i, 0.0, np.pi / 2, 0.1, 0.0)
    for i in range(int(rng.integers(1, 5))):
        site.put(street.bin(rng), -half + 0.6, rng.uniform(2, 5) + 0.9 * i, 0.0, np.pi / 2)
    for i in range(int(rng.integers(0, 5))):
        site.put(vehicles.bicycle(rng), -half + 1.2, 7 + 0.8 * i, 0.0, np.pi / 2)
    makers = (street.bench, nature.bush, small_things.ball, pots.plant, park.slide, people.dog, people.cat,
              nature.hedge, park.picnic_table, small_things.box, street.street_lamp, street.fence,
              small_things.ladder)  # fmt: skip
    for _ in range(int(rng.integers(6, 14))):
        item = makers[int(rng.integers(len(makers)))](rng)
        site.put(item, rng.uniform(-0.8, 0.8) * half, rng.uniform(1.5, deep - 2), 0.0, rng.integers(4) * np.pi / 2)
    for _ in range(int(rng.integers(0, 4))):
        x, y = rng.uniform(-0.6, 0.6) * half, rng.uniform(4, deep - 3)
        site.tree(x, y, 0.0, str(rng.choice(["round", "birch", "bare"])))
    for _ in range(int(rng.integers(2, 7))):
        site.somebody(rng.uniform(-0.8, 0.8) * half, rng.uniform(1.5, deep - 1.5), 0.0)
    site.before(int(rng.integers(0, 3)), (people.person, nature.bush, street.bin, pots.plant))
    return site.place()


def building_site(rng) -> Place:
    """Fences, heaps, a shell of concrete, cones, a truck, a site hut."""
    site = Site(rng, (rng.uniform(-2, 2), 0.0, rng.normal(0, 0.25)), "walker", 0.3)
    site.ground("ground")
    site.raise_horizon(int(rng.integers(0, 2)))
    colour, asphalt = earth(rng, "road")
    if rng.random() < 0.6:
        site.slab("road", colour, (-200, -12, 200, 3.0), 0.02, asphalt)
    y, gap = rng.uniform(4.5, 9), rng.uniform(-6, 6)
    for x in np.arange(-28, 28, 3.55):
        if abs(x - gap) > 3.5:
            site.put(street.site_fence(rng), x, y + rng.normal(0, 0.05), 0.0, rng.normal(0, 0.03))
    storeys, wide = int(rng.integers(2, 6)), rng.uniform(14, 30)
    site.placed.append((park.shell(rng, wide, 12.0, storeys), (rng.uniform(-8, 8), y + rng.uniform(24, 40), 0.0), 0.0))
    x, behind = site.placed[-1][1][:2]
    site.taken.append((x - wide / 2, behind - 6.5, x + wide / 2, behind + 6.5))
    for _ in range(int(rng.integers(2, 6))):
        heap, size = str(rng.choice(["soil", "gravel", "sand"])), rng.uniform(1.5, 4.5)
        x, v = rng.uniform(-20, 20), y + rng.uniform(size + 1, 22)
        spot = (x - size, v - size, x + size, v + size)
        if is_free(spot, site.taken):
            site.taken.append(spot)
            site.placed.append((park.mound(rng, size, size * rng.uniform(0.45, 0.65), heap), (x, v, 0.0), 0.0))
    for _ in range(int(rng.integers(1, 3))):
        site.put(vehicles.truck(rng), rng.uniform(-16, 16), y + rng.uniform(5, 20), 0.0, rng.uniform(0, 6.28))
    hut = Item("building", "white")
    hut.box((0, 0, 1.4), (6.06, 2.44, 2.6), stuff(rng, "white", "corrugated", 0.15))
    hut.box((-1.5, -1.22, 1.6), (1.2, 0.04, 0.9), stuff(rng, "black", "plain"))
    hut.box((1.6, -1.22, 1.15), (0.95, 0.05, 2.0), stuff(rng, "grey", "plain"))
    site.placed.append((hut, (rng.choice([-1, 1]) * 22.0, y + 9, 0.0), rng.normal(0, 0.1)))
    makers = (street.traffic_cone, street.traffic_cone, street.sign, small_things.crate_stack, small_things.ladder,
              nature.rock, street.bollard, vehicles.van, small_things.box, street.bin)  # fmt: skip
    for _ in range(int(rng.integers(8, 18))):
        item = makers[int(rng.integers(len(makers)))](rng)
        site.put(item, rng.uniform(-12, 12), rng.uniform(1.2, 24), 0.0, rng.uniform(-0.5, 0.5))
    for i in range(int(rng.integers(0, 7))):
        site.put(street.traffic_cone(rng), -5 + 1.8 * i, y - 2.2, 0.0)
    for _ in range(int(rng.integers(2, 8))):
        site.somebody(rng.uniform(-9, 9), rng.uniform(2, 28), 0.0)
    if rng.random() < 0.5:  # planks on trestles, a ramp
        ramp = Item("building", "brown")
        plate(ramp, (-1.5, 0.02), (1.5, 0.9), 1.2, 0.05, stuff(rng, "brown", "planks"))
        site.placed.append((ramp, (x * 0.5, y + 21.5, 0.0), 0.0))
    site.before(int(rng.integers(0, 3)), (street.traffic_cone, people.person, small_things.crate_stack, street.bollard))
    site.horizon(4, 6)
    return site.place()
