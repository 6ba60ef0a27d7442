"""Line charts as SVG text, to stand inside a page: no script, no font, no file beside it.

Text and axes are drawn in `currentColor`, so that they follow the page, light or dark; the lines' colours read on both.
"""

import math
from dataclasses import dataclass
from html import escape

COLOURS = ("#2f83d8", "#e0702a", "#2c9c69", "#b565c9", "#b98b00", "#d5517a", "#5b8a9a", "#8a6f4d")
WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 54, 14, 14, 44


@dataclass(frozen=True)
class Line:
    """One line: points with a nan are left out, and the line is broken there. dashed: a reference, not a model."""

    label: str
    x: list[float]
    y: list[float]
    dashed: bool = False
    colour: str | None = None


def chart(
    lines: list[Line],
    x_label: str,
    y_label: str,
    ticks: list[tuple[float, str]] | None = None,
    y_range: tuple[float, float] | None = None,
    title: str = "",
) -> str:
    """An <svg> of the lines. ticks: (x, text) of the axis below; round numbers where not given."""
    xs = [x for line in lines for x in line.x if math.isfinite(x)]
    ys = [y for line in lines for y in line.y if math.isfinite(y)]
    if not xs or not ys:
        return "<p>nothing was measured</p>"
    low_x, high_x = _wide(min(xs), max(xs))
    low_y, high_y = y_range or _wide(min(0.0, *ys), 1.05 * max(ys))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT)
        up = (y - low_y) / (high_y - low_y) * (HEIGHT - TOP - BOTTOM)
        return LEFT + across, HEIGHT - BOTTOM - up

    parts = [_axes(place, ticks or round_ticks(low_x, high_x), round_ticks(low_y, high_y), (low_x, high_x))]
    for number, line in enumerate(lines):
        colour = line.colour or COLOURS[number % len(COLOURS)]
        parts += _drawn(line, colour, place)
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_label)}</text>')
    down = TOP + (HEIGHT - TOP - BOTTOM) / 2
    parts.append(f'<text transform="translate(13 {down}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>')
    name = escape(title or f"{y_label} against {x_label}", quote=True)
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}" fill="currentColor">'
        + "".join(parts)
        + "</svg>"
    )


def legend(lines: list[Line]) -> str:
    """The lines' names with their colours, as a <ul>, for one or several charts of the same lines."""
    items = []
    for number, line in enumerate(lines):
        colour = line.colour or COLOURS[number % len(COLOURS)]
        dash = ' stroke-dasharray="4 3"' if line.dashed else ""
        stroke = f'<line x1="0" y1="5" x2="22" y2="5" stroke="{colour}" stroke-width="3"{dash}/>'
        items.append(f'<li><svg width="22" height="10" aria-hidden="true">{stroke}</svg> {escape(line.label)}</li>')
    return f'<ul class="legend">{"".join(items)}</ul>'


def round_ticks(low: float, high: float, most: int = 6) -> list[tuple[float, str]]:
    """At most `most` + 1 round numbers from low to high, as (value, text)."""
    power = math.floor(math.log10((high - low) / most))
    for step in (digit * 10.0**exponent for exponent in (power, power + 1) for digit in (1, 2, 5)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first <= most:
            digits = max(0, -math.floor(math.log10(step) + 1e-9))
            return [(n * step, f"{n * step:.{digits}f}") for n in range(first, last + 1)]
    raise AssertionError("a step of ten times the wanted one always fits")


def _wide(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _axes(place, x_ticks, y_ticks, ends) -> str:
    """Thin lines across for the numbers at the left, small strokes for those below."""
    parts = []
    for value, text in y_ticks:
        x, y = place(ends[0], value)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{x - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>')
    floor = HEIGHT - BOTTOM
    parts.append(f'<line class="axis" x1="{LEFT}" y1="{floor}" x2="{WIDTH - RIGHT}" y2="{floor}"/>')
    for value, text in x_ticks:
        x, _ = place(value, 0)
        parts.append(f'<line class="axis" x1="{x:.1f}" y1="{floor}" x2="{x:.1f}" y2="{floor + 4}"/>')
        parts.append(f'<text x="{x:.1f}" y="{floor + 17}" text-anchor="middle">{escape(text)}</text>')
    return "".join(parts)


def _drawn(line: Line, colour: str, place) -> list[str]:
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(line.x, line.y, strict=True):
        if math.isfinite(x) and math.isfinite(y):
            runs[-1].append(place(x, y))
        elif runs[-1]:
            runs.append([])
    parts = []
    dash = ' stroke-dasharray="5 4"' if line.dashed else ""
    for run in filter(None, runs):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        if not line.dashed:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.4" fill="{colour}"/>' for x, y in run]
    return [f"<g><title>{escape(line.label)}</title>", *parts, "</g>"]
