"""Lens distortion, forward and back, on slopes: (..., 2) x / z and y / z of a point in the camera's frame.

Records have pinhole cameras. Where a data set's photographs are distorted, either the photograph is resampled
(`undistorted`), or the truth is moved to where the undistorted photograph has it (`undistorted_slopes`).
"""

from collections.abc import Callable

import numpy as np

from heads.camera import Camera

Distort = Callable[[np.ndarray], np.ndarray]


def brown(slopes: np.ndarray, k1: float, k2: float, p1: float, p2: float, k3: float = 0.0) -> np.ndarray:
    """Radial and tangential distortion as OpenCV defines it (Brown-Conrady, its first five coefficients)."""
    x, y = np.moveaxis(slopes, -1, 0)
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=-1,
    )


def thin_prism_fisheye(slopes: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """COLMAP's THIN_PRISM_FISHEYE: equidistant, then k1, k2, p1, p2, k3, k4, sx1, sy1 on the angles.

    Source: ETH3D/dataset-pipeline, src/camera/camera_benchmark.h.
    """
    k1, k2, p1, p2, k3, k4, sx1, sy1 = coefficients
    r = np.linalg.norm(slopes, axis=-1, keepdims=True)
    x, y = np.moveaxis(slopes * np.where(r > 1e-9, np.arctan(r) / np.maximum(r, 1e-9), 1.0), -1, 0)
    r2 = x * x + y * y
    radial = r2 * (k1 + r2 * (k2 + r2 * (k3 + r2 * k4)))
    return np.stack(
        [
            x + x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x) + sx1 * r2,
            y + y * radial + 2 * p2 * x * y + p1 * (r2 + 2 * y * y) + sy1 * r2,
        ],
        axis=-1,
    )


def undistorted_slopes(distorted: np.ndarray, distort: Distort, steps: int = 30) -> np.ndarray:
    """The slopes that `distort` maps to `distorted`, by fixed-point iteration; nan where it does not converge."""
    slopes = np.array(distorted, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps):
            slopes += distorted - distort(slopes)
        error = np.abs(distort(slopes) - distorted).max(-1, keepdims=True)
    return np.where(error < 1e-6, slopes, np.nan)


def undistorted(image: np.ndarray, camera: Camera, distort: Distort) -> np.ndarray:
    """(H, W, 3) uint8 photograph -> what the pinhole `camera` of the same size sees; black where it did not look."""
    slopes = (camera.pixel_grid() - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    source = distort(slopes) * (camera.fx, camera.fy) + (camera.cx, camera.cy) - 0.5  # of pixel centres at 0
    return _bilinear(image, source)


def _bilinear(image: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Values at (..., 2) positions (x, y), pixel centres at whole numbers; half a pixel of border is extended."""
    height, width = image.shape[:2]
    x, y = np.moveaxis(source, -1, 0)
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    x, y = np.clip(np.where(inside, x, 0), 0, width - 1), np.clip(np.where(inside, y, 0), 0, height - 1)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    u, v = x - left, y - top
    values = np.zeros(source.shape[:-1] + image.shape[2:], np.uint8)
    for channel in range(image.shape[2]):  # one at a time: a third of the memory
        plane = image[..., channel]
        upper = plane[top, left] * (1 - u) + plane[top, right] * u
        lower = plane[bottom, left] * (1 - u) + plane[bottom, right] * u
        values[..., channel] = np.where(inside, np.rint(upper * (1 - v) + lower * v), 0)
    return values
