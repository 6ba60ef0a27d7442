"""What furniture and small things are made of: cloth, wood, metal, ceramics; and the legs they stand on."""

from __future__ import annotations

from .things import Item, Paint, paint_of, pick_colour, shade, stuff

WOODS = ("brown", "white", "black", "grey")
METALS = ("grey", "black", "white", "brown")


def cloth(rng, colour: str) -> Paint:
    textures = ("plain", "noise", "weave", "stripes", "checker", "plaid", "floral", "dots")
    texture = str(rng.choice(textures, p=[0.2, 0.2, 0.25, 0.09, 0.06, 0.08, 0.06, 0.06]))
    return stuff(rng, colour, texture, rng.uniform(0.1, 0.3))


def usual(rng, *colours: str) -> str:
    """One of the colours that such a thing mostly has, four times of five; else any."""
    return str(rng.choice(colours)) if rng.random() < 0.8 else pick_colour(rng)


def leather(rng, colour: str) -> Paint:
    return stuff(rng, colour, "leather", 0.15, gloss=rng.uniform(0.2, 0.5))


def wood(rng, colour: str) -> Paint:
    texture = str(rng.choice(["wood", "grain"]))
    return stuff(rng, colour, texture, rng.uniform(0.15, 0.35), gloss=rng.uniform(0, 0.4))


def board(rng, colour: str) -> Paint:
    """Wood or painted board."""
    return wood(rng, colour) if rng.random() < 0.6 else paint_of(rng, colour, "plain", 1.0, 0.06, gloss=0.15)


def metal(rng, *colours: str) -> Paint:
    return paint_of(rng, str(rng.choice(list(colours or METALS))), gloss=rng.uniform(0.4, 0.9))


def plastic(rng, colour: str) -> Paint:
    return paint_of(rng, colour, "plain", 1.0, 0.05, gloss=rng.uniform(0.1, 0.6))


def ceramic(rng, colour: str = "white") -> Paint:
    return paint_of(rng, colour, "plain", 1.0, 0.04, gloss=rng.uniform(0.5, 0.9))


def darker(paint: Paint, factor: float) -> Paint:
    return Paint(shade(paint.rgb, factor), shade(paint.rgb2, factor), paint.texture, paint.scale, paint.gloss)


def legs(item: Item, width: float, depth: float, height: float, thick: float, paint: Paint, inset: float = 0.04,
         style: str = "square") -> None:  # fmt: skip
    """Four legs up to `height`: square, round or splayed (feet under the corners, tops further in)."""
    for sx in (-1, 1):
        for sy in (-1, 1):
            x, y = sx * (width / 2 - inset), sy * (depth / 2 - inset)
            if style == "square":
                item.box((x, y, height / 2), (thick, thick, height), paint)
            elif style == "round":
                item.post(x, y, 0, height, thick / 2, paint)
            else:
                item.rod((x, y, 0.015), (x * 0.72, y * 0.72, height), thick / 2, paint)


def leg_style(rng) -> str:
    return str(rng.choice(["square", "round", "splayed"], p=[0.5, 0.25, 0.25]))
