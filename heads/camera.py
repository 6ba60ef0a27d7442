"""A pinhole camera that follows its image through every resize, crop, pad, flip and rotation.

    camera = Camera.from_fov(640, 480, fov_x_deg=60)
    camera = camera.resize(320, 240).crop(20, 0, 280, 240)  # the same as was done to the image
    pixels = camera.project(points)  # metres in the camera frame -> pixels of that image

Pixels are continuous (x, y): the first pixel's centre is (0.5, 0.5), the image spans 0..width and 0..height.
The camera frame is OpenCV's: x right, y down, z forward, metres. NumPy float64 unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from heads.errors import InputError
from heads.exif import ORIENTATIONS, focal_from_exif
from heads.intrinsics import (
    finite_number,
    focal_from_fov,
    focal_from_mm,
    intrinsics_given,
    matrix_from_focal,
    pinhole_matrix,
    positive_int,
    positive_number,
)

if TYPE_CHECKING:
    from PIL import Image

Source = Literal["caller", "exif", "rays"]
_SOURCES = ("caller", "exif", "rays")


@dataclass(frozen=True, eq=False)
class Camera:
    """Intrinsics of one image, and where its camera stood.

    intrinsics: (3, 3) float64 [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], pixels of the image it describes.
    width, height: that image's size in pixels.
    source: who knew the focal length: the "caller", the photograph's "exif", or the ray head ("rays").
    camera_to_world: (4, 4) float64, metres, OpenCV axes; None where the pose is unknown.
    Raises InputError for anything else (a skew, a focal length of 0, a size that is no whole number, ...).
    """

    intrinsics: np.ndarray
    width: int
    height: int
    source: Source = "caller"
    camera_to_world: np.ndarray | None = None

    def __post_init__(self) -> None:
        set_field = object.__setattr__  # frozen for everyone else
        set_field(self, "width", positive_int(self.width, "width"))
        set_field(self, "height", positive_int(self.height, "height"))
        set_field(self, "intrinsics", pinhole_matrix(self.intrinsics))
        if self.source not in _SOURCES:
            raise InputError("source", f"{self.source!r}", ", ".join(_SOURCES))
        if self.camera_to_world is not None:
            set_field(self, "camera_to_world", _pose(self.camera_to_world))

    # ---- made from what is known ---------------------------------------------------------------------------

    @classmethod
    def from_intrinsics(
        cls,
        intrinsics: Any,
        fy: float | None = None,
        cx: float | None = None,
        cy: float | None = None,
        *,
        width: int,
        height: int,
        source: Source = "caller",
        camera_to_world: Any = None,
    ) -> Camera:
        """From a (3, 3) matrix, or from fx alone: then fy = fx and cx, cy are the centre, unless told."""
        if isinstance(intrinsics, Real):
            fx = positive_number(intrinsics, "fx")
            fy = fx if fy is None else positive_number(fy, "fy")
            cx = None if cx is None else finite_number(cx, "cx")
            cy = None if cy is None else finite_number(cy, "cy")
            intrinsics = matrix_from_focal(width, height, fx, fy, cx, cy)
        elif not (fy is None and cx is None and cy is None):
            wrong = "a matrix together with fy, cx or cy"
            raise InputError("intrinsics", wrong, "a matrix alone, or fx with them")
        return cls(intrinsics, width, height, source, camera_to_world)

    @classmethod
    def from_fov(
        cls, width: int, height: int, fov_x_deg: float | None = None, fov_y_deg: float | None = None
    ) -> Camera:
        """From the field of view in degrees, across or down (not both): square pixels, centred."""
        if (fov_x_deg is None) == (fov_y_deg is None):
            wrong = f"{fov_x_deg!r}, {fov_y_deg!r}"
            raise InputError("fov_x_deg, fov_y_deg", wrong, "exactly one of the two")
        if fov_x_deg is not None:
            focal = focal_from_fov(width, fov_x_deg, "fov_x_deg")
        else:
            focal = focal_from_fov(height, fov_y_deg, "fov_y_deg")
        return cls(matrix_from_focal(width, height, focal), width, height)

    @classmethod
    def from_mm(cls, width: int, height: int, focal_mm: float, sensor_width_mm: float) -> Camera:
        """From the lens's millimetres and the width of the sensor that the image covers: square pixels."""
        focal = focal_from_mm(width, focal_mm, sensor_width_mm)
        return cls(matrix_from_focal(width, height, focal), width, height)

    @classmethod
    def from_exif(cls, image: Image.Image) -> tuple[Camera | None, str]:
        """From a photograph's 35 mm-equivalent focal length; (None, why not) where that cannot be used.

        The camera is of the pixels as `image` holds them: where its EXIF orientation is not 1, follow with
        `exif_transpose`. The second value is a sentence to show: which focal length, or why none.
        """
        focal, note = focal_from_exif(image)
        if focal is None:
            return None, note
        width, height = image.size
        return cls(matrix_from_focal(width, height, focal), width, height, "exif"), note

    @classmethod
    def given(cls, width: int, height: int, camera: Any, name: str = "camera") -> Camera:
        """What a caller passes as `look(image, camera=...)`, as the camera of that width x height image.

        camera: a Camera of that very size, a (3, 3) array, or a dict with exactly one of `intrinsics`; `fx`
            (+ `fy`, `cx`, `cy`); `focal_px`; `fov_x_deg`; `fov_y_deg`; `focal_mm` + `sensor_width_mm`;
            `focal_35mm`.
        Raises InputError, naming `name`, for anything else and for what cannot belong to the image.
        """
        pose = None
        if isinstance(camera, Camera):
            if camera.size != (width, height):
                wrong = f"it is of a {camera.width}x{camera.height} image"
                raise InputError(name, wrong, f"a camera of this {width}x{height} image (see Camera.resize)")
            pose, camera = camera.camera_to_world, camera.intrinsics
        return cls(intrinsics_given(width, height, camera, name), width, height, "caller", pose)

    # ---- what it says --------------------------------------------------------------------------------------

    @property
    def fx(self) -> float:
        """Focal length along x, pixels."""
        return float(self.intrinsics[0, 0])

    @property
    def fy(self) -> float:
        """Focal length along y, pixels."""
        return float(self.intrinsics[1, 1])

    @property
    def cx(self) -> float:
        """Principal point's x, pixels."""
        return float(self.intrinsics[0, 2])

    @property
    def cy(self) -> float:
        """Principal point's y, pixels."""
        return float(self.intrinsics[1, 2])

    @property
    def focal(self) -> float:
        """sqrt(fx * fy), pixels: the one focal length that metric scale uses."""
        return float(np.sqrt(self.fx * self.fy))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), pixels."""
        return self.width, self.height

    @property
    def fov_x_deg(self) -> float:
        """Degrees between the rays of the left and the right border (at the principal point's row)."""
        return float(np.degrees(np.arctan(self.cx / self.fx) + np.arctan((self.width - self.cx) / self.fx)))

    @property
    def fov_y_deg(self) -> float:
        """Degrees between the rays of the upper and the lower border (at the principal point's column)."""
        return float(np.degrees(np.arctan(self.cy / self.fy) + np.arctan((self.height - self.cy) / self.fy)))

    # ---- followed through what was done to the image -------------------------------------------------------

    def resize(self, width: int, height: int) -> Camera:
        """For the image resized to width x height: x' = x * width' / width, as centres are at +0.5."""
        x, y = width / self.width, height / self.height
        return self._of(width, height, self.fx * x, self.fy * y, self.cx * x, self.cy * y)

    def crop(self, left: int, top: int, width: int, height: int) -> Camera:
        """For the window of width x height pixels whose first is (left, top), inside the image."""
        if left < 0 or top < 0 or left + width > self.width or top + height > self.height:
            wrong = f"(left, top, width, height) = {(left, top, width, height)}"
            raise InputError("crop", wrong, f"a window inside the {self.width}x{self.height} image")
        return self._of(width, height, self.fx, self.fy, self.cx - left, self.cy - top)

    def pad(self, left: int, top: int, right: int, bottom: int) -> Camera:
        """For the image with this many pixels added on each side."""
        if min(left, top, right, bottom) < 0:
            wrong = f"(left, top, right, bottom) = {(left, top, right, bottom)}"
            raise InputError("pad", wrong, "0 or more on each side")
        width, height = self.width + left + right, self.height + top + bottom
        return self._of(width, height, self.fx, self.fy, self.cx + left, self.cy + top)

    def flip_horizontal(self) -> Camera:
        """For the image mirrored left-right.

        It shows a mirrored world, so no rotation leads back to the true one: `camera_to_world` is None.
        """
        mirrored = self._of(self.width, self.height, self.fx, self.fy, self.width - self.cx, self.cy)
        return replace(mirrored, camera_to_world=None)

    def rotate90(self, k: int = 1) -> Camera:
        """For the image turned by k quarters counter-clockwise, as `np.rot90(image, k)`; the pose follows."""
        camera = self
        for _ in range(k % 4):
            camera = camera._rotate_once()
        return camera

    def exif_transpose(self, orientation: int) -> Camera:
        """For the image made upright by its EXIF orientation, 1 to 8; 2, 4, 5, 7 mirror and lose the pose."""
        if orientation not in ORIENTATIONS:
            raise InputError("orientation", f"{orientation!r}", "1 to 8")
        quarters, mirrored = ORIENTATIONS[orientation]
        camera = self.rotate90(quarters)
        return camera.flip_horizontal() if mirrored else camera

    def _rotate_once(self) -> Camera:
        # (x, y) -> (y, width - x): the new x axis is the old y axis, the new y axis the old x axis reversed.
        turned = self._of(self.height, self.width, self.fy, self.fx, self.cy, self.width - self.cx)
        if self.camera_to_world is None:
            return turned
        old_from_new = np.array([[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        return replace(turned, camera_to_world=self.camera_to_world @ old_from_new)

    def _of(self, width: int, height: int, fx: float, fy: float, cx: float, cy: float) -> Camera:
        """The same camera with other pixels."""
        width, height = positive_int(width, "width"), positive_int(height, "height")
        matrix = matrix_from_focal(width, height, fx, fy, cx, cy)
        return replace(self, intrinsics=matrix, width=width, height=height)

    # ---- between pixels, rays and points -------------------------------------------------------------------

    def project(self, points: ArrayLike) -> np.ndarray:
        """(..., 3) points in metres, camera frame -> (..., 2) pixels; nan where not in front (z <= 0)."""
        points = np.asarray(points, dtype=np.float64)
        z = np.where(points[..., 2:] > 0, points[..., 2:], np.nan)
        with np.errstate(invalid="ignore"):
            return points[..., :2] / z * (self.fx, self.fy) + (self.cx, self.cy)

    def unproject(self, pixels: ArrayLike, depth_z: ArrayLike) -> np.ndarray:
        """(..., 2) pixels and (...) depth_z in metres -> (..., 3) points in metres, camera frame.

        Where depth_z is inf (sky) or nan, so is the point's z, and its x and y are not finite.
        """
        slopes = (np.asarray(pixels, dtype=np.float64) - (self.cx, self.cy)) / (self.fx, self.fy)
        depth = np.asarray(depth_z, dtype=np.float64)[..., None]
        with np.errstate(invalid="ignore"):
            xy = slopes * depth
        return np.concatenate([xy, np.broadcast_to(depth, (*xy.shape[:-1], 1))], axis=-1)

    def pixel_grid(self) -> np.ndarray:
        """(height, width, 2): each pixel's centre (x, y), from (0.5, 0.5)."""
        x, y = np.arange(self.width) + 0.5, np.arange(self.height) + 0.5
        return np.stack(np.meshgrid(x, y), axis=-1)

    def rays_at(self, pixels: ArrayLike) -> np.ndarray:
        """(..., 2) pixels -> (..., 3) unit ray directions, camera frame."""
        pixels = np.asarray(pixels, dtype=np.float64)
        rays = self.unproject(pixels, np.ones(pixels.shape[:-1]))
        return rays / np.linalg.norm(rays, axis=-1, keepdims=True)

    def ray_directions(self) -> np.ndarray:
        """(height, width, 3) float32 unit ray directions through the pixels' centres, camera frame."""
        x, y, length = self._slopes()
        rays = np.empty((self.height, self.width, 3), dtype=np.float32)
        rays[..., 2] = 1 / length
        rays[..., 0], rays[..., 1] = x * rays[..., 2], y * rays[..., 2]
        return rays

    def depth_z_from_along_ray(self, depth_along_ray: ArrayLike) -> np.ndarray:
        """(height, width) metres along each pixel's ray -> along the optical axis; keeps a float dtype."""
        along_ray = self._full_map(depth_along_ray, "depth_along_ray")
        return (along_ray / self._slopes()[2]).astype(along_ray.dtype)

    def depth_along_ray_from_z(self, depth_z: ArrayLike) -> np.ndarray:
        """(height, width) metres along the optical axis -> along each pixel's ray; keeps a float dtype."""
        depth = self._full_map(depth_z, "depth_z")
        return (depth * self._slopes()[2]).astype(depth.dtype)

    def _slopes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x / z as (1, width), y / z as (height, 1), and the (height, width) length of (x / z, y / z, 1)."""
        x = ((np.arange(self.width) + 0.5 - self.cx) / self.fx)[None, :]
        y = ((np.arange(self.height) + 0.5 - self.cy) / self.fy)[:, None]
        return x, y, np.sqrt(x**2 + y**2 + 1)

    def _full_map(self, values: ArrayLike, name: str) -> np.ndarray:
        array = np.asarray(values)
        if array.shape != (self.height, self.width):
            allowed = f"the camera's {(self.height, self.width)}"
            raise InputError(name, f"has the shape {array.shape}", allowed)
        return array if array.dtype.kind == "f" else array.astype(np.float64)

    # ---- as JSON -------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """A dict of plain lists and numbers, for JSON; `from_dict` reads it back exactly."""
        pose = self.camera_to_world
        return {
            "intrinsics": self.intrinsics.tolist(),
            "width": self.width,
            "height": self.height,
            "source": self.source,
            "camera_to_world": None if pose is None else pose.tolist(),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Camera:
        """From `to_dict`. Raises InputError where a key is missing or a value is no camera's."""
        for key in ("intrinsics", "width", "height"):
            if key not in record:
                raise InputError("camera", f"has no {key!r}", "what Camera.to_dict gives")
        return cls(
            record["intrinsics"],
            record["width"],
            record["height"],
            record.get("source", "caller"),
            record.get("camera_to_world"),
        )


def _pose(value: Any) -> np.ndarray:
    """`value` as a fresh (4, 4) float64 matrix with the last row 0, 0, 0, 1, or an InputError."""
    allowed = "a finite 4x4 matrix, metres, with the last row 0, 0, 0, 1"
    try:
        pose = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError):
        wrong = f"{type(value).__name__} is no matrix of numbers"
        raise InputError("camera_to_world", wrong, allowed) from None
    if pose.shape != (4, 4):
        raise InputError("camera_to_world", f"has the shape {pose.shape}", allowed)
    if not np.isfinite(pose).all() or np.abs(pose[3] - (0, 0, 0, 1)).max() > 1e-6:
        raise InputError("camera_to_world", f"is not finite, or its last row {pose[3].tolist()} is another", allowed)
    return pose
