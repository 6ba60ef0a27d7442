"""From rows of photographs to rows of tables: per data set, per domain, macro and micro averages.

Every photograph of a data set counts the same, however many pixels it has. macro: the mean over data sets (as the
published tables are); a domain: the mean over its data sets; micro: over all photographs. Rows are read part by part
and only sums are kept, in the order of the records: the result does not depend on how the run was shared out.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.columns import COMMON, DEPTH, DISTANCE
from benchmarks.running import read_parts
from benchmarks.uncertainty import calibration_error

SUMMED = ("pixels", "missing", "edges", "order_pairs", "planes", "pairs")
PEAKS = ("peak_memory_mib", "peak_gpu_mib")
NOT_AVERAGED = (*PEAKS, "align_scale", "align_shift", *SUMMED)
AVERAGED = tuple(
    name for name, kind in (COMMON | DEPTH | DISTANCE).items() if kind == "float64" and name not in NOT_AVERAGED
)
CURVES = ("coverage_curve", "sparsification_model", "sparsification_oracle", "sparsification_random")
FINE_DEG = 0.001  # to which the median of the field of view's error is told
LISTED = 100  # failed and bad photographs told by name; all are counted


@dataclass
class RunResult:
    """One model in one way.

    name: of the run's folder. protocol: what was asked, by what it was done, what it cost. datasets, domains: name ->
    summary (see `Sums.summary`); macro, micro: one summary each. troubles: the first failed and bad photographs.
    not_run: why this model cannot do it (a row of dashes), else None.
    """

    name: str
    protocol: dict[str, Any]
    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)
    domains: dict[str, dict[str, Any]] = field(default_factory=dict)
    macro: dict[str, Any] = field(default_factory=dict)
    micro: dict[str, Any] = field(default_factory=dict)
    troubles: list[dict[str, str]] = field(default_factory=list)
    not_run: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file (see `benchmarks.report.write_json`)."""
        return asdict(self)


class Sums:
    """Of some photographs, what their means need."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.focal_from: Counter[str] = Counter()
        self._sums: dict[str, float] = {}
        self._numbers: Counter[str] = Counter()
        self._curves: dict[str, np.ndarray] = {}
        self._bins: dict[str, np.ndarray] = {}
        self._fov = np.zeros(round(180 / FINE_DEG) + 1, np.int64)

    def add(self, row: dict[str, Any]) -> None:
        """One row of a part. A bad one is only counted."""
        self.counts["photographs"] += 1
        self.counts[row["status"]] += 1
        if row["status"] == "bad":
            return
        for name in SUMMED:
            self.counts[name] += row.get(name) or 0
        self.counts["without_truth"] += not (row.get("pixels") or row.get("pairs"))
        if row["focal_from"]:
            self.focal_from[row["focal_from"]] += 1
        for name in AVERAGED:
            value = row.get(name)
            if value is not None and math.isfinite(value):
                self._sums[name] = self._sums.get(name, 0.0) + value
                self._numbers[name] += 1
        for name in CURVES:
            if row.get(name) and np.isfinite(row[name]).all():
                self._curves[name] = self._curves.get(name, 0.0) + np.asarray(row[name])
                self._numbers[name] += 1
        if row.get("fov_error_deg") is not None:
            self._fov[min(round(row["fov_error_deg"] / FINE_DEG), len(self._fov) - 1)] += 1
        if row.get("distance_pixels"):
            self._add_bins(row)

    def _add_bins(self, row: dict[str, Any]) -> None:
        pixels = np.asarray(row["distance_pixels"], dtype=np.float64)
        present = pixels - np.asarray(row.get("distance_missing") or 0, dtype=np.float64)
        for name, counted in (("distance_delta1", pixels), ("distance_abs_rel", present)):
            values = np.asarray([math.nan if v is None else v for v in row[name]])
            weight = np.where(np.isfinite(values), counted, 0)
            total = np.stack([weight, weight * np.nan_to_num(values)])
            self._bins[name] = self._bins.get(name, 0.0) + total
        self._bins["pixels"] = self._bins.get("pixels", 0.0) + pixels

    def summary(self) -> dict[str, Any]:
        """Means by column (the median of `fov_error_deg`: one wild camera says little about the others), counts,
        mean curves, `calibration_error`, and error against distance (pixels of a bin count the same)."""
        found: dict[str, Any] = {
            name: self._sums[name] / self._numbers[name] for name in AVERAGED if self._numbers[name]
        }
        if self._fov.any():
            found["fov_error_mean_deg"] = found["fov_error_deg"]
            found["fov_error_deg"] = self._median_fov()
        for name, curve in self._curves.items():
            found[name] = (curve / self._numbers[name]).tolist()
        if "coverage_curve" in found:
            found["calibration_error"] = calibration_error(found["coverage_curve"])
        if self._bins:
            found["distance_pixels"] = self._bins["pixels"].astype(int).tolist()
            for name in ("distance_delta1", "distance_abs_rel"):
                weight, total = self._bins[name]
                found[name] = [float(t / w) if w else math.nan for t, w in zip(total, weight, strict=True)]
        for name in ("photographs", "failed", "bad", "without_truth", *SUMMED):
            found[name] = self.counts[name]
        return found | {"focal_from": dict(sorted(self.focal_from.items()))}

    def _median_fov(self) -> float:
        """The middle value, or the mean of the two in the middle, to 0.001 degrees."""
        total = np.cumsum(self._fov)
        low, high = (total[-1] - 1) // 2, total[-1] // 2
        return float(sum(np.searchsorted(total, place, side="right") for place in (low, high)) / 2 * FINE_DEG)


def result_of(folder: Path) -> RunResult:
    """The result of a run's folder (see `benchmarks.running`)."""
    told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return summarise(folder.name, told["asked"] | {"sessions": told["sessions"]}, read_parts(folder))


def summarise(name: str, protocol: dict[str, Any], parts: Iterable[list[dict[str, Any]]]) -> RunResult:
    """All rows of a run, streamed, and the protocol with what it cost."""
    whole, datasets, domains = Sums(), {}, {}
    costs, peaks, troubles = Cost(), dict.fromkeys(PEAKS, 0.0), []
    for rows in parts:
        for row in rows:
            whole.add(row)
            datasets.setdefault(row["dataset"], Sums()).add(row)
            domains.setdefault(row["domain"], {}).setdefault(row["dataset"], Sums()).add(row)
            costs.add(row)
            peaks = {key: max(peak, row[key] or 0.0) for key, peak in peaks.items()}
            if row["status"] != "ok" and len(troubles) < LISTED:
                troubles.append({key: row[key] for key in ("where", "status", "problem")})
    by_dataset = {key: sums.summary() for key, sums in datasets.items()}
    by_domain = {
        domain: macro([sums.summary() for sums in inside.values()]) for domain, inside in sorted(domains.items())
    }
    protocol = protocol | costs.stated() | {key: peak or None for key, peak in peaks.items()}
    return RunResult(name, protocol, by_dataset, by_domain, macro(list(by_dataset.values())), whole.summary(), troubles)


def macro(summaries: list[dict[str, Any]]) -> dict[str, Any]:
    """The mean of every measure over the data sets that have it; counts are summed."""
    found: dict[str, Any] = {}
    for name in (*AVERAGED, "fov_error_mean_deg", "calibration_error"):
        values = [row[name] for row in summaries if name in row]
        if values:
            found[name] = float(np.mean(values))
    for name in ("photographs", "failed", "bad", "without_truth", *SUMMED):
        found[name] = sum(row[name] for row in summaries)
    return found | {"datasets": len(summaries)}


@dataclass
class Cost:
    """Seconds and megapixels, summed."""

    photographs: int = 0
    seconds: float = 0.0
    megapixels: float = 0.0
    cpu: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("load", "predict", "score"), 0.0))

    def add(self, row: dict[str, Any]) -> None:
        """A row that the model was asked for."""
        if row["status"] == "bad":
            return
        self.photographs += 1
        self.seconds += row["seconds"] or 0.0
        self.megapixels += (row["width"] or 0) * (row["height"] or 0) / 1e6
        for part in self.cpu:
            self.cpu[part] += row[f"cpu_seconds_{part}"] or 0.0

    def stated(self) -> dict[str, Any]:
        """For the protocol; None where nothing was measured."""
        per_megapixel = {part: v / self.megapixels if self.megapixels else None for part, v in self.cpu.items()}
        seconds = self.seconds / self.photographs if self.photographs else None
        return {"seconds_per_image": seconds, "cpu_seconds_per_megapixel": per_megapixel}
