"""What ships: the embedded model, measured on scenes rendered here that its training never saw."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from train.worlds.write import write_records
from vlm.checkpoints import EMBEDDED
from vlm.model import Fathom
from vlm.records import read_records

FOLDER = EMBEDDED["nano"]
NEVER_TRAINED_SEED = 500_000_000


@pytest.fixture(scope="module")
def nano():
    return Fathom.from_pretrained("nano")


@pytest.fixture(scope="module")
def unseen(tmp_path_factory):
    return list(read_records(write_records(tmp_path_factory.mktemp("unseen"), 100, NEVER_TRAINED_SEED, progress=False)))


def test_it_is_small_enough_to_ship(nano):
    assert sum(weight.numel() for weight in nano.parameters()) <= 30_000_000
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 64 * 2**20


def test_only_float16_safetensors_and_text_travel():
    for file in FOLDER.iterdir():
        assert file.suffix in {".safetensors", ".json", ".jinja", ".md", ".jpg"}, file.name
    with safe_open(FOLDER / "model.safetensors", "np") as tensors:
        assert {tensors.get_tensor(name).dtype for name in tensors.keys()} == {np.dtype(np.float16)}  # noqa: SIM118


def test_unseen_scenes_depth_camera_and_answers(nano, unseen):
    inside, constant, fov, right = [], [], [], 0
    answers = {"what_at": Counter(), "colour": Counter(), "indoor_outdoor": Counter()}
    for record in unseen:
        scene = nano.look(record.image, record.camera)
        truth = record.depth_z()
        known = np.isfinite(truth)
        ratio = np.maximum(scene.depth_z / truth, truth / scene.depth_z)[known]
        inside.append((ratio < 1.25).mean())
        constant.append((np.maximum(3.0 / truth, truth / 3.0)[known] < 1.25).mean())
        fov.append(abs(scene.views[0].camera_from_rays.fov_x_deg - record.camera.fov_x_deg))
        for pair in record.questions:
            if pair["type"] in answers:
                answers[pair["type"]][pair["answer"]] += 1
                right += scene.ask(pair["question"], max_new_tokens=12).text == pair["answer"]
    assert np.mean(inside) > np.mean(constant) + 0.15
    assert np.median(fov) < 12
    # The card says that these types stand above the best fixed answer; here that answer is even chosen on the test.
    assert right > sum(counts.most_common(1)[0][1] for counts in answers.values())


def test_the_card_is_there_and_its_config_is_calibrated():
    assert "delta1" in (FOLDER / "README.md").read_text(encoding="utf-8")
    config = json.loads((FOLDER / "config.json").read_text())
    assert config["uncertainty"]["calibrated_on"]
    assert "labels" not in config["heads"]
    assert not Path(FOLDER / "optimizer.pt").exists()
