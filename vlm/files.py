"""Depth on disk: what a scene is saved as, and how it is read back. Points and meshes: `files_3d.py`.

    depth_z.png    16 bit, value / scale = metres        write_depth_png, read_depth_png
    depth.npz      every array, units in the key names   write_npz, read_npz
    depth.exr      float32 metres, channel Z             write_depth_exr, read_depth_exr
    anyone's       .png .npy .npz .exr .tif .tiff        read_depth (a path, or such a file's bytes)

Every write goes to a temporary name in the same folder and is then renamed (`replacing`): a file is there
complete, or not at all. `check_folder` says before any compute whether a folder can be written.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import secrets
import stat
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from heads.errors import InputError

if TYPE_CHECKING:
    from heads.camera import Camera

Stored = str | os.PathLike | bytes
"""A file's path, or the file's content."""

_BEGINNINGS = {
    b"\x89PNG": ".png",
    b"\x93NUMPY": ".npy",
    b"PK\x03\x04": ".npz",
    b"\x76\x2f\x31\x01": ".exr",
    b"II*\x00": ".tif",
    b"MM\x00*": ".tif",
}

PNG_UNKNOWN = 0
PNG_SKY = 65535
PNG_FARTHEST = 65534  # the largest code that means a depth
FINE_SCALE, COARSE_SCALE = 1000, 256
FINE_SCALE_LIMIT_M = 65.0  # 65534 / 1000 = 65.5 m is the farthest the fine scale can say


class PngCodes(TypedDict):
    """What the 16-bit values of a depth PNG mean; goes into JSON as it is."""

    scale: int  # value / scale = metres
    unknown: int  # this value: no prediction
    sky: int  # this value: sky
    too_far: int  # pixels beyond 65534 / scale metres, written as 65534
    too_near: int  # pixels that would have rounded to `unknown`, written as 1


# --- the folder and the rename -------------------------------------------------------------------------


WRITABLE = "a folder that exists and can be written, or one that can be made"
PROOFS = 8
"""Tries: of two processes that prove the same missing folder, each may take it away from the other."""


def check_folder(folder: str | os.PathLike) -> Path:
    """The output folder, proven writable and left as it was found.

    Missing folders are made and removed again, because nothing else tells the truth about permissions,
    names that are too long and read-only disks alike; where several processes do so at once, an empty one may stay.
    Raises InputError naming `folder`.
    """
    path = Path(folder)
    for left in reversed(range(PROOFS)):
        try:
            _prove_writable(path)
            break
        except InputError:
            raise
        except (OSError, ValueError) as error:
            met = isinstance(error, FileExistsError | FileNotFoundError)  # another process proves the same folder
            if not met or not left:
                reason = getattr(error, "strerror", None) or error
                raise InputError("folder", f"cannot write to {path} ({reason})", WRITABLE) from error
            time.sleep(0.05 * random.random())
    return path


def _prove_writable(path: Path) -> None:
    made: list[Path] = []
    try:
        missing = [p for p in (path, *path.parents) if not p.exists()]
        for parent in reversed(missing):
            parent.mkdir()
            made.append(parent)
        if not stat.S_ISDIR(path.stat().st_mode):
            raise InputError("folder", f"{path} is a file", WRITABLE)
        probe = path / f".fathom-{secrets.token_hex(4)}"
        probe.touch(exist_ok=False)
        probe.unlink()
    finally:
        for parent in reversed(made):
            with contextlib.suppress(OSError):
                parent.rmdir()


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside `path`, with its suffix; becomes `path` when the block ends well, else goes."""
    target = Path(path)
    temporary = target.with_name(f".{secrets.token_hex(6)}{target.suffix}")
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def write_picture(path: str | os.PathLike, picture: Image.Image) -> None:
    """A picture for people, as .jpg (quality 92, full colour resolution) or .png, by the suffix."""
    with replacing(path) as temporary:
        if temporary.suffix.lower() in (".jpg", ".jpeg"):
            picture.save(temporary, quality=92, subsampling=0)
        else:
            picture.save(temporary)


# --- depth as a 16-bit PNG -----------------------------------------------------------------------------


def write_depth_png(path: str | os.PathLike, depth_z: np.ndarray) -> PngCodes:
    """depth_z (H, W) metres as a 16-bit PNG; returns what its values mean, also written inside as tEXt.

    Scale 1000 (millimetres), or 256 where the farthest point is beyond 65 m. 0 = no prediction, 65535 = sky.
    Beyond 65534 / 256 = 255.99 m the value stays 65534 and the pixels are counted in `too_far`.
    Raises InputError where depth_z is no map of positive metres, inf or nan.
    """
    depth_z = _checked_depth(depth_z)
    known = np.isfinite(depth_z)
    farthest = depth_z[known].max(initial=0.0)
    scale = FINE_SCALE if farthest <= FINE_SCALE_LIMIT_M else COARSE_SCALE

    steps = np.rint(depth_z[known].astype(np.float64) * scale)
    values = np.full(depth_z.shape, PNG_UNKNOWN, np.uint16)
    values[np.isposinf(depth_z)] = PNG_SKY
    values[known] = np.clip(steps, 1, PNG_FARTHEST).astype(np.uint16)

    text = PngInfo()
    text.add_text("fathom:scale", str(scale))
    text.add_text("fathom:sky", str(PNG_SKY))
    text.add_text("fathom:unit", f"metres along the optical axis = value / {scale}; {PNG_UNKNOWN} = unknown")
    with replacing(path) as temporary:
        Image.fromarray(values).save(temporary, format="PNG", pnginfo=text)
    return PngCodes(
        scale=scale,
        unknown=PNG_UNKNOWN,
        sky=PNG_SKY,
        too_far=int((steps > PNG_FARTHEST).sum()),
        too_near=int((steps < 1).sum()),
    )


def read_depth_png(
    path: Stored, scale: float | None = None, sky_code: int | None = None, usual_scale: float | None = None
) -> np.ndarray:
    """A 16-bit depth PNG as depth_z (H, W) float32 metres: 0 -> nan, the sky code -> inf.

    `scale` (value / scale = metres: 1000 for millimetres, 256 for KITTI) and `sky_code` come from the file
    where Fathom wrote it; in other files the scale is the one given, else `usual_scale`, and nothing is sky unless
    `sky_code` says so.
    Raises InputError for a file that is no 16-bit greyscale PNG, or whose scale is not known.
    """
    values, text = _read_image(path)
    if values.dtype != np.uint16 or values.ndim != 2:
        kind = f"{values.dtype} of shape {values.shape}"
        raise InputError("path", f"{_name(path)} holds {kind}", "one channel of 16-bit integers")
    if scale is None and "fathom:scale" in text:
        scale = float(text["fathom:scale"])
    if sky_code is None and "fathom:sky" in text:
        sky_code = int(text["fathom:sky"])
    return _metres(path, values, usual_scale if scale is None else scale, sky_code)


# --- all arrays as npz ---------------------------------------------------------------------------------


def write_npz(
    path: str | os.PathLike,
    *,
    depth_z: np.ndarray,
    camera: Camera,
    log_depth_scale: np.ndarray | None = None,
    sky: np.ndarray | None = None,
    ray_directions: np.ndarray | None = None,
    depth_interval90: tuple[np.ndarray, np.ndarray] | None = None,
) -> None:
    """Every array of a view in one file, uncompressed; what is None is left out.

    depth_z_m (H, W), log_depth_scale (H, W), sky_probability (H, W), ray_directions (H, W, 3) unit vectors
    in the camera frame, depth_interval90_lower_m and _upper_m (H, W): float32. intrinsics_px (3, 3) in pixels
    of this map, pixel centres at +0.5, and camera_to_world_m (4, 4): float64.
    The points are ray_directions * (depth_z / ray_directions[..., 2:]).
    """
    depth_z = _checked_depth(depth_z)
    if (camera.height, camera.width) != depth_z.shape:
        size = f"{depth_z.shape[1]}x{depth_z.shape[0]}"
        raise InputError("camera", f"is of a {camera.width}x{camera.height} image", f"the depth's {size}")
    lower, upper = depth_interval90 if depth_interval90 is not None else (None, None)
    maps = {
        "depth_z_m": depth_z,
        "log_depth_scale": log_depth_scale,
        "sky_probability": sky,
        "ray_directions": ray_directions,
        "depth_interval90_lower_m": lower,
        "depth_interval90_upper_m": upper,
    }
    arrays: dict[str, np.ndarray] = {}
    for key, value in maps.items():
        if value is None:
            continue
        if value.shape[:2] != depth_z.shape:
            raise InputError(key, f"has the shape {value.shape}", f"{depth_z.shape} as depth_z")
        arrays[key] = np.asarray(value, np.float32)
    arrays["intrinsics_px"] = np.asarray(camera.intrinsics, np.float64)
    if camera.camera_to_world is not None:
        arrays["camera_to_world_m"] = np.asarray(camera.camera_to_world, np.float64)
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def read_npz(path: Stored) -> dict[str, np.ndarray]:
    """All arrays of a .npz by name; the names of `write_npz` carry the units. Pickled objects are refused."""
    _require_file(path)
    try:
        with np.load(_opened(path), allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, ValueError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError("path", f"{_name(path)} is no readable .npz", "plain arrays, no pickle") from error


# --- depth as EXR, and from anyone's file --------------------------------------------------------------


def write_depth_exr(path: str | os.PathLike, depth_z: np.ndarray) -> None:
    """depth_z (H, W) metres as float32 channel Z, lossless, inf and nan kept. Needs the extra `bench`."""
    openexr = _openexr()
    depth_z = np.ascontiguousarray(_checked_depth(depth_z))
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage, "unit": "metres"}
    with replacing(path) as temporary, openexr.File(header, {"Z": depth_z}) as file:
        file.write(str(temporary))


def read_depth_exr(path: Stored) -> np.ndarray:
    """Channel Z, else the only channel, of an EXR as (H, W) float32. Needs the extra `bench`."""
    openexr = _openexr()
    _require_file(path)
    if isinstance(path, bytes):  # OpenEXR before 3.5 reads files only
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "depth.exr"
            file.write_bytes(path)
            return read_depth_exr(file)
    try:
        with openexr.File(str(path), separate_channels=True) as file:
            channels = {name: np.array(channel.pixels) for name, channel in file.channels().items()}
    except (RuntimeError, ValueError, TypeError) as error:
        raise InputError("path", f"{path} is no readable EXR", "one part, scan lines or tiles") from error
    name = "Z" if "Z" in channels else next(iter(channels)) if len(channels) == 1 else None
    if name is None:
        raise InputError("path", f"{path} has the channels {sorted(channels)}", "one named Z, or only one")
    return channels[name].astype(np.float32)


def read_depth(
    path: Stored, scale: float | None = None, sky_code: int | None = None, usual_scale: float | None = None
) -> np.ndarray:
    """Depth in metres, (H, W) float32, from .png .npy .npz .exr .tif .tiff; inf = sky, nan = unknown.

    path: a file, or its bytes: then what they begin with says which format they are.
    value / scale = metres. Floating point is metres where no scale is given; integers need one (a PNG written
    by Fathom carries it), else `usual_scale` is theirs. Zero and negative values mean unknown. An .npz holds
    depth_z_m, or one array only. Raises InputError naming what is missing.
    """
    suffix = _suffix(path)
    if suffix == ".png":
        return read_depth_png(path, scale, sky_code, usual_scale)
    if suffix == ".exr":
        values = read_depth_exr(path)
    elif suffix in (".tif", ".tiff"):
        values, _ = _read_image(path)
    elif suffix == ".npz":
        arrays = read_npz(path)
        key = "depth_z_m" if "depth_z_m" in arrays else next(iter(arrays)) if len(arrays) == 1 else None
        if key is None:
            raise InputError("path", f"{_name(path)} holds {sorted(arrays)}", "depth_z_m, or one array only")
        values = arrays[key]
    elif suffix == ".npy":
        _require_file(path)
        try:
            values = np.load(_opened(path), allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError("path", f"{_name(path)} is no readable .npy", "a plain array, no pickle") from error
    else:
        raise InputError("path", f"{_name(path)} has no known suffix", ".png .npy .npz .exr .tif .tiff")
    values = np.asarray(values)
    return _metres(path, values, usual_scale if scale is None and values.dtype.kind != "f" else scale, sky_code)


def read_mask(path: Stored, channels: int = 1) -> np.ndarray:
    """An 8-bit label map as it is: (H, W) uint8, or (H, W, channels). A black-and-white one gives 0 and 1."""
    values, _ = _read_image(path)
    values = values.astype(np.uint8) if values.dtype == bool else values
    shape = values.shape[2:] or (1,)
    if values.dtype != np.uint8 or values.ndim > 3 or shape != (channels,):
        raise InputError("path", f"{_name(path)} holds {values.dtype} {values.shape}", f"8 bit, {channels} channel(s)")
    return values


# --- checks --------------------------------------------------------------------------------------------


def _checked_depth(depth_z: np.ndarray) -> np.ndarray:
    depth_z = np.asarray(depth_z)
    if depth_z.ndim != 2 or 0 in depth_z.shape or depth_z.dtype.kind != "f":
        raise InputError("depth_z", f"{depth_z.dtype} of shape {depth_z.shape}", "floating point (H, W)")
    if (depth_z <= 0).any():
        raise InputError("depth_z", "has values of zero or less", "metres above 0, inf = sky, nan = unknown")
    return depth_z.astype(np.float32, copy=False)


def _metres(path: Stored, values: np.ndarray, scale: float | None, sky_code: int | None = None) -> np.ndarray:
    """Stored values as depth_z: divided by the scale, unknown and sky marked."""
    if values.ndim != 2 or values.dtype.kind not in "fiu":
        raise InputError("path", f"{_name(path)} holds {values.dtype} {values.shape}", "one (H, W) map of numbers")
    if scale is None and values.dtype.kind != "f":
        raise InputError(
            "scale",
            f"{_name(path)} holds integers without a unit",
            "a number with value / scale = metres (1000 for millimetres, 256 for KITTI)",
        )
    if scale is not None and not (np.isfinite(scale) and scale > 0):
        raise InputError("scale", f"is {scale}", "a number above 0 with value / scale = metres")
    depth_z = (values / np.float64(scale or 1)).astype(np.float32)
    depth_z[~(values > 0)] = np.nan
    if sky_code is not None:
        depth_z[values == sky_code] = np.inf
    return depth_z


def _name(path: Stored) -> str:
    return f"a file of {len(path):,} bytes" if isinstance(path, bytes) else str(path)


def _opened(path: Stored) -> Any:
    """What NumPy and Pillow open."""
    return io.BytesIO(path) if isinstance(path, bytes) else path


def _suffix(path: Stored) -> str:
    """Lower case; of bytes: that of the format they begin like, empty where it is none of these."""
    if not isinstance(path, bytes):
        return Path(path).suffix.lower()
    return next((suffix for begins, suffix in _BEGINNINGS.items() if path.startswith(begins)), "")


def _require_file(path: Stored) -> None:
    if not isinstance(path, bytes) and not Path(path).is_file():
        raise InputError("path", f"{path} does not exist", "a file")


def _read_image(path: Stored) -> tuple[np.ndarray, dict]:
    """The stored values of an image as they are, and the notes it carries."""
    _require_file(path)
    try:
        with Image.open(_opened(path)) as image:
            return np.array(image), dict(getattr(image, "text", {}))
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError) as error:
        raise InputError("path", f"{_name(path)} is no readable image", "a complete PNG or TIFF") from error


def _openexr() -> ModuleType:
    try:
        import OpenEXR
    except ImportError as error:
        raise ImportError('EXR files need the extra `bench`: pip install "fathom-vlm[bench]"') from error
    return OpenEXR
