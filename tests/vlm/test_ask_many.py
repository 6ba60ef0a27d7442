"""Many questions asked together are answered as if each had been asked alone, in every family."""

import numpy as np
import pytest

from tests.tiny import tiny_model
from tests.vlm.families import KINDS, tiny_family
from vlm.errors import InputError

QUESTIONS = [
    "How far is the red chair?",
    "yes",
    "Describe the table at (512, 304), and the chair behind it, and the red one.",
    "no",
    "How far is the red chair from the table?",
    "Why?",
]


def alone(scene, questions=QUESTIONS, limit: int = 6):
    return [scene.ask(question, max_new_tokens=limit) for question in questions]


@pytest.mark.parametrize("name", KINDS)
def test_together_is_as_alone_to_the_token(name, photo):
    scene = tiny_family(name).look(photo(160, 120))
    one_by_one = alone(scene)
    for together in (2, 32):
        answers = scene.ask_many(QUESTIONS, max_new_tokens=6, together=together)
        assert [answer.tokens for answer in answers] == [answer.tokens for answer in one_by_one]
        assert [answer.text for answer in answers] == [answer.text for answer in one_by_one]
        assert [a.log_probability for a in answers] == pytest.approx([a.log_probability for a in one_by_one], abs=1e-3)
    assert len({round(answer.log_probability, 3) for answer in one_by_one}) == len(QUESTIONS)  # each one matters


def test_an_answer_that_ends_early_does_not_wait_for_the_others(photo):
    """Every token's logit is known: the end comes after as many words as the question is long."""
    model = tiny_model()
    scene = model.look(photo(160, 120))
    end, drawn = model.processor.end_id, []
    plain = model.forward

    def counted(*arguments, **named):
        output = plain(*arguments, **named)
        drawn.append(output.logits.shape[0])
        output.logits[: len(drawn), :, end] = 1e4  # the first row ends at once, the second after one word, ...
        return output

    model.forward = counted
    answers = scene.ask_many(["yes", "no", "why"], max_new_tokens=9)
    assert sorted(len(answer.tokens) for answer in answers) == [0, 1, 2] and drawn == [3, 3, 3]


def test_the_scene_remembers_what_was_asked_and_answers_on(photo):
    scene = tiny_model().look(photo(160, 120))
    before = scene.ask("yes", max_new_tokens=4)
    answers = scene.ask_many(QUESTIONS, max_new_tokens=4)
    assert [question for question, _ in scene.asked] == ["yes", *QUESTIONS]
    assert scene.ask("yes", max_new_tokens=4) == before and answers[1].tokens == before.tokens
    assert scene.ask_many([]) == []


def test_several_views(photo):
    scene = tiny_model().look(views=[photo(160, 120), photo(90, 130, 1)])
    together = scene.ask_many(QUESTIONS, max_new_tokens=4)
    assert [answer.tokens for answer in together] == [answer.tokens for answer in alone(scene, limit=4)]


@pytest.mark.parametrize(
    ("questions", "options", "said"),
    [
        (["yes", " "], {}, "question"),
        (["yes"], {"max_new_tokens": 0}, "max_new_tokens"),
        (["yes"], {"together": 0}, "together"),
    ],
)
def test_wrong_requests_are_told_before_anything_runs(photo, questions, options, said):
    scene = tiny_model().look(np.asarray(photo(96, 96)))
    with pytest.raises(InputError, match=rf"^{said}: .*allowed"):
        scene.ask_many(questions, **options)
    assert scene.asked == []
