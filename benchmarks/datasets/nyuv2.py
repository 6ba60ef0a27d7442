"""NYU Depth v2, the labelled set: 1449 Kinect frames of rooms, as one MATLAB file.

link      https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html
layout    nyu_depth_v2_labeled.mat (v7.3, which is HDF5: arrays come transposed) and splits.mat, of 2012
splits    test (654), train (795), all (1449)
range     0.1 to 10 m
crop      eigen: rows 45-470, columns 41-600, as Eigen et al. evaluate; usual on test
depth     z-depth of a Kinect v1, projected into the colour camera: `rawDepths`
licence   research use, no licence text
faults    `depths` is painted in where the Kinect saw nothing (colourisation): guesses are no truth, so `rawDepths`
          is read. The release clamps what is farther than 10 m to exactly 10 m: taken out. The copy inside SUN
          RGB-D wraps beyond 8.19 m: this one does not (see sunrgbd.py).
camera    the toolbox's camera_params.m, RGB; its code counts pixel centres from 1
          (rgb_plane2rgb_world.m: columns 1 to 640 minus cx)
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.base import Card, expected, pinhole, record_row, unreadable
from benchmarks.datasets.mat import hdf5_text, open_hdf5, read_mat

CARD = Card(
    name="nyuv2",
    domain="indoor",
    link="https://cs.nyu.edu/~fergus/datasets/nyu_depth_v2.html",
    licence="research use",
    layout="labelled NYU Depth v2 (nyu_depth_v2_labeled.mat, splits.mat, 2012)",
    splits=("test", "train", "all"),
    depth="Kinect v1, raw, projected into the colour camera",
    valid_range_m=(0.1, 10.0),
    crops={"eigen": (41, 45, 601, 471)},
    usual_crop={"test": "eigen"},
)

FX, FY, CX, CY = 518.85790117450188, 519.46961112127485, 325.58244941119034, 253.73616633400465
CLAMPED_M = 10.0


@dataclass(frozen=True)
class Item:
    """One frame of the file, counted from 0."""

    path: Path
    index: int
    split: str


def items(root: Path, split: str) -> list[Item]:
    """The frames of a split, in the order of splits.mat, which counts from 1."""
    path = expected(root / "nyu_depth_v2_labeled.mat", CARD)
    if split == "all":
        with open_hdf5(path, CARD) as file:
            return [Item(path, index, split) for index in range(len(file["rawDepths"]))]
    splits = expected(root / "splits.mat", CARD)
    key = {"test": "testNdxs", "train": "trainNdxs"}[split]
    numbers = read_mat(splits, CARD, key).reshape(-1)
    return [Item(path, int(number) - 1, split) for number in numbers]


def record(item: Item) -> dict[str, Any]:
    """Frame `index`: the picture and the measured depth, upright."""
    with open_hdf5(item.path, CARD) as file:
        try:
            picture = np.asarray(file["images"][item.index]).transpose(2, 1, 0)  # stored (3, width, height)
            depth = np.asarray(file["rawDepths"][item.index], np.float32).T
            scene = hdf5_text(file, file["scenes"][:].reshape(-1)[item.index])
        except (KeyError, IndexError, ValueError) as problem:
            raise unreadable(item.path, CARD, problem) from problem
    size = (depth.shape[1], depth.shape[0])
    return record_row(
        CARD,
        item.split,
        scene=scene,
        frame=f"{item.index + 1:04d}",
        image=np.ascontiguousarray(picture),
        size=size,
        camera=pinhole((FX, FY, CX, CY), size, first_centre=1),
        depth=measured(depth),
    )


def measured(raw_depth: np.ndarray) -> np.ndarray:
    """(H, W) metres with nan where the Kinect gave nothing (0) or the release clamped (10 m and beyond)."""
    return np.where((raw_depth > 0) & (raw_depth < CLAMPED_M), raw_depth, np.nan).astype(np.float32)
