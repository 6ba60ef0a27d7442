"""Worlds on disk: images, 16-bit depth, labels and one JSON line for every scene.

    OUT/records.jsonl, OUT/{images,depth,labels,surface}/NAME.{jpg,png,png,png}

NAME: the seed in 8 digits, and _0, _1, ... where a world is seen from several viewpoints. Depth PNG: 16 bit;
value / 500 = depth_z in metres, 0 = unknown, 65535 = sky. Labels PNG: 8-bit RGB with red = index in KINDS,
green = index in COLOURS, blue = instance (0 = none). Surface PNG: 8-bit RGBA with red, green, blue =
127.5 + 127.5 * (the unit normal's x, y, z in the camera frame), 128 for the sky, and alpha = material (index in
TEXTURES). A run that was killed goes on where it stopped: a line is written after its files, and a torn last line
is dropped.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from heads.errors import InputError
from vlm.devices import device_there
from vlm.files import replacing

from .asking.questions import questions_about
from .asking.seen import Shown
from .drawing.batch import processor_of
from .drawing.render import SHADED, render
from .layout import FAR, Scene, Thing, sample_views, scene_name

DEPTH_SCALE = 500.0
SKY_CODE = 65535
Wanted = tuple[int, tuple[int, ...]]
"""A seed and the numbers of its views that are to be drawn."""
BATCH = {"cpu": 16, "gpu": SHADED["gpu"]}
"""Pictures of one size that are drawn at once: on a GPU more cost few operations more, but for each shading anew."""
CHUNK = {"cpu": 48, "gpu": 320}
"""Most pictures that a process handles together, so that those of one size fill a batch."""
MOST_QUESTIONS = 100
"""Times as many as usual that may be tried."""


def write_records(out: Path, count: int, first_seed: int = 0, batch: int | None = None, progress: bool = True,
                  workers: int = 1, views: int = 1, device: str = "cpu", questions: float = 1.0) -> Path:  # fmt: skip
    """Write the scenes first_seed ... first_seed + count - 1 under `out`; returns the path of records.jsonl.

    batch: pictures of one size that are drawn at once, by default those of `BATCH`. workers: processes. views:
    pictures of each world, from nearby viewpoints that overlap; records then share a `view_group`. device: which draws,
    for every process; another one rounds differently, so that a few pixels and answers differ. questions: so many times
    as many are tried; scenes that are there keep theirs. Lines come in the order in which scenes are finished; sort by
    scene_id where order matters. InputError where the device is not there, where `questions` is below 0 or out of all
    proportion, and where the folder holds one view of each world and several are asked for, or the other way round.
    """
    device_there(device)
    if not 0 <= questions <= MOST_QUESTIONS:
        raise InputError("questions", str(questions), f"0 to {MOST_QUESTIONS} times as many")
    out, processor = Path(out), processor_of(device)
    for folder in ("images", "depth", "labels", "surface"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    path = out / "records.jsonl"
    done = _resume(path)
    if any(("_" in name) != (views > 1) for name in done):
        wrong = f"{path} holds {'one view' if views > 1 else 'several views'} of each world"
        raise InputError("views", wrong, "the number that it was begun with, or a new folder")
    names = {
        seed: [scene_name(seed, view, views) for view in range(views)] for seed in range(first_seed, first_seed + count)
    }
    todo = {seed: [view for view, name in enumerate(names[seed]) if name not in done] for seed in names}
    wanted = [(seed, tuple(missing)) for seed, missing in todo.items() if missing]
    total = sum(len(missing) for _, missing in wanted)
    size = max(1, min(CHUNK[processor], -(-total // max(workers, 1))) // views)  # no process is left without work
    chunks = [wanted[i : i + size] for i in range(0, len(wanted), size)]
    begun, written = time.time(), 0
    with path.open("a") as lines:
        for text in _run(out, chunks, batch or BATCH[processor], workers, views, device, questions):
            lines.write(text)
            lines.flush()
            written += text.count("\n")
            if progress:
                rate = written / (time.time() - begun)
                print(f"\r{written}/{total} pictures, {rate:.1f}/s ", end="", file=sys.stderr, flush=True)
    if progress:
        print(file=sys.stderr)
    return path


def _resume(path: Path) -> set[str]:
    """Names of the scenes already recorded; cuts a torn last line off the file."""
    if not path.exists():
        return set()
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) < len(text):
        with path.open("r+b") as lines:
            lines.truncate(len(whole))
    return {json.loads(line)["scene_id"] for line in whole.splitlines()}


def _run(out: Path, chunks: list[list[Wanted]], batch: int, workers: int, views: int, *how: Any) -> Iterator[str]:
    """The lines of each chunk, as soon as it is finished. how: what `_write_batch` takes beside folder and scenes."""
    jobs = [(out, chunk, batch, views, how) for chunk in chunks]
    if workers <= 1:
        for job in jobs:
            yield _write_chunk(job)
        return
    with multiprocessing.get_context("spawn").Pool(workers, torch.set_num_threads, (1,)) as pool:
        yield from pool.imap_unordered(_write_chunk, jobs)


def _write_chunk(job: tuple[Path, list[Wanted], int, int, tuple[str, float]]) -> str:
    out, wanted, batch, views, how = job
    by_size: dict[tuple[int, int], list[Scene]] = defaultdict(list)
    for seed, missing in wanted:
        scenes = sample_views(seed, views)
        for view in missing:
            by_size[scenes[view].size].append(scenes[view])
    lines = []
    for scenes in by_size.values():
        for at in range(0, len(scenes), batch):
            lines += _write_batch(out, scenes[at : at + batch], *how)
    return "".join(lines)


def _write_batch(out: Path, scenes: list[Scene], device: str, questions: float) -> list[str]:
    maps = {name: value.cpu().numpy() for name, value in vars(render(scenes, device)).items()}
    lines = []
    for i, scene in enumerate(scenes):
        drawn = {name: value[i] for name, value in maps.items()}
        depth_z, kind, colour, instance = (drawn[name] for name in ("depth_z", "kind", "colour", "instance"))
        record = record_of(scene, depth_z, instance, kind, questions)
        quality = int(np.random.default_rng([scene.seed, 2, scene.view]).integers(75, 96))
        picture = Image.fromarray(drawn["image"])
        _save(
            picture,
            out / record["image"],
            format="JPEG",
            quality=quality,
            subsampling=0 if quality > 90 else 2,
        )
        _save(Image.fromarray(depth_code(depth_z)), out / record["depth_path"], format="PNG", compress_level=1)
        labels = Image.fromarray(np.stack([kind, colour, instance], -1))
        _save(labels, out / record["labels_path"], format="PNG", compress_level=1)
        surface = surface_code(drawn["normals"], drawn["material"])
        _save(Image.fromarray(surface), out / record["surface_path"], format="PNG", compress_level=1)
        lines.append(json.dumps(record) + "\n")
    return lines


def _save(image: Image.Image, path: Path, **options: Any) -> None:
    """A reader never sees half a file."""
    with replacing(path) as temporary:
        image.save(temporary, **options)


def depth_code(depth_z: np.ndarray) -> np.ndarray:
    """(H, W) metres -> uint16 as documented at the top."""
    code = np.clip(np.round(np.where(np.isfinite(depth_z), depth_z, FAR) * DEPTH_SCALE), 1, SKY_CODE - 1)
    return np.where(np.isfinite(depth_z), code, SKY_CODE).astype(np.uint16)


def box_3d(thing: Thing) -> dict:
    """Camera frame, metres: corners = centre + turn @ (+-size / 2)."""
    return {key: np.round(getattr(thing, key), 4).tolist() for key in ("centre", "size", "turn")}


def surface_code(normals: np.ndarray, material: np.ndarray) -> np.ndarray:
    """(H, W, 3) unit normals and (H, W) materials -> (H, W, 4) uint8 as documented at the top."""
    code = np.round(127.5 + 127.5 * normals).astype(np.uint8)
    return np.concatenate([code, material[..., None]], -1)


def record_of(
    scene: Scene, depth_z: np.ndarray, instance: np.ndarray, kind: np.ndarray, questions: float = 1.0
) -> dict:
    """One line of records.jsonl, as a dictionary.

    Beside what vlm/records.py reads: `visible` is the share of the picture's pixels that show a thing, `box_3d` its
    box in the camera frame, `distortion` what moves a pinhole's slopes (the pixels of all maps are the lens's), and
    camera_height (metres), pitch_deg (positive = up) and roll_deg (positive = clockwise) tell how the camera was held.
    """
    height, width = scene.size
    name, shown = scene.name, Shown(scene, depth_z, instance, kind)
    return {
        "dataset": "worlds",
        "domain": scene.domain,
        "scene_id": name,
        "image": f"images/{name}.jpg",
        "original_rgb_size": [width, height],
        "original_fx": round(scene.focal, 4),
        "original_fy": round(scene.focal, 4),
        "original_cx": round(scene.principal[0], 4),
        "original_cy": round(scene.principal[1], 4),
        "depth_path": f"depth/{name}.png",
        "depth_scale": DEPTH_SCALE,
        "sky_code": SKY_CODE,
        "original_depth_size": [width, height],
        "depth_type": "z_depth",
        "labels_path": f"labels/{name}.png",
        "surface_path": f"surface/{name}.png",
        "camera_to_world": None if scene.camera_to_world is None else np.round(scene.camera_to_world, 6).tolist(),
        "view_group": None if scene.camera_to_world is None else f"{scene.seed:08d}",
        "distortion": {"model": "brown", "k1": scene.distortion[0], "k2": scene.distortion[1]}
        if any(scene.distortion)
        else None,
        "room": None if scene.room is None else [round(float(side), 4) for side in scene.room],
        "camera_height": round(scene.camera_height, 4),
        "pitch_deg": round(scene.pitch_deg, 3),
        "roll_deg": round(scene.roll_deg, 3),
        "questions": questions_about(shown, questions),
        "things": [
            {
                "kind": s.kind,
                "colour": s.colour,
                "instance": s.instance,
                "box": s.box,
                "depth_z": round(s.depth_z, 4),
                "visible": round(s.share, 6),
                "box_3d": box_3d(scene.things[s.instance - 1]),
            }
            for s in shown.all
        ],
    }
