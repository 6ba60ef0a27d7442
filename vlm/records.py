"""One line of a data set: image, camera, depth, questions. Read and checked here.

The schema is DepthVLM-Bench's with more beside it. Every key but `dataset`, `domain` (indoor, outdoor), `image` and
`original_rgb_size` may be left out; where nothing is measured, `domain` and the size too; in text alone the image.

    image, original_rgb_size          photograph, [width, height] of it upright
    original_fx, _fy, _cx, _cy        pinhole intrinsics, pixels of the photograph; or fov_x_deg
    pixel_center                      0 where pixel centres of this record are whole numbers; 0.5 where not told
    depth_path, depth_scale           .png (16 bit), .npy, .npz, .exr, .tif (float32); value / scale = metres
                                      (scale not told: 1 for floating point, 1000 for integers), 0 or nan = unknown
    original_depth_size               [width, height] of the depth map, where it is not the photograph's
    depth_type                        z_depth (along the optical axis) or ray_distance (to the camera's centre)
    valid_range_m                     [near, far] metres as stored; what is outside is unknown
    sky_code, sky_path                the value that means sky; an 8-bit mask, nonzero = sky
    pixel_coords, depth               labelled pixels [column, row] of the depth map and their depth in metres
    distortion                        {"model": "brown", "k1", "k2"}: how the lens bends the pinhole's slopes
    camera_to_world, view_group       (4, 4) pose, metres, OpenCV axes; records of one group show one scene
    labels_path, mask_paths           8-bit RGB kind, colour, instance; {"planes": png, ...} 8-bit, 0 = none
    things                            [{"kind", "colour", "instance"}]: what the instances of the labels are
    distances                         [{"a": [x, y], "b": [x, y], "metres": d}], pixels of the photograph
    questions, messages               [{"type", "question", "answer"}]; one conversation in chat form, where
                                      {"type": "image"} is the record's image, with "image": path another one
    prompt                            what a benchmark asks of the image
    split, licence                    of the data set

A record is a JSON line (`parse_record`), or a row of a table (`record_of_row`), where a file may stand as its
bytes instead of its path. Paths are relative to the folder of the JSONL file, or to `root`.
"""

import io
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from heads.camera import Camera
from heads.distortion import Brown, distort, slopes_at, undistort
from heads.errors import InputError
from vlm.files import Stored, read_depth, read_mask

DEPTH_TYPES = ("z_depth", "ray_distance")
USUAL_PNG_SCALE = 1000.0
FOV_TOLERANCE = 0.02  # data sets round degrees
GEOMETRY = ("original_fx", "fov_x_deg", "depth_path", "pixel_coords", "distances", "labels_path", "mask_paths")


@dataclass(frozen=True)
class Record:
    """One photograph with what is known about it. `where` is "file:line", for error messages.

    image: a Path, the file's bytes (of a table's row), or None (text alone; then `size` is (0, 0)).
    """

    dataset: str
    domain: str
    scene_id: str
    image: Any
    size: tuple[int, int]  # width, height of the photograph
    camera: Camera | None
    depth_path: Any  # as `image`
    depth_scale: float
    depth_size: tuple[int, int]
    sky_code: int | None
    labels_path: Any
    pixels: np.ndarray  # (n, 2) continuous pixels of the photograph, centres at +0.5
    depths: np.ndarray  # (n,) z-depth in metres at `pixels`
    questions: list[dict[str, Any]] = field(default_factory=list)
    where: str = ""
    depth_type: str = "z_depth"  # of the depth map as stored; `depth_z` and `depths` are converted
    scale_given: bool = True  # else what the file says of its own scale comes first
    valid_range_m: tuple[float, float] | None = None
    sky_path: Any = None
    camera_to_world: np.ndarray | None = None  # (4, 4) metres; known without intrinsics, too
    view_group: str | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)
    distances: list[tuple[tuple[float, float], tuple[float, float], float]] = field(default_factory=list)
    mask_paths: dict[str, Any] = field(default_factory=dict)
    things: list[dict[str, Any]] = field(default_factory=list)
    prompt: str | None = None
    split: str | None = None
    licence: str | None = None
    distortion: Brown = (0.0, 0.0)  # of the lens; `camera` is its pinhole

    def depth_z(self) -> np.ndarray:
        """(h, w) float32 metres at the depth map's own size; inf = sky, nan = unknown."""
        if self.depth_path is None:
            raise InputError(f"depth_path: {self.where} has no depth map; allowed: a record with one")
        try:
            scale = self.depth_scale if self.scale_given else None
            depth = read_depth(self.depth_path, scale, self.sky_code, usual_scale=USUAL_PNG_SCALE)
            if self.valid_range_m is not None:
                near, far = self.valid_range_m
                depth[np.isfinite(depth) & ((depth < near) | (depth > far))] = np.nan
            if self.depth_type == "ray_distance":
                assert self.camera is not None  # checked in `record_of_row`
                camera = self.camera.resize(*depth.shape[::-1])
                depth = depth * _z_per_metre(camera, camera.pixel_grid(), self.distortion).astype(depth.dtype)
            if self.sky_path is not None:
                depth[nearest(read_mask(self.sky_path), depth.shape) > 0] = np.inf
        except InputError as problem:
            raise InputError(f"depth_path: {self.where}: {problem}") from problem
        return depth

    def labels(self) -> dict[str, np.ndarray]:
        """kind, colour, instance: (h, w) uint8 each, 0 = nothing."""
        if self.labels_path is None:
            raise InputError(f"labels_path: {self.where} has no labels; allowed: a record with them")
        values = read_mask(self.labels_path, channels=3)
        return dict(zip(("kind", "colour", "instance"), np.moveaxis(values, -1, 0), strict=True))

    def masks(self, name: str) -> np.ndarray:
        """(h, w) uint8 label map `name` at the depth map's size, 0 = none."""
        if name not in self.mask_paths:
            raise InputError("masks", f"{self.where} has no {name!r}", ", ".join(self.mask_paths) or "none here")
        return read_mask(self.mask_paths[name])


def read_records(path: str | Path, root: str | Path | None = None, limit: int | None = None) -> Iterator[Record]:
    """The records of a JSONL file, one by one; a bad line is an InputError that names file and line."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"records: no file {path}; allowed: a JSONL file, one record a line")
    with path.open(encoding="utf-8") as lines:
        filled = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
        for number, line in itertools.islice(filled, limit):
            yield parse_record(line, Path(root or path.parent), f"{path.name}:{number}")


def parse_record(line: str | bytes, root: Path, where: str) -> Record:
    """One JSON line -> Record."""
    try:
        row = json.loads(line)
    except ValueError as problem:
        raise InputError(f"records: {where}: {problem}; allowed: see vlm/records.py") from problem
    return record_of_row(row, root, where)


def record_of_row(row: Any, root: Path, where: str) -> Record:
    """A dictionary -> Record: a parsed line, or a table's row, where None stands for a key that is left out.

    A file is a path, its bytes, a Pillow image, or {"bytes", "path"} as the image feature of `datasets` has it.
    Labelled pixels are moved from the depth map's grid to the photograph's.
    """
    try:
        row = {key: value for key, value in row.items() if value is not None}
        size, depth_size = _sizes(row)
        depth_type = row.get("depth_type", "z_depth")
        centre = float(row.get("pixel_center", 0.5))
        labelled = np.asarray(row.get("pixel_coords", []), dtype=np.float64).reshape(-1, 2)
        file = lambda key: _stored(row.get(key), root, key)  # noqa: E731
        camera, distortion = _camera(row, size, 0.5 - centre), _distortion(row.get("distortion"))
        pixels = (labelled + 0.5) * (np.asarray(size) / np.asarray(depth_size)) if len(labelled) else labelled
        depths = np.asarray(row.get("depth", []), dtype=np.float64)
        if len(pixels) != len(depths):
            raise ValueError(f"{len(pixels)} pixels but {len(depths)} depths")
        if depth_type == "ray_distance" and camera is not None:
            depths = depths * _z_per_metre(camera, pixels, distortion)
        record = Record(
            dataset=str(row["dataset"]),
            domain=str(row["domain"] if size != (0, 0) else row.get("domain", "none")),
            scene_id=str(row.get("scene_id", "")),
            image=file("image"),
            size=size,
            camera=camera,
            depth_path=file("depth_path"),
            depth_scale=float(row.get("depth_scale", USUAL_PNG_SCALE)),
            depth_size=depth_size,
            sky_code=None if row.get("sky_code") is None else int(row["sky_code"]),
            labels_path=file("labels_path"),
            pixels=pixels,
            depths=depths,
            questions=_parsed(row.get("questions", [])),
            where=where,
            depth_type=depth_type,
            scale_given="depth_scale" in row,
            valid_range_m=_range(row.get("valid_range_m")),
            sky_path=file("sky_path"),
            camera_to_world=_pose(row),
            view_group=None if row.get("view_group") is None else str(row["view_group"]),
            messages=_conversation(row.get("messages", []), root),
            distances=[_distance(entry) for entry in row.get("distances", [])],
            mask_paths={name: _stored(value, root, name) for name, value in row.get("mask_paths", {}).items() if value},
            things=_parsed(row.get("things", [])),
            prompt=row.get("prompt"),
            split=row.get("split"),
            licence=row.get("licence"),
            distortion=distortion,
        )
        _check(record)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        missing = f"misses {problem}" if isinstance(problem, KeyError) else str(problem)
        raise InputError(f"records: {where}: {missing}; allowed: see vlm/records.py") from problem
    return record


def nearest(values: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """(h, w, ...) resized to size = (H, W): each pixel takes the value at its centre."""
    rows, columns = (
        np.minimum(((np.arange(to) + 0.5) * of / to).astype(int), of - 1)
        for to, of in zip(size, values.shape, strict=False)
    )
    return values[rows[:, None], columns[None, :]]


def _check(record: Record) -> None:
    """What one record must agree with itself about; a ValueError says what does not."""
    if record.depth_type not in DEPTH_TYPES:
        raise ValueError(f"depth_type {record.depth_type!r} is none of {', '.join(DEPTH_TYPES)}")
    if not (np.isfinite(record.depth_scale) and record.depth_scale > 0):
        raise ValueError(f"depth_scale {record.depth_scale:g} is not a number above 0: value / scale = metres")
    measured = record.depth_path is not None or len(record.depths)
    if record.depth_type == "ray_distance" and measured and record.camera is None:
        raise ValueError("depth_type 'ray_distance' without a camera, which converts it (original_fx or fov_x_deg)")
    _check_distortion(record)
    if record.image is None and (record.size != (0, 0) or not (record.messages or record.questions)):
        raise KeyError("image")
    for pair in record.questions:
        if not (isinstance(pair, dict) and isinstance(pair.get("question"), str)):
            raise ValueError("questions hold something without a 'question'")


def _sizes(row: dict[str, Any]) -> tuple[tuple[int, int], tuple[int, int]]:
    """(width, height) of the photograph and of the depth map; (0, 0) where nothing in the record needs it."""
    if "original_rgb_size" not in row and not any(key in row for key in GEOMETRY):
        return (0, 0), (0, 0)
    width, height = row["original_rgb_size"]
    size = (int(width), int(height))
    depth_width, depth_height = row.get("original_depth_size") or size
    depth_size = (int(depth_width), int(depth_height))
    if min(*size, *depth_size) < 1:
        raise ValueError(f"sizes {size} and {depth_size} (original_rgb_size, original_depth_size) are not 1x1 or more")
    return size, depth_size


def _stored(value: Any, root: Path, key: str) -> Stored | None:
    """A file of a record: a path under `root`, or bytes."""
    if isinstance(value, dict):
        value = value["bytes"] if value.get("bytes") is not None else value.get("path")
    if value is None or value == "":
        return None
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, str | Path):
        return root / value
    if isinstance(value, Image.Image):
        return _encoded(value)
    raise ValueError(f"{key} is a {type(value).__name__}, not a path, bytes or an image")


def _encoded(image: Image.Image) -> bytes:
    """An image that a table has decoded, lossless: 16-bit and floating-point values as they are."""
    stream = io.BytesIO()
    if image.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK"):
        image.save(stream, "TIFF" if image.mode == "CMYK" else "PNG", compress_level=1)
    else:
        np.save(stream, np.asarray(image), allow_pickle=False)
    return stream.getvalue()


def _parsed(value: Any) -> list[dict[str, Any]]:
    """A list of dictionaries, or its JSON; the None that tables put for missing keys is left out."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise ValueError(f"questions or messages are {value!r}, which is neither a list nor its JSON") from None
    if not isinstance(value, list):
        raise ValueError(f"questions or messages are a {type(value).__name__}, not a list")
    return _without_none(value)


def _conversation(value: Any, root: Path) -> list[dict[str, Any]]:
    """Chat turns; images that are told by a path under `root` (or bytes) as `Record.image` is."""
    turns = _parsed(value)
    for turn in turns:
        content = turn.get("content") if isinstance(turn, dict) and "role" in turn else None
        if not isinstance(content, str | list):
            raise ValueError("messages hold a turn without 'role' and 'content'")
        for part in content if isinstance(content, list) else []:
            kind = part.get("type") if isinstance(part, dict) else None
            if kind not in ("text", "image") or (kind == "text" and not isinstance(part.get("text"), str)):
                raise ValueError(f"messages hold a part {part!r}; text and image are known")
            if kind == "image" and (told := part.get("image", part.get("path", part.get("url")))) is not None:
                part["image"] = _stored(told, root, "messages image")
    return turns


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(entry) for key, entry in value.items() if entry is not None}
    return [_without_none(entry) for entry in value] if isinstance(value, list) else value


def _range(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    near, far = float(value[0]), float(value[1])
    if not (len(value) == 2 and 0 <= near < far):
        raise ValueError(f"valid_range_m {list(value)} is not [near, far] in metres")
    return near, far


def _distance(entry: dict[str, Any]) -> tuple[tuple[float, float], tuple[float, float], float]:
    (ax, ay), (bx, by), metres = entry["a"], entry["b"], float(entry["metres"])
    if not (np.isfinite(metres) and metres > 0):
        raise ValueError(f"distances say {metres} metres")
    return (float(ax), float(ay)), (float(bx), float(by)), metres


def _pose(row: dict[str, Any]) -> np.ndarray | None:
    if row.get("camera_to_world") is None:
        return None
    pose = np.asarray(row["camera_to_world"], dtype=np.float64)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise ValueError(f"camera_to_world of shape {pose.shape} is not a finite 4x4 matrix")
    return pose


def _camera(row: dict[str, Any], size: tuple[int, int], shift: float) -> Camera | None:
    """Intrinsics of the photograph; `shift` moves the principal point to the convention of centres at +0.5."""
    fov = row.get("fov_x_deg")
    if not row.get("original_fx"):
        return None if fov is None else replace(Camera.from_fov(*size, float(fov)), camera_to_world=_pose(row))
    fx = float(row["original_fx"])
    centre = [
        float(row[key]) + shift if row.get(key) is not None else extent / 2
        for key, extent in zip(("original_cx", "original_cy"), size, strict=True)
    ]
    matrix = np.array([[fx, 0, centre[0]], [0, float(row.get("original_fy") or fx), centre[1]], [0, 0, 1.0]])
    camera = Camera(matrix, *size, "caller", _pose(row))
    if fov is not None and abs(camera.fov_x_deg / float(fov) - 1) > FOV_TOLERANCE:
        raise ValueError(f"fov_x_deg {fov} contradicts original_fx {fx:g}, which is {camera.fov_x_deg:.1f} degrees")
    return camera


def _distortion(told: Any) -> Brown:
    """Other coefficients than k1 and k2 may be told where they are 0."""
    if told is None:
        return 0.0, 0.0
    wanted = 'is not {"model": "brown", "k1": ..., "k2": ...}'
    if not isinstance(told, dict):
        raise ValueError(f"distortion {told!r} {wanted}")
    others = {name: value for name, value in told.items() if name not in ("model", "k1", "k2") and value}
    if (told.get("model") or "brown") != "brown" or others:
        raise ValueError(f"distortion {told!r} {wanted}")
    return float(told.get("k1") or 0.0), float(told.get("k2") or 0.0)


def _check_distortion(record: Record) -> None:
    """Every pixel of the picture must show one direction."""
    if record.distortion == (0.0, 0.0) or record.camera is None:
        return
    camera, (width, height) = record.camera, record.size
    corners = np.array([(x, y) for x in (0, width) for y in (0, height)], np.float64)
    seen = (corners - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    found, (k1, k2) = undistort(seen, record.distortion), record.distortion
    r2 = np.square(np.linspace(0, np.linalg.norm(found, axis=-1).max(), 64))
    grows = (1 + r2 * (3 * k1 + r2 * 5 * k2) > 0).all()
    if not (grows and np.abs(distort(found, record.distortion) - seen).max() < 1e-6):
        raise ValueError(f"distortion {record.distortion} folds the picture over before its corners, or is no number")


def _z_per_metre(camera: Camera, pixels: np.ndarray, distortion: Brown) -> np.ndarray:
    """(..., 2) pixels -> how far one metre along each one's ray reaches along the optical axis."""
    slopes = slopes_at(pixels, camera, distortion)
    return 1 / np.sqrt((slopes * slopes).sum(-1) + 1)
