"""How cameras are held, and which view is worth taking: seen by a few rays before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from .drawing.rays import first_hits
from .lens import DEVICES, Lens
from .places import Place
from .things import STRUCTURE, turn_of_yaw

GRID = (10, 14)
"""Rays down and across by which a view is judged before it is drawn."""
FINE_GRID, CLOSEST = (48, 64), 0.22
"""Rays that look for what is right before the lens, and the metres of z-depth in which nothing may be."""
NEAR_LOOKS, CLOSE_UPS = {"indoor": 0.25, "outdoor": 0.1}, {"indoor": 0.17, "outdoor": 0.08}
"""Odds, by domain, of a view from a step away, and else of one at arm's length. Drivers and webcams take none."""


@dataclass(frozen=True)
class View:
    """A lens somewhere in the world (z up, metres)."""

    lens: Lens
    rotation: np.ndarray  # (3, 3) camera -> world
    position: np.ndarray  # (3,)
    reach: str = "around"  # or "near": a step away from furniture or a wall; or "close": at arm's length


def sample_view(rng: np.random.Generator, place: Place, lens: Lens) -> View:
    """One way to hold the lens in the place: a look around, or at one thing."""
    made = DEVICES[lens.device]
    x, y, heading = place.viewpoint(rng)
    z = np.clip(rng.normal(*made.heights), 0.3, 2.2)
    pitch = rng.normal(*made.pitches)
    if place.style == "driver":
        z = rng.uniform(1.9, 2.2) if rng.random() < 0.08 else np.clip(z, 1.2, 1.9)
    elif rng.random() < 0.17:  # from a child's hand, a robot, the floor, a low table
        z, pitch = rng.uniform(0.3, 0.95), rng.normal(-2, 7)
    elif place.domain == "outdoor":
        z, pitch = np.clip(z + 0.1, 0.9, 2.2), rng.normal(-3, 7)
    elif rng.random() < 0.15:  # looking down at the floor and what is near
        pitch -= rng.uniform(8, 25)
    if place.room is not None:
        z = min(z, place.room[2] - 0.3)
    if lens.fov < 48 and rng.random() < 0.6:
        heading, pitch = _towards_a_thing(rng, place, lens, (x, y, z), heading, pitch)
    return View(lens, _rotation(rng, lens, heading, np.clip(pitch, -48, 22)), np.array([x, y, z]))


def _rotation(rng, lens: Lens, heading: float, pitch: float) -> np.ndarray:
    """(3, 3): heading in radians from +y towards +x, pitch in degrees, and a roll as hands and mounts have it."""
    spread = 0.6 if lens.device.startswith("car") else 8.0 if rng.random() < 0.08 else 2.3
    p, roll = np.radians(pitch), np.radians(np.clip(rng.normal(0, spread), -20, 20))
    forward = np.array([np.sin(heading) * np.cos(p), np.cos(heading) * np.cos(p), np.sin(p)])
    right = np.array([np.cos(heading), -np.sin(heading), 0])
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    return np.stack([c * right + s * down, c * down - s * right, forward], 1)


def _aim(position, target) -> tuple[float, float]:
    """Heading (radians) and pitch (degrees) from one point to another."""
    dx, dy, dz = np.subtract(target, position)
    return float(np.arctan2(dx, dy)), float(np.degrees(np.arctan2(dz, np.hypot(dx, dy))))


def _towards_a_thing(rng, place, lens, position, heading, pitch) -> tuple[float, float]:
    """A long lens points at something: at one of the things that are not too near, well inside the picture."""
    spots = [(item, at) for item, at, _ in place.placed if item.kind not in STRUCTURE]
    options = [i for i, (_, at) in enumerate(spots) if 1.5 < np.hypot(at[0] - position[0], at[1] - position[1]) < 45]
    if not options:
        return heading, pitch
    item, (x, y, z) = spots[options[int(rng.integers(len(options)))]]
    low, high = item.bounds()
    heading, pitch = _aim(position, (x, y, z + (low[2] + high[2]) / 2))
    off = rng.normal(0, 0.16 * lens.fov, 2)
    return heading + np.radians(off[0]), pitch + 0.5 * off[1]


def _targets(place: Place) -> list[tuple[float, float, float]]:
    """Points worth a close-up: those the place names, else all things off the floor that are in reach."""
    if place.targets:
        return place.targets
    return [at for item, at, _ in place.placed if item.kind not in STRUCTURE and 0.3 < at[2] < 1.5]


def _close_up(rng, place, lens, target) -> View:
    """From 0.4 to 1.2 m (2.5 m outdoors), from the side to steeply from above."""
    near, far = (0.4, 1.2) if place.domain == "indoor" else (0.6, 2.5)
    target = np.add(target, (0, 0, 0.06))
    away, rise, azimuth = rng.uniform(near, far), np.radians(rng.uniform(8, 60)), rng.uniform(0, 2 * np.pi)
    flat = away * np.cos(rise)
    position = np.add(target, (flat * np.sin(azimuth), flat * np.cos(azimuth), away * np.sin(rise)))
    position[2] = np.clip(position[2], 0.3, 2.2)
    if place.room is not None:
        position = np.clip(position, 0.15, np.array(place.room) - (0.15, 0.15, 0.3))
    heading, pitch = _aim(position, target)
    off = rng.normal(0, 0.1 * lens.fov, 2)
    rotation = _rotation(rng, lens, heading + np.radians(off[0]), np.clip(pitch + 0.6 * off[1], -80, 20))
    return View(lens, rotation, position, "close")


def _face(rng, place: Place, eye: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """A point on the side of a piece of furniture (mostly its front) or on a wall, and the way it faces, (3,) each.

    Only of what stands in the room; outdoors of things and fronts that are within 12 m of `eye` (x, y).
    """
    if place.room is not None and rng.random() < 0.25:
        axis, far = int(rng.integers(2)), int(rng.integers(2))
        point, facing = rng.uniform(0.1, 0.9, 3) * place.room, np.zeros(3)
        point[axis], point[2], facing[axis] = far * place.room[axis], rng.uniform(0.6, 1.7), 1 - 2 * far
        return point, facing
    item, at, yaw = place.placed[int(rng.integers(len(place.placed)))]
    low, high = item.bounds()
    half, foot = (high - low) / 2, at[2] + low[2]
    small = max(half) < 0.25 or item.kind == "rug" or foot > 1.7
    if small or (item.kind in STRUCTURE and (item.kind != "building" or place.room is not None)):
        return None
    turn = 0.5 * np.pi * rng.choice([0, 1, 2, 3], p=[0.55, 0.15, 0.15, 0.15])
    facing, across = np.array([np.sin(turn), -np.cos(turn), 0]), np.array([np.cos(turn), np.sin(turn), 0])
    point = (low + high) / 2 + half * (facing + across * rng.uniform(-0.7, 0.7))
    spin = turn_of_yaw(yaw)
    point, facing = spin @ point + at, spin @ facing
    point[2] = min(point[2], foot + 1.6)
    if place.room is None:
        return (point, facing) if np.hypot(*(point[:2] - eye)) < 12 else None
    return (point, facing) if (point[:2] > -0.1).all() and (point[:2] < np.add(place.room[:2], 0.1)).all() else None


def _near_look(rng, place: Place, lens: Lens) -> View | None:
    """From 0.8 to 2.2 m before a piece of furniture or a wall, towards it; None where the draw has no room for that."""
    x, y, _ = place.viewpoint(rng)
    found = _face(rng, place, np.array([x, y]))
    if found is None:
        return None
    point, facing = found
    azimuth, away = np.arctan2(facing[0], facing[1]) + rng.normal(0, 0.5), rng.uniform(0.8, 2.2)
    position = point + away * np.array([np.sin(azimuth), np.cos(azimuth), 0])
    position[2] = np.clip(rng.normal(*DEVICES[lens.device].heights), 0.4, 2.0)
    if place.room is not None:
        position[2] = min(position[2], place.room[2] - 0.3)
        if (position[:2] < 0.2).any() or (position[:2] > np.subtract(place.room[:2], 0.2)).any():
            return None
    heading, pitch = _aim(position, point)
    off = rng.normal(0, 0.12 * lens.fov, 2)
    pitch = np.clip(pitch + 0.5 * off[1], -35, 5)
    return View(lens, _rotation(rng, lens, heading + np.radians(off[0]), pitch), position, "near")


# --- what a view shows, by a few rays ----------------------------------------------------------------------


def glance(primitives, view: View) -> tuple[np.ndarray, np.ndarray] | None:
    """Depth_z and primitive along the rays of GRID, (R,) each (inf and -1: sky); None from inside a shape."""
    offset = view.position - primitives.centre
    local = primitives.to_local()
    origin = np.einsum("pij,pj->pi", local, offset)
    if (np.abs(origin) < 1.1).all(1).any():
        return None
    slopes = _grid_slopes(view.lens)
    rays = np.concatenate([slopes, np.ones((len(slopes), 1))], 1) @ view.rotation.T
    around = np.linalg.norm(primitives.half, axis=1)
    ahead, distance = -offset @ view.rotation[:, 2], np.linalg.norm(offset, axis=1)
    reach = np.arctan(np.linalg.norm(slopes, axis=1).max()) + 0.05
    turn = np.arccos(np.clip(ahead / np.maximum(distance, 1e-9), -1, 1))
    near = distance <= around
    some = np.flatnonzero(near | (turn < reach + np.arcsin(np.clip(around / np.maximum(distance, 1e-9), 0, 1))))
    tensors = (local[some], origin[some], primitives.extent()[some], rays.T.copy())
    depth, which = first_hits(torch.from_numpy(primitives.shape[some]), *(torch.from_numpy(t).float() for t in tensors))
    depth = depth.numpy()
    return depth, np.where(np.isfinite(depth), some[which.numpy()], -1)


def score(primitives, view: View) -> float:
    """How much there is to see: 0 where the view is blocked, else about the number of things in it."""
    seen = glance(primitives, view)
    if seen is None:
        return 0.0
    depth, which = seen
    usual = (0.3, 0.6, 0.58 if view.lens.fov < 48 else 0.5)
    nearest, middle, most = {"close": (0.2, 0.3, 0.6), "near": (0.3, 0.5, 0.8)}.get(view.reach, usual)
    if np.median(depth) < middle or depth.min() < nearest or np.isinf(depth).mean() > 0.8:
        return 0.0
    counts = np.bincount(primitives.instance[which[which >= 0]], minlength=1)[1:]
    if len(counts) and counts.max() > most * len(depth):
        return 0.0
    things = int((counts > 0).sum())
    if view.reach == "near" and (things < 2 or counts.sum() < 0.15 * len(depth)):  # walls count for nothing
        return 0.0
    return 0.5 + min(8, things)


def is_clear(primitives, view: View) -> bool:
    """Whether nothing in the picture, however thin, is closer than CLOSEST."""
    local = primitives.to_local()
    origin = np.einsum("pij,pj->pi", local, view.position - primitives.centre)
    gap = np.linalg.norm(np.maximum(np.abs(origin) - 1, 0) * primitives.half, axis=1)
    rays = np.insert(_grid_slopes(view.lens, FINE_GRID), 2, 1.0, axis=1)
    some = np.flatnonzero(gap < CLOSEST * np.linalg.norm(rays, axis=1).max())
    if not len(some):
        return True
    tensors = (local[some], origin[some], primitives.extent()[some], view.rotation @ rays.T)
    depth, _ = first_hits(torch.from_numpy(primitives.shape[some]), *(torch.from_numpy(t).float() for t in tensors))
    return bool(depth.min() > CLOSEST)


def best_view(rng, primitives, place: Place, lens: Lens) -> View | None:
    """A view through one lens, from a few tries (long lenses get more); None where every one is blocked.

    Some look at something from close by (`CLOSE_UPS`) or from near (`NEAR_LOOKS`, through no long lens), where the
    place has room for that. Three in four of the others show the most things of their tries; such views stand far
    back, so the rest, like all near ones, are the first that is not blocked.
    """
    walks = place.style != "driver" and lens.device != "webcam"
    if walks and lens.fov > 40 and rng.random() < NEAR_LOOKS[place.domain]:
        near = _first(primitives, (_near_look(rng, place, lens) for _ in range(60)))
        if near is not None:
            return near
    targets = _targets(place) if walks else []
    if targets and rng.random() < CLOSE_UPS[place.domain]:
        picked = [targets[int(rng.integers(len(targets)))] for _ in range(5)]
        close = _best(primitives, [_close_up(rng, place, lens, target) for target in picked])
        if close is not None:
            return close
    views = [sample_view(rng, place, lens) for _ in range(7 if lens.fov < 48 else 4)]
    return _first(primitives, views) if rng.random() < 0.25 else _best(primitives, views)


def _first(primitives, views: Iterable[View | None]) -> View | None:
    for view in views:
        if view is not None and score(primitives, view) > 0 and is_clear(primitives, view):
            return view
    return None


def _best(primitives, views: list[View]) -> View | None:
    scores = [score(primitives, view) for view in views]
    return _first(primitives, [views[i] for i in np.argsort(-np.array(scores), kind="stable")])


def step_aside(rng, primitives, place: Place, first: View, lens: Lens) -> View:
    """Another view of what `first` shows, from 0.2-2 m (outdoors up to 6 m) beside it: at least 30 % in common.

    Where no try has as much in common, the one with the most.
    """
    seen = glance(primitives, first)
    if seen is None:
        raise ValueError("the first view of a group looks from inside a shape")
    depth, _ = seen
    usual = float(np.median(depth[np.isfinite(depth)])) if np.isfinite(depth).any() else 10.0
    far = min(2.0 if place.domain == "indoor" else 6.0, max(0.3, 0.6 * usual))
    best, most = first, -1.0
    for _ in range(24):
        azimuth, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, far)
        step = (length * np.sin(azimuth), length * np.cos(azimuth), 0.15 * rng.normal())
        position = np.add(first.position, step)
        low, high = np.array([-1e3, -1e3, 0.3]), np.array([1e3, 1e3, 2.2])
        if place.room is not None:
            low, high = np.array([0.2, 0.2, 0.3]), np.array(place.room) - (0.2, 0.2, 0.25)
        position = np.clip(position, np.minimum(low, first.position), np.maximum(high, first.position))
        heading, pitch = _aim(position, first.position + first.rotation[:, 2] * usual * rng.uniform(0.7, 1.5))
        off = rng.normal(0, 0.08 * lens.fov, 2)
        rotation = _rotation(rng, lens, heading + np.radians(off[0]), np.clip(pitch + 0.5 * off[1], -80, 30))
        view = View(lens, rotation, position, first.reach)
        if np.linalg.norm(position - first.position) < 0.15 or score(primitives, view) <= 0:
            continue
        common = overlap(primitives, first, view)
        if common > most and is_clear(primitives, view):
            best, most = view, common
        if most >= 0.3:
            break
    return best


def overlap(primitives, first: View, second: View) -> float:
    """The share of what `second` sees (without sky) that `first` sees, too."""
    mine, theirs = glance(primitives, second), glance(primitives, first)
    if mine is None or theirs is None:
        return 0.0
    slopes = _grid_slopes(second.lens)
    depth, hit = mine[0], np.isfinite(mine[0])
    points = np.concatenate([slopes, np.ones((len(slopes), 1))], 1)[hit] * depth[hit, None]
    points = (points @ second.rotation.T + second.position - first.position) @ first.rotation
    front = points[:, 2] > 0.1
    (height, width), (rows, columns) = first.lens.size, GRID
    pixel = first.lens.pixels_of(points[front, :2] / points[front, 2:])
    cell = np.floor(pixel / (width, height) * (columns, rows)).astype(int)
    inside = ((cell >= 0) & (cell < (columns, rows))).all(1)
    there = theirs[0].reshape(rows, columns)[cell[inside, 1], cell[inside, 0]]
    same = np.abs(points[front][inside, 2] / there - 1) < 0.25  # neighbouring rays: a coarse comparison
    return float(same.sum() / max(1, hit.sum()))


def _grid_slopes(lens: Lens, grid: tuple[int, int] = GRID) -> np.ndarray:
    """(R, 2) undistorted slopes of the rays of `grid`."""
    (height, width), (rows, columns) = lens.size, grid
    v, u = np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns, indexing="ij")
    return lens.slopes_at(np.stack([u * width, v * height], -1).reshape(-1, 2))
