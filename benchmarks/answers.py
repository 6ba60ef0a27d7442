"""How an answer in words is judged: the rule of a question, and the best that one fixed answer can do.

An answer that the rule cannot read is `Verdict(0, parsed=False)`: wrong, and counted.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks import reading
from benchmarks.questions.base import Question

WHERE_WITHIN = 100.0  # of 1000 units, across and down
OFFERED = ("first", "second", "third", "fourth", "left", "right", "above", "below", "in front", "behind")
"""What `Question.offered` may say."""
TILT_WITHIN = 5.0  # degrees
OVERLAP = 0.5  # intersection over union of two boxes
WITHIN_10 = 0.10  # the stricter share that is reported beside the rule, for metres
THRESHOLDS = np.linspace(0.5, 0.95, 10)  # of the mean relative accuracy


@dataclass(frozen=True)
class Verdict:
    """score: 0 or 1, or a part of it where the rule gives parts. parsed: the rule could read the answer.

    within_10: a length within 10 % of the true one. error: |answer - true| / true of a number, None without one.
    """

    score: float
    parsed: bool = True
    within_10: bool = False
    error: float | None = None


@dataclass(frozen=True)
class Floor:
    """The fixed answer that scores best on these very questions, and its mean score.

    score_10: the best share that one fixed length has within 10 %. It knows the true answers' distribution and
    nothing of the images, so a score at or under it shows no sight at all.
    """

    answer: str
    score: float
    score_10: float | None = None


@dataclass(frozen=True)
class Rule:
    """judge(answer, question) -> Verdict; best(questions) -> Floor; text: one line for a table's notes."""

    judge: Callable[[str, Question], Verdict]
    best: Callable[[list[Question]], Floor]
    text: str


def judge(question: Question, answer: str) -> Verdict:
    """The verdict on `answer`. Raises ValueError where the true answer itself cannot be read by the rule."""
    return RULES[question.rule].judge(answer, question)


def floor(questions: list[Question]) -> Floor:
    """The best fixed answer to questions of one rule.

    Where every question says by `offered` which of the two things it names is the answer, the fixed answer is
    one of OFFERED ("first", "left", ...): naming one thing for all scenes would be a floor far too low.
    """
    offered = [question.offered for question in questions if question.offered is not None]
    if len(offered) == len(questions):
        answer, count = Counter(offered).most_common(1)[0]
        return Floor(answer, count / len(questions))
    return RULES[questions[0].rule].best(questions)


def floor_score(question: Question, best: Floor) -> float:
    """What the fixed answer scores on one question."""
    if question.offered is not None and best.answer in OFFERED:
        return float(question.offered == best.answer)
    return judge(question, best.answer).score


# ---- numbers -----------------------------------------------------------------------------------------------


def _true(value: float | None, question: Question) -> float:
    """The true number, which errors are divided by."""
    if not value:
        raise ValueError(f"answer: the true answer {question.true!r} cannot be read by the rule {question.rule!r}")
    return value


def _relative(answer: float | None, true: float, low: float, high: float) -> Verdict:
    """Right between low and high times the true number."""
    if answer is None:
        return Verdict(0.0, parsed=False)
    error = abs(answer - true) / true
    inside = true * low * (1 - 1e-12) <= answer <= true * high * (1 + 1e-12)
    return Verdict(float(inside), True, error <= WITHIN_10 + 1e-12, error)


def _number_rule(
    read: Callable[[str], float | None], low: float, high: float, unit: str, text: str, stricter: bool = False
) -> Rule:
    def best(questions: list[Question]) -> Floor:
        trues = np.array([_true(read(question.true), question) for question in questions])
        value, count = most_covered(trues * low, trues * high)
        within_10 = most_covered(trues * (1 - WITHIN_10), trues * (1 + WITHIN_10))[1] / len(trues) if stricter else None
        return Floor(f"{value:.6g}{unit}", count / len(trues), within_10)

    def verdict(answer: str, question: Question) -> Verdict:
        return _relative(read(answer), _true(read(question.true), question), low, high)

    return Rule(verdict, best, text)


def boxed_metres(answer: str) -> float | None:
    r"""Metres of "\scalar{1.5} \distance_unit{feet}": the mean of the last box's numbers; else the last length."""
    import re

    boxes = re.findall(r"scalar\s*\{([^}]*)\}", answer)
    units = re.findall(r"distance_unit\s*\{([^}]*)\}", answer)
    if not boxes or not units:
        return reading.metres(answer, last=True)
    numbers = [float(text) for text in re.findall(r"\d+\.?\d*", boxes[-1])]
    unit = reading.METRES.get(units[-1].strip().casefold().rstrip("."))
    value = sum(numbers) / len(numbers) * unit if numbers and unit else 0.0
    return value if value > 0 else None


def mean_relative_accuracy(answer: float | None, true: float) -> float:
    """Share of the thresholds t in .5, .55, ..., .95 with |answer - true| / true <= 1 - t."""
    if answer is None:
        return 0.0
    return float(np.mean(abs(answer - true) / true <= 1 - THRESHOLDS + 1e-12))


def _first_number(answer: str) -> float | None:
    try:
        return float(reading.first_word(answer))
    except ValueError:
        return None


def _mra_judge(answer: str, question: Question) -> Verdict:
    given, true = _first_number(answer), _true(_first_number(question.true), question)
    error = None if given is None else abs(given - true) / true
    return Verdict(mean_relative_accuracy(given, true), given is not None, False, error)


def _mra_floor(questions: list[Question]) -> Floor:
    """A number's score is the mean over thresholds of how many intervals it is in: the union of them all."""
    trues = np.array([_true(_first_number(question.true), question) for question in questions])
    reach = (1 - THRESHOLDS)[:, None] * trues
    value, count = most_covered((trues - reach).ravel(), (trues + reach).ravel())
    return Floor(f"{value:.6g}", count / (len(trues) * len(THRESHOLDS)))


def _count_judge(answer: str, question: Question) -> Verdict:
    given, true = reading.number(answer), _true(reading.number(question.true), question)
    if given is None:
        return Verdict(0.0, parsed=False)
    error = abs(given - true) / true
    return Verdict(1 - error, True, False, error)


def _count_floor(questions: list[Question]) -> Floor:
    answers = sorted({question.true for question in questions})
    scores = [float(np.mean([_count_judge(answer, question).score for question in questions])) for answer in answers]
    return Floor(answers[int(np.argmax(scores))], max(scores))


def most_covered(low: np.ndarray, high: np.ndarray) -> tuple[float, int]:
    """The number inside most of the closed intervals low[i]..high[i] (some lower end always is one); how many."""
    low, high = np.sort(low), np.sort(high)
    counts = np.searchsorted(low, low + 1e-12 * np.abs(low), side="right") - np.searchsorted(high, low, side="left")
    best = int(np.argmax(counts))
    return float(low[best]), int(counts[best])


# ---- places and words --------------------------------------------------------------------------------------


def _close_judge(
    read: Callable[[str], Any], close: Callable[[Any, Any], bool], what: str
) -> Callable[[str, Question], Verdict]:
    """1 where what `read` finds in the answer is `close` to what it finds in the true one, which must be `what`."""

    def judge_close(answer: str, question: Question) -> Verdict:
        given, true = read(answer), read(question.true)
        if true is None:
            raise ValueError(f"answer: the true answer {question.true!r} cannot be read as {what}")
        if given is None:
            return Verdict(0.0, parsed=False)
        return Verdict(float(close(given, true)))

    return judge_close


def _positions_close(given: tuple[float, float], true: tuple[float, float]) -> bool:
    return max(abs(given[0] - true[0]), abs(given[1] - true[1])) <= WHERE_WITHIN


_position_judge = _close_judge(reading.position, _positions_close, "a position")


def _position_floor(questions: list[Question]) -> Floor:
    points = [reading.position(question.true) or (0.0, 0.0) for question in questions]
    x, y = np.asarray(points, dtype=np.float64).T
    best, most = (0.0, 0.0), 0
    for left in np.unique(x - WHERE_WITHIN):
        near = y[np.abs(x - left) <= WHERE_WITHIN]
        top, count = most_covered(near - WHERE_WITHIN, near + WHERE_WITHIN)
        if count > most:
            best, most = (float(left), top), count
    return Floor(f"({best[0]:.0f}, {best[1]:.0f})", most / len(points))


def _hour_judge(answer: str, question: Question) -> Verdict:
    given, true = reading.hour(answer), int(_true(reading.hour(question.true), question))
    if given is None:
        return Verdict(0.0, parsed=False)
    apart = min((given - true) % 12, (true - given) % 12)
    return Verdict(float(apart <= 1), True, False, apart / 12)


def _hour_floor(questions: list[Question]) -> Floor:
    scores = [float(np.mean([_hour_judge(str(h), question).score for question in questions])) for h in range(1, 13)]
    return Floor(f"{int(np.argmax(scores)) + 1} o'clock", max(scores))


_tilt_judge = _close_judge(reading.tilt, lambda given, true: abs(given - true) <= TILT_WITHIN, "degrees up or down")


def _tilt_floor(questions: list[Question]) -> Floor:
    trues = np.array([reading.tilt(question.true) or 0.0 for question in questions])
    value, count = most_covered(trues - TILT_WITHIN, trues + TILT_WITHIN)
    return Floor(f"{abs(value):.6g} degrees {'down' if value < 0 else 'up'}", count / len(trues))


def overlap(one: Sequence[float], two: Sequence[float]) -> float:
    """Intersection over union of two boxes x0, y0, x1, y1."""
    (left, top), (right, bottom) = np.maximum(one[:2], two[:2]), np.minimum(one[2:], two[2:])
    both = max(0.0, right - left) * max(0.0, bottom - top)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, two)]
    return float(both / (sum(areas) - both))


_box_judge = _close_judge(reading.box, lambda given, true: overlap(given, true) >= OVERLAP, "a box")


def _box_floor(questions: list[Question]) -> Floor:
    """The best of the true boxes; another box may do a little better."""
    answers = [question.true for question in questions]
    scores = [np.mean([_box_judge(answer, question).score for question in questions]) for answer in answers[:400]]
    return Floor(answers[int(np.argmax(scores))], float(max(scores)))


def _refusal_judge(answer: str, question: Question) -> Verdict:
    if not reading.refuses(question.true):
        raise ValueError(
            f"answer: the true answer {question.true!r} cannot be read as saying that something is not there"
        )
    return Verdict(float(reading.refuses(answer)), parsed=bool(answer.strip()))


def _said_rule(read: Callable[[str, Question], str | None], text: str) -> Rule:
    """The same thing said: what `read` finds in the answer is what it finds in the true one."""

    def verdict(answer: str, question: Question) -> Verdict:
        given, true = read(answer, question), read(question.true, question)
        if not true:
            raise ValueError(f"answer: {question.true!r} cannot be read by the rule {question.rule!r}")
        return Verdict(float(given == true), parsed=bool(given))

    def best(questions: list[Question]) -> Floor:
        said = Counter(read(question.true, question) for question in questions)
        answer, count = said.most_common(1)[0]
        return Floor(str(answer), count / len(questions))

    return Rule(verdict, best, text)


def _contained_judge(answer: str, question: Question) -> Verdict:
    parts = [part for part in question.choices if part in answer]
    return Verdict(float(question.true in answer), parsed=bool(parts) or question.true in answer)


def _contained_floor(questions: list[Question]) -> Floor:
    answer, _ = Counter(question.true for question in questions).most_common(1)[0]
    return Floor(answer, float(np.mean([_contained_judge(answer, question).score for question in questions])))


def _first_letter(answer: str, question: Question) -> str | None:
    said = reading.first_word(answer).upper()
    return said if len(said) == 1 and said in "ABCDEFGHIJ"[: len(question.choices)] else None


def _words_or_letter(answer: str, question: Question) -> str | None:
    return reading.letter(answer, question.choices) if question.choices else reading.words(answer)


RULES: dict[str, Rule] = {
    "metres within 25 %": _number_rule(reading.metres, 0.75, 1.25, " m", "lengths within 25 %", stricter=True),
    "metres within a factor of 2": _number_rule(boxed_metres, 0.5, 2.0, " m", "lengths within a factor of 2", True),
    "metres within 10 %": _number_rule(reading.metres, 0.9, 1.1, " m", "lengths within 10 %", stricter=True),
    **{
        f"{name} within {share} %": _number_rule(
            partial(reading.metres, unit=unit),
            1 - share / 100,
            1 + share / 100,
            " m",
            f"lengths within {share} %",
            True,
        )
        for name, unit in (("centimetres", "cm"), ("feet", "ft"), ("inches", "in"))
        for share in (25, 10)
    },
    "ratio within 10 %": _number_rule(reading.ratio, 0.9, 1.1, " times", "factors within 10 %"),
    "tilt": Rule(_tilt_judge, _tilt_floor, "degrees up or down within 5 degrees"),
    "box": Rule(_box_judge, _box_floor, "boxes that overlap by half"),
    "refusal": Rule(
        _refusal_judge, lambda questions: Floor(questions[0].true, 1.0), "what is not there is not made up"
    ),
    "degrees within 10 %": _number_rule(reading.degrees, 0.9, 1.1, " degrees", "angles within 10 %"),
    "mean relative accuracy": Rule(_mra_judge, _mra_floor, "mean over t = .5, .55 ... .95 of |error| <= 1 - t"),
    "count": Rule(_count_judge, _count_floor, "counts: 1 - |error|"),
    "hour": Rule(_hour_judge, _hour_floor, "clock directions within one hour"),
    "position": Rule(_position_judge, _position_floor, "positions within 100 of 1000"),
    "letter": _said_rule(lambda answer, question: reading.letter(answer, question.choices), "the right choice"),
    "first letter": _said_rule(_first_letter, "the right choice's letter as the first word"),
    "yes or no": _said_rule(lambda answer, _: reading.yes_or_no(answer), "the right yes or no"),
    "region": _said_rule(lambda answer, _: reading.region(answer), "the right region"),
    "contained": Rule(_contained_judge, _contained_floor, "the true answer's text in the answer"),
    "words or letter": _said_rule(_words_or_letter, "the same words, or the right choice"),
    "words": _said_rule(lambda answer, _: reading.words(answer), "the same words"),
}
