"""Distances between pixels: by hand, from a perfect model, on real triangles with the file's own focal and without."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.adapters.base import Prediction, load_adapter
from benchmarks.adapters.fathom import FathomAdapter
from benchmarks.depth_tables import distance_tables
from benchmarks.distance import DistanceOptions, DistanceTask, ratio_errors, run_distance
from benchmarks.running import read_parts
from heads.camera import Camera
from heads.errors import InputError
from tests.benchmarks.knowing import KnowingAdapter
from tests.tiny import tiny_model, tiny_records
from vlm.records import Record, read_records

TRIBENCH = Path(__file__).parents[3] / "shared" / "data" / "real" / "tribench.jsonl"


def triangles(folder: Path, size=(64, 96)) -> list[Record]:
    """One photograph of a wall at 2 m seen at 100 px focal, with a triangle on it whose sides are 0.6, 1.0, 0.8 m."""
    lines = []
    for line in tiny_records(folder, 2, size).read_text().splitlines():
        row = json.loads(line) | {"original_fx": 100.0, "original_fy": 100.0, "depth_path": None}
        # 100 px at 2 m: 1 px is 2 cm. A (20, 20), B 30 px right of it, C 40 px below it
        a, b, c = [20.0, 20.0], [50.0, 20.0], [20.0, 60.0]
        pairs = [(a, b, 0.6), (b, c, 1.0), (c, a, 0.8)]
        row["distances"] = [{"a": p, "b": q, "metres": metres} for p, q, metres in pairs]
        lines.append(json.dumps({key: value for key, value in row.items() if value is not None}))
    path = folder / "triangles.jsonl"
    path.write_text("\n".join(lines))
    return list(read_records(path))


class Wall:
    """Sees a wall at `metres` everywhere; its own camera has `focal` px."""

    name, needs_camera, facts = "wall", False, {}
    claims = frozenset({"depth_metric", "camera"})

    def __init__(self, metres: float, focal: float = 100.0):
        self.metres, self.focal = metres, focal

    def predict(self, photos, cameras, pixels):
        self.cameras, self.pixels = cameras, pixels
        own = Camera.from_intrinsics(self.focal, width=96, height=64, source="rays")
        return [Prediction(np.full((64, 96), self.metres, np.float32), camera=own) for _ in photos]


def test_a_wall_seen_where_it_is(tmp_path):
    records = triangles(tmp_path)
    found = run_distance(Wall(2.0), records, tmp_path / "run", DistanceOptions()).datasets["tiny"]
    assert found["abs_rel"] == pytest.approx(0, abs=1e-6) and found["ratio_error"] == pytest.approx(0, abs=1e-6)
    assert (found["within_10"], found["within_25"], found["ratio_within_10"]) == (1, 1, 1)
    assert (found["pairs"], found["missing"]) == (6, 0) and "coverage_90" not in found


def test_a_wall_seen_a_fifth_too_far_makes_everything_a_fifth_too_long(tmp_path):
    records, wall = triangles(tmp_path), Wall(2.4)
    result = run_distance(wall, records, tmp_path / "run", DistanceOptions())
    found = result.datasets["tiny"]
    assert found["abs_rel"] == pytest.approx(0.2) and (found["within_10"], found["within_25"]) == (0, 1)
    assert found["ratio_error"] == pytest.approx(0, abs=1e-6)  # a ratio needs no scale
    assert wall.cameras == [records[0].camera, records[1].camera]
    assert wall.pixels[0].tolist()[:2] == [[20, 20], [50, 20]]
    (rows,) = read_parts(tmp_path / "run")
    assert rows[0]["predicted_m"] == pytest.approx([0.72, 1.2, 0.96]) and rows[0]["true_m"] == [0.6, 1.0, 0.8]
    assert "| tiny | wall | given | 2 | 0.200 | 0.000 | 1.000 |" in distance_tables([result])[0].markdown()


def test_without_the_camera_the_models_own_is_used(tmp_path):
    records, wall = triangles(tmp_path), Wall(2.0, focal=200.0)  # half as wide as it is
    found = run_distance(wall, records, tmp_path / "run", DistanceOptions("none")).datasets["tiny"]
    assert wall.cameras == [None, None] and found["abs_rel"] == pytest.approx(0.5)


def test_what_is_not_predicted_is_wrong_and_counted(tmp_path):
    records = triangles(tmp_path)
    constant = run_distance(load_adapter("constant:2.0"), records, tmp_path / "a", DistanceOptions("none"))
    found = constant.datasets["tiny"]  # it knows no camera: no distance
    assert (found["missing"], found["within_25"]) == (6, 0) and "abs_rel" not in found
    assert found["ratio_within_25"] == 0
    given = run_distance(load_adapter("constant:2.0"), records, tmp_path / "b", DistanceOptions("given"))
    assert given.datasets["tiny"]["within_10"] == 1


@pytest.mark.parametrize("choice", ["best", "best-abs-rel"])
def test_the_best_constant_stands_where_the_pairs_are_right(choice, tmp_path):
    records = triangles(tmp_path)  # a wall at 2 m, all of it
    result = run_distance(load_adapter(f"constant:{choice}"), records, tmp_path / "run", DistanceOptions())
    assert result.protocol["constants_m"] == {"tiny": pytest.approx(2.0)}
    assert result.datasets["tiny"]["abs_rel"] == pytest.approx(0, abs=1e-6)
    assert "chosen on each data set's own truth: tiny 2.00 m" in distance_tables([result])[0].markdown()
    # without a camera no constant has a distance
    blind = run_distance(load_adapter(f"constant:{choice}"), records, tmp_path / "blind", DistanceOptions("none"))
    assert (blind.datasets["tiny"]["missing"], blind.datasets["tiny"]["within_25"]) == (6, 0)
    assert blind.protocol["constants_m"] == {}


def test_the_models_own_way_comes_first_and_its_intervals_are_covered(tmp_path):
    records = triangles(tmp_path)
    task = DistanceTask(DistanceOptions(), frozenset({"distance", "log_depth_scale"}))
    sample = task.load(records[0], {})
    # sides 0.6, 1.0, 0.8; answers 0.5, sky, 0.9; half widths grow with the probability: 0.05 at 50 %, 0.095 at 95 %

    def distance(a, b, probability):
        metres = {20.0: 0.5, 50.0: None}[a[0]] if a[1] == 20 else 0.9
        if metres is None:
            raise InputError("pixel_a", "it is sky", "a surface")
        return metres, metres - 0.1 * probability, metres + 0.1 * probability

    row = task.score(sample, Prediction(distance=distance))
    assert row["predicted_m"][[0, 2]] == pytest.approx([0.5, 0.9]) and np.isnan(row["predicted_m"][1])
    assert (row["missing"], row["pairs"]) == (1, 3)
    assert row["within_10"] == 0 and row["within_25"] == pytest.approx(2 / 3)  # 16.7 and 12.5 %
    assert (row["coverage_50"], row["coverage_95"]) == (0, 0)  # 0.6 is not within 0.5 +- 0.095, nor 0.8 in 0.9 +- 0.095
    assert row["lower_m"][0] == pytest.approx(0.41) and row["upper_m"][2] == pytest.approx(0.99)
    wide = task.score(
        sample, Prediction(distance=lambda a, b, p: (0.7, 0.7 - 0.15 / (1.2 - p), 0.7 + 0.15 / (1.2 - p)))
    )
    assert (wide["coverage_50"], wide["coverage_95"]) == (pytest.approx(2 / 3), 1)  # half widths 0.21 and 0.6


def test_the_ratio_of_two_sides_by_hand():
    ends = np.array([[[0, 0], [3, 0]], [[3, 0], [0, 4]], [[0, 4], [0, 0]]], float)
    found = ratio_errors(ends, np.array([6.6, 9.0, 8.0]), np.array([3.0, 5.0, 4.0]))  # 0.825 instead of 0.75
    assert found == {"ratio_error": pytest.approx(0.1), "ratio_within_10": 1.0, "ratio_within_25": 1.0}
    assert ratio_errors(ends, np.array([np.nan, 9, 8]), np.array([3.0, 5, 4]))["ratio_within_25"] == 0
    assert ratio_errors(ends[:2], np.ones(2), np.ones(2)) == {}
    assert ratio_errors(ends[[0, 2, 1]], np.ones(3), np.ones(3)) == {}  # not AB, BC, CA


def test_pairs_are_drawn_from_depth_maps_where_a_record_has_none(tmp_path):
    records = list(read_records(tiny_records(tmp_path, 3)))
    options = DistanceOptions("given", pairs=12)
    found = run_distance(KnowingAdapter(records), records, tmp_path / "a", options).datasets["tiny"]
    assert 30 <= found["pairs"] <= 36 and found["missing"] == 0
    assert found["abs_rel"] == pytest.approx(0, abs=1e-6) and "ratio_error" not in found
    far = run_distance(KnowingAdapter(records, factor=1.2), records, tmp_path / "b", options).datasets["tiny"]
    assert far["pairs"] == found["pairs"] and far["abs_rel"] == pytest.approx(0.2, rel=1e-4)


def test_a_record_without_distances_or_depth_is_bad(tmp_path):
    (tmp_path / "plain.jsonl").write_text(
        json.dumps({k: v for k, v in json.loads(tiny_records(tmp_path, 1).read_text()).items() if "depth" not in k})
    )
    records = list(read_records(tmp_path / "plain.jsonl"))
    found = run_distance(Wall(2.0), records, tmp_path / "run", DistanceOptions())
    assert found.micro["bad"] == 1 and "distances: plain.jsonl:1 has none" in found.troubles[0]["problem"]


def test_tiny_model_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr("vlm.scene.SKY_ABOVE", 2.0)  # its random weights see sky everywhere
    result = run_distance(FathomAdapter(tiny_model(), "tiny"), triangles(tmp_path), tmp_path / "run", DistanceOptions())
    found = result.datasets["tiny"]
    assert (found["pairs"], found["missing"]) == (6, 0) and 0 <= found["within_25"] <= 1
    assert 0 <= found["coverage_50"] <= found["coverage_95"] <= 1  # the intervals of `Scene.distance`
    assert found["abs_rel"] > 0


@pytest.mark.skipif(not TRIBENCH.is_file(), reason=f"needs {TRIBENCH}")
def test_real_triangles_with_the_focal_of_the_file_and_without(tmp_path):
    lines = []
    for line in TRIBENCH.read_text().splitlines()[:4]:  # 005_T0 and _T1 are stored sideways
        row = json.loads(line)
        corners = row["pixels"]
        pairs = [{"a": corners[s[0]], "b": corners[s[1]], "metres": row["sides_m"][s]} for s in ("AB", "BC", "CA")]
        lines.append({"dataset": "tribench", "domain": "indoor", "scene_id": row["image"], "image": row["image"]})
        lines[-1] |= {"original_rgb_size": row["size"], "distances": pairs}
    path = tmp_path / "triangles.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    records = list(read_records(path, TRIBENCH.parent))
    nano = load_adapter("nano")
    for camera, source in (("given", {"exif": 4}), ("none", {"rays": 4})):
        found = run_distance(nano, records, tmp_path / camera, DistanceOptions(camera)).datasets["tribench"]
        assert (found["bad"], found["failed"], found["pairs"]) == (0, 0, 12)
        assert found["focal_from"] == source
        assert 0 < found["abs_rel"] < 20 and 0 < found["ratio_error"] < 5 and 0 <= found["coverage_90"] <= 1
