"""Streets, parks and squares."""

from __future__ import annotations

import numpy as np

from . import nature, street, vehicles
from .facades import building
from .people import person
from .places import Place, _put, _slab
from .small_things import ball, box
from .things import Paint, rgb_of, shade


def _earth(rng, kind):
    """The ground as far as one can see: its top at z = 0."""
    if kind == "grass":
        rgb, colour = np.array(rgb_of(rng, "green")) * rng.uniform(0.5, 1), "green"
        rgb = 0.75 * rgb + 0.25 * np.array(rgb_of(rng, "yellow")) * 0.4
        paint = Paint(tuple(rgb), shade(rgb, 0.5), "speckle", rng.uniform(0.08, 0.3))
    elif kind == "pavement":
        colour = str(rng.choice(["grey", "brown", "white"]))
        rgb = shade(rgb_of(rng, colour), 0.8)
        paint = Paint(rgb, shade(rgb, 0.7), str(rng.choice(["tiles", "bricks", "speckle"])), rng.uniform(0.3, 1))
    else:
        colour = str(rng.choice(["brown", "grey"]))
        rgb = rgb_of(rng, colour)
        paint = Paint(rgb, shade(rgb, 0.7), "speckle", rng.uniform(0.1, 0.5))
    return colour, paint


def _ground(rng, placed, kind):
    colour, paint = _earth(rng, kind)
    placed.append(_slab(kind, colour, (0, 0, -2.0), (900, 900, 4.0), paint))


def _person_at(rng, placed, taken, x, y):
    _put(placed, taken, person(rng), x, y, 0, rng.uniform(0, 2 * np.pi))


def _buildings_along(rng, placed, taken, x, sign, start, stop, gap):
    y = start
    while y < stop:
        built = building(rng, "flats", near=False)
        item, size = built.item, built.size
        at = x + sign * size[1] / 2
        _put(placed, taken, item, at, y + size[0] / 2, 0, sign * -np.pi / 2, margin=0)
        y += size[0] + (rng.uniform(0.0, gap) if rng.random() < 0.7 else 0.0)


def _street(rng) -> Place:
    placed, taken = [], []
    lanes = int(rng.choice([1, 2, 2, 2, 3, 4]))
    lane = rng.uniform(3.0, 3.5)
    half = lanes * lane / 2 + rng.uniform(0, 2.2)
    pavement = rng.uniform(1.5, 4.0)
    _ground(rng, placed, str(rng.choice(["grass", "ground", "pavement"])))
    grey = rgb_of(rng, "grey")
    asphalt = Paint(shade(grey, rng.uniform(0.3, 0.7)), (0.75, 0.75, 0.72), "lane", lane)
    placed.append(_slab("road", "grey", (0, 40, -0.98), (2 * half, 600, 2.0), asphalt))
    colour, paint = _earth(rng, "pavement")
    for sign in (-1, 1):
        at = (sign * (half + pavement / 2), 40, -0.87)
        placed.append(_slab("pavement", colour, at, (pavement, 600, 2.0), paint))
    setback = float(rng.choice([0.0, 0.0, rng.uniform(1, 10)]))
    gap = float(rng.choice([0.5, 4, 15]))
    if rng.random() < 0.85:
        for sign in (-1, 1):
            if rng.random() < 0.85:
                _buildings_along(rng, placed, taken, sign * (half + pavement + setback), sign, -30, 105, gap)
    if rng.random() < 0.5:
        item = building(rng, "flats", near=False).item
        _put(placed, taken, item, rng.uniform(-8, 8), rng.uniform(65, 112), 0, 0)
    kerb = half - 1.0
    for sign in (-1, 1):
        if lanes > 1 and rng.random() < 0.65:
            y, busy = rng.uniform(-12, 0), rng.uniform(0.3, 0.9)
            while y < 75:
                if rng.random() < busy * (1.0 if y < 35 else 0.5):
                    item = vehicles.van(rng) if rng.random() < 0.12 else vehicles.car(rng)
                    _put(placed, taken, item, sign * kerb, y, 0.02, 0.0 if sign < 0 else np.pi, margin=0.05)
                y += rng.uniform(5.4, 7.5)
        row = rng.choice(["trees", "lamps", "both", "none"])
        y, step = rng.uniform(-6, 8), rng.uniform(7, 16)
        while y < 100 and row != "none":
            use_tree = row == "trees" or (row == "both" and rng.random() < 0.5)
            item = nature.tree(rng) if use_tree else street.street_lamp(rng)
            low, high = (-0.3, -0.3), (0.3, 0.3)
            spot = (sign * (half + 0.45) + low[0], y + low[1], sign * (half + 0.45) + high[0], y + high[1])
            if not any(spot[0] < t[2] and t[0] < spot[2] and spot[1] < t[3] and t[1] < spot[3] for t in taken):
                yaw = -np.pi / 2 if sign > 0 else np.pi / 2
                placed.append((item, (sign * (half + 0.45), y, 0.13), yaw))
                taken.append(spot)
            y += step
    for _ in range(int(rng.integers(0, 4))):  # driving
        item = vehicles.van(rng) if rng.random() < 0.15 else vehicles.car(rng)
        x = (int(rng.integers(lanes)) - (lanes - 1) / 2) * lane
        _put(placed, taken, item, x, rng.uniform(6, 90), 0.02, 0.0 if x < 0 else np.pi)
    makers = (person, person, person, person, street.bin, street.bench, street.sign, nature.bush, box)
    for _ in range(int(rng.integers(3, 14))):
        item, sign = makers[int(rng.integers(len(makers)))](rng), rng.choice([-1, 1])
        x = sign * (half + rng.uniform(0.4, pavement - 0.4))
        y = rng.uniform(-3, 14) if rng.random() < 0.55 else rng.uniform(10, 60)
        yaw = (-np.pi / 2 if sign > 0 else np.pi / 2) if item.kind != "person" else rng.uniform(0, 2 * np.pi)
        _put(placed, taken, item, x, y, 0.13, yaw)
    for _ in range(int(rng.integers(0, 4)) if rng.random() < 0.3 else 0):
        _put(placed, taken, street.traffic_cone(rng), rng.uniform(-half, half), rng.uniform(2, 20), 0.02)
    if rng.random() < 0.4:
        _person_at(rng, placed, taken, rng.uniform(-half, half), rng.uniform(3, 25))

    def view(r):
        side = r.choice([-1, 1])
        x = side * (half + r.uniform(0.5, pavement - 0.5)) if r.random() < 0.5 else r.uniform(-half, half) * 0.8
        across = r.random() < 0.25
        heading = -np.sign(x) * r.uniform(0.6, 1.8) if across else r.normal(0, 0.25)
        return x, r.uniform(-5, 12), heading

    return Place("outdoor", placed, view)


def _open(rng, park: bool) -> Place:
    placed, taken = [], []
    _ground(rng, placed, "grass" if park else str(rng.choice(["pavement", "pavement", "ground"])))
    if park and rng.random() < 0.7:
        colour, paint = _earth(rng, str(rng.choice(["pavement", "ground"])))
        at = (rng.uniform(-4, 4), 40, -0.99)
        item, where, _ = _slab("pavement", colour, at, (rng.uniform(1.5, 4), 300, 2.0), paint)
        placed.append((item, where, rng.uniform(-0.4, 0.4)))
    for _ in range(int(rng.integers(1, 9))):
        item = building(rng, "flats", near=False).item
        angle, distance = rng.uniform(-1.5, 1.5), rng.uniform(45 if park else 18, 105)
        _put(placed, taken, item, distance * np.sin(angle), distance * np.cos(angle), 0, rng.uniform(0, 6.28))
    trees = int(rng.integers(5, 22)) if park else int(rng.integers(0, 7))
    makers = [
        person,
        person,
        street.bench,
        street.bin,
        nature.bush,
        street.street_lamp,
        street.fence,
        ball,
        box,
    ]
    makers += [nature.bush] * 2 if park else [vehicles.car, vehicles.car, vehicles.van, street.traffic_cone]
    plan = [nature.tree] * trees + [makers[i] for i in rng.integers(len(makers), size=int(rng.integers(5, 18)))]
    for maker in plan:
        item = maker(rng)
        far = 85.0 if maker in (nature.tree, vehicles.car, vehicles.van) else 28.0
        distance, angle = np.exp(rng.uniform(np.log(2.2), np.log(far))), rng.uniform(-1.2, 1.2)
        if maker is nature.tree:
            distance = max(distance, 4.0)
        yaw = rng.uniform(-0.6, 0.6) if maker is street.fence else rng.uniform(0, 6.28)
        _put(placed, taken, item, distance * np.sin(angle), distance * np.cos(angle), 0, yaw)
    return Place("outdoor", placed, lambda r: (r.uniform(-0.8, 0.8), r.uniform(-1.5, 0.5), r.normal(0, 0.45)))


def outdoor(rng) -> Place:
    """A street (60 %), a park (22 %) or a square."""
    style = rng.random()
    return _street(rng) if style < 0.6 else _open(rng, park=style < 0.82)
