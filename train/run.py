"""One training run: recipe in, checkpoint folder out. Stops at any time, goes on where it stopped."""

import itertools
from pathlib import Path
from typing import Any

import torch
from transformers import Qwen3VLConfig, set_seed
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from train.data import Collator, RecordSet
from train.recipe import Recipe
from train.tokenizer import train_tokenizer
from train.trainer import FathomTrainer, arguments
from vlm.config import FathomConfig
from vlm.model import Fathom
from vlm.processor import FathomProcessor


def run(recipe: Recipe, out: Path) -> Fathom:
    """Trains (or goes on training) in `out`; the model and its processor end up in `out/final`."""
    set_seed(recipe.seed)
    data = RecordSet(list(recipe.records), recipe.questions_per_image, recipe.seed)
    model = Fathom.from_pretrained(recipe.start) if recipe.start else new_model(recipe, data)
    processor = model.processor
    assert processor is not None
    trainer = FathomTrainer(
        recipe,
        model=model,
        args=arguments(recipe, out),
        train_dataset=_Passes(data, recipe.steps * recipe.batch),
        data_collator=Collator(processor, list(model.heads)),
    )
    trainer.fit()
    model.save_pretrained(out / "final")
    processor.save_pretrained(out / "final")
    return model


def new_model(recipe: Recipe, data: RecordSet) -> Fathom:
    """A Qwen3-VL of the recipe's sizes with a tokenizer made from the data's own words."""
    words = itertools.chain.from_iterable(
        (pair["question"], pair["answer"]) for i in range(min(len(data), 2000)) for pair in data.record(i).questions
    )
    tokenizer = train_tokenizer(words, recipe.vocabulary)
    ids: dict[str, str] = {
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
    }
    token_ids: dict[str, Any] = {key: tokenizer.convert_tokens_to_ids(token) for key, token in ids.items()}
    text = {**recipe.model["text"], "vocab_size": len(tokenizer)}
    backbone: Any = Qwen3VLConfig(
        text_config=text,
        vision_config=recipe.model["vision"],
        tie_word_embeddings=True,
        **token_ids,
    )
    config = FathomConfig(backbone, heads=recipe.model["heads"], max_pixels=recipe.model["max_pixels"])
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


class _Passes(torch.utils.data.Dataset):
    """Goes round the records until `count` samples are drawn; each pass draws other questions and colours."""

    def __init__(self, data: RecordSet, count: int):
        self.data, self.count = data, count

    def __len__(self) -> int:
        return max(self.count, 1)

    def __getitem__(self, index: int) -> dict:
        return self.data[index]
