"""From whatever a caller has to an upright photograph, to the network's input, and back to the caller's.

photo = load_image("photo.jpg")  # a path, bytes, open file, Pillow image, array or tensor
plan = fit_to_budget(*photo.size, factor=32, max_pixels=1_000_000)
pixels = prepare(photo, plan)  # what the network sees
camera = camera_for(plan, photo_camera)  # and its camera
depth = back_to_caller(depth_of_the_network, plan)  # on the photograph's own pixels
"""

from __future__ import annotations

import io
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from heads.camera import Camera
from heads.errors import InputError
from heads.exif import ORIENTATIONS, exif_orientation
from heads.intrinsics import positive_int
from vlm.pixel_formats import is_tensor, rgb_from_array, rgb_from_pil, rgb_from_tensor

MAX_DECLARED_PIXELS = 200_000_000  # the largest phone sensors; a file that declares more is refused undecoded
_ALLOWED = "a path, bytes, an open binary file, a Pillow image, a NumPy array or a torch tensor"


# ---- reading ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Photo:
    """One upright photograph.

    rgb: (H, W, 3) uint8, the EXIF orientation applied; an array of its own.
    exif_camera: the camera that the EXIF tells of, for `rgb`'s pixels; None where it tells none.
    exif_note: a sentence: which focal length the EXIF gave, or why none.
    name: the file's path where there is one, else the argument's name.
    """

    rgb: np.ndarray
    exif_camera: Camera | None
    exif_note: str
    name: str

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]


def load_image(image: Any, name: str = "image") -> Photo:
    """An upright 8-bit RGB photograph from anything that holds one picture.

    image: a path; bytes; an open binary file (read from its start); a Pillow image of any mode; a NumPy array
        (H, W) or (H, W, 1 | 3 | 4); a torch tensor with channels first, else last. Arrays and tensors are
        uint8, uint16 or float in [0, 1], without EXIF. Of an animation: the first frame (of a Pillow image:
        the current one). A `Photo` is returned as it is.
    name: the argument's name in errors.
    Transparency is laid over white, 16 bits are scaled to 8, colour profiles are ignored.
    Raises InputError: no such file, not an image, truncated, empty, a file of more than 200 million pixels,
        pixels that are nan, inf or out of range, or another type or shape. Nothing is returned in part
        (unless the program itself has set Pillow's LOAD_TRUNCATED_IMAGES).
    """
    if isinstance(image, Photo):
        return image
    if isinstance(image, Image.Image):
        return _photo_from_pil(image, name, str(getattr(image, "filename", "") or name))
    if isinstance(image, np.ndarray) or is_tensor(image):
        if 0 in image.shape:
            raise InputError(name, f"it has no pixels (shape {tuple(image.shape)})", "at least 1x1 pixels")
        rgb = rgb_from_array(image, name) if isinstance(image, np.ndarray) else rgb_from_tensor(image, name)
        return Photo(rgb, None, "pixels without EXIF", name)
    if isinstance(image, str | os.PathLike):
        return _photo_from_path(image, name)
    if isinstance(image, bytes | bytearray | memoryview):
        return _photo_from_file(io.BytesIO(image), name, name)
    if callable(getattr(image, "read", None)):
        return _photo_from_file(io.BytesIO(_read_all(image, name)), name, name)
    raise InputError(name, f"a {type(image).__name__}", _ALLOWED)


def _photo_from_path(path: str | os.PathLike, name: str) -> Photo:
    try:
        with open(path, "rb") as file:
            return _photo_from_file(file, name, str(path))
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(name, f"no such file: {path}", "the path of an image file") from None
    except (OSError, ValueError) as error:  # a folder, no permission, a null byte in the path
        reason = getattr(error, "strerror", None) or error
        raise InputError(name, f"cannot read {path}: {reason}", "the path of an image file") from None


def _photo_from_file(file: Any, name: str, source: str) -> Photo:
    where = f" ({source})" if source != name else ""
    with _pillow_errors(name, where), _pillow_limit():
        opened = Image.open(file)
    with opened:
        return _photo_from_pil(opened, name, source)


def _photo_from_pil(image: Image.Image, name: str, source: str) -> Photo:
    _check_size(*image.size, name)
    with _pillow_errors(name, f" ({source})" if source != name else ""):
        image.load()
    # Only now: on loading, Pillow itself turns a TIFF upright and takes the orientation out of its EXIF.
    camera, note = Camera.from_exif(image)
    orientation = exif_orientation(image)
    quarters, mirrored = ORIENTATIONS[orientation]
    rgb = np.rot90(rgb_from_pil(image, name), quarters)
    rgb = np.ascontiguousarray(rgb[:, ::-1] if mirrored else rgb)
    return Photo(rgb, camera.exif_transpose(orientation) if camera else None, note, source)


def _read_all(file: Any, name: str) -> bytes:
    try:
        if file.seekable():
            file.seek(0)
        data = file.read()
    except (AttributeError, OSError, ValueError) as error:  # ValueError: closed
        raise InputError(name, f"the open file cannot be read: {error}", _ALLOWED) from None
    if not isinstance(data, bytes):
        raise InputError(name, "a file opened as text", "a file opened with mode 'rb'")
    return data


def _check_size(width: int, height: int, name: str) -> None:
    """Before any decoding: InputError for a picture with no pixels, or with too many."""
    if width < 1 or height < 1:
        raise InputError(name, f"it has no pixels ({width}x{height})", "at least 1x1 pixels")
    if width * height > MAX_DECLARED_PIXELS:
        raise InputError(name, f"it declares {width}x{height} pixels", f"at most {MAX_DECLARED_PIXELS:,} pixels")


@contextmanager
def _pillow_errors(name: str, where: str) -> Iterator[None]:
    """Whatever Pillow raises on a bad file, as one InputError."""
    allowed = "a complete image file that Pillow reads (JPEG, PNG, WebP, TIFF, ...; HEIC: convert it to JPEG)"
    try:
        yield
    except Image.UnidentifiedImageError:
        raise InputError(name, f"it is not an image{where}", allowed) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        wrong = f"it declares more pixels than is safe to decode{where}"
        raise InputError(name, wrong, f"at most {MAX_DECLARED_PIXELS:,} pixels") from None
    except MemoryError:
        raise
    except Exception as error:  # decoders of broken files raise OSError, SyntaxError, struct.error, ...
        raise InputError(name, f"the image is damaged or cut short{where}: {error}", allowed) from None


_limit_lock = threading.Lock()


@contextmanager
def _pillow_limit() -> Iterator[None]:
    """Opening only reads the header: `_check_size` judges it, not Pillow's own limit of 89 to 179 million."""
    with _limit_lock:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


# ---- fitting to the network ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """How a photograph becomes the network's input: resized, then padded at the right and the bottom.

    original, resized, padded: (width, height) in pixels; `padded` is what the network sees.
    factor: pixels a token covers along each side.
    note: what to tell the user; empty where the sides were only rounded to whole tokens.
    grid: (h, w) of the token grid, where that is not `padded` in steps of `factor`.
    """

    original: tuple[int, int]
    resized: tuple[int, int]
    padded: tuple[int, int]
    factor: int
    note: str = ""
    grid: tuple[int, int] | None = None

    @property
    def tokens(self) -> tuple[int, int]:
        """(h, w) of the token grid."""
        if self.grid is not None:
            return self.grid
        return self.padded[1] // self.factor, self.padded[0] // self.factor


def fit_to_budget(
    width: int, height: int, factor: int, *, max_pixels: int, min_tokens: int = 4, wanted: float = 1.0
) -> Plan:
    """The network's input size for a width x height photograph, at `wanted` times its size: pure arithmetic.

    Rules, with minimum = min_tokens * factor:
    1. scale = min(wanted, sqrt(max_pixels / (width * height))): unless told, never larger than the photograph.
    2. A side that then has less than `minimum` pixels is rounded to whole pixels (at least 1) and edge-padded
       to `minimum`; padding counts, so the scale shrinks further where the padded image exceeds the budget.
    3. A side with `minimum` pixels or more is rounded to the nearest multiple of `factor`; both such sides to
       the one below where the nearest would exceed the budget.
    So 1x1 becomes a constant minimum x minimum image, and a panorama keeps its aspect and gets a border.
    Raises InputError where a number is not a whole one of at least 1, or max_pixels < minimum * minimum.
    """
    width, height = positive_int(width, "width"), positive_int(height, "height")
    factor, min_tokens = positive_int(factor, "factor"), positive_int(min_tokens, "min_tokens")
    minimum = min_tokens * factor
    if positive_int(max_pixels, "max_pixels") < minimum * minimum:
        allowed = f"at least {minimum * minimum} ({min_tokens}x{min_tokens} tokens of {factor} px)"
        raise InputError("max_pixels", str(max_pixels), allowed)

    scale = min(wanted, math.sqrt(max_pixels / (width * height)))
    if min(width, height) * scale < minimum:
        scale = min(scale, max_pixels / (minimum * max(width, height)))
    resized = _round_side(width * scale, minimum, factor), _round_side(height * scale, minimum, factor)
    if max(resized[0], minimum) * max(resized[1], minimum) > max_pixels:
        resized = (
            _round_side(width * scale, minimum, factor, down=True),
            _round_side(height * scale, minimum, factor, down=True),
        )
    padded = max(resized[0], minimum), max(resized[1], minimum)

    notes = []
    if scale < wanted:
        notes.append(f"downscaled from {width}x{height} to {resized[0]}x{resized[1]}")
    if padded != resized:
        notes.append(f"padded from {resized[0]}x{resized[1]} to {padded[0]}x{padded[1]}")
    return Plan((width, height), resized, padded, factor, ", ".join(notes))


def _round_side(side: float, minimum: int, factor: int, down: bool = False) -> int:
    if side < minimum:
        return max(1, round(side))
    tokens = side / factor
    return factor * (math.floor(tokens + 1e-9) if down else round(tokens))


def prepare(photo: Photo, plan: Plan) -> np.ndarray:
    """(H, W, 3) uint8 of the plan's `padded` size: bicubic with antialiasing (Pillow), edges repeated.

    Raises InputError where the plan is of another size than the photograph.
    """
    _check_plan(plan, photo.size, "photo")
    rgb = photo.rgb
    if plan.resized != plan.original:
        rgb = np.asarray(Image.fromarray(rgb).resize(plan.resized, Image.Resampling.BICUBIC))
    right, bottom = plan.padded[0] - plan.resized[0], plan.padded[1] - plan.resized[1]
    return np.pad(rgb, ((0, bottom), (0, right), (0, 0)), mode="edge")


def camera_for(plan: Plan, camera: Camera) -> Camera:
    """The camera of what `prepare` returns, from the photograph's."""
    _check_plan(plan, camera.size, "camera")
    right, bottom = plan.padded[0] - plan.resized[0], plan.padded[1] - plan.resized[1]
    return camera.resize(*plan.resized).pad(0, 0, right, bottom)


def _check_plan(plan: Plan, size: tuple[int, int], name: str) -> None:
    if size != plan.original:
        raise InputError(name, f"it is {size[0]}x{size[1]}", f"the plan's {plan.original[0]}x{plan.original[1]}")


# ---- and back --------------------------------------------------------------------------------------------


def back_to_caller(
    values: np.ndarray,
    plan: Plan,
    size: tuple[int, int] | None = None,
    mode: Literal["bilinear", "nearest"] = "bilinear",
) -> np.ndarray:
    """(H, W) on the photograph's pixels from a map (h, w) over the network's input: unpadded, resized.

    values: over all of `plan.padded`, at any resolution (a head's map may be coarser than its input).
    size: (width, height) to return; the photograph's own unless told.
    mode: "bilinear" for finite maps (a nan or inf spreads to every pixel it touches), giving float32, or
        float64 from float64; "nearest" for masks and labels, keeping the type.
    Pixel centres are at +0.5 in both; positions change, units never. Edges are held: padding is not read.
    """
    values = np.asarray(values)
    if values.ndim != 2 or 0 in values.shape:
        raise InputError("values", f"has the shape {values.shape}", "(h, w)")
    width, height = plan.original if size is None else size
    columns = _positions(width, values.shape[1], plan.resized[0] / plan.padded[0])
    rows = _positions(height, values.shape[0], plan.resized[1] / plan.padded[1])
    if mode == "nearest":
        return values[np.floor(rows + 0.5).astype(int)[:, None], np.floor(columns + 0.5).astype(int)[None, :]]
    if mode != "bilinear":
        raise InputError("mode", repr(mode), "'bilinear' or 'nearest'")
    dtype = np.float64 if values.dtype == np.float64 else np.float32
    return _interpolate(_interpolate(values.astype(dtype), rows).T, columns).T


def _positions(count: int, source: int, part: float) -> np.ndarray:
    """Centres of `count` equal pixels over the first `part` of `source` pixels, as source indices."""
    filled = source * part
    positions = (np.arange(count) + 0.5) * filled / count - 0.5
    return np.clip(positions, 0, max(math.ceil(filled - 1e-6) - 1, 0))


def _interpolate(values: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Rows of `values` at fractional `positions`."""
    low, high = np.floor(positions).astype(int), np.ceil(positions).astype(int)
    weight = (positions - low).astype(values.dtype)[:, None]
    return values[low] * (1 - weight) + values[high] * weight
