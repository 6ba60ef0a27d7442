"""Qwen3-VL: where its blocks, token grid and LoRA targets are.

Vision blocks run on 16 px patches in merge-block order (the four patches of a token are neighbours in the
sequence); DeepStack outputs and the LLM are on the merged token grid in image order.
"""

from typing import Any

import torch
from torch import Tensor, nn

from heads.base import Tap
from vlm.backbones.common import find_tap, of_one_size, usual_taps
from vlm.images import Plan, fit_to_budget

MODEL_TYPE = "qwen3_vl"
MODEL_TYPES = (MODEL_TYPE,)
IMAGE_SEES_QUESTION = False  # causal attention, the image comes first
FLASH = True
LORA_TARGETS = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"


def patch_stride(config: Any) -> int:
    """Pixels per vision patch."""
    return int(config.vision_config.patch_size)


def token_stride(config: Any) -> int:
    """Pixels per image token of the LLM."""
    return int(config.vision_config.patch_size) * config.vision_config.spatial_merge_size


def tap(config: Any, name: str) -> Tap:
    """Channels and stride of `vision.N`, `deepstack.N` or `language.N`; an unknown one is an error."""
    vision, text = config.vision_config, config.text_config
    places = {
        "vision": (vision.depth, vision.hidden_size, patch_stride(config)),
        "deepstack": (deepstack_outputs(config), text.hidden_size, token_stride(config)),
        "language": (text.num_hidden_layers, text.hidden_size, token_stride(config)),
    }
    return find_tap(name, MODEL_TYPE, places)


def deepstack_outputs(config: Any) -> int:
    """How many DeepStack outputs there are: an index behind the last block gives none."""
    vision = config.vision_config
    return sum(index < vision.depth for index in vision.deepstack_visual_indexes)


def default_taps(config: Any) -> dict[str, list[str]]:
    """Which places the depth head and the ray head read unless told otherwise; depth also the last DeepStack output."""
    taps = usual_taps(config.vision_config.depth, config.text_config.num_hidden_layers)
    count = deepstack_outputs(config)
    return taps | {"depth": [*taps["depth"], *([f"deepstack.{count - 1}"] if count else [])]}


def module(backbone: Any, name: str) -> nn.Module:
    """The module whose output is the tap."""
    kind, _, index = name.partition(".")
    if kind == "vision":
        return backbone.model.visual.blocks[int(index)]
    if kind == "deepstack":
        return backbone.model.visual.deepstack_merger_list[int(index)]
    language = backbone.model.language_model
    return language.norm if int(index) == -1 else language.layers[int(index)]


def vision_tower(backbone: Any) -> nn.Module:
    return backbone.model.visual


def plan(width: int, height: int, processor: Any, _images: int = 1) -> Plan:
    """Any size whose sides are multiples of a token's, within the budget."""
    return fit_to_budget(width, height, processor.factor, max_pixels=processor.max_pixels)


def pixels(processor: Any, images: list, _per_prompt: list[int] | None = None) -> tuple[Tensor, Tensor]:
    """(H, W, 3) uint8 arrays with sides that are multiples of a token's -> pixel_values, grid_thw."""
    batch = processor.image_processor(
        images=images, do_resize=False, input_data_format="channels_last", return_tensors="pt"
    )
    return batch["pixel_values"], batch["image_grid_thw"]


def inputs(_input_ids: Tensor, pixel_values: Tensor | None, grid_thw: Tensor | None, _config: Any) -> dict[str, Any]:
    """Keyword arguments of the backbone's forward."""
    return {"pixel_values": pixel_values, "image_grid_thw": grid_thw}


def patch_rows_to_grids(rows: Tensor, grid_thw: Tensor, config: Any) -> list[Tensor]:
    """(patches of all images, C) in merge-block order -> one (C, h, w) patch grid per image, image order."""
    merge = config.vision_config.spatial_merge_size

    def grids(parts: Tensor, size: tuple[int, int]) -> Tensor:
        h, w = size
        blocks = parts.reshape(len(parts), h // merge, w // merge, merge, merge, -1)
        return blocks.permute(0, 5, 1, 3, 2, 4).reshape(len(parts), -1, h, w)

    return of_one_size(rows.split(grid_thw.prod(-1).tolist()), [(h, w) for _, h, w in grid_thw.tolist()], grids)


def token_sizes(grid_thw: Tensor, config: Any) -> list[tuple[int, int]]:
    """(h, w) of each image's token grid."""
    merge = config.vision_config.spatial_merge_size
    return [(h // merge, w // merge) for _, h, w in grid_thw.tolist()]


def token_counts(grid_thw: Tensor, config: Any) -> list[int]:
    """How many tokens each image has in a prompt."""
    return [h * w for h, w in token_sizes(grid_thw, config)]


def token_rows_to_grids(rows: Tensor, grid_thw: Tensor, config: Any) -> list[Tensor]:
    """(image tokens of all images, C), image order -> one (C, h, w) grid per image."""

    def grids(parts: Tensor, size: tuple[int, int]) -> Tensor:
        return parts.transpose(1, 2).unflatten(2, size)

    return of_one_size(rows.split(token_counts(grid_thw, config)), token_sizes(grid_thw, config), grids)


def images(pixel_values: Tensor, grid_thw: Tensor, config: Any) -> list[Tensor]:
    """The processor's flattened patches -> the pictures they were cut from, (3, H, W) each, normalised as given."""
    vision = config.vision_config
    patch, time = int(vision.patch_size), int(vision.temporal_patch_size)
    first_frame = pixel_values.reshape(-1, vision.in_channels, time, patch, patch)[:, :, 0]
    grids = patch_rows_to_grids(first_frame.flatten(1), grid_thw, config)

    def pictures(parts: Tensor, size: tuple[int, int]) -> Tensor:
        h, w = size
        cells = parts.reshape(len(parts), vision.in_channels, patch, patch, h, w)
        return cells.permute(0, 1, 4, 2, 5, 3).reshape(len(parts), vision.in_channels, h * patch, w * patch)

    return of_one_size(grids, [(h, w) for _, h, w in grid_thw.tolist()], pictures)


def positions(backbone: Any, input_ids: Tensor, attention_mask: Tensor | None, grid_thw: Tensor | None) -> Tensor:
    """(3, B, L) rotary positions (time, height, width), computed from the ids alone: no state on the model."""
    types = torch.eq(input_ids, backbone.config.image_token_id).int()
    return backbone.model.get_rope_index(
        input_ids, mm_token_type_ids=types, image_grid_thw=grid_thw, attention_mask=attention_mask
    )[0]


def text_positions(start: int, length: int, device: torch.device) -> Tensor:
    """(3, 1, length) positions of plain text that goes on at `start`."""
    return torch.arange(start, start + length, device=device).expand(3, 1, -1)
