"""Measures of predicted against true depth: pure functions of arrays, no model and no file.

Every function takes `prediction` and `truth`, depth_z in metres and of one shape, and looks only where the
truth is valid: finite and above 0. A prediction there that is nan, inf or not above 0 is *missing*: it counts
as wrong in `delta` and `coverage`, is counted by `missing`, and cannot enter the other measures, which are
over the present ones. A measure over nothing is nan. Below, p and t are predicted and true depth in metres,
and mean() is over valid truth (delta, coverage) or over present predictions (all others).
"""

import math

import numpy as np

PROBABILITIES = (0.5, 0.8, 0.9, 0.95)
"""The intervals whose coverage is reported."""


def valid(truth: np.ndarray) -> np.ndarray:
    """True where the truth is a depth: finite and above 0 (sky is inf, unknown is nan)."""
    truth = np.asarray(truth)
    return np.isfinite(truth) & (np.nan_to_num(truth, posinf=0, neginf=0) > 0)


def missing(prediction: np.ndarray, truth: np.ndarray) -> int:
    """How many valid truths have a prediction that is nan, inf or not above 0."""
    p, _, count = _pairs(prediction, truth)
    return count - len(p)


def delta(prediction: np.ndarray, truth: np.ndarray, power: int = 1) -> float:
    """mean(max(p / t, t / p) < 1.25^power): a share, 0 to 1; missing predictions are wrong."""
    p, t, count = _pairs(prediction, truth)
    return float((np.maximum(p / t, t / p) < 1.25**power).sum() / count) if count else math.nan


def abs_rel(prediction: np.ndarray, truth: np.ndarray) -> float:
    """mean(|p - t| / t): no unit."""
    p, t, _ = _pairs(prediction, truth)
    return _mean(np.abs(p - t) / t)


def sq_rel(prediction: np.ndarray, truth: np.ndarray) -> float:
    """mean((p - t)^2 / t): metres."""
    p, t, _ = _pairs(prediction, truth)
    return _mean((p - t) ** 2 / t)


def rmse(prediction: np.ndarray, truth: np.ndarray) -> float:
    """sqrt(mean((p - t)^2)): metres."""
    p, t, _ = _pairs(prediction, truth)
    return math.sqrt(_mean((p - t) ** 2))


def rmse_log(prediction: np.ndarray, truth: np.ndarray) -> float:
    """sqrt(mean((ln p - ln t)^2)): natural log, no unit."""
    p, t, _ = _pairs(prediction, truth)
    return math.sqrt(_mean(np.log(p / t) ** 2))


def log10(prediction: np.ndarray, truth: np.ndarray) -> float:
    """mean(|log10 p - log10 t|): decades."""
    p, t, _ = _pairs(prediction, truth)
    return _mean(np.abs(np.log10(p / t)))


def silog(prediction: np.ndarray, truth: np.ndarray, lam: float = 1.0) -> float:
    """100 * sqrt(mean(e^2) - lam * mean(e)^2) with e = ln p - ln t: natural log times 100, as KITTI states it.

    At lam = 1 the standard deviation of e: a common factor on all predictions changes nothing. Eigen et al.
    2014 (eq. 1) train with lam = 0.5.
    """
    p, t, _ = _pairs(prediction, truth)
    error = np.log(p / t)
    return 100 * math.sqrt(max(_mean(error**2) - lam * _mean(error) ** 2, 0.0)) if len(p) else math.nan


def depth_metrics(prediction: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """All of the above, by the names that tables use, with `pixels` (valid truths) and `missing`."""
    here = valid(truth)
    p, t = np.asarray(prediction)[here], np.asarray(truth)[here]
    return {
        "delta1": delta(p, t, 1),
        "delta2": delta(p, t, 2),
        "delta3": delta(p, t, 3),
        "abs_rel": abs_rel(p, t),
        "sq_rel": sq_rel(p, t),
        "rmse": rmse(p, t),
        "rmse_log": rmse_log(p, t),
        "log10": log10(p, t),
        "silog": silog(p, t),
        "pixels": len(t),
        "missing": missing(p, t),
    }


def coverage(prediction: np.ndarray, log_scale: np.ndarray, truth: np.ndarray, probability: float) -> float:
    """mean(|ln p - ln t| <= b * ln(1 / (1 - probability))): a share, to be compared with `probability`.

    log_scale: b, the Laplace scale of log depth that the model states for each prediction. The interval is
    the one that `Scene.depth_interval` gives. A missing prediction, or one without a scale, covers nothing.
    """
    p, t, count, b = _pairs_with_scale(prediction, log_scale, truth)
    inside = np.abs(np.log(p / t)) <= b * math.log(1 / (1 - probability))
    return float(inside.sum() / count) if count else math.nan


def laplace_nll(prediction: np.ndarray, log_scale: np.ndarray, truth: np.ndarray) -> float:
    """mean(|ln p - ln t| / b + ln(2 b)): negative log likelihood of log depth, nats a pixel; lower is better."""
    p, t, _, b = _pairs_with_scale(prediction, log_scale, truth)
    return _mean(np.abs(np.log(p / t)) / b + np.log(2 * b))


def uncertainty_metrics(prediction: np.ndarray, log_scale: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """`coverage_50` ... `coverage_95` and `nll`."""
    shares = {f"coverage_{round(100 * q)}": coverage(prediction, log_scale, truth, q) for q in PROBABILITIES}
    return {**shares, "nll": laplace_nll(prediction, log_scale, truth)}


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


def _pairs(prediction: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Present predictions and their truths, float64, and the number of valid truths."""
    prediction, truth = _same_shape(prediction, truth)
    here = valid(truth)
    present = here & valid(prediction)
    return prediction[present], truth[present], int(here.sum())


def _pairs_with_scale(
    prediction: np.ndarray, log_scale: np.ndarray, truth: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int, np.ndarray]:
    prediction, truth = _same_shape(prediction, truth)
    scale, _ = _same_shape(log_scale, truth)
    here = valid(truth)
    present = here & valid(prediction) & valid(scale)
    return prediction[present], truth[present], int(here.sum()), scale[present]


def _same_shape(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"shapes {first.shape} and {second.shape} differ: compare pixel with pixel")
    return first, second


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else math.nan
