"""Errors of a camera that are known beforehand; crops that depend on the seed and the record alone."""

import numpy as np
import pytest

from benchmarks.camera import camera_errors, random_crop
from heads.camera import Camera


def test_a_camera_with_half_the_focal():
    true, wide = Camera.from_fov(640, 480, fov_x_deg=60), Camera.from_fov(640, 480, fov_x_deg=90)
    found = camera_errors(wide, true)
    assert found["fov_error_deg"] == pytest.approx(30)
    assert (found["fov_true_deg"], found["fov_predicted_deg"]) == pytest.approx((60, 90))
    assert found["principal_point_error"] == 0 and 5 < found["ray_angle_deg"] < 15


def test_ray_angle_and_principal_point_of_a_shifted_centre():
    true = Camera.from_intrinsics(1000.0, width=20, height=20)
    moved = Camera.from_intrinsics(1000.0, cx=13, cy=14, width=20, height=20)
    found = camera_errors(moved, true)
    # near the axis 5 pixels (3 across, 4 down) at 1000 px are 5/1000 rad
    assert found["ray_angle_deg"] == pytest.approx(np.degrees(5e-3), rel=1e-3)
    assert found["principal_point_error"] == pytest.approx(5 / np.hypot(20, 20))


def test_a_perfect_camera():
    true = Camera.from_intrinsics(500.0, 510.0, 310.0, 250.0, width=640, height=480)
    found = camera_errors(true, true)
    assert (found["fov_error_deg"], found["ray_angle_deg"], found["principal_point_error"]) == (0, 0, 0)


def test_crops_lie_inside_and_take_every_size_and_place():
    windows = [random_crop((640, 480), 1, f"photo {i}") for i in range(2000)]
    left, top, width, height = np.array(windows).T
    assert left.min() == 0 and top.min() == 0 and (left + width).max() == 640 and (top + height).max() == 480
    assert width.min() == pytest.approx(320, abs=2) and height.min() == pytest.approx(240, abs=2)
    assert width.mean() == pytest.approx(480, rel=0.02) and height.mean() == pytest.approx(360, rel=0.02)
    assert abs(np.corrcoef(width, height)[0, 1]) < 0.06  # each side by itself: the aspect varies, too
    assert random_crop((640, 480), 1, "photo 7") == windows[7] != random_crop((640, 480), 2, "photo 7")
    assert random_crop((1, 1), 0, "dot") == (0, 0, 1, 1)
