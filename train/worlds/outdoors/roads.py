"""A city street, and what all roads share: lanes, marks, traffic. Metres, the way ahead along y.

Lanes 2.75-3.75 wide, kerbs 0.10-0.16 high, parking lanes 2.0-2.3, marks 0.1-0.15 wide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import people
from ..places import Place
from ..things import Item, Paint, paint_of, stuff
from . import nature, street, vehicles
from .facades import building
from .park import parasol
from .site import STREET_SIDE, Site, earth

TOP = 0.02  # height of the road's surface
FAR_END = 110.0  # y up to which marks and vehicles go


@dataclass
class Road:
    """A road's cross section, metres; lanes are numbered from the left."""

    lanes: int
    lane: float  # width of one
    parking: float  # width of a parking lane on either side, 0 = none
    kerb: float  # height
    pavement: float  # width of either one
    hand: int  # 1: traffic keeps to the right, -1: to the left
    one_way: bool = False

    @property
    def half(self) -> float:
        """From the middle to the kerb."""
        return self.lanes * self.lane / 2 + self.parking

    def centre(self, number: int) -> float:
        """x of a lane's middle."""
        return (number - (self.lanes - 1) / 2) * self.lane

    def ahead(self, number: int) -> bool:
        """Whether this lane runs away from the viewer."""
        if self.lanes == 1 or self.one_way:
            return True
        return self.centre(number) * self.hand > (-0.1 if self.lanes == 3 else 0.1) * self.lane


def paints(rng) -> tuple[Paint, Paint]:
    """White marks, and now and then yellow ones for the middle."""
    rgb = (rng.uniform(0.55, 0.8),) * 3
    white = Paint(rgb, tuple(0.7 * c for c in rgb), "noise", 0.5)
    yellow = paint_of(rng, "yellow", "noise", 0.5, 0.2)
    return white, yellow if rng.random() < 0.25 else white


def dashes(marks: Item, x, start, stop, paint, on, off, wide=0.13, skip=None):
    """A broken line along y, without what falls between the two ends of `skip`."""
    y = start
    while y < stop:
        if skip is None or not (skip[0] - on < y < skip[1]):
            marks.box((x, y + on / 2, TOP - 0.096), (wide, on, 0.2), paint)
        y += on + off


def line(marks: Item, x, start, stop, paint, wide=0.13):
    if stop > start:
        marks.box((x, (start + stop) / 2, TOP - 0.096), (wide, stop - start, 0.2), paint)


def _zebra(marks: Item, half, y, paint):
    """A crossing 3 m deep of stripes 0.5 m wide."""
    for x in np.arange(-half + 0.4, half - 0.2, 1.0):
        marks.box((x + 0.1, y, TOP - 0.094), (0.5, 3.0, 0.2), paint)


def traffic(site: Site, road: Road, busy: float, skip=None, heavy=0.12, riders=0.1):
    """Vehicles and riders in all lanes.

    busy: odds that a gap is taken. skip: (from, to) along y that stays empty (a junction). heavy, riders: odds of them.
    """
    rng = site.rng
    for number in range(road.lanes):
        ahead = road.ahead(number)
        queue = rng.random() < 0.25
        y = rng.uniform(6.5, 14) if queue else rng.uniform(5, 40)
        while y < FAR_END - 4:
            if skip is None or not (skip[0] - 4 < y < skip[1] + 4):
                x, yaw = road.centre(number) + rng.normal(0, 0.12), np.pi if ahead else 0.0
                if rng.random() < riders:
                    site.ride(x + 0.3 * road.lane * road.hand * (1 if ahead else -1), y, TOP, yaw)
                elif rng.random() < (0.85 if queue else busy):
                    site.vehicle(x, y, TOP, yaw, heavy)
            y += rng.uniform(7, 10) if queue else rng.uniform(9, 35)


def _parked(site: Site, road: Road, skip):
    """Cars, now and then a motorcycle, along both kerbs."""
    rng, stop = site.rng, 85.0
    for sign in (-1, 1):
        busy, y = rng.uniform(0.35, 0.95), rng.uniform(-5, 0)
        while y < stop:
            if rng.random() < busy * (1.0 if y < 45 else 0.6) and not (skip and skip[0] - 6 < y < skip[1] + 6):
                x = sign * (road.half - road.parking / 2 - 0.05) + rng.normal(0, 0.05)
                yaw = np.pi if sign * road.hand > 0 else 0.0
                if rng.random() < 0.05:
                    site.put(vehicles.motorcycle(rng, site.near(x, y)), x, y, TOP, yaw + rng.normal(0, 0.2))
                else:
                    site.vehicle(x, y, TOP, yaw, 0.12, 0.1)
            y += rng.uniform(5.2, 7.0)


def _frontage(site: Site, style: str, sign: int, x: float, start: float, stop: float, gap: float):
    """Buildings along one side, fronts at x; those near are built in detail."""
    rng, y = site.rng, start
    while y < stop:
        near = site.near(x, y + 6, 22.0)
        kind = style if rng.random() < 0.75 else str(rng.choice(["flats", "old", "office"]))
        built = building(rng, kind, near=near)
        width, depth, _ = built.size
        if y + width > stop + 6:
            return
        site.build(built, x + sign * depth / 2, y + width / 2, -sign * np.pi / 2, -0.05)
        y += width + (rng.uniform(0.5, gap) if gap and rng.random() < 0.5 else 0.0)


def _pavement_life(site: Site, road: Road, top: float, skip):
    """People, street furniture, rows of trees and lamps on both pavements."""
    rng, half, wide = site.rng, road.half, road.pavement

    def clear(y: float) -> float:
        """The same place along the street, or beyond the cross street."""
        return skip[1] + 3.0 + 0.5 * (y - skip[0]) if skip and skip[0] - 2.5 < y < skip[1] + 2.5 else y

    for sign in (-1, 1):
        out = -sign * np.pi / 2  # faces the road
        row, y, step = str(rng.choice(["trees", "lamps", "both", "poles"])), rng.uniform(-4, 6), rng.uniform(8, 18)
        species = str(rng.choice(nature.STREET_SPECIES))
        while y < 105:
            tree = row == "trees" or (row == "both" and rng.random() < 0.6)
            if not (skip and skip[0] - 2 < y < skip[1] + 2):
                if tree:
                    site.tree(sign * (half + 0.5), y, top, species)
                else:
                    item = street.pole(rng) if row == "poles" else street.street_lamp(rng)
                    site.stand(item, sign * (half + 0.5), y, top, out)
            y += step * rng.uniform(0.9, 1.1)
        if rng.random() < 0.2:
            for y in np.arange(rng.uniform(-2, 2), rng.uniform(8, 20), rng.uniform(1.5, 2.5)):
                site.put(street.bollard(rng), sign * (half + 0.3), clear(y), top)
        if rng.random() < 0.35 and wide > 2.2:
            site.put(street.bus_shelter(rng), sign * (half + 1.4), clear(rng.uniform(5, 30)), top, out)
    for _ in range(int(rng.integers(4, 16))):
        sign, y = rng.choice([-1, 1]), rng.uniform(-1, 14) if rng.random() < 0.5 else rng.uniform(8, 70)
        along = rng.choice([0.0, np.pi]) if rng.random() < 0.7 else None
        site.somebody(sign * (half + rng.uniform(0.5, max(0.6, wide - 0.4))), clear(y), top, along)
    for _ in range(int(rng.integers(5, 14))):
        sign, y = rng.choice([-1, 1]), rng.uniform(0, 12) if rng.random() < 0.5 else rng.uniform(8, 55)
        item = STREET_SIDE[int(rng.integers(len(STREET_SIDE)))](rng)
        out = float(-sign * np.pi / 2)
        yaw = {"sign": 0.0 if sign > 0 else float(np.pi), "bicycle": 0.2}.get(item.kind, out)
        at_kerb = item.kind in ("sign", "pole", "fire hydrant", "mailbox")
        x = 0.5 if at_kerb else rng.uniform(0.5, max(0.6, wide - 0.5))
        site.put(item, sign * (half + x), clear(y), top, yaw)
    for _ in range(int(rng.integers(0, 3)) if wide > 2.0 else 0):
        sign = rng.choice([-1, 1])
        site.seat(sign * (half + 1.0), clear(rng.uniform(2, 25)), top, sign * np.pi / 2 + np.pi * rng.integers(2))
    if rng.random() < 0.25 and wide > 2.5:  # tables outside a café
        sign, y = rng.choice([-1, 1]), rng.uniform(4, 20)
        for i in range(int(rng.integers(1, 4))):
            site.stand(parasol(rng), sign * (half + wide - 1.1), clear(y + 2.6 * i), top, radius=1.0)


def city_street(rng) -> Place:
    """One to four lanes between kerbs, parked cars, pavements and built fronts, a cross street now and then."""
    lanes = int(rng.choice([1, 2, 3, 4], p=[0.15, 0.5, 0.1, 0.25]))
    road = Road(lanes, rng.uniform(2.75, 3.6), rng.uniform(2.0, 2.3) if rng.random() < 0.65 else 0.0,
                rng.uniform(0.10, 0.16), rng.uniform(1.6, 4.8), 1 if rng.random() < 0.75 else -1)  # fmt: skip
    half, top = road.half, TOP + road.kerb
    driver = rng.random() < 0.55
    if driver:
        mine = [i for i in range(lanes) if road.ahead(i)]
        eye = (road.centre(int(rng.choice(mine))), 0.0, rng.normal(0, 0.03))
    else:
        sign = rng.choice([-1, 1])
        heading = -sign * (rng.uniform(0.5, 1.6) if rng.random() < 0.3 else rng.uniform(-0.1, 0.4))
        eye = (sign * (half + rng.uniform(0.6, road.pavement - 0.5)), 0.0, heading)
    site = Site(rng, eye, "driver" if driver else "walker", 0.06 if driver else 0.22)
    site.ground(str(rng.choice(["grass", "ground", "pavement"])))
    site.raise_horizon(int(rng.integers(0, 2)))
    middle, cross = rng.uniform(16, 75), rng.uniform(2.9, 6.5)
    skip = (middle - cross, middle + cross) if rng.random() < 0.6 else None
    _carriageway(site, road, skip)
    if road.parking:
        _parked(site, road, skip)
    traffic(site, road, rng.uniform(0.2, 0.8), skip=skip)
    _fronts(site, road, skip)
    if skip:
        _junction(site, road, skip, top)
    _pavement_life(site, road, top, skip)
    if not driver and rng.random() < 0.7:
        makers = (*STREET_SIDE, people.person, people.person, people.dog, street.fence)
        site.before(int(rng.integers(1, 4)), makers)
    if rng.random() < 0.2:
        for i in range(int(rng.integers(2, 6))):
            site.put(street.traffic_cone(rng), half - 0.5 - 0.25 * i, 6 + 2.0 * i, TOP)
    site.horizon(int(rng.integers(1, 4)), int(rng.integers(0, 5)), 45.0)
    return site.place()


def _carriageway(site: Site, road: Road, skip) -> None:
    """Asphalt, kerbs, pavements and marks, cut by a cross street from y = skip[0] to skip[1]."""
    rng, half, top = site.rng, road.half, TOP + road.kerb
    colour, asphalt = earth(rng, "road")
    site.slab("road", colour, (-half, -60, half, 260), TOP, asphalt)
    colour, paving = earth(rng, "pavement")
    edging = stuff(rng, "grey", "concrete", 0.15)
    pieces = [(-60.0, skip[0]), (skip[1], 260.0)] if skip else [(-60.0, 260.0)]
    for sign in (-1, 1):
        inner, outer = sorted((sign * half, sign * (half + road.pavement)))
        for y0, y1 in pieces:
            site.slab("pavement", colour, (inner, y0, outer, y1), top, paving)
            edge = sorted((sign * half, sign * (half + 0.15)))
            site.slab("pavement", "grey", (edge[0], y0, edge[1], y1), top + 0.003, edging)
        if skip:
            near, far = sorted((sign * (half + road.pavement), sign * 120.0))
            for y0, y1 in ((skip[0] - road.pavement, skip[0]), (skip[1], skip[1] + road.pavement)):
                site.slab("pavement", colour, (near, y0, far, y1), top - 0.002, paving)
    marks, (white, inner) = Item("road", "white"), paints(rng)
    if skip:
        site.slab("road", "grey", (-150, skip[0], 150, skip[1]), TOP - 0.003, asphalt)
        wide = half if road.lanes > 1 else 2 * half
        stop = road.hand * half / 2 if road.lanes > 1 else 0.0
        marks.box((stop, skip[0] - 1.0, TOP - 0.096), (wide, 0.4, 0.2), white)
        if rng.random() < 0.6:
            _zebra(marks, half, skip[0] - 3.4, white)
            _zebra(marks, half, skip[1] + 2.2, white)
    elif rng.random() < 0.3:
        _zebra(marks, half, rng.uniform(9, 40), white)
    for i in range(1, road.lanes):
        x = (i - road.lanes / 2) * road.lane
        paint = inner if abs(x) < 0.1 else white
        if abs(x) < 0.1 and rng.random() < 0.5:
            for y0, y1 in pieces:
                line(marks, x, max(y0, -20), min(y1 - 4, FAR_END), paint)
        else:
            dashes(marks, x, rng.uniform(-14, -10), 100, paint, 3.0, rng.uniform(3, 6), skip=skip)
    if road.parking and rng.random() < 0.5:
        for sign in (-1, 1):
            for y0, y1 in pieces:
                line(marks, sign * (half - road.parking), max(y0, -20), min(y1 - 5, FAR_END), white, 0.1)
    if marks.parts:
        site.placed.append((marks, (0.0, 0.0, 0.0), 0.0))


def _fronts(site: Site, road: Road, skip) -> None:
    """Buildings on both sides, up to the cross street and beyond it."""
    rng = site.rng
    style = str(rng.choice(["flats", "old", "office", "house"], p=[0.4, 0.3, 0.15, 0.15]))
    gap, setback = float(rng.choice([0, 2, 9])), road.pavement + float(rng.choice([0.0, 0.0, rng.uniform(1, 6)]))
    start = -3 if site.style == "driver" else -9
    blocks = [(start, skip[0] - road.pavement), (skip[1] + road.pavement, 112)] if skip else [(start, 112)]
    for sign in (-1, 1):
        if rng.random() < 0.92:
            for y0, y1 in blocks:
                _frontage(site, style, sign, sign * (road.half + setback), y0, y1, gap)
        if skip:  # seen along the cross street
            for x in (road.half + 24, road.half + 46):
                built = building(rng, style, near=False)
                site.build(built, sign * x, skip[1] + road.pavement + built.size[1] / 2, 0.0)


def _junction(site: Site, road: Road, skip, top: float) -> None:
    """Signals, people who cross, a car that comes from the side."""
    rng, half, middle = site.rng, road.half, (skip[0] + skip[1]) / 2
    for sign in (-1, 1):
        if rng.random() < 0.7:
            side = middle - sign * road.hand * (skip[1] - skip[0]) / 4
            site.vehicle(sign * rng.uniform(half + 3, 30), side, TOP, -sign * np.pi / 2)
    if rng.random() < 0.85:
        for y, yaw in ((skip[0] - 0.5, 0.0), (skip[1] + 0.5, np.pi)):
            for sign in (-1, 1):
                site.stand(street.traffic_light(rng), sign * (half + 0.45), y, top, yaw, 0.2)
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(1, 4))):
            y = skip[0] - 3.4 + rng.uniform(-1, 1)
            site.somebody(rng.uniform(-half, half), y, TOP, rng.choice([-1, 1]) * np.pi / 2)
