"""Questions about one drawn scene, with answers computed from its geometry and its visible pixels.

Words: a thing is *visible* when it covers at least 0.25 % of the pixels and at least a quarter of its
projected box inside the image; *depth* of a thing is the median depth_z over its visible pixels, metres.
A thing is called by colour and kind ("the red chair") and only when no other thing with a visible pixel
shares both. Positions are relative: 0-1000 from the left and the top (Qwen3-VL's convention).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .layout import Scene
from .phrases import PHRASES, PRESENCE, plural
from .things import KINDS

QUESTION_TYPES = (
    "distance", "depth_at", "closer", "left_right", "colour", "what_at", "where", "count", "exists",
    "indoor_outdoor", "fov", "caption",
)  # fmt: skip
MIN_SHARE = 0.0025
CLEARLY = 1.1
"""Two depths count as different when their ratio exceeds this."""


@dataclass
class Seen:
    """What the image shows of one thing."""

    kind: str
    colour: str
    instance: int
    box: tuple[int, int, int, int]  # x0, y0, x1, y1 of its visible pixels, ends excluded
    depth_z: float  # median over its visible pixels, metres
    centre: tuple[float, float]  # median visible pixel, at +0.5
    share: float  # of all pixels
    clear: bool  # visible in the sense of this module

    @property
    def name(self) -> str:
        return f"{self.colour} {self.kind}"


def see(scene: Scene, depth_z: np.ndarray, instance: np.ndarray) -> list[Seen]:
    """Every thing with a visible pixel. depth_z (H, W) metres, instance (H, W)."""
    height, width = instance.shape
    rows, columns = np.nonzero(instance)
    which = instance[rows, columns]
    order = np.argsort(which, kind="stable")
    rows, columns, which = rows[order], columns[order], which[order]
    numbers, starts, counts = np.unique(which, return_index=True, return_counts=True)
    seen = []
    for number, start, count in zip(numbers, starts, counts, strict=True):
        y, x = rows[start : start + count], columns[start : start + count]
        thing = scene.things[number - 1]
        share = len(y) / (height * width)
        seen.append(Seen(
            thing.kind, thing.colour, int(number),
            (int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1),
            float(np.median(depth_z[y, x])), (float(np.median(x)) + 0.5, float(np.median(y)) + 0.5),
            share, bool(share >= MIN_SHARE and share >= 0.25 * 0.5 * _box_share(scene, thing)),
        ))  # fmt: skip
    return seen


def _box_share(scene: Scene, thing) -> float:
    """The share of the image inside the thing's projected box (its parts fill about half of that)."""
    corners = thing.corners()
    if corners[:, 2].min() < 0.05:
        return 0.0
    pixel = corners[:, :2] / corners[:, 2:] * scene.focal + np.array(scene.principal)
    height, width = scene.size
    low, high = np.clip(pixel.min(0), 0, (width, height)), np.clip(pixel.max(0), 0, (width, height))
    return float(np.prod(high - low) / (height * width))


def metres(value: float) -> str:
    """Two significant digits: '0.85 m', '2.4 m', '17 m', '110 m'."""
    value = float(f"{value:.1e}")
    digits = 2 if value < 1 else 1 if value < 10 else 0
    return f"{value:.{digits}f} m"


def relative(x: float, y: float, size: tuple[int, int], step: int = 1) -> tuple[int, int]:
    """Pixel (x, y) of an image of (H, W) as 0-1000 coordinates, rounded to multiples of `step`."""
    across, down = (
        int(np.clip(round(1000 * value / extent / step) * step, 0, 1000))
        for value, extent in ((x, size[1]), (y, size[0]))
    )
    return across, down


def a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def questions(scene: Scene, depth_z: np.ndarray, instance: np.ndarray, kind: np.ndarray) -> list[dict]:
    """About 12-16 question-answer pairs, a function of the scene's seed and the maps (H, W) given."""
    ask = _Asker(scene, depth_z, instance, kind)
    for number, make in (
        (2, ask.distance),
        (2, ask.depth_at),
        (2, ask.closer),
        (2, ask.left_right),
        (1, ask.colour),
        (2, ask.what_at),
        (1, ask.where),
        (1, ask.count),
        (2, ask.exists),
    ):
        for _ in range(number):
            make()
    for make, odds in ((ask.indoor_outdoor, 0.5), (ask.fov, 0.5), (ask.caption, 1.0)):
        if ask.rng.random() < odds:
            make()
    return ask.found


class _Asker:
    def __init__(self, scene, depth_z, instance, kind):
        self.scene, self.depth_z, self.instance, self.kind = scene, depth_z, instance, kind
        self.rng = np.random.default_rng([scene.seed, 1])
        self.all = see(scene, depth_z, instance)
        names = [s.name for s in self.all]
        self.clear = [s for s in self.all if s.clear]
        self.named = [s for s in self.clear if names.count(s.name) == 1]
        self.found: list[dict] = []

    def _add(self, question_type, answer, phrase=None, **rest):
        """Append one pair unless the same one is there; `phrase` values fill a template of its type."""
        template = PHRASES[rest.pop("template", question_type)]
        question = template[int(self.rng.integers(len(template)))].format(**(phrase or {}))
        if all(question != other["question"] for other in self.found):
            self.found.append({"type": question_type, "question": question, "answer": answer, **rest})

    def _one(self):
        return self.named[int(self.rng.integers(len(self.named)))] if self.named else None

    def _pixel(self) -> tuple[int, int]:
        height, width = self.scene.size
        return int(self.rng.integers(width)), int(self.rng.integers(height))

    def _shown(self, x: int, y: int) -> dict:
        px = relative(x + 0.5, y + 0.5, self.scene.size)
        return {"x": px[0], "y": px[1]}

    def distance(self):
        thing = self._one()
        if thing:
            self._add("distance", metres(thing.depth_z), {"thing": thing.name}, value=round(thing.depth_z, 4), unit="m",
                      pixel=thing.centre, instance=thing.instance)  # fmt: skip

    def depth_at(self):
        for _ in range(10):
            x, y = self._pixel()
            z = float(self.depth_z[y, x])
            if np.isfinite(z) and self._even(x, y):
                self._add("depth_at", metres(z), self._shown(x, y), value=round(z, 4), unit="m",
                          pixel=(x + 0.5, y + 0.5))  # fmt: skip
                return

    def _even(self, x, y) -> bool:
        """No depth edge right beside the pixel: rounding to 0-1000 must not change the answer."""
        near = self.depth_z[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
        return bool(near.max() < 1.1 * near.min())

    def _choose(self, kind, first, second, winner, low_phrase, value):
        """A question about two things, as text or as a choice of letters."""
        words = {"first": first.name, "second": second.name}
        if self.rng.random() < 0.3:
            letter = "A" if winner is first else "B"
            self._add(kind, letter, words | low_phrase, template=f"{kind}_choice", value=value,
                      choices={"A": f"the {first.name}", "B": f"the {second.name}"},
                      instances=(first.instance, second.instance))  # fmt: skip
        else:
            self._add(kind, f"the {winner.name}", words | low_phrase, value=value,
                      instances=(first.instance, second.instance))  # fmt: skip

    def closer(self):
        """Half of the pairs have the nearer thing lower in the picture, half higher, when there is a choice."""
        pairs = [(p, q) for i, p in enumerate(self.named) for q in self.named[:i]
                 if max(p.depth_z, q.depth_z) > CLEARLY * min(p.depth_z, q.depth_z)]  # fmt: skip
        lower = [(p.depth_z < q.depth_z) == (p.centre[1] > q.centre[1]) for p, q in pairs]
        usual, odd = ([pair for pair, flag in zip(pairs, lower, strict=True) if flag == want] for want in (1, 0))
        pool = odd or usual if self.rng.random() < 0.65 else usual or odd
        if not odd and self.rng.random() < 0.7:  # a scene that offers only the easy case speaks less often
            return
        if pool:
            pair = pool[int(self.rng.integers(len(pool)))]
            first, second = pair if self.rng.random() < 0.5 else pair[::-1]
            winner = first if first.depth_z < second.depth_z else second
            self._choose("closer", first, second, winner, {}, "first" if winner is first else "second")

    def left_right(self):
        width = self.scene.size[1]
        pairs = [(p, q) for i, p in enumerate(self.named) for q in self.named[:i]
                 if abs(p.centre[0] - q.centre[0]) > 0.06 * width]  # fmt: skip
        if not pairs:
            return
        pair = pairs[int(self.rng.integers(len(pairs)))]
        first, second = pair if self.rng.random() < 0.5 else pair[::-1]
        left = first.centre[0] < second.centre[0]
        words, options = {"first": first.name, "second": second.name}, ["left", "right"]
        side = options[not left]
        ids = (first.instance, second.instance)
        if self.rng.random() < 0.3:
            swap = bool(self.rng.random() < 0.5)
            options = options[::-1] if swap else options
            letter = "AB"[options.index(side)]
            words |= {"one": options[0], "two": options[1]}
            self._add("left_right", letter, words, template="left_right_choice", value=side,
                      choices=dict(zip("AB", options, strict=True)), instances=ids)  # fmt: skip
        else:
            self._add("left_right", side, words, value=side, instances=ids)

    def colour(self):
        kinds = [s.kind for s in self.all]
        alone = [s for s in self.clear if kinds.count(s.kind) == 1 and s.kind not in ("tree", "bush", "plant")]
        if alone:
            thing = alone[int(self.rng.integers(len(alone)))]
            self._add("colour", thing.colour, {"kind": thing.kind}, value=thing.colour, instance=thing.instance)

    def what_at(self):
        """Half of the time at a thing, else anywhere; never right at an outline."""
        for _ in range(12):
            x, y = self._pixel()
            if self.clear and self.rng.random() < 0.4:
                thing = self.clear[int(self.rng.integers(len(self.clear)))]
                rows, columns = np.nonzero(self.instance == thing.instance)
                i = int(self.rng.integers(len(rows)))
                x, y = int(columns[i]), int(rows[i])
            same = (slice(max(0, y - 1), y + 2), slice(max(0, x - 1), x + 2))
            number = int(self.instance[y, x])
            if (self.instance[same] != number).any() or (self.kind[same] != self.kind[y, x]).any():
                continue
            name = KINDS[self.kind[y, x]]
            thing = self.scene.things[number - 1] if number else None
            answer = a(f"{thing.colour} {thing.kind}") if thing else "the sky" if name == "nothing" else (
                "a building" if name == "building" else f"the {name}")  # fmt: skip
            self._add("what_at", answer, self._shown(x, y), value=name, pixel=(x + 0.5, y + 0.5))
            return

    def where(self):
        thing = self._one()
        if thing:
            x, y = relative(*thing.centre, self.scene.size, step=20)
            self._add("where", f"({x}, {y})", {"thing": thing.name}, value=(x, y), pixel=thing.centre,
                      instance=thing.instance)  # fmt: skip

    def _countable(self, kind: str) -> int | None:
        """How many of a kind are visible; None when some are seen but not clearly."""
        shown = [s for s in self.all if s.kind == kind and s.share > 0.0002]
        return len(shown) if all(s.clear for s in shown) else None

    def count(self):
        present = sorted({s.kind for s in self.clear})
        several = [k for k in present if (self._countable(k) or 0) > 1]
        if several and self.rng.random() < 0.5:
            kind = several[int(self.rng.integers(len(several)))]
        elif present and self.rng.random() < 0.8:
            kind = present[int(self.rng.integers(len(present)))]
        else:
            kind = self._absent()
        number = self._countable(kind)
        if number is not None:
            self._add("count", str(number), {"kinds": plural(kind)}, value=number, kind=kind)

    def _absent(self) -> str:
        """A kind of the same domain with no visible pixel, so that the domain does not give the answer."""
        here = {s.kind for s in self.all}
        usual = PRESENCE[self.scene.domain]
        options = [k for k in usual if k not in here]
        return options[int(self.rng.integers(len(options)))]

    def exists(self):
        """For every kind, yes and no come equally often: a likely answer is dropped in favour of the rare one."""
        odds, here = PRESENCE[self.scene.domain], {s.kind for s in self.all}
        clear, kinds = {s.kind for s in self.clear}, tuple(odds)
        for _ in range(60):
            kind = kinds[int(self.rng.integers(len(kinds)))]
            keep = (1 - odds[kind]) / odds[kind] if kind in clear else odds[kind] / (1 - odds[kind])
            if (kind in clear or kind not in here) and self.rng.random() < keep:
                answer = "yes" if kind in clear else "no"
                self._add("exists", answer, {"thing": a(kind)}, value=kind in clear, kind=kind)
                return

    def indoor_outdoor(self):
        self._add("indoor_outdoor", self.scene.domain, value=self.scene.domain)

    def fov(self):
        degrees = self.scene.horizontal_fov
        self._add("fov", f"{5 * round(degrees / 5)} degrees", value=round(degrees, 2), unit="degrees")

    def caption(self):
        """The three largest clear things, nearest first, the first two with their distance."""
        largest = sorted(self.clear, key=lambda s: -s.share)[:3]
        words = [f"{a(s.name)} at {metres(s.depth_z)}" if i < 2 else a(s.name)
                 for i, s in enumerate(sorted(largest, key=lambda s: s.depth_z))]  # fmt: skip
        listed = ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + words[-1] if words else ""
        place = "An indoor scene" if self.scene.domain == "indoor" else "An outdoor scene"
        self._add("caption", f"{place} with {listed}." if words else f"{place}.",
                  instances=[s.instance for s in largest])  # fmt: skip
