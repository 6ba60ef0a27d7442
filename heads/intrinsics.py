"""Every way to state a pinhole camera's intrinsics, turned into one (3, 3) matrix in pixels.

Pixel coordinates are continuous: the first pixel's centre is (0.5, 0.5), the image's (width / 2, height / 2).
Whatever cannot belong to the image is an `InputError` that names the argument, the value and what is allowed.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from heads.errors import InputError

DIAGONAL_35MM = 43.27  # millimetres: the diagonal of the 36 x 24 mm frame that "35 mm equivalent" refers to
MIN_FOCAL = 0.05  # of the side in pixels: a pinhole with less sees more than 168 degrees

# The key that states the focal length -> the keys that may stand beside it.
WAYS: dict[str, tuple[str, ...]] = {
    "intrinsics": (),
    "fx": ("fy", "cx", "cy"),
    "focal_px": (),
    "fov_x_deg": (),
    "fov_y_deg": (),
    "focal_mm": ("sensor_width_mm",),
    "focal_35mm": (),
}
_ONE_WAY = "exactly one of " + ", ".join(WAYS)


def intrinsics_given(width: int, height: int, camera: Any, name: str = "camera") -> np.ndarray:
    """What a caller says about the camera of a width x height image, as a (3, 3) matrix in its pixels.

    camera: a (3, 3) array, or a dict with exactly one of `intrinsics`; `fx` (with `fy`, `cx`, `cy` where they
        differ from fx and from the image's centre); `focal_px`; `fov_x_deg`; `fov_y_deg`; `focal_mm` with
        `sensor_width_mm`; `focal_35mm` (the 35 mm-equivalent, over the diagonal).
    name: the argument's name in errors.
    Raises InputError: two ways at once, unknown keys, values that are no finite (positive) number, a matrix
        that is no pinhole without skew, or one that cannot belong to this image (`check_plausible`).
    """
    if isinstance(camera, Mapping):
        way = _the_one_way(camera, name)
        matrix = _from_mapping(width, height, camera, way, name)
        name += "" if way in ("intrinsics", "fx") else f": {way}={camera[way]!r}"
    elif isinstance(camera, str | bytes | Real) or camera is None:
        allowed = f"a Camera, a 3x3 array, or a dict with {_ONE_WAY}"
        raise InputError(name, f"{camera!r} is no camera", allowed)
    else:
        matrix = pinhole_matrix(camera, name)
    check_plausible(matrix, width, height, name)
    return matrix


def _from_mapping(width: int, height: int, camera: Mapping[str, Any], way: str, name: str) -> np.ndarray:
    value = camera[way]
    label = f"{name}: {way}"
    if way == "intrinsics":
        return pinhole_matrix(value, label)
    if way == "fx":
        centre = {k: finite_number(camera[k], f"{name}: {k}") for k in ("cx", "cy") if k in camera}
        fx = positive_number(value, label)
        fy = positive_number(camera.get("fy", fx), f"{name}: fy")
        return matrix_from_focal(width, height, fx, fy, **centre)
    if way == "focal_px":
        focal = positive_number(value, label)
    elif way == "fov_x_deg":
        focal = focal_from_fov(width, value, label)
    elif way == "fov_y_deg":
        focal = focal_from_fov(height, value, label)
    elif way == "focal_mm":
        focal = focal_from_mm(width, value, camera["sensor_width_mm"], name)
    else:
        focal = focal_from_35mm(width, height, value, label)
    return matrix_from_focal(width, height, focal)


def _the_one_way(camera: Mapping[str, Any], name: str) -> str:
    """The key that states the focal length, after every key has been checked."""
    known = [*WAYS, *(key for extras in WAYS.values() for key in extras)]
    for key in camera:
        if key not in known:
            nearest = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            hint = f" (did you mean {nearest[0]!r}?)" if nearest else ""
            raise InputError(name, f"unknown key {key!r}{hint}", ", ".join(known))
    ways = [key for key in WAYS if key in camera]
    if len(ways) != 1:
        found = f"by {' and '.join(ways)} at once" if ways else "not at all"
        raise InputError(name, f"states the focal length {found}", _ONE_WAY)
    for way, extras in WAYS.items():
        for key in extras:
            if key in camera and way != ways[0]:
                raise InputError(name, f"{key} together with {ways[0]}", f"{key} only beside {way}")
    if ways[0] == "focal_mm" and "sensor_width_mm" not in camera:
        raise InputError(name, "focal_mm without sensor_width_mm", "both, or focal_35mm alone")
    return ways[0]


def focal_from_fov(side_px: float, fov_deg: Any, name: str = "fov_deg") -> float:
    """Focal length in pixels of a centred camera that sees `fov_deg` degrees along `side_px` pixels."""
    fov = finite_number(fov_deg, name)
    tangent = math.tan(math.radians(fov) / 2) if 0 < fov < 180 else 0.0
    if tangent <= 0 or not math.isfinite(side_px / 2 / tangent):
        raise InputError(name, f"{fov_deg!r}", "more than 0 and less than 180 degrees")
    return side_px / 2 / tangent


def focal_from_mm(width: int, focal_mm: Any, sensor_width_mm: Any, name: str = "camera") -> float:
    """Focal length in pixels from the lens's millimetres and the width of the sensor behind the image."""
    focal = positive_number(focal_mm, f"{name}: focal_mm")
    return width * focal / positive_number(sensor_width_mm, f"{name}: sensor_width_mm")


def focal_from_35mm(width: int, height: int, focal_35mm: Any, name: str = "focal_35mm") -> float:
    """Focal length in pixels from a 35 mm-equivalent one: equal diagonal field of view (CIPA DCG-001)."""
    return positive_number(focal_35mm, name) * math.hypot(width, height) / DIAGONAL_35MM


def matrix_from_focal(
    width: int,
    height: int,
    fx: float,
    fy: float | None = None,
    cx: float | None = None,
    cy: float | None = None,
) -> np.ndarray:
    """(3, 3) matrix in pixels; square pixels and a principal point at the image's centre unless told."""
    fy = fx if fy is None else fy
    cx = width / 2 if cx is None else cx
    cy = height / 2 if cy is None else cy
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]], dtype=np.float64)


def pinhole_matrix(value: Any, name: str = "intrinsics") -> np.ndarray:
    """`value` as a fresh (3, 3) float64 matrix [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], or an InputError."""
    form = "a 3x3 matrix [[fx, 0, cx], [0, fy, cy], [0, 0, 1]] in pixels"
    try:
        matrix = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(name, f"{type(value).__name__} is no matrix of numbers", form) from None
    if matrix.shape != (3, 3):
        raise InputError(name, f"has the shape {matrix.shape}", form)
    if not np.isfinite(matrix).all():
        raise InputError(name, "has values that are not finite", form)
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
        wrong = f"fx, fy are {matrix[0, 0]:g}, {matrix[1, 1]:g}"
        raise InputError(name, wrong, "focal lengths above 0 pixels")
    if abs(matrix[0, 1]) > 1e-6 * matrix[0, 0]:
        raise InputError(name, f"has a skew of {matrix[0, 1]:g}", form)
    if abs(matrix[1, 0]) > 1e-6 * matrix[1, 1] or np.abs(matrix[2] - (0, 0, 1)).max() > 1e-6:
        raise InputError(name, f"has the lower rows {matrix[1:].tolist()}", form)
    matrix[0, 1] = matrix[1, 0] = 0.0
    matrix[2] = 0, 0, 1
    return matrix


def check_plausible(matrix: np.ndarray, width: int, height: int, name: str = "camera") -> None:
    """InputError where the intrinsics cannot belong to a width x height image.

    fx under 5 % of the width, fy under 5 % of the shorter side (a tall strip cut from a photograph keeps its
    true fy), or a principal point outside the image by more than the image's size.
    """
    fx, fy, cx, cy = matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2]
    if fx < MIN_FOCAL * width:
        wrong = f"a focal length fx of {fx:.4g} px in an image {width} px wide"
        raise InputError(name, wrong, f"at least 5 % of the width, {MIN_FOCAL * width:g} px")
    shorter = min(width, height)
    if fy < MIN_FOCAL * shorter:
        wrong = f"a focal length fy of {fy:.4g} px in an image of {width}x{height} px"
        raise InputError(name, wrong, f"at least 5 % of the shorter side, {MIN_FOCAL * shorter:g} px")
    for key, centre, side in (("cx", cx, width), ("cy", cy, height)):
        if not -side <= centre <= 2 * side:
            wrong = f"a principal point {key} of {centre:.4g} px in an image of {width}x{height} px"
            raise InputError(name, wrong, f"{key} from {-side} to {2 * side} px")


def finite_number(value: Any, name: str) -> float:
    """`value` as a float; InputError unless it is a finite number."""
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not math.isfinite(number):
        raise InputError(name, f"{value!r}", "a finite number")
    return number


def positive_number(value: Any, name: str) -> float:
    """`value` as a float; InputError unless it is a finite number above 0."""
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not (math.isfinite(number) and number > 0):
        raise InputError(name, f"{value!r}", "a finite number above 0")
    return number


def positive_int(value: Any, name: str) -> int:
    """`value` as an int; InputError unless it is a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, Real) or value != value // 1 or value < 1:
        raise InputError(name, f"{value!r}", "a whole number of pixels, at least 1")
    return round(float(value))
