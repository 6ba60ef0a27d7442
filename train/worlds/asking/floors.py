"""What a guesser scores that reads the questions and never sees a picture: the floor under every type.

    floors(records)["closer"]     # {"questions": 480, "answer": 0.51, "words": 0.53, "things": 0.52, "best": 0.53}

Guessers learn from every other world and are tested on the rest. `answer` gives one fixed answer (the number that is
right most often); `things` looks at what is named, `words` at every word and number of the question. `cues` tells how
often the nearer of two things is the lower or the larger one in the picture. The rules are those of `fathom bench qa`.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from heads.errors import InputError

from ..things import COLOURS, KINDS
from .balance import TOLERANCE
from .measure import fit
from .phrases import REFUSED
from .units import PER_METRE

LENGTHS = TOLERANCE | {"distance": 0.25, "depth_at": 0.25, "distance_between": 0.25, "ratio": 0.1}
"""Types that ask for a number, and within what share of the true one it is right."""
WHICH = ("closer", "behind", "closest", "farthest", "closer_to", "closer_point")
PLACES = ("where", "box")
NOT_GUESSED = ("caption",)
DATASET = "worlds"
WITHIN = 100
"""Thousandths of the picture, across and down, that a place may be off."""
TILT = 5.0
"""Degrees that a tilt may be off."""
_KINDS = "|".join(sorted((re.escape(kind) for kind in KINDS[1:]), key=len, reverse=True))
_NAME = re.compile(rf"\b(?:({'|'.join(COLOURS[1:])}) )?({_KINDS})\b")
_CLASSES = np.log(1.25)  # the step of lengths that `by_words` takes for the same


@dataclass
class Asked:
    """A question as the guessers see it. truth: its answer in a form in which answers of one type are alike."""

    text: str
    truth: Any
    names: list[tuple[str, str]]  # (colour or "", kind) in the order of the text
    options: list[str]
    tokens: list[str]


def asked(pair: dict[str, Any]) -> Asked:
    """From a record's question."""
    text, kind = pair["question"], pair["type"]
    names = [(colour or "", name) for colour, name in _NAME.findall(text)]
    options = list(pair.get("choices", {}).values())
    if kind in WHICH:
        offered = options or [f"the {colour} {name}".replace("  ", " ") for colour, name in names]
        said = pair["choices"][pair["answer"]] if options else pair["answer"]
        truth: Any = offered.index(said)
        options = offered
    elif kind in LENGTHS:
        truth = pair["value"] / PER_METRE.get(pair["unit"], 1.0) if "unit" in pair else pair["value"]
    elif kind in PLACES or kind == "tilt":
        truth = pair["value"]
    elif options:
        truth = pair["choices"][pair["answer"]]
    else:
        truth = pair["answer"]
    return Asked(text, truth, names, options, _tokens(text, names, options, pair.get("relation", "")))


def _tokens(text: str, names: list, options: list[str], relation: str) -> list[str]:
    """Words, numbers in steps, and who is named first and second, also along with the relation that is asked after."""
    found = re.findall(r"[a-z]+", text.casefold())
    found += [f"{place}:{int(n) // 100}" for place, n in enumerate(re.findall(r"\d+", text))]
    for place, (colour, kind) in enumerate(names[:4]):
        found += [f"{place}:{kind}", f"{place}:{colour}", f"{place}:{colour} {kind}", f"{relation}:{place}:{kind}"]
    return [*dict.fromkeys(found), *(f"option:{i}:{option}" for i, option in enumerate(options))]


def right(kind: str, guess: Any, truth: Any) -> bool:
    """Whether a guess counts as right, by the rule of its type."""
    if kind in LENGTHS:
        return bool(abs(guess - truth) <= LENGTHS[kind] * truth)
    if kind == "where":
        return max(abs(g - t) for g, t in zip(guess, truth, strict=True)) <= WITHIN
    if kind == "box":
        return iou(guess, truth) >= 0.5
    if kind == "tilt":
        return abs(guess - truth) <= TILT
    return guess == truth


def iou(one: Sequence[float], two: Sequence[float]) -> float:
    """Intersection over union of two boxes x0, y0, x1, y1."""
    sides = [max(0.0, min(one[i + 2], two[i + 2]) - max(one[i], two[i])) for i in (0, 1)]
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, two)]
    both = sides[0] * sides[1]
    return both / (sum(areas) - both) if both else 0.0


# ---- guessers: learnt from (question, truth) pairs of one type, they answer another question ---------------------

Guesser = Callable[[Asked], Any]


def fixed(kind: str, known: Sequence[Asked], most: int = 250) -> Any:
    """The answer that is right most often among the known ones, tried for up to `most` of them."""
    if not known:
        return None
    truths = [question.truth for question in known]
    if kind not in LENGTHS and kind not in PLACES and kind != "tilt":
        return Counter(truths).most_common(1)[0][0]
    tried = truths[:: max(1, len(truths) // most)]
    return max(tried, key=lambda guess: sum(right(kind, guess, truth) for truth in tried))


def by_answer(kind: str, known: Sequence[Asked]) -> Guesser:
    usual = fixed(kind, known)
    return lambda question: usual


def by_things(kind: str, known: Sequence[Asked], least: int = 4) -> Guesser:
    """The fixed answer of what is named: colours and kinds, else kinds alone; else of all. For WHICH the likeliest."""
    if kind in WHICH and kind != "closer_point":
        return _by_contest(known)
    groups: dict[tuple, list[Asked]] = defaultdict(list)
    for question in known:
        for key in _keys(question):
            groups[key].append(question)
    answers = {key: fixed(kind, group, 60) for key, group in groups.items() if len(group) >= least}
    usual = fixed(kind, known)
    return lambda question: next((answers[key] for key in _keys(question) if key in answers), usual)


def _keys(question: Asked) -> list[tuple]:
    kinds = tuple(kind for _, kind in question.names)
    return [("names", *question.names), ("kinds", *kinds), ("first", *kinds[:1])]


def _by_contest(known: Sequence[Asked]) -> Guesser:
    """Strengths of kinds, fitted to who wins against whom; the strongest named thing is the guess."""
    index = {kind: i for i, kind in enumerate(KINDS)}
    rows = []
    for question in known:
        kinds = [_kind(option) for option in question.options]
        for i, kind in enumerate(kinds):
            if i != question.truth:
                row = np.zeros(len(KINDS))
                row[index[kinds[question.truth]]] += 1
                row[index[kind]] -= 1
                rows.append((row, True) if len(rows) % 2 else (-row, False))
    if not rows:
        return lambda question: 0
    weights = fit(np.array([row for row, _ in rows]), np.array([wins for _, wins in rows]))
    return lambda question: int(np.argmax([weights[index[_kind(option)]] for option in question.options]))


def _kind(option: str) -> str:
    return _NAME.findall(option)[0][1]


def by_words(kind: str, known: Sequence[Asked]) -> Guesser:
    """Naive Bayes over the tokens; numbers and places are put into classes, the guess is what a class holds mostly."""
    classes: dict[Any, list[Asked]] = defaultdict(list)
    for question in known:
        classes[_class(kind, question.truth)].append(question)
    names = sorted(classes, key=str)
    seen = {name: Counter(token for question in classes[name] for token in question.tokens) for name in names}
    answers = {name: fixed(kind, classes[name], 60) for name in names}
    sizes = np.array([len(classes[name]) for name in names], float)
    common = {token for token, often in sum(seen.values(), Counter()).items() if often >= 3}
    likely = {token: np.log((np.array([seen[name][token] for name in names]) + 0.5 * sizes / sizes.sum() * 2)
                            / (sizes + 2)) for token in common}  # fmt: skip
    rare = {token: np.log1p(-np.minimum(np.exp(value), 0.999)) for token, value in likely.items()}
    base = np.log(sizes / sizes.sum()) + sum(rare.values(), np.zeros(len(names)))

    def guess(question: Asked) -> Any:
        score = base.copy()
        for token in question.tokens:
            if token in likely:
                score += likely[token] - rare[token]
        return answers[names[int(score.argmax())]]

    return guess


def _class(kind: str, truth: Any) -> Any:
    if kind in LENGTHS:
        return int(np.round(np.log(max(truth, 1e-3)) / _CLASSES))
    if kind in PLACES:
        return tuple(int(value) // 200 for value in truth)
    return int(truth // TILT) if kind == "tilt" else truth


GUESSERS: dict[str, Callable[[str, Sequence[Asked]], Guesser]] = {
    "answer": by_answer, "things": by_things, "words": by_words,
}  # fmt: skip


# ---- the table -------------------------------------------------------------------------------------------------


def floors(records: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """For each type of the records' questions: how many, and what each guesser scores on every other world.

    refusal: whether a question asks after a thing that is not there, told from its words among questions worded
    alike; absent and present ones weigh the same, so that 0.5 is no knowledge.
    """
    halves: dict[str, tuple[list[Asked], list[Asked]]] = defaultdict(lambda: ([], []))
    worlds: dict[str, int] = {}
    for i, record in enumerate(records):
        world = str(record.get("scene_id", i)).split("_")[0]  # its views have a number after it
        number = worlds.setdefault(world, len(worlds))
        for pair in record["questions"]:
            if pair["type"] in (*REFUSED, "refusal"):
                told = asked({**pair, "type": "exists", "answer": pair["type"] == "refusal"})
                halves["refusal"][number % 2].append(told)
            if pair["type"] not in (*NOT_GUESSED, "refusal"):
                halves[pair["type"]][number % 2].append(asked(pair))
    table = {}
    for kind, (known, tested) in sorted(halves.items()):
        if known and tested:
            scores = {name: _score(kind, learn(kind, known), tested) for name, learn in GUESSERS.items()}
            table[kind] = {"questions": len(known) + len(tested), **scores, "best": max(scores.values())}
    return table


def _score(kind: str, guesser: Guesser, tested: Sequence[Asked]) -> float:
    hits = [right(kind, guesser(question), question.truth) for question in tested]
    if kind != "refusal":
        return float(np.mean(hits))
    sides = [[hit for hit, question in zip(hits, tested, strict=True) if question.truth is side]
             for side in (True, False)]  # fmt: skip
    return sum(sum(side) / len(side) if side else 0.5 for side in sides) / 2


def cues(records: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Of all `closer` questions: how often the nearer thing is the lower one, and the larger one, in the picture."""
    lower, larger = [], []
    for record in records:
        boxes = {thing["instance"]: thing["box"] for thing in record["things"]}
        for pair in record["questions"]:
            if pair["type"] == "closer":
                near, far = (boxes[n] for n in pair["instances"][:: 1 if pair["value"] == "first" else -1])
                lower.append(not pair["misleading"])
                larger.append(_area(near) > _area(far))
    return {"lower": float(np.mean(lower)), "larger": float(np.mean(larger))} if lower else {}


def _area(box: Sequence[int]) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def read(path: Path) -> list[dict[str, Any]]:
    """Records of `fathom worlds`, in the order of their seeds. InputError where there are none with questions."""
    told = "records.jsonl as `fathom worlds` writes it"
    if not path.is_file():
        raise InputError("records", f"there is no file {path}", told)
    try:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        own = all(record["dataset"] == DATASET and "type" in pair for record in records for pair in record["questions"])
        records.sort(key=lambda record: record["scene_id"])
    except (ValueError, KeyError, TypeError) as problem:
        raise InputError("records", f"{path}: {type(problem).__name__} {problem}", told) from problem
    if len(records) < 2 or not own:
        raise InputError("records", f"{path} has fewer than two scenes, or questions of another data set", told)
    return records


def report(records: list[dict[str, Any]]) -> str:
    """The table as text."""
    rows: list[tuple[str, ...]] = [("type", "questions", *GUESSERS, "best")]
    for kind, row in floors(records).items():
        rows.append((kind, str(row["questions"]), *(f"{row[name]:.2f}" for name in (*GUESSERS, "best"))))
    lines = [f"{row[0]:18s}" + "".join(f"{cell:>10s}" for cell in row[1:]) for row in rows]
    told = cues(records)
    if told:
        lines.append(f"closer: the lower thing is nearer {told['lower']:.2f}, the larger one {told['larger']:.2f}")
    return "\n".join(lines)
