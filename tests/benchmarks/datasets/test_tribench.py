"""Tri-Bench: distances between pixels of the upright photograph; the EXIF focal stays usable."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from heads.errors import InputError
from tests.benchmarks.datasets.builders import converted, text
from vlm.images import load_image

OPEN = Path(__file__).parents[4] / "shared" / "data" / "real"
LINE = {
    "image": "tribench/005_T0.jpg", "size": [96, 128], "view": "tilted", "object_in_square": "none",
    "pixels": {"A": [10.0, 20.0], "B": [80.0, 20.0], "C": [40.0, 100.0]},
    "sides_m": {"AB": 0.562, "BC": 0.59, "CA": 0.347}, "side_type": "scalene", "angle_type": "acute",
}  # fmt: skip


@pytest.fixture
def sideways(tmp_path):
    """A photograph stored lying on its side (128x96, orientation 6), 26 mm; its upright pixel (10, 20) is red."""
    root = tmp_path / "tri"
    upright = np.full((128, 96, 3), 128, np.uint8)
    upright[16:25, 6:15] = 255, 0, 0
    stored = np.rot90(upright, 1)  # orientation 6: turn clockwise to see it upright
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769).update({0xA405: 26, 0xA002: 128, 0xA003: 96})
    (root / "tribench").mkdir(parents=True)
    Image.fromarray(np.ascontiguousarray(stored)).save(root / "tribench" / "005_T0.jpg", exif=exif, quality=95)
    text(root / "tribench.jsonl", json.dumps(LINE) + "\n")
    return root


def test_three_sides_between_centres_of_pixels_of_the_upright_photograph(sideways, tmp_path):
    (record,), (line,) = converted("tribench", sideways, tmp_path / "out")
    assert [(a, b, metres) for a, b, metres in record.distances] == [
        ((10.5, 20.5), (80.5, 20.5), 0.562),
        ((80.5, 20.5), (40.5, 100.5), 0.59),
        ((40.5, 100.5), (10.5, 20.5), 0.347),
    ]
    assert record.size == (96, 128) and record.camera is None and record.depth_path is None
    assert (line["scene_id"], line["frame"], line["view"]) == ("005", "005_T0", "tilted")


def test_the_file_is_referenced_so_that_readers_turn_it_and_know_its_focal(sideways, tmp_path):
    (record,), (line,) = converted("tribench", sideways, tmp_path / "out")
    assert line["image"] == str(sideways / "tribench" / "005_T0.jpg")
    photo = load_image(record.image)
    red = photo.rgb[20, 10].astype(int)
    assert photo.size == record.size and red[0] > 200 and red[1] < 60
    assert photo.exif_camera is not None and photo.exif_camera.size == record.size
    assert photo.exif_camera.fx == pytest.approx(26 * 160 / 43.27)  # as heads.exif rounds the diagonal


def test_a_size_of_another_photograph_is_refused(sideways, tmp_path):
    text(sideways / "tribench.jsonl", json.dumps({**LINE, "size": [128, 96]}))
    with pytest.raises(InputError, match=r"005_T0\.jpg cannot be read \(upright it is \(96, 128\), not \(128, 96\)\)"):
        converted("tribench", sideways, tmp_path / "out")
    text(sideways / "tribench.jsonl", "{")
    with pytest.raises(InputError, match=r"tribench\.jsonl cannot be read"):
        converted("tribench", sideways, tmp_path / "out")


@pytest.mark.skipif(not OPEN.is_dir(), reason="the open real records are not beside this checkout")
def test_the_open_photographs(tmp_path):
    records, lines = converted("tribench", OPEN, tmp_path / "out")
    assert len(records) == 80 and {line["view"] for line in lines} == {"planar", "tilted"}
    turned = 0
    for record in records:
        photo = load_image(record.image)
        with Image.open(record.image) as image:
            turned += image.size != record.size
        width, height = record.size
        assert photo.size == record.size and photo.exif_camera is not None
        assert 50 < max(photo.exif_camera.fov_x_deg, photo.exif_camera.fov_y_deg) < 90  # a telephone's main camera
        for a, b, metres in record.distances:
            assert 0 < a[0] < width and 0 < a[1] < height and a != b and 0.05 < metres < 5
        ab, bc, ca = (metres for _, _, metres in record.distances)
        assert ab < bc + ca and bc < ca + ab and ca < ab + bc
    assert turned > 0
