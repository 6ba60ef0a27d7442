"""Points land on the pixel that geometry says, with z and not with their distance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.datasets.points import depth_of_points, moved, pose_of_quaternion, rotation_of_quaternion
from heads.camera import Camera
from tests.benchmarks.datasets.builders import CAR_FROM_CAMERA, CAR_FROM_CAMERA_QUATERNION, known

CAMERA = Camera.from_intrinsics(100.0, width=200, height=100)


def test_the_axes_of_a_camera_on_a_car_are_the_well_known_quaternion():
    assert np.allclose(rotation_of_quaternion(*CAR_FROM_CAMERA_QUATERNION), CAR_FROM_CAMERA, atol=1e-15)


def test_a_quarter_turn_about_z_takes_x_to_y():
    turn = pose_of_quaternion((np.sqrt(0.5), 0, 0, np.sqrt(0.5)), (10, 0, 0))
    assert np.allclose(moved(np.array([[1.0, 0, 0]]), turn), [[10, 1, 0]])


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_a_quaternion_need_not_have_length_1(scale):
    assert np.allclose(rotation_of_quaternion(scale, scale, 0, 0), rotation_of_quaternion(1, 1, 0, 0))


def test_a_point_off_the_axis_has_its_z_and_not_its_distance():
    # 45 degrees to the right at z = 5: x = 100 + 100 * 5 / 5 = 200 is just outside; 44 degrees is inside.
    points = np.array([[4.95, 0.0, 5.0]])  # distance 7.04 m
    assert known(depth_of_points(points, CAMERA)) == {(199, 50): 5.0}
    assert np.linalg.norm(points) > 7


def test_of_two_points_on_one_pixel_the_nearer_is_kept_whatever_their_order():
    near, far = [0.001, 0.0, 2.0], [0.001, 0.0, 9.0]
    for points in ([near, far], [far, near]):
        assert known(depth_of_points(np.array(points), CAMERA)) == {(100, 50): 2.0}


def test_what_is_behind_or_beside_the_camera_is_not_on_the_picture():
    points = np.array([[0, 0, -5.0], [0, 0, 0.0], [50, 0, 5.0], [0, -50, 5.0], [-50, 0, 5.0], [0, 50, 5.0]])
    assert not np.isfinite(depth_of_points(points, CAMERA)).any()


@given(arrays(np.float64, (20, 3), elements=st.floats(-30, 30, width=32)))
def test_every_depth_is_the_z_of_a_point_whose_ray_goes_through_that_pixel(points):
    depth = depth_of_points(points, CAMERA)
    for (x, y), z in known(depth).items():
        pixels = CAMERA.project(points)
        here = (np.floor(pixels) == (x, y)).all(-1)
        assert here.any() and z == pytest.approx(points[here, 2].min(), abs=1e-3)
    in_view = ((pixels := CAMERA.project(points)) >= 0).all(-1) & (pixels < CAMERA.size).all(-1)
    assert len(np.unique(np.floor(pixels[in_view]), axis=0)) == np.isfinite(depth).sum()
