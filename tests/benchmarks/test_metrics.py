"""Measures of depth against numbers worked out by hand, a second implementation, and what must not change them."""

import json
import math
import statistics
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.metrics import DepthErrors, sky_metrics
from benchmarks.summary import Sums

CASES = Path(__file__).parent / "cases"
depths = arrays(np.float64, st.integers(1, 40), elements=st.floats(0.1, 100))
factors = arrays(np.float64, 40, elements=st.floats(0.3, 3))


def cases(name: str) -> list:
    """The cases of a JSON file, as parameters that pytest names."""
    return [pytest.param(case, id=case["name"]) for case in json.loads((CASES / name).read_text())["cases"]]


def numbers(values: list) -> np.ndarray:
    """null is nan, "inf" is inf."""
    return np.array([math.nan if value is None else float(value) for value in values])


def measures(prediction: np.ndarray, truth: np.ndarray) -> dict:
    return DepthErrors(prediction, truth).measures()


@pytest.mark.parametrize("case", cases("depth.json"))
def test_hand_worked(case):
    found = measures(numbers(case["prediction"]), numbers(case["truth"]))
    assert {key: found[key] for key in case["measures"]} == pytest.approx(case["measures"], rel=1e-8, abs=1e-8)


def by_the_formulas(prediction: list[float], truth: list[float]) -> dict[str, float]:
    """Pixel by pixel with Python's own numbers, from Eigen et al. 2014 and KITTI's development kit."""
    pairs = [(p, t) for p, t in zip(prediction, truth, strict=True) if math.isfinite(t) and t > 0]
    there = [(p, t) for p, t in pairs if math.isfinite(p) and p > 0]
    logs = [math.log(p) - math.log(t) for p, t in there]
    found = {f"delta{i}": sum(max(p / t, t / p) < 1.25**i for p, t in there) / len(pairs) for i in (1, 2, 3)}
    return found | {
        "abs_rel": statistics.fmean(abs(p - t) / t for p, t in there),
        "sq_rel": statistics.fmean((p - t) ** 2 / t for p, t in there),
        "rmse": math.sqrt(statistics.fmean((p - t) ** 2 for p, t in there)),
        "rmse_log": math.sqrt(statistics.fmean(e**2 for e in logs)),
        "log10": statistics.fmean(abs(math.log10(p) - math.log10(t)) for p, t in there),
        "silog": 100 * statistics.pstdev(logs),
        "pixels": len(pairs),
        "missing": len(pairs) - len(there),
    }


@settings(deadline=None, max_examples=40)
@given(depths, factors, st.lists(st.sampled_from([math.nan, math.inf, 0.0, -1.0]), max_size=3))
def test_the_same_as_a_second_implementation(truth, bend, absent):
    prediction = truth * bend[: len(truth)]
    truth = np.concatenate([truth, np.full(len(absent), 2.0), [math.nan, math.inf]])
    prediction = np.concatenate([prediction, absent, [1.0, 1.0]])
    found, expected = measures(prediction, truth), by_the_formulas(prediction.tolist(), truth.tolist())
    assert {key: found[key] for key in expected} == pytest.approx(expected, rel=1e-9, abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(depths, factors, st.floats(0.5, 2.0))
def test_what_must_not_change_a_measure(truth, bend, factor):
    prediction = truth * bend[: len(truth)]
    one, other = DepthErrors(prediction, truth), DepthErrors(truth, prediction)
    for power in (1, 2, 3):
        assert one.delta(power) == other.delta(power)  # too near by a factor is as wrong as too far by it
    assert (one.rmse_log(), one.log10(), one.silog()) == pytest.approx((other.rmse_log(), other.log10(), other.silog()))
    scaled, unit = DepthErrors(prediction * factor, truth), DepthErrors(prediction * factor, truth * factor)
    assert scaled.silog() == pytest.approx(one.silog(), abs=1e-4)  # at lambda 1 a common factor is no error
    assert unit.abs_rel() == pytest.approx(one.abs_rel()) and unit.log10() == pytest.approx(one.log10(), abs=1e-12)
    assert unit.rmse() == pytest.approx(factor * one.rmse()) and unit.sq_rel() == pytest.approx(factor * one.sq_rel())
    order = np.random.default_rng(0).permutation(len(truth))
    again = DepthErrors(prediction[order], truth[order])
    assert (again.abs_rel(), again.silog()) == pytest.approx((one.abs_rel(), one.silog()), abs=1e-6)
    assert one.delta(1) <= one.delta(2) <= one.delta(3) and one.rmse_log() * 100 >= one.silog() - 1e-6


def test_silog_with_half_of_the_mean():
    # errors ln 1.5 and -ln 2 and 0: mean of squares minus half of the squared mean
    found = DepthErrors(np.array([1.0, 3.0, 2.0]), np.array([1.0, 2.0, 4.0]))
    ln15, ln2 = math.log(1.5), math.log(2)
    expected = 100 * math.sqrt((ln15**2 + ln2**2) / 3 - 0.5 * ((ln15 - ln2) / 3) ** 2)
    assert found.silog(lam=0.5) == pytest.approx(expected)


def test_nothing_to_score():
    nothing = measures(np.ones(2), np.full(2, np.nan))
    assert nothing["pixels"] == 0 and math.isnan(nothing["delta1"]) and math.isnan(nothing["silog"])


def test_maps_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="differ"):
        DepthErrors(np.ones(4), np.ones((2, 2)))


def test_error_against_distance():
    # 1.5 m: right; 1.5 m: missing; 4 m: twice as far; the other bins are empty
    found = DepthErrors(np.array([1.5, np.nan, 8.0]), np.array([1.5, 1.5, 4.0])).by_distance((0, 1, 3, 5, math.inf))
    assert found["distance_pixels"] == [0, 2, 1, 0] and found["distance_missing"] == [0, 1, 0, 0]
    np.testing.assert_equal(found["distance_delta1"], [math.nan, 0.5, 0.0, math.nan])
    np.testing.assert_equal(found["distance_abs_rel"], [math.nan, 0.0, 1.0, math.nan])


def test_error_against_distance_over_photographs_counts_every_present_pixel_once():
    # 4 truths at 1.5 m, 3 missing, the one there 100 % off; then 4 that are all right: AbsRel 1 / 5, delta1 4 / 8
    sums = Sums()
    for prediction in ([3.0, np.nan, np.nan, np.nan], [1.5] * 4):
        row = DepthErrors(np.array(prediction), np.full(4, 1.5)).by_distance()
        sums.add({"status": "ok", "focal_from": None} | row)
    found = sums.summary()
    assert found["distance_abs_rel"][1] == pytest.approx(1 / 5) and found["distance_delta1"][1] == 0.5


def test_sky():
    truth = np.array([np.inf, np.inf, 5.0, np.nan])
    found = sky_metrics(np.array([0.9, 0.2, 0.8, 0.9]), truth)
    assert found == {"sky_accuracy": pytest.approx(1 / 3), "sky_iou": pytest.approx(1 / 3)}
    assert sky_metrics(np.ones(2), np.ones(2)) == {}  # no sky in the truth: nothing to say
