"""What the miniature data sets share: photographs, poses, and converting one into records."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.datasets.prepare import prepare
from vlm.records import Record, read_records


def photo(path: Path, width: int, height: int, seed: int = 0, **options) -> np.ndarray:
    """Writes a picture of noise; returns its pixels (exact only for PNG)."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return pixels


def depth_png(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint16)).save(path)


def text(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def converted(name: str, root: Path, out: Path, **options) -> tuple[list[Record], list[dict]]:
    """The records of a miniature, read back from disk, and their raw lines."""
    done = prepare(name, root, out, **options)
    records = list(read_records(done.records))
    lines = [json.loads(line) for line in done.records.read_text().splitlines()]
    assert done.count == len(records) == len(lines)
    return records, lines


def known(depth_z: np.ndarray) -> dict[tuple[int, int], float]:
    """(column, row) -> metres of the pixels that have depth."""
    return {(int(x), int(y)): round(float(depth_z[y, x]), 4) for y, x in np.argwhere(np.isfinite(depth_z))}


# Camera axes (x right, y down, z forward) in a car's frame (x forward, y left, z up).
CAR_FROM_CAMERA = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
CAR_FROM_CAMERA_QUATERNION = (0.5, -0.5, 0.5, -0.5)  # w, x, y, z of the same rotation
