"""How much light reaches a point: from each lamp, panel, sun or shaft, with soft shadows, and from all around."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..layout import Primitives, Scene
from ..things import KINDS
from .batch import Batch, Rows, per, pick
from .light import Light, Look
from .met import Surface
from .tracer import Tracer
from .vectors import dot, length, unit

SHADOWED = 3
"""Lights of a picture whose shadows are traced: the ones that add most to it."""
FAR_AWAY = 300.0  # metres to which the sun's rays are followed
_THROUGH = [KINDS.index(k) for k in ("floor", "ceiling", "ground", "road", "pavement", "grass", "window")]


def casts_shadow(primitives: Primitives) -> np.ndarray:
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
    number: Tensor  # (B,) of the light in its scene
    openings: Tensor  # (B, W, 4, 3) of shafts: centre, its normal, right and up, divided by their squared lengths


class Lights:
    """The lights of B pictures, S seats in a row for each of them: first suns, then lamps, then panels, then shafts.

    So all lights of one seat are of one kind; pictures that have fewer of a kind leave some of its seats empty.
    """

    def __init__(self, looks: list[Look], device):
        names = [[light.kind for light in look.lights] for look in looks]
        most = {kind: max(own.count(kind) for own in names) for kind in ("sun", "lamp", "panel", "shaft")}
        self.kinds = [kind for kind, count in most.items() for _ in range(count)]  # (S,)
        self.seats = [[self.kinds.index(kind) + own[:i].count(kind) for i, kind in enumerate(own)] for own in names]
        holes = max((len(light.openings) for look in looks for light in look.lights), default=0)
        self.there = np.zeros((len(looks), len(self.kinds)), bool)  # (B, S) whether the picture has such a light
        shapes = ((3,), (3,), (2, 3), (3,), (), (), (holes, 4, 3))  # those of the columns of `Shining`
        tables = [np.zeros((*self.there.shape, *shape), np.float32) for shape in shapes]
        for row, look in enumerate(looks):
            for number, (seat, light) in enumerate(zip(self.seats[row], look.lights, strict=True)):
                self.there[row, seat] = True
                facing = (light.normal, light.area) if light.kind == "panel" else (0.0, 0.0)
                for table, value in zip(tables, (light.at, light.rgb, light.across, *facing, number), strict=False):
                    table[row, seat] = value
                tables[6][row, seat, : len(light.openings)] = _holes(light)
        self._tables = [torch.from_numpy(table).to(device) for table in tables]
        self._each = torch.arange(len(looks), device=device)

    @property
    def rgb(self) -> Tensor:
        """(B, S, 3)."""
        return self._tables[1]

    def of(self, seat: int | Tensor) -> Shining:
        """A light of every picture; seat: the same for all, or (B,)."""
        if isinstance(seat, int):
            return Shining(*(table[:, seat] for table in self._tables))
        return Shining(*(table[self._each, seat] for table in self._tables))

    def each(self, rows: Rows) -> Iterator[tuple[int, str, Tensor | slice, Shining]]:
        """(seat, kind, the rows of the pictures that have a light there, these lights), one seat after the other."""
        for seat, kind in enumerate(self.kinds):
            yield seat, kind, rows.of(self.there[:, seat]), self.of(seat)


def _holes(light: Light) -> np.ndarray:
    """(n, 4, 3): see `Shining.openings`."""
    centre, right, up = light.openings.transpose(1, 0, 2)
    right2, up2 = ((side * side).sum(1, keepdims=True) for side in (right, up))
    return np.stack([centre, np.cross(right, up), right / right2, up / up2], 1)


def light_at(kind: str, light: Shining, picture: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """From points (N, 3): the direction of a light (N, 3), and what white paper that faces it shows of its rgb (N,).

    picture (N,): whose light.
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


def way_to(
    kind: str, light: Shining, picture: Tensor, place: Tensor, slot: Tensor, turn: Tensor
) -> tuple[Tensor, Tensor]:
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
    """Light that comes straight: of the light at seat s, row n shows `shares[s, n] * visible[s, n]` of its rgb."""

    shares: Tensor  # (S, N) by position and tilt
    seat: Tensor  # (V, N) of the lights of the row's picture whose visibility varies over it, -1 where there are fewer
    level: Tensor  # (V, N) their visibility, not smoothed yet

    def visible(self, level: Tensor) -> Tensor:
        """(S, N): that of all lights, with the smoothed `level` of those that vary."""
        visible = torch.full_like(self.shares, 0.55)
        for seat, own in zip(self.seat, level, strict=True):
            line = seat.clamp(min=0)[None]
            visible.scatter_(0, line, torch.where(seat >= 0, own, visible.gather(0, line)))
        return visible


def direct(batch: Batch, lights: Lights, tracer: Tracer, found: Surface, slot: Tensor, order: Tensor) -> Direct:
    """How much of every light N points get straight from it, in the shadow of what stands between.

    Shadows are traced for the lights that add most to a picture, to one place of the light, slot (N,), see
    `screen.slots`. order (M,): the points from which they are, neighbours close together; the others take over
    what their neighbours get when it is smoothed.
    """
    rows, device = found.rows, found.place.device
    shares = torch.zeros(len(lights.kinds), len(found.place), device=device)
    for seat, kind, at, light in lights.each(rows):
        direction, share = light_at(kind, light, pick(rows.picture, at), pick(found.place, at))
        share = facing_share(direction, share, pick(found.shading, at))
        shares[seat, at] = share * (dot(direction, pick(found.normal, at)) > 0)
    means = torch.stack([own.mean(1) for own in shares.split(rows.counts.tolist(), 1)], 1).nan_to_num()  # (S, B)
    start = found.place + found.normal * (0.003 + 4e-4 * found.distance[:, None])
    seats, levels = [], []
    for seat, traced in _varying(batch.scenes, lights, means.cpu().numpy()):
        kinds = np.where(seat >= 0, np.array(lights.kinds)[seat], "")
        known = torch.from_numpy(np.stack([seat, traced, kinds != "shaft"])).to(device)
        line = known[0].clamp(min=0)
        light = lights.of(line)
        turn = batch.looks.pattern(991) / 991 + 0.618 * light.number
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
                given = (found.place.index_select(0, where), slot.index_select(0, where), per(turn, whose))
                way[at], sends[at] = way_to(kind, light, whose, *given)
            if "shaft" in kinds:  # sends its light to some seats only, and may add too little to be traced
                level.index_copy_(0, index, sends.float())
                followed = (sends & (per(known[1], part.picture) > 0)).nonzero()[:, 0]
                index, way, part = index.index_select(0, followed), way.index_select(0, followed), part.at(followed)
            blocked = tracer.blocked(start.index_select(0, index), way, part)
            level.index_copy_(0, index, 1.0 - blocked.float())
        seats.append(own)
        levels.append(level)
    if not seats:
        return Direct(shares, shares[:0].long(), shares[:0])
    return Direct(shares, torch.stack(seats), torch.stack(levels))


def _varying(scenes: list[Scene], lights: Lights, means: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """One light of every picture after the other whose visibility varies: (seats (B,), -1 for none; traced (B,)).

    means (S, B): what white paper shows of each light, as a factor of its rgb, in the mean over the picture.
    """
    found, traced = [], []
    for scene, seats, mean in zip(scenes, lights.seats, means.T, strict=True):
        adds = {seat: mean[seat] * light.rgb.mean() for seat, light in zip(seats, scene.look.lights, strict=True)}
        least = 0.05 * sum(adds.values())
        some = [seat for seat in sorted(adds, key=lambda seat: -adds[seat])[:SHADOWED] if adds[seat] >= least]
        some = some if casts_shadow(scene.primitives).any() else []
        found.append([seat for seat in seats if seat in some or lights.kinds[seat] == "shaft"])
        traced.append([seat in some for seat in found[-1]])
    most = max(len(seats) for seats in found)
    columns = np.array([seats + [-1] * (most - len(seats)) for seats in found]).reshape(len(scenes), most)
    follow = np.array([row + [False] * (most - len(row)) for row in traced]).reshape(len(scenes), most)
    return list(zip(columns.T, follow.T, strict=True))


def around(batch: Batch, rows: Rows, place: Tensor, normal: Tensor) -> Tensor:
    """Light from all sides (N, 3): of the sky and the ground, or of the room's walls, darker towards corners."""
    cube = batch.looks["ambient"]
    light = rows.times(normal.clamp(max=0).square(), cube[:, ::2])
    light = light + rows.times(normal.clamp(min=0).square(), cube[:, 1::2])
    if not batch.indoor_host.any():
        return light
    at = rows.of(batch.indoor_host)
    own, turned = pick(place, at), pick(normal, at)
    gap = torch.cat([own, per(batch.room, pick(rows.picture, at)) - own], 1).clamp_(min=0)
    away = 1 - torch.cat([turned, -turned], 1).clamp_(min=0)
    dark = away.mul_(gap.div_(-0.35).exp_()).mul_(-0.3).add_(1)
    dark = dark[:, :3] * dark[:, 3:]
    light[at] = pick(light, at) * (dark[:, 0] * dark[:, 1] * dark[:, 2])[:, None]
    return light
