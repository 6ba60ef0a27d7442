"""What the files of all data sets share: the card, and how a record dictionary is made.

A record dictionary is a line of `vlm/records.py` in which a file is either the Path of an original, referenced where
it lies, or a NumPy array, which `prepare.py` writes beside the records: pictures and masks as 8-bit PNG, depth as
float32 metres in an .npz (lossless: a 16-bit PNG would round LiDAR to 2 mm; nan = unknown, inf = sky).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from heads.camera import Camera
from heads.errors import InputError
from heads.exif import exif_orientation

Crop = tuple[float, float, float, float]  # left, top, right, bottom: pixels, or fractions of the size where all <= 1


@dataclass(frozen=True)
class Card:
    """The part of a data set's card that goes into every record and into dataset.json.

    layout: which release of the official download is read. splits: the first is the default.
    valid_range_m: what is nearer or farther is no truth. depth: what measured it (all records are z-depth, metres).
    crops: windows that published tables evaluate in; usual_crop: split -> the one that they use there.
    """

    name: str
    domain: str
    link: str
    licence: str
    layout: str
    splits: tuple[str, ...]
    depth: str
    valid_range_m: tuple[float, float] | None
    crops: Mapping[str, Crop] = field(default_factory=dict)
    usual_crop: Mapping[str, str] = field(default_factory=dict)


def record_row(
    card: Card,
    split: str,
    *,
    scene: str,
    frame: str,
    image: Path | np.ndarray,
    size: tuple[int, int],
    camera: Camera | None = None,
    depth: Path | np.ndarray | None = None,
    depth_scale: float | None = None,
    depth_size: tuple[int, int] | None = None,
    domain: str | None = None,
    view_group: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """One record dictionary. `frame` names the item within the data set and its files; `camera` is of the image.

    size, depth_size: (width, height); depth_size is needed only where the map has another size than the image.
    """
    row: dict[str, Any] = {
        "dataset": card.name,
        "domain": domain or card.domain,
        "split": split,
        "licence": card.licence,
        "scene_id": scene,
        "frame": frame,
        "image": image,
        "original_rgb_size": list(size),
    }
    if camera is not None:
        row |= {"original_fx": camera.fx, "original_fy": camera.fy, "original_cx": camera.cx, "original_cy": camera.cy}
        if camera.camera_to_world is not None:
            row["camera_to_world"] = camera.camera_to_world.tolist()
    if depth is not None:
        row |= {"depth_path": depth, "depth_type": "z_depth", "original_depth_size": list(depth_size or size)}
        if depth_scale is not None:
            row["depth_scale"] = depth_scale
        if card.valid_range_m is not None:
            row["valid_range_m"] = list(card.valid_range_m)
    if view_group is not None:
        row["view_group"] = view_group
    return row | more


def pinhole(
    intrinsics: ArrayLike, size: tuple[int, int], first_centre: float, camera_to_world: np.ndarray | None = None
) -> Camera:
    """A camera of (3, 3) intrinsics, or of fx, fy, cx, cy, in pixels of an image of `size` (width, height).

    first_centre: the coordinate that the source gives to the first pixel's centre. 0: OpenCV and most devkits; 0.5:
    COLMAP; 1: MATLAB. Ours is 0.5.
    """
    values = np.asarray(intrinsics, dtype=np.float64)
    fx, fy, cx, cy = values[[0, 1, 0, 1], [0, 1, 2, 2]] if values.shape == (3, 3) else values
    shift = 0.5 - first_centre
    matrix = np.array([[fx, 0, cx + shift], [0, fy, cy + shift], [0, 0, 1.0]])
    return Camera(matrix, size[0], size[1], camera_to_world=camera_to_world)


def expected(path: Path, card: Card) -> Path:
    """`path`, or the InputError that says which part of the official download is missing."""
    if not path.exists():
        raise InputError("root", f"{card.name}: {path} is missing", f"the folder of the {card.layout}")
    return path


def none_found(what: Path | str, card: Card) -> InputError:
    """The error for a layout that is there but empty."""
    return InputError("root", f"{card.name}: no {what}", f"the folder of the {card.layout}")


def unreadable(path: Path, card: Card, problem: object) -> InputError:
    """The error for a file that is there but not what the layout says."""
    return InputError("root", f"{card.name}: {path} cannot be read ({problem})", f"the files of the {card.layout}")


def photograph(path: Path, card: Card) -> tuple[Path | np.ndarray, tuple[int, int]]:
    """An original photograph and its (width, height): its path, to be referenced in place.

    Where an EXIF orientation would turn it for every reader, its stored pixels instead, since the calibration and the
    truth of a data set are of those.
    """
    size = image_size(path, card)
    with Image.open(path) as image:
        turned = exif_orientation(image) != 1
    return (read_image(path, card) if turned else path), size


def image_size(path: Path, card: Card) -> tuple[int, int]:
    """(width, height) of an image as stored, from its header."""
    expected(path, card)
    try:
        with Image.open(path) as image:
            return image.size
    except OSError as problem:
        raise unreadable(path, card, problem) from problem


def read_image(path: Path, card: Card) -> np.ndarray:
    """An image file's values as they are stored."""
    expected(path, card)
    try:
        with Image.open(path) as image:
            return np.array(image)
    except OSError as problem:
        raise unreadable(path, card, problem) from problem
