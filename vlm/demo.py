"""`fathom demo`: the main job on real photographs, with the answers printed and the pictures written.

Photographs: two that ship inside scikit-learn, and six with measured depth where the open real records lie in
`../shared/data/real`. With measured depth the sheet shows it beside the prediction and the score is printed.
"""

import importlib.util
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from heads.errors import InputError

QUESTIONS = (
    "Describe the picture.",
    "Is this indoors or outdoors?",
    "What is at (500, 900)?",
    "What is the depth at (500, 900)?",
)
REAL = (
    "ibims1/corridor_01.png",
    "nyuv2/m3d_rgb_00050.jpg",
    "scannetpp/3e6ceea56c_frame_002460.jpg",
    "kitti/000000.jpg",
    "ddad/scene_01_CAMERA_01_15569195938415230.jpg",
    "eth3d/terrace.png",
)


@dataclass(frozen=True)
class Example:
    """One photograph of the demo; `record` where its camera and depth were measured."""

    name: str
    image: Path
    record: Any = None


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pictures and arrays.")] = Path("demo_output"),
    model: Annotated[str, typer.Option(help='"nano" or a folder written by save_pretrained.')] = "nano",
    real: Annotated[Path, typer.Option(help="Folder with depth.jsonl, where there is one.")] = Path(
        "../shared/data/real"
    ),
) -> None:
    """Look at real photographs and write pictures of what was seen."""
    from rich.console import Console

    from vlm.cli import load
    from vlm.commands import answer, show
    from vlm.files import check_folder, write_picture

    console = Console(highlight=False)
    check_folder(out)
    examples = shipped_photographs() + measured_photographs(real)
    if not examples:
        raise InputError(
            "demo", "no photograph found", "scikit-learn installed (it ships two): pip install scikit-learn"
        )
    fathom = load(model)
    started = time.perf_counter()
    for example in examples:
        camera = None if example.record is None else example.record.camera
        scene = fathom.look(example.image, camera)
        answer(scene, list(QUESTIONS))
        show(scene, console)
        if example.record is not None:
            console.print(f"   {score(scene, example.record)}")
        scene.save(out / example.name)
        write_picture(out / f"{example.name}.jpg", sheet(scene, example.record))
    seconds = time.perf_counter() - started
    console.print(f"\n{len(examples)} photographs in {seconds:.0f} s. Open the sheets: {out}/*.jpg")
    console.print(f"Depth, points and meshes of each: {out}/<name>/ (answer.json says what was used)")


def shipped_photographs() -> list[Example]:
    """china.jpg and flower.jpg out of scikit-learn, where it is installed."""
    found = importlib.util.find_spec("sklearn")
    if found is None or not found.submodule_search_locations:
        return []
    folder = Path(found.submodule_search_locations[0]) / "datasets" / "images"
    return [Example(p.stem, p) for p in (folder / "china.jpg", folder / "flower.jpg") if p.is_file()]


def measured_photographs(folder: Path) -> list[Example]:
    """Six of the open real records, indoor and outdoor; none where the folder is missing."""
    from vlm.records import parse_record

    index = folder / "depth.jsonl"
    if not index.is_file():
        return []
    lines = {json.loads(line)["image"]: line for line in index.read_text(encoding="utf-8").splitlines()}
    return [
        Example(name.replace("/", "_").rsplit(".", 1)[0], folder / name, parse_record(lines[name], folder, index.name))
        for name in REAL
        if name in lines
    ]


def score(scene: Any, record: Any) -> str:
    """Share of labelled pixels within a factor of 1.25 of their measured depth."""
    columns, rows = np.floor(record.pixels).astype(int).T
    predicted = scene.depth_z[rows.clip(0, record.size[1] - 1), columns.clip(0, record.size[0] - 1)]
    ratio = np.maximum(predicted / record.depths, record.depths / predicted)
    within = float((ratio < 1.25).mean())
    return f"measured depth at {len(ratio)} points: {100 * within:.0f} % within a factor of 1.25"


def sheet(scene: Any, record: Any) -> Any:
    """Photograph, depth and uncertainty side by side; measured depth too where there is a dense map."""
    from vlm.pictures import depth_picture, photograph_picture, side_by_side, uncertainty_picture

    pictures = [photograph_picture(scene.image), depth_picture(scene.depth_z)]
    titles = ["photograph", f"depth, focal from {scene.camera.source}"]
    if record is not None and record.depth_path is not None:
        pictures.append(depth_picture(visible(record.depth_z())))
        titles.append("measured")
    if "log_depth_scale" not in scene.views[0].missing:
        pictures.append(uncertainty_picture(scene.log_depth_scale))
        titles.append("uncertainty")
    return side_by_side(pictures, titles)


def visible(depth_z: np.ndarray) -> np.ndarray:
    """Sparse measurements (LiDAR) grown to dots that survive downscaling; a dense map as it is. For pictures only."""
    known = np.isfinite(depth_z)
    if known.mean() > 0.3:
        return depth_z
    radius = max(1, depth_z.shape[1] // 400)
    grown = depth_z.copy()
    for row, column in np.argwhere(known):
        spot = grown[max(row - radius, 0) : row + radius + 1, max(column - radius, 0) : column + radius + 1]
        spot[np.isnan(spot)] = depth_z[row, column]
    return grown
