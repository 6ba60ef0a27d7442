"""Metric depth and camera of a model on records: scored photograph by photograph, then data set by data set.

    result = run_depth(model, read_records("depth.jsonl"), camera="none", mode="dense")
    result.datasets["kitti"]["delta1"], result.macro["delta1"]

A model is anything with `look_many(images, cameras)` that gives scenes whose `views[0]` has `depth_z`, `sky`,
`log_depth_scale`, `camera` and `camera_from_rays` in the photograph's pixels (None or absent for what it does
not predict: such measures are left out, never filled in). Depth is compared in metres as predicted, unaligned.
"""

import math
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Literal

import numpy as np

from benchmarks.constants import Truths
from benchmarks.metrics import depth_metrics, sky_metrics, uncertainty_metrics, valid
from benchmarks.protocol import protocol
from heads.camera import Camera
from heads.errors import InputError
from vlm.records import Record

CameraMode = Literal["given", "none"]
DepthMode = Literal["dense", "sparse"]
COUNTED = ("pixels", "missing")  # summed over photographs; everything else is averaged
NOT_AVERAGED = ("focal_px", "constant_delta1_m", "constant_abs_rel_m")
GRID = (16, 12)  # rays compared per photograph, across and down


@dataclass
class DepthResult:
    """samples: one dictionary a photograph, in the order of the records (see `score`).

    datasets: name -> means over its photographs (each counts the same, however many pixels it has), the median
    of `fov_error_deg`, sums of `pixels` and `missing`, `photographs`, `without_truth` and the best constants.
    macro: means over the data sets that have the measure. micro: as a data set, over all photographs.
    """

    samples: list[dict[str, Any]]
    datasets: dict[str, dict[str, Any]]
    macro: dict[str, float]
    micro: dict[str, float]
    protocol: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file (see `benchmarks.report.write_json`)."""
        return asdict(self)


def run_depth(
    model: Any,
    records: Iterable[Record],
    camera: CameraMode = "given",
    mode: DepthMode = "dense",
    progress: Callable[[int], None] | None = None,
    batch: int = 4,
) -> DepthResult:
    """Every record through the model, `batch` photographs at a time.

    camera: "given" passes the record's camera (InputError where a record has none); "none" passes nothing but
        the photograph's file, so its EXIF or else the model's own rays make depth metric (`focal_from` tells).
    mode: "dense" scores the whole depth map, "sparse" the labelled pixels. A record without the one that is
        asked for keeps its camera scores, has no depth scores, and is counted in `without_truth`.
    progress: called with the number of photographs done since the last call.
    """
    for name, value, allowed in (("camera", camera, ("given", "none")), ("mode", mode, ("dense", "sparse"))):
        if value not in allowed:
            raise InputError(name, repr(value), " or ".join(allowed))
    samples: list[dict[str, Any]] = []
    truths: dict[str, Truths] = defaultdict(Truths)
    seconds = 0.0
    for group in _batches(records, batch):
        for record in group:
            if camera == "given" and record.camera is None:
                raise InputError("camera", f"{record.where} has no intrinsics", "camera='none', or records with them")
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="camera: the given focal")  # measured: ray_angle_deg
            scenes = model.look_many(
                [record.image for record in group],
                [record.camera if camera == "given" else None for record in group],
            )
        views = [scene.views[0] for scene in scenes]
        depths = [view.depth_z for view in views]  # read lazily: part of what a prediction costs
        seconds += time.perf_counter() - started
        for record, view, depth_z in zip(group, views, depths, strict=True):
            if depth_z.shape != record.size[::-1]:
                wrong = f"{record.where} says {record.size}, the photograph is {depth_z.shape[::-1]}"
                raise InputError("original_rgb_size", wrong, "its upright [width, height]")
            sample, truth = score(record, view, mode)
            samples.append(sample)
            if truth is not None:
                truths[record.dataset].add(truth)
        if progress:
            progress(len(group))
    if not samples:
        raise InputError("records", "there are none", "at least one record")
    datasets = _by_dataset(samples, truths)
    stated = protocol(
        model,
        benchmark="depth",
        mode=mode,
        camera=camera,
        alignment="metric",
        crop="none",
        caps="none: every finite true depth above 0",
        averaged="photographs of a data set, then data sets (macro)",
        photographs=len(samples),
        seconds_per_image=seconds / len(samples),
        batch=batch,
    )
    return DepthResult(samples, datasets, average(list(datasets.values())), _over_photographs(samples), stated)


def score(record: Record, view: Any, mode: DepthMode) -> tuple[dict[str, Any], np.ndarray | None]:
    """One photograph's scores, and the true depths that they were computed on (None: no truth of that mode).

    The keys are those of `depth_metrics`, `uncertainty_metrics` (where the model states a scale),
    `sky_metrics` (dense, where the truth has sky), and `fov_error_deg`, `ray_angle_deg` (see `camera_errors`).
    """
    sample: dict[str, Any] = {
        "where": record.where,
        "dataset": record.dataset,
        "domain": record.domain,
        "scene_id": record.scene_id,
        "focal_from": view.camera.source,
        "focal_px": view.camera.focal,
    }
    found = _truth_and_cells(record, mode)
    truth = None
    if found is not None:
        truth, rows, columns = found
        depth_z = view.depth_z[rows, columns]
        sample |= depth_metrics(depth_z, truth)
        scale, sky = getattr(view, "log_depth_scale", None), getattr(view, "sky", None)
        if scale is not None:
            sample |= uncertainty_metrics(depth_z, scale[rows, columns], truth)
        if sky is not None:
            sample |= sky_metrics(sky[rows, columns], truth)
        if not valid(truth).any():
            truth = None
    if view.camera_from_rays is not None and record.camera is not None:
        sample |= camera_errors(view.camera_from_rays, record.camera)
    return sample, truth


def camera_errors(predicted: Camera, true: Camera) -> dict[str, float]:
    """fov_error_deg: |horizontal field of view, predicted - true|, degrees.

    ray_angle_deg: mean angle between predicted and true rays over a 16x12 grid of the photograph, degrees.
    """
    x = (np.arange(GRID[0]) + 0.5) / GRID[0] * true.width
    y = (np.arange(GRID[1]) + 0.5) / GRID[1] * true.height
    pixels = np.stack(np.meshgrid(x, y), -1)
    a, b = predicted.rays_at(pixels), true.rays_at(pixels)
    # atan2 keeps its digits where the angle is small; arccos of the product does not
    angle = np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(-1))
    return {
        "fov_error_deg": abs(predicted.fov_x_deg - true.fov_x_deg),
        "ray_angle_deg": float(np.degrees(angle).mean()),
    }


def average(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The mean of every measure over the rows that have it; nan and absent values are left out."""
    keys = dict.fromkeys(key for row in rows for key, value in row.items() if isinstance(value, float))
    means = {}
    for key in keys:
        values = [row[key] for row in rows if isinstance(row.get(key), float) and not math.isnan(row[key])]
        if key not in NOT_AVERAGED:
            means[key] = float(np.mean(values)) if values else math.nan
    return means


def _over_photographs(samples: list[dict[str, Any]]) -> dict[str, float]:
    """`average`, but the median of the field of view's error (one wild camera says little about the others)."""
    means = average(samples)
    errors = [sample["fov_error_deg"] for sample in samples if "fov_error_deg" in sample]
    return means | ({"fov_error_deg": float(np.median(errors))} if errors else {})


def _by_dataset(samples: list[dict[str, Any]], truths: dict[str, Truths]) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for sample in samples:
        groups[sample["dataset"]].append(sample)
    datasets = {}
    for name, rows in groups.items():
        summary: dict[str, Any] = dict(_over_photographs(rows))
        for key in COUNTED:
            summary[key] = sum(row.get(key, 0) for row in rows)
        summary["photographs"] = len(rows)
        summary["without_truth"] = sum(not row.get("pixels") for row in rows)
        summary["focal_from"] = dict(Counter(row["focal_from"] for row in rows))
        for key, constant in (
            ("constant_delta1", truths[name].best_for_delta1()),
            ("constant_abs_rel", truths[name].best_for_abs_rel()),
        ):
            if constant is not None:
                summary[key], summary[f"{key}_m"] = constant.score, constant.metres
        datasets[name] = summary
    return datasets


def _truth_and_cells(record: Record, mode: DepthMode) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """True depths, and the row and column of the photograph where each is read; None without such truth."""
    width, height = record.size
    if mode == "sparse":
        if not len(record.depths):
            return None
        truth, x, y = record.depths, record.pixels[:, 0], record.pixels[:, 1]
    else:
        if record.depth_path is None:
            return None
        truth = record.depth_z()
        here = valid(truth) | np.isposinf(truth)
        rows, columns = np.nonzero(here)
        # centres of the depth map's pixels, as pixels of the photograph
        truth, x = truth[here], (columns + 0.5) * width / here.shape[1]
        y = (rows + 0.5) * height / here.shape[0]
    return truth, np.clip(y.astype(int), 0, height - 1), np.clip(x.astype(int), 0, width - 1)


def _batches(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    iterator = iter(records)
    while group := list(islice(iterator, size)):
        yield group
