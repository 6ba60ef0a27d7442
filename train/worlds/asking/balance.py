"""How likely an answer is without a look at the picture, so that likely ones can be asked less often.

A table, measured over scenes by `measure`, knows how often a kind is there, in which colours and how often, how tall
it usually is, and which of two things usually is the nearer or the higher one, given what they are and where their
boxes lie. An answer that the table expects with odds p among options whose rarest has odds r is kept with odds r / p:
then all of them are asked equally often.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from .seen import Seen

TABLE = Path(__file__).with_name("balance.json")
MOST = 6
"""Counts above this are not asked."""
RARE = 0.03
"""Odds below this do not make an answer weigh more."""
EVEN = np.array([0.5, 0.6, 1.0, 1.4, 1.8, 2.2, 2.6])
"""What makes up for how few kinds come in high numbers, for counts of 0 to MOST."""
TOLERANCE = {"height": 0.25, "width": 0.25, "camera_height": 0.25, "free_space": 0.25, "room_height": 0.1,
             "room_width": 0.25, "fov": 0.1}  # fmt: skip
"""How near the usual value a length or an angle is called usual: what the questions' score allows."""
TILTS = ("up", "level", "down")


class Balance:
    """Odds of keeping an answer, each between 0 and 1."""

    def __init__(self, table: dict[str, Any]):
        self.table = table
        self._counts: dict[str, dict[str, np.ndarray]] = {}
        self._names: dict[str, tuple[list[tuple[str, str]], np.ndarray]] = {}

    def winner(self, scores: Sequence[float], which: int) -> float:
        """scores: what the table expects of each of several things; which: the one that wins in truth."""
        odds = np.exp(np.asarray(scores) - max(scores))
        return float(odds.min() / odds[which])

    def near(self, thing: Seen, domain: str, size: tuple[int, int]) -> float:
        """How much speaks for the thing being near, its kind, its row and its share taken together."""
        near = self.table["near"][domain]
        return near["kinds"].get(thing.kind, 0.0) + float(np.dot(near["cues"], cues(thing, size)))

    def lower(self, domain: str, nearer_is_lower: bool) -> float:
        """What is left, after `winner`, of the lower one of two things being the nearer one."""
        share = self.table["near"][domain]["first cue"]
        likely = share if nearer_is_lower else 1 - share
        return min(1.0, (1 - likely) / likely)

    def high(self, thing: Seen, domain: str) -> float:
        """How much speaks for the thing being in the upper part of the picture."""
        return self.table["high"][domain]["kinds"].get(thing.kind, 0.0)

    def point(self, row: float, domain: str) -> float:
        """How much speaks for a point being near; row: 0 at the picture's top, 1 at its bottom."""
        return self.table["point"][domain]["cues"][0] * row

    def beside(self, apart: float, domain: str) -> float:
        """How much speaks for two things being near each other; apart: in the picture, in parts of its width."""
        return self.table["beside"][domain]["cues"][0] * apart

    def usual(self, kind: str, of: str, value: float) -> float:
        """A length or an angle; of: the kind of thing, or the domain."""
        middle, share = self.table["usual"].get(kind, {}).get(of, (value, 0.5))
        near = abs(value - middle) <= TOLERANCE[kind] * middle
        likely = min(max(share if near else 1 - share, 0.02), 0.98)
        return min(1.0, (1 - likely) / likely)

    def among(self, odds: dict[str, float], which: str) -> float:
        """odds: of each of several words as an answer."""
        known = [value for value in odds.values() if value > 0.01]
        return min(1.0, min(known) / odds[which]) if odds.get(which, 0.0) > 0.01 and len(known) > 1 else 0.02

    def outdoor_or_indoor(self, domain: str) -> float:
        return self.among(self.table["domains"], domain)

    def tilt(self, domain: str, word: str) -> float:
        return self.among(self.table["tilts"][domain], word)

    def colour(self, domain: str, kind: str, colour: str) -> float:
        """As `among`, but the rarest colours do not silence all others."""
        of = self.table["named"][domain].get(kind, {})
        share = of.get(colour, 0.0) / sum(of.values()) if of else 0.0
        return min(1.0, 0.08 / share) if 0 < share < 0.97 else 0.03

    def counts(self, domain: str) -> dict[str, np.ndarray]:
        """For each kind of a domain, the weights by which counts of 0, 1, ... of it are to be asked after: every
        count as often as the others, kinds of many counts more than those that are there or not."""
        if domain not in self._counts:
            for kind, odds in self.table["counts"][domain].items():
                odds = np.array(odds)
                values = int((odds > RARE).sum())
                weights = (values - 1) * EVEN / np.maximum(odds, RARE)
                self._counts.setdefault(domain, {})[kind] = weights
        return self._counts[domain]

    def absent(self, domain: str, names: set[str], kinds: set[str] | None = None) -> tuple[list, np.ndarray]:
        """(kind, colour) of things of this domain that are not among `names`, with weights by which they are to be
        asked after as often as those that are there; kinds: only these."""
        if domain not in self._names:
            of = self.table["named"][domain]
            listed = [(kind, colour, often) for kind, row in of.items() for colour, often in row.items()]
            often = np.array([row[2] for row in listed])
            self._names[domain] = [row[:2] for row in listed], often / (1 - np.minimum(often, 0.9))
        listed, weights = self._names[domain]
        keep = [i for i, (kind, colour) in enumerate(listed)
                if f"{colour} {kind}" not in names and (kinds is None or kind in kinds)]  # fmt: skip
        return [listed[i] for i in keep], weights[keep]

    def shown(self, domain: str) -> dict[str, tuple[float, float]]:
        """Kinds of a domain: shares of scenes in which one is clear, and in which none is there."""
        return self.table["shown"][domain]


def cues(thing: Seen, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """What a box tells without its content: its middle and lower row (0 top, 1 bottom), the logarithm of its area,
    and that of how far it reaches below where a horizon usually is: depth on the ground goes with its inverse."""
    x0, y0, x1, y1 = thing.box
    area = (x1 - x0) * (y1 - y0) / (size[0] * size[1])
    return thing.centre[1] / size[0], y1 / size[0], float(np.log(area)), float(np.log(max(y1 / size[0] - 0.4, 0.04)))


@lru_cache
def balance() -> Balance:
    """The committed table."""
    return Balance(json.loads(TABLE.read_text(encoding="utf-8")))
