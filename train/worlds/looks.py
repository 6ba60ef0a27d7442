"""How surfaces, the sky and a cheap camera look: procedural textures, clouds, lens effects.

All colours are linear RGB until `photograph`, which returns sRGB bytes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from .things import TEXTURES

_SIDE = 512


@lru_cache
def _noise_table(slope: float, device: str) -> Tensor:
    """(512 * 512,) periodic noise in 0..1 whose amplitude spectrum falls as frequency^-slope."""
    rng = np.random.default_rng(7)
    fy, fx = np.fft.fftfreq(_SIDE)[:, None], np.fft.rfftfreq(_SIDE)[None]
    radius = np.maximum(np.hypot(fx, fy), 2 / _SIDE)
    spectrum = rng.normal(size=radius.shape) + 1j * rng.normal(size=radius.shape)
    field = np.fft.irfft2(spectrum * radius**-slope, (_SIDE, _SIDE))
    field = np.clip(0.5 + 0.22 * (field - field.mean()) / field.std(), 0, 1)
    return torch.from_numpy(field.astype(np.float32).ravel()).to(device)


def noise(u: Tensor, v: Tensor, slope: float = 1.6) -> Tensor:
    """Smooth noise in 0..1 at (u, v); one unit is 32 table cells."""
    table = _noise_table(slope, str(u.device))
    x, y = u * 32, v * 32
    x0, y0 = x.floor(), y.floor()
    fx, fy = x - x0, y - y0
    column = x0.long() & (_SIDE - 1)
    row = (y0.long() & (_SIDE - 1)) * _SIDE
    right, below = (column + 1) & (_SIDE - 1), (row + _SIDE) & (_SIDE * _SIDE - 1)
    top = torch.lerp(table[row + column], table[row + right], fx)
    bottom = torch.lerp(table[below + column], table[below + right], fx)
    return torch.lerp(top, bottom, fy)


def _random(*cells: Tensor) -> Tensor:
    """A number in 0..1 for every integer cell."""
    mixed = sum(cell.long() * prime for cell, prime in zip(cells, (73856093, 19349663), strict=False))
    return _noise_table(0.0, str(cells[0].device))[(mixed * 2654435761 >> 7) & (_SIDE * _SIDE - 1)]


def _band(x: Tensor, duty: float, blur: Tensor) -> Tensor:
    """1 on [0, duty) of every unit of x, with edges `blur` wide, fading to the mean where it aliases."""
    phase = x - x.floor()
    distance = torch.minimum(phase, duty - phase)
    distance = torch.where(phase > duty, torch.minimum(phase - duty, 1 - phase).neg(), distance)
    sharp = (0.5 + distance / blur.clamp(min=1e-4)).clamp(0, 1)
    return torch.lerp(sharp, torch.full_like(sharp, duty), (blur * 1.6 - 0.3).clamp(0, 1))


def texture(name: str, u: Tensor, v: Tensor, scale: Tensor, pixel: Tensor, salt: Tensor, upright: Tensor,
            half: Tensor) -> tuple[Tensor, Tensor]:  # fmt: skip
    """How much of the second colour (N,), and a factor on brightness (N,), at surface points.

    u, v: metres on the surface; pixel: metres that one image pixel covers there; salt: a number per part;
    upright: the face is a side face; half: (N, 3) half extents of the part.
    """
    a, b, blur = u / scale, v / scale, pixel / scale
    fade = (1.2 - blur * 1.5).clamp(0, 1)
    rough = 1 + 0.1 * (noise(a + salt, b) - 0.5)
    if name == "plain":
        return 0.5 * noise(u * 0.7 + salt, v * 0.7), torch.ones_like(u)
    if name == "noise":
        return noise(a * 0.5 + salt, b * 0.5), 1 + 0.25 * fade * (noise(a * 3, b * 3, 0.8) - 0.5)
    if name == "stripes":
        return _band(a, 0.5, blur), rough
    if name == "checker":
        one, two = _band(a, 0.5, blur), _band(b, 0.5, blur)
        return one + two - 2 * one * two, rough
    if name == "tiles":
        grout = torch.maximum(_band(a, 0.04, blur), _band(b, 0.04, blur))
        return grout, 1 + 0.2 * fade * (_random(a.floor(), b.floor()) - 0.5) + 0.1 * (rough - 1)
    if name == "bricks":
        row = (b * 2.5).floor()
        shifted = a + 0.5 * (row.long() & 1)
        mortar = torch.maximum(_band(shifted, 0.05, blur), _band(b * 2.5, 0.1, blur * 2.5))
        return mortar, 1 + 0.45 * fade * (_random(shifted.floor(), row) - 0.5)
    if name == "wood":
        plank = b.floor()
        long = a * 0.08 + _random(plank, plank) * 50
        grain = noise(long + salt, b * 1.5, 1.2) - 0.5
        tone = 1 + 0.35 * (_random(plank, plank + 3) - 0.5) * fade
        return (0.5 + 2.2 * grain * fade).clamp(0, 1), tone * (1 - 0.5 * _band(b, 0.03, blur) * fade)
    if name == "facade":
        floor = v / 3.0
        window = _band(a - 0.22, 0.5, blur) * _band(floor - 0.3, 0.5, pixel / 3) * upright
        room = _random(a.floor() + (salt * 97).long(), floor.floor())
        return window * (0.45 + 0.55 * (room > 0.3)), 1 + 0.25 * (noise(u * 0.15 + salt, v * 0.15) - 0.5)
    if name == "speckle":
        fine = (noise(a, b, 0.7) - 0.5) * fade
        return (0.5 + 1.6 * fine).clamp(0, 1), 1 + 0.5 * (noise(a * 0.06 + salt, b * 0.06) - 0.5)
    if name == "books":
        book = a.floor()
        gap = _band(a, 0.12, blur) * 0.6
        return _random(book, (salt * 977).long()), (0.5 + 0.8 * _random(book, book + 5)) * (1 - gap)
    if name == "blobs":
        return (2.5 * (noise(a * 0.7 + salt, b * 0.7) - 0.3)).clamp(0, 1), 1 + 0.4 * (noise(a * 2, b * 2) - 0.5)
    if name == "slats":
        phase = a - a.floor()
        wave = 0.5 - 0.5 * torch.cos(phase * 2 * torch.pi)
        return torch.lerp(torch.full_like(wave, 0.5), wave, fade), rough
    if name != "lane":
        return noise(a + salt, b), rough
    lanes = (2 * half[:, 0] / scale).floor()  # "lane": white marks on asphalt
    line = _band(a + 0.5 * (lanes.long() & 1) + 0.02, 0.04, blur)
    mark = line * _band(v / 6, 0.5, pixel / 3)
    grit = (noise(u * 8, v * 8, 0.8) - 0.5) * (1.2 - pixel * 12).clamp(0, 1)
    return mark * 0.85, 1 + 0.35 * grit + 0.3 * (noise(u * 0.05 + salt, v * 0.05) - 0.5)


def textured(names: Tensor, **where: Tensor) -> tuple[Tensor, Tensor]:
    """`texture` for a mixture: names (N,) are indices in TEXTURES."""
    mix, tint = torch.zeros_like(where["u"]), torch.ones_like(where["u"])
    for index in names.unique().tolist():
        rows = (names == index).nonzero()[:, 0]
        mix[rows], tint[rows] = texture(TEXTURES[index], **{key: value[rows] for key, value in where.items()})
    return mix, tint


def sky(direction: Tensor, look: dict) -> Tensor:
    """Colour (N, 3) of the sky along unit world directions (N, 3)."""
    zenith, horizon = (torch.as_tensor(look[key], dtype=torch.float32) for key in ("zenith", "horizon"))
    sun, light = (torch.as_tensor(look[key], dtype=torch.float32) for key in ("sun", "light"))
    up = direction[:, 2].clamp(min=0)
    colour = torch.lerp(horizon, zenith, (up[:, None] * 2.2).clamp(0, 1) ** 0.6)
    over = 0.5 / (up + 0.12)
    shift = look["pattern"] % 1000 / 100
    cloud = noise(direction[:, 0] * over + shift, direction[:, 1] * over + shift, 1.9)
    cover = ((cloud - 0.75 + 0.6 * look["clouds"]) * 4).clamp(0, 1) * (up * 8).clamp(0, 1)
    white = 0.6 + 0.55 * (1 - cover[:, None])
    colour = torch.lerp(colour, white.expand(-1, 3), cover[:, None] * 0.9)
    glare = (direction @ sun).clamp(min=0)
    return colour + light * (0.12 * glare**8 + 1.5 * glare**400)[:, None]


def photograph(linear: Tensor, look: dict, generator: torch.Generator) -> Tensor:
    """(H, W, 3) linear light -> (H, W, 3) uint8 sRGB: exposure, colour cast, lens, grain, tone."""
    height, width = linear.shape[:2]
    grey = linear.mean(-1)
    level = 0.5 * grey.mean() + 0.5 * grey.clamp(min=1e-4).log().mean().exp()
    x = linear * (look["target"] / level.clamp(min=1e-4))
    x = x * torch.as_tensor(look["white_balance"], dtype=torch.float32)
    v, u = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    x = x * (1 - look["vignette"] * (u * u + v * v) * 0.5).clamp(min=0.2)[..., None]
    x = x.permute(2, 0, 1)[:, None]
    sigma = look["blur"]
    kernel = torch.exp(-0.5 * (torch.arange(-2, 3) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).float()
    x = torch.nn.functional.pad(x, (2, 2, 2, 2), mode="replicate")
    x = torch.stack([k * x[..., i : i + width] for i, k in enumerate(kernel)]).sum(0)
    x = torch.stack([k * x[..., i : i + height, :] for i, k in enumerate(kernel)]).sum(0)
    x = x[:, 0].permute(1, 2, 0)
    x = torch.where(x > 0.7, 1 - 0.3 * torch.exp(-(x - 0.7) / 0.3), x)  # a shoulder instead of clipping
    x = x.clamp(1e-5, 1) ** (1 / 2.2)
    x = (x - 0.5) * look["contrast"] + 0.5
    middle = x.mean(-1, keepdim=True)
    x = middle + (x - middle) * look["saturation"]
    x = x + look["grain"] * torch.randn(x.shape, generator=generator)
    return (x.clamp(0, 1) * 255).round().to(torch.uint8)
