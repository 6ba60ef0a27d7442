"""A vision-language model asked in words: "vlm-text:ID_OR_FOLDER", one question a labelled pixel, sparse only.

After DepthLM (Cai et al. 2025, arXiv:2509.25413; `eval.py` and `utils/datasets.py` of their code): the photograph is
resized so that its focal length is one number for all cameras, the pixel is shown by a small red arrow that ends at
it (or told as a coordinate), and the answer is the number between <answer> tags. Options stand behind the name, as in
"vlm-text:FOLDER?pixel=coordinate&focal_px=750".
"""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
from PIL import Image

from benchmarks.adapters.base import Prediction
from benchmarks.adapters.speakers import Speaker, check_speaker, load_speaker
from heads.camera import Camera
from heads.errors import InputError
from vlm.images import Photo

TAGS = (
    "Output the thinking process in <think> </think> and final answer (the meter number only, without the unit)"
    " in <answer> </answer> tags."
)
QUESTIONS = {
    "marker": f"Given this image, how far is the point pointed by the red arrow from the camera? {TAGS}",
    "coordinate": "Given this image, how far is the point at ({x}, {y}) from the camera? Coordinates run from 0 to 1000"
    f" across and down the image. {TAGS}",
}
"""The first is DepthLM's own sentence; the second is the same with the pixel told instead of shown."""

ANSWERS = ("ray_distance", "z_depth")
ARROW = 5  # pixels of shaft, left of the point; the head is 2 pixels high on either side
RED = (255, 0, 0)

_TAGGED = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
_METRES = re.compile(r"\+?(\d+(?:\.\d*)?|\.\d+)\s*(?:m|meters?|metres?)?\.?", re.IGNORECASE)


@dataclass(frozen=True)
class Asking:
    """How a pixel is asked for.

    pixel: "marker" (an arrow on the picture, so one picture a pixel) or "coordinate" (0 to 1000, one picture for all).
    focal_px: what the photograph is resized to where its camera is known; 0 leaves it. DepthLM trains at 1000, its
        published 12B model at 750.
    answer: what the answered number is. "How far from the camera" is the distance along the ray ("ray_distance"):
        where the camera is known it is turned into z-depth. "z_depth" takes it as it is.
    max_new_tokens: an answer that is longer has no number.
    """

    pixel: str = "marker"
    focal_px: float = 1000.0
    answer: str = "ray_distance"
    max_new_tokens: int = 128

    def __post_init__(self) -> None:
        for name, value, allowed in (("pixel", self.pixel, tuple(QUESTIONS)), ("answer", self.answer, ANSWERS)):
            if value not in allowed:
                raise InputError(name, repr(value), " or ".join(allowed))
        if not (self.focal_px == 0 or 10 <= self.focal_px <= 10000):
            raise InputError("focal_px", f"is {self.focal_px}", "0, or 10 to 10000 pixels")
        if self.max_new_tokens < 1:
            raise InputError("max_new_tokens", f"is {self.max_new_tokens}", "1 or more")


ASKING = {field.name: type(field.default) for field in fields(Asking)}


class VlmText:
    """Any `Speaker`, asked pixel by pixel."""

    claims = frozenset({"points_at"})
    needs_camera = False

    def __init__(self, speaker: Speaker, name: str, asking: Asking):
        self.speaker, self.name, self.asking = speaker, name, asking

    @property
    def facts(self) -> dict[str, object]:
        asking = {f.name: getattr(self.asking, f.name) for f in fields(self.asking)}
        return {**self.speaker.facts, "prompt": QUESTIONS[self.asking.pixel], **asking}

    def predict(
        self, photos: list[Photo], cameras: list[Camera | None], pixels: list[np.ndarray] | None
    ) -> list[Prediction]:
        if pixels is None:
            wrong = f"{self.name} answers at labelled pixels only; a whole map would be a question for every pixel"
            raise InputError("mode", wrong, "sparse")
        known = [camera or photo.exif_camera for photo, camera in zip(photos, cameras, strict=True)]
        return [self._asked(*one) for one in zip(photos, known, pixels, strict=True)]

    def _asked(self, photo: Photo, camera: Camera | None, pixels: np.ndarray) -> Prediction:
        picture, seen = at_focal(photo.rgb, camera, self.asking.focal_px)
        scale = np.array([picture.shape[1], picture.shape[0]]) / photo.size
        limit, texts = self.asking.max_new_tokens, []
        if self.asking.pixel == "coordinate":
            thousandths = np.rint(1000 * pixels / photo.size).astype(int)
            questions = [QUESTIONS["coordinate"].format(x=x, y=y) for x, y in thousandths]
            texts = self.speaker.answers(picture, seen, questions, limit) if questions else []
        else:
            for pixel in pixels:
                x, y = np.clip(pixel * scale, 0, [picture.shape[1] - 1, picture.shape[0] - 1]).astype(int)
                texts += self.speaker.answers(with_arrow(picture, x, y), seen, [QUESTIONS["marker"]], limit)
        metres = np.array([metres_in(text) for text in texts], dtype=np.float64).reshape(len(pixels))
        notes = []
        if camera is None and self.asking.focal_px:
            notes.append("no camera: asked at the photograph's own size")
        if self.asking.answer == "ray_distance":
            if camera is None:
                notes.append("no camera: the answered distance is taken as depth")
            else:
                metres = metres * camera.rays_at(pixels)[:, 2]
        unread = int(np.isnan(metres).sum())
        if unread:
            first = next(text for text, value in zip(texts, metres, strict=True) if np.isnan(value))
            notes.append(f"{unread} of {len(texts)} answers are no number of metres, as {first[:60]!r}")
        focal_from = None if camera is None or not self.asking.focal_px else camera.source
        return Prediction(points_at=metres, focal_from=focal_from, notes=notes)


def metres_in(text: str) -> float:
    """The answered metres; nan unless the one <answer>, or the whole text where it has no tags, is a number above 0.

    The number may carry the unit m, meter(s) or metre(s), nothing else.
    """
    tagged = _TAGGED.findall(text)
    if len(tagged) > 1 or (not tagged and "<answer>" in text):
        return np.nan
    found = _METRES.fullmatch((tagged[0] if tagged else text).strip())
    value = float(found[1]) if found else 0.0
    return value if 0 < value < np.inf else np.nan


def at_focal(rgb: np.ndarray, camera: Camera | None, focal_px: float) -> tuple[np.ndarray, Camera | None]:
    """The photograph resized to fx = fy = focal_px, and its camera; as it is without a camera or with focal_px 0.

    Each side by its own focal length, so that pixels become square (DepthLM undistorts where fx and fy differ).
    """
    if camera is None or focal_px == 0:
        return rgb, camera
    width = max(1, round(camera.width * focal_px / camera.fx))
    height = max(1, round(camera.height * focal_px / camera.fy))
    picture = Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC)
    return np.array(picture), camera.resize(width, height)


def with_arrow(picture: np.ndarray, x: int, y: int) -> np.ndarray:
    """A copy with a red arrow, 5 px long, whose tip touches pixel (x, y) from the left (at the left border: right).

    DepthLM leaves out points within 5 px of the border; they are asked here, with what fits of the arrow.
    """
    drawn = picture.copy()
    height, width = picture.shape[:2]
    away = -1 if x >= ARROW else 1
    cells = [(x + away * step, y) for step in range(1, ARROW + 1)]
    cells += [(x + away * (step + 1), y + side * step) for step in range(1, ARROW // 2 + 1) for side in (-1, 1)]
    for column, row in cells:
        if 0 <= column < width and 0 <= row < height:
            drawn[row, column] = RED
    return drawn


def load(argument: str, **options: Any) -> VlmText:
    """argument: "nano", a folder, or a model's id on the hub, with "?name=value&..." behind it for `Asking`.

    options: fields of `Asking`; any other goes to `from_pretrained` (dtype, ...).
    """
    where, told = _read(argument)
    given = told | {name: options.pop(name) for name in list(options) if name in ASKING}
    asking = Asking(**given)
    name = Path(where).name if Path(where).is_dir() else where
    return VlmText(load_speaker(where, options), f"{name} asked by {asking.pixel}", asking)


def check(argument: str) -> None:
    """InputError for wrong options and for folders that hold no VLM, before any weight is read."""
    where, told = _read(argument)
    Asking(**told)
    check_speaker(where)


def _read(argument: str) -> tuple[str, dict[str, Any]]:
    where, _, told = argument.partition("?")
    given: dict[str, Any] = {}
    for name, value in parse_qsl(told, keep_blank_values=True):
        if name not in ASKING:
            raise InputError("model", f"{argument!r} has the option {name!r}", ", ".join(ASKING))
        try:
            given[name] = ASKING[name](value)
        except ValueError:
            raise InputError(name, f"{value!r}", f"a number ({ASKING[name].__name__})") from None
    return where, given
