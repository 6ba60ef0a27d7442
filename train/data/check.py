"""Is a set of records fit to train on? Every record is examined; what is wrong is told with its file and line."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from heads.camera import Camera
from heads.errors import InputError
from train.data.conversations import check, images_in
from train.data.index import images_told, missing_files
from vlm.files import read_mask
from vlm.images import load_image
from vlm.records import Record

ASPECT = 0.02  # relative difference of width / height that rounding explains
TOO_NEAR_M, TOO_FAR_M = 0.05, 1000.0  # medians outside are a unit's mistake, not a scene
INDOOR_FAR_M = 100.0
SKEW = 0.02  # of a rotation's R R^T from the identity
SQUARE = (0.5, 2.0)  # fx / fy of pixels that somebody may have meant
ENOUGH = 8  # labelled pixels for a median
EXIF_OFF = 1.25  # ratio of focal lengths: phones round their 35 mm equivalents
MAPS_OFF = 1.1  # median ratio of labelled depths to the map's at the same places


@dataclass(frozen=True)
class Finding:
    """bad: it cannot be trained on; else it may be wrong. `kind` is the same for like findings."""

    where: str
    kind: str
    text: str
    bad: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


def examine(record: Record) -> list[Finding]:
    """Everything that is wrong with one record, its files opened and read."""
    missing = [Finding(record.where, "missing", f"{key}: no file {path}") for key, path in missing_files(record)]
    found = _text(record) + _camera(record)
    if missing:
        return missing + found
    return found + _image(record) + _depth(record) + _masks(record)


def _text(record: Record) -> list[Finding]:
    found = []
    for pair in record.questions:
        if "answer" not in pair:
            found.append(Finding(record.where, "answer", f"a question without an answer: {pair['question']!r}", False))
    if record.messages:
        try:
            check(record.messages, record.where)
        except InputError as problem:
            found.append(Finding(record.where, "messages", str(problem).removeprefix(f"{record.where}: ")))
        slots = images_told(record)
        if record.image is None and None in slots:
            found.append(Finding(record.where, "messages", "messages show an image, but the record has none"))
        if slots.count(None) > 1:
            found.append(Finding(record.where, "messages", "messages show the record's image more than once", False))
        if images_in(record.messages) > 16:
            found.append(Finding(record.where, "messages", f"{len(slots)} images in one conversation", False))
    return found


def _camera(record: Record) -> list[Finding]:
    found = []
    bad = lambda text: found.append(Finding(record.where, "camera", text))  # noqa: E731
    camera = record.camera
    if camera is not None:
        ratio = camera.fx / camera.fy
        if not SQUARE[0] <= ratio <= SQUARE[1]:
            bad(f"original_fx {camera.fx:g} and original_fy {camera.fy:g} contradict each other: pixels are square")
        centre, size = f"({camera.cx:g}, {camera.cy:g})", f"{camera.width}x{camera.height}"
        if not (0 < camera.cx < camera.width and 0 < camera.cy < camera.height):
            bad(f"the principal point {centre} is outside the {size} photograph{_swapped(camera)}")
        elif max(abs(camera.cx / camera.width - 0.5), abs(camera.cy / camera.height - 0.5)) > 0.2:
            text = f"the principal point {centre} is far from the middle of {size}{_swapped(camera)}"
            found.append(Finding(record.where, "camera", text, bad=False))
        if not 5 < camera.fov_x_deg < 160:
            text = f"a field of view of {camera.fov_x_deg:.1f} degrees; is original_fx of another image size?"
            found.append(Finding(record.where, "camera", text, bad=False))
    elif record.depth_path is not None or len(record.depths):
        text = "depth without a camera (original_fx or fov_x_deg): it trains nothing"
        found.append(Finding(record.where, "camera", text, bad=False))
    pose = record.camera_to_world
    if pose is not None:
        turn = pose[:3, :3]
        if np.abs(turn @ turn.T - np.eye(3)).max() > SKEW or np.linalg.det(turn) < 0:
            bad("camera_to_world is no rigid motion: its rotation is not orthonormal with determinant 1")
        elif np.abs(pose[3] - (0, 0, 0, 1)).max() > 1e-6:
            bad("camera_to_world has a last row other than 0 0 0 1: is it transposed?")
    if record.view_group is not None and pose is None:
        found.append(Finding(record.where, "camera", "view_group without camera_to_world", bad=False))
    return found


def _swapped(camera: Camera) -> str:
    x, y = camera.cx / camera.height, camera.cy / camera.width
    return "; are cx and cy swapped?" if max(abs(x - 0.5), abs(y - 0.5)) < 0.1 else ""


def _image(record: Record) -> list[Finding]:
    if record.image is None:
        return []
    try:
        photo = load_image(record.image)
    except InputError as problem:
        return [Finding(record.where, "image", str(problem))]
    size, camera, exif = photo.size, record.camera, photo.exif_camera
    if record.size in ((0, 0), size):
        if camera is None or exif is None or 1 / EXIF_OFF < camera.focal / exif.focal < EXIF_OFF:
            return []
        text = f"a focal length of {camera.focal:.0f} px, but the photograph's EXIF tells of {exif.focal:.0f} px"
        return [Finding(record.where, "camera", text, bad=False)]
    text = f"original_rgb_size says {record.size[0]}x{record.size[1]}, the photograph is {size[0]}x{size[1]}"
    turned = " upright: the size is that of before its EXIF orientation" if size == record.size[::-1] else ""
    return [Finding(record.where, "size", text + turned)]


def _depth(record: Record) -> list[Finding]:
    found = _labelled(record)
    if record.depth_path is None:
        return found
    try:
        with np.errstate(invalid="ignore"):
            depth = record.depth_z()
    except InputError as problem:
        return [*found, Finding(record.where, "depth", str(problem).removeprefix(f"depth_path: {record.where}: "))]
    height, width = depth.shape
    told = record.depth_size
    if told != (width, height) and told != record.size:
        text = f"original_depth_size says {told[0]}x{told[1]}, the depth map is {width}x{height}"
        found.append(Finding(record.where, "size", text))
    if abs((width / height) / (record.size[0] / record.size[1]) - 1) > ASPECT:
        text = f"the depth map is {width}x{height}, the photograph {record.size[0]}x{record.size[1]}: another aspect"
        found.append(Finding(record.where, "aspect", text))
    known = depth[np.isfinite(depth)]
    if not len(known):
        what = "is sky all over" if np.isposinf(depth).any() else "has no valid depth at all"
        found.append(Finding(record.where, "empty", f"the depth map {what}", bad=not np.isposinf(depth).any()))
        return found
    return found + _scale(record, float(np.median(known)), "depth") + _agreement(record, depth)


def _agreement(record: Record, depth: np.ndarray) -> list[Finding]:
    """Labelled depths against the map at the same places."""
    height, width = depth.shape
    places = (record.pixels / record.size * (width, height)).astype(int)
    inside = ((places >= 0) & (places < (width, height))).all(1)
    mapped, told = depth[places[inside, 1], places[inside, 0]], record.depths[inside]
    both = np.isfinite(mapped) & np.isfinite(told) & (told > 0)
    if both.sum() < ENOUGH:
        return []
    ratio = float(np.median(told[both] / mapped[both]))
    if 1 / MAPS_OFF < ratio < MAPS_OFF:
        return []
    text = f"labelled depths are {ratio:.4g} times the depth map's at the same pixels: is depth_scale right?"
    return [Finding(record.where, "scale", text, bad=False)]


def _labelled(record: Record) -> list[Finding]:
    depths, pixels = record.depths, record.pixels
    if not len(depths):
        return []
    found = []
    if not (np.isfinite(depths).all() and (depths > 0).all()):
        found.append(Finding(record.where, "depth", "labelled depths that are not finite metres above 0"))
    if not ((pixels >= 0) & (pixels <= record.size)).all():
        found.append(Finding(record.where, "depth", "labelled pixels outside the depth map"))
    if len(depths) >= ENOUGH and not found:
        found += _scale(record, float(np.median(depths)), "labelled depths")
    return found


def _scale(record: Record, median: float, what: str) -> list[Finding]:
    """A warning with the likely cause where no scene has such a depth."""
    told = f"{what} with a median of {median:.4g} m"
    cause = ""
    if median < TOO_NEAR_M:
        cause = "is depth_scale 1000 too large (metres taken for millimetres)?"
    elif median > TOO_FAR_M:
        cause = "is depth_scale 1000 too small (millimetres taken for metres)?"
    elif record.domain == "indoor" and median > INDOOR_FAR_M:
        cause = "indoors: is depth_scale right (value / depth_scale = metres)?"
    return [Finding(record.where, "scale", f"{told}; {cause}", bad=False)] if cause else []


def _masks(record: Record) -> list[Finding]:
    found = []
    if record.labels_path is not None:
        found += _map(record, "labels_path", record.labels_path, 3, record.size)
    for name, path in record.mask_paths.items():
        found += _map(record, f"mask_paths.{name}", path, 1, record.depth_size)
    if record.sky_path is not None:
        found += _map(record, "sky_path", record.sky_path, 1, record.size)
    return found


def _map(record: Record, key: str, path: Any, channels: int, size: tuple[int, int]) -> list[Finding]:
    try:
        height, width = read_mask(path, channels).shape[:2]
    except InputError as problem:
        return [Finding(record.where, "mask", f"{key}: {problem}")]
    if abs((width / height) / (size[0] / size[1]) - 1) <= ASPECT:
        return []
    return [Finding(record.where, "aspect", f"{key} is {width}x{height}, not of the aspect of {size[0]}x{size[1]}")]


# ---- a whole set -------------------------------------------------------------------------------------------


@dataclass
class Counts:
    """How much of what a set holds."""

    records: int = 0
    by: dict[str, Counter] = field(default_factory=lambda: {name: Counter() for name in GROUPS})

    def add(self, record: Record) -> None:
        self.records += 1
        for group, names in _told(record).items():
            self.by[group].update(names)


GROUPS = ("data set", "domain", "truth", "split", "licence", "questions")


def _told(record: Record) -> dict[str, list[str]]:
    truth = {
        "image": record.image is not None,
        "camera": record.camera is not None,
        "depth map": record.depth_path is not None,
        "labelled pixels": len(record.depths) > 0,
        "sky": record.sky_code is not None or record.sky_path is not None,
        "labels": record.labels_path is not None,
        "masks": bool(record.mask_paths),
        "pose": record.camera_to_world is not None,
        "distances": bool(record.distances),
        "questions": bool(record.questions),
        "conversation": bool(record.messages),
        "text alone": record.image is None,
    }
    return {
        "data set": [record.dataset],
        "domain": [record.domain],
        "truth": [name for name, present in truth.items() if present],
        "split": [record.split] if record.split else [],
        "licence": [record.licence or "not told"],
        "questions": [str(pair.get("type", "of no type")) for pair in record.questions],
    }


def examine_all(records: Iterable[Record | InputError], fully: int | None = None) -> tuple[Counts, list[Finding]]:
    """Counts and findings of a set; a record that is none is a finding. fully: how many have their files opened."""
    counts, found = Counts(), []
    for record in records:
        if isinstance(record, InputError):
            where, _, text = str(record).removeprefix("records: ").partition(": ")
            found.append(Finding(where, "line", text.split("; allowed: ")[0]))
            continue
        counts.add(record)
        if fully is None or counts.records <= fully:
            found += examine(record)
        else:
            found += [Finding(record.where, "missing", f"{key}: no file {p}") for key, p in missing_files(record)]
    return counts, found
