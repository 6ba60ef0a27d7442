"""Is the stated uncertainty true (likelihood, coverage), and does it point at the errors (sparsification)?

p, t: predicted and true depth_z in metres; b: the Laplace scale of log depth that the model states for each
prediction. Conventions as in `benchmarks.metrics`. A model that states no scale gets none of these.
"""

import math

import numpy as np

from benchmarks.columns import CURVE_PROBABILITIES, CURVE_REMOVED
from benchmarks.metrics import mean, same_shape, valid

PROBABILITIES = (0.5, 0.8, 0.9, 0.95)
"""The intervals whose coverage is a column of its own."""

MOST_SORTED = 200_000  # pixels of a photograph that enter its sparsification curve: every n-th


def uncertainty_metrics(prediction: np.ndarray, log_scale: np.ndarray, truth: np.ndarray) -> dict[str, object]:
    """Every uncertainty column of `benchmarks.columns.DEPTH`.

    coverage of q = mean(|ln p - ln t| <= b * ln(1 / (1 - q))): a share, to be compared with q; the interval is the
    one that `Scene.depth_interval` gives. A missing prediction, or one without a scale, covers nothing.
    nll = mean(|ln p - ln t| / b + ln(2 b)): negative log likelihood of log depth, nats a pixel; lower is better.
    """
    p, t, b, count = _pairs(prediction, log_scale, truth)
    half_widths = np.abs(np.log(p / t)) / b  # in scales
    found: dict[str, object] = {f"coverage_{round(100 * q)}": _covered(half_widths, q, count) for q in PROBABILITIES}
    found["nll"] = mean(half_widths + np.log(2 * b))
    found["coverage_curve"] = [_covered(half_widths, q, count) for q in CURVE_PROBABILITIES]
    if len(p):
        step = math.ceil(len(p) / MOST_SORTED)
        found |= sparsification(p[::step], b[::step], t[::step])
    return found


def calibration_error(curve: np.ndarray) -> float:
    """mean over q = 0.05 ... 0.95 of |coverage(q) - q|: 0 where every interval holds what it promises.

    curve: coverage at CURVE_PROBABILITIES, of a data set (averaged over photographs first: single photographs
    are off in both directions, which the mean of their absolute errors would not forgive).
    """
    return float(np.abs(np.asarray(curve) - CURVE_PROBABILITIES).mean())


def sparsification(p: np.ndarray, b: np.ndarray, t: np.ndarray) -> dict[str, object]:
    """Error of what is left when the most uncertain pixels are removed (Ilg et al. 2018), all pairs present.

    With n pixels sorted by b, largest first, curve(f) = error of the last n - floor(f n), f in CURVE_REMOVED; pixels
    of equal b count with their group's mean (the expected value of any order among them). The oracle sorts by the
    error itself; random is the error of all. Areas by the trapezoid rule over f = 0 ... 0.95:
    AUSE = area(model - oracle), 0 = the scale ranks pixels exactly as their errors do;
    AURG = area(random - model), above 0 = better than removing at random (Poggi et al. 2020).
    Two errors: mean |p - t| / t, and sqrt(mean (p - t)^2) in metres.
    """
    by_scale = np.argsort(-b, kind="stable")
    found: dict[str, object] = {}
    for name, error, finish in (
        ("abs_rel", np.abs(p - t) / t, lambda left: left),
        ("rmse", (p - t) ** 2, np.sqrt),
    ):
        model = finish(_left(_tied(error, b)[by_scale]))
        oracle = finish(_left(-np.sort(-error)))
        random = np.full(len(model), finish(error.mean()))
        found[f"ause_{name}"] = float(np.trapezoid(model - oracle, CURVE_REMOVED))
        found[f"aurg_{name}"] = float(np.trapezoid(random - model, CURVE_REMOVED))
        if name == "abs_rel":
            curves = {"model": model, "oracle": oracle, "random": random}
            found |= {f"sparsification_{key}": curve.tolist() for key, curve in curves.items()}
    return found


def _left(sorted_error: np.ndarray) -> np.ndarray:
    """Means of what is left of errors in order of removal, at CURVE_REMOVED."""
    n = len(sorted_error)
    total = np.concatenate([[0.0], np.cumsum(sorted_error[::-1])])  # of the last 0, 1, ... n
    left = n - np.floor(np.asarray(CURVE_REMOVED) * n + 1e-9).astype(int)
    return total[left] / left


def _tied(error: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Errors, those of equal b replaced by their mean."""
    _, group, sizes = np.unique(b, return_inverse=True, return_counts=True)
    return (np.bincount(group, error) / sizes)[group]


def _covered(half_widths: np.ndarray, probability: float, count: int) -> float:
    return float((half_widths <= math.log(1 / (1 - probability))).sum() / count) if count else math.nan


def _pairs(
    prediction: np.ndarray, log_scale: np.ndarray, truth: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """p, t, b of present predictions with a scale, and the number of valid truths."""
    prediction, truth = same_shape(prediction, truth)
    scale, _ = same_shape(log_scale, truth)
    here = valid(truth)
    present = here & valid(prediction) & valid(scale)
    return prediction[present], truth[present], scale[present], int(here.sum())
