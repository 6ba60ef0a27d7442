"""What every head is: features in, raw tensors out, a loss on them.

A new head is one file that subclasses `Head` and one entry in a config. `forward` gives raw tensors (no
units, no resizing); `loss` compares them with the truth at the network's resolution. A loss is a sum and
the number of places it was summed over, so that a whole accumulated batch can divide by its own count.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Raw = dict[str, Tensor]
Loss = dict[str, tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Tap:
    """A place in the backbone: `name` as in the config, its channels, and pixels per cell of its grid."""

    name: str
    channels: int
    stride: int


@dataclass
class Features:
    """What the backbone gives for a batch of B equally sized images.

    taps: name -> (B, C, h, w), each on its own grid.
    image: (B, 3, H, W), the pixels as the network saw them, scaled to about [-1, 1].
    """

    taps: dict[str, Tensor]
    image: Tensor

    def select(self, rows: list[int]) -> "Features":
        """The features of some of the images."""
        return Features({name: tap[rows] for name, tap in self.taps.items()}, self.image[rows])


class Head(nn.Module):
    """Base of all heads. `taps` are the places it reads; further keyword options come from the config.

    network_fx: the fx in pixels to which photographs must be resized before they go in; None = any.
    loss_names: what `loss` may give, which a recipe weighs. weightless: options that no weight depends on.
    """

    network_fx: float | None = None
    loss_names: tuple[str, ...] = ()
    weightless: tuple[str, ...] = ()

    def __init__(self, taps: list[Tap]):
        super().__init__()
        self.taps = taps

    def forward(self, features: Any) -> Any:
        raise NotImplementedError

    def loss(self, raw: Any, truth: dict[str, Tensor]) -> Loss:
        """name -> (sum, count). Places without truth count for nothing; the count depends on the truth alone."""
        raise NotImplementedError

    def blank(self, truth: dict[str, Tensor]) -> Any:
        """A raw output of the shapes that `loss` takes with this truth, and of no meaning."""
        raise NotImplementedError

    @torch.no_grad()
    def counts(self, truth: dict[str, Tensor]) -> dict[str, Tensor]:
        """name -> the count that `loss` will give with this truth, known before any forward pass."""
        return {name: count for name, (_, count) in self.loss(self.blank(truth), truth).items()}


def masked_sum(values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The sum of `values` where `mask`, and how many there are; 0 times infinity cannot leak in."""
    return torch.where(mask, values, torch.zeros_like(values)).sum(), mask.sum()
