"""Whatever the pixels are stored as, turned into (H, W, 3) uint8 RGB.

16-bit values are scaled by 255 / 65535 (Pillow's own `convert` clips them at 255), transparency is laid over
white, colour profiles (ICC) are ignored.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from PIL import Image

from heads.errors import InputError

_ARRAYS = "(H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8, uint16 or float in [0, 1]"
_TENSORS = "(H, W), (C, H, W) or (H, W, C) with 1, 3 or 4 channels of uint8, uint16 or float in [0, 1]"


def rgb_from_pil(image: Image.Image, name: str) -> np.ndarray:
    """(H, W, 3) uint8 from a loaded Pillow image of any mode.

    `I;16`: 16 bit. `I` and `F` carry no range of their own: the smallest of 0..1 (`F` only), 0..255 and
    0..65535 that holds the pixels. Raises InputError for values outside, nan, inf, or a mode that Pillow
    cannot turn into RGB.
    """
    if image.mode.startswith("I;16"):
        return _rgb_from_channels(_to_uint8(np.asarray(image).astype(np.uint16), name))
    if image.mode in ("I", "F"):
        return _rgb_from_channels(_from_wide_grey(np.asarray(image), image.mode, name))
    if image.mode == "La":
        image = image.convert("LA")  # the only mode that Pillow turns it into
    try:
        if image.has_transparency_data:
            return _rgb_from_channels(np.asarray(image.convert("RGBA")))
        return np.array(image.convert("RGB"))
    except ValueError as error:
        raise InputError(name, f"the colour mode {image.mode}: {error}", "RGB, greyscale, palette, CMYK") from None


def rgb_from_array(array: np.ndarray, name: str) -> np.ndarray:
    """(H, W, 3) uint8 from an array (H, W) or (H, W, 1 | 3 | 4): uint8, uint16, or float in [0, 1]."""
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise InputError(name, f"an array of shape {array.shape}", _ARRAYS)
    return _rgb_from_channels(_to_uint8(array, name))


def is_tensor(value: Any) -> bool:
    """Whether `value` is a torch tensor, without importing torch (nobody has one before somebody did)."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def rgb_from_tensor(tensor: Any, name: str) -> np.ndarray:
    """(H, W, 3) uint8 from a tensor on any device: channels first as torch has them, else channels last."""
    shape = tuple(tensor.shape)
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point():
        tensor = tensor.float()  # NumPy has no bfloat16
    array = tensor.numpy()
    if array.ndim == 3 and shape[0] in (1, 3, 4):
        array = array.transpose(1, 2, 0)
    elif array.ndim != 2 and not (array.ndim == 3 and shape[2] in (1, 3, 4)):
        raise InputError(name, f"a tensor of shape {shape}", _TENSORS)
    return rgb_from_array(array, name)


def _rgb_from_channels(values: np.ndarray) -> np.ndarray:
    """(H, W), (H, W, 1), (H, W, 3) or (H, W, 4) uint8 -> a fresh (H, W, 3); alpha is laid over white."""
    if values.ndim == 2:
        values = values[..., None]
    if values.shape[2] != 4:
        return np.array(np.broadcast_to(values, (*values.shape[:2], 3)), order="C")
    alpha = values[..., 3:].astype(np.uint16)
    over_white = values[..., :3] * alpha + 255 * (255 - alpha)  # at most 255 * 255: fits 16 bits
    return ((over_white + 127) // 255).astype(np.uint8)


def _to_uint8(values: np.ndarray, name: str) -> np.ndarray:
    """uint8 as it is, uint16 scaled, float from [0, 1]; InputError for another type or range, nan or inf."""
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind == "u" and size == 1:
        return values
    if kind == "u" and size == 2:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if kind != "f":
        raise InputError(name, f"pixels of type {values.dtype}", "uint8, uint16 or float in [0, 1]")
    if not np.isfinite(values).all():
        raise InputError(name, "pixels that are nan or inf", "finite pixels")
    low, high = float(values.min()), float(values.max())
    if low < -1e-4 or high > 1 + 1e-4:  # a little more than rounding leaves
        raise InputError(name, f"float pixels from {low:g} to {high:g}", "floats from 0 to 1, or uint8")
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def _from_wide_grey(values: np.ndarray, mode: str, name: str) -> np.ndarray:
    """Pillow's 32-bit greyscale modes -> (H, W) uint8."""
    if not np.isfinite(values).all():
        raise InputError(name, "pixels that are nan or inf", "finite pixels")
    low, high = float(values.min()), float(values.max())
    ranges = (1, 255, 65535) if mode == "F" else (255, 65535)
    top = next((top for top in ranges if high <= top), None)
    if low < 0 or top is None:
        allowed = " or ".join(f"0 to {top}" for top in ranges)
        raise InputError(name, f"{mode} pixels from {low:g} to {high:g}", allowed)
    return np.rint(values.astype(np.float64) * (255 / top)).astype(np.uint8)
