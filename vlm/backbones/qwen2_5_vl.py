"""Qwen2.5-VL: like Qwen3-VL without DeepStack, its vision blocks in windows.

Blocks run on 14 px patches; merge blocks of four stay together, and these are sorted by attention window. The
merger undoes the windows, so the LLM's image tokens are in image order.
"""

from typing import Any

import torch
from torch import Tensor

from heads.base import Tap
from vlm.backbones.common import find_tap, usual_taps
from vlm.backbones.qwen3_vl import (  # noqa: F401 - the same in this family
    FLASH,
    IMAGE_SEES_QUESTION,
    LORA_TARGETS,
    images,
    inputs,
    module,
    patch_stride,
    pixels,
    plan,
    positions,
    text_positions,
    token_counts,
    token_rows_to_grids,
    token_sizes,
    token_stride,
    vision_tower,
)
from vlm.backbones.qwen3_vl import patch_rows_to_grids as merge_blocks_to_grids

MODEL_TYPES = ("qwen2_5_vl",)


def tap(config: Any, name: str) -> Tap:
    """Channels and stride of `vision.N` or `language.N`; an unknown one is an error."""
    vision, text = config.vision_config, config.text_config
    places = {
        "vision": (vision.depth, vision.hidden_size, patch_stride(config)),
        "language": (text.num_hidden_layers, text.hidden_size, token_stride(config)),
    }
    return find_tap(name, MODEL_TYPES[0], places)


def default_taps(config: Any) -> dict[str, list[str]]:
    """The last block and the last one before it that attends across windows: they have seen the whole picture."""
    taps = usual_taps(config.vision_config.depth, config.text_config.num_hidden_layers)
    across = [i for i in config.vision_config.fullatt_block_indexes if i < config.vision_config.depth - 1]
    if across:
        taps["depth"][0] = f"vision.{across[-1]}"
    return taps


def window_order(grid_thw: Tensor, config: Any) -> Tensor:
    """For every merge block in the vision tower's sequence, its number in image order (all images in a row)."""
    merge = config.vision_config.spatial_merge_size
    side = config.vision_config.window_size // merge // config.vision_config.patch_size
    orders, first = [], 0
    for h, w in token_sizes(grid_thw, config):
        y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        window = (y // side) * -(-w // side) + x // side
        orders.append(first + torch.argsort(window.flatten(), stable=True))
        first += h * w
    return torch.cat(orders)


def patch_rows_to_grids(rows: Tensor, grid_thw: Tensor, config: Any) -> list[Tensor]:
    """(patches of all images, C) as the vision blocks have them -> one (C, h, w) patch grid per image."""
    back = torch.argsort(window_order(grid_thw, config)).to(rows.device)
    blocks = rows.reshape(len(back), -1, rows.shape[-1])[back]
    return merge_blocks_to_grids(blocks.reshape(rows.shape), grid_thw, config)
