"""The camera that a model predicts by itself, against the true one; and crops, so that it cannot be remembered.

All photographs of a data set often share one field of view, which a model can learn by heart. Cropping each
at random gives every photograph its own, with a principal point that is off the centre.
"""

import hashlib

import numpy as np

from heads.camera import Camera

GRID = (16, 12)  # rays compared per photograph, across and down
SMALLEST_CROP = 0.5  # of each side


def camera_errors(predicted: Camera, true: Camera) -> dict[str, float]:
    """fov_error_deg: |horizontal field of view, predicted - true|, degrees; and the two.

    ray_angle_deg: mean angle between predicted and true rays over a 16x12 grid of the photograph, degrees.
    principal_point_error: distance between predicted and true principal point over the photograph's diagonal.
    """
    x = (np.arange(GRID[0]) + 0.5) / GRID[0] * true.width
    y = (np.arange(GRID[1]) + 0.5) / GRID[1] * true.height
    pixels = np.stack(np.meshgrid(x, y), -1)
    a, b = predicted.rays_at(pixels), true.rays_at(pixels)
    # atan2 keeps its digits where the angle is small; arccos of the product does not
    angle = np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(-1))
    moved = np.hypot(predicted.cx - true.cx, predicted.cy - true.cy)
    return {
        "fov_error_deg": abs(predicted.fov_x_deg - true.fov_x_deg),
        "fov_true_deg": true.fov_x_deg,
        "fov_predicted_deg": predicted.fov_x_deg,
        "ray_angle_deg": float(np.degrees(angle).mean()),
        "principal_point_error": float(moved / np.hypot(true.width, true.height)),
    }


def random_crop(size: tuple[int, int], seed: int, key: str) -> tuple[int, int, int, int]:
    """(left, top, width, height) of a window inside `size` (width, height), the same for the same seed and key.

    Each side is 50 to 100 % of the photograph's, drawn evenly and each by itself; so is the place. key: what the
    record is called (its image), so that a crop does not depend on which records are beside it.
    """
    digest = hashlib.sha256(f"{seed} {key}".encode()).digest()
    drawn = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    width, height = (max(1, round(side * drawn.uniform(SMALLEST_CROP, 1))) for side in size)
    left, top = (int(drawn.integers(0, side - part + 1)) for side, part in zip(size, (width, height), strict=True))
    return left, top, width, height
