"""One self-contained page: tables, charts and pictures in a single file, light and dark, on a desk and on a phone."""

import base64
import io
from collections.abc import Callable, Iterable
from html import escape

import numpy as np
from PIL import Image

from benchmarks.report import Table

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2126; --soft: #5d6770; --rule: #d9dee3; --band: #f5f7f9;
  --mark: #fdf3dc; --mark-ink: #7a5200; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --ink: #e6e9ec; --soft: #9aa5af; --rule: #333a41;
  --band: #1b2025; --mark: #33290f; --mark-ink: #e8c36a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.25rem; margin: 2.6rem 0 .6rem; }
h3 { font-size: 1.02rem; margin: 1.8rem 0 .4rem; } p { margin: .4rem 0; max-width: 75ch; }
nav a { margin-right: 1rem; } a { color: inherit; }
.scroll { width: fit-content; max-width: 100%; overflow-x: auto; border: 1px solid var(--rule); border-radius: 6px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .86rem; }
th, td { padding: .32rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule); }
th { background: var(--band); font-weight: 600; } th.text, td.text { text-align: left; }
tbody tr:last-child td { border-bottom: 0; }
tr.mean td { font-weight: 600; background: var(--band); }
th:first-child, td:first-child { position: sticky; left: 0; background: var(--paper); }
th:first-child { background: var(--band); } tr.first td { border-top: 2px solid var(--rule); }
tr.published td { background: var(--mark); color: var(--mark-ink); font-style: italic; }
.notes { color: var(--soft); font-size: .84rem; padding-left: 1.1rem; max-width: 95ch; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 360px), 1fr)); gap: 1rem; }
.chart { width: 100%; height: auto; font-size: 12px; } .grid { stroke: var(--rule); } .axis { stroke: var(--soft); }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: .86rem; }
figure { margin: 1rem 0 1.6rem; } figcaption { font-size: .86rem; margin-bottom: .35rem; overflow-wrap: anywhere; }
.panels { display: grid; grid-template-columns: repeat(4, 1fr); gap: .5rem; }
.panels div { font-size: .78rem; color: var(--soft); } .panels img { display: block; width: 100%; border-radius: 4px; }
.panels svg { width: 100%; height: auto; font-size: 11px; display: block; margin-top: .25rem; color: var(--ink); }
.page { display: block; width: 100%; height: auto; border: 1px solid var(--rule); border-radius: 6px; }
@media (max-width: 640px) { .panels { grid-template-columns: repeat(2, 1fr); } }
.pairs { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; } .pairs > svg { width: min(100%, 320px); }
.pairs .legend { flex-direction: column; margin: 0; }
details { margin: .6rem 0; } summary { cursor: pointer; font-weight: 600; }
code { font-size: .92em; }
"""

TEXT_COLUMNS = (
    "data set",
    "model",
    "camera",
    "row",
    "source",
    "type",
    "run",
    "what",
    "where",
    "problem",
    "floor's answer",
)

MEANS = ("mean of data sets", "all photographs", "mean of types")


def page(title: str, subtitle: str, sections: Iterable[tuple[str, str]]) -> str:
    """A whole document. sections: (heading, HTML of its body); each is linked to from the top."""
    sections = list(sections)
    links = "".join(f'<a href="#s{i}">{escape(name)}</a>' for i, (name, _) in enumerate(sections))
    bodies = "".join(f'<h2 id="s{i}">{escape(name)}</h2>{body}' for i, (name, body) in enumerate(sections))
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    return (
        f'<!doctype html><html lang="en"><head>{head}<title>{escape(title)}</title><style>{STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1><p>{escape(subtitle)}</p><nav>{links}</nav>{bodies}</main></body></html>\n"
    )


def table_html(table: Table, folded: bool = False) -> str:
    """A heading, the table in a box that scrolls sideways, its notes. Published rows and means are set apart.

    folded: only the heading is seen until it is clicked.
    """
    sides = [' class="text"' if i == 0 or name in TEXT_COLUMNS else "" for i, name in enumerate(table.columns)]
    heads = "".join(f"<th{side}>{escape(name)}</th>" for side, name in zip(sides, table.columns, strict=True))
    rows = []
    before = ""
    for row in table.rows:
        cells = "".join(f"<td{side}>{escape(cell)}</td>" for side, cell in zip(sides, row, strict=True))
        marks = ["published"] * ("PUBLISHED" in row) + ["mean"] * row[0].endswith(MEANS)
        marks += ["first"] * (table.columns[0] == "data set" and row[0] != before)
        before = row[0]
        rows.append(f'<tr class="{" ".join(marks)}">{cells}</tr>' if marks else f"<tr>{cells}</tr>")
    notes = "".join(f"<li>{escape(note)}</li>" for note in table.notes)
    body = f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>' + (
        f'<ul class="notes">{notes}</ul>' if notes else ""
    )
    title = escape(table.title)
    return f"<details><summary>{title}</summary>{body}</details>" if folded else f"<h3>{title}</h3>{body}"


def image_uri(rgb: np.ndarray, lossless: bool = False) -> str:
    """(H, W, 3) uint8 as a data: URI, JPEG, or PNG where edges matter."""
    buffer = io.BytesIO()
    if lossless:
        Image.fromarray(rgb).quantize(256).save(buffer, "PNG", optimize=True)
    else:
        Image.fromarray(rgb).save(buffer, "JPEG", quality=82)
    kind = "png" if lossless else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def colour_bar(colours: np.ndarray, ticks: list[tuple[float, str]], unit: str, below: Callable[[float], float]) -> str:
    """A bar of colours (n, 3) uint8 from left to right with numbers under it. below: a value's share of the bar."""
    blocks = "".join(
        f'<rect x="{8 + 284 * i / len(colours):.1f}" width="{284 / len(colours) + 0.6:.1f}" height="10" '
        f'fill="#{r:02x}{g:02x}{b:02x}"/>'
        for i, (r, g, b) in enumerate(colours.tolist())
    )
    marks = []
    for place, (value, text) in enumerate(ticks):
        x = 8 + 284 * below(value)
        name = f"{text} {unit}" if place == len(ticks) - 1 else text
        anchor = "end" if x > 270 else "start" if x < 20 else "middle"
        marks.append(f'<line class="axis" x1="{x:.1f}" y1="10" x2="{x:.1f}" y2="14"/>')
        marks.append(f'<text x="{x:.1f}" y="25" text-anchor="{anchor}">{escape(name)}</text>')
    return f'<svg viewBox="0 0 300 30" fill="currentColor" role="img">{blocks}{"".join(marks)}</svg>'
