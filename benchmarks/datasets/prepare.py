"""A data set's download -> a folder with records.jsonl, what it needs beside it, and dataset.json.

    records.jsonl   one record a line (vlm/records.py); originals are referenced by absolute path
    image/ depth/ sky/ masks/   what the originals do not hold in a readable form
    dataset.json    the card, what was asked for (split, limit, points, crop), how many records
A run that is stopped goes on where it was: finished lines are kept in .records.jsonl until all are there.
"""

import json
import os
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.datasets import load_dataset
from benchmarks.datasets.base import Card, Crop, expected, none_found
from heads.errors import InputError
from vlm.files import check_folder, replacing
from vlm.records import record_of_row

FOLDERS = {"image": "image", "depth_path": "depth", "sky_path": "sky"}  # key of a record -> folder of its files


@dataclass(frozen=True)
class Prepared:
    """What `prepare` left behind. resumed: how many of the records an earlier run had written."""

    records: Path
    count: int
    resumed: int


def prepare(
    dataset: str,
    root: str | Path,
    out: str | Path,
    split: str | None = None,
    limit: int | None = None,
    points: int = 10,
    crop: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Prepared:
    """Convert one split of the download in `root` into records in `out`.

    limit: that many items, spread evenly over the split. points: labelled pixels a record, drawn from the valid ones
    by a seed made of the frame's name (for `--mode sparse`). crop: a window of the card, or "none"; default: the one
    that published tables use on this split. progress(done, total) is called after each record.
    Raises InputError for what is not known or missing, before anything is written.
    """
    module = load_dataset(dataset)
    card: Card = module.CARD
    split = _one_of("split", split or card.splits[0], card.splits)
    crop = _one_of("crop", crop or card.usual_crop.get(split, "none"), ("none", *card.crops))
    if limit is not None and limit < 1:
        raise InputError("limit", f"{limit}", "1 or more")
    root, out = Path(root).resolve(), check_folder(out)
    if not root.is_dir():
        raise InputError("root", f"no folder {root}", f"the folder of the {card.layout}")
    asked = {"split": split, "limit": limit, "points": points, "crop": crop, "root": str(root)}
    asked |= {"card": asdict(card), "about": module.__doc__}
    items = _spread(module.items(root, split), limit)
    if not items:
        raise none_found(f"item of the split {split!r} in {root}", card)
    for item in items:
        for path in _paths(item):
            expected(path, card)

    done = _begin(out, asked)
    with (out / ".records.jsonl").open("a", encoding="utf-8") as lines:
        for number, item in enumerate(items[done:], done + 1):
            row = _written(module.record(item), out, points, crop, card.crops.get(crop))
            lines.write(json.dumps(row, allow_nan=False) + "\n")
            lines.flush()
            progress(number, len(items))
    with replacing(out / "dataset.json") as temporary:
        temporary.write_text(json.dumps({**asked, "records": len(items)}, indent=1), encoding="utf-8")
    os.replace(out / ".records.jsonl", out / "records.jsonl")
    (out / ".asked.json").unlink(missing_ok=True)
    return Prepared(out / "records.jsonl", len(items), done)


def cropped(depth_z: np.ndarray, crop: Crop) -> np.ndarray:
    """(h, w) with nan outside the window; fractions are cut to whole pixels as published evaluations do."""
    height, width = depth_z.shape
    scale = np.array([width, height, width, height]) if max(crop) <= 1 else np.ones(4)
    left, top, right, bottom = (np.array(crop) * scale).astype(int)
    inside = np.full_like(depth_z, np.nan)
    inside[top:bottom, left:right] = depth_z[top:bottom, left:right]
    return inside


def _one_of(argument: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise InputError(argument, f"{value!r}", ", ".join(allowed))
    return value


def _spread(items: Sequence[Any], limit: int | None) -> Sequence[Any]:
    """At most `limit` of the items, evenly spaced, the first among them."""
    if limit is None or limit >= len(items):
        return items
    return [items[i] for i in np.linspace(0, len(items) - 1, limit).round().astype(int)]


def _paths(item: Any) -> Iterator[Path]:
    """The files and folders that an item names, so that a missing one is told before the first record."""
    if isinstance(item, Path):
        yield item
    elif is_dataclass(item):
        for entry in fields(item):
            yield from _paths(getattr(item, entry.name))


def _begin(out: Path, asked: dict[str, Any]) -> int:
    """How many records of this very request are there; the folder is ready to take the next.

    A finished folder counts as begun: what is there is checked against the request and kept.
    """
    finished, partial, note = out / "records.jsonl", out / ".records.jsonl", out / ".asked.json"
    for path in (out / "dataset.json", note):
        if path.is_file():
            earlier = json.loads(path.read_text(encoding="utf-8"))
            asked_as_json = json.loads(json.dumps(asked))
            differing = [key for key, value in asked_as_json.items() if earlier.get(key) != value]
            if differing:
                wrong = f"{out} holds records of another request ({', '.join(differing)} differ)"
                raise InputError("out", wrong, "an empty folder, or the same request")
    out.mkdir(parents=True, exist_ok=True)
    with replacing(note) as temporary:
        temporary.write_text(json.dumps(asked), encoding="utf-8")
    if finished.is_file():
        os.replace(finished, partial)
    whole = partial.read_bytes().rpartition(b"\n") if partial.is_file() else (b"", b"", b"")
    partial.write_bytes(whole[0] + whole[1])  # a line that was cut off is made again
    return whole[0].count(b"\n") + len(whole[1])


def _written(row: dict[str, Any], out: Path, points: int, crop: str, window: Crop | None) -> dict[str, Any]:
    """The record dictionary as a JSON line's content: arrays are on disk, and it has been read back once."""
    if window is not None and "depth_path" in row:
        row = {**row, "depth_path": cropped(_depth_z(row, out), window), "crop": crop}
        row.pop("depth_scale", None)
    stored = {
        key: _file(value, out / FOLDERS[key], row["frame"]) if key in FOLDERS else value for key, value in row.items()
    }
    if "mask_paths" in row:
        masks = row["mask_paths"].items()
        stored["mask_paths"] = {name: _file(value, out / "masks" / name, row["frame"]) for name, value in masks}
    record = record_of_row(stored, out, row["frame"])
    if points and "depth_path" in row and "pixel_coords" not in row:
        depth = record.depth_z()
        valid = np.argwhere(np.isfinite(depth))
        drawn = np.random.default_rng(zlib.crc32(row["frame"].encode()))
        chosen = valid[np.sort(drawn.choice(len(valid), min(points, len(valid)), replace=False))]
        stored["pixel_coords"] = chosen[:, ::-1].tolist()
        stored["depth"] = [round(float(depth[y, x]), 6) for y, x in chosen]
    return stored


def _depth_z(row: dict[str, Any], out: Path) -> np.ndarray:
    """The depth map that a record dictionary names or holds."""
    if isinstance(row["depth_path"], np.ndarray):
        return row["depth_path"]
    plain = {key: value for key, value in row.items() if key not in ("image", "mask_paths")}
    return record_of_row({**plain, "image": row["frame"]}, out, row["frame"]).depth_z()


def _file(value: Path | np.ndarray, folder: Path, frame: str) -> str:
    """The path that goes into the record: of an original, absolute; of an array, written here, from `out`."""
    if isinstance(value, Path):
        return str(value.resolve())
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]", "_", frame)
    if value.dtype == np.uint8:
        path = folder / f"{name}.png"
        with replacing(path) as temporary:
            Image.fromarray(value).save(temporary, format="PNG")
    else:
        path = folder / f"{name}.npz"
        with replacing(path) as temporary:
            np.savez_compressed(temporary, depth_z_m=value.astype(np.float32))
    return path.relative_to(folder.parents[1] if folder.parent.name == "masks" else folder.parent).as_posix()
