"""A model that is asked in words: what it is shown, what it is asked, what it answers.

answerer = load_answerer("nano")  # or a folder of Fathom, DepthVLM or plain VLM weights
"""

import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.adapters.base import Prediction
from benchmarks.adapters.fathom import FathomAdapter, weights_digest
from heads.camera import Camera
from heads.errors import InputError
from vlm.images import Photo

KINDS = ("fathom", "depthvlm", "vlm-text")
FOV_X_DEG = 60.0
"""Assumed where neither the record nor the file tells a focal length, of a model that cannot do without one."""


@dataclass(frozen=True, eq=False)
class AskedPhoto(Photo):
    """A picture, further ones of the same scene, and what is asked of them."""

    more: tuple[Photo, ...] = ()
    prompts: tuple[str, ...] = ()


@dataclass
class Answers(Prediction):
    """One answer a prompt, as it came."""

    answers: list[str] = field(default_factory=list)
    seconds_look: float = 0.0


class Answerer:
    """A loaded Fathom, asked: one look a picture, all its questions behind it."""

    claims: frozenset[str] = frozenset()
    needs_camera = False

    def __init__(self, model: Any, name: str, max_new_tokens: int | None = None):
        self.model, self.name, self.max_new_tokens = model, name, max_new_tokens
        self.assumes_camera = "rays" not in model.heads

    @property
    def facts(self) -> dict[str, object]:
        camera = f"EXIF, else {FOV_X_DEG:.0f} degrees across" if self.assumes_camera else "none"
        backbone = self.model.backbone  # heads do not answer, and those of a plain VLM are new with each loading
        parameters = sum(weight.numel() for weight in backbone.parameters())
        weights = {"parameters": parameters, "weights": weights_digest(backbone)}
        return FathomAdapter(self.model, self.name).facts | weights | {"decoding": "greedy", "camera": camera}

    def predict(
        self, photos: list[Photo], cameras: list[Camera | None], pixels: list[np.ndarray] | None
    ) -> list[Prediction]:
        return [self._answers(photo) for photo in photos if isinstance(photo, AskedPhoto)]

    def _answers(self, photo: AskedPhoto) -> Prediction:
        started = time.perf_counter()
        views = [photo, *photo.more]
        cameras = [self._camera(view) for view in views]
        shown = {"image": photo, "camera": cameras[0]} if len(views) == 1 else {"views": views, "camera": cameras}
        scene = self.model.look(**shown)
        looked = time.perf_counter() - started
        told = scene.ask_many(list(photo.prompts), max_new_tokens=self.max_new_tokens)
        return Answers(answers=[answer.text for answer in told], seconds_look=looked)

    def _camera(self, photo: Photo) -> Any:
        return {"fov_x_deg": FOV_X_DEG} if self.assumes_camera and photo.exif_camera is None else None


def check_answerer(spec: str) -> str:
    """The folder, or "nano", that `spec` names; InputError where it names nothing that answers in words."""
    kind, colon, argument = spec.partition(":")
    if spec == "nano" or Path(spec).is_dir():
        return spec
    if not colon or kind not in KINDS or not (argument == "nano" or Path(argument).is_dir()):
        allowed = f"nano, a folder, or {', '.join(f'{kind}:FOLDER' for kind in KINDS)}"
        raise InputError("model", f"no model or folder named {spec!r} that answers in words", allowed)
    return argument


def load_answerer(spec: str) -> Answerer:
    """From what a user types after --model: "nano", or a folder of Fathom, DepthVLM or plain VLM weights."""
    from transformers.utils import logging

    from vlm.model import Fathom

    folder = check_answerer(spec)
    logging.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*its heads .* are new")  # of a plain VLM: they are not asked
        model = Fathom.from_pretrained(folder)
    return Answerer(model, spec)
