"""The depth benchmark on models whose score is known beforehand, and end to end on a tiny real one."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.adapters.base import Prediction, load_adapter
from benchmarks.adapters.fathom import FathomAdapter
from benchmarks.depth import DepthOptions, DepthTask, run_depth
from benchmarks.depth_tables import depth_tables, overview
from benchmarks.report import write_json
from benchmarks.running import read_parts
from heads.errors import InputError
from tests.benchmarks.knowing import KnowingAdapter
from tests.tiny import tiny_model, tiny_records
from vlm.records import Record, read_records


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    return list(read_records(tiny_records(tmp_path, 5)))


@pytest.fixture
def measured(tmp_path: Path):
    """Runs a model on records in one way, each time into a folder of its own."""

    def run(adapter, records, **options):
        measured.number += 1
        measured.folder = tmp_path / f"run-{measured.number}"
        return run_depth(adapter, records, measured.folder, DepthOptions(**options))

    measured = run
    measured.number = 0
    measured.rows = lambda: [row for part in read_parts(measured.folder) for row in part]
    return run


def changed_records(folder: Path, **changes) -> list[Record]:
    """The tiny records with some fields of every line replaced; None removes one."""
    lines = []
    for line in tiny_records(folder, 3).read_text().splitlines():
        row = {**json.loads(line), **changes}
        lines.append(json.dumps({key: value for key, value in row.items() if value is not None}))
    path = folder / "changed.jsonl"
    path.write_text("\n".join(lines))
    return list(read_records(path))


def test_a_perfect_model_scores_perfect(records, measured):
    result = measured(KnowingAdapter(records), records, camera="none")
    found = result.datasets["tiny"]
    assert (found["delta1"], found["abs_rel"], found["rmse"], found["silog"]) == (1, 0, 0, 0)
    assert (found["sky_accuracy"], found["sky_iou"], found["coverage_50"]) == (1, 1, 1)
    assert (found["order_wrong"], found["ause_abs_rel"], found["boundary_accuracy_px"]) == (0, 0, 0)
    assert found["normal_mean_deg"] == pytest.approx(0, abs=1e-3)
    assert found["fov_error_deg"] == pytest.approx(0, abs=1e-9)
    assert found["ray_angle_deg"] == found["principal_point_error"] == pytest.approx(0, abs=1e-6)
    assert (found["missing"], found["photographs"], found["without_truth"]) == (0, 5, 0)
    assert found["pixels"] == sum(np.isfinite(record.depth_z()).sum() for record in records)
    assert result.macro["delta1"] == result.micro["delta1"] == result.domains["outdoor"]["delta1"] == 1
    assert found["distance_pixels"] and sum(found["distance_pixels"]) == found["pixels"]


def test_too_far_by_a_third(records, measured):
    found = measured(KnowingAdapter(records, factor=1.3, scale=0.1), records).datasets["tiny"]
    assert found["delta1"] == 0 and found["delta2"] == 1
    assert found["abs_rel"] == pytest.approx(0.3, rel=1e-5)
    assert found["silog"] == pytest.approx(0, abs=1e-3)  # a common factor is no error of shape
    assert found["normal_mean_deg"] == pytest.approx(0, abs=1e-3) and found["order_wrong"] == 0
    # ln 1.3 = 0.262: outside 0.1 * ln 10 = 0.230, inside 0.1 * ln 20 = 0.300
    assert (found["coverage_90"], found["coverage_95"]) == (0, 1)
    assert found["nll"] == pytest.approx(np.log(1.3) / 0.1 + np.log(0.2), rel=1e-5)


def test_aligned_only_on_request_and_marked_in_every_table(records, measured):
    adapter = KnowingAdapter(records, factor=1.3)
    for align, said in (("scale", "ALIGNED to the truth by one factor"), ("affine", "by factor and shift")):
        result = measured(adapter, records, align=align)
        assert result.datasets["tiny"]["delta1"] == 1
        assert "nll" not in result.datasets["tiny"]  # intervals in metres say nothing about an aligned depth
        tables = depth_tables([result])
        assert all(said in table.title for table in tables if "depth" in table.title) and len(tables) >= 3
        assert measured.rows()[0]["align_scale"] == pytest.approx(1 / 1.3, rel=1e-4)


def test_a_claim_too_weak_for_metres_gets_dashes(records, measured):
    weak = KnowingAdapter(records, factor=7.0, claim="depth_scale_invariant", scale=None)
    metric, scaled = measured(weak, records), measured(weak, records, align="scale")
    assert "delta1" not in metric.datasets["tiny"] and "fov_error_deg" in metric.datasets["tiny"]
    assert scaled.datasets["tiny"]["delta1"] == 1
    assert "| tiny | knowing | given | 5 | - | - | - |" in depth_tables([metric])[0].markdown()


def test_a_model_without_uncertainty_gets_none_not_a_number(records, measured):
    with_scale = measured(KnowingAdapter(records), records)
    constant = measured(load_adapter("constant:2.0"), records, camera="none")
    table = next(t for t in depth_tables([with_scale, constant]) if t.title.startswith("Uncertainty"))
    assert "| all | constant:2.0 | none | - | none | none |" in table.markdown()


def test_cameras_are_passed_or_withheld(records, measured):
    adapter = KnowingAdapter(records)
    told = measured(adapter, records, camera="given")
    assert [camera for _, cameras, _ in adapter.calls for camera in cameras] == [record.camera for record in records]
    assert told.datasets["tiny"]["focal_from"] == {"caller": 5}
    adapter.calls.clear()
    untold = measured(adapter, records, camera="none")
    assert [camera for _, cameras, _ in adapter.calls for camera in cameras] == [None] * 5
    assert all(photo.exif_camera is None for photos, _, _ in adapter.calls for photo in photos)
    assert untold.datasets["tiny"]["focal_from"] == {"rays": 5}


def test_a_model_that_needs_the_camera_is_not_run_without(records, measured):
    adapter = KnowingAdapter(records)
    adapter.needs_camera = True
    result = measured(adapter, records, camera="none")
    assert not adapter.calls and result.not_run
    tables = depth_tables([measured(KnowingAdapter(records), records, camera="none"), result])
    assert "| tiny | knowing | none | - | - |" in tables[0].markdown()
    assert "not run, it needs the true camera" in tables[0].markdown()


def test_the_rays_are_judged_even_where_the_camera_was_given(records, measured):
    found = measured(KnowingAdapter(records, focal_factor=2.0), records, camera="given")
    true = [record.camera.fov_x_deg for record in records if record.camera]
    half = [np.degrees(2 * np.arctan(np.tan(np.radians(fov / 2)) / 2)) for fov in true]
    expected = np.median(np.subtract(true, half))
    assert found.datasets["tiny"]["fov_error_deg"] == pytest.approx(expected, abs=1e-3)
    assert found.datasets["tiny"]["fov_error_mean_deg"] == pytest.approx(np.mean(np.subtract(true, half)))


def test_crops_are_drawn_by_seed_recorded_and_followed_by_everything(records, measured):
    adapter = KnowingAdapter(records)
    found = measured(adapter, records, camera="given", crop_seed=3)
    rows = measured.rows()
    assert found.datasets["tiny"]["delta1"] == found.datasets["tiny"]["coverage_95"] == 1
    assert found.datasets["tiny"]["fov_error_deg"] == pytest.approx(0, abs=1e-6)
    assert found.datasets["tiny"]["principal_point_error"] == pytest.approx(0, abs=1e-6)
    assert found.datasets["tiny"]["normal_mean_deg"] == pytest.approx(0, abs=1e-3)
    windows = [(row["crop_left"], row["crop_top"], row["width"], row["height"]) for row in rows]
    assert len(set(windows)) == 5 and all(48 <= w <= 96 and 32 <= h <= 64 for _, _, w, h in windows)
    asked = [
        (photo, camera) for photos, cameras, _ in adapter.calls for photo, camera in zip(photos, cameras, strict=True)
    ]
    for (photo, camera), record, (left, top, width, height) in zip(asked, records, windows, strict=True):
        assert photo.size == camera.size == (width, height)
        assert (camera.cx, camera.cy) == pytest.approx((record.camera.cx - left, record.camera.cy - top))
    measured(adapter, records[::-1], crop_seed=3)  # whatever is beside it, a record is cut the same way
    assert [(row["crop_left"], row["crop_top"], row["width"], row["height"]) for row in measured.rows()] == windows[
        ::-1
    ]
    measured(adapter, records, crop_seed=4)
    assert [(row["crop_left"], row["crop_top"]) for row in measured.rows()] != [window[:2] for window in windows]
    assert "CROPPED" in depth_tables([found])[0].title


def test_labelled_pixels_are_read_in_their_own_cell(tmp_path, measured):
    # columns 2 and 3 of row 1 of the depth map hold 2.0 and 4.0 m; labels name them in the map's grid
    values = np.full((8, 8), 3000, np.uint16)
    values[1, 2], values[1, 3] = 2000, 4000
    labels = {"pixel_coords": [[2, 1], [3, 1]], "depth": [2.0, 4.0]}
    changes = {"depth_path": "small.png", "depth_scale": 1000.0, "sky_code": None, "original_depth_size": [8, 8]}
    records = changed_records(tmp_path, **changes, **labels)
    Image.fromarray(values).save(tmp_path / "small.png")
    adapter = KnowingAdapter(records)
    for mode, pixels in (("sparse", 2), ("dense", 64)):  # 8 x 8 depths for a photograph of 96 x 64
        found = measured(adapter, records, mode=mode).datasets["tiny"]
        assert (found["delta1"], found["abs_rel"], found["pixels"]) == (1, 0, 3 * pixels)
    sparse = [pixels for _, _, pixels in adapter.calls if pixels is not None]
    assert sparse[0][0].tolist() == [[30, 12], [42, 12]]  # the cells' centres, 12 x 8 photograph pixels a cell
    cropped = measured(adapter, records, mode="sparse", crop_seed=1).datasets["tiny"]
    assert cropped["pixels"] <= 6 and cropped.get("delta1", 1) == 1


def test_a_model_that_answers_only_at_pixels(tmp_path, measured):
    labels = {"pixel_coords": [[2, 1], [3, 1], [4, 4]], "depth": [2.0, 4.0, 5.0]}
    records = changed_records(tmp_path, original_depth_size=[8, 8], depth_path=None, sky_code=None, **labels)

    class Pointing:
        name, claims, needs_camera, facts = "pointing", frozenset({"points_at"}), False, {}

        def predict(self, photos, cameras, pixels):
            return [Prediction(points_at=np.array([2.0, np.nan, 10.0])) for _ in pixels]

    found = measured(Pointing(), records, mode="sparse").datasets["tiny"]
    assert (found["delta1"], found["pixels"], found["missing"]) == (pytest.approx(1 / 3), 9, 3)
    assert found["abs_rel"] == pytest.approx(0.5)  # of the two answers: 0 and 1
    assert measured(Pointing(), records, mode="dense").not_run  # nobody asks it for every pixel


def test_the_range_of_a_data_set_is_kept_and_told(tmp_path, measured):
    values = np.full((64, 96), 5000, np.uint16)
    values[:, 48:] = 12000  # beyond Kinect's 10 m
    Image.fromarray(values).save(tmp_path / "far.png")
    changes = {"dataset": "nyuv2", "depth_path": "far.png", "depth_scale": 1000.0, "sky_code": None}
    records = changed_records(tmp_path, **changes)
    result = measured(KnowingAdapter(records), records)
    assert result.datasets["nyuv2"]["pixels"] == 3 * 64 * 48
    assert "nyuv2 0.001 to 10 m" in depth_tables([result])[0].markdown()
    own = changed_records(tmp_path, **changes, valid_range_m=[0.1, 20.0])  # what a record says comes first
    assert measured(KnowingAdapter(own), own).datasets["nyuv2"]["pixels"] == 3 * 64 * 96


def test_without_the_truth_asked_for_the_record_is_told_not_dropped(records, measured):
    result = measured(KnowingAdapter(records), records, mode="sparse")  # the tiny records have no labelled pixels
    found = result.datasets["tiny"]
    assert found["without_truth"] == 5 and "delta1" not in found and found["fov_error_deg"] < 1e-6
    assert "tiny: 5 without such truth" in depth_tables([result])[0].markdown()


def test_the_best_constant_is_a_row_like_any_other(records, measured):
    result = measured(load_adapter("constant:best"), records, camera="none")
    metres = result.protocol["constants_m"]["tiny"]
    for other in (metres * 0.9, metres * 1.1, 2.0):
        assert measured(load_adapter(f"constant:{other}"), records).datasets["tiny"]["delta1"] <= result.macro["delta1"]
    assert "chosen on each data set's own truth: tiny" in depth_tables([result])[0].markdown()
    nothing = measured(load_adapter("constant:best"), records, mode="sparse", camera="none")  # there are no labels
    assert nothing.protocol["constants_m"] == {} and "delta1" not in nothing.datasets["tiny"]


@pytest.mark.parametrize("options", [{"camera": "some"}, {"mode": "all"}, {"align": "much"}, {"batch": 0}])
def test_wrong_requests(options):
    with pytest.raises(InputError, match="allowed"):
        DepthOptions(**options)


def test_masks_of_the_record_say_where_planes_and_edges_are(tmp_path):
    for name in ("planes", "edges"):
        mask = np.zeros((64, 96), np.uint8)
        mask[40:60, 10:80] = 1
        Image.fromarray(mask).save(tmp_path / f"{name}.png")
    records = changed_records(tmp_path, mask_paths={"planes": "planes.png", "edges": "edges.png"})
    task = DepthTask(DepthOptions(), frozenset({"depth_metric"}))
    sample = task.load(records[0], {})
    row = task.score(sample, Prediction(depth_metric=records[0].depth_z()))
    assert row["planes"] == 1 and row["boundary_completeness_px"] > 0  # the mask's edges are not the depth's


def test_tiny_model_end_to_end(records, tmp_path):
    done = []
    adapter = FathomAdapter(tiny_model(), "tiny")
    options = DepthOptions(camera="none")
    result = run_depth(adapter, records, tmp_path / "run", options, progress=done.append)
    found = result.datasets["tiny"]
    assert sum(done) == 5 and found["photographs"] == 5
    assert 0 <= found["delta1"] <= 1 and found["abs_rel"] > 0 and np.isfinite(found["nll"])
    assert 0 <= found["order_wrong"] <= 1 and found["ause_abs_rel"] >= 0 and found["calibration_error"] >= 0
    stated = result.protocol
    assert (stated["mode"], stated["camera"], stated["alignment"], stated["crop"]) == ("dense", "none", "none", "none")
    assert stated["model_facts"]["pixel_budget"] == 128 * 128 and stated["model_facts"]["dtype"] == "torch.float32"
    assert stated["sessions"][0]["versions"]["torch"] and stated["sessions"][0]["hardware"]["torch_threads"] >= 1
    assert stated["seconds_per_image"] > 0 and stated["peak_memory_mib"] > 50
    assert set(stated["cpu_seconds_per_megapixel"]) == {"load", "predict", "score"}
    read = json.loads(write_json(tmp_path / "depth.json", result.as_dict()).read_text())
    assert read["datasets"]["tiny"]["delta1"] == found["delta1"]
    assert [path.name for path in (tmp_path / "run").iterdir() if path.name.startswith(".")] == []


def test_a_narrow_terminal_gets_fewer_columns_whole(records, measured, monkeypatch, capsys):
    table = overview(depth_tables([measured(KnowingAdapter(records), records)]))[0]
    for width, silog in ((80, False), (200, True)):
        monkeypatch.setenv("COLUMNS", str(width))
        table.show()
        shown = capsys.readouterr().out
        assert "1.000" in shown and "delta1" in shown
        assert ("│ SILog" in shown or "┃ SILog" in shown) == silog and ("not shown here" in shown) != silog
