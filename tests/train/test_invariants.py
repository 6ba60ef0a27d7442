"""However a batch is split, it is one and the same training: through the real command, with samples of every kind."""

import json
from pathlib import Path

import pytest

from heads.errors import InputError
from tests.train.runs import LOSSES, fathom_train, log_of, mixed_records, tiny_start, write_recipe
from train.recipe import load_recipe
from train.trainer import arguments


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> tuple[Path, Path]:
    """(a tiny model, records of every kind)."""
    folder = tmp_path_factory.mktemp("material")
    return tiny_start(folder / "tiny"), mixed_records(folder)


@pytest.fixture(scope="module")
def whole(material, tmp_path_factory) -> list[dict]:
    """The log of four steps of 8 x 1."""
    folder = tmp_path_factory.mktemp("whole")
    fathom_train(write_recipe(folder / "recipe.yaml", *material), folder / "out")
    return log_of(folder / "out")


def same_curve(log: list[dict], other: list[dict], tolerance: float = 2e-5) -> None:
    assert [row["step"] for row in log] == [row["step"] for row in other] == [1, 2, 3, 4]
    for row, its in zip(log, other, strict=True):
        assert row.keys() == its.keys()
        for name, value in row.items():
            assert value == pytest.approx(its[name], rel=tolerance, abs=tolerance), (row["step"], name)


@pytest.mark.parametrize("passes", [8, 4])
def test_accumulated_passes_are_the_same_curve(material, whole, tmp_path, passes):
    recipe = write_recipe(tmp_path / "recipe.yaml", *material, accumulate=passes)
    fathom_train(recipe, tmp_path / "out")
    same_curve(log_of(tmp_path / "out"), whole)


def test_sdpa_and_eager_are_the_same_curve(material, whole, tmp_path):
    recipe = write_recipe(tmp_path / "recipe.yaml", *material, attention="eager")
    fathom_train(recipe, tmp_path / "out")
    same_curve(log_of(tmp_path / "out"), whole, 1e-4)


def test_the_batch_holds_samples_that_differ_so_the_test_can_fail(whole):
    """Divided by passes instead of places, one pass of text alone would weigh as much as one of depth."""
    assert {f"loss_{name}" for name in LOSSES} < whole[0].keys()
    total = sum(weight * whole[0][f"loss_{name}"] for name, weight in LOSSES.items())
    assert whole[0]["loss"] == pytest.approx(total, rel=1e-5)
    assert whole[-1]["loss"] < whole[0]["loss"]


def test_a_step_without_any_truth_for_a_loss_goes_on(material, tmp_path):
    """Text alone: no picture, no head; the losses of the heads are absent, not zero and not nan."""
    start, records = material
    lines = records.read_text().splitlines()
    talk = records.with_name("talk.jsonl")
    talk.write_text("".join(line + "\n" for line in lines if "messages" in json.loads(line)))
    recipe = write_recipe(tmp_path / "recipe.yaml", start, talk, batch=2, accumulate=2, steps=2)
    fathom_train(recipe, tmp_path / "out")
    for row in log_of(tmp_path / "out"):
        assert row["loss"] == pytest.approx(row["loss_text"], rel=1e-5) and row["grad_norm"] > 0
        assert not [name for name in row if name.startswith(("loss_depth", "loss_ray"))]


def test_a_batch_that_cannot_be_split_is_one_clear_error(material, tmp_path, monkeypatch):
    recipe = load_recipe(write_recipe(tmp_path / "recipe.yaml", *material, accumulate=3))
    with pytest.raises(InputError, match=r"batch: 8 samples over 1 processes x 3 .*allowed: a multiple of 3"):
        arguments(recipe, tmp_path)
    monkeypatch.setenv("WORLD_SIZE", "2")
    recipe = load_recipe(write_recipe(tmp_path / "recipe.yaml", *material, batch=9, accumulate=1))
    with pytest.raises(InputError, match=r"batch: 9 samples over 2 processes"):
        arguments(recipe, tmp_path)


def test_an_unknown_reporter_is_one_clear_error(material, tmp_path):
    recipe = load_recipe(write_recipe(tmp_path / "recipe.yaml", *material, report_to=["tensorbored"]))
    with pytest.raises(InputError, match=r"report_to: .*'tensorbored'.*allowed: .*wandb"):
        arguments(recipe, tmp_path)
