"""Capsules and rounded boxes against their formulas: the points within a radius of a line, or of a box."""

import numpy as np
import pytest
import torch

from train.worlds.drawing.rays import hit, normals
from train.worlds.things import SHAPES

CAPSULES = [(0.05, 0.05, 0.4), (0.3, 0.3, 0.3), (0.02, 0.02, 1.5)]
ROUNDED = [(0.5, 0.3, 0.2, 0.05), (0.4, 0.4, 0.4, 0.399), (1.0, 0.4, 0.02, 0.015), (0.9, 0.2, 0.5, 0.001)]


def core_of(half, radius):
    """Half extents of the line or box whose points within `radius` make up the shape."""
    return np.maximum(np.array(half) - radius, 0)


def distance(points, core):
    """(..., 3) -> (...): metres to the box of half extents `core`."""
    return np.linalg.norm(np.maximum(np.abs(points) - core, 0), axis=-1)


def first_crossing(start, ray, core, radius, steps=60):
    """t of entry by ternary search for the closest approach, then bisection: slow, exact, float64; inf = miss."""
    low, high = np.zeros(len(ray)), np.full(len(ray), 2 * np.linalg.norm(start, axis=1).max() + 5)
    for _ in range(120):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        left = distance(start + a[:, None] * ray, core) < distance(start + b[:, None] * ray, core)
        low, high = np.where(left, low, a), np.where(left, b, high)
    nearest = (low + high) / 2
    missed = distance(start + nearest[:, None] * ray, core) >= radius
    low, high = np.zeros(len(ray)), nearest
    for _ in range(steps):
        middle = (low + high) / 2
        outside = distance(start + middle[:, None] * ray, core) >= radius
        low, high = np.where(outside, middle, low), np.where(outside, high, middle)
    return np.where(missed, np.inf, high)


def traced(shape, start, ray, half, radius):
    half = np.array(half)
    extent = torch.tensor([[*half, radius]]).float()
    origin, direction = (torch.from_numpy(v / half).float().T[None] for v in (start, ray))
    return hit(SHAPES.index(shape), origin, direction, extent)[0].numpy()


def rays_towards(half, away, count, seed=0):
    """Start points `away` metres off, in all directions, and unit rays to points in and just beside the shape."""
    rng = np.random.default_rng(seed)
    start = rng.normal(size=(count, 3))
    start *= away / np.linalg.norm(start, axis=1, keepdims=True)
    ray = rng.uniform(-1.15, 1.15, (count, 3)) * np.array(half) - start
    return start, ray / np.linalg.norm(ray, axis=1, keepdims=True)


ALL = [("capsule", half, half[0]) for half in CAPSULES] + [("rounded box", r[:3], r[3]) for r in ROUNDED]


@pytest.mark.parametrize("away", [3.0, 60.0])
@pytest.mark.parametrize(("shape", "half", "radius"), ALL)
def test_rays_from_all_sides_meet_the_shape_where_its_formula_says(shape, half, radius, away):
    start, ray = rays_towards(half, away, 3000)
    core = core_of(half, radius)
    expected, found = first_crossing(start, ray, core, radius), traced(shape, start, ray, half, radius)
    both = np.isfinite(expected) & np.isfinite(found)
    assert both.mean() > 0.3 and np.isinf(expected).mean() > 0.02
    assert (np.isfinite(expected) != np.isfinite(found)).mean() < 2e-3  # rays that only just touch it
    point = start + found.clip(max=1e3)[:, None] * ray
    assert np.abs(distance(point[both], core) - radius).max() < 1e-5 + 1e-6 * away
    error = np.abs(found[both] - expected[both])
    assert np.quantile(error, 0.99) < 1e-4 and error.max() < 0.02  # at a grazing touch t itself is soft


@pytest.mark.parametrize(("shape", "half", "radius"), ALL)
def test_normals_lead_away_from_the_nearest_point_of_the_core(shape, half, radius):
    start, ray = rays_towards(half, 3.0, 2000, seed=1)
    t = traced(shape, start, ray, half, radius)
    met = np.isfinite(t)
    point = (start + np.where(met, t, 0)[:, None] * ray)[met]
    core = core_of(half, radius)
    expected = (point - point.clip(-core, core)) / radius
    extent = torch.tensor([[*half, radius]]).float().expand(len(point), 4)
    unit = torch.from_numpy(point / np.array(half)).float()
    found = normals(torch.full((len(point),), SHAPES.index(shape)), unit, extent).numpy() / np.array(half)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=2e-3 if radius > 0.01 else 0.02)
    assert ((found * ray[met]).sum(1) < 5e-3).all()


@pytest.mark.parametrize(("shape", "half", "radius"), ALL)
def test_rays_from_inside_and_rays_that_lead_away_never_hit(shape, half, radius):
    start, ray = rays_towards(half, 3.0, 500, seed=2)
    assert np.isinf(traced(shape, start, -ray, half, radius)).all()
    inside = np.random.default_rng(3).uniform(-0.5, 0.5, (500, 3)) * np.array(half)
    assert np.isinf(traced(shape, inside, ray, half, radius)).all()
