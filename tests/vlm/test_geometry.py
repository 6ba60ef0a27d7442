"""Edges, points and triangles from analytic depth maps, whose edges are known."""

import numpy as np
import pytest

from heads.errors import InputError
from vlm.geometry import depth_edges, grid_mesh, grid_step, point_cloud

FOCAL = 500.0


def points_of(depth_z: np.ndarray) -> np.ndarray:
    height, width = depth_z.shape
    y, x = np.mgrid[:height, :width] + 0.5
    with np.errstate(invalid="ignore"):
        return np.stack([(x - width / 2) / FOCAL * depth_z, (y - height / 2) / FOCAL * depth_z, depth_z], -1)


def floor(height: int, width: int, below_camera: float = 1.5) -> np.ndarray:
    """A horizontal plane under the camera, sky above the horizon."""
    slope = (np.arange(height) + 0.5 - height / 2) / FOCAL
    depth = np.full(height, np.inf)
    depth[slope > 0] = below_camera / slope[slope > 0]
    return np.repeat(depth[:, None], width, 1).astype(np.float32)


def colours_like(depth_z: np.ndarray) -> np.ndarray:
    rows, columns = np.indices(depth_z.shape)
    return np.stack([rows % 256, columns % 256, rows // 256], -1).astype(np.uint8)


def test_a_step_is_an_edge_on_its_two_pixels_only():
    depth_z = np.where(np.arange(60) < 23, 2.0, 3.0)[None].repeat(40, 0)
    for given, axis in ((depth_z, 1), (depth_z.T, 0)):
        assert np.unique(np.nonzero(depth_edges(given))[axis]).tolist() == [22, 23]
        assert depth_edges(given).sum() == 2 * 40


def test_no_plane_has_edges_however_steep():
    ground = floor(480, 64)
    assert ground[np.isfinite(ground)].max() == 1500  # the last row before the horizon jumps from 500 m
    assert not depth_edges(ground).any()
    wall = 1 / (0.01 + np.arange(300) / 300)[None].repeat(50, 0)  # 1 m to 100 m in 300 pixels
    assert not depth_edges(wall).any()
    assert not depth_edges(np.minimum(ground, 6.0)).any()  # where floor meets wall is no edge


def test_a_blurred_step_is_an_edge_where_it_is_steep():
    sharp = np.where(np.arange(80) < 40, 0.0, np.log(2))
    kernel = np.exp(-0.5 * (np.arange(-8, 9) / 1.5) ** 2)
    blurred = np.convolve(np.pad(sharp, 8, "edge"), kernel / kernel.sum(), "valid")
    marked = np.nonzero(depth_edges(np.exp(blurred)[None].repeat(30, 0))[0])[0]
    assert set(range(38, 42)) <= set(marked) and marked.min() >= 34 and marked.max() <= 45
    off_both = (np.exp(blurred) > 1.1) & (np.exp(blurred) < 1.8)  # on neither surface
    assert off_both[marked].sum() == off_both.sum()


def test_ratio_is_the_smallest_step_that_counts():
    depth_z = np.where(np.arange(40) < 20, 2.0, 2.2)[None].repeat(40, 0)
    assert depth_edges(depth_z, ratio=1.08).any() and not depth_edges(depth_z, ratio=1.12).any()
    with pytest.raises(InputError, match=r"^ratio: "):
        depth_edges(depth_z, ratio=1.0)


def test_sky_and_unknown_are_no_edges_and_tiny_maps_work():
    depth_z = np.full((9, 9), 2.0)
    depth_z[:3], depth_z[6:, 4] = np.inf, np.nan
    assert not depth_edges(depth_z).any()
    for shape in ((1, 1), (1, 7), (2, 2)):
        assert not depth_edges(np.ones(shape)).any()
    assert depth_edges(np.array([[1.0, 2.0]])).all()


def test_cloud_has_every_pixel_but_edges_sky_and_unknown():
    depth_z = np.where(np.arange(20) < 8, 2.0, 3.0)[None].repeat(30, 0)
    depth_z[:5], depth_z[20, 2] = np.inf, np.nan
    points, rgb = points_of(depth_z), colours_like(depth_z)
    cloud, colours = point_cloud(points, rgb, depth_z)
    expected = np.isfinite(depth_z)
    expected[:, 7:9] = False
    assert len(cloud) == len(colours) == expected.sum()
    np.testing.assert_array_equal(cloud, points[expected].astype(np.float32))
    np.testing.assert_array_equal(colours, rgb[expected])
    assert set(np.unique(cloud[:, 2])) == {2.0, 3.0}


def test_mesh_faces_the_camera_and_bridges_no_edge():
    depth_z = np.where(np.arange(40) < 15, 2.0, 3.0)[None].repeat(30, 0) + np.linspace(0, 0.3, 30)[:, None]
    depth_z[:4] = np.inf
    points, rgb = points_of(depth_z), colours_like(depth_z)
    vertices, faces, colours = grid_mesh(points, depth_z, rgb)

    corners = vertices[faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((normals * corners.mean(1)).sum(-1) < 0).all()  # against the line of sight
    assert np.ptp(corners[..., 2], axis=1).max() < 0.05
    assert set(np.unique(faces)) == set(range(len(vertices)))
    assert np.isfinite(vertices).all() and faces.dtype == np.int32
    # Columns 0-13 and 16-39 of rows 4-29 stay, each with all its squares.
    assert len(vertices) == 26 * (14 + 24) and len(faces) == 2 * 25 * (13 + 23)
    np.testing.assert_array_equal(points[colours[:, 0], colours[:, 1]].astype(np.float32), vertices)


@pytest.mark.parametrize("missing", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_three_of_four_pixels_still_make_a_triangle(missing):
    depth_z = np.full((2, 2), 2.0)
    depth_z[missing] = np.nan
    vertices, faces, _ = grid_mesh(points_of(depth_z), depth_z, colours_like(depth_z))
    assert len(vertices) == 3 and faces.shape == (1, 3)
    a, b, c = vertices[faces[0]]
    assert np.cross(b - a, c - a)[2] < 0


def test_lone_pixels_are_no_vertices():
    depth_z = np.full((5, 5), np.nan)
    depth_z[2, 2] = depth_z[4, 0] = 1.0
    vertices, faces, colours = grid_mesh(points_of(depth_z), depth_z, colours_like(depth_z))
    assert vertices.shape == (0, 3) and faces.shape == (0, 3) and colours.shape == (0, 3)
    assert len(point_cloud(points_of(depth_z), colours_like(depth_z), depth_z)[0]) == 2


def test_large_photographs_are_thinned_by_a_stated_step():
    assert grid_step(480, 640) == 1 and grid_step(1000, 1000) == 1
    assert grid_step(3000, 4000) == 4  # 3.46 would be just enough
    assert grid_step(1, 10, max_points=3) == 4
    depth_z = np.full((120, 160), 2.0)
    step = grid_step(120, 160, max_points=2500)
    points = points_of(depth_z)
    cloud, _ = point_cloud(points, colours_like(depth_z), depth_z, max_points=2500)
    np.testing.assert_array_equal(cloud, points[::step, ::step].reshape(-1, 3).astype(np.float32))
    assert 2500 / 2 < len(cloud) <= 2500
    with pytest.raises(InputError, match=r"^max_points: "):
        grid_step(10, 10, max_points=0)


def test_maps_of_different_pixels_are_refused():
    depth_z = np.full((4, 5), 2.0)
    with pytest.raises(InputError, match=r"^points, rgb, depth_z: .*\(5, 4, 3\)"):
        point_cloud(points_of(depth_z), colours_like(depth_z.T), depth_z)
