"""COLMAP's text models: cameras.txt and images.txt. Pixel coordinates have the first pixel's centre at (0.5, 0.5)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.datasets.base import Card, expected, unreadable
from benchmarks.datasets.lenses import thin_prism_fisheye, undistorted_slopes
from benchmarks.datasets.points import pose_of_quaternion
from heads.camera import Camera

MODELS = ("PINHOLE", "THIN_PRISM_FISHEYE")


@dataclass(frozen=True)
class ColmapCamera:
    """One line of cameras.txt: model, size in pixels, parameters as COLMAP orders them."""

    model: str
    width: int
    height: int
    parameters: np.ndarray

    @property
    def matrix(self) -> np.ndarray:
        """(3, 3) focal lengths and principal point, without the distortion."""
        fx, fy, cx, cy = self.parameters[:4]
        return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])

    def pinhole(self, camera_to_world: np.ndarray | None = None) -> Camera:
        """The camera of an undistorted photograph."""
        return Camera(self.matrix, self.width, self.height, camera_to_world=camera_to_world)

    def slopes_of(self, pixels: np.ndarray) -> np.ndarray:
        """(n, 2) pixels of the distorted photograph -> (n, 2) x / z, y / z; nan outside the lens model."""
        matrix = self.matrix
        slopes = (pixels - matrix[:2, 2]) / (matrix[0, 0], matrix[1, 1])
        if self.model != "THIN_PRISM_FISHEYE":
            return slopes
        return undistorted_slopes(slopes, lambda s: thin_prism_fisheye(s, self.parameters[4:]))


def read_cameras(path: Path, card: Card) -> dict[int, ColmapCamera]:
    """cameras.txt: CAMERA_ID MODEL WIDTH HEIGHT PARAMS[]."""
    cameras = {}
    for line in _lines(expected(path, card)):
        try:
            number, model, width, height, *parameters = line.split()
            if model not in MODELS:
                raise ValueError(f"camera model {model}, known are {', '.join(MODELS)}")
            values = np.array(parameters, dtype=np.float64)
            cameras[int(number)] = ColmapCamera(model, int(width), int(height), values)
        except ValueError as problem:
            raise unreadable(path, card, problem) from problem
    return cameras


def read_images(path: Path, card: Card) -> dict[str, tuple[int, np.ndarray]]:
    """images.txt: name -> (camera id, (4, 4) camera to world in metres); every second line (keypoints) is skipped.

    IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, and the quaternion and translation are world to camera.
    """
    images = {}
    for line in _lines(expected(path, card), keep_empty=True)[::2]:
        try:
            _, *numbers, camera, name = line.split(maxsplit=9)
            quaternion, translation = np.array(numbers[:4], dtype=float), np.array(numbers[4:], dtype=float)
            images[name] = (int(camera), np.linalg.inv(pose_of_quaternion(list(quaternion), list(translation))))
        except ValueError as problem:
            raise unreadable(path, card, problem) from problem
    return images


def _lines(path: Path, keep_empty: bool = False) -> list[str]:
    """Lines without comments. In images.txt an empty line is an image without keypoints: it counts."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    while lines and not lines[-1].strip():
        lines.pop()
    return lines if keep_empty else [line for line in lines if line.strip()]
