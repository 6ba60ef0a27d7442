"""SUN RGB-D: rotated 16-bit depth, the official lists, and the NYU frames that wrap."""

import numpy as np
import pytest

from benchmarks.datasets.sunrgbd import decoded
from heads.errors import InputError
from tests.benchmarks.datasets.builders import converted, depth_png, known, photo, text

savemat = pytest.importorskip("scipy.io").savemat

PREFIX = "/n/fs/sun3d/data/SUNRGBD/"
KINECT2, NYU = "kv2/kinect2data/000002_2014-05-26_rgbf000103-resize", "kv1/NYUdata/NYU0001"


def encoded(millimetres: int) -> int:
    """As the release stores a depth: its 16 bits rotated to the left by 3."""
    return ((millimetres << 3) | (millimetres >> 13)) & 0xFFFF


@pytest.fixture
def sun(tmp_path):
    root = tmp_path / "sun"
    for name in (KINECT2, NYU):
        folder = root / "SUNRGBD" / name
        photo(folder / "image" / "0000103.jpg", 73, 53)
        depth = np.zeros((53, 73), int)
        depth[10, 20], depth[11, 20], depth[12, 20] = encoded(1234), encoded(7999), encoded(9000)
        depth_png(folder / "depth" / "0000103.png", depth)
        depth_png(folder / "depth_bfx" / "0000103.png", np.full((53, 73), encoded(2000)))
        text(folder / "intrinsics.txt", "529.500000 0.000000 365.000000 0 529.5 265 0 0 1 \n")

    def cells(*paths):
        found = np.empty((1, len(paths)), object)
        found[0] = paths
        return found

    split = root / "SUNRGBDtoolbox" / "traintestSUNRGBD"
    split.mkdir(parents=True)
    lists = {"alltest": cells(PREFIX + NYU + "/", PREFIX + KINECT2), "alltrain": cells(PREFIX + NYU)}
    savemat(split / "allsplit.mat", lists)
    return root


def test_the_bits_are_rotated_back():
    values = np.array([[encoded(1), encoded(1234), encoded(8191), encoded(8192), encoded(9000), 0]], np.uint16)
    assert decoded(values)[0, :5].tolist() == pytest.approx([0.001, 1.234, 8.191, 8.192, 9.0])
    assert np.isnan(decoded(values)[0, 5])
    # Millimetres kept in 13 bits, as NYU's are there, come back short: 9 m reads 0.808 m.
    assert decoded(np.array([[(9000 << 3) & 0xFFFF]], np.uint16))[0, 0] == pytest.approx(0.808)


def test_raw_depth_up_to_the_toolboxs_8_metres(sun, tmp_path):
    (record,), (line,) = converted("sunrgbd", sun, tmp_path / "out")
    assert known(record.depth_z()) == {(20, 10): 1.234, (20, 11): 7.999}
    assert line["frame"] == KINECT2.replace("/", "_") and record.image.name == "0000103.jpg"
    assert (record.camera.fx, record.camera.cx, record.camera.cy) == (529.5, 364.5, 264.5)  # MATLAB counts from 1


def test_frames_of_nyu_are_refused_because_they_wrap(sun, tmp_path):
    lines = converted("sunrgbd", sun, tmp_path / "test")[1]
    assert not [line for line in lines if "NYU" in line["frame"]]
    with pytest.raises(InputError, match="no item of the split 'train'"):
        converted("sunrgbd", sun, tmp_path / "train", split="train")  # NYU is all that is in it


def test_parts_of_the_download(sun, tmp_path):
    (sun / "SUNRGBD" / KINECT2 / "depth" / "0000103.png").unlink()
    with pytest.raises(InputError, match=r"sunrgbd: no .*depth/\*\.png"):
        converted("sunrgbd", sun, tmp_path / "out")
    text(sun / "SUNRGBD" / KINECT2 / "intrinsics.txt", "529.5 0 365")
    with pytest.raises(InputError, match=r"intrinsics\.txt cannot be read"):
        converted("sunrgbd", sun, tmp_path / "out")
