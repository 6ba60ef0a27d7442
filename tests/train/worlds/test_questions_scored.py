"""`fathom bench qa` judges every type of question that the worlds ask, and `fathom worlds-floors` reads its records."""

import json

import pytest
import typer
from typer.testing import CliRunner

from benchmarks.answers import judge
from benchmarks.questions.worlds import NOT_SCORED, question
from heads.errors import InputError
from tests.train.worlds.asked import asked
from train.cli import worlds_floors
from train.worlds.asking.phrases import REFUSED
from train.worlds.asking.questions import QUESTION_TYPES
from train.worlds.write import write_records


def questions():
    for *_, several in asked():
        yield from (row for row in several if row["type"] not in NOT_SCORED)


def test_the_true_answer_is_right_by_its_own_rule_and_an_empty_one_is_wrong():
    judged = set()
    for number, row in enumerate(questions()):
        one = question(json.loads(json.dumps(row)), number)
        assert judge(one, row["answer"]).score == 1, row
        assert judge(one, "").score == 0, row
        judged.add(row["type"])
    assert set(QUESTION_TYPES) - judged <= {*NOT_SCORED, "room_width", "tilt", "tilt_word"}


@pytest.mark.parametrize("kind", ["closer", "count", "left_right"])
def test_a_letter_may_be_said_in_any_usual_way(kind):
    rows = [row for row in questions() if row["type"] == kind and "choices" in row]
    for row in rows:
        one, letter = question(row, 0), row["answer"]
        for said in (f"({letter})", f"{letter}. {row['choices'][letter]}", row["choices"][letter]):
            assert judge(one, said).score == 1, (row, said)
        wrong = next(other for other in row["choices"] if other != letter)
        assert judge(one, f"({wrong})").score == 0
    assert len(rows) > 5


def test_a_number_alone_is_in_the_unit_that_was_asked_for():
    seen = set()
    for row in questions():
        if row.get("unit") in ("cm", "ft", "in"):
            seen.add(row["unit"])
            one = question(row, 0)
            assert judge(one, row["answer"].split(" ")[0]).score == 1
            assert judge(one, f"{2 * row['value']:.3g}").score == 0
    assert seen == {"cm", "ft", "in"}


def test_a_refusal_is_no_answer_and_an_answer_no_refusal():
    refused = [row for row in questions() if row["type"] == "refusal"]
    assert len(refused) > 40 and {row["asked"] for row in refused} <= set(REFUSED)
    assert all(judge(question(row, 0), "There is none.").score == 1 for row in refused)
    assert all(judge(question(row, 0), "2.4 m").score == 0 for row in refused)
    others = [row for row in questions() if row["type"] in ("distance", "where")]
    assert all(judge(question(row, 0), refused[0]["answer"]).score == 0 for row in others)


def test_which_thing_a_question_names_first_is_known_to_the_floor():
    for row in questions():
        if row["type"] in ("closer", "behind", "closest", "farthest", "above_below", "left_right", "front_behind"):
            assert question(row, 0).offered == row["value"]
        else:
            assert question(row, 0).offered is None


def floors_of(path):
    app = typer.Typer()
    app.command()(worlds_floors)
    return CliRunner().invoke(app, [str(path)])


def test_the_floors_of_written_records_are_told(tmp_path):
    path = write_records(tmp_path, 6, 4_100_000, progress=False)
    result = floors_of(path)
    assert result.exit_code == 0, result.output
    assert "what_at" in result.output and "best" in result.output


def test_records_of_another_data_set_are_refused(tmp_path):
    path, pair = tmp_path / "records.jsonl", {"type": "distance", "question": "How far is the car?", "answer": "2 m"}
    rows = [{"dataset": "streets", "scene_id": str(i), "things": [], "questions": [pair]} for i in range(4)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    problem = floors_of(path).exception
    assert isinstance(problem, InputError) and "another data set" in str(problem)


def test_records_without_questions_are_refused(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text(json.dumps({"scene_id": "1", "image": "a.jpg"}) + "\n")
    problem = floors_of(path).exception
    assert isinstance(problem, InputError) and "questions" in str(problem)
    assert isinstance(floors_of(tmp_path / "none.jsonl").exception, InputError)
