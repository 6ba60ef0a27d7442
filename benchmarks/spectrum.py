"""The pattern of a token grid in a depth map: a peak in its spectrum at the tokens' period, steps at their borders."""

import math

import numpy as np

from benchmarks.metrics import valid

FLOOR = 1e-5  # of log depth (0.001 %): ripple below this is not seen
MOST_STEP = math.log(1.1)  # what a pair of neighbours counts at most: a true depth edge
FEWEST_LINES, MOST_LINES, FEWEST_PERIODS = 8, 400, 4


def token_peak(prediction: np.ndarray, period_px: tuple[float, float]) -> float:
    """Power at the token period over its neighbourhood's, along rows or columns, whichever is larger; 1 = no peak.

    prediction: (H, W) depth_z; period_px: how far apart tokens are (across, down), pixels of that map. Each row (then
    each column) without a gap, of 400 evenly picked ones, cut to m whole periods, n pixels in all: log depth, its
    straight line taken off, times Hann's window w, |FFT|^2, averaged over the rows. The peak is the power at bin m;
    the neighbourhood's is what a straight line through log power over log frequency says at m, fitted to the bins
    from m / 2 to 2 m without those within 1.5 of m or 2 m (so a power law, which scenes have, gives 1). Ripple
    A sin(2 pi x / period) in white noise of variance s^2 gives 1 + A^2 n / (6 s^2): Hann's sum is n / 2, its sum of
    squares 3 n / 8.
    nan with fewer than 8 rows without a gap, or fewer than 4 periods, along both axes.
    """
    peaks = [
        _peak(_lines(values), period) for values, period in zip((prediction, prediction.T), period_px, strict=True)
    ]
    told = [peak for peak in peaks if not math.isnan(peak)]
    return max(told) if told else math.nan


def token_seams(prediction: np.ndarray, period_px: tuple[float, float]) -> float:
    """The step of log depth across the borders of tokens over that between neighbours inside; 1 = borders not seen.

    `token_peak` is blind to blocks: noise that is held for a period has no power at that period. Here every pair of
    neighbours in a row (then in a column) gives min(|difference of log depth|, ln 1.1), so that true depth edges
    count little. Pairs on both sides of a multiple of the period are at a border; they are compared with those a
    quarter and three quarters of a period on (not with all: maps made of cells of a few pixels step between these
    everywhere). The ratio of the two means, along rows or columns, whichever is larger. Steps of standard deviation
    s at borders in noise of standard deviation r (both small) give sqrt(1 + s^2 / (2 r^2)). nan where neither axis
    has two tokens.
    """
    ratios = [_seams(values, period) for values, period in zip((prediction, prediction.T), period_px, strict=True)]
    told = [ratio for ratio in ratios if not math.isnan(ratio)]
    return max(told) if told else math.nan


def _seams(rows: np.ndarray, period: float) -> float:
    if not 2 <= period <= rows.shape[1] / 2:
        return math.nan
    logs = np.log(rows, where=valid(rows), out=np.full(rows.shape, np.nan))
    steps = np.minimum(np.abs(np.diff(logs, axis=1)), MOST_STEP)
    quarter = np.floor((np.arange(rows.shape[1]) + 0.5) / period * 4)
    entered = np.where(np.diff(quarter) > 0, quarter[1:] % 4, np.nan)
    border, inside = steps[:, entered == 0], steps[:, entered % 2 == 1]
    if np.isnan(border).all() or np.isnan(inside).all():  # also where there is none
        return math.nan
    return float((np.nanmean(border) + FLOOR) / (np.nanmean(inside) + FLOOR))


def _lines(values: np.ndarray) -> np.ndarray:
    """Log depth of the rows without a gap, of MOST_LINES evenly picked ones."""
    rows = values[:: math.ceil(len(values) / MOST_LINES)]
    return np.log(rows[valid(rows).all(1)], dtype=np.float64)


def _peak(rows: np.ndarray, period: float) -> float:
    if not 2 <= period <= rows.shape[1]:
        return math.nan
    m = math.floor(rows.shape[1] / period + 1e-6)
    n = min(round(m * period), rows.shape[1])
    if len(rows) < FEWEST_LINES or m < FEWEST_PERIODS:
        return math.nan
    x = np.arange(n) - (n - 1) / 2
    rows = rows[:, :n] - rows[:, :n].mean(1, keepdims=True)
    rows = rows - (rows @ x / (x @ x))[:, None] * x
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    power = (np.abs(np.fft.rfft(rows * window, axis=1)) ** 2).mean(0) + FLOOR**2 * (window**2).sum()
    bins = np.arange(len(power))
    beside = (bins >= m / 2) & (bins <= 2 * m) & (np.abs(bins - m) > 1.5) & (np.abs(bins - 2 * m) > 1.5)
    if beside.sum() < 3:
        return math.nan
    level = np.polyfit(np.log(bins[beside] / m), np.log(power[beside]), 1)[1]
    return float(power[m] / math.exp(level))
