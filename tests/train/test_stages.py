"""Two stages with one adapter, through the real command: who learns from whom, and what comes out."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from heads.errors import InputError
from tests.tiny import tiny_model, tiny_records
from tests.train.stages import curve, fathom, lora, tensors, train
from vlm.model import Fathom

LLM = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
HEADS_ALONE = "losses={depth_l1: 1, depth_nll: 0.5, sky: 0.3, ray_l1: 1, focal_l1: 0.2}"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> str:
    return f"records=[{tiny_records(tmp_path_factory.mktemp('data'), 4)}]"


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A tiny Fathom."""
    folder = tmp_path_factory.mktemp("base") / "fathom"
    tiny_model().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    """The same backbone as the VLM that somebody has."""
    folder = tmp_path_factory.mktemp("base") / "vlm"
    model = tiny_model()
    model.backbone.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def aligned(base, data, tmp_path_factory) -> Path:
    """What stage 1 leaves."""
    return train("stage1", tmp_path_factory.mktemp("run") / "stage1", f"start={base}", data, "steps=3")


# ---- who hears of whom -------------------------------------------------------------------------------------


def test_stage_1_no_gradient_of_any_head_reaches_the_backbone_and_stage_2_it_does(base, data, tmp_path):
    before = tensors(base / "model.safetensors")
    for stage in (1, 2):
        out = train(f"stage{stage}", tmp_path / str(stage), f"start={base}", data, "steps=3", HEADS_ALONE)
        moved = {name: bool(value.any()) for name, value in lora(out).items()}  # B starts at exactly zero
        assert len(moved) == 4 * len(LLM)
        if stage == 1:
            assert not any(moved.values())
        else:
            assert all(moved.values()), [name for name, has in moved.items() if not has]
        heads = tensors(out / "heads.safetensors")
        changed = {name.split(".")[0] for name, value in heads.items() if (value != before[f"heads.{name}"]).any()}
        assert changed == {"depth", "rays"}


def test_stage_1_the_text_trains_the_adapter_and_no_head_slows_it(base, data, tmp_path):
    """Also where gradients are clipped: a head's large one does not make the text's smaller."""
    clipped = (f"start={base}", data, "steps=3", "clip=0.001")
    alone = train("stage1", tmp_path / "text", *clipped, "losses={text: 1}")
    together = train("stage1", tmp_path / "all", *clipped)
    assert all(value.any() for value in lora(alone).values())
    for name, value in lora(alone).items():
        assert torch.equal(value, lora(together)[name]), name


def test_an_exported_stage_is_what_merging_gives_in_float16(base, data, tmp_path):
    out = train("stage2", tmp_path / "run", f"start={base}", data, "steps=2", "--export", str(tmp_path / "small"))
    fathom("merge", out, "--out", tmp_path / "merged")
    exported, merged = (tensors(tmp_path / name / "model.safetensors") for name in ("small", "merged"))
    assert exported.keys() == merged.keys() and any(value.any() for value in lora(out).values())
    for name, value in exported.items():
        assert value.dtype == torch.float16 and torch.equal(value, merged[name].half()), name


def test_vision_lora_is_a_switch(base, data, tmp_path):
    out = train("stage2", tmp_path / "run", f"start={base}", data, "steps=2", "adapter={rank: 2, vision: true}")
    towers = {".visual." in name for name, value in lora(out).items() if value.any()}
    assert towers == {True, False}


# ---- one adapter throughout --------------------------------------------------------------------------------


def test_stage_2_goes_on_with_the_very_adapter_of_stage_1(base, aligned, data, tmp_path):
    still = ("rates={adapter: 1e-30, heads: 1e-30}", "steps=1")
    out = train("stage2", tmp_path / "still", f"start={aligned}", data, *still)
    for name in ("adapter_model.safetensors", "heads.safetensors"):
        before, after = tensors(aligned / name), tensors(out / name)
        assert before.keys() == after.keys() and all(torch.equal(before[key], after[key]) for key in before)
    about = json.loads((out / "fathom_adapter.json").read_text())
    assert about["base"] == str(base)  # one adapter on the one base, not an adapter on an adapter

    out = train("stage2", tmp_path / "on", f"start={aligned}", data, "steps=2")
    assert all((value != lora(aligned)[name]).any() for name, value in lora(out).items())


def test_an_adapter_of_another_make_cannot_go_on(aligned, data, tmp_path):
    message = r"adapter: the adapter of `start` is another \(rank is 16, the recipe says 8\)"
    with pytest.raises(InputError, match=message):
        train("stage2", tmp_path / "run", f"start={aligned}", data, "adapter.rank=8")
    train("stage2", tmp_path / "same", f"start={aligned}", data, "adapter.rank=16", "steps=1")


def test_the_results_load_and_merge(base, aligned, tmp_path):
    fathom("merge", aligned, "--out", tmp_path / "whole")
    image = torch.randint(0, 255, (96, 128, 3), dtype=torch.uint8).numpy()
    seen = [Fathom.from_pretrained(folder).look(image, {"focal_px": 100}) for folder in (aligned, tmp_path / "whole")]
    adapted, merged = (np.asarray(scene.depth_z) for scene in seen)
    assert np.allclose(adapted, merged, rtol=5e-5, atol=0, equal_nan=True)  # raw outputs: tests/vlm/test_adapter.py
    assert seen[0].ask("How far is the red chair?").text == seen[1].ask("How far is the red chair?").text


# ---- other ways to train -----------------------------------------------------------------------------------


def test_the_published_recipe_runs_head_first_then_llm_and_head(plain, data, tmp_path):
    records = data.removeprefix("records=[").removesuffix("]")
    taps = "[deepstack.0, deepstack.1, language.1, language.-1]"  # this one has two DeepStack places, not three
    heads = f"model.heads={{depth: {{kind: published_mlp, hidden: 8, taps: {taps}}}}}"
    first = train(
        "depthvlm-stage1", tmp_path / "1", f"start={plain}", heads, "steps=2",
        f"data=[{{records: {records}, text: false}}]",
    )  # fmt: skip
    assert not (first / "adapter_model.safetensors").exists()  # the head alone, on the base as it is
    assert curve(tmp_path / "1", "loss_depth_silog") and not curve(tmp_path / "1", "loss_text")

    reply = "OK, done"
    second = train(
        "depthvlm-stage2", tmp_path / "2", f"start={first}", heads, "steps=2", "rate=1e-3",
        f"data=[{{records: {records}, reply: '{reply}'}}]",
    )  # fmt: skip
    before, after = tensors(plain / "model.safetensors"), tensors(second / "model.safetensors")
    moved = {name for name, value in before.items() if (value != after[f"backbone.{name}"]).any()}
    assert moved and not any(".visual." in name for name in moved)
    assert {name.split(".")[-2] for name in moved} >= set(LLM)
    head = tensors(first / "heads.safetensors")
    assert any((value != after[f"heads.{name}"]).any() for name, value in head.items())


def test_a_training_aid_that_the_start_lacks_is_new_with_one_warning(base, data, tmp_path):
    aid = "model.heads={labels: {taps: [language.1], classes: {kind: 3, colour: 4}}}"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        out = train("stage1", tmp_path / "run", f"start={base}", data, aid, "steps=2", "losses.label_kind=1")
    assert len([w for w in said if "new heads (labels), noise until trained" in str(w.message)]) == 1
    assert set(Fathom.from_pretrained(out).heads) == {"depth", "rays", "labels"}
    assert len(curve(tmp_path / "run", "loss_label_kind")) == 2


def test_gradient_checkpointing_gives_the_same_losses(base, data, tmp_path):
    for name in ("false", "true"):
        train("stage2", tmp_path / name, f"start={base}", data, "steps=4", f"gradient_checkpointing={name}")
    plain, checkpointed = (curve(tmp_path / name) for name in ("false", "true"))
    assert len(plain) == 4 and checkpointed == pytest.approx(plain, rel=1e-5)


# ---- told before anything is trained -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("losses.depth_nl=1",), r"losses: no head of this model gives 'depth_nl', did you mean 'depth_nll'\?"),
        (("losses={text: 0}",), "losses: nothing to learn"),
        (("start=/nowhere",), "model: no model or folder named '/nowhere'"),
        (("adapter.targets=query",), "adapter.targets: no layer matches 'query'"),
    ],
)
def test_a_mistake_is_told_before_training(base, data, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        train("stage1", tmp_path / "run", f"start={base}", data, *changes)
    assert not list((tmp_path / "run").glob("checkpoint-*"))


def test_a_folder_with_another_run_is_not_gone_on_with(base, data, aligned):
    with pytest.raises(
        InputError, match=r"recipe: .*stage1 holds a run by another recipe \(adapter\.rank was 16, now 8\)"
    ):
        train("stage1", aligned.parent, f"start={base}", data, "steps=3", "adapter.rank=8")


def test_a_new_model_needs_sizes(data, tmp_path):
    with pytest.raises(InputError, match=r"model: misses text, vision, heads.*allowed: "):
        train("nano-pretrain", tmp_path / "run", data, "model={}")


def test_a_run_that_never_began_leaves_its_folder_to_a_mended_recipe(base, data, tmp_path):
    """A wrong path, a misspelt loss: the same command with the mistake corrected must go."""
    for mistake in (["records=[nowhere.jsonl]"], [data, "losses={txt: 1}"]):
        with pytest.raises(InputError, match=r"nowhere\.jsonl|'txt'"):
            train("stage1", tmp_path / "run", f"start={base}", *mistake)
    train("stage1", tmp_path / "run", f"start={base}", data, "steps=1")
    with pytest.raises(InputError, match="another recipe"):
        train("stage1", tmp_path / "run", f"start={base}", data, "steps=2")
