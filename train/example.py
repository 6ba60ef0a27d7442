"""`fathom train-example`: training on data of one's own, from a file of records to a model, in a few commands.

It renders twenty records, runs the commands that a user would type, and checks what has been learned: twenty records
are few enough to be known by heart, so every answer must be right and depth nearly exact.
"""

import json
import os
import shlex
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

COUNT, WIDTH, HEIGHT = 20, 160, 120
COLOURS = {"red": (200, 40, 40), "green": (40, 160, 60), "blue": (50, 80, 200), "yellow": (220, 190, 50)}
DELTA1 = 0.95


def example(out: Annotated[Path, typer.Option(help="Folder for the records and both stages.")]) -> None:
    """Train on twenty rendered records in two stages, and check that they are known by heart: a few minutes."""
    from vlm.cli import app
    from vlm.files import check_folder

    check_folder(out)
    began = time.monotonic()
    records = render(out / "data")
    typer.echo(f"{COUNT} records in {records}")
    for words in commands(out, records):
        typer.echo(f"\n$ fathom {shlex.join(words)}")
        app(words, standalone_mode=False)
    delta1, right, asked = score(out / "whole", records)
    seconds = time.monotonic() - began
    typer.echo(f"\ndepth delta1 {delta1:.3f} (to reach: {DELTA1}), {right} of {asked} answers right, {seconds:.0f} s")
    if delta1 <= DELTA1 or right < asked:
        raise typer.Exit(1)


def commands(out: Path, records: Path) -> list[list[str]]:
    """The words of each command after `fathom`: the shipped recipes, and what suits twenty small pictures."""
    small = ["dtype=float32", "gradient_checkpointing=false", "batch=5", "accumulate=1", "warmup_steps=10", "workers=0"]
    data = [f"records=[{records}]", "model.max_pixels=20480"]
    first = ["start=nano", *data, *small, "steps=150", "rates={adapter: 0.003, heads: 0.002}"]
    second = [f"start={out / 'stage1' / 'final'}", *data, *small, "steps=250", "ramp_steps=10"]
    return [
        ["data", "check", str(records)],
        ["train", "--recipe", "stage1", "--out", str(out / "stage1"), *first],
        ["train", "--recipe", "stage2", "--out", str(out / "stage2"), *second, "rates={adapter: 0.003, heads: 0.001}"],
        ["merge", str(out / "stage2" / "final"), "--out", str(out / "whole")],
    ]


def render(folder: Path) -> Path:
    """Twenty rooms with a ball: pictures, 16-bit depth in millimetres, and one JSON line each. See `vlm.records`."""
    for name in ("images", "depth"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(COUNT):
        rng = np.random.default_rng(number)
        colour, focal = str(rng.choice(list(COLOURS))), float(rng.uniform(110, 170))
        picture, depth_z, (x, z) = room(rng, np.array(COLOURS[colour]), focal)
        Image.fromarray(picture).save(folder / "images" / f"{number}.png")
        Image.fromarray((depth_z * 1000).round().astype(np.uint16)).save(folder / "depth" / f"{number}.png")
        answers = {
            "What colour is the ball?": colour,
            "Is the ball on the left or on the right?": "left" if x < 0 else "right",
            "How far away is the ball?": f"{z:.1f} m",
        }
        row = {
            "dataset": "example",
            "domain": "indoor",
            "scene_id": str(number),
            "image": f"images/{number}.png",
            "original_rgb_size": [WIDTH, HEIGHT],
            "original_fx": focal,
            "depth_path": f"depth/{number}.png",
            "depth_scale": 1000.0,
            "questions": [{"question": question, "answer": answer} for question, answer in answers.items()],
        }
        lines.append(json.dumps(row) + "\n")
    path = folder / "records.jsonl"
    temporary = path.with_suffix(".new")
    temporary.write_text("".join(lines), encoding="utf-8")
    os.replace(temporary, path)
    return path


def room(rng: np.random.Generator, colour: np.ndarray, focal: float) -> tuple[np.ndarray, np.ndarray, tuple[Any, Any]]:
    """A ball on the floor before a wall: (H, W, 3) uint8, (H, W) depth_z in metres, the ball's x and z in metres.

    Every ray has z = 1, so that the distance along it is depth_z: floor y = h, ceiling y = h - 2.6 m, wall z = d, ball.
    """
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    ray = np.stack([(x - WIDTH / 2) / focal, (y - HEIGHT / 2) / focal, np.ones_like(x)], -1)
    high, wall, radius = rng.uniform(1.1, 1.6), rng.uniform(3.5, 6), rng.uniform(0.25, 0.45)
    far = rng.uniform(1.8, wall - 0.6)
    ball = np.array([rng.choice([-1, 1]) * rng.uniform(0.15, 0.3) * far, high - radius, far])
    with np.errstate(divide="ignore"):
        planes = np.stack([high / ray[..., 1], (high - 2.6) / ray[..., 1], np.full_like(x, wall)])
    planes[planes <= 0] = np.inf
    depth_z, which = planes.min(0), planes.argmin(0)
    # |t * ray - ball|^2 = radius^2, the nearer t
    square, along = (ray**2).sum(-1), ray @ ball
    root = along**2 - square * (ball @ ball - radius**2)
    hit = np.where(root > 0, (along - np.sqrt(np.maximum(root, 0))) / square, np.inf)
    seen = hit < depth_z
    depth_z = np.where(seen, hit, depth_z)
    point = ray * depth_z[..., None]
    tiles = (np.floor(point[..., 0] / 0.5) + np.floor(point[..., 2] / 0.5)) % 2
    surfaces = np.array([[150, 120, 90], [225, 225, 220], rng.uniform(120, 220, 3)])
    picture = surfaces[which] * np.where(which == 0, 0.75 + 0.25 * tiles, 1)[..., None]
    light = 0.35 + 0.65 * np.clip((point - ball) @ np.array([-0.4, -0.8, -0.45]) / radius, 0, 1)
    picture = np.where(seen[..., None], colour * light[..., None], picture) + rng.normal(0, 3, picture.shape)
    return picture.clip(0, 255).astype(np.uint8), depth_z, (ball[0], ball[2])


def score(model: Path, records: Path) -> tuple[float, int, int]:
    """Share of pixels whose depth is right within a factor of 1.25 (mean of pictures), answers right, answers asked."""
    from vlm.model import Fathom
    from vlm.records import read_records

    fathom = Fathom.from_pretrained(model)
    shares, right, asked = [], 0, 0
    for record in read_records(records):
        assert record.image is not None
        scene, truth = fathom.look(record.image, record.camera), record.depth_z()
        valid = np.isfinite(truth) & (truth > 0)
        ratio = np.asarray(scene.depth_z)[valid] / truth[valid]
        shares.append(np.mean(np.maximum(ratio, 1 / ratio) < 1.25))
        right += sum(scene.ask(pair["question"]).text == pair["answer"] for pair in record.questions)
        asked += len(record.questions)
    return float(np.mean(shares)), right, asked
