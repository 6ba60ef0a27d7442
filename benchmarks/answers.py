"""How an answer in words is judged: the rule of each question type, and the best that one fixed answer can do.

An answer that the rule cannot read is `Verdict(right=False, parsed=False)`: wrong, and counted.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

METRES = ("distance", "depth_at")
WITHIN = {"distance": 0.25, "depth_at": 0.25, "fov": 0.10}  # of the true number
WITHIN_10 = 0.10  # the stricter share that is reported beside it, for metres
WHERE_WITHIN = 100.0  # of 1000 units, across and down
NOT_SCORED = ("caption",)
SAID_BY_THE_QUESTION = ("closer", "left_right")

_PLAIN = r"[-+]?\d+(?:\.\d+)?"
_NUMBER = r"[-+]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+|(?=\.\d))(?:\.\d+)?"
_LENGTH = re.compile(rf"({_NUMBER})\s*([a-z]+|['\"′″])?", re.IGNORECASE)
_UNITS = {
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), 1.0),
    **dict.fromkeys(("cm", "centimetre", "centimetres", "centimeter", "centimeters"), 0.01),
}
_FOREIGN = ("mm", "km", "ft", "foot", "feet", "in", "inch", "inches", "yd", "yard", "yards", "'", '"', "′", "″")
_POINT = re.compile(rf"({_PLAIN})\s*[,;]\s*({_PLAIN})")


@dataclass(frozen=True)
class Verdict:
    """right: by the type's rule. parsed: the rule could read the answer. within_10: a number within 10 %."""

    right: bool
    parsed: bool = True
    within_10: bool = False


def judge(kind: str, answer: str, true: str) -> Verdict:
    """The verdict on `answer` to a question of type `kind` whose true answer is `true`.

    distance, depth_at: metres within 25 % of the true number (`within_10`: 10 %). fov: degrees within 10 %.
    where: both coordinates within 100 of 1000. Others: the same words (see `words`).
    Raises ValueError where the true answer itself cannot be read, or for a type that is not scored.
    """
    if kind in NOT_SCORED:
        raise ValueError(f"kind: {kind!r} is not scored; allowed: any other type")
    if kind in METRES or kind == "fov":
        read = metres if kind in METRES else degrees
        given, wanted = read(answer), _true(read(true), kind, true)
        if given is None:
            return Verdict(False, parsed=False)
        return Verdict(_within(given, wanted, WITHIN[kind]), True, _within(given, wanted, WITHIN_10))
    if kind == "where":
        point, target = position(answer), _true(position(true), kind, true)
        if point is None:
            return Verdict(False, parsed=False)
        return Verdict(max(abs(point[0] - target[0]), abs(point[1] - target[1])) <= WHERE_WITHIN)
    said = words(answer)
    return Verdict(said == words(true), parsed=bool(said))


def metres(answer: str) -> float | None:
    """The length in an answer, in metres: "2.4 m", "about 35 cm", "1,200 metres"; "2.4" alone is metres too.

    The first number with m or cm behind it, else the first number. None without a number above 0, and where
    the first number has another unit of length (feet, km, mm).
    """
    found = [(float(number.replace(",", "")), unit.casefold()) for number, unit in _LENGTH.findall(answer)]
    in_metres = [number * _UNITS[unit] for number, unit in found if unit in _UNITS]
    if not in_metres and (not found or found[0][1] in _FOREIGN):
        return None
    value = (in_metres or [found[0][0]])[0]
    return value if 0 < value < np.inf else None


def degrees(answer: str) -> float | None:
    """The first number of an answer: "55 degrees", "55°"; None without one above 0."""
    found = re.search(_NUMBER, answer)
    value = float(found.group().replace(",", "")) if found else 0.0
    return value if 0 < value < np.inf else None


def position(answer: str) -> tuple[float, float] | None:
    """The first "x, y" of an answer, in thousandths of the image's width and height; None without one."""
    found = _POINT.search(answer)
    return (float(found[1]), float(found[2])) if found else None


def words(answer: str) -> str:
    """Casefolded, one space between words, without a final dot and without a leading a, an or the."""
    plain = " ".join(answer.casefold().split()).rstrip(". ")
    return re.sub(r"^(a|an|the) ", "", plain)


@dataclass(frozen=True)
class Floor:
    """The fixed answer that scores best on these very questions, and the share it gets right.

    answer_10, score_10: the same for the 10 % rule of metres. It knows the true answers' distribution and
    nothing of the images, so a score at or under it shows no sight at all.
    """

    answer: str
    score: float
    answer_10: str | None = None
    score_10: float | None = None


def floor(kind: str, questions: list[dict[str, Any]]) -> Floor:
    """The best fixed answer to questions of one type (dictionaries with "answer", maybe "value").

    For `closer` and `left_right` the question itself offers two answers, so the fixed answer is "the first",
    "the second", "left" or "right" where every question says by `value` which of them is true: naming one
    thing for all scenes would be a floor far too low.
    """
    trues = [question["answer"] for question in questions]
    if kind in METRES or kind == "fov":
        read = metres if kind in METRES else degrees
        numbers = [_true(read(true), kind, true) for true in trues]
        unit = "m" if kind in METRES else "degrees"
        best, score = _best_number(numbers, WITHIN[kind])
        if kind == "fov":
            return Floor(f"{best:.3g} {unit}", score)
        best_10, score_10 = _best_number(numbers, WITHIN_10)
        return Floor(f"{best:.3g} {unit}", score, f"{best_10:.3g} {unit}", score_10)
    if kind == "where":
        (x, y), score = _best_point([_true(position(true), kind, true) for true in trues])
        return Floor(f"({x:.0f}, {y:.0f})", score)
    options: list[str] = [words(true) for true in trues]
    if kind in SAID_BY_THE_QUESTION and all(isinstance(question.get("value"), str) for question in questions):
        options = [question["value"] for question in questions]
    answer, count = Counter(options).most_common(1)[0]
    return Floor(answer, count / len(options))


def _within(given: float, wanted: float, share: float) -> bool:
    return wanted * (1 - share) <= given <= wanted * (1 + share)


def _best_number(numbers: list[float], share: float) -> tuple[float, float]:
    """The number within `share` of most of `numbers`: some interval's lower end is always among the best."""
    low = np.sort(np.asarray(numbers) * (1 - share))
    high = np.sort(np.asarray(numbers) * (1 + share))
    best, count = _most_covered(low, high)
    return best, count / len(numbers)


def _best_point(points: list[tuple[float, float]]) -> tuple[tuple[float, float], float]:
    """The point within 100 units, across and down, of most of `points`."""
    x, y = np.asarray(points, dtype=np.float64).T
    best, most = (0.0, 0.0), 0
    for left in np.unique(x - WHERE_WITHIN):
        near = np.sort(y[np.abs(x - left) <= WHERE_WITHIN])
        top, count = _most_covered(near - WHERE_WITHIN, near + WHERE_WITHIN)
        if count > most:
            best, most = (float(left), top), count
    return best, most / len(points)


def _most_covered(low: np.ndarray, high: np.ndarray) -> tuple[float, int]:
    """The place inside most of the closed intervals whose sorted lower and upper ends are given; how many."""
    counts = np.searchsorted(low, low, side="right") - np.searchsorted(high, low, side="left")
    best = int(np.argmax(counts))
    return float(low[best]), int(counts[best])


def _true(value: Any, kind: str, text: str) -> Any:
    if value is None:
        raise ValueError(f"answer: the true answer {text!r} cannot be read as one of type {kind!r}")
    return value
