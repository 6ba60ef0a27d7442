"""One line of a data set: image, camera, depth, questions. Read and checked here.

The schema is DepthVLM-Bench's (see the README's table) with full intrinsics, sky code, labels and questions
beside it. Paths are relative to the folder of the JSONL file, or to `root`.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from heads.camera import Camera
from heads.errors import InputError
from vlm.files import read_depth_png


@dataclass(frozen=True)
class Record:
    """One photograph with what is known about it. `where` is "file:line", for error messages."""

    dataset: str
    domain: str
    scene_id: str
    image: Path
    size: tuple[int, int]  # width, height of the photograph
    camera: Camera | None
    depth_path: Path | None
    depth_scale: float
    depth_size: tuple[int, int]
    sky_code: int | None
    labels_path: Path | None
    pixels: np.ndarray  # (n, 2) continuous pixels of the photograph, centres at +0.5
    depths: np.ndarray  # (n,) z-depth in metres at `pixels`
    questions: list[dict[str, Any]] = field(default_factory=list)
    where: str = ""

    def depth_z(self) -> np.ndarray:
        """(h, w) float32 metres at the depth map's own size; inf = sky, nan = unknown."""
        if self.depth_path is None:
            raise InputError(f"depth_path: {self.where} has no depth map; allowed: a record with one")
        return read_depth_png(self.depth_path, self.depth_scale, self.sky_code)

    def labels(self) -> dict[str, np.ndarray]:
        """kind, colour, instance: (h, w) uint8 each, 0 = nothing."""
        if self.labels_path is None:
            raise InputError(f"labels_path: {self.where} has no labels; allowed: a record with them")
        values = np.asarray(Image.open(self.labels_path))
        return dict(zip(("kind", "colour", "instance"), np.moveaxis(values, -1, 0), strict=True))


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
    """One JSON line -> Record. Labelled pixels are moved from the depth map's grid to the photograph's."""
    try:
        row = json.loads(line)
        width, height = row["original_rgb_size"]
        size = (int(width), int(height))
        depth_width, depth_height = row.get("original_depth_size") or size
        depth_size = (int(depth_width), int(depth_height))
        labelled = np.asarray(row.get("pixel_coords") or [], dtype=np.float64).reshape(-1, 2)
        depths = np.asarray(row.get("depth") or [], dtype=np.float64)
        kind = row.get("depth_type", "z_depth")
        centre = float(row.get("pixel_center", 0.5))
        path = lambda key: root / row[key] if row.get(key) else None  # noqa: E731
        record = Record(
            dataset=row["dataset"],
            domain=row["domain"],
            scene_id=str(row.get("scene_id", "")),
            image=root / row["image"],
            size=size,
            camera=_camera(row, size, 0.5 - centre),
            depth_path=path("depth_path"),
            depth_scale=float(row.get("depth_scale") or 1000.0),
            depth_size=depth_size,
            sky_code=row.get("sky_code"),
            labels_path=path("labels_path"),
            pixels=(labelled + 0.5) * (np.asarray(size) / np.asarray(depth_size)),
            depths=depths,
            questions=row.get("questions") or [],
            where=where,
        )
    except (KeyError, TypeError, ValueError) as problem:
        missing = f"misses {problem}" if isinstance(problem, KeyError) else str(problem)
        raise InputError(f"records: {where}: {missing}; allowed: see vlm/records.py") from problem
    if len(record.pixels) != len(record.depths):
        raise InputError(f"records: {where}: {len(record.pixels)} pixels but {len(depths)} depths; allowed: as many")
    if kind != "z_depth":
        raise InputError(f"depth_type: {where} says {kind!r}; allowed: 'z_depth'")
    return record


def _camera(row: dict[str, Any], size: tuple[int, ...], shift: float) -> Camera | None:
    """Intrinsics of the photograph; `shift` moves the principal point to the convention of centres at +0.5."""
    if not row.get("original_fx"):
        return None
    fx = float(row["original_fx"])
    centre = [
        float(row[key]) + shift if row.get(key) is not None else extent / 2
        for key, extent in zip(("original_cx", "original_cy"), size, strict=True)
    ]
    matrix = np.array([[fx, 0, centre[0]], [0, float(row.get("original_fy") or fx), centre[1]], [0, 0, 1.0]])
    pose = row.get("camera_to_world")
    return Camera(matrix, size[0], size[1], "caller", None if pose is None else np.asarray(pose, dtype=np.float64))
