"""Televisions of 32-75 inches, monitors of 19-32, laptops 0.30-0.37 wide; 16:9, dark or lit."""

from __future__ import annotations

import numpy as np

from ..materials import plastic, usual
from ..things import Item, Paint, paint_of, pick_colour, rgb_of

DARK_GLASS = Paint((0.008, 0.008, 0.01), (0.015, 0.015, 0.018), gloss=0.8)


def _screen(rng) -> Paint:
    if rng.random() < 0.5:
        return DARK_GLASS
    pattern = str(rng.choice(["screen", "photo", "text"]))
    first, second = rgb_of(rng, usual(rng, "blue", "white", "grey")), rgb_of(rng, pick_colour(rng))
    return Paint(first, second, pattern, rng.uniform(0.4, 0.8), gloss=0.2, glow=rng.uniform(0.3, 1))


def tv(rng) -> Item:
    """A television of 32-65 inches on a foot: 0.7-1.45 wide."""
    return _panel(rng, rng.uniform(0.7, 1.45))


def monitor(rng) -> Item:
    """A computer's screen of 19-32 inches: 0.42-0.71 wide."""
    return _panel(rng, rng.uniform(0.42, 0.71), lift=rng.uniform(0.08, 0.2))


def wall_tv(rng) -> Item:
    """A television on the wall. The item's origin is its lower edge."""
    item, width = Item("tv", "black"), rng.uniform(0.8, 1.7)
    item.cushion((0, 0, width * 0.285), (width, 0.05, width * 0.57), 0.01, plastic(rng, "black"))
    item.box((0, -0.024, width * 0.285), (width - 0.03, 0.006, width * 0.57 - 0.03), _screen(rng))
    return item


def _panel(rng, width, lift=0.06) -> Item:
    item, height, black = Item("tv", "black"), width * 0.57, plastic(rng, "black")
    item.cushion((0, 0, lift + height / 2), (width, 0.045, height), 0.01, black)
    item.box((0, -0.021, lift + height / 2), (width - 0.03, 0.006, height - 0.03), _screen(rng))
    if rng.random() < 0.6:
        item.box((0, 0.02, 0.01), (width * 0.4, 0.2, 0.02), black)
        item.box((0, 0.03, lift / 2 + 0.05), (0.06, 0.03, lift + 0.1), black)
    else:
        for sx in (-1, 1):
            item.rod((sx * width * 0.36, -0.1, 0.008), (sx * width * 0.33, 0, lift + 0.02), 0.008, black)
            item.rod((sx * width * 0.36, 0.1, 0.008), (sx * width * 0.33, 0, lift + 0.02), 0.008, black)
    return item


def laptop(rng) -> Item:
    """0.30-0.37 wide, 0.21-0.26 deep; open at about 110 degrees, or shut."""
    colour = str(rng.choice(["grey", "black", "grey", "white"]))
    item, shell = Item("laptop", colour), paint_of(rng, colour, gloss=0.4)
    width, depth = rng.uniform(0.3, 0.37), rng.uniform(0.21, 0.26)
    item.cushion((0, 0, 0.009), (width, depth, 0.018), 0.006, shell)
    if rng.random() < 0.15:
        item.cushion((0, 0, 0.021), (width, depth, 0.008), 0.003, shell)
        return item
    item.box(
        (0, 0.03, 0.0185),
        (width * 0.88, depth * 0.45, 0.003),
        Paint((0.02, 0.02, 0.02), (0.1, 0.1, 0.1), "checker", 0.019),
    )
    lean = rng.uniform(0.15, 0.55)
    c, s = np.cos(lean), np.sin(lean)
    y, z = depth / 2 + s * depth / 2, 0.015 + c * depth / 2
    item.cushion((0, y, z), (width, 0.008, depth), 0.003, shell, (0.0, s, c))
    item.box((0, y - 0.004 * c, z + 0.004 * s), (width - 0.02, 0.003, depth - 0.02), _screen(rng), (0.0, s, c))
    return item
