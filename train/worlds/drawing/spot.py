"""Points on surfaces, as textures see them, and the helpers that all textures share."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import torch
from torch import Tensor

from .noise import randoms
from .vectors import constant


@dataclass
class Spot:
    """Points on surfaces. Metres: u, v along the face from its middle or foot, pixel = what one pixel covers."""

    u: Tensor  # (N,)
    v: Tensor  # (N,)
    wide: Tensor  # (N,) the face's size along u
    tall: Tensor  # (N,) and along v
    scale: Tensor  # (N,) the texture's period
    pixel: Tensor  # (N,)
    salt: Tensor  # (N,) in 0..1, a number per part
    upright: Tensor  # (N,) 1 on side faces, 0 on top and bottom
    height: Tensor  # (N,) above the ground
    rgb: Tensor  # (N, 3)
    rgb2: Tensor  # (N, 3)

    def at(self, rows: Tensor) -> Spot:
        return Spot(**{f.name: getattr(self, f.name).index_select(0, rows) for f in fields(self)})

    def split(self, sizes: list[int]) -> list[Spot]:
        """The first ones, the next ones, ..."""
        columns = [getattr(self, f.name).split(sizes) for f in fields(self)]
        return [Spot(*values) for values in zip(*columns, strict=True)]

    def fine(self, size) -> Tensor:
        """(N,): 1 where details of this size (metres) are seen, falling to 0 where they are below a pixel."""
        return (1.6 - 1.2 * self.pixel / size).clamp(0, 1)

    def grid(self, turned: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """(a, b, blur) in periods; moved by the part's salt. turned: a runs along the face's longer side."""
        u, v = self.u, self.v
        if turned:
            swap = self.tall > self.wide
            u, v = torch.where(swap, v, u), torch.where(swap, u, v)
        return u / self.scale + 31.7 * self.salt, v / self.scale + 17.3 * self.salt, self.pixel / self.scale

    def spun(self) -> tuple[Tensor, Tensor, Tensor]:
        """`grid`, turned by an angle of the part's own: for patterns without a direction."""
        a, b, blur = self.grid()
        angle = 6.283 * ((self.salt * 57.31) % 1)
        c, s = angle.cos(), angle.sin()
        return c * a - s * b, s * a + c * b, blur

    def face(self) -> tuple[Tensor, Tensor, Tensor]:
        """(a, b, blur): 0..1 over the whole face, for pages, pictures and screens."""
        return self.u / self.wide + 0.5, self.v / self.tall, self.pixel / torch.minimum(self.wide, self.tall)

    @cached_property
    def key(self) -> Tensor:
        """(N,) whole number of the part, for `random`."""
        return (self.salt * 977.0 * 1000).floor()

    def two(self, mix: Tensor, tint: Tensor | float = 1.0) -> Tensor:
        """(N, 3): the two colours mixed, times a brightness."""
        colour = self.rgb + (self.rgb2 - self.rgb) * mix.clamp(0, 1)[:, None]
        return colour * (tint[:, None] if isinstance(tint, Tensor) else tint)


def hue(t: Tensor, key: Tensor) -> Tensor:
    """(N, 3): a colour for every t in 0..1 from the part's own palette."""
    waves = t[:, None] * constant((1.0, 0.8, 0.6), t) + randoms(key, 1, 2, 3)
    return 0.45 + 0.4 * torch.cos(6.283 * waves)
