"""Kitchen and laundry, in the sizes of EN 1116: modules 0.6 wide and deep, worktops 0.86-0.93 high."""

from __future__ import annotations

from ..materials import board, ceramic, darker, metal, usual
from ..things import Item, Paint, paint_of

BLACK_GLASS = Paint((0.01, 0.01, 0.012), (0.02, 0.02, 0.022), gloss=0.9)
STEEL = Paint((0.5, 0.5, 0.5), (0.42, 0.42, 0.43), "noise", 0.3, gloss=0.7)


def counter(rng, width: float | None = None, height: float | None = None, style=None) -> Item:
    """A run of base units, 0.6-3.6 wide, with one worktop; `style` (colour, front, worktop, handles) is shared."""
    colour, front, top, knob = style or counter_style(rng)
    item = Item("counter", colour)
    width, height = width or rng.uniform(0.6, 3.6), height or rng.uniform(0.86, 0.93)
    item.box((0, 0.02, (0.1 + height - 0.04) / 2), (width, 0.54, height - 0.14), darker(front, 0.9))
    item.box((0, 0.05, 0.05), (width - 0.02, 0.46, 0.1), darker(front, 0.35))
    item.box((0, 0, height - 0.02), (width, 0.6, 0.04), top)
    columns = max(1, round(width / 0.6))
    w, drawers = width / columns, int(rng.integers(columns))
    for i in range(columns):
        x = -width / 2 + w * (i + 0.5)
        rows = 3 if i == drawers else 1
        h = (height - 0.16) / rows
        for j in range(rows):
            z = 0.105 + h * (j + 0.5)
            item.box((x, -0.26, z), (w - 0.006, 0.018, h - 0.008), front)
            item.box((x, -0.28, z + h / 2 - 0.05), (min(0.3, w * 0.5), 0.02, 0.014), knob)
    item.top = height
    return item


def counter_style(rng) -> tuple[str, Paint, Paint, Paint]:
    """Colour name, front, worktop and handles of one kitchen."""
    colour = usual(rng, "white", "grey", "brown", "white")
    stone = paint_of(rng, str(rng.choice(["black", "grey", "white", "brown"])), str(rng.choice(["speckle", "wood"])),
                     rng.uniform(0.03, 0.12), 0.25, gloss=0.4)  # fmt: skip
    return colour, board(rng, colour), stone, metal(rng, "grey", "black")


def wall_cabinet(rng, width: float | None = None, style=None) -> Item:
    """Hung above a counter: 0.55-0.8 high, 0.33-0.37 deep. The item's origin is its lower edge."""
    colour, front, _, knob = style or counter_style(rng)
    item, width, height = Item("cabinet", colour), width or rng.uniform(0.6, 2.4), rng.uniform(0.55, 0.8)
    item.box((0, 0.01, height / 2), (width, 0.32, height), darker(front, 0.9))
    columns = max(1, round(width / 0.5))
    w = width / columns
    for i in range(columns):
        x = -width / 2 + w * (i + 0.5)
        item.box((x, -0.16, height / 2), (w - 0.006, 0.018, height - 0.006), front)
        item.box((x + (0.38 if i % 2 == 0 else -0.38) * w, -0.178, 0.1), (0.012, 0.02, 0.12), knob)
    return item


def hood(rng) -> Item:
    """An extractor hood, 0.6-0.9 wide: a box with a chimney; a cabinet of metal."""
    item, width = Item("cabinet", "grey"), rng.uniform(0.6, 0.9)
    item.box((0, 0.02, 0.04), (width, 0.46, 0.08), STEEL)
    item.box((0, 0.12, 0.38), (0.28, 0.24, 0.62), STEEL)
    return item


def fridge(rng) -> Item:
    """0.54-0.7 wide, 1.4-1.9 high (a small one: 0.85), with a freezer door above or below."""
    colour = usual(rng, "white", "grey", "white", "grey", "white")
    item = Item("fridge", colour)
    paint = paint_of(rng, colour, "plain", 1.0, 0.05, gloss=rng.uniform(0.3, 0.8))
    width, depth = rng.uniform(0.54, 0.7), rng.uniform(0.58, 0.68)
    height = 0.85 if rng.random() < 0.12 else rng.uniform(1.4, 1.9)
    knob, split = metal(rng, "grey", "black"), float(rng.choice([0.3, 0.7]))
    item.box((0, 0.03, height / 2 + 0.01), (width, depth - 0.06, height - 0.02), darker(paint, 0.85))
    doors = [(0.03, height)] if height < 1 else [(0.03, height * split), (height * split + 0.008, height)]
    for low, high in doors:
        item.cushion((0, -depth / 2 + 0.03, (low + high) / 2), (width, 0.06, high - low), 0.015, paint)
        z = (low + high) / 2 if height < 1 else high - 0.25 if high < height else low + 0.25
        item.capsule(
            (width * 0.42, -depth / 2 - 0.03, z - 0.14), (width * 0.42, -depth / 2 - 0.03, z + 0.14), 0.012, knob
        )
    return item


def oven(rng) -> Item:
    """A cooker: 0.5-0.6 wide, 0.85-0.92 high, four plates on top."""
    colour = usual(rng, "white", "black", "grey", "white")
    item, paint = Item("oven", colour), paint_of(rng, colour, "plain", 1, 0.05, gloss=0.5)
    width, height = rng.uniform(0.5, 0.6), rng.uniform(0.85, 0.92)
    item.box((0, 0, height / 2), (width, 0.58, height), paint)
    item.box((0, 0, height + 0.004), (width - 0.02, 0.54, 0.01), BLACK_GLASS)
    for x in (-0.12, 0.12):
        for y in (-0.12, 0.13):
            item.post(x, y, height, height + 0.014, rng.uniform(0.07, 0.1), paint_of(rng, "black"))
    item.box((0, -0.3, height * 0.5), (width - 0.06, 0.02, 0.4), BLACK_GLASS)
    item.capsule((-width * 0.38, -0.34, height * 0.5 + 0.24), (width * 0.38, -0.34, height * 0.5 + 0.24), 0.012, STEEL)
    for k in range(5):
        item.disc((width * (k - 2) * 0.18, -0.3, height - 0.07), 0.02, 0.03, STEEL, "y")
    return item


def microwave(rng) -> Item:
    """A microwave oven for a worktop: 0.44-0.52 x 0.35 x 0.26-0.3."""
    colour = str(rng.choice(["white", "black", "grey"]))
    item, paint = Item("oven", colour), paint_of(rng, colour, "plain", 1, 0.05, gloss=0.4)
    width, height = rng.uniform(0.44, 0.52), rng.uniform(0.26, 0.3)
    item.box((0, 0, height / 2), (width, 0.35, height), paint)
    item.box((-width * 0.12, -0.178, height / 2), (width * 0.62, 0.01, height * 0.7), BLACK_GLASS)
    item.box((width * 0.36, -0.178, height / 2), (width * 0.2, 0.01, height * 0.8), darker(paint, 0.7))
    return item


def sink(rng) -> Item:
    """A kitchen sink of steel or ceramic let into a worktop whose top is the item's z = 0, with its tap."""
    colour = str(rng.choice(["grey", "grey", "white"]))
    item, paint = Item("sink", colour), STEEL if colour == "grey" else ceramic(rng)
    width, tap = rng.uniform(0.45, 0.8), rng.uniform(0.2, 0.34)
    for y, d in ((-0.21, 0.04), (0.2, 0.07)):
        item.box((0, y, 0.005), (width, d, 0.02), paint)
    for sx in (-1, 1):
        item.box((sx * (width / 2 - 0.02), 0, 0.005), (0.04, 0.44, 0.02), paint)
    item.box((0, -0.01, 0), (width - 0.06, 0.38, 0.006), darker(paint, 0.55))
    item.rod((0, 0.2, 0), (0, 0.2, tap), 0.014, STEEL)
    item.capsule((0, 0.2, tap), (0, 0.02, tap - 0.02), 0.013, STEEL)
    item.box((0.05, 0.2, 0.06), (0.08, 0.02, 0.014), STEEL)
    return item


def washing_machine(rng) -> Item:
    """0.6 x 0.5-0.62 x 0.85 with a round door."""
    colour = str(rng.choice(["white", "white", "white", "grey", "black"]))
    item, paint = Item("washing machine", colour), paint_of(rng, colour, "plain", 1, 0.04, gloss=0.4)
    depth, rim = rng.uniform(0.5, 0.62), paint_of(rng, str(rng.choice(["grey", "white", "black"])), gloss=0.6)
    item.cushion((0, 0, 0.425), (0.6, depth, 0.85), 0.012, paint)
    item.disc((0, -depth / 2 - 0.01, 0.42), 0.2, 0.04, rim, "y")
    item.blob((0, -depth / 2 - 0.02, 0.42), (0.15, 0.03, 0.15), BLACK_GLASS)
    item.box((0, -depth / 2, 0.79), (0.59, 0.014, 0.1), darker(paint, 0.9))
    item.box((-0.19, -depth / 2 - 0.005, 0.79), (0.18, 0.012, 0.07), darker(paint, 0.75))
    item.disc((0.06, -depth / 2 - 0.015, 0.79), 0.03, 0.03, rim, "y")
    item.box((0.2, -depth / 2 - 0.005, 0.79), (0.12, 0.012, 0.04), BLACK_GLASS)
    item.top = 0.85
    return item


def island(rng, style) -> Item:
    """A free-standing worktop, 1.2-2.4 x 0.8-1.0, counter height."""
    colour, front, top, _ = style
    item, width, depth = Item("counter", colour), rng.uniform(1.2, 2.4), rng.uniform(0.8, 1.0)
    item.box((0, 0, 0.46), (width - 0.1, depth - 0.25, 0.8), front)
    item.box((0, 0, 0.03), (width - 0.16, depth - 0.3, 0.06), darker(front, 0.4))
    item.box((0, 0, 0.88), (width, depth, 0.04), top)
    item.top = 0.9
    return item
