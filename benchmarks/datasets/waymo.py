"""Waymo Open Dataset, perception: five cameras and five LiDARs on cars in US cities, as parquet.

link      https://waymo.com/open/
layout    SPLIT/COMPONENT/SEGMENT.parquet with COMPONENT camera_image, camera_calibration, lidar, lidar_calibration,
          lidar_camera_projection, lidar_pose, vehicle_pose (perception v2.0.1)
splits    validation, training
range     0.5 to 75 m (the top LiDAR's released range)
depth     z-depth of LiDAR points (first returns of all five), at the pixels that the release projects them to
licence   Waymo Dataset License Agreement, non-commercial
faults    Ranges are Euclidean, and the official build_camera_depth_image keeps the Euclidean distance to the
          camera, too. Here every point goes from its range image through its own vehicle pose (the top LiDAR turns
          while the car drives) into the camera's frame at the photograph's time, and its z is kept.
          Photographs have lens distortion: they are resampled to the pinhole camera of the same intrinsics
          (image/*.png), and the released pixels, which know the rolling shutter, are undistorted with it.
camera    f_u, f_v, c_u, c_v; pixel 0 is the left edge of the first pixel. Camera axes: x forward, y left, z up
poses     camera to world, metres, at the photograph's time; records of one segment share a view group
source    waymo-open-dataset: v2/perception/{lidar,camera_image,context}.py, utils/range_image_utils.py,
          utils/transform_utils.py
"""

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.datasets.base import Card, expected, none_found, pinhole, record_row, unreadable
from benchmarks.datasets.lenses import brown, undistorted, undistorted_slopes
from benchmarks.datasets.points import moved, scattered
from benchmarks.datasets.waymo_lidar import TOP, lidar_points, per_pixel_world, uniform_inclinations
from heads.camera import Camera

CARD = Card(
    name="waymo",
    domain="outdoor",
    link="https://waymo.com/open/",
    licence="Waymo Dataset License Agreement, non-commercial",
    layout="Waymo Open Dataset, perception v2.0.1 (parquet)",
    splits=("validation", "training"),
    depth="five LiDARs, first returns",
    valid_range_m=(0.5, 75.0),
)

COMPONENTS = (
    "camera_image", "camera_calibration", "lidar", "lidar_calibration",
    "lidar_camera_projection", "lidar_pose", "vehicle_pose",
)  # fmt: skip
FRAME, CAMERA, LASER = "key.frame_timestamp_micros", "key.camera_name", "key.laser_name"
CAMERA_NAMES = {1: "FRONT", 2: "FRONT_LEFT", 3: "FRONT_RIGHT", 4: "SIDE_LEFT", 5: "SIDE_RIGHT"}
LENS = ("k1", "k2", "p1", "p2", "k3")
OPENCV_FROM_WAYMO = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])

Row = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """One photograph: segment, frame time in microseconds, camera 1 to 5."""

    folder: Path  # of the split
    segment: str
    frame: int
    camera: int
    split: str


def items(root: Path, split: str) -> list[Item]:
    """Every photograph of every segment in `root`."""
    folder = expected(root / split, CARD)
    files = sorted(expected(folder / "camera_image", CARD).glob("*.parquet"))
    if not files:
        raise none_found(folder / "camera_image" / "SEGMENT.parquet", CARD)
    found = []
    for file in files:
        for component in COMPONENTS:
            expected(folder / component / file.name, CARD)
        keys = _read(file, (FRAME, CAMERA))
        found += [Item(folder, file.stem, row[FRAME], row[CAMERA], split) for row in keys]
    return sorted(found, key=lambda item: (item.segment, item.frame, item.camera))


def record(item: Item) -> dict[str, Any]:
    """The photograph without its distortion, and z of the frame's points on it."""
    photo = _one(item, "camera_image", True, {CAMERA: item.camera})
    lens = _one(item, "camera_calibration", False, {CAMERA: item.camera})
    with Image.open(io.BytesIO(photo["[CameraImageComponent].image"])) as jpeg:
        picture = np.asarray(jpeg.convert("RGB"))
    size = (picture.shape[1], picture.shape[0])
    of = "[CameraCalibrationComponent]."
    world_from_camera = (
        _matrix(photo["[CameraImageComponent].pose.transform"])
        @ _matrix(lens[of + "extrinsic.transform"])
        @ np.linalg.inv(OPENCV_FROM_WAYMO)
    )
    camera = pinhole([lens[f"{of}intrinsic.{k}"] for k in ("f_u", "f_v", "c_u", "c_v")], size, 0.5, world_from_camera)
    distortion = [lens[f"{of}intrinsic.{k}"] for k in LENS]
    pixels, world = frame_points(item)
    in_camera = moved(world, np.linalg.inv(world_from_camera))
    return record_row(
        CARD,
        item.split,
        scene=item.segment,
        frame=f"{item.segment}_{item.frame}_{CAMERA_NAMES[item.camera]}",
        image=undistorted(picture, camera, lambda slopes: brown(slopes, *distortion)),
        size=size,
        camera=camera,
        depth=depth_at(pixels, in_camera[:, 2], camera, distortion),
        view_group=item.segment,
    )


def depth_at(pixels: np.ndarray, z: np.ndarray, camera: Camera, distortion: list[float]) -> np.ndarray:
    """(n, 2) pixels of the distorted photograph with z -> (H, W) map of the undistorted one; nearest wins."""
    slopes = (pixels - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    slopes = undistorted_slopes(slopes, lambda s: brown(s, *distortion))
    return scattered(slopes * (camera.fx, camera.fy) + (camera.cx, camera.cy), z, camera.size, order=-z)


def frame_points(item: Item) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2) distorted pixels and (n, 3) world points of the first returns that the camera sees."""
    of, seen_by = "[LiDARComponent].range_image_return1", "[LiDARCameraProjectionComponent].range_image_return1"
    own = "[LiDARPoseComponent].range_image_return1"
    car = _matrix(_one(item, "vehicle_pose", True)["[VehiclePoseComponent].world_from_vehicle.transform"])
    all_pixels, all_points = [np.empty((0, 2))], [np.empty((0, 3))]
    for sweep in _rows(item, "lidar", True):
        laser = sweep[LASER]
        ranges = _image(sweep, of)[..., 0]
        at = _image(_one(item, "lidar_camera_projection", True, {LASER: laser}), seen_by)
        pixels = np.where(at[..., :1] == item.camera, at[..., 1:3], at[..., 4:6]) + 0.5  # whole pixels: their centres
        seen = (ranges > 0) & ((at[..., 0] == item.camera) | (at[..., 3] == item.camera))
        points = lidar_points(ranges, *_lidar(item, laser, ranges.shape[0]))[seen]
        if laser == TOP:
            poses = _image(_one(item, "lidar_pose", True, {LASER: laser}), own)
            world = per_pixel_world(points, poses[seen])
        else:
            world = moved(points, car)
        all_pixels.append(pixels[seen])
        all_points.append(world)
    return np.concatenate(all_pixels), np.concatenate(all_points)


def _lidar(item: Item, laser: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Inclinations in radians, first row of the range image first, and (4, 4) vehicle_from_lidar."""
    line, of = _one(item, "lidar_calibration", False, {LASER: laser}), "[LiDARCalibrationComponent]."
    values = line[of + "beam_inclination.values"]
    if values is None or not len(values):
        values = uniform_inclinations(line[of + "beam_inclination.min"], line[of + "beam_inclination.max"], rows)
    return np.asarray(values, dtype=np.float64)[::-1], _matrix(line[of + "extrinsic.transform"])


def _image(row: Row, column: str) -> np.ndarray:
    """A range image (H, W, channels), stored flat with its shape."""
    return np.asarray(row[f"{column}.values"], dtype=np.float64).reshape(row[f"{column}.shape"])


def _matrix(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=np.float64).reshape(4, 4)


def _one(item: Item, component: str, of_frame: bool, where: Row | None = None) -> Row:
    """The one row of a component, of the item's frame or of its whole segment, that has these keys."""
    wanted = (where or {}).items()
    rows = [row for row in _rows(item, component, of_frame) if all(row[key] == value for key, value in wanted)]
    if len(rows) != 1:
        path = item.folder / component / f"{item.segment}.parquet"
        raise unreadable(path, CARD, f"{len(rows)} rows for {where or 'the frame'}, not one")
    return rows[0]


def _rows(item: Item, component: str, of_frame: bool) -> list[Row]:
    path = expected(item.folder / component / f"{item.segment}.parquet", CARD)
    return _read(path, frame=item.frame if of_frame else None)


@lru_cache(maxsize=2 * len(COMPONENTS))  # the cameras of a frame share its sweeps
def _read(path: Path, columns: tuple[str, ...] | None = None, frame: int | None = None) -> list[Row]:
    """Rows as dictionaries, lists in them as arrays; only what the frame needs is loaded."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    filters = None if frame is None else [(FRAME, "==", frame)]
    try:
        table = parquet.read_table(path, columns=columns and list(columns), filters=filters)
    except (pa.ArrowException, OSError, ValueError) as problem:
        raise unreadable(path, CARD, problem) from problem
    return [{name: _value(table[name][number]) for name in table.column_names} for number in range(len(table))]


def _value(scalar: Any) -> Any:
    """A cell: a list as an array, without a Python object for each of its numbers."""
    values = getattr(scalar, "values", None)
    return scalar.as_py() if values is None else values.to_numpy(zero_copy_only=False)
