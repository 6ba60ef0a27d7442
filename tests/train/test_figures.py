"""The speed of training is measured on two loops that compute the same."""

import json

import pytest
from typer.testing import CliRunner

from train.figures import SideBySide, recipe_of
from train.worlds.write import write_records
from vlm.cli import app


def test_the_plain_loop_computes_the_same_losses_as_the_trainer(tmp_path):
    turns = SideBySide(recipe_of("tiny", write_records(tmp_path / "worlds", 4, 4_000_000), 2))
    turns.run(tmp_path / "out")
    assert len(turns.ours) == len(turns.plain) == len(turns.loading) == len(turns.differences) == 4
    assert max(turns.differences) < 1e-4  # the order of float32 sums
    assert min(turns.ours + turns.plain) > 0


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_the_command_tells_both_and_their_ratio(tmp_path):
    words = ["train-speed", "--steps", "2", "--sizes", "tiny", "--out", str(tmp_path / "speed.json")]
    told = CliRunner().invoke(app, words, catch_exceptions=False).stdout  # progress goes to standard error
    figures = json.loads((tmp_path / "speed.json").read_text())["tiny"]
    assert json.loads(told)["tiny"] == figures
    assert figures["steps"] == 2 and figures["loss_difference"] < 1e-4
    assert figures["ratio"] == pytest.approx(figures["plain_seconds"] / figures["ours_seconds"], rel=1)
    assert figures["peak_memory_mib"]["ours"] > figures["peak_memory_mib"]["before"] > 100
