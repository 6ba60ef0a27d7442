"""A run's sample pictures: photograph, true depth, predicted depth, error and stated uncertainty side by side."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vlm.files import write_picture
from vlm.pictures import (
    UNKNOWN_COLOUR,
    depth_picture,
    photograph_picture,
    side_by_side,
    uncertainty_picture,
)
from vlm.scale_bar import Scale, beside, coloured

LEAST_ERROR, MOST_ERROR = 1.0, 100.0  # percent, the ends of the error's colours


@dataclass
class Seen:
    """One held-out picture as the network saw it: image (H, W, 3) uint8, depths (H, W) metres, scale of log depth."""

    image: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    log_depth_scale: np.ndarray | None = None


def write_sheets(folder: Path, step: int, seen: list[Seen]) -> list[Path]:
    """One folder/step-STEP-N.jpg a picture."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"step-{step:06}-{number}.jpg" for number in range(1, len(seen) + 1)]
    for path, each in zip(paths, seen, strict=True):
        write_picture(path, sheet(each))
    return paths


def sheet(seen: Seen) -> Image.Image:
    """Truth and prediction in the same colours; what the model does not predict or nobody knows is left out."""
    known = seen.truth[np.isfinite(seen.truth) & (seen.truth > 0)]
    pictures = {"photograph": photograph_picture(seen.image)}
    range_m = None
    if known.size:
        scale = Scale.of(known)
        range_m = (scale.low, scale.high)
        pictures["true depth"] = depth_picture(seen.truth, range_m)
    pictures["predicted depth"] = depth_picture(seen.predicted, range_m)
    if known.size:
        pictures["error"] = error_picture(seen.predicted, seen.truth)
    if seen.log_depth_scale is not None:
        pictures["uncertainty"] = uncertainty_picture(seen.log_depth_scale)
    return side_by_side(list(pictures.values()), list(pictures))


def error_picture(predicted: np.ndarray, truth: np.ndarray) -> Image.Image:
    """How far off the predicted depth is, in percent of the true one, with a bar; (H, W) metres each.

    The same colours in every picture: dark = right. Grey where no depth is known (sky among it).
    """
    known = np.isfinite(truth) & (truth > 0)
    percent = 100 * np.abs(predicted / np.where(known, truth, 1) - 1)
    scale = Scale(LEAST_ERROR, MOST_ERROR)
    colours = coloured(scale.share(percent), "inferno")
    colours[~known] = UNKNOWN_COLOUR
    middle = np.median(percent[known])
    heading = ["error", f"median {middle:.3g} %"]
    legend = [] if known.all() else [("not known", UNKNOWN_COLOUR)]
    return beside(photograph_picture(colours), heading, (scale, "inferno", "%"), legend)
