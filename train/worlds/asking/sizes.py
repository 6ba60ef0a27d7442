"""Lengths of one thing or point: its distance, and how tall and how wide a thing is that is seen whole."""

from __future__ import annotations

import numpy as np

from .asker import Asker

SMALLEST = 0.05
"""Metres; flatter things (rugs) have no height to be asked after."""


def distance(ask: Asker) -> None:
    """The median depth_z over the thing's visible pixels."""
    things = ask.some(ask.shown.named, 6)
    if things:
        thing = things[ask.spread(np.array([thing.depth_z for thing in things]))]
        ask.say_length("distance", thing.depth_z, {"thing": ask.call(thing)}, pixel=thing.centre,
                       instance=thing.instance)  # fmt: skip


def depth_at(ask: Asker) -> None:
    height, width = ask.size
    spots = [(int(ask.rng.integers(width)), int(ask.rng.integers(height))) for _ in range(12)]
    depths = [ask.shown.smooth_depth(*spot) for spot in spots]
    known = [(spot, depth) for spot, depth in zip(spots, depths, strict=True) if depth is not None]
    if known:
        (x, y), depth = known[ask.spread(np.array([depth for _, depth in known]))]
        ask.say_length("depth_at", depth, ask.pixel(x, y), pixel=(x + 0.5, y + 0.5))


def height(ask: Asker) -> None:
    """The thing's own height."""
    things = [thing for thing in ask.shown.named if thing.whole and thing.tall > SMALLEST]
    _size(ask, "height", [(thing, thing.tall) for thing in things])


def width(ask: Asker) -> None:
    """From its leftmost to its rightmost visible point, level, across the view."""
    things = [thing for thing in ask.shown.named if thing.whole and thing.across > SMALLEST]
    _size(ask, "width", [(thing, thing.across) for thing in things])


def _size(ask: Asker, kind: str, things: list) -> None:
    if things:
        thing, value = ask.one(things)
        if ask.fresh(kind, thing) and ask.chance(ask.balance.usual(kind, thing.kind, value)):
            ask.say_length(kind, value, {"thing": ask.call(thing)}, instance=thing.instance)
