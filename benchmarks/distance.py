"""Metres between two pixels' points, and the shape of triangles: `fathom bench distance`.

A record's `distances` are pairs of pixels with their true distance (Tri-Bench: three sides of a taped triangle, in the
order AB, BC, CA). Where it has none, pairs are drawn from its depth map, which with its camera gives the truth. The
relative error of each, the share within 10 and 25 %, and the coverage of the stated intervals need metric scale; the
ratio AB / AC of a triangle does not.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.adapters.base import Adapter, Prediction
from benchmarks.adapters.constant import OracleConstant
from benchmarks.columns import DISTANCE
from benchmarks.constants import Truths
from benchmarks.gallery import Gallery, distances_picture
from benchmarks.metrics import valid
from benchmarks.processes import Processes
from benchmarks.running import Progress, Sample, run
from benchmarks.summary import RunResult, result_of
from benchmarks.uncertainty import PROBABILITIES
from heads.camera import Camera
from heads.distortion import slopes_at
from heads.errors import InputError
from vlm.images import load_image
from vlm.records import Record

STATED = 0.9  # the interval that is kept row by row


@dataclass(frozen=True)
class DistanceOptions:
    """camera: "given" passes the record's intrinsics, or leaves the file its EXIF focal; "none" withholds both.

    pairs: how many are drawn from the depth map of a record without `distances`, the same ones in every run.
    """

    camera: Literal["given", "none"] = "given"
    pairs: int = 10
    batch: int = 4

    def __post_init__(self) -> None:
        if self.camera not in ("given", "none"):
            raise InputError("camera", repr(self.camera), "given, none")
        if self.batch < 1:
            raise InputError("batch", str(self.batch), "1 or more photographs at a time")

    @property
    def name(self) -> str:
        """Short, for folders and files."""
        return f"distance_camera_{self.camera}"


class DistanceTask:
    """Decodes records and scores predictions, for `benchmarks.running`."""

    columns = DISTANCE

    def __init__(self, options: DistanceOptions, claims: frozenset[str], gallery: Gallery | None = None):
        self.options, self.gallery = options, gallery
        self.states_intervals = {"distance", "log_depth_scale"} <= claims
        self.scored = bool(claims & {"depth_metric", "points_at", "distance"})

    def load(self, record: Record, row: dict[str, Any]) -> Sample:
        """The photograph, its camera, and the pairs."""
        photo = load_image(record.image)
        if photo.size != record.size:
            wrong = f"{record.where} says {record.size}, the photograph is {photo.size}"
            raise InputError("original_rgb_size", wrong, "its upright [width, height]")
        row |= {"width": photo.size[0], "height": photo.size[1]}
        if self.options.camera == "none":
            photo = replace(photo, exif_camera=None, exif_note="withheld")
        ends = np.array([[a, b] for a, b, _ in record.distances], dtype=np.float64)
        true = np.array([metres for _, _, metres in record.distances])
        if not len(ends):
            ends, true = drawn_pairs(record, self.options.pairs)
        camera = record.camera if self.options.camera == "given" else None
        return Sample(record, row, photo, camera, ends.reshape(-1, 2), (ends, true))

    def score(self, sample: Sample, prediction: Prediction | None) -> dict[str, Any]:
        """The columns of `benchmarks.columns.DISTANCE`."""
        pairs, true = sample.truth
        found = np.full((len(true), 3), np.nan)  # metres, lower, upper
        covered = {q: np.zeros(len(true), bool) for q in PROBABILITIES}
        camera = None
        if prediction is not None:
            assert sample.photo is not None
            camera = sample.camera or sample.photo.exif_camera or prediction.camera
        for i, ends in enumerate(pairs if prediction is not None and self.scored else ()):
            found[i] = _measured(prediction, i, ends, camera, STATED)
            for q in PROBABILITIES:
                _, lower, upper = _measured(prediction, i, ends, camera, q)
                covered[q][i] = lower <= true[i] <= upper
        if not self.scored:
            return {"true_m": true}
        predicted = np.where(np.isfinite(found[:, 0]) & (found[:, 0] > 0), found[:, 0], np.nan)
        error = np.abs(predicted - true) / true
        row: dict[str, Any] = {
            "true_m": true,
            "predicted_m": predicted,
            "lower_m": found[:, 1],
            "upper_m": found[:, 2],
            "rel_error": error,
            "pairs": len(true),
            "missing": int(np.isnan(predicted).sum()),
            "abs_rel": float(np.nanmean(error)) if np.isfinite(error).any() else math.nan,
            "within_10": float((error <= 0.10).mean()),  # a nan is not
            "within_25": float((error <= 0.25).mean()),
        }
        if self.states_intervals:  # a missing prediction covers nothing
            row |= {f"coverage_{round(100 * q)}": float(np.mean(inside)) for q, inside in covered.items()}
        if self.gallery is not None and prediction is not None:
            assert sample.photo is not None
            rgb = sample.photo.rgb
            self.gallery.offer(
                sample.row["index"], row["abs_rel"], lambda: distances_picture(rgb, pairs, true, predicted)
            )
        return row | ratio_errors(pairs, predicted, true)


def drawn_pairs(record: Record, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2, 2) pixels of pairs drawn evenly from the surfaces of a depth map, and (n,) metres between them.

    The truth at a pixel is that of the depth map's pixel it lies in, at its centre. InputError without map or camera.
    """
    if record.camera is None or record.depth_path is None:
        raise InputError("distances", f"{record.where} has none", "records with distances, or with depth and camera")
    depth = record.depth_z()
    rows, columns = np.nonzero(valid(depth))
    drawn = np.random.default_rng(list(f"{record.dataset}/{record.scene_id}/{record.where}".encode()))
    chosen = drawn.integers(0, max(len(rows), 1), (count if len(rows) > 1 else 0, 2))
    chosen = chosen[chosen[:, 0] != chosen[:, 1]]
    grid = np.stack([columns, rows], -1)[chosen] + 0.5
    camera = record.camera.resize(*depth.shape[::-1])
    slopes = slopes_at(grid, camera, record.distortion)
    points = np.concatenate([slopes, np.ones((*slopes.shape[:-1], 1))], -1) * depth[rows, columns][chosen][..., None]
    ends = grid * (np.asarray(record.size) / np.asarray(depth.shape[::-1]))
    return ends, np.linalg.norm(points[:, 0] - points[:, 1], axis=-1)


def ratio_errors(ends: np.ndarray, predicted: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """|predicted AB / AC over the true one - 1| of a triangle; {} where the pairs are not AB, BC, CA.

    ends (3, 2, 2) pixels; predicted, true (3,) metres. Within 10 and 25 %: 1 or 0, a missing one is wrong.
    """
    if len(ends) != 3 or not all(np.array_equal(ends[i, 1], ends[(i + 1) % 3, 0]) for i in range(3)):
        return {}
    error = float(abs(predicted[0] / predicted[2] / (true[0] / true[2]) - 1))
    return {"ratio_error": error, "ratio_within_10": float(error <= 0.10), "ratio_within_25": float(error <= 0.25)}


def _measured(
    prediction: Prediction | None, pair: int, ends: np.ndarray, camera: Camera | None, probability: float
) -> tuple[float, float, float]:
    """Metres, lower, upper of pair number `pair`; nan where there is none.

    By the model's own way, else from its depth at the two pixels and the camera: given, from EXIF, or its own.
    """
    assert prediction is not None
    nothing = (math.nan, math.nan, math.nan)
    if prediction.distance is not None:
        try:
            found = prediction.distance(ends[0], ends[1], probability)
        except InputError:  # one end is taken for sky
            return nothing
        return tuple(math.nan if value is None else value for value in found)  # type: ignore[return-value]
    if prediction.points_at is not None:
        depths = prediction.points_at[2 * pair : 2 * pair + 2]
    elif prediction.depth_metric is not None:
        height, width = prediction.depth_metric.shape
        columns, rows = np.minimum(ends.astype(int), (width - 1, height - 1)).T
        depths = prediction.depth_metric[rows, columns]
    else:
        return nothing
    if camera is None or not (np.isfinite(depths) & (depths > 0)).all():
        return nothing
    a, b = camera.unproject(ends, depths)
    return float(np.linalg.norm(a - b)), math.nan, math.nan


def all_constants(task: DistanceTask, records: Iterable[Record]) -> dict[str, Truths]:
    """Of every data set, the depths at which a constant has a pair right, for `OracleConstant`.

    At one depth c everywhere a distance is c |a - b|, with a and b on the pixels' rays at z = 1. Its relative error
    is that of c as the depth true / |a - b|: what is best for those depths is best for the distances.
    """
    found: dict[str, Truths] = {}
    for record in records:
        kept = found.setdefault(record.dataset, Truths())
        try:
            sample = task.load(record, {})
        except (InputError, OSError):  # told by the run
            continue
        assert sample.photo is not None
        camera = sample.camera or sample.photo.exif_camera
        pairs, true = sample.truth
        if camera is not None and len(true):
            a, b = np.moveaxis(camera.unproject(pairs, np.ones(pairs.shape[:2])), 1, 0)
            with np.errstate(divide="ignore"):
                kept.add(true / np.linalg.norm(a - b, axis=-1))
    return found


def run_distance(
    adapter: Adapter | Any,
    records: Iterable[Record],
    folder: Path,
    options: DistanceOptions,
    stated: dict[str, Any] | None = None,
    processes: Processes | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """As `benchmarks.depth.run_depth`."""
    asked = {
        "benchmark": "distance",
        "model": adapter.name,
        "model_facts": adapter.facts,
        "camera": options.camera,
        "claims": sorted(adapter.claims),
        "batch": options.batch,
        "pairs_drawn": f"{options.pairs} a photograph without distances",
        "alignment": "none",
        "averaged": "photographs of a data set, then data sets (macro)",
        **(stated or {}),
    }
    if options.camera == "none" and adapter.needs_camera:
        return RunResult(folder.name, asked, not_run="it needs the true camera")
    task = DistanceTask(options, adapter.claims, Gallery(folder / "_pictures"))
    adapter_of: Callable[[str], Adapter] = lambda dataset: adapter  # noqa: E731
    if isinstance(adapter, OracleConstant):
        chosen, asked["constants_m"] = adapter.fitted_to(all_constants(task, records))
        adapter_of = chosen.__getitem__
    run(adapter_of, task, records, folder, asked, processes or Processes(), options.batch, 2, progress)
    return result_of(folder)
