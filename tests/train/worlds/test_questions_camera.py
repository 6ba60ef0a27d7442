"""What is asked of the camera, the room and the way ahead, on made-up pictures whose truth is known by construction."""

import numpy as np
import pytest

from tests.train.worlds.asked import level_scene, pairs, points
from train.worlds.asking.camera_questions import camera_height, free_space, room_height, room_width, tilt_word
from train.worlds.asking.seen import Shown
from train.worlds.layout import primitives_of
from train.worlds.things import KINDS, Item, Paint

WALL, FLOOR, CEILING = (KINDS.index(kind) for kind in ("wall", "floor", "ceiling"))


def room_seen(scene, room, box=None):
    """What a camera in an empty room (x, y, z sizes, a corner at the origin) sees; box: a cuboid in it (low, high)."""
    height, width = scene.size
    rows, columns = np.mgrid[:height, :width] + 0.5
    rays = np.dstack([scene.slopes_at(np.stack([columns, rows], -1)), np.ones((height, width))]) @ scene.rotation.T
    with np.errstate(divide="ignore"):
        ends = np.where(rays > 0, (np.array(room) - scene.position) / rays, -scene.position / rays)
        depth, side = ends.min(-1), ends.argmin(-1)
        kind = np.where(side < 2, WALL, np.where(rays[..., 2] > 0, CEILING, FLOOR)).astype(np.uint8)
        if box is not None:
            low, high = ((np.array(corner) - scene.position) / rays for corner in box)
            enter, leave = np.minimum(low, high).max(-1), np.maximum(low, high).min(-1)
            hit = (enter < leave) & (enter > 0) & (enter < depth)
            depth, kind = np.where(hit, enter, depth), np.where(hit, KINDS.index("box"), kind).astype(np.uint8)
    return Shown(scene, depth.astype(np.float32), np.zeros((height, width), np.uint8), kind)


ROOM = (4.0, 6.0, 2.5)


def seen(pitch=0.0, box=None, position=(2.0, 0.5, 1.2)):
    return room_seen(level_scene(1, size=(60, 80), room=ROOM, pitch=pitch, position=position), ROOM, box)


def test_the_room_is_as_high_and_as_wide_as_it_was_built():
    assert room_height(seen()) == pytest.approx(2.5, abs=1e-3)
    assert room_width(seen()) == pytest.approx(4.0, abs=0.02)


def test_a_room_whose_ceiling_or_floor_is_not_to_be_seen_is_not_measured():
    assert room_height(seen(pitch=-50)) is None and room_height(seen(pitch=50)) is None
    assert room_width(seen(pitch=-50)) is None


def test_the_way_ahead_is_free_up_to_the_wall_or_to_what_stands_in_it():
    assert free_space(seen()) == pytest.approx(5.5, abs=0.02)
    in_the_way = ((1.9, 3.5, 0.0), (2.6, 4.0, 1.0))
    assert free_space(seen(box=in_the_way)) == pytest.approx(3.0, abs=0.02)
    assert free_space(seen(pitch=-12, box=in_the_way)) == pytest.approx(3.0, abs=0.02)  # along the floor, not the view


def test_what_is_beside_the_way_under_foot_or_overhead_is_no_obstacle():
    for low, high in (
        ((2.4, 3.0, 0.0), (3.5, 3.5, 2.0)),
        ((1.5, 3.0, 0.0), (2.5, 3.5, 0.08)),
        ((1.5, 3, 1.9), (2.5, 3.5, 2.4)),
    ):
        assert free_space(seen(box=(low, high))) == pytest.approx(5.5, abs=0.02)


def test_the_way_along_a_pavement_is_free_though_the_pavement_is_higher_than_the_road():
    scene, shown = level_scene(1, size=(60, 80), room=ROOM, position=(2.0, 0.5, 1.2)), seen()
    item = Item("pavement", "grey")
    item.box((0, 0, -0.85), (8, 12, 2), Paint((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)))
    scene.primitives, scene.position = primitives_of([(item, (0, 0, 0), 0.0)]), np.array([2.0, 0.5, 1.35])
    assert camera_height(Shown(scene, shown.depth_z, shown.instance, shown.kind)) == pytest.approx(1.2)
    assert free_space(Shown(scene, shown.depth_z, shown.instance, shown.kind)) == pytest.approx(5.5, abs=0.02)


def test_free_space_is_not_told_where_the_ground_in_front_is_hidden():
    assert free_space(seen(pitch=35)) is None


def test_the_camera_is_level_up_or_down_and_in_between_is_not_asked():
    words = [tilt_word(seen(pitch=pitch)) for pitch in (-20, -5.5, -4, -2, 0, 2, 4, 5.5, 20)]
    assert words == ["down", "down", None, "level", "level", "level", None, "up", "up"]


def test_the_cameras_height_is_asked_only_where_ground_is_to_be_seen():
    assert camera_height(seen()) == pytest.approx(1.2)
    assert camera_height(seen(pitch=60)) is None


def test_answers_about_the_camera_are_those_of_the_scene():
    for q, scene, *_ in pairs("tilt", "tilt_word"):
        up = np.degrees(np.arctan2(scene.rotation[2, 2], np.hypot(*scene.rotation[:2, 2])))
        if q["type"] == "tilt_word":
            assert q["answer"] == ("level" if abs(up) < 3 else "up" if up > 0 else "down")
        else:
            degrees, side = int(q["answer"].split(" ")[0]), q["answer"].rsplit(" ", 1)[-1]
            assert abs(degrees * (-1 if side == "down" else 1) - up) < 0.51
    for q, scene, *_ in pairs("fov"):
        left, right = scene.principal[0] / scene.focal, (scene.size[1] - scene.principal[0]) / scene.focal
        assert abs(int(q["answer"].split()[0]) - np.degrees(np.arctan(left) + np.arctan(right))) <= 2.5 + 1e-6
    for q, scene, *_ in pairs("indoor_outdoor"):
        assert q["answer"] == scene.domain


def test_free_space_in_rendered_scenes_is_free():
    """Nothing but slivers of the way is nearer than the answer."""
    for q, scene, depth, *_ in pairs("free_space"):
        answer = q["value"] / {"m": 1, "cm": 100, "ft": 3.28084, "in": 39.3701}[q["unit"]]
        forward = scene.rotation[:2, 2] / np.linalg.norm(scene.rotation[:2, 2])
        with np.errstate(invalid="ignore"):
            world = points(scene, depth) @ scene.rotation.T
            across = world[..., 0] * forward[1] - world[..., 1] * forward[0]
            above = world[..., 2] + scene.camera_height
            way = (np.abs(across) < 0.3) & (above > 0.1) & (above < 1.8) & np.isfinite(depth)
        assert (world[way][:, :2] @ forward < answer - 1e-3).sum() <= 4
