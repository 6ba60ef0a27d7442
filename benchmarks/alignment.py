"""Depth that is right only up to a factor (and a shift), put on the truth before it is scored.

    scale, shift = fit(values, truth, "depth_metric", "scale")
    depth_z = apply(values, "depth_metric", scale, shift)

Only on request, and every table says so: an aligned prediction has been told the answer's scale. Which
alignment a model needs follows from what it claims; a stronger claim may always be aligned, too.
"""

from typing import Literal

import numpy as np

from benchmarks.adapters.base import Prediction
from benchmarks.metrics import same_shape, valid

Alignment = Literal["none", "scale", "affine"]
ALIGNMENTS = ("none", "scale", "affine")

PERMITTED = {
    "none": ("depth_metric",),
    "scale": ("depth_metric", "depth_scale_invariant"),
    "affine": ("depth_metric", "depth_scale_invariant", "depth_affine_invariant", "disparity_affine_invariant"),
}
"""Which claims each alignment can score, strongest first."""


def claimed(prediction: Prediction, alignment: Alignment) -> tuple[str, np.ndarray] | None:
    """(name, map) of the strongest claim that this alignment can score; None: a dash."""
    for name in PERMITTED[alignment]:
        values = getattr(prediction, name)
        if values is not None:
            return name, values
    return None


def fit(values: np.ndarray, truth: np.ndarray, claim: str, alignment: Alignment) -> tuple[float, float]:
    """(scale, shift) from pairs of one shape, over those that are there: the truth finite and above 0, the values
    finite (and above 0, where they are depth that is right up to a factor).

    "scale": exp(median(ln t - ln p)), shift 0: half of the pixels end up too near, half too far.
    "affine" of depth: least squares of scale * p + shift - t (as Marigold, Ke et al. 2024); of disparity: of
    scale * d + shift - 1 / t (as MiDaS, Ranftl et al. 2020).
    (1, 0) where there is no pair, and for "none"; a constant prediction gets the shift alone.
    """
    values, truth = same_shape(values, truth)
    here = valid(truth) & (np.isfinite(values) if "affine" in claim else valid(values))
    if alignment == "none" or not here.any():
        return 1.0, 0.0
    p, t = values[here], truth[here]
    if alignment == "scale":
        return float(np.exp(np.median(np.log(t / p)))), 0.0
    t = 1 / t if claim.startswith("disparity") else t
    spread = ((p - p.mean()) ** 2).sum()
    scale = float(((p - p.mean()) * (t - t.mean())).sum() / spread) if spread > 0 else 0.0
    return scale, float(t.mean() - scale * p.mean())


def apply(values: np.ndarray, claim: str, scale: float, shift: float) -> np.ndarray:
    """Depth in metres: scale * values + shift, or 1 over it for a disparity; not above 0 is missing (nan).

    inf (sky) stays inf. Depth that is right up to a factor and not above 0 is missing before it is shifted, too.
    """
    moved = scale * np.asarray(values, dtype=np.float64) + shift
    if claim.startswith("disparity"):
        with np.errstate(divide="ignore"):
            moved = 1 / moved
        return np.where(np.isfinite(moved) & (moved > 0), moved, np.nan)
    there = (moved > 0) & ("affine" in claim or np.asarray(values) > 0)
    return np.where(np.isposinf(values), np.inf, np.where(there, moved, np.nan))
