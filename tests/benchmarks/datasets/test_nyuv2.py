"""NYU Depth v2: a labelled .mat in MATLAB's v7.3 form (HDF5, axes reversed) and splits.mat, as downloaded."""

import numpy as np
import pytest
from PIL import Image

from heads.errors import InputError
from tests.benchmarks.datasets.builders import converted

h5py = pytest.importorskip("h5py")
savemat = pytest.importorskip("scipy.io").savemat

WIDTH, HEIGHT, FRAMES = 640, 480, 3
SCENES = ["kitchen_0001", "office_0002", "kitchen_0003"]


@pytest.fixture
def nyu(tmp_path):
    """Three frames. Frame 1 (of 0, 1, 2): a wall at 2 m, its row 100 at 3 m, holes, and what the release clamps."""
    root = tmp_path / "nyu"
    root.mkdir()
    pictures = np.random.default_rng(0).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
    raw = np.full((FRAMES, HEIGHT, WIDTH), 2.0, np.float32)
    raw[1, 100, :] = 3.0
    raw[1, 200, 300] = 0.0  # the Kinect saw nothing
    raw[1, 201, 300] = 10.0  # farther than 10 m, clamped
    raw[1, 202, 300] = 9.99
    filled = np.where((raw == 0) | (raw == 10), 5.0, raw)
    with h5py.File(root / "nyu_depth_v2_labeled.mat", "w") as file:
        file["images"] = pictures.transpose(0, 3, 2, 1)  # (1449, 3, 640, 480) in the release
        file["rawDepths"] = raw.transpose(0, 2, 1)  # (1449, 640, 480)
        file["depths"] = filled.transpose(0, 2, 1)
        cells = file.create_dataset("scenes", (1, FRAMES), dtype=h5py.ref_dtype)
        for index, name in enumerate(SCENES):
            text = file.create_dataset(f"#refs#/{index}", data=np.array([list(map(ord, name))], np.uint16).T)
            cells[0, index] = text.ref
    savemat(root / "splits.mat", {"trainNdxs": np.array([[1], [3]]), "testNdxs": np.array([[2]])})
    return root, pictures


def test_the_test_split_is_numbered_from_1_and_stands_upright(nyu, tmp_path):
    root, pictures = nyu
    (record,), (line,) = converted("nyuv2", root, tmp_path / "out", crop="none")
    assert (line["frame"], line["scene_id"], line["split"]) == ("0002", "office_0002", "test")
    assert np.array_equal(np.asarray(Image.open(record.image)), pictures[1])
    depth = record.depth_z()
    assert depth.shape == (HEIGHT, WIDTH) and (depth[100] == 3).all() and depth[99, 0] == 2


def test_truth_is_what_the_kinect_measured(nyu, tmp_path):
    (record,), _ = converted("nyuv2", nyu[0], tmp_path / "out", crop="none")
    depth = record.depth_z()
    assert np.isnan(depth[200, 300]) and np.isnan(depth[201, 300])  # painted in, clamped: not measured
    assert depth[202, 300] == pytest.approx(9.99)
    assert np.isnan(depth).sum() == 2


def test_the_test_split_is_evaluated_in_eigens_window(nyu, tmp_path):
    (record,), (line,) = converted("nyuv2", nyu[0], tmp_path / "out")
    rows, columns = np.nonzero(np.isfinite(record.depth_z()))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (45, 470, 41, 600) and line["crop"] == "eigen"
    assert all(41 <= x <= 600 and 45 <= y <= 470 for x, y in line["pixel_coords"])


def test_the_camera_counts_from_the_corner_where_matlab_counts_from_1(nyu, tmp_path):
    (record,), _ = converted("nyuv2", nyu[0], tmp_path / "out")
    # The toolbox: column 1 is at (1 - 325.58) / fx. Ours: the first pixel's centre, 0.5, is at the same slope.
    camera = record.camera
    assert (0.5 - camera.cx) / camera.fx == pytest.approx((1 - 325.58244941119034) / 518.85790117450188)
    assert (0.5 - camera.cy) / camera.fy == pytest.approx((1 - 253.73616633400465) / 519.46961112127485)


def test_the_other_splits(nyu, tmp_path):
    train = converted("nyuv2", nyu[0], tmp_path / "train", split="train")[1]
    assert [line["frame"] for line in train] == ["0001", "0003"] and "crop" not in train[0]
    whole = converted("nyuv2", nyu[0], tmp_path / "all", split="all")[1]
    assert [line["scene_id"] for line in whole] == SCENES


def test_parts_of_the_download(nyu, tmp_path):
    root, _ = nyu
    (root / "splits.mat").rename(root / "splits")
    with pytest.raises(InputError, match=r"root: nyuv2: .*splits\.mat is missing"):
        converted("nyuv2", root, tmp_path / "out")
    (root / "splits").rename(root / "splits.mat")
    (root / "nyu_depth_v2_labeled.mat").write_bytes(b"half a download")
    with pytest.raises(InputError, match=r"nyu_depth_v2_labeled\.mat cannot be read"):
        converted("nyuv2", root, tmp_path / "out")
