"""How much light reaches a point: from each lamp, panel, sun or shaft, with soft shadows, and from all around."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..things import KINDS
from .light import Light
from .looks import tensor
from .vectors import dot, length, unit

SHADOWED = 3
"""Lights whose shadows are traced: the ones that add most to the picture."""
FAR_AWAY = 300.0  # metres to which the sun's rays are followed
_THROUGH = [KINDS.index(k) for k in ("floor", "ceiling", "ground", "road", "pavement", "grass", "window")]


def casts_shadow(primitives) -> np.ndarray:
    """(P,) bool: all but floors, ceilings and the ground, panes, and what shines itself."""
    return ~np.isin(primitives.kind, _THROUGH) & (primitives.glow == 0)


def light_at(light: Light, place: Tensor) -> tuple[Tensor, Tensor]:
    """From points (N, 3): the direction of the light (N, 3) and what white paper facing it shows (N,), as a factor

    of its rgb.
    """
    at, whole = tensor(light.at, place), torch.ones_like(place[:, 0])
    if light.kind == "panel":
        middle = at - place
        d2 = dot(middle, middle)
        leaving = -(middle @ tensor(light.normal, place)) / d2.sqrt().clamp(min=1e-6)
        return middle, light.area * leaving.clamp(min=0) / (torch.pi * d2 + light.area)
    if light.kind == "lamp":
        middle = at - place
        return middle, 1 / (dot(middle, middle) + 0.05)
    return at.expand_as(place), whole


def way_to(light: Light, place: Tensor, slot: Tensor, turn: float) -> tuple[Tensor, Tensor]:
    """From points (N, 3): the way to one of 16 places on the light (N, 3), and whether that place sends any (N,)."""
    s = (torch.stack([slot % 4, slot // 4], -1) + 0.5 + tensor([turn % 1 - 0.5, turn * 7 % 1 - 0.5], place)) / 2 - 1
    across, at, whole = tensor(light.across, place), tensor(light.at, place), torch.ones_like(place[:, 0]).bool()
    if light.kind == "panel":
        return at - place + s @ across, whole
    radius, angle = ((s[:, :1] + 1) / 2).clamp(0, 1).sqrt(), torch.pi * s[:, 1:] + 0.9 * (slot % 4)[:, None]
    s = torch.cat([radius * angle.cos(), radius * angle.sin()], 1)  # the square on the disc
    if light.kind == "lamp":
        sides = torch.stack([s[:, 0], s[:, 1], -(s[:, 0] + s[:, 1]) * 0.5], 1) * across.norm(dim=1)[0]
        return at - place + sides, whole
    way = unit(at + s @ across)
    if light.kind == "sun":
        return way * FAR_AWAY, whole
    enters, reach = ~whole, torch.ones_like(place[:, 0])
    for centre, right, up in tensor(light.openings, place):
        inward = torch.linalg.cross(right, up)
        falling = way @ inward
        falling = torch.where(falling.abs() < 1e-9, -1e-9, falling)
        t = (centre @ inward - place @ inward) / falling
        off = place + t[:, None] * way - centre
        a, b = (off @ (right / right.square().sum())).abs(), (off @ (up / up.square().sum())).abs()
        frame = 0.04 / right.norm()
        glass = (a < 1 - frame) & (b < 0.96) & (a > 0.75 * frame) & (t > 0) & (falling < 0)
        enters, reach = enters | glass, torch.where(glass, t, reach)
    return way * (reach * 0.98)[:, None], enters


def facing_share(direction: Tensor, share: Tensor, normal: Tensor) -> Tensor:
    """(N,): what white paper of this normal shows, of what it shows when it faces the light."""
    return share * dot(direction, normal).clamp(min=0) / length(direction).clamp(min=1e-6)


def direct(scene, tracer, found, slot: Tensor, order: Tensor) -> tuple[Tensor, Tensor, Tensor, list[int]]:
    """Light that comes straight: rgb (L, 3), share by position and tilt (L, N), visibility (L, N) before smoothing,

    and the lights whose visibility varies. found: N surface points, see `shade.Surface`; slot (N,): see `screen.slots`;
    order: indices of the points whose shadows are traced, neighbours close together.
    """
    lights, place = scene.look.lights, found.place
    rgb = tensor(np.array([light.rgb for light in lights]).reshape(-1, 3), place)
    shares = torch.zeros(len(lights), len(place), device=place.device)
    for i, light in enumerate(lights):
        direction, share = light_at(light, place)
        shares[i] = facing_share(direction, share, found.shading) * (dot(direction, found.normal) > 0)
    visible = torch.full_like(shares, 0.55)
    adds = (shares.mean(1) * rgb.mean(1)).tolist()
    casts = casts_shadow(scene.primitives)
    some = [i for i in sorted(range(len(lights)), key=lambda i: -adds[i])[:SHADOWED] if adds[i] >= 0.05 * sum(adds)]
    some = set(some if casts.any() else [])
    varying = [i for i, light in enumerate(lights) if i in some or light.kind == "shaft"]
    start = found.place + found.normal * (0.003 + 4e-4 * found.distance[:, None])
    for i in varying:
        turn = (scene.look.pattern % 991) / 991 + 0.618 * i
        rows = order[(shares[i] > 0.04 * shares[i].mean()).index_select(0, order)]
        way, sends = way_to(lights[i], place.index_select(0, rows), slot.index_select(0, rows), turn)
        visible[i] = float(lights[i].kind != "shaft")
        if lights[i].kind == "shaft":
            rows, way = rows[sends], way[sends]
            visible[i, rows] = 1.0
        if i in some:
            visible[i, rows] = 1.0 - tracer.blocked(start.index_select(0, rows), way, casts).float()
    return rgb, shares, visible, varying


def around(scene, place: Tensor, normal: Tensor) -> Tensor:
    """Light from all sides (N, 3): of the sky and the ground, or of the room's walls, darker towards corners."""
    cube = tensor(scene.look.ambient, place)
    light = (normal.clamp(max=0).square() @ cube[::2]).addmm_(normal.clamp(min=0).square(), cube[1::2])
    if scene.room is None:
        return light
    gap = torch.cat([place, tensor(scene.room, place) - place], 1).clamp_(min=0)
    away = 1 - torch.cat([normal, -normal], 1).clamp_(min=0)
    dark = away.mul_(gap.div_(-0.35).exp_()).mul_(-0.3).add_(1)
    dark = dark[:, :3] * dark[:, 3:]
    return light * (dark[:, 0] * dark[:, 1] * dark[:, 2])[:, None]
