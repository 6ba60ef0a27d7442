"""Which part of a photograph a picture shows, and maps (depth, labels) read through it without ever being mixed."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Window:
    """left, top, width, height as shares of the photograph's sides; flipped: mirrored left-right after cutting."""

    left: float = 0.0
    top: float = 0.0
    width: float = 1.0
    height: float = 1.0
    flipped: bool = False

    def cut(self, left: float, top: float, width: float, height: float) -> "Window":
        """The part of this window, in shares of it (before it is mirrored)."""
        return Window(
            self.left + left * self.width,
            self.top + top * self.height,
            width * self.width,
            height * self.height,
            self.flipped,
        )

    def across(self, shares: np.ndarray) -> np.ndarray:
        """x of the picture, 0 to 1, -> x of the photograph, 0 to 1."""
        return self.left + self.width * (1 - shares if self.flipped else shares)

    def down(self, shares: np.ndarray) -> np.ndarray:
        """y of the picture -> y of the photograph."""
        return self.top + self.height * shares


def read_nearest(
    values: np.ndarray, window: Window, size: tuple[int, int], filled: tuple[float, float], none: float
) -> np.ndarray:
    """(h, w) over a photograph -> (H, W) over a picture of it, each pixel the value at its centre.

    filled: the share of (width, height) that the picture takes of the result, which is padded at the right and the
    bottom; there it is `none`.
    """
    x, y = _shares(size[1], filled[0]), _shares(size[0], filled[1])
    rows, columns = _at(window.down(y), values.shape[0]), _at(window.across(x), values.shape[1])
    result = values.take(rows, 0).take(columns, 1)
    if x[-1] > 1 or y[-1] > 1:
        result = np.where((y[:, None] <= 1) & (x[None, :] <= 1), result, np.asarray(none, values.dtype))
    return result


def read_depth(
    depth_z: np.ndarray, window: Window, size: tuple[int, int], filled: tuple[float, float] = (1.0, 1.0)
) -> np.ndarray:
    """As `read_nearest`; where the value at a pixel's centre is unknown, the known one inside it nearest to that.

    So few points (LiDAR) survive a smaller size, and no depth is ever a mixture of two surfaces, of a surface and
    sky, or of anything and nothing. depth_z (h, w) metres, inf = sky, nan = unknown.
    """
    result = read_nearest(depth_z, window, size, filled, np.nan)
    (height, width), (map_height, map_width) = size, depth_z.shape
    if map_width * window.width <= width * filled[0] and map_height * window.height <= height * filled[1]:
        return result  # no pixel of the result has two values in it
    if not np.isnan(result).any():
        return result
    column, off_x = _cells(map_width, window.left, window.width, window.flipped, width, filled[0])
    row, off_y = _cells(map_height, window.top, window.height, False, height, filled[1])
    in_rows, in_columns = row >= 0, column >= 0
    wanted = np.isnan(result)[np.ix_(row[in_rows], column[in_columns])] & ~np.isnan(
        depth_z[np.ix_(in_rows, in_columns)]
    )
    r, c = (np.flatnonzero(inside)[at] for inside, at in zip((in_rows, in_columns), np.nonzero(wanted), strict=True))
    order = np.argsort(-(off_y[r] ** 2 + off_x[c] ** 2), kind="stable")  # the nearest is written last
    r, c = r[order], c[order]
    result[row[r], column[c]] = depth_z[r, c]
    return result


def _shares(count: int, filled: float) -> np.ndarray:
    """Centres of `count` pixels, of which the first `filled` share is the picture, in shares of the picture."""
    return (np.arange(count) + 0.5) / (count * filled)


def _at(shares: np.ndarray, count: int) -> np.ndarray:
    return np.clip(np.floor(shares * count).astype(int), 0, count - 1)


def _cells(
    of: int, start: float, extent: float, flipped: bool, count: int, filled: float
) -> tuple[np.ndarray, np.ndarray]:
    """For each of a map's `of` lines: the result's line that its centre lies in (-1: none), and how far off centre."""
    share = ((np.arange(of) + 0.5) / of - start) / extent
    place = (1 - share if flipped else share) * count * filled
    cell = np.floor(place).astype(int)
    inside = (share >= 0) & (share < 1) & (cell < count)
    return np.where(inside, cell, -1), place - cell - 0.5
