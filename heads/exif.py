"""What a photograph's EXIF says about its camera: the focal length, and which way up the picture is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from heads.intrinsics import focal_from_35mm

if TYPE_CHECKING:
    from PIL import Image

# EXIF orientation -> how stored pixels become upright: (np.rot90 this often, then mirror left-right or not).
ORIENTATIONS: dict[int, tuple[int, bool]] = {
    1: (0, False),
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (3, True),
    6: (3, False),
    7: (1, True),
    8: (1, False),
}

_ORIENTATION = 0x0112
_EXIF_IFD = 0x8769
_PIXELS_X, _PIXELS_Y = 0xA002, 0xA003
_FOCAL_35MM = 0xA405
_FOCAL_35MM_RANGE = 4.0, 3000.0  # millimetres: from fisheye converters to telescopes


def focal_from_exif(image: Image.Image) -> tuple[float | None, str]:
    """Focal length in pixels of `image` from its EXIF 35 mm-equivalent focal length, and a sentence about it.

    f_px = f_35mm * diagonal / 43.27, the diagonal in pixels, so a resized photograph keeps its field of view.
    None, and the sentence says why, where there is no usable tag, or where the pixel size that the EXIF
    itself states has another aspect ratio than the file, either way up: the file was cropped, and the tag is
    no longer true of it.
    """
    tags = exif_tags(image)
    focal_35mm = _number(tags.get(_FOCAL_35MM))
    if focal_35mm is None:
        return None, "the EXIF has no 35 mm-equivalent focal length" if tags else "the image has no EXIF"
    if focal_35mm == 0:
        return None, "the EXIF 35 mm-equivalent focal length is 0, which means unknown"
    low, high = _FOCAL_35MM_RANGE
    if not low <= focal_35mm <= high:
        allowed = f"{low:g} to {high:g} mm"
        return None, f"the EXIF 35 mm-equivalent focal length of {focal_35mm:g} mm is outside {allowed}"
    width, height = image.size
    exif_width, exif_height = _number(tags.get(_PIXELS_X)), _number(tags.get(_PIXELS_Y))
    crop_note = ""
    if not exif_width or not exif_height:
        crop_note = " (the EXIF does not state its own size: a crop would go unnoticed)"
    elif not _same_aspect(width, height, exif_width, exif_height):
        return None, (
            f"the EXIF is of {exif_width:g}x{exif_height:g} pixels and the file has {width}x{height}: "
            "another aspect ratio, so it was cropped and the EXIF focal length is not used"
        )
    focal = focal_from_35mm(width, height, focal_35mm)
    return focal, f"EXIF: {focal_35mm:g} mm (35 mm equivalent) is {focal:.1f} px{crop_note}"


def exif_orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (already upright) where it is missing or not one of these."""
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:  # as in exif_tags
        return 1
    return orientation if isinstance(orientation, int) and orientation in ORIENTATIONS else 1


def exif_tags(image: Image.Image) -> dict[int, Any]:
    """The tags of the EXIF sub-folder (exposure, lens, size); empty where none can be read."""
    try:
        return dict(image.getexif().get_ifd(_EXIF_IFD))
    except Exception:  # a broken EXIF raises whatever its bytes lead to, and must not cost the photograph
        return {}


def _same_aspect(width: int, height: int, exif_width: float, exif_height: float) -> bool:
    """Equal up to 1 % and a pixel of rounding on the shorter side, upright or turned by a quarter."""
    tolerance = math.log(1.01 + 1 / min(width, height))
    aspect, exif_aspect = math.log(width / height), math.log(exif_width / exif_height)
    return min(abs(aspect - exif_aspect), abs(aspect + exif_aspect)) <= tolerance


def _number(value: Any) -> float | None:
    """A tag's value as a finite number that is not negative, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number >= 0 else None
