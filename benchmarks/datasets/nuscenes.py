"""nuScenes: six cameras and one 32-beam LiDAR on cars in Boston and Singapore.

link      https://www.nuscenes.org/nuscenes
layout    VERSION/{scene,sample,sample_data,calibrated_sensor,sensor,ego_pose}.json and samples/CAM_FRONT/*.jpg,
          samples/LIDAR_TOP/*.pcd.bin (float32: x, y, z, intensity, ring), v1.0
splits    val, train (v1.0-trainval: 150 and 700 scenes), mini_val, mini_train (v1.0-mini); key frames
range     1 to 80 m (below 1 m the LiDAR sees its own car)
depth     z-depth of LiDAR points projected into the camera, sparse (about 3,000 a picture)
licence   CC BY-NC-SA 4.0, nuScenes terms of use
faults    LiDAR and camera fire up to 50 ms apart while the car drives: points go through the world with the car's
          pose at each time, as the devkit's map_pointcloud_to_image does. The LiDAR stands on the roof and sees
          past edges: a few far points lie on near things; they are kept, as everyone's are.
camera    photographs are undistorted; pixel centres at whole numbers
poses     camera to world, metres; records of one scene share a view group
source    nuscenes-devkit: nuscenes.py, utils/data_classes.py, utils/splits.py
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.base import Card, expected, none_found, photograph, pinhole, record_row, unreadable
from benchmarks.datasets.points import depth_of_points, moved, pose_of_quaternion

CARD = Card(
    name="nuscenes",
    domain="outdoor",
    link="https://www.nuscenes.org/nuscenes",
    licence="CC BY-NC-SA 4.0, nuScenes terms of use",
    layout="nuScenes v1.0 (trainval or mini)",
    splits=("val", "train", "mini_val", "mini_train"),
    depth="32-beam LiDAR, one sweep",
    valid_range_m=(1.0, 80.0),
)

# The validation scenes' numbers, first to last of each run.
VAL_RUNS = (
    (3, 3), (12, 18), (35, 36), (38, 39), (92, 110), (221, 221), (268, 278), (329, 332), (344, 346), (519, 524),
    (552, 565), (625, 627), (629, 630), (632, 638), (770, 771), (775, 775), (777, 778), (780, 784), (794, 800),
    (802, 802), (904, 917), (919, 931), (962, 963), (966, 969), (971, 972), (1059, 1073),
)  # fmt: skip
VAL = frozenset(f"scene-{number:04d}" for first, last in VAL_RUNS for number in range(first, last + 1))
MINI_VAL = frozenset({"scene-0103", "scene-0916"})
TABLES = ("scene", "sample", "sample_data", "calibrated_sensor", "sensor", "ego_pose")


@dataclass(frozen=True)
class Sensor:
    """One sample_data of a key frame: file, (4, 4) world_from_sensor, intrinsics where it is a camera."""

    path: Path
    world_from_sensor: np.ndarray
    intrinsics: np.ndarray | None


@dataclass(frozen=True)
class Item:
    """One photograph of a key frame and the frame's sweep."""

    scene: str
    channel: str
    photo: Sensor
    sweep: Sensor
    split: str


def items(root: Path, split: str) -> list[Item]:
    """Every camera of every key frame of the split's scenes."""
    folder = root / ("v1.0-mini" if split.startswith("mini") else "v1.0-trainval")
    tables = {name: _table(folder / f"{name}.json") for name in TABLES}
    try:
        return _joined(root, tables, split)
    except KeyError as problem:
        raise unreadable(folder, CARD, f"its tables miss {problem}") from problem


def _joined(root: Path, tables: dict[str, list[dict[str, Any]]], split: str) -> list[Item]:
    by_token = {
        name: {row["token"]: row for row in tables[name]} for name in ("calibrated_sensor", "sensor", "ego_pose")
    }
    held_out = MINI_VAL if split.startswith("mini") else VAL
    wanted = {
        row["token"]: row["name"] for row in tables["scene"] if (row["name"] in held_out) == split.endswith("val")
    }
    samples = {row["token"]: wanted[row["scene_token"]] for row in tables["sample"] if row["scene_token"] in wanted}
    if not samples:
        raise none_found(f"key frame of {split} in sample.json", CARD)

    taken: dict[str, dict[str, Sensor]] = {token: {} for token in samples}
    for row in tables["sample_data"]:
        if row["is_key_frame"] and row["sample_token"] in samples:
            mounted = by_token["calibrated_sensor"][row["calibrated_sensor_token"]]
            channel = by_token["sensor"][mounted["sensor_token"]]["channel"]
            if channel.startswith("CAM") or channel == "LIDAR_TOP":
                world_from_car = _pose(by_token["ego_pose"][row["ego_pose_token"]])
                matrix = np.array(mounted["camera_intrinsic"]) if mounted["camera_intrinsic"] else None
                sensor = Sensor(root / row["filename"], world_from_car @ _pose(mounted), matrix)
                taken[row["sample_token"]][channel] = sensor
    return [
        Item(scene, channel, sensor, taken[token]["LIDAR_TOP"], split)
        for token, scene in samples.items()
        for channel, sensor in sorted(taken[token].items())
        if sensor.intrinsics is not None
    ]


def record(item: Item) -> dict[str, Any]:
    """The photograph in place, the sweep as a sparse map of z."""
    (image, size), matrix = photograph(item.photo.path, CARD), item.photo.intrinsics
    assert matrix is not None  # of a camera
    camera = pinhole(matrix, size, 0, item.photo.world_from_sensor)
    values = np.fromfile(expected(item.sweep.path, CARD), "<f4")
    if values.size % 5:
        raise unreadable(item.sweep.path, CARD, f"{values.size} values are no whole points of 5")
    camera_from_lidar = np.linalg.inv(item.photo.world_from_sensor) @ item.sweep.world_from_sensor
    return record_row(
        CARD,
        item.split,
        scene=item.scene,
        frame=item.photo.path.stem,
        image=image,
        size=size,
        camera=camera,
        depth=depth_of_points(moved(values.reshape(-1, 5)[:, :3], camera_from_lidar), camera),
        view_group=item.scene,
    )


def _pose(row: dict[str, Any]) -> np.ndarray:
    return pose_of_quaternion(row["rotation"], row["translation"])


def _table(path: Path) -> list[dict[str, Any]]:
    try:
        return json.loads(expected(path, CARD).read_text(encoding="utf-8"))
    except ValueError as problem:
        raise unreadable(path, CARD, problem) from problem
