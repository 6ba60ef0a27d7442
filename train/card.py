"""The card of a trained model: what it is, what it learned from, how well, how long it took."""

from __future__ import annotations

import platform
import resource
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import yaml

from train.groups import trainable
from train.recipe import Recipe
from vlm.installed import version_of

if TYPE_CHECKING:
    from train.trainer import FathomTrainer

VERSIONS = ("fathom-vlm", "torch", "transformers", "peft", "accelerate", "datasets", "safetensors")
SMOOTH = 20  # a curve is drawn as running means over one part in so many of it, and as it is, faintly, behind


def write_card(folder: Path, trainer: FathomTrainer) -> None:
    """README.md into the folder of the finished model, curves.png where anything was logged, a held-out picture."""
    log = trainer.state.log_history
    drawn = draw_curves(folder / "curves.png", log, trainer.recipe)
    pictures = sorted((trainer.out / "pictures").glob("step-*-1.jpg"))
    if pictures:
        shutil.copy(pictures[-1], folder / "held_out.jpg")
    (folder / "README.md").write_text(card(trainer, drawn), encoding="utf-8")


def card(trainer: FathomTrainer, curves: bool) -> str:
    """The card as Markdown, with the front matter that model hubs read."""
    recipe, model = trainer.recipe, trainer.accelerator.unwrap_model(trainer.model)
    base = recipe.start
    name = trainer.out.resolve().name
    front: dict[str, Any] = {"library_name": "fathom-vlm", "pipeline_tag": "image-text-to-text"}
    front |= {"tags": ["metric-depth", "camera-calibration", "fathom"]} | ({"base_model": base} if base else {})
    learned = f"Trained from {base}" if base else "Trained from scratch"
    kind = "An adapter and heads" if getattr(model, "saves_adapter", False) else "A whole model"
    parts = [
        "---\n" + yaml.safe_dump(front, sort_keys=False) + "---",
        f"# {name}\n\n{learned} by Fathom: text, metric depth with its uncertainty, and the camera from one pass. "
        f"{kind}.",
        '```python\nfrom vlm.model import Fathom\n\nscene = Fathom.from_pretrained("THIS FOLDER").look("photo.jpg")\n'
        'scene.depth_z, scene.camera, scene.ask("What is in front?")\n```',
        "## Evaluation\n\n" + _evaluation(trainer),
        "![a held-out picture](held_out.jpg)" if any((trainer.out / "pictures").glob("step-*-1.jpg")) else "",
        "## Training\n\n" + _table(("", ""), _facts(trainer)),
        "![loss curves](curves.png)" if curves else "",
        "## Data\n\n" + _data(trainer),
        "## Recipe\n\n```yaml\n" + yaml.safe_dump(_changed(recipe), sort_keys=False) + "```",
        "## Versions\n\n" + _table(("", ""), _versions()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def peak_memory_mib() -> float:
    """The most that this process held: of its CUDA device where there is one, else resident, Python included."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage would tell what the process that started this one had held
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def draw_curves(path: Path, log: list[dict[str, Any]], recipe: Recipe) -> bool:
    """Every weighed loss, its held-out values and the learning rate, over steps; False where none is logged."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = [n for n, weight in recipe.losses.items() if weight and any(f"loss_{n}" in row for row in log)]
    if not names:
        return False
    panels = {"loss": ("loss", "eval_loss")} | {n: (f"loss_{n}", f"eval_{n}") for n in names}
    if any("eval_delta1" in row for row in log):
        panels["delta1, held out"] = ("", "eval_delta1")
    panels["learning rate"] = ("learning_rate", "")
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(3.4 * columns, 2.5 * rows), squeeze=False, sharex=True)
    for axis, (title, (trained, held)) in zip(axes.flat, panels.items(), strict=False):
        _draw(axis, log, trained, "training")
        _draw(axis, log, held, "held out")
        axis.set_title(title, fontsize=10)
        axis.grid(alpha=0.3)
        axis.tick_params(labelsize=8)
        axis.locator_params(nbins=4)
    for axis in axes[-1]:
        axis.set_xlabel("step", fontsize=9)
    for axis in axes.flat[len(panels) :]:
        axis.remove()
    axes[0][0].legend(fontsize=8)
    figure.subplots_adjust(0.05, 0.2 / rows, 0.98, 1 - 0.12 / rows, 0.3, 0.35)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return True


def _draw(axis: Any, log: list[dict[str, Any]], key: str, label: str) -> None:
    points = [(row["step"], row[key]) for row in log if key in row]
    if not points:
        return
    steps, values = (list(column) for column in zip(*points, strict=True))
    if label == "held out":
        axis.plot(steps, values, "o-", color="#d95f02", markersize=3, label=label)
        return
    axis.plot(steps, values, color="#1b6ca8", alpha=0.25, linewidth=0.8)
    half = 0 if key == "learning_rate" else len(values) // (2 * SMOOTH)
    near = [values[max(0, i - half) : i + half + 1] for i in range(len(values))]
    axis.plot(steps, [sum(part) / len(part) for part in near], color="#1b6ca8", label=label)


def _evaluation(trainer: FathomTrainer) -> str:
    evaluations = [row for row in trainer.state.log_history if "eval_loss" in row]
    if not evaluations:
        return "None: the recipe names no `held_out` records."
    first, last = evaluations[0], evaluations[-1]
    count = len(trainer.eval_dataset)  # type: ignore[arg-type]
    first_of_all = ["eval_loss", "eval_delta1", "eval_abs_rel"]
    names = [name for name in first_of_all if name in last]
    names += [name for name in last if name.startswith("eval_") and name not in (*first_of_all, "eval_seconds")]
    rows = [
        (name.removeprefix("eval_"), *(f"{row[name]:.4g}" for row in (first, last) if name in row)) for name in names
    ]
    told = (
        f"{count} held-out samples ({', '.join(trainer.recipe.held_out)}), each camera given. delta1: share of pixels "
        "within a factor of 1.25; abs_rel: mean of |predicted / true - 1|; the rest are the losses, lower is better."
    )
    return f"{told}\n\n" + _table(("", f"step {first['step']}", f"step {last['step']}"), rows)


def _facts(trainer: FathomTrainer) -> list[tuple[str, str]]:
    recipe, state = trainer.recipe, trainer.state
    world = trainer.accelerator.num_processes
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"
    counts = trainable(trainer.accelerator.unwrap_model(trainer.model))
    passes = (
        f"{world} process{'es' if world > 1 else ''} x {recipe.accumulate} passes x {trainer.args.train_batch_size}"
    )
    return [
        ("steps", f"{state.global_step:,} of {recipe.batch} samples ({passes})"),
        ("samples that could not be read", f"{trainer.bad.skipped:,} of {trainer.bad.drawn:,} drawn"),
        ("weights that trained", ", ".join(f"{group} {number:,}" for group, number in counts.items() if number)),
        ("seconds", f"{trainer.seconds:,.0f}"),
        ("peak memory of the first process", f"{peak_memory_mib():,.0f} MiB"),
        ("device", device + (f", {trainer.accelerator.distributed_type.value}" if world > 1 else "")),
    ]


def _data(trainer: FathomTrainer) -> str:
    counts = trainer.data.counts() if hasattr(trainer.data, "counts") else []  # type: ignore[attr-defined]
    if not counts:
        return "Not stated."
    rows = [
        (
            entry["records"],
            f"{entry['count']:,}",
            ", ".join(f"{name} {n:,}" for name, n in entry["domains"].items()),
            f"{entry['weight']:g}",
            ", ".join(f"{name} {n:,}" for name, n in entry["licences"].items()),
        )
        for entry in counts
    ]
    return _table(("records", "count", "domains", "weight", "licences"), rows)


def _versions() -> list[tuple[str, str]]:
    known = {name: version_of(name) or "not installed" for name in VERSIONS}
    return [*known.items(), ("python", platform.python_version()), ("git commit of the code", git_commit())]


def git_commit() -> str:
    """Of the checkout that this code runs from, and whether it was changed since."""
    here = Path(__file__).parents[1]
    git = ["git", "-C", str(here)]
    try:
        top = subprocess.run([*git, "rev-parse", "--show-toplevel"], capture_output=True, text=True, check=True)
        if Path(top.stdout.strip()) != here.resolve():
            return "not run from a checkout"
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "not run from a checkout"
    return commit + (", with changes" if changed.stdout.strip() else "")


def _changed(recipe: Recipe) -> dict[str, Any]:
    """What the recipe says beyond the defaults."""
    default = asdict(Recipe())
    return {key: value for key, value in asdict(recipe).items() if value != default[key]}


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
