"""The best that one constant can do: what a model must beat before its answers say anything about the image.

The constant is chosen on the very data that it is scored on (an oracle's choice), so it flatters the constant.
"""

from dataclasses import dataclass, field

import numpy as np

from benchmarks.metrics import valid

MOST_VALUES = 1_000_000  # distinct depths kept exactly; beyond that they are rounded
FINE = 1e-4  # then: to whole steps of 0.01 %
UNIT = 2**40  # a photograph's weight, as whole numbers: sums do not depend on the order of adding


@dataclass(frozen=True)
class Constant:
    """One depth for every pixel: `metres`, and the `score` it reaches."""

    metres: float
    score: float


@dataclass
class Truths:
    """True depths of a data set, as distinct values with weights: photographs weigh the same, not pixels.

    That is how data sets are averaged (`benchmarks.summary`). Memory is bounded: 16-bit maps have at most 65535
    distinct depths however many photographs are added; where there are more than MOST_VALUES (floating point),
    all are rounded to steps of 0.01 %, and so is the constant.
    """

    _values: np.ndarray = field(default_factory=lambda: np.empty(0))
    _weights: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    _waiting: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    _rounded: bool = False

    def add(self, truth: np.ndarray) -> None:
        """The depths of one photograph, metres, any shape; invalid ones are left out."""
        values, counts = np.unique(np.asarray(truth, dtype=np.float64)[valid(truth)], return_counts=True)
        if not len(values):
            return
        self._waiting.append((values, np.rint(counts * (UNIT / counts.sum())).astype(np.int64)))
        if sum(len(values) for values, _ in self._waiting) > MOST_VALUES:
            self._merge()

    def best_for_delta1(self) -> Constant | None:
        """The depth c with the largest share of max(c / t, t / c) < 1.25; None where there is no truth.

        Exact: depths from t_low to t_high can all be met iff t_high < 1.25^2 * t_low, by c = sqrt(t_low *
        t_high); so for each true depth as t_low the share up to 1.5625 * t_low is summed, and the best kept.
        """
        values, weights = self._merge()
        if not len(values):
            return None
        ends = np.searchsorted(values, 1.25**2 * values, side="left")
        total = np.concatenate([[0], np.cumsum(weights)])
        low = int(np.argmax(total[ends] - total[:-1]))
        metres = float(np.sqrt(values[low] * values[ends[low] - 1]))
        right = np.maximum(metres / values, values / metres) < 1.25
        return Constant(metres, float(weights[right].sum() / weights.sum()))

    def best_for_abs_rel(self) -> Constant | None:
        """The depth c with the smallest mean |c - t| / t; None where there is no truth.

        Exact: sum_i w_i |c - t_i| / t_i is least at the median of t weighted by w_i / t_i.
        """
        values, weights = self._merge()
        if not len(values):
            return None
        pull = np.cumsum(weights / values)
        metres = float(values[np.searchsorted(pull, pull[-1] / 2)])
        return Constant(metres, float((weights * np.abs(metres - values) / values).sum() / weights.sum()))

    def _merge(self) -> tuple[np.ndarray, np.ndarray]:
        if self._waiting:
            parts = [(self._values, self._weights), *self._waiting]
            self._waiting = []
            self._sum(np.concatenate([v for v, _ in parts]), np.concatenate([w for _, w in parts]))
            if len(self._values) > MOST_VALUES and not self._rounded:
                self._rounded = True
                self._sum(self._values, self._weights)
        return self._values, self._weights

    def _sum(self, values: np.ndarray, weights: np.ndarray) -> None:
        """Equal values become one; their weights are added, exactly."""
        if self._rounded:
            values = np.exp(np.rint(np.log(values) / FINE) * FINE)
        self._values, place = np.unique(values, return_inverse=True)
        self._weights = np.zeros(len(self._values), np.int64)
        np.add.at(self._weights, place, weights)
