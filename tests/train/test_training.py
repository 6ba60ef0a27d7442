"""Training learns, stops and goes on as if it had never stopped, and ships what it should."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from heads.errors import InputError
from tests.tiny import tiny_backbone_config, tiny_model, tiny_processor, tiny_records
from train.checkpoint import newest, read_run, step_of
from train.data.batches import Collator
from train.data.mixture import HeldOut
from train.export import export_model
from train.recipe import Recipe, load_recipe
from train.run import run
from train.taught import LOSSES as LOSSES_OF_THE_GUIDE
from train.trainer import FathomTrainer
from vlm.model import Fathom
from vlm.records import read_records

LOSSES = {"text": 1.0, "depth_l1": 1.0, "depth_nll": 0.2, "sky": 0.3, "ray_l1": 1.0, "focal_l1": 0.2}
HEADS = {"depth": {"widths": [16, 16, 16, 8, 8]}, "rays": {"width": 16, "layers": 1, "attention_heads": 2}}
SIXTY = {"steps": 60, "save_every": 60, "rate": 1e-2}
LABELS = {"taps": ["language.1"], "classes": {"kind": 3, "colour": 4}}


def recipe(records: Path, **changes) -> Recipe:
    """A run of a tiny new model: the sizes of tests/tiny.py."""
    backbone = tiny_backbone_config(tiny_processor()).to_dict()
    text = {k: backbone["text_config"][k] for k in ("hidden_size", "intermediate_size", "num_hidden_layers", "head_dim",
            "num_attention_heads", "num_key_value_heads", "max_position_embeddings", "rope_parameters")}  # fmt: skip
    vision = {k: backbone["vision_config"][k] for k in ("hidden_size", "depth", "num_heads", "intermediate_size",
              "out_hidden_size", "patch_size", "num_position_embeddings", "deepstack_visual_indexes")}  # fmt: skip
    settings = {
        "model": {"text": text, "vision": vision, "heads": HEADS, "max_pixels": 128 * 128},
        "vocabulary": 300, "records": [str(records)], "batch": 4, "rate": 5e-3, "warmup_steps": 5, "workers": 0,
        "log_every": 1, "losses": LOSSES,
    }  # fmt: skip
    return Recipe(**{**settings, **changes})


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    with safe_open(folder / "model.safetensors", "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def batch_of(folder: Path, processor, heads: list[str]) -> dict:
    data = HeldOut([str(tiny_records(folder, 2))], questions=2)
    return Collator(processor, heads)([data[0], data[1]])


# ---- it learns -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Sixty steps on four pictures: (folder of the run, its log)."""
    folder = tmp_path_factory.mktemp("run")
    out = folder / "out"
    run(recipe(tiny_records(folder, 4), **SIXTY), out)
    state = json.loads((out / "checkpoint-60" / "trainer_state.json").read_text())
    return out, [row for row in state["log_history"] if "loss_text" in row]


def test_sixty_steps_learn_four_pictures_by_heart(trained):
    _, log = trained
    assert [row["step"] for row in log] == list(range(1, 61))
    for name, factor in (("text", 4), ("depth_l1", 4), ("sky", 4), ("ray_l1", 1.2)):
        losses = [row[f"loss_{name}"] for row in log]
        assert np.mean(losses[-4:]) < losses[0] / factor, (name, losses[0], losses[-4:])


def test_a_model_that_knows_nothing_starts_at_the_loss_of_guessing(trained):
    out, log = trained
    vocabulary = json.loads((out / "final" / "config.json").read_text())["backbone_config"]["text_config"]["vocab_size"]
    assert log[0]["loss_text"] == pytest.approx(math.log(vocabulary), rel=0.1)


def test_every_loss_is_logged_weighted_or_not(trained):
    _, log = trained
    for row in log:
        assert {f"loss_{name}" for name in (*LOSSES, "ray_nll", "depth_normal", "focal_nll")} <= row.keys()
        weighted = sum(weight * row[f"loss_{name}"] for name, weight in LOSSES.items())
        assert row["loss"] == pytest.approx(weighted, rel=0.01)  # logged values are rounded


def test_what_was_learned_is_what_is_loaded(trained, tmp_path):
    out, _ = trained
    model = Fathom.from_pretrained(out / "final")
    for record in read_records(tiny_records(tmp_path, 4)):
        answer = model.look(record.image, record.camera).ask(record.questions[0]["question"], max_new_tokens=12)
        assert answer.text.endswith("m") and answer.log_probability > -4 * math.log(10), answer


def test_the_rate_warms_up_and_falls_along_a_cosine(trained):
    _, log = trained
    rates = [row["learning_rate"] for row in log]
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert max(rates) <= 1e-2 and rates[-1] < 0.1 * max(rates) and rates[0] < rates[3]


# ---- it stops and goes on --------------------------------------------------------------------------------


def test_stopped_and_resumed_is_as_never_stopped(tmp_path, monkeypatch):
    records = tiny_records(tmp_path, 6)
    plan = recipe(records, steps=7, save_every=3, batch=2)
    run(plan, tmp_path / "whole")

    compute, calls = FathomTrainer.compute_loss, []

    def pulled_plug(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 6:  # in the sixth step; step three was saved
            raise KeyboardInterrupt
        return compute(self, *args, **kwargs)

    monkeypatch.setattr(FathomTrainer, "compute_loss", pulled_plug)
    with pytest.raises(KeyboardInterrupt):
        run(plan, tmp_path / "halves")
    assert not (tmp_path / "halves" / "final").exists()
    run(plan, tmp_path / "halves")
    assert len(calls) == 6 + 4  # went on at step four, not at one
    whole, halves = (tensors(tmp_path / name / "final") for name in ("whole", "halves"))
    assert whole.keys() == halves.keys()
    for name, weight in whole.items():
        assert torch.allclose(weight, halves[name], rtol=0, atol=1e-6), name


def test_a_finished_run_started_again_changes_nothing(trained):
    out, _ = trained
    before = tensors(out / "final")
    run(recipe(out.parent / "records.jsonl", **SIXTY), out)
    after = tensors(out / "final")
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_another_seed_is_another_run(tmp_path):
    records = tiny_records(tmp_path, 3)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run(recipe(records, steps=2, batch=2, seed=seed), tmp_path / name)
    a, b, c = (tensors(tmp_path / name / "final") for name in "abc")
    assert all(torch.allclose(a[name], b[name], atol=1e-6) for name in a)
    assert any((a[name] - c[name]).abs().max() > 1e-2 for name in a)


def test_a_time_budget_ends_the_run_with_a_model(tmp_path):
    plan = recipe(tiny_records(tmp_path, 3), steps=100_000, batch=1, minutes=0.02)
    run(plan, tmp_path / "out")
    steps = [int(path.name.split("-")[1]) for path in (tmp_path / "out").glob("checkpoint-*")]
    assert 1 <= max(steps) < 1000
    heads = Fathom.from_pretrained(tmp_path / "out" / "final").config.heads
    assert {name: {key: options[key] for key in HEADS[name]} for name, options in heads.items()} == HEADS


def test_a_time_budget_is_that_of_all_sessions(tmp_path):
    """Used up, it leaves nothing to do; with more minutes the run goes on, and the rate follows the new end."""
    plan = recipe(tiny_records(tmp_path, 3), steps=100_000, batch=1, minutes=0.01)
    run(plan, tmp_path / "out")
    first, run_state = newest(tmp_path / "out"), read_run(newest(tmp_path / "out"))
    assert run_state["seconds"] >= 0.6
    run(plan, tmp_path / "out")
    assert newest(tmp_path / "out") == first
    run(replace(plan, minutes=(run_state["seconds"] + 0.6) / 60), tmp_path / "out")
    assert step_of(newest(tmp_path / "out")) > step_of(first)
    assert read_run(newest(tmp_path / "out"))["seconds"] >= run_state["seconds"] + 0.6


def test_samples_that_went_bad_are_told_and_past_their_share_end_the_run_with_a_checkpoint(tmp_path):
    records = tiny_records(tmp_path, 12)
    for i in range(9, 12):  # there when the run begins, but no pictures
        (tmp_path / "images" / f"{i}.png").write_bytes(b"no picture")
    few = recipe(records, steps=4, batch=3, bad_share=1.0)
    with pytest.warns(UserWarning, match=r"skipped records.jsonl:1[0-2]: "):
        run(few, tmp_path / "few")
    log = json.loads((newest(tmp_path / "few") / "trainer_state.json").read_text())["log_history"]
    skipped = [row["samples_skipped"] for row in log if "samples_skipped" in row]
    assert skipped and skipped == sorted(skipped) and read_run(newest(tmp_path / "few"))["drawn"] >= 12
    told = [json.loads(line) for line in (tmp_path / "few" / "skipped.jsonl").read_text().splitlines()]
    assert len(told) >= skipped[-1] and {row["record"] for row in told} <= {f"records.jsonl:{i}" for i in (10, 11, 12)}

    strict = recipe(records, steps=40, batch=3, bad_share=0.0, save_every=1000)
    with (
        pytest.warns(UserWarning),
        pytest.raises(InputError, match=r"data: \d+ of \d+ samples .*allowed: a share of 0 "),
    ):
        run(strict, tmp_path / "strict")
    stopped = newest(tmp_path / "strict")
    assert stopped is not None and 0 < step_of(stopped) < 40
    assert not (tmp_path / "strict" / "final").exists()


def test_samples_that_are_all_bad_stop_before_a_step_and_promise_no_checkpoint(tmp_path):
    records = tiny_records(tmp_path, 16)
    for i in range(8, 16):
        (tmp_path / "images" / f"{i}.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning), pytest.raises(InputError, match=r"; stopped before the first step; allowed: "):
        run(recipe(records, steps=4, batch=16, bad_share=0.0), tmp_path / "out")
    assert newest(tmp_path / "out") is None


def test_every_group_has_its_rate_and_losses_but_text_grow_from_zero(tmp_path):
    plan = recipe(tiny_records(tmp_path, 4), steps=4, warmup_steps=1, ramp_steps=4, final_rate=1.0, batch=2,
                  rates={"heads": 1e-3, "vision": 2e-3})  # fmt: skip
    run(plan, tmp_path / "out")
    state = newest(tmp_path / "out")
    groups = torch.load(state / "optimizer.pt", weights_only=True)["param_groups"]
    rates = {group["name"]: group["lr"] for group in groups}
    assert rates == {"backbone": 5e-3, "vision": 2e-3, "heads": 1e-3} | {
        f"{name}, no decay": rate for name, rate in (("backbone", 5e-3), ("vision", 2e-3), ("heads", 1e-3))
    }
    assert all((group["weight_decay"] == 0) == group["name"].endswith("no decay") for group in groups)
    for row in json.loads((state / "trainer_state.json").read_text())["log_history"][:4]:
        grown = row["step"] / 4
        weighted = sum(w * (1 if name == "text" else grown) * row[f"loss_{name}"] for name, w in LOSSES.items())
        assert row["loss"] == pytest.approx(weighted, rel=1e-5)


# ---- who teaches whom ------------------------------------------------------------------------------------


def head_losses(output) -> torch.Tensor:
    return sum(total / count.clamp(min=1) for name, (total, count) in output.losses.items() if name != "text")


def test_detached_heads_learn_and_the_backbone_does_not_hear_of_it(tmp_path):
    model = tiny_model().train()
    batch = batch_of(tmp_path, model.processor, ["depth", "rays"])
    model.detach_heads = True
    head_losses(model(**batch)).backward()
    assert all(w.grad is None or not w.grad.any() for w in model.backbone.parameters())
    assert sum(bool(w.grad is not None and w.grad.any()) for w in model.heads.parameters()) > 50

    model.zero_grad(set_to_none=True)
    model.detach_heads = False
    head_losses(model(**batch)).backward()
    moved = {name.split(".")[1] for name, w in model.backbone.named_parameters() if w.grad is not None and w.grad.any()}
    assert {"visual", "language_model"} <= moved


def test_text_trains_the_backbone_and_no_head(tmp_path):
    model = tiny_model().train()
    total, count = model(**batch_of(tmp_path, model.processor, ["depth", "rays"])).losses["text"]
    (total / count).backward()
    assert all(w.grad is None or not w.grad.any() for w in model.heads.parameters())
    assert all(
        w.grad is not None and w.grad.isfinite().all()
        for name, w in model.backbone.named_parameters()
        if "visual.merger" in name or "layers" in name
    )


def test_gradient_checkpointing_changes_no_gradient(tmp_path):
    model = tiny_model().train()
    batch = batch_of(tmp_path, model.processor, ["depth", "rays"])
    gradients = []
    for checkpointing in (False, True):
        if checkpointing:
            model.gradient_checkpointing_enable()
        model.zero_grad(set_to_none=True)
        output = model(**batch)
        (head_losses(output) + output.losses["text"][0]).backward()
        gradients.append({name: w.grad.clone() for name, w in model.named_parameters() if w.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        assert torch.allclose(gradient, gradients[1][name], rtol=1e-3, atol=1e-4 * float(gradient.abs().max())), name


# ---- the recipe ------------------------------------------------------------------------------------------


def test_an_unknown_key_is_an_error_that_names_the_nearest(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("step: 10\n")
    with pytest.raises(InputError, match=r"recipe: unknown key 'step'.*'steps'.*allowed: .*warmup_steps"):
        load_recipe(path)
    path.write_text("steps: 10\n")
    with pytest.raises(InputError, match=r"recipe: unknown key 'bach'.*'batch'"):
        load_recipe(path, ["bach=3"])
    with pytest.raises(InputError, match=r"recipe: 'batch' has no '='.*allowed: key=value"):
        load_recipe(path, ["batch"])
    with pytest.raises(InputError, match=r"recipe: no file .*allowed: "):
        load_recipe(tmp_path / "none.yaml")
    for broken in ("steps: [", "- steps\n", "steps\n"):
        path.write_text(broken)
        with pytest.raises(InputError, match=r"recipe: .*allowed: "):
            load_recipe(path)


def test_changes_win_over_the_file_and_keep_their_type(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("steps: 10\nrate: 0.5\n")
    loaded = load_recipe(path, ["steps=20", "minutes=1.5", "records=[a, b]"])
    assert (loaded.steps, loaded.rate, loaded.minutes, loaded.records) == (20, 0.5, 1.5, ["a", "b"])
    assert loaded.batch == Recipe().batch


@pytest.mark.parametrize("path", sorted(Path("train/recipes").glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_recipes_load_and_weigh_losses_that_exist(path, tmp_path):
    loaded = load_recipe(path)
    model = tiny_model(heads={**HEADS, "labels": LABELS}).train()
    known = model(**batch_of(tmp_path, model.processor, ["depth", "rays", "labels"])).losses
    guided = {name for names in LOSSES_OF_THE_GUIDE.values() for name in names}
    assert loaded.losses and set(loaded.losses) <= set(known) | {"origin"} | guided


# ---- what ships ------------------------------------------------------------------------------------------


def test_the_exported_model_has_no_training_aids_and_still_answers(tmp_path):
    model = tiny_model(heads={**HEADS, "labels": LABELS})
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    assert any(name.startswith("heads.labels") for name in before)
    export_model(model, tmp_path / "out")

    stored = tensors(tmp_path / "out")
    assert all(weight.dtype == torch.float16 for weight in stored.values())
    assert not any("labels" in name for name in stored)
    loaded = Fathom.from_pretrained(tmp_path / "out")
    assert set(loaded.heads) == {"depth", "rays"} and "labels" not in loaded.config.heads
    for name, weight in loaded.state_dict().items():
        assert weight.dtype == torch.float32 and torch.equal(weight, before[name].half().float()), name
    image = np.random.default_rng(0).integers(0, 255, (128, 128, 3), dtype=np.uint8)
    ratio = (
        loaded.look(image, {"focal_px": 150}).views[0]._maps[0] / model.look(image, {"focal_px": 150}).views[0]._maps[0]
    )
    assert np.median(np.abs(np.log(ratio))) < 0.1

    after = model.state_dict()  # and the model itself is left as it is
    assert all(
        torch.equal(after[name], weight) and after[name].dtype == torch.float32 for name, weight in before.items()
    )
    assert set(model.heads) == {"depth", "rays", "labels"}
