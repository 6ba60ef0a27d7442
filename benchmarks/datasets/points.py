"""Point clouds into the camera's frame and onto its pixels. Metres; poses are (4, 4), frame_from_frame.

A LiDAR's range is the Euclidean distance to the LiDAR. What a record holds is z, the point's coordinate along the
camera's optical axis, so every point is moved into the camera's frame first and projected from there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from heads.camera import Camera


def rotation_of_quaternion(w: float, x: float, y: float, z: float) -> np.ndarray:
    """(3, 3) of a quaternion, scalar first, made unit length here."""
    w, x, y, z = np.asarray([w, x, y, z], dtype=np.float64) / np.linalg.norm([w, x, y, z])
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def pose(rotation: ArrayLike, translation: ArrayLike) -> np.ndarray:
    """(4, 4) from (3, 3) and 3 metres."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, np.asarray(translation, dtype=np.float64).reshape(3)
    return matrix


def pose_of_quaternion(quaternion: Sequence[float], translation: Sequence[float]) -> np.ndarray:
    """(4, 4) from a quaternion (w, x, y, z) and a translation in metres."""
    return pose(rotation_of_quaternion(*quaternion), translation)


def pose_of_columns(row: Mapping[str, Any]) -> np.ndarray:
    """(4, 4) of a table's row with qw, qx, qy, qz and tx_m, ty_m, tz_m."""
    return pose_of_quaternion(
        [row[key] for key in ("qw", "qx", "qy", "qz")], [row[key] for key in ("tx_m", "ty_m", "tz_m")]
    )


def moved(points: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """(n, 3) points in another frame: transform is (4, 4), new_from_old."""
    return points.astype(np.float64) @ transform[:3, :3].T + transform[:3, 3]


def depth_of_points(points: np.ndarray, camera: Camera) -> np.ndarray:
    """(n, 3) points in the camera's frame -> (height, width) float32 z-depth; nan where no point falls.

    Of several points in one pixel the nearest is kept.
    """
    return scattered(camera.project(points), points[:, 2], camera.size, order=-points[:, 2])


def scattered(pixels: np.ndarray, z: np.ndarray, size: tuple[int, int], order: np.ndarray) -> np.ndarray:
    """(n, 2) continuous pixels and their z on a (height, width) float32 map; the highest `order` wins a pixel."""
    width, height = size
    with np.errstate(invalid="ignore"):
        inside = (z > 0) & (pixels >= 0).all(-1) & (pixels[:, 0] < width) & (pixels[:, 1] < height)
    pixels, z, order = pixels[inside], z[inside], order[inside]
    ranked = np.argsort(order, kind="stable")  # an index that comes twice keeps the last value
    columns, rows = pixels[ranked].astype(np.int64).T
    depth = np.full((height, width), np.nan, np.float32)
    depth[rows, columns] = z[ranked]
    return depth
