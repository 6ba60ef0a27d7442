"""How much light reaches a point: from each lamp, panel, sun or shaft, with soft shadows, and from all around."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from .light import Light
from .looks import tensor
from .things import KINDS

SHADOWED = 3
"""Lights whose shadows are traced: the ones that add most to the picture."""
FAR_AWAY = 300.0  # metres to which the sun's rays are followed
_THROUGH = [KINDS.index(k) for k in ("floor", "ceiling", "ground", "road", "pavement", "grass", "window")]


def casts_shadow(primitives) -> np.ndarray:
    """(P,) bool: all but floors, ceilings and the ground, panes, and what shines itself."""
    return ~np.isin(primitives.kind, _THROUGH) & (primitives.glow == 0)


def rays_to(light: Light, place: Tensor, slot: Tensor, turn: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """From points (N, 3): the direction of the light (N, 3), what white paper facing it shows (N,), as a factor of

    its rgb; the way to one of 16 places on it (N, 3), and whether that place sends anything at all (N,).
    """
    s = (torch.stack([slot % 4, slot // 4], -1) + 0.5 + tensor([turn % 1 - 0.5, turn * 7 % 1 - 0.5], place)) / 2 - 1
    across, at, whole = tensor(light.across, place), tensor(light.at, place), torch.ones_like(place[:, 0])
    if light.kind == "panel":
        middle = at - place
        d2 = middle.square().sum(1)
        leaving = -(middle @ tensor(light.normal, place)) / d2.sqrt().clamp(min=1e-6)
        return middle, light.area * leaving.clamp(min=0) / (torch.pi * d2 + light.area), middle + s @ across, whole
    radius, angle = ((s[:, :1] + 1) / 2).clamp(0, 1).sqrt(), torch.pi * s[:, 1:] + 0.9 * (slot % 4)[:, None]
    s = torch.cat([radius * angle.cos(), radius * angle.sin()], 1)  # the square on the disc
    if light.kind == "lamp":
        middle = at - place
        sides = torch.stack([s[:, 0], s[:, 1], -s.sum(1) * 0.5], 1) * across.norm(dim=1)[0]
        return middle, 1 / (middle.square().sum(1) + 0.05), middle + sides, whole
    way = normalize(at + s @ across, dim=1)
    if light.kind == "sun":
        return at.expand_as(place), whole, way * FAR_AWAY, whole
    enters, reach = torch.zeros_like(whole), whole
    for centre, right, up in tensor(light.openings, place):
        inward = torch.linalg.cross(right, up)
        falling = way @ inward
        t = ((centre - place) @ inward) / torch.where(falling.abs() < 1e-9, -1e-9, falling)
        off = place + t[:, None] * way - centre
        a, b = off @ right / right.square().sum(), off @ up / up.square().sum()
        frame = 0.04 / right.norm()
        glass = (a.abs() < 1 - frame) & (b.abs() < 0.96) & (a.abs() > 0.75 * frame) & (t > 0) & (falling < 0)
        enters, reach = torch.where(glass, 1.0, enters), torch.where(glass, t, reach)
    return at.expand_as(place), whole, way * (reach * 0.98)[:, None], enters


def facing_share(direction: Tensor, share: Tensor, normal: Tensor) -> Tensor:
    """(N,): what white paper of this normal shows, of what it shows when it faces the light."""
    return share * (direction * normal).sum(1).clamp(min=0) / direction.norm(dim=1).clamp(min=1e-6)


def direct(scene, tracer, found, slot: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor, list[int]]:
    """Light that comes straight: rgb (L, 3), share by position and tilt (N, L), visibility (N, L) before smoothing,

    and the lights whose visibility varies. found: N surface points, see `shade.Surface`; slot (N,): see `screen.slots`;
    chosen (N,) bool: where shadows are traced.
    """
    lights, place = scene.look["lights"], found.place
    rgb = tensor(np.array([light.rgb for light in lights]).reshape(-1, 3), place)
    shares = torch.zeros(len(place), len(lights), device=place.device)
    visible, ways = torch.full_like(shares, 0.55), []
    for i, light in enumerate(lights):
        turn = (scene.look["pattern"] % 991) / 991 + 0.618 * i
        direction, share, way, sends = rays_to(light, place, slot, turn)
        shares[:, i] = facing_share(direction, share, found.shading) * ((direction * found.normal).sum(1) > 0)
        ways.append((way, sends > 0))
        if light.kind == "shaft":
            visible[:, i] = sends
    casts = casts_shadow(scene.primitives)
    adds = (shares.mean(0) * rgb.mean(1)).tolist()
    start = found.place + found.normal * (0.003 + 4e-4 * found.distance[:, None])
    for i in sorted(range(len(lights)), key=lambda i: -adds[i])[:SHADOWED]:
        if not casts.any() or adds[i] < 0.05 * sum(adds):
            continue
        way, sends = ways[i]
        active = (shares[:, i] > 0.04 * shares[:, i].mean()) & sends & chosen
        visible[:, i] = (sends & ~tracer.blocked(start, way, active, casts)).float()
    return rgb, shares, visible, (visible - 0.55).any(0).nonzero()[:, 0].tolist()


def around(scene, place: Tensor, normal: Tensor) -> Tensor:
    """Light from all sides (N, 3): of the sky and the ground, or of the room's walls, darker towards corners."""
    cube = tensor(scene.look["ambient"], place)
    square = normal.square()
    signs = (normal < 0).long()
    light = sum(square[:, k : k + 1] * cube[torch.where(signs[:, k] == 1, 2 * k, 2 * k + 1)] for k in range(3))
    if scene.room is None:
        return light  # type: ignore[return-value]
    room = tensor(scene.room, place)
    gap = torch.cat([place, room - place], 1).clamp(min=0)
    facing = torch.cat([normal, -normal], 1).clamp(min=0)
    return light * (1 - 0.3 * (1 - facing) * torch.exp(-gap / 0.35)).prod(1)[:, None]
