"""Alignment: only on request, by the published rules, and never for a claim that is too weak."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.adapters.base import Prediction
from benchmarks.alignment import apply, claimed, fit
from tests.benchmarks.test_metrics import cases

depths = arrays(np.float64, st.integers(3, 30), elements=st.floats(0.5, 50))


@pytest.mark.parametrize("case", cases("alignment.json"))
def test_hand_worked(case):
    values, truth = np.array(case["values"], float), np.array(case["truth"], float)
    scale, shift = fit(values, truth, case["claim"], case["alignment"])
    assert (scale, shift) == pytest.approx((case["scale"], case["shift"]))
    assert apply(values, case["claim"], scale, shift) == pytest.approx(case["aligned"])


@settings(deadline=None, max_examples=30)
@given(depths, st.floats(0.1, 10), st.floats(0.1, 5))
def test_what_was_hidden_from_the_model_is_found_again(truth, factor, moved):
    truth[0] = truth[1] + 10  # not all the same
    scale, shift = fit(truth / factor, truth, "depth_scale_invariant", "scale")
    assert (scale, shift) == pytest.approx((factor, 0))
    scale, shift = fit((truth - moved) / factor, truth, "depth_affine_invariant", "affine")
    assert apply((truth - moved) / factor, "depth_affine_invariant", scale, shift) == pytest.approx(truth, rel=1e-6)
    disparity = (1 / truth - moved) / factor
    scale, shift = fit(disparity, truth, "disparity_affine_invariant", "affine")
    assert apply(disparity, "disparity_affine_invariant", scale, shift) == pytest.approx(truth, rel=1e-5)


def test_least_squares_as_another_library_has_it():
    rng = np.random.default_rng(0)
    values, truth = rng.uniform(0, 3, 50), rng.uniform(1, 9, 50)
    expected = np.polyfit(values, truth, 1)
    assert fit(values, truth, "depth_affine_invariant", "affine") == pytest.approx(tuple(expected))


def test_what_is_not_there_is_not_fitted_and_what_ends_up_behind_the_camera_is_missing():
    values, truth = np.array([1.0, np.nan, np.inf, 2.0]), np.array([2.0, 100.0, 100.0, 4.0])
    assert fit(values, truth, "depth_scale_invariant", "scale") == pytest.approx((2, 0))
    assert fit(values[1:3], truth[1:3], "depth_scale_invariant", "scale") == (1, 0)
    np.testing.assert_equal(
        apply(np.array([1.0, 5.0, np.inf, np.nan]), "depth_metric", 1, -2), [np.nan, 3, np.inf, np.nan]
    )
    np.testing.assert_equal(
        apply(np.array([-1.0, 0.0, 2.0]), "disparity_affine_invariant", 1, 0), [np.nan, np.nan, 0.5]
    )
    # metres that are not above 0 are no prediction: a shift must not make them one; up to a shift they may be
    np.testing.assert_equal(apply(np.array([-1.0, 0.0, 2.0]), "depth_metric", 1, 2), [np.nan, np.nan, 4])
    np.testing.assert_equal(apply(np.array([-1.0, 0.0, 2.0]), "depth_affine_invariant", 1, 2), [1, 2, 4])
    assert fit(np.full(3, 7.0), np.array([1.0, 2, 3]), "depth_affine_invariant", "affine") == (0, 2)  # a constant


def test_only_what_a_claim_permits():
    weak = Prediction(depth_affine_invariant=np.ones((2, 2)))
    assert claimed(weak, "none") is None and claimed(weak, "scale") is None and claimed(weak, "affine") is not None
    metric = Prediction(depth_metric=np.ones((2, 2)), disparity_affine_invariant=np.ones((2, 2)))
    for alignment in ("none", "scale", "affine"):
        assert claimed(metric, alignment)[0] == "depth_metric"  # the strongest one
