"""The commands of the recipe, from nothing to an embedded model that answers: tiny, but the whole way."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

FATHOM = [str(Path(sys.executable).parent / "fathom")]
RECIPE = Path(__file__).parents[2] / "train" / "recipes" / "nano-pretrain.yaml"


def run(*arguments: str) -> str:
    done = subprocess.run([*FATHOM, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_worlds_train_calibrate_look(tmp_path):
    run("worlds", "--out", str(tmp_path / "worlds"), "--count", "24", "--first-seed", "900000000")
    records = tmp_path / "worlds" / "records.jsonl"
    recipe = yaml.safe_load(RECIPE.read_text())
    recipe |= {"records": [str(records)], "steps": 6, "batch": 4, "warmup_steps": 2, "save_every": 3, "workers": 0}
    small = tmp_path / "small.yaml"
    small.write_text(yaml.safe_dump(recipe))
    run("train", "--recipe", str(small), "--out", str(tmp_path / "run"), "--export", str(tmp_path / "model"))
    run("calibrate", str(records), "--model", str(tmp_path / "model"), "--out", str(tmp_path / "calibrated"))

    image = sorted((tmp_path / "worlds" / "images").iterdir())[0]
    run("look", str(image), "--model", str(tmp_path / "calibrated"), "--out", str(tmp_path / "seen"))
    answer = json.loads((tmp_path / "seen" / "answer.json").read_text())
    assert answer["views"][0]["focal_source"] == "rays"
    assert answer["answers"][0]["question"] == "Describe the picture."
    depth = np.load(tmp_path / "seen" / "depth.npz")["depth_z_m"]
    assert depth.shape == tuple(answer["views"][0]["size"][::-1])
    assert "labels" not in json.loads((tmp_path / "calibrated" / "config.json").read_text())["heads"]
