"""Numbers as words: lengths in the unit that a question asks for, positions in thousandths of the picture."""

from __future__ import annotations

import numpy as np

PER_METRE = {"m": 1.0, "cm": 100.0, "ft": 1 / 0.3048, "in": 1 / 0.0254}
SAID = {"m": "m", "cm": "cm", "ft": "feet", "in": "inches"}
ASKED = {
    "m": ("Answer in metres.", "In metres.", "Give the answer in meters."),
    "cm": ("Answer in centimetres.", "In centimetres.", "Give the answer in centimeters."),
    "ft": ("Answer in feet.", "In feet.", "Give the answer in feet."),
    "in": ("Answer in inches.", "In inches.", "Give the answer in inches."),
}
"""What is added to a question that wants an answer in this unit."""


def digits(value: float) -> str:
    """Two significant digits: '0.85', '2.4', '17', '110'."""
    value = float(f"{value:.1e}")
    return f"{value:.{2 if value < 1 else 1 if value < 10 else 0}f}"


def length(value: float, unit: str = "m") -> str:
    """A length of `value` metres in the unit: '2.4 m', '240 cm', '7.9 feet', '94 inches'."""
    return f"{digits(value * PER_METRE[unit])} {SAID[unit]}"


def metres(value: float) -> str:
    """'0.85 m', '2.4 m', '17 m', '110 m'."""
    return length(value)


def relative(x: float, y: float, size: tuple[int, int], step: int = 1) -> tuple[int, int]:
    """Pixel (x, y) of an image of (H, W) as 0-1000 coordinates, rounded to multiples of `step`."""
    across, down = (
        int(np.clip(round(1000 * value / extent / step) * step, 0, 1000))
        for value, extent in ((x, size[1]), (y, size[0]))
    )
    return across, down


def a(noun: str) -> str:
    """ "a chair", "an orange chair", "a flight of stairs"."""
    if noun.endswith("stairs"):
        return f"a flight of {noun}"
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
