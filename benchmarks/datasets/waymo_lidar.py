"""Waymo's range images as points. A pixel is a beam: row = inclination, column = azimuth, value = Euclidean range.

Source: waymo-open-dataset, utils/range_image_utils.py and utils/transform_utils.py.
"""

import numpy as np

from benchmarks.datasets.points import moved

TOP = 1  # the laser whose points have a vehicle pose each


def uniform_inclinations(lowest: float, highest: float, rows: int) -> np.ndarray:
    """(rows,) radians, ascending, at the middles of equal steps: for lasers that have no table of their beams."""
    return (np.arange(rows) + 0.5) / rows * (highest - lowest) + lowest


def lidar_points(ranges: np.ndarray, inclinations: np.ndarray, vehicle_from_lidar: np.ndarray) -> np.ndarray:
    """(H, W) metres along each beam -> (H, W, 3) points in the vehicle's frame.

    inclinations: (H,) radians, the range image's first row first.
    Column 0 looks backwards and azimuth falls from +pi to -pi; the LiDAR's own yaw is taken off, since the columns
    count in the vehicle's directions.
    """
    rows, columns = ranges.shape
    yaw = np.arctan2(vehicle_from_lidar[1, 0], vehicle_from_lidar[0, 0])
    azimuth = ((columns - np.arange(columns) - 0.5) / columns * 2 - 1) * np.pi - yaw
    flat = ranges * np.cos(inclinations)[:, None]
    points = np.stack(
        [flat * np.cos(azimuth), flat * np.sin(azimuth), ranges * np.sin(inclinations)[:, None]], axis=-1
    )  # fmt: skip
    return moved(points.reshape(-1, 3), vehicle_from_lidar).reshape(rows, columns, 3)


def per_pixel_world(points: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """(n, 3) points in the vehicle's frame -> world; poses (n, 6): roll, pitch, yaw (radians), x, y, z (metres).

    R = R_z(yaw) R_y(pitch) R_x(roll).
    """
    (sr, sp, sy), (cr, cp, cy) = np.sin(poses[:, :3]).T, np.cos(poses[:, :3]).T
    rotation = np.stack(
        [
            np.stack([cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr], axis=-1),
            np.stack([sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr], axis=-1),
            np.stack([-sp, cp * sr, cp * cr], axis=-1),
        ],
        axis=-2,
    )
    return np.einsum("nij,nj->ni", rotation, points) + poses[:, 3:]
