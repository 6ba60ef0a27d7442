"""A contact sheet of records: does what is measured look like what is seen?

A row each: the photograph with its camera in words, the depth map with a bar in metres, and the points back-projected
through the camera, from the side and from above, axes in metres. A scale that is off shows on every axis; a
principal point or focal length that is wrong tilts floors and walls, or bends right angles.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from heads.errors import InputError
from train.data.samples import View, view_of
from train.data.windows import read_depth
from vlm.files import replacing
from vlm.pictures import depth_picture
from vlm.records import Record

POINTS = 30_000  # of a view
WIDTH_IN, ROW_IN, DPI = 17.0, 3.4, 90
FAR_SHARE = 0.98  # of the points are inside the axes: a few far ones would leave nothing to see
SHRUNK_PX = 400


def write_sheet(path: str | Path, records: Sequence[Record]) -> None:
    """One PNG for these records; a record that cannot be read is shown as the error it gives."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not records:
        raise InputError("sheet", "there is no record to show", "a set with at least one record")
    figure = Figure(figsize=(WIDTH_IN, ROW_IN * len(records)), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    rows: Any = figure.subplots(len(records), 4, squeeze=False, width_ratios=[1.2, 1.5, 1.2, 1.2])
    for axes, record in zip(rows, records, strict=True):
        _row(axes, record)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def _row(axes: Sequence[Any], record: Record) -> None:
    for picture in axes[:2]:
        picture.set_axis_off()
    axes[0].set_title(_caption(record), fontsize=8, loc="left")
    try:
        view = view_of(record) if record.image is not None else None
    except (OSError, ValueError) as problem:
        _say(axes[1], str(problem), "tab:red")
        view = None
    if view is None:
        for each in axes[2:]:
            each.set_axis_off()
        return
    axes[0].imshow(_small(view.image))
    if len(record.pixels):
        height, width = _small(view.image).shape[:2]
        axes[0].scatter(*(record.pixels * (width, height) / record.size).T, s=6, c="none", edgecolors="lime", lw=0.6)
    _show_depth(axes[1], record, view)
    points, colours = _points(record, view)
    _view_points(axes[2], points[:, [2, 1]], colours, "from the side", "z forward, m", "y down, m")
    axes[2].invert_yaxis()
    _view_points(axes[3], points[:, [0, 2]], colours, "from above", "x right, m", "z forward, m")


def _caption(record: Record) -> str:
    camera = record.camera
    lines = [f"{record.where}  {record.dataset}, {record.domain}, {record.scene_id}"[:70]]
    told = f"{record.size[0]}x{record.size[1]}"
    if camera is not None:
        told += f", f {camera.fx:.0f} {camera.fy:.0f}, c {camera.cx:.0f} {camera.cy:.0f} px"
        told += f", {camera.fov_x_deg:.0f}° x {camera.fov_y_deg:.0f}°"
    return "\n".join([*lines, told if record.image is not None else "text alone"])


def _show_depth(axis: Any, record: Record, view: View) -> None:
    if view.depth_z is None:
        _say(axis, f"{len(record.depths)} labelled depths" if len(record.depths) else "no depth", "grey")
        return
    height, width = view.depth_z.shape
    shrink = max(1.0, max(height, width) / SHRUNK_PX)
    size = (round(height / shrink), round(width / shrink))
    axis.imshow(np.asarray(depth_picture(read_depth(view.depth_z, view.window, size))))
    known = view.depth_z[np.isfinite(view.depth_z)]
    if len(known):
        low, middle, high = np.percentile(known, [1, 50, 99])
        text = (
            f"{low:.3g} / {middle:.3g} / {high:.3g} m (1, 50, 99 %), {100 * len(known) / view.depth_z.size:.0f} % known"
        )
        axis.set_title(text, fontsize=8, loc="left")


def _points(record: Record, view: View) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) points, metres, camera frame, and their colours."""
    camera = record.camera
    if camera is None:
        return np.zeros((0, 3)), np.zeros((0, 3))
    pixels, depths = record.pixels, record.depths
    if view.depth_z is not None:
        height, width = view.depth_z.shape
        rows, columns = np.nonzero(np.isfinite(view.depth_z))
        kept = slice(None, None, max(1, len(rows) // POINTS))
        rows, columns = rows[kept], columns[kept]
        pixels = (np.stack([columns, rows], 1) + 0.5) * (camera.width / width, camera.height / height)
        depths = view.depth_z[rows, columns]
    seen = view.image[
        np.clip(pixels[:, 1].astype(int), 0, camera.height - 1), np.clip(pixels[:, 0].astype(int), 0, camera.width - 1)
    ]
    return camera.unproject(pixels, depths), seen / 255


def _view_points(axis: Any, points: np.ndarray, colours: np.ndarray, title: str, x: str, y: str) -> None:
    axis.set_title(title, fontsize=8, loc="left")
    axis.tick_params(labelsize=7)
    axis.set_xlabel(x, fontsize=7)
    axis.set_ylabel(y, fontsize=7)
    axis.grid(alpha=0.3)
    if not len(points):
        _say(axis, "no camera, or no depth", "grey")
        return
    axis.scatter(points[:, 0], points[:, 1], s=2 if len(points) > 1000 else 12, c=colours, lw=0, rasterized=True)
    axis.plot(0, 0, "r+", ms=9)
    low, high = np.quantile(points, 1 - FAR_SHARE, axis=0), np.quantile(points, FAR_SHARE, axis=0)
    low, high = np.minimum(low, 0), np.maximum(high, 0)
    middle, half = (low + high) / 2, 0.55 * (high - low)
    half = np.maximum(half, 0.6 * half.max())  # not a thin strip
    axis.set_xlim(middle[0] - half[0], middle[0] + half[0])
    axis.set_ylim(middle[1] - half[1], middle[1] + half[1])
    axis.set_aspect("equal", adjustable="box")


def _say(axis: Any, text: str, colour: str) -> None:
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", fontsize=8, color=colour, wrap=True)


def _small(image: np.ndarray) -> np.ndarray:
    shrink = max(image.shape[:2]) / SHRUNK_PX
    if shrink <= 1:
        return image
    size = round(image.shape[1] / shrink), round(image.shape[0] / shrink)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def spread(records: Sequence[Record], count: int) -> list[Record]:
    """`count` of them, every data set in turn, evenly over each set's length."""
    sets: dict[str, list[Record]] = {}
    for record in records:
        sets.setdefault(record.dataset, []).append(record)
    each = -(-count // max(len(sets), 1))
    chosen = [[s[int(i)] for i in np.unique(np.linspace(0, len(s) - 1, each).round())] for s in sets.values()]
    return [record for turn in zip(*(c + [None] * (each - len(c)) for c in chosen), strict=True)
            for record in turn if record is not None][:count]  # fmt: skip
