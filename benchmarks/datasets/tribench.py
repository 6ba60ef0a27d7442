"""Tri-Bench: photographs of triangles of stickers on a table, with their three true side lengths.

The only truth is the distance between the points of two pixels, so it measures metric scale, camera and depth
together: there is no depth map.

    link      https://github.com/Amiton7/Tri-Bench (paper: arXiv 2512.08860)
    layout    tribench.jsonl: image, size (upright), pixels A B C, sides_m AB BC CA, view, object_in_square, types
    split     test
    range     none; sides are 0.2 to 2 m
    depth     none; sides measured with a tape
    licence   CC BY 4.0
    faults    Some files are stored sideways; `size` and `pixels` are of the upright photograph. The files are
              referenced as they are, so that readers turn them upright and the 35 mm-equivalent focal length of
              their EXIF stays usable. A line whose size is not the upright photograph's is refused.
              Corners are labels of whole pixels, whose centres are at +0.5.
"""

import json
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.datasets.base import Card, expected, record_row, unreadable
from heads.exif import ORIENTATIONS, exif_orientation

CARD = Card(
    name="tribench",
    domain="indoor",
    link="https://github.com/Amiton7/Tri-Bench",
    licence="CC BY 4.0",
    layout="Tri-Bench photographs with tribench.jsonl",
    splits=("test",),
    depth="none; distances between pixels, tape",
    valid_range_m=None,
)

SIDES = ("AB", "BC", "CA")


def items(root: Path, split: str) -> list[dict[str, Any]]:
    """The lines of tribench.jsonl, each with the folder it is relative to."""
    path = expected(root / "tribench.jsonl", CARD)
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except ValueError as problem:
        raise unreadable(path, CARD, problem) from problem
    return [{**line, "root": root, "split": split} for line in lines]


def record(item: dict[str, Any]) -> dict[str, Any]:
    """The three sides as `distances`, in continuous pixels of the upright photograph."""
    path = expected(item["root"] / item["image"], CARD)
    size = upright_size(path)
    if size != tuple(item["size"]):
        raise unreadable(path, CARD, f"upright it is {size}, not {tuple(item['size'])}")
    corners = {name: [x + 0.5, y + 0.5] for name, (x, y) in item["pixels"].items()}
    distances = [{"a": corners[a], "b": corners[b], "metres": item["sides_m"][a + b]} for a, b in SIDES]
    name = Path(item["image"]).stem
    told = {key: item[key] for key in ("view", "object_in_square", "side_type", "angle_type") if key in item}
    return record_row(
        CARD, item["split"], scene=name.split("_")[0], frame=name, image=path, size=size, distances=distances, **told
    )


def upright_size(path: Path) -> tuple[int, int]:
    """(width, height) after the EXIF orientation."""
    with Image.open(path) as image:
        width, height = image.size
        quarters, _ = ORIENTATIONS[exif_orientation(image)]
    return (height, width) if quarters % 2 else (width, height)
