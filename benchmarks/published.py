"""What others published on the same benchmark, beside what was measured here; read from published.json, with sources.

Published rows are never measured here, and marked so wherever they are shown. A number that could not be found is
null there and a dash in the table.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.report import Table, number
from benchmarks.summary import RunResult

FILE = Path(__file__).with_name("published.json")


@dataclass(frozen=True)
class PublishedRow:
    """One model of one published table. values: data set -> delta1, None = not found; found: where each was seen."""

    model: str
    mode: str
    source: str
    values: dict[str, float | None]
    found: dict[str, str]


@cache
def published() -> tuple[PublishedRow, ...]:
    """All rows of published.json."""
    told = json.loads(FILE.read_text(encoding="utf-8"))
    return tuple(_row(row, told) for row in told["rows"])


def _row(row: dict[str, Any], told: dict[str, Any]) -> PublishedRow:
    source = told["sources"][row["source"]]
    values = {name: row["values"].get(name, (None, ""))[0] for name in told["datasets"]}
    found = {name: told["found"][where] for name, (_, where) in row["values"].items()}
    return PublishedRow(
        row["model"], row["mode"], f"{source['paper']}, arXiv:{source['arxiv']}, {source['table']}", values, found
    )


def comparison(results: Iterable[RunResult], mode: str) -> Table | None:
    """delta1 by data set: what was measured here, unaligned and uncropped, then the published rows of that mode.

    Data sets of the published benchmark that were measured here, or that a number was found for. None where nothing
    comparable was measured.
    """
    here = [result for result in results if _comparable(result, mode)]
    rows_there = [row for row in published() if row.mode == mode]
    if not here:
        return None
    known = [row.values for row in rows_there] + [result.datasets for result in here]
    names = [name for name in rows_there[0].values if any(values.get(name) is not None for values in known)]
    sources = list(dict.fromkeys(row.source for row in rows_there))
    places = {where: "abcdefgh"[i] for i, where in enumerate(_places(rows_there, names))}
    rows = []
    for result in here:
        cells = [number(result.datasets.get(name, {}).get("delta1"), 3) for name in names]
        rows.append([result.protocol["model"], "measured here", f"camera {result.protocol['camera']}", *cells])
    for row in rows_there:
        cells = [number(row.values[name], 3) for name in names]
        shown = {places[row.found[name]]: None for name in names if row.values[name] is not None}
        mark = f"[{sources.index(row.source) + 1}] " + (f"second-hand: {', '.join(shown)}" if shown else "not found")
        rows.append([row.model, "PUBLISHED", mark, *cells])
    notes = [
        "PUBLISHED rows are others' numbers, not measured here and not on the same photographs: "
        + _counts(here, names),
        "second-hand: not read in the paper itself but where the letter says; a dash: the number was not found",
        *(f"[{place}] {source}" for place, source in enumerate(sources, 1)),
        *(f"{letter}: {where}" for where, letter in places.items()),
    ]
    heads = ["model", "row", "source", *names]
    return Table(f"delta1, {mode}, beside published rows", heads, rows, notes, ("model", "row", *names))


def _comparable(result: RunResult, mode: str) -> bool:
    stated = result.protocol
    same = stated["benchmark"] == "depth" and stated["mode"] == mode and stated["alignment"] == "none"
    return same and stated["crop"] == "none" and not result.not_run


def _counts(here: list[RunResult], names: list[str]) -> str:
    most = {name: max(result.datasets.get(name, {}).get("photographs", 0) for result in here) for name in names}
    return "here " + ", ".join(f"{name} {count or 'no'}" for name, count in most.items()) + " photographs"


def _places(rows: list[PublishedRow], names: list[str]) -> list[str]:
    """Where the shown numbers were found, each once."""
    return list(dict.fromkeys(row.found[name] for row in rows for name in names if row.values[name] is not None))
