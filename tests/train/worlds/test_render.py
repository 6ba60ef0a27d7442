"""Depth, normals and labels of drawn scenes against formulas; determinism."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from train.worlds.drawing.light import look
from train.worlds.drawing.render import SHADED, render
from train.worlds.layout import FAR, Scene, primitives_of, sample_scene, things_of
from train.worlds.places import Place
from train.worlds.things import COLOURS, KINDS, Item, Paint, turn_of

GREY = Paint((0.3, 0.3, 0.3), (0.3, 0.3, 0.3))
LEVEL = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # camera -> world: looking along +y, z up
SIZE = (48, 64)


def scene_of(*placed, height=1.5, size=SIZE, focal=60.0, rotation=LEVEL):
    """A hand-made outdoor scene seen from (0, 0, height); `placed` are (item, (x, y, z), yaw)."""
    position = np.array([0, 0, height])
    weather = look(np.random.default_rng(0), Place("outdoor", list(placed), lambda rng: (0.0, 0.0, 0.0)))
    return Scene(
        seed=0, domain="outdoor", size=size, focal=focal, principal=(size[1] / 2, size[0] / 2), rotation=rotation,
        position=position, primitives=primitives_of(placed), things=things_of(placed, rotation, position),
        look=weather, room=None,
    )  # fmt: skip


def distorted(scene, k1, k2):
    return replace(scene, distortion=(k1, k2))


def ground():
    item = Item("ground", "grey")
    item.box((0, 0, -2), (900, 900, 4), GREY)
    return item, (0.0, 0.0, 0.0), 0.0


def pixel_rays(scene):
    """(H, W, 3): camera rays with z = 1, through the lens by fixed-point iteration of Brown's formula."""
    height, width = scene.size
    v, u = np.meshgrid(np.arange(height) + 0.5, np.arange(width) + 0.5, indexing="ij")
    cx, cy = scene.principal
    shown = np.stack([(u - cx) / scene.focal, (v - cy) / scene.focal], -1)
    slopes, (k1, k2) = shown, scene.distortion
    for _ in range(40):
        r2 = (slopes**2).sum(-1, keepdims=True)
        slopes = shown / (1 + k1 * r2 + k2 * r2**2)
    return np.concatenate([slopes, np.ones((height, width, 1))], -1)


def test_a_ball_on_the_ground_has_the_depth_of_the_formulas():
    ball = Item("ball", "red")
    ball.blob((0, 0, 0.8), (0.8, 0.8, 0.8), GREY)
    scene = scene_of(ground(), (ball, (0.4, 5.0, 0.0), 0.0))
    drawn = render([scene])
    rays = pixel_rays(scene)
    centre = np.array([0.4, 1.5 - 0.8, 5.0])  # camera frame: y down
    b, a, c = rays @ centre, (rays**2).sum(-1), centre @ centre - 0.8**2
    inside = b * b - a * c > 0
    ball_z = (b - np.sqrt(np.maximum(b * b - a * c, 0))) / a
    with np.errstate(divide="ignore"):
        ground_z = np.where(rays[..., 1] > 0, 1.5 / rays[..., 1], np.inf)
    ground_z[ground_z > FAR] = np.inf
    expected = np.where(inside, ball_z, ground_z)
    np.testing.assert_allclose(drawn.depth_z[0].numpy(), expected, rtol=2e-4)
    assert (drawn.instance[0].numpy() == inside).all()
    assert (drawn.kind[0].numpy()[inside] == KINDS.index("ball")).all()
    assert (drawn.colour[0].numpy()[inside] == COLOURS.index("red")).all()
    toward = (rays * ball_z[..., None] - centre)[inside] / 0.8
    np.testing.assert_allclose(drawn.normals[0].numpy()[inside], toward, atol=2e-3)


@pytest.mark.parametrize(("k1", "k2"), [(-0.25, 0.12), (0.18, -0.05)])
def test_a_lens_that_bends_lines_shows_the_same_world_through_bent_rays(k1, k2):
    ball = Item("ball", "red")
    ball.blob((0, 0, 0.8), (0.8, 0.8, 0.8), GREY)
    things = [(ball, (x, 5.0, z), 0.0) for x in (-2.2, 0.4, 2.2) for z in (-0.3, 1.4)]
    scene = distorted(scene_of(ground(), *things), k1, k2)
    drawn, rays = render([scene]), pixel_rays(scene)
    nearest = np.full(SIZE, np.inf)
    for number, thing in enumerate(scene.things, 1):
        b, a, c = rays @ thing.centre, (rays**2).sum(-1), thing.centre @ thing.centre - 0.8**2
        with np.errstate(invalid="ignore"):
            z = np.where(b * b - a * c > 0, (b - np.sqrt(b * b - a * c)) / a, np.inf)
        mine = drawn.instance[0].numpy() == number
        np.testing.assert_allclose(drawn.depth_z[0].numpy()[mine], z[mine], rtol=2e-4)
        nearest = np.minimum(nearest, z)
    with np.errstate(divide="ignore"):
        down = np.where(rays[..., 1] > 0, 1.5 / rays[..., 1], np.inf)
    assert ((drawn.instance[0].numpy() > 0) == (nearest < down)).all()  # none is cut off by its bounds on the screen
    assert np.abs(rays - pixel_rays(scene_of(ground()))).max() > 0.005


def test_a_capsule_and_a_rounded_box_are_drawn_where_they_are_from_any_side():
    for axis, yaw in (((0, 0, 1), 0.3), ((1, 0, 0), 1.0), ((0.5, -0.4, 0.7), 2.0)):
        rod, block = Item("pole", "grey"), Item("cushion", "blue")
        start = np.array([0.1, -0.2, 0.9])
        end = start + 0.8 * np.array(axis) / np.linalg.norm(axis)
        rod.capsule(start, end, 0.2, GREY)
        block.cushion((0, 0, 1.2), (1.2, 0.8, 0.6), 0.15, GREY, axis)
        for item in (rod, block):
            scene = scene_of((item, (0.2, 3.0, 0.0), yaw), height=1.4)
            drawn, rays = render([scene]), pixel_rays(scene)
            mine = drawn.instance[0].numpy() == 1
            points = rays[mine] * drawn.depth_z[0].numpy()[mine][:, None] @ LEVEL.T + (0, 0, 1.4) - (0.2, 3, 0)
            c, s = np.cos(yaw), np.sin(yaw)
            points = points @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])  # into the item's frame
            if item is rod:
                along = ((points - start) @ (end - start) / 0.64).clip(0, 1)
                gap = np.linalg.norm(points - start - along[:, None] * (end - start), axis=1) - 0.2
            else:
                inner = (points - (0, 0, 1.2)) @ turn_of(axis)
                core = np.array([0.6, 0.4, 0.3]) - 0.15
                gap = np.linalg.norm(inner - inner.clip(-core, core), axis=1) - 0.15
            assert mine.sum() > 60 and np.abs(gap).max() < 1e-4
            normal = drawn.normals[0].numpy()[mine]
            assert ((normal * rays[mine]).sum(1) < 1e-3).all()
            low, high = scene.things[0].size / -2, scene.things[0].size / 2
            local = (rays[mine] * drawn.depth_z[0].numpy()[mine][:, None] - scene.things[0].centre) @ scene.things[
                0
            ].turn
            assert (local > low - 1e-4).all() and (local < high + 1e-4).all()


def test_a_cylinder_a_cone_and_a_turned_box_are_hit_where_they_are():
    post, spire, block = Item("bin", "green"), Item("traffic cone", "orange"), Item("box", "brown")
    post.post(0, 0, 0, 3, 0.5, GREY)
    spire.spire(0, 0, 0, 3, 1.0, GREY)
    block.box((0, 0, 1.5), (1.0, 1.0, 3.0), GREY)
    for item, expected in (
        (post, 4.0 - 0.5),
        (spire, 4.0 - 0.5),  # half way up, half the radius of the base
        (block, 4.0 - np.sqrt(0.5)),  # an edge towards the camera
    ):
        scene = scene_of(ground(), (item, (0.0, 4.0, 0.0), np.pi / 4), size=(49, 65))
        drawn = render([scene])
        assert drawn.depth_z[0, 24, 32].item() == pytest.approx(expected, abs=1e-3), item.kind
        assert drawn.instance[0, 24, 32] == 1


def test_normals_are_unit_face_the_camera_and_agree_with_depth():
    scenes, flat = [sample_scene(seed, size=(96, 128)) for seed in range(6)], []
    drawn = render(scenes)
    for i, scene in enumerate(scenes):
        depth, normal = drawn.depth_z[i].numpy(), drawn.normals[i].numpy()
        rays, hit = pixel_rays(scene), np.isfinite(depth)
        np.testing.assert_allclose(np.linalg.norm(normal[hit], axis=-1), 1, atol=1e-4)
        assert ((rays * normal).sum(-1)[hit] < 1e-3).all()
        points = rays * np.where(hit, depth, 0)[..., None]
        step, same = points[:, 1:] - points[:, :-1], (normal[:, 1:] * normal[:, :-1]).sum(-1) > 0.99999
        part = (drawn.instance[i][:, 1:] == drawn.instance[i][:, :-1]).numpy() & hit[:, 1:] & hit[:, :-1] & same
        for labels in (drawn.kind[i], drawn.material[i]):
            part &= (labels[:, 1:] == labels[:, :-1]).numpy()
        fabric = part & (drawn.instance[i][:, 1:] == 0).numpy()
        lean = np.abs((step * normal[:, 1:]).sum(-1)) / np.linalg.norm(step, axis=-1).clip(1e-6)
        assert not part.any() or np.median(lean[part]) < 1e-2
        flat.append(lean[fabric] < 0.02)
    assert np.concatenate(flat).mean() > 0.97  # the rest: steps between parallel faces


def test_visible_pixels_unproject_into_their_thing_s_box():
    scenes = [sample_scene(seed, size=(96, 128)) for seed in range(8)]
    drawn = render(scenes)
    checked = 0
    for i, scene in enumerate(scenes):
        depth, instance, rays = drawn.depth_z[i].numpy(), drawn.instance[i].numpy(), pixel_rays(scene)
        for thing in scene.things:
            mine = instance == thing.instance
            points = rays[mine] * depth[mine][:, None]
            inside = np.abs((points - thing.centre) @ thing.turn) <= thing.size / 2 + 1e-3 * (5 + points[:, 2:])
            assert inside.all(), (scene.seed, thing.kind)
            assert (drawn.kind[i].numpy()[mine] == KINDS.index(thing.kind)).all()
            assert (drawn.colour[i].numpy()[mine] == COLOURS.index(thing.colour)).all()
            checked += mine.any()
    assert checked > 30


def test_sky_is_exactly_where_depth_is_infinite_and_nothing_is_farther_than_120_m():
    drawn = render([sample_scene(seed, size=(64, 64)) for seed in (*range(14), 7311)])
    sky = drawn.depth_z.isinf()
    assert sky.any()
    assert (sky == (drawn.kind == 0)).all()
    assert (drawn.instance[sky] == 0).all() and (drawn.normals[sky] == 0).all()
    assert drawn.depth_z[~sky].max() <= FAR and drawn.depth_z.min() > 0.2


def test_a_seed_gives_the_same_picture_alone_and_in_any_company(monkeypatch):
    """Rooms with windows, sun, many lamps and mirrors, streets by day and by night with sky, an empty view."""
    scenes = [sample_scene(seed, size=(48, 64)) for seed in (3, *range(900_000_100, 900_000_107))]
    scenes.insert(4, scene_of(ground(), rotation=np.eye(3)))  # the sky alone
    assert {(scene.domain, scene.look.dark) for scene in scenes} >= {("indoor", False), ("outdoor", True)}
    assert {light.kind for scene in scenes for light in scene.look.lights} == {"sun", "lamp", "panel", "shaft"}
    monkeypatch.setitem(SHADED, "cpu", len(scenes))
    together = render(scenes)
    monkeypatch.setitem(SHADED, "cpu", 2)
    by_twos = render(scenes)
    for i, scene in enumerate(scenes):
        alone = {name: value[0] for name, value in vars(render([scene])).items()}
        for name, value in alone.items():
            for company in (together, by_twos):
                other = getattr(company, name)[i]
                if name == "image":
                    assert (other.int() - value.int()).abs().max() <= 1
                else:
                    torch.testing.assert_close(other, value, rtol=0, atol=1e-6 if name == "normals" else 0)


def test_another_size_is_the_same_view():
    small, own = sample_scene(11, size=(48, 64)), sample_scene(11)
    assert small.things[0].kind == own.things[0].kind
    np.testing.assert_array_equal(small.rotation, own.rotation)
    assert small.horizontal_fov == pytest.approx(own.horizontal_fov)


def test_scenes_of_different_sizes_and_no_scenes_are_refused():
    for scenes in ([sample_scene(0, size=(48, 64)), sample_scene(0, size=(64, 48))], []):
        with pytest.raises(ValueError, match="scenes of one size, at least one"):
            render(scenes)


def test_pictures_are_neither_black_nor_blown_out_and_cameras_stand_free():
    scenes = [sample_scene(seed, size=(48, 64)) for seed in range(36)]
    drawn = render(scenes)
    for i, scene in enumerate(scenes):
        grey = drawn.image[i].float().mean(-1)
        assert 60 < grey.mean() < 200, scene.seed
        assert (grey > 250).float().mean() < 0.6 and (grey < 5).float().mean() < 0.6, scene.seed
        assert drawn.depth_z[i].median() > 0.4, scene.seed
        counts = torch.bincount(drawn.instance[i].flatten().int())[1:]
        assert not len(counts) or counts.max() < 0.65 * grey.numel(), scene.seed
