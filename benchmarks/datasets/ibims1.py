"""iBims-1: 100 photographs of rooms with laser-scanned depth, made to judge edges and planes.

link      https://www.asg.ed.tum.de/lmf/ibims1/
layout    ibims1_core_mat: imagelist.txt and one NAME.mat (v5) a photograph, a struct `data`
split     test (all 100)
range     0.1 to 50 m
depth     z-depth of a laser scan, (480, 640) metres, 0 = none
licence   research, non-commercial
masks     planes: every wall, table and floor plane has its own label in one map; wall, table, floor: the release's
          own labels; edges: 1 at labelled depth edges
faults    mask_invalid and mask_transp are 1 where depth is good: what they take out (glass, mirrors, missing
          scans) is no truth. `calib` is stored as MATLAB does, transposed: the principal point is in its last
          row; MATLAB counts pixel centres from 1.
source    the official evaluate_ibims.py and evaluate_ibims_error_metrics.py
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.base import Card, expected, pinhole, record_row, unreadable
from benchmarks.datasets.mat import read_mat

CARD = Card(
    name="ibims1",
    domain="indoor",
    link="https://www.asg.ed.tum.de/lmf/ibims1/",
    licence="research, non-commercial",
    layout="iBims-1 core, MATLAB form (ibims1_core_mat, 2018)",
    splits=("test",),
    depth="laser scanner, dense",
    valid_range_m=(0.1, 50.0),
)

PLANE_KINDS = ("wall", "table", "floor")


@dataclass(frozen=True)
class Item:
    """One photograph's .mat."""

    path: Path
    split: str


def items(root: Path, split: str) -> list[Item]:
    """The photographs that imagelist.txt names, their .mat beside it."""
    names = expected(root / "imagelist.txt", CARD).read_text(encoding="utf-8").split()
    return [Item(expected(root / f"{name}.mat", CARD), split) for name in names]


def record(item: Item) -> dict[str, Any]:
    """Photograph, valid depth, plane and edge masks, camera."""
    data = read_mat(item.path, CARD, "data").reshape(-1)[0]
    try:
        depth, kinds = valid_depth(data), {kind: np.asarray(getattr(data, f"mask_{kind}")) for kind in PLANE_KINDS}
        size = (depth.shape[1], depth.shape[0])
        masks = {kind: labels.astype(np.uint8) for kind, labels in kinds.items()}
        masks |= {"planes": one_label_a_plane(kinds), "edges": (np.asarray(data.edges) > 0).astype(np.uint8)}
        matrix = upright_calibration(np.asarray(data.calib, dtype=np.float64))
        picture = np.asarray(data.rgb, dtype=np.uint8)
    except (AttributeError, ValueError) as problem:
        raise unreadable(item.path, CARD, problem) from problem
    return record_row(
        CARD,
        item.split,
        scene=item.path.stem,
        frame=item.path.stem,
        image=picture,
        size=size,
        camera=pinhole(matrix, size, first_centre=1),
        depth=depth,
        mask_paths=masks,
    )


def valid_depth(data: Any) -> np.ndarray:
    """(H, W) float32 metres; nan where the scan has none, or a mask says that it cannot be trusted."""
    depth = np.asarray(data.depth, dtype=np.float32)
    good = (depth > 0) & (np.asarray(data.mask_invalid) > 0) & (np.asarray(data.mask_transp) > 0)
    return np.where(good, depth, np.nan).astype(np.float32)


def one_label_a_plane(kinds: dict[str, np.ndarray]) -> np.ndarray:
    """(H, W) uint8: planes counted through, walls first, then tables, then floors; 0 = no plane."""
    planes, used = np.zeros(next(iter(kinds.values())).shape, np.uint8), 0
    for kind in PLANE_KINDS:
        labels = kinds[kind].astype(np.int64)
        planes = np.where(labels > 0, labels + used, planes).astype(np.uint8)
        used += int(labels.max(initial=0))
    return planes


def upright_calibration(matrix: np.ndarray) -> np.ndarray:
    """(3, 3) with the principal point in the last column, whichever way it was stored."""
    return matrix.T if matrix[0, 2] == 0 and matrix[2, 0] != 0 else matrix
