"""Products of many short vectors (..., 3): several times as fast as reductions over a dimension of three."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


@lru_cache
def _ones(device: str) -> Tensor:
    return torch.ones(3, device=device)


def dot(a: Tensor, b: Tensor) -> Tensor:
    """(..., 3), (..., 3) -> (...)."""
    return (a * b) @ _ones(str(a.device))


def length(a: Tensor) -> Tensor:
    """(..., 3) -> (...)."""
    return dot(a, a).sqrt()


def unit(a: Tensor) -> Tensor:
    """(..., 3), of length 1; zero stays zero."""
    return a * dot(a, a).clamp(min=1e-24).rsqrt()[..., None]


def mix(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """(..., 3): `b` for this share (...), `a` for the rest."""
    return a + (b - a) * share[..., None]
