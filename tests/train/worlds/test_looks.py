"""Textures, light and the camera: what they must show, by geometry and by formula; determinism."""

import dataclasses

import numpy as np
import pytest
import torch

from train.worlds.drawing import looks, screen
from train.worlds.drawing.batch import Batch, Looks, Rows
from train.worlds.drawing.light import WEATHERS, Light, look
from train.worlds.drawing.lighting import Lights, around, light_at, way_to
from train.worlds.drawing.noise import band, cells, noise, random
from train.worlds.drawing.render import render
from train.worlds.drawing.spot import Spot
from train.worlds.drawing.textures import painted
from train.worlds.drawing.tracer import Tracer
from train.worlds.layout import Scene, primitives_of, sample_scene, things_of
from train.worlds.places import Place, Placed
from train.worlds.things import KINDS, SCALES, TEXTURES, Item, Paint, paint_of, stuff

GREY = Paint((0.3, 0.3, 0.3), (0.3, 0.3, 0.3), "text")  # a page without stains, its ink as grey as its paper
DOWN = np.array([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]])  # camera -> world: looking straight down
CLEAN = {
    "stops": 0.0, "meter": 0.0, "target": 0.2, "shoulder": 0.95, "lift": 0.0, "contrast": 1.0, "black": 0.0,
    "saturation": 1.0, "vignette": 0.0, "shot": 0.0, "read": 0.0, "smear": 0.0, "blur": 0.2, "sharpen": 0.0,
    "shrink": 1.0, "aberration": 0.0, "motion": (0.0, 0.0), "defocus": (1.0, 0.0), "white_balance": np.ones(3),
}  # fmt: skip


def spot(side=40, size=2.0, salt=0.3, scale=0.2, pixel=None):
    """A square of side x side points, `size` metres wide, in red and dark red."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    v, u = y.reshape(-1) / side * size, (x.reshape(-1) / side - 0.5) * size

    def full(value):
        return torch.full_like(u, value)

    rgb, rgb2 = (torch.tensor(c).expand(len(u), 3) for c in ((0.6, 0.2, 0.2), (0.2, 0.07, 0.07)))
    return Spot(
        u, v, full(size), full(size), full(scale), full(pixel or size / side), full(salt), full(1.0), v, rgb, rgb2
    )


def clean(placed=(), **other):
    """The light of an outdoor place through a camera without faults, but for what is given."""
    drawn = look(np.random.default_rng(3), Place("outdoor", list(placed), _nowhere))
    return dataclasses.replace(drawn, **CLEAN | other)


def scene_of(*placed, lights=(), ambient=0.0, size=(64, 64), height=6.0, **other):
    """Seen from straight above, lit by `lights` and by as much from all sides, by a camera without faults."""
    given = {"lights": tuple(lights), "ambient": np.full((6, 3), ambient), "fog": 1e9, "lit": 0.0} | other
    return Scene(
        seed=0, domain="outdoor", size=size, focal=50.0, principal=(size[1] / 2, size[0] / 2), rotation=DOWN,
        position=np.array([0, 0, height]), primitives=primitives_of(placed),
        things=things_of(placed, DOWN, np.array([0, 0, height])), look=clean(placed, **given), room=None,
    )  # fmt: skip


def ground():
    item = Item("ground", "grey")
    item.box((0, 0, -2), (900, 900, 4), GREY)
    return item, (0.0, 0.0, 0.0), 0.0


def block(x, y, z, size):
    item = Item("box", "grey")
    item.box((0, 0, 0), size, GREY)
    return item, (x, y, z), 0.0


def empty(drawn, room=None):
    """A batch of one scene in this light."""
    return Batch([dataclasses.replace(scene_of(ground()), look=drawn, room=room)], "cpu")


def rows_of(count):
    """That many rows of one picture."""
    return Rows(torch.zeros(count, dtype=torch.long), 1)


def only(light):
    """Where there is no light but this one."""
    return Lights([clean(lights=(light,))], "cpu").of(0)


def _nowhere(rng):
    return 0.0, 0.0, 0.0


def sun(elevation_deg, strength=1.0, radius=0.004):
    """In the direction +x."""
    e = np.radians(elevation_deg)
    at = np.array([np.cos(e), 0, np.sin(e)])
    across = radius * np.array([[0, 1.0, 0], [-np.sin(e), 0, np.cos(e)]])
    return Light("sun", at, np.full(3, strength), across)


def light_on(scene):
    """(H, W) linear brightness of the picture, up to a factor."""
    return (render([scene]).image[0].float().mean(-1) / 255) ** 2.2


@pytest.mark.parametrize("name", TEXTURES)
def test_every_texture_is_a_colour_everywhere_and_never_flat_or_the_same_twice(name):
    names, period = torch.full((1600,), TEXTURES.index(name)), float(np.mean(SCALES[name]))
    where = spot(size=min(12.0, max(0.5, 6 * period)), scale=period)
    one, other = painted(names, where), painted(names, dataclasses.replace(where, salt=where.salt + 0.21))
    assert one.isfinite().all() and one.min() >= 0 and one.max() <= 1
    assert one.std(0).max() > 0.002, "flat"
    assert (one - other).abs().mean() > 0.002, "two surfaces look alike"


def test_every_texture_has_a_real_period_and_stuff_keeps_to_it():
    rng = np.random.default_rng(0)
    assert set(SCALES) == set(TEXTURES)
    for name, (low, high) in SCALES.items():
        paint = stuff(rng, "brown", name, gloss=0.3)
        assert low <= paint.scale <= high and paint.texture == name and paint.gloss == 0.3
    assert paint_of(rng, "red", "weave", 0.02).scale == 0.02


def test_bricks_are_as_long_as_the_period_and_a_third_as_high():
    period = 0.225
    where = spot(side=400, size=4 * period, scale=period, pixel=1e-4)
    image = painted(torch.full((160000,), TEXTURES.index("bricks")), where).reshape(400, 400, 3)
    redness = image[..., 0] / image.sum(-1)  # mortar is greyer than brick
    rows = (redness - redness.mean()).mean(1)
    spectrum = torch.fft.rfft(rows).abs()[1:]
    assert spectrum.argmax() + 1 == 12  # courses in four brick lengths


def test_detail_below_a_pixel_fades_instead_of_aliasing():
    for name in ("tiles", "checker", "stripes", "weave", "gravel", "leaves", "planks", "carpet"):
        period = float(np.mean(SCALES[name]))
        names = torch.full((1600,), TEXTURES.index(name))
        sharp = painted(names, spot(size=3 * period, scale=period))
        far = painted(names, spot(size=3 * period, scale=period, pixel=30 * period))
        assert far.std(0).mean() < 0.6 * sharp.std(0).mean(), name


def test_noise_and_cells_stay_in_their_range_and_repeat_without_a_seam():
    x = torch.linspace(-40, 40, 4001)
    value = noise(x, 0.37 * x)
    assert value.min() >= 0 and value.max() <= 1 and value.std() > 0.1
    torch.testing.assert_close(noise(x + 16, x), noise(x, x), atol=2e-3, rtol=0)  # 16 units are one table
    assert (noise(x + 1e-3, x) - noise(x, x)).abs().max() < 0.05
    border, own = cells(x, 0.3 * x)
    assert border.min() >= 0 and border.max() < 1.2 and own.min() >= 0 and own.max() <= 1
    numbers = random(torch.arange(10000), torch.arange(10000) // 7)
    assert abs(numbers.mean() - 0.5) < 0.02 and abs(numbers.std() - 12**-0.5) < 0.02


def test_a_band_covers_its_share_however_blurred():
    x = torch.arange(0, 50, 1e-3)
    for blur in (1e-4, 0.1, 0.5, 3.0):
        assert band(x, 0.3, torch.full_like(x, blur)).mean() == pytest.approx(0.3, abs=0.03), blur


def test_the_sun_s_shadow_lies_where_geometry_says():
    # a post 0.2 m wide and 1 m high at x = 0, the sun at 45 degrees towards +x: shadow from x = -1.1 to -0.1
    scene = scene_of(ground(), block(0, 0, 0.5, (0.2, 0.6, 1.0)), lights=[sun(45)], ambient=0.05, size=(96, 96))
    bright = light_on(scene)[48]
    x = (np.arange(96) + 0.5 - 48) / 50 * 6
    shadow = (x > -1.1 + 0.24) & (x < -0.1 - 0.24)  # two pixels inside: shadows are smoothed over 5 x 5
    lit = (x < -1.1 - 0.24) | (x > 0.1 + 0.24)
    assert bright[torch.from_numpy(shadow)].max() < 0.25 * bright[torch.from_numpy(lit)].min()


def test_penumbrae_grow_with_the_distance_of_what_casts_the_shadow():
    def width(height):
        """Metres over which the edge of a roof's shadow passes from 20 to 80 percent."""
        roof = block(3 + height, 0, height, (6, 20, 0.02))  # its left edge's shadow falls on x = 0
        weak = {"lights": [sun(45, radius=0.15)], "ambient": 0.01}
        scene = dataclasses.replace(scene_of(ground(), roof, size=(128, 128), height=4.0, **weak), focal=150.0)
        row = light_on(scene)[62:66].mean(0)
        row = row / row.max()
        return 4.0 / 150 * ((row > 0.2) & (row < 0.8)).sum().item()

    # a disc of radius 0.15 at 1 m: at 3 m / sin 45 its image is 0.9 m in radius, 20-80 % of it 0.98 radii wide
    assert width(3.0) == pytest.approx(0.88, rel=0.3)
    assert width(3.0) > 2 * width(0.4) > 0


def test_a_lamp_s_light_falls_with_the_square_of_the_distance():
    lamp = Light("lamp", np.array([0, 0, 2.0]), np.ones(3), np.zeros((2, 3)))
    scene = scene_of(ground(), lights=[lamp], size=(64, 64), height=6.0)
    row = light_on(scene)[32]
    x = (np.arange(64) + 0.5 - 32) / 50 * 6
    expected = 2 / np.hypot(x, 2) / (x**2 + 4.05)
    np.testing.assert_allclose((row / row.max()).numpy(), expected / expected.max(), atol=0.06)


def test_smooth_shadows_have_no_seams_at_tiles_of_8_pixels():
    scenes = []
    for turn in (0.2, 0.5, 0.8, 1.1):
        item, at, _ = block(0.5 + turn, 0, 2.0, (2.5, 2.5, 0.1))
        scenes.append(scene_of(ground(), (item, at, turn), lights=[sun(50, radius=0.2)], ambient=0.05, size=(128, 128)))
    steps = torch.cat([(light_on(s)[:, 1:] - light_on(s)[:, :-1]).abs() for s in scenes])
    column = torch.arange(1, 128)
    at_seams, elsewhere = steps[:, column % 8 == 0].mean(), steps[:, column % 8 != 0].mean()
    assert elsewhere > 0 and 0.75 < at_seams / elsewhere < 1.33


def test_corners_are_darker_and_open_ground_is_not():
    scene = scene_of(ground(), block(0, 0, 0.5, (1.0, 1.0, 1.0)), ambient=1.0, size=(96, 96), height=5.0)
    row = light_on(scene)[48]
    x = np.abs((np.arange(96) + 0.5 - 48) / 50 * 5)
    near, far = torch.from_numpy((x > 0.66) & (x < 0.8)), torch.from_numpy(x > 2.5)
    assert row[near].mean() < 0.9 * row[far].mean()
    assert row[far].std() < 0.05 * row[far].mean()


def slab_of(kind, rgb, at, size) -> Placed:
    item = Item(kind, "grey")
    item.box((0, 0, 0), size, Paint(rgb, rgb))
    return item, at, 0.0


def test_what_looks_up_gets_the_light_of_the_sky_and_what_looks_down_that_of_the_ground():
    """In the shade: over red ground under a sky that is bluer than red."""
    place = Place("outdoor", [slab_of("ground", (0.5, 0.02, 0.02), (0.0, 0.0, -0.5), (90, 90, 1))], _nowhere)
    for seed in range(12):
        shade = empty(look(np.random.default_rng(seed), place))
        up, down = around(shade, rows_of(2), torch.zeros(2, 3), torch.tensor([[0, 0, 1.0], [0, 0, -1.0]]))
        assert up[2] > up[0] and down[0] > 10 * down[2], seed
        assert up[2] > 10 * down[2]


def test_in_a_room_every_face_gets_the_colour_of_what_it_looks_at():
    """Floor and ceiling, and two walls that face each other, are red and blue."""
    red, blue, room = (0.8, 0.1, 0.1), (0.1, 0.1, 0.8), (4.0, 4.0, 2.5)
    flat, upright = (4, 4, 0.1), (0.1, 4, 2.5)
    for fabric, axis in (
        ([slab_of("floor", red, (2.0, 2.0, 0.0), flat), slab_of("ceiling", blue, (2.0, 2.0, 2.5), flat)], 2),
        ([slab_of("wall", red, (0.0, 2.0, 1.2), upright), slab_of("wall", blue, (4.0, 2.0, 1.2), upright)], 0),
    ):
        drawn = look(np.random.default_rng(0), Place("indoor", fabric, _nowhere, room))
        inside, normal = empty(drawn, room), torch.zeros(2, 3)
        normal[:, axis] = torch.tensor([-1.0, 1.0])
        below, above = around(inside, rows_of(2), torch.tensor([[2.0, 2.0, 1.2]] * 2), normal)  # look to -, look to +
        assert below[0] / below[2] > 1.5 * above[0] / above[2]


def test_every_4_by_4_pixels_hold_every_sample_once():
    slot = screen.slots(12, 20, "cpu")
    for y in range(0, 9):
        for x in range(0, 17):
            assert sorted(slot[y : y + 4, x : x + 4].flatten().tolist()) == list(range(16))
    second = slot[0:4, 0:4][(torch.arange(4)[:, None] + torch.arange(4)) % 2 == 0]
    assert sorted((second // 4).tolist()) == sorted((second % 4).tolist()) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_secondary_rays_meet_what_brute_force_finds():
    scene = sample_scene(21, size=(48, 64))
    p = scene.primitives
    generator = torch.Generator().manual_seed(0)
    origin = torch.from_numpy(scene.position).float() + 0.3 * torch.rand(200, 3, generator=generator)
    way = torch.nn.functional.normalize(
        torch.randn(200, 3, generator=generator) * 0.2 + torch.tensor([0, 1.0, 0]), dim=1
    )
    batch, casts, rows = Batch([scene], "cpu"), np.ones(len(p.shape), bool), rows_of(200)
    tracer = Tracer(batch, casts)
    t, which = tracer.nearest(origin, way, rows)
    from train.worlds.drawing.rays import hit

    best = torch.full((200,), torch.inf)
    for i in range(len(p.shape)):
        local = batch.local[i : i + 1]
        start = (local[0] @ (origin - torch.from_numpy(p.centre[i]).float()).T)[None]
        best = torch.minimum(
            best, hit(int(tracer.shape[i]), start, (local[0] @ way.T)[None], batch.extent[i : i + 1], 0.0)[0]
        )
    torch.testing.assert_close(t, best, rtol=1e-3, atol=1e-3)
    assert ((which >= 0) == best.isfinite()).all() and best.isfinite().any()
    blocked = tracer.blocked(origin, way * 5, rows)
    clear = (best - 5).abs() > 1e-2
    assert (blocked[clear] == (best < 5)[clear]).all()
    assert not Tracer(batch, ~casts).blocked(origin, way * 5, rows).any()


@pytest.mark.parametrize("yaw", [0.0, np.pi / 2, -np.pi / 2, np.pi, 0.3])
def test_a_lone_ray_meets_a_box_however_it_is_turned(yaw):
    """Across the sides of a turned box the ray moves by rounding alone: by -6e-17 a metre, say."""
    item = Item("box", "grey")
    item.box((0, 0, 0), (1, 1, 1), GREY)
    scene = scene_of((item, (0.0, 5.0, 1.5), yaw))
    tracer = Tracer(Batch([scene], "cpu"), np.ones(1, bool))
    origin, way = torch.tensor([[0.0, 0.0, 1.5]]), torch.tensor([[0.0, 1.0, 0.0]])
    half = 0.5 / max(abs(np.cos(yaw)), abs(np.sin(yaw)))  # of the box along the ray, through its middle
    t, which = tracer.nearest(origin, way, rows_of(1))
    assert t.item() == pytest.approx(5 - half, abs=1e-4) and which.tolist() == [0]
    assert tracer.blocked(origin, way * 5, rows_of(1)).tolist() == [True]
    assert tracer.blocked(origin, way * 4.4, rows_of(1)).tolist() == [False]


def test_a_mirror_shows_what_stands_before_it():
    red = Item("box", "red")
    red.box((0, 0, 0), (2, 2, 2), Paint((0.9, 0.02, 0.02), (0.9, 0.02, 0.02), "text", glow=1.0))
    mirror = Item("mirror", "grey")
    mirror.box((0, 0, 0.05), (3, 3, 0.1), Paint((0.9, 0.9, 0.9), (0.9, 0.9, 0.9), "mirror"))
    # from above, the mirror shows what hangs over it: the box beside the camera
    placed = [ground(), (mirror, (0.0, 0.0, 0.0), 0.0), (red, (2.2, 0.0, 9.0), 0.0)]
    drawn = render([scene_of(*placed, ambient=0.5, height=6.0)])
    on_mirror = (drawn.kind[0] == KINDS.index("mirror")).numpy()
    image = drawn.image[0].float().numpy()
    redness = image[..., 0] - image[..., 1:].mean(-1)
    assert on_mirror.any() and (redness[on_mirror] > 60).sum() > 5
    assert (redness[on_mirror][:5] < 30).any()
    assert drawn.depth_z[0][32, 32] == pytest.approx(5.9, abs=0.02)  # depth stays the glass's


def test_haze_leaves_the_near_and_takes_the_far():
    """Contrast against the horizon falls as exp(-distance / fog)."""
    from train.worlds.drawing.met import Surface
    from train.worlds.drawing.shade import _hazy

    weather = dataclasses.replace(look(np.random.default_rng(1), Place("outdoor", [], _nowhere)), fog=100.0)
    unit = torch.tensor([[0.0, 1.0, 0.0]]).expand(3, 3)
    zero, none = torch.zeros(3, 3), torch.zeros(3)
    found = Surface(rows_of(3), zero, zero, zero, unit, torch.tensor([1.0, 100.0, 5000.0]), zero, zero, zero, none)
    black, white = (_hazy(empty(weather), torch.full((3, 3), v), found) for v in (0.0, 1.0))
    np.testing.assert_allclose((white - black)[:, 0], np.exp([-0.01, -1.0, -50.0]), rtol=1e-3, atol=1e-6)


def test_skies_are_finite_brightest_at_the_sun_and_dark_at_night():
    means = {}
    generator = torch.Generator().manual_seed(1)
    direction = torch.nn.functional.normalize(torch.randn(500, 3, generator=generator), dim=1)
    direction[:, 2] = direction[:, 2].abs()
    for seed in range(60):
        weather = look(np.random.default_rng(seed), Place("outdoor", [], _nowhere))
        whose = torch.zeros(500, dtype=torch.long)
        sky = looks.sky(direction, Looks([weather], "cpu"), whose)
        assert sky.isfinite().all() and sky.min() >= 0
        means.setdefault(weather.dark, []).append(sky.mean().item())
        toward = looks.sky(torch.from_numpy(weather.sun).float()[None], Looks([weather], "cpu"), whose[:1]).mean()
        if weather.lights and weather.lights[0].kind == "sun" and weather.clouds < 0.3:
            assert toward > 2 * sky.mean()
    assert sum(map(len, means.values())) == 60 and len(means[True]) >= 2
    assert max(means[True]) < 0.5 * np.median(means[False])
    assert sum(WEATHERS.values()) == pytest.approx(1)


def photograph(linear, depth, drawn, seed):
    """(H, W, 3)."""
    generator = torch.Generator().manual_seed(seed)
    return looks.photograph(linear[None], depth[None], Looks([drawn], "cpu"), [generator])[0]


def test_exposure_meets_its_target_and_one_stop_doubles_the_light():
    linear = torch.full((16, 16, 3), 7.0)
    depth = torch.ones(16, 16)
    dark, bright = ((photograph(linear, depth, clean(stops=s), 0).float().mean() / 255) ** 2.2 for s in (0.0, 1.0))
    assert dark == pytest.approx(0.2, abs=0.01) and bright == pytest.approx(0.4, abs=0.02)


def test_photographs_are_whole_pictures_whatever_the_light():
    generator = torch.Generator().manual_seed(2)
    linear = torch.rand(33, 50, 3, generator=generator) ** 4 * 50
    linear[5:9] = 1e4  # the sun itself
    depth = torch.rand(33, 50, generator=generator) * 10
    depth[0] = torch.inf
    for seed in range(40):
        weather = look(np.random.default_rng(seed), Place("outdoor", [], _nowhere))
        image = photograph(linear, depth, weather, seed)
        assert image.shape == (33, 50, 3) and image.dtype == torch.uint8
        assert image.float().std() > 5, seed


def test_a_window_s_panel_lights_the_room_before_it_and_only_that():
    pane = Light("panel", np.array([0, 5.0, 1.5]), np.ones(3), np.array([[0.8, 0, 0], [0, 0, 0.6]]))
    assert pane.normal == pytest.approx([0, -1, 0]) and pane.area == pytest.approx(4 * 0.8 * 0.6)
    place = torch.tensor([[0.0, 3, 1.5], [0, 1, 1.5], [0, 7, 1.5]])
    near, far, behind = light_at("panel", only(pane), torch.zeros(3, dtype=torch.long), place)[1].tolist()
    assert behind == 0
    assert near / far == pytest.approx((np.pi * 16 + 1.92) / (np.pi * 4 + 1.92), rel=1e-4)


def test_sun_through_a_window_lands_where_the_ray_does():
    direction = np.array([0, 1.0, 1.0]) / 2**0.5  # the sun stands behind the wall at y = 5, at 45 degrees
    opening = np.array([[[0, 5.0, 1.5], [0.5, 0, 0], [0, 0, 0.5]]])
    shaft = Light("shaft", direction, np.ones(3), np.zeros((2, 3)), opening)
    place = torch.tensor([[0.3, 3.5, 0], [0.3, 4.3, 0], [0.3, 2.7, 0], [0.9, 3.5, 0]])  # the patch: y from 3 to 4
    whose = torch.zeros(4, dtype=torch.long)
    way, enters = way_to("shaft", only(shaft), whose, place, whose, torch.zeros(4))
    assert enters.tolist() == [1, 0, 0, 0]
    assert (place + way / 0.98)[0, 1] == pytest.approx(5.0, abs=1e-4)


def test_light_and_pictures_depend_on_the_seed_alone():
    for seed in (5, 6):
        first, again = (render([sample_scene(seed, size=(48, 64))]).image for _ in range(2))
        assert (first == again).all()
    assert (render([sample_scene(5, size=(48, 64))]).image != render([sample_scene(6, size=(48, 64))]).image).any()
