"""One small file a family; `family(config)` finds it by the config's model type.

What every file has, as functions or as methods of its FAMILY. `grid_thw` has one row (t, h, w) an image: t pictures
that the vision tower sees for it (tiles and thumbnail; else 1), and h x w patches over the whole photograph,
tiles put together. Grids are in image coordinates, rows from the top.

MODEL_TYPES                                  of the configs that it is for
IMAGE_SEES_QUESTION                          attention lets image tokens see a question behind them
FLASH                                        flash-attn computes the same; it does not where image tokens see each other
LORA_TARGETS                                 regular expression of the modules that an adapter goes to
tap(config, name)                            channels and stride of a place; an unknown one is an error
default_taps(config)                         places that each head reads unless told otherwise
module(backbone, name)                       the module whose output is the tap
vision_tower(backbone)
plan(width, height, processor, images)       the network's size for a photograph, one of `images` in its prompt
pixels(processor, images, per_prompt)        prepared photographs -> pixel_values, grid_thw
images(pixel_values, grid_thw, config)       back to one (3, H, W) picture an image: what the heads see
inputs(input_ids, pixel_values, grid_thw, config)          keyword arguments of the backbone's forward
token_counts(grid_thw, config)               image tokens of each image in a prompt
token_sizes(grid_thw, config)                (h, w) of each token grid
token_rows_to_grids(rows, grid_thw, config)  (image tokens of all images, C) -> one (C, h, w) an image
patch_rows_to_grids(rows, grid_thw, config)  a vision block's output -> one (C, h, w) an image
positions(backbone, input_ids, attention_mask, grid_thw)   rotary positions, (B, L) or (3, B, L)
text_positions(start, length, device)        those of text that goes on at `start`

Where a slot of the chat template becomes more than its token repeated: SLOT, its text, and
image_text(tokenizer, grid, config), what stands there for an image of this (t, h, w). Where turns end with
another token than the tokenizer's end: END_OF_TURN. Without a chat template: prompt_text(tokenizer, messages).
"""

from typing import Any

from vlm.backbones import gemma3, idefics3, internvl, llava_onevision, paligemma, qwen2_5_vl, qwen3_vl

_TILED = (internvl.FAMILY, idefics3.FAMILY, llava_onevision.FAMILY, gemma3.FAMILY, paligemma.FAMILY)
_FILES = (qwen3_vl, qwen2_5_vl, *_TILED)
FAMILIES: dict[str, Any] = {kind: file for file in _FILES for kind in file.MODEL_TYPES}


def family(config) -> Any:
    """The backbone file of a transformers config; an unknown family is an error that lists the known ones."""
    if config.model_type not in FAMILIES:
        raise ValueError(
            f"backbone: no file for the family {config.model_type!r}; allowed: {', '.join(sorted(FAMILIES))}"
        )
    return FAMILIES[config.model_type]
