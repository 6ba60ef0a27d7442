"""Cloth, paper, pictures, screens, books and facades: textures with a design, `Spot` -> linear RGB (N, 3)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from .noise import band, cells, noise, random, randoms, within
from .spot import Spot, hue
from .surfaces import bricks
from .vectors import constant

# --- cloth and paper ---------------------------------------------------------------------------------


def carpet(s: Spot) -> Tensor:
    a, b, _ = s.spun()
    pile = (noise(a * 0.8, b * 0.8, 0.3) - 0.5) * s.fine(s.scale * 0.4)
    brushed = noise(s.u * 0.4 + 5 * s.salt, s.v * 0.4, 1.3) - 0.5
    return s.two(0.5 + pile, 1 + 0.5 * pile + 0.25 * brushed)


def weave(s: Spot) -> Tensor:
    a, b, blur = s.grid()
    over = ((a.floor() + b.floor()).long() & 1).float() - 0.5
    seen = s.fine(s.scale)
    folds = noise(s.u * 0.8 + 9 * s.salt, s.v * 0.5, 1.5) - 0.5
    yarn = random(torch.where(over > 0, a.floor(), b.floor()), s.key) - 0.5
    return s.two(0.5 + over * seen, 1 + 0.2 * yarn * seen + 0.3 * folds + 0.12 * band(a, 0.5, blur) - 0.06)


def leather(s: Spot) -> Tensor:
    a, b, _ = s.spun()
    border, own = cells(a, b)
    crease = (1 - border * 5).clamp(0, 1) * s.fine(s.scale * 0.7)
    worn = noise(s.u * 0.9 + 5 * s.salt, s.v * 0.9, 1.4) - 0.4
    return s.two(0.4 * own + worn, 1 - 0.35 * crease + 0.3 * worn)


def stripes(s: Spot) -> Tensor:
    a, b, blur = s.grid()
    double = (random(s.key, s.key + 4) > 0.5).float()
    line = torch.maximum(band(a, 0.5, blur), double * band(a + 0.3, 0.07, blur))
    return s.two(line, 1 + 0.1 * (noise(a, b) - 0.5))


def checker(s: Spot) -> Tensor:
    a, b, blur = s.grid()
    one, two = band(a / 2, 0.5, blur / 2), band(b / 2, 0.5, blur / 2)
    own = random(a.floor(), b.floor(), s.key) - 0.5
    return s.two(one + two - 2 * one * two, 1 + 0.15 * own * s.fine(s.scale) + 0.1 * (noise(a, b) - 0.5))


def plaid(s: Spot) -> Tensor:
    a, b, blur = s.grid()
    lines = [0.5 * band(x, 0.45, blur) + 0.4 * band(x + 0.3, 0.08, blur) for x in (a, b)]
    thin = band(a * 2 + 0.1, 0.06, blur * 2) + band(b * 2 + 0.1, 0.06, blur * 2)
    return torch.lerp(s.two(lines[0] + lines[1]), hue(s.salt, s.key), (0.4 * thin).clamp(0, 1)[:, None])


def floral(s: Spot) -> Tensor:
    """Wallpaper and cloth: flowers on a shifted grid, leaves between them."""
    a, b, blur = s.grid()
    row = b.floor()
    x = a + 0.5 * (row.long() & 1)
    x, y = x - x.floor() - 0.5, b - row - 0.5
    radius, angle = torch.hypot(x, y), torch.atan2(y, x)
    petals = 5 + 3 * (random(s.key, s.key + 2) > 0.5).float()
    flower = ((0.22 + 0.1 * torch.cos(petals * angle) - radius) / (0.03 + blur)).clamp(0, 1)
    heart = ((0.07 - radius) / (0.02 + blur)).clamp(0, 1)
    stem = ((0.05 - (y + 0.25 * torch.sin(x * 6.283)).abs()) / (0.03 + blur)).clamp(0, 1) * (1 - flower)
    fade = s.fine(s.scale * 0.3)
    colour = s.two(flower * fade + 0.3 * (1 - fade) + 0.5 * stem * fade)
    return torch.lerp(colour, hue(s.salt, s.key), (heart * fade)[:, None])


def dots(s: Spot) -> Tensor:
    a, b, blur = s.grid()
    x = a + 0.5 * (b.floor().long() & 1)
    radius = torch.hypot(x - x.floor() - 0.5, b - b.floor() - 0.5)
    sharp = (0.5 + (0.27 - radius) / blur.clamp(min=1e-3)).clamp(0, 1)
    return s.two(torch.lerp(torch.full_like(sharp, 0.23), sharp, s.fine(s.scale * 0.6)))


def _letters(a: Tensor, b: Tensor, line: Tensor, pixel: Tensor, key: Tensor) -> Tensor:
    """(N,) ink of lines of words; a, b in metres, line: height of a line in metres."""
    row = (b / line).floor()
    word, letter = (a / line / 2.2 + 3 * random(row, key)).floor(), (a / line * 2.2).floor()
    ink = (random(word, row, key) > 0.18) * (0.45 + 0.55 * random(letter, row, key + 1))
    rows = band(b / line, 0.55, pixel / line) * (random(row, key + 2) > 0.12)
    return 0.85 * rows * torch.lerp(torch.full_like(rows, 0.55), ink, (1.5 - pixel / line * 3).clamp(0, 1))


def text(s: Spot) -> Tensor:
    a, b, blur = s.face()
    page = within(a, 0.09, 0.91, blur) * within(b, 0.08, 0.92, blur)
    title = within(b, 0.78, 0.9, blur) * within(a - 0.4 * s.salt, -0.3, 0.45, blur) * (a > 0.1)
    ink = _letters(s.u, s.v, s.tall / 24, s.pixel, s.key) * page * (b < 0.74)
    return s.two(torch.maximum(ink, title))


def _scene(a: Tensor, b: Tensor, blur: Tensor, key: Tensor) -> Tensor:
    """(N, 3): something like a photograph: sky, hills, a few bright shapes, over a, b in 0..1."""
    hill = 0.3 + 0.35 * random(key, key + 1) + 0.25 * (noise(a * 0.4 + key % 13, a * 0.1 + key % 7) - 0.5)
    sky = hue(0.15 * b, key) * 0.6 + 0.4
    land = hue(0.4 + 0.3 * noise(a * 0.7 + key % 11, b * 0.7, 1.2), key) * 0.6
    colour = torch.lerp(sky, land, (0.5 + (hill - b) / blur.clamp(min=1e-4)).clamp(0, 1)[:, None])
    for i in (3.0, 4.0, 5.0):
        x, y, size, kind = randoms(key, i, i + 9, i + 5, i + 7).unbind(1)
        y, size = 0.8 * y, 0.05 + 0.2 * size
        square = torch.maximum((a - x).abs(), (b - y).abs() * 0.6)
        shape = torch.where(kind > 0.5, torch.hypot(a - x, b - y), square)
        colour = torch.lerp(colour, hue(a * 0 + 0.3 * i, key), ((size - shape) / (0.01 + blur)).clamp(0, 1)[:, None])
    return colour


def photo(s: Spot) -> Tensor:
    """A painting or photograph in which the named colour leads."""
    a, b, blur = s.face()
    lead = noise(a * 0.5 + 9 * s.salt, b * 0.5 + 4 * s.salt)
    return torch.lerp(
        s.two(1.6 * noise(a + 3 * s.salt, b) - 0.4), _scene(a, b, blur, s.key), (lead[:, None] > 0.48) * 0.75
    )


def poster(s: Spot) -> Tensor:
    """Blocks of plain colour, letters and pictures."""
    a, b, blur = s.face()
    columns, rows = 1 + (3 * random(s.key, s.key + 1)).floor(), 2 + (4 * random(s.key, s.key + 2)).floor()
    x, y = a * columns, b * rows
    own = random(x.floor(), y.floor(), s.key)
    key = s.key + (own * 1000).floor()
    line = s.tall / rows * (0.14 + 0.25 * own)
    ink = _letters(s.u, s.v, line, s.pixel, key)
    words = torch.lerp(s.rgb, torch.where(s.rgb.mean(1, keepdim=True) > 0.3, 0.04, 0.85).expand_as(s.rgb), ink[:, None])
    block = torch.where((own < 0.45)[:, None], words, s.two(own))
    picture = _scene(x - x.floor(), y - y.floor(), blur * rows, key)
    block = torch.where((own > 0.6)[:, None], picture, block)
    margin = within(a, 0.04, 0.96, blur) * within(b, 0.04, 0.96, blur)
    inner = torch.minimum(x - x.floor(), y - y.floor()) > 0.06
    return torch.lerp(s.rgb, block, (margin * inner)[:, None])


def screen(s: Spot) -> Tensor:
    """A desktop with windows and a bar, or a film."""
    a, b, blur = s.face()
    colour = _scene(a, b, blur, s.key)
    for i in (1.0, 2.0):
        dark, y, w, h = randoms(s.key, i, i + 3, i + 6, i + 4).unbind(1)
        x, y, w, h = 0.5 * dark, 0.1 + 0.4 * y, 0.3 + 0.3 * w, 0.35 + 0.2 * h
        inside = ((a > x) & (a < x + w) & (b > y) & (b < y + h)).float()
        ink = _letters(s.u, s.v, s.tall / 30, s.pixel, s.key + i)
        sheet = torch.where(dark > 0.3, 0.9, 0.06).to(a.dtype)
        page = torch.lerp(sheet, 0.45 + 0 * sheet, ink)[:, None] * torch.ones_like(colour)
        page = torch.where((b > y + h - 0.05)[:, None], hue(s.salt, s.key) * 0.7, page)
        colour = torch.lerp(colour, page, (inside * (random(s.key, s.key) > 0.35))[:, None])
    bar = (b < 0.045).float()[:, None]
    return torch.lerp(colour, 0.12 + 0.1 * s.rgb, bar)


def books(s: Spot) -> Tensor:
    """Spines of different width, height and colour, with labels."""
    a, _, blur = s.grid()
    warped = a + 0.35 * noise(a.floor() * 0.31, s.salt)
    book = warped.floor()
    own = random(book, s.key)
    colour = torch.lerp(hue(own, s.key + book), s.two(own), 0.35) * (0.3 + 0.9 * random(book, s.key + 3))[:, None]
    level = s.v / s.tall
    label = within(level, 0.55, 0.75, s.pixel / s.tall) * (random(book, s.key + 5) > 0.5) * s.fine(s.scale)
    colour = torch.lerp(colour, torch.full_like(colour, 0.7), (0.8 * label)[:, None])
    gap = torch.maximum(band(warped, 0.1, blur), (level > 0.78 + 0.22 * own).float())
    return colour * (1 - 0.85 * gap)[:, None]


def facade(s: Spot) -> Tensor:
    """A wall of plaster, brick or panels with rows of windows in frames, some with curtains."""
    pane, frame, own = panes(s)
    kind = random(s.key, s.key + 5)
    brick = bricks(replace(s, scale=torch.full_like(s.u, 0.25), rgb2=s.rgb * 0.7 + 0.08))
    seam = torch.maximum(band(s.v / 3 + 0.02, 0.02, s.pixel / 3), band(s.u / s.scale, 0.012, s.pixel / s.scale))
    stain = noise(s.u * 0.3 + 9 * s.salt, s.v * 0.05) - 0.5
    plain = s.rgb * (1 + 0.25 * stain - 0.3 * seam * (kind > 0.7))[:, None]
    wall = torch.where((kind < 0.35)[:, None], brick, plain)
    curtain = (0.1 + 0.5 * random(own * 997, s.key))[:, None] * constant((1.0, 0.95, 0.85), s.u)
    glass = torch.where(((own * 7) % 1 > 0.55)[:, None], curtain, s.rgb2)
    pale = (0.25 + 0.6 * (random(s.key, s.key + 8) > 0.4).float())[:, None]
    return torch.lerp(torch.lerp(wall, pale.expand_as(wall), frame[:, None]), glass, pane[:, None])


def panes(s: Spot) -> tuple[Tensor, Tensor, Tensor]:
    """Of a facade: how much of the spot is glass, how much frame (N,), and the window's own number in 0..1."""
    bay, floor = s.u / s.scale + 0.37 * (s.salt * 31 % 1), s.v / 3.0
    blur = s.pixel / s.scale
    x, y = bay - bay.floor(), floor - floor.floor()
    wide = 0.2 + 0.14 * random(s.key, s.key + 3)
    dx, dy = wide - (x - 0.5).abs(), 0.27 - (y - 0.55).abs()
    hole = (0.5 + torch.minimum(dx / blur.clamp(min=1e-3), dy * 3 / s.pixel.clamp(min=3e-3))).clamp(0, 1) * s.upright
    bars = torch.maximum((dx < 0.035).float(), torch.maximum(((x - 0.5).abs() < 0.014).float(), (dy < 0.03).float()))
    own = random(bay.floor(), floor.floor(), s.key)
    return hole * (1 - bars), hole * bars, own
