"""How answers are judged, and what a blind answer would score."""

import numpy as np
import pytest

from benchmarks.answers import RULES, floor, floor_score, judge, mean_relative_accuracy
from benchmarks.questions.base import Question


def asked(rule: str, *trues: str, choices: tuple[str, ...] = (), offered: list | None = None) -> list[Question]:
    said = offered or [None] * len(trues)
    return [
        Question(str(i), "?", "kind", rule, true, choices, offered=said[i]) for i, true in enumerate(trues)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "answer", "true", "score", "parsed"),
    [
        ("metres within 25 %", "2.5 m", "2.0 m", 1, True),  # just 25 %
        ("metres within 25 %", "1.5 m", "2.0 m", 1, True),
        ("metres within 25 %", "2.6 m", "2.0 m", 0, True),
        ("metres within 25 %", "150 cm", "2.0 m", 1, True),
        ("metres within 25 %", "7 feet", "2.0 m", 1, True),
        ("metres within 25 %", "no idea", "2.0 m", 0, False),
        ("metres within a factor of 2", "4 m", "2.0 m", 1, True),  # just 2
        ("metres within a factor of 2", "1 m", "2.0 m", 1, True),
        ("metres within a factor of 2", "4.1 m", "2.0 m", 0, True),
        ("metres within a factor of 2", "0.99 m", "2.0 m", 0, True),
        ("metres within a factor of 2", "wide", "2.0 m", 0, False),
        ("degrees within 10 %", "66 degrees", "60 degrees", 1, True),
        ("degrees within 10 %", "67 degrees", "60 degrees", 0, True),
        ("position", "(600, 400)", "(500, 300)", 1, True),
        ("position", "(601, 300)", "(500, 300)", 0, True),
        ("position", "left", "(500, 300)", 0, False),
        ("hour", "11 o'clock", "12 o'clock", 1, True),
        ("hour", "1", "12 o'clock", 1, True),
        ("hour", "2 o'clock", "12 o'clock", 0, True),
        ("hour", "ahead", "12 o'clock", 0, False),
        ("count", "3", "4", 0.75, True),
        ("count", "There are 9", "4", -0.25, True),
        ("count", "many", "4", 0, False),
        ("letter", "(B)", "B", 1, True),
        ("letter", "chair", "A", 1, True),
        ("letter", "neither", "A", 0, False),
        ("first letter", "B.", "B", 1, True),
        ("first letter", "b", "B", 1, True),
        ("first letter", "The answer is B", "B", 0, False),  # the paper's rule
        ("yes or no", "Indeed, it is", "Yes, it is behind.", 1, True),
        ("yes or no", "No", "Yes.", 0, True),
        ("region", "Region [1]", "Region [1] is on the left.", 1, True),
        ("contained", "Yes, there is.", "Yes", 1, True),
        ("contained", "yes", "Yes", 0, True),  # letter by letter, as published
        ("contained", "hm", "Yes", 0, False),
        ("metres within 10 %", "2.7 m", "2.5 m", 1, True),
        ("metres within 10 %", "2.8 m", "2.5 m", 0, True),
        ("centimetres within 25 %", "240", "200 cm", 1, True),  # in the unit that was asked for
        ("centimetres within 25 %", "2.4 m", "200 cm", 1, True),
        ("centimetres within 25 %", "2.4", "200 cm", 0, True),
        ("feet within 25 %", "8", "7.9 feet", 1, True),
        ("inches within 10 %", "100 inches", "94 inches", 1, True),
        ("inches within 10 %", "2 feet", "94 inches", 0, True),
        ("ratio within 10 %", "2.2", "2.0 times", 1, True),
        ("ratio within 10 %", "twice", "2.0 times", 0, False),
        ("tilt", "8 degrees down", "12 degrees down", 1, True),
        ("tilt", "12 degrees up", "12 degrees down", 0, True),
        ("tilt", "level", "4 degrees up", 1, True),
        ("tilt", "-10 degrees", "12 degrees down", 1, True),
        ("tilt", "hm", "4 degrees up", 0, False),
        ("box", "(0, 0, 100, 50)", "(0, 0, 100, 100)", 1, True),  # just half
        ("box", "(0, 0, 100, 49)", "(0, 0, 100, 100)", 0, True),
        ("box", "(100, 100, 0, 0)", "(0, 0, 100, 100)", 0, False),
        ("refusal", "I don't see one.", "There is no red chair in the picture.", 1, True),
        ("refusal", "2.4 m", "There is no red chair in the picture.", 0, True),
        ("words or letter", "(B)", "B", 1, True),
        ("words or letter", "chair", "A", 1, True),
        ("words", "The red chair.", "the red chair", 1, True),
        ("words", "an orange box", "a orange box", 1, True),
        ("words", "a", "A", 1, True),
        ("words", "13", "3", 0, True),
        ("words", "", "yes", 0, False),
    ],
)
def test_rules(rule, answer, true, score, parsed):
    said = ("Yes", "No", "yes") if rule == "contained" else ("chair", "sofa")
    (question,) = asked(rule, true, choices=said)
    verdict = judge(question, answer)
    assert (verdict.score, verdict.parsed) == (pytest.approx(score), parsed)


def test_lengths_also_give_their_relative_error_and_the_stricter_share():
    (question,) = asked("metres within 25 %", "2.0 m")
    assert judge(question, "2.2 m").within_10 and not judge(question, "2.3 m").within_10
    assert judge(question, "2.3 m").error == pytest.approx(0.15) and judge(question, "hm").error is None


@pytest.mark.parametrize(
    ("answer", "true", "score"),
    [(4, 4, 1.0), (3, 4, 0.6), (6, 4, 0.1), (6.1, 4, 0.0), (2, 4, 0.1), (3.9, 4, 1.0), (3.7, 4, 0.9), (None, 4, 0.0)],
)
def test_mean_relative_accuracy_by_hand(answer, true, score):
    """Off by 25 %: 1 - t is at least .25 for t = .5 .. .75, six of ten; by 50 % for t = .5 alone."""
    assert mean_relative_accuracy(answer, true) == pytest.approx(score)


def test_a_true_answer_that_its_rule_cannot_read_is_an_error():
    for rule in RULES:
        if rule not in ("words", "words or letter", "contained"):
            with pytest.raises(ValueError, match="cannot be read"):
                judge(asked(rule, "hm")[0], "1 m")
    for rule in ("count", "mean relative accuracy"):
        with pytest.raises(ValueError, match="cannot be read"):  # an error relative to 0 is none
            judge(asked(rule, "0")[0], "1")


# ---- floors ------------------------------------------------------------------------------------------------


def test_the_floor_of_words_is_the_most_frequent_answer():
    best = floor(asked("words", "red", "blue", "Red", "green"))
    assert (best.answer, best.score) == ("red", 0.5)


def test_the_floor_of_a_choice_is_the_majority_letter():
    best = floor(asked("letter", "A", "B", "B", choices=("x", "y")))
    assert (best.answer, best.score) == ("B", pytest.approx(2 / 3))


def test_the_floor_of_a_choice_between_two_named_things_is_one_of_the_two():
    questions = asked("words", "the red chair", "A", "the blue box", offered=["first", "first", "second"])
    best = floor(questions)
    assert (best.answer, best.score) == ("first", pytest.approx(2 / 3))
    assert [floor_score(question, best) for question in questions] == [1, 1, 0]


TRUES = {
    "metres within 25 %": lambda rng: f"{rng.uniform(0.5, 20):.1f} m",
    "metres within a factor of 2": lambda rng: f"{rng.uniform(0.5, 20):.1f} m",
    "degrees within 10 %": lambda rng: f"{rng.uniform(30, 90):.0f} degrees",
    "mean relative accuracy": lambda rng: f"{rng.uniform(0.5, 20):.1f}",
    "count": lambda rng: str(rng.integers(1, 9)),
    "hour": lambda rng: f"{rng.integers(1, 13)} o'clock",
}


@pytest.mark.parametrize("rule", TRUES)
@pytest.mark.parametrize("seed", range(3))
def test_no_number_beats_the_floor_and_the_floor_reaches_its_score(rule, seed):
    rng = np.random.default_rng(seed)
    questions = asked(rule, *(TRUES[rule](rng) for _ in range(30)))
    best = floor(questions)
    unit = {"metres within 25 %": " m", "metres within a factor of 2": " m", "degrees within 10 %": " degrees"}
    guesses = range(1, 13) if rule in ("hour", "count") else np.geomspace(0.3, 100, 300)
    for guess in guesses:
        verdicts = [judge(question, f"{guess:.6g}{unit.get(rule, '')}") for question in questions]
        assert np.mean([verdict.score for verdict in verdicts]) <= best.score + 1e-9
        if best.score_10 is not None:
            assert np.mean([verdict.within_10 for verdict in verdicts]) <= best.score_10 + 1e-9
    reached = np.mean([floor_score(question, best) for question in questions])
    assert reached == pytest.approx(best.score, abs=1 / 30 + 1e-9 if "metres" in rule else 1e-9)


def test_the_floor_of_tilts_and_boxes_is_the_answer_that_fits_most():
    tilts = asked("tilt", "12 degrees down", "10 degrees down", "15 degrees down", "20 degrees up")
    best = floor(tilts)
    assert best.score == 0.75 and sum(judge(question, best.answer).score for question in tilts) == 3
    boxes = asked("box", "(0, 0, 100, 100)", "(0, 0, 100, 90)", "(500, 500, 900, 900)")
    assert floor(boxes).score == pytest.approx(2 / 3)


def test_no_point_beats_the_floor():
    rng = np.random.default_rng(3)
    questions = asked("position", *(f"({x}, {y})" for x, y in rng.integers(0, 1000, (25, 2))))
    best = floor(questions)
    assert np.mean([floor_score(question, best) for question in questions]) == pytest.approx(best.score)
    for x in range(0, 1000, 40):
        for y in range(0, 1000, 40):
            assert np.mean([judge(question, f"({x}, {y})").score for question in questions]) <= best.score
