"""nuScenes: JSON tables joined as the devkit does, .pcd.bin sweeps, the car's motion between LiDAR and camera."""

import json

import numpy as np
import pytest

from benchmarks.datasets.nuscenes import VAL
from heads.errors import InputError
from tests.benchmarks.datasets.builders import CAR_FROM_CAMERA_QUATERNION, converted, known, photo, text

WIDTH, HEIGHT = 160, 90
MATRIX = [[120.0, 0, 80.0], [0, 120.0, 45.0], [0, 0, 1]]
STILL = [1.0, 0, 0, 0]


@pytest.fixture
def nuscenes(tmp_path):
    """A training and a validation scene of one key frame each; the car drives 1 m between LiDAR and camera."""
    root, tables = tmp_path / "nuscenes", {name: [] for name in ("scene", "sample", "sample_data", "ego_pose")}
    tables["sensor"] = [
        {"token": "s-lidar", "channel": "LIDAR_TOP", "modality": "lidar"},
        {"token": "s-front", "channel": "CAM_FRONT", "modality": "camera"},
        {"token": "s-radar", "channel": "RADAR_FRONT", "modality": "radar"},
    ]
    tables["calibrated_sensor"] = [
        {"token": "c-lidar", "sensor_token": "s-lidar", "translation": [1.0, 0, 2.0], "rotation": STILL,
         "camera_intrinsic": []},
        {"token": "c-front", "sensor_token": "s-front", "translation": [1.5, 0, 1.5],
         "rotation": list(CAR_FROM_CAMERA_QUATERNION), "camera_intrinsic": MATRIX},
        {"token": "c-radar", "sensor_token": "s-radar", "translation": [0.0, 0, 0], "rotation": STILL,
         "camera_intrinsic": []},
    ]  # fmt: skip
    for scene in ("scene-0003", "scene-0001"):
        tables["scene"].append({"token": f"t-{scene}", "name": scene})
        tables["sample"].append({"token": f"f-{scene}", "scene_token": f"t-{scene}"})
        for kind, channel, x in (("lidar", "LIDAR_TOP", 100.0), ("front", "CAM_FRONT", 101.0), ("radar", "RADAR", 0.0)):
            ending = {"lidar": "pcd.bin", "front": "jpg", "radar": "pcd"}[kind]
            file = f"samples/{channel}/{scene}__{channel}__1533151603547590.{ending}"
            pose = {"token": f"p-{scene}-{kind}", "translation": [x, 7.0, 0.0], "rotation": STILL}
            tables["ego_pose"].append(pose)
            common = {"sample_token": f"f-{scene}", "ego_pose_token": pose["token"], "filename": file}
            tables["sample_data"].append(
                {**common, "calibrated_sensor_token": f"c-{kind}", "is_key_frame": True, "token": f"d-{scene}-{kind}"}
            )
            # Between key frames there are sweeps, which are not read.
            tables["sample_data"].append(
                {**common, "calibrated_sensor_token": f"c-{kind}", "is_key_frame": False, "filename": "sweeps/none",
                 "token": f"e-{scene}-{kind}"}
            )  # fmt: skip
        photo(root / "samples" / "CAM_FRONT" / f"{scene}__CAM_FRONT__1533151603547590.jpg", WIDTH, HEIGHT)
        # In the LiDAR's frame. From the camera: z = x + 100 + 1 - (101 + 1.5), right = -y, down = 1.5 - (z + 2).
        points = np.array([[21.5, -5.0, -0.5, 9, 3], [2.0, 0.0, -0.5, 9, 3], [-30, 0, 0, 9, 3]], "<f4")
        lidar = root / "samples" / "LIDAR_TOP" / f"{scene}__LIDAR_TOP__1533151603547590.pcd.bin"
        lidar.parent.mkdir(parents=True, exist_ok=True)
        points.tofile(lidar)
    for name, rows in tables.items():
        text(root / "v1.0-trainval" / f"{name}.json", json.dumps(rows))
    return root


def test_a_sweep_in_the_camera_of_another_moment(nuscenes, tmp_path):
    (record,), (line,) = converted("nuscenes", nuscenes, tmp_path / "out")
    # z = 21.5 - 1.5 = 20, right 5, level: column 80 + 120 * 5 / 20 = 110. The second point is 0.5 m away: the car.
    assert known(record.depth_z()) == {(110, 45): 20.0}
    assert (line["scene_id"], line["frame"]) == ("scene-0003", "scene-0003__CAM_FRONT__1533151603547590")
    assert (record.camera.fx, record.camera.cx, record.camera.cy) == (120, 80.5, 45.5)
    assert np.allclose(record.camera.camera_to_world[:3, 3], [102.5, 7, 1.5])


def test_the_validation_scenes_are_the_devkits(nuscenes, tmp_path):
    assert len(VAL) == 150 and {"scene-0003", "scene-0110", "scene-0802", "scene-1073"} <= VAL
    assert not VAL & {"scene-0001", "scene-0061", "scene-0628", "scene-0918", "scene-1074"}
    assert [line["scene_id"] for line in converted("nuscenes", nuscenes, tmp_path / "t", split="train")[1]] == [
        "scene-0001"
    ]


def test_parts_of_the_download(nuscenes, tmp_path):
    lidar = next((nuscenes / "samples" / "LIDAR_TOP").glob("scene-0003*"))
    lidar.write_bytes(lidar.read_bytes()[:-4])
    with pytest.raises(InputError, match="14 values are no whole points of 5"):
        converted("nuscenes", nuscenes, tmp_path / "out")
    text(nuscenes / "v1.0-trainval" / "ego_pose.json", "[]")
    with pytest.raises(InputError, match=r"v1\.0-trainval cannot be read \(its tables miss 'p-scene-0003-lidar'\)"):
        converted("nuscenes", nuscenes, tmp_path / "out")
    with pytest.raises(InputError, match=r"v1\.0-mini/scene\.json is missing"):
        converted("nuscenes", nuscenes, tmp_path / "out", split="mini_val")
