"""Measures of predicted against true depth: pure functions of arrays, no model and no file.

Everything takes `prediction` and `truth`, depth_z in metres and of one shape, and looks only where the truth is
valid: finite and above 0. A prediction there that is nan, inf or not above 0 is *missing*: it counts as wrong in
`delta`, is counted by `missing`, and cannot enter the other measures, which are over the present ones. A measure
over nothing is nan. Below, p and t are predicted and true depth in metres, and mean() is over valid truth
(delta) or over present predictions (all others).
"""

import math
from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.columns import DISTANCE_EDGES_M


def valid(truth: np.ndarray) -> np.ndarray:
    """True where the truth is a depth: finite and above 0 (sky is inf, unknown is nan)."""
    truth = np.asarray(truth)
    return np.isfinite(truth) & (truth > 0)


class DepthErrors:
    """One prediction beside its truth; each measure is a method, what they share is computed once."""

    def __init__(self, prediction: np.ndarray, truth: np.ndarray):
        prediction, truth = same_shape(prediction, truth)
        here = valid(truth)
        self.count = int(here.sum())
        self.present = here & valid(prediction)
        self.p, self.t = prediction[self.present], truth[self.present]
        self._absent = truth[here & ~self.present]  # true depths whose prediction is missing

    @cached_property
    def log_error(self) -> np.ndarray:
        """ln p - ln t."""
        return np.log(self.p / self.t)

    @cached_property
    def relative(self) -> np.ndarray:
        """|p - t| / t."""
        return np.abs(self.p - self.t) / self.t

    @cached_property
    def _ratio(self) -> np.ndarray:
        return np.maximum(self.p / self.t, self.t / self.p)

    @property
    def missing(self) -> int:
        """How many valid truths have a prediction that is nan, inf or not above 0."""
        return self.count - len(self.p)

    def delta(self, power: int = 1) -> float:
        """mean(max(p / t, t / p) < 1.25^power): a share, 0 to 1; missing predictions are wrong."""
        return float((self._ratio < 1.25**power).sum() / self.count) if self.count else math.nan

    def abs_rel(self) -> float:
        """mean(|p - t| / t): no unit."""
        return mean(self.relative)

    def sq_rel(self) -> float:
        """mean((p - t)^2 / t): metres."""
        return mean((self.p - self.t) ** 2 / self.t)

    def rmse(self) -> float:
        """sqrt(mean((p - t)^2)): metres."""
        return math.sqrt(mean((self.p - self.t) ** 2))

    def rmse_log(self) -> float:
        """sqrt(mean((ln p - ln t)^2)): natural log, no unit."""
        return math.sqrt(mean(self.log_error**2))

    def log10(self) -> float:
        """mean(|log10 p - log10 t|): decades."""
        return mean(np.abs(self.log_error)) / math.log(10)

    def silog(self, lam: float = 1.0) -> float:
        """100 * sqrt(mean(e^2) - lam * mean(e)^2) with e = ln p - ln t: natural log times 100, as KITTI states it.

        At lam = 1 the standard deviation of e: a common factor on all predictions changes nothing. Eigen et al.
        2014 (eq. 1) train with lam = 0.5.
        """
        if not len(self.p):
            return math.nan
        average = mean(self.log_error)  # mean((e - m)^2) + (1 - lam) m^2 keeps its digits where e is nearly constant
        return 100 * math.sqrt(max(mean((self.log_error - average) ** 2) + (1 - lam) * average**2, 0.0))

    def by_distance(self, edges: tuple[float, ...] = DISTANCE_EDGES_M) -> dict[str, list]:
        """delta1 and AbsRel in bins of true depth; nan = bin empty.

        `distance_pixels` counts valid truths, `distance_missing` those of them without a prediction.
        """
        bins = len(edges) - 1
        place = np.searchsorted(edges, self.t, side="right") - 1
        counts = np.bincount(place, minlength=bins)
        right = np.bincount(place, self._ratio < 1.25, minlength=bins)
        sums = np.bincount(place, self.relative, minlength=bins)
        absent = np.bincount(np.searchsorted(edges, self._absent, side="right") - 1, minlength=bins)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "distance_pixels": (counts + absent).tolist(),
                "distance_missing": absent.tolist(),
                "distance_delta1": (right / (counts + absent)).tolist(),
                "distance_abs_rel": (sums / counts).tolist(),
            }

    def measures(self) -> dict[str, Any]:
        """All of the above, by the names of `benchmarks.columns.DEPTH`."""
        return {
            "pixels": self.count,
            "missing": self.missing,
            "delta1": self.delta(1),
            "delta2": self.delta(2),
            "delta3": self.delta(3),
            "abs_rel": self.abs_rel(),
            "sq_rel": self.sq_rel(),
            "rmse": self.rmse(),
            "rmse_log": self.rmse_log(),
            "log10": self.log10(),
            "silog": self.silog(),
            **self.by_distance(),
        }


def sky_metrics(sky_probability: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """How well sky (truth inf) is told from surfaces (valid truth), at probability 0.5; {} without true sky.

    sky_accuracy: share of those pixels that are called right. sky_iou: pixels that are sky in both over
    pixels that are sky in either. Pixels of unknown truth are left out of both.
    """
    sky = np.isposinf(truth)
    known = sky | valid(truth)
    if not sky.any():
        return {}
    called = np.asarray(sky_probability)[known] > 0.5
    true = sky[known]
    return {
        "sky_accuracy": float((called == true).mean()),
        "sky_iou": float((called & true).sum() / (called | true).sum()),
    }


def same_shape(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64; ValueError where their shapes differ."""
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"shapes {first.shape} and {second.shape} differ: compare pixel with pixel")
    return first, second


def mean(values: np.ndarray) -> float:
    """The mean, nan of nothing."""
    return float(values.mean()) if values.size else math.nan
