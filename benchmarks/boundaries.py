"""Depth edges and depth order: how wide, how well placed, and is near nearer than far?

Maps are (h, w) depth_z in metres on one grid (the truth's); nan or inf where there is no surface. Nothing here
changes when all predictions are multiplied by one factor.
"""

import math
from typing import Any

import numpy as np

from benchmarks.metrics import valid

STEP = math.log(1.1)  # between neighbouring pixels: a true depth edge
FLATTER_THAN = 0.25  # of the step: what the truth may change on either side of an isolated edge
HALF_WINDOW = 0.04  # of the longer side: how far from the edge its two sides are read
MOST_EDGES = 2000  # profiles a direction, evenly picked
MOST_PAIRS = 4096
GAPS = (1.10, 1.25)  # far over near, of a pair whose order is asked
NEIGHBOURHOOD = 10.0  # pixels: theta of iBims-1
CANNY_SIGMA, CANNY_LOW, CANNY_HIGH = math.sqrt(2), 0.15, 0.3  # as iBims-1's evaluation has them


def edge_widths(prediction: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """10-90 % width of the prediction across isolated true depth edges, in pixels of the maps.

    A true edge: two neighbours of a row or column whose log depths differ by more than ln 1.1, with R pixels on
    either side (4 % of the longer side, at least 8) that are all surface and change by less than a quarter of the
    step. With L the log of depth along those 2 R pixels, a and z the means of its first and last R // 2 and
    q = (L - a) / (z - a): width = x(q first reaches 0.9) - x(q was last at 0.1 before), linear between pixels.
    A step between two neighbouring pixels gives 0.8, a ramp over n pixels 0.8 n, a blur with a Gaussian of
    sigma s 2.563 s. `edges_found`: share of edges across which the prediction makes at least half of the true
    step, in its direction (else, or where it is missing, there is no width to speak of; nor is there one of a
    profile that is nowhere at 0.1 before it reaches 0.9).
    `edge_width_true_px`: the truth's own width there (0.8 of a perfect sensor).
    """
    found = [_profiles(prediction, truth), _profiles(prediction.T, truth.T)]
    predicted, true = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
    half = found[0][0].shape[1] // 2
    if not len(true):
        return {"edges": 0}
    steps, widths = zip(*(_steps_and_widths(profiles, half) for profiles in (predicted, true)), strict=True)
    with np.errstate(invalid="ignore"):
        made = steps[0] / steps[1] >= 0.5  # a nan is not
    return {
        "edges": len(true),
        "edges_found": float(made.mean()),
        "edge_width_px": _mean(widths[0][made]),
        "edge_width_true_px": _mean(widths[1][made]),
    }


def _profiles(prediction: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log depth of prediction and truth across isolated edges between columns: two (n, 2 R)."""
    half = max(8, round(HALF_WINDOW * max(truth.shape)))
    width = truth.shape[1]
    if width < 2 * half:
        return np.empty((0, 2 * half)), np.empty((0, 2 * half))
    log_truth, log_prediction = _log(truth), _log(prediction)
    with np.errstate(invalid="ignore"):
        steps = np.abs(np.diff(log_truth, axis=1))[:, half - 1 : width - half]  # of windows that begin at 0, 1, ...
        rows, starts = np.nonzero(steps > STEP)
    columns = starts[:, None] + np.arange(2 * half)
    true = log_truth[rows[:, None], columns]
    step = np.abs(true[:, half] - true[:, half - 1])
    flat = [np.ptp(side, axis=1) <= FLATTER_THAN * step for side in (true[:, :half], true[:, half:])]
    isolated = np.flatnonzero(flat[0] & flat[1])  # a nan anywhere is neither
    isolated = isolated[:: max(1, math.ceil(len(isolated) / MOST_EDGES))]
    return log_prediction[rows[isolated, None], columns[isolated]], true[isolated]


def _steps_and_widths(profiles: np.ndarray, half: int) -> tuple[np.ndarray, np.ndarray]:
    """z - a, and the 10-90 % width, of each profile; nan where it is not all there or has no such width."""
    n = profiles.shape[1]
    a, z = profiles[:, : half // 2].mean(1), profiles[:, -(half // 2) :].mean(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        q = (profiles - a[:, None]) / (z - a)[:, None]
        above = np.argmax(q >= 0.9, axis=1)
        low = (q <= 0.1) & (np.arange(n) < above[:, None])
        below = np.where(low.any(1), n - 1 - np.argmax(low[:, ::-1], axis=1), 0)
        row = np.arange(len(q))
        before, after = np.maximum(above - 1, 0), np.minimum(below + 1, n - 1)
        x90 = above - (q[row, above] - 0.9) / np.where(above > 0, q[row, above] - q[row, before], 1)
        x10 = below + (0.1 - q[row, below]) / (q[row, after] - q[row, below])
    return z - a, np.where(low.any(1), x90 - x10, math.nan)


def _mean(widths: np.ndarray) -> float:
    there = widths[np.isfinite(widths)]
    return float(there.mean()) if len(there) else math.nan


def boundary_errors(prediction: np.ndarray, truth: np.ndarray, edges: np.ndarray | None = None) -> dict[str, float]:
    """Depth boundary errors of iBims-1 (Koch et al. 2018, eq. 6 and 7), pixels of the maps, 0 to 10.

    y: edges of the predicted map, by Canny on depth scaled to 0..1 (sigma sqrt 2, thresholds 0.15 and 0.3);
    y*: true edges, `edges` (h, w; nonzero = edge) or by the same Canny on the truth. With e, e* the Euclidean
    distance of each pixel to the nearest edge of y, y*:
    accuracy = mean of e* over the pixels of y that are less than 10 from a true edge (10 where there is none);
    completeness = mean of min(e, 10) over the pixels of y*. {} where the truth has no edge or half of it is
    unknown; pixels within 4 of unknown truth are left out. Sky is taken as far as the farthest surface, and so is
    whatever is predicted beyond what is predicted for true surfaces.
    """
    known = valid(truth) | np.isposinf(truth)
    if known.mean() < 0.5:
        return {}
    trusted = _distance_to(~known) > 4
    true = (canny(_filled(truth)) if edges is None else np.asarray(edges) > 0) & trusted
    if not true.any():
        return {}
    surface = prediction[valid(truth) & valid(prediction)]
    farthest = surface.max() if len(surface) else np.inf
    predicted = canny(_filled(np.where(prediction > farthest, np.inf, prediction))) & trusted
    if not predicted.any():
        return {"boundary_accuracy_px": NEIGHBOURHOOD, "boundary_completeness_px": NEIGHBOURHOOD}
    to_true, to_predicted = _distance_to(true)[predicted], _distance_to(predicted)[true]
    near = to_true[to_true < NEIGHBOURHOOD]
    return {
        "boundary_accuracy_px": float(near.mean()) if len(near) else NEIGHBOURHOOD,
        "boundary_completeness_px": float(np.minimum(to_predicted, NEIGHBOURHOOD).mean()),
    }


def _distance_to(pixels: np.ndarray) -> np.ndarray:
    """(h, w): how far each pixel is from the nearest one of `pixels` (h, w) bool, Euclidean; inf where none is."""
    from scipy import ndimage

    if not pixels.any():
        return np.full(pixels.shape, np.inf)
    return np.asarray(ndimage.distance_transform_edt(~pixels))


def canny(values: np.ndarray) -> np.ndarray:
    """(h, w) bool edges of a finite map, scaled to 0..1 (Canny 1986): a Gaussian, Sobel's gradient, its maxima
    along its own direction, and of those all that hang together with one above the high threshold."""
    from scipy import ndimage

    low, high = values.min(), values.max()
    smooth = ndimage.gaussian_filter((values - low) / max(high - low, 1e-12), CANNY_SIGMA, mode="nearest")
    gy, gx = ndimage.sobel(smooth, 0), ndimage.sobel(smooth, 1)
    size = np.hypot(gx, gy)
    rows, columns = np.nonzero(size >= CANNY_LOW)
    here = size[rows, columns]
    longer = np.maximum(np.abs(gx), np.abs(gy))[rows, columns]
    dy, dx = gy[rows, columns] / longer, gx[rows, columns] / longer
    beside = [
        ndimage.map_coordinates(size, [rows + sign * dy, columns + sign * dx], order=1, mode="constant")
        for sign in (1, -1)
    ]
    top = np.zeros(values.shape, bool)
    top[rows, columns] = (here >= beside[0]) & (here >= beside[1])
    labelled: Any = ndimage.label(top, np.ones((3, 3)))
    group, count = labelled
    strong = np.zeros(count + 1, bool)
    strong[group[top & (size >= CANNY_HIGH)]] = True
    strong[0] = False
    return strong[group]


def order_errors(prediction: np.ndarray, truth: np.ndarray, key: str = "") -> dict[str, float]:
    """Share of pairs of pixels whose true depths are 10 to 25 % apart and that the prediction has wrong.

    Up to 4096 pairs: a pixel drawn evenly, then one drawn evenly from those 1.10 to 1.25 times as far (the same
    draws for the same `key`). Wrong: the far one is not predicted farther (equal is wrong, missing is wrong;
    predicted sky is farther than all). Arrays of one shape, sparse ones too.
    """
    here = valid(truth)
    order = np.argsort(truth[here], kind="stable")
    t, p = np.asarray(truth[here], np.float64)[order], np.asarray(prediction[here], np.float64)[order]
    first, last = np.searchsorted(t, GAPS[0] * t, side="left"), np.searchsorted(t, GAPS[1] * t, side="right")
    able = np.flatnonzero(last > first)
    if not len(able):
        return {"order_pairs": 0}
    drawn = np.random.default_rng(list(key.encode()))
    near = able[drawn.integers(0, len(able), min(MOST_PAIRS, len(able) * 8))]
    far = drawn.integers(first[near], last[near])
    wrong = ~((p[far] > p[near]) & (p[near] > 0))
    return {"order_pairs": len(near), "order_wrong": float(wrong.mean())}


def _log(depth_z: np.ndarray) -> np.ndarray:
    """Log depth, nan where there is no surface."""
    here = valid(depth_z)
    return np.log(np.where(here, depth_z, 1), dtype=np.float64, where=here, out=np.full(depth_z.shape, np.nan))


def _filled(depth_z: np.ndarray) -> np.ndarray:
    """float64, sky as far as the farthest surface, unknown as the nearest known pixel."""
    from scipy import ndimage

    here = valid(depth_z)
    filled = np.where(here, depth_z, depth_z[here].max() if here.any() else 1.0).astype(np.float64)
    unknown = ~(here | np.isposinf(depth_z))
    if unknown.any() and not unknown.all():
        nearest: Any = ndimage.distance_transform_edt(unknown, return_distances=False, return_indices=True)
        filled = filled[tuple(nearest)]
    return filled
