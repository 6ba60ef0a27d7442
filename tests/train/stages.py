"""The real command on tiny models, in this process: what the tests of the stages share."""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from typer.testing import CliRunner

from vlm.cli import app

RECIPES = Path(__file__).parents[2] / "train" / "recipes"
TINY = ("dtype=float32", "batch=2", "accumulate=1", "warmup_steps=1", "workers=0", "log_every=1", "weight_decay=0")


def fathom(*arguments: str | Path) -> str:
    """What the command prints; its errors are raised."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def train(recipe: str, out: Path, *changes: str) -> Path:
    """The folder that `fathom train` leaves its result in."""
    fathom("train", "--recipe", RECIPES / f"{recipe}.yaml", "--out", out, *TINY, *changes)
    return out / "final"


def tensors(path: Path) -> dict[str, torch.Tensor]:
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def lora(folder: Path, kind: str = "lora_B") -> dict[str, torch.Tensor]:
    found = tensors(folder / "adapter_model.safetensors")
    return {name: value for name, value in found.items() if kind in name}


def curve(out: Path, loss: str = "loss") -> list[float]:
    """A logged value in every step of a run."""
    newest = max(out.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    log = json.loads((newest / "trainer_state.json").read_text())["log_history"]
    return [row[loss] for row in log if loss in row]
