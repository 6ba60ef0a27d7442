"""The random ingredients of textures: smooth noise, numbers per grid cell, irregular cells, soft-edged bands.

All are looked up in periodic tables, so that they cost the same at any detail and agree on every device.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from .vectors import constant

_SIDE = 512
_PRIMES = (73856093, 19349663, 83492791)
_CELLS, _STEPS = 48, 16  # irregular cells: 48 x 48 of them, each about 16 table entries wide


@lru_cache
def _noise_table(slope: float, device: str) -> Tensor:
    """(512 * 512, 4) periodic noise in 0..1 whose amplitude spectrum falls as frequency^-slope.

    Each row holds an entry, what it takes to its right neighbour and to the one below, and what then lacks to the
    one below on the right.
    """
    rng = np.random.default_rng(7)
    fy, fx = np.fft.fftfreq(_SIDE)[:, None], np.fft.rfftfreq(_SIDE)[None]
    radius = np.maximum(np.hypot(fx, fy), 2 / _SIDE)
    spectrum = rng.normal(size=radius.shape) + 1j * rng.normal(size=radius.shape)
    field = np.fft.irfft2(spectrum * radius**-slope, (_SIDE, _SIDE))
    field = np.clip(0.5 + 0.22 * (field - field.mean()) / field.std(), 0, 1).astype(np.float32)
    right, below = np.roll(field, -1, 1), np.roll(field, -1, 0)
    corner = np.roll(right, -1, 0)
    around = np.stack([field, right - field, below - field, corner - right - below + field], -1)
    return torch.from_numpy(around.reshape(-1, 4)).to(device)


def noise(u: Tensor, v: Tensor, slope: float = 1.6) -> Tensor:
    """Smooth noise in 0..1 at (u, v); one unit is 32 table entries."""
    at = torch.stack([u, v]) * 32
    corner = at.floor()
    column, row = corner.long() & (_SIDE - 1)
    index = torch.add(column, row, alpha=_SIDE)
    level, across, down, both = _noise_table(slope, str(u.device)).index_select(0, index).unbind(1)
    x, y = at - corner
    return torch.addcmul(torch.addcmul(level, across, x), torch.addcmul(down, both, x), y).clamp_(0, 1)


def random(*cells: Tensor) -> Tensor:
    """An even random number in 0..1 for every integer cell of up to three coordinates, of shapes that broadcast."""
    first, *others = (cell.long() for cell in cells)
    mixed = first * _PRIMES[0]
    for cell, prime in zip(others, _PRIMES[1:], strict=False):
        mixed = torch.add(mixed, cell, alpha=prime)
    mixed.mul_(2654435761).bitwise_and_(0x7FFFFFFF)
    mixed.bitwise_xor_(mixed >> 15).mul_(2246822519).bitwise_and_(0x7FFFFFFF)
    return mixed.bitwise_right_shift_(7).float().mul_(1 / (1 << 24))


def randoms(key: Tensor, *offsets: float) -> Tensor:
    """(N, K): `random(key, key + offset)` for every offset."""
    return random(key[:, None], key[:, None] + constant(offsets, key))


@lru_cache
def _cell_table(device: str) -> tuple[Tensor, Tensor]:
    """Of (768 * 768,) places: distance to the border between cells, and a random number of the cell's own."""
    rng = np.random.default_rng(11)
    jitter = torch.from_numpy(rng.uniform(0.1, 0.9, (_CELLS, _CELLS, 2)).astype(np.float32))
    own = torch.from_numpy(rng.uniform(0, 1, (_CELLS, _CELLS)).astype(np.float32))
    at = torch.arange(_CELLS * _STEPS) / _STEPS
    y, x = torch.meshgrid(at, at, indexing="ij")
    distances, names = [], []
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            row, column = (y.long() + dy) % _CELLS, (x.long() + dx) % _CELLS
            point = jitter[row, column]
            px, py = x.floor() + dx + point[..., 0], y.floor() + dy + point[..., 1]
            distances.append(torch.hypot(px - x, py - y))
            names.append(own[row, column])
    nearest, order = torch.stack(distances).topk(2, dim=0, largest=False)
    border = (nearest[1] - nearest[0]) / 2
    own = torch.stack(names).gather(0, order[:1])[0]
    return border.ravel().to(device), own.ravel().to(device)


def cells(u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Irregular cells about one unit wide: distance to the border (0 to ~0.6), the cell's own number in 0..1."""
    border, own = _cell_table(str(u.device))
    side = _CELLS * _STEPS
    index = (v * _STEPS).floor().long() % side * side + (u * _STEPS).floor().long() % side
    return border[index], own[index]


def band(x: Tensor, duty: float | Tensor, blur: Tensor) -> Tensor:
    """1 on [0, duty) of every unit of x, with edges `blur` wide, fading to the mean where it aliases."""
    phase = x - x.floor()
    distance = torch.maximum(torch.minimum(phase, duty - phase), phase - 1)
    sharp = (0.5 + distance / blur.clamp(min=1e-4)).clamp(0, 1)
    return torch.lerp(sharp, torch.zeros_like(sharp) + duty, (blur * 1.6 - 0.3).clamp(0, 1))


def within(x: Tensor, low: float, high: float, blur: Tensor) -> Tensor:
    """1 where low < x < high, with edges `blur` wide."""
    return (0.5 + torch.minimum(x - low, high - x) / blur.clamp(min=1e-4)).clamp(0, 1)
