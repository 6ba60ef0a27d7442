"""Questions on models that know the answers, on a tiny real one, broken off and shared out."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.answerer import Answerer, Answers, AskedPhoto, check_answerer
from benchmarks.asking import ask_models
from benchmarks.processes import Processes
from benchmarks.qa_report import qa_table
from benchmarks.questions import BENCHMARKS, worlds
from benchmarks.running import read_parts
from benchmarks.spatial_qa import BenchmarkQuestions, RecordQuestions, run_qa
from heads.errors import InputError
from tests.benchmarks.questions.miniatures import WRITERS
from tests.tiny import tiny_model, tiny_records
from tests.vlm.families import tiny_family
from vlm.records import Record, read_records

ROWS = [
    {"type": "distance", "question": "How far is the chair?", "answer": "2.4 m"},
    {"type": "where", "question": "Where is the chair?", "answer": "(200, 500)"},
    {"type": "exists", "question": "Is there a car?", "answer": "no"},
    {"type": "caption", "question": "Describe the picture.", "answer": "An indoor scene."},
]


def asked_records(folder: Path, rows: list[dict] = ROWS, count: int = 3) -> list[Record]:
    lines = [json.loads(line) for line in tiny_records(folder, count).read_text().splitlines()]
    path = folder / "asked.jsonl"
    path.write_text("\n".join(json.dumps({**line, "questions": rows}) for line in lines))
    return list(read_records(path))


class Knowing:
    """Answers with the truth, told beforehand: prompt -> answer; `wrong` are answered with "hm"."""

    claims: frozenset[str] = frozenset()
    needs_camera = False
    max_new_tokens: int | None = None

    def __init__(self, source, wrong=lambda prompt: False, fails=lambda prompt: False):
        self.name, self.facts, self.wrong, self.fails = "knowing", {"dtype": "none"}, wrong, fails
        self.known: dict[str, list[str]] = {}
        for picture in source:
            for one in picture.complete().questions:
                self.known.setdefault(one.prompt, []).append(one.true)
        self.shown: list[AskedPhoto] = []

    def predict(self, photos, cameras, pixels):
        if any(self.fails(prompt) for photo in photos for prompt in photo.prompts):
            raise RuntimeError("out of memory")
        self.shown += photos
        return [Answers(answers=[self.answer(prompt) for prompt in photo.prompts]) for photo in photos]

    def answer(self, prompt: str) -> str:
        answers = self.known[prompt]  # the same words of several pictures: one after the other
        return "hm" if self.wrong(prompt) else answers.pop(0) if len(set(answers)) > 1 else answers[0]


def test_a_model_that_knows_the_answers(tmp_path):
    source = RecordQuestions(asked_records(tmp_path))
    model, done = Knowing(source), []
    result = run_qa(model, source, tmp_path / "run", progress=done.append)
    assert {kind: row["score"] for kind, row in result.types.items()} == {"distance": 1, "where": 1, "exists": 1}
    assert result.headline == {"mean of types": 1} and result.floor_headline == {"mean of types": 1}
    assert len(model.shown) == 3 == sum(done) and len(result.samples) == 9  # one look a picture, captions not asked
    assert result.types["distance"]["floor"] == 1  # all three answers are the same here
    table = qa_table(result).markdown()
    assert "| distance | 3 | 1.000 | 1.000 | 1.000 | 1.000 | 0.000 | 0 | 1.8 m |" in table
    assert "not scored: caption" in table


def test_a_wordless_model_scores_nothing_and_is_counted(tmp_path):
    source = RecordQuestions(asked_records(tmp_path))
    result = run_qa(Knowing(source, wrong=lambda prompt: True), source, tmp_path / "run")
    assert result.headline == {"mean of types": 0}
    assert result.types["distance"]["unparsed"] == result.types["where"]["unparsed"] == 3


def test_a_picture_on_which_the_model_fails_counts_as_wrong_and_is_told(tmp_path):
    rows = [[{"type": "count", "question": f"How many {i}?", "answer": str(i)}] for i in range(3)]
    lines = [json.loads(line) for line in tiny_records(tmp_path, 3).read_text().splitlines()]
    (tmp_path / "own.jsonl").write_text(
        "\n".join(json.dumps(a | {"questions": b}) for a, b in zip(lines, rows, strict=True))
    )
    source = RecordQuestions(list(read_records(tmp_path / "own.jsonl")))
    result = run_qa(Knowing(source, fails=lambda prompt: "1" in prompt), source, tmp_path / "run")
    assert [sample["score"] for sample in result.samples] == [1, 0, 1] and result.types["count"]["unparsed"] == 1
    assert len(result.failed) == 1 and "own.jsonl:2" in result.failed[0] and "out of memory" in result.failed[0]
    assert "1 pictures: the model failed" in qa_table(result).markdown()


def test_a_picture_that_cannot_be_read_is_left_out_and_told(tmp_path):
    records = asked_records(tmp_path)
    Path(records[1].image).write_bytes(b"no picture")
    source = RecordQuestions(records)
    result = run_qa(Knowing(source), source, tmp_path / "run")
    assert len(result.samples) == 6 and len(result.bad) == 1 and "asked.jsonl:2" in result.bad[0]
    assert "1 pictures: unreadable, left out" in qa_table(result).markdown()


def test_a_true_answer_that_its_rule_cannot_read_is_told_before_the_model_is_asked(tmp_path):
    rows = [{"type": "distance", "question": "How far?", "answer": "far"}]
    source = RecordQuestions(asked_records(tmp_path, rows, count=1))
    model = Knowing(source)
    with pytest.raises(InputError, match=r"asked.jsonl:1: answer: the true answer 'far' cannot be read"):
        run_qa(model, source, tmp_path / "run")
    assert model.shown == []


def test_some_questions_of_each_record():
    record = type(
        "R", (), {"questions": [{"type": "count", "question": str(i), "answer": str(i)} for i in range(20)]}
    )()
    some = worlds.picked(record, 5, [0, 1]).numbers
    assert len(some) == 5 and some == sorted(some) == worlds.picked(record, 5, [0, 1]).numbers
    assert some != worlds.picked(record, 5, [0, 2]).numbers
    assert worlds.picked(record, 50, [0, 1]).numbers == worlds.picked(record, None, [0, 1]).numbers == list(range(20))


def test_closer_is_split_by_where_the_two_things_are(tmp_path):
    """Instances 1 and 2 of the label map: the first in the upper, the second in the lower half."""
    from PIL import Image

    base = {"type": "closer", "question": "Which is closer?", "instances": [1, 2]}
    rows = [base | {"answer": "the box", "value": "second"}, base | {"answer": "the bin", "value": "first"}]
    records = asked_records(tmp_path, [*rows, rows[0] | {"instances": [1, 3]}], count=1)
    labels = np.zeros((64, 96, 3), np.uint8)
    labels[5:15, :, 2], labels[40:60, :, 2] = 1, 2
    Image.fromarray(labels).save(records[0].labels_path)
    (picture,) = RecordQuestions(records)
    cues = [question.height for question in picture.complete().questions]
    assert cues == ["agrees", "contradicts", ""]  # the nearer one is the lower one; the higher one; not in the map
    result = run_qa(Knowing(RecordQuestions(records)), RecordQuestions(records), tmp_path / "run")
    assert {cue: row["questions"] for cue, row in result.heights.items()} == {"agrees": 1, "contradicts": 1}
    assert result.types["closer"]["floor_answer"] == "second"
    assert "| higher is farther | 1 |" in qa_table(result).markdown()


def test_questions_with_a_tag_are_also_scored_apart(tmp_path):
    tagged = [
        {
            "type": "closer",
            "question": f"Which is closer, {n}?",
            "answer": "the box",
            "value": "first",
            "misleading": n < 2,
        }
        for n in range(5)
    ]
    plain = {"type": "exists", "question": "Is there a car?", "answer": "no"}
    records = asked_records(tmp_path, [*tagged, plain], count=2)
    source = RecordQuestions(records)
    result = run_qa(Knowing(source, wrong=lambda prompt: "1?" in prompt), source, tmp_path / "run")
    assert result.types["closer"]["tags"] == {
        "misleading": {"questions": 4, "score": 0.5, "floor": 1.0},
        "not misleading": {"questions": 6, "score": 1.0, "floor": 1.0},
    }
    assert "tags" not in result.types["exists"] and result.types["closer"]["score"] == 0.8
    table = qa_table(result).markdown()
    assert "| closer, misleading | 4 | 0.500 | 1.000 |" in table and "| closer, not misleading | 6 | 1.000 |" in table
    assert "exists," not in table


# ---- broken off, shared out --------------------------------------------------------------------------------


def outcome(result) -> tuple:
    """What must not depend on how the run was made."""
    keys = ("where", "number", "question", "answer", "score", "parsed")
    return [tuple(sample[key] for key in keys) for sample in result.samples], result.types, result.headline


def test_broken_off_or_shared_out_the_tables_are_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.running.PART", 2)
    source = RecordQuestions(asked_records(tmp_path, count=7))
    odd = lambda prompt: "Where" in prompt  # noqa: E731
    whole = run_qa(Knowing(source, odd), source, tmp_path / "whole")

    class Broken(Knowing):
        def predict(self, photos, cameras, pixels):
            if len(self.shown) >= 4:
                raise KeyboardInterrupt
            return super().predict(photos, cameras, pixels)

    with pytest.raises(KeyboardInterrupt):
        run_qa(Broken(source, odd), source, tmp_path / "broken")
    assert list((tmp_path / "broken").glob("part-*.parquet"))
    again = Knowing(source, odd)
    assert outcome(run_qa(again, source, tmp_path / "broken")) == outcome(whole)
    assert len(again.shown) < 7  # what was done is not done again

    for rank in (1, 0):
        processes = Processes(rank, 2)
        (tmp_path / "shared").mkdir(exist_ok=True)
        if rank == 1:  # the first process writes run.json
            from benchmarks import running

            running._begin(
                tmp_path / "shared", json.loads((tmp_path / "whole" / "run.json").read_text())["asked"], processes
            )
        shared = run_qa(Knowing(source, odd), source, tmp_path / "shared", processes=processes)
    assert outcome(shared) == outcome(whole)


def test_the_samples_are_a_table_of_what_was_asked_and_answered(tmp_path):
    source = RecordQuestions(asked_records(tmp_path))
    run_qa(Knowing(source), source, tmp_path / "run")
    table = next(read_parts(tmp_path / "run"))
    assert [row["index"] for row in table] == [0, 1, 2] and table[0]["status"] == "ok"
    assert table[1]["question"] == [row["question"] for row in ROWS[:3]]
    assert table[1]["answer"] == table[1]["true"] == ["2.4 m", "(200, 500)", "no"]
    assert table[1]["score"] == [1, 1, 1] and table[1]["error"] == [0, None, None]


def test_a_folder_of_another_run_is_refused(tmp_path):
    source = RecordQuestions(asked_records(tmp_path))
    run_qa(Knowing(source), source, tmp_path / "run")
    other = Knowing(source)
    other.name = "other"
    with pytest.raises(InputError, match="model was 'knowing', is 'other'"):
        run_qa(other, source, tmp_path / "run")


# ---- published benchmarks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_knowing_and_a_wordless_model_on_every_benchmark(tmp_path, name):
    source = BenchmarkQuestions(name, WRITERS[name](tmp_path / "data"))
    right = run_qa(Knowing(source), source, tmp_path / "right", frames=3)
    assert right.headline and right.protocol["version"] >= 1
    errors = {"absolute relative error": 0}
    assert all(value in (1, None) for key, value in right.headline.items() if key not in errors)
    wrong = run_qa(Knowing(source, wrong=lambda prompt: True), source, tmp_path / "wrong", frames=3)
    assert all(value in (0, None) for value in wrong.headline.values())
    assert sum(row["unparsed"] for row in wrong.types.values()) == len(wrong.samples) == len(right.samples)
    for row in right.types.values():
        assert 0 <= row["floor"] <= 1 == row["score"]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_tiny_real_model_on_every_benchmark(tmp_path, name):
    source = BenchmarkQuestions(name, WRITERS[name](tmp_path / "data"), limit=2)
    result = run_qa(Answerer(tiny_model(), "tiny", max_new_tokens=3), source, tmp_path / "run", frames=2)
    assert result.samples and not result.failed
    assert result.seconds_per_picture > 0 and result.protocol["model_facts"]["decoding"] == "greedy"
    assert "version 1" in qa_table(result).title


def test_questions_are_answered_as_if_asked_alone(tmp_path):
    model = tiny_model()
    source = RecordQuestions(asked_records(tmp_path))
    result = run_qa(Answerer(model, "tiny", max_new_tokens=4), source, tmp_path / "run")
    for sample in result.samples:
        assert sample["answer"] == model.look(sample["image"]).ask(sample["question"], max_new_tokens=4).text


def test_frames_of_a_video_are_views_of_one_prompt(tmp_path):
    source = BenchmarkQuestions("vsi-bench", WRITERS["vsi-bench"](tmp_path / "data"))
    several = run_qa(Answerer(tiny_model(), "tiny", max_new_tokens=2), source, tmp_path / "run", frames=3)
    assert next(read_parts(tmp_path / "run"))[0]["pictures"] == 3
    assert "3 frames of each video" in qa_table(several).markdown()
    model = Knowing(source)
    one = run_qa(model, source, tmp_path / "one", frames=1)
    assert model.shown[0].more == () and "1 frame of each video" in qa_table(one).markdown()


def test_regions_are_drawn_before_the_model_sees_the_picture(tmp_path):
    source = BenchmarkQuestions("spatialrgpt-bench", WRITERS["spatialrgpt-bench"](tmp_path / "data"))
    model = Knowing(source)
    run_qa(model, source, tmp_path / "run")
    (picture, *_) = source
    from vlm.images import load_image

    assert (model.shown[0].rgb != load_image(picture.image).rgb).any()


def test_a_family_whose_image_sees_the_question_answers_too(tmp_path):
    source = RecordQuestions(asked_records(tmp_path, count=1))
    result = run_qa(Answerer(tiny_family("paligemma"), "tiny", max_new_tokens=2), source, tmp_path / "run")
    assert len(result.samples) == 3 and not result.failed


# ---- the command's body ------------------------------------------------------------------------------------


def test_wrong_requests_are_told_before_any_compute(tmp_path):
    source = RecordQuestions(asked_records(tmp_path))
    with pytest.raises(InputError, match="questions"):
        RecordQuestions([], per_record=0)
    with pytest.raises(InputError, match="frames"):
        run_qa(Knowing(source), source, tmp_path / "run", frames=0)
    with pytest.raises(InputError, match="no question"):
        ask_models(["nano"], RecordQuestions([]), 1, None, {}, Processes(), None)
    with pytest.raises(InputError, match="several processes"):
        ask_models(["nano"], source, 1, None, {}, Processes(0, 2), None)
    for spec in ("huge", "constant:2.0", "fathom:nowhere"):
        with pytest.raises(InputError, match=r"^model: .*answers in words"):
            check_answerer(spec)
    assert check_answerer("fathom:nano") == check_answerer("nano") == "nano"
