"""ETH3D: COLMAP text models and raw float32 truth at the distorted photograph's size, moved onto the other one."""

import numpy as np
import pytest

from benchmarks.datasets.colmap import ColmapCamera
from benchmarks.datasets.eth3d import moved_truth
from benchmarks.datasets.lenses import thin_prism_fisheye
from heads.camera import Camera
from heads.errors import InputError
from tests.benchmarks.datasets.builders import converted, known, photo, text

RAW, PLAIN = (620, 413), (600, 400)  # the release: 6048x4032 and about 6200x4135
FISHEYE = np.array([340.0, 341.0, 310.5, 206.25, 0.22, 0.19, -0.0002, -0.0005, 0.62, -0.5, -0.0001, 0.0003])
PINHOLE = np.array([330.0, 331.0, 300.25, 199.5])
POINTS = [(0.0, 0.0, 4.0), (0.6, 0.4, 5.0), (-0.55, 0.3, 12.0), (0.3, -0.45, 150.0)]  # x / z, y / z, z


def on_distorted(x: float, y: float) -> tuple[int, int]:
    """The pixel (column, row) of the distorted photograph that sees this slope, by the published formula."""
    u, v = thin_prism_fisheye(np.array([x, y]), FISHEYE[4:])
    return int(FISHEYE[0] * u + FISHEYE[2]), int(FISHEYE[1] * v + FISHEYE[3])


@pytest.fixture
def eth3d(tmp_path):
    scene = tmp_path / "eth3d" / "terrace"
    comment = "# Camera list with one line of data per camera:\n#   CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]\n"
    for kind, model, size, values in (
        ("undistorted", "PINHOLE", PLAIN, PINHOLE),
        ("jpg", "THIN_PRISM_FISHEYE", RAW, FISHEYE),
    ):
        folder = scene / f"dslr_calibration_{kind}"
        line = f"3 {model} {size[0]} {size[1]} {' '.join(map(str, values))}\n"
        text(folder / "cameras.txt", comment + line)
        images = "dslr_images_undistorted" if kind == "undistorted" else "dslr_images"
        # World to camera: a quarter turn about z, then 1 m along x. The second photograph has no keypoints.
        lines = f"0 0.7071067811865476 0 0 0.7071067811865476 1 0 0 3 {images}/DSC_0259.JPG\n10.5 20.5 -1\n"
        lines += f"1 1 0 0 0 0 0 0 3 {images}/DSC_0260.JPG\n\n"
        text(folder / "images.txt", "# Image list\n" + lines)
    for name in ("DSC_0259.JPG", "DSC_0260.JPG"):
        photo(scene / "images" / "dslr_images_undistorted" / name, *PLAIN)
        truth = np.full(RAW[::-1], np.inf, "<f4")
        for x, y, z in POINTS:
            column, row = on_distorted(x, y)
            truth[row, column] = z
        (scene / "ground_truth_depth" / "dslr_images").mkdir(parents=True, exist_ok=True)
        truth.tofile(scene / "ground_truth_depth" / "dslr_images" / name)
    return tmp_path / "eth3d"


def test_truth_lands_where_the_undistorted_photograph_shows_it(eth3d, tmp_path):
    records, lines = converted("eth3d", eth3d, tmp_path / "out")
    assert [line["frame"] for line in lines] == ["terrace_DSC_0259", "terrace_DSC_0260"]
    found = known(records[0].depth_z())
    assert records[0].depth_z().shape == (100, 150) and len(found) == len(POINTS)
    for x, y, z in POINTS:
        pixel = (PINHOLE[0] * x + PINHOLE[2], PINHOLE[1] * y + PINHOLE[3])
        near = [p for p, metres in found.items() if metres == z]
        assert len(near) == 1 and np.abs((np.array(near[0]) + 0.5) * 4 - pixel).max() < 3  # blocks of 4, pixels of 1
    assert lines[0]["original_depth_size"] == [150, 100] and records[0].domain == "outdoor"


def test_distorted_and_undistorted_pixels_differ():
    x, y, _ = POINTS[1]
    plain = np.array([FISHEYE[0] * x + FISHEYE[2], FISHEYE[1] * y + FISHEYE[3]])
    assert np.abs(plain - on_distorted(x, y)).max() > 3  # else the test above would prove nothing


def test_of_a_block_the_point_nearest_its_centre_is_kept():
    lens = ColmapCamera("PINHOLE", 40, 40, np.array([40.0, 40.0, 20.0, 20.0]))
    truth = np.full((40, 40), np.inf, np.float32)
    truth[8, 8], truth[9, 10] = 1.0, 2.0  # centres (8.5, 8.5) and (10.5, 9.5); their block's is (10, 10)
    camera = Camera(lens.matrix, 40, 40)
    assert known(moved_truth(truth, lens, camera)) == {(2, 2): 2.0}


def test_infinity_is_no_truth_and_not_sky(eth3d, tmp_path):
    records, _ = converted("eth3d", eth3d, tmp_path / "out")
    depth = records[0].depth_z()
    assert not np.isinf(depth).any() and np.isnan(depth).sum() == depth.size - len(POINTS)


def test_the_camera_is_colmaps_and_its_pose_is_turned_around(eth3d, tmp_path):
    records, _ = converted("eth3d", eth3d, tmp_path / "out")
    camera = records[0].camera
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == tuple(PINHOLE)
    # x_camera = turn(x_world) + (1, 0, 0): the camera stands where turn(x) = (-1, 0, 0), at x_world = (0, 1, 0).
    assert np.allclose(camera.camera_to_world[:3, 3], [0, 1, 0])
    assert np.allclose(camera.camera_to_world[:3, :3] @ [0, 1, 0], [1, 0, 0])
    assert records[0].view_group == records[1].view_group == "terrace"


def test_parts_of_the_download(eth3d, tmp_path):
    scene = eth3d / "terrace"
    (scene / "ground_truth_depth" / "dslr_images" / "DSC_0260.JPG").write_bytes(b"\0" * 400)
    with pytest.raises(InputError, match=r"DSC_0260\.JPG cannot be read \(100 values for 620x413 pixels\)"):
        converted("eth3d", eth3d, tmp_path / "out")
    (scene / "dslr_calibration_jpg" / "cameras.txt").unlink()
    with pytest.raises(InputError, match=r"dslr_calibration_jpg/cameras\.txt is missing"):
        converted("eth3d", eth3d, tmp_path / "out")
    text(scene / "dslr_calibration_jpg" / "cameras.txt", "3 OPENCV 620 413 1 2 3 4 5 6 7 8\n")
    with pytest.raises(InputError, match="camera model OPENCV, known are PINHOLE, THIN_PRISM_FISHEYE"):
        converted("eth3d", eth3d, tmp_path / "out")
