"""InternVL3 (the `-hf` class): a photograph squeezed onto up to 12 tiles of 448 px, and a thumbnail after them.

A vision layer's first token is a class token; 32 x 32 patches of a tile merge to 16 x 16 tokens.
"""

from typing import Any

import torch
from torch import Tensor
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import get_optimal_tiled_canvas

from vlm.backbones.tiles import TiledFamily, Tiles
from vlm.images import Plan


class InternVL(TiledFamily):
    MODEL_TYPES = ("internvl",)
    SLOT = "<IMG_CONTEXT>"

    def tiles(self, config: Any) -> Tiles:
        vision = config.vision_config
        side, patch = (v if isinstance(v, int) else v[0] for v in (vision.image_size, vision.patch_size))
        return Tiles(side, patch, round(1 / config.downsample_ratio))

    def blocks(self, backbone: Any) -> Any:
        return backbone.model.vision_tower.encoder.layer

    def plan(self, width: int, height: int, processor: Any, images: int = 1) -> Plan:
        """The tiles whose shape is closest to the photograph's, as the family chooses them; within the budget."""
        tiles, own = self.tiles(processor.config), processor.image_processor
        most = max(1, min(own.max_patches, processor.max_pixels // tiles.side**2))
        least, side = min(own.min_patches, most), (tiles.side, tiles.side)
        columns, rows = get_optimal_tiled_canvas((height, width), side, least, most)
        return tiles.plan(width, height, rows, columns)

    def pixels(self, processor: Any, images: list, per_prompt: list[int] | None = None) -> tuple[Tensor, Tensor]:
        """Every image's tiles from left to right and down, then its thumbnail where there are several."""
        tiles, results, counts = self.tiles(processor.config), [], []
        for image in images:
            count = image.shape[0] // tiles.side * (image.shape[1] // tiles.side)
            batch = processor.image_processor(
                images=[image],
                crop_to_patches=True,
                min_patches=count,
                max_patches=count,
                input_data_format="channels_last",
                return_tensors="pt",
            )
            results.append(batch["pixel_values"])
            counts.append(len(batch["pixel_values"]))
        return torch.cat(results), tiles.grid_thw(images, counts)

    def image_text(self, tokenizer: Any, grid: list[int], config: Any) -> str:
        return f"<img>{self.SLOT * self.token_counts(torch.tensor([grid]), config)[0]}</img>"


FAMILY = InternVL()
