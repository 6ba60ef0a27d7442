"""Questions about pictures: every question of a picture answered from one look, judged by its benchmark's rule.

    result = run_qa(load_answerer("nano"), RecordQuestions(records), Path("out"))
    result.types["distance"]["score"], result.types["distance"]["floor"]

A picture is encoded once, its questions are answered together but each as if alone, greedy, with nothing fed back.
Beside each score stands its floor: what the fixed answer that scores best on these very questions would get
(`benchmarks.answers`). Resumed and shared out like depth: see `benchmarks.running`; one row a picture (QA).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from benchmarks.adapters.base import Prediction
from benchmarks.answerer import Answers, AskedPhoto
from benchmarks.answers import RULES, Floor, floor, floor_score, judge
from benchmarks.processes import Processes
from benchmarks.questions import benchmark, worlds
from benchmarks.questions.base import Config, Question, mean
from benchmarks.questions.pictures import pictures
from benchmarks.running import Progress, Sample, read_parts, run
from heads.errors import InputError
from vlm.records import Record

QA = {
    "pictures": "int64",  # shown for these questions: more than one are frames of a video
    "seconds_look": "float64",  # of `seconds`, before the first question
    # one value a question, in the order in which they were asked
    "name": "list<string>",  # its own in the benchmark
    "type": "list<string>",
    "rule": "list<string>",  # see `benchmarks.answers.RULES`
    "group": "list<string>",
    "height": "list<string>",  # "higher" means "farther" here: agrees, contradicts, ambiguous; "" = not known
    "offered": "list<string>",
    "tag": "list<string>",  # "" = none
    "choices": "list<list<string>>",
    "question": "list<string>",  # word for word
    "true": "list<string>",
    "answer": "list<string>",  # as it came; null where the model failed
    "score": "list<float64>",  # 0 to 1 (counting: may be below)
    "parsed": "list<int64>",  # 1 where the rule could read the answer
    "within_10": "list<int64>",
    "error": "list<float64>",  # |answer - true| / true; null without a number
}
PER_QUESTION = tuple(QA)[2:]


class Source(Protocol):
    """Pictures with their questions; iterated more than once."""

    @property
    def module(self) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...

    def stated(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class RecordQuestions:
    """The questions that stand in records; `per_record` takes that many of each, drawn by `seed` and its position."""

    records: Iterable[Record]
    per_record: int | None = None
    seed: int = 0
    module = worlds

    def __post_init__(self) -> None:
        if self.per_record is not None and self.per_record < 1:
            raise InputError("questions", str(self.per_record), "at least 1 for each record")

    def __iter__(self) -> Iterator[worlds.Picked]:
        for number, record in enumerate(self.records):
            picked = worlds.picked(record, self.per_record, [self.seed, number])
            if picked.numbers:
                yield picked

    def stated(self) -> dict[str, Any]:
        return {"questions_per_record": self.per_record, "seed": self.seed, "not_scored": list(worlds.NOT_SCORED)}


@dataclass(frozen=True)
class BenchmarkQuestions:
    """A published benchmark in the folder of its download; `limit` takes its first so many pictures."""

    name: str
    folder: Path
    limit: int | None = None

    @cached_property
    def module(self) -> Any:
        return benchmark(self.name)

    def __iter__(self) -> Iterator[Any]:
        for number, asked in enumerate(self.module.read(self.folder)):
            if self.limit is not None and number >= self.limit:
                return
            yield asked

    def stated(self) -> dict[str, Any]:
        return {"limit": self.limit}


class QaTask:
    """Decodes pictures and judges answers, for `benchmarks.running`."""

    columns = QA

    def __init__(self, frames: int):
        self.frames = frames

    def load(self, record: Any, row: dict[str, Any]) -> Sample:
        asked = record.complete()
        for question in asked.questions:  # told before the model is asked
            try:
                judge(question, "")
            except ValueError as problem:
                raise InputError(
                    "records", f"{asked.where}: {problem}", "an answer in the form of its type"
                ) from problem
        first, *more = pictures(asked, self.frames)
        prompts = tuple(question.prompt for question in asked.questions)
        photo = AskedPhoto(first.rgb, first.exif_camera, first.exif_note, first.name, tuple(more), prompts)
        row |= {"width": photo.size[0], "height": photo.size[1], "pictures": 1 + len(more)}
        return Sample(record, row, photo, truth=asked.questions)

    def score(self, sample: Sample, prediction: Prediction | None) -> dict[str, Any]:
        questions: list[Question] = sample.truth
        answers = prediction.answers if isinstance(prediction, Answers) else [None] * len(questions)
        verdicts = [judge(question, answer or "") for question, answer in zip(questions, answers, strict=True)]
        row = {
            "name": [question.name for question in questions],
            "type": [question.kind for question in questions],
            "rule": [question.rule for question in questions],
            "group": [question.group for question in questions],
            "height": [question.height for question in questions],
            "offered": [question.offered for question in questions],
            "tag": [question.tag for question in questions],
            "choices": [list(question.choices) for question in questions],
            "question": [question.prompt for question in questions],
            "true": [question.true for question in questions],
            "answer": answers,
            "score": [verdict.score for verdict in verdicts],
            "parsed": [int(verdict.parsed) for verdict in verdicts],
            "within_10": [int(verdict.within_10) for verdict in verdicts],
            "error": [verdict.error for verdict in verdicts],
        }
        return row | ({"seconds_look": prediction.seconds_look} if isinstance(prediction, Answers) else {})


@dataclass
class QaResult:
    """samples: one dictionary a question: PER_QUESTION, where, image, number (in its picture), dataset, floor (what
    the fixed answer scores here).

    types: type -> questions, score, unparsed, floor, floor_answer, rule; of lengths within_10 and floor_within_10;
    of numbers abs_rel over those that could be read; where questions have a tag, tags: tag -> questions, score, floor.
    heights: "agrees", "contradicts", "ambiguous" -> questions, score, floor, of those questions of which it is known.
    headline: the benchmark's own totals, with floor_headline.
    failed: pictures on which the model failed (their answers are wrong); bad: pictures that cannot be read, left out.
    """

    protocol: dict[str, Any]
    samples: list[dict[str, Any]]
    types: dict[str, dict[str, Any]]
    heights: dict[str, dict[str, Any]]
    headline: dict[str, float | None]
    floor_headline: dict[str, float | None]
    failed: list[str]
    bad: list[str]
    seconds_per_picture: float | None = None
    seconds_per_question: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file; the samples are in the parquet files."""
        return {key: value for key, value in vars(self).items() if key != "samples"}


def run_qa(
    answerer: Any,
    source: Source,
    folder: Path,
    frames: int = 16,
    stated: dict[str, Any] | None = None,
    processes: Processes | None = None,
    progress: Progress | None = None,
) -> QaResult:
    """A model on questions, into `folder` (its own: see `benchmarks.running`); goes on where it stopped.

    answerer: an `Answerer`, or anything with its name, facts, max_new_tokens and predict. InputError where there is
    no question to score.
    """
    if frames < 1:
        raise InputError("frames", str(frames), "1 or more of each video")
    config: Config = source.module.CONFIG
    answerer.max_new_tokens = answerer.max_new_tokens or config.max_new_tokens
    asked = {
        "benchmark": config.name,
        "version": config.version,
        "model": answerer.name,
        "model_facts": answerer.facts,
        "max_new_tokens": answerer.max_new_tokens,
        "frames": frames,
    }
    told = asked | source.stated() | (stated or {})
    run(lambda _: answerer, QaTask(frames), source, folder, told, processes or Processes(), progress=progress)
    return result_of(folder, source.module)


def result_of(folder: Path, module: Any) -> QaResult:
    """The result of a run's folder; `module` is the benchmark's file."""
    told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    samples: list[dict[str, Any]] = []
    failed, bad = [], []
    looking = answering = 0.0
    looked = 0
    for row in (row for part in read_parts(folder) for row in part):
        if row["status"] != "ok":
            (bad if row["status"] == "bad" else failed).append(f"{row['where']}: {row['problem']}")
        if row["seconds_look"] is not None:
            looked, looking = looked + 1, looking + row["seconds_look"]
            answering += row["seconds"] - row["seconds_look"]
        for number in range(len(row["name"] or ())):
            one = {key: row[key][number] for key in PER_QUESTION}
            samples.append(
                one
                | {"where": row["where"], "image": row["image"] or row["where"], "number": number}
                | {"dataset": row["dataset"], "status": row["status"]}
            )
    if not samples:
        raise InputError(
            "records", "no question could be asked" + "".join(f"; {b}" for b in bad[:1]), "pictures with questions"
        )
    types = {kind: _type(kind, samples) for kind in dict.fromkeys(sample["type"] for sample in samples)}
    asked = sum(sample["status"] == "ok" for sample in samples)
    return QaResult(
        protocol=told["asked"] | {"sessions": told["sessions"], "pictures": looked, "questions": len(samples)},
        samples=samples,
        types=types,
        heights=_heights(samples),
        headline=module.headline(samples, "score"),
        floor_headline=module.headline(samples, "floor"),
        failed=failed,
        bad=bad,
        seconds_per_picture=looking / looked if looked else None,
        seconds_per_question=answering / asked if asked else None,
    )


def _type(kind: str, samples: list[dict[str, Any]]) -> dict[str, Any]:
    """The row of one type; writes the floor's score into its samples."""
    mine = [sample for sample in samples if sample["type"] == kind]
    questions = [_question(sample) for sample in mine]
    best: Floor = floor(questions)
    for sample, question in zip(mine, questions, strict=True):
        sample["floor"] = floor_score(question, best)
    row = {
        "questions": len(mine),
        "rule": RULES[mine[0]["rule"]].text,
        "score": mean(mine, "score"),
        "unparsed": sum(not sample["parsed"] for sample in mine),
        "floor": mean(mine, "floor"),
        "floor_answer": best.answer,
    }
    if best.score_10 is not None:
        row |= {"within_10": mean(mine, "within_10"), "floor_within_10": best.score_10}
    tags = sorted({sample["tag"] for sample in mine} - {""})
    if tags:
        row["tags"] = {tag: _part([sample for sample in mine if sample["tag"] == tag]) for tag in tags}
    read = [sample for sample in mine if sample["error"] is not None]
    return row | ({"abs_rel": mean(read, "error")} if read else {})


def _question(sample: dict[str, Any]) -> Question:
    return Question(
        sample["name"],
        sample["question"],
        sample["type"],
        sample["rule"],
        sample["true"],
        tuple(sample["choices"]),
        sample["group"],
        sample["height"],
        sample["offered"],
        sample["tag"],
    )


def _heights(samples: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {}
    for cue in ("agrees", "contradicts", "ambiguous"):
        mine = [sample for sample in samples if sample["height"] == cue]
        if mine:
            found[cue] = _part(mine)
    return found


def _part(samples: list[dict[str, Any]]) -> dict[str, Any]:
    return {"questions": len(samples), "score": mean(samples, "score"), "floor": mean(samples, "floor")}
