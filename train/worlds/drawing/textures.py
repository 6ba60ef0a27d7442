"""What surfaces are painted with: 45 procedural materials at their real periods, each with its wear.

A texture turns a `Spot` (where on a surface) into linear RGB. Detail finer than a pixel's footprint fades to
its mean, so that nothing aliases.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..things import TEXTURES
from . import patterns, surfaces
from .groups import grouped
from .noise import noise
from .spot import Spot
from .vectors import constant

_ALL = (
    surfaces.plain,
    patterns.stripes,
    patterns.checker,
    surfaces.tiles,
    surfaces.bricks,
    surfaces.wood,
    patterns.facade,
    surfaces.speckle,
    patterns.books,
    surfaces.blobs,
    surfaces.slats,
    surfaces.lane,
    surfaces.planks,
    surfaces.grain,
    surfaces.parquet,
    surfaces.plaster,
    surfaces.concrete,
    surfaces.asphalt,
    surfaces.lawn,
    surfaces.gravel,
    surfaces.soil,
    patterns.carpet,
    patterns.weave,
    patterns.leather,
    surfaces.marble,
    surfaces.granite,
    surfaces.corrugated,
    patterns.plaid,
    patterns.floral,
    patterns.dots,
    patterns.text,
    patterns.poster,
    patterns.photo,
    patterns.screen,
    surfaces.leaves,
    surfaces.bark,
    surfaces.metal,
    surfaces.mirror,
    surfaces.stone,
    surfaces.cobbles,
    surfaces.shingles,
    surfaces.siding,
    surfaces.rust,
    surfaces.water,
)
_DRAW = {"noise": surfaces.clouded} | {draw.__name__: draw for draw in _ALL}
_WORN = [float(name not in ("mirror", "screen", "text", "metal", "water")) for name in TEXTURES]


def painted(names: Tensor, spot: Spot) -> Tensor:
    """Linear RGB (N, 3) in 0..1 of a mixture of textures: names (N,) are indices in TEXTURES."""
    order, present, sizes = grouped(names)
    colour = torch.zeros_like(spot.rgb)
    if present:
        parts = spot.at(order).split(sizes)
        drawn = [_DRAW[TEXTURES[index]](part) for index, part in zip(present, parts, strict=True)]
        colour.index_copy_(0, order, torch.cat(drawn))
    worn = constant(_WORN, colour).index_select(0, names)
    return (colour * _wear(spot, worn)).clamp(0.004, 0.95)


def _wear(s: Spot, worn: Tensor) -> Tensor:
    """(N, 3): a part's own tone; where `worn` (N,) is 1, stains as wide as hands and as walls, dirt on upright feet."""
    u, v = s.u + 40 * s.salt, s.v + 23 * s.salt
    much = (0.1 + 0.5 * (s.salt * 271.3 % 1) ** 3) * worn
    stain = 0.7 * (noise(u * 0.18, v * 0.18, 1.3) - 0.5) + 0.5 * (noise(u * 1.1, v * 1.1, 1.1) - 0.5)
    foot = s.upright * torch.exp(-s.height.clamp(min=0) / 0.35) * (0.5 + stain) * (s.tall > 0.5)
    own = [s.salt * factor % 1 for factor in (97.1, 131.7, 173.3, 211.9)]
    tone = (0.94 + 0.12 * own[0][:, None]) * (0.985 + 0.03 * torch.stack(own[1:], 1))
    return tone * (1 + much * stain - 0.8 * much * foot)[:, None]
