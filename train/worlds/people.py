"""People and pets. The named colour is that of a person's shirt, coat or dress, or of the fur.

Adults stand 1.5-1.92 m tall, children 0.95-1.45; joints follow the usual shares of height (hip .52, knee .28,
shoulder .82). Dogs stand 0.25-0.65 m at the shoulder, cats 0.23-0.28.
"""

from __future__ import annotations

import numpy as np

from .things import Item, Paint, paint_of, pick_colour, stuff


def person(rng) -> Item:
    """Standing or walking."""
    item, body = _dressed(rng)
    s, step = body["s"], rng.uniform(-0.3, 0.3) if rng.random() < 0.5 else rng.uniform(-0.06, 0.06)
    for sx in (-1, 1):
        swing = sx * step * s
        hip, knee = (sx * 0.09 * s, 0.0, 0.9 * s), (sx * 0.1 * s, -swing * 0.5 - abs(step) * 0.1 * s, 0.49 * s)
        ankle = (sx * 0.1 * s, swing * -0.6 + 0.02, 0.09 * s)
        _leg(item, body, hip, knee, ankle)
    _upper(rng, item, body, 0.0, 0.9 * s, step)
    return item


def child(rng) -> Item:
    """A standing child, 0.95-1.45 m tall."""
    item, body = _dressed(rng, rng.uniform(0.95, 1.45))
    s = body["s"]
    for sx in (-1, 1):
        _leg(
            item, body, (sx * 0.085 * s, 0, 0.88 * s), (sx * 0.09 * s, -0.03, 0.47 * s), (sx * 0.1 * s, 0.02, 0.09 * s)
        )
    _upper(rng, item, body, 0.0, 0.88 * s, rng.uniform(-0.2, 0.2))
    return item


def anybody(rng) -> Item:
    return child(rng) if rng.random() < 0.15 else person(rng)


def seated(rng, seat: float = 0.45) -> Item:
    """Sitting on something `seat` metres high: hips over the origin, feet forward on the floor."""
    item, body = _dressed(rng)
    s, hip = body["s"], seat + 0.1 * body["s"]
    for sx in (-1, 1):
        spread = rng.uniform(0.09, 0.16) * s
        knee = (sx * spread, -0.42 * s, max(0.47 * s, seat + 0.05))
        ankle = (sx * spread, (-0.42 + rng.uniform(-0.12, 0.1)) * s, 0.09 * s)
        _leg(item, body, (sx * 0.09 * s, 0.02, hip), knee, ankle)
    _upper(rng, item, body, 0.06, hip, 0.0, forward=True)
    return item


def skin_paint(tone: float) -> Paint:
    """From dark, 0.1, to light, 1."""
    return Paint((0.75 * tone, 0.47 * tone, 0.33 * tone), (0.65 * tone, 0.4 * tone, 0.28 * tone))


def _dressed(rng, height: float | None = None) -> tuple[Item, dict]:
    colour = pick_colour(rng)
    item = Item("person", colour)
    tall = height or float(np.clip(rng.normal(1.7, 0.09), 1.5, 1.92))
    tone = rng.uniform(0.12, 1.0)
    texture = str(rng.choice(["plain", "noise", "weave", "stripes", "plaid"], p=[0.35, 0.25, 0.2, 0.1, 0.1]))
    below = pick_colour(rng, "blue", "black", "grey", "brown")
    body = {
        "s": tall / 1.75,
        "tall": tall,
        "wide": rng.uniform(0.88, 1.2),
        "shirt": stuff(rng, colour, texture, 0.2),
        "below": paint_of(rng, below, "noise", 0.2, 0.2),
        "skin": skin_paint(tone),
        "hair": paint_of(rng, str(rng.choice(["black", "brown", "brown", "grey", "yellow"])), "noise", 0.05),
        "shoe": paint_of(rng, str(rng.choice(["black", "black", "white", "brown", "grey"]))),
        "bare": rng.random() < 0.15,  # short trousers
    }
    return item, body


def _leg(item, body, hip, knee, ankle) -> None:
    s = body["s"]
    item.capsule(hip, knee, 0.078 * s * body["wide"], body["below"])
    item.capsule(knee, ankle, 0.052 * s, body["skin"] if body["bare"] else body["below"])
    x, y, _ = ankle
    item.cushion((x, y - 0.055 * s, 0.045 * s), (0.095 * s, 0.26 * s, 0.09 * s), 0.04 * s, body["shoe"])


def _upper(rng, item, body, lean: float, hip: float, step: float, forward: bool = False) -> None:
    """Torso, arms and head above the hips; `lean` metres backwards at the shoulders."""
    s, wide, shirt, skin = body["s"], body["wide"], body["shirt"], body["skin"]
    shoulder = hip + 0.52 * s
    sleeve = shirt if rng.random() < 0.65 else skin
    length = hip - 0.03 * s if forward or rng.random() < 0.75 else hip - rng.uniform(0.15, 0.4) * s  # shirt or coat
    middle = (length + shoulder + 0.06 * s) / 2
    item.cushion(
        (0, lean / 2, middle), (0.36 * s * wide, 0.22 * s * wide, shoulder + 0.06 * s - length), 0.1 * s, shirt
    )
    if length < hip - 0.1 * s:
        item.spire(0, 0, length - 0.05 * s, length + 0.9 * s, 0.23 * s * wide, shirt)
    for sx in (-1, 1):
        x, pose = sx * 0.205 * s * wide, rng.random()
        top = (x, lean, shoulder)
        reach = -sx * step * 0.5 * s
        if forward or pose < 0.3:  # forearm lifted: typing, a phone, a cup
            elbow = (x * 1.12, lean - 0.05 * s, shoulder - 0.27 * s)
            hand = (x * 0.75, lean - rng.uniform(0.24, 0.32) * s, shoulder - rng.uniform(0.12, 0.32) * s)
        elif pose < 0.4:  # on the hip
            elbow, hand = (x * 1.7, 0.04, shoulder - 0.25 * s), (x * 0.95, -0.06, shoulder - 0.42 * s)
        else:
            elbow, hand = (x * 1.12, reach * 0.4, shoulder - 0.28 * s), (x * 1.12, reach - 0.04, shoulder - 0.53 * s)
        item.capsule(top, elbow, 0.047 * s, shirt)
        item.capsule(elbow, hand, 0.037 * s, sleeve)
        item.blob(hand, (0.04 * s, 0.045 * s, 0.055 * s), skin)
    scale = s if body["tall"] > 1.48 else s * 1.15  # children's heads are larger for their height
    y, chin = lean - 0.01, body["tall"] - 0.235 * scale + (hip - 0.9 * s if forward else 0)
    item.capsule((0, lean, shoulder), (0, y, chin + 0.06), 0.052 * s, skin)
    item.blob((0, y, chin + 0.11 * scale), (0.077 * scale, 0.095 * scale, 0.115 * scale), skin)
    style = rng.random()
    if style < 0.92:
        item.blob(
            (0, y + 0.02 * scale, chin + 0.145 * scale), (0.083 * scale, 0.095 * scale, 0.09 * scale), body["hair"]
        )
    if 0.5 < style < 0.8:  # long hair
        item.cushion(
            (0, y + 0.07 * scale, chin + 0.03 * scale), (0.17 * scale, 0.07 * scale, 0.26 * scale), 0.03, body["hair"]
        )


def _fur(rng, *favourites) -> tuple[str, Paint]:
    colour = str(rng.choice(favourites))
    return colour, stuff(rng, colour, str(rng.choice(["noise", "plain", "blobs"], p=[0.6, 0.25, 0.15])), 0.25)


def dog(rng) -> Item:
    """0.25-0.65 m at the shoulder; standing, or sitting on its hind legs."""
    colour, fur = _fur(rng, "brown", "brown", "black", "white", "grey", "yellow")
    item, h = Item("dog", colour), rng.uniform(0.25, 0.65)
    dark, sits = paint_of(rng, "black"), rng.random() < 0.35
    back = (0, 0.36 * h, 0.32 * h) if sits else (0, 0.55 * h, 0.8 * h)
    chest = (0, -0.3 * h, 0.78 * h)
    item.capsule(chest, back, 0.19 * h, fur)
    for sx in (-1, 1):
        x = sx * 0.12 * h
        item.capsule((x, -0.34 * h, 0.7 * h), (x, -0.36 * h, 0.062 * h), 0.062 * h, fur)
        if sits:
            item.blob((x * 1.3, 0.3 * h, 0.22 * h), (0.1 * h, 0.26 * h, 0.22 * h), fur)
        else:
            item.capsule((x, 0.52 * h, 0.7 * h), (x, 0.56 * h, 0.066 * h), 0.066 * h, fur)
        item.blob((sx * 0.13 * h, -0.58 * h, 1.2 * h), (0.035 * h, 0.06 * h, 0.13 * h), fur)  # ears
    item.capsule(chest, (0, -0.55 * h, 1.1 * h), 0.12 * h, fur)
    item.blob((0, -0.62 * h, 1.16 * h), (0.14 * h, 0.18 * h, 0.14 * h), fur)
    item.capsule((0, -0.7 * h, 1.1 * h), (0, -0.88 * h, 1.08 * h), 0.065 * h, fur)
    item.blob((0, -0.95 * h, 1.1 * h), (0.03 * h, 0.025 * h, 0.025 * h), dark)
    item.capsule(back, (0, back[1] + 0.4 * h, back[2] + rng.uniform(-0.2, 0.35) * h), 0.04 * h, fur)
    return item


def cat(rng) -> Item:
    """0.23-0.28 m at the shoulder; standing, sitting or lying."""
    colour, fur = _fur(rng, "black", "grey", "orange", "white", "brown")
    item, h, pose = Item("cat", colour), rng.uniform(0.23, 0.28), rng.random()
    low = pose < 0.35  # lying
    z = 0.3 * h if low else 0.75 * h
    chest, back = (0, -0.45 * h, z), (0, 0.5 * h, 0.3 * h if pose < 0.7 else z)
    item.capsule(chest, back, 0.24 * h, fur)
    for sx in (-1, 1):
        x = sx * 0.14 * h
        if low:
            item.capsule((x, -0.5 * h, 0.08 * h), (x, -0.95 * h, 0.08 * h), 0.07 * h, fur)
        else:
            item.capsule((x, -0.48 * h, 0.65 * h), (x, -0.52 * h, 0.075 * h), 0.07 * h, fur)
            item.capsule((x, 0.48 * h, back[2]), (x, 0.5 * h, 0.075 * h), 0.07 * h, fur)
        item.spire(sx * 0.13 * h, -0.7 * h, z + 0.62 * h, z + 0.88 * h, 0.09 * h, fur)
    item.blob((0, -0.72 * h, z + 0.45 * h), (0.22 * h, 0.22 * h, 0.2 * h), fur)
    item.capsule(back, (rng.uniform(-0.3, 0.3) * h, 0.95 * h, back[2] + 0.05 * h), 0.06 * h, fur)
    item.capsule(
        (0, 0.95 * h, back[2] + 0.05 * h),
        (rng.uniform(-0.4, 0.4) * h, 1.3 * h, 0.3 * h + 0.3 * h * pose),
        0.055 * h,
        fur,
    )
    return item
