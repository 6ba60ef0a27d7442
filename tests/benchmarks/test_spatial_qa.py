"""How answers are judged, what a blind answer would score, and the benchmark on models that know the answers."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.answers import degrees, floor, judge, metres, position
from benchmarks.report import qa_table
from benchmarks.spatial_qa import pick, run_qa
from heads.errors import InputError
from tests.benchmarks.stubs import KnowingModel
from tests.tiny import tiny_model, tiny_records
from vlm.records import Record, read_records


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("2.4 m", 2.4),
        ("about 35 cm.", 0.35),
        ("It is 3 metres away", 3.0),
        ("3 meters", 3.0),
        ("1,200 m", 1200.0),
        ("2.4", 2.4),
        (".5m", 0.5),
        ("Of the 2 chairs, the red one is 3.5 m away", 3.5),
        ("5 feet", None),
        ("12 km", None),
        ("-2 m", None),
        ("0 m", None),
        ("far away", None),
        ("", None),
    ],
)
def test_lengths_in_answers(answer, expected):
    assert metres(answer) == (None if expected is None else pytest.approx(expected))


def test_positions_and_degrees_in_answers():
    assert position("(512, 304)") == position("at x: 512,304") == (512, 304)
    assert position("in the middle") is None and position("(512)") is None
    assert degrees("55 degrees") == degrees("about 55°") == 55 and degrees("wide") is None


@pytest.mark.parametrize(
    ("kind", "answer", "true", "right", "parsed"),
    [
        ("distance", "2.5 m", "2.0 m", True, True),  # just 25 %
        ("distance", "2.6 m", "2.0 m", False, True),
        ("depth_at", "150 cm", "2.0 m", True, True),
        ("depth_at", "no idea", "2.0 m", False, False),
        ("fov", "66 degrees", "60 degrees", True, True),
        ("fov", "67 degrees", "60 degrees", False, True),
        ("where", "(600, 400)", "(500, 300)", True, True),
        ("where", "(601, 300)", "(500, 300)", False, True),
        ("where", "left", "(500, 300)", False, False),
        ("closer", "The red chair.", "the red chair", True, True),
        ("closer", "red chair", "the red chair", True, True),
        ("closer", "the blue chair", "the red chair", False, True),
        ("closer", "a", "A", True, True),
        ("what_at", "an orange box", "a orange box", True, True),
        ("count", "3", "3", True, True),
        ("count", "13", "3", False, True),
        ("exists", "Yes.", "yes", True, True),
        ("exists", "", "yes", False, False),
    ],
)
def test_rules_of_the_types(kind, answer, true, right, parsed):
    verdict = judge(kind, answer, true)
    assert (verdict.right, verdict.parsed) == (right, parsed)


def test_the_stricter_share_for_metres():
    assert judge("distance", "2.2 m", "2.0 m").within_10 and not judge("distance", "2.3 m", "2.0 m").within_10


def questions(kind: str, answers: list[str], **more) -> list[dict]:
    return [{"type": kind, "question": "?", "answer": answer, **more} for answer in answers]


def test_floor_of_words_is_the_most_frequent_answer():
    best = floor("colour", questions("colour", ["red", "blue", "Red", "green"]))
    assert (best.answer, best.score) == ("red", 0.5)


def test_floor_of_a_choice_between_two_is_one_of_the_two():
    rows = [
        {"type": "closer", "answer": answer, "value": value}
        for answer, value in (("the red chair", "first"), ("A", "first"), ("the blue box", "second"))
    ]
    best = floor("closer", rows)
    assert (best.answer, best.score) == ("first", pytest.approx(2 / 3))


@pytest.mark.parametrize("seed", range(5))
def test_no_number_beats_the_floor(seed):
    rng = np.random.default_rng(seed)
    answers = [f"{value:.1f} m" for value in rng.uniform(0.5, 20, 30)]
    best = floor("distance", questions("distance", answers))
    for guess in np.geomspace(0.3, 30, 400):
        verdicts = [judge("distance", f"{guess:.6f} m", answer) for answer in answers]
        assert np.mean([v.right for v in verdicts]) <= best.score + 1e-9
        assert np.mean([v.within_10 for v in verdicts]) <= best.score_10 + 1e-9
    assert best.score >= best.score_10


def test_no_point_beats_the_floor():
    rng = np.random.default_rng(3)
    answers = [f"({x}, {y})" for x, y in rng.integers(0, 1000, (25, 2))]
    best = floor("where", questions("where", answers))
    reached = np.mean([judge("where", best.answer, answer).right for answer in answers])
    assert reached == pytest.approx(best.score)
    for x in range(0, 1000, 40):
        for y in range(0, 1000, 40):
            assert np.mean([judge("where", f"({x}, {y})", answer).right for answer in answers]) <= best.score


ROWS = [
    {"type": "distance", "question": "How far is the chair?", "answer": "2.4 m"},
    {"type": "where", "question": "Where is the chair?", "answer": "(200, 500)"},
    {"type": "exists", "question": "Is there a car?", "answer": "no"},
    {"type": "caption", "question": "Describe the picture.", "answer": "An indoor scene."},
]


def asked_records(folder: Path, rows: list[dict] = ROWS) -> list[Record]:
    lines = [json.loads(line) for line in tiny_records(folder, 3).read_text().splitlines()]
    path = folder / "asked.jsonl"
    path.write_text("\n".join(json.dumps({**line, "questions": rows}) for line in lines))
    return list(read_records(path))


def test_a_model_that_knows_the_answers(tmp_path):
    records = asked_records(tmp_path)
    model, done = KnowingModel(records), []
    result = run_qa(model, records, progress=done.append)
    assert {kind: row.get("score") for kind, row in result.types.items()} == {
        "distance": 1.0,
        "where": 1.0,
        "exists": 1.0,
        "caption": None,  # counted, not scored
    }
    assert result.types["caption"]["questions"] == 3 and len(result.samples) == 9
    assert model.looks == 3 and sum(done) == 3  # one look a record, whatever is asked
    assert result.types["distance"]["floor"] == 1.0  # all three answers are the same here
    table = qa_table(result).markdown()
    assert "| distance | 3 | 1.000 | 1.000 | 1.000 | 1.000 | 0 | 1.8 m |" in table and "caption: 3" in table


def test_a_wordless_model_scores_nothing_and_is_counted(tmp_path):
    records = asked_records(tmp_path)
    model = KnowingModel(records)
    model.answer = lambda record, question: type("A", (), {"text": "hm"})()
    result = run_qa(model, records)
    assert result.macro["score"] == 0
    assert result.types["distance"]["unparsed"] == result.types["where"]["unparsed"] == 3


def test_some_questions_of_each_record():
    rows = questions("count", [str(i) for i in range(20)])
    some = pick(rows, 5, [0, 1])
    assert len(some) == 5 and some == pick(rows, 5, [0, 1]) != pick(rows, 5, [0, 2])
    assert [int(row["answer"]) for row in some] == sorted(int(row["answer"]) for row in some)
    assert pick(rows, 50, [0, 1]) == pick(rows, None, [0, 1]) == rows


def test_wrong_requests(tmp_path):
    records = asked_records(tmp_path, [{"type": "distance", "question": "How far?", "answer": "far"}])
    with pytest.raises(InputError, match=r"asked.jsonl:1.*'far' cannot be read"):
        run_qa(KnowingModel(records), records)
    with pytest.raises(InputError, match="questions"):
        run_qa(KnowingModel(records), records, per_record=0)
    with pytest.raises(InputError, match="no question"):
        run_qa(KnowingModel(records), [])


def test_tiny_model_end_to_end(tmp_path):
    records = asked_records(tmp_path)
    result = run_qa(tiny_model(), records, per_record=2, max_new_tokens=4)
    assert 0 <= result.macro["score"] <= 1 and result.protocol["questions_per_record"] == 2
    assert result.protocol["decoding"] == "greedy" and result.protocol["seconds_per_question"] > 0
