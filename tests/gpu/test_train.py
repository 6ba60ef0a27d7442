"""Training on a GPU: the losses and gradients of the CPU, and a run that learns, goes on and ships."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from tests.gpu import ON_GPU
from tests.tiny import tiny_model
from train.checkpoint import newest, step_of
from train.data.build import build_data
from train.guide import Guide
from train.losses import counts_of
from train.recipe import load_recipe
from train.start import new_model
from train.trainer import FathomTrainer
from train.worlds.write import write_records
from vlm.cli import app
from vlm.model import Fathom
from vlm.records import read_records

pytestmark = ON_GPU
SIZES = ["model.text.num_hidden_layers=4", "model.text.intermediate_size=256", "model.vision.depth=4"]
SIZES += ["model.vision.deepstack_visual_indexes=[1,3]"]
SIZES += ["guide={layers: [0], places: 0, cells: 0, answers: 1, verdict: 2, chosen: 3, numbers: 3, copies: 3, told: 2}"]


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    return write_records(tmp_path_factory.mktemp("worlds"), 24, 910_000_000, progress=False, workers=2, device="cuda")


def to(value, device):
    """A batch on another device."""
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {key: to(each, device) for key, each in value.items()}
    return [to(each, device) for each in value] if isinstance(value, list) else value


def test_losses_counts_and_gradients_are_those_of_the_cpu(records, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    taps = ["depth.taps=[vision.2,vision.3,language.2,language.-1,deepstack.1]", "rays.taps=[language.2,language.-1]"]
    changes = [f"model.heads.{each}" for each in taps] + ["vocabulary=600", f"records=[{records}]"]
    recipe = load_recipe("nano-pretrain", SIZES + changes)
    torch.manual_seed(0)
    model = new_model(recipe, ["How far is the red chair?"]).train()
    data, collator = build_data(recipe, model)
    batch = collator([data[k] for k in range(4)])
    found = []
    for device in ("cpu", "cuda"):
        model.zero_grad()
        model.to(device)
        given = to(batch, device)
        counts = counts_of(model, given, recipe.guide)
        looks, guide = given.pop("looks"), Guide(recipe.guide, model.backbone)
        with guide.watching(looks) as seen:
            output = model(**given)
        losses = output.losses | guide.losses(seen, given["attention_mask"], looks)
        assert {name for name, weight in recipe.losses.items() if weight} <= losses.keys()
        for name, (_, count) in losses.items():
            assert int(counts[name]) == int(count), name
        sum(weight * losses[name][0] / losses[name][1] for name, weight in recipe.losses.items()).backward()
        values = {name: float(value.detach()) / max(int(count), 1) for name, (value, count) in losses.items()}
        gradients = {name: each.grad.cpu() for name, each in model.named_parameters() if each.grad is not None}
        found.append((values, gradients))
    (cpu, cpu_gradients), (gpu, gpu_gradients) = found
    assert gpu == pytest.approx(cpu, rel=1e-3, abs=1e-4)
    assert gpu_gradients.keys() == cpu_gradients.keys() and len(cpu_gradients) > 50
    largest = max(float(gradient.norm()) for gradient in cpu_gradients.values())
    for name, gradient in cpu_gradients.items():
        apart = float((gpu_gradients[name] - gradient).norm())
        assert apart < 0.02 * float(gradient.norm()) + 1e-4 * largest, name


def test_a_new_model_learns_goes_on_from_its_checkpoint_and_ships(records, tmp_path):
    """With all of nano's recipe: guide, average, worker processes, accumulation, evaluation, export."""
    settings = {"steps": 30, "batch": 8, "accumulate": 2, "workers": 2, "save_every": 20, "log_every": 1,
                "warmup_steps": 5, "eval_every": 15, "eval_samples": 4, "records": f"[{records}]",
                "held_out": f"[{records}]"}  # fmt: skip
    command = ["train", "--recipe", "nano-pretrain", "--out", str(tmp_path / "run"), "--export", str(tmp_path / "nano")]
    command += [f"{key}={value}" for key, value in settings.items()]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    whole = log_of(tmp_path / "run")
    losses = [row["loss"] for row in whole if "loss" in row]
    assert len(losses) == 30 and np.mean(losses[-5:]) < 0.85 * np.mean(losses[:5])
    assert {"loss_guide", "loss_places", "loss_cells", "loss_label_kind"} <= whole[0].keys()
    assert any("eval_delta1" in row for row in whole)
    assert torch.cuda.get_device_name() in (tmp_path / "run" / "final" / "README.md").read_text()

    for folder in ("checkpoint-30", "final"):  # as if it had been killed after step 20
        shutil.rmtree(tmp_path / "run" / folder)
    shutil.rmtree(tmp_path / "nano")
    assert step_of(newest(tmp_path / "run")) == 20
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    again = [row["loss"] for row in log_of(tmp_path / "run") if "loss" in row]
    assert again[:20] == losses[:20] and again == pytest.approx(losses, rel=0.05)

    record = next(iter(read_records(records)))
    depths = [
        Fathom.from_pretrained(tmp_path / "nano", device_map=device).look(record.image, record.camera).depth_z
        for device in ("cpu", "cuda")
    ]
    assert np.isfinite(depths[0]).any() and np.nanmedian(np.abs(np.log(depths[0] / depths[1]))) < 1e-2


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_an_adapter_and_heads_on_detached_features_learn(records, tmp_path, dtype):
    tiny_model().save_pretrained(tmp_path / "start")
    command = ["train", "--recipe", "stage1", "--out", str(tmp_path / "run"), f"start={tmp_path / 'start'}"]
    command += [
        f"records=[{records}]",
        "steps=4",
        "batch=4",
        "accumulate=2",
        "workers=0",
        "log_every=1",
        f"dtype={dtype}",
    ]
    command += ["gradient_checkpointing=true", "average=0.5"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert all(np.isfinite(row["loss"]) for row in log_of(tmp_path / "run") if "loss" in row)
    record = next(iter(read_records(records)))
    model = Fathom.from_pretrained(tmp_path / "run" / "final", device_map="cuda")
    assert np.isfinite(model.look(record.image, record.camera).depth_z).any()


def test_its_uncertainty_is_calibrated_on_the_gpu(records, tmp_path):
    command = ["calibrate", str(records), "--model", "nano", "--out", str(tmp_path / "calibrated")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    factor = json.loads((tmp_path / "calibrated" / "config.json").read_text())["uncertainty"]["factor"]
    assert all(0.1 < value < 20 for value in factor.values())


def test_the_trainer_is_on_the_gpu(records, tmp_path, monkeypatch):
    devices = set()
    compute = FathomTrainer.compute_loss

    def watched(self, model, inputs, *args, **kwargs):
        devices.update({next(model.parameters()).device.type, inputs["input_ids"].device.type})
        return compute(self, model, inputs, *args, **kwargs)

    monkeypatch.setattr(FathomTrainer, "compute_loss", watched)
    command = ["train", "--recipe", "nano-pretrain", "--out", str(tmp_path / "run"), f"records=[{records}]", "steps=1"]
    assert CliRunner().invoke(app, [*command, "batch=2", "workers=0"]).exit_code == 0
    assert devices == {"cuda"}


def log_of(out: Path) -> list[dict]:
    return json.loads((newest(out) / "trainer_state.json").read_text())["log_history"]
