"""The table of balance.py, measured over scenes: `.venv/bin/python -m train.worlds.asking.measure --count 1200`.

To be run again whenever what stands in the scenes, or where cameras look, has changed.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import typer

from ..drawing.render import render
from ..layout import sample_scene
from .balance import MOST, TABLE, TILTS, TOLERANCE, cues
from .camera_questions import MEASURES, tilt_word
from .relations import CLEARLY
from .seen import Seen, Shown
from .sizes import SMALLEST

SIZE = (72, 96)
FIRST_SEED = 50_000_000
"""Far from the scenes of training and of tests."""
BATCH = 8
PAIRS = 5
"""Pairs of a scene that count, about as many as are weighed for questions: full scenes are not to outvote others."""
CONTESTS = ("near", "high", "point", "beside")


def shown_scenes(count: int, first_seed: int = FIRST_SEED, size: tuple[int, int] = SIZE) -> Iterator[Shown]:
    """Scenes drawn small, one after the other."""
    for start in range(first_seed, first_seed + count, BATCH):
        scenes = [sample_scene(seed, size) for seed in range(start, min(start + BATCH, first_seed + count))]
        drawn = render(scenes)
        for i, scene in enumerate(scenes):
            yield Shown(scene, *(getattr(drawn, key)[i].numpy() for key in ("depth_z", "instance", "kind")))


def fit(differences: np.ndarray, wins: np.ndarray, ridge: float = 1.0, steps: int = 25) -> np.ndarray:
    """Weights w (F,) of a logistic regression: P(first wins) = 1 / (1 + exp(-differences @ w)); (N, F), (N,) bool."""
    weights = np.zeros(differences.shape[1])
    for _ in range(steps):
        odds = 1 / (1 + np.exp(-np.clip(differences @ weights, -30, 30)))
        slope = differences.T @ (wins - odds) - ridge * weights
        curve = (differences * (odds * (1 - odds))[:, None]).T @ differences + ridge * np.eye(len(weights))
        weights += np.linalg.solve(curve, slope)
    return weights


class Contest:
    """Which of two things wins, by kind and by other cues."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, np.ndarray, bool]] = []

    def add(self, first: str, second: str, difference: Any, wins: bool) -> None:
        self.rows.append((first, second, np.atleast_1d(np.asarray(difference, float)), wins))

    def fitted(self) -> dict[str, Any]:
        """{"kinds": {name: weight}, "cues": [weight, ...], "first cue": share of kept pairs it is right of}."""
        if not self.rows:
            return {"kinds": {}, "cues": [0.0], "first cue": 0.5}
        names = sorted({name for row in self.rows for name in row[:2]})
        index = {name: i for i, name in enumerate(names)}
        table = np.zeros((len(self.rows), len(names) + len(self.rows[0][2])))
        for i, (first, second, difference, _) in enumerate(self.rows):
            table[i, index[first]] += 1
            table[i, index[second]] -= 1
            table[i, len(names) :] = difference
        wins = np.array([row[3] for row in self.rows])
        weights = [round(float(w), 3) for w in fit(table, wins)]
        kinds = {name: weight for name, weight in zip(names, weights, strict=False) if name}
        found: dict[str, Any] = {"kinds": kinds, "cues": weights[len(names) :]}
        if found["cues"]:
            margin = np.where(wins, 1, -1) * (table @ np.array(weights))
            kept = np.exp(-np.maximum(margin, 0))  # the odds of `Balance.winner`
            first = (table[:, len(names)] > 0) == wins
            found["first cue"] = round(float(kept[first].sum() / kept.sum()), 3)
        return found


class Tally:
    """Everything that is counted, scene by scene."""

    def __init__(self) -> None:
        self.scenes: Counter[str] = Counter()
        self.clear: Counter[tuple[str, str]] = Counter()
        self.there: Counter[tuple[str, str]] = Counter()
        self.named: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.counts: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        self.tilts: Counter[tuple[str, str]] = Counter()
        self.values: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.contests: dict[tuple[str, str], Contest] = defaultdict(Contest)

    def add(self, shown: Shown) -> None:
        domain, size = shown.scene.domain, shown.scene.size
        self.scenes[domain] += 1
        self.clear.update((domain, kind) for kind in {s.kind for s in shown.clear})
        for kind in shown.kinds:
            self.there[domain, kind] += 1
            number = shown.count(kind)
            if number is not None and number <= MOST:
                self.counts[domain, kind][number] += 1
        for thing in shown.named:
            self.named[domain, thing.kind][thing.colour] += 1
            if thing.whole:
                self.values["height", thing.kind] += [thing.tall] if thing.tall > SMALLEST else []
                self.values["width", thing.kind] += [thing.across] if thing.across > SMALLEST else []
        for name, measure in MEASURES.items():
            value = measure(shown)
            if value is not None:
                self.values[name, domain].append(value)
        self.values["fov", "any"].append(shown.scene.horizontal_fov)
        if word := tilt_word(shown):
            self.tilts[domain, word] += 1
        rng = np.random.default_rng([shown.scene.seed, 3])
        self._contests(shown, domain, size, rng)

    def _contests(self, shown: Shown, domain: str, size: tuple[int, int], rng: np.random.Generator) -> None:
        things = [shown.named[i] for i in rng.permutation(len(shown.named))]
        pairs = [(first, second) for i, first in enumerate(things) for second in things[:i]]
        for k in rng.permutation(len(pairs))[:PAIRS]:
            first, second = pairs[k][:: int(rng.choice((-1, 1)))]
            if max(first.depth_z, second.depth_z) > CLEARLY * min(first.depth_z, second.depth_z):
                gap = np.subtract(cues(first, size), cues(second, size))
                self.contests["near", domain].add(first.kind, second.kind, gap, first.depth_z < second.depth_z)
            self.contests["high", domain].add(first.kind, second.kind, [], first.centre[1] < second.centre[1])
        if len(things) > 2:
            for _ in range(len(things)):
                third, one, two = (things[i] for i in rng.permutation(len(things))[:3])
                self.contests["beside", domain].add("", "", _flat(one, third, size) - _flat(two, third, size),
                                _apart(one, third) < _apart(two, third))  # fmt: skip
        for _ in range(4):
            spots = [(int(rng.integers(size[1])), int(rng.integers(size[0]))) for _ in range(2)]
            one, two = (shown.smooth_depth(*spot) for spot in spots)
            if one is not None and two is not None:
                self.contests["point", domain].add("", "", (spots[0][1] - spots[1][1]) / size[0], one < two)

    def table(self) -> dict[str, Any]:
        total = self.scenes.total()
        domains = {domain: round(count / total, 4) for domain, count in sorted(self.scenes.items())}
        shown: dict[str, Any] = {domain: {} for domain in domains}
        named, counts = {domain: {} for domain in domains}, {domain: {} for domain in domains}
        for (domain, kind), there in sorted(self.there.items()):
            scenes = self.scenes[domain]
            shown[domain][kind] = [round(self.clear[domain, kind] / scenes, 4), round(1 - there / scenes, 4)]
            found = self.counts[domain, kind]
            odds = np.array([scenes - there, *(found[n] for n in range(1, MOST + 1))], float)
            counts[domain][kind] = np.round(odds / odds.sum(), 4).tolist()
            colours = sorted(self.named[domain, kind].items())
            named[domain][kind] = {colour: round(count / scenes, 4) for colour, count in colours}
        return {
            "scenes": total, "domains": domains, "shown": shown, "named": named, "counts": counts,
            "tilts": {d: {word: round(self.tilts[d, word] / self.scenes[d], 4) for word in TILTS} for d in domains},
            "usual": self._usual(),
            **{name: {domain: self.contests[name, domain].fitted() for domain in domains} for name in CONTESTS},
        }  # fmt: skip

    def _usual(self) -> dict[str, dict[str, list[float]]]:
        """For each type and kind of thing: the value that is right most often, and how often it is."""
        usual: dict[str, dict[str, list[float]]] = defaultdict(dict)
        for (name, of), values in sorted(self.values.items()):
            if len(values) < 8:
                continue
            found, tolerance = np.array(values), TOLERANCE[name]
            right = np.abs(found[:, None] - found) <= tolerance * found
            best = int(right.sum(0).argmax())
            usual[name][of] = [round(float(found[best]), 3), round(float(right[:, best].mean()), 3)]
        return dict(usual)


def _flat(one: Seen, two: Seen, size: tuple[int, int]) -> float:
    return float(np.hypot(*np.subtract(one.centre, two.centre))) / size[1]


def _apart(one: Seen, two: Seen) -> float:
    return float(np.linalg.norm(np.subtract(one.point, two.point)))


def measure(count: int, first_seed: int = FIRST_SEED) -> dict[str, Any]:
    """The table over so many scenes."""
    tally = Tally()
    for shown in shown_scenes(count, first_seed):
        tally.add(shown)
    return tally.table()


def main(count: Annotated[int, typer.Option(min=100, help="How many scenes.")] = 1200) -> None:
    """Measure over scenes how likely answers are, and write the table that balances questions."""
    TABLE.write_text(json.dumps(measure(count), separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
