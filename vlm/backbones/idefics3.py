"""Idefics3 and SmolVLM: a photograph squeezed onto tiles row by row, each named, and a small copy at the end.

SmolVLM2-500M has tiles of 512 px with 8 x 8 tokens; SmolVLM2-2.2B 384 px with 9 x 9; Idefics3-8B 364 px with
13 x 13.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from vlm.backbones.tiles import TiledFamily, Tiles
from vlm.images import Plan

AROUND, WHOLE = "<fake_token_around_image>", "<global-img>"


class Idefics3(TiledFamily):
    MODEL_TYPES = ("idefics3", "smolvlm")
    LORA_TARGETS = r".*text_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
    SLOT = "<image>"
    END_OF_TURN = "<end_of_utterance>"

    def tiles(self, config: Any) -> Tiles:
        vision = config.vision_config
        return Tiles(vision.image_size, vision.patch_size, config.scale_factor)

    def blocks(self, backbone: Any) -> Any:
        return backbone.model.vision_model.encoder.layers

    def language(self, backbone: Any) -> Any:
        return backbone.model.text_model

    def vision_tower(self, backbone: Any) -> nn.Module:
        return backbone.model.vision_model

    def plan(self, width: int, height: int, processor: Any, images: int = 1) -> Plan:
        """As many tiles along the longer side as the family takes, or as the budget allows."""
        tiles, own = self.tiles(processor.config), processor.image_processor
        longest = own.size["longest_edge"] // tiles.side if own.do_image_splitting else 1
        rows = columns = 1
        for count in range(longest, 1, -1):
            other = max(1, math.ceil(min(width, height) * count / max(width, height)))
            if count * other * tiles.side**2 <= processor.max_pixels:
                rows, columns = (other, count) if width >= height else (count, other)
                break
        return tiles.plan(width, height, rows, columns)

    def pixels(self, processor: Any, images: list, per_prompt: list[int] | None = None) -> tuple[Tensor, Tensor]:
        """Every image's tiles from left to right and down, then the whole where there are several."""
        options = {"do_resize": False, "input_data_format": "channels_last", "return_tensors": "pt"}
        results = [processor.image_processor(images=[[image]], **options)["pixel_values"][0] for image in images]
        return torch.cat(results), self.tiles(processor.config).grid_thw(images, [len(result) for result in results])

    def inputs(
        self, input_ids: Tensor, pixel_values: Tensor | None, grid_thw: Tensor | None, config: Any
    ) -> dict[str, Any]:
        return {"pixel_values": None if pixel_values is None else pixel_values[None]}

    def image_text(self, tokenizer: Any, grid: list[int], config: Any) -> str:
        tiles = self.tiles(config)
        slots = self.SLOT * tiles.tokens**2
        rows, columns = (size // tiles.patches for size in grid[1:])
        parts = ""
        if grid[0] > 1:
            for row in range(rows):
                parts += "".join(f"{AROUND}<row_{row + 1}_col_{column + 1}>{slots}" for column in range(columns)) + "\n"
            parts += "\n"
        return f"{parts}{AROUND}{WHOLE}{slots}{AROUND}"


FAMILY = Idefics3()
