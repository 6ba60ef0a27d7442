"""SUN RGB-D: 10,335 indoor frames of four depth cameras, gathered from several collections.

link      https://rgbd.cs.princeton.edu/
layout    SUNRGBD/ (SUNRGBD.zip) and SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat (SUNRGBDtoolbox.zip), V1, 2015
splits    test, train: the official lists without kv1/NYUdata
range     0.1 to 8 m (the toolbox cuts at 8 m)
depth     z-depth in the colour camera, `depth/` (raw; `depth_bfx/` is filled in and so no measurement)
licence   research use
encoding  16-bit PNG, millimetres rotated left by 3 bits: metres = ((v >> 3) | (v << 13)) / 1000
          (SUNRGBDtoolbox/readData/read3dPoints.m)
faults    NYU Depth v2 frames (kv1/NYUdata) were stored in 13 bits and wrap beyond 8.19 m: a wall at 9 m reads
          0.81 m. They are refused here; `fathom bench prepare nyuv2` has the same frames with the raw Kinect depth.
camera    intrinsics.txt of the frame; the toolbox counts pixel centres from 1
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.base import (
    Card,
    expected,
    none_found,
    photograph,
    pinhole,
    read_image,
    record_row,
    unreadable,
)
from benchmarks.datasets.mat import read_mat

CARD = Card(
    name="sunrgbd",
    domain="indoor",
    link="https://rgbd.cs.princeton.edu/",
    licence="research use",
    layout="SUN RGB-D V1 (SUNRGBD.zip, SUNRGBDtoolbox.zip, 2015)",
    splits=("test", "train"),
    depth="Kinect v1 and v2, RealSense, Xtion; raw",
    valid_range_m=(0.1, 8.0),
)

WRAPPED = "kv1/NYUdata"


@dataclass(frozen=True)
class Item:
    """One frame's folder; name: its path under SUNRGBD/."""

    folder: Path
    name: str
    split: str


def items(root: Path, split: str) -> list[Item]:
    """The frames of the official list, without those whose depth wraps."""
    path = expected(root / "SUNRGBDtoolbox" / "traintestSUNRGBD" / "allsplit.mat", CARD)
    listed = [str(np.asarray(entry).reshape(-1)[0]) for entry in read_mat(path, CARD, f"all{split}").reshape(-1)]
    names = [text.split("SUNRGBD/", 1)[-1].strip("/") for text in listed]
    images = expected(root / "SUNRGBD", CARD)
    return [Item(images / name, name, split) for name in names if not name.startswith(WRAPPED)]


def record(item: Item) -> dict[str, Any]:
    """The frame with its depth decoded."""
    image, size = photograph(_only(item.folder / "image", "*.jpg"), CARD)
    path = expected(item.folder / "intrinsics.txt", CARD)
    try:
        matrix = np.loadtxt(path).reshape(3, 3)
    except ValueError as problem:
        raise unreadable(path, CARD, problem) from problem
    metres = decoded(read_image(_only(item.folder / "depth", "*.png"), CARD))
    return record_row(
        CARD,
        item.split,
        scene=item.name.rsplit("/", 1)[-1],
        frame=item.name.replace("/", "_"),
        image=image,
        size=size,
        camera=pinhole(matrix, size, first_centre=1),
        depth=metres,
        depth_size=(metres.shape[1], metres.shape[0]),
    )


def decoded(values: np.ndarray) -> np.ndarray:
    """(H, W) 16-bit values -> float32 metres, nan where 0: the 16 bits are rotated back to the right by 3."""
    bits = values.astype(np.uint32)
    millimetres = (bits >> 3) | ((bits << 13) & 0xFFFF)
    return np.where(millimetres > 0, millimetres / 1000, np.nan).astype(np.float32)


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise none_found(folder / pattern, CARD)
    return found[0]
