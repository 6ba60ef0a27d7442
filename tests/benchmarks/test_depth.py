"""The depth benchmark on models whose score is known beforehand, and end to end on a tiny real one."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.depth import camera_errors, run_depth
from benchmarks.report import depth_table, write_json
from heads.camera import Camera
from heads.errors import InputError
from tests.benchmarks.stubs import KnowingModel
from tests.tiny import tiny_model, tiny_records
from vlm.records import Record, read_records


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    return list(read_records(tiny_records(tmp_path, 5)))


def changed_records(folder: Path, **changes) -> list[Record]:
    """The tiny records with some fields of every line replaced; None removes one."""
    lines = []
    for line in tiny_records(folder, 3).read_text().splitlines():
        row = {**json.loads(line), **changes}
        lines.append(json.dumps({key: value for key, value in row.items() if value is not None}))
    path = folder / "changed.jsonl"
    path.write_text("\n".join(lines))
    return list(read_records(path))


def test_a_perfect_model_scores_perfect(records):
    result = run_depth(KnowingModel(records), records, camera="none")
    found = result.datasets["tiny"]
    assert (found["delta1"], found["abs_rel"], found["rmse"], found["silog"]) == (1, 0, 0, 0)
    assert (found["sky_accuracy"], found["sky_iou"], found["coverage_50"]) == (1, 1, 1)
    assert found["fov_error_deg"] == pytest.approx(0, abs=1e-9)
    assert found["ray_angle_deg"] == pytest.approx(0, abs=1e-6)
    assert (found["missing"], found["photographs"], found["without_truth"]) == (0, 5, 0)
    assert found["pixels"] == sum(np.isfinite(record.depth_z()).sum() for record in records)
    assert result.macro["delta1"] == result.micro["delta1"] == 1
    assert 0 < found["constant_delta1"] < 1 and found["constant_abs_rel"] > 0


def test_too_far_by_a_third(records):
    found = run_depth(KnowingModel(records, factor=1.3, scale=0.1), records).datasets["tiny"]
    assert found["delta1"] == 0 and found["delta2"] == 1
    assert found["abs_rel"] == pytest.approx(0.3, rel=1e-5)
    assert found["silog"] == pytest.approx(0, abs=1e-3)  # a common factor is no error of shape
    # ln 1.3 = 0.262: outside 0.1 * ln 10 = 0.230, inside 0.1 * ln 20 = 0.300
    assert (found["coverage_90"], found["coverage_95"]) == (0, 1)
    assert found["nll"] == pytest.approx(np.log(1.3) / 0.1 + np.log(0.2), rel=1e-5)


def test_cameras_are_passed_or_withheld(records):
    given, none = KnowingModel(records), KnowingModel(records)
    told = run_depth(given, records, camera="given")
    assert given.cameras == [record.camera for record in records]
    assert told.datasets["tiny"]["focal_from"] == {"caller": 5}
    untold = run_depth(none, records, camera="none")
    assert none.cameras == [None] * 5 and untold.datasets["tiny"]["focal_from"] == {"rays": 5}


def test_the_rays_are_judged_even_where_the_camera_was_given(records):
    found = run_depth(KnowingModel(records, focal_factor=2.0), records, camera="given")
    true = [record.camera.fov_x_deg for record in records if record.camera]
    half = [np.degrees(2 * np.arctan(np.tan(np.radians(fov / 2)) / 2)) for fov in true]
    expected = np.median(np.subtract(true, half))
    assert found.datasets["tiny"]["fov_error_deg"] == pytest.approx(expected)


def test_ray_angle_of_a_shifted_principal_point():
    true = Camera.from_intrinsics(1000.0, width=20, height=20)
    moved = Camera.from_intrinsics(1000.0, cx=11, cy=10, width=20, height=20)
    # near the axis one pixel at 1000 px is 1/1000 rad
    assert camera_errors(moved, true)["ray_angle_deg"] == pytest.approx(np.degrees(1e-3), rel=1e-3)


def test_labelled_pixels_are_read_in_their_own_cell(tmp_path):
    # columns 2 and 3 of row 1 of the depth map hold 2.0 and 4.0 m; labels name them in the map's grid
    values = np.full((8, 8), 3000, np.uint16)
    values[1, 2], values[1, 3] = 2000, 4000
    labels = {"pixel_coords": [[2, 1], [3, 1]], "depth": [2.0, 4.0]}
    records = changed_records(
        tmp_path, depth_path="small.png", depth_scale=1000.0, sky_code=None, original_depth_size=[8, 8], **labels
    )
    Image.fromarray(values).save(tmp_path / "small.png")
    for mode, pixels in (("sparse", 2), ("dense", 64)):  # 8 x 8 depths for a photograph of 96 x 64
        found = run_depth(KnowingModel(records), records, mode=mode).datasets["tiny"]
        assert (found["delta1"], found["abs_rel"], found["pixels"]) == (1, 0, 3 * pixels)


def test_without_the_truth_asked_for_the_record_is_told_not_dropped(records, tmp_path):
    result = run_depth(KnowingModel(records), records, mode="sparse")  # the tiny records have no labelled pixels
    found = result.datasets["tiny"]
    assert found["without_truth"] == 5 and "delta1" not in found and found["fov_error_deg"] < 1e-6
    assert "5 of 5 have no labelled pixel" in depth_table([result]).markdown()


def test_wrong_requests(records, tmp_path):
    model = KnowingModel(records)
    for options in ({"camera": "some"}, {"mode": "all"}):
        with pytest.raises(InputError, match="allowed"):
            run_depth(model, records, **options)
    with pytest.raises(InputError, match="records"):
        run_depth(model, [])
    (tmp_path / "other").mkdir()
    unknown = changed_records(tmp_path / "other", original_fx=None)
    with pytest.raises(InputError, match=r"changed.jsonl:1 has no intrinsics"):
        run_depth(model, unknown, camera="given")


def test_tiny_model_end_to_end(records, tmp_path):
    done = []
    result = run_depth(tiny_model(), records, camera="none", progress=done.append)
    found = result.datasets["tiny"]
    assert sum(done) == 5 and len(result.samples) == 5
    assert 0 <= found["delta1"] <= 1 and found["abs_rel"] > 0 and np.isfinite(found["nll"])
    stated = result.protocol
    assert (stated["mode"], stated["camera"], stated["alignment"]) == ("dense", "none", "metric")
    assert stated["pixel_budget"] == 128 * 128 and stated["dtype"] == "torch.float32"
    assert stated["versions"]["torch"] and stated["hardware"]["torch_threads"] >= 1
    assert stated["photographs"] == 5 and stated["seconds_per_image"] > 0 and stated["peak_memory_mib"] > 50
    read = json.loads(write_json(tmp_path / "depth.json", result.as_dict()).read_text())
    assert read["datasets"]["tiny"]["delta1"] == found["delta1"] and len(read["samples"]) == 5
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_a_narrow_terminal_gets_fewer_columns_whole(records, monkeypatch, capsys):
    table = depth_table([run_depth(KnowingModel(records), records)])
    for width, silog in ((80, False), (200, True)):
        monkeypatch.setenv("COLUMNS", str(width))
        table.show()
        shown = capsys.readouterr().out
        assert "1.000" in shown and "delta1" in shown
        assert ("│ SILog" in shown or "┃ SILog" in shown) == silog and ("not shown here" in shown) != silog
