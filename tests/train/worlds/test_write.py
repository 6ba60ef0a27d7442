"""What is on disk is what was drawn, and a killed run can go on."""

import json

import numpy as np
import pytest
from PIL import Image

from train.worlds.layout import sample_scene
from train.worlds.render import render
from train.worlds.things import KINDS
from train.worlds.write import SKY_CODE, depth_code, write_records


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("worlds")
    write_records(out, 6, first_seed=20, batch=4, progress=False)
    return out


def lines(out):
    return [json.loads(line) for line in (out / "records.jsonl").read_text().splitlines()]


def test_a_record_leads_back_to_the_scene(written):
    for record in lines(written):
        scene = sample_scene(int(record["scene_id"]))
        drawn = render([scene])
        depth_z = drawn.depth_z[0].numpy()
        height, width = scene.size
        image = Image.open(written / record["image"])
        assert image.size == tuple(record["original_rgb_size"]) == (width, height)
        difference = np.asarray(image).astype(float) - drawn.image[0].numpy()
        assert np.abs(difference).mean() < 14  # JPEG of a grainy picture
        code = np.asarray(Image.open(written / record["depth_path"])).astype(float)
        sky = code == record["sky_code"]
        assert code.shape == (height, width) and (sky == np.isinf(depth_z)).all()
        np.testing.assert_allclose(code[~sky] / record["depth_scale"], depth_z[~sky], atol=0.0011)
        labels = np.asarray(Image.open(written / record["labels_path"]))
        assert (labels[..., 0] == drawn.kind[0].numpy()).all()
        assert (labels[..., 2] == drawn.instance[0].numpy()).all()
        assert record["original_fx"] == record["original_fy"] == pytest.approx(scene.focal, abs=1e-3)
        assert (record["original_cx"], record["original_cy"]) == pytest.approx(scene.principal, abs=1e-3)
        for thing in record["things"]:
            x0, y0, x1, y1 = thing["box"]
            rows, columns = np.nonzero(labels[..., 2] == thing["instance"])
            assert (x0, y0, x1, y1) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            assert KINDS[labels[rows[0], columns[0], 0]] == thing["kind"]
        assert record["questions"]


def test_depth_codes_round_trip_and_never_mean_sky_or_unknown_by_accident():
    depth = np.array([[0.0005, 0.3, 119.999, np.inf]], np.float32)
    code = depth_code(depth)
    assert code.dtype == np.uint16 and code.tolist()[0][1:] == [150, 60000, SKY_CODE] and code[0, 0] == 1


def test_a_killed_run_goes_on_and_the_torn_line_is_written_again(written):
    whole = lines(written)
    path = written / "records.jsonl"
    text = path.read_bytes()
    path.write_bytes(text[: len(text) - 200])
    write_records(written, 6, first_seed=20, progress=False)
    again = lines(written)
    assert sorted(r["scene_id"] for r in again) == sorted(r["scene_id"] for r in whole)
    assert {r["scene_id"]: r for r in again} == {r["scene_id"]: r for r in whole}
    stamp = path.stat().st_mtime_ns, path.stat().st_size
    write_records(written, 6, first_seed=20, progress=False)
    assert path.stat().st_size == stamp[1]
    assert not [p for p in written.rglob(".*") if p.is_file()]
