"""Pot plants and vases."""

from __future__ import annotations

import numpy as np

from .materials import plastic, usual
from .things import Item, Part, paint_of, stuff


def plant(rng) -> Item:
    """A pot plant of 0.4-1.9 m: bushy, palm-like or with large leaves on stalks."""
    item, size = Item("plant", "green"), rng.uniform(0.4, 1.0) if rng.random() < 0.7 else rng.uniform(1.0, 1.7)
    pot_height, pot_radius = 0.12 + 0.14 * size, 0.08 + 0.08 * size
    _pot(rng, item, pot_height, pot_radius)
    leaf, stem = stuff(rng, "green", "leaves", 0.5), stuff(rng, "brown", "bark", 0.4)
    style = rng.random()
    if style < 0.4:  # bushy
        for _ in range(int(rng.integers(4, 8))):
            x, y = rng.uniform(-0.2, 0.2, 2) * size
            z, r = pot_height + rng.uniform(0.1, 0.7) * size, rng.uniform(0.1, 0.2) * size
            item.blob((x, y, z), (r * 0.8, r * 0.8, r), leaf)
        item.rod((0, 0, pot_height), (0, 0, pot_height + 0.5 * size), 0.015, stem)
        return item
    plain = paint_of(rng, "green", "plain", 1, 0.3, gloss=0.2)
    base = pot_height + (rng.uniform(0.25, 0.5) * size if style > 0.7 else 0.0)
    item.rod((0, 0, pot_height - 0.02), (0, 0, base), 0.02 + 0.012 * size, stem)
    count = int(rng.integers(7, 14))
    for k in range(count):  # fronds bend outwards and down
        angle, out = k * 2.4 + rng.uniform(0, 0.5), rng.uniform(0.18, 0.36) * size
        x, y, rise = np.cos(angle), np.sin(angle), rng.uniform(0.15, 0.65) * size * (1 if style < 0.7 else 0.7)
        middle, end = (
            (x * out * 0.55, y * out * 0.55, base + rise),
            (x * out, y * out, base + rise * rng.uniform(0.6, 1.0)),
        )
        item.rod((0, 0, base - 0.01), middle, 0.006 + 0.006 * size, plain)
        tip = np.array(end) - middle
        length, centre = float(np.linalg.norm(tip)), (np.array(end) + middle) / 2
        blade = (0.008, 0.025 + 0.035 * size, 0.75 * length)
        item.parts.append(Part("ellipsoid", tuple(centre), blade, plain, tuple(tip / length)))
    return item


def _pot(rng, item, height, radius) -> None:
    paint = stuff(rng, str(rng.choice(["brown", "white", "grey", "orange", "black"])), "noise", 0.15)
    if rng.random() < 0.6:
        item.post(0, 0, 0, height, radius * 0.85, paint)
        item.post(0, 0, height * 0.8, height, radius, paint)
    else:
        item.cushion((0, 0, height / 2), (radius * 1.9, radius * 1.9, height), 0.02, paint)
    item.post(0, 0, height, height + 0.004, radius * 0.8, stuff(rng, "brown", "soil", 0.3))


def small_plant(rng) -> Item:
    """0.15-0.4 m, for a sill or a desk."""
    item, size = Item("plant", "green"), rng.uniform(0.7, 1.6)
    _pot(rng, item, 0.09 * size, 0.055 * size)
    leaf = stuff(rng, "green", str(rng.choice(["leaves", "speckle", "noise"])), 0.5)
    for _ in range(int(rng.integers(3, 7))):
        x, y = rng.uniform(-0.05, 0.05, 2) * size
        r = rng.uniform(0.03, 0.05) * size
        item.blob((x, y, rng.uniform(0.12, 0.2) * size), (r, r, r * rng.uniform(0.7, 1.4)), leaf)
    return item


def vase(rng) -> Item:
    """0.15-0.45 tall, sometimes with flowers."""
    colour = usual(rng, "white", "blue")
    item, paint = Item("vase", colour), plastic(rng, colour)
    height, radius = rng.uniform(0.15, 0.35), rng.uniform(0.04, 0.09)
    if rng.random() < 0.5:
        item.blob((0, 0, height * 0.42), (radius, radius, height * 0.42), paint)
        item.post(0, 0, 0, 0.01, radius * 0.6, paint)
        item.post(0, 0, height * 0.7, height, radius * 0.45, paint)
    else:
        item.post(0, 0, 0, height, radius * 0.7, paint)
    if rng.random() < 0.4:
        bloom, stalk = plastic(rng, usual(rng, "red", "pink", "yellow")), plastic(rng, "green")
        for _ in range(int(rng.integers(3, 7))):
            x, y = rng.uniform(-0.09, 0.09, 2)
            z = height + rng.uniform(0.04, 0.15)
            item.rod((0, 0, height * 0.8), (x, y, z), 0.003, stalk)
            item.blob((x, y, z), (0.022, 0.022, 0.02), bloom)
    return item
