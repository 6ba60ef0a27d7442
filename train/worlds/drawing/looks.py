"""What is far away, and how a camera turns light into a picture: sky, view from a window, photograph.

All colours are linear RGB until `photograph`, which returns sRGB bytes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, pad

from .light import Look
from .noise import cells, noise


def tensor(values, like: Tensor) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float32).to(like.device)


CLEAR = 1e6
"""A `fog` of as many metres is none at all."""


def horizon(direction: Tensor, look: Look) -> Tensor:
    """Colour (N, 3) of the hazy sky low above the ground along level unit directions (N, 3)."""
    low, sun, glare = (tensor(value, direction) for value in (look.horizon, look.sun, look.glare))
    return low + glare * (0.12 * (direction @ sun).clamp(min=0) ** 8)[:, None]


def sky(direction: Tensor, look: Look) -> Tensor:
    """Colour (N, 3) of the sky along unit world directions (N, 3): gradient, clouds, glare around the sun."""
    given = (look.zenith, look.horizon, look.sun, look.glare)
    zenith, horizon, sun, glare = (tensor(value, direction) for value in given)
    up = direction[:, 2].clamp(min=0)
    toward = (direction @ sun).clamp(min=0)
    colour = torch.lerp(horizon, zenith, (up[:, None] * 2.2).clamp(0, 1) ** 0.6)
    colour = colour + glare * (0.12 * toward**8)[:, None] * (1 - 0.5 * up[:, None])
    over = 0.5 / (up + 0.12)
    shift = look.pattern % 1000 / 100
    x, y = direction[:, 0] * over + shift, direction[:, 1] * over + shift
    thick = noise(x, y, 1.9) + 0.25 * (noise(x * 4, y * 4, 1.2) - 0.5)
    cover = ((thick - 0.78 + 0.62 * look.clouds) * 4).clamp(0, 1) * (up * 8).clamp(0, 1)
    bright = 0.5 * (zenith.mean() + horizon.mean()) + 0.35 * glare.mean()
    lit = torch.lerp(torch.full_like(horizon, 1.0), horizon / horizon.mean().clamp(min=1e-6), 0.5)
    cloud = bright * lit * (0.6 + 0.55 * (1 - cover[:, None]) - 0.35 * (thick[:, None] - 0.5))
    cloud = cloud + glare * (0.25 * toward**6 * (1 - cover))[:, None]
    colour = torch.lerp(colour, cloud, cover[:, None] * 0.92)
    return colour + glare * (1.5 * toward**300 + 40 * toward**6000)[:, None] * (1 - 0.9 * cover[:, None])


def outside(direction: Tensor, look: Look) -> Tensor:
    """Colour (N, 3) of what a window shows along unit world directions: sky, a skyline of trees or houses, ground."""
    colour = sky(direction, look)
    azimuth = torch.atan2(direction[:, 0], direction[:, 1]) * 2 + look.pattern % 97
    flat = direction[:, :2].norm(dim=1).clamp(min=1e-3)
    height = direction[:, 2] / flat
    trees = look.pattern % 3 < 2
    blocks = azimuth * 3
    steps = torch.lerp(noise(blocks.floor() * 0.37, azimuth * 0), noise(azimuth * 0.5, azimuth * 0), float(trees))
    border, own = cells(azimuth * (9 if trees else 5), height * (9 if trees else 14))
    leaf = torch.tensor([0.05, 0.11, 0.03], device=direction.device) * (0.4 + own)[:, None]
    wall = torch.tensor([0.4, 0.35, 0.3], device=direction.device) * (0.35 + 0.8 * (border > 0.12).float())[:, None]
    near = leaf if trees else wall
    ground = torch.tensor([0.12, 0.16, 0.08], device=direction.device)
    near = torch.where((height < -0.12)[:, None], ground * (0.6 + 0.8 * own)[:, None], near) * look.day
    edge = (0.05 + 0.5 * (steps - 0.35) - height) * 30
    return torch.lerp(colour, near, edge.clamp(0, 1)[:, None])


def photograph(linear: Tensor, depth: Tensor, look: Look, generator: torch.Generator) -> Tensor:
    """(H, W, 3) linear light and depth (H, W) -> (H, W, 3) uint8 sRGB, through a camera with faults."""
    height, width = depth.shape
    x = linear.permute(2, 0, 1) * (_exposure(linear, look) * tensor(look.white_balance, linear))[:, None, None]
    x = _optics(x, depth, look)
    if look.shrink < 1:
        size = [max(8, round(side * look.shrink)) for side in (height, width)]
        x = interpolate(x[None], size=size, mode="area")[0]
    x = _sensor(x, look, generator)
    x = _develop(x, look)
    if look.shrink < 1:
        x = interpolate(x[None], size=[height, width], mode="bicubic", align_corners=False)[0]
    return (x.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()


def _exposure(linear: Tensor, look: Look) -> Tensor:
    """The factor that brings the metered brightness to the target, but for an error."""
    height, width = linear.shape[:2]
    v, u = _plane(height, width, linear)
    weight = 1 - look.meter * (1 - torch.exp(-2.5 * (u * u + v * v)))
    weight = weight / weight.mean()
    grey = linear.mean(-1)
    middle = (grey.clamp(min=1e-5).log() * weight).mean().exp()
    level = 0.5 * (grey.clamp(max=6 * middle) * weight).mean() + 0.5 * middle
    return look.target / level.clamp(min=1e-5) * 2**look.stops


def _plane(height: int, width: int, like: Tensor) -> list[Tensor]:
    """v and u (H, W) from -1 to 1 over the picture."""
    v = (torch.arange(height, device=like.device) + 0.5) / height * 2 - 1
    u = (torch.arange(width, device=like.device) + 0.5) / width * 2 - 1
    return list(torch.meshgrid(v, u, indexing="ij"))


def blurred(x: Tensor, sigma: float, reach: int = 2) -> Tensor:
    """(C, H, W) smoothed by a Gauss curve of this many pixels."""
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).tolist()
    height, width = x.shape[-2:]
    x = pad(x[None], (reach,) * 4, mode="replicate")[0]
    x = sum(k * x[..., i : i + width] for i, k in enumerate(kernel))  # type: ignore[assignment]
    return sum(k * x[..., i : i + height, :] for i, k in enumerate(kernel))  # type: ignore[return-value]


def _moved(x: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """(C, H, W) read at u, v (H, W) in -1..1."""
    return grid_sample(x[None], torch.stack([u, v], -1)[None], padding_mode="border", align_corners=False)[0]


def _optics(x: Tensor, depth: Tensor, look: Look) -> Tensor:
    """Defocus, motion, coloured edges, blur and vignette of the lens. (3, H, W)."""
    height, width = depth.shape
    v, u = _plane(height, width, x)
    x = x.clamp(max=30)
    focus, strength = look.defocus
    if strength:
        off = (1 - focus / depth.clamp(min=0.1)).abs().clamp(max=1)
        soft = blurred(x, strength, min(8, int(2 * strength) + 1))
        x = torch.lerp(x, soft, blurred(off[None], 1.0))
    across, down = look.motion
    if across or down:
        steps = [(k - 2) / 4 for k in range(5)]
        x = sum(_moved(x, u + s * 2 * across / width, v + s * 2 * down / height) for s in steps) / 5  # type: ignore
    if look.aberration:
        less, more = 1 - look.aberration, 1 + look.aberration
        x = torch.cat([_moved(x[:1], u * less, v * less), x[1:2], _moved(x[2:], u * more, v * more)])
    x = blurred(x, look.blur)
    return x * (1 - look.vignette * (u * u + v * v) * 0.5).clamp(min=0.2)


def _sensor(x: Tensor, look: Look, generator: torch.Generator) -> Tensor:
    """Noise of photons and of the sensor, then what denoising leaves. (3, H, W)."""
    sigma = (look.shot**2 * x.clamp(min=0) + look.read**2).sqrt()
    x = x + sigma * torch.randn(x.shape, generator=generator).to(x.device)
    if look.smear:
        smooth = blurred(x, 1.0)
        flat = torch.exp(-(((smooth - x) / (3 * sigma + 0.01)) ** 2).mean(0))
        x = torch.lerp(x, smooth, look.smear * flat)
    return x.clamp(min=0)


def _develop(x: Tensor, look: Look) -> Tensor:
    """Linear light (3, H, W) -> sRGB in 0..1: local and global tone, contrast, colour, sharpening."""
    if look.lift:
        wide = interpolate(x.mean(0)[None, None], scale_factor=1 / 8, mode="area")
        wide = blurred(wide[0], 1.5)[None]
        wide = interpolate(wide, size=x.shape[1:], mode="bilinear", align_corners=False)[0]
        x = x * (look.target / wide.clamp(min=1e-4)).clamp(0.2, 6) ** look.lift
    x = x * (1 - look.black) + look.black
    knee = look.shoulder
    x = torch.where(x > knee, 1 - (1 - knee) * torch.exp(-(x - knee) / (1 - knee)), x)
    x = x.clamp(1e-5, 1) ** (1 / 2.2)
    x = (x - 0.5) * look.contrast + 0.5
    grey = x.mean(0, keepdim=True)
    x = grey + (x - grey) * look.saturation
    if look.sharpen:
        x = x + look.sharpen * (x - avg_pool2d(pad(x[None], (1, 1, 1, 1), mode="replicate"), 3, 1)[0])
    return x
