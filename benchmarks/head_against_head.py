"""Depth heads side by side: trained on the same frozen features, data and steps, several seeds each.

    compare_heads(Path("runs/heads"), RecordFiles((Path("data/heldout/records.jsonl"),)), Path("results"))

RUNS/NAME/SEED/recipe.yaml and RUNS/NAME/SEED/final are what `fathom train --out RUNS/NAME/SEED` leaves. Each model is
measured like any other (`benchmarks.depth`: dense truth, the true camera); a row of the table is the mean of a head's
seeds and their standard deviation. Intervals are those of the head's own scale, without any calibration. It goes on
where it stopped.
"""

import math
import statistics
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml

from benchmarks.adapters.fathom import FathomAdapter
from benchmarks.depth import DepthOptions, run_depth
from benchmarks.flops import count_head
from benchmarks.measuring import Bar, slug
from benchmarks.report import NONE, Table, number
from benchmarks.sources import RecordFiles
from benchmarks.speed import forward_inputs, made_up_picture, timed
from heads.base import Features
from heads.errors import InputError
from vlm.model import Fathom

SAME = ("start", "data", "records", "steps", "batch", "seed")
"""What the runs of one seed must have in common: else a row shows more than its head."""

COLUMNS: dict[str, tuple[str, float, int]] = {
    "delta1": ("delta1", 1, 3),
    "edges_found": ("edges found", 1, 2),
    "edge_width_px": ("edge width px", 1, 1),
    "boundary_accuracy_px": ("edges off px", 1, 1),
    "boundary_completeness_px": ("edges missed px", 1, 1),
    "plane_tilt_deg": ("plane tilt deg", 1, 1),
    "plane_flatness_cm": ("plane error cm", 1, 1),
    "order_wrong": ("order wrong", 1, 3),
    "token_peak": ("grid peak", 1, 2),
    "token_seams": ("seams", 1, 2),
    "coverage_90": ("in 90 %", 1, 2),
}
"""Measure of `benchmarks.columns.DEPTH` -> (column head, factor, digits)."""

NARROW = ("head", "delta1", "edge width px", "plane tilt deg", "order wrong", "grid peak", "seams", "GFLOPs")
"""What a terminal too small for all columns shows."""

REPEATS = 20


@dataclass(frozen=True)
class Trained:
    """One run: a head's name, its seed, and the folder of the run."""

    name: str
    seed: int
    folder: Path

    @property
    def recipe(self) -> dict[str, Any]:
        """As the run kept it."""
        return yaml.safe_load((self.folder / "recipe.yaml").read_text(encoding="utf-8"))


@dataclass
class Compared:
    """All runs of one head: measure -> one value a seed, in the order of `seeds`.

    flops: of one pass of the depth head at `size` (width, height); seconds: the same pass's, the fastest of REPEATS;
    parameters: of the depth head.
    """

    name: str
    seeds: list[int]
    size: tuple[int, int]
    parameters: int = 0
    flops: int = 0
    seconds: float = math.inf
    values: dict[str, list[float]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return vars(self) | {"size": list(self.size)}


def compare_heads(
    runs: Path, sources: RecordFiles, out: Path, bar: Bar, size: tuple[int, int] = (256, 192)
) -> list[Compared]:
    """Every head under `runs`, by name. out: where the measurements are kept. size: width, height at which cost counts.

    InputError before any model is loaded: no run, one that is not finished, other seeds or other data than the rest's.
    """
    found = trained_runs(runs)
    stated = sources.stated() | {"photographs": sources.scan().count}
    results: dict[str, Compared] = {}
    for each in found:
        model = Fathom.from_pretrained(each.folder / "final")
        model.config.uncertainty["factor"] = dict.fromkeys(model.config.uncertainty["factor"], 1.0)
        adapter = FathomAdapter(model, f"{each.name}, seed {each.seed}")
        folder = out / "samples" / f"{slug(each.name)}_{each.seed}"
        with bar(adapter.name, stated["photographs"]) as progress:
            measured = run_depth(adapter, sources, folder, DepthOptions("dense"), stated, progress=progress).macro
        row = results.setdefault(each.name, Compared(each.name, [], size))
        row.seeds.append(each.seed)
        for measure in COLUMNS:
            row.values.setdefault(measure, []).append(measured.get(measure, math.nan))
        _count(row, model)
    return list(results.values())


def trained_runs(runs: Path) -> list[Trained]:
    """RUNS/NAME/SEED of every head, sorted by name, then seed; InputError where they cannot be compared."""
    found = [
        Trained(folder.parent.name, int(folder.name), folder)
        for folder in sorted(runs.glob("*/*"))
        if folder.name.isdigit() and (folder / "recipe.yaml").is_file()
    ]
    if not found:
        raise InputError("runs", f"{runs} holds no run", "NAME/SEED folders written by fathom train")
    found.sort(key=lambda each: (each.name, each.seed))
    for each in found:
        if not (each.folder / "final").is_dir():
            raise InputError("runs", f"{each.folder} is not finished", "runs that have a folder final")
    recipes = [each.recipe for each in found]
    first: dict[int, tuple[Trained, dict]] = {}
    for each, recipe in zip(found, recipes, strict=True):
        if recipe.get("seed") != each.seed:
            wrong = f"{each.folder} was trained with seed {recipe.get('seed')}"
            raise InputError("runs", wrong, "folders named as their seed")
        other, expected = first.setdefault(each.seed, (each, recipe))
        differing = [key for key in SAME if recipe.get(key) != expected.get(key)]
        if differing:
            wrong = f"{each.folder} and {other.folder} differ in {', '.join(differing)}"
            raise InputError("runs", wrong, f"runs with the same {', '.join(SAME)}")
    return found


def heads_table(rows: list[Compared], note: str) -> Table:
    """Mean and standard deviation over seeds of every measure; the best mean is not marked: spreads tell."""
    cells = []
    for row in rows:
        measures = [_spread(row.values[name], factor, digits) for name, (_, factor, digits) in COLUMNS.items()]
        cost = [f"{row.flops / 1e9:.2f}", f"{1000 * row.seconds:.1f}", f"{row.parameters / 1e6:.2f}"]
        cells.append([row.name, str(len(row.seeds)), *measures, *cost])
    heads = ["head", "seeds", *(head for head, _, _ in COLUMNS.values()), "GFLOPs", "ms", "M parameters"]
    width, height = rows[0].size
    notes = [
        note,
        "mean ± standard deviation over seeds; edge width: of the edges found (share of true edges across which at "
        "least half of the step is made); edges off, missed: accuracy and completeness of iBims-1; seams: step across "
        "token borders over that inside tokens; 1 = none",
        f"GFLOPs, milliseconds (fastest of {REPEATS}, {torch.get_num_threads()} threads): the depth head alone on one "
        f"{width}x{height} photograph; intervals not calibrated",
    ]
    return Table("Depth heads on the same frozen features", heads, cells, notes, NARROW)


def _spread(values: list[float], factor: float, digits: int) -> str:
    told = [factor * value for value in values if not math.isnan(value)]
    if not told:
        return NONE
    mean = number(statistics.fmean(told), digits)
    return mean if len(told) < 2 else f"{mean} ± {number(statistics.stdev(told), digits)}"


@torch.no_grad()
def _count(row: Compared, model: Any) -> None:
    """Adds what the model's depth head costs on one photograph of the row's size."""
    head, taken = model.heads["depth"], []
    hook = head.register_forward_pre_hook(lambda _module, inputs: taken.append(inputs[0]))
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="camera: the given focal")
            # A head that wants a certain focal gets it: its photograph is not resized.
            forward_inputs(model, made_up_picture(*row.size), {"focal_px": float(head.network_fx or max(row.size))})
    finally:
        hook.remove()
    features: Features = taken[0]
    for _ in range(REPEATS):
        row.seconds = min(row.seconds, timed(model, lambda: head(features))[1])
    row.parameters = sum(weight.numel() for weight in head.parameters())
    grids = {tap.name: (features.taps[tap.name].shape[-2], features.taps[tap.name].shape[-1]) for tap in head.taps}
    height, width = features.image.shape[-2:]
    row.size = (width, height)
    row.flops = count_head(head, grids, row.size)  # last: it empties the head
