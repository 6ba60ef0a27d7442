"""From taps to features at half the network's resolution, without a checkerboard.

Published DPT heads on a VLM upsample with transposed convolutions whose kernel equals their stride; the
result shows a peak at the token period. Here every step up is a bilinear resize (half-pixel centres)
followed by a 3x3 convolution, the vision tower's own patch grid enters before merging has blurred
positions, and a small convolutional stem gives the picture's edges back at strides 8, 4 and 2 (for 16 px
patches).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from heads.base import Features, Tap

OUTPUT_PER_PATCH = 16
"""Output pixels per cell of the finest tap grid (for a 16 px patch this is the network's own resolution)."""


class Pyramid(nn.Module):
    """Taps and image -> (B, widths[-1], 8*h, 8*w), for a finest tap grid of h x w cells.

    widths: channels at the token grid, the patch grid, and after each of three doublings.
    """

    def __init__(self, taps: list[Tap], widths: tuple[int, ...] = (64, 64, 64, 48, 32)):
        super().__init__()
        coarse, fine, *upper = widths
        self.fine_stride = min(tap.stride for tap in taps)
        self.projects = nn.ModuleDict(
            {
                _key(tap.name): TapProjection(tap.channels, fine if tap.stride == self.fine_stride else coarse)
                for tap in taps
            }
        )
        self.names = {_key(tap.name): tap.stride for tap in taps}
        self.source = {_key(tap.name): tap.name for tap in taps}
        self.has_coarse = any(tap.stride > self.fine_stride for tap in taps)
        if self.has_coarse:
            self.coarse = ResidualUnit(coarse)
            self.down = nn.Conv2d(coarse, fine, 1)
        self.fine = nn.Sequential(ResidualUnit(fine), ResidualUnit(fine))
        self.stem = Stem(upper[::-1])
        self.steps = nn.ModuleList(
            UpStep(before, after) for before, after in zip([fine, *upper[:-1]], upper, strict=True)
        )

    def forward(self, features: Features) -> Tensor:
        fine, coarse = [], []
        for key, project in self.projects.items():
            projected = project(features.taps[self.source[key]])
            (fine if self.names[key] == self.fine_stride else coarse).append(projected)
        x = sum(fine)
        if coarse:
            grid = fine[0].shape[-2:]
            x = x + self.down(resize(self.coarse(sum(coarse)), grid))
        x = self.fine(x)
        skips = self.stem(output_sized(features.image, x.shape[-2:]))
        for step, skip in zip(self.steps, reversed(skips), strict=True):
            x = step(x, skip)
        return x


class TapProjection(nn.Module):
    """LayerNorm over the channels of a tap, then a linear map to the pyramid's width."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.linear = nn.Linear(channels, width)

    def forward(self, tap: Tensor) -> Tensor:
        return self.linear(self.norm(tap.permute(0, 2, 3, 1).float())).permute(0, 3, 1, 2)


class ResidualUnit(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, padding_mode="replicate")
        self.second = nn.Conv2d(width, width, 3, padding=1, padding_mode="replicate")

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.gelu(self.first(functional.gelu(x))))


class UpStep(nn.Module):
    """Twice the resolution: resize, mix to the next width, add the picture's own edges."""

    def __init__(self, before: int, after: int):
        super().__init__()
        self.mix = nn.Conv2d(before, after, 1)
        self.refine = ResidualUnit(after)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        # A 1x1 convolution commutes with a bilinear resize: mixing first does the same at a quarter of the cost.
        return self.refine(resize(self.mix(x), skip.shape[-2:]) + skip)


class Stem(nn.Module):
    """The image at output resolution -> features at 1/2, 1/4 and 1/8 of it, fine to coarse."""

    def __init__(self, widths: list[int]):
        super().__init__()
        self.first = nn.Conv2d(12, widths[0], 3, padding=1, padding_mode="replicate")
        self.down = nn.ModuleList(nn.Conv2d(before, after, 2, stride=2) for before, after in pairwise(widths))

    def forward(self, image: Tensor) -> list[Tensor]:
        levels = [self.first(functional.pixel_unshuffle(image, 2))]
        for down in self.down:
            levels.append(down(functional.gelu(levels[-1])))
        return levels


def output_sized(image: Tensor, grid: torch.Size | tuple[int, ...]) -> Tensor:
    """The image resized to 16 pixels per cell of the finest grid; untouched where it has that size."""
    return resize(image.float(), (grid[0] * OUTPUT_PER_PATCH, grid[1] * OUTPUT_PER_PATCH))


def resize(x: Tensor, size: torch.Size | tuple[int, ...]) -> Tensor:
    """Bilinear, half-pixel centres; the identity where the size is already right."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return functional.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)


def _key(name: str) -> str:
    return name.replace(".", "_")  # module names may hold no dots
