"""Families that cut a photograph into square tiles, often with a small copy of the whole beside them.

The tiles are put together to one grid over the photograph. Each was encoded without its neighbours, so every
cell also gets what the small copy (the thumbnail) has at its place: a tap has twice the layer's channels, the
tiles' half and the whole's. Where the photograph is a single tile, both halves are that tile's.
"""

from dataclasses import dataclass
from math import isqrt
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from heads.base import Tap
from vlm.backbones.common import counted_positions, find_tap, usual_taps
from vlm.backbones.qwen3_vl import LORA_TARGETS
from vlm.images import Plan


@dataclass(frozen=True)
class Tiles:
    """side: pixels of a tile; patch: of a patch; merge: patches per token, each way.

    whole: 0 or -1, where among the pictures of an image the thumbnail is. None: one picture an image, always.
    A side of 384 px has 27 patches of 14 px, 6 px unseen: cells are taken for 27ths of the side.
    """

    side: int
    patch: int
    merge: int
    whole: int | None = -1

    @property
    def patches(self) -> int:
        """Patches along a tile's side."""
        return self.side // self.patch

    @property
    def tokens(self) -> int:
        """Tokens along a tile's side."""
        return self.patches // self.merge

    @property
    def halves(self) -> int:
        """How many times a layer's channels a tap has."""
        return 1 if self.whole is None else 2

    def plan(self, width: int, height: int, rows: int, columns: int) -> Plan:
        """The photograph squeezed onto rows x columns tiles."""
        size, grid = (columns * self.side, rows * self.side), (rows * self.tokens, columns * self.tokens)
        note = f"resized from {width}x{height} to {size[0]}x{size[1]}" if size[0] * size[1] < width * height else ""
        return Plan((width, height), size, size, self.side // self.tokens, note, grid)

    def grid_thw(self, images: list[np.ndarray], counts: list[int]) -> Tensor:
        """One row for each image of whole tiles, counts[i] pictures of which the tower sees."""
        patches = [[size // self.side * self.patches for size in image.shape[:2]] for image in images]
        return torch.tensor([[count, *size] for count, size in zip(counts, patches, strict=True)])

    def token_sizes(self, grid_thw: Tensor) -> list[tuple[int, int]]:
        return [(h // self.merge, w // self.merge) for _, h, w in grid_thw.tolist()]

    def token_counts(self, grid_thw: Tensor) -> list[int]:
        return [count * self.tokens**2 for count, _, _ in grid_thw.tolist()]

    def token_rows_to_grids(self, rows: Tensor, grid_thw: Tensor) -> list[Tensor]:
        """(image tokens of all images, C), tile after tile -> one grid an image."""
        return self.grids(rows.reshape(-1, self.tokens**2, rows.shape[-1]), grid_thw)

    def grids(self, pictures: Tensor, grid_thw: Tensor) -> list[Tensor]:
        """(pictures of all images, cells of one, C) -> one (halves * C, h, w) an image."""
        side = isqrt(pictures.shape[1])
        squares = pictures.transpose(1, 2).reshape(len(pictures), -1, side, side)
        results = []
        for part, (_, h, w) in zip(squares.split(grid_thw[:, 0].tolist()), grid_thw.tolist(), strict=True):
            fine = _together(self._tiles(part), h // self.patches, w // self.patches)
            if self.whole is not None:
                whole = functional.interpolate(
                    part[self.whole][None].float(), size=fine.shape[-2:], mode="bilinear", align_corners=False
                )
                fine = torch.cat([fine, whole[0].to(fine.dtype)])
            results.append(fine)
        return results

    def images(self, pixel_values: Tensor, grid_thw: Tensor) -> list[Tensor]:
        """(pictures of all images, 3, side, side) -> one (3, H, W) an image, normalised as given."""
        parts = pixel_values.split(grid_thw[:, 0].tolist())
        sizes = [(h // self.patches, w // self.patches) for _, h, w in grid_thw.tolist()]
        return [_together(self._tiles(part), *size) for part, size in zip(parts, sizes, strict=True)]

    def _tiles(self, pictures: Tensor) -> Tensor:
        """Without the thumbnail; a single picture is its own."""
        if len(pictures) == 1:
            return pictures
        return pictures[1:] if self.whole == 0 else pictures[:-1]


def _together(tiles: Tensor, rows: int, columns: int) -> Tensor:
    """(rows * columns, C, h, w) -> (C, rows * h, columns * w)."""
    _, channels, h, w = tiles.shape
    return tiles.reshape(rows, columns, channels, h, w).permute(2, 0, 3, 1, 4).reshape(channels, rows * h, columns * w)


class TiledFamily:
    """What `vlm.backbones` asks of a family's file, from `tiles`, `blocks` and `plan`: its subclasses say those."""

    MODEL_TYPES: tuple[str, ...] = ()
    IMAGE_SEES_QUESTION = False  # causal attention, the image comes first
    FLASH = True
    LORA_TARGETS = LORA_TARGETS

    def tiles(self, config: Any) -> Tiles:
        raise NotImplementedError

    def plan(self, width: int, height: int, processor: Any, images: int = 1) -> Plan:
        raise NotImplementedError

    def pixels(self, processor: Any, images: list, per_prompt: list[int] | None = None) -> tuple[Tensor, Tensor]:
        raise NotImplementedError

    def blocks(self, backbone: Any) -> Any:
        """The vision tower's layers."""
        return backbone.model.vision_tower.encoder.layers

    def language(self, backbone: Any) -> Any:
        """The LLM."""
        return backbone.model.language_model

    def vision_tower(self, backbone: Any) -> nn.Module:
        return backbone.model.vision_tower

    def tap(self, config: Any, name: str) -> Tap:
        """Channels and stride of `vision.N` or `language.N`; an unknown one is an error."""
        vision, text, tiles = config.vision_config, config.text_config, self.tiles(config)
        stride = tiles.patch * tiles.merge
        places = {
            "vision": (vision.num_hidden_layers, tiles.halves * vision.hidden_size, tiles.patch),
            "language": (text.num_hidden_layers, tiles.halves * text.hidden_size, stride),
        }
        return find_tap(name, config.model_type, places)

    def default_taps(self, config: Any) -> dict[str, list[str]]:
        return usual_taps(config.vision_config.num_hidden_layers, config.text_config.num_hidden_layers)

    def module(self, backbone: Any, name: str) -> nn.Module:
        """The module whose output is the tap."""
        kind, _, index = name.partition(".")
        if kind == "vision":
            return self.blocks(backbone)[int(index)]
        language = self.language(backbone)
        return language.norm if int(index) == -1 else language.layers[int(index)]

    def inputs(
        self, input_ids: Tensor, pixel_values: Tensor | None, grid_thw: Tensor | None, config: Any
    ) -> dict[str, Any]:
        """Keyword arguments of the backbone's forward."""
        return {"pixel_values": pixel_values}

    def token_counts(self, grid_thw: Tensor, config: Any) -> list[int]:
        return self.tiles(config).token_counts(grid_thw)

    def token_sizes(self, grid_thw: Tensor, config: Any) -> list[tuple[int, int]]:
        return self.tiles(config).token_sizes(grid_thw)

    def token_rows_to_grids(self, rows: Tensor, grid_thw: Tensor, config: Any) -> list[Tensor]:
        return self.tiles(config).token_rows_to_grids(rows, grid_thw)

    def patch_rows_to_grids(self, rows: Tensor, grid_thw: Tensor, config: Any) -> list[Tensor]:
        """(pictures, patches and perhaps a class token before them, C) -> one grid an image."""
        tiles = self.tiles(config)
        return tiles.grids(rows[:, -(tiles.patches**2) :], grid_thw)

    def images(self, pixel_values: Tensor, grid_thw: Tensor, config: Any) -> list[Tensor]:
        return self.tiles(config).images(pixel_values, grid_thw)

    def positions(self, backbone: Any, input_ids: Tensor, attention_mask: Tensor | None, grid_thw: Any) -> Tensor:
        return counted_positions(input_ids, attention_mask)

    def text_positions(self, start: int, length: int, device: torch.device) -> Tensor:
        return torch.arange(start, start + length, device=device)[None]


class OneSquare(TiledFamily):
    """Every photograph squeezed onto one square, whatever its shape; its tokens see each other in both directions."""

    FLASH = False
    OPTIONS: ClassVar[dict[str, Any]] = {}  # of the family's image processor

    def plan(self, width: int, height: int, processor: Any, images: int = 1) -> Plan:
        return self.tiles(processor.config).plan(width, height, 1, 1)

    def pixels(self, processor: Any, images: list, per_prompt: list[int] | None = None) -> tuple[Tensor, Tensor]:
        """One picture an image, normalised by the family's own processor."""
        batch = processor.image_processor(
            images=images, input_data_format="channels_last", return_tensors="pt", **self.OPTIONS
        )
        return batch["pixel_values"], self.tiles(processor.config).grid_thw(images, [1] * len(images))
