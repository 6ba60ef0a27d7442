"""How much light reaches a point: from each lamp, panel, sun or shaft, with soft shadows, and from all around."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..things import KINDS
from .batch import Rows, per, pick
from .light import Light, Look
from .vectors import dot, length, unit

SHADOWED = 3
"""Lights of a picture whose shadows are traced: the ones that add most to it."""
FAR_AWAY = 300.0  # metres to which the sun's rays are followed
_THROUGH = [KINDS.index(k) for k in ("floor", "ceiling", "ground", "road", "pavement", "grass", "window")]


def casts_shadow(primitives) -> np.ndarray:
    """(P,) bool: all but floors, ceilings and the ground, panes, and what shines itself."""
    return ~np.isin(primitives.kind, _THROUGH) & (primitives.glow == 0)


@dataclass
class Shining:
    """One light of every picture, as in `Light`; (B, ...), zeros where a picture has none."""

    at: Tensor  # (B, 3)
    rgb: Tensor  # (B, 3)
    across: Tensor  # (B, 2, 3)
    normal: Tensor  # (B, 3)
    area: Tensor  # (B,)
    openings: Tensor  # (B, W, 4, 3) of shafts: centre, its normal, right and up, divided by their squared lengths


class Lights:
    """The lights of B pictures."""

    def __init__(self, looks: list[Look], device):
        most = max(len(look.lights) for look in looks)
        holes = max((len(light.openings) for look in looks for light in look.lights), default=0)
        self.kind = np.full((len(looks), most), "", dtype="U5")  # (B, L)
        self.count = most
        shapes = ((3,), (3,), (2, 3), (3,), (), (holes, 4, 3))  # those of the columns of `Shining`
        tables = [np.zeros((len(looks), most, *shape), np.float32) for shape in shapes]
        for row, look in enumerate(looks):
            for i, light in enumerate(look.lights):
                self.kind[row, i] = light.kind
                facing = (light.normal, light.area) if light.kind == "panel" else (0.0, 0.0)
                known = (light.at, light.rgb, light.across, *facing)
                for table, value in zip(tables, known, strict=False):
                    table[row, i] = value
                tables[5][row, i, : len(light.openings)] = _holes(light)
        self._tables = [torch.from_numpy(table).to(device) for table in tables]
        self._each = torch.arange(len(looks), device=device)

    @property
    def rgb(self) -> Tensor:
        """(B, L, 3)."""
        return self._tables[1]

    def of(self, number: int | Tensor) -> Shining:
        """This light of every picture; number: the same for all, or (B,)."""
        if isinstance(number, int):
            return Shining(*(table[:, number] for table in self._tables))
        return Shining(*(table[self._each, number] for table in self._tables))

    def each(self, rows: Rows) -> Iterator[tuple[int, str, Tensor | slice, Shining]]:
        """(number, kind, the rows of the pictures where that number is of that kind, these lights), all in turn."""
        for number in range(self.count):
            for kind in sorted(set(self.kind[:, number]) - {""}):
                yield number, kind, rows.of(self.kind[:, number] == kind), self.of(number)


def _holes(light: Light) -> np.ndarray:
    """(n, 4, 3): see `Shining.openings`."""
    centre, right, up = light.openings.transpose(1, 0, 2)
    right2, up2 = ((side * side).sum(1, keepdims=True) for side in (right, up))
    return np.stack([centre, np.cross(right, up), right / right2, up / up2], 1)


def light_at(kind: str, light: Shining, picture: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """From points (N, 3): the direction of the light (N, 3) and what white paper facing it shows (N,), as a factor

    of its rgb. picture (N,): whose light.
    """
    at = per(light.at, picture)
    if kind == "panel":
        middle, area = at - place, per(light.area, picture)
        d2 = dot(middle, middle)
        leaving = -dot(middle, per(light.normal, picture)) / d2.sqrt().clamp(min=1e-6)
        return middle, area * leaving.clamp(min=0) / (torch.pi * d2 + area)
    if kind == "lamp":
        middle = at - place
        return middle, 1 / (dot(middle, middle) + 0.05)
    return at, torch.ones_like(place[:, 0])


def way_to(kind: str, light: Shining, picture: Tensor, place: Tensor, slot: Tensor, turn: Tensor):
    """From points (N, 3): the way to one of 16 places on the light (N, 3), and whether that place sends any (N,).

    picture (N,): whose light; slot (N,): which place; turn (N,): moves all of them a little.
    """
    moved = torch.stack([turn % 1, turn * 7 % 1], 1)
    s = (torch.stack([slot % 4, slot // 4], 1) + moved) / 2 - 1
    at, whole = per(light.at, picture), torch.ones_like(place[:, 0]).bool()
    right, up = per(light.across, picture).unbind(1)
    if kind == "panel":
        return at - place + s[:, :1] * right + s[:, 1:] * up, whole
    radius, angle = ((s[:, :1] + 1) / 2).clamp(0, 1).sqrt(), torch.pi * s[:, 1:] + 0.9 * (slot % 4)[:, None]
    s = torch.cat([radius * angle.cos(), radius * angle.sin()], 1)  # the square on the disc
    if kind == "lamp":
        return at - place + torch.cat([s, -(s[:, :1] + s[:, 1:]) * 0.5], 1) * length(right)[:, None], whole
    way = unit(at + s[:, :1] * right + s[:, 1:] * up)
    if kind == "sun":
        return way * FAR_AWAY, whole
    enters, reach = ~whole, torch.ones_like(place[:, 0])
    for hole in light.openings.unbind(1):
        centre, inward, right, up = per(hole, picture).unbind(1)
        falling = dot(way, inward)
        falling = torch.where(falling.abs() < 1e-9, -1e-9, falling)
        t = dot(centre - place, inward) / falling
        off = place + t[:, None] * way - centre
        a, b, frame = dot(off, right).abs(), dot(off, up).abs(), 0.04 * length(right)
        glass = (a < 1 - frame) & (b < 0.96) & (a > 0.75 * frame) & (t > 0) & (falling < 0)
        enters, reach = enters | glass, torch.where(glass, t, reach)
    return way * (reach * 0.98)[:, None], enters


def facing_share(direction: Tensor, share: Tensor, normal: Tensor) -> Tensor:
    """(N,): what white paper of this normal shows, of what it shows when it faces the light."""
    return share * dot(direction, normal).clamp(min=0) / length(direction).clamp(min=1e-6)


@dataclass
class Direct:
    """Light that comes straight: of light l of its picture, row n shows `shares[l, n] * visible[l, n]` of its rgb."""

    shares: Tensor  # (L, N) by position and tilt
    number: Tensor  # (V, N) the lights of the row's picture whose visibility varies over it, -1 where there are fewer
    level: Tensor  # (V, N) their visibility, not smoothed yet

    def visible(self, level: Tensor) -> Tensor:
        """(L, N): that of all lights, with the smoothed `level` of those that vary."""
        visible = torch.full_like(self.shares, 0.55)
        for number, own in zip(self.number, level, strict=True):
            line = number.clamp(min=0)[None]
            visible.scatter_(0, line, torch.where(number >= 0, own, visible.gather(0, line)))
        return visible


def direct(batch, lights: Lights, tracer, found, slot: Tensor, order: Tensor) -> Direct:
    """found: N surface points, see `met.Surface`; slot (N,): see `screen.slots`; order: indices of the points whose

    shadows are traced, neighbours close together.
    """
    place, rows, device = found.place, found.rows, found.place.device
    shares = torch.zeros(lights.count, len(place), device=device)
    for number, kind, at, light in lights.each(rows):
        direction, share = light_at(kind, light, pick(rows.picture, at), pick(place, at))
        share = facing_share(direction, share, pick(found.shading, at))
        shares[number, at] = share * (dot(direction, pick(found.normal, at)) > 0)
    means = torch.stack([own.mean(1) for own in shares.split(rows.counts.tolist(), 1)], 1).nan_to_num()  # (L, B)
    start = place + found.normal * (0.003 + 4e-4 * found.distance[:, None])
    numbers, levels = [], []
    for number, traced in _varying(batch.scenes, means.cpu().numpy()):
        kinds = np.where(number >= 0, lights.kind[np.arange(batch.size), number], "")
        known = torch.from_numpy(np.stack([number, traced, kinds != "shaft"])).to(device)
        line = known[0].clamp(min=0)
        light, turn = lights.of(line), batch.looks.pattern(991) / 991 + 0.618 * line
        own = per(known[0], rows.picture)
        share = shares.gather(0, own.clamp(min=0)[None])[0]
        enough = (share > per(0.04 * means.gather(0, line[None])[0], rows.picture)) & (own >= 0)
        index = order[enough.index_select(0, order)]
        level = per(known[2].float(), rows.picture).clone()
        if len(index):
            part = rows.at(index)
            way, sends = torch.empty(len(index), 3, device=device), torch.ones_like(index, dtype=torch.bool)
            for kind in sorted(set(kinds) - {""}):
                at = part.of(kinds == kind)
                whose, where = pick(part.picture, at), pick(index, at)
                given = (place.index_select(0, where), slot.index_select(0, where), per(turn, whose))
                way[at], sends[at] = way_to(kind, light, whose, *given)
            if "shaft" in kinds:  # sends its light to some places only, and may add too little to be traced
                level.index_copy_(0, index, sends.float())
                followed = (sends & (per(known[1], part.picture) > 0)).nonzero()[:, 0]
                index, way, part = index.index_select(0, followed), way.index_select(0, followed), part.at(followed)
            blocked = tracer.blocked(start.index_select(0, index), way, part)
            level.index_copy_(0, index, 1.0 - blocked.float())
        numbers.append(own)
        levels.append(level)
    if not numbers:
        return Direct(shares, shares.new_zeros(0, len(place), dtype=torch.long), shares.new_zeros(0, len(place)))
    return Direct(shares, torch.stack(numbers), torch.stack(levels))


def _varying(scenes: list, means: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """One light of every picture after the other whose visibility varies: (numbers (B,), -1 for none; traced (B,)).

    means (L, B): what white paper shows of each light, as a factor of its rgb, in the mean over the picture.
    """
    found, traced = [], []
    for scene, mean in zip(scenes, means.T, strict=True):
        lights = scene.look.lights
        adds = [float(mean[i] * light.rgb.mean()) for i, light in enumerate(lights)]
        some = [i for i in sorted(range(len(lights)), key=lambda i: -adds[i])[:SHADOWED] if adds[i] >= 0.05 * sum(adds)]
        some = some if casts_shadow(scene.primitives).any() else []
        found.append([i for i, light in enumerate(lights) if i in some or light.kind == "shaft"])
        traced.append([i in some for i in found[-1]])
    most = max(len(numbers) for numbers in found)
    columns = np.array([numbers + [-1] * (most - len(numbers)) for numbers in found]).reshape(len(scenes), most)
    follow = np.array([row + [False] * (most - len(row)) for row in traced]).reshape(len(scenes), most)
    return list(zip(columns.T, follow.T, strict=True))


def around(batch, rows: Rows, place: Tensor, normal: Tensor) -> Tensor:
    """Light from all sides (N, 3): of the sky and the ground, or of the room's walls, darker towards corners."""
    cube = batch.looks["ambient"]
    light = rows.times(normal.clamp(max=0).square(), cube[:, ::2])
    light = light + rows.times(normal.clamp(min=0).square(), cube[:, 1::2])
    if not batch.inside.any():
        return light
    at = rows.of(batch.inside)
    own, turned = pick(place, at), pick(normal, at)
    gap = torch.cat([own, per(batch.room, pick(rows.picture, at)) - own], 1).clamp_(min=0)
    away = 1 - torch.cat([turned, -turned], 1).clamp_(min=0)
    dark = away.mul_(gap.div_(-0.35).exp_()).mul_(-0.3).add_(1)
    dark = dark[:, :3] * dark[:, 3:]
    light[at] = pick(light, at) * (dark[:, 0] * dark[:, 1] * dark[:, 2])[:, None]
    return light
