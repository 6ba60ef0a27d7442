"""Questions of what there is: names, colours, places, boxes, counts, yes or no, refusals, and captions."""

from __future__ import annotations

import numpy as np

from ..things import KINDS, STRUCTURE
from .asker import Asker
from .balance import MOST
from .phrases import PHRASES, REFUSED, plural
from .units import a, metres, relative

EDGE = 1
"""Pixels around a point that must show the same."""


def colour(ask: Asker) -> None:
    alone = [s for s in ask.shown.clear if s.kind in ask.shown.alone]
    if alone and not ask.shown.grey:
        thing = ask.one(alone)
        if ask.fresh("colour", thing) and ask.chance(ask.balance.colour(ask.domain, thing.kind, thing.colour)):
            ask.say("colour", thing.colour, {"kind": thing.kind}, value=thing.colour, instance=thing.instance)


def what_at(ask: Asker) -> None:
    """Half of the time at a thing, else at the fabric of the place or the sky; never right at an outline."""
    shown = ask.shown
    for _ in range(3):
        if shown.clear and ask.chance(0.5):
            thing = ask.one(shown.clear)
            x0, y0, x1, y1 = thing.box
            rows, columns = np.nonzero(shown.instance[y0:y1, x0:x1] == thing.instance)
        else:
            fabric = np.flatnonzero(shown.structure[: len(STRUCTURE) + 1] > 0.01).tolist()
            if not fabric:
                continue
            x0 = y0 = 0
            rows, columns = np.nonzero((shown.kind == ask.one(fabric)) & (shown.instance == 0))
        if not len(rows):
            continue
        for _ in range(3):
            i = int(ask.rng.integers(len(rows)))
            x, y = x0 + int(columns[i]), y0 + int(rows[i])
            if _inside(ask, x, y):
                name = KINDS[shown.kind[y, x]]
                ask.say("what_at", _called(ask, x, y), ask.pixel(x, y), value=name, pixel=(x + 0.5, y + 0.5))
                return


def _inside(ask: Asker, x: int, y: int) -> bool:
    near = (slice(max(0, y - EDGE), y + EDGE + 1), slice(max(0, x - EDGE), x + EDGE + 1))
    return all((labels[near] == labels[y, x]).all() for labels in (ask.shown.instance, ask.shown.kind))


def _called(ask: Asker, x: int, y: int) -> str:
    number, name = int(ask.shown.instance[y, x]), KINDS[ask.shown.kind[y, x]]
    if number:
        return a(ask.shown.name(ask.scene.things[number - 1]))
    return {"nothing": "the sky", "building": "a building"}.get(name, f"the {name}")


def where(ask: Asker) -> None:
    """The median visible pixel; of some things one away from the middle of the picture is taken more often."""
    if ask.shown.named:
        away = [max(abs(s.centre[0] / ask.size[1] - 0.5), abs(s.centre[1] / ask.size[0] - 0.5))
                for s in ask.shown.named]  # fmt: skip
        thing = ask.weighted(ask.shown.named, 0.05 + np.array(away))
        x, y = relative(thing.centre[0], thing.centre[1], ask.size, step=20)
        ask.say("where", f"({x}, {y})", {"thing": ask.call(thing)}, value=(x, y), pixel=thing.centre,
                instance=thing.instance)  # fmt: skip


def box(ask: Asker) -> None:
    """Around its visible pixels: left, top, right, bottom."""
    if ask.shown.named:
        thing = ask.one(ask.shown.named)
        x0, y0, x1, y1 = thing.box
        told = (*relative(x0, y0, ask.size, step=10), *relative(x1, y1, ask.size, step=10))
        ask.say("box", "({}, {}, {}, {})".format(*told), {"thing": ask.call(thing)}, value=told,
                instance=thing.instance)  # fmt: skip


def count(ask: Asker) -> None:
    """Of a kind whose visible things are all clear, or that is not there; as text or among four numbers."""
    weights = ask.balance.counts(ask.domain)
    found = {kind: ask.shown.count(kind) if kind in ask.shown.kinds else 0 for kind in weights}
    counted = [(kind, n) for kind, n in found.items() if n is not None and n <= MOST]
    chances = [weights[kind][n] for kind, n in counted]
    if not counted or max(chances) == 0:
        return
    kind, number = ask.weighted(counted, chances)
    words, facts = {"kinds": plural(kind)}, {"value": number, "kind": kind}
    if ask.chance(0.25):
        first = int(ask.rng.integers(max(0, number - 3), number + 1))
        others = [str(n) for n in range(first, first + 4) if n != number]
        ask.choose("count", str(number), others, words, phrases="count", **facts)
    else:
        ask.say("count", str(number), words, **facts)


def exists(ask: Asker) -> None:
    """For every kind, and for every colour of a kind, yes and no come equally often."""
    if ask.chance(0.5) or ask.shown.grey:
        _kind_exists(ask)
        return
    names, yes = ask.shown.names, ask.chance(0.5)
    if yes and ask.shown.named:
        thing = ask.one(ask.shown.named)
        name = ask.shown.name(thing)
    elif not yes:
        found, weights = ask.balance.absent(ask.domain, names)
        if not found:
            return
        kind, shade = ask.weighted(found, weights)
        name = f"{shade} {kind}"
    else:
        return
    kind = name.split(" ", 1)[1]
    ask.say("exists", "yes" if yes else "no", {"thing": a(name)}, value=yes, kind=kind, colour=name.split(" ", 1)[0])


def _kind_exists(ask: Asker) -> None:
    clear = {s.kind for s in ask.shown.clear}
    weights = {kind: none if kind in clear else often for kind, (often, none) in ask.balance.shown(ask.domain).items()
               if min(often, none) > 0.01 and (kind in clear or kind not in ask.shown.kinds)}  # fmt: skip
    if weights:
        kind = ask.weighted(list(weights), list(weights.values()))
        ask.say("exists", "yes" if kind in clear else "no", {"thing": a(kind)}, value=kind in clear, kind=kind)


def refusal(ask: Asker) -> None:
    """A question after a thing that is not there: one of another kind, or of a kind that is, in another colour.

    It is worded as a question is that this picture was asked about a thing that is there, so that wording and unit
    tell nothing; each of those serves once.
    """
    grey = ask.shown.grey
    kinds = {s.kind for s in ask.shown.named} if ask.chance(0.5) and not grey else None
    found, weights = ask.balance.absent(ask.domain, ask.shown.names, kinds)
    if grey:  # another colour is nothing that can be seen
        unseen = [kind not in ask.shown.kinds for kind, _ in found]
        found, weights = [name for name, keep in zip(found, unseen, strict=True) if keep], weights[unseen]
    if not found:
        return
    kind, shade = ask.weighted(found, weights)
    name = f"{shade} {kind}"
    if grey or (kind not in ask.shown.kinds and ask.chance(0.25)):
        name = kind
    if ask.wordings:
        asked, template = ask.wordings.pop(int(ask.rng.integers(len(ask.wordings))))
    else:
        asked = ask.weighted(REFUSED, (4, 4, 0.5, 0.5, 1))
        template = ask.one(PHRASES[asked]) if asked in ("where", "box") else ask.measured(asked, 1.0)[0]
    ask.add("refusal", template, f"There is no {name} in the picture.", {"thing": name}, value=False,
            kind=kind, asked=asked)  # fmt: skip


def caption(ask: Asker) -> None:
    """The three largest clear things, nearest first, the first two with their distance."""
    largest = sorted(ask.shown.clear, key=lambda s: -s.share)[:3]
    names = [(a(ask.shown.name(s)), s.depth_z) for s in sorted(largest, key=lambda s: s.depth_z)]
    words = [f"{name} at {metres(depth)}" if i < 2 else name for i, (name, depth) in enumerate(names)]
    listed = ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + words[-1] if words else ""
    place = "An indoor scene" if ask.domain == "indoor" else "An outdoor scene"
    ask.say("caption", f"{place} with {listed}." if words else f"{place}.", instances=[s.instance for s in largest])
