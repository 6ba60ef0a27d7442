"""DDAD: DGP's scene JSON, calibration by key, structured or plain point clouds."""

import json

import numpy as np
import pytest

from heads.errors import InputError
from tests.benchmarks.datasets.builders import CAR_FROM_CAMERA_QUATERNION, converted, known, photo, text

WIDTH, HEIGHT, KEY, STAMP = 121, 76, "c0e1a6f1c439b282be0066d8dfcad9dd54782030", "15569195938415230"


def pose(quaternion, x, y, z):
    turn = dict(zip(("qw", "qx", "qy", "qz"), quaternion, strict=True))
    return {"rotation": turn, "translation": {"x": x, "y": y, "z": z}}


def datum(key, name, content):
    identity = {"index": "0", "log": "L", "name": name, "timestamp": "2019-05-15T00:38:58.415230Z"}
    return {"key": key, "id": identity, "datum": content, "next_key": "", "prev_key": ""}


@pytest.fixture
def ddad(tmp_path):
    """One validation scene of one sample: a LiDAR at the world's (10, 0, 0), a camera at (11, 0, 1) looking along x."""
    root = tmp_path / "ddad"
    folder = root / "000150"
    image = {"filename": f"rgb/CAMERA_01/{STAMP}.png", "height": HEIGHT, "width": WIDTH, "channels": 3,
             "annotations": {}, "metadata": {}, "pose": pose(CAR_FROM_CAMERA_QUATERNION, 11, 0, 1)}  # fmt: skip
    cloud = {"filename": f"point_cloud/LIDAR/{STAMP}.npz", "annotations": {}, "metadata": {}, "point_fields": [],
             "point_format": ["X", "Y", "Z", "INTENSITY"], "pose": pose((1.0, 0, 0, 0), 10, 0, 0)}  # fmt: skip
    scene = {
        "name": "", "log": "L", "metadata": {}, "description": "",
        "data": [datum("k-lidar", "LIDAR", {"point_cloud": cloud}), datum("k-camera", "CAMERA_01", {"image": image})],
        "samples": [{"calibration_key": KEY, "datum_keys": ["k-lidar", "k-camera"], "id": {}, "metadata": {}}],
    }  # fmt: skip
    text(folder / "scene_a8dc.json", json.dumps(scene))
    splits = {"0": {"filenames": []}, "1": {"filenames": ["000150/scene_a8dc.json"]}}
    text(root / "ddad.json", json.dumps({"metadata": {"name": "DDAD"}, "scene_splits": splits}))
    lens = {"fx": 130.0, "fy": 129.0, "cx": 60.0, "cy": 38.0, "skew": 0.0}
    none = {"fx": 0.0, "fy": 0.0, "cx": 0.0, "cy": 0.0, "skew": 0.0}
    calibration = {"names": ["LIDAR", "CAMERA_01"], "intrinsics": [none, lens],
                   "extrinsics": [pose((1.0, 0, 0, 0), 0, 0, 0)] * 2}  # fmt: skip
    text(folder / "calibration" / f"{KEY}.json", json.dumps(calibration))
    photo(folder / "rgb" / "CAMERA_01" / f"{STAMP}.png", WIDTH, HEIGHT)
    # In the LiDAR's frame. From the camera: z = x - 1, right = -y, down = 1 - z.
    points = np.array([[27.0, -8.0, 1.0, 7], [27.0, 8.0, -4.0, 7], [301.0, 0.0, 1.0, 7]], np.float32)
    (folder / "point_cloud" / "LIDAR").mkdir(parents=True)
    np.savez(folder / "point_cloud" / "LIDAR" / f"{STAMP}.npz", data=points)
    return root, folder, points


def test_points_of_the_sweep_on_the_photograph(ddad, tmp_path):
    (record,), (line,) = converted("ddad", ddad[0], tmp_path / "out")
    # 60 + 130 * 8 / 26 = 100, 38; 60 - 40 = 20, 38 + 129 * 5 / 26 = 62.8: pixel 63. 300 m is beyond the range.
    assert known(record.depth_z()) == {(100, 38): 26.0, (20, 63): 26.0}
    assert line["frame"] == f"000150_CAMERA_01_{STAMP}" and record.scene_id == record.view_group == "000150"
    assert (record.camera.fx, record.camera.fy, record.camera.cx, record.camera.cy) == (130, 129, 60.5, 38.5)
    assert np.allclose(record.camera.camera_to_world[:3, 3], [11, 0, 1])


def test_a_structured_cloud_is_the_same(ddad, tmp_path):
    root, folder, points = ddad
    plain = converted("ddad", root, tmp_path / "plain")[0][0].depth_z()
    fields = np.zeros((len(points), 1), [(name, "f4") for name in ("INTENSITY", "X", "Y", "Z")])
    for name, column in zip("XYZ", points.T, strict=False):
        fields[name][:, 0] = column
    np.savez(folder / "point_cloud" / "LIDAR" / f"{STAMP}.npz", data=fields)
    again = converted("ddad", root, tmp_path / "structured")[0][0].depth_z()
    assert np.array_equal(plain, again, equal_nan=True)


def test_parts_of_the_download(ddad, tmp_path):
    root, folder, _ = ddad
    with pytest.raises(InputError, match=r"ddad: no scene of train in .*ddad\.json"):
        converted("ddad", root, tmp_path / "out", split="train")
    (folder / "point_cloud" / "LIDAR" / f"{STAMP}.npz").unlink()
    with pytest.raises(InputError, match=rf"point_cloud/LIDAR/{STAMP}\.npz is missing"):
        converted("ddad", root, tmp_path / "out")
