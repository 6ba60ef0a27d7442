"""Is B better than A? The difference of two accuracies on the very same questions, with its interval.

    found = paired_difference(a_right, b_right, photographs)
    found.difference, found.low, found.high      # 0.012, -0.003, 0.027: B - A, and its 95 % interval

Pairing takes out what is hard or easy about a question for both; only those that one of them gets right and the
other wrong tell them apart.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from heads.errors import InputError

NORMAL_95 = 1.959964  # of a normal distribution, 95 % lies within so many standard deviations


@dataclass(frozen=True)
class PairedDifference:
    """accuracy_a, accuracy_b: shares right of the same `questions`; difference = b - a; low, high: its 95 % interval.

    only_a, only_b: questions on which one of them did better; photographs: clusters of the interval.
    """

    questions: int
    photographs: int
    accuracy_a: float
    accuracy_b: float
    difference: float
    low: float
    high: float
    only_a: int
    only_b: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def paired_difference(
    a: Sequence[float], b: Sequence[float], photographs: Sequence[Hashable] | None = None
) -> PairedDifference:
    """a[i], b[i]: whether question i was answered right before and after, or by one model and the other; where a rule
    gives parts, the part.

    photographs: which one question i is about, as questions about one picture stand and fall together; each its own
    where None. With d_i = b_i - a_i and n questions,

        centre = sum d_i / (n + 2)
        V      = sum over photographs of (sum over its questions of (d_i - centre))^2 + 1 + 2 centre^2
        low, high = centre -+ 1.96 sqrt(V) / (n + 2)

    where every photograph has one question that is Agresti and Min's interval for matched pairs ("Simple improved
    confidence intervals for comparing matched proportions", Statistics in Medicine 24, 2005, section 3: half a
    question is added to each of the four cells, so that the interval has a width even where A and B agree on
    everything); with more it is the cluster-robust one of the same estimate (Cameron and Miller, "A practitioner's
    guide to cluster-robust inference", Journal of Human Resources 50, 2015, equation 11), which a few photographs
    alone make too narrow. `difference` itself is the plain mean of d_i.
    """
    groups = range(len(a)) if photographs is None else photographs
    if not len(a) == len(b) == len(groups) or not len(a):
        raise InputError("a, b", f"{len(a)}, {len(b)} answers, {len(groups)} photographs", "as many of each, 1 or more")
    differences = [float(right) - float(left) for left, right in zip(a, b, strict=True)]
    n = len(differences)
    centre = sum(differences) / (n + 2)
    residuals: dict[Hashable, float] = defaultdict(float)
    for group, difference in zip(groups, differences, strict=True):
        residuals[group] += difference - centre
    variance = sum(value**2 for value in residuals.values()) + 1 + 2 * centre**2
    half = NORMAL_95 * math.sqrt(variance) / (n + 2)
    return PairedDifference(
        questions=n,
        photographs=len(residuals),
        accuracy_a=sum(map(float, a)) / n,
        accuracy_b=sum(map(float, b)) / n,
        difference=sum(differences) / n,
        low=centre - half,
        high=centre + half,
        only_a=sum(difference < 0 for difference in differences),
        only_b=sum(difference > 0 for difference in differences),
    )


def paired_means(a: Sequence[float], b: Sequence[float]) -> PairedDifference:
    """Any measure of the same photographs by two models: accuracy_a and _b are its means.

    The usual interval of a mean of differences d_i = b_i - a_i, without end where there is one photograph:
    mean(d) -+ 1.96 sqrt(sum (d_i - mean(d))^2 / (n - 1) / n).
    """
    if len(a) != len(b) or not len(a):
        raise InputError("a, b", f"{len(a)}, {len(b)} values", "as many of each, 1 or more")
    differences = [float(right) - float(left) for left, right in zip(a, b, strict=True)]
    n = len(differences)
    centre = sum(differences) / n
    spread = sum((difference - centre) ** 2 for difference in differences)
    half = NORMAL_95 * math.sqrt(spread / (n - 1) / n) if n > 1 else math.inf
    return PairedDifference(
        questions=n,
        photographs=n,
        accuracy_a=sum(map(float, a)) / n,
        accuracy_b=sum(map(float, b)) / n,
        difference=centre,
        low=centre - half,
        high=centre + half,
        only_a=sum(difference < 0 for difference in differences),
        only_b=sum(difference > 0 for difference in differences),
    )


def paired_samples(a: list[dict[str, Any]], b: list[dict[str, Any]]) -> dict[str, PairedDifference]:
    """Samples of two runs (see `benchmarks.spatial_qa`) -> "all" and every type -> their difference.

    InputError where the two runs were not asked the same questions.
    """
    before, after = ({(row["image"], row["where"], row["number"]): row for row in rows} for rows in (a, b))
    same = before.keys() == after.keys() and all(before[key]["question"] == after[key]["question"] for key in before)
    if not same or not before:
        raise InputError("model", "the two runs have different questions", "runs on the same records, drawn alike")
    kinds: dict[str, list[tuple[str, str, int]]] = {"all": list(before)}
    for key, row in before.items():
        kinds.setdefault(row["type"], []).append(key)
    return {
        kind: paired_difference(
            [before[key]["score"] for key in keys],
            [after[key]["score"] for key in keys],
            [before[key]["image"] for key in keys],
        )
        for kind, keys in kinds.items()
    }
