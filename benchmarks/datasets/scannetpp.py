"""ScanNet++: rooms filmed with an iPhone Pro, whose LiDAR depth comes with each frame.

link      https://scannetpp.mlsg.cit.tum.de/scannetpp/
layout    data/SCENE/iphone/: rgb/frame_000000.jpg (extracted from rgb.mkv), depth/frame_000000.png (extracted)
          or depth.bin (as downloaded), pose_intrinsic_imu.json; splits/SPLIT.txt with one scene a line. v1 and v2
splits    nvs_sem_val, nvs_sem_train; every 60th frame (one a second)
range     0.1 to 10 m (the toolkit's own limits)
depth     z-depth, 256x192 for photographs of 1920x1440: Apple's LiDAR (576 points) filled up by a network on the
          phone, so fine structure is a guess. PNG in millimetres, referenced in place; from depth.bin float32
licence   ScanNet++ terms of use, non-commercial
faults    depth.bin has three encodings (iphone/prepare_iphone_data.py): one raw-deflate stream of float32 metres,
          or frames with a 4-byte length, each LZ4 of 16-bit millimetres or raw deflate of float32 metres. All are
          read. The lens's slight distortion is not corrected by ARKit's intrinsics, nor here.
camera    ARKit's intrinsics of each frame: principal point from the image's upper left corner
poses     aligned_pose (in metres, aligned to the laser scan), camera to world, OpenCV axes; records of one scene
          share a view group
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.base import Card, expected, image_size, none_found, photograph, pinhole, record_row, unreadable
from benchmarks.datasets.iphone_depth import depth_frames

CARD = Card(
    name="scannetpp",
    domain="indoor",
    link="https://scannetpp.mlsg.cit.tum.de/scannetpp/",
    licence="ScanNet++ terms of use, non-commercial",
    layout="ScanNet++ (v1, v2), iPhone data extracted with iphone/prepare_iphone_data.py",
    splits=("nvs_sem_val", "nvs_sem_train"),
    depth="iPhone LiDAR, filled up on the phone",
    valid_range_m=(0.1, 10.0),
)

EVERY = 60  # frames: one second


@dataclass(frozen=True)
class Item:
    """One frame: intrinsics (3, 3) pixels of the photograph, pose (4, 4) camera to world."""

    scene: str
    phone: Path
    number: int
    intrinsics: np.ndarray
    camera_to_world: np.ndarray
    split: str


def items(root: Path, split: str) -> list[Item]:
    """Every 60th frame of the split's scenes that are here."""
    scenes = expected(root / "splits" / f"{split}.txt", CARD).read_text(encoding="utf-8").split()
    here = [scene for scene in scenes if (root / "data" / scene / "iphone").is_dir()]
    if not here:
        raise none_found(f"scene of splits/{split}.txt in {root / 'data'}, e.g. data/{scenes[0]}/iphone", CARD)
    return [item for scene in here for item in _of_scene(root / "data" / scene / "iphone", scene, split)]


def _of_scene(phone: Path, scene: str, split: str) -> list[Item]:
    path = expected(phone / "pose_intrinsic_imu.json", CARD)
    expected(phone / "rgb", CARD)
    if not (phone / "depth").is_dir():
        expected(phone / "depth.bin", CARD)
    try:
        found = []
        for name, frame in sorted(json.loads(path.read_text(encoding="utf-8")).items()):
            number = int(name.removeprefix("frame_"))
            if number % EVERY == 0:
                intrinsics = np.asarray(frame["intrinsic"], dtype=np.float64).reshape(3, 3)
                pose = np.asarray(frame.get("aligned_pose", frame.get("pose")), dtype=np.float64).reshape(4, 4)
                found.append(Item(scene, phone, number, intrinsics, pose, split))
    except (ValueError, KeyError, TypeError) as problem:
        raise unreadable(path, CARD, problem) from problem
    return found


def record(item: Item) -> dict[str, Any]:
    """Photograph in place, depth in place or decoded from depth.bin."""
    name = f"frame_{item.number:06d}"
    image, size = photograph(item.phone / "rgb" / f"{name}.jpg", CARD)
    extracted = item.phone / "depth" / f"{name}.png"
    if extracted.parent.is_dir():
        depth, depth_size = expected(extracted, CARD), image_size(extracted, CARD)
    else:
        frames = _decoded(item.phone / "depth.bin")
        if item.number not in frames:
            raise unreadable(item.phone / "depth.bin", CARD, f"it ends before {name}")
        depth = frames[item.number]
        depth_size = (depth.shape[1], depth.shape[0])
    camera = pinhole(item.intrinsics, size, 0.5, item.camera_to_world)
    return record_row(
        CARD,
        item.split,
        scene=item.scene,
        frame=f"{item.scene}_{name}",
        image=image,
        size=size,
        camera=camera,
        depth=depth,
        depth_scale=1000.0 if isinstance(depth, Path) else None,
        depth_size=depth_size,
        view_group=item.scene,
    )


@lru_cache(maxsize=1)  # a scene's records follow each other
def _decoded(path: Path) -> dict[int, np.ndarray]:
    try:
        return dict(depth_frames(path, EVERY))
    except (ValueError, OSError) as problem:
        raise unreadable(path, CARD, problem) from problem
