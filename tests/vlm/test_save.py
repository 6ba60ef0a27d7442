"""What a scene writes, read back by others: Pillow, NumPy, trimesh, json."""

import json
import os

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from tests.vlm.conftest import fresh_model
from vlm.errors import InputError
from vlm.save import FORMATS

FILES = ["depth.npz", "depth_z.png", "depth.jpg", "uncertainty.jpg", "rays.jpg", "points.ply", "points.glb", "mesh.glb"]
SIZE = 200, 140


@pytest.fixture(scope="module")
def ramp(photo):
    """A scene with sky above and a floor that comes nearer downwards, and the folder it was saved in."""
    model = fresh_model()

    def answer(_module, _inputs, out):
        y = torch.linspace(0, 1, out["log_depth"].shape[1])[:, None].expand_as(out["log_depth"][0])
        maps = {"log_depth": 3 - 2 * y, "raw_scale": y - 3, "sky_logit": 40 * (0.3 - y)}
        return {name: value.expand_as(out[name]).clone() for name, value in maps.items()}

    model.heads["depth"].register_forward_hook(answer)
    scene = model.look(photo(*SIZE), {"focal_px": 180})
    scene.ask("How far is the red chair?", max_new_tokens=4)
    scene.ask("yes", max_new_tokens=2)
    return scene


@pytest.fixture(scope="module")
def folder(ramp, tmp_path_factory):
    place = tmp_path_factory.mktemp("saved") / "new" / "deeper"
    ramp.save(place)
    return place


def test_every_promised_file_is_there_and_nothing_else(ramp, folder, tmp_path):
    names = sorted(path.name for path in folder.iterdir())
    assert set(FILES) | {"answer.json"} <= set(names) == set(FORMATS) | {"answer.json"}
    assert sorted(path.name for path in ramp.save(tmp_path)) == names
    assert all(path.is_file() for path in ramp.save(tmp_path))  # over what is there already


def test_npz_holds_every_array_with_its_unit(ramp, folder):
    with np.load(folder / "depth.npz", allow_pickle=False) as file:
        arrays = dict(file)
    lower, upper = ramp.depth_interval(0.9)
    expected = {
        "depth_z_m": ramp.depth_z, "log_depth_scale": ramp.log_depth_scale, "sky_probability": ramp.sky,
        "ray_directions": ramp.ray_directions, "depth_interval90_lower_m": lower, "depth_interval90_upper_m": upper,
        "intrinsics_px": ramp.camera.intrinsics,
    }  # fmt: skip
    assert arrays.keys() == expected.keys()
    for name, value in expected.items():
        assert np.array_equal(arrays[name], value), name
    assert np.isposinf(arrays["depth_z_m"][:20]).all()


def test_depth_png_is_16_bit_millimetres_with_a_code_for_sky(ramp, folder):
    with Image.open(folder / "depth_z.png") as image:
        values, text = np.asarray(image), image.text
    told = json.loads((folder / "answer.json").read_text())["views"][0]["depth_z_png"]
    assert values.dtype == np.uint16 and values.shape == SIZE[::-1]
    assert told["scale"] == 1000 == int(text["fathom:scale"])  # all of it is nearer than 65 m
    sky = np.isposinf(ramp.depth_z)
    assert sky.any() and (values[sky] == told["sky"]).all() and (values[~sky] != told["sky"]).all()
    assert np.abs(values[~sky] / told["scale"] - ramp.depth_z[~sky]).max() <= 0.5 / told["scale"] + 1e-6
    assert told["too_far"] == told["too_near"] == 0


@pytest.mark.parametrize("name", ["depth.jpg", "uncertainty.jpg", "rays.jpg", "photograph.jpg"])
def test_pictures_are_pictures(folder, name):
    with Image.open(folder / name) as image:
        image.load()
        assert image.format == "JPEG" and image.mode == "RGB" and min(image.size) >= 140
        assert np.asarray(image).std() > 5


def test_points_are_where_the_scene_says_they_are(ramp, folder):
    ours = ramp.points.reshape(-1, 3)
    ours, rgb = ours[np.isfinite(ours).all(1)], ramp.image.reshape(-1, 3)[np.isfinite(ours).all(1)]
    cloud = trimesh.load(folder / "points.ply")
    assert 0.5 * len(ours) < len(cloud.vertices) <= len(ours)  # sky and depth edges are left out
    place = {tuple(point): colour for point, colour in zip(ours.tolist(), rgb.tolist(), strict=True)}
    for point, colour in list(zip(cloud.vertices.astype(np.float32), cloud.colors, strict=True))[::101]:
        assert place[tuple(point.tolist())] == colour[:3].tolist()
    glb = next(iter(trimesh.load(folder / "points.glb").geometry.values()))
    assert np.asarray(glb.vertices) == pytest.approx(cloud.vertices * (1, -1, -1), abs=1e-5)  # glTF: y up, z back


def test_the_mesh_has_triangles_that_face_the_camera(ramp, folder):
    mesh = next(iter(trimesh.load(folder / "mesh.glb", process=False).geometry.values()))
    assert len(mesh.faces) > 1000
    centres = mesh.triangles_center
    assert ((mesh.face_normals * centres).sum(1) < 0).mean() > 0.99  # the camera stands in the origin
    finite = ramp.points[np.isfinite(ramp.points).all(-1)] * (1, -1, -1)
    assert mesh.bounds == pytest.approx(np.stack([finite.min(0), finite.max(0)]), abs=0.5)


def test_answer_json_says_what_was_asked_and_what_was_used(ramp, folder):
    told = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    assert [a["question"] for a in told["answers"]] == ["How far is the red chair?", "yes"]
    assert [a["text"] for a in told["answers"]] == [answer.text for _, answer in ramp.asked]
    for a, (_, answer) in zip(told["answers"], ramp.asked, strict=True):
        assert a["log_probability"] == pytest.approx(answer.log_probability, abs=1e-3)
    view = told["views"][0]
    assert view["size"] == [*SIZE] and view["focal_source"] == "caller"
    assert view["camera"]["intrinsics"] == [[180, 0, 100], [0, 180, 70], [0, 0, 1]]
    assert view["camera_from_rays"]["source"] == "rays"
    depth = ramp.depth_z[np.isfinite(ramp.depth_z)]
    assert view["depth_z"]["median_m"] == pytest.approx(float(np.median(depth)), abs=1e-3)
    assert view["depth_z"]["sky_share"] == pytest.approx(float(np.isposinf(ramp.depth_z).mean()), abs=1e-4)
    assert {"fathom-vlm", "torch", "transformers", "numpy", "python"} <= told["versions"].keys()
    assert told["versions"]["torch"] == torch.__version__
    assert told["seconds_look"] > 0 and "model" in told


def test_answer_json_names_the_model(saved, photo, tmp_path):
    from vlm.model import Fathom

    Fathom.from_pretrained(saved).look(photo(128, 128)).save(tmp_path, ["answer.json"])
    assert json.loads((tmp_path / "answer.json").read_text())["model"] == str(saved)
    assert [path.name for path in tmp_path.iterdir()] == ["answer.json"]


@pytest.mark.parametrize("formats", [["depth.npz"], ("rays.jpg", "points.ply"), [], ["answer.json"]])
def test_only_what_was_asked_for_is_written(ramp, tmp_path, formats):
    paths = ramp.save(tmp_path / "out", formats)
    expected = sorted({*formats, "answer.json"})
    assert sorted(path.name for path in paths) == expected == sorted(p.name for p in (tmp_path / "out").iterdir())


def test_all_sky_can_be_saved(ramp, photo, tmp_path):
    model = fresh_model()
    model.heads["depth"].register_forward_hook(lambda _m, _i, out: {**out, "sky_logit": 0 * out["sky_logit"] + 30})
    scene = model.look(photo(*SIZE), {"focal_px": 180})
    scene.save(tmp_path)
    assert (np.asarray(Image.open(tmp_path / "depth_z.png")) == 65535).all()
    assert b"element vertex 0\n" in (tmp_path / "points.ply").read_bytes()
    assert json.loads((tmp_path / "answer.json").read_text())["views"][0]["depth_z"]["sky_share"] == 1


def test_a_single_pixel_can_be_saved(model, photo, tmp_path):
    model.look(photo(1, 1)).save(tmp_path)
    assert np.asarray(Image.open(tmp_path / "depth_z.png")).shape == (1, 1)


def test_every_view_has_a_folder_of_its_own(model, photo, tmp_path):
    scene = model.look(views=[photo(160, 128, 1), photo(128, 160, 2)])
    scene.save(tmp_path, ["depth.npz"])
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.*")) == [
        "answer.json", "view1/depth.npz", "view2/depth.npz"
    ]  # fmt: skip
    for i, view in enumerate(scene.views, 1):
        with np.load(tmp_path / f"view{i}" / "depth.npz") as file:
            assert np.array_equal(file["depth_z_m"], view.depth_z)
    with np.load(tmp_path / "view2" / "depth.npz") as file:
        assert np.array_equal(file["camera_to_world_m"], scene.views[1].camera.camera_to_world)
    assert len(json.loads((tmp_path / "answer.json").read_text())["views"]) == 2


# ---- bad input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("formats", [["depth.npz", "depth.exe"], ["DEPTH.NPZ"], "depth.npz", [""]])
def test_an_unknown_format_is_an_error_and_nothing_is_written(ramp, tmp_path, formats):
    with pytest.raises(InputError, match=r"formats: unknown .*allowed: .*depth\.npz"):
        ramp.save(tmp_path / "out", formats)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_error_and_nothing_is_left(ramp, tmp_path):
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300), "/proc/here/no"):
        with pytest.raises(InputError, match=r"folder: .*allowed: a folder"):
            ramp.save(folder)
    assert [p.name for p in tmp_path.iterdir()] == ["file"] and (tmp_path / "file").read_text() == "mine"


def test_a_write_that_fails_leaves_no_half_file(ramp, tmp_path, monkeypatch):
    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        ramp.save(tmp_path / "out", ["depth_z.png"])
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
