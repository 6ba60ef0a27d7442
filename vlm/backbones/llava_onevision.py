"""LLaVA-OneVision: an image alone in its prompt has a small copy of the whole first, then tiles up to 6 x 6.

Tiles' tokens go row by row over the photograph, a newline token after each row; more than nine tiles' worth are
thinned to that. Beside other images of one prompt it is a single tile and a newline. We pad at the right and the
bottom by repeating the edge, where the family centres on black, so that every token is on the network's image.
"""

import math
from dataclasses import replace
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers.image_processing_utils import select_best_resolution

from heads.base import Tap
from vlm.backbones.tiles import TiledFamily, Tiles
from vlm.images import Plan


class LlavaOnevision(TiledFamily):
    MODEL_TYPES = ("llava_onevision",)

    def tiles(self, config: Any) -> Tiles:
        return Tiles(config.vision_config.image_size, config.vision_config.patch_size, 1, whole=0)

    def tap(self, config: Any, name: str) -> Tap:
        """Tokens are as fine as patches, but those of 36 tiles are thinned to a quarter: their stride is the most."""
        found = super().tap(config, name)
        return replace(found, stride=2 * found.stride) if name.startswith("language.") else found

    def plan(self, width: int, height: int, processor: Any, images: int = 1) -> Plan:
        """The tiles that waste least, as the family chooses them within the budget; aspect ratio kept."""
        config, side = processor.config, self.tiles(processor.config).side
        room = [[h, w] for h, w in config.image_grid_pinpoints if h * w <= max(processor.max_pixels, side**2)]
        rows, columns = select_best_resolution((height, width), room) if images == 1 and room else (side, side)
        scale = min(columns / width, rows / height)
        size = min(math.ceil(width * scale), columns), min(math.ceil(height * scale), rows)
        patches = self.tiles(config).patches
        grid = (
            self._thinned(rows // side * patches, columns // side * patches, config)
            if images == 1
            else (patches, patches)
        )
        notes = [f"downscaled from {width}x{height} to {size[0]}x{size[1]}"] if scale < 1 else []
        notes += [f"padded from {size[0]}x{size[1]} to {columns}x{rows}"] if size != (columns, rows) else []
        return Plan((width, height), size, (columns, rows), side // patches, ", ".join(notes), grid)

    def pixels(self, processor: Any, images: list, per_prompt: list[int] | None = None) -> tuple[Tensor, Tensor]:
        """Every image's whole, then its tiles from left to right and down; beside others only the whole."""
        options = {"input_data_format": "channels_last", "return_tensors": "pt"}
        results, counts, left = [], [], iter(images)
        for count in per_prompt or [1] * len(images):
            batch = processor.image_processor(images=[[next(left) for _ in range(count)]], **options)
            results += list(batch["pixel_values"])
            counts += [len(pictures) for pictures in batch["pixel_values"]]
        return torch.cat(results), self.tiles(processor.config).grid_thw(images, counts)

    def inputs(
        self, input_ids: Tensor, pixel_values: Tensor | None, grid_thw: Tensor | None, config: Any
    ) -> dict[str, Any]:
        """The model learns from `batch_num_images` which images have tiles: those alone in their prompt."""
        if pixel_values is None or grid_thw is None:
            return {}
        tiles = self.tiles(config)
        together: list[int] = []
        for single, run in groupby(grid_thw[:, 0].tolist(), key=lambda count: count == 1):
            number = len(list(run))
            together += [number] if single else [1] * number
        return {
            "pixel_values": pixel_values,
            "image_sizes": grid_thw[:, 1:] // tiles.patches * tiles.side,
            "batch_num_images": torch.tensor(together),
        }

    def token_sizes(self, grid_thw: Tensor, config: Any) -> list[tuple[int, int]]:
        return [(h, w) if count == 1 else self._thinned(h, w, config) for count, h, w in grid_thw.tolist()]

    def token_counts(self, grid_thw: Tensor, config: Any) -> list[int]:
        whole = self.tiles(config).tokens ** 2
        sizes = zip(grid_thw[:, 0].tolist(), self.token_sizes(grid_thw, config), strict=True)
        return [whole + 1 if count == 1 else whole + h * (w + 1) for count, (h, w) in sizes]

    def token_rows_to_grids(self, rows: Tensor, grid_thw: Tensor, config: Any) -> list[Tensor]:
        side, grids = self.tiles(config).tokens, []
        parts = rows.split(self.token_counts(grid_thw, config))
        for part, count, (h, w) in zip(parts, grid_thw[:, 0].tolist(), self.token_sizes(grid_thw, config), strict=True):
            whole = part[: side**2].T.reshape(-1, side, side)
            fine = whole if count == 1 else part[side**2 :].reshape(h, w + 1, -1)[:, :w].permute(2, 0, 1)
            large = functional.interpolate(whole[None].float(), size=(h, w), mode="bilinear", align_corners=False)
            grids.append(torch.cat([fine, large[0].to(fine.dtype)]))
        return grids

    def _thinned(self, h: int, w: int, config: Any) -> tuple[int, int]:
        """The token grid that is left of h x w patches: the model resizes what is more than 1.1 times its most."""
        most = int(config.vision_aspect_ratio.removeprefix("anyres_max_"))
        ratio = math.sqrt(h * w / (most * self.tiles(config).patches ** 2))
        return (int(h // ratio), int(w // ratio)) if ratio > 1.1 else (h, w)


FAMILY = LlavaOnevision()
