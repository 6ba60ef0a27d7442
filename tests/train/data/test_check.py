"""`fathom data check` finds what is wrong with a set, says where, and shows what it looks like."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny import tiny_records
from vlm.cli import main

REAL = Path("../shared/data/real/depth.jsonl")


def data_check(capsys, monkeypatch, *arguments) -> tuple[int, str, str]:
    """The real command: (exit code, standard output, standard error)."""
    monkeypatch.setattr(sys, "argv", ["fathom", "data", "check", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
        raise SystemExit(0)
    shown = capsys.readouterr()
    return int(ended.value.code or 0), shown.out, shown.err


@pytest.fixture
def check(capsys, monkeypatch):
    return lambda *arguments: data_check(capsys, monkeypatch, *arguments)


@pytest.fixture
def records(tmp_path):
    """records(number, **keys): five good records, of which one is changed; the file."""

    def make(number: int | None = None, **keys) -> Path:
        path = tiny_records(tmp_path, 5)
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        if number is not None:
            rows[number - 1] = {k: v for k, v in {**rows[number - 1], **keys}.items() if v is not ...}
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return make


def test_a_good_set_is_counted(check, records):
    code, out, _ = check(records(2, licence="CC0", domain="indoor", split="train"))
    assert code == 0 and "5 records" in out and "0 errors, 0 warnings" in out
    for line in (
        "data set: tiny 5", "domain: outdoor 4, indoor 1", "licence: not told 4, CC0 1", "split: train 1",
        "questions: distance 15", "image 5", "camera 5", "depth map 5", "labels 5", "sky 5",
    ):  # fmt: skip
        assert line in out, line


BAD = {
    "no json": ({"image": ...}, r"misses 'image'"),
    "no such image": ({"image": "images/none.png"}, r"image: no file .*none\.png"),
    "no such depth": ({"depth_path": "depth/none.png"}, r"depth_path: no file .*none\.png"),
    "no such labels": ({"labels_path": "none.png"}, r"labels_path: no file .*none\.png"),
    "no such mask": ({"mask_paths": {"planes": "none.png"}}, r"mask_paths\.planes: no file"),
    "no such picture in a conversation": (
        {"messages": [{"role": "user", "content": [{"type": "image", "image": "none.png"}]},
                      {"role": "assistant", "content": "yes"}]}, r"messages image 0: no file"),
    "another size": ({"original_rgb_size": [192, 64]}, r"original_rgb_size says 192x64, the photograph is 96x64"),
    "size before its orientation": ({"original_rgb_size": [64, 96]}, r"EXIF orientation"),
    "depth of another aspect": ({"depth_path": "tall.png", "original_depth_size": [64, 96]}, r"another aspect"),
    "depth of another size": ({"original_depth_size": [48, 32]}, r"original_depth_size says 48x32, .* 96x64"),
    "depth all invalid": ({"depth_path": "nothing.png"}, r"no valid depth at all"),
    "depth all nan": ({"depth_path": "nan.npy", "depth_scale": ...}, r"no valid depth at all"),
    "depth of eight bits": ({"depth_path": "eight.png"}, r"uint8"),
    "labelled depth nan": ({"pixel_coords": [[1, 1]], "depth": [float("nan")]}, r"not finite"),
    "labelled pixel outside": ({"pixel_coords": [[96, 1]], "depth": [1.0]}, r"outside the depth map"),
    "fx and fy contradict": ({"original_fy": 500.0, "original_fx": 50.0}, r"contradict each other"),
    "fov and fx contradict": ({"fov_x_deg": 150}, r"fov_x_deg 150 contradicts original_fx"),
    "principal point outside": ({"original_cx": 300}, r"principal point \(300, 32\) is outside the 96x64"),
    "pose no rotation": ({"camera_to_world": (2 * np.eye(4)).tolist()}, r"(no rigid motion|last row)"),
    "pose mirrored": ({"camera_to_world": np.diag([-1, 1, 1, 1]).tolist()}, r"no rigid motion"),
    "messages without an answer": ({"messages": [{"role": "user", "content": "?"}]}, r"no turn of the assistant"),
    "text that holds a slot": (
        {"messages": [{"role": "user", "content": "<image> what?"}, {"role": "assistant", "content": "a"}]},
        r"text holds <image>"),
    "a mask of another aspect": ({"sky_path": "tall8.png"}, r"sky_path is 64x96"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_bad_record_is_told_with_file_and_line_and_a_failing_exit(check, records, tmp_path, what):
    keys, text = BAD[what]
    path = records(3, **keys)
    Image.fromarray(np.full((96, 64), 500, np.uint16)).save(tmp_path / "tall.png")
    Image.fromarray(np.full((96, 64), 5, np.uint8)).save(tmp_path / "tall8.png")
    Image.fromarray(np.zeros((64, 96), np.uint16)).save(tmp_path / "nothing.png")
    Image.fromarray(np.full((64, 96), 5, np.uint8)).save(tmp_path / "eight.png")
    np.save(tmp_path / "nan.npy", np.full((64, 96), np.nan, np.float32))
    code, out, _ = check(path)
    told = [line for line in out.splitlines() if "error: " in line]
    assert code == 1 and told and all("records.jsonl:3: " in line for line in told)
    assert re.search(text, out), out


@pytest.mark.parametrize(
    ("scale", "text"),
    [
        (500_000, r"depth_scale 1000 too large"),
        (0.001, r"depth_scale 1000 too small"),
        (30.0, r"indoors: is depth_scale"),
    ],
)
def test_a_scale_that_is_off_warns_with_the_likely_cause(check, records, scale, text):
    code, out, _ = check(records(4, depth_scale=scale, domain="indoor"))
    assert code == 0 and "1 warnings" in out
    line = next(line for line in out.splitlines() if "warning: " in line)
    assert "records.jsonl:4: depth with a median of" in line and re.search(text, line)


def test_labelled_depths_that_contradict_the_map_are_told(check, records):
    """The map's own values at ten pixels of the ground; then the same as if the scale were another."""
    path = records()
    row = json.loads(path.read_text().splitlines()[0])
    values = np.asarray(Image.open(path.parent / row["depth_path"]))
    pixels = [[8 * i, 60] for i in range(10)]
    depth = [float(values[y, x] / 500) for x, y in pixels]
    assert "0 errors, 0 warnings" in check(records(1, pixel_coords=pixels, depth=depth))[1]
    _, out, _ = check(records(1, pixel_coords=pixels, depth=[d / 2 for d in depth]))
    assert "records.jsonl:1: labelled depths are 0.5 times the depth map's" in out and "1 warnings" in out


def test_a_focal_length_that_the_exif_contradicts_is_told(check, records, tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 26  # 35 mm equivalent: 26 / 36 of the width, 69 px
    Image.fromarray(np.zeros((64, 96, 3), np.uint8)).save(tmp_path / "phone.jpg", exif=exif)
    assert "0 warnings" in check(records(1, image="phone.jpg", original_fx=70.0, original_fy=70.0))[1]
    _, out, _ = check(records(1, image="phone.jpg", original_fx=700.0, original_fy=700.0))
    assert "a focal length of 700 px, but the photograph's EXIF tells of 69 px" in out


def test_a_swapped_principal_point_is_suspected(check, records):
    code, out, _ = check(records(2, original_cx=32, original_cy=48))
    assert code == 0 and "records.jsonl:2: the principal point (32, 48) is far from the middle of 96x64" in out
    assert "are cx and cy swapped?" in out


def test_depth_without_a_camera_is_said_to_train_nothing(check, records):
    code, out, _ = check(records(1, original_fx=...))
    assert code == 0 and "records.jsonl:1: depth without a camera" in out


def test_the_first_of_many_bad_lines_are_shown(check, records):
    path = records()
    path.write_text(path.read_text() + "{\n" * 25)
    code, out, _ = check(path)
    assert code == 1 and "25 errors" in out and "15 more of the kind 'line'" in out
    assert "records.jsonl:6: " in out and "records.jsonl:15: " in out and "records.jsonl:16: " not in out
    assert "records.jsonl:30: " in check("--all", path)[1]


def test_a_file_that_is_not_there_is_one_line_on_standard_error(check, tmp_path):
    code, out, err = check(tmp_path / "none.jsonl")
    assert code == 2 and out == "" and "records: no file" in err and err.count("\n") == 1


def test_the_sheet_shows_image_depth_and_points(check, records, tmp_path):
    path = records(2, image=..., original_rgb_size=..., original_fx=..., depth_path=..., labels_path=...)
    code, out, _ = check(path, "--sheet", tmp_path / "sheet.png", "--rows", 4)
    assert code == 0 and "wrote" in out
    picture = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))
    assert picture.shape[0] > 4 * 250 and picture.shape[1] > 1200
    assert len(np.unique(picture.reshape(-1, 3)[::7], axis=0)) > 200
    assert not list(tmp_path.glob(".*png"))
    code, _, err = check(path, "--sheet", tmp_path / "sheet.jpg")
    assert code == 2 and "sheet: " in err


@pytest.mark.skipif(not REAL.is_file(), reason=f"no real records at {REAL}")
def test_the_real_records_have_no_fault(check):
    code, out, _ = check(REAL, "--quick")
    assert code == 0 and "137 records" in out and "0 errors, 0 warnings" in out and "ibims1 50" in out
