"""Lenses and viewpoints have the spread of real ones; several views of a world show the same places."""

from collections import Counter
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from heads.distortion import distort, undistort
from train.worlds.camera import NEAR_LOOKS, View, best_view, glance, is_clear
from train.worlds.drawing.render import render
from train.worlds.indoors.rooms import indoor
from train.worlds.layout import MOST_LABELS, labelled, primitives_of, sample_scene, sample_views
from train.worlds.lens import SIZES, Lens
from train.worlds.things import Item, Paint

GREY = Paint((0.3, 0.3, 0.3), (0.3, 0.3, 0.3))


@lru_cache
def many(count=120, first=5000):
    return [sample_scene(seed) for seed in range(first, first + count)]


def corners(scene):
    height, width = scene.size
    return np.array([[x, y] for x in (0, width) for y in (0, height)], float)


def test_fields_of_view_spread_from_25_to_110_degrees():
    fov = np.array([scene.horizontal_fov for scene in many()])
    assert 24 < fov.min() < 36 and 95 < fov.max() < 115
    assert 0.05 < (fov < 45).mean() < 0.4 and 0.08 < (fov > 85).mean() < 0.4
    formats = Counter(scene.size for scene in many())
    assert set(formats) == set(SIZES) and min(formats.values()) >= 4


def test_cameras_are_held_as_people_and_cars_hold_them():
    height = np.array([scene.camera_height for scene in many()])
    pitch, roll = (np.array([getattr(s, key) for s in many()]) for key in ("pitch_deg", "roll_deg"))
    assert 0.1 < height.min() < 0.6 and 1.6 < height.max() <= 2.25
    assert 1.1 < np.median(height) < 1.6 and (height < 0.9).mean() > 0.06
    assert -16 < np.median(pitch) < -2 and (pitch > 3).mean() > 0.04 and pitch.min() < -25
    assert 0.5 < np.abs(roll).mean() < 6 and np.abs(roll).max() <= 20.1


def test_pitch_and_roll_are_the_angles_of_the_picture():
    """Pitched up, it shows the horizon below its middle; turned clockwise, level lines that rise to the right."""
    for scene in many()[:40]:
        east = np.cross(scene.rotation[:, 2], [0, 0, 1.0])
        along = scene.rotation.T @ (east / np.linalg.norm(east))  # a level direction, in the picture
        assert np.degrees(np.arctan2(along[1], along[0])) == pytest.approx(-scene.roll_deg, abs=1e-6)
        flat = scene.rotation[:, 2] * (1, 1, 0)
        horizon = scene.rotation.T @ (flat / np.linalg.norm(flat))
        down = np.hypot(horizon[0], horizon[1]) * np.sign(horizon[1])
        assert np.degrees(np.arctan2(down, horizon[2])) == pytest.approx(scene.pitch_deg, abs=1e-6)


def test_some_crops_are_off_centre_and_some_lenses_bend_lines_mildly():
    shift = np.array([np.array(s.principal) / s.size[::-1] - 0.5 for s in many()])
    off = (np.abs(shift) > 0.065).any(1)
    assert 0.04 < off.mean() < 0.22 and np.abs(shift).max() <= 0.3
    bent = [s for s in many() if s.distortion != (0.0, 0.0)]
    assert 0.13 < len(bent) / len(many()) < 0.38
    for scene in bent:
        shown = (corners(scene) - scene.principal) / scene.focal
        moved = np.linalg.norm(scene.slopes_at(corners(scene)) - shown, axis=1) * scene.focal
        assert 0 < moved.max() <= 0.03 * scene.size[1] / 2


def test_a_slope_goes_through_the_lens_and_back():
    slopes = np.random.default_rng(0).uniform(-1.2, 1.2, (500, 2))
    for lens in ((-0.02, 0.004), (0.008, -0.001), (0.0, 0.0)):
        np.testing.assert_allclose(undistort(distort(slopes, lens), lens), slopes, atol=1e-9)
    scene = next(s for s in many() if s.distortion != (0.0, 0.0))
    points = np.concatenate([scene.slopes_at(corners(scene)), np.ones((4, 1))], 1) * 3.0
    np.testing.assert_allclose(scene.project(points), corners(scene), atol=1e-6)


def test_what_lies_far_outside_the_picture_is_not_bent_into_it():
    for scene in (s for s in many() if s.distortion != (0.0, 0.0)):
        outward = scene.slopes_at(corners(scene))
        height, width = scene.size
        for factor in (1.02, 1.5, 10, 1000):
            x, y = scene.lens.pixels_of(outward * factor).T
            assert ((x < 0) | (x > width)).all() and ((y < 0) | (y > height)).all()


def test_depths_reach_from_arm_s_length_to_the_far_end_of_the_street():
    nearest, farthest = [], []
    small = [replace(s, **{key: getattr(s.lens.resized((24, 32)), key) for key in ("size", "focal", "principal")})
             for s in many()[:80]]  # fmt: skip
    for drawn in render(small).depth_z.numpy():
        seen = drawn[np.isfinite(drawn)]
        nearest.append(np.median(seen))
        farthest.append(seen.max())
    assert 0.3 < min(nearest) < 1.0 and max(farthest) > 90
    assert 0.02 < np.mean(np.array(nearest) < 1.2) < 0.3


def test_a_quarter_of_the_views_in_rooms_look_at_something_a_step_away():
    lens, medians = Lens((192, 256), 235.7, (128.0, 96.0), device="depth camera"), {"near": [], "around": []}
    for seed in range(100):
        rng = np.random.default_rng(seed)
        place = indoor(rng)
        primitives = primitives_of(place.placed)
        view = best_view(rng, primitives, place, lens)
        if view is None or view.reach == "close":
            continue
        seen = glance(primitives, view)
        assert seen is not None and place.room is not None
        depth, which = seen
        medians[view.reach].append(np.median(depth))
        if view.reach == "near":
            x, y, z = view.position
            assert 0 < x < place.room[0] and 0 < y < place.room[1] and 0.4 <= z <= 2.0
            assert -35.1 <= np.degrees(np.arcsin(view.rotation[2, 2])) <= 5.1
            assert len(np.unique(primitives.instance[which])) > 1  # never a bare wall
    share = NEAR_LOOKS["indoor"]
    assert abs(len(medians["near"]) - 100 * share) < 3 * (100 * share * (1 - share)) ** 0.5
    assert 0.8 < np.median(medians["near"]) < 2.2 < np.median(medians["around"])


def test_nothing_stands_right_before_a_lens_however_thin():
    lens, level = Lens((48, 64), 50.0, (32.0, 24.0)), np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    for ahead in (0.1, 0.18, 0.3, -0.1):
        pole = Item("pole", "grey")
        pole.post(0, ahead, 0, 3, 0.002, GREY)
        primitives = primitives_of([(pole, (0.0, 0.0, 0.0), 0.0)])
        view = View(lens, level, np.array([0, 0, 1.5]))
        seen = glance(primitives, view)
        assert seen is not None and np.isinf(seen[0]).all()  # it slips through the coarse rays
        assert is_clear(primitives, view) == (ahead not in (0.1, 0.18))


def test_views_of_one_world_show_the_same_surfaces_at_the_warped_depth():
    explained = []
    for seed in range(40, 50):
        scenes = sample_views(seed, 3, (48, 64))
        assert scenes[0].seed == seed and [s.view for s in scenes] == [0, 1, 2]
        drawn = [render([scene]) for scene in scenes]
        v, u = np.meshgrid(np.arange(48) + 0.5, np.arange(64) + 0.5, indexing="ij")
        target, there = scenes[0], drawn[0].depth_z[0].numpy()
        for scene, maps in zip(scenes[1:], drawn[1:], strict=True):
            assert scene.camera_to_world is not None
            gap = np.linalg.norm(scene.camera_to_world[:3, 3])
            assert 0.15 <= gap <= (2.1 if scene.domain == "indoor" else 6.2)
            depth = maps.depth_z[0].numpy()
            hit = np.isfinite(depth)
            slopes = scene.slopes_at(np.stack([u, v], -1)[hit])
            points = np.concatenate([slopes, np.ones((len(slopes), 1)), 1 / depth[hit, None]], 1) * depth[hit, None]
            points = (points @ scene.camera_to_world.T)[:, :3]  # the first view's camera is the world
            mine, instance = points[points[:, 2] > 0.1], maps.instance[0].numpy()[hit][points[:, 2] > 0.1]
            x, y = np.floor(target.project(mine)).astype(int).T
            inside = (x >= 0) & (x < 64) & (y >= 0) & (y < 48)
            x, y, z, instance = x[inside], y[inside], mine[inside, 2], instance[inside]
            normal, sky = drawn[0].normals[0].numpy()[y, x], np.isinf(there[y, x])
            centre = np.concatenate([target.slopes_at(np.stack([x, y], -1) + 0.5), np.ones((len(x), 1))], 1)
            ray = mine[inside] / z[:, None]  # to the warped point itself, in the plane that its pixel shows
            shown = np.where(sky, 1e9, there[y, x])
            plane = shown * (normal * centre).sum(1) / (normal * ray).sum(1).clip(max=-1e-3)
            agrees = np.abs(plane / z - 1) < 0.03
            around = np.lib.stride_tricks.sliding_window_view(np.pad(there, 1, mode="edge"), (3, 3))
            hidden = around.min((2, 3))[y, x] < z  # by something nearer, which may end within the pixel
            explained.append((agrees | hidden).mean())
            assert agrees.sum() > 0.12 * hit.sum(), (seed, scene.view)
            same = drawn[0].instance[0].numpy()[y, x] == instance
            assert same[agrees].mean() > 0.85
    assert len(explained) == 20 and min(explained) > 0.9  # slats and twigs fall between the pixels of wide lenses
    assert np.mean(explained) > 0.98


def test_the_first_of_several_views_is_the_scene_of_its_seed():
    alone, first = sample_scene(41), sample_views(41, 2)[0]
    np.testing.assert_array_equal(alone.rotation, first.rotation)
    np.testing.assert_array_equal(alone.position, first.position)
    assert first.camera_to_world is not None and alone.camera_to_world is None
    assert alone.name == "00000041" and first.name == "00000041_0"
    np.testing.assert_allclose(first.camera_to_world, np.eye(4), atol=1e-12)


def test_no_scene_has_more_things_than_labels_can_number():
    ball, wall = Item("ball", "red"), Item("wall", "white")
    for item in (ball, wall):
        item.blob((0, 0, 0), (1, 1, 1), GREY)
    at = (0.0, 0.0, 0.0)
    kept = labelled([(ball, at, 0.0)] * 300 + [(wall, at, 0.0)])
    assert len(kept) == MOST_LABELS + 1 and kept[-1][0] is wall
    assert all(len(scene.things) <= MOST_LABELS for scene in many())
