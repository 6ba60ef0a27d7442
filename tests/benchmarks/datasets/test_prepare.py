"""`fathom bench prepare`: what it writes, that it goes on, what it says to bad input."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from benchmarks.cli import app
from benchmarks.datasets import DATASETS, load_dataset
from benchmarks.datasets.prepare import cropped, prepare
from heads.errors import InputError
from tests.benchmarks.datasets.builders import converted, photo
from vlm.records import read_records


@pytest.fixture
def diode(tmp_path):
    """Seven photographs of 64x48 in DIODE's layout; depth = 1 + number at each pixel, the left half masked."""
    for number in range(7):
        scan = tmp_path / "diode" / "val" / "indoors" / "scene_00019" / "scan_00183"
        photo(scan / f"00019_00183_indoors_{number:03d}_000.png", 64, 48, number)
        mask = np.zeros((48, 64))
        mask[:, 32:] = 1
        np.save(scan / f"00019_00183_indoors_{number:03d}_000_depth.npy", np.full((48, 64, 1), 1.0 + number, "f4"))
        np.save(scan / f"00019_00183_indoors_{number:03d}_000_depth_mask.npy", mask)
    return tmp_path / "diode"


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_has_a_card(name):
    module = load_dataset(name)
    card, about = module.CARD, " ".join(module.__doc__.split())
    assert card.name == name and card.splits and card.domain in ("indoor", "outdoor", "mixed")
    assert card.link.startswith("https://") and card.link in about and card.licence in about
    assert set(card.usual_crop) <= set(card.splits) and set(card.usual_crop.values()) <= set(card.crops)
    assert all(split in about for split in card.splits)
    for entry in ("layout", "split", "range", "depth", "licence", "faults"):
        assert re.search(rf"\b{entry}s?\b", module.__doc__)
    if card.valid_range_m is not None:
        assert f"{card.valid_range_m[0]:g} to {card.valid_range_m[1]:g} m" in about


def test_a_folder_says_what_it_holds(diode, tmp_path):
    records, lines = converted("diode", diode, tmp_path / "out", limit=3, points=5)
    about = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert about["records"] == 3 and about["split"] == "val" and about["limit"] == 3 and about["crop"] == "none"
    assert about["card"]["licence"] == "MIT" and "computational camera" not in about["about"]
    assert "DIODE" in about["about"] and about["card"]["valid_range_m"] == [0.6, 350.0]
    assert [line["frame"][-7:-4] for line in lines] == ["000", "003", "006"]  # evenly spread, not the first three
    assert not list((tmp_path / "out").glob(".*"))
    assert records[0].image.is_file() and lines[0]["image"] == str(records[0].image)


def test_labelled_pixels_are_drawn_from_the_valid_ones_and_are_the_same_every_time(diode, tmp_path):
    records, lines = converted("diode", diode, tmp_path / "a", points=20)
    again = converted("diode", diode, tmp_path / "b", points=20)[1]
    assert [line["pixel_coords"] for line in lines] == [line["pixel_coords"] for line in again]
    assert lines[0]["pixel_coords"] != lines[1]["pixel_coords"]
    for number, line in enumerate(lines):
        assert len(line["depth"]) == 20 and set(line["depth"]) == {1.0 + number}
        assert min(x for x, _ in line["pixel_coords"]) >= 32
    assert len(records[0].pixels) == 20
    assert "pixel_coords" not in converted("diode", diode, tmp_path / "c", points=0)[1][0]


def test_a_stopped_run_goes_on_where_it_was(diode, tmp_path):
    out, whole = tmp_path / "out", tmp_path / "whole"

    def stop(done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare("diode", diode, out, progress=stop)
    partial = out / ".records.jsonl"
    assert not (out / "records.jsonl").exists() and partial.read_text().count("\n") == 4
    partial.write_text(partial.read_text() + '{"dataset": "dio')  # as a killed process leaves it
    seen = []
    done = prepare("diode", diode, out, progress=lambda number, total: seen.append((number, total)))
    assert done.resumed == 4 and done.count == 7 and seen == [(5, 7), (6, 7), (7, 7)]
    prepare("diode", diode, whole)
    assert (out / "records.jsonl").read_text() == (whole / "records.jsonl").read_text()


def test_the_same_request_again_keeps_what_is_there_and_another_is_refused(diode, tmp_path):
    out = tmp_path / "out"
    prepare("diode", diode, out, limit=2)
    before = (out / "records.jsonl").read_bytes()
    assert prepare("diode", diode, out, limit=2).resumed == 2
    assert (out / "records.jsonl").read_bytes() == before
    with pytest.raises(InputError, match=r"out: .*another request \(limit differ\).*allowed: an empty folder"):
        prepare("diode", diode, out, limit=3)
    assert (out / "records.jsonl").read_bytes() == before


def test_a_crop_leaves_nan_outside():
    inside = cropped(np.ones((480, 640), np.float32), (41, 45, 601, 471))
    rows, columns = np.nonzero(np.isfinite(inside))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (45, 470, 41, 600)
    # Garg's window of a 375x1242 picture: int(0.40810811 * 375) = 153, int(0.99189189 * 375) = 371, 44, 1197.
    garg = load_dataset("kitti").CARD.crops["garg"]
    rows, columns = np.nonzero(np.isfinite(cropped(np.ones((375, 1242), np.float32), garg)))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (153, 370, 44, 1196)


def test_a_photograph_that_exif_would_turn_is_written_as_it_is_stored(diode, tmp_path):
    path = next(diode.rglob("*_000_000.png"))
    pixels = np.asarray(Image.open(path))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(path, exif=exif)
    records, lines = converted("diode", diode, tmp_path / "out")
    assert lines[0]["image"].startswith("image/")
    written = Image.open(records[0].image)
    assert np.array_equal(np.asarray(written), pixels) and 0x0112 not in written.getexif()
    assert lines[1]["image"].startswith("/")


BAD = {
    "an unknown data set": ({"dataset": "imagenet"}, r"dataset: 'imagenet' is not known; allowed: argoverse2, ddad"),
    "an unknown split": ({"split": "test"}, r"split: 'test'; allowed: val, train"),
    "an unknown crop": ({"crop": "garg"}, r"crop: 'garg'; allowed: none"),
    "no items": ({"limit": 0}, r"limit: 0; allowed: 1 or more"),
    "no root": ({"root": "/nowhere"}, r"root: no folder /nowhere; allowed: the folder of the DIODE"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_line_before_anything_is_written(diode, tmp_path, what):
    changes, message = BAD[what]
    with pytest.raises(InputError, match=message):
        prepare(**{"dataset": "diode", "root": diode, "out": tmp_path / "out", **changes})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", DATASETS)
def test_an_empty_folder_is_told_which_file_of_the_download_was_expected(name, tmp_path):
    (tmp_path / "empty").mkdir()
    for split in load_dataset(name).CARD.splits:
        with pytest.raises(InputError) as problem:
            prepare(name, tmp_path / "empty", tmp_path / "out", split=split)
        message = str(problem.value)
        assert message.startswith(f"root: {name}: ") and str(tmp_path / "empty") in message and "\n" not in message
        assert "allowed: the folder of the" in message


def test_on_the_command_line(diode, tmp_path):
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["prepare", "diode", "--root", str(diode), "--out", str(out), "--limit", "2"])
    assert done.exit_code == 0, done.output
    assert f"2 records: {out / 'records.jsonl'}" in " ".join(done.output.split())
    assert len(list(read_records(out / "records.jsonl"))) == 2
    again = CliRunner().invoke(app, ["prepare", "diode", "--root", str(diode), "--out", str(out), "--limit", "2"])
    assert "2 of them already there" in " ".join(again.output.split())
