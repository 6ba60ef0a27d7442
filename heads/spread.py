"""Depth spreads to where the picture looks the same, and stops where it changes: edges as sharp as the picture's.

A head knows from coarse features what is near and far, and from the picture where things end. A convolution must learn
to put the two together at every edge; here they are together from the first step on: maps are averaged over
neighbours, weighted by how alike these are (the joint bilateral filter of Petschnigg et al. 2004 in the edge-avoiding
steps of Dammertz et al. 2010). What counts as alike is learned, and begins as the picture's colour.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

COLOUR_STEP = 0.3
"""Of an image scaled to [-1, 1]: a difference of one colour that makes a weight e times smaller, before training."""


class Spread(nn.Module):
    """Maps (B, C, h, w), picture (B, 3 * k, h, w) and features (B, F, h, w) -> maps of the same shape.

    The picture is at k pixels a cell as `pixel_unshuffle` leaves it. Each of `steps` averages every cell with the two
    that are so many cells beside it in its column, then in its row; (1, 2, 4) reach 7 cells to all sides. Weights are
    exp(bias - |difference of marks|^2), 1 for the cell itself; marks are linear in picture and features.
    """

    def __init__(self, picture: int, features: int, steps: Sequence[int] = (1, 2, 4), marks: int = 8):
        super().__init__()
        if not steps or min(steps) < 1 or marks < 3:
            raise ValueError(f"spread: {list(steps)}, {marks} marks; allowed: steps of 1 cell or more, 3 marks or more")
        self.steps = tuple(steps)
        self.of_picture = nn.Conv2d(picture, marks, 3, padding=1, padding_mode="replicate")
        self.of_features = nn.Conv2d(features, marks, 1)
        self.bias = nn.Parameter(torch.full((len(self.steps), 2), -0.5))
        with torch.no_grad():
            nn.init.normal_(self.of_picture.weight, std=0.5 / (9 * picture) ** 0.5)
            self.of_picture.weight[:3] = 0
            for colour, pixels in enumerate(torch.arange(picture).chunk(3)):
                self.of_picture.weight[colour, pixels, 1, 1] = 1 / (len(pixels) * COLOUR_STEP)
            self.of_features.weight.mul_(0.1)
            for layer in (self.of_picture, self.of_features):
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)

    def forward(self, maps: Tensor, picture: Tensor, features: Tensor) -> Tensor:
        marks = self.of_picture(picture) + self.of_features(features)
        for number, step in enumerate(self.steps):
            for axis in (2, 3):
                maps = _averaged(maps, marks, step, axis, self.bias[number, axis - 2])
        return maps


def _averaged(maps: Tensor, marks: Tensor, step: int, axis: int, bias: Tensor) -> Tensor:
    """Each cell with the cells `step` before and after it; the border's cell stands for what lies beyond."""
    size, edges = maps.shape[axis], [step, step, 0, 0] if axis == 3 else [0, 0, step, step]
    padded = functional.pad(marks, edges, mode="replicate")
    before, after = (
        bias - (padded.narrow(axis, first, size) - marks).square().sum(1, keepdim=True) for first in (0, 2 * step)
    )
    weights = torch.cat([before, torch.zeros_like(before), after], 1).softmax(1)
    padded = functional.pad(maps, edges, mode="replicate")
    parts = (padded.narrow(axis, place * step, size) * weights[:, place : place + 1] for place in range(3))
    return sum(parts, torch.zeros((), device=maps.device))
