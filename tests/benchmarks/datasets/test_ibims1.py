"""iBims-1: .mat structs as the release stores them, masks that are 1 where depth is good, a transposed K."""

import numpy as np
import pytest
from PIL import Image

from heads.errors import InputError
from tests.benchmarks.datasets.builders import converted, text

savemat = pytest.importorskip("scipy.io").savemat

SHAPE = (480, 640)


@pytest.fixture
def ibims(tmp_path):
    """One photograph: depth 4 m, 0 at the top; two walls (labels 1, 2), one table, no floor; one edge column."""
    root = tmp_path / "ibims1_core_mat"
    depth = np.full(SHAPE, 4.0)
    depth[0] = 0
    invalid, transparent = np.ones(SHAPE), np.ones(SHAPE)
    invalid[1], transparent[2] = 0, 0
    wall, table, floor, edges = (np.zeros(SHAPE) for _ in range(4))
    wall[100:110], wall[200:210], table[300:310], edges[:, 320] = 1, 2, 1, 1
    picture = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
    calib = np.array([[559.62, 0, 0], [0, 558.14, 0], [361.87, 241.99, 1]])  # MATLAB's order: centre in the last row
    text(root / "imagelist.txt", "corridor_01\n")
    savemat(
        root / "corridor_01.mat",
        {
            "data": {
                "rgb": picture, "depth": depth, "edges": edges, "calib": calib, "mask_invalid": invalid,
                "mask_transp": transparent, "mask_wall": wall, "mask_wall_paras": np.zeros((2, 9)),
                "mask_table": table, "mask_table_paras": np.zeros((1, 9)), "mask_floor": floor,
                "mask_floor_paras": np.zeros((0, 0)),
            }
        },
    )  # fmt: skip
    return root, picture


def test_depth_only_where_it_can_be_trusted(ibims, tmp_path):
    root, picture = ibims
    (record,), _ = converted("ibims1", root, tmp_path / "out")
    depth = record.depth_z()
    assert depth.shape == SHAPE and np.isnan(depth[:3]).all() and (depth[3:] == 4).all()
    assert np.array_equal(np.asarray(Image.open(record.image)), picture)
    assert (record.scene_id, record.domain, record.split) == ("corridor_01", "indoor", "test")


def test_every_plane_has_its_own_label(ibims, tmp_path):
    (record,), _ = converted("ibims1", ibims[0], tmp_path / "out")
    planes = record.masks("planes")
    assert {row: int(planes[row, 7]) for row in (50, 105, 205, 305)} == {50: 0, 105: 1, 205: 2, 305: 3}
    assert sorted(np.unique(planes)) == [0, 1, 2, 3]
    assert sorted(np.unique(record.masks("wall"))) == [0, 1, 2] and sorted(np.unique(record.masks("table"))) == [0, 1]
    assert not record.masks("floor").any()
    assert np.array_equal(np.argwhere(record.masks("edges"))[:, 1], np.full(480, 320))


def test_the_camera_is_read_whichever_way_it_was_stored(ibims, tmp_path):
    (record,), _ = converted("ibims1", ibims[0], tmp_path / "out")
    camera = record.camera
    assert (camera.fx, camera.fy) == (559.62, 558.14)
    assert (camera.cx, camera.cy) == pytest.approx((361.37, 241.49))  # MATLAB counts centres from 1: minus 0.5

    from benchmarks.datasets.ibims1 import upright_calibration

    matrix = np.array([[560.0, 0, 360], [0, 560, 240], [0, 0, 1]])
    assert np.array_equal(upright_calibration(matrix), matrix)
    assert np.array_equal(upright_calibration(matrix.T), matrix)


def test_parts_of_the_download(ibims, tmp_path):
    root, _ = ibims
    text(root / "imagelist.txt", "corridor_01\nlab_02\n")
    with pytest.raises(InputError, match=r"lab_02\.mat is missing; allowed: the folder of the iBims-1 core"):
        converted("ibims1", root, tmp_path / "out")
    savemat(root / "lab_02.mat", {"data": {"rgb": np.zeros((480, 640, 3), np.uint8)}})
    with pytest.raises(InputError, match=r"lab_02\.mat cannot be read"):
        converted("ibims1", root, tmp_path / "out")
