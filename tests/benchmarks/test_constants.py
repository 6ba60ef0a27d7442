"""The best constant: no other one beats it, photographs weigh the same, and memory is bounded."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.adapters.base import check_spec, load_adapter
from benchmarks.constants import Constant, Truths
from benchmarks.metrics import DepthErrors
from heads.errors import InputError
from vlm.images import load_image

photographs_of = st.lists(arrays(np.float64, st.integers(1, 8), elements=st.floats(0.2, 20)), min_size=1, max_size=5)


def best_constant(photographs: list[np.ndarray]) -> tuple[Constant, Constant]:
    """For delta1 and for AbsRel."""
    kept = Truths()
    for truth in photographs:
        kept.add(truth)
    for_delta, for_abs_rel = kept.best_for_delta1(), kept.best_for_abs_rel()
    assert for_delta is not None and for_abs_rel is not None
    return for_delta, for_abs_rel


def share(constant: float, photographs: list[np.ndarray]) -> float:
    return float(np.mean([DepthErrors(np.full(t.shape, constant), t).delta() for t in photographs]))


def relative(constant: float, photographs: list[np.ndarray]) -> float:
    return float(np.mean([DepthErrors(np.full(t.shape, constant), t).abs_rel() for t in photographs]))


@settings(max_examples=20, deadline=None)
@given(photographs_of)
def test_no_constant_beats_the_best_constant(photographs):
    for_delta, for_abs_rel = best_constant(photographs)
    assert for_delta.score == pytest.approx(share(for_delta.metres, photographs))
    assert for_abs_rel.score == pytest.approx(relative(for_abs_rel.metres, photographs))
    tried = np.geomspace(0.1, 30, 200)
    assert for_delta.score >= max(share(c, photographs) for c in tried) - 1e-9
    # AbsRel is piecewise linear in c: its least value is at one of the truths
    tried = np.concatenate([tried, *photographs])
    assert for_abs_rel.score <= min(relative(c, photographs) for c in tried) + 1e-9


def test_by_hand():
    # 2, 2.4 and 3 fit in one window (3 < 1.5625 * 2); 10 does not
    for_delta, _ = best_constant([np.array([2.0, 2.4, 3.0, 10.0])])
    assert for_delta.score == pytest.approx(0.75) and for_delta.metres == pytest.approx(math.sqrt(6))


def test_photographs_weigh_the_same_however_many_pixels_they_have():
    for_delta, _ = best_constant([np.full(1000, 1.0), np.array([5.0]), np.array([5.0])])
    assert for_delta.metres == pytest.approx(5.0) and for_delta.score == pytest.approx(2 / 3)


def test_the_order_of_photographs_changes_nothing():
    rng = np.random.default_rng(1)
    photographs = [rng.uniform(1, 9, 30) for _ in range(8)]
    assert best_constant(photographs) == best_constant(photographs[::-1])


def test_merging_changes_nothing(monkeypatch):
    rng = np.random.default_rng(1)
    photographs = [rng.integers(1, 40, 30) / 8 for _ in range(8)]
    expected = best_constant(photographs)
    monkeypatch.setattr("benchmarks.constants.MOST_VALUES", 45)  # fewer than are added, more than are distinct
    assert best_constant(photographs) == expected


def test_more_distinct_depths_than_are_kept_are_rounded_to_a_hundredth_of_a_percent(monkeypatch):
    rng = np.random.default_rng(2)
    photographs = [rng.uniform(1, 1.02, 300) for _ in range(20)]  # 6000 distinct values, 198 steps of 0.01 %
    expected = best_constant(photographs)
    monkeypatch.setattr("benchmarks.constants.MOST_VALUES", 400)
    kept = Truths()
    for truth in photographs:
        kept.add(truth)
    for_abs_rel = kept.best_for_abs_rel()
    assert len(kept._values) <= 200
    assert for_abs_rel.metres == pytest.approx(expected[1].metres, rel=2e-4)
    assert for_abs_rel.score == pytest.approx(expected[1].score, abs=2e-4)


def test_without_any_truth():
    kept = Truths()
    kept.add(np.array([np.nan, 0.0, np.inf]))
    assert kept.best_for_delta1() is None and kept.best_for_abs_rel() is None


def test_a_constant_is_a_model_like_any_other():
    photo = load_image(np.zeros((3, 4, 3), np.uint8))
    prediction = load_adapter("constant:2.5").predict([photo], [None], None)[0]
    assert prediction.depth_metric.shape == (3, 4) and (prediction.depth_metric == 2.5).all()
    assert prediction.camera is None and prediction.log_depth_scale is None  # it claims neither
    kept = Truths()
    kept.add(np.array([2.0, 2.4, 3.0, 10.0]))
    assert load_adapter("constant:best").fitted(kept).metres == pytest.approx(math.sqrt(6))


@pytest.mark.parametrize("spec", ["constant:0", "constant:-1", "constant:far", "constant:inf", "constant:", "wizard:x"])
def test_what_is_no_model_is_told_before_anything_is_loaded(spec):
    with pytest.raises(InputError, match=r"model: .*allowed: "):
        check_spec(spec)
