"""7-Scenes: sequences by the split files, depth in place with 65535 as nothing, poses."""

import numpy as np
import pytest

from heads.errors import InputError
from tests.benchmarks.datasets.builders import converted, depth_png, known, photo, text

POSE = "1 0 0 0.5\n0 0 -1 0.25\n0 1 0 1.5\n0 0 0 1\n"


@pytest.fixture
def chess(tmp_path):
    scene = tmp_path / "7scenes" / "chess"
    text(scene / "TestSplit.txt", "sequence3\nsequence5\n")
    text(scene / "TrainSplit.txt", "sequence1\n")
    for sequence in ("seq-01", "seq-03", "seq-05"):
        for number in (0, 1):
            stem = scene / sequence / f"frame-{number:06d}"
            photo(stem.with_name(stem.name + ".color.png"), 64, 48)
            depth = np.full((48, 64), 65535)
            depth[10, 20], depth[11, 20] = 1500, 0
            depth_png(stem.with_name(stem.name + ".depth.png"), depth)
            text(stem.with_name(stem.name + ".pose.txt"), POSE)
    return scene.parent


def test_the_frames_of_the_test_sequences(chess, tmp_path):
    records, lines = converted("sevenscenes", chess, tmp_path / "out")
    assert [line["frame"] for line in lines] == [
        f"chess_{sequence}_frame-00000{number}" for sequence in ("seq-03", "seq-05") for number in (0, 1)
    ]
    assert known(records[0].depth_z()) == {(20, 10): 1.5}
    assert lines[0]["depth_path"].endswith("chess/seq-03/frame-000000.depth.png")
    camera = records[0].camera
    assert (camera.fx, camera.cx, camera.cy) == (585, 320, 240)
    assert camera.camera_to_world[:3, 3].tolist() == [0.5, 0.25, 1.5] and records[0].view_group == "chess"
    assert len(converted("sevenscenes", chess, tmp_path / "train", split="train")[0]) == 2


def test_parts_of_the_download(chess, tmp_path):
    text(chess / "chess" / "seq-03" / "frame-000001.pose.txt", "1 0 0\n")
    with pytest.raises(InputError, match=r"frame-000001\.pose\.txt cannot be read"):
        converted("sevenscenes", chess, tmp_path / "out")
    text(chess / "chess" / "TestSplit.txt", "sequence9\n")
    with pytest.raises(InputError, match=r"chess/seq-09 is missing"):
        converted("sevenscenes", chess, tmp_path / "out")
