"""Answers to questions, and how they live beside geometry, as tables."""

from typing import Any

from benchmarks.coexistence import Coexistence
from benchmarks.paired import PairedDifference
from benchmarks.report import NONE, Table, number
from benchmarks.spatial_qa import QaResult

CUES = {"agrees": "higher is farther", "contradicts": "higher is nearer", "ambiguous": "about equally high"}


def qa_table(result: QaResult) -> Table:
    """One row a question type and each of its tags, the benchmark's totals, the height cue: scores beside floors."""
    rows = []
    for kind, found in result.types.items():
        cells = [number(found.get(key), 3) for key in ("score", "floor", "within_10", "floor_within_10", "abs_rel")]
        rows.append([kind, str(found["questions"]), *cells, str(found["unparsed"]), found["floor_answer"]])
        rows += [_part(f"{kind}, {tag}", part) for tag, part in found.get("tags", {}).items()]
    for name, score in result.headline.items():
        floor = result.floor_headline.get(name)
        rows.append([name, NONE, number(score, 3), number(floor, 3), *[NONE] * 5])
    rows += [_part(CUES[cue], found) for cue, found in result.heights.items()]
    columns = ["type", "n", "score", "floor", "within 10 %", "floor 10 %", "AbsRel", "unparsed", "floor's answer"]
    title = f"{result.protocol['model']}: {result.protocol['benchmark']}, version {result.protocol['version']}"
    return Table(title, columns, rows, _notes(result), tuple(columns[:-1]))


def _part(name: str, found: dict[str, Any]) -> list[str]:
    """A row of some questions of a type, or across types."""
    return [name, str(found["questions"]), number(found["score"], 3), number(found["floor"], 3), *[NONE] * 5]


def _notes(result: QaResult) -> list[str]:
    stated = result.protocol
    rules = dict.fromkeys(found["rule"] for found in result.types.values())
    notes = [f"score: {'; '.join(rules)}; what cannot be read is wrong and counted as unparsed"]
    notes.append("floor: the fixed answer that scores best on these questions, without any picture")
    if result.heights:
        notes.append("where of two things the higher one in the picture is the farther, by their boxes; see height_cue")
    if any(sample["rule"] == "mean relative accuracy" for sample in result.samples):
        notes.append(f"{stated['frames']} frame{'s' * (stated['frames'] > 1)} of each video")
    for what, told in (("the model failed", result.failed), ("unreadable, left out", result.bad)):
        if told:
            notes.append(f"{len(told)} pictures: {what}; first: {told[0]}")
    if stated.get("not_scored"):
        notes.append(f"not scored: {', '.join(stated['not_scored'])}")
    look, question = (number(value, 3) for value in (result.seconds_per_picture, result.seconds_per_question))
    notes.append(f"{stated['pictures']} pictures, {look} s a look, {question} s a question (asked together)")
    return notes


def paired_table(a: str, b: str, differences: dict[str, PairedDifference]) -> Table:
    """What `b` gains over `a` on the same questions: all of them, then each type."""
    rows = [
        [
            kind,
            str(found.questions),
            number(found.accuracy_a, 3),
            number(found.accuracy_b, 3),
            f"{found.difference:+.3f}",
            f"{found.low:+.3f} to {found.high:+.3f}",
            str(found.only_a),
            str(found.only_b),
        ]
        for kind, found in differences.items()
    ]
    columns = ["type", "n", "A", "B", "B - A", "95 % interval", "A better", "B better"]
    photographs = next(iter(differences.values())).photographs
    notes = [
        f"A: {a}; B: {b}; the same questions about {photographs} pictures",
        "interval: Agresti and Min's for matched pairs, clustered by picture (benchmarks/paired.py)",
    ]
    return Table("the same questions to both", columns, rows, notes)


def coexistence_table(found: Coexistence) -> Table:
    """One row a question; a dash where a model cannot do it, or where its rival was not given."""
    rows = [_gain("text: score, untouched base against model", found.text)]
    depth = found.depth or {}
    for name, title in (("delta1", "delta1"), ("abs_rel", "AbsRel")):
        rows.append(_gain(f"depth: {title}, learned alone against with text", depth.get(name)))
    seconds = found.seconds
    one, two = seconds["one_pass"], seconds["two_passes"]
    geometry = "depth + camera" if found.camera_from_rays else "depth"
    rows.append([f"seconds: text, then {geometry}, against all in one", *_seconds(two, one, 3)])
    rows.append(
        ["runs of the vision tower for these", *_seconds(seconds["vision_calls_apart"], seconds["vision_calls"], 0)]
    )
    question = found.question
    changed = [NONE, NONE, number(question["largest"], 6), f"mean {number(question['mean'], 6)}"]
    rows.append(["depth: change of log depth by a question in the prompt", *changed])
    if question["sees_question"]:
        for name, title in (("delta1", "delta1"), ("abs_rel", "AbsRel")):
            rows.append(_gain(f"depth: {title}, without a question against with one", question.get(name)))
    sees = "see a question behind the picture" if question["sees_question"] else "do not see a question: asserted"
    notes = [
        f"model: {found.model}; base: {found.base or NONE}; depth alone: {found.depth_only or NONE}",
        f"this family's image features {sees}",
        "intervals: 95 %, of the same questions or photographs (benchmarks/paired.py); times hold for an idle machine",
    ]
    if not found.camera_from_rays:
        notes.append("this model tells no camera")
    columns = ["what", "apart", "together", "together - apart", "95 % interval"]
    return Table(f"{found.model}: text and geometry in one model", columns, rows, notes)


def _gain(what: str, found: PairedDifference | None) -> list[str]:
    if found is None:
        return [what, *[NONE] * 4]
    interval = f"{found.low:+.3f} to {found.high:+.3f}"
    return [what, number(found.accuracy_a, 3), number(found.accuracy_b, 3), f"{found.difference:+.3f}", interval]


def _seconds(apart: float, together: float, digits: int) -> list[str]:
    return [number(apart, digits), number(together, digits), f"{together - apart:+.{digits}f}", NONE]
