"""Photograph, truth, prediction, error and uncertainty of one photograph as pictures in a row, with their scales.

Truth and prediction share one scale in metres; the error is signed, in percent of the truth. Labelled points are drawn
as discs on the dimmed photograph, since single pixels cannot be seen.
"""

from dataclasses import dataclass
from html import escape

import numpy as np

from benchmarks.gallery import Picture
from benchmarks.html import colour_bar, image_uri
from benchmarks.plots import COLOURS
from vlm.pictures import SKY_COLOUR, UNKNOWN_COLOUR
from vlm.scale_bar import Scale, coloured

DEPTH_COLOURS, ERROR_COLOURS, UNCERTAINTY_COLOURS = "plasma_r", "coolwarm", "viridis"
WORST_SHOWN = 0.5  # relative errors beyond it have the colour of the end
MISSING_COLOUR = (210, 40, 210)
SPARSE_BELOW = 0.2  # share of cells with truth, under which they are drawn as discs
SMALLEST = 240  # pixels that a picture's long side has at least


@dataclass(frozen=True)
class Bar:
    """What a panel's colours mean: a scale in metres or percent, or (None) the signed error, -50 to 50 %."""

    scale: Scale | None
    colours: str
    unit: str

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """(value, text) of at most about `most` round values; the ends where fewer than two of these fit."""
        if self.scale is not None:
            ends = (self.scale.low, self.scale.high)
            found = self.scale.ticks(most)
            return found if len(found) > 1 else [(end, f"{end:.0f}" if end >= 10 else f"{end:.1f}") for end in ends]
        shares = (-0.5, -0.25, 0.0, 0.25, 0.5) if most > 4 else (-0.5, 0.0, 0.5)
        return [(share, f"{100 * share:+.0f}" if share else "0") for share in shares]

    def share(self, value: float) -> float:
        """How far along the bar a value is, 0 to 1."""
        return float(self.scale.share(np.array(value))) if self.scale is not None else value + WORST_SHOWN


@dataclass(frozen=True)
class Panel:
    """One picture (h, w, 3) uint8 of several, and the meaning of its colours."""

    name: str
    rgb: np.ndarray
    bar: Bar | None = None


def panels(picture: Picture, caption: str) -> str:
    """A <figure>: the caption (plain text), the pictures, each with its bar in metres or percent."""
    cells = "".join(
        f'<div>{panel.name}<img alt="{panel.name}" src="{image_uri(_enlarged(panel.rgb))}">{_svg(panel.bar)}</div>'
        for panel in panels_of(picture)
    )
    return f'<figure><figcaption>{escape(caption)}</figcaption><div class="panels">{cells}</div></figure>'


def panels_of(picture: Picture, scale: Scale | None = None) -> list[Panel]:
    """Photograph, truth, prediction, error; and the uncertainty, where the picture holds "log_depth_scale" (h, w).

    scale: in metres; from what is seen here where None. Truth and its error are left out where nothing is known.
    Of `truth` inf is sky.
    """
    truth, error = picture["truth"], picture["error"]
    depth = picture.get("predicted")
    at_truth = truth * (1 + error)  # what was predicted there, exactly
    seen = at_truth if depth is None else depth
    here = np.isfinite(truth)
    scale = scale or Scale.of(np.concatenate([truth[here], seen[np.isfinite(seen) & (seen > 0)]]))
    metres = Bar(scale, DEPTH_COLOURS, "m")
    dim = _dim(picture["rgb"])
    shown = [Panel("photograph", picture["rgb"])]
    if here.any():
        shown.append(Panel("truth", _drawn(truth, _depth_colours(truth, scale), ~np.isnan(truth), dim), metres))
    shown.append(Panel("prediction", _prediction(picture, at_truth, scale, dim), metres))
    if here.any():
        errors = _drawn(truth, _error_colours(error), here, dim)
        shown.append(Panel("error of the prediction", errors, Bar(None, ERROR_COLOURS, "%")))
    if "log_depth_scale" in picture:
        percent = 100 * picture["log_depth_scale"]
        unsure = Scale.of(percent[np.isfinite(percent)])
        colours = coloured(unsure.share(percent), UNCERTAINTY_COLOURS)
        colours[~np.isfinite(percent)] = UNKNOWN_COLOUR
        shown.append(Panel("uncertainty", colours, Bar(unsure, UNCERTAINTY_COLOURS, "%")))
    return shown


def _svg(bar: Bar | None) -> str:
    return "" if bar is None else colour_bar(_colours(bar.colours), bar.ticks(6), bar.unit, bar.share)


def distance_panel(picture: Picture, caption: str) -> str:
    """A <figure>: the photograph with every pair as a line, and its true and predicted metres in a list beside it."""
    height, width = picture["rgb"].shape[:2]
    lines, items = [], []
    for number, ((a, b), true, predicted) in enumerate(
        zip(picture["ends"], picture["true_m"], picture["predicted_m"], strict=True)
    ):
        colour = COLOURS[number % len(COLOURS)]
        (x1, y1), (x2, y2) = a * (width, height), b * (width, height)
        place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
        lines.append(
            f'<line {place} stroke="#fff" stroke-width="4"/><line {place} stroke="{colour}" stroke-width="2"/>'
        )
        told = f"{predicted:.2f} m ({100 * (predicted / true - 1):+.0f} %)" if np.isfinite(predicted) else "nothing"
        mark = f'<svg width="22" height="10"><line x2="22" y1="5" y2="5" stroke="{colour}" stroke-width="3"/></svg>'
        items.append(f"<li>{mark} true {true:.2f} m, predicted {told}</li>")
    drawn = f'<image href="{image_uri(picture["rgb"])}" width="{width}" height="{height}"/>{"".join(lines)}'
    return (
        f'<figure><figcaption>{escape(caption)}</figcaption><div class="pairs">'
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="photograph">{drawn}</svg>'
        f'<ul class="legend">{"".join(items)}</ul></div></figure>'
    )


def _prediction(picture: Picture, at_truth: np.ndarray, scale: Scale, dim: np.ndarray) -> np.ndarray:
    depth = picture.get("predicted")
    if depth is None:
        return _drawn(picture["truth"], _depth_colours(at_truth, scale), np.isfinite(picture["truth"]), dim)
    return _depth_colours(depth, scale)


def _depth_colours(depth: np.ndarray, scale: Scale) -> np.ndarray:
    """(h, w, 3) uint8; sky and what is no depth in colours of their own."""
    colours = coloured(scale.share(depth), DEPTH_COLOURS)
    colours[np.isposinf(depth)] = SKY_COLOUR
    colours[~np.isposinf(depth) & ~(np.isfinite(depth) & (np.nan_to_num(depth) > 0))] = MISSING_COLOUR
    return colours


def _error_colours(error: np.ndarray) -> np.ndarray:
    shares = np.clip(np.nan_to_num(error), -WORST_SHOWN, WORST_SHOWN) / (2 * WORST_SHOWN) + 0.5
    colours = coloured(shares, ERROR_COLOURS)
    colours[~np.isfinite(error)] = MISSING_COLOUR
    return colours


def _drawn(truth: np.ndarray, colours: np.ndarray, here: np.ndarray, dim: np.ndarray) -> np.ndarray:
    """The colours where there is truth: on grey where it is dense, as discs on the dimmed photograph where not."""
    if here.mean() >= SPARSE_BELOW:
        return np.where(here[..., None], colours, np.array(UNKNOWN_COLOUR, np.uint8))
    drawn = dim.copy()
    rows, columns = np.nonzero(here)
    # as large as the density of points allows
    radius = int(np.clip(0.35 * np.sqrt(truth.size / max(len(rows), 1)), 0, 6))
    for row_off in range(-radius, radius + 1):
        for column_off in range(-radius, radius + 1):
            if row_off**2 + column_off**2 <= radius**2:
                at = (rows + row_off, columns + column_off)
                inside = (at[0] >= 0) & (at[0] < here.shape[0]) & (at[1] >= 0) & (at[1] < here.shape[1])
                drawn[at[0][inside], at[1][inside]] = colours[rows[inside], columns[inside]]
    return drawn


def _dim(rgb: np.ndarray) -> np.ndarray:
    grey = rgb.mean(-1, keepdims=True).repeat(3, -1)
    return (0.45 * grey + 60).astype(np.uint8)


def _enlarged(rgb: np.ndarray) -> np.ndarray:
    factor = max(1, -(-SMALLEST // max(rgb.shape[:2])))
    return rgb.repeat(factor, 0).repeat(factor, 1)


def _colours(name: str) -> np.ndarray:
    return coloured(np.linspace(0, 1, 64), name)
