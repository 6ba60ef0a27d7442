"""Measures of depth against numbers worked out by hand, and what must not change them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks import metrics
from benchmarks.constants import Truths, best_constant

depths = arrays(np.float64, st.integers(1, 40), elements=st.floats(0.1, 100))


def test_hand_worked_case():
    # ratios 1, 1.5, 2 against the truths 1, 2, 4
    truth, prediction = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0])
    found = metrics.depth_metrics(prediction, truth)
    assert found["delta1"] == pytest.approx(1 / 3)  # 1.5 >= 1.25
    assert found["delta2"] == pytest.approx(2 / 3)  # 1.5 < 1.5625
    assert found["delta3"] == pytest.approx(2 / 3)  # 2 >= 1.953
    assert found["abs_rel"] == pytest.approx((0 + 0.5 + 0.5) / 3)
    assert found["sq_rel"] == pytest.approx((0 + 0.5 + 1.0) / 3)
    assert found["rmse"] == pytest.approx(math.sqrt((0 + 1 + 4) / 3))
    ln15, ln2 = math.log(1.5), math.log(2)
    assert found["rmse_log"] == pytest.approx(math.sqrt((ln15**2 + ln2**2) / 3))
    assert found["log10"] == pytest.approx((math.log10(1.5) + math.log10(2)) / 3)
    mean = (ln15 - ln2) / 3
    assert found["silog"] == pytest.approx(100 * math.sqrt((ln15**2 + ln2**2) / 3 - mean**2))
    assert metrics.silog(prediction, truth, lam=0.5) == pytest.approx(
        100 * math.sqrt((ln15**2 + ln2**2) / 3 - 0.5 * mean**2)
    )
    assert (found["pixels"], found["missing"]) == (3, 0)


def test_a_prediction_that_is_no_depth_is_wrong_and_counted():
    truth = np.array([2.0, 2.0, 2.0, 2.0, 2.0])
    prediction = np.array([2.0, np.nan, np.inf, 0.0, -2.0])
    found = metrics.depth_metrics(prediction, truth)
    assert found["delta1"] == found["delta3"] == pytest.approx(1 / 5)
    assert (found["pixels"], found["missing"]) == (5, 4)
    assert found["abs_rel"] == 0  # over the one that is there
    assert metrics.coverage(prediction, np.ones(5), truth, 0.9) == pytest.approx(1 / 5)


def test_pixels_without_true_depth_do_not_count():
    truth = np.array([2.0, np.nan, np.inf, 0.0, -1.0])
    found = metrics.depth_metrics(np.array([2.0, 9, 9, 9, 9]), truth)
    assert (found["delta1"], found["abs_rel"], found["pixels"], found["missing"]) == (1.0, 0.0, 1, 0)
    nothing = metrics.depth_metrics(np.ones(2), np.full(2, np.nan))
    assert nothing["pixels"] == 0 and math.isnan(nothing["delta1"]) and math.isnan(nothing["silog"])


def test_maps_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="differ"):
        metrics.rmse(np.ones(4), np.ones((2, 2)))


@settings(deadline=None)
@given(depths, st.floats(0.5, 2.0))
def test_scale_and_symmetry(truth, factor):
    prediction = truth * np.linspace(0.8, 1.6, len(truth))
    for power in (1, 2, 3):
        assert metrics.delta(prediction, truth, power) == metrics.delta(truth, prediction, power)
    assert metrics.silog(prediction * factor, truth) == pytest.approx(metrics.silog(prediction, truth), abs=1e-4)
    both = metrics.abs_rel(prediction * factor, truth * factor)
    assert both == pytest.approx(metrics.abs_rel(prediction, truth))  # a unit changes no relative error
    assert metrics.delta(truth * 1.3, truth) == 0 and metrics.delta(truth * 1.3, truth, 2) == 1


def test_coverage_and_likelihood_follow_the_laplace_distribution():
    rng = np.random.default_rng(0)
    truth, scale = np.full(200_000, 3.0), np.full(200_000, 0.2)
    prediction = truth * np.exp(rng.laplace(0, 0.2, truth.shape))
    for probability in metrics.PROBABILITIES:
        assert metrics.coverage(prediction, scale, truth, probability) == pytest.approx(probability, abs=0.005)
    # entropy of a Laplace variable: 1 + ln(2 b)
    assert metrics.laplace_nll(prediction, scale, truth) == pytest.approx(1 + math.log(0.4), abs=0.01)
    assert metrics.laplace_nll(prediction, scale * 2, truth) > metrics.laplace_nll(prediction, scale, truth)


def test_coverage_by_hand():
    truth, prediction = np.array([1.0, 1.0]), np.array([math.e, math.exp(0.1)])
    # b ln(1 / (1 - 0.5)) = 0.693 b: an error of 1 is outside at b = 1, inside at b = 2
    assert metrics.coverage(prediction, np.array([1.0, 1.0]), truth, 0.5) == 0.5
    assert metrics.coverage(prediction, np.array([2.0, 1.0]), truth, 0.5) == 1.0
    assert metrics.laplace_nll(prediction, np.ones(2), truth) == pytest.approx(1.1 / 2 + math.log(2))


def test_sky():
    truth = np.array([np.inf, np.inf, 5.0, np.nan])
    found = metrics.sky_metrics(np.array([0.9, 0.2, 0.8, 0.9]), truth)
    assert found == {"sky_accuracy": pytest.approx(1 / 3), "sky_iou": pytest.approx(1 / 3)}
    assert metrics.sky_metrics(np.ones(2), np.ones(2)) == {}  # no sky in the truth: nothing to say


def _share(constant: float, photographs: list[np.ndarray]) -> float:
    return float(np.mean([metrics.delta(np.full(t.shape, constant), t) for t in photographs]))


def _relative(constant: float, photographs: list[np.ndarray]) -> float:
    return float(np.mean([metrics.abs_rel(np.full(t.shape, constant), t) for t in photographs]))


@settings(max_examples=30, deadline=None)
@given(st.lists(arrays(np.float64, st.integers(1, 8), elements=st.floats(0.2, 20)), min_size=1, max_size=5))
def test_no_constant_beats_the_best_constant(photographs):
    for_delta, for_abs_rel = best_constant(photographs)
    assert for_delta.score == pytest.approx(_share(for_delta.metres, photographs))
    assert for_abs_rel.score == pytest.approx(_relative(for_abs_rel.metres, photographs))
    tried = np.geomspace(0.1, 30, 200)
    assert for_delta.score >= max(_share(c, photographs) for c in tried) - 1e-9
    # AbsRel is piecewise linear in c: its least value is at one of the truths
    tried = np.concatenate([tried, *photographs])
    assert for_abs_rel.score <= min(_relative(c, photographs) for c in tried) + 1e-9


def test_best_constant_by_hand():
    # 2, 2.4 and 3 fit in one window (3 < 1.5625 * 2); 10 does not
    for_delta, _ = best_constant([np.array([2.0, 2.4, 3.0, 10.0])])
    assert for_delta.score == 0.75 and for_delta.metres == pytest.approx(math.sqrt(6))


def test_photographs_weigh_the_same_however_many_pixels_they_have():
    for_delta, _ = best_constant([np.full(1000, 1.0), np.array([5.0]), np.array([5.0])])
    assert for_delta.metres == pytest.approx(5.0) and for_delta.score == pytest.approx(2 / 3)


def test_merging_changes_nothing(monkeypatch):
    rng = np.random.default_rng(1)
    photographs = [rng.uniform(1, 9, 30) for _ in range(8)]
    expected = best_constant(photographs)
    monkeypatch.setattr("benchmarks.constants._MERGE_AT", 40)
    for found, wanted in zip(best_constant(photographs), expected, strict=True):
        assert (found.metres, found.score) == (pytest.approx(wanted.metres), pytest.approx(wanted.score))


def test_without_any_truth():
    assert Truths().best_for_delta1() is None
    with pytest.raises(ValueError, match="truths"):
        best_constant([np.array([np.nan])])
