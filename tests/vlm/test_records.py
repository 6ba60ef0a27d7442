"""A line of a data set becomes a record in Fathom's conventions, or an error that names file and line."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.tiny import tiny_records
from vlm.errors import InputError
from vlm.files import write_depth_png
from vlm.records import parse_record, read_records, record_of_row

ROW = {
    "dataset": "some", "domain": "indoor", "scene_id": 7, "image": "rgb/0.png", "original_rgb_size": [640, 480],
    "original_fx": 500.0, "original_fy": 510.0, "original_cx": 321.5, "original_cy": 238.0,
}  # fmt: skip


def parsed(tmp_path, **changes):
    row = {key: value for key, value in {**ROW, **changes}.items() if value is not ...}
    return parse_record(json.dumps(row), tmp_path, "some.jsonl:3")


def test_what_a_line_says(tmp_path):
    record = parsed(tmp_path, depth_path="d/0.png", depth_scale=256, sky_code=65535, questions=[{"question": "q"}])
    assert (record.dataset, record.domain, record.scene_id, record.where) == ("some", "indoor", "7", "some.jsonl:3")
    assert record.image == tmp_path / "rgb/0.png" and record.depth_path == tmp_path / "d/0.png"
    assert record.size == record.depth_size == (640, 480) and record.camera.size == (640, 480)
    assert record.camera.intrinsics.tolist() == [[500, 0, 321.5], [0, 510, 238], [0, 0, 1]]
    assert record.camera.source == "caller" and record.labels_path is None
    assert record.questions == [{"question": "q"}] and (record.depth_scale, record.sky_code) == (256, 65535)


def test_what_a_line_leaves_out(tmp_path):
    assert parsed(tmp_path, original_fx=...).camera is None
    camera = parsed(tmp_path, original_fy=..., original_cx=..., original_cy=...).camera
    assert camera.intrinsics.tolist() == [[500, 0, 320], [0, 500, 240], [0, 0, 1]]
    record = parsed(tmp_path)
    assert record.depth_path is None and record.depth_scale == 1000 and record.pixels.shape == (0, 2)
    with pytest.raises(InputError, match=r"depth_path: some\.jsonl:3 .*allowed"):
        record.depth_z()
    with pytest.raises(InputError, match=r"labels_path: some\.jsonl:3 .*allowed"):
        record.labels()


def test_a_camera_counted_from_pixel_centres_at_0_moves_by_half_a_pixel(tmp_path):
    camera = parsed(tmp_path, pixel_center=0).camera
    assert (camera.cx, camera.cy) == (322, 238.5) and (camera.fx, camera.fy) == (500, 510)
    assert (parsed(tmp_path, pixel_center=0.5).camera.cx) == 321.5
    # Left out, the centre of the picture is the centre of the picture, whatever the counting.
    assert parsed(tmp_path, pixel_center=0, original_cx=...).camera.cx == 320


def test_labelled_pixels_are_centres_and_move_to_the_photographs_grid(tmp_path):
    record = parsed(tmp_path, pixel_coords=[[0, 0], [319, 239]], depth=[1.5, 2.5], original_depth_size=[320, 240])
    assert record.pixels.tolist() == [[1, 1], [639, 479]]  # (0 + 0.5) * 2, (319 + 0.5) * 2
    assert record.depths.tolist() == [1.5, 2.5] and record.depth_size == (320, 240)
    same = parsed(tmp_path, pixel_coords=[[10, 20]], depth=[3.0])
    assert same.pixels.tolist() == [[10.5, 20.5]]


def test_a_pose_goes_into_the_camera(tmp_path):
    pose = np.eye(4)
    pose[:3, 3] = 1, 2, 3
    assert np.array_equal(parsed(tmp_path, camera_to_world=pose.tolist()).camera.camera_to_world, pose)


def test_depth_and_labels_are_read_with_their_scale_and_sky(tmp_path):
    values = np.array([[0, 256, 65535], [512, 128, 1]], np.uint16)
    Image.fromarray(values).save(tmp_path / "d.png")
    labels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    Image.fromarray(labels).save(tmp_path / "l.png")
    record = parsed(tmp_path, depth_path="d.png", depth_scale=256, sky_code=65535, labels_path="l.png")
    expected = [[np.nan, 1, np.inf], [2, 0.5, 1 / 256]]
    assert np.array_equal(record.depth_z(), np.array(expected, np.float32), equal_nan=True)
    assert [record.labels()[name].tolist() for name in ("kind", "colour", "instance")] == [
        labels[..., i].tolist() for i in range(3)
    ]
    no_sky = parsed(tmp_path, depth_path="d.png", depth_scale=256).depth_z()
    assert no_sky[0, 2] == pytest.approx(65535 / 256)


def test_records_are_read_in_order_from_the_folder_of_their_file(tmp_path):
    path = tiny_records(tmp_path, 5)
    records = list(read_records(path))
    assert [record.scene_id for record in records] == ["0", "1", "2", "3", "4"]
    assert [record.where for record in records] == [f"records.jsonl:{n}" for n in range(1, 6)]
    assert all(record.image.is_file() and record.depth_z().shape == (64, 96) for record in records)
    assert [record.scene_id for record in read_records(path, limit=2)] == ["0", "1"]
    assert next(iter(read_records(path, root="/elsewhere"))).image.parent.as_posix() == "/elsewhere/images"


def test_empty_lines_are_no_records(tmp_path):
    path = tiny_records(tmp_path, 2)
    path.write_text("\n" + path.read_text().replace("\n", "\n\n"))
    assert [record.where for record in read_records(path)] == ["records.jsonl:2", "records.jsonl:4"]
    assert len(list(read_records(path, limit=2))) == 2


BAD = {
    "no json": "{",
    "no object": "[1, 2]",
    "null": "null",
    "no image": {"image": ...},
    "no dataset": {"dataset": ...},
    "no size": {"original_rgb_size": ...},
    "half a size": {"original_rgb_size": [640]},
    "a size in words": {"original_rgb_size": ["wide", "high"]},
    "empty size": {"original_rgb_size": [0, 480]},
    "negative focal": {"original_fx": -500.0},
    "focal in words": {"original_fx": "long"},
    "pixels without depths": {"pixel_coords": [[1, 2], [3, 4]], "depth": [1.0]},
    "odd pixels": {"pixel_coords": [1, 2, 3], "depth": [1.0]},
    "a flat pose": {"camera_to_world": [1, 2, 3]},
    "an unknown kind of depth": {"depth_type": "ray"},
    "a lens of another model": {"distortion": {"model": "fisheye", "k1": 0.1}},
    "a lens that is also skewed": {"distortion": {"model": "brown", "k1": 0.1, "p1": 0.01}},
    "a lens of two numbers": {"distortion": [0.1, 0.2]},
    "a lens that is no number": {"distortion": {"k1": float("nan")}},
    "a lens that folds the picture over": {"distortion": {"k1": -3.0}},
    "a scale of nothing": {"depth_path": "d.png", "depth_scale": 0},
    "a scale that is not a number": {"depth_path": "d.png", "depth_scale": float("nan")},
    "ray distance without a camera": {"depth_type": "ray_distance", "depth_path": "d.png", "original_fx": ...},
    "a field of view that the focal length contradicts": {"fov_x_deg": 90},
    "a range from far to near": {"valid_range_m": [10, 0.1]},
    "a distance of nothing": {"distances": [{"a": [0, 0], "b": [1, 1], "metres": 0}]},
    "half a distance": {"distances": [{"a": [0, 0], "metres": 1}]},
    "questions in words": {"questions": "what?"},
    "a question that asks nothing": {"questions": [{"answer": "yes"}]},
    "a turn without a role": {"messages": [{"content": "hello"}]},
    "text alone that says nothing": {"image": ..., "original_rgb_size": ..., "original_fx": ...},
    "an image that is a number": {"image": 7},
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_line_is_an_error_that_names_file_and_line(tmp_path, what):
    good, bad = json.dumps(ROW), BAD[what]
    if not isinstance(bad, str):
        bad = json.dumps({key: value for key, value in {**ROW, **bad}.items() if value is not ...})
    path = tmp_path / "data.jsonl"
    path.write_text(f"{good}\n{good}\n{bad}\n{good}\n")
    read = []
    with pytest.raises(InputError) as problem:
        read.extend(read_records(path))
    message = str(problem.value)
    assert "data.jsonl:3" in message and "allowed: " in message and "\n" not in message
    assert read == [] or len(read) == 2


def test_a_missing_file_is_one_clear_error(tmp_path):
    with pytest.raises(InputError, match=r"records: no file .*none\.jsonl.*allowed: a JSONL file"):
        list(read_records(tmp_path / "none.jsonl"))


# ---- depth in every format and of every kind ---------------------------------------------------------------

DEPTH = np.array([[1.5, np.nan, 40.125], [0.25, 2.0, 3.0625]], np.float32)


def saved_depth(folder, suffix: str) -> dict:
    """DEPTH in a file of that kind -> the keys of its record."""
    name, sixteenths = f"depth{suffix}", np.nan_to_num(DEPTH * 16).astype(np.uint16)
    if suffix == ".png":
        Image.fromarray(sixteenths).save(folder / name)
        return {"depth_path": name, "depth_scale": 16}
    if suffix == ".npy":
        np.save(folder / name, DEPTH)
    elif suffix == ".npz":
        np.savez(folder / name, anything=DEPTH)
    elif suffix == ".exr":
        openexr = pytest.importorskip("OpenEXR")
        openexr.File({"type": openexr.scanlineimage}, {"Z": DEPTH}).write(str(folder / name))
    else:
        Image.fromarray(DEPTH).save(folder / name)
    return {"depth_path": name}


SUFFIXES = [".png", ".npy", ".npz", ".exr", ".tif", ".tiff"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_depth_is_read_exactly_from_every_format_by_path_or_as_bytes(tmp_path, suffix):
    keys = saved_depth(tmp_path, suffix)
    assert np.array_equal(parsed(tmp_path, **keys).depth_z(), DEPTH, equal_nan=True)
    keys["depth_path"] = (tmp_path / keys["depth_path"]).read_bytes()
    assert np.array_equal(record_of_row({**ROW, **keys}, tmp_path, "row").depth_z(), DEPTH, equal_nan=True)


def test_a_scale_counts_for_floating_point_too_and_a_png_of_ours_knows_its_own(tmp_path):
    np.save(tmp_path / "cm.npy", DEPTH * 100)
    assert np.array_equal(
        parsed(tmp_path, depth_path="cm.npy", depth_scale=100).depth_z(), DEPTH * 100 / 100, equal_nan=True
    )
    far = np.where(np.isnan(DEPTH), np.inf, DEPTH * 2)  # beyond 65 m: Fathom writes value / 256
    write_depth_png(tmp_path / "ours.png", far)
    record = parsed(tmp_path, depth_path="ours.png")
    assert np.array_equal(record.depth_z(), far)
    Image.fromarray(np.array([[1500]], np.uint16)).save(tmp_path / "theirs.png")
    assert parsed(tmp_path, depth_path="theirs.png").depth_z().tolist() == [[1.5]]  # millimetres, as the schema has it


def test_distances_to_the_cameras_centre_become_depth_along_the_axis(tmp_path):
    """Pythagoras at every pixel: z = distance / sqrt(1 + x^2 + y^2), x and y from the camera at the map's size."""
    far = np.full((24, 32), 2.0, np.float32)
    np.save(tmp_path / "d.npy", far)
    keys = {"depth_type": "ray_distance", "depth_path": "d.npy", "original_depth_size": [32, 24]}
    depth = parsed(tmp_path, **keys, pixel_coords=[[0, 0], [31, 5]], depth=[2.0, 2.0])
    x = ((np.arange(32) + 0.5) * 20 - 321.5) / 500
    y = ((np.arange(24) + 0.5) * 20 - 238) / 510
    expected = 2 / np.sqrt(1 + x[None] ** 2 + y[:, None] ** 2)
    assert np.allclose(depth.depth_z(), expected, rtol=1e-6)
    assert np.allclose(depth.depths, [expected[0, 0], expected[5, 31]], rtol=1e-12)
    points = depth.camera.resize(32, 24)
    lengths = np.linalg.norm(points.unproject(points.pixel_grid(), depth.depth_z()), axis=-1)
    assert np.allclose(lengths, 2, rtol=1e-6)


def test_a_bent_lens_is_told_and_distances_along_its_rays_become_z(tmp_path):
    """Bending the true slopes s by 1 + k1 r^2 + k2 r^4 gives the pixel's; z = distance / sqrt(1 + r^2)."""
    assert parsed(tmp_path).distortion == parsed(tmp_path, distortion=None).distortion == (0, 0)
    bent = {"model": "brown", "k1": -0.1, "k2": 0.02}
    assert parsed(tmp_path, distortion=bent).distortion == (-0.1, 0.02)
    slopes = np.array([[0.3, -0.2], [-0.55, 0.4]])
    r2 = (slopes**2).sum(-1)
    at = slopes * (1 - 0.1 * r2 + 0.02 * r2**2)[:, None] * (500, 510) + (321.5, 238)
    along = {"depth_type": "ray_distance", "pixel_coords": (at - 0.5).tolist(), "depth": [2.0, 2.0]}
    assert np.allclose(parsed(tmp_path, distortion=bent, **along).depths, 2 / np.sqrt(1 + r2), rtol=1e-12)
    np.save(tmp_path / "d.npy", np.full((480, 640), 2.0, np.float32))
    keys = {"depth_type": "ray_distance", "depth_path": "d.npy"}
    whole, pinhole = (parsed(tmp_path, **keys, distortion=told).depth_z() for told in (bent, None))
    column, row = np.floor(at).astype(int).T
    assert np.abs(whole[row, column] - 2 / np.sqrt(1 + r2)).max() < 3e-3 < np.abs(whole - pinhole).max()


def test_what_is_outside_the_valid_range_is_unknown_and_the_sky_mask_is_sky(tmp_path):
    np.save(tmp_path / "d.npy", np.array([[0.1, 1.0], [9.0, 11.0], [np.inf, np.nan]], np.float32))
    sky = np.zeros((6, 4), np.uint8)  # twice the depth map's size
    sky[2:4, :2] = 200
    Image.fromarray(sky).save(tmp_path / "sky.png")
    record = parsed(tmp_path, depth_path="d.npy", valid_range_m=[0.5, 10], sky_path="sky.png")
    expected = [[np.nan, 1], [np.inf, np.nan], [np.inf, np.nan]]
    assert np.array_equal(record.depth_z(), expected, equal_nan=True) and record.valid_range_m == (0.5, 10)


def test_a_depth_file_that_cannot_be_read_names_the_record(tmp_path):
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 and no more")
    for name in ("broken.npz", "none.exr", "picture.jpg"):
        with pytest.raises(InputError, match=r"depth_path: some\.jsonl:3: path: .*allowed: "):
            parsed(tmp_path, depth_path=name).depth_z()


# ---- what else a record says -------------------------------------------------------------------------------


def test_field_of_view_pose_group_split_and_licence(tmp_path):
    camera = parsed(tmp_path, original_fx=..., fov_x_deg=90.0).camera
    assert camera.fx == camera.fy == pytest.approx(320) and (camera.cx, camera.cy) == (320, 240)
    fx = parsed(tmp_path, fov_x_deg=65.2).camera.fx
    assert fx == 500  # 65.3 degrees: close enough to be the same
    pose = np.eye(4)
    pose[:3, 3] = 1, 2, 3
    record = parsed(tmp_path, original_fx=..., camera_to_world=pose.tolist(), view_group="room 3", split="train",
                    licence="CC BY 4.0")  # fmt: skip
    assert record.camera is None and np.array_equal(record.camera_to_world, pose)
    assert (record.view_group, record.split, record.licence) == ("room 3", "train", "CC BY 4.0")


def test_distances_and_masks(tmp_path):
    planes = np.arange(6, dtype=np.uint8).reshape(2, 3)
    Image.fromarray(planes).save(tmp_path / "planes.png")
    record = parsed(
        tmp_path, distances=[{"a": [1.5, 2], "b": [10, 20.5], "metres": 0.8}], mask_paths={"planes": "planes.png"}
    )
    assert record.distances == [((1.5, 2.0), (10.0, 20.5), 0.8)]
    assert np.array_equal(record.masks("planes"), planes)
    with pytest.raises(InputError, match=r"masks: some\.jsonl:3 has no 'edges'; allowed: planes"):
        record.masks("edges")


def test_a_conversation_needs_no_image_and_no_size(tmp_path):
    turns = [{"role": "user", "content": "What is 2 + 2?"}, {"role": "assistant", "content": "4"}]
    bare = {"original_rgb_size": ..., "original_fx": ..., "domain": ..., "messages": turns}
    alone = parsed(tmp_path, image=..., **bare)
    assert alone.image is None and alone.size == (0, 0) and alone.messages == turns
    pictured = parsed(tmp_path, **bare)
    assert pictured.image == tmp_path / "rgb/0.png" and pictured.size == (0, 0) and pictured.camera is None


# ---- rows of a table ---------------------------------------------------------------------------------------


def test_sixteen_bit_depth_keeps_its_precision_through_datasets_and_parquet(tmp_path):
    """Every one of the 65,536 codes, as bytes, and through the Image feature read decoded and undecoded."""
    datasets = pytest.importorskip("datasets")
    codes = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    stream = io.BytesIO()
    Image.fromarray(codes).save(stream, format="PNG")
    picture = io.BytesIO()
    Image.fromarray(np.full((256, 256, 3), 90, np.uint8)).save(picture, format="PNG")
    rows = {
        **{key: [value] for key, value in {**ROW, "original_rgb_size": [256, 256]}.items()},
        "image": [picture.getvalue()], "depth_path": [stream.getvalue()], "depth_scale": [256.0], "sky_code": [None],
        "messages": [json.dumps([{"role": "user", "content": [{"type": "image"}]}])],
        "questions": [[{"question": "q", "answer": "a", "type": None}]],
    }  # fmt: skip
    expected = (codes / 256).astype(np.float32)
    expected[0, 0] = np.nan
    table = datasets.Dataset.from_dict(rows)
    table.to_parquet(tmp_path / "rows.parquet")
    kept = datasets.Dataset.from_parquet(str(tmp_path / "rows.parquet"), cache_dir=str(tmp_path / "cache"))
    for feature in (None, datasets.Image(decode=False), datasets.Image()):
        read = kept if feature is None else kept.cast_column("depth_path", feature).cast_column("image", feature)
        record = record_of_row(read[0], tmp_path, "rows.parquet:1")
        assert np.array_equal(record.depth_z(), expected, equal_nan=True), feature
        assert np.asarray(Image.open(io.BytesIO(record.image))).shape == (256, 256, 3)
        assert record.sky_code is None and record.questions == [{"question": "q", "answer": "a"}]
        assert record.messages == [{"role": "user", "content": [{"type": "image"}]}]


def test_depth_that_a_table_has_cast_to_eight_bits_is_refused(tmp_path):
    row = {**ROW, "depth_path": Image.fromarray(np.full((4, 4), 7, np.uint8))}
    with pytest.raises(InputError, match=r"depth_path: row: .*uint8.*allowed: .*16-bit"):
        record_of_row(row, tmp_path, "row").depth_z()
