"""Uncertainty: by hand, by the Laplace distribution it claims to be, and by curves that are known beforehand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks import uncertainty
from benchmarks.columns import CURVE_PROBABILITIES, CURVE_REMOVED
from tests.benchmarks.test_metrics import cases


@pytest.mark.parametrize("case", cases("uncertainty.json"))
def test_hand_worked(case):
    truth = np.full(len(case["log_error"]), 3.0)
    prediction = truth * np.exp(case["log_error"])
    found = uncertainty.uncertainty_metrics(prediction, np.array(case["log_scale"]), truth)
    assert {key: found[key] for key in case["measures"]} == pytest.approx(case["measures"], abs=1e-9)


def test_a_missing_prediction_or_scale_covers_nothing():
    truth, prediction = np.full(4, 2.0), np.array([2.0, np.nan, np.inf, 2.0])
    scale = np.array([1.0, 1.0, 1.0, np.nan])
    assert uncertainty.uncertainty_metrics(prediction, scale, truth)["coverage_90"] == pytest.approx(1 / 4)


def test_coverage_and_likelihood_follow_the_laplace_distribution():
    rng = np.random.default_rng(0)
    truth, scale = np.full(200_000, 3.0), np.full(200_000, 0.2)
    prediction = truth * np.exp(rng.laplace(0, 0.2, truth.shape))
    found, wide, narrow = (uncertainty.uncertainty_metrics(prediction, scale * k, truth) for k in (1, 2, 0.5))
    for probability in uncertainty.PROBABILITIES:
        assert found[f"coverage_{round(100 * probability)}"] == pytest.approx(probability, abs=0.005)
    # entropy of a Laplace variable: 1 + ln(2 b)
    assert found["nll"] == pytest.approx(1 + math.log(0.4), abs=0.01)
    assert wide["nll"] > found["nll"] < narrow["nll"]
    assert uncertainty.calibration_error(found["coverage_curve"]) < 0.003
    # intervals of half the width: they hold 1 - (1 - q)^(1/2) instead of q
    expected = np.mean([q - (1 - math.sqrt(1 - q)) for q in CURVE_PROBABILITIES])
    assert uncertainty.calibration_error(narrow["coverage_curve"]) == pytest.approx(expected, abs=0.003)


def test_sparsification_by_hand():
    # errors 0, 1, ... 19 of 20 pixels, truth 1 m: with the k largest removed, the mean of the rest is (19 - k) / 2
    truth, error = np.ones(20), np.arange(20.0)
    found = uncertainty.sparsification(truth + error, error + 1, truth)
    assert found["sparsification_model"] == pytest.approx([(19 - k) / 2 for k in range(20)])
    assert found["sparsification_oracle"] == found["sparsification_model"] and found["ause_abs_rel"] == 0
    assert found["sparsification_random"] == pytest.approx([9.5] * 20)
    # area between 9.5 and the falling line, by trapezoids: mean of k / 2 over k = 0 ... 19, ends half, times 0.95
    assert found["aurg_abs_rel"] == pytest.approx(0.95 * 9.5 / 2)
    worst = uncertainty.sparsification(truth + error, 20 - error, truth)  # surest where it is most wrong
    assert worst["sparsification_model"] == pytest.approx([(19 + k) / 2 for k in range(20)])
    assert worst["aurg_abs_rel"] == pytest.approx(-0.95 * 9.5 / 2)


def slow_curve(error: np.ndarray, rank: np.ndarray) -> list[float]:
    """Removing one share after the other, written out."""
    order = sorted(range(len(error)), key=lambda i: -rank[i])
    return [float(np.mean([error[i] for i in order[math.floor(f * len(error) + 1e-9) :]])) for f in CURVE_REMOVED]


@settings(deadline=None, max_examples=20)
@given(arrays(np.float64, st.integers(1, 60), elements=st.floats(0.2, 5)), st.randoms(use_true_random=False))
def test_sparsification_against_a_second_implementation(ratios, random):
    truth = np.full(len(ratios), 2.0)
    ranks = np.array(random.sample(range(1, 1000), len(ratios)), float)  # no ties
    found = uncertainty.sparsification(truth * ratios, ranks, truth)
    error = np.abs(ratios - 1)
    assert found["sparsification_model"] == pytest.approx(slow_curve(error, ranks))
    assert found["sparsification_oracle"] == pytest.approx(slow_curve(error, error))
    assert found["ause_abs_rel"] >= -1e-12 and found["ause_rmse"] >= -1e-12  # nobody ranks better than the error itself
    both = found["ause_abs_rel"] + found["aurg_abs_rel"]
    area = np.subtract(found["sparsification_random"], found["sparsification_oracle"])
    assert both == pytest.approx(np.trapezoid(area, CURVE_REMOVED))


def test_one_scale_for_all_pixels_ranks_as_chance_does():
    rng = np.random.default_rng(1)
    truth = np.full(5000, 2.0)
    prediction = truth * np.exp(rng.normal(0, 0.3, 5000))
    found = uncertainty.sparsification(prediction, np.full(5000, 0.3), truth)
    assert found["aurg_abs_rel"] == pytest.approx(0, abs=1e-9) and found["ause_abs_rel"] > 0.05
