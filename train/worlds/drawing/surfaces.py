"""Wood, stone, walls, ground, plants and metal: textures that repeat, `Spot` -> linear RGB (N, 3)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from .noise import band, cells, noise, random, within
from .spot import Spot
from .vectors import constant


def _grain(s: Spot, a: Tensor, b: Tensor, key: Tensor) -> Tensor:
    """(N,) in about -0.5..0.5: growth rings, streaks and knots of boards along a (metres)."""
    bend = noise(a * 0.25 + 9 * key, b * 1.5 + 5 * key) - 0.5
    rings = torch.cos(6.283 * (b * 28 + 9 * bend)) * s.fine(0.03)
    streaks = (noise(a * 0.7 + 3 * key, b * 22, 1.0) - 0.5) * s.fine(0.012)
    border, own = cells(a * 1.3 + 40 * key, b * 4)
    knot = ((border - 0.36) * 7).clamp(0, 1) * (own > 0.6) * s.fine(0.05)
    return 0.16 * rings + 0.7 * streaks + 0.5 * bend + 0.7 * knot


def wood(s: Spot, joint: float = 0.03) -> Tensor:
    """Boards one period wide along the longer side, each with its tone; `joint`: share of a gap between them."""
    a, b, blur = s.grid(turned=True)
    row = b.floor()
    own = random(row, s.key)
    along = a * s.scale + 13 * own
    piece, gap = own, torch.zeros_like(a)
    if joint:
        length = 0.6 + 0.9 * own
        piece = random(row, (along / length).floor(), s.key)
        gap = torch.maximum(band(b, joint, blur), band(along / length, 0.004, s.pixel))
    tone = 0.34 * s.fine(s.scale * 1.5) if joint else 0.1
    lines = _grain(s, along, b * s.scale, piece)
    return s.two(0.5 + 0.9 * lines, (1 + tone * (piece - 0.5)) * (1 - 0.6 * gap))


def planks(s: Spot) -> Tensor:
    return wood(s, 0.02)


def grain(s: Spot) -> Tensor:
    """One board without joints: table tops, legs, doors."""
    return wood(s, 0.0)


def parquet(s: Spot) -> Tensor:
    """Squares of five strips each, turned by turns."""
    a, b, blur = s.grid()
    column, row = a.floor(), b.floor()
    turned = (column + row).long() & 1 == 1
    x, y = torch.where(turned, b, a), torch.where(turned, a, b)
    piece = random(column * 8 + ((y - y.floor()) * 5).floor(), row, s.key)
    gap = torch.maximum(band(y * 5, 0.05, blur * 5), band(x, 0.012, blur))
    lines = _grain(s, x * s.scale, y * s.scale, piece)
    return s.two(0.5 + 0.9 * lines, (1 + 0.3 * (piece - 0.5)) * (1 - 0.5 * gap))


def bark(s: Spot) -> Tensor:
    a, b, _ = s.grid()
    ridge = (noise(a * 1.5, b * 0.3, 1.2) - 0.5).abs() * 3 * s.fine(s.scale * 0.3)
    return s.two(0.9 - ridge, 0.8 + 0.5 * (noise(a, b * 0.2) - 0.3))


def tiles(s: Spot) -> Tensor:
    """Squares between joints of 4 mm; two floors of five are of veined or patchy tiles."""
    a, b, blur = s.grid()
    joint = 0.004 / s.scale
    grout = torch.maximum(band(a, joint, blur), band(b, joint, blur))
    own = random(a.floor(), b.floor(), s.key)
    cloud = noise(a * 1.7 + own * 9, b * 1.7 + own * 5) - 0.5
    patterned = (random(s.key, s.key + 7) > 0.6).float()
    tint = 1 + 0.14 * (own - 0.5) * s.fine(s.scale) + 0.25 * cloud * patterned
    return s.two(0.85 * grout + 0.5 * patterned * cloud.abs(), tint)


def _mortar(s: Spot, rough: Tensor) -> Tensor:
    grey = 0.12 + 0.3 * random(s.key, s.key + 6) + 0.1 * rough
    return 0.7 * grey[:, None] + 0.3 * s.rgb2


def bricks(s: Spot) -> Tensor:
    """A brick and its joint are as long as the period and a third as high: 0.225 x 0.075 m."""
    a, b, blur = s.grid()
    row = (b * 3).floor()
    shifted = a + 0.5 * (row.long() & 1)
    mortar = torch.maximum(band(shifted, 0.045, blur), band(b * 3, 0.135, blur * 3))
    own = random(shifted.floor(), row, s.key)
    rough = (noise(a * 2, b * 2, 1.0) - 0.5) * s.fine(0.03)
    dark = (own > 0.85).float() * s.fine(s.scale * 0.5)
    brick = s.two(0.15 + 0.2 * rough, 1 + 0.4 * (own - 0.5) * s.fine(s.scale * 0.3) - 0.3 * dark + 0.3 * rough)
    return torch.lerp(brick, _mortar(s, rough), 0.9 * mortar[:, None])


def stone(s: Spot) -> Tensor:
    """Rubble in mortar."""
    a, b, blur = s.grid()
    border, own = cells(a, b * 1.6)
    joint = (1 - border / (0.05 + blur)).clamp(0, 1)
    rough = (noise(a * 2, b * 2, 1.0) - 0.5) * s.fine(s.scale * 0.2)
    block = s.two(0.3 * own, 1 + 0.5 * (own - 0.5) * s.fine(s.scale) + 0.5 * rough)
    return torch.lerp(block, _mortar(s, rough), 0.8 * joint[:, None])


def plaster(s: Spot) -> Tensor:
    a, b, _ = s.spun()
    trowel = noise(a * 0.6, b * 1.4, 1.2) - 0.5
    grit = (noise(s.u * 6, s.v * 6, 0.6) - 0.5) * s.fine(0.012)
    return s.two(0.5 + 0.8 * trowel, 1 + 0.12 * trowel + 0.16 * grit)


def concrete(s: Spot) -> Tensor:
    """Clouds, pores, and on half of it the seams of the moulds."""
    a, b, blur = s.grid()
    seam = torch.maximum(band(a, 0.006, blur), band(b, 0.006, blur)) * (random(s.key, s.key) > 0.5)
    cloud = noise(s.u * 0.5 + 9 * s.salt, s.v * 0.5 + 3 * s.salt, 1.3) - 0.5
    border, own = cells(s.u * 9 + 31 * s.salt, s.v * 9)
    pore = ((border - 0.4) * 9).clamp(0, 1) * (own > 0.7) * s.fine(0.03)
    grit = (noise(s.u * 5, s.v * 5, 0.7) - 0.5) * s.fine(0.015)
    return s.two(0.5 + 1.2 * cloud, 1 + 0.25 * cloud + 0.25 * grit - 0.4 * pore - 0.35 * seam)


def asphalt(s: Spot) -> Tensor:
    """Grit, cracks, mended patches, oil and pale wear."""
    u, v = s.u + 31 * s.salt, s.v + 57 * s.salt
    grit = (noise(u * 7, v * 7, 0.4) - 0.5) * s.fine(0.02)
    wear = noise(u * 0.12, v * 0.05, 1.3) - 0.5
    border, _ = cells(u * 0.35 + 0.3 * noise(u, v), v * 0.35)
    crack = (1 - border / (0.012 + 0.5 * s.pixel)).clamp(0, 1) * (noise(u * 0.05, v * 0.05) > 0.52) * s.fine(0.08)
    mended = (random((u * 0.3).floor(), (v * 0.14).floor()) > 0.9).float() * s.fine(1.0)
    oil = ((noise(u * 0.9, v * 0.5, 1.5) - 0.72) * 8).clamp(0, 1)
    return s.two(0.15 + 0.9 * wear, 1 + 0.55 * grit + 0.4 * wear - 0.5 * crack - 0.22 * mended - 0.35 * oil)


def lane(s: Spot) -> Tensor:
    """Asphalt with worn marks: dashes of 3 m between lanes one period wide, on most roads lines along the edges."""
    a, blur = s.u / s.scale, s.pixel / s.scale
    count = (s.wide / s.scale).floor()
    line = band(a + 0.5 * (count.long() & 1) + 0.02, 0.04, blur)
    edge = within(s.wide / 2 - s.u.abs(), 0.2, 0.34, s.pixel) * (random(s.key, s.key + 2) > 0.4)
    inner = line * band((s.v + 50 * s.salt) / 9, 0.34, s.pixel / 9) * (s.u.abs() < s.wide / 2 - 0.8)
    wear = ((noise(s.u * 1.5, s.v * 1.5, 1.0) - 0.2) * 4).clamp(0, 1)
    mark = (torch.maximum(inner, edge) * wear).clamp(0, 1)[:, None]
    tar = asphalt(replace(s, rgb2=s.rgb * 1.15))
    return torch.lerp(tar, s.rgb2, 0.9 * mark)


def marble(s: Spot) -> Tensor:
    a, b, blur = s.spun()
    warp = noise(a * 0.5, b * 0.5) - 0.5
    vein = (noise(a * 0.4 + 0.9 * warp, b * 0.25 + 0.6 * warp, 1.4) - 0.5).abs()
    thin = (1 - vein / (0.025 + 0.1 * blur)).clamp(0, 1)
    return s.two(0.75 * thin + 0.5 * noise(a, b).sub(0.3).clamp(min=0), 1 + 0.15 * warp)


def granite(s: Spot) -> Tensor:
    a, b, _ = s.spun()
    _, own = cells(a * 3, b * 3)
    speck = (own - 0.5) * s.fine(s.scale * 0.35)
    return s.two(0.5 + speck, 1 + 0.5 * speck * (own > 0.8) + 0.15 * (noise(a * 0.05, b * 0.05) - 0.5))


def gravel(s: Spot) -> Tensor:
    a, b, _ = s.spun()
    border, own = cells(a, b)
    seen = s.fine(s.scale)
    dark = 1 - seen * (0.6 - 2.2 * border).clamp(0, 0.6) + 0.5 * (own - 0.5) * seen
    return s.two(0.5 + (own - 0.5) * seen, dark * (1 + 0.3 * (noise(s.u * 0.1 + s.salt, s.v * 0.1) - 0.5)))


def cobbles(s: Spot) -> Tensor:
    a, b, blur = s.grid()
    row = b.floor()
    shifted = a + 0.5 * random(row, s.key) + 0.1 * noise(a, b)
    inner = 0.5 - torch.maximum((shifted - shifted.floor() - 0.5).abs(), (b - row - 0.5).abs())
    own = random(shifted.floor(), row, s.key)
    joint = (1 - inner / (0.1 + blur)).clamp(0, 1) * s.fine(s.scale * 0.5)
    return s.two(0.5 * own, 1 + 0.4 * (own - 0.5) * s.fine(s.scale) - 0.5 * joint)


def soil(s: Spot) -> Tensor:
    a, b, _ = s.spun()
    clod = (noise(a * 3, b * 3, 0.8) - 0.5) * s.fine(s.scale * 0.1)
    return s.two(noise(a * 0.3, b * 0.3, 1.2), 1 + 1.2 * clod + 0.6 * (noise(s.u * 0.15, s.v * 0.15, 1.2) - 0.5))


def shingles(s: Spot) -> Tensor:
    """Roof tiles: shifted rows, each overlapping the one below."""
    a, b, blur = s.grid()
    row = (b * 1.4).floor()
    shifted = a * 1.6 + 0.5 * (row.long() & 1)
    own, phase = random(shifted.floor(), row, s.key), b * 1.4 - row
    edge = torch.maximum(band(b * 1.4, 0.1, blur * 1.4), 0.6 * band(shifted, 0.06, blur * 1.6))
    return s.two(0.5 * own, (1 + 0.3 * (own - 0.5) - 0.25 * (0.5 - phase)) * (1 - 0.55 * edge))


def siding(s: Spot) -> Tensor:
    """Horizontal boards, a shadow under each."""
    _, b, blur = s.grid()
    own = random(b.floor(), s.key)
    lines = (noise(s.u * 0.6 + 9 * own, s.v * 12, 1.1) - 0.5) * s.fine(0.02)
    return s.two(0.4 + lines, (1 + 0.08 * (own - 0.5) + 0.2 * lines) * (1 - 0.5 * band(b, 0.09, blur)))


def lawn(s: Spot) -> Tensor:
    """Blades, tufts, dry patches, on some the stripes of a mower."""
    a, b, _ = s.spun()
    blades = (noise(a * 2.5, b * 0.8, 0.5) - 0.5) * s.fine(s.scale * 0.12)
    tuft = (noise(a * 0.4, b * 0.4, 1.0) - 0.5) * s.fine(s.scale)
    dry = (3 * (noise(s.u * 0.11 + 7 * s.salt, s.v * 0.11, 1.2) - 0.55)).clamp(0, 1)
    mown = 0.06 * torch.sign(torch.sin(s.u * 4)) * (random(s.key, s.key + 1) > 0.8)
    hay = s.rgb.mean(1, keepdim=True) * constant((1.6, 1.25, 0.5), s.u)
    colour = s.two(0.5 + 1.4 * blades + 0.6 * tuft, 1 + 1.3 * blades + 0.7 * tuft + mown)
    return torch.lerp(colour, hay, 0.6 * dry[:, None])


def leaves(s: Spot) -> Tensor:
    """Leaves at most 15 cm long, in clumps one period wide, dark gaps between both."""
    size = s.scale.clamp(max=0.15)
    a, b, _ = s.spun()
    border, own = cells(a * s.scale / size, b * s.scale / size * 1.5)
    _, clump = cells(a + 0.35 * noise(a * 2, b * 2), b + 0.35 * noise(a * 2 + 7, b * 2))
    wide, seen = noise(a * 0.2, b * 0.2) - 0.5, s.fine(size)
    gap = ((own < 0.22) * 1.0 + 0.6 * (1 - border * 6).clamp(0, 1)).clamp(max=1) * seen
    tint = 1 + 0.7 * (own - 0.5) * seen + 0.5 * (clump - 0.5) * s.fine(s.scale) + 0.6 * wide
    colour = s.two(0.5 + 0.8 * (own - 0.5) * seen + 0.4 * (clump - 0.5), tint * (1 - 0.65 * gap))
    hue = constant((0.5, 0.15, -0.2), a) * (own - 0.5)[:, None] * seen[:, None]
    return colour * (1 + hue)


def speckle(s: Spot) -> Tensor:
    a, b, _ = s.spun()
    dots = (noise(a, b, 0.7) - 0.5) * s.fine(s.scale * 0.06)
    hue = constant((0.25, 0.0, -0.15), a) * (noise(a * 0.07, b * 0.07) - 0.5)[:, None]
    return s.two(0.5 + 1.6 * dots, 1 + 0.5 * (noise(a * 0.06, b * 0.06) - 0.5)) * (1 + hue)


def water(s: Spot) -> Tensor:
    a, b, _ = s.spun()
    return s.two(
        noise(a * 0.5 + 0.3 * noise(a, b), b, 1.2), 1 + 0.3 * (noise(a * 2, b * 3, 1.0) - 0.5) * s.fine(s.scale * 0.1)
    )


def corrugated(s: Spot) -> Tensor:
    a, _, _ = s.grid()
    wave = torch.sin(a * 6.283) * s.fine(s.scale * 0.6)
    streak = noise(s.u * 1.2 + 5 * s.salt, s.v * 0.1) - 0.5
    return s.two(0.5 + 0.5 * streak, 1 + 0.4 * wave + 0.3 * streak)


def slats(s: Spot) -> Tensor:
    """Soft folds or round slats, upright."""
    a, b, _ = s.grid()
    wave = 0.5 * torch.cos((a + 0.2 * noise(a * 0.3, b * 0.2)) * 6.283) * s.fine(s.scale * 0.6)
    return s.two(0.5 - wave, 1 + 0.1 * (noise(a, b) - 0.5))


def metal(s: Spot) -> Tensor:
    """Brushed along u."""
    a, b, _ = s.grid()
    brushed = (noise(a * 0.3, b * 20, 0.8) - 0.5) * s.fine(0.01)
    return s.two(0.5 + 0.5 * brushed + 0.6 * (noise(a * 0.6, b * 0.6) - 0.5), 1 + 0.2 * brushed)


def rust(s: Spot) -> Tensor:
    """Paint that rust has eaten here and there."""
    a, b, _ = s.spun()
    eaten = ((noise(a * 0.6, b * 0.6, 1.2) - 0.55) * 6).clamp(0, 1)
    brown = constant((0.22, 0.07, 0.025), a) * (0.5 + noise(a * 2, b * 2, 1.0))[:, None]
    return torch.lerp(s.two(noise(a, b)), brown, 0.85 * eaten[:, None])


def clouded(s: Spot) -> Tensor:
    """The texture "noise"."""
    a, b, _ = s.spun()
    dots = (noise(a * 3, b * 3, 0.8) - 0.5) * s.fine(s.scale * 0.03)
    return s.two(noise(a * 0.5, b * 0.5), 1 + 0.25 * dots)


def blobs(s: Spot) -> Tensor:
    a, b, _ = s.grid()
    return s.two(2.5 * (noise(a * 0.7, b * 0.7) - 0.3), 1 + 0.4 * (noise(a * 2, b * 2) - 0.5))


def plain(s: Spot) -> Tensor:
    return s.two(0.6 * noise(s.u * 0.7 + 9 * s.salt, s.v * 0.7 + 5 * s.salt))


def mirror(s: Spot) -> Tensor:
    return s.two(0.1 * noise(s.u + 5 * s.salt, s.v))
