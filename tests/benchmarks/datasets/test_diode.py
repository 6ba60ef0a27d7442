"""DIODE: (768, 1024, 1) depth with its mask, indoors and outdoors."""

import numpy as np
import pytest

from heads.errors import InputError
from tests.benchmarks.datasets.builders import converted, photo


@pytest.fixture
def diode(tmp_path):
    root = tmp_path / "diode" / "val"
    for kind, name in (("indoors", "00019_00183_indoors_000_010"), ("outdoor", "00022_00193_outdoor_000_010")):
        scene, scan = name.split("_")[:2]
        folder = root / kind / f"scene_{scene}" / f"scan_{scan}"
        photo(folder / f"{name}.png", 1024, 768, compress_level=0)
        depth = np.full((768, 1024, 1), 7.5, np.float32)
        depth[0], depth[1, :, 0], depth[2] = 0, np.arange(1024) * 0.01, 400
        mask = np.ones((768, 1024))
        mask[3] = 0
        np.save(folder / f"{name}_depth.npy", depth)
        np.save(folder / f"{name}_depth_mask.npy", mask)
    return root.parent


def test_depth_under_its_mask_and_within_the_scanners_range(diode, tmp_path):
    records, _ = converted("diode", diode, tmp_path / "out")
    depth = records[0].depth_z()
    assert depth.shape == (768, 1024) and np.isnan(depth[0]).all() and np.isnan(depth[2:4]).all()
    assert np.isnan(depth[1, :60]).all() and np.isfinite(depth[1, 61:]).all() and (depth[4:] == 7.5).all()


def test_domain_scene_and_the_one_camera(diode, tmp_path):
    records, lines = converted("diode", diode, tmp_path / "out")
    assert [(record.domain, record.scene_id) for record in records] == [
        ("indoor", "scene_00019"), ("outdoor", "scene_00022")
    ]  # fmt: skip
    camera = records[1].camera
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (886.81, 927.06, 512, 384)
    assert lines[0]["image"] == str(records[0].image) and lines[0]["licence"] == "MIT"


def test_parts_of_the_download(diode, tmp_path):
    mask = next(diode.rglob("*outdoor*_depth_mask.npy"))
    np.save(mask, np.ones((10, 10)))
    with pytest.raises(InputError, match=r"picture \(768, 1024\), depth \(768, 1024\), mask \(10, 10\)"):
        converted("diode", diode, tmp_path / "out")
    mask.unlink()
    with pytest.raises(InputError, match=r"00022_00193_outdoor_000_010_depth_mask\.npy is missing"):
        converted("diode", diode, tmp_path / "out")
