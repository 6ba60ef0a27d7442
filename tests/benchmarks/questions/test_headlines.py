"""The totals of each benchmark, on made-up scores whose totals are known by hand."""

import pytest

from benchmarks.questions import benchmark


def samples(*rows: tuple, names: str = "type group score") -> list[dict]:
    return [dict(zip(names.split(), row, strict=True)) for row in rows]


def test_cv_bench_means_its_two_flat_sources_first():
    rows = [("Count", "ADE20K", 1), ("Relation", "ADE20K", 0), ("Count", "COCO", 1), ("Depth", "Omni3D", 0)]
    rows += [("Depth", "Omni3D", 1), ("Distance", "Omni3D", 0), ("Distance", "Omni3D", 0)]
    found = benchmark("cv-bench").headline(samples(*rows))
    assert found == {"2D": 0.75, "3D": 0.25, "all": 0.5}  # (1/2 + 1) / 2; 1/4
    only_flat = benchmark("cv-bench").headline(samples(*rows[:3]))
    assert only_flat == {"2D": 0.75, "3D": None, "all": None}  # not half of it


def test_vsi_bench_counts_the_three_directions_as_one_task():
    rows = [("object_counting", "", 0.6), ("object_counting", "", 0.8), ("route_planning", "", 1)]
    rows += [("object_rel_direction_easy", "", 1), ("object_rel_direction_medium", "", 0)]
    rows += [("object_rel_direction_hard", "", 0), ("object_rel_direction_hard", "", 1)]
    found = benchmark("vsi-bench").headline(samples(*rows))
    assert found["object_counting"] == pytest.approx(0.7) and found["object_rel_direction"] == 0.5
    assert found["room_size_estimation"] is None
    assert found["mean of tasks"] == pytest.approx((0.7 + 1 + 0.5) / 3)


def test_spatialbench_pairs():
    rows = [("existence", "0", 1), ("existence", "0", 1), ("existence", "1", 1), ("existence", "1", 0)]
    rows += [("reach", "0", 1), ("reach", "0", 1), ("reach", "1", 1), ("reach", "1", 0)]
    rows += [("positional", "", 1), ("positional", "", 0), ("counting", "", 0.75), ("counting", "", -0.25)]
    found = benchmark("spatialbench").headline(samples(*rows))
    assert found["existence"] == 0.5  # one of two pairs
    assert found["reach"] == pytest.approx((3 + 1) / 6)  # a point for either and one for both, of 3
    assert found["positional"] == 0.5 and found["counting"] == 0.25 and found["size"] is None
    assert found["mean"] == pytest.approx((0.5 + 4 / 6 + 0.5 + 0.25) / 4)


def test_always_yes_earns_nothing_where_both_of_a_pair_must_be_right():
    rows = [("existence", "0", 1), ("existence", "0", 0)] * 1 + [("existence", "1", 1), ("existence", "1", 0)]
    assert benchmark("spatialbench").headline(samples(*rows))["existence"] == 0


def test_spatialrgpt_bench_errors_are_of_lengths_that_could_be_read():
    names = "type group score rule error"
    rows = [
        ("height_data", "quantitative", 1, "metres within 25 %", 0.1),
        ("width_data", "quantitative", 0, "metres within 25 %", 0.5),
        ("width_data", "quantitative", 0, "metres within 25 %", None),
        ("direction", "quantitative", 1, "hour", 1 / 12),
        ("tall_choice", "qualitative", 1, "region", None),
    ]
    found = benchmark("spatialrgpt-bench").headline(samples(*rows, names=names))
    assert found == {"qualitative": 1, "quantitative": 0.5, "absolute relative error": pytest.approx(0.3)}


def test_q_spatial_tells_its_two_parts():
    rows = [("Q-Spatial plus", 1), ("Q-Spatial plus", 0), ("Q-Spatial ScanNet", 1), ("Q-Spatial ScanNet", 1)]
    found = benchmark("q-spatial").headline(samples(*rows, names="dataset score"))
    assert found == {"success, plus": 0.5, "success, ScanNet": 1, "success": 0.75}


@pytest.mark.parametrize("name", ["blink-depth", "embspatial"])
def test_plain_accuracy(name):
    assert benchmark(name).headline(samples(("far", "", 1), ("close", "", 0))) == {"accuracy": 0.5}
