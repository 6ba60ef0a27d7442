"""Furniture with real sizes, in metres. Every function takes a random generator and returns an `Item`.

Heights follow the usual standards: tables 0.72-0.76 and seats 0.43-0.47 (EN 1729, EN 527), mattresses 0.9-1.8 x 2.0.
"""

from __future__ import annotations

import numpy as np

from ..materials import WOODS, board, cloth, darker, leather, leg_style, legs, metal, usual, wood
from ..things import Item, Paint, paint_of, pick_colour, rgb_of


def table(rng) -> Item:
    """A dining table 0.72-0.76 high (round: 0.8-1.4 across), or a coffee table of 0.35-0.48."""
    return _table(rng, low=rng.random() < 0.25)


def dining_table(rng) -> Item:
    return _table(rng, low=False)


def coffee_table(rng) -> Item:
    return _table(rng, low=True)


def _table(rng, low: bool) -> Item:
    colour = usual(rng, *WOODS)
    item, paint = Item("table", colour), board(rng, colour)
    frame = paint if rng.random() < 0.5 else metal(rng)
    height = rng.uniform(0.35, 0.48) if low else rng.uniform(0.72, 0.76)
    thick = rng.uniform(0.018, 0.045)
    if rng.random() < 0.25:
        radius = rng.uniform(0.3, 0.5) if low else rng.uniform(0.4, 0.7)
        item.post(0, 0, height - thick, height, radius, paint)
        if rng.random() < 0.6:
            item.post(0, 0, 0, height - thick, 0.04, frame)
            item.post(0, 0, 0, 0.03, radius * 0.55, frame)
        else:
            legs(item, radius * 1.5, radius * 1.5, height - thick, 0.045, frame, 0.06, leg_style(rng))
    else:
        width = rng.uniform(0.7, 1.3) if low else rng.uniform(0.8, 2.2)
        depth = rng.uniform(0.45, 0.75) if low else rng.uniform(0.65, 1.0)
        item.box((0, 0, height - thick / 2), (width, depth, thick), paint)
        legs(item, width, depth, height - thick, rng.uniform(0.035, 0.08), frame, 0.05, leg_style(rng))
        if low and rng.random() < 0.3:
            item.box((0, 0, 0.14), (width - 0.1, depth - 0.1, 0.02), paint)
        elif rng.random() < 0.4:
            item.box((0, 0, height - thick - 0.04), (width - 0.1, depth - 0.1, 0.08), darker(frame, 0.9))
    item.top = height
    return item


def desk(rng) -> Item:
    """A writing desk 0.72-0.76 high, 1.1-1.8 x 0.6-0.8, with drawers, panels or a metal frame."""
    colour = usual(rng, "white", "brown", "grey", "brown")
    item, paint, frame = Item("desk", colour), board(rng, colour), metal(rng)
    width, depth, height = rng.uniform(1.1, 1.8), rng.uniform(0.6, 0.8), rng.uniform(0.72, 0.76)
    item.box((0, 0, height - 0.0125), (width, depth, 0.025), paint)
    style = rng.random()
    if style < 0.35:  # panels and a drawer block
        for sx in (-1, 1):
            item.box((sx * (width / 2 - 0.015), 0, height / 2 - 0.015), (0.025, depth * 0.95, height - 0.03), paint)
        item.box((0, depth / 2 - 0.04, height * 0.6), (width - 0.06, 0.018, height * 0.6), paint)
    elif style < 0.7:
        legs(item, width, depth, height - 0.025, 0.05, frame, 0.05, leg_style(rng))
    else:  # T-legs of a height-adjustable desk
        for sx in (-1, 1):
            item.box((sx * width * 0.38, 0, height / 2), (0.09, 0.06, height - 0.06), frame)
            item.cushion((sx * width * 0.38, 0, 0.02), (0.08, depth * 0.9, 0.04), 0.015, frame)
        item.box((0, 0, height - 0.05), (width * 0.76, 0.06, 0.04), frame)
    if style < 0.35 or rng.random() < 0.4:
        side, block = rng.choice([-1, 1]), darker(paint, 0.92)
        x = side * (width / 2 - 0.25)
        item.box((x, 0.02, 0.33), (0.42, depth * 0.85, 0.58), paint)
        for z in (0.15, 0.34, 0.52):
            item.box((x, 0.01 - depth * 0.42, z), (0.4, 0.016, 0.165), block)
            item.box((x, -depth * 0.42 - 0.01, z + 0.04), (0.12, 0.015, 0.012), frame)
    item.top = height
    return item


def chair(rng) -> Item:
    """Seat 0.43-0.47 high, back 0.78-1.05: wooden, shell, office or upholstered."""
    return (_plain_chair, _plain_chair, _shell_chair, office_chair, _armchair)[int(rng.integers(5))](rng)


def dining_chair(rng) -> Item:
    return _plain_chair(rng) if rng.random() < 0.6 else _shell_chair(rng)


def _plain_chair(rng) -> Item:
    colour = usual(rng, *WOODS)
    item, soft = Item("chair", colour), rng.random() < 0.4
    paint = cloth(rng, colour) if soft else wood(rng, colour)
    frame = paint if not soft else wood(rng, str(rng.choice(WOODS)))
    seat, width, depth = rng.uniform(0.43, 0.47), rng.uniform(0.4, 0.5), rng.uniform(0.4, 0.48)
    thick, back = rng.uniform(0.06, 0.09) if soft else rng.uniform(0.02, 0.035), rng.uniform(0.8, 1.05)
    item.cushion((0, 0, seat - thick / 2), (width, depth, thick), 0.03 if soft else 0.008, paint)
    legs(item, width, depth, seat - thick + 0.01, rng.uniform(0.03, 0.045), frame, 0.025, leg_style(rng))
    lean, top = rng.uniform(0.02, 0.09), back
    for x in (-width / 2 + 0.025, width / 2 - 0.025):
        item.rod((x, depth / 2 - 0.03, seat - 0.05), (x, depth / 2 - 0.03 + lean, top), 0.018, frame)
    style = rng.random()
    y = depth / 2 - 0.03 + lean * 0.75
    if soft or style < 0.4:
        tall = rng.uniform(0.2, 0.45)
        item.cushion((0, y, top - tall / 2), (width - 0.05, 0.05 if soft else 0.02, tall), 0.02, paint)
    else:
        for k in range(int(rng.integers(2, 4))):
            item.box((0, y - 0.012 * k, top - 0.06 - 0.14 * k), (width - 0.05, 0.018, 0.06), paint)
    return item


def _shell_chair(rng) -> Item:
    """A bent shell of plastic or plywood on thin legs or a bent tube."""
    colour = usual(rng, "orange", "brown", "white", "black", "green")
    item, paint = Item("chair", colour), paint_of(rng, colour, "noise", 0.3, 0.08, gloss=rng.uniform(0, 0.5))
    frame, seat, width = metal(rng, "grey", "black", "white"), rng.uniform(0.43, 0.47), rng.uniform(0.42, 0.5)
    back = rng.uniform(0.78, 0.86)
    item.cushion((0, 0, seat - 0.012), (width, 0.42, 0.024), 0.011, paint)
    item.cushion((0, 0.23, (seat + back) / 2 + 0.05), (width * 0.95, 0.024, back - seat - 0.1), 0.011, paint,
                 (0, 0.16, 0.987))  # fmt: skip
    item.cushion((0, 0.2, seat + 0.05), (width * 0.8, 0.022, 0.14), 0.01, paint, (0, 0.4, 0.917))
    if rng.random() < 0.6:
        legs(item, 0.5, 0.5, seat - 0.02, 0.024, frame, 0.02, "splayed")
    else:  # cantilever
        for sx in (-1, 1):
            x = sx * width * 0.44
            item.capsule((x, -0.2, seat - 0.03), (x, -0.22, 0.013), 0.012, frame)
            item.capsule((x, -0.22, 0.013), (x, 0.22, 0.013), 0.012, frame)
            item.capsule((x, -0.2, seat - 0.03), (x, 0.2, seat - 0.03), 0.012, frame)
    return item


def office_chair(rng) -> Item:
    """A swivel chair on five castors, base 0.6 across."""
    colour = usual(rng, "black", "black", "grey", "blue", "green")
    item, paint = Item("chair", colour), cloth(rng, colour)
    dark = paint if colour == "black" else paint_of(rng, "black", gloss=0.2)
    seat, width, back = rng.uniform(0.43, 0.5), rng.uniform(0.45, 0.52), rng.uniform(0.9, 1.15)
    item.cushion((0, 0, seat - 0.04), (width, 0.46, 0.08), 0.035, paint)
    lean = rng.uniform(0.05, 0.18)
    item.cushion((0, 0.25, (seat + back) / 2 + 0.06), (width * 0.9, 0.06, back - seat - 0.12), 0.03, paint,
                 (0, lean, (1 - lean**2) ** 0.5))  # fmt: skip
    item.rod((0, 0.1, seat - 0.08), (0, 0.26, seat + 0.15), 0.025, dark)
    item.post(0, 0, 0.07, seat - 0.08, 0.028, dark)
    turn = rng.uniform(0, 1.2)
    for k in range(5):
        angle = turn + k * 2 * np.pi / 5
        x, y = 0.29 * np.cos(angle), 0.29 * np.sin(angle)
        item.rod((0, 0, 0.09), (x, y, 0.065), 0.02, dark)
        item.blob((x, y, 0.028), (0.028, 0.028, 0.028), dark)
    if rng.random() < 0.6:
        for sx in (-1, 1):
            x = sx * (width / 2 + 0.03)
            item.cushion((x, 0, seat + 0.2), (0.07, 0.26, 0.03), 0.012, dark)
            item.rod((x, 0.03, seat - 0.05), (x, 0.03, seat + 0.19), 0.014, dark)
    return item


def _armchair(rng) -> Item:
    """An upholstered chair with arms, 0.65-0.85 wide."""
    colour = usual(rng, "grey", "green", "brown")
    item, paint = Item("chair", colour), (leather if rng.random() < 0.25 else cloth)(rng, colour)
    width, depth, seat, back = (rng.uniform(*r) for r in ((0.65, 0.85), (0.65, 0.8), (0.4, 0.45), (0.78, 1.0)))
    item.cushion((0, 0, seat - 0.13), (width - 0.1, depth - 0.1, 0.26), 0.06, paint)
    item.cushion((0, depth / 2 - 0.12, (seat + back) / 2), (width - 0.12, 0.16, back - seat + 0.2), 0.07, paint,
                 (0, 0.16, 0.987))  # fmt: skip
    for sx in (-1, 1):
        item.cushion((sx * (width / 2 - 0.06), 0.02, seat + 0.02), (0.12, depth - 0.08, 0.34), 0.05, paint)
    legs(item, width, depth, seat - 0.2, 0.035, wood(rng, str(rng.choice(WOODS))), 0.1, "round")
    return item


def stool(rng) -> Item:
    """0.42-0.76 high (the upper end: bar stools), round or square seat 0.3-0.4 across."""
    colour = usual(rng, *WOODS)
    item, paint = Item("stool", colour), wood(rng, colour)
    height, radius = rng.uniform(0.42, 0.5) if rng.random() < 0.6 else rng.uniform(0.62, 0.76), rng.uniform(0.15, 0.2)
    if rng.random() < 0.6:
        item.post(0, 0, height - 0.04, height, radius, paint)
    else:
        item.cushion((0, 0, height - 0.03), (radius * 2, radius * 2, 0.06), 0.025, cloth(rng, colour))
    if rng.random() < 0.75:
        legs(item, radius * 2, radius * 2, height - 0.04, 0.032, paint, 0.02, "splayed")
    else:
        item.post(0, 0, 0.02, height - 0.04, 0.03, metal(rng))
        item.post(0, 0, 0, 0.02, radius, metal(rng))
    return item


def sofa(rng) -> Item:
    """0.85-2.4 wide, 0.8-1.0 deep, seat 0.4-0.45, back 0.72-0.92; cushioned, leather or on legs."""
    colour = usual(rng, "grey", "brown", "black", "blue", "white")
    item = Item("sofa", colour)
    paint = (leather if rng.random() < 0.35 else cloth)(rng, colour)
    width, depth = rng.uniform(0.85, 2.4), rng.uniform(0.8, 1.0)
    seat, back, arm = rng.uniform(0.4, 0.45), rng.uniform(0.72, 0.92), rng.uniform(0.1, 0.25)
    lift = rng.choice([0.03, 0.12])
    legs(item, width, depth, lift + 0.02, 0.05, wood(rng, str(rng.choice(WOODS))), 0.06, "round")
    item.cushion((0, 0.02, (lift + seat - 0.12) / 2), (width - 0.04, depth - 0.06, seat - 0.12 - lift), 0.03, paint)
    count = max(1, round((width - 2 * arm) / 0.7))
    w = (width - 2 * arm) / count
    for i in range(count):
        x = -width / 2 + arm + w * (i + 0.5)
        item.cushion((x, -0.08, seat - 0.07), (w - 0.01, depth - 0.2, 0.15), 0.05, paint)
        item.cushion((x, depth / 2 - 0.22, seat + (back - seat) * 0.5), (w - 0.015, 0.16, back - seat), 0.06, paint,
                     (0, 0.2, 0.98))  # fmt: skip
    item.cushion((0, depth / 2 - 0.09, (back + lift) / 2), (width - 0.02, 0.17, back - lift), 0.06, paint)
    rise = rng.uniform(0.54, 0.66)
    for sx in (-1, 1):
        item.cushion((sx * (width - arm) / 2, 0, (rise + lift) / 2), (arm, depth, rise - lift), 0.06, paint)
    item.top = seat
    return item


def bed(rng) -> Item:
    """0.9-1.8 x 1.95-2.1, lying surface 0.42-0.6; a frame, a mattress, a cover, pillows."""
    colour = usual(rng, "white", "blue", "grey")
    item, frame, cover = Item("bed", colour), wood(rng, str(rng.choice(WOODS))), cloth(rng, colour)
    white = paint_of(rng, "white", "noise", 0.3, 0.08)
    width, length, height = rng.choice([0.9, 1.4, 1.6, 1.8]), rng.uniform(1.95, 2.1), rng.uniform(0.42, 0.6)
    legs(item, width, length, 0.14, 0.06, frame, 0.06)
    item.box((0, 0, 0.2), (width, length, 0.14), frame)
    item.cushion((0, 0, (0.24 + height) / 2), (width - 0.04, length - 0.06, height - 0.24), 0.06, white)
    reach = rng.uniform(0.6, 0.85) * length
    drop = rng.uniform(0.02, 0.1)
    item.cushion((0, -length / 2 + reach / 2, (0.26 + height) / 2 - 0.01), (width + drop, reach, height - 0.2), 0.07,
                 cover)  # fmt: skip
    if rng.random() < 0.6:
        top = rng.uniform(0.8, 1.15)
        head = frame if rng.random() < 0.6 else cloth(rng, colour)
        item.cushion((0, length / 2 + 0.03, top / 2 + 0.05), (width, 0.06, top - 0.1), 0.02, head)
    pillow = white if rng.random() < 0.6 else cover
    for x in (0,) if width < 1.2 else (-width / 4, width / 4):
        item.cushion((x, length / 2 - 0.28, height + 0.06), (min(0.7, width * 0.45), 0.42, 0.14), 0.06, pillow)
    item.top = height + 0.02
    return item


def cabinet(rng) -> Item:
    """A sideboard or chest of drawers 0.55-1.0 high, or a wardrobe of 1.8-2.2; 0.35-0.6 deep."""
    return wardrobe(rng) if rng.random() < 0.35 else sideboard(rng)


def sideboard(rng) -> Item:
    return _cabinet(rng, rng.uniform(0.6, 2.0), rng.uniform(0.35, 0.5), rng.uniform(0.55, 1.0), int(rng.integers(1, 4)))


def bedside_table(rng) -> Item:
    return _cabinet(
        rng, rng.uniform(0.38, 0.5), rng.uniform(0.35, 0.42), rng.uniform(0.45, 0.6), int(rng.integers(1, 3))
    )


def wardrobe(rng) -> Item:
    return _cabinet(rng, rng.uniform(0.8, 2.4), rng.uniform(0.45, 0.62), rng.uniform(1.8, 2.2), 1)


def _cabinet(rng, width, depth, height, rows) -> Item:
    colour = usual(rng, *WOODS)
    item, paint = Item("cabinet", colour), board(rng, colour)
    lift = rng.choice([0.0, 0.06, 0.12])
    item.box((0, 0, (lift + height) / 2), (width, depth, height - lift), paint)
    if lift:
        legs(item, width, depth, lift, 0.04, metal(rng), 0.05)
    front, knob = darker(paint, rng.uniform(0.8, 0.95)), metal(rng)
    columns, upright = max(1, round(width / 0.55)), height > 1.5
    w, h = width / columns, (height - lift - 0.04) / rows
    for i in range(columns):
        for j in range(rows):
            x, z = -width / 2 + w * (i + 0.5), lift + 0.02 + h * (j + 0.5)
            item.box((x, -depth / 2 - 0.008, z), (w - 0.012, 0.018, h - 0.012), front)
            if upright:
                side = 1 if i % 2 == 0 else -1
                item.box((x + side * (w / 2 - 0.05), -depth / 2 - 0.025, 1.05), (0.014, 0.02, 0.18), knob)
            else:
                item.box((x, -depth / 2 - 0.025, z + h * 0.25), (min(0.12, w * 0.4), 0.02, 0.014), knob)
    item.top = None if upright else height
    return item


def shelf(rng) -> Item:
    """A standing shelf, 0.6-1.4 wide, 0.26-0.4 deep, boards 0.3-0.38 apart, partly filled with books."""
    return shelf_and_levels(rng)[0]


def shelf_and_levels(rng, rows: int | None = None, books: float = 0.6) -> tuple[Item, list[tuple[float, float]]]:
    """The shelf, and for every board left empty its height and the clear height above it, metres."""
    colour = usual(rng, *WOODS)
    item, paint = Item("shelf", colour), wood(rng, colour)
    steel = rng.random() < 0.25  # a storage rack: posts, no back
    width, depth = rng.uniform(0.6, 1.4), rng.uniform(0.26, 0.4) + 0.15 * steel
    rows = rows or int(rng.integers(3, 7))
    gap = rng.uniform(0.3, 0.38)
    height = rows * gap + 0.05
    if steel:
        legs(item, width, depth, height, 0.035, paint, 0.018)
    else:
        for x in (-width / 2 + 0.01, width / 2 - 0.01):
            item.box((x, 0, height / 2), (0.02, depth, height), paint)
        if rng.random() < 0.7:
            item.box((0, depth / 2 - 0.005, height / 2), (width, 0.01, height), paint)
    for i in range(rows + 1):
        item.box((0, 0, 0.04 + (height - 0.055) * i / rows), (width - 0.04, depth - 0.02, 0.022), paint)
    empty = []
    for i in range(rows):
        z = 0.051 + (height - 0.055) * i / rows
        if rng.random() > books:
            empty.append((z, gap - 0.03))
            continue
        x, end = -width / 2 + 0.03, width / 2 - 0.03
        for _ in range(int(rng.integers(1, 4))):
            w = min(end - x, rng.uniform(0.12, 0.6) * width)
            if w < 0.06:
                break
            h = rng.uniform(0.17, gap - 0.04)
            row = Paint(rgb_of(rng, pick_colour(rng)), rgb_of(rng, pick_colour(rng)), "books", rng.uniform(0.025, 0.05))
            item.box((x + w / 2, rng.uniform(-0.03, 0.03), z + h / 2), (w, depth * 0.65, h), row)
            x += w + rng.choice([0.0, 0.08])
    return item, empty


def piano(rng) -> Item:
    """An upright piano, 1.45-1.55 wide, 0.55-0.65 deep, 1.1-1.3 high, keys at 0.72."""
    colour = usual(rng, "black", "brown", "black", "brown", "white")
    item, paint = Item("piano", colour), paint_of(rng, colour, "wood", 0.2, 0.15, gloss=rng.uniform(0.4, 0.9))
    width, depth, height = rng.uniform(1.45, 1.55), rng.uniform(0.55, 0.65), rng.uniform(1.1, 1.3)
    item.box((0, depth * 0.2, height / 2), (width, depth * 0.6, height), paint)
    item.box((0, 0, height + 0.012), (width + 0.02, depth * 0.62, 0.024), darker(paint, 0.9))
    item.box((0, -depth * 0.26, 0.66), (width, depth * 0.48, 0.1), paint)
    keys = Paint((0.85, 0.85, 0.8), (0.03, 0.03, 0.03), "stripes", 0.047)
    item.box((0, -depth * 0.34, 0.72), (width - 0.16, 0.15, 0.02), keys)
    for sx in (-1, 1):
        item.box((sx * (width / 2 - 0.04), -depth * 0.42, 0.31), (0.07, 0.07, 0.62), paint)
        item.box((sx * (width / 2 - 0.03), -depth * 0.26, 0.73), (0.06, depth * 0.48, 0.06), paint)
    item.box((0, -depth * 0.11, 0.95), (0.6, 0.02, 0.2), darker(paint, 0.8))
    return item


def rug(rng) -> Item:
    """1.0-3.0 x 0.7-2.2 and 0.012 thick; rectangular or round."""
    colour = usual(rng, "red", "grey", "blue", "brown")
    item, paint = Item("rug", colour), cloth(rng, colour)
    if rng.random() < 0.25:
        item.post(0, 0, 0, 0.012, rng.uniform(0.5, 1.3), paint)
        return item
    width, depth = rng.uniform(1.0, 3.0), rng.uniform(0.7, 2.2)
    item.box((0, 0, 0.006), (width, depth, 0.012), paint)
    border = Paint(paint.rgb2, paint.rgb, str(rng.choice(["checker", "stripes", "noise"])), rng.uniform(0.05, 0.2))
    for k in range(int(rng.integers(0, 3))):
        item.box((0, 0, 0.007 + 0.001 * k), (width - 0.2 - 0.2 * k, depth - 0.2 - 0.2 * k, 0.012),
                 border if k % 2 == 0 else paint)  # fmt: skip
    return item
