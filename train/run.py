"""One training run: recipe in, checkpoint folder out. Stops at any time, goes on where it stopped."""

from pathlib import Path
from typing import Any

from transformers import Qwen3VLConfig, set_seed
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from train.data import Mixture
from train.data.build import collator_of, held_out_data, mixture_of
from train.recipe import Recipe, keep_recipe
from train.tokenizer import train_tokenizer
from train.trainer import FathomTrainer, arguments
from vlm.config import FathomConfig
from vlm.model import Fathom
from vlm.processor import FathomProcessor


def run(recipe: Recipe, out: Path) -> Fathom:
    """Trains (or goes on training) in `out`; the model and its processor end up in `out/final`."""
    keep_recipe(recipe, out)
    set_seed(recipe.seed)
    trainer_args = arguments(recipe, out)
    data = mixture_of(recipe, report=out / "skipped.jsonl")
    model = Fathom.from_pretrained(recipe.start) if recipe.start else new_model(recipe, data)
    trainer = FathomTrainer(
        recipe,
        model=model,
        args=trainer_args,
        train_dataset=data,
        eval_dataset=held_out_data(recipe),
        data_collator=collator_of(recipe, model, trainer_args.world_size),
    )
    trainer.fit()
    trainer.finish(out / "final")
    return model


def new_model(recipe: Recipe, data: Mixture) -> Fathom:
    """A Qwen3-VL of the recipe's sizes with a tokenizer made from the data's own words."""
    tokenizer = train_tokenizer(data.texts(), recipe.vocabulary)
    ids: dict[str, str] = {
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
    }
    token_ids: dict[str, Any] = {key: tokenizer.convert_tokens_to_ids(token) for key, token in ids.items()}
    text = {**recipe.model.text, "vocab_size": len(tokenizer)}
    backbone: Any = Qwen3VLConfig(
        text_config=text,
        vision_config=recipe.model.vision,
        tie_word_embeddings=True,
        **token_ids,
    )
    config = FathomConfig(backbone, heads=recipe.model.heads, max_pixels=recipe.model.max_pixels or 1024 * 1024)
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
