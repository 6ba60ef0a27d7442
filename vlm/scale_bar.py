"""The bar beside a picture: values to colours, round numbers to write, and the drawing of both.

`Scale` maps values to 0..1, linear or logarithmic, and picks the ticks; `beside` puts a map, its bar and its
legend on one canvas. Text is DejaVu Sans, which matplotlib ships.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from heads.errors import InputError

LOG_FROM_RATIO = 6.0  # a range wider than this gets logarithmic colours and ticks
LEAST_HEIGHT = 240  # of a canvas, so that the bar has room for its numbers
MOST_TICKS = 10
PAPER, INK = (255, 255, 255), (20, 20, 20)

Colour = tuple[int, int, int]


class Scale:
    """A range of positive values, low to high; logarithmic where high is more than 6 times low."""

    def __init__(self, low: float, high: float) -> None:
        if not 0 < low < high < math.inf:
            raise InputError("range", f"is {low} to {high}", "two positive numbers, the smaller one first")
        self.low, self.high = low, high
        self.logarithmic = high / low > LOG_FROM_RATIO

    @classmethod
    def of(cls, values: np.ndarray) -> Scale:
        """The scale of positive values (N,), from lowest to highest, without far outliers.

        Where an end lies beyond its 0.5 % quantile by more than a third, the quantile is the end: one wrong
        pixel would take the colours from all others. At least 5 % wide; 1 to 10 where there are no values.
        """
        if values.size == 0:
            return cls(1.0, 10.0)
        low, high = float(values.min()), float(values.max())
        low_most, high_most = (float(q) for q in np.quantile(values, [0.005, 0.995]))
        low = low if low > 0.75 * low_most else low_most
        high = high if high < high_most / 0.75 else high_most
        if high < 1.05 * low:
            middle = (low + high) / 2
            low, high = middle / 1.025, middle * 1.025
        return cls(low, high)

    def share(self, values: np.ndarray) -> np.ndarray:
        """0 at low, 1 at high, clipped; 0 where not a number."""
        values = np.clip(np.nan_to_num(values, nan=self.low), self.low, self.high)
        if self.logarithmic:
            return np.log(values / self.low) / math.log(self.high / self.low)
        return (values - self.low) / (self.high - self.low)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """(value, text) of round values, no two closer than 1 / most of the bar; as many as that allows."""
        rows = self._log_rows() if self.logarithmic else []
        best = max((row for row in rows if self._fits(row, most)), key=len, default=[])
        if len(best) >= 3:
            return best
        return max((row for row in self._linear_rows() if self._fits(row, most)), key=len, default=best)

    def _fits(self, row: list[tuple[float, str]], most: int) -> bool:
        shares = self.share(np.array([value for value, _ in row]))
        return len(row) < 2 or bool(np.diff(shares).min() >= 0.999 / most)

    def _log_rows(self) -> list[list[tuple[float, str]]]:
        exponents = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        rows = [[10.0**exponent for exponent in exponents if exponent % every == 0] for every in (3, 2)]
        for digits in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)):
            rows.append([digit * 10.0**exponent for exponent in exponents for digit in digits])
        low, high = self.low / 1.0001, self.high * 1.0001
        return [[(value, f"{value:g}") for value in row if low <= value <= high] for row in rows]

    def _linear_rows(self) -> list[list[tuple[float, str]]]:
        rows = []
        start = math.floor(math.log10(self.high - self.low))
        for exponent in range(start, start - 3, -1):
            for digit in (5, 2, 1):
                step = digit * 10.0**exponent
                numbers = range(math.ceil(self.low / step - 1e-6), math.floor(self.high / step + 1e-6) + 1)
                rows.append([(n * step, f"{n * step:.{max(0, -exponent)}f}") for n in numbers])
        return rows


def coloured(shares: np.ndarray, colour_map: str) -> np.ndarray:
    """Shares 0..1 of any shape as uint8 colours (..., 3) of a matplotlib colour map."""
    table = np.rint(255 * matplotlib.colormaps[colour_map](np.linspace(0, 1, 256))[:, :3]).astype(np.uint8)
    return table[np.rint(255 * shares).astype(np.uint8)]


def font_of(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, `size` px."""
    return _load_font(size)


def canvas_height(map_height: int) -> int:
    return max(map_height, LEAST_HEIGHT)


def text_size(height: int) -> int:
    """Font size in px for a canvas of this height: about one 32nd, never too small to read."""
    return min(30, max(13, height // 32))


def beside(
    map_picture: Image.Image,
    heading: Sequence[str],
    bar: tuple[Scale, str, str] | None = None,
    legend: Sequence[tuple[str, Colour]] = (),
) -> Image.Image:
    """The map at the top left of a white canvas, at its right: heading, bar with ticks, legend.

    bar is (scale, colour map, unit); legend is (text, colour) of what the bar does not show.
    """
    height = canvas_height(map_picture.height)
    font = font_of(text_size(height))
    em = font.size
    line = round(1.35 * em)
    top = line * len(heading) + round(1.1 * em)
    bottom = height - round((1.4 if legend else 0.8) * em) - line * len(legend)
    bar_width, tick_width = round(1.3 * em), round(0.4 * em)

    scale, colour_map, unit = bar if bar is not None else (None, "", "")
    ticks = scale.ticks(min(MOST_TICKS, max(2, round((bottom - top) / (1.7 * em))))) if scale else []
    labels = [(value, f"{text} {unit}") for value, text in ticks]

    def width_of(text: str) -> int:
        return math.ceil(font.getlength(text))

    widths = [width_of(text) for text in heading]
    widths += [bar_width + 2 * tick_width + width_of(text) for _, text in labels]
    widths += [bar_width + tick_width + width_of(text) for text, _ in legend]
    left = map_picture.width + round(0.8 * em)
    canvas = Image.new("RGB", (left + max(widths) + round(0.6 * em), height), PAPER)
    canvas.paste(map_picture, (0, 0))
    draw = ImageDraw.Draw(canvas)

    for row, text in enumerate(heading):
        draw.text((left, round(0.4 * em) + row * line), text, INK, font)
    if scale is not None:
        shares = np.linspace(1, 0, bottom - top)[:, None].repeat(bar_width, 1)
        canvas.paste(Image.fromarray(coloured(shares, colour_map)), (left, top))
        draw.rectangle((left - 1, top - 1, left + bar_width, bottom), outline=INK)
        for value, text in labels:
            y = bottom - 1 - round(float(scale.share(np.array(value))) * (bottom - top - 1))
            draw.line((left + bar_width, y, left + bar_width + tick_width, y), INK)
            draw.text((left + bar_width + 2 * tick_width, y), text, INK, font, anchor="lm")
    for row, (text, colour) in enumerate(legend):
        y = bottom + em + row * line
        draw.rectangle((left - 1, y, left + bar_width, y + em), colour, INK)
        draw.text((left + bar_width + tick_width, y + em / 2), text, INK, font, anchor="lm")
    return canvas


@functools.lru_cache(maxsize=32)
def _load_font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)
