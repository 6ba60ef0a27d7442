"""From a depth map to coloured points and triangles, without what hangs between two surfaces.

`point_cloud` and `grid_mesh` keep every pixel that has a depth and is not next to a depth discontinuity
(`depth_edges`): there a pixel sees two surfaces at once, and its predicted depth lies on neither. Sky (inf)
and unknown (nan) are left out. Everything stays in the frame of the points given: the camera frame (x right,
y down, z forward), metres.

Photographs of more than `max_points` pixels are thinned to every n-th row and column, n = `grid_step`.
"""

from __future__ import annotations

import math

import numpy as np

from heads.errors import InputError

MAX_POINTS = 1_000_000
EDGE_RATIO = 1.05
EDGE_SPANS = (1, 2, 4, 8)


def grid_step(height: int, width: int, max_points: int = MAX_POINTS) -> int:
    """The smallest n for which every n-th row and column of a height x width map is at most max_points."""
    if max_points < 1:
        raise InputError("max_points", f"is {max_points}", "1 or more")
    step = max(1, math.isqrt(height * width // max_points))
    while math.ceil(height / step) * math.ceil(width / step) > max_points:
        step += 1
    return step


def depth_edges(depth_z: np.ndarray, ratio: float = EDGE_RATIO) -> np.ndarray:
    """(H, W) bool: pixels of depth_z (H, W) metres next to a depth discontinuity, or on a blurred one.

    Two pixels of a row or a column are on different surfaces when their depths differ by more than `ratio`,
    and neither the plane through the pixels just before the two, nor the one through those just after,
    explains the difference to within `ratio`. (On a plane 1 / depth_z is linear in the pixels, so a floor
    seen at a grazing angle has no edges however fast its depth grows.) Predicted edges are several pixels
    wide: pairs up to 8 pixels apart are tried, and of a pair only the steep part between the two is marked.
    Pixels beside sky or unknown are no edges for that alone. `ratio` is above 1.
    """
    if depth_z.ndim != 2:
        raise InputError("depth_z", f"shape {depth_z.shape}", "(H, W)")
    if not ratio > 1:
        raise InputError("ratio", f"is {ratio}", "above 1, the ratio of two depths that makes an edge")
    known = np.isfinite(depth_z) & (depth_z > 0)
    nearness = np.full(depth_z.shape, np.nan)
    np.divide(1.0, depth_z, out=nearness, where=known)
    edges = _edges_down_columns(nearness, math.log(ratio))
    return edges | _edges_down_columns(nearness.T, math.log(ratio)).T


def point_cloud(
    points: np.ndarray, rgb: np.ndarray, depth_z: np.ndarray, max_points: int = MAX_POINTS
) -> tuple[np.ndarray, np.ndarray]:
    """The points (N, 3) float32 that lie on a surface, with their colours (N, 3) uint8.

    points (H, W, 3) metres, rgb (H, W, 3) uint8 and depth_z (H, W) metres are of the same pixels.
    """
    points, rgb, depth_z = _thinned(points, rgb, depth_z, max_points)
    keep = _on_a_surface(points, depth_z)
    return points[keep].astype(np.float32, copy=False), rgb[keep]


def grid_mesh(
    points: np.ndarray, depth_z: np.ndarray, rgb: np.ndarray, max_points: int = MAX_POINTS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles between neighbouring pixels: vertices (N, 3) float32 metres, faces (M, 3) int32 numbers of
    vertices, colours (N, 3) uint8.

    Inputs as in `point_cloud`. Counter-clockwise seen from the camera, so the normals face it. No triangle
    has a corner in the sky, in the unknown or on a depth edge; every vertex belongs to a triangle. Four
    pixels are split along the diagonal whose ends are closer in depth; where one of the four is missing, the
    other three still make a triangle.
    """
    points, rgb, depth_z = _thinned(points, rgb, depth_z, max_points)
    keep = _on_a_surface(points, depth_z)
    height, width = depth_z.shape
    number = np.arange(height * width, dtype=np.int32).reshape(height, width)

    # Corners of every 2 x 2 block: a b
    #                               c d
    a, b, c, d = (corner.ravel() for corner in _corners(number))
    has_a, has_b, has_c, has_d = (corner.ravel() for corner in _corners(keep))
    log_depth = np.zeros(depth_z.shape)
    np.log(depth_z, out=log_depth, where=keep)
    z_a, z_b, z_c, z_d = (corner.ravel() for corner in _corners(log_depth))

    all_four = has_a & has_b & has_c & has_d
    along_bc = np.where(all_four, np.abs(z_b - z_c) <= np.abs(z_a - z_d), has_b & has_c)
    triangles = [
        (along_bc & has_a & has_b & has_c, (a, c, b)),
        (along_bc & has_d & has_b & has_c, (b, c, d)),
        (~along_bc & has_c & has_a & has_d, (a, c, d)),
        (~along_bc & has_b & has_a & has_d, (a, d, b)),
    ]
    faces = np.concatenate([np.stack(corners, 1)[wanted] for wanted, corners in triangles])

    used = np.zeros(height * width, bool)
    used[faces] = True
    renumbered = np.cumsum(used, dtype=np.int32) - 1
    vertices = points.reshape(-1, 3)[used].astype(np.float32, copy=False)
    return vertices, renumbered[faces], rgb.reshape(-1, 3)[used]


def _on_a_surface(points: np.ndarray, depth_z: np.ndarray) -> np.ndarray:
    known = np.isfinite(depth_z) & (depth_z > 0) & np.isfinite(points).all(-1)
    return known & ~depth_edges(depth_z)


def _edges_down_columns(nearness: np.ndarray, threshold: float) -> np.ndarray:
    """Edges between rows; nearness (H, W) is 1 / depth_z, nan where unknown; threshold is a log ratio."""
    edges = np.zeros(nearness.shape, bool)
    rows = len(nearness)
    with np.errstate(invalid="ignore", divide="ignore"):
        steps = np.abs(np.log(nearness[1:] / nearness[:-1]))  # (H - 1, W), between neighbours
        for span in EDGE_SPANS:
            if span > 1 and 4 * span > rows:
                break
            first, second = nearness[:-span], nearness[span:]
            jump = np.abs(np.log(second / first))
            unexplained = jump.copy()
            if rows > 2 * span:
                # A plane that never gets there (1 / depth_z <= 0) explains nothing: fmin skips its nan.
                from_before = np.abs(np.log(second[span:] / (2 * first[span:] - first[:-span])))
                from_after = np.abs(np.log(first[:-span] / (2 * second[:-span] - second[span:])))
                unexplained[span:] = np.fmin(unexplained[span:], from_before)
                unexplained[:-span] = np.fmin(unexplained[:-span], from_after)
            found = unexplained > threshold  # (H - span, W); a nan is not
            if not found.any():
                continue
            for offset in range(span):
                steep = found & (steps[offset : offset + rows - span] >= jump / (2 * span))
                edges[offset : offset + rows - span] |= steep
                edges[offset + 1 : offset + 1 + rows - span] |= steep
    return edges


def _thinned(
    points: np.ndarray, rgb: np.ndarray, depth_z: np.ndarray, max_points: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if depth_z.ndim != 2 or points.shape != (*depth_z.shape, 3) or rgb.shape != (*depth_z.shape, 3):
        shapes = f"points {points.shape}, rgb {rgb.shape}, depth_z {depth_z.shape}"
        raise InputError("points, rgb, depth_z", f"shapes {shapes}", "(H, W, 3), (H, W, 3), (H, W)")
    step = grid_step(depth_z.shape[0], depth_z.shape[1], max_points)
    return points[::step, ::step], rgb[::step, ::step], depth_z[::step, ::step]


def _corners(grid: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]
