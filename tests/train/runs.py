"""Runs of the real command on a tiny model and records of every kind: what the tests of the trainer share."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.tiny import tiny_model, tiny_records
from vlm.cli import main

LOSSES = {"text": 1.0, "depth_l1": 1.0, "depth_nll": 0.2, "depth_gradient": 0.3, "depth_normal": 0.2, "sky": 0.3,
          "ray_l1": 1.0, "ray_nll": 0.1, "focal_l1": 0.2}  # fmt: skip
ACCELERATE = Path(sys.executable).parent / "accelerate"
CONFIGS = Path(__file__).parents[2] / "train" / "accelerate"


def tiny_start(folder: Path) -> Path:
    """A tiny Fathom on disk to start from."""
    tiny_model().save_pretrained(folder)
    return folder


def mixed_records(folder: Path) -> Path:
    """Eight records whose truths differ: whole ones, depth alone, text alone, no camera, text without a picture."""
    path = tiny_records(folder, 8)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    del rows[1]["questions"]
    for row in (rows[2], rows[5]):
        for key in ("depth_path", "depth_scale", "sky_code", "depth_type", "original_depth_size"):
            del row[key]
    for key in ("original_fx", "original_fy", "original_cx", "original_cy"):
        del rows[5][key]
    rows[4] |= {"valid_range_m": [0.5, 8.0]}
    talk = [{"role": "user", "content": "yes or no?"}, {"role": "assistant", "content": "no"}]
    for number in (3, 7):
        rows[number] = {"dataset": "talk", "messages": talk * (number // 3)}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_recipe(path: Path, start: Path, records: Path, **changes: Any) -> Path:
    """A recipe that trains every weight of `start`."""
    settings = {
        "start": str(start), "records": [str(records)], "batch": 8, "steps": 4, "rate": 3e-3, "warmup_steps": 2,
        "workers": 0, "log_every": 1, "save_every": 2, "losses": LOSSES, "trains": {"backbone": True, "vision": True},
    }  # fmt: skip
    path.write_text(yaml.safe_dump(settings | changes))
    return path


def fathom_train(recipe: Path, out: Path, *changes: str) -> None:
    """`fathom train`, in this process."""
    arguments = sys.argv
    sys.argv = ["fathom", "train", "--recipe", str(recipe), "--out", str(out), *changes]
    try:
        with contextlib.suppress(SystemExit):
            main()
    finally:
        sys.argv = arguments
    assert (out / "final" / "README.md").is_file()


def launch(config: str, recipe: Path, out: Path, *changes: str, entry: str | None = None, port: int = 0) -> str:
    """`accelerate launch` with a shipped config on two CPU processes; what they say on standard error."""
    program = [entry] if entry else [str(Path(sys.executable).parent / "fathom")]
    done = subprocess.run(
        [ACCELERATE, "launch", "--config_file", CONFIGS / config, "--num_processes", "2", "--main_process_port",
         str(port), *program, "train", "--recipe", recipe, "--out", out, *changes],
        capture_output=True, text=True, check=False, timeout=300, cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def log_of(out: Path) -> list[dict[str, float]]:
    """The log of a run's newest checkpoint, one entry a step; what depends on the clock left out."""
    newest = max(out.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    rows = json.loads((newest / "trainer_state.json").read_text())["log_history"]
    return [{k: v for k, v in row.items() if k not in ("epoch", "eval_seconds")} for row in rows]
