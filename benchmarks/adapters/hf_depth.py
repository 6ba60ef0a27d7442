"""transformers' depth models as rivals: "hf-depth:ID_OR_FOLDER" (Depth Anything, ZoeDepth, Depth Pro, DPT, GLPN, ...).

What each class wants, and what its output may claim, is in `benchmarks.adapters.depth_families`. Photographs that
the image processor makes equally large go through the network together.
"""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.adapters.base import Prediction
from benchmarks.adapters.depth_families import (
    DEPTH_PRO,
    camera_from_fov,
    depth_pro_metres,
    family_of,
    image_processor,
)
from benchmarks.adapters.fathom import weights_digest
from heads.camera import Camera
from heads.errors import InputError
from vlm.images import Photo

NEVER_USED = re.compile(r"neck\.fusion_stage\.layers\.0\.residual_layer1\.")
"""The first fusion layer is given no residual: published DPT weights lack these tensors, and no output needs them."""


class HfDepth:
    """A loaded depth model with its image processor."""

    def __init__(self, model: Any, processor: Any, name: str, notes: list[str] | None = None):
        self.model, self.processor, self.name = model, processor, name
        self.notes = notes or []
        self.family = family_of(model.config)
        own_camera = self.family is DEPTH_PRO and model.use_fov_model
        self.claims = frozenset({self.family.claim, "token_period_px", *(["camera"] if own_camera else [])})
        self.needs_camera = self.family is DEPTH_PRO and not own_camera
        self.ignores_camera = self.family is not DEPTH_PRO

    @property
    def facts(self) -> dict[str, object]:
        return {
            "class": type(self.model).__name__,
            "output": self.family.means,
            "mirrored_too": self.family.flip,
            "dtype": str(self.model.dtype),
            "device": str(self.model.device),
            "parameters": sum(weight.numel() for weight in self.model.parameters()),
            "weights": weights_digest(self.model),
        }

    def predict(
        self, photos: list[Photo], cameras: list[Camera | None], pixels: list[np.ndarray] | None
    ) -> list[Prediction]:
        prepared = [self.family.prepare(self.processor, photo.rgb) for photo in photos]
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for number, picture in enumerate(prepared):
            groups[tuple(picture.shape)].append(number)
        found: dict[int, Prediction] = {}
        for numbers in groups.values():
            values, fov_deg = self._run(torch.stack([prepared[number] for number in numbers]))
            for row, number in enumerate(numbers):
                fov = None if fov_deg is None else float(fov_deg[row])
                prediction = self._prediction(values[row], fov, photos[number], cameras[number])
                prediction.token_period_px = self._token_period(photos[number].size, prepared[number])
                found[number] = prediction
        return [found[number] for number in range(len(photos))]

    @torch.no_grad()
    def _run(self, pictures: Tensor) -> tuple[Tensor, Tensor | None]:
        """(B, 3, h, w) -> the network's output (B, h', w') float32, and its fields of view (B,) in degrees."""
        pictures = pictures.to(self.model.device, self.model.dtype)
        outputs = self.model(pixel_values=pictures)
        values = outputs.predicted_depth.float()
        if self.family.flip:
            mirrored = self.model(pixel_values=pictures.flip(-1)).predicted_depth.float()
            values = (values + mirrored.flip(-1)) / 2
        fov = getattr(outputs, "field_of_view", None)
        return values.cpu(), None if fov is None else fov.float().cpu()

    def _prediction(self, values: Tensor, fov_deg: float | None, photo: Photo, camera: Camera | None) -> Prediction:
        if self.family is not DEPTH_PRO:
            depth = self.family.back(values, photo.size, self.processor)
            prediction = Prediction(notes=list(self.notes))
            setattr(prediction, self.family.claim, depth.numpy())
            return prediction
        own = None if fov_deg is None else camera_from_fov(photo.size, fov_deg)
        known = camera or photo.exif_camera or own
        if known is None:
            said = "it has no field-of-view head" if fov_deg is None else f"it sees {fov_deg:.1f} degrees"
            raise InputError("camera", f"{self.name} needs a focal length: {said}", "a record with intrinsics")
        depth = depth_pro_metres(values, photo.size, known.fx).numpy()
        return Prediction(depth_metric=depth, camera=own, focal_from=known.source, notes=list(self.notes))

    def _token_period(self, size: tuple[int, int], picture: Tensor) -> tuple[float, float] | None:
        """A patch of the network, in pixels of the photograph, across and down; None for GLPN, which has none."""
        config = self.model.config
        backbone = getattr(config, "image_model_config", None) or getattr(config, "backbone_config", None) or config
        patch = getattr(backbone, "patch_size", None)
        if patch is None:
            return None
        down, across = patch if isinstance(patch, list | tuple) else (patch, patch)
        width, height = self.family.whole(size, self.processor)
        return across * width / picture.shape[-1], down * height / picture.shape[-2]


def load(argument: str, **options: Any) -> HfDepth:
    """argument: a folder, or a model's id on the hub; options: as for transformers' `from_pretrained` (dtype, ...)."""
    from transformers import AutoConfig, AutoModelForDepthEstimation
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = local_folder(argument)
    check(str(folder))
    config = AutoConfig.from_pretrained(folder)
    processor = image_processor(config.model_type, folder)
    options = {"dtype": torch.float32, **options, "output_loading_info": True, "ignore_mismatched_sizes": True}
    loaded: Any = AutoModelForDepthEstimation.from_pretrained(folder, **options)
    model, info = loaded
    notes = check_loaded(argument, info)
    return HfDepth(model.eval(), processor, Path(argument).name if Path(argument).is_dir() else argument, notes)


def check(argument: str) -> None:
    """InputError for a folder whose class has no rule or that lacks its image processor, before any weight is read.

    A model's id is looked at when it is loaded.
    """
    from transformers import AutoConfig

    folder = Path(argument)
    if not folder.is_dir():
        refuse_path(argument)
        return
    try:
        config = AutoConfig.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as problem:
        raise InputError("model", f"{argument}: {problem}", "a folder of a transformers depth model") from problem
    family_of(config)
    image_processor(config.model_type, folder)


def refuse_path(argument: str) -> None:
    """InputError for what is no folder and, by its form, no id on the hub either ("name" or "owner/name")."""
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", argument) or argument.startswith("."):
        raise InputError("model", f"no folder {argument!r}", "a folder, or a model's id on the hub")


def local_folder(argument: str) -> Path:
    """The folder itself, or where the hub's cache has (or now gets) that model's files."""
    if Path(argument).is_dir():
        return Path(argument)
    refuse_path(argument)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(argument, allow_patterns=["*.json", "*.safetensors", "*.jinja", "*.model"]))
    except (OSError, ValueError) as problem:
        wrong = f"no folder {argument!r}, and the hub did not give it ({type(problem).__name__})"
        raise InputError("model", wrong, "a folder with config.json and safetensors, or a model's id") from problem


def check_loaded(name: str, info: dict[str, Any]) -> list[str]:
    """InputError where a tensor that an output needs is missing or misshapen; a note where some were not used."""
    missing = sorted(key for key in info["missing_keys"] if not NEVER_USED.match(key))
    missing += [str(mismatched[0]) for mismatched in info.get("mismatched_keys") or []]
    if missing:
        told = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        raise InputError("model", f"{name}: missing or misshapen {told}", "weights that fit their config.json")
    unused = info["unexpected_keys"]
    return [f"{len(unused)} tensors of the checkpoint have no place in the class"] if unused else []
