"""Fathom itself: "nano", a folder that it saved, or published DepthVLM weights ("depthvlm:FOLDER")."""

import hashlib
import warnings
from typing import Any

import numpy as np

from benchmarks.adapters.base import Prediction
from heads.camera import Camera
from heads.dpt import PublishedDepthHead
from vlm.images import Photo


class FathomAdapter:
    """A loaded `vlm.model.Fathom`; each photograph is one scene, a batch is one forward pass."""

    def __init__(self, model: Any, name: str):
        self.model, self.name = model, name
        claims = {"depth_metric", "distance", "token_period_px"}
        if not isinstance(model.heads["depth"], PublishedDepthHead):
            claims |= {"log_depth_scale", "sky"}
        if "rays" in model.heads:
            claims.add("camera")
        self.claims = frozenset(claims)
        self.needs_camera = "rays" not in model.heads

    @property
    def facts(self) -> dict[str, object]:
        processor = self.model.processor
        return {
            "dtype": str(self.model.dtype),
            "device": str(self.model.device),
            "pixel_budget": None if processor is None else processor.max_pixels,
            "parameters": sum(weight.numel() for weight in self.model.parameters()),
            "weights": weights_digest(self.model),
        }

    def predict(
        self, photos: list[Photo], cameras: list[Camera | None], pixels: list[np.ndarray] | None
    ) -> list[Prediction]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="camera: the given focal")  # measured: ray_angle_deg
            scenes = self.model.look_many(photos, cameras)
        return [prediction_of(scene) for scene in scenes]


def prediction_of(scene: Any) -> Prediction:
    """Read at once, while the pass's cost is being measured; the scene's KV cache is let go."""
    view = scene.views[0]
    plan = view.plan
    rows, columns = plan.tokens
    part = plan.resized[0] / plan.padded[0], plan.resized[1] / plan.padded[1]
    return Prediction(
        depth_metric=view.depth_z,
        log_depth_scale=getattr(view, "log_depth_scale", None),
        sky=getattr(view, "sky", None),
        camera=view.camera_from_rays,
        focal_from=view.camera.source,
        distance=lambda a, b, p: _distance(view, a, b, p),
        token_period_px=(plan.original[0] / (columns * part[0]), plan.original[1] / (rows * part[1])),
        notes=list(view.notes),
    )


def _distance(view: Any, a: np.ndarray, b: np.ndarray, probability: float) -> tuple[float, float | None, float | None]:
    found = view.distance(a, b, probability)
    return found.metres, found.lower, found.upper


def weights_digest(model: Any) -> str:
    """First 16 hex digits of the SHA-256 over every weight's name, type, shape and up to 8,191 of its numbers."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        sample = tensor.detach().flatten()
        step = max(1, len(sample) // 4096)  # gigabytes need not be hashed whole
        digest.update(np.ascontiguousarray(sample[::step].float().cpu().numpy()).tobytes())
    return digest.hexdigest()[:16]


def check(argument: str) -> None:
    """InputError where the name leads nowhere."""
    from vlm.checkpoints import resolve

    resolve(argument)


def load(argument: str, **options: Any) -> FathomAdapter:
    """argument: "nano" or a folder; options: as for `Fathom.from_pretrained` (dtype, ...)."""
    from transformers.utils import logging

    from vlm.model import Fathom

    logging.disable_progress_bar()
    model = Fathom.from_pretrained(argument, **options)
    return FathomAdapter(model, argument)
