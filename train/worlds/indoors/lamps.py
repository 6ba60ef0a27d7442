"""Lamps: standing 1.3-1.8 m, on tables 0.35-0.6 m, hanging from and under ceilings. A lamp is named after its shade."""

from __future__ import annotations

from ..materials import metal, plastic, usual
from ..things import Item, Paint, paint_of


def lamp(rng) -> Item:
    """A standing lamp, 1.3-1.8 high; its colour is the shade's."""
    colour = usual(rng, "white", "yellow", "orange")
    item, height = Item("lamp", colour), rng.uniform(1.3, 1.8)
    post, glow = metal(rng), rng.uniform(0.3, 1.2)
    item.post(0, 0, 0, 0.025, rng.uniform(0.12, 0.17), post)
    if rng.random() < 0.6:
        item.post(0, 0, 0.02, height - 0.25, 0.014, post)
        _lampshade(rng, item, colour, glow, height - 0.3, height, rng.uniform(0.16, 0.26))
    else:  # a reading lamp with an arm
        item.post(0, 0, 0.02, height - 0.1, 0.014, post)
        item.capsule((0, 0, height - 0.1), (0, -0.35, height - 0.05), 0.012, post)
        item.spire(0, -0.36, height - 0.2, height + 0.1, 0.12, paint_of(rng, colour, glow=glow * 0.5))
    return item


def _lampshade(rng, item, colour, glow, low, high, radius) -> None:
    paint = paint_of(rng, colour, glow=glow)
    style = rng.random()
    if style < 0.5:
        item.post(0, 0, low, high, radius, paint)
    elif style < 0.8:
        item.spire(0, 0, low, low + (high - low) * 1.9, radius * 1.15, paint)
    else:
        item.blob((0, 0, (low + high) / 2), (radius, radius, (high - low) / 2), paint)


def table_lamp(rng) -> Item:
    """0.35-0.6 high: a shade on a foot, or a jointed desk lamp."""
    colour = usual(rng, "white", "yellow", "orange")
    item, height, glow = Item("lamp", colour), rng.uniform(0.35, 0.6), rng.uniform(0.3, 1.2)
    if rng.random() < 0.6:
        foot = plastic(rng, usual(rng, "white", "brown", "blue"))
        if rng.random() < 0.5:
            item.blob((0, 0, height * 0.25), (0.07, 0.07, height * 0.25), foot)
        else:
            item.post(0, 0, 0, 0.02, 0.07, foot)
        item.post(0, 0, 0.02, height * 0.6, 0.012, foot)
        _lampshade(rng, item, colour, glow, height * 0.55, height, rng.uniform(0.09, 0.15))
    else:
        arm = paint_of(rng, colour, gloss=0.4)
        item.post(0, 0, 0, 0.02, 0.075, arm)
        item.capsule((0, 0, 0.02), (0, 0.12, height * 0.6), 0.009, arm)
        item.capsule((0, 0.12, height * 0.6), (0, -0.08, height - 0.05), 0.009, arm)
        item.spire(0, -0.1, height - 0.14, height + 0.06, 0.075, arm)
        item.blob((0, -0.1, height - 0.135), (0.03, 0.03, 0.03), paint_of(rng, "white", glow=glow * 2))
    return item


def pendant(rng) -> Item:
    """A hanging lamp, 0.4-1.3 below the ceiling; its colour is the shade's."""
    colour = usual(rng, "white", "black", "orange")
    item, drop, radius = Item("lamp", colour), rng.uniform(0.3, 0.9), rng.uniform(0.12, 0.26)
    shade_paint = paint_of(rng, colour, glow=rng.uniform(0.1, 0.8), gloss=0.2)
    item.post(0, 0, -drop, 0, 0.006, plastic(rng, "black"))
    item.post(0, 0, -0.03, 0, 0.05, shade_paint)
    style = rng.random()
    if style < 0.35:
        item.blob((0, 0, -drop), (radius, radius, radius), shade_paint)
    elif style < 0.7:
        item.spire(0, 0, -drop - 0.12, -drop + 0.16, radius, shade_paint)
    else:
        item.post(0, 0, -drop - 0.1, -drop + 0.08, radius, shade_paint)
    item.blob((0, 0, -drop - 0.11), (0.04, 0.04, 0.04), Paint((1, 0.95, 0.85), (1, 0.95, 0.85), glow=2.0))
    return item


def ceiling_lamp(rng) -> Item:
    """A flat lamp of 0.25-0.5 under the ceiling."""
    item, radius = Item("lamp", "white"), rng.uniform(0.13, 0.25)
    glow = paint_of(rng, "white", glow=rng.uniform(0.5, 1.5))
    if rng.random() < 0.5:
        item.blob((0, 0, -0.02), (radius, radius, 0.08), glow)
    else:
        item.cushion((0, 0, -0.04), (radius * 2, radius * 2, 0.08), 0.02, glow)
    return item


def tube_lamp(rng) -> Item:
    """A fluorescent fitting 1.2-1.5 long or a panel of 0.6 x 0.6-1.2, flush with the ceiling."""
    item, glow = Item("lamp", "white"), paint_of(rng, "white", "plain", 1, 0.03, glow=rng.uniform(0.8, 2.0))
    if rng.random() < 0.5:
        length = rng.uniform(1.2, 1.5)
        item.box((0, 0, -0.03), (0.16, length, 0.06), plastic(rng, "white"))
        for sx in (-1, 1):
            item.capsule((sx * 0.045, -length / 2 + 0.05, -0.075), (sx * 0.045, length / 2 - 0.05, -0.075), 0.014, glow)
    else:
        item.box((0, 0, -0.006), (0.6, float(rng.choice([0.6, 1.2])), 0.012), glow)
    return item
