"""A line of a data set becomes a record in Fathom's conventions, or an error that names file and line."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.tiny import tiny_records
from vlm.errors import InputError
from vlm.records import parse_record, read_records

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
    "distance along the ray": {"depth_type": "ray"},
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
