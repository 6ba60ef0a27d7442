"""The same depth for every pixel of every photograph: what a model must beat to have seen anything.

"constant:2.0" is 2 m everywhere. "constant:best" and "constant:best-abs-rel" are chosen on each data set's own
truth (an oracle's choice, for delta1 and for AbsRel): see `benchmarks.constants`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.adapters.base import Prediction
from benchmarks.constants import Truths
from heads.camera import Camera
from heads.errors import InputError
from vlm.images import Photo

CHOICES = {"best": "best_for_delta1", "best-abs-rel": "best_for_abs_rel"}


@dataclass(frozen=True)
class ConstantAdapter:
    """`metres` everywhere."""

    metres: float
    name: str
    claims = frozenset({"depth_metric"})
    needs_camera = False
    ignores_camera = True

    @property
    def facts(self) -> dict[str, object]:
        return {"metres": self.metres}

    def predict(
        self, photos: list[Photo], cameras: list[Camera | None], pixels: list[np.ndarray] | None
    ) -> list[Prediction]:
        return [Prediction(np.full(photo.rgb.shape[:2], self.metres, np.float32)) for photo in photos]


@dataclass(frozen=True)
class OracleConstant:
    """Becomes a constant where the benchmark hands it the truth of a data set (`fitted`)."""

    choice: str
    claims = frozenset({"depth_metric"})
    needs_camera = False
    ignores_camera = True

    @property
    def name(self) -> str:
        return f"constant:{self.choice}"

    @property
    def facts(self) -> dict[str, object]:
        return {"chosen_on": "each data set's own truth"}

    def fitted(self, truths: Truths) -> ConstantAdapter:
        """The constant that scores best on these truths; 1 m where there are none (nothing is scored then)."""
        best = getattr(truths, CHOICES[self.choice])()
        return ConstantAdapter(1.0 if best is None else best.metres, self.name)

    def fitted_to(self, truths: dict[str, Truths]) -> tuple[dict[str, Any], dict[str, float]]:
        """The constant of each data set, and for the protocol its metres where there was a truth to choose it on."""
        chosen = {name: self.fitted(kept) for name, kept in truths.items()}
        told = [name for name, kept in truths.items() if kept.best_for_delta1() is not None]
        return chosen, {name: chosen[name].metres for name in told}

    def predict(
        self, photos: list[Photo], cameras: list[Camera | None], pixels: list[np.ndarray] | None
    ) -> list[Prediction]:
        raise InputError("model", f"{self.name} has not been given the truth of a data set", "fitted(truths) first")


def load(argument: str) -> ConstantAdapter | OracleConstant:
    """argument: metres, "best" or "best-abs-rel"."""
    if argument in CHOICES:
        return OracleConstant(argument)
    try:
        metres = float(argument)
    except ValueError:
        metres = 0.0
    if not (np.isfinite(metres) and metres > 0):
        raise InputError("model", f"constant:{argument}", "constant:METRES above 0, " + ", ".join(CHOICES))
    return ConstantAdapter(metres, f"constant:{argument}")


def check(argument: str) -> None:
    """InputError where it is no constant."""
    load(argument)
