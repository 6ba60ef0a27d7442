"""Depth and geometry on disk, read back by readers that are not ours: PIL, NumPy, trimesh."""

import builtins
import io
import json
import os
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from heads.camera import Camera
from heads.errors import InputError
from vlm import files, files_3d

REAL = Path(__file__).parents[3] / "shared" / "data" / "real"


def camera_of(width: int, height: int) -> Camera:
    return Camera.from_intrinsics([[500, 0, width / 2], [0, 500, height / 2], [0, 0, 1]], width=width, height=height)


def stored(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "I;16"
        return np.array(image)


# --- 16-bit PNG ---


def test_png_values_mean_millimetres_and_the_codes(tmp_path):
    depth_z = np.array([[1.0, 0.5, 2.3456], [np.nan, np.inf, 65.0]], np.float32)
    codes = files.write_depth_png(tmp_path / "depth_z.png", depth_z)
    assert codes == {"scale": 1000, "unknown": 0, "sky": 65535, "too_far": 0, "too_near": 0}
    assert json.loads(json.dumps(codes)) == codes
    assert stored(tmp_path / "depth_z.png").tolist() == [[1000, 500, 2346], [0, 65535, 65000]]
    with Image.open(tmp_path / "depth_z.png") as image:
        notes = image.text
    assert notes["fathom:scale"] == "1000" and notes["fathom:sky"] == "65535" and "metres" in notes["fathom:unit"]


@pytest.mark.parametrize(
    ("farthest", "scale", "value"),
    [(65.0, 1000, 65000), (66.0, 256, 66 * 256), (65.001, 256, 16640), (65534 / 256, 256, 65534)],
)
def test_png_scale_follows_the_farthest_point(tmp_path, farthest, scale, value):
    codes = files.write_depth_png(tmp_path / "d.png", np.array([[farthest, 1.0]], np.float32))
    assert codes["scale"] == scale and codes["too_far"] == 0
    assert stored(tmp_path / "d.png").tolist() == [[value, scale]]


def test_png_says_what_it_could_not_hold(tmp_path):
    depth_z = np.array([[300.0, 256.0, 255.99, 0.0004, np.inf]], np.float32)
    codes = files.write_depth_png(tmp_path / "d.png", depth_z)
    assert (codes["too_far"], codes["too_near"]) == (2, 1)
    assert stored(tmp_path / "d.png").tolist() == [[65534, 65534, 65533, 1, 65535]]


def test_png_round_trip_is_within_half_a_step_and_keeps_the_marks(tmp_path):
    generator = np.random.default_rng(1)
    for farthest, step in ((60, 1 / 1000), (250, 1 / 256)):
        depth_z = generator.uniform(0.3, farthest, (40, 50)).astype(np.float32)
        depth_z[0], depth_z[1] = np.inf, np.nan
        files.write_depth_png(tmp_path / "d.png", depth_z)
        back = files.read_depth_png(tmp_path / "d.png")
        assert back.dtype == np.float32
        assert np.isposinf(back[0]).all() and np.isnan(back[1]).all()
        assert np.abs(back[2:] - depth_z[2:]).max() <= step / 2 + 1e-5


def test_png_of_others_needs_its_scale(tmp_path):
    Image.fromarray(np.array([[0, 256, 65535]], np.uint16)).save(tmp_path / "kitti.png")
    with pytest.raises(InputError, match=r"^scale: .*1000 for millimetres, 256 for KITTI"):
        files.read_depth_png(tmp_path / "kitti.png")
    np.testing.assert_array_equal(
        files.read_depth_png(tmp_path / "kitti.png", scale=256), np.float32([[np.nan, 1.0, 65535 / 256]])
    )
    assert np.isposinf(files.read_depth_png(tmp_path / "kitti.png", scale=256, sky_code=65535)[0, 2])
    for scale in (0, -1, np.nan):
        with pytest.raises(InputError, match=r"^scale: "):
            files.read_depth_png(tmp_path / "kitti.png", scale=scale)


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/real is not here")
def test_real_kitti_depth_agrees_with_its_labels():
    records = [json.loads(line) for line in (REAL / "depth.jsonl").read_text().splitlines()]
    record = next(r for r in records if r["dataset"] == "kitti")
    depth_z = files.read_depth(REAL / record["depth_path"], record["depth_scale"])
    columns, rows = np.array(record["pixel_coords"]).T
    np.testing.assert_allclose(depth_z[rows, columns], record["depth"], atol=0.006)


# --- npz, exr, and any suffix ---


def test_npz_holds_everything_under_names_with_units(tmp_path):
    depth_z = np.array([[1.0, np.inf], [np.nan, 2.0]], np.float32)
    pose = np.eye(4)
    pose[0, 3] = 0.1
    camera = Camera(np.array([[9.0, 0, 1], [0, 9, 1], [0, 0, 1]]), 2, 2, camera_to_world=pose)
    rays = np.zeros((2, 2, 3))
    files.write_npz(
        tmp_path / "depth.npz",
        depth_z=depth_z,
        camera=camera,
        log_depth_scale=np.full((2, 2), 0.05),
        sky=np.eye(2),
        ray_directions=rays,
        depth_interval90=(depth_z * 0.9, depth_z * 1.1),
    )
    with np.load(tmp_path / "depth.npz") as file:
        read = dict(file)
    assert set(read) == {
        "depth_z_m", "log_depth_scale", "sky_probability", "ray_directions", "intrinsics_px",
        "depth_interval90_lower_m", "depth_interval90_upper_m", "camera_to_world_m",
    }  # fmt: skip
    np.testing.assert_array_equal(read["depth_z_m"], depth_z)
    np.testing.assert_array_equal(read["depth_interval90_upper_m"], depth_z * np.float32(1.1))
    np.testing.assert_array_equal(read["camera_to_world_m"], pose)
    np.testing.assert_array_equal(read["intrinsics_px"], camera.intrinsics)
    assert read["ray_directions"].dtype == np.float32 and read["intrinsics_px"].dtype == np.float64
    assert {key: value.tobytes() for key, value in files.read_npz(tmp_path / "depth.npz").items()} == {
        key: value.tobytes() for key, value in read.items()
    }


def test_npz_leaves_out_what_is_not_there_and_refuses_what_does_not_fit(tmp_path):
    depth_z = np.ones((3, 4), np.float32)
    files.write_npz(tmp_path / "depth.npz", depth_z=depth_z, camera=camera_of(4, 3))
    assert set(files.read_npz(tmp_path / "depth.npz")) == {"depth_z_m", "intrinsics_px"}
    with pytest.raises(InputError, match=r"^camera: .*4x3"):
        files.write_npz(tmp_path / "other.npz", depth_z=depth_z, camera=camera_of(3, 4))
    with pytest.raises(InputError, match=r"^sky_probability: "):
        files.write_npz(tmp_path / "other.npz", depth_z=depth_z, camera=camera_of(4, 3), sky=np.ones((4, 3)))
    assert os.listdir(tmp_path) == ["depth.npz"]


def test_exr_keeps_every_bit(tmp_path):
    pytest.importorskip("OpenEXR", reason="needs the extra `bench`")
    depth_z = np.array([[1.5, np.inf, 1e-3], [np.nan, 12345.678, 2.0]], np.float32)
    files.write_depth_exr(tmp_path / "depth.exr", depth_z)
    np.testing.assert_array_equal(files.read_depth_exr(tmp_path / "depth.exr"), depth_z)
    np.testing.assert_array_equal(files.read_depth(tmp_path / "depth.exr"), depth_z)


def test_without_openexr_the_error_names_the_extra(tmp_path, monkeypatch):
    real_import = builtins.__import__

    def no_openexr(name, *args, **kwargs):
        if name == "OpenEXR":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_openexr)
    with pytest.raises(ImportError, match=r'pip install "fathom-vlm\[bench\]"'):
        files.write_depth_exr(tmp_path / "depth.exr", np.ones((2, 2), np.float32))
    assert os.listdir(tmp_path) == []


def test_any_suffix_is_read_as_metres(tmp_path):
    metres = np.array([[1.25, np.nan], [2.5, 3.75]], np.float32)
    files.write_depth_png(tmp_path / "a.png", metres)
    np.save(tmp_path / "a.npy", np.nan_to_num(metres, nan=-1.0))  # as some mark the unknown
    np.savez(tmp_path / "a.npz", metres)
    np.savez(tmp_path / "two.npz", depth_z_m=metres, other=np.zeros(3))
    Image.fromarray(metres).save(tmp_path / "a.tif")
    for name in ("a.png", "a.npy", "a.npz", "two.npz", "a.tif"):
        back = files.read_depth(tmp_path / name)
        assert back.dtype == np.float32
        np.testing.assert_array_equal(back, metres, err_msg=name)
    np.save(tmp_path / "mm.npy", np.array([[1250, 0], [2500, 3750]], np.uint16))
    np.testing.assert_array_equal(files.read_depth(tmp_path / "mm.npy", scale=1000), metres)


def test_files_that_hold_no_depth_are_named_with_what_is_allowed(tmp_path):
    np.save(tmp_path / "mm.npy", np.ones((2, 2), np.uint16))
    np.save(tmp_path / "cube.npy", np.ones((2, 2, 2), np.float32))
    np.save(tmp_path / "pickle.npy", np.array([{}], object), allow_pickle=True)
    np.savez(tmp_path / "two.npz", a=np.ones(2), b=np.ones(2))
    Image.new("RGB", (4, 4)).save(tmp_path / "rgb.png")
    Image.new("L", (4, 4)).save(tmp_path / "eight.png")
    files.write_depth_png(tmp_path / "whole.png", np.full((64, 64), 1.0, np.float32))
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:-40])
    (tmp_path / "text.npz").write_text("no archive")
    (tmp_path / "depth.jpg").write_bytes(b"")
    names = [
        "cube.npy",
        "pickle.npy",
        "two.npz",
        "rgb.png",
        "eight.png",
        "cut.png",
        "text.npz",
        "depth.jpg",
        "none.npy",
    ]
    for name in names:
        with pytest.raises(InputError, match=r"^path: .*; allowed: ") as caught:
            files.read_depth(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"^scale: "):
        files.read_depth(tmp_path / "mm.npy")


@pytest.mark.parametrize(
    "depth_z", [np.zeros((2, 2), np.float32), np.ones((2, 2), np.uint16), np.ones(4), -np.inf * np.ones((1, 1))]
)
def test_what_is_no_depth_is_not_written(tmp_path, depth_z):
    with pytest.raises(InputError, match=r"^depth_z: "):
        files.write_depth_png(tmp_path / "d.png", depth_z)
    assert os.listdir(tmp_path) == []


# --- points and meshes ---

POINTS = np.array([[1.0, 2.0, 3.0], [-1.0, 0.5, 4.0], [0.25, -2.0, 5.0], [0.0, 0.0, 1.0]], np.float32)
COLOURS = np.array([[255, 0, 0], [0, 128, 255], [10, 20, 30], [255, 255, 255]], np.uint8)


def photograph_colours(linear: np.ndarray) -> np.ndarray:
    """Linear light 0..255 back to sRGB (IEC 61966-2-1)."""
    share = linear / 255
    return 255 * np.where(share <= 0.0031308, share * 12.92, 1.055 * share ** (1 / 2.4) - 0.055)


def glb_json(path: Path) -> dict:
    data = path.read_bytes()
    magic, version, length, json_length, kind = struct.unpack("<4sIII4s", data[:20])
    assert (magic, version, length, kind) == (b"glTF", 2, len(data), b"JSON")
    return json.loads(data[20 : 20 + json_length])


def test_ply_keeps_the_camera_frame_and_says_so(tmp_path):
    files_3d.write_points_ply(tmp_path / "points.ply", POINTS, COLOURS)
    cloud = trimesh.load(tmp_path / "points.ply")
    np.testing.assert_array_equal(cloud.vertices, POINTS)
    np.testing.assert_array_equal(cloud.colors[:, :3], COLOURS)
    header = (tmp_path / "points.ply").read_bytes().split(b"end_header")[0].decode()
    assert "comment metres; camera frame, OpenCV axes" in header


def test_points_glb_is_y_up_in_linear_colours(tmp_path):
    files_3d.write_points_glb(tmp_path / "points.glb", POINTS, COLOURS)
    (cloud,) = trimesh.load(tmp_path / "points.glb").geometry.values()
    np.testing.assert_array_equal(cloud.vertices, POINTS * [1, -1, -1])
    # trimesh rounds the colours to 8 linear bits: half a step there is 6.4 sRGB steps at black.
    np.testing.assert_allclose(photograph_colours(cloud.colors[:, :3]), COLOURS, atol=6.5)
    np.testing.assert_allclose(photograph_colours(cloud.colors[[0, 1, 3], :3]), COLOURS[[0, 1, 3]], atol=0.6)
    tree = glb_json(tmp_path / "points.glb")
    assert "metres" in tree["asset"]["extras"]["fathom"] and tree["extensionsUsed"] == ["KHR_materials_unlit"]


def test_mesh_glb_keeps_winding_faces_and_colours(tmp_path):
    faces = np.array([[0, 1, 2], [3, 2, 1]], np.int32)
    files_3d.write_mesh_glb(tmp_path / "mesh.glb", POINTS, faces, COLOURS)
    scene = trimesh.load(tmp_path / "mesh.glb", process=False)
    (mesh,) = scene.geometry.values()
    np.testing.assert_array_equal(mesh.vertices, POINTS * [1, -1, -1])
    np.testing.assert_array_equal(mesh.faces, faces)
    turned = np.cross(POINTS[1] - POINTS[0], POINTS[2] - POINTS[0]) * [1, -1, -1]
    assert mesh.face_normals[0] @ turned > 0
    linear = mesh.visual.vertex_attributes["color"]  # where trimesh keeps them beside a material
    np.testing.assert_allclose(photograph_colours(255 * linear), COLOURS, atol=0.01)


def test_nothing_to_show_is_still_a_valid_file(tmp_path):
    none, no_faces = np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)
    no_colours = np.zeros((0, 3), np.uint8)
    files_3d.write_points_ply(tmp_path / "points.ply", none, no_colours)
    files_3d.write_points_glb(tmp_path / "points.glb", none, no_colours)
    files_3d.write_mesh_glb(tmp_path / "mesh.glb", none, no_faces, no_colours)
    assert b"element vertex 0\n" in (tmp_path / "points.ply").read_bytes()
    for name in ("points.glb", "mesh.glb"):
        assert glb_json(tmp_path / name)["scenes"] == [{}]
        assert len(trimesh.load_scene(tmp_path / name).geometry) == 0


def test_points_that_make_no_file_are_named(tmp_path):
    with pytest.raises(InputError, match=r"^points: "):
        files_3d.write_points_ply(tmp_path / "p.ply", POINTS * np.nan, COLOURS)
    with pytest.raises(InputError, match=r"^colours: "):
        files_3d.write_points_glb(tmp_path / "p.glb", POINTS, COLOURS / 255)
    with pytest.raises(InputError, match=r"^faces: "):
        files_3d.write_mesh_glb(tmp_path / "p.glb", POINTS, np.array([[0, 1, 4]]), COLOURS)
    assert os.listdir(tmp_path) == []


# --- whole or not at all ---


def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "depth_z.png").write_bytes(b"old")

    def disk_full(self, path, **_options):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", disk_full)
    with pytest.raises(OSError, match="No space"):
        files.write_depth_png(tmp_path / "depth_z.png", np.ones((2, 2), np.float32))
    with pytest.raises(OSError, match="No space"):
        files.write_picture(tmp_path / "depth.jpg", Image.new("RGB", (2, 2)))
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"depth_z.png": b"old"}


def test_pictures_are_written_by_suffix(tmp_path):
    for name, kind in (("a.jpg", "JPEG"), ("a.png", "PNG")):
        files.write_picture(tmp_path / name, Image.new("RGB", (8, 8), (200, 30, 30)))
        with Image.open(io.BytesIO((tmp_path / name).read_bytes())) as image:
            assert image.format == kind
            np.testing.assert_allclose(image.getpixel((3, 3)), (200, 30, 30), atol=3)


def test_processes_that_prove_the_same_missing_folder_at_once_do_not_trip_each_other(tmp_path):
    folder = tmp_path / "new" / "deep"
    with ThreadPoolExecutor(8) as pool:
        for _ in range(40):
            assert list(pool.map(files.check_folder, [folder] * 8)) == [folder] * 8
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_folder_that_can_be_written_is_left_as_it_was(tmp_path):
    (tmp_path / "old.txt").write_text("kept")
    assert files.check_folder(tmp_path) == tmp_path
    assert files.check_folder(tmp_path / "new" / "deep") == tmp_path / "new" / "deep"
    assert os.listdir(tmp_path) == ["old.txt"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (
        tmp_path / "file",
        tmp_path / "file" / "below",
        tmp_path / "new" / ("x" * 300),
        "/proc/fathom",
        "a\0b",
    ):
        with pytest.raises(InputError, match=r"^folder: .*; allowed: "):
            files.check_folder(folder)
    assert os.listdir(tmp_path) == ["file"]
