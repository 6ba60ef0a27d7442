"""DDAD: six cameras and long-range Luminar LiDARs on cars in the USA and Japan.

link      https://github.com/TRI-ML/DDAD
layout    ddad.json (scene splits), 000000/scene_HASH.json, 000000/calibration/KEY.json,
          000000/rgb/CAMERA_01/STAMP.png, 000000/point_cloud/LIDAR/STAMP.npz (`data`): DGP, ddad_train_val (2020)
splits    val, train
range     0.5 to 200 m (the published evaluation's cap)
depth     z-depth of LiDAR points projected into the camera, sparse
licence   CC BY-NC-SA 4.0
faults    The LiDARs stand apart from the cameras and see past edges: a few far points lie on near things; they are
          kept, as everyone's are. DGP's own generate_depth_map lets the last point of a pixel win and cuts pixels
          off without rounding: here the nearest point wins, and pixel centres are whole numbers, as DGP's
          scale_intrinsics has them.
poses     camera to world, metres; records of one scene share a view group
source    TRI-ML/dgp: datasets/base_dataset.py, utils/annotation.py, utils/camera.py
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.base import Card, expected, none_found, photograph, pinhole, record_row, unreadable
from benchmarks.datasets.points import depth_of_points, moved, pose_of_quaternion

CARD = Card(
    name="ddad",
    domain="outdoor",
    link="https://github.com/TRI-ML/DDAD",
    licence="CC BY-NC-SA 4.0",
    layout="DDAD train and val (ddad_train_val, DGP scenes, 2020)",
    splits=("val", "train"),
    depth="Luminar H2 LiDARs, one sweep",
    valid_range_m=(0.5, 200.0),
)

SPLIT_CODES = {"train": "0", "val": "1"}  # DGP's DatasetSplit


@dataclass(frozen=True)
class Item:
    """One photograph of one sample: the datums of DGP as they are, and the key of its calibration."""

    scene: Path
    camera: str
    calibration: str
    image: dict[str, Any]
    cloud: dict[str, Any]
    split: str


def items(root: Path, split: str) -> list[Item]:
    """Every photograph of every sample of the split's scenes."""
    scenes = _json(root / "ddad.json").get("scene_splits", {}).get(SPLIT_CODES[split], {}).get("filenames", [])
    if not scenes:
        raise none_found(f"scene of {split} in {root / 'ddad.json'}", CARD)
    return [item for name in scenes for item in _of_scene(root / name, split)]


def _of_scene(path: Path, split: str) -> list[Item]:
    scene, found = _json(path), []
    try:
        datums = {datum["key"]: datum for datum in scene["data"]}
        for sample in scene["samples"]:
            taken = [datums[key] for key in sample["datum_keys"]]
            clouds = [datum["datum"]["point_cloud"] for datum in taken if "point_cloud" in datum["datum"]]
            for datum in taken:
                if "image" in datum["datum"] and clouds:
                    name, image = datum["id"]["name"], datum["datum"]["image"]
                    found.append(Item(path.parent, name, sample["calibration_key"], image, clouds[0], split))
    except (KeyError, TypeError) as problem:
        raise unreadable(path, CARD, f"it misses {problem}") from problem
    return found


def record(item: Item) -> dict[str, Any]:
    """The photograph in place, its sample's sweep as a sparse map of z."""
    path = item.scene / item.image["filename"]
    image, size = photograph(path, CARD)
    world_from_camera, world_from_lidar = _pose(item.image["pose"]), _pose(item.cloud["pose"])
    lens = _lens(item.scene, item.calibration, item.camera)
    camera = pinhole([lens[k] for k in ("fx", "fy", "cx", "cy")], size, 0, world_from_camera)
    in_camera = moved(_cloud(item), np.linalg.inv(world_from_camera) @ world_from_lidar)
    return record_row(
        CARD,
        item.split,
        scene=item.scene.name,
        frame=f"{item.scene.name}_{item.camera}_{path.stem}",
        image=image,
        size=size,
        camera=camera,
        depth=depth_of_points(in_camera, camera),
        view_group=item.scene.name,
    )


def _cloud(item: Item) -> np.ndarray:
    """(n, 3) points in the LiDAR's frame, metres."""
    path = expected(item.scene / item.cloud["filename"], CARD)
    try:
        with np.load(path, allow_pickle=False) as file:
            data = file["data"]
    except (OSError, ValueError, KeyError) as problem:
        raise unreadable(path, CARD, problem) from problem
    if data.dtype.fields is not None:
        return np.concatenate([data[axis].reshape(-1, 1) for axis in "XYZ"], axis=1).astype(np.float64)
    columns = [item.cloud["point_format"].index(axis) for axis in "XYZ"]
    return data[:, columns].astype(np.float64)


def _pose(value: dict[str, Any]) -> np.ndarray:
    turn, shift = value["rotation"], value["translation"]
    return pose_of_quaternion([turn[k] for k in ("qw", "qx", "qy", "qz")], [shift[k] for k in "xyz"])


@lru_cache(maxsize=16)
def _lens(scene: Path, key: str, name: str) -> dict[str, float]:
    """A camera's intrinsics of calibration/KEY.json."""
    path = scene / "calibration" / f"{key}.json"
    calibration = _json(path)
    try:
        return calibration["intrinsics"][calibration["names"].index(name)]
    except (KeyError, ValueError, IndexError) as problem:
        raise unreadable(path, CARD, problem) from problem


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(expected(path, CARD).read_text(encoding="utf-8"))
    except ValueError as problem:
        raise unreadable(path, CARD, problem) from problem
