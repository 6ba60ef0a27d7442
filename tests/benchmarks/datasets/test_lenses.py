"""Distortion there and back, and a picture without it."""

import numpy as np
import pytest

from benchmarks.datasets.lenses import brown, thin_prism_fisheye, undistorted, undistorted_slopes
from heads.camera import Camera

WAYMO = (0.0459, -0.345, -0.0004, -0.001, 0.0)  # of the size of its front cameras
ETH3D = np.array([0.22, 0.19, -0.0002, -0.0005, 0.62, -0.5, -0.0001, 0.0003])


def distort_waymo(slopes):
    return brown(slopes, *WAYMO)


def distort_eth3d(slopes):
    return thin_prism_fisheye(slopes, ETH3D)


def test_brown_by_hand():
    # r2 = 0.25: radial = 1 + 0.1 * 0.25 + 0.2 * 0.0625 + 0.4 * 0.015625 = 1.04375
    x, y = brown(np.array([0.3, 0.4]), k1=0.1, k2=0.2, p1=0.01, p2=0.02, k3=0.4)
    assert x == pytest.approx(0.3 * 1.04375 + 2 * 0.01 * 0.12 + 0.02 * (0.25 + 2 * 0.09))
    assert y == pytest.approx(0.4 * 1.04375 + 0.01 * (0.25 + 2 * 0.16) + 2 * 0.02 * 0.12)


def test_without_coefficients_the_fisheye_is_equidistant():
    slopes = np.array([[np.tan(0.5), 0.0], [0.0, -np.tan(1.0)], [0.0, 0.0]])
    assert np.allclose(thin_prism_fisheye(slopes, np.zeros(8)), [[0.5, 0], [0, -1.0], [0, 0]])


@pytest.mark.parametrize("distort", [distort_waymo, distort_eth3d])
def test_undistorting_is_the_inverse_of_distorting(distort):
    slopes = np.stack(np.meshgrid(np.linspace(-0.5, 0.5, 11), np.linspace(-0.35, 0.35, 9)), axis=-1)
    assert np.abs(distort(slopes) - slopes).max() > 0.005
    assert np.allclose(undistorted_slopes(distort(slopes), distort), slopes, atol=1e-6)


def test_where_no_ray_ends_there_is_no_answer():
    # 1 - r2 has its largest r * (1 - r2) = 0.385 at r = 0.577: nothing is seen beyond.
    assert np.isnan(undistorted_slopes(np.array([[0.6, 0.0]]), lambda s: brown(s, -1.0, 0, 0, 0))).all()


def test_a_picture_without_distortion_stays_as_it_is():
    picture = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    camera = Camera.from_fov(40, 30, fov_x_deg=60)
    assert np.array_equal(undistorted(picture, camera, lambda s: brown(s, 0, 0, 0, 0)), picture)


def test_an_undistorted_picture_has_a_dot_where_its_ray_is():
    def distort(slopes):
        return brown(slopes, 0.1, 0.05, 0.002, -0.001)

    camera = Camera.from_fov(400, 300, fov_x_deg=50)
    ray = np.array([0.3, -0.2])
    where = distort(ray) * camera.fx + (camera.cx, camera.cy)
    picture = np.zeros((300, 400, 3), np.uint8)
    x, y = np.floor(where).astype(int)
    picture[y - 1 : y + 2, x - 1 : x + 2] = 255
    found = np.argwhere(undistorted(picture, camera, distort)[..., 0] > 128)[:, ::-1].mean(0) + 0.5
    assert np.abs(found - (ray * camera.fx + (camera.cx, camera.cy))).max() < 1
    assert np.abs(where - (ray * camera.fx + (camera.cx, camera.cy))).max() > 1.5  # it did move


def test_what_the_lens_did_not_see_is_black():
    camera = Camera.from_fov(40, 30, fov_x_deg=90)
    picture = np.full((30, 40, 3), 200, np.uint8)
    straight = undistorted(picture, camera, lambda s: brown(s, 0.3, 0, 0, 0))
    assert (straight[0, 0] == 0).all() and (straight[15, 20] == 200).all()
