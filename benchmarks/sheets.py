"""Photographs with what a model says of them, drawn for people: panels with their scales, answers with a mark.

    page(shown)          one photograph, 1600 px wide: its panels in a row, questions and answers beneath
    strip([shown, ...])  several, one compact row each: panels at the left, answers at the right

Dark green ✓ = right, red ✗ = wrong, ½ = partly, grey • = nobody knows the true answer.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.panels import Bar, Panel
from heads.errors import InputError
from vlm.files import replacing
from vlm.scale_bar import INK, PAPER, coloured, font_of

WIDTH, STRIP_WIDTH = 1600, 1280
MARGIN, GAP = 20, 14
LEAST_BAR = 180  # pixels across, where a picture is narrower
WIDE = 2.0  # width / height, from which panels need more width than a row of five gives
SOFT = (95, 103, 112)
RULE = (217, 222, 227)
MARKS = {
    "right": ("✓", (24, 128, 56)),
    "wrong": ("✗", (190, 32, 32)),
    "partly": ("½", (176, 116, 0)),
    "unmarked": ("•", SOFT),
}
QUALITIES = range(90, 39, -5)


@dataclass(frozen=True)
class Told:
    """One question with the model's answer. true, score (0 to 1): None where the true answer is not known."""

    question: str
    answer: str
    true: str | None = None
    score: float | None = None

    @property
    def mark(self) -> str:
        """A key of MARKS."""
        if self.score is None:
            return "unmarked"
        return "right" if self.score >= 1 else "wrong" if self.score <= 0 else "partly"


@dataclass(frozen=True)
class Way:
    """What was predicted with one camera: a line of figures, and the panels."""

    line: str
    panels: list[Panel]


@dataclass(frozen=True)
class Shown:
    """One photograph: its title, what was predicted in one or two ways, what was answered."""

    title: str
    ways: list[Way]
    told: list[Told] = field(default_factory=list)


def page(shown: Shown) -> Image.Image:
    """1600 px wide; a second way's panels stand below the first's, under those of the same kind."""
    inner = WIDTH - 2 * MARGIN
    blocks = [_text([(shown.title, INK)], inner, font_of(24))]
    columns = min(len(shown.ways[0].panels), 3 if _aspect(shown.ways[0].panels) > WIDE else 5)
    for way in shown.ways:
        blocks.append(_text([(way.line, SOFT)], inner, font_of(18)))
        blocks.append(_grid(way.panels, columns, inner, 330, font_of(16), at_right=True))
    if shown.told:
        half = (inner - 2 * GAP) // 2
        splits = [(shown.told[:at], shown.told[at:]) for at in range(1, len(shown.told) + 1)]
        drawn = [[_answers(part, half, font_of(18)) for part in split] for split in splits]
        lowest = min(drawn, key=lambda sides: max(side.height for side in sides))
        blocks.append(_joined(lowest, 2 * GAP, across=True))
    return _framed(_joined(blocks, GAP))


def strip(rows: Sequence[Shown], most_told: int = 4) -> Image.Image:
    """1280 px wide, one row a photograph (its first way): panels, beside them the first `most_told` answers.

    Fewer where they would be higher than the panels, but two.
    """
    inner = STRIP_WIDTH - 2 * MARGIN
    left = inner * 2 // 3
    blocks = []
    for shown in rows:
        way = shown.ways[0]
        panels = _joined(
            [
                _text([(shown.title, INK), (way.line, SOFT)], left, font_of(14)),
                _grid(way.panels, 5, left, 120, font_of(12)),
            ],
            6,
        )
        flat = [replace(one, question=" ".join(one.question.split())) for one in shown.told[:most_told]]
        told = _answers(flat, inner - left - 2 * GAP, font_of(13))
        while told.height > panels.height and len(flat) > 2:
            flat.pop()
            told = _answers(flat, inner - left - 2 * GAP, font_of(13))
        blocks.append(_joined([panels, told], 2 * GAP, across=True))
    return _framed(_joined(blocks, GAP, rule=True), STRIP_WIDTH)


def write_jpeg(path: Path, picture: Image.Image, most_bytes: int) -> Path:
    """At the best quality that stays within `most_bytes`; InputError where none does."""
    for quality in QUALITIES:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= most_bytes:
            with replacing(path) as temporary:
                temporary.write_bytes(buffer.getvalue())
            return path
    wrong = f"{picture.width}x{picture.height} pixels do not fit into {most_bytes // 1000} kB"
    raise InputError("count", wrong, "fewer photographs in one picture")


# ---- pieces ------------------------------------------------------------------------------------------------


def _aspect(panels: list[Panel]) -> float:
    height, width = panels[0].rgb.shape[:2]
    return width / height


def _grid(
    panels: list[Panel], columns: int, width: int, most_high: int, font: ImageFont.FreeTypeFont, at_right: bool = False
) -> Image.Image:
    """Panels in rows of `columns` equally wide cells; where there are fewer, they stand `at_right` or at the left."""
    cell = (width - (columns - 1) * GAP) // columns
    drawn = [_panel(panel, cell, most_high, font) for panel in panels]
    empty = [Image.new("RGB", (cell, 1), PAPER)] * (columns - len(drawn))
    drawn = empty + drawn if at_right else drawn + empty
    rows = [drawn[start : start + columns] for start in range(0, len(drawn), columns)]
    return _joined([_joined(row, GAP, across=True) for row in rows], GAP)


def _panel(panel: Panel, width: int, most_high: int, font: ImageFont.FreeTypeFont) -> Image.Image:
    """Name, picture, and the bar that explains its colours."""
    picture = Image.fromarray(np.ascontiguousarray(panel.rgb))
    enlarge = min(width / picture.width, most_high / picture.height)
    size = (max(1, round(picture.width * enlarge)), max(1, round(picture.height * enlarge)))
    blocks = [_text([(panel.name, INK)], width, font), picture.resize(size, Image.Resampling.BICUBIC)]
    if panel.bar is not None:
        blocks.append(_bar(panel.bar, min(width, max(size[0], LEAST_BAR)), font))
    return _joined(blocks, 4)


def _bar(bar: Bar, width: int, font: ImageFont.FreeTypeFont) -> Image.Image:
    """Colours from left to right, their values below, the unit behind the last one."""
    side, high = round(1.2 * font.size), round(0.7 * font.size)
    inner = width - 2 * side
    drawn = Image.new("RGB", (width, high + round(1.7 * font.size)), PAPER)
    draw = ImageDraw.Draw(drawn)
    drawn.paste(Image.fromarray(coloured(np.linspace(0, 1, inner)[None].repeat(high, 0), bar.colours)), (side, 0))
    draw.rectangle((side - 1, 0, side + inner, high), outline=INK)
    ticks = bar.ticks(max(4, inner // (4 * round(font.size))))
    for place, (value, text) in enumerate(ticks):
        x = side + bar.share(value) * (inner - 1)
        label = f"{text} {bar.unit}" if place == len(ticks) - 1 else text
        draw.line((x, high, x, high + 4), INK)
        half = font.getlength(label) / 2
        draw.text((min(max(x, half), width - half), high + 5), label, INK, font, anchor="ma")
    return drawn


def _answers(told: Sequence[Told], width: int, font: ImageFont.FreeTypeFont) -> Image.Image:
    """Each question, below it the mark, the answer, and the true one where that is another."""
    indent = round(1.5 * font.size)
    blocks = []
    for one in told:
        glyph, colour = MARKS[one.mark]
        answer = one.answer.strip() or "(nothing)"
        if one.true is not None and one.true.strip() != answer:
            answer += f"   (true: {one.true})"
        words = _text([(one.question, INK), (answer, colour)], width - indent, font)
        block = Image.new("RGB", (width, words.height), PAPER)
        block.paste(words, (indent, 0))
        ImageDraw.Draw(block).text((indent / 2, words.height / 2), glyph, colour, font_of(round(1.4 * font.size)), "mm")
        blocks.append(block)
    return _joined(blocks, round(0.5 * font.size)) if blocks else Image.new("RGB", (width, 1), PAPER)


def _text(
    paragraphs: Sequence[tuple[str, tuple[int, int, int]]], width: int, font: ImageFont.FreeTypeFont
) -> Image.Image:
    """Paragraphs of one colour each, wrapped to `width` px."""
    lines = [
        (line, colour)
        for text, colour in paragraphs
        for part in text.splitlines() or [""]
        for line in _wrapped(part, width, font)
    ]
    step = round(1.3 * font.size)
    drawn = Image.new("RGB", (width, step * len(lines)), PAPER)
    draw = ImageDraw.Draw(drawn)
    for number, (line, colour) in enumerate(lines):
        draw.text((0, number * step), line, colour, font)
    return drawn


def _wrapped(text: str, width: int, font: ImageFont.FreeTypeFont) -> list[str]:
    """Lines of at most `width` px, broken between words; a longer word is cut."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if font.getlength(longer) <= width:
            line = longer
            continue
        lines += [line] if line else []
        while font.getlength(word) > width:
            fits = max(1, math.floor(len(word) * width / font.getlength(word)) - 1)
            lines.append(word[:fits])
            word = word[fits:]
        line = word
    return [*lines, line]


def _joined(pictures: Sequence[Image.Image], gap: int, across: bool = False, rule: bool = False) -> Image.Image:
    """Pictures below each other (or `across`), `gap` px apart, with a thin line between them where `rule`."""
    widths, heights = zip(*(picture.size for picture in pictures), strict=True)
    gaps = gap * (len(pictures) - 1)
    size = (sum(widths) + gaps, max(heights)) if across else (max(widths), sum(heights) + gaps)
    joined = Image.new("RGB", size, PAPER)
    at = 0
    for number, picture in enumerate(pictures):
        joined.paste(picture, (at, 0) if across else (0, at))
        at += (picture.width if across else picture.height) + gap
        if rule and number < len(pictures) - 1:
            ImageDraw.Draw(joined).line((0, at - gap // 2, size[0], at - gap // 2), RULE)
    return joined


def _framed(picture: Image.Image, width: int = WIDTH) -> Image.Image:
    framed = Image.new("RGB", (width, picture.height + 2 * MARGIN), PAPER)
    framed.paste(picture, (MARGIN, MARGIN))
    return framed
