"""DIODE: one laser scanner's photographs indoors and outdoors, dense depth.

link      https://diode-dataset.org/
layout    SPLIT/indoors|outdoor/scene_00000/scan_00000/NAME.png, NAME_depth.npy (768, 1024, 1) float32 metres,
          NAME_depth_mask.npy (768, 1024), 1 = valid (2019)
splits    val (771), train
range     0.6 to 350 m (FARO Focus S350)
depth     the devkit says "depth" only; it is read as z-depth, as published evaluations do
licence   MIT
faults    Depth at edges is smeared by the scanner (devkit issue 3); the mask lets some of it pass. What the mask
          takes out is no truth. fx and fy differ by 4.5 % (intrinsics.txt says so): they are not averaged.
camera    [fx, fy, cx, cy] = [886.81, 927.06, 512, 384] px for all: the principal point is the picture's centre
source    diode-dataset/diode-devkit: README.md, intrinsics.txt, diode.py
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.base import Card, expected, none_found, photograph, pinhole, record_row, unreadable

CARD = Card(
    name="diode",
    domain="mixed",
    link="https://diode-dataset.org/",
    licence="MIT",
    layout="DIODE train and val with depth (2019)",
    splits=("val", "train"),
    depth="FARO Focus S350 laser scanner, dense",
    valid_range_m=(0.6, 350.0),
)

FX, FY, CX, CY = 886.81, 927.06, 512.0, 384.0
DOMAINS = {"indoors": "indoor", "outdoor": "outdoor"}


@dataclass(frozen=True)
class Item:
    """One photograph; its depth and mask lie beside it."""

    path: Path
    domain: str
    split: str


def items(root: Path, split: str) -> list[Item]:
    """Every photograph of the split, indoors first."""
    folder = expected(root / split, CARD)
    found = [
        Item(path, domain, split)
        for kind, domain in DOMAINS.items()
        for path in sorted(folder.glob(f"{kind}/scene_*/scan_*/*.png"))
    ]
    if not found:
        raise none_found(folder / "indoors" / "scene_00000" / "scan_00000" / "NAME.png", CARD)
    return found


def record(item: Item) -> dict[str, Any]:
    """The photograph in place, its depth under its mask."""
    image, size = photograph(item.path, CARD)
    depth, mask = (_map(item.path.with_name(f"{item.path.stem}_{kind}.npy")) for kind in ("depth", "depth_mask"))
    if not depth.shape == mask.shape == size[::-1]:
        raise unreadable(item.path, CARD, f"picture {size[::-1]}, depth {depth.shape}, mask {mask.shape}")
    return record_row(
        CARD,
        item.split,
        scene=item.path.parents[1].name,
        frame=item.path.stem,
        image=image,
        size=size,
        camera=pinhole((FX, FY, CX, CY), size, first_centre=0.5),
        depth=np.where((mask > 0) & (depth > 0), depth, np.nan).astype(np.float32),
        domain=item.domain,
    )


def _map(path: Path) -> np.ndarray:
    """(H, W); the release has a third axis of one."""
    try:
        values = np.load(expected(path, CARD), allow_pickle=False)
        return values.reshape(values.shape[:2])
    except ValueError as problem:
        raise unreadable(path, CARD, problem) from problem
