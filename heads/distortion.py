"""A lens that bends: Brown's radial distortion, forward and back, on slopes (..., 2), x / z and y / z of a ray.

A camera of focal lengths fx, fy and principal point cx, cy shows the slopes s at the pixel
(cx, cy) + (fx, fy) * distort(s). Cutting, resizing, padding and mirroring a picture move its camera's numbers and
leave the coefficients as they are.
"""

import numpy as np

from heads.camera import Camera

Brown = tuple[float, float]
"""k1 and k2; (0, 0) is a pinhole."""


def distort(slopes: np.ndarray, distortion: Brown) -> np.ndarray:
    """s * (1 + k1 r^2 + k2 r^4), r the undistorted slope's length."""
    r2 = (slopes * slopes).sum(-1, keepdims=True)
    return slopes * (1 + r2 * (distortion[0] + r2 * distortion[1]))


def slopes_at(pixels: np.ndarray, camera: Camera, distortion: Brown) -> np.ndarray:
    """(..., 2) pixels of a camera -> x / z and y / z of what they show through its lens."""
    slopes = np.array(pixels, np.float64)  # side by side: numpy is slow along an axis of two
    for axis, (middle, focal) in enumerate(((camera.cx, camera.fx), (camera.cy, camera.fy))):
        slopes[..., axis] = (slopes[..., axis] - middle) / focal
    return undistort(slopes, distortion)


def undistort(slopes: np.ndarray, distortion: Brown) -> np.ndarray:
    """The slopes that `distort` maps to these: Newton's steps on the radius, exact to float64 for mild lenses."""
    if distortion == (0.0, 0.0):
        return slopes
    (k1, k2), r = distortion, np.linalg.norm(slopes, axis=-1, keepdims=True)
    found = r
    for _ in range(8):
        r2 = found * found
        found = found - (found * (1 + r2 * (k1 + r2 * k2)) - r) / (1 + r2 * (3 * k1 + r2 * 5 * k2))
    return slopes * np.where(r > 0, found / np.maximum(r, 1e-12), 1)
