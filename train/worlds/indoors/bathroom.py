"""Bathroom fittings: toilet seats at 0.40-0.43, basins at 0.80-0.88, bathtubs 1.5-1.8 x 0.7-0.8 x 0.55-0.6."""

from __future__ import annotations

from ..materials import board, ceramic, cloth, darker, usual
from ..things import Item, Paint, Part, paint_of
from .kitchen import STEEL


def toilet(rng) -> Item:
    """0.36-0.4 wide, 0.6-0.7 deep, with a cistern, or hung on the wall with a flush plate."""
    item, paint = Item("toilet", "white"), ceramic(rng)
    seat, width, hung = rng.uniform(0.4, 0.43), rng.uniform(0.36, 0.4), rng.random() < 0.35
    back = 0.28 if hung else 0.33
    item.blob((0, -0.1, seat - 0.1), (width / 2, 0.26, 0.1), paint)
    item.box((0, 0.08, seat - 0.06), (width * 0.9, 0.24, 0.1), paint)
    if not hung:
        item.post(0, -0.06, 0, seat - 0.1, width * 0.3, paint)
        item.cushion((0, 0.1, seat / 2 - 0.03), (width * 0.55, 0.36, seat - 0.06), 0.05, paint)
        item.cushion((0, back - 0.09, seat + 0.17), (width, 0.17, 0.38), 0.03, paint)
        item.post(0, back - 0.09, seat + 0.36, seat + 0.375, 0.025, STEEL)
    else:
        item.cushion((0, 0.14, seat - 0.12), (width * 0.8, 0.26, 0.2), 0.06, paint)
        item.box((0, back - 0.01, seat + 0.6), (0.25, 0.02, 0.17), ceramic(rng, str(rng.choice(["white", "grey"]))))
    lid = paint if rng.random() < 0.7 else paint_of(rng, "white", "noise", 0.2, 0.06)
    dark = Paint((0.3, 0.3, 0.3), (0.35, 0.35, 0.35))
    for z, p in ((seat - 0.012, dark), (seat, lid)):  # a dark seam, then the lid
        item.parts.append(_oval((0, -0.1, z), (width / 2, 0.25, 0.011), p))
    return item


def _oval(centre, half, paint):
    return Part("cylinder", centre, half, paint)


def bathtub(rng) -> Item:
    """1.5-1.8 x 0.7-0.8, rim at 0.55-0.6, hollow; sometimes with a shower of 1.95."""
    item, paint = Item("bathtub", "white"), ceramic(rng)
    length, width, rim = rng.uniform(1.5, 1.8), rng.uniform(0.7, 0.8), rng.uniform(0.55, 0.6)
    wall = rng.uniform(0.06, 0.09)
    side = paint if rng.random() < 0.6 else darker(paint, 0.8)
    for sy in (-1, 1):
        item.box((0, sy * (width - wall) / 2, rim / 2 - 0.015), (length, wall, rim - 0.03), side)
        item.cushion((0, sy * (width - wall) / 2, rim - 0.02), (length, wall + 0.01, 0.04), 0.018, paint)
    for sx in (-1, 1):
        item.box((sx * (length - wall) / 2, 0, rim / 2 - 0.015), (wall, width, rim - 0.03), side)
        item.cushion((sx * (length - wall) / 2, 0, rim - 0.02), (wall + 0.01, width, 0.04), 0.018, paint)
    if rng.random() < 0.4:  # a screen against splashes, and a shower
        bar = (length / 2 - 0.02, 0, rim)
        item.rod(bar, (bar[0], 0, 1.95), 0.011, STEEL)
        item.capsule((bar[0], 0, 1.95), (bar[0] - 0.2, 0, 1.9), 0.012, STEEL)
        item.post(bar[0] - 0.22, 0, 1.86, 1.89, 0.06, STEEL)
    item.box((0, 0, 0.08), (length - wall, width - wall, 0.16), darker(paint, 0.95))
    item.capsule((length / 2 - 0.04, 0, rim), (length / 2 - 0.04, 0, rim + 0.12), 0.015, STEEL)
    item.capsule((length / 2 - 0.04, 0, rim + 0.12), (length / 2 - 0.18, 0, rim + 0.09), 0.014, STEEL)
    return item


def basin(rng) -> Item:
    """A wash basin with its tap: rim at 0.80-0.88, 0.45-0.65 wide; on a pedestal, a trap or a cupboard."""
    item, paint = Item("sink", "white"), ceramic(rng)
    width, depth, rim = rng.uniform(0.45, 0.65), rng.uniform(0.38, 0.48), rng.uniform(0.8, 0.88)
    style = rng.random()
    if style < 0.4:
        colour = usual(rng, "white", "brown", "grey")
        front = board(rng, colour)
        item.box((0, 0.02, rim / 2 - 0.03), (width * 0.94, depth * 0.88, rim - 0.28), front)
        item.box((0, -depth * 0.43, rim / 2 - 0.03), (width * 0.9, 0.014, rim - 0.32), darker(front, 0.9))
        item.box((0, -depth * 0.45, rim - 0.3), (0.14, 0.02, 0.014), STEEL)
        item.cushion((0, 0, rim - 0.08), (width, depth, 0.16), 0.03, paint)
    else:
        item.cushion((0, 0, rim - 0.09), (width, depth, 0.18), 0.07, paint)
        if style < 0.7:
            item.post(0, 0.06, 0, rim - 0.16, 0.08, paint)
        else:
            item.capsule((0, 0.05, rim - 0.18), (0, 0.05, rim - 0.32), 0.03, STEEL)
            item.rod((0, 0.05, rim - 0.32), (0, depth / 2, rim - 0.32), 0.016, STEEL)
    item.parts.append(_oval((0, -0.03, rim + 0.001), (width * 0.4, depth * 0.34, 0.003), darker(paint, 0.72)))
    item.rod((0, depth / 2 - 0.06, rim), (0, depth / 2 - 0.06, rim + 0.14), 0.015, STEEL)
    item.capsule((0, depth / 2 - 0.06, rim + 0.14), (0, depth / 2 - 0.2, rim + 0.12), 0.012, STEEL)
    return item


def towel(rng) -> Item:
    """A towel on a rail, 0.4-0.6 wide: a curtain of cloth. The item's origin is its lower edge."""
    colour = usual(rng, "white", "blue", "grey")
    item, width, height = Item("curtain", colour), rng.uniform(0.4, 0.6), rng.uniform(0.4, 0.7)
    item.cushion((0, 0, height / 2), (width, 0.045, height), 0.018, cloth(rng, colour))
    item.capsule((-width / 2 - 0.06, 0.01, height - 0.03), (width / 2 + 0.06, 0.01, height - 0.03), 0.008, STEEL)
    return item
