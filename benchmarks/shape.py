"""What scale metrics hide: the shape of a depth map. One dictionary of all shape columns.

    shape_metrics(predicted, truth, camera)  # edges, boundaries, order, planes, normals

Every measure is defined where it is computed: `benchmarks.boundaries` (edge width, boundary errors of iBims-1,
near/far order), `benchmarks.surfaces` (flatness and tilt of planes, normals), `benchmarks.spectrum` (the peak at the
token period). A perfect prediction has edge_width_px = edge_width_true_px, edges_found 1, both boundary errors 0,
order_wrong 0, plane flatness as flat as the truth is, tilt 0 and normal errors 0.
"""

import numpy as np

from benchmarks.boundaries import boundary_errors, edge_widths, order_errors
from benchmarks.metrics import valid
from benchmarks.surfaces import normal_errors, plane_errors
from heads.camera import Camera

DENSE = 0.25  # share of the truth that is known


def shape_metrics(
    prediction: np.ndarray,
    truth: np.ndarray,
    camera: Camera | None,
    masks: dict[str, np.ndarray] | None = None,
    key: str = "",
    photo_px: float = 1.0,
) -> dict[str, float]:
    """prediction, truth: (h, w) depth_z on the truth's grid; camera: the true one, of that grid, None = unknown.

    masks: "edges" and "planes" of the record, where it has them. key: names the photograph, for what is drawn.
    photo_px: pixels of the photograph a pixel of the grid; edge widths are in pixels of the photograph.
    Maps with little truth (under a quarter known, as LiDAR's) have an order alone.
    """
    masks = masks or {}
    if (valid(truth) | np.isposinf(truth)).mean() < DENSE:
        return order_errors(prediction, truth, key)
    widths = edge_widths(prediction, truth)
    found = {name: value * photo_px if name.endswith("_px") else value for name, value in widths.items()}
    found |= boundary_errors(prediction, truth, masks.get("edges"))
    found |= order_errors(prediction, truth, key)
    if camera is not None and valid(truth).any():
        found |= plane_errors(prediction, truth, camera, masks.get("planes"))
        found |= normal_errors(prediction, truth, camera)
    return found
