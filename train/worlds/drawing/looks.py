"""What is far away, and how a camera turns light into a picture: sky, view from a window, photograph.

All colours are linear RGB until `photograph`, which returns sRGB bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, pad

from .batch import Looks, per
from .noise import cells, noise
from .vectors import constant, dot

CLEAR = 1e6
"""A `fog` of as many metres is none at all."""


def horizon(direction: Tensor, looks: Looks, picture: Tensor) -> Tensor:
    """Colour (N, 3) of the hazy sky low above the ground along level unit directions (N, 3); picture (N,): whose."""
    low, sun, glare = (per(looks[name], picture) for name in ("horizon", "sun", "glare"))
    return low + glare * (0.12 * dot(direction, sun).clamp(min=0) ** 8)[:, None]


def sky(direction: Tensor, looks: Looks, picture: Tensor) -> Tensor:
    """Colour (N, 3) of the sky along unit world directions (N, 3): gradient, clouds, glare around the sun.

    picture (N,): whose sky.
    """
    zenith, horizon, sun, glare = (looks[name] for name in ("zenith", "horizon", "sun", "glare"))
    bright = 0.5 * (zenith.mean(1) + horizon.mean(1)) + 0.35 * glare.mean(1)  # of clouds
    lit = torch.lerp(torch.ones_like(horizon), horizon / horizon.mean(1, keepdim=True).clamp(min=1e-6), 0.5)
    lit, cloudy = per(lit * bright[:, None], picture), per(0.62 * looks["clouds"] - 0.78, picture)
    zenith, horizon, sun, glare = (per(value, picture) for value in (zenith, horizon, sun, glare))
    up = direction[:, 2].clamp(min=0)
    toward = dot(direction, sun).clamp(min=0)
    colour = torch.lerp(horizon, zenith, (up[:, None] * 2.2).clamp(0, 1) ** 0.6)
    colour = colour + glare * (0.12 * toward**8)[:, None] * (1 - 0.5 * up[:, None])
    over = 0.5 / (up + 0.12)
    shift = per(looks.pattern(1000) / 100, picture)
    x, y = direction[:, 0] * over + shift, direction[:, 1] * over + shift
    thick = noise(x, y, 1.9) + 0.25 * (noise(x * 4, y * 4, 1.2) - 0.5)
    cover = ((thick + cloudy) * 4).clamp(0, 1) * (up * 8).clamp(0, 1)
    cloud = lit * (0.6 + 0.55 * (1 - cover[:, None]) - 0.35 * (thick[:, None] - 0.5))
    cloud = cloud + glare * (0.25 * toward**6 * (1 - cover))[:, None]
    colour = torch.lerp(colour, cloud, cover[:, None] * 0.92)
    return colour + glare * (1.5 * toward**300 + 40 * toward**6000)[:, None] * (1 - 0.9 * cover[:, None])


def outside(direction: Tensor, looks: Looks, picture: Tensor) -> Tensor:
    """Colour (N, 3) of what a window shows along unit world directions: sky, a skyline of trees or houses, ground.

    picture (N,): whose window.
    """
    colour = sky(direction, looks, picture)
    azimuth = torch.atan2(direction[:, 0], direction[:, 1]) * 2 + per(looks.pattern(97), picture)
    flat = direction[:, :2].norm(dim=1).clamp(min=1e-3)
    height = direction[:, 2] / flat
    trees = per(looks.pattern(3) < 2, picture)
    blocks = azimuth * 3
    steps = torch.where(trees, noise(azimuth * 0.5, azimuth * 0), noise(blocks.floor() * 0.37, azimuth * 0))
    border, own = cells(azimuth * torch.where(trees, 9, 5), height * torch.where(trees, 9, 14))
    leaf = constant((0.05, 0.11, 0.03), direction) * (0.4 + own)[:, None]
    wall = constant((0.4, 0.35, 0.3), direction) * (0.35 + 0.8 * (border > 0.12).float())[:, None]
    near = torch.where(trees[:, None], leaf, wall)
    ground = constant((0.12, 0.16, 0.08), direction) * (0.6 + 0.8 * own)[:, None]
    near = torch.where((height < -0.12)[:, None], ground, near) * per(looks["day"], picture)[:, None]
    edge = (0.05 + 0.5 * (steps - 0.35) - height) * 30
    return torch.lerp(colour, near, edge.clamp(0, 1)[:, None])


# --- the photograph: (B, 3, H, W) ------------------------------------------------------------------------


def photograph(linear: Tensor, depth: Tensor, looks: Looks, generators: list[torch.Generator]) -> Tensor:
    """(B, H, W, 3) linear light and depth (B, H, W) -> (B, H, W, 3) uint8 sRGB, through cameras with faults.

    generators: one on the CPU for each picture, of its noise.
    """
    height, width = depth.shape[1:]
    x = linear.permute(0, 3, 1, 2) * (_exposure(linear, looks)[:, None] * looks["white_balance"])[:, :, None, None]
    x = _optics(x, depth, looks)
    whole = [look.shrink >= 1 for look in looks.each]
    x = _some(whole, lambda x, looks, at: _develop(_sensor(x, looks, [generators[i] for i in at]), looks), x, looks)
    for i, look in enumerate(looks.each):  # sensors with fewer pixels, each with a number of its own
        if look.shrink < 1:
            size = [max(8, round(side * look.shrink)) for side in (height, width)]
            own = interpolate(x[i : i + 1], size=size, mode="area")
            alone = looks.at([i])
            own = _develop(_sensor(own, alone, generators[i : i + 1]), alone)
            x[i : i + 1] = interpolate(own, size=[height, width], mode="bicubic", align_corners=False)
    return (x.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def _some(wanted: list[bool], effect: Callable, x: Tensor, looks: Looks, *more: Tensor) -> Tensor:
    """`effect` on the pictures that want it, with their looks and numbers; the others stay as they are."""
    at = [i for i, yes in enumerate(wanted) if yes]
    if not at:
        return x
    if len(at) == len(wanted):
        return effect(x, looks, at, *more)
    rows = torch.tensor(at).to(x.device)
    return x.index_copy(0, rows, effect(x[rows], looks.at(at), at, *(value[rows] for value in more)))


def _of(looks: Looks, name: str) -> Tensor:
    """(B, 1, 1, 1): an entry of the looks, for pictures."""
    return looks[name][:, None, None, None]


def _exposure(linear: Tensor, looks: Looks) -> Tensor:
    """(B,): the factor that brings the metered brightness to the target, but for an error."""
    height, width = linear.shape[1:3]
    v, u = _plane(height, width, linear)
    weight = 1 - looks["meter"][:, None, None] * (1 - torch.exp(-2.5 * (u * u + v * v)))
    weight = weight / weight.mean((1, 2), keepdim=True)
    grey = linear.mean(-1)
    middle = (grey.clamp(min=1e-5).log() * weight).mean((1, 2)).exp()
    level = 0.5 * (torch.minimum(grey, 6 * middle[:, None, None]) * weight).mean((1, 2)) + 0.5 * middle
    return looks["target"] / level.clamp(min=1e-5) * 2 ** looks["stops"]


def _plane(height: int, width: int, like: Tensor) -> list[Tensor]:
    """v and u (H, W) from -1 to 1 over the picture."""
    v = (torch.arange(height, device=like.device) + 0.5) / height * 2 - 1
    u = (torch.arange(width, device=like.device) + 0.5) / width * 2 - 1
    return list(torch.meshgrid(v, u, indexing="ij"))


def blurred(x: Tensor, sigma: float | Tensor, reach: Sequence[int] = (2,)) -> Tensor:
    """(B, C, H, W) smoothed by a Gauss curve of this many pixels; sigma and reach: one for all, or for each (B,)."""
    height, width = x.shape[-2:]
    most = max(reach)
    tap = torch.arange(-most, most + 1, device=x.device)[:, None]
    kernel = torch.exp(-0.5 * (tap / sigma) ** 2) * (tap.abs() <= torch.tensor(reach).to(x.device))  # (taps, B)
    kernel = (kernel / kernel.sum(0))[..., None, None, None]
    x = pad(x, (most,) * 4, mode="replicate")
    rows = kernel[0] * x[..., :width]
    for i in range(1, 2 * most + 1):
        rows = torch.addcmul(rows, kernel[i], x[..., i : i + width])
    x = kernel[0] * rows[..., :height, :]
    for i in range(1, 2 * most + 1):
        x = torch.addcmul(x, kernel[i], rows[..., i : i + height, :])
    return x


def _moved(x: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """(B, C, H, W) read at u, v (B, H, W) in -1..1."""
    return grid_sample(x, torch.stack([u, v], -1), padding_mode="border", align_corners=False)


def _optics(x: Tensor, depth: Tensor, looks: Looks) -> Tensor:
    """Defocus, motion, coloured edges, blur and vignette of the lens."""
    x = x.clamp(max=30)
    x = _some([look.defocus[1] > 0 for look in looks.each], _defocus, x, looks, depth)
    x = _some([any(look.motion) for look in looks.each], _motion, x, looks)
    x = _some([look.aberration > 0 for look in looks.each], _aberration, x, looks)
    x = blurred(x, looks["blur"])
    height, width = depth.shape[1:]
    v, u = _plane(height, width, x)
    return x * (1 - _of(looks, "vignette") * (u * u + v * v) * 0.5).clamp(min=0.2)


def _defocus(x: Tensor, looks: Looks, _, depth: Tensor) -> Tensor:
    focus, strength = looks["defocus"].unbind(1)
    off = (1 - focus[:, None, None] / depth.clamp(min=0.1)).abs().clamp(max=1)
    soft = blurred(x, strength, [min(8, int(2 * look.defocus[1]) + 1) for look in looks.each])
    return torch.lerp(x, soft, blurred(off[:, None], 1.0))


def _motion(x: Tensor, looks: Looks, _) -> Tensor:
    height, width = x.shape[-2:]
    v, u = _plane(height, width, x)
    across, down = looks["motion"][..., None, None].unbind(1)
    total = torch.zeros_like(x)
    for k in range(5):
        s = (k - 2) / 2
        total += _moved(x, u + s * across / width, v + s * down / height)
    return total / 5


def _aberration(x: Tensor, looks: Looks, _) -> Tensor:
    height, width = x.shape[-2:]
    v, u = _plane(height, width, x)
    size = looks["aberration"][:, None, None]
    less, more = 1 - size, 1 + size
    red, blue = _moved(x[:, :1], u * less, v * less), _moved(x[:, 2:], u * more, v * more)
    return torch.cat([red, x[:, 1:2], blue], 1)


def _sensor(x: Tensor, looks: Looks, generators: list[torch.Generator]) -> Tensor:
    """Noise of photons and of the sensor, then what denoising leaves."""
    sigma = (_of(looks, "shot") ** 2 * x.clamp(min=0) + _of(looks, "read") ** 2).sqrt()
    x = x + sigma * torch.stack([torch.randn(x.shape[1:], generator=own) for own in generators]).to(x.device)
    return _some([look.smear > 0 for look in looks.each], _smear, x, looks, sigma).clamp(min=0)


def _smear(x: Tensor, looks: Looks, _, sigma: Tensor) -> Tensor:
    smooth = blurred(x, 1.0)
    flat = torch.exp(-(((smooth - x) / (3 * sigma + 0.01)) ** 2).mean(1, keepdim=True))
    return torch.lerp(x, smooth, _of(looks, "smear") * flat)


def _develop(x: Tensor, looks: Looks) -> Tensor:
    """Linear light -> sRGB in 0..1: local and global tone, contrast, colour, sharpening."""
    x = _some([look.lift > 0 for look in looks.each], _lift, x, looks)
    black, knee = _of(looks, "black"), _of(looks, "shoulder")
    x = x * (1 - black) + black
    x = torch.where(x > knee, 1 - (1 - knee) * torch.exp(-(x - knee) / (1 - knee)), x)
    x = x.clamp(1e-5, 1) ** (1 / 2.2)
    x = (x - 0.5) * _of(looks, "contrast") + 0.5
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * _of(looks, "saturation")
    return _some([look.sharpen > 0 for look in looks.each], _sharpen, x, looks)


def _lift(x: Tensor, looks: Looks, _) -> Tensor:
    wide = interpolate(x.mean(1, keepdim=True), scale_factor=1 / 8, mode="area")
    wide = interpolate(blurred(wide, 1.5), size=x.shape[2:], mode="bilinear", align_corners=False)
    return x * (_of(looks, "target") / wide.clamp(min=1e-4)).clamp(0.2, 6) ** _of(looks, "lift")


def _sharpen(x: Tensor, looks: Looks, _) -> Tensor:
    return x + _of(looks, "sharpen") * (x - avg_pool2d(pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1))
