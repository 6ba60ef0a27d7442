"""Gemma3: every photograph squeezed onto one square of 896 px, 64 x 64 patches pooled to 16 x 16 tokens.

Image tokens attend to each other in both directions, but not to what comes behind the image: a question is not
seen. Some LLM layers look back over a sliding window only.
"""

from math import isqrt
from typing import Any

from torch import Tensor

from vlm.backbones.tiles import TiledFamily, Tiles
from vlm.images import Plan


class Gemma3(TiledFamily):
    MODEL_TYPES = ("gemma3",)
    SLOT = "<start_of_image>"
    END_OF_TURN = "<end_of_turn>"

    def tiles(self, config: Any) -> Tiles:
        vision = config.vision_config
        pooled = vision.image_size // vision.patch_size // isqrt(config.mm_tokens_per_image)
        return Tiles(vision.image_size, vision.patch_size, pooled, whole=None)

    def plan(self, width: int, height: int, processor: Any, images: int = 1) -> Plan:
        return self.tiles(processor.config).plan(width, height, 1, 1)

    def pixels(self, processor: Any, images: list, per_prompt: list[int] | None = None) -> tuple[Tensor, Tensor]:
        """One square picture an image; no crops beside it (the family's own default)."""
        batch = processor.image_processor(
            images=images, do_pan_and_scan=False, input_data_format="channels_last", return_tensors="pt"
        )
        return batch["pixel_values"], self.tiles(processor.config).grid_thw(images, [1] * len(images))

    def inputs(
        self, input_ids: Tensor, pixel_values: Tensor | None, grid_thw: Tensor | None, config: Any
    ) -> dict[str, Any]:
        if pixel_values is None:
            return {}
        return {"pixel_values": pixel_values, "token_type_ids": (input_ids == config.image_token_id).long()}

    def image_text(self, tokenizer: Any, grid: list[int], config: Any) -> str:
        return f"\n\n{self.SLOT}{'<image_soft_token>' * config.mm_tokens_per_image}<end_of_image>\n\n"


FAMILY = Gemma3()
