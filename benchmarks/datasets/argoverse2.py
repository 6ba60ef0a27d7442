"""Argoverse 2, sensor data set: seven ring cameras and two LiDARs on cars in six US cities.

link      https://www.argoverse.org/av2.html
layout    SPLIT/LOG/sensors/cameras/RING/TIMESTAMP_NS.jpg, sensors/lidar/TIMESTAMP_NS.feather (x, y, z in the car's
          frame), calibration/intrinsics.feather, calibration/egovehicle_SE3_sensor.feather,
          city_SE3_egovehicle.feather (v2.0, av2-api 0.3)
splits    val, train, test
range     1 to 200 m
depth     z-depth of LiDAR points projected into the camera, sparse
licence   CC BY-NC-SA 4.0
faults    LiDAR ranges are Euclidean and the sensors stand apart: every point is moved to the car's pose at the
          photograph's time, then into the camera's frame, and its z is kept. A depth made of ranges is too large
          at the border of the picture (by 1/cos of the angle off the axis: 20 % at 34 degrees).
          k1, k2, k3 in intrinsics.feather describe the lens before the release undistorted the photographs: they
          are not applied (av2-api issues 219, 226). The LiDAR stands above the cameras and sees past edges that
          hide things from them: a few far points lie on near things; they are kept, as everyone's are.
camera    pixel centres at whole numbers (av2-api, PinholeCamera.cull_to_view_frustum)
poses     camera to city, metres; records of one log share a view group
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.base import Card, expected, none_found, photograph, pinhole, record_row, unreadable
from benchmarks.datasets.points import depth_of_points, moved, pose_of_columns

CARD = Card(
    name="argoverse2",
    domain="outdoor",
    link="https://www.argoverse.org/av2.html",
    licence="CC BY-NC-SA 4.0",
    layout="Argoverse 2 sensor data set (v2.0)",
    splits=("val", "train", "test"),
    depth="two 32-beam LiDARs, one sweep",
    valid_range_m=(1.0, 200.0),
)

RING = ("front_center", "front_left", "front_right", "side_left", "side_right", "rear_left", "rear_right")
TABLES = (
    "calibration/intrinsics.feather",
    "calibration/egovehicle_SE3_sensor.feather",
    "city_SE3_egovehicle.feather",
)
APART_NS = 50_000_000  # a sweep takes 100 ms: a photograph belongs to the nearest one


@dataclass(frozen=True)
class Item:
    """One photograph of one ring camera and the sweep nearest in time."""

    log: Path
    camera: str
    photo_ns: int
    sweep_ns: int
    split: str


def items(root: Path, split: str) -> list[Item]:
    """For each sweep of each log the nearest photograph of each ring camera."""
    logs = sorted(path.parent for path in expected(root / split, CARD).glob("*/calibration"))
    if not logs:
        raise none_found(root / split / "LOG" / "calibration" / "intrinsics.feather", CARD)
    found = []
    for log in logs:
        for file in TABLES:
            expected(log / file, CARD)
        sweeps = _timestamps(expected(log / "sensors" / "lidar", CARD), "*.feather")
        for name in RING:
            photos = _timestamps(expected(log / "sensors" / "cameras" / f"ring_{name}", CARD), "*.jpg")
            for sweep in sweeps:
                photo = photos[np.abs(photos - sweep).argmin()]
                if abs(photo - sweep) <= APART_NS:
                    found.append(Item(log, f"ring_{name}", int(photo), int(sweep), split))
    return found


def record(item: Item) -> dict[str, Any]:
    """The photograph in place, the sweep as a sparse map of z."""
    image, size = photograph(item.log / "sensors" / "cameras" / item.camera / f"{item.photo_ns}.jpg", CARD)
    lens, car_from_camera = _calibration(item.log, item.camera)
    poses = _car_poses(item.log)
    if missing := {item.photo_ns, item.sweep_ns} - poses.keys():
        raise unreadable(item.log / "city_SE3_egovehicle.feather", CARD, f"no pose at {missing.pop()} ns")
    city_from_camera = poses[item.photo_ns] @ car_from_camera
    camera = pinhole([lens[k] for k in ("fx_px", "fy_px", "cx_px", "cy_px")], size, 0, city_from_camera)
    sweep = _table(item.log / "sensors" / "lidar" / f"{item.sweep_ns}.feather")
    points = np.stack([sweep[axis].to_numpy().astype(np.float64) for axis in "xyz"], axis=-1)
    in_camera = moved(points, np.linalg.inv(city_from_camera) @ poses[item.sweep_ns])
    return record_row(
        CARD,
        item.split,
        scene=item.log.name,
        frame=f"{item.log.name}_{item.camera}_{item.photo_ns}",
        image=image,
        size=size,
        camera=camera,
        depth=depth_of_points(in_camera, camera),
        view_group=item.log.name,
    )


def _timestamps(folder: Path, pattern: str) -> np.ndarray:
    """The nanoseconds that files are named by, sorted."""
    stamps = np.array(sorted(int(path.stem) for path in folder.glob(pattern)), dtype=np.int64)
    if not len(stamps):
        raise none_found(folder / pattern, CARD)
    return stamps


def _table(path: Path) -> Any:
    import pyarrow.feather as feather

    try:
        return feather.read_table(expected(path, CARD))
    except (OSError, ValueError) as problem:
        raise unreadable(path, CARD, problem) from problem


@lru_cache(maxsize=16)
def _calibration(log: Path, name: str) -> tuple[dict[str, Any], np.ndarray]:
    """A camera's line of intrinsics.feather, and (4, 4) car_from_camera."""
    found = []
    for file in ("intrinsics.feather", "egovehicle_SE3_sensor.feather"):
        rows = _table(log / "calibration" / file).to_pylist()
        row = next((row for row in rows if row["sensor_name"] == name), None)
        if row is None:
            raise unreadable(log / "calibration" / file, CARD, f"it misses {name}")
        found.append(row)
    return found[0], pose_of_columns(found[1])


@lru_cache(maxsize=2)
def _car_poses(log: Path) -> dict[int, np.ndarray]:
    """Nanoseconds -> (4, 4) city_from_car."""
    rows = _table(log / "city_SE3_egovehicle.feather").to_pylist()
    return {row["timestamp_ns"]: pose_of_columns(row) for row in rows}
