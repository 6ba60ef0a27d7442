"""Lenses of the cameras that people use: sizes of pictures, fields of view, crops, distortion.

Slopes are (..., 2) x / z and y / z in the camera frame (OpenCV: x right, y down, z forward). A lens of focal
length f and principal point c shows the slope s at the pixel c + f * distort(s).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from heads.distortion import distort, undistort

from .places import Place

SIZES = ((192, 256), (256, 192), (224, 224), (160, 288), (128, 384))
"""(H, W) of pictures, pixels."""
NARROWEST, WIDEST = 26.0, 110.0
"""Degrees across the width, when the principal point is in the middle."""


@dataclass(frozen=True)
class Device:
    """What one kind of camera takes: degrees along the long side of its 4:3 sensor, and the odds of each format."""

    fov: tuple[float, float]
    formats: tuple[float, ...]  # odds of SIZES
    heights: tuple[float, float]  # metres, mean and spread, indoors
    pitches: tuple[float, float]  # degrees, mean and spread, indoors


DEVICES = {
    "phone": Device((62, 72), (0.42, 0.36, 0.08, 0.14, 0.0), (1.45, 0.22), (-11, 10)),
    "phone, ultra-wide": Device((95, 109), (0.45, 0.3, 0.05, 0.2, 0.0), (1.4, 0.3), (-10, 10)),
    "single-lens reflex": Device((25, 75), (0.55, 0.2, 0.1, 0.1, 0.05), (1.45, 0.25), (-6, 8)),
    "webcam": Device((55, 78), (0.5, 0.0, 0.1, 0.4, 0.0), (1.1, 0.15), (-3, 6)),
    "depth camera": Device((57, 70), (0.9, 0.0, 0.1, 0.0, 0.0), (1.2, 0.4), (-13, 10)),
    "action camera": Device((80, 110), (0.4, 0.1, 0.0, 0.4, 0.1), (1.4, 0.35), (-6, 10)),
    "car camera": Device((50, 90), (0.12, 0.0, 0.0, 0.33, 0.55), (1.55, 0.15), (-1.5, 1.8)),
    "car camera, wide": Device((90, 110), (0.1, 0.0, 0.0, 0.4, 0.5), (1.55, 0.15), (-1.5, 1.8)),
}
_ODDS = {
    "indoor": (0.31, 0.09, 0.26, 0.08, 0.18, 0.08, 0, 0),
    "outdoor": (0.36, 0.08, 0.34, 0.02, 0.05, 0.15, 0, 0),
    "driver": (0.05, 0, 0, 0, 0, 0.05, 0.7, 0.2),
}
"""Of DEVICES, by the place's style or domain."""


@dataclass(frozen=True)
class Lens:
    """Everything between a ray and its pixel."""

    size: tuple[int, int]  # (H, W) pixels
    focal: float  # pixels; square
    principal: tuple[float, float]  # (cx, cy) pixels; pixel centres at +0.5
    distortion: tuple[float, float] = (0.0, 0.0)  # Brown's k1, k2
    device: str = ""

    @property
    def fov(self) -> float:
        """Degrees across the width, as if the principal point were in the middle."""
        return float(np.degrees(2 * np.arctan(self.size[1] / 2 / self.focal)))

    def slopes_at(self, pixels: np.ndarray) -> np.ndarray:
        """(..., 2) pixels -> the slopes that they show."""
        return undistort((pixels - np.array(self.principal)) / self.focal, self.distortion)

    def pixels_of(self, slopes: np.ndarray) -> np.ndarray:
        """(..., 2) slopes -> pixels. What lies outside the picture stays outside: there the lens bends no further."""
        if self.distortion != (0.0, 0.0):
            r = np.linalg.norm(slopes, axis=-1, keepdims=True)
            edge = np.minimum(
                1, 1.05 * np.linalg.norm(self.slopes_at(self.corners()), axis=1).max() / np.maximum(r, 1e-9)
            )
            slopes = distort(slopes * edge, self.distortion) / edge
        return slopes * self.focal + np.array(self.principal)

    def corners(self) -> np.ndarray:
        """(4, 2) pixels."""
        height, width = self.size
        return np.array([[x, y] for x in (0.0, width) for y in (0.0, height)])

    def resized(self, size: tuple[int, int]) -> Lens:
        """The same view on (H, W) pixels; focal length and principal point follow the width and each side."""
        across, down = size[1] / self.size[1], size[0] / self.size[0]
        principal = (self.principal[0] * across, self.principal[1] * down)
        return replace(self, size=size, focal=self.focal * across, principal=principal)


def sample_lens(rng: np.random.Generator, place: Place) -> Lens:
    """A device that suits the place, its format, focal length, crop and distortion."""
    kind = place.style if place.style in _ODDS else place.domain
    device = list(DEVICES)[int(rng.choice(len(DEVICES), p=_ODDS[kind]))]
    made = DEVICES[device]
    height, width = SIZES[int(rng.choice(len(SIZES), p=made.formats))]
    low, high = made.fov
    fov = rng.uniform(low, high) if high < 2 * low else np.exp(rng.uniform(np.log(low), np.log(high)))
    sensor = max(height, width, 4 / 3 * min(height, width))  # other formats are cut from 4:3
    focal = sensor / 2 / np.tan(np.radians(fov) / 2)
    narrowest, widest = (width / 2 / np.tan(np.radians(limit) / 2) for limit in (NARROWEST, WIDEST))
    focal = float(np.clip(focal, widest, narrowest))
    shift = np.clip(rng.normal(0, 0.02, 2), -0.06, 0.06)
    if rng.random() < 0.12:  # a crop from beside the middle
        shift = rng.choice([-1, 1], 2) * (rng.uniform(0.08, 0.3), rng.uniform(0.0, 0.25))
        shift = shift[:: int(rng.choice([-1, 1]))]
    principal = (float(width * (0.5 + shift[0])), float(height * (0.5 + shift[1])))
    lens = Lens((height, width), focal, principal, device=device)
    return replace(lens, distortion=_distortion(rng, lens)) if rng.random() < 0.25 else lens


def _distortion(rng, lens: Lens) -> tuple[float, float]:
    """k1 and k2 that move the farthest corner by at most 3 % of the half width; barrel is the usual case."""
    (height, width), (cx, cy) = lens.size, lens.principal
    corner = np.hypot(max(cx, width - cx), max(cy, height - cy)) / lens.focal
    moved = rng.uniform(-0.027, 0.012) * width / 2 / lens.focal
    quartic = rng.uniform(-0.3, 0.3)
    return float(moved * (1 - quartic) / corner**3), float(moved * quartic / corner**5)
