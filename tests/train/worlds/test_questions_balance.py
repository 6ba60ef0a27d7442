"""Guessing fails: on made-up pictures whose answers are plain to guess, the balance takes the guess away."""

from collections import Counter
from functools import lru_cache

import numpy as np
import pytest

from tests.train.worlds.asked import made_up
from train.worlds.asking import camera_questions, naming, relations
from train.worlds.asking.asker import Asker
from train.worlds.asking.balance import Balance, balance
from train.worlds.asking.floors import asked, by_answer, by_things, by_words, cues, floors, iou, report, right
from train.worlds.asking.measure import Tally, fit

MADE_UP = 500


@lru_cache
def ground():
    """The made-up pictures, and the balance measured on others of their kind."""
    tally = Tally()
    for seed in range(MADE_UP, 2 * MADE_UP):
        tally.add(made_up(seed))
    return [made_up(seed) for seed in range(MADE_UP)], Balance(tally.table())


@lru_cache
def said(make, often=8):
    """All questions that one asker makes over the made-up pictures."""
    found = []
    for shown in ground()[0]:
        ask = Asker(shown, ground()[1])
        for _ in range(often):
            make(ask)
        found += ask.found
    assert len(found) > 200
    return found


def share(values):
    return float(np.mean(list(values)))


def test_the_nearer_thing_is_the_lower_one_of_most_pairs_but_not_of_most_questions():
    plain = [(p.depth_z < q.depth_z) == (p.centre[1] > q.centre[1]) for shown in ground()[0]
             for i, p in enumerate(shown.named) for q in shown.named[:i]]  # fmt: skip
    assert share(plain) > 0.62
    misleads = share(q["misleading"] for q in said(relations.closer))
    assert abs(misleads - 0.5) < 0.06


def test_what_is_named_first_left_or_above_is_a_coin():
    assert abs(share(q["value"] == "first" for q in said(relations.closer)) - 0.5) < 0.06
    assert abs(share(q["value"] == "left" for q in said(relations.left_right)) - 0.5) < 0.06
    assert abs(share(q["value"] == "above" for q in said(relations.above_below)) - 0.5) < 0.06
    assert abs(share(q["value"] for q in said(relations.statement)) - 0.5) < 0.06
    letters = [q["answer"] for make in (relations.closer, relations.left_right, relations.above_below)
               for q in said(make) if "choices" in q]  # fmt: skip
    assert abs(share(letter == "A" for letter in letters) - 0.5) < 0.06


def test_that_cars_usually_are_nearer_than_lamps_does_not_help():
    plain = [p.depth_z < q.depth_z for shown in ground()[0] for p in shown.named for q in shown.named
             if (p.kind, q.kind) == ("car", "lamp")]  # fmt: skip
    wins = [q["value"] == ("first" if q["question"].index("car") < q["question"].index("lamp") else "second")
            for q in said(relations.closer)
            if "choices" not in q and "car" in q["question"] and "lamp" in q["question"]]  # fmt: skip
    assert share(plain) > 0.75 and len(wins) > 25 and abs(share(wins) - 0.5) < 0.22


def test_for_every_kind_yes_and_no_come_equally_often():
    found = said(naming.exists)
    assert abs(share(q["value"] for q in found) - 0.5) < 0.06
    kinds = Counter(q["kind"] for q in found)
    for kind, often in kinds.items():
        assert abs(share(q["value"] for q in found if q["kind"] == kind) - 0.5) < 0.25, (kind, often)


def test_colours_that_most_things_have_are_asked_less():
    plain = share(thing.colour == "red" for shown in ground()[0] for thing in shown.clear)
    table = {"named": {"indoor": {"car": {"red": 0.6, "blue": 0.06}}}}
    odds = [Balance(table).colour("indoor", "car", colour) for colour in ("red", "blue")]
    assert plain > 0.7 and 0.6 * odds[0] == pytest.approx(0.06 * odds[1], rel=0.15)


def test_counts_that_are_seldom_are_asked_more():
    table = {"counts": {"indoor": {"chair": [0.5, 0.25, 0.125, 0.125, 0, 0, 0], "bed": [0.8, 0.2, 0, 0, 0, 0, 0]}}}
    weights = Balance(table).counts("indoor")
    asked_often = weights["chair"][:4] * np.array([0.5, 0.25, 0.125, 0.125])
    assert (np.diff(asked_often) > 0).all() and asked_often.max() < 3 * asked_often.min()  # more than even: few kinds
    assert weights["bed"][1] / weights["bed"][0] == pytest.approx(4 * 0.6 / 0.5)
    assert asked_often.sum() > 2 * (weights["bed"][:2] * [0.8, 0.2]).sum()


def test_usual_answers_are_kept_with_the_odds_against_them():
    table = Balance({"usual": {"room_height": {"indoor": [2.5, 0.8]}}, "tilts": {"indoor": {"up": 0.1, "down": 0.6}}})
    assert table.usual("room_height", "indoor", 2.6) == pytest.approx(0.25)
    assert table.usual("room_height", "indoor", 3.0) == 1
    assert table.tilt("indoor", "down") == pytest.approx(1 / 6) and table.tilt("indoor", "up") == 1
    assert Balance({"near": {"kinds": {}, "cues": []}}).winner([np.log(3.0), 0.0], 0) == pytest.approx(1 / 3)


def test_logistic_weights_are_found_again():
    rng = np.random.default_rng(0)
    table, true = rng.normal(size=(20000, 3)), np.array([1.0, -0.5, 0.0])
    wins = rng.random(20000) < 1 / (1 + np.exp(-table @ true))
    np.testing.assert_allclose(fit(table, wins), true, atol=0.06)


def test_the_committed_table_knows_both_domains():
    table = balance().table
    assert set(table["domains"]) == {"indoor", "outdoor"} and table["scenes"] >= 400
    assert set(table["usual"]) >= {*camera_questions.MEASURES, "fov", "height"}
    assert all(table["point"][domain]["cues"][0] > 0 for domain in table["domains"])  # lower is nearer, by itself


# ---- the guessers themselves -----------------------------------------------------------------------------------


def pair(kind, question, answer, **facts):
    return {"type": kind, "question": question, "answer": answer, **facts}


def records(questions):
    return [{"questions": [question], "things": []} for question in questions]


def test_a_fixed_answer_is_found_where_one_fits():
    yes = [pair("exists", f"Is there a {k}?", "yes") for k in ("cat", "dog", "box")] * 4
    assert floors(records(yes))["exists"]["answer"] == 1
    lengths = [pair("height", "How tall?", "", value=v, unit=u) for v, u in ((1.0, "m"), (100.0, "cm"), (3.28, "ft"))]
    assert floors(records(lengths * 4))["height"]["best"] == 1


def test_what_is_named_gives_answers_away_where_nothing_is_balanced():
    rng = np.random.default_rng(0)
    told = []
    for _ in range(120):
        first, second = rng.permutation(["car", "lamp"])
        told.append(pair("closer", f"Which is closer, the red {first} or the red {second}?", "the red car",
                         value="first" if first == "car" else "second"))  # fmt: skip
        told.append(pair("closer", f"Which is closer, the red {first} or the red {second}?", "the red car",
                         value="first" if first == "car" else "second"))  # fmt: skip
        kind = str(rng.choice(["cat", "dog"]))
        told.append(pair("count", f"How many {kind}s are there?", {"cat": "1", "dog": "2"}[kind]))
        told.append(pair("count", f"How many {kind}s are there?", {"cat": "1", "dog": "2"}[kind]))
    table = floors(records(told))
    assert table["closer"]["things"] == 1 and 0.3 < table["closer"]["answer"] < 0.7
    assert table["count"]["words"] == 1 and table["count"]["answer"] < 0.7


def test_coins_cannot_be_guessed():
    rng = np.random.default_rng(1)
    told = [pair("yes_no", f"Is the {rng.choice(['cat', 'dog', 'box'])} closer?", str(rng.choice(["yes", "no"])))
            for _ in range(800)]  # fmt: skip
    assert floors(records(told))["yes_no"]["best"] < 0.57


def test_positions_and_words_of_a_question_are_read():
    one = asked(pair("depth_at", "Depth at (120, 940)?", "1.2 m", value=120.0, unit="cm"))
    assert one.truth == pytest.approx(1.2) and {"0:1", "1:9"} <= set(one.tokens)
    two = asked(pair("closer", "Which? (A) the red bus shelter (B) the dog", "B",
                     choices={"A": "the red bus shelter", "B": "the dog"}))  # fmt: skip
    assert two.truth == 1 and two.names == [("red", "bus shelter"), ("", "dog")]
    known = [one, asked(pair("depth_at", "Depth at (120, 40)?", "9 m", value=9.0, unit="m"))] * 5
    assert [by_words("depth_at", known)(question) for question in known[:2]] == [pytest.approx(1.2), 9.0]
    assert by_answer("depth_at", known)(one) == by_things("depth_at", known)(one) == pytest.approx(1.2)


def test_the_guesses_are_judged_by_the_rules_of_the_types():
    assert right("distance", 1.25, 1.0) and not right("distance", 1.26, 1.0) and not right("fov", 67.0, 60.0)
    assert right("where", (600, 500), (500, 400)) and not right("where", (601, 500), (500, 400))
    assert right("tilt", -3.0, 2.0) and not right("tilt", -3.1, 2.0) and right("count", "3", "3")
    assert iou((0, 0, 10, 10), (0, 0, 10, 5)) == 0.5 and not right("box", (0, 0, 10, 4), (0, 0, 10, 10))


def test_cues_and_the_report():
    record = {
        "questions": [pair("closer", "Which is closer, the red car or the red lamp?", "the red car", value="first",
                           instances=[1, 2], misleading=True)],
        "things": [{"instance": 1, "box": [0, 0, 4, 4]}, {"instance": 2, "box": [0, 5, 2, 7]}],
    }  # fmt: skip
    assert cues([record]) == {"lower": 0.0, "larger": 1.0}
    assert "the lower thing is nearer 0.00, the larger one 1.00" in report([record, record])
