"""The best that one constant can do: what a model must beat before its answers say anything about the image.

The constant is chosen on the very data that it is scored on (an oracle's choice), so it flatters the constant.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.metrics import valid

_MERGE_AT = 1_000_000


@dataclass(frozen=True)
class Constant:
    """One depth for every pixel: `metres`, and the `score` it reaches."""

    metres: float
    score: float


@dataclass
class Truths:
    """True depths of a data set, as distinct values with weights: photographs weigh the same, not pixels.

    That is how data sets are averaged (`benchmarks.depth`), and it is small: a 16-bit map has at most 65535
    distinct depths, however many photographs are added.
    """

    _parts: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    _photographs: int = 0

    def add(self, truth: np.ndarray) -> None:
        """The depths of one photograph, metres, any shape; invalid ones are left out."""
        values, counts = np.unique(np.asarray(truth, dtype=np.float64)[valid(truth)], return_counts=True)
        if not len(values):
            return
        self._photographs += 1
        self._parts.append((values, counts / counts.sum()))
        if sum(len(values) for values, _ in self._parts) > _MERGE_AT:
            self._parts = [self._merged()]

    def best_for_delta1(self) -> Constant | None:
        """The depth c with the largest share of max(c / t, t / c) < 1.25; None where there is no truth.

        Exact: depths from t_low to t_high can all be met iff t_high < 1.25^2 * t_low, by c = sqrt(t_low *
        t_high); so for each true depth as t_low the share up to 1.5625 * t_low is summed, and the best kept.
        """
        if not self._parts:
            return None
        values, weights = self._merged()
        ends = np.searchsorted(values, 1.25**2 * values, side="left")
        total = np.concatenate([[0.0], np.cumsum(weights)])
        low = int(np.argmax(total[ends] - total[:-1]))
        metres = float(np.sqrt(values[low] * values[ends[low] - 1]))
        right = np.maximum(metres / values, values / metres) < 1.25
        return Constant(metres, float(weights[right].sum() / self._photographs))

    def best_for_abs_rel(self) -> Constant | None:
        """The depth c with the smallest mean |c - t| / t; None where there is no truth.

        Exact: sum_i w_i |c - t_i| / t_i is least at the median of t weighted by w_i / t_i.
        """
        if not self._parts:
            return None
        values, weights = self._merged()
        pull = np.cumsum(weights / values)
        metres = float(values[np.searchsorted(pull, pull[-1] / 2)])
        return Constant(metres, float((weights * np.abs(metres - values) / values).sum() / self._photographs))

    def _merged(self) -> tuple[np.ndarray, np.ndarray]:
        values, place = np.unique(np.concatenate([values for values, _ in self._parts]), return_inverse=True)
        return values, np.bincount(place, np.concatenate([weights for _, weights in self._parts]))


def best_constant(truths: Iterable[np.ndarray]) -> tuple[Constant, Constant]:
    """The best constants of a data set for delta1 and for AbsRel; truths: one array of metres a photograph."""
    kept = Truths()
    for truth in truths:
        kept.add(truth)
    for_delta, for_abs_rel = kept.best_for_delta1(), kept.best_for_abs_rel()
    if for_delta is None or for_abs_rel is None:
        raise ValueError("truths: not one valid depth; allowed: at least one finite depth above 0")
    return for_delta, for_abs_rel
