"""Scene: one encoded photograph (or several views). Ask it, measure in it, save it.

Nothing here runs the vision tower: a question continues the KV cache of the one pass, and depth, camera and
points are read from its raw tensors when first asked for. All arrays are NumPy float32 in the caller's pixels.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heads.camera import Camera
from heads.depth import read_depth
from heads.dpt import read_published
from heads.errors import InputError, NotPredictedError
from heads.losses import laplace_half_width
from vlm.answer import Answer, Chat, Memory, check_question, check_sampling, stream
from vlm.ask_many import answer_many
from vlm.images import Photo, Plan, back_to_caller, camera_for

if TYPE_CHECKING:
    from vlm.model import Fathom

CAPTION_QUESTION = "Describe the picture."
SKY_ABOVE = 0.5
WITH_UNCERTAINTY = "a model with Fathom's own depth head, as nano"


@dataclass(frozen=True)
class Distance:
    """metres between two points of the scene; the true value is within lower..upper with `probability`.

    lower, upper: None where the model states no uncertainty.
    """

    metres: float
    lower: float | None
    upper: float | None
    probability: float


class View:
    """Geometry of one photograph, read lazily from the heads' raw tensors.

    camera: the one whose focal made depth metric; `camera.source` says where it came from (caller, exif, rays).
    camera_from_rays: what the ray head saw, whatever was used; focal_scale: its Laplace scale of log focal.
    notes: what the user should know.
    """

    def __init__(
        self,
        photo: Photo,
        plan: Plan,
        camera: Camera,
        raw: dict[str, Any],
        focal_scale: float,
        uncertainty: dict[str, Any],
        camera_from_rays: Camera | None,
        notes: list[str],
    ):
        self.photo, self.plan, self.camera = photo, plan, camera
        self.camera_from_rays, self.notes = camera_from_rays, notes
        self._raw, self.focal_scale, self._uncertainty = raw, focal_scale, uncertainty

    @property
    def image(self) -> np.ndarray:
        """(H, W, 3) uint8, upright."""
        return self.photo.rgb

    @cached_property
    def _maps(self) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        """depth_z without sky, local Laplace scale, sky probability; (H, W) in the caller's pixels, None if none."""
        network = camera_for(self.plan, self.camera)
        if "canonical_depth" in self._raw:
            return back_to_caller(read_published(self._raw, network.fx).numpy(), self.plan), None, None
        depth_z, scale, sky = (back_to_caller(m.numpy(), self.plan) for m in read_depth(self._raw, network.focal))
        return depth_z, scale * np.float32(self._factor), sky

    @property
    def _local_scale(self) -> np.ndarray:
        scale = self._maps[1]
        if scale is None:
            raise NotPredictedError("uncertainty", "this model states none", WITH_UNCERTAINTY)
        return scale

    @property
    def _factor(self) -> float:
        return self._uncertainty["factor"][self.camera.source]

    @property
    def _focal_part(self) -> float:
        """Laplace scale of log depth that comes from the focal: none where the caller or EXIF gave it."""
        return self._factor * self.focal_scale if self.camera.source == "rays" else 0.0

    @cached_property
    def depth_z(self) -> np.ndarray:
        """(H, W) float32 metres along the optical axis; inf = sky (of a model that tells sky)."""
        depth, _, sky = self._maps
        return depth if sky is None else np.where(sky > SKY_ABOVE, np.float32(np.inf), depth)

    @property
    def log_depth_scale(self) -> np.ndarray:
        """(H, W) float32 calibrated Laplace scale of log depth, the focal's own included where rays gave it.

        NotPredictedError where the model states no uncertainty.
        """
        return np.sqrt(self._local_scale**2 + np.float32(self._focal_part) ** 2)

    @property
    def sky(self) -> np.ndarray:
        """(H, W) float32 probability of sky; NotPredictedError where the model does not tell sky."""
        sky = self._maps[2]
        if sky is None:
            raise NotPredictedError("sky", "this model does not tell sky from depth", WITH_UNCERTAINTY)
        return sky

    @property
    def missing(self) -> list[str]:
        """Which of `log_depth_scale` (and so `depth_interval`) and `sky` this model does not predict."""
        return [name for name, values in zip(("log_depth_scale", "sky"), self._maps[1:], strict=True) if values is None]

    def depth_interval(self, probability: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper depth_z (H, W), metres, that hold the true value with this probability.

        NotPredictedError where the model states no uncertainty.
        """
        half = laplace_half_width(self.log_depth_scale, _checked(probability))
        return self.depth_z * np.exp(-half), self.depth_z * np.exp(half)

    @property
    def ray_directions(self) -> np.ndarray:
        """(H, W, 3) float32 unit vectors in the camera frame (x right, y down, z forward), from `camera`."""
        return self.camera.ray_directions()

    @property
    def points(self) -> np.ndarray:
        """(H, W, 3) float32 metres in the camera frame; nan at sky."""
        depth = np.where(np.isfinite(self.depth_z), self.depth_z, np.float32(np.nan))
        rays = self.ray_directions
        return rays * (depth / rays[..., 2])[..., None]

    def distance(self, pixel_a: Any, pixel_b: Any, probability: float = 0.9) -> Distance:
        """Metres between the surface points at two pixels (x, y) of the photograph, with an interval.

        Errors of depth are split into a part that all pixels share (scale, focal) and a local one, as measured
        in the config; first-order propagation of both to the logarithm of the distance. Without an interval
        (None) where the model states no uncertainty.
        """
        checked = _checked(probability)
        (za, ba), (zb, bb) = (self._at(p, name) for p, name in ((pixel_a, "pixel_a"), (pixel_b, "pixel_b")))
        a, b = self.camera.unproject(np.asarray([pixel_a, pixel_b], dtype=np.float64), np.array([za, zb]))
        metres = float(np.linalg.norm(a - b))
        if metres == 0:
            return Distance(0.0, 0.0, 0.0, probability)
        if ba is None or bb is None:
            return Distance(metres, None, None, probability)
        along = (a - b) / metres**2  # d log D / d P_a
        ga, gb = float(along @ a), float(-along @ b)  # to log z_a and log z_b; their sum is 1
        shared = self._uncertainty["shared"]
        local = (1 - shared) * ((ga * ba) ** 2 + (gb * bb) ** 2)
        common = shared * (ga * ba + gb * bb) ** 2 + self._focal_part**2
        half = float(laplace_half_width(float(np.sqrt(local + common)), checked))
        return Distance(metres, metres * float(np.exp(-half)), metres * float(np.exp(half)), probability)

    def _at(self, pixel: Any, name: str) -> tuple[float, float | None]:
        """depth_z and local Laplace scale (None if none) at a continuous pixel."""
        height, width = self.image.shape[:2]
        try:
            values = np.asarray(pixel, dtype=np.float64)
        except (TypeError, ValueError):
            values = np.empty(0)  # no numbers: not in the image
        if values.shape != (2,) or not (0 <= values[0] <= width and 0 <= values[1] <= height):
            raise InputError(name, f"{pixel!r} is not in the image", f"(x, y) within 0..{width}, 0..{height}")
        column, row = min(int(values[0]), width - 1), min(int(values[1]), height - 1)
        depth = float(self.depth_z[row, column])
        if not np.isfinite(depth):
            raise InputError(name, f"{pixel!r} is sky", "a pixel with a surface")
        scale = self._maps[1]
        return depth, None if scale is None else float(scale[row, column])


def _checked(probability: float) -> float:
    if not 0 < probability < 1:
        raise InputError("probability", f"is {probability}", "above 0 and below 1")
    return probability


def _of_first(name: str) -> property:
    return property(lambda scene: getattr(scene.views[0], name), doc=getattr(View, name).__doc__)


class Scene:
    """What one pass knows. Geometry of the first view is here directly; `views[i]` has every view's.

    With several views, `views[i].camera.camera_to_world` is in the first view's frame, metres.
    """

    image = _of_first("image")
    depth_z = _of_first("depth_z")
    log_depth_scale = _of_first("log_depth_scale")
    sky = _of_first("sky")
    ray_directions = _of_first("ray_directions")
    points = _of_first("points")

    def __init__(self, model: "Fathom", memory: Memory, views: list[View], grids: list, seconds: float):
        self.model, self.views, self.seconds = model, views, seconds
        self._memory, self._grids = memory, grids  # one row (t, h, w) an image, as `vlm.backbones` has it
        self.asked: list[tuple[str, Answer]] = []

    @property
    def camera(self) -> Camera:
        """The camera of the first view, in the caller's pixels; `.source` says where its focal came from."""
        return self.views[0].camera

    @property
    def notes(self) -> list[str]:
        """What the user should know: resizing, where the focal came from, doubts about it, what is not predicted."""
        return [note for view in self.views for note in view.notes]

    def depth_interval(self, probability: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """See `View.depth_interval`."""
        return self.views[0].depth_interval(probability)

    def distance(self, pixel_a: Any, pixel_b: Any, probability: float = 0.9) -> Distance:
        """See `View.distance`."""
        return self.views[0].distance(pixel_a, pixel_b, probability)

    def ask(self, question: str, max_new_tokens: int = 128, temperature: float = 0.0) -> Answer:
        """Answers as if this were the only question: it runs on a copy of the prefix."""
        question = check_question(question)
        check_sampling(max_new_tokens, temperature)
        processor = self.model.processor
        assert processor is not None
        ids = self._first_turn(question)
        memory = self._memory
        drawn = list(
            stream(self.model, memory.cache(), ids, memory.position, max_new_tokens, temperature, memory.again)
        )
        tokens = [token for token, _ in drawn if token != processor.end_id]
        answer = Answer(
            str(processor.tokenizer.decode(tokens)).strip(), tuple(tokens), sum(score for _, score in drawn)
        )
        self.asked.append((question, answer))
        return answer

    def ask_many(self, questions: list[str], max_new_tokens: int = 128, together: int = 32) -> list[Answer]:
        """What `ask` answers to each, greedily; `together` at once in one batch, which is several times faster."""
        checked = [check_question(question) for question in questions]
        check_sampling(max_new_tokens, 0.0)
        if self._memory.again:  # the image is encoded again for each
            return [self.ask(question, max_new_tokens) for question in checked]
        rows = [self._first_turn(question) for question in checked]
        answers = answer_many(self.model, self._memory, rows, max_new_tokens, together)
        self.asked += zip(checked, answers, strict=True)
        return answers

    def caption(self) -> Answer:
        """A description of the picture."""
        return self.ask(CAPTION_QUESTION)

    def chat(self) -> Chat:
        """A conversation that keeps its history; `chat.say(text)` streams."""
        return Chat(self.model, self._memory, self._first_turn)

    def _first_turn(self, question: str) -> list[int]:
        processor = self.model.processor
        assert processor is not None
        before, behind = processor.split_prompt(question, self._grids)
        return before + behind if self._memory.again else behind

    def save(self, folder: str | Path, formats: Iterable[str] | None = None) -> list[Path]:
        """Writes what `vlm.save.FORMATS` names (all by default) into `folder`; returns the paths."""
        from vlm.save import save_scene

        return save_scene(self, Path(folder), formats)
