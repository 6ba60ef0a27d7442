"""How a question that compares two things turns their comparison into its answer; numbers; the guide teaches both."""

import math

import numpy as np
import pytest
import torch

from tests.tiny import tiny_model
from tests.train.test_guide import CHAIR, GRID, TABLE, batch, mentions, scene
from train.asked import compared, number_of
from train.guide import Guide, Seen, unit
from train.shown import VALUES
from train.taught import BINS, LEAST, STEP, SURE, GuideOptions, asked, counts, in_bins, truths
from train.worlds.asking.phrases import PHRASES, STATEMENTS, TRUE_FALSE, YES_NO

BOTH = {"first": "red chair", "second": "grey table"}
OPTIONS = {"layers": [1], "answers": 1, "verdict": 2, "chosen": 3}


def told(question, answer):
    found = compared(question, answer, mentions(question, [CHAIR, TABLE], scene(), None, GRID))
    return None if found is None else (VALUES[found[0]], found[1])


@pytest.mark.parametrize(
    ("kind", "value", "answers"),
    [
        ("left_right", "x", {"left": -1, "right": 1}),
        ("above_below", "y", {"above": -1, "below": 1}),
        ("front_behind", "log_depth_z", {"in front": -1, "behind": 1}),
        ("closer", "log_depth_z", {"the red chair": 1, "the grey table": -1}),
        ("behind", "log_depth_z", {"the red chair": 1, "the grey table": -1}),
    ],
)
def test_every_wording_asks_for_one_value_and_its_answer_takes_a_side(kind, value, answers):
    for wording in PHRASES[kind]:
        first, second = sorted(("{first}", "{second}"), key=wording.index)
        for answer, side in answers.items():
            turned = -side if (first, second) != ("{first}", "{second}") and answer.startswith("the ") else side
            assert told(wording.format(**BOTH), answer) == (value, turned), wording


@pytest.mark.parametrize("wording", [*YES_NO, *TRUE_FALSE])
def test_what_is_said_of_two_things_is_so_or_not(wording):
    values = {"x": ("left", "right"), "y": ("above", "below"), "log_depth_z": ("closer", "farther", "front", "behind")}
    for value, names in values.items():
        for relation in (phrase for name in names for phrase in STATEMENTS[name]):
            question = wording.format(**BOTH, relation=relation)
            assert [told(question, answer) for answer in ("yes", "no")] == [(value, 1), (value, -1)]
            assert [told(question, answer) for answer in ("true", "False.")] == [(value, 1), (value, -1)]


@pytest.mark.parametrize(
    ("question", "answer", "found"),
    [
        ("Which is nearer?\n(A) the grey table\n(B) the red chair", "A", ("log_depth_z", 1)),
        ("Which is nearer?\n(A) the grey table\n(B) the red chair", "B", ("log_depth_z", -1)),
        ("The red chair is on which side of the grey table? A. right B. left", "B", ("x", -1)),
        ("Which point is closer? A. (100, 200) B. (300, 400)", "B", ("log_depth_z", -1)),
        ("How many times as far is the red chair as the grey table?", "2.1 times", None),
        ("How far apart are the red chair and the grey table?", "1.20 m", None),
        ("How many times farther away is the red chair than the grey table?", "2.1 times", None),
        ("Is the red chair above the grey table or left of it?", "above", None),
        ("Is the red chair near?", "yes", None),
        ("Is the red chair left of the red chair?", "no", None),
        ("Which is closer to (5, 5)? (A) the red chair (B) the grey table", "A", None),
        ("Which is closer to the grey picture? A. the red chair B. the grey table", "A", None),
        ("What is nearest, the red chair, the blue picture or the grey table?", "the red chair", None),
        ("Which is closer to the camera? A. the red chair B. the grey table", "A", ("log_depth_z", 1)),
        ("Is the red chair left of the grey table?", "", None),
    ],
)
def test_letters_points_and_what_compares_nothing(question, answer, found):
    assert told(question, answer) == found


def looks(question, answer, **more):
    return batch(tiny_model(), [question, "Where is the red chair?"], answer=answer, **OPTIONS, **more)["looks"]


@pytest.mark.parametrize(
    ("question", "answer", "turned"),
    [
        ("Is the red chair left or right of (10, 990)?", "right", 1),
        ("Relative to (10, 990), is the red chair left or right?", "right", -1),
        ("Is the red chair left of (10, 990)?", "no", -1),
        ("Is (10, 990) left of the red chair?", "yes", -1),
        ("Which is more to the right? A. (10, 990) B. the red chair", "B", 1),
        ("Which is more to the left? A. (10, 990) B. the red chair", "A", -1),
    ],
)
def test_the_truth_tells_how_a_question_turns_what_it_compares(question, answer, turned):
    """The chair is the one on the right; `turned` is 1 where the positive side is that the first has more x."""
    given = looks(question, answer)
    how, side, at = asked(given)
    assert how.tolist() == [[turned, 0, 0, 0, 0]] and given["order"][at].tolist() == [1]
    first_has_more = 1 if question.index("red chair") < question.index("(10, 990)") else -1
    assert side.tolist() == [turned * first_has_more]
    counted = counts(given, GuideOptions(**OPTIONS))
    assert counted["asked"] == 5 and counted["chosen"] == 1


def test_two_that_hardly_differ_do_not_tell_it():
    given = looks("Is the red chair left or right of (10, 990)?", "right")
    given["values"] = given["values"] * 0.01
    assert [len(part) for part in asked(given)] == [0, 0, 0]
    assert counts(given, GuideOptions(**OPTIONS))["chosen"] == 0


def test_a_state_that_holds_both_has_no_loss_and_what_is_told_is_held():
    given = looks("Is the red chair left of (10, 990)?", "no", told=1)
    guide = Guide(GuideOptions(**OPTIONS, told=1), tiny_model().backbone)
    row, last, values = truths(given)["verdict"]
    assert values.shape == (1, 10) and values[0, 5:].tolist() == [-1, 0, 0, 0, 0]
    size = guide.readers.shape[-1]
    state = torch.randn(1, size, generator=torch.Generator().manual_seed(3))
    for _ in range(20):  # each telling changes the state's length a little
        state = guide.told(state, values, "verdict")
    read = (unit(state) @ guide.askers[:5].T)[0]
    np.testing.assert_allclose(read, values[0, 5:], atol=0.02)

    held = {name: torch.zeros(1, int(last) + 1, size) for name in ("verdict", "chosen")}
    held["verdict"][row, last] = state
    held["chosen"][row, last] = -torch.linalg.pinv(guide.askers[5:]).T  # the side is -1
    losses = guide._chosen(Seen(hidden=held), given)
    assert losses["asked"] < 0.01
    odds = SURE * (unit(held["chosen"][row, last]) @ guide.askers[5])
    assert losses["chosen"].item() == pytest.approx(torch.nn.functional.softplus(odds).item(), abs=1e-6) and odds < 0


@pytest.mark.parametrize(
    ("answer", "number"),
    [("2.34 m", 2.34), ("540 cm", 540), ("0", 0), ("3 degrees up", 3), ("(110, 750)", None), ("yes", None), ("", None)],
)
def test_the_number_that_an_answer_begins_with(answer, number):
    assert number_of(answer) == number


def test_a_number_lies_in_the_bins_around_it_and_any_number_in_some():
    shares = in_bins(torch.tensor([2.0, 2.0 * 1.05, 0.0, 1e9]))
    centres = LEAST * torch.exp(STEP * torch.arange(BINS))
    torch.testing.assert_close(shares.sum(1), torch.ones(4))
    assert centres[-1] > 1000
    for share, number in zip(shares, (2.0, 2.1, LEAST, float(centres[-1])), strict=True):
        assert abs(math.log(centres[share.argmax()] / number)) <= STEP / 2 + 1e-6
        assert share[(centres.log() - math.log(number)).abs() > 4 * STEP].sum() < 1e-3


def test_a_state_of_the_numbers_own_codes_has_no_loss_and_one_of_another_number_more_the_farther_it_is():
    options = GuideOptions(layers=[1], numbers=2)
    model = tiny_model()
    given = batch(model, ["How far is it?", "How many?"], answer="2.0 m", layers=[1], numbers=2)
    looks, mask = given["looks"], given["attention_mask"]
    assert looks["number"].tolist() == [2.0, 2.0] and looks["number_row"].tolist() == [0, 0]
    asked_of = given["labels"][0] != -100
    assert all(asked_of[last + 1] and not asked_of[last] for last in looks["number_token"])
    guide = Guide(options, model.backbone)
    losses = []
    for number in (2.0, 2.3, 4.0, 40.0):
        logits = in_bins(torch.tensor([number])).clamp(min=1e-6).log()
        size = logits.square().mean().sqrt()
        seen = Seen(hidden={"numbers": (logits / size).expand(1, mask.shape[-1], BINS)})
        guide.bins = torch.eye(BINS) * size  # codes that do not disturb each other
        losses.append(guide._numbers(seen, looks).item() / counts(looks, options)["numbers"].item())
    assert losses[0] == pytest.approx(0, abs=1e-3) and losses == sorted(losses) and losses[1] > 0.1
