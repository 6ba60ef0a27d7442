"""The README's "train on your own data": the commands as they stand there, on the records that the example renders."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from train.example import COUNT, commands, render
from train.recipe import load_recipe
from vlm.records import read_records

FATHOM = str(Path(sys.executable).parent / "fathom")


def test_the_example_is_twenty_records_with_three_questions_each(tmp_path):
    path = render(tmp_path)
    before = path.read_text()
    records = list(read_records(path))
    assert len(records) == COUNT == 20
    assert all(len(record.questions) == 3 and record.camera is not None for record in records)
    assert render(tmp_path) == path and path.read_text() == before


def test_depth_of_the_example_is_that_of_the_room(tmp_path):
    """Back-projected, every pixel lies on floor, ceiling, wall or ball: at most three planes and one sphere."""
    record = next(read_records(render(tmp_path)))
    depth_z = record.depth_z()
    pixels = record.camera.pixel_grid()
    height = (pixels[..., 1] - record.camera.cy) / record.camera.fy * depth_z  # y of every point, in metres
    floor, ceiling = height[-1], height[0]
    assert 1.1 < floor.max() < 1.6 and floor.max() - floor.min() < 0.01
    assert abs(floor.max() - ceiling.min() - 2.6) < 0.01 or depth_z[0].std() < 1e-3  # the ceiling, or the wall alone
    far = float(record.questions[2]["answer"].removesuffix(" m"))
    assert abs(depth_z - far).min() < 0.06 and record.questions[1]["answer"] in ("left", "right")


def test_the_commands_of_the_example_are_both_stages_with_one_adapter(tmp_path):
    words = commands(tmp_path, tmp_path / "records.jsonl")
    assert [line[0] for line in words] == ["data", "train", "train", "merge"]
    first, second = (load_recipe(line[2], line[5:]) for line in words[1:3])
    assert first.detach_heads and not second.detach_heads
    assert second.start == f"{words[1][4]}/final" and words[3][1] == f"{words[2][4]}/final"


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_twenty_records_are_known_by_heart_after_both_stages(tmp_path):
    done = subprocess.run(
        [FATHOM, "train-example", "--out", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    told = re.search(r"depth delta1 ([\d.]+) .* (\d+) of (\d+) answers right", done.stdout)
    assert told and float(told[1]) > 0.95 and told[2] == told[3] == "60"
    assert json.loads((tmp_path / "stage2" / "final" / "fathom_adapter.json").read_text())["base"] == "nano"
