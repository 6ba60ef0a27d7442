"""Spatial questions: every question of a record, answered from one look, judged by the rule of its type.

    result = run_qa(model, read_records("records.jsonl"))
    result.types["distance"]["score"], result.types["distance"]["floor"]

The image is encoded once a record, its questions are answered together but each as if alone,
greedy, with nothing fed back. Beside
each type stands its floor: the fixed answer that scores best on these very questions (`benchmarks.answers`).
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import numpy as np

from benchmarks.answers import METRES, NOT_SCORED, floor, judge
from benchmarks.protocol import protocol
from heads.errors import InputError
from vlm.records import Record

T = TypeVar("T")


@dataclass
class QaResult:
    """samples: one dictionary a question: where, image, number (in its record), type, question, true, answer,
    right, parsed, within_10.

    types: type -> score (share right), questions, unparsed, floor (share) and floor_answer; for metres also
    within_10 and floor_within_10. Types that are not scored (captions) have `questions` alone.
    macro: means of score and floor over the scored types.
    """

    samples: list[dict[str, Any]]
    types: dict[str, dict[str, Any]]
    macro: dict[str, float]
    protocol: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file (see `benchmarks.report.write_json`)."""
        return asdict(self)


def run_qa(
    model: Any,
    records: Iterable[Record],
    per_record: int | None = None,
    seed: int = 0,
    max_new_tokens: int = 48,
    progress: Callable[[int], None] | None = None,
) -> QaResult:
    """The questions of every record; `per_record` takes that many of each, drawn by `seed` and its position.

    progress: called with 1 after each record. Raises InputError where there is no question to score, or where
    a true answer cannot be read by the rule of its type.
    """
    if per_record is not None and per_record < 1:
        raise InputError("questions", str(per_record), "at least 1 for each record")
    samples: list[dict[str, Any]] = []
    asked: dict[str, list[dict[str, Any]]] = defaultdict(list)
    looking = asking = 0.0
    photographs = 0
    for number, record in enumerate(records):
        chosen = pick(list(enumerate(record.questions)), per_record, [seed, number])
        scored = [(place, question) for place, question in chosen if question["type"] not in NOT_SCORED]
        for _, question in chosen:
            asked[question["type"]].append(question)
        if scored:
            started = time.perf_counter()
            scene = model.look(record.image)
            looking += time.perf_counter() - started
            photographs += 1
            started = time.perf_counter()
            answers = scene.ask_many([question["question"] for _, question in scored], max_new_tokens=max_new_tokens)
            asking += time.perf_counter() - started
            for (place, question), answer in zip(scored, answers, strict=True):
                samples.append(_sample(record, place, question, answer.text))
        if progress:
            progress(1)
    if not samples:
        raise InputError("records", "they hold no question that is scored", "records with `questions`")
    types = {kind: _summary(kind, questions, samples) for kind, questions in asked.items()}
    scored_types = [row for row in types.values() if "score" in row]
    macro = {key: float(np.mean([row[key] for row in scored_types])) for key in ("score", "floor")}
    stated = protocol(
        model,
        benchmark="qa",
        camera="none",
        decoding="greedy",
        max_new_tokens=max_new_tokens,
        questions_per_record=per_record,
        seed=seed,
        photographs=photographs,
        questions=len(samples),
        seconds_per_image=looking / photographs,
        seconds_per_question=asking / len(samples),
    )
    return QaResult(samples, types, macro, stated)


def pick(questions: list[T], count: int | None, seed: list[int]) -> list[T]:
    """`count` of the questions (all where None), in their own order; the same ones for the same seed."""
    if count is None or count >= len(questions):
        return questions
    kept = np.random.default_rng(seed).choice(len(questions), count, replace=False)
    return [questions[i] for i in sorted(kept)]


def _sample(record: Record, number: int, question: dict[str, Any], answer: str) -> dict[str, Any]:
    kind, true = question["type"], question["answer"]
    try:
        verdict = judge(kind, answer, true)
    except ValueError as problem:
        raise InputError("records", f"{record.where}: {problem}", "an answer in the form of its type") from problem
    return {
        "where": record.where,
        "image": str(record.image),
        "number": number,
        "type": kind,
        "question": question["question"],
        "true": true,
        "answer": answer,
        **asdict(verdict),
    }


def _summary(kind: str, questions: list[dict[str, Any]], samples: list[dict[str, Any]]) -> dict[str, Any]:
    if kind in NOT_SCORED:
        return {"questions": len(questions)}
    mine = [sample for sample in samples if sample["type"] == kind]
    best = floor(kind, questions)
    row = {
        "questions": len(questions),
        "score": float(np.mean([sample["right"] for sample in mine])),
        "unparsed": sum(not sample["parsed"] for sample in mine),
        "floor": best.score,
        "floor_answer": best.answer,
    }
    if kind in METRES:
        row["within_10"] = float(np.mean([sample["within_10"] for sample in mine]))
        row["floor_within_10"] = best.score_10
    return row
