"""Whatever is done to a picture, its depth, labels, sky and camera still tell of the same points in space."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from heads.camera import Camera
from heads.rays import solve_focal
from train.data.augment import cropped, mirrored, recoloured, resized, varied
from train.data.samples import View
from train.data.sources import Augment
from train.data.truth import depth_truth, ray_truth
from train.data.windows import Window, read_depth, read_nearest
from vlm.images import Plan
from vlm.look import token_pixels

WIDTH, HEIGHT = 200, 150
CAMERA = Camera.from_intrinsics(170.0, 175.0, 92.0, 80.0, width=WIDTH, height=HEIGHT)
NORMAL, OFFSET = np.array([0.3, 0.5, 1.0]), 3.0  # the plane n . P = 3 m


def plane_depth(pixels: np.ndarray) -> np.ndarray:
    """z of the plane at pixels (..., 2) of the photograph: n . (z * K^-1 p) = offset."""
    rays = np.concatenate(
        [(pixels - (CAMERA.cx, CAMERA.cy)) / (CAMERA.fx, CAMERA.fy), np.ones((*pixels.shape[:-1], 1))], -1
    )
    return OFFSET / (rays @ NORMAL)


def scene(depth_size: tuple[int, int] = (WIDTH, HEIGHT)) -> View:
    """A plane whose picture says in red and green which pixel of the photograph one looks at; sky on the left."""
    grid = CAMERA.pixel_grid()
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[..., 0], image[..., 1] = np.rint(grid[..., 0] / WIDTH * 255), np.rint(grid[..., 1] / HEIGHT * 255)
    w, h = depth_size
    at = np.stack(np.meshgrid((np.arange(w) + 0.5) * WIDTH / w, (np.arange(h) + 0.5) * HEIGHT / h), -1)
    depth = plane_depth(at)
    depth[:, : w // 10] = np.inf
    return View(image, CAMERA, depth.astype(np.float32), {"kind": np.rint(at[..., 0] / WIDTH * 255).astype(np.uint8)})


def points_after(view: View) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) points of the varied picture, and the (n, 2) pixels of the photograph that its colours tell of."""
    height, width = view.image.shape[:2]
    depth = read_depth(view.depth_z, view.window, (height, width))
    known = np.isfinite(depth)
    points = view.camera.unproject(view.camera.pixel_grid(), np.where(known, depth, 1))[known]
    return points, view.image[..., :2][known] / 255 * (WIDTH, HEIGHT)


STEPS = {
    "crop": Augment(crop=0.6, colour=0),
    "focal": Augment(focal=2.0, colour=0),
    "aspect": Augment(aspect=0.3, colour=0),
    "shrink": Augment(shrink=0.4, colour=0),
    "flip": Augment(flip=1.0, colour=0),
    "all": Augment(crop=0.5, focal=1.5, aspect=0.2, shrink=0.5, flip=0.5, colour=0),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("depth_size", [(WIDTH, HEIGHT), (80, 60), (400, 300)])
def test_points_before_and_after_are_the_same(step, depth_size):
    """Back-projected through the varied camera, every pixel is the point that its colour says it is."""
    for seed in range(12):
        view, _ = varied(scene(depth_size), STEPS[step], np.random.default_rng(seed), "nothing")
        assert view.image.shape[:2] == (view.camera.height, view.camera.width)
        points, pixels = points_after(view)
        before = CAMERA.unproject(pixels, plane_depth(pixels))
        if view.window.flipped:
            before[:, 0] *= -1
        # A colour is exact to half of 1/255 of the side, a nearest depth to half a pixel of its map, or of the picture.
        pixel_m = 3.0 / 170 * max(WIDTH / depth_size[0], WIDTH / 255, view.window.width * WIDTH / view.camera.width)
        assert np.abs(points - before).max() < 2.5 * pixel_m, (step, seed)


@pytest.mark.parametrize("step", STEPS)
def test_labels_and_sky_stay_with_their_pixels(step):
    for seed in range(6):
        view, _ = varied(scene(), STEPS[step], np.random.default_rng(seed), "nothing")
        height, width = view.image.shape[:2]
        kind = read_nearest(view.labels["kind"], view.window, (height, width), (1, 1), 0)
        off = np.abs(kind.astype(int) - view.image[..., 0])
        assert np.quantile(off, 0.99) <= 3 + 255 / width
        sky = np.isposinf(read_depth(view.depth_z, view.window, (height, width)))
        told = view.image[..., 0] / 255 * WIDTH < WIDTH / 10
        assert (sky != told).mean() < 3 / width


BENT = (-0.12, 0.03)


def bent_scene() -> tuple[View, np.ndarray]:
    """A photograph through a barrel lens, and the (H, W, 2) slopes x / z, y / z that its pixels show."""
    seen = (CAMERA.pixel_grid() - (CAMERA.cx, CAMERA.cy)) / (CAMERA.fx, CAMERA.fy)
    slopes = seen
    for _ in range(60):  # s = seen / (1 + k1 r^2 + k2 r^4), until it stays
        r2 = (slopes**2).sum(-1, keepdims=True)
        slopes = seen / (1 + BENT[0] * r2 + BENT[1] * r2**2)
    return replace(scene(), distortion=BENT), slopes


@pytest.mark.parametrize("step", STEPS)
def test_the_rays_of_a_bent_lens_stay_with_their_pixels(step):
    whole, slopes = bent_scene()
    for seed in range(6):
        view, _ = varied(whole, STEPS[step], np.random.default_rng(seed), "nothing")
        height, width = view.image.shape[:2]
        plan = Plan((width, height), (128, 96), (160, 96), 16)
        rays = depth_truth(view, plan, (96, 160))["rays"].numpy()
        across = view.window.across((np.arange(128) + 0.5) / 128) * WIDTH - 0.5
        down = view.window.down((np.arange(96) + 0.5) / 96) * HEIGHT - 0.5
        inside = [(at > 0) & (at < side - 1) for at, side in ((down, HEIGHT), (across, WIDTH))]
        told = [_between(slopes[..., k], down[inside[0]], across[inside[1]]) for k in (0, 1)]
        if view.window.flipped:
            told[0] = -told[0]
        shown = rays[:, :, :128][:, inside[0]][:, :, inside[1]]
        assert np.abs(shown[0] - told[0]).max() < 1e-4 and np.abs(shown[1] - told[1]).max() < 1e-4, (step, seed)
        assert (rays[2] == 1).all()


def _between(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(H, W) read bilinearly at rows x columns, pixels that count from 0 at centres."""
    across = np.stack([np.interp(columns, np.arange(values.shape[1]), line) for line in values])
    return np.stack([np.interp(rows, np.arange(values.shape[0]), line) for line in across.T], 1)


def test_the_camera_of_a_bent_lens_is_the_pinhole_that_a_look_solves_for():
    view, _ = bent_scene()
    plan = Plan((WIDTH, HEIGHT), (WIDTH, HEIGHT), (WIDTH, HEIGHT), 50)
    truth = ray_truth([[view]], [[plan]])
    place, inside = token_pixels(plan)
    square = place * torch.tensor([1.0, CAMERA.fx / CAMERA.fy])  # of square pixels, fx each
    focal = solve_focal(truth["direction"], square[None].float(), inside[None].float())
    assert float(focal) == pytest.approx(CAMERA.fx, rel=1e-3)


def test_a_crop_of_whole_pixels_changes_no_number():
    view = cropped(cropped(scene(), 10, 20, 120, 90), 5, 5, 64, 48)
    assert np.array_equal(read_depth(view.depth_z, view.window, (48, 64)), scene().depth_z[25:73, 15:79])
    assert np.array_equal(view.image, scene().image[25:73, 15:79])
    assert (view.camera.cx, view.camera.cy) == (CAMERA.cx - 15, CAMERA.cy - 25)


def test_a_mirrored_picture_has_a_mirrored_map_and_no_pose():
    posed = View(scene().image, Camera(CAMERA.intrinsics, WIDTH, HEIGHT, "caller", np.eye(4)), scene().depth_z)
    view = mirrored(cropped(posed, 0, 0, 100, HEIGHT))
    assert np.array_equal(read_depth(view.depth_z, view.window, (HEIGHT, 100)), scene().depth_z[:, 99::-1])
    assert view.camera.camera_to_world is None and view.camera.cx == 100 - CAMERA.cx


def test_enlarging_the_middle_is_a_longer_focal_length():
    view, true = varied(scene(), Augment(focal=2.0, colour=0), np.random.default_rng(3), "nothing")
    assert not true and view.image.shape == scene().image.shape
    assert 1.05 < view.camera.fx / CAMERA.fx <= 2.05 and view.camera.fov_x_deg < CAMERA.fov_x_deg


def test_text_about_a_picture_stays_true():
    """With text to keep nothing is cut off, mirrored or dyed, whatever the recipe says; size and looks may change."""
    options = Augment(crop=0.5, focal=2, flip=1, aspect=0.2, shrink=0.5, blur=1, jpeg=1, recolour=1)
    for seed in range(5):
        view, true = varied(scene(), options, np.random.default_rng(seed), "text")
        assert true and view.window == Window()
        assert not varied(scene(), options, np.random.default_rng(seed), "nothing")[1]
        assert not varied(scene(), options, np.random.default_rng(seed), "same world")[0].window.flipped


def test_text_keeps_its_colours():
    options = Augment(recolour=1, colour=0)
    kept, true = varied(scene(), options, np.random.default_rng(0), "text")
    assert true and np.array_equal(kept.image, scene().image)
    for keep in ("nothing", "same world"):
        view, true = varied(scene(), options, np.random.default_rng(0), keep)
        assert not true and not np.array_equal(view.image, scene().image)


def test_other_colours_change_no_place_and_leave_colour_unlabelled():
    """One in four is grey; what is grey already stays as it is, so light stays light; no pixel moves."""
    first = replace(scene(), labels={**scene().labels, "colour": np.ones((HEIGHT, WIDTH), np.uint8)})
    pale, grey = replace(first, image=np.repeat(first.image[..., :1], 3, -1)), 0
    for seed in range(40):
        view = recoloured(first, np.random.default_rng(seed))
        assert list(view.labels) == ["kind"] and view.window == Window() and view.camera is CAMERA
        grey += bool((np.ptp(view.image, axis=-1) == 0).all())
        assert not np.array_equal(view.image, first.image)
        assert np.array_equal(recoloured(pale, np.random.default_rng(seed)).image, pale.image)
    assert 4 <= grey <= 16 and "colour" in first.labels


def test_looks_change_no_place():
    view, true = varied(scene(), Augment(blur=1, jpeg=1), np.random.default_rng(0), "nothing")
    assert true and view.window == Window() and view.camera is CAMERA
    assert view.image.shape == scene().image.shape and not np.array_equal(view.image, scene().image)
    still, _ = varied(scene(), Augment(colour=0), np.random.default_rng(0), "nothing")
    assert np.array_equal(still.image, scene().image)


# ---- reading a map at another size -------------------------------------------------------------------------


def test_no_depth_is_ever_a_mixture():
    """Of a step from 1 m to 9 m beside sky and nothing, no size shows any other value."""
    depth = np.full((40, 60), 1.0, np.float32)
    depth[:, 20:] = 9.0
    depth[:10], depth[30:] = np.inf, np.nan
    for size in [(40, 60), (13, 17), (97, 131), (7, 60)]:
        for window in (Window(), Window(0.1, 0.2, 0.7, 0.6), Window(0, 0, 0.5, 1, True)):
            values = read_depth(depth, window, size)
            assert values.shape == size
            assert set(np.unique(values[np.isfinite(values)])) <= {1.0, 9.0}
    assert resized(scene(), 50, 50).depth_z is not None


def test_few_points_survive_a_smaller_size():
    """A point in every 8 x 8 cell, anywhere in it: at an eighth of the size there is one in every pixel."""
    rng = np.random.default_rng(0)
    depth = np.full((80, 160), np.nan, np.float32)
    for row in range(10):
        for column in range(20):
            y, x = rng.integers(8, size=2)
            depth[8 * row + y, 8 * column + x] = 100 * row + column + 1
    small = read_depth(depth, Window(), (10, 20))
    assert np.array_equal(small, 100 * np.arange(10)[:, None] + np.arange(20)[None] + 1)
    flipped = read_depth(depth, Window(flipped=True), (10, 20))
    assert np.array_equal(flipped, small[:, ::-1])
    part = read_depth(depth, Window(0.5, 0.2, 0.5, 0.5), (5, 10))
    assert np.array_equal(part, small[2:7, 10:])


def test_of_several_points_in_a_pixel_the_one_nearest_to_its_centre_stays():
    depth = np.full((9, 9), np.nan, np.float32)
    depth[0, 0], depth[3, 4], depth[8, 8] = 1, 2, 3
    assert read_depth(depth, Window(), (1, 1)).tolist() == [[2]]


def test_padding_is_unknown():
    depth = read_depth(np.ones((4, 4), np.float32), Window(), (8, 8), (0.5, 0.75))
    assert np.isfinite(depth).sum() == 4 * 6 and np.isfinite(depth[:6, :4]).all()
