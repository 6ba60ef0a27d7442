"""Products of many short vectors (..., 3), several times as fast as reductions over a dimension of three; constants."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=1024)
def _constant(values: tuple[float, ...], device: str) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).to(device)


def constant(values: Iterable[float], like: Tensor) -> Tensor:
    """Numbers -> float32 where `like` is. Never write to it: it is kept there, for a processor waits for each copy."""
    return _constant(tuple(values), str(like.device))


def dot(a: Tensor, b: Tensor) -> Tensor:
    """(..., 3), (..., 3) -> (...)."""
    return (a * b) @ constant((1.0, 1.0, 1.0), a)


def length(a: Tensor) -> Tensor:
    """(..., 3) -> (...)."""
    return dot(a, a).sqrt()


def unit(a: Tensor) -> Tensor:
    """(..., 3), of length 1; zero stays zero."""
    return a * dot(a, a).clamp(min=1e-24).rsqrt()[..., None]


def mix(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """(..., 3): `b` for this share (...), `a` for the rest."""
    return a + (b - a) * share[..., None]
