"""Answers to questions as tables."""

from benchmarks.paired import PairedDifference
from benchmarks.report import Table, number


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
    columns = ["type", "n", "A", "B", "B - A", "95 % interval", "only A right", "only B right"]
    photographs = next(iter(differences.values())).photographs
    notes = [
        f"A: {a}; B: {b}; the same questions about {photographs} photographs",
        "interval: Agresti and Min's for matched pairs, clustered by photograph (benchmarks/paired.py)",
    ]
    return Table("the same questions to both", columns, rows, notes)
