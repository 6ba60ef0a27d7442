"""Questions about two things or more: nearer, behind, left, above, between, times as far; yes/no and true/false.

The order in which two things are named is a coin's; which pairs are taken is weighed so that neither what they are
nor where their boxes lie tells which of them is the nearer or the higher one (see balance.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .asker import Asker
from .phrases import STATEMENTS, TRUE_FALSE, YES_NO
from .seen import Seen
from .units import digits, relative

CLEARLY = 1.1
"""Two depths count as different when their ratio exceeds this."""
APART = 0.06
"""Of the picture's width or height: two places nearer to each other are not called left or right, above or below."""
OPPOSITE = {"closer": "farther", "left": "right", "above": "below", "front": "behind"}
OPPOSITE |= {other: one for one, other in OPPOSITE.items()}


@dataclass
class Pair:
    """Two things and how they are called; wins: the first is the nearer one (the one on the left, the upper one)."""

    first: Seen
    second: Seen
    words: dict[str, str]
    wins: bool

    @property
    def ids(self) -> tuple[int, int]:
        return self.first.instance, self.second.instance

    def name(self, first: bool) -> str:
        return f"the {self.words['first' if first else 'second']}"


def _drawn(ask: Asker, kind: str, weigh: Callable[[Seen, Seen], tuple[bool, float] | None]) -> Pair | None:
    """A pair of named things; weigh: whether the first wins and the odds of taking them, None where it is unclear."""

    def draw() -> tuple[Pair, float] | None:
        if len(ask.shown.named) < 2:
            return None
        first, second = ask.some(ask.shown.named, 2)
        weighed = weigh(first, second)
        if weighed is None or not ask.fresh(kind, first, second):
            return None
        words = {"first": ask.call(first), "second": ask.call(second)}
        return Pair(first, second, words, weighed[0]), weighed[1]

    return ask.accepted(draw)


def by_depth(ask: Asker, kind: str) -> Pair | None:
    """wins: the first is nearer."""

    def weigh(first: Seen, second: Seen) -> tuple[bool, float] | None:
        if max(first.depth_z, second.depth_z) < CLEARLY * min(first.depth_z, second.depth_z):
            return None
        scores = [ask.balance.near(thing, ask.domain, ask.size) for thing in (first, second)]
        wins = first.depth_z < second.depth_z
        lower = (first.centre[1] > second.centre[1]) == wins
        return wins, ask.balance.winner(scores, int(not wins)) * ask.balance.lower(ask.domain, lower)

    return _drawn(ask, kind, weigh)


def by_side(ask: Asker, kind: str) -> Pair | None:
    """wins: the first is on the left."""

    def weigh(first: Seen, second: Seen) -> tuple[bool, float] | None:
        gap = second.centre[0] - first.centre[0]
        return None if abs(gap) < APART * ask.size[1] else (gap > 0, 1.0)

    return _drawn(ask, kind, weigh)


def by_row(ask: Asker, kind: str) -> Pair | None:
    """wins: the first is above, in the picture."""

    def weigh(first: Seen, second: Seen) -> tuple[bool, float] | None:
        gap = second.centre[1] - first.centre[1]
        scores = [ask.balance.high(thing, ask.domain) for thing in (first, second)]
        return None if abs(gap) < APART * ask.size[0] else (gap > 0, ask.balance.winner(scores, int(gap < 0)))

    return _drawn(ask, kind, weigh)


def closer(ask: Asker) -> None:
    """misleading: the nearer thing is the higher one in the picture."""
    pair = by_depth(ask, "closer")
    if pair:
        near, far = (pair.first, pair.second) if pair.wins else (pair.second, pair.first)
        _which(ask, "closer", pair, pair.wins, misleading=near.centre[1] < far.centre[1])


def behind(ask: Asker) -> None:
    pair = by_depth(ask, "behind")
    if pair and ask.chance(0.6):
        _which(ask, "behind", pair, not pair.wins)
    elif pair:
        word = "in front" if pair.wins else "behind"
        ask.say("front_behind", word, pair.words, value=word, instances=pair.ids)


def _which(ask: Asker, kind: str, pair: Pair, first: bool, **rest) -> None:
    """As text or as a choice of letters; first: whether the first thing is the answer."""
    rest |= {"value": "first" if first else "second", "instances": pair.ids}
    if ask.chance(0.35):
        ask.choose(kind, pair.name(first), [pair.name(not first)], pair.words, **rest)
    else:
        ask.say(kind, pair.name(first), pair.words, **rest)


def left_right(ask: Asker) -> None:
    _side(ask, "left_right", by_side(ask, "left_right"), ("left", "right"))


def above_below(ask: Asker) -> None:
    _side(ask, "above_below", by_row(ask, "above_below"), ("above", "below"))


def _side(ask: Asker, kind: str, pair: Pair | None, sides: tuple[str, str]) -> None:
    if pair is None:
        return
    side, other = sides if pair.wins else sides[::-1]
    if ask.chance(0.35):
        ask.choose(kind, side, [other], pair.words, value=side, instances=pair.ids)
    else:
        ask.say(kind, side, pair.words, value=side, instances=pair.ids)


def statement(ask: Asker) -> None:
    """Something about two things that holds or not: asked for yes or no, or for true or false."""
    pairs, relations = ask.one((
        (by_depth, ("closer", "farther")), (by_depth, ("front", "behind")),
        (by_side, ("left", "right")), (by_row, ("above", "below")),
    ))  # fmt: skip
    pair = pairs(ask, f"statement {relations}")
    if pair is None:
        return
    holds, held = ask.chance(0.5), relations[not pair.wins]
    relation = held if holds else OPPOSITE[held]
    words = {**pair.words, "relation": ask.one(STATEMENTS[relation])}
    facts = {"value": holds, "relation": relation, "instances": pair.ids}
    if ask.chance(0.6):
        ask.add("yes_no", ask.one(YES_NO), "yes" if holds else "no", words, **facts)
    else:
        ask.add("true_false", ask.one(TRUE_FALSE), "true" if holds else "false", words, **facts)


def distance_between(ask: Asker) -> None:
    """Between the two things' points (see seen.py)."""
    things = ask.some(ask.shown.named, 6)
    pairs = [(p, q) for i, p in enumerate(things) for q in things[:i]]
    apart = np.array([np.linalg.norm(np.subtract(p.point, q.point)) for p, q in pairs])
    if len(pairs) and apart.max() > 0.1:
        far = np.flatnonzero(apart > 0.1)
        k = far[ask.spread(apart[far])]
        first, second = pairs[k]
        ask.say_length("distance_between", float(apart[k]), {"first": ask.call(first), "second": ask.call(second)},
                       instances=(first.instance, second.instance))  # fmt: skip


def closer_to(ask: Asker) -> None:
    """Which of two or three things is nearest to another one, in space: clearly, by a factor of 1.25."""

    def draw():
        if len(ask.shown.named) < 3:
            return None
        third, *things = ask.some(ask.shown.named, 4 if ask.chance(0.3) else 3)
        apart = [float(np.linalg.norm(np.subtract(thing.point, third.point))) for thing in things]
        near, second = np.argsort(apart)[:2]
        if apart[second] < 1.25 * apart[near] or not ask.fresh(f"closer_to {third.instance}", *things):
            return None
        flat = [np.hypot(*np.subtract(thing.centre, third.centre)) / ask.size[1] for thing in things]
        odds = ask.balance.winner([ask.balance.beside(float(gap), ask.domain) for gap in flat], int(near))
        return (third, things, int(near)), odds

    drawn = ask.accepted(draw)
    if drawn:
        third, things, near = drawn
        names = [f"the {ask.call(thing)}" for thing in things]
        others = [name for i, name in enumerate(names) if i != near]
        ask.choose("closer_to", names[near], others, {"thing": ask.call(third)}, value=things[near].instance,
                   instance=third.instance, instances=[thing.instance for thing in things])  # fmt: skip


def ratio(ask: Asker) -> None:
    """Small and large factors come about equally often."""
    things = sorted(ask.some(ask.shown.named, 8), key=lambda thing: thing.depth_z)
    pairs = [(far, near) for i, far in enumerate(things) for near in things[:i] if far.depth_z > 1.25 * near.depth_z]
    if pairs:
        far, near = pairs[ask.spread(np.array([far.depth_z / near.depth_z for far, near in pairs]))]
        times = far.depth_z / near.depth_z
        ask.say("ratio", f"{digits(times)} times", {"first": ask.call(far), "second": ask.call(near)},
                value=round(times, 4), instances=(far.instance, near.instance))  # fmt: skip


def extreme(ask: Asker) -> None:
    """The closest or the farthest of three or four things, clearly so."""
    kind = ask.one(("closest", "farthest"))
    sign = 1 if kind == "closest" else -1

    def draw():
        if len(ask.shown.named) < 3:
            return None
        things = ask.some(ask.shown.named, 4 if ask.chance(0.5) else 3)
        depths = [thing.depth_z**sign for thing in things]
        best, second = np.argsort(depths)[:2]
        if depths[second] < CLEARLY * depths[best] or not ask.fresh(kind, *things):
            return None
        scores = [sign * ask.balance.near(thing, ask.domain, ask.size) for thing in things]
        return (things, int(best)), ask.balance.winner(scores, int(best))

    drawn = ask.accepted(draw)
    if not drawn:
        return
    things, best = drawn
    names = [f"the {ask.call(thing)}" for thing in things]
    listed = f"{', '.join(names[:-1])} or {names[-1]}"
    rest = {"value": ("first", "second", "third", "fourth")[best], "instances": [thing.instance for thing in things]}
    if ask.chance(0.5):
        others = [name for i, name in enumerate(names) if i != best]
        ask.choose(kind, names[best], others, {"list": listed}, **rest)
    else:
        ask.say(kind, names[best], {"list": listed}, **rest)


def closer_point(ask: Asker) -> None:
    """Which of two pixels shows the nearer surface."""
    height, width = ask.size

    def draw():
        spots = [(int(ask.rng.integers(width)), int(ask.rng.integers(height))) for _ in range(2)]
        one, two = (ask.shown.smooth_depth(x, y) for x, y in spots)
        if one is None or two is None or max(one, two) < 1.25 * min(one, two):
            return None
        near = int(two < one)
        return (spots, near), ask.balance.winner([ask.balance.point(y / height, ask.domain) for _, y in spots], near)

    drawn = ask.accepted(draw)
    if drawn:
        spots, near = drawn
        pixels = [(x + 0.5, y + 0.5) for x, y in spots]
        names = ["({}, {})".format(*relative(*pixel, ask.size)) for pixel in pixels]
        ask.choose("closer_point", names[near], [names[1 - near]], {}, value=names[near],
                   pixels=[pixels[near], pixels[1 - near]])  # fmt: skip
