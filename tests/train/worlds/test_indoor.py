"""Indoor things have real sizes, rooms keep what is in them, and what the layouts promise is there."""

from collections import Counter
from functools import cache

import numpy as np
import pytest

from train.worlds import people, pots, small_things
from train.worlds.clash import clash
from train.worlds.indoors import bathroom, fittings, furniture, kitchen, lamps, screens
from train.worlds.indoors.rooms import PLANS, indoor, rooms_of
from train.worlds.places import footprint, overlap
from train.worlds.things import COLOURS, KINDS, STRUCTURE, TEXTURES, Item, paint_of

ANY = (0.0, 9.0)
# maker -> (kind, width, depth, height) in metres, each from lowest to highest, of the whole thing with its handles
SIZES = {
    furniture.dining_table: ("table", (0.8, 2.2), (0.65, 1.4), (0.72, 0.76)),
    furniture.coffee_table: ("table", (0.6, 1.3), (0.45, 1.0), (0.35, 0.48)),
    furniture.desk: ("desk", (1.1, 1.8), (0.6, 0.82), (0.72, 0.76)),
    furniture.chair: ("chair", (0.38, 0.9), (0.38, 0.95), (0.75, 1.16)),
    furniture.office_chair: ("chair", (0.55, 0.7), (0.5, 0.75), (0.85, 1.16)),
    furniture.stool: ("stool", (0.28, 0.42), (0.28, 0.42), (0.41, 0.77)),
    furniture.sofa: ("sofa", (0.85, 2.4), (0.8, 1.05), (0.7, 0.95)),
    furniture.bed: ("bed", (0.9, 1.95), (1.95, 2.2), (0.5, 1.2)),
    furniture.sideboard: ("cabinet", (0.6, 2.0), (0.35, 0.56), (0.55, 1.0)),
    furniture.wardrobe: ("cabinet", (0.8, 2.4), (0.45, 0.66), (1.8, 2.2)),
    furniture.shelf: ("shelf", (0.6, 1.4), (0.26, 0.56), (0.95, 2.35)),
    furniture.piano: ("piano", (1.45, 1.58), (0.55, 0.68), (1.1, 1.33)),
    furniture.rug: ("rug", (1.0, 3.0), (0.7, 2.6), (0.01, 0.02)),
    kitchen.counter: ("counter", (0.6, 3.6), (0.58, 0.62), (0.86, 0.93)),
    kitchen.fridge: ("fridge", (0.54, 0.72), (0.58, 0.74), (0.8, 1.9)),
    kitchen.oven: ("oven", (0.5, 0.6), (0.58, 0.66), (0.85, 0.94)),
    kitchen.washing_machine: ("washing machine", (0.6, 0.6), (0.5, 0.68), (0.85, 0.85)),
    bathroom.toilet: ("toilet", (0.36, 0.4), (0.58, 0.72), (0.7, 1.15)),
    bathroom.bathtub: ("bathtub", (1.5, 1.85), (0.7, 0.82), (0.55, 2.0)),
    bathroom.basin: ("sink", (0.45, 0.65), (0.38, 0.5), (0.45, 1.06)),
    fittings.door: ("door", (0.7, 1.1), (0.04, 0.2), (2.0, 2.1)),
    fittings.radiator: ("radiator", (0.6, 1.9), (0.06, 0.14), (0.4, 0.82)),
    fittings.light_switch: ("light switch", (0.08, 0.085), (0.0, 0.03), (0.08, 0.25)),
    fittings.socket: ("socket", (0.08, 0.25), (0.0, 0.08), (0.08, 0.09)),
    fittings.clock: ("clock", (0.22, 0.41), (0.0, 0.06), (0.22, 0.41)),
    fittings.mirror: ("mirror", (0.4, 1.0), (0.0, 0.04), (0.4, 1.8)),
    fittings.painting: ("painting", (0.2, 1.1), (0.0, 0.04), (0.2, 0.9)),
    fittings.fireplace: ("fireplace", (0.44, 1.7), (0.3, 0.75), (0.9, 2.1)),
    fittings.stairs: ("stairs", (0.9, 1.55), (0.7, 4.2), (1.4, 3.8)),
    lamps.lamp: ("lamp", ANY, ANY, (1.25, 2.1)),
    lamps.table_lamp: ("lamp", ANY, ANY, (0.33, 0.85)),
    screens.tv: ("tv", (0.7, 1.45), (0.04, 0.25), (0.4, 0.95)),
    screens.monitor: ("tv", (0.42, 0.71), (0.04, 0.25), (0.28, 0.65)),
    screens.laptop: ("laptop", (0.3, 0.37), (0.2, 0.4), (0.015, 0.3)),
    pots.plant: ("plant", ANY, ANY, (0.3, 2.0)),
    pots.vase: ("vase", ANY, ANY, (0.15, 0.55)),
    small_things.bottle: ("bottle", (0.06, 0.11), (0.06, 0.11), (0.2, 0.34)),
    small_things.mug: ("mug", (0.08, 0.14), (0.07, 0.1), (0.08, 0.115)),
    small_things.book: ("book", (0.1, 0.6), (0.13, 0.31), (0.01, 0.31)),
    small_things.bowl: ("bowl", (0.12, 0.31), (0.12, 0.31), (0.03, 0.2)),
    small_things.cushion: ("cushion", (0.35, 0.55), (0.1, 0.5), (0.3, 0.6)),
    small_things.backpack: ("backpack", (0.28, 0.35), (0.2, 0.4), (0.4, 0.55)),
    small_things.suitcase: ("suitcase", (0.3, 0.52), (0.2, 0.34), (0.5, 1.2)),
    small_things.box: ("box", (0.2, 0.8), (0.2, 0.61), (0.19, 0.75)),
    small_things.power_strip: ("socket", (0.3, 1.3), (0.05, 1.0), (0.04, 0.1)),
    small_things.ladder: ("ladder", (0.4, 0.6), (0.4, 1.2), (1.15, 2.25)),
    small_things.waste_bin: ("bin", (0.2, 0.45), (0.15, 0.45), (0.25, 0.75)),
    people.person: ("person", (0.35, 1.1), (0.2, 1.1), (1.49, 1.94)),
    people.child: ("person", (0.2, 0.9), (0.15, 0.8), (0.93, 1.47)),
    people.seated: ("person", (0.35, 0.9), (0.5, 1.0), (1.15, 1.6)),
    people.dog: ("dog", (0.08, 0.36), (0.3, 1.5), (0.25, 1.0)),
    people.cat: ("cat", (0.1, 0.4), (0.3, 0.7), (0.15, 0.5)),
}
ROOM_FREE = {"building", "tree", "grass", "ground", "pavement"}  # seen through windows


@cache
def rooms_at(seed):
    return rooms_of(np.random.default_rng(seed))


def scenes(count):
    return ((seed, rooms_at(seed)) for seed in range(count))


@pytest.mark.parametrize("maker", SIZES, ids=lambda maker: maker.__name__)
def test_a_thing_has_the_sizes_it_has_in_real_life_and_stands_on_the_floor(maker):
    kind, *ranges = SIZES[maker]
    for seed in range(50):
        item = maker(np.random.default_rng(seed))
        assert item.kind == kind and item.colour in COLOURS[1:]
        low, high = item.bounds()
        assert low[2] >= -0.01 and np.isfinite([low, high]).all(), seed
        for size, (least, most) in zip(high - low, ranges, strict=True):
            assert least - 0.005 <= size <= most + 0.005, (seed, high - low)
        for part in item.parts:
            assert min(part.half) > 0 and part.paint.texture in TEXTURES, seed
            assert part.round < min(part.half) or part.shape != "rounded box"


def test_things_of_one_kind_look_different():
    for maker in SIZES:
        looks = {(len(i.parts), i.colour) for i in (maker(np.random.default_rng(seed)) for seed in range(50))}
        assert len(looks) >= 2, maker.__name__


def test_a_seat_a_worktop_and_a_lying_surface_carry_things_at_their_real_heights():
    tops = {
        furniture.desk: (0.72, 0.76),
        kitchen.counter: (0.86, 0.93),
        furniture.sofa: (0.4, 0.45),
        furniture.bed: (0.42, 0.62),
    }
    for maker, (low, high) in tops.items():
        for seed in range(50):
            top = maker(np.random.default_rng(seed)).top
            assert top is not None and low <= top <= high, maker.__name__


def test_what_lies_on_a_bed_lies_on_its_cover():
    for seed in range(50):
        bed = furniture.bed(np.random.default_rng(seed))
        over = [p.centre[2] + p.half[2] for p in bed.parts
                if abs(p.centre[0]) < 0.01 and abs(p.centre[1]) < 0.5 and p.half[1] > 0.5]  # fmt: skip
        assert max(over) == pytest.approx(bed.top)


def test_nothing_leaves_its_room_and_every_scene_is_affordable():
    for seed, rooms in scenes(120):
        placed = rooms[0].placed
        assert sum(item.kind not in STRUCTURE for item, *_ in placed) <= 250, seed
        assert sum(len(item.parts) for item, *_ in placed) <= 1200, seed
        for item, (x, y, z), yaw in placed:
            if item.kind in ROOM_FREE | {"floor", "ceiling", "wall"}:
                continue
            area = footprint(item, x, y, yaw)
            slack = {"door": 0.35, "window": 0.35, "curtain": 0.06}.get(item.kind, 0.02)  # blinds hang in the reveal
            homes = [
                r
                for r in rooms
                if all(area[i] > r.area[i] - slack and area[i + 2] < r.area[i + 2] + slack for i in (0, 1))
            ]
            if len(homes) == 1 and homes[0].knee and item.kind not in ("lamp", "window"):
                assert z + item.bounds()[1][2] < homes[0].headroom(area) + 0.03, (seed, item.kind)  # under the roof
            assert homes, (seed, item.kind, area, [r.area for r in rooms])
            low, high = item.bounds()
            let_in = 0.07 if item.kind == "lamp" else 0.01  # of a lamp, into the ceiling
            assert z + low[2] > -0.035 and z + high[2] < max(r.height for r in homes) + let_in, (seed, item.kind)


def test_furniture_does_not_stand_in_other_furniture():
    large = {"sofa", "bed", "cabinet", "fridge", "bathtub", "piano", "washing machine", "toilet"}
    pairs = clashes = 0
    for _, rooms in scenes(80):
        areas = [footprint(i, x, y, yaw, -0.02) for i, (x, y, z), yaw in rooms[0].placed if i.kind in large and z < 0.1]
        for k, a in enumerate(areas):
            for b in areas[:k]:
                pairs += 1
                clashes += a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    assert pairs > 100 and clashes == 0


def test_small_things_on_one_surface_keep_apart_down_to_the_lowest_shelf():
    small, low, clashes = {"book", "mug", "vase", "bowl", "bottle", "box", "plant"}, 0, []
    for seed, rooms in scenes(80):
        lying = [
            (z, footprint(i, x, y, yaw, -0.005)) for i, (x, y, z), yaw in rooms[0].placed if i.kind in small and z > 0
        ]
        for k, (z, area) in enumerate(lying):
            low += z < 0.2
            clashes += [(seed, z) for height, other in lying[:k] if abs(z - height) < 0.02 and overlap(area, other)]
    assert low > 50 and not clashes


def test_chairs_stand_in_the_leg_space_of_their_desks_and_tables():
    desks, chairs = 0, 0
    for seed, rooms in scenes(120):
        placed = rooms[0].placed
        desks += sum(item.kind == "desk" for item, *_ in placed)
        for table in (entry for entry in placed if entry[0].kind in ("desk", "table")):
            reach = footprint(table[0], *table[1][:2], table[2])
            for person in (entry for entry in placed if entry[0].kind == "person"):
                if any(np.hypot(*np.subtract(person[1], e[1])[:2]) < 0.03 for e in placed if e[0].kind == "chair"):
                    assert not clash(*person, *table), (seed, table[0].kind, person[1])
            for chair in (entry for entry in placed if entry[0].kind == "chair"):
                if overlap(reach, footprint(chair[0], *chair[1][:2], chair[2])):
                    chairs += 1
                    assert not clash(*chair, *table), (seed, table[0].kind, chair[1])
    assert desks > 40 and chairs > 40


def test_a_chair_in_a_pedestal_clashes_and_one_beside_it_does_not():
    """A pedestal 0.4 wide at the right of a desk 1.6 wide: the free stretch ends 0.4 right of the middle."""
    paint = paint_of(np.random.default_rng(0), "white")
    desk, box = Item("desk", "white"), Item("box", "white")
    desk.box((0, 0, 0.73), (1.6, 0.7, 0.02), paint)
    desk.box((0.6, 0, 0.36), (0.4, 0.7, 0.7), paint)
    box.box((0, 0, 0.25), (0.4, 0.4, 0.5), paint)
    for x, hits in ((0.0, False), (0.19, False), (0.23, True), (0.6, True)):
        assert clash(box, (x, 0, 0), 0.0, desk, (0, 0, 0), 0.0) is hits, x
        assert clash(desk, (0, 0, 0), 0.0, box, (x, 0, 0), 0.0) is hits, x
    assert clash(box, (0.17, 0, 0), np.pi / 4, desk, (0, 0, 0), 0.0)  # its corner reaches 0.28
    assert not clash(box, (0.1, 0, 0), np.pi / 4, desk, (0, 0, 0), 0.0)
    assert not clash(box, (0.6, 0, 0.8), 0.0, desk, (0, 0, 0), 0.0)  # it stands on top


def test_pupils_face_the_board_across_their_tables():
    seen = 0
    for _, rooms in scenes(300):
        if rooms[0].name != "classroom":
            continue
        tables = [at for item, at, _ in rooms[0].placed if item.kind == "table"]
        for item, (x, y, _), yaw in rooms[0].placed:
            ahead = (x + 0.45 * np.sin(yaw), y - 0.45 * np.cos(yaw))  # where the chair looks
            near = [t for t in tables if np.hypot(t[0] - x, t[1] - y) < 0.9]
            if item.kind == "chair" and near and abs(np.sin(yaw)) < 0.6:
                nearest = min(near, key=lambda t: np.hypot(t[0] - x, t[1] - y))
                assert abs(nearest[1] - ahead[1]) < abs(nearest[1] - y), (x, y)
                seen += 1
    assert seen > 20


def test_switches_sockets_and_sills_are_at_the_heights_of_the_building_standards():
    heights = {"light switch": (1.0, 1.2), "socket": (0.25, 1.2), "door": (0.0, 0.0)}
    seen = Counter()
    for seed, rooms in scenes(60):
        for item, (_, _, z), _ in rooms[0].placed:
            if item.kind in heights:
                low, high = heights[item.kind]
                assert low <= z <= high or (item.kind == "socket" and z == 0), (seed, item.kind, z)  # a strip
                seen[item.kind] += 1
    assert min(seen[kind] for kind in heights) > 50


def test_all_indoor_kinds_and_all_rooms_appear():
    things, plans = Counter(), set()
    for _, rooms in scenes(300):
        things.update({item.kind for item, *_ in rooms[0].placed})
        plans |= {r.name for r in rooms}
    indoor_kinds = KINDS[KINDS.index("desk") : KINDS.index("cat") + 1]
    indoor_kinds = (*indoor_kinds, *KINDS[KINDS.index("door") : KINDS.index("mug") + 1], "bin", "stool", "curtain")
    assert not [kind for kind in indoor_kinds if things[kind] < 3], things
    assert plans == set(PLANS)


def test_windows_are_holes_and_doorways_lead_to_a_second_room():
    holes = joined = through = 0
    for seed, rooms in scenes(80):
        for room in rooms:
            assert 2.3 <= room.height <= 4.5
            for side in range(4):
                for a, b, low, high in room.holes[side]:
                    holes += 1
                    assert 0 <= a < b <= room.extent(side) and 0 <= low < high <= room.height + 1e-9, seed
                    for item, (x, y, z), yaw in room.placed:
                        if item.kind != "wall":
                            continue
                        wx, wy, wyaw = room.against(side, (a + b) / 2, -0.06)
                        c, s = np.cos(yaw), np.sin(yaw)
                        local = np.array(
                            [c * (wx - x) + s * (wy - y), c * (wy - y) - s * (wx - x), (low + high) / 2 - z]
                        )
                        inside = [(np.abs(local - p.centre) < np.array(p.half) - 1e-6).all() for p in item.parts]
                        through += 1
                        assert not any(inside) or abs(np.sin(yaw - wyaw)) > 0.5, (seed, side)
        joined += len(rooms) == 2
    assert holes > 80 and through > 200 and joined > 15


def test_a_place_depends_on_its_generator_alone():
    one, two = (indoor(np.random.default_rng(5)) for _ in range(2))
    assert one.placed == two.placed and one.targets == two.targets and one.room == two.room
    views = [place.viewpoint(np.random.default_rng(1)) for place in (one, two)]
    assert views[0] == views[1]


def test_targets_and_viewpoints_lie_in_the_room():
    targets = 0
    for seed in range(60):
        place = indoor(np.random.default_rng(seed))
        assert place.room is not None
        for target in place.targets:
            assert all(0 < value < size for value, size in zip(target, place.room, strict=True)), seed
        targets += len(place.targets)
        for k in range(5):
            x, y, _ = place.viewpoint(np.random.default_rng(k))
            assert 0.2 < x < place.room[0] - 0.2 and 0.2 < y < place.room[1] - 0.2
    assert targets > 300
