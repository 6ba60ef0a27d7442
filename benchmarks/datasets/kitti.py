"""KITTI: driving in Karlsruhe, the Eigen test split.

link      https://www.cvlibs.net/datasets/kitti/
layout    raw data, synced and rectified: DATE/calib_cam_to_cam.txt, calib_velo_to_cam.txt,
          DATE/DRIVE/image_02/data/0000000000.png, DATE/DRIVE/velodyne_points/data/0000000000.bin (float32 x, y, z,
          reflectance); data_depth_annotated.zip: train|val/DRIVE/proj_depth/groundtruth/image_02/0000000000.png;
          data_depth_selection.zip: depth_selection/val_selection_cropped (all of 2011-2017)
splits    eigen: the 652 of the 697 photographs that have annotated depth; eigen_raw: all 697 with the raw LiDAR
          (as published before 2018; its truth is noisier); selection: the 1000 of the depth benchmark
range     0.001 to 80 m (the published cap)
crop      garg (usual on both eigen splits) and eigen: the two windows of published tables, fractions of the size
depth     z-depth, LiDAR. Annotated: eleven sweeps accumulated and checked against stereo, 16-bit PNG / 256 (2 mm
          steps), in place where it is not cropped. Raw: one sweep, projected here
licence   CC BY-NC-SA 3.0
faults    The raw LiDAR stands above the camera and sees past edges: far points lie on near things. The annotated
          truth has them removed: prefer `eigen`. The annotation leaves out the first and last frames of a drive.
camera    P_rect_02 (colour, left); pixel centres at whole numbers. z is along the axis of that camera: its offset
          from the reference camera, in P_rect_02's last column, is applied
source    raw data devkit readme.txt; the Eigen list as published by its later users; Garg et al. 2016, section 4
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.base import Card, expected, none_found, photograph, pinhole, record_row, unreadable
from benchmarks.datasets.kitti_eigen import eigen_frames
from benchmarks.datasets.points import depth_of_points, moved, pose

CARD = Card(
    name="kitti",
    domain="outdoor",
    link="https://www.cvlibs.net/datasets/kitti/",
    licence="CC BY-NC-SA 3.0",
    layout="KITTI raw data (2011, synced and rectified) with data_depth_annotated or depth_selection (2017)",
    splits=("eigen", "eigen_raw", "selection"),
    depth="64-beam LiDAR",
    valid_range_m=(0.001, 80.0),
    crops={
        "garg": (0.03594771, 0.40810811, 0.96405229, 0.99189189),
        "eigen": (0.0359477, 0.3324324, 0.96405229, 0.91351351),
    },
    usual_crop={"eigen": "garg", "eigen_raw": "garg"},
)

PNG_SCALE = 256.0


@dataclass(frozen=True)
class Item:
    """One photograph and its truth: an annotated PNG, or a sweep's .bin. calibration: DATE's folder, or a file."""

    name: str
    drive: str
    image: Path
    truth: Path
    calibration: Path
    split: str


def items(root: Path, split: str) -> list[Item]:
    """The split's photographs, drive by drive."""
    if split == "selection":
        return _selection(root)
    found = []
    for drive, numbers in eigen_frames().items():
        folder = expected(root / drive[:10] / drive, CARD)
        truth = folder / "velodyne_points" / "data" if split == "eigen_raw" else _annotated(root, drive)
        expected(truth, CARD)
        for number in numbers:
            frame = f"{number:010d}"
            file = truth / (f"{frame}.bin" if split == "eigen_raw" else f"{frame}.png")
            if split == "eigen" and not file.is_file():
                continue  # the annotation has no such frame
            image = folder / "image_02" / "data" / f"{frame}.png"
            found.append(Item(f"{drive}_{frame}", drive, image, file, root / drive[:10], split))
    return found


def _annotated(root: Path, drive: str) -> Path:
    """The drive's folder of annotated depth, in whichever half of the release it is."""
    halves = [root / half / drive / "proj_depth" / "groundtruth" / "image_02" for half in ("train", "val")]
    return next((half for half in halves if half.is_dir()), halves[0])


def _selection(root: Path) -> list[Item]:
    folder = expected(root / "depth_selection" / "val_selection_cropped", CARD)
    found = []
    for image in sorted((folder / "image").glob("*.png")):
        truth = folder / "groundtruth_depth" / image.name.replace("_image_", "_groundtruth_depth_", 1)
        calibration = folder / "intrinsics" / f"{image.stem}.txt"
        found.append(Item(image.stem, image.name.split("_sync")[0] + "_sync", image, truth, calibration, "selection"))
    if not found:
        raise none_found(folder / "image" / "NAME.png", CARD)
    return found


def record(item: Item) -> dict[str, Any]:
    """The photograph in place; the annotated truth in place, or the sweep as a sparse map of z."""
    image, size = photograph(item.image, CARD)
    if item.split == "selection":
        matrix = _numbers(item.calibration).reshape(3, 3)
    else:
        matrix, camera_from_lidar = calibration(item.calibration)
    camera = pinhole(matrix, size, first_centre=0)
    expected(item.truth, CARD)
    if item.split == "eigen_raw":
        values = np.fromfile(item.truth, "<f4")
        if values.size % 4:
            raise unreadable(item.truth, CARD, f"{values.size} values are no whole points of 4")
        truth: Path | np.ndarray = depth_of_points(moved(values.reshape(-1, 4)[:, :3], camera_from_lidar), camera)
    else:
        truth = item.truth
    return record_row(
        CARD,
        item.split,
        scene=item.drive,
        frame=item.name,
        image=image,
        size=size,
        camera=camera,
        depth=truth,
        depth_scale=PNG_SCALE if isinstance(truth, Path) else None,
    )


@lru_cache(maxsize=8)
def calibration(date: Path) -> tuple[np.ndarray, np.ndarray]:
    """(3, 3) intrinsics of the rectified left colour camera, and (4, 4) that camera's frame from the LiDAR's.

    x = P_rect_02 * R_rect_00 * (R | T)_velo_to_cam * X; P_rect_02 = K (1 | K^-1 p), p its last column.
    """
    cameras = _named(date / "calib_cam_to_cam.txt", {"P_rect_02": 12, "R_rect_00": 9})
    lidar = _named(date / "calib_velo_to_cam.txt", {"R": 9, "T": 3})
    projection = cameras["P_rect_02"].reshape(3, 4)
    matrix = projection[:, :3]
    offset = pose(np.eye(3), np.linalg.solve(matrix, projection[:, 3]))
    rectified = pose(cameras["R_rect_00"].reshape(3, 3), np.zeros(3))
    return matrix, offset @ rectified @ pose(lidar["R"].reshape(3, 3), lidar["T"])


def _named(path: Path, sizes: dict[str, int]) -> dict[str, np.ndarray]:
    """The wanted lines `name: numbers` of a calibration file."""
    lines = expected(path, CARD).read_text(encoding="utf-8").splitlines()
    found = {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}
    try:
        values = {name: np.array(found[name], dtype=np.float64) for name in sizes}
        if any(values[name].size != size for name, size in sizes.items()):
            raise ValueError(f"not {sizes} numbers")
    except (KeyError, ValueError) as problem:
        raise unreadable(path, CARD, problem) from problem
    return values


def _numbers(path: Path) -> np.ndarray:
    try:
        return np.array(expected(path, CARD).read_text(encoding="utf-8").split(), dtype=np.float64).reshape(9)
    except ValueError as problem:
        raise unreadable(path, CARD, problem) from problem
