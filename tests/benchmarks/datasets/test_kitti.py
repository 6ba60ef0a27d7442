"""KITTI: raw calibration files, .bin sweeps, annotated PNGs, and the 697 photographs of Eigen's split."""

import numpy as np
import pytest

from benchmarks.datasets import kitti
from benchmarks.datasets.kitti_eigen import eigen_frames
from heads.errors import InputError
from tests.benchmarks.datasets.builders import converted, depth_png, known, photo, text

DRIVE, DATE = "2011_09_26_drive_0002_sync", "2011_09_26"
WIDTH, HEIGHT = 1242, 375
CAMERAS = """calib_time: 09-Jan-2012 13:57:47
S_rect_02: 1.242000e+03 3.750000e+02
R_rect_00: 1 0 0 0 1 0 0 0 1
P_rect_02: 700 0 600 70 0 700 170 7 0 0 1 0.01
"""
# Velodyne: x forward, y left, z up; camera 0: x right, y down, z forward, 0.3 m behind and 0.1 m below.
LIDAR = "calib_time: 15-Mar-2012 11:37:16\nR: 0 -1 0 0 0 -1 1 0 0\nT: 0 -0.1 -0.3\ndelta_f: 0 0\n"


@pytest.fixture
def raw(tmp_path, monkeypatch):
    """Two photographs of one drive, of which the second has no annotated truth; the list is cut to them."""
    monkeypatch.setattr(kitti, "eigen_frames", lambda: {DRIVE: [5, 69]})
    root = tmp_path / "kitti"
    text(root / DATE / "calib_cam_to_cam.txt", CAMERAS)
    text(root / DATE / "calib_velo_to_cam.txt", LIDAR)
    for number in (5, 69):
        photo(root / DATE / DRIVE / "image_02" / "data" / f"{number:010d}.png", WIDTH, HEIGHT)
        points = np.array([[20.29, 3.0, -0.5, 0.3], [-20.0, 0, 0, 0.3], [100.29, 0, 0, 0.3]], "<f4")
        folder = root / DATE / DRIVE / "velodyne_points" / "data"
        folder.mkdir(parents=True, exist_ok=True)
        points.tofile(folder / f"{number:010d}.bin")
    truth = np.zeros((HEIGHT, WIDTH), int)
    truth[200, 500], truth[100, 500], truth[200, 10], truth[201, 500] = 256 * 12, 256 * 13, 256 * 14, 256 * 81
    annotated = root / "val" / DRIVE / "proj_depth" / "groundtruth" / "image_02"
    depth_png(annotated / "0000000005.png", truth)
    return root, annotated


def test_the_split_has_697_photographs_of_28_drives():
    frames = eigen_frames()
    assert len(frames) == 28 and sum(map(len, frames.values())) == 697
    assert all(numbers == sorted(set(numbers)) for numbers in frames.values())
    # Spot checks against the published list, missing ones among them.
    assert 69 in frames[DRIVE] and 66 not in frames[DRIVE]
    assert frames["2011_09_26_drive_0048_sync"] == list(range(22))
    assert 1054 in frames["2011_09_29_drive_0071_sync"] and 999 not in frames["2011_09_30_drive_0027_sync"]
    assert 2182 not in frames["2011_10_03_drive_0027_sync"] and 4535 in frames["2011_10_03_drive_0027_sync"]


def test_annotated_truth_within_gargs_window_up_to_80_m(raw, tmp_path):
    (record,), (line,) = converted("kitti", raw[0], tmp_path / "out")
    assert known(record.depth_z()) == {(500, 200): 12.0}  # row 100 and column 10 are outside, 81 m is too far
    assert line["crop"] == "garg" and line["frame"] == f"{DRIVE}_0000000005" and "depth_scale" not in line


def test_without_a_crop_the_png_is_referenced_in_place(raw, tmp_path):
    root, annotated = raw
    (record,), (line,) = converted("kitti", root, tmp_path / "out", crop="none")
    assert line["depth_path"] == str(annotated / "0000000005.png") and line["depth_scale"] == 256
    assert known(record.depth_z()) == {(500, 200): 12.0, (500, 100): 13.0, (10, 200): 14.0}


def test_a_sweep_is_projected_through_the_devkits_three_matrices(raw, tmp_path):
    records, _ = converted("kitti", raw[0], tmp_path / "out", split="eigen_raw", crop="none")
    assert len(records) == 2
    # Camera 0: (-3, 0.5 - 0.1, 20.29 - 0.3) = (-3, 0.4, 19.99). P: (700 * -3 + 600 * 19.99 + 70, 700 * 0.4 +
    # 170 * 19.99 + 7, 20) = (9964, 3685.3, 20): pixel (498.2, 184.265), whole-number centres; z = 20, not 19.99.
    assert known(records[0].depth_z()) == {(498, 184): 20.0}
    camera = records[0].camera
    assert (camera.fx, camera.cx, camera.cy) == (700, 600.5, 170.5)


def test_the_depth_selection(tmp_path):
    folder = tmp_path / "kitti" / "depth_selection" / "val_selection_cropped"
    photo(folder / "image" / f"{DRIVE}_image_0000000008_image_02.png", 1216, 352)
    truth = np.zeros((352, 1216), int)
    truth[300, 600] = 256 * 9
    depth_png(folder / "groundtruth_depth" / f"{DRIVE}_groundtruth_depth_0000000008_image_02.png", truth)
    lens = "721.5377 0.000000 596.5593 0.000000 721.5377 149.854 0.000000 0.000000 1.000000\n"
    text(folder / "intrinsics" / f"{DRIVE}_image_0000000008_image_02.txt", lens)
    (record,), (line,) = converted("kitti", tmp_path / "kitti", tmp_path / "out", split="selection")
    assert known(record.depth_z()) == {(600, 300): 9.0} and line["scene_id"] == DRIVE and "crop" not in line
    assert (record.camera.fx, record.camera.cx) == (721.5377, 597.0593)


def test_parts_of_the_download(raw, tmp_path):
    root, annotated = raw
    text(root / DATE / "calib_velo_to_cam.txt", "R: 0 -1 0\nT: 0 0 0\n")
    with pytest.raises(InputError, match=r"calib_velo_to_cam\.txt cannot be read"):
        converted("kitti", root, tmp_path / "out", split="eigen_raw")
    annotated.rename(annotated.with_name("image_03"))
    with pytest.raises(InputError, match=rf"train/{DRIVE}/proj_depth/groundtruth/image_02 is missing"):
        converted("kitti", root, tmp_path / "out")


def test_a_missing_file_of_the_last_photograph_is_told_before_the_first_record(raw, tmp_path):
    root, _ = raw
    (root / DATE / DRIVE / "velodyne_points" / "data" / "0000000069.bin").unlink()
    with pytest.raises(InputError, match=r"velodyne_points/data/0000000069\.bin is missing"):
        converted("kitti", root, tmp_path / "out", split="eigen_raw")
    assert not (tmp_path / "out").exists()
