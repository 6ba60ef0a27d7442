"""Text and geometry in one model: what is compared with what, and that a question does not move depth."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.coexistence import (
    WithQuestion,
    compared,
    log_depth_changes,
    measure_coexistence,
    measure_seconds,
    question_in_prompt,
)
from benchmarks.qa_report import coexistence_table
from benchmarks.sources import RecordFiles
from heads.errors import InputError
from tests.tiny import tiny_model, tiny_records
from tests.vlm.families import KINDS, tiny_family
from vlm.images import load_image


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> dict[str, str]:
    """Two tiny models, a PaliGemma, a plain VLM, and their records."""
    folder = tmp_path_factory.mktemp("coexistence")
    tiny_model().save_pretrained(folder / "joint")
    tiny_model(seed=1).save_pretrained(folder / "depth")
    tiny_family("paligemma").save_pretrained(folder / "paligemma")
    plain = tiny_model(seed=2)
    plain.backbone.save_pretrained(folder / "base")
    plain.processor.save_pretrained(folder / "base")
    names = ("joint", "depth", "paligemma", "base")
    return {name: str(folder / name) for name in names} | {"records": str(tiny_records(folder / "data", 3))}


def files(saved: dict[str, str], limit: int | None = None) -> RecordFiles:
    return RecordFiles((Path(saved["records"]),), limit=limit)


def photos(count: int = 2) -> list:
    rng = np.random.default_rng(0)
    return [load_image(rng.integers(0, 255, (120, 160, 3), dtype=np.uint8)) for _ in range(count)]


@pytest.mark.parametrize("name", KINDS)
def test_a_question_in_the_prompt_moves_depth_where_the_image_sees_it_and_nowhere_else(name):
    model = tiny_family(name)
    largest = max(change.max() for change in log_depth_changes(model, photos()))
    if model.family.IMAGE_SEES_QUESTION:
        assert largest > 1e-3
    else:
        assert largest < 1e-4


def test_the_prompt_is_the_one_that_an_answer_is_drawn_from(monkeypatch):
    """With the question in the prompt a look ends where the first word of the answer begins."""
    model = tiny_model()
    image, seen = photos(1)[0], []
    plain = model.forward

    def counted(input_ids, *arguments, **named):
        seen.append(input_ids[0].tolist())
        return plain(input_ids, *arguments, **named)

    monkeypatch.setattr(model, "forward", counted)
    model.look(image).ask("yes", max_new_tokens=1)
    with question_in_prompt(model, "yes"):
        model.look(image)
    assert seen[2] == seen[0] + seen[1]
    model.look(image)
    assert seen[3] == seen[0]  # as before


def test_the_prompt_is_as_before_even_after_an_error():
    model = tiny_model()
    before = model.processor.split_prompt("yes", [4])
    with pytest.raises(KeyError), question_in_prompt(model):
        raise KeyError
    assert model.processor.split_prompt("yes", [4]) == before


def test_seconds_of_one_pass_and_of_two():
    found = measure_seconds(tiny_model(), photos(), repeats=2)
    assert found["one_pass"] == found["look"] + found["answer"]
    assert found["two_passes"] == pytest.approx(found["one_pass"] + found["text"]) and found["text"] > 0
    assert (found["vision_calls"], found["vision_calls_apart"]) == (1, 2)


def test_nothing_is_saved_where_each_question_encodes_the_picture_again():
    found = measure_seconds(tiny_family("paligemma"), photos(1), repeats=1)
    assert found["two_passes"] == found["one_pass"] and found["vision_calls"] == found["vision_calls_apart"] == 2


def test_depth_runs_are_compared_photograph_by_photograph():
    a = [{"delta1": 0.5, "abs_rel": 0.4}, {"delta1": 0.7, "abs_rel": None}, {"delta1": None}]
    b = [{"delta1": 0.6, "abs_rel": 0.2}, {"delta1": 0.8, "abs_rel": 0.1}, {"delta1": 0.9}]
    found = compared(a, b)
    assert found["delta1"].questions == 2 and found["delta1"].difference == pytest.approx(0.1)
    assert found["abs_rel"].questions == 1 and found["abs_rel"].difference == pytest.approx(-0.2)
    assert compared([{"delta1": None}], [{"delta1": None}]) is None


def test_everything_that_can_be_measured(saved, tmp_path):
    found = measure_coexistence(saved["joint"], files(saved), tmp_path, saved["base"], saved["depth"], repeats=1)
    assert found.text.questions == 9 and found.text.photographs == 3
    assert found.depth["delta1"].questions == 3
    assert found.question["sees_question"] is False and found.question["largest"] < 1e-4
    assert found.camera_from_rays and found.seconds["vision_calls"] == 1
    table = coexistence_table(found).markdown()
    assert "| runs of the vision tower for these | 2 | 1 | -1 | - |" in table
    assert "do not see a question: asserted" in table
    assert json.dumps(found.as_dict())
    again = measure_coexistence(saved["joint"], files(saved), tmp_path, saved["base"], saved["depth"], repeats=1)
    assert (again.text, again.depth) == (found.text, found.depth)  # goes on where it stopped


def test_the_same_model_on_both_sides_differs_in_nothing(saved, tmp_path):
    found = measure_coexistence(saved["joint"], files(saved), tmp_path, saved["joint"], saved["joint"], repeats=1)
    assert found.text.difference == found.depth["delta1"].difference == found.depth["abs_rel"].difference == 0


def test_what_was_not_given_is_a_dash(saved, tmp_path):
    found = measure_coexistence(saved["joint"], files(saved, 1), tmp_path, repeats=1)
    assert found.text is None and found.depth is None
    table = coexistence_table(found).markdown()
    assert "| text: score, untouched base against model | - | - | - | - |" in table
    assert "| depth: delta1, learned alone against with text | - | - | - | - |" in table


def test_records_without_questions_leave_a_dash(saved, tmp_path):
    rows = [json.loads(line) | {"questions": []} for line in Path(saved["records"]).read_text().splitlines()]
    path = Path(saved["records"]).with_name("silent.jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = measure_coexistence(saved["joint"], RecordFiles((path,), limit=1), tmp_path, saved["base"], repeats=1)
    assert found.text is None


def test_the_cost_of_a_question_where_the_image_sees_it(saved, tmp_path):
    found = measure_coexistence(saved["paligemma"], files(saved), tmp_path, repeats=1)
    assert found.question["sees_question"] and found.question["largest"] > 1e-3
    assert found.question["delta1"].questions == 3
    table = coexistence_table(found).markdown()
    assert "without a question against with one" in table and "see a question behind the picture" in table


def test_a_causal_family_whose_depth_moves_is_an_error(saved, tmp_path, monkeypatch):
    """What the heads read is made to depend on how long the prompt is."""
    from vlm.model import Fathom

    plain = Fathom._run_heads

    def leaking(self, output, taps, input_ids, *rest):
        leak = {name: tap + input_ids.shape[1] * torch.linspace(0, 0.1, tap.shape[-1]) for name, tap in taps.items()}
        plain(self, output, leak, input_ids, *rest)

    monkeypatch.setattr(Fathom, "_run_heads", leaking)
    with pytest.raises(AssertionError, match="attention is causal, yet a question changes log depth by"):
        measure_coexistence(saved["joint"], files(saved, 1), tmp_path, repeats=1)


def test_the_prompt_is_part_of_what_a_run_states(saved):
    model = tiny_model()
    adapter = WithQuestion(model, "tiny")
    assert "nearest thing" in adapter.facts["prompt"]


def test_wrong_requests(saved, tmp_path):
    with pytest.raises(InputError, match="repeats"):
        measure_coexistence(saved["joint"], files(saved), tmp_path, repeats=0)
    with pytest.raises(InputError, match="model"):
        measure_coexistence("constant:2.0", files(saved), tmp_path)
