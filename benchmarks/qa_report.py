"""Answers to questions as tables."""

from benchmarks.paired import PairedDifference
from benchmarks.report import NONE, Table, number
from benchmarks.spatial_qa import QaResult

CUES = {"agrees": "higher is farther", "contradicts": "higher is nearer", "ambiguous": "about equally high"}


def qa_table(result: QaResult) -> Table:
    """One row a question type, then the benchmark's totals, then the height cue: each score beside its floor."""
    rows = []
    for kind, found in result.types.items():
        cells = [number(found.get(key), 3) for key in ("score", "floor", "within_10", "floor_within_10", "abs_rel")]
        rows.append([kind, str(found["questions"]), *cells, str(found["unparsed"]), found["floor_answer"]])
    for name, score in result.headline.items():
        floor = result.floor_headline.get(name)
        rows.append([name, NONE, number(score, 3), number(floor, 3), *[NONE] * 5])
    for cue, found in result.heights.items():
        cells = [number(found["score"], 3), number(found["floor"], 3)]
        rows.append([CUES[cue], str(found["questions"]), *cells, *[NONE] * 5])
    columns = ["type", "n", "score", "floor", "within 10 %", "floor 10 %", "AbsRel", "unparsed", "floor's answer"]
    title = f"{result.protocol['model']}: {result.protocol['benchmark']}, version {result.protocol['version']}"
    return Table(title, columns, rows, _notes(result), tuple(columns[:-1]))


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
