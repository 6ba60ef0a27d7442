"""What all askers share: the dice, the balance, the wording, units, options and names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .balance import Balance
from .phrases import CHOICES, PHRASES, REFUSED
from .seen import Seen, Shown
from .units import ASKED, PER_METRE, SAID, length, relative

LETTERS = "ABCD"
ABOUT = ("instance", "instances", "pixel", "pixels", "kind", "colour")
"""What a question is about: of one type, no two are about the same."""


class Asker:
    """One scene's questions in the making; `found` is the list of those made."""

    def __init__(self, shown: Shown, balance: Balance):
        self.shown, self.balance = shown, balance
        self.scene, self.domain, self.size = shown.scene, shown.scene.domain, shown.scene.size
        self.rng = np.random.default_rng([shown.scene.seed, 1, shown.scene.view])
        self.found: list[dict[str, Any]] = []
        self.wordings: list[tuple[str, str]] = []
        """The type and the template of questions about one thing that is there, each until a refusal takes it."""
        self._asked: set[str] = set()
        self._weighed: set[tuple] = set()

    def chance(self, odds: float) -> bool:
        return bool(self.rng.random() < odds)

    def one(self, of: Sequence[Any]) -> Any:
        return of[int(self.rng.integers(len(of)))]

    def weighted(self, of: Sequence[Any], weights: Sequence[float] | np.ndarray) -> Any:
        total = np.cumsum(weights)
        return of[min(int(np.searchsorted(total, self.rng.random() * total[-1], side="right")), len(of) - 1)]

    def some(self, of: Sequence[Any], count: int) -> list[Any]:
        return [of[i] for i in self.rng.permutation(len(of))[:count]]

    def accepted(self, draw: Callable[[], tuple[Any, float] | None], tries: int = 6) -> Any:
        """What `draw` gives, with the odds it asks for itself; None where they are against it.

        A draw of nothing is repeated, one that was turned down is not: a scene of likely answers alone would
        otherwise end with one of them.
        """
        for _ in range(tries):
            drawn = draw()
            if drawn is not None:
                return drawn[0] if self.chance(drawn[1]) else None
        return None

    def fresh(self, kind: str, *things: Seen) -> bool:
        """Whether these are weighed for this type of question for the first time: turned down once is for good,
        since what is always accepted can be asked only once."""
        key = (kind, *sorted(thing.instance for thing in things))
        new = key not in self._weighed
        self._weighed.add(key)
        return new

    def spread(self, values: np.ndarray) -> int:
        """Index of one of several lengths (N,), such that far ones come about as often as near ones."""
        logs = np.log(values)
        return int(np.abs(logs - self.rng.uniform(logs.min(), logs.max())).argmin())

    def call(self, thing: Seen) -> str:
        """ "red chair", at times "chair" where it is the only one with a visible pixel."""
        return thing.kind if thing.kind in self.shown.alone and self.chance(0.25) else self.shown.name(thing)

    def pixel(self, x: int, y: int) -> dict[str, int]:
        across, down = relative(x + 0.5, y + 0.5, self.size)
        return {"x": across, "y": down}

    def add(self, kind: str, template: str, answer: str, words: dict[str, Any] | None = None, /, **rest: Any) -> None:
        """Append one pair unless the same is asked already; `words` fill the template."""
        question = template.format(**(words or {}))
        same = {question, f"{kind} {sorted((key, _same(rest[key])) for key in ABOUT if key in rest)}"}
        if self._asked & same:
            return
        self._asked |= same
        if kind in REFUSED and words and "thing" in words:
            self.wordings.append((kind, template))
        self.found.append({"type": kind, "question": question, "answer": answer, **rest})

    def say(
        self, kind: str, answer: str, words: dict[str, Any] | None = None, /, phrases: str = "", **rest: Any
    ) -> None:
        self.add(kind, self.one(PHRASES[phrases or kind]), answer, words, **rest)

    def say_length(self, kind: str, value: float, words: dict[str, Any] | None = None, /, **rest: Any) -> None:
        """A length of `value` metres, asked in metres or in another unit."""
        template, unit = self.measured(kind, value)
        told = round(value * PER_METRE[unit], 4)
        self.add(kind, template, length(value, unit), words, value=told, unit=unit, **rest)

    def measured(self, kind: str, value: float) -> tuple[str, str]:
        """A wording of a type of LENGTHS, and the unit it asks for; a wording that names no unit asks for metres."""
        odds = {"m": 0.76, "cm": 0.1 if value < 9.9 else 0, "ft": 0.1, "in": 0.04 if value < 3 else 0}
        unit = self.weighted(tuple(odds), tuple(odds.values()))
        if unit == "m":
            template = self.one(PHRASES[kind])
            if "metres" not in template and self.chance(0.2):
                template += f" {self.one(ASKED[unit])}"
            return template, unit
        template = self.one([phrase for phrase in PHRASES[kind] if "metres" not in phrase])
        if template.endswith("?") and self.chance(0.5):
            word = {"cm": "centimetres"}.get(unit, SAID[unit])
            return f"{template[:-1]}, in {word}?", unit
        return f"{template} {self.one(ASKED[unit])}", unit

    def choose(self, kind: str, right: str, others: Sequence[str], words: dict[str, Any], /, phrases: str = "",
               **rest: Any) -> None:  # fmt: skip
        """A choice of letters among `right` and `others`, in any order, laid out in one of the usual ways."""
        options = self.some([right, *others], 1 + len(others))
        lead, form, between, end = self.one(CHOICES)
        listed = between.join(
            form.format(letter=letter, option=option) for letter, option in zip(LETTERS, options, strict=False)
        )
        template = self.one(PHRASES[phrases or f"{kind}_choice"]).format(**words)
        text = f"{template}{lead}{listed}{end}"
        self.add(kind, "{text}", LETTERS[options.index(right)], {"text": text},
                 choices=dict(zip(LETTERS, options, strict=False)), **rest)  # fmt: skip


def _same(fact: Any) -> Any:
    return sorted(fact) if isinstance(fact, list | tuple) else fact
