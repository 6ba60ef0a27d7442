"""Planes and normals: is a flat wall flat, and does it stand as it should?

Maps are (h, w) depth_z in metres on one grid, `camera` is the true camera of that grid. 1 / depth_z of a plane
n . P = 1 is linear in the image, n . (x / z, y / z, 1) = 1 / z: so normals come from the slope of 1 / depth_z, exactly
on planes. Nothing here changes when all predictions are multiplied by one factor.
"""

import math

import numpy as np

from benchmarks.metrics import valid
from heads.camera import Camera
from vlm.geometry import depth_edges

BLOCKS = 8  # along the longer side: squares in which the truth is searched for planes
PLANAR = 0.005  # rms distance to the fitted plane over mean depth, of a square of the truth that is a plane
FEWEST = 100  # pixels of a region
PRESENT = 0.9  # share of a region's pixels that must be there


def plane_errors(
    prediction: np.ndarray, truth: np.ndarray, camera: Camera, planes: np.ndarray | None = None
) -> dict[str, float]:
    """Flatness and tilt of planar regions (iBims-1's planarity errors, Koch et al. 2018, eq. 4 and 5).

    planes: (h, w) label map, 0 = none; else squares (an eighth of the longer side) whose truth lies within 0.5 %
    of its depth (rms) of one plane. Of each region: the predicted points, scaled by median(t / p) to their true
    distance (iBims-1 does not scale), and the plane of least squares through them.
    plane_flatness_cm: rms distance of these points to that plane, centimetres; plane_tilt_deg: angle between
    its normal and that of the plane through the true points. Means over the regions, each counts the same.
    """
    labels = _planar_squares(truth, camera) if planes is None else np.asarray(planes)
    pixels = camera.pixel_grid()
    here = valid(truth)
    flatness, tilt = [], []
    for label in np.unique(labels[labels > 0]):
        region = (labels == label) & here
        both = region & valid(prediction)
        if region.sum() < FEWEST or both.sum() < PRESENT * region.sum():
            continue
        p, t = prediction[both].astype(np.float64), truth[both].astype(np.float64)
        p = p * np.median(t / p)
        normal, rms = fit_plane(camera.unproject(pixels[both], p))
        true_normal, _ = fit_plane(camera.unproject(pixels[both], t))
        flatness.append(100 * rms)
        tilt.append(_angle_deg(normal, true_normal))
    if not flatness:
        return {"planes": 0}
    means = {"plane_flatness_cm": float(np.mean(flatness)), "plane_tilt_deg": float(np.mean(tilt))}
    return {"planes": len(flatness), **means}


def fit_plane(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Unit normal (away from the camera) and rms distance, of the plane of least squares through (n, 3) points."""
    middle = points.mean(0)
    centred = points - middle
    values, vectors = np.linalg.eigh(centred.T @ centred / len(points))
    normal = vectors[:, 0] * np.where(vectors[:, 0] @ middle < 0, -1, 1)
    return normal, math.sqrt(max(values[0], 0.0))


def _planar_squares(truth: np.ndarray, camera: Camera) -> np.ndarray:
    """Label map of the squares of a grid in which the truth is a plane."""
    side = max(math.isqrt(FEWEST), math.ceil(max(truth.shape) / BLOCKS))
    labels = np.zeros(truth.shape, np.int32)
    pixels, here = camera.pixel_grid(), valid(truth)
    number = 0
    for top in range(0, truth.shape[0] - side + 1, side):
        for left in range(0, truth.shape[1] - side + 1, side):
            block = slice(top, top + side), slice(left, left + side)
            inside = here[block]
            if inside.mean() < PRESENT:
                continue
            depth = truth[block][inside].astype(np.float64)
            _, rms = fit_plane(camera.unproject(pixels[block][inside], depth))
            if rms < PLANAR * depth.mean():
                number += 1
                labels[block] = number
    return labels


def normal_errors(prediction: np.ndarray, truth: np.ndarray, camera: Camera) -> dict[str, float]:
    """Mean and median angle in degrees between predicted and true surface normals, over all pixels that have both.

    A normal is the least-squares slope of 1 / depth_z over a square of 2 r + 1 pixels, r = longer side / 160 rounded,
    at least 1. Left out: squares with unknown pixels, and those that a true depth edge crosses.
    """
    from scipy import ndimage

    radius = max(1, round(max(truth.shape) / 160))
    if min(truth.shape) <= 2 * radius + 1:
        return {}
    true = _normals(truth, camera, radius)
    crossed = np.asarray(ndimage.maximum_filter(depth_edges(truth), size=2 * radius + 1), bool)
    predicted = _normals(prediction, camera, radius)
    here = np.isfinite(true).all(-1) & np.isfinite(predicted).all(-1) & ~crossed
    if not here.any():
        return {}
    angles = _angle_deg(predicted[here], true[here])
    return {"normal_mean_deg": float(angles.mean()), "normal_median_deg": float(np.median(angles))}


def _normals(depth_z: np.ndarray, camera: Camera, radius: int) -> np.ndarray:
    """(h, w, 3) normals, not unit ones (n . P = 1); nan where a square is not all surface."""
    from scipy import ndimage

    nearness = np.full(depth_z.shape, np.nan)
    np.divide(1.0, depth_z, out=nearness, where=valid(depth_z))
    window = 2 * radius + 1
    steps = np.arange(-radius, radius + 1)
    slope, flat = steps / (steps**2).sum(), np.full(window, 1 / window)

    def along(axis: int, kernel: np.ndarray, other: np.ndarray) -> np.ndarray:
        once = ndimage.correlate1d(nearness, kernel, axis=axis, mode="constant", cval=np.nan)
        return ndimage.correlate1d(once, other, axis=1 - axis, mode="constant", cval=np.nan)

    a, b = camera.fx * along(1, slope, flat), camera.fy * along(0, slope, flat)
    x, y = np.moveaxis((camera.pixel_grid() - (camera.cx, camera.cy)) / (camera.fx, camera.fy), -1, 0)
    return np.stack([a, b, along(0, flat, flat) - a * x - b * y], -1)


def _angle_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees between vectors (..., 3); atan2 keeps its digits where the angle is small."""
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(-1)))
