"""Outdoor things have real sizes, stand on the ground, and fill places that are fit to be looked at."""

from collections import Counter

import numpy as np
import pytest

from train.worlds.outdoors import nature, park, street, vehicles
from train.worlds.outdoors.facades import STOREY, building, front_door
from train.worlds.outdoors.outside import LAYOUTS, outdoor
from train.worlds.places import footprint, overlap
from train.worlds.things import COLOURS, KINDS, STRUCTURE, Item, turn_of

SEEDS = range(50)

# maker: (kind, ranges of the extent along x, y, z in metres); sources: makers' data sheets, road rules, garden rules
SIZES = {
    vehicles.car: ("car", (1.6, 2.3), (3.6, 5.1), (1.4, 1.85)),
    vehicles.van: ("van", (1.9, 2.5), (4.8, 6.1), (1.9, 2.65)),
    vehicles.bus: ("bus", (2.5, 3.1), (10.0, 12.1), (2.9, 3.15)),
    vehicles.truck: ("truck", (2.4, 3.1), (6.5, 12.1), (2.7, 4.05)),
    vehicles.bicycle: ("bicycle", (0.5, 0.65), (1.69, 1.95), (0.95, 1.12)),
    vehicles.motorcycle: ("motorcycle", (0.6, 0.95), (1.94, 2.27), (0.98, 1.27)),
    nature.tree: ("tree", (0.7, 18.0), (0.7, 18.0), (3.5, 20.5)),
    nature.bush: ("bush", (0.5, 4.0), (0.5, 4.0), (0.4, 2.0)),
    nature.hedge: ("hedge", (2.0, 6.1), (0.45, 0.9), (0.8, 2.05)),
    nature.rock: ("rock", (0.2, 3.6), (0.2, 3.6), (0.15, 1.9)),
    street.street_lamp: ("street lamp", (0.1, 0.5), (0.1, 4.7), (4.0, 10.0)),
    street.sign: ("sign", (0.54, 0.91), (0.05, 0.15), (2.5, 3.8)),
    street.gantry: ("sign", (15.0, 15.5), (0.3, 0.7), (7.0, 8.9)),
    street.traffic_light: ("traffic light", (0.3, 5.4), (0.3, 0.6), (2.9, 6.1)),
    street.traffic_cone: ("traffic cone", (0.24, 0.42), (0.24, 0.42), (0.45, 0.75)),
    street.bin: ("bin", (0.35, 0.66), (0.35, 0.76), (0.6, 1.12)),
    street.bench: ("bench", (1.3, 2.0), (0.4, 0.62), (0.42, 0.95)),
    street.fire_hydrant: ("fire hydrant", (0.3, 0.45), (0.25, 0.45), (0.6, 0.9)),
    street.mailbox: ("mailbox", (0.17, 0.6), (0.4, 0.6), (1.0, 1.6)),
    street.bollard: ("bollard", (0.1, 0.35), (0.1, 0.35), (0.9, 1.1)),
    street.pole: ("pole", (0.2, 2.4), (0.1, 0.45), (6.0, 10.0)),
    street.bus_shelter: ("bus shelter", (3.0, 4.1), (1.3, 2.1), (2.4, 2.6)),
    street.fence: ("fence", (3.0, 8.1), (0.04, 0.2), (0.8, 2.0)),
    street.guard_rail: ("fence", (24.0, 24.2), (0.2, 0.3), (0.7, 0.8)),
    street.site_fence: ("fence", (3.5, 3.6), (0.5, 0.7), (1.95, 2.05)),
    front_door: ("door", (1.09, 1.31), (0.1, 0.25), (2.05, 2.31)),
    park.fountain: ("fountain", (2.4, 6.1), (2.4, 6.1), (1.1, 3.6)),
    park.slide: ("slide", (0.5, 1.25), (2.2, 4.9), (1.7, 4.0)),
    park.parasol: ("parasol", (2.0, 3.3), (2.0, 3.3), (2.2, 2.8)),
    park.tent: ("tent", (1.55, 3.3), (2.0, 3.6), (1.1, 3.3)),
    park.picnic_table: ("table", (1.5, 1.9), (1.4, 1.6), (0.72, 0.77)),
}
NEW_KINDS = {
    "bicycle", "motorcycle", "bus", "truck", "traffic light", "fire hydrant", "mailbox", "bollard", "rock", "hedge",
    "tent", "fountain", "slide", "parasol", "pole", "bus shelter",
}  # fmt: skip
OLD_KINDS = {"car", "van", "tree", "street lamp", "traffic cone", "bin", "bench", "fence", "bush", "sign", "person"}


def extents(item):
    """(3,), (3,): the lowest and the highest corner, exact for balls that lie askew."""
    lows, highs = [], []
    for part in item.parts:
        turn, half = np.abs(turn_of(part.axis)), np.array(part.half)
        reach = np.linalg.norm(turn * half, axis=1) if part.shape == "ellipsoid" else turn @ half
        if part.shape == "capsule":  # a rod's ends are round
            reach = turn[:, 2] * (half[2] - half[0]) + half[0]
        lows.append(np.array(part.centre) - reach)
        highs.append(np.array(part.centre) + reach)
    return np.min(lows, axis=0), np.max(highs, axis=0)


@pytest.fixture(scope="module")
def places():
    return [outdoor(np.random.default_rng(seed)) for seed in range(400)]


@pytest.mark.parametrize("maker", SIZES, ids=lambda maker: maker.__name__)
def test_every_maker_keeps_to_its_real_sizes_and_stands_on_the_ground(maker):
    kind, *ranges = SIZES[maker]
    drawn = []
    for seed in SEEDS:
        item = maker(np.random.default_rng(seed))
        low, high = extents(item)
        assert item.kind == kind and item.colour in COLOURS[1:]
        for axis, (least, most) in zip("xyz", ranges, strict=True):
            size = high[2] if axis == "z" else (high - low)["xy".index(axis)]
            assert least <= size <= most, (seed, axis, size)
        assert -0.005 <= low[2] <= 0.03, (seed, low[2])
        drawn.append(tuple(np.round(high - low, 3)))
    if maker not in (street.site_fence, street.gantry, street.guard_rail):
        assert len(set(drawn)) > 25


def test_wheels_plates_and_seats_have_their_standard_sizes():
    for seed in SEEDS:
        car = vehicles.car(np.random.default_rng(seed))
        wheels = [part for part in car.parts if part.shape == "cylinder" and part.half[2] == 0.11]
        across = sorted({round(2 * part.half[0], 3) for part in wheels})
        assert any(0.6 <= size <= 0.7 for size in across)
        plates = [part for part in car.parts if part.half[0] == 0.26 and part.half[2] == 0.055]
        assert len(plates) == 2
        bicycle = vehicles.bicycle(np.random.default_rng(seed))
        rim = [p for p in bicycle.parts if p.shape == "capsule" and p.half[0] == 0.02]
        assert 0.655 <= extents(Item("bicycle", "none", rim))[1][2] <= 0.705
        bench = street.bench(np.random.default_rng(seed))
        seat = max(p.centre[2] + p.half[2] for p in bench.parts if p.half[0] > 0.6 and p.centre[1] < 0.22)
        assert 0.43 <= seat <= 0.47


@pytest.mark.parametrize("style", STOREY)
def test_a_building_s_windows_repeat_with_its_storeys_and_its_door_is_a_door(style):
    for seed in SEEDS:
        built = building(np.random.default_rng(seed), style)
        low, high = extents(built.item)
        assert -0.01 <= low[2] <= 0.01 and high[2] >= built.size[2]
        assert built.item.kind == "building" and len(built.item.parts) <= 220
        for door, (x, y, z) in built.things:
            assert door.kind == "door" and abs(x) <= built.size[0] / 2 and 0 <= z <= 0.4
            assert -built.size[1] / 2 - 0.2 <= y <= -built.size[1] / 2
        if style in ("flats", "old"):  # frames cross every window once a storey
            bars = sorted(
                {round(p.centre[2], 4) for p in built.item.parts if abs(p.half[2] - 0.03) < 1e-9 and p.half[1] == 0.02}
            )
            gaps = np.diff(bars)
            assert len(gaps) and ((gaps > 2.75) & (gaps < 3.55)).all(), (seed, bars)
        far = building(np.random.default_rng(seed), style, near=False)
        assert len(far.item.parts) <= 12


def test_far_vehicles_are_the_near_ones_with_fewer_parts():
    for maker in (vehicles.car, vehicles.van, vehicles.bus, vehicles.truck):
        for seed in range(10):
            near, far = maker(np.random.default_rng(seed)), maker(np.random.default_rng(seed), near=False)
            assert len(far.parts) < 0.75 * len(near.parts)
            length = [np.ptp(extents(item), axis=0)[1] for item in (near, far)]
            assert length[0] == pytest.approx(length[1], abs=0.1)
            assert near.colour == far.colour


def test_all_outdoor_kinds_appear(places):
    seen = Counter(item.kind for place in places for item, _, _ in place.placed)
    assert not (NEW_KINDS | OLD_KINDS) - set(seen)
    assert {"road", "pavement", "grass", "ground", "building", "wall"} <= set(seen)
    assert set(seen) <= set(KINDS)
    for kind in NEW_KINDS:
        where = sum(any(item.kind == kind for item, _, _ in place.placed) for place in places)
        assert where >= 8, (kind, where)


def test_places_keep_to_250_instances_and_1500_shapes(places):
    things = [sum(item.kind not in STRUCTURE for item, _, _ in place.placed) for place in places]
    shapes = [sum(len(item.parts) for item, _, _ in place.placed) for place in places]
    assert max(things) <= 250 and max(shapes) <= 1500
    assert np.median(things) >= 25 and 300 <= np.median(shapes) <= 1000


def test_nothing_stands_where_the_viewer_does_and_drivers_are_in_the_road(places):
    drivers = 0
    for place in places:
        rng = np.random.default_rng(5)
        x, y, _ = place.viewpoint(rng)
        me = (x - 0.1, y - 0.1, x + 0.1, y + 0.1)
        for item, at, yaw in place.placed:
            low, high = item.bounds()
            if item.kind in ("car", "van", "bus", "truck", "person", "bin", "bench", "bicycle", "hedge", "tent"):
                assert not overlap(me, footprint(item, at[0], at[1], yaw)), item.kind
            if item.kind == "building" and low[2] < 1.0:
                core = max(item.parts, key=lambda part: np.prod(part.half))
                if core.centre[2] - core.half[2] < 1.0:
                    item = Item("building", "none", [core])
                    assert not overlap(me, footprint(item, at[0], at[1], yaw)), high
        assert place.domain == "outdoor" and place.room is None and place.style in ("walker", "driver")
        if place.style == "driver":
            drivers += 1
            roads = [footprint(item, at[0], at[1], yaw) for item, at, yaw in place.placed if item.kind == "road"]
            assert any(overlap(me, area) for area in roads)
    assert 0.25 < drivers / len(places) < 0.6


def test_things_stand_on_the_road_the_pavement_or_the_slope_below_them(places):
    """Never sunk, never afloat: doors (on steps), riders and sitters (on what carries them) apart."""
    for place in places[:120]:
        flats, slopes = [], []
        for item, at, yaw in place.placed:
            part = item.parts[0]
            if item.kind in ("road", "pavement", "ground", "grass") and len(item.parts) == 1:
                if part.shape == "ellipsoid":
                    slopes.append((item, at, yaw))
                elif part.shape == "box" and part.axis == "z" and yaw == 0:
                    flats.append((footprint(item, at[0], at[1], 0.0), at[2] + part.centre[2] + part.half[2]))
        for item, (x, y, z), _ in place.placed:
            if item.kind in STRUCTURE or item.kind in ("door", "person"):
                continue
            tops = [top for area, top in flats if area[0] <= x <= area[2] and area[1] <= y <= area[3]]
            below = max(*tops, 0.0, nature.height_on(slopes, x, y))
            assert -0.03 <= z - below <= 0.04, (item.kind, z, below)


def test_near_things_and_far_ones_are_both_common(places):
    near, far = 0, 0
    for place in places:
        x, y, heading = place.viewpoint(np.random.default_rng(9))
        away = []
        for item, at, _ in place.placed:
            if item.kind not in STRUCTURE:
                ahead = (at[0] - x) * np.sin(heading) + (at[1] - y) * np.cos(heading)
                across = (at[0] - x) * np.cos(heading) - (at[1] - y) * np.sin(heading)
                away += [ahead] if ahead > 0 and abs(across) < ahead else []
        near, far = near + any(a < 4.5 for a in away), far + any(60 < a < 120 for a in away)
    assert near > 0.45 * len(places) and far > 0.5 * len(places)


def test_a_seed_gives_the_same_place():
    for seed in (1, 2, 3):
        one, two = (outdoor(np.random.default_rng(seed)) for _ in range(2))
        assert [(i, a, y) for i, a, y in one.placed] == [(i, a, y) for i, a, y in two.placed]
        assert one.viewpoint(np.random.default_rng(4)) == two.viewpoint(np.random.default_rng(4))


def test_every_layout_is_drawn_with_the_odds_it_names():
    assert sum(LAYOUTS.values()) == pytest.approx(1.0)
    assert all(0.01 < odds < 0.4 for odds in LAYOUTS.values())
