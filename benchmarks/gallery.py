"""Small pictures of the photographs that a run did worst and best on, kept while it runs.

    OUT/samples/RUN/_pictures/0000041_0.731250000.npz    index in the run, AbsRel; ten best and ten worst a process

So the report can show photograph, truth, prediction and error without the model and without the data set. Arrays of a
file: rgb (h, w, 3) uint8; predicted (h, w) float32 metres (absent where the model answers only at points); and, of
the true depths, each in the cell that it falls into: truth (h, w) metres and error (h, w), predicted / true - 1; nan
elsewhere. Of distances: ends (n, 2, 2), shares of width and height, with true_m and predicted_m (n,). At most 320 cells
a side.
"""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.metrics import valid
from vlm.files import replacing

KEPT = 10
LONGEST = 320

Picture = dict[str, np.ndarray]


class Gallery:
    """The extremes of a run so far; threads may offer at once. A run that goes on finds what it kept before."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._lock = threading.Lock()
        self._kept: list[tuple[float, int]] = [_told(path) for path in folder.glob("*.npz")] if folder.is_dir() else []

    def offer(self, index: int, score: float, make: Callable[[], Picture]) -> None:
        """Keeps `make()` of the run's photograph `index` where `score` (low = good) is among the extremes."""
        if not np.isfinite(score):
            return
        score = round(float(score), 9)
        with self._lock:
            if (score, index) in self._kept or not self._among(score, index):
                return
        picture = make()
        with self._lock:
            if not self._among(score, index):  # others have come in meanwhile
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            with replacing(self.folder / _name(score, index)) as temporary, temporary.open("wb") as file:
                np.savez_compressed(file, **picture)  # type: ignore[arg-type]
            self._kept.append((score, index))
            for gone in set(self._kept) - set(extremes(self._kept)):
                (self.folder / _name(*gone)).unlink(missing_ok=True)
                self._kept.remove(gone)

    def _among(self, score: float, index: int) -> bool:
        return (score, index) in extremes([*self._kept, (score, index)])


def extremes(scores: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """The ten lowest and the ten highest; of equal ones those that come first in the run."""
    best = sorted(scores)[:KEPT]
    worst = sorted(scores, key=lambda pair: (-pair[0], pair[1]))[:KEPT]
    return list(dict.fromkeys([*best, *worst]))


def read_picture(folder: Path, score: float, index: int) -> Picture | None:
    """What was kept of a photograph; None where nothing was."""
    path = folder / _name(round(float(score), 9), index)
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def picture(
    rgb: np.ndarray,
    depth_z: np.ndarray | None,
    predicted: np.ndarray,
    truth: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
) -> Picture:
    """rgb (H, W, 3) and depth_z (H, W), reduced; predicted and true metres where the truth is, in their cells.

    predicted, truth: (n,) with rows and columns (n,) of the photograph, or (h, w) with rows (h,) and columns (w,).
    """
    height, width = rgb.shape[:2]
    small = {"rgb": _small(rgb)}
    size = small["rgb"].shape[1::-1]
    if depth_z is not None:
        small["predicted"] = reduced(depth_z, size[::-1])
    if truth.ndim == 2 and (len(rows) < size[1] or len(columns) < size[0]):  # coarser than the picture: no holes
        at = np.ix_(_nearest(rows, height, size[1]), _nearest(columns, width, size[0]))
        truth, predicted = truth[at], predicted[at]
        rows, columns = np.arange(size[1]), np.arange(size[0])
    else:
        rows, columns = rows * size[1] // height, columns * size[0] // width
    if truth.ndim == 2:
        rows, columns = np.broadcast_arrays(rows[:, None], columns[None])
    here = valid(truth)
    for name, values in (("truth", truth[here]), ("error", predicted[here] / truth[here] - 1)):
        small[name] = np.full(size[::-1], np.nan, np.float32)
        small[name][rows[here], columns[here]] = values
    return small


def reduced(values: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """A map (H, W) at size = (h, w), float32: each cell has the value in its middle."""
    rows, columns = (((np.arange(to) + 0.5) * of / to).astype(int) for to, of in zip(size, values.shape, strict=True))
    return values[np.ix_(rows, columns)].astype(np.float32)


def distances_picture(rgb: np.ndarray, ends: np.ndarray, true_m: np.ndarray, predicted_m: np.ndarray) -> Picture:
    """rgb (H, W, 3), reduced, and pairs of its pixels (n, 2, 2) with their metres (n,)."""
    shares = ends.reshape(-1, 2, 2) / (rgb.shape[1], rgb.shape[0])
    return {"rgb": _small(rgb), "ends": shares, "true_m": true_m, "predicted_m": predicted_m}


def _nearest(places: np.ndarray, whole: int, cells: int) -> np.ndarray:
    """For each of `cells` across `whole` pixels, which of the ascending `places` is nearest to its middle."""
    middles = (np.arange(cells) + 0.5) * whole / cells - 0.5
    above = np.clip(np.searchsorted(places, middles), 1, max(1, len(places) - 1))
    if len(places) == 1:
        return np.zeros(cells, int)
    return np.where(middles - places[above - 1] <= places[above] - middles, above - 1, above)


def _small(rgb: np.ndarray) -> np.ndarray:
    height, width = rgb.shape[:2]
    shrink = min(1.0, LONGEST / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    return np.array(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))


def _name(score: float, index: int) -> str:
    return f"{index:07}_{score:.9f}.npz"


def _told(path: Path) -> tuple[float, int]:
    index, score = path.stem.split("_")
    return float(score), int(index)
