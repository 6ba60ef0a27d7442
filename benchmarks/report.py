"""Results as tables, for the terminal and for Markdown, and as JSON files that are there whole or not at all."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.flops import Flops
from benchmarks.protocol import plain
from vlm.files import replacing

NONE = "-"  # a cell for which nothing was measured


@dataclass
class Table:
    """One table: a title, column heads, rows of text cells, and notes below it.

    narrow: the columns that a terminal too small for all of them shows; all where empty.
    """

    title: str
    columns: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)
    narrow: tuple[str, ...] = ()

    def markdown(self) -> str:
        """A GitHub table with its title above and its notes below."""
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in self._lines(rule)]
        notes = [f"- {note}" for note in self.notes]
        return "\n".join([f"**{self.title}**", "", *lines, *(["", *notes] if notes else [])]) + "\n"

    def show(self) -> None:
        """To the terminal, with rich."""
        from rich.console import Console
        from rich.markup import escape

        console = Console()
        table, left_out = self._rich(self.columns), ""
        widths = [max(map(len, column)) + 3 for column in zip(self.columns, *self.rows, strict=True)]
        if self.narrow and sum(widths) + 1 > console.width:
            table = self._rich(list(self.narrow))
            left_out = "not shown here: " + ", ".join(c for c in self.columns if c not in self.narrow)
        console.print(table)
        for note in filter(None, [*self.notes, left_out]):
            console.print(f"  {escape(note)}", style="dim", highlight=False)

    def _rich(self, columns: list[str]) -> Any:
        from rich.markup import escape
        from rich.table import Table as RichTable

        table = RichTable(title=escape(self.title))
        for i, column in enumerate(columns):
            table.add_column(column, justify="right" if i else "left", overflow="fold")
        for row in self.rows:
            cells = dict(zip(self.columns, row, strict=True))
            table.add_row(*(escape(cells[column]) for column in columns))
        return table

    def _lines(self, rule: list[str]) -> list[list[str]]:
        return [self.columns, rule, *self.rows]


def speed_table(measured: dict[str, Any]) -> Table:
    """Seconds, memory and vision-tower runs of `benchmarks.speed.measure_speed`."""
    width, height = measured["size"]
    stated = measured["protocol"]
    rows = [
        ["look", f"{measured['look_seconds']:.3f} s"],
        ["reading depth and its interval", f"{measured['read_seconds']:.3f} s"],
        [f"a further question ({measured['question_tokens']} tokens back)", f"{measured['question_seconds']:.3f} s"],
        ["vision tower runs, look + depth + 2 questions", str(measured["vision_calls"])],
        ["forward, backbone alone", f"{measured['backbone_seconds']:.3f} s"],
        ["forward, with " + ", ".join(measured["heads"]), f"{measured['with_heads_seconds']:.3f} s"],
        ["the heads over the backbone", f"{100 * measured['heads_ratio']:.1f} %"],
        ["peak memory of the process, torch included", f"{number(measured['peak_memory_mib'], 0)} MiB"],
        ["of that before the first look", f"{number(measured['peak_memory_before_mib'], 0)} MiB"],
    ]
    machine = stated["hardware"]
    note = f"median of {measured['repeats']}; {stated['dtype']} on {stated['device']}, "
    note += f"{machine['torch_threads']} threads of {machine['cpus']} cores; pixel budget {stated['pixel_budget']}"
    note += "; times hold for an idle machine only"
    return Table(f"{stated['model']}: {width}x{height} photograph", ["what", "measured"], rows, [note])


def published_speed_table(rows: list[dict[str, Any]]) -> Table:
    """The rows of `benchmarks.published_speed`."""
    stated = rows[0]["protocol"]
    cells = [
        [
            row["case"],
            f"{row['seconds']:.2f}",
            f"{row['plain_seconds']:.2f}",
            f"{row['ratio']:.2f}",
            number(row["peak_mib"], 0),
            number(row["plain_peak_mib"], 0),
            f"{row['largest_difference_m']:.1e}",
        ]
        for row in rows
    ]
    heads = ["photographs", "s", "plain s", "ratio", "peak MiB", "plain peak MiB", "difference m"]
    note = f"whole pass, median of {stated['repeats']} in turns; {stated['dtype']} on {stated['device']}, "
    note += f"{stated['hardware']['torch_threads']} threads; peak: above what was held before the pass"
    return Table(f"{stated['model']}: our pass, and sample by sample", heads, cells, [note])


def flops_table(counted: dict[str, Flops]) -> Table:
    """FLOPs of one pass by model, each head beside the backbone."""
    rows = []
    for name, flops in counted.items():
        parts = {"vision": flops.vision, "language": flops.language, **flops.heads}
        rows += [
            [f"{name}, {part}", f"{count / 1e9:.3f}", f"{100 * count / flops.backbone:.1f} %"]
            for part, count in parts.items()
        ]
        size = f"{flops.image[0]}x{flops.image[1]}, {flops.tokens} tokens"
        rows.append(
            [f"{name}, all heads ({size})", f"{sum(flops.heads.values()) / 1e9:.3f}", f"{100 * flops.share:.1f} %"]
        )
    note = "matrix products, convolutions and attention; a multiply-add is two; counted on shapes"
    return Table("FLOPs of one pass", ["part", "GFLOPs", "of the backbone"], rows, [note])


def number(value: Any, digits: int) -> str:
    """A cell: the number with so many digits behind the point, or "-" where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NONE
    return f"{value:.{digits}f}"


def write_json(path: Path, content: dict[str, Any]) -> Path:
    """A JSON file (nan and inf become null), complete or not there at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(plain(content), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


def write_markdown(path: Path, *tables: Table) -> Path:
    """The tables as one Markdown file."""
    with replacing(path) as temporary:
        temporary.write_text("\n".join(table.markdown() for table in tables), encoding="utf-8")
    return path
