"""What is on disk is what was drawn, and a killed run can go on."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from heads.errors import InputError
from train.worlds import write
from train.worlds.drawing.render import render
from train.worlds.layout import sample_scene
from train.worlds.things import KINDS, TEXTURES
from train.worlds.write import SKY_CODE, depth_code, surface_code, write_records
from vlm.cli import app
from vlm.records import read_records


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
            check_box(thing["box_3d"], scene, depth_z, rows, columns)
            assert thing["visible"] == pytest.approx(len(rows) / (width * height), abs=1e-6)
        assert record["questions"]
        surface = np.asarray(Image.open(written / record["surface_path"]))
        np.testing.assert_allclose(surface[..., :3] / 127.5 - 1, drawn.normals[0].numpy(), atol=0.0041)
        assert (surface[sky][:, :3] == 128).all() and surface[..., 3].max() < len(TEXTURES)
        shown = set(scene.primitives.texture)
        assert set(surface[~sky][:, 3]) <= shown and len(set(surface[~sky][:, 3])) > 1
        assert (record["room"] is None) == (record["domain"] == "outdoor")
        assert (record["camera_height"], record["pitch_deg"]) == pytest.approx(
            (scene.camera_height, scene.pitch_deg), abs=1e-3
        )
        bent = record["distortion"]
        assert scene.distortion == ((bent["k1"], bent["k2"]) if bent else (0, 0))
        assert record["camera_to_world"] is record["view_group"] is None


def check_box(box, scene, depth_z, rows, columns):
    """Every visible pixel of a thing lies in its 3D box."""
    slopes = scene.slopes_at(np.stack([columns, rows], -1) + 0.5)
    points = np.concatenate([slopes, np.ones((len(rows), 1))], 1) * depth_z[rows, columns, None]
    inside = np.abs((points - box["centre"]) @ np.array(box["turn"])) <= np.array(box["size"]) / 2 + 2e-3 * (
        1 + points[:, 2:]
    )
    assert inside.all()


def test_views_of_a_world_are_records_of_one_group_that_the_usual_reader_takes(tmp_path):
    path = write_records(tmp_path, 2, first_seed=70, batch=4, progress=False, views=3)
    found = list(read_records(path))
    assert sorted(r.scene_id for r in found) == [f"0000007{seed}_{view}" for seed in (0, 1) for view in (0, 1, 2)]
    for record in found:
        assert record.view_group == record.scene_id[:8]
        depth, (width, height) = record.depth_z(), record.size
        assert depth.shape == (height, width) and record.labels()["instance"].shape == (height, width)
        pose = record.camera_to_world
        assert pose is not None and record.camera is not None
        np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-5)
        gap = np.linalg.norm(pose[:3, 3])
        assert gap == 0 if record.scene_id.endswith("_0") else 0.15 < gap < 6.5
    text = path.read_text().splitlines(keepends=True)
    path.write_text("".join(text[:4]))
    write_records(tmp_path, 2, first_seed=70, progress=False, views=3)
    assert sorted(path.read_text().splitlines(keepends=True)) == sorted(text)


def test_one_view_writes_what_it_wrote_before_there_were_several(written):
    names = {f"{seed:08d}" for seed in range(20, 26)}
    for folder in ("images", "depth", "labels", "surface"):
        assert {path.stem for path in (written / folder).iterdir()} == names
    assert {record["scene_id"] for record in lines(written)} == names


def test_one_view_and_several_do_not_mix_in_a_folder(written):
    before = (written / "records.jsonl").read_bytes()
    with pytest.raises(InputError, match=r"views: .* one view of each world"):
        write_records(written, 6, first_seed=20, views=2, progress=False)
    assert (written / "records.jsonl").read_bytes() == before


@pytest.mark.parametrize(("device", "told"), [("cuda:77", "cuda:77 is not there"), ("gpu", "'gpu'; allowed: cpu")])
def test_a_device_that_is_not_there_is_told_before_anything_is_written(device, told, tmp_path):
    with pytest.raises(InputError, match=f"device: {told}"):
        write_records(tmp_path / "out", 2, device=device, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_the_device_that_is_asked_for_draws(tmp_path, monkeypatch):
    asked = []

    def drawing(scenes, device):
        asked.append(device)
        return render(scenes)

    monkeypatch.setattr(write, "device_there", torch.device)
    monkeypatch.setattr(write, "render", drawing)
    command = ["worlds", "--out", str(tmp_path), "--count", "1", "--device", "cuda:1"]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert asked == ["cuda:1"] and len(lines(tmp_path)) == 1


def test_more_questions_are_written_where_more_are_wanted(tmp_path):
    asked = {}
    for times in ("0", "1", "4"):
        command = ["worlds", "--out", str(tmp_path / times), "--count", "1", "--first-seed", "21", "--questions", times]
        assert CliRunner().invoke(app, command).exit_code == 0
        (record,) = lines(tmp_path / times)
        asked[times] = len(record["questions"])
    assert asked["0"] < asked["1"] < asked["4"] / 1.5
    for times in (-1, float("nan"), float("inf")):
        with pytest.raises(InputError, match=r"questions: .*allowed: 0 to 100 times as many"):
            write_records(tmp_path / "none", 1, questions=times)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("device", "count", "workers", "views", "jobs"),
    [
        ("cuda", 100, 4, 1, [25] * 4),
        ("cuda", 1000, 2, 1, [320, 320, 320, 40]),
        ("cuda", 40, 4, 3, [10] * 4),
        ("cpu", 100, 1, 1, [48, 48, 4]),
        ("cpu", 3, 8, 1, [1] * 3),
    ],
)
def test_every_process_gets_a_share_of_the_worlds(device, count, workers, views, jobs, tmp_path, monkeypatch):
    handed = []
    monkeypatch.setattr(write, "device_there", torch.device)
    monkeypatch.setattr(write, "_run", lambda out, chunks, *more: handed.extend(chunks) or iter(()))
    write_records(tmp_path, count, workers=workers, views=views, device=device, progress=False)
    assert [len(worlds) for worlds in handed] == jobs
    assert [seed for worlds in handed for seed, _ in worlds] == list(range(count))


def test_normals_survive_their_8_bits():
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(8, 8, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    code = surface_code(normals, np.full((8, 8), 5, np.uint8))
    assert code.dtype == np.uint8 and (code[..., 3] == 5).all()
    assert np.abs(code[..., :3] / 127.5 - 1 - normals).max() <= 0.5 / 127.5 + 1e-9


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
