"""The difference of two accuracies on the same questions: hand-computed, against a formula, and by simulation."""

import math

import numpy as np
import pytest

from benchmarks.paired import paired_difference, paired_means, paired_samples
from heads.errors import InputError


def test_an_interval_worked_out_by_hand():
    """12 questions, 4 that only A gets right, 1 that only B gets: (1 - 4) / 14 -+ 1.96 sqrt(6 - 9 / 14) / 14."""
    a = [True] * 4 + [False] * 1 + [True] * 5 + [False] * 2
    b = [False] * 4 + [True] * 1 + [True] * 5 + [False] * 2
    found = paired_difference(a, b)
    assert (found.only_a, found.only_b, found.questions, found.photographs) == (4, 1, 12, 12)
    assert (found.accuracy_a, found.accuracy_b) == (0.75, 0.5) and found.difference == pytest.approx(-0.25)
    assert (found.low, found.high) == pytest.approx((-0.538316, 0.109745), abs=1e-5)


def agresti_min(only_a: int, only_b: int, n: int) -> tuple[float, float]:
    """The published form: half a question is added to each of the four cells of the table."""
    lost, won, total = only_a + 0.5, only_b + 0.5, n + 2
    centre = (won - lost) / total
    half = 1.959964 * math.sqrt(won + lost - (won - lost) ** 2 / total) / total
    return centre - half, centre + half


@pytest.mark.parametrize("seed", range(20))
def test_one_question_a_photograph_is_agresti_and_mins_interval(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.random((2, rng.integers(1, 60))) < rng.random((2, 1))
    found = paired_difference(a, b)
    assert (found.low, found.high) == pytest.approx(agresti_min((a & ~b).sum(), (b & ~a).sum(), len(a)))
    mirrored = paired_difference(b, a)
    assert (mirrored.difference, mirrored.low, mirrored.high) == pytest.approx(
        (-found.difference, -found.high, -found.low)
    )


def test_agreement_on_everything_still_has_a_width():
    found = paired_difference([True] * 100, [True] * 100)
    assert found.difference == 0 and 0.01 < found.high == -found.low < 0.03


@pytest.mark.parametrize("together", [1, 8])
def test_95_of_100_intervals_hold_the_true_difference(together):
    """Questions of one photograph share their luck entirely: without clusters 8 of them would seem 8 witnesses."""
    rng, held, plain = np.random.default_rng(5), 0, 0
    for _ in range(1000):
        uniform = rng.random((2, 60)).repeat(together, axis=1)
        a, b = uniform[0] < 0.6, np.where(uniform[1] < 0.5, uniform[0] < 0.6, uniform[1] < 0.85)  # 0.6, 0.65
        photographs = np.arange(60).repeat(together).tolist()
        found = paired_difference(a, b, photographs)
        held += found.low <= 0.05 <= found.high
        unaware = paired_difference(a, b)
        plain += unaware.low <= 0.05 <= unaware.high
    assert 925 <= held <= 975
    assert plain == held if together == 1 else plain < 700


def test_means_of_any_measure():
    """Differences 0.1, 0.3, 0.2: mean 0.2, standard error 0.1 / sqrt 3."""
    found = paired_means([0.5, 0.4, 0.6], [0.6, 0.7, 0.8])
    assert (found.accuracy_a, found.accuracy_b, found.difference) == pytest.approx((0.5, 0.7, 0.2))
    assert (found.low, found.high) == pytest.approx((0.2 - 0.113159, 0.2 + 0.113159), abs=1e-6)
    assert (found.only_a, found.only_b) == (0, 3)
    same = paired_means([0.5, 0.4], [0.5, 0.4])
    assert same.low == same.high == 0
    assert paired_means([1.0], [2.0]).high == math.inf


def sample(where: str, number: int, right: bool, kind: str = "count", question: str = "How many?") -> dict:
    return {"where": where, "image": where, "number": number, "type": kind, "question": question, "score": float(right)}


def test_two_runs_are_paired_by_question_whatever_their_order():
    a = [sample("r:1", 0, True), sample("r:1", 1, False, "where"), sample("r:2", 0, True)]
    b = [sample("r:2", 0, True), sample("r:1", 0, False), sample("r:1", 1, True, "where")]
    found = paired_samples(a, b)
    assert list(found) == ["all", "count", "where"]
    assert (found["all"].questions, found["all"].photographs, found["all"].difference) == (3, 2, 0)
    assert (found["count"].difference, found["where"].difference) == (-0.5, 1)


def test_runs_on_different_questions_cannot_be_compared():
    a = [sample("r:1", 0, True)]
    for other in ([], [sample("r:1", 1, True)], [sample("r:1", 0, True, question="How far?")]):
        with pytest.raises(InputError, match=r"^model: .*different questions; allowed"):
            paired_samples(a, other)
    with pytest.raises(InputError, match="as many of each"):
        paired_difference([True], [True, False])
