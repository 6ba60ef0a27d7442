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

COUNT, FIRST_SEED = 20, 7_000_000  # scenes that no other set has
KINDS = ("distance", "what_at", "exists", "closer", "indoor_outdoor")  # three of these are asked of every picture
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
    data = [f"data=[{{records: {records}, augment: {{colour: 0}}}}]", "model.max_pixels=16384"]
    first = ["start=nano", *data, *small, "steps=150", "rates={adapter: 0.003, heads: 0.002}"]
    second = [f"start={out / 'stage1' / 'final'}", *data, *small, "steps=300", "ramp_steps=10"]
    return [
        ["data", "check", str(records)],
        ["train", "--recipe", "stage1", "--out", str(out / "stage1"), *first],
        ["train", "--recipe", "stage2", "--out", str(out / "stage2"), *second, "rates={adapter: 0.001, heads: 0.002}"],
        ["merge", str(out / "stage2" / "final"), "--out", str(out / "whole")],
    ]


def render(folder: Path) -> Path:
    """Twenty procedural scenes as records, with three questions each; nothing is done twice."""
    from train.worlds.write import write_records

    path = write_records(folder, COUNT, FIRST_SEED, progress=False)
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        of_kind = {pair["type"]: pair for pair in row["questions"]}
        row["questions"] = [of_kind[kind] for kind in KINDS if kind in of_kind][:3]
    temporary = path.with_suffix(".new")
    temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    os.replace(temporary, path)
    return path


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
