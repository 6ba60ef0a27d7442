"""Open country and gardens: a park, a playground, a forest's edge, a beach, hills with a camp. Metres."""

from __future__ import annotations

import numpy as np

from .. import people, small_things
from ..places import Place
from ..things import Item
from . import nature, park, street, vehicles
from .facades import building
from .site import Site, earth


def _spread(rng, near: float, far: float, half_angle: float = 1.1) -> tuple[float, float]:
    """A spot ahead, as many in every doubling of the distance."""
    reach, angle = np.exp(rng.uniform(np.log(near), np.log(far))), rng.uniform(-half_angle, half_angle)
    return reach * np.sin(angle), reach * np.cos(angle)


def _scatter(site: Site, makers, count: int, near: float, far: float) -> None:
    rng = site.rng
    for _ in range(count):
        maker = makers[int(rng.integers(len(makers)))]
        x, y = _spread(rng, near, far)
        site.put(maker(rng), x, y, None, rng.uniform(0, 2 * np.pi))


def _trees(site: Site, count: int, near: float, far: float) -> None:
    for _ in range(count):
        x, y = _spread(site.rng, near, far)
        site.tree(x, y, radius=1.0 if site.near(x, y) else 2.0)


def _path(site: Site, kind: str) -> None:
    rng = site.rng
    colour, paint = earth(rng, kind)
    path = Item("pavement", colour)
    path.box((0, 40, -0.98), (rng.uniform(1.4, 4.0), 340, 2.0), paint)
    site.placed.append((path, (rng.uniform(-4, 4), 0.0, 0.0), rng.uniform(-0.5, 0.5)))


def _pond(site: Site, x: float, y: float, radius: float) -> None:
    """A pond (fabric) with stones at its edge."""
    rng, water = site.rng, Item("ground", "blue")
    part = (radius, radius * rng.uniform(0.5, 0.9), 1.0)
    water.post(0, 0, -1.98, 0.02, part[0], park.WATER)
    site.placed.append((water, (x, y, 0.0), 0.0))
    for angle in rng.uniform(0, 2 * np.pi, int(rng.integers(4, 12))):
        reach = radius + 0.5
        site.put(nature.rock(rng), x + reach * np.cos(angle), y + reach * np.sin(angle), 0.0, angle)
    site.taken.append((x - 0.7 * radius, y - 0.7 * radius, x + 0.7 * radius, y + 0.7 * radius))


def _knolls(site: Site, count: int, low: float = 14.0, beside: bool = False) -> None:
    """Gentle rises; `beside`: clear of the way ahead."""
    rng = site.rng
    for _ in range(count):
        size = (rng.uniform(14, 50), rng.uniform(14, 40), rng.uniform(0.8, 4.5))
        x, y = _spread(rng, low, 70.0)
        if np.hypot(x, y) > 0.5 * max(size[0], size[1]) + 3 and (not beside or abs(x) > 0.5 * size[0] + 3):
            site.raise_hill(x, y, size)


def city_park(rng) -> Place:
    """Lawns, paths, trees, benches, a pond or a fountain, people and dogs; the town behind."""
    site = Site(rng, (0.0, 0.0, rng.normal(0, 0.25)), "walker", 0.35)
    site.ground("grass")
    site.raise_horizon(int(rng.integers(0, 3)))
    for _ in range(int(rng.integers(0, 3))):
        _path(site, str(rng.choice(["pavement", "ground", "sand"])))
    _knolls(site, int(rng.integers(0, 5)), beside=True)
    if rng.random() < 0.35:
        radius = rng.uniform(4, 12)
        _pond(site, rng.uniform(-8, 8), radius + rng.uniform(4, 20), radius)
    elif rng.random() < 0.4:
        site.put(park.fountain(rng), *_spread(rng, 5, 25, 0.6), 0.0)
    _trees(site, int(rng.integers(12, 34)), 4.5, 100)
    for _ in range(int(rng.integers(1, 5))):
        site.seat(*_spread(rng, 2.0, 25), None, rng.uniform(0, 6.28))
    makers = (street.bench, street.bin, nature.bush, nature.hedge, street.street_lamp, park.picnic_table,
              vehicles.bicycle, small_things.ball, nature.rock, people.dog, street.fence, street.sign,
              park.parasol)  # fmt: skip
    _scatter(site, makers, int(rng.integers(8, 20)), 1.8, 30)
    for _ in range(int(rng.integers(3, 14))):
        site.somebody(*_spread(rng, 1.8, 50))
    site.before(int(rng.integers(0, 3)), (people.person, nature.bush, street.bench, small_things.backpack, people.dog))
    site.horizon(int(rng.integers(0, 5)), int(rng.integers(6, 18)))
    return site.place()


def playground(rng) -> Place:
    """Slides, benches and children on sand or rubber, fenced or hedged, houses behind."""
    site = Site(rng, (rng.uniform(-2, 2), 0.0, rng.normal(0, 0.2)), "walker", 0.3)
    site.ground(str(rng.choice(["grass", "pavement"])))
    site.raise_horizon(int(rng.integers(0, 2)))
    half, start, stop = rng.uniform(6, 12), rng.uniform(1.5, 4), rng.uniform(14, 24)
    colour, paint = earth(rng, str(rng.choice(["sand", "sand", "ground"])))
    site.slab("ground", colour, (-half, start, half, stop), 0.02, paint)
    for _ in range(int(rng.integers(1, 4))):
        site.put(
            park.slide(rng),
            rng.uniform(-0.7, 0.7) * half,
            rng.uniform(start + 1.5, stop - 2),
            0.02,
            rng.integers(8) * np.pi / 4,
        )
    edge = nature.hedge if rng.random() < 0.4 else street.fence
    if rng.random() < 0.75:
        for x in np.arange(-half, half - 2, 4.05):
            site.put(edge(rng, 4.0), x + 2, stop + 0.7, 0.0)
        for side in (-1, 1):
            for y in np.arange(start, stop - 3, 4.05):
                site.put(edge(rng, 4.0), side * (half + 0.7), y + 2, 0.0, np.pi / 2)
    makers = (people.child, people.child, people.child, small_things.ball, small_things.ball, small_things.backpack,
              street.bin, street.bench, vehicles.bicycle, park.picnic_table, people.dog, people.person)  # fmt: skip
    for _ in range(int(rng.integers(9, 20))):
        item = makers[int(rng.integers(len(makers)))](rng)
        site.put(item, rng.uniform(-0.95, 0.95) * half, rng.uniform(1.0, stop - 0.5), 0.02, rng.uniform(0, 6.28))
    _trees(site, int(rng.integers(6, 16)), 5, 60)
    for _ in range(int(rng.integers(1, 5))):
        x, y = rng.uniform(-35, 35), rng.uniform(stop + 6, 60)
        built = building(rng, str(rng.choice(["house", "flats"])), near=site.near(x, y, 30))
        site.build(built, x, y + built.size[1] / 2, rng.normal(0, 0.1))
    site.before(int(rng.integers(0, 3)), (people.child, people.person, street.bench, nature.bush, small_things.ball))
    site.horizon(2, 8)
    return site.place()


def forest_edge(rng) -> Place:
    """A track along or into a wood."""
    site = Site(rng, (0.0, 0.0, rng.normal(0, 0.2)), "walker", 0.3)
    site.ground(str(rng.choice(["grass", "grass", "ground"])))
    site.raise_horizon(int(rng.integers(1, 4)))
    _path(site, str(rng.choice(["ground", "sand"])))
    _knolls(site, int(rng.integers(0, 3)), 20.0, beside=True)
    species = [("conifer", "pine"), ("round", "birch", "wide"), ("conifer", "round", "bare"), ("bare", "birch")]
    kinds, edge = species[int(rng.integers(len(species)))], rng.uniform(2.5, 10)
    both = rng.random() < 0.6
    for _ in range(int(rng.integers(35, 75))):
        side = rng.choice([-1, 1]) if both else 1
        x, y = side * (edge + np.abs(rng.normal(0, 9))), np.exp(rng.uniform(np.log(2.5), np.log(90)))
        site.tree(x, y, None, str(rng.choice(kinds)), 0.5 if site.near(x, y) else 0.9)
    makers = (nature.bush, nature.bush, nature.rock, nature.rock, street.bench, street.fence, street.sign, people.dog)
    _scatter(site, makers, int(rng.integers(6, 16)), 1.8, 30)
    for _ in range(int(rng.integers(0, 5))):
        site.somebody(rng.uniform(-3, 3), rng.uniform(2, 40))
    if rng.random() < 0.3:
        site.ride(rng.uniform(-1, 1), rng.uniform(6, 25), 0.0, rng.choice([0, np.pi]))
    site.before(int(rng.integers(0, 3)), (nature.bush, nature.rock, people.person, small_things.backpack))
    site.horizon(0, 20)
    return site.place()


def beach(rng) -> Place:
    """Sand, the sea ahead or aside, parasols, towels, palms, rocks, hills along the shore."""
    site = Site(rng, (0.0, 0.0, rng.normal(0, 0.3)), "walker", 0.35)
    site.ground("sand")
    site.raise_horizon(1)
    shore, side = rng.uniform(10, 35), rng.choice([-1, 1])
    sea, turn = Item("ground", "blue"), side * rng.uniform(0.0, 1.2)
    sea.box((0, 200, -0.98), (900, 400, 2.0), park.WATER)
    site.placed.append((sea, (-shore * np.sin(turn), shore * np.cos(turn), 0.0), turn))
    for _ in range(int(rng.integers(1, 4))):
        size = (rng.uniform(40, 110), rng.uniform(30, 80), rng.uniform(4, 25))
        site.raise_hill(side * rng.uniform(45, 95), rng.uniform(50, 110), size, str(rng.choice(["green", "brown"])))

    def dry(x: float, y: float) -> bool:
        return -x * np.sin(turn) + y * np.cos(turn) < shore - 0.8

    makers = (park.parasol, park.parasol, people.person, people.child, small_things.ball, nature.rock,
              small_things.backpack, park.tent, people.dog, street.bin, small_things.box)  # fmt: skip
    for _ in range(int(rng.integers(16, 40))):
        x, y = _spread(rng, 1.6, 60)
        if dry(x, y):
            item = makers[int(rng.integers(len(makers)))](rng)
            site.put(item, x, y, None, rng.uniform(0, 6.28))
    for _ in range(int(rng.integers(2, 12))):
        x, y = _spread(rng, 5, 90)
        if dry(x, y):
            site.tree(x, y, None, str(rng.choice(["palm", "palm", "pine"])))
    for _ in range(int(rng.integers(3, 10))):  # stones along the water
        along = rng.uniform(-30, 30)
        x, y = along * np.cos(turn) - shore * np.sin(turn), along * np.sin(turn) + shore * np.cos(turn)
        if y > 2:
            site.put(nature.rock(rng), x, y, 0.0)
    site.before(
        int(rng.integers(0, 3)), (people.person, park.parasol, small_things.ball, small_things.backpack, nature.rock)
    )
    site.horizon(2 if turn else 0, 0)
    return site.place()


def hills(rng) -> Place:
    """Meadows that rise and fall: tents, rocks, fences, trees on the slopes."""
    site = Site(rng, (0.0, 0.0, rng.normal(0, 0.3)), "walker", 0.4)
    site.ground("grass" if rng.random() < 0.8 else "ground")
    _knolls(site, int(rng.integers(3, 8)), 10.0)
    for _ in range(int(rng.integers(2, 5))):
        size = (rng.uniform(60, 150), rng.uniform(50, 110), rng.uniform(8, 32))
        site.raise_hill(rng.uniform(-90, 90), rng.uniform(70, 120), size, str(rng.choice(["green", "green", "brown"])))
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(2, 8))):
            x, y = _spread(rng, 4, 30)
            site.put(park.tent(rng), x, y, None, rng.uniform(0, 6.28))
    makers = (nature.rock, nature.rock, nature.bush, nature.bush, street.fence, park.picnic_table,
              small_things.backpack,
              people.dog, vehicles.bicycle, street.sign, people.person, people.person)  # fmt: skip
    _scatter(site, makers, int(rng.integers(10, 26)), 1.8, 35)
    _trees(site, int(rng.integers(6, 26)), 6, 105)
    if rng.random() < 0.3:
        site.vehicle(*_spread(rng, 7, 25), 0.0, rng.uniform(0, 6.28), 0.3)
    if rng.random() < 0.4:
        x, y = _spread(rng, 25, 80)
        site.build(building(rng, "house", near=site.near(x, y, 30)), x, y, rng.uniform(0, 6.28), 1.0)
    site.before(int(rng.integers(0, 3)), (nature.rock, nature.bush, people.person, street.fence, small_things.backpack))
    site.horizon(1, 10)
    return site.place()
