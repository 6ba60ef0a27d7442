"""PaliGemma: every photograph squeezed onto one square of 224, 448 or 896 px, a token for each 14 px patch.

Attention runs in both directions over image and question together (the prefix), so image features behind the
vision tower depend on the question: `Scene` measures without one and encodes the image again for each question.
There is no chat template: the prompt is images, start token, text, newline.
"""

from typing import Any

import torch
from torch import Tensor

from vlm.backbones.common import counted_positions
from vlm.backbones.tiles import OneSquare, Tiles


class PaliGemma(OneSquare):
    MODEL_TYPES = ("paligemma",)
    IMAGE_SEES_QUESTION = True
    SLOT = "<image>"

    def tiles(self, config: Any) -> Tiles:
        return Tiles(config.vision_config.image_size, config.vision_config.patch_size, 1, whole=None)

    def inputs(
        self, input_ids: Tensor, pixel_values: Tensor | None, grid_thw: Tensor | None, config: Any
    ) -> dict[str, Any]:
        """All of a prompt with an image is prefix (type 0); what goes on behind it is causal."""
        if pixel_values is None:
            return {}
        return {"pixel_values": pixel_values, "token_type_ids": torch.zeros_like(input_ids)}

    def positions(self, backbone: Any, input_ids: Tensor, attention_mask: Tensor | None, grid_thw: Any) -> Tensor:
        return counted_positions(input_ids, attention_mask, first=1)

    def image_text(self, tokenizer: Any, grid: list[int], config: Any) -> str:
        return self.SLOT * self.tiles(config).tokens ** 2

    def prompt_text(self, tokenizer: Any, messages: list[dict[str, Any]]) -> str:
        """Images first; further turns, which the family does not know, one after the other."""
        parts = [part for turn in messages for part in turn["content"] if part["type"] == "image"]
        ends = {"assistant": tokenizer.eos_token, "user": "\n"}
        turns = [
            "".join(part["text"] for part in turn["content"] if part["type"] == "text") + ends.get(turn["role"], " ")
            for turn in messages
        ]
        return self.SLOT * len(parts) + tokenizer.bos_token + "".join(turns)


FAMILY = PaliGemma()
