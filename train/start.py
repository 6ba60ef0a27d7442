"""The model that a run begins with: a new one, or a saved one with the recipe's heads and adapter."""

import difflib
import os
import warnings
from typing import Any

import torch
from transformers import Qwen3VLConfig
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from heads.errors import InputError
from train.groups import set_trainable
from train.recipe import Recipe
from train.taught import LOSSES
from train.tokenizer import SPECIAL, moved_rows, train_tokenizer
from vlm.adapter import AdapterOptions, adapter_options, add_adapter, has_adapter, is_adapter, lora_targets, merge
from vlm.checkpoints import model_type, resolve
from vlm.config import FathomConfig
from vlm.model import Fathom
from vlm.processor import FathomProcessor
from vlm.published import is_published

SPECIAL_IDS = {
    "image_token_id": "<|image_pad|>",
    "video_token_id": "<|video_pad|>",
    "vision_start_token_id": "<|vision_start|>",
    "vision_end_token_id": "<|vision_end|>",
}


def starting_model(recipe: Recipe, texts: list[str]) -> Fathom:
    """Ready to train: heads, adapter, what is frozen, precision. texts: what a new tokenizer is made from."""
    model = saved_model(recipe) if recipe.start else new_model(recipe, texts)
    if recipe.start and recipe.retokenise:
        retokenise(model, texts, recipe.vocabulary)
    adapt(model, recipe)
    check_losses(model, recipe)
    if recipe.gradient_checkpointing:
        # Re-entrant checkpointing would cut the taps off the graph: a head's gradient would end there.
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return model


def saved_model(recipe: Recipe) -> Fathom:
    """The model of `start` with the recipe's heads; those that it lacks are new, with one warning."""
    assert recipe.start is not None
    folder = resolve(recipe.start)
    wanted = recipe.model.heads
    whole = is_adapter(folder) or is_published(folder) or model_type(folder) == "fathom"
    if whole or not wanted:
        model = Fathom.from_pretrained(recipe.start, **_loading(recipe))
        fresh = model.set_heads(model.config.heads | wanted)
    else:
        model = Fathom.from_pretrained(recipe.start, heads=wanted, **_loading(recipe))
        fresh = list(wanted)
    if fresh:
        warnings.warn(f"{recipe.start}: new heads ({', '.join(fresh)}), noise until trained", stacklevel=2)
    if recipe.model.max_pixels is not None:
        model.set_max_pixels(recipe.model.max_pixels)
    return model


def adapt(model: Fathom, recipe: Recipe) -> None:
    """Adds the recipe's adapter, or goes on with the one that is there; says what trains."""
    wanted, trains = recipe.adapter, recipe.trains
    if trains.adapter and not has_adapter(model):
        add_adapter(model, wanted or AdapterOptions())
    elif trains.adapter and wanted is not None:
        _check_adapter(model, wanted)
    elif has_adapter(model) and (trains.backbone or trains.vision):
        merge(model)
    if recipe.start is not None:
        model.saves_adapter = not (trains.backbone or trains.vision)
    if recipe.quantise != "none":  # transformers refuses to train beside quantised weights unless told of an adapter
        model._hf_peft_config_loaded = True
    set_trainable(model, recipe)


def new_model(recipe: Recipe, texts: list[str]) -> Fathom:
    """A Qwen3-VL of the recipe's sizes with a tokenizer made from the data's own words."""
    sizes = recipe.model
    missing = [key for key in ("text", "vision", "heads") if not getattr(sizes, key)]
    if missing:
        raise InputError(
            "model", f"misses {', '.join(missing)}", "the sizes of a new model, or a model to `start` from"
        )
    tokenizer = train_tokenizer(texts, recipe.vocabulary)
    token_ids: dict[str, Any] = {key: tokenizer.convert_tokens_to_ids(token) for key, token in SPECIAL_IDS.items()}
    backbone: Any = Qwen3VLConfig(
        text_config=sizes.text | {"vocab_size": len(tokenizer)},
        vision_config=sizes.vision,
        tie_word_embeddings=True,
        **token_ids,
    )
    config = FathomConfig(backbone, heads=sizes.heads, max_pixels=sizes.max_pixels or 1024 * 1024)
    vision = backbone.vision_config
    images = Qwen2VLImageProcessorPil(
        patch_size=vision.patch_size,
        merge_size=vision.spatial_merge_size,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )
    model = Fathom(config)
    model.processor = FathomProcessor(tokenizer, images, config.max_pixels)
    return model


def retokenise(model: Fathom, texts: list[str], vocabulary: int) -> None:
    """A tokenizer made from `texts` in place of the model's, which must be such a one too; what it knew moves over."""
    old, new = model.processor.tokenizer, train_tokenizer(texts, vocabulary)  # type: ignore[union-attr]
    if any(old.convert_ids_to_tokens(number) != token for number, token in enumerate(SPECIAL)):
        raise InputError("retokenise", "the tokenizer of `start` is of another kind", "a model that a recipe made")
    embeddings: Any = model.get_input_embeddings()
    rows = moved_rows(old, new, embeddings.weight.detach())
    model.backbone.resize_token_embeddings(len(new), mean_resizing=False)
    with torch.no_grad():
        model.get_input_embeddings().weight.copy_(rows)  # type: ignore[operator]
    model.processor.tokenizer = new  # type: ignore[union-attr]


def check_losses(model: Fathom, recipe: Recipe) -> None:
    """InputError for a weight of a loss that no head of the model gives."""
    guided = [name for names in LOSSES.values() for name in names]
    known = ["text", *guided, *(name for head in model.heads.values() for name in head.loss_names)]
    for name, weight in recipe.losses.items():
        if weight and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            raise InputError("losses", f"no head of this model gives {name!r}{hint}", ", ".join(known))
    if not any(recipe.losses.values()):
        raise InputError("losses", "nothing to learn", f"weights of {', '.join(known)}")


def _loading(recipe: Recipe) -> dict[str, Any]:
    """The recipe's precision, kernel and place, as `Fathom.from_pretrained` takes them."""
    options: dict[str, Any] = {"dtype": recipe.dtype}
    if recipe.attention is not None:
        options["attn_implementation"] = recipe.attention
    if recipe.quantise == "nf4":
        options["load_in_4bit"] = True
        if torch.cuda.is_available():  # packed for the device that it is loaded on
            options["device_map"] = {"": f"cuda:{os.environ.get('LOCAL_RANK', 0)}"}
    return options


def _check_adapter(model: Fathom, wanted: AdapterOptions) -> None:
    """The recipe's adapter must be the one that `start` has: it is the same LoRA that goes on."""
    there = adapter_options(model)
    assert there is not None
    asked = AdapterOptions(**{**vars(wanted), "targets": lora_targets(model, wanted), "vision": False})
    differing = there.differences(asked)
    if differing:
        told = "; ".join(f"{key} is {old!r}, the recipe says {new!r}" for key, (old, new) in differing.items())
        raise InputError("adapter", f"the adapter of `start` is another ({told})", "the same, or no adapter options")
