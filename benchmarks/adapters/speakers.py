"""Vision-language models that answer a question about a picture, whatever their family, without torchvision.

Families of `vlm.backbones` go through Fathom's own loader, which encodes a picture once for all its questions; any
other through transformers' AutoModelForImageTextToText and its own processor; Pixtral (DepthLM's 12B model), whose
processor needs torchvision, through the few lines here.
"""

import json
import warnings
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image

from benchmarks.adapters.fathom import weights_digest
from benchmarks.adapters.hf_depth import check_loaded, local_folder, refuse_path
from heads.camera import Camera
from heads.errors import InputError


class Speaker(Protocol):
    """A model that answers questions about a picture (H, W, 3) uint8, greedily, each as if it were the only one.

    facts: what the protocol states about it.
    """

    @property
    def facts(self) -> dict[str, object]: ...

    def answers(self, picture: np.ndarray, camera: Camera | None, questions: list[str], limit: int) -> list[str]: ...


class FathomSpeaker:
    """A family of `vlm.backbones`, or a Fathom. camera: the picture's, for published DepthVLM, which needs one."""

    def __init__(self, model: Any):
        if model.processor is None:
            raise InputError("model", "it has no processor", "a folder with tokenizer and preprocessor_config.json")
        self.model = model
        self.facts: dict[str, object] = {
            "class": type(model.backbone).__name__,
            "dtype": str(model.dtype),
            "device": str(model.device),
            "pixel_budget": model.processor.max_pixels,
            "weights": weights_digest(model.backbone),
        }

    def answers(self, picture: np.ndarray, camera: Camera | None, questions: list[str], limit: int) -> list[str]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="camera: the given focal")
            scene = self.model.look(picture, camera)
        return [answer.text for answer in scene.ask_many(questions, limit)]


class PlainSpeaker:
    """Any other family: `processor` has `apply_chat_template` and `decode` as transformers' processors do."""

    def __init__(self, model: Any, processor: Any):
        self.model, self.processor = model, processor
        self.facts: dict[str, object] = {
            "class": type(model).__name__,
            "dtype": str(model.dtype),
            "device": str(model.device),
            "weights": weights_digest(model),
        }

    def answers(self, picture: np.ndarray, camera: Camera | None, questions: list[str], limit: int) -> list[str]:
        return [self._answer(Image.fromarray(picture), question, limit) for question in questions]

    def _answer(self, picture: Image.Image, question: str, limit: int) -> str:
        content = [{"type": "image", "image": picture}, {"type": "text", "text": question}]
        options = {"add_generation_prompt": True, "tokenize": True, "return_dict": True, "return_tensors": "pt"}
        inputs = self.processor.apply_chat_template([{"role": "user", "content": content}], **options)
        inputs = {name: self._placed(value) for name, value in inputs.items()}
        with torch.no_grad():
            ids = self.model.generate(**inputs, max_new_tokens=limit, do_sample=False)
        return self.processor.decode(ids[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)

    def _placed(self, value: torch.Tensor) -> torch.Tensor:
        dtype = self.model.dtype if value.is_floating_point() else value.dtype
        return value.to(self.model.device, dtype)


class PixtralInput:
    """What transformers' PixtralProcessor does with one picture, which it does only where torchvision is.

    An image of h x w patches (after merging) is h rows of w [IMG], each ended by [IMG_BREAK], the last by [IMG_END].
    """

    IMAGE, BREAK, END = "[IMG]", "[IMG_BREAK]", "[IMG_END]"

    def __init__(self, tokenizer: Any, image_processor: Any, cell: int):
        """cell: pixels a token, a side: the patch times what is merged."""
        self.tokenizer, self.image_processor, self.cell = tokenizer, image_processor, cell
        self.decode = tokenizer.decode

    @classmethod
    def from_pretrained(cls, folder: Path, config: Any) -> "PixtralInput":
        from transformers import AutoTokenizer
        from transformers.models.auto.image_processing_auto import AutoImageProcessor  # 5.17 hides it at the top

        tokenizer = AutoTokenizer.from_pretrained(folder)
        template = folder / "chat_template.json"  # older folders keep it there, for their processor
        if tokenizer.chat_template is None and template.is_file():
            tokenizer.chat_template = json.loads(template.read_text(encoding="utf-8"))["chat_template"]
        cell = config.vision_config.patch_size * getattr(config, "spatial_merge_size", 1)
        return cls(tokenizer, AutoImageProcessor.from_pretrained(folder, backend="pil"), cell)

    def apply_chat_template(self, messages: list[dict[str, Any]], **options: Any) -> dict[str, torch.Tensor]:
        """One turn with one picture -> input_ids, attention_mask, pixel_values, image_sizes."""
        parts = messages[0]["content"]
        picture = next(part["image"] for part in parts if part["type"] == "image")
        for part in parts:  # Pixtral's published template reads "content" where others read "text"
            part.setdefault("content", part.get("text"))
        side = {"height": self.cell, "width": self.cell}
        seen = self.image_processor(images=picture, patch_size=side, return_tensors="pt")
        height, width = (int(pixels) // self.cell for pixels in seen["image_sizes"][0])
        rows = [self.IMAGE * width + self.BREAK] * (height - 1) + [self.IMAGE * width + self.END]
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        before, behind = str(text).split(self.IMAGE)
        ids = self.tokenizer(before + "".join(rows) + behind, add_special_tokens=False, return_tensors="pt")
        return {"input_ids": ids["input_ids"], "attention_mask": ids["attention_mask"], **seen}


def load_speaker(where: str, options: dict[str, Any]) -> Speaker:
    """where: "nano", a folder, or a model's id on the hub; options: as for `from_pretrained` (dtype, ...)."""
    from transformers.utils import logging

    from vlm.backbones import FAMILIES
    from vlm.checkpoints import EMBEDDED
    from vlm.model import Fathom

    logging.disable_progress_bar()
    folder = EMBEDDED.get(where) or local_folder(where)
    config = check_speaker(str(folder))
    if config.model_type == "fathom" or config.model_type in FAMILIES:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*its heads .* are new")  # they are not asked
            return FathomSpeaker(Fathom.from_pretrained(folder, **options))
    return _plain_speaker(folder, config, options)


def check_speaker(where: str) -> Any:
    """The config in a folder; InputError where it is no VLM's, before any weight is read. None for an id on the hub."""
    from transformers import AutoConfig, AutoModelForImageTextToText

    import vlm.model  # noqa: F401 - registers Fathom's config
    from vlm.backbones import FAMILIES
    from vlm.checkpoints import EMBEDDED

    folder = EMBEDDED.get(where) or Path(where)
    if not folder.is_dir():
        return refuse_path(where)
    try:
        config = AutoConfig.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as problem:
        raise InputError("model", f"{where}: {problem}", "a folder of a vision-language model") from problem
    known = config.model_type == "fathom" or config.model_type in FAMILIES
    if not known and type(config) not in AutoModelForImageTextToText._model_mapping:
        raise InputError("model", f"{folder} holds a {config.model_type!r} model", "a vision-language model")
    return config


def _plain_speaker(folder: Path, config: Any, options: dict[str, Any]) -> PlainSpeaker:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    pixtral = getattr(getattr(config, "vision_config", None), "model_type", None) == "pixtral"
    try:
        processor = PixtralInput.from_pretrained(folder, config) if pixtral else AutoProcessor.from_pretrained(folder)
    except (OSError, ValueError, ImportError) as problem:
        wrong = f"the processor of {folder} cannot be loaded: {problem}"
        raise InputError("model", wrong, "a model whose processor is beside it and needs no torchvision") from problem
    told = {"dtype": torch.float32, **options, "output_loading_info": True, "ignore_mismatched_sizes": True}
    loaded: Any = AutoModelForImageTextToText.from_pretrained(folder, **told)
    model, info = loaded
    check_loaded(str(folder), info)
    return PlainSpeaker(model.eval(), processor)
