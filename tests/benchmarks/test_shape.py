"""Shape on scenes whose answer is known: perfect, blurred, tilted, bent, swapped and gridded predictions."""

import math

import numpy as np
import pytest
from scipy import ndimage

from benchmarks.boundaries import boundary_errors, canny, edge_widths, order_errors
from benchmarks.shape import shape_metrics
from benchmarks.spectrum import token_peak, token_seams
from benchmarks.surfaces import fit_plane, normal_errors, plane_errors
from heads.camera import Camera

SIZE = (120, 160)  # h, w
CAMERA = Camera.from_fov(160, 120, fov_x_deg=60)
SLOPES = np.moveaxis((CAMERA.pixel_grid() - (CAMERA.cx, CAMERA.cy)) / CAMERA.focal, -1, 0)


def step(near: float = 2.0, far: float = 4.0, width: int = 160) -> np.ndarray:
    """A wall at `near` on the left half, one at `far` on the right half, 120 rows."""
    return np.where(np.arange(width) < width // 2, near, far) * np.ones((120, 1))


def plane(normal: tuple[float, float, float], distance: float = 3.0) -> np.ndarray:
    """depth_z of the plane n . P = distance with unit n."""
    n = np.asarray(normal) / np.linalg.norm(normal)
    return distance / (n[0] * SLOPES[0] + n[1] * SLOPES[1] + n[2])


def room() -> np.ndarray:
    """A floor, a back wall and a box in front of them."""
    depth = np.minimum(plane((0, 1, 0.2), 1.2), 5.0)
    depth = np.where(depth > 0, depth, 5.0)
    depth[40:90, 50:90] = 2.0
    return depth


def test_a_perfect_prediction_scores_perfect_at_any_scale():
    truth = room()
    for factor in (1.0, 3.7):
        found = shape_metrics(truth * factor, truth, CAMERA)
        assert found["edges"] > 50 and found["edges_found"] == 1
        assert found["edge_width_px"] == pytest.approx(found["edge_width_true_px"]) == pytest.approx(0.8)
        assert (found["boundary_accuracy_px"], found["boundary_completeness_px"]) == (0, 0)
        assert found["order_pairs"] == 4096 and found["order_wrong"] == 0
        assert found["planes"] > 5
        assert found["plane_flatness_cm"] < 0.2  # squares that a true edge crosses are no planes of the truth
        assert found["plane_tilt_deg"] == pytest.approx(0, abs=1e-4)
        assert found["normal_mean_deg"] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("width", [4, 8, 12])
def test_a_ramp_over_n_pixels_is_eight_tenths_of_n_wide(width):
    # log depth rises evenly from the centre of column 240 - n / 2 to that of column 240 + n / 2
    ramp = np.log(2) * np.clip((np.arange(480) - 240) / width + 0.5, 0, 1)
    found = edge_widths(2 * np.exp(ramp) * np.ones((120, 1)), step(width=480))
    assert found["edge_width_px"] == pytest.approx(0.8 * width)
    assert found["edge_width_true_px"] == pytest.approx(0.8) and found["edges"] == 120


def test_a_gaussian_blur_of_sigma_s_is_two_and_a_half_s_wide():
    for sigma in (1.5, 2.0):
        blurred = np.exp(ndimage.gaussian_filter(np.log(step(width=480)), (0, sigma), truncate=8))
        # 10 and 90 % of a Gaussian are 1.2816 sigma from its middle
        assert edge_widths(blurred, step(width=480))["edge_width_px"] == pytest.approx(2 * 1.2816 * sigma, rel=0.04)


def test_edges_down_the_picture_count_as_those_across():
    tall, blurred = step().T.copy(), np.exp(ndimage.uniform_filter1d(np.log(step()), 5, axis=1)).T
    found = edge_widths(blurred, tall)
    assert found["edges"] == 120 and found["edge_width_px"] == pytest.approx(
        edge_widths(blurred.T, step())["edge_width_px"]
    )


def test_an_edge_that_the_prediction_does_not_make_has_no_width():
    half_flat = step()
    half_flat[:60] = 2.0
    found = edge_widths(half_flat, step())
    assert (found["edges"], found["edges_found"]) == (120, 0.5)
    assert found["edge_width_px"] == pytest.approx(0.8)
    turned = edge_widths(step(4.0, 2.0), step())  # an edge in the wrong direction is none
    assert turned["edges_found"] == 0 and math.isnan(turned["edge_width_px"])
    assert edge_widths(np.full(SIZE, np.nan), step())["edges_found"] == 0
    assert edge_widths(step(), np.full(SIZE, 3.0)) == {"edges": 0}


def test_an_edge_that_is_high_before_it_is_low_counts_as_found_and_has_no_width():
    early = step()
    early[:60, 72:74] = 4.0  # the window's first two of 16 columns; their 0.1 is reached nowhere before
    early[:60, 74:76] = 1.5
    found = edge_widths(early, step())
    assert found["edges_found"] == 1 and found["edge_width_px"] == pytest.approx(0.8)


def test_an_edge_beside_unknown_truth_is_not_looked_at():
    truth = step()
    truth[:, 82] = np.nan
    assert edge_widths(step(), truth) == {"edges": 0}


@pytest.mark.parametrize("moved", [1, 3, 6])
def test_a_boundary_moved_by_n_pixels_is_n_pixels_off(moved):
    truth, predicted = step(), np.roll(step(), moved, axis=1)
    predicted[:, :moved] = 2.0
    edges = np.zeros(SIZE)
    edges[:, 79] = 1
    found = boundary_errors(truth, truth, edges)  # Canny marks the two pixels beside the step: 79 and 80
    assert found == {"boundary_accuracy_px": 0.5, "boundary_completeness_px": 0}
    found = boundary_errors(predicted, truth)
    # columns 79 + n and 80 + n against 79 and 80: the nearest is n - 1 or n away
    assert found["boundary_accuracy_px"] == pytest.approx(moved - 0.5)
    assert found["boundary_completeness_px"] == pytest.approx(moved - 0.5)


def test_boundaries_that_are_not_found_are_ten_pixels_off():
    assert boundary_errors(np.full(SIZE, 3.0), step()) == {"boundary_accuracy_px": 10, "boundary_completeness_px": 10}
    far = np.roll(step(), 40, axis=1)
    far[:, :40] = 2.0  # an edge 40 pixels away is not near any true one
    assert boundary_errors(far, step()) == {"boundary_accuracy_px": 10, "boundary_completeness_px": 10}
    assert boundary_errors(step(), np.full(SIZE, 3.0)) == {}  # no true edge: nothing to say
    lidar = np.where(np.random.default_rng(0).random(SIZE) < 0.05, step(), np.nan)
    assert boundary_errors(step(), lidar) == {}


def test_sky_is_a_boundary_too():
    truth = step(2.0, np.inf)
    truth[100:] = 6.0
    assert boundary_errors(truth, truth)["boundary_accuracy_px"] == 0
    assert boundary_errors(np.where(np.isinf(truth), 40.0, truth), truth)["boundary_completeness_px"] == 0


def test_canny_marks_a_ring_and_nothing_in_the_flat():
    y, x = np.mgrid[:80, :80]
    radius = np.hypot(y - 40, x - 40)
    edges = canny((radius < 20).astype(float))
    assert np.abs(radius[edges] - 20).max() < 1.5 and edges.sum() > 100
    assert not canny(np.full((20, 20), 3.0)).any()


def test_order():
    rng = np.random.default_rng(0)
    truth = rng.uniform(1, 10, 5000)
    assert order_errors(truth * 2, truth, "a")["order_wrong"] == 0
    assert order_errors(1 / truth, truth, "a")["order_wrong"] == 1
    assert order_errors(np.full(5000, 2.0), truth, "a")["order_wrong"] == 1  # equal tells no order
    assert order_errors(rng.uniform(1, 10, 5000), truth, "a")["order_wrong"] == pytest.approx(0.5, abs=0.03)
    swapped = order_errors(np.array([5.0, 4.0]), np.array([4.0, 4.8]))  # one pair, 20 % apart
    assert swapped["order_wrong"] == 1
    assert order_errors(np.array([1.0, 2.0]), np.array([4.0, 5.2])) == {"order_pairs": 0}  # 30 % apart
    assert order_errors(np.array([np.nan, 2.0]), np.array([4.0, 4.8]))["order_wrong"] == 1
    assert order_errors(np.array([2.0, np.inf]), np.array([4.0, 4.8]))["order_wrong"] == 0  # sky is farther
    assert order_errors(rng.random(5000), truth, "a") != order_errors(rng.random(5000), truth, "b")


def test_a_map_with_little_truth_has_an_order_and_nothing_else():
    lidar = np.where(np.random.default_rng(0).random(SIZE) < 0.05, room(), np.nan)
    found = shape_metrics(room(), lidar, CAMERA)
    assert found["order_wrong"] == 0 and set(found) == {"order_pairs", "order_wrong"}


def test_half_of_the_pixels_reversed_is_wrong_where_a_reversed_one_meets_any():
    # 3 pixels, 15 % apart each: pairs (1, 2), (2, 3); the farthest predicted nearest: (2, 3) is wrong
    found = order_errors(np.array([1.0, 2.0, 0.5]), np.array([1.0, 1.15, 1.15**2]), "x")
    assert found["order_wrong"] == pytest.approx(0.5, abs=0.15)  # 24 draws of two equally likely pairs


@pytest.mark.parametrize("degrees", [2.0, 10.0, 25.0])
def test_a_plane_tilted_by_n_degrees_is_tilted_by_n_degrees(degrees):
    truth = plane((0, 0, 1))
    turn = math.radians(degrees)
    tilted = plane((math.sin(turn), 0, math.cos(turn)))
    labels = np.zeros(SIZE, np.uint8)
    labels[20:100, 30:130] = 7
    for planes in (labels, None):  # given by the record, or found in the truth
        found = plane_errors(tilted, truth, CAMERA, planes)
        assert found["plane_tilt_deg"] == pytest.approx(degrees, abs=1e-6)
        assert found["plane_flatness_cm"] == pytest.approx(0, abs=1e-5)
        assert found["planes"] == (1 if planes is not None else 48)  # 8 x 6 squares of 20 pixels
    found = normal_errors(tilted, truth, CAMERA)
    assert (found["normal_mean_deg"], found["normal_median_deg"]) == pytest.approx((degrees, degrees), abs=1e-6)


def test_ripple_of_known_height_is_as_rough_as_its_standard_deviation():
    # a wall at 3 m with ripple of 2 cm along the axis: the rms of a sine is its height / sqrt 2
    truth = plane((0, 0, 1))
    rippled = truth + 0.02 * np.sin(2 * np.pi * np.arange(160) / 5)
    labels = np.zeros(SIZE, np.uint8)
    labels[40:80, 60:100] = 1  # near the axis rays are nearly along z
    found = plane_errors(rippled * 0.5, truth, CAMERA, labels)  # the scale is taken out
    assert found["plane_flatness_cm"] == pytest.approx(2 / math.sqrt(2), rel=0.02)


def test_a_floor_seen_at_a_grazing_angle_is_still_a_plane():
    truth = plane((0, 1, 0.15), 1.5)
    truth = np.where((truth > 0) & (truth < 30), truth, np.nan)
    found = plane_errors(truth, truth, CAMERA)
    assert found["planes"] > 5 and found["plane_tilt_deg"] == pytest.approx(0, abs=1e-4)
    assert normal_errors(truth, truth, CAMERA)["normal_mean_deg"] == pytest.approx(0, abs=1e-4)


def test_a_region_that_is_mostly_missing_is_not_judged():
    truth = plane((0, 0, 1))
    holed = truth.copy()
    holed[:, ::2] = np.nan
    assert plane_errors(holed, truth, CAMERA) == {"planes": 0}
    assert normal_errors(holed, truth, CAMERA) == {}


def test_the_plane_of_least_squares_through_noise():
    rng = np.random.default_rng(0)
    normal = np.array([0.6, 0, 0.8])
    along = np.linalg.svd(normal[None])[2][1:]
    points = rng.uniform(-1, 1, (20_000, 2)) @ along + 5 * normal + rng.normal(0, 0.01, (20_000, 1)) * normal
    found, rms = fit_plane(points)
    assert found == pytest.approx(normal, abs=1e-3) and rms == pytest.approx(0.01, rel=0.02)


@pytest.mark.parametrize(("amplitude", "noise"), [(0.01, 0.01), (0.02, 0.05), (0.0, 0.01)])
def test_the_peak_of_a_grid_of_known_amplitude(amplitude, noise):
    rng = np.random.default_rng(0)
    height, width, period = 300, 512, 32
    logs = amplitude * np.sin(2 * np.pi * np.arange(width) / period) + rng.normal(0, noise, (height, width))
    expected = 1 + amplitude**2 * width / (6 * noise**2)
    assert token_peak(3 * np.exp(logs), (period, math.inf)) == pytest.approx(expected, rel=0.2)
    assert token_peak(3 * np.exp(logs.T), (math.inf, period)) == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("height_of_steps, noise", [(0.0, 0.002), (0.004, 0.002), (0.01, 0.002)])
def test_blocks_of_a_token_are_seen_at_their_borders_where_the_spectrum_is_blind(height_of_steps, noise):
    """Every token has a level of its own. A step between two of them has sqrt(2) times the levels' deviation."""
    rng = np.random.default_rng(1)
    levels = np.kron(rng.normal(0, height_of_steps / math.sqrt(2), (40, 40)), np.ones((16, 16)))
    logs = levels + rng.normal(0, noise, levels.shape)
    expected = math.sqrt(1 + height_of_steps**2 / (2 * noise**2))
    assert token_seams(3 * np.exp(logs), (16, 16)) == pytest.approx(expected, rel=0.06)
    if height_of_steps:
        assert token_peak(3 * np.exp(logs), (16, 16)) < 1.1


def test_a_plane_and_a_depth_edge_have_no_seams():
    y, x = np.mgrid[:192, :256]
    assert token_seams(np.full((192, 256), 2.0), (32, 32)) == pytest.approx(1, abs=1e-9)
    assert token_seams(np.exp(x / 300 + y / 200), (32, 32)) == pytest.approx(1, abs=1e-6)
    edge = np.exp(x / 300) * np.where(x < 128, 1.0, 3.0)  # right at a border: one step of seven counts as ln 1.1
    assert token_seams(edge, (32, math.inf)) == pytest.approx((6 / 300 + math.log(1.1)) / 7 * 300, rel=0.01)
    cells = np.kron(np.exp(x[::2, ::2] / 300), np.ones((2, 2)))  # of two pixels: steps everywhere, none of a token's
    assert token_seams(cells, (32, math.inf)) == pytest.approx(1, abs=1e-6)
    assert math.isnan(token_seams(np.full((40, 40), 2.0), (32, 32)))  # two tokens are the least
    holes = np.where(x < 20, np.nan, np.exp(x / 300))
    assert token_seams(holes, (32, 32)) == pytest.approx(1, abs=1e-6)


def test_what_has_no_grid_has_no_peak():
    y, x = np.mgrid[:256, :384]
    assert token_peak(np.full((256, 384), 2.0), (32, 32)) == pytest.approx(1, abs=1e-6)
    assert 0.3 < token_peak(2 + x / 384 + y / 100, (32, 32)) < 2  # a slanted plane
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(0, 0.01, (256, 384)), axis=1)  # a spectrum that falls with the square
    assert 0.5 < token_peak(3 * np.exp(walk), (32, math.inf)) < 2
    assert math.isnan(token_peak(np.full((64, 64), 2.0), (32, 32)))  # two periods are too few
    holes = np.full((256, 384), 2.0)
    holes[rng.random(holes.shape) < 0.05] = np.nan
    assert math.isnan(token_peak(holes, (32, 32)))
