"""Gemma3: every photograph squeezed onto one square of 896 px, 64 x 64 patches pooled to 16 x 16 tokens.

Image tokens attend to each other in both directions, but not to what comes behind the image: a question is not
seen. Some LLM layers look back over a sliding window only.
"""

from math import isqrt
from typing import Any

from torch import Tensor

from vlm.backbones.tiles import OneSquare, Tiles


class Gemma3(OneSquare):
    MODEL_TYPES = ("gemma3",)
    SLOT = "<start_of_image>"
    END_OF_TURN = "<end_of_turn>"
    OPTIONS = {"do_pan_and_scan": False}  # noqa: RUF012 - the family's own default: no crops beside the square

    def tiles(self, config: Any) -> Tiles:
        vision = config.vision_config
        pooled = vision.image_size // vision.patch_size // isqrt(config.mm_tokens_per_image)
        return Tiles(vision.image_size, vision.patch_size, pooled, whole=None)

    def inputs(
        self, input_ids: Tensor, pixel_values: Tensor | None, grid_thw: Tensor | None, config: Any
    ) -> dict[str, Any]:
        if pixel_values is None:
            return {}
        return {"pixel_values": pixel_values, "token_type_ids": (input_ids == config.image_token_id).long()}

    def image_text(self, tokenizer: Any, grid: list[int], config: Any) -> str:
        return f"\n\n{self.SLOT}{'<image_soft_token>' * config.mm_tokens_per_image}<end_of_image>\n\n"


FAMILY = Gemma3()
