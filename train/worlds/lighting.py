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
_THROUGH = [KINDS.index(k) for k in ("floor", "ceiling", "wall", "ground", "road", "pavement", "grass", "window")]


def casts_shadow(primitives) -> np.ndarray:
    """(P,) bool: all but the place's own surfaces and what shines itself."""
    return ~np.isin(primitives.kind, _THROUGH) & (primitives.glow == 0)


def rays_to(light: Light, place: Tensor, slot: Tensor, turn: float) -> tuple[Tensor, Tensor]:
    """From points (N, 3) to one of 16 places on the light: the way there (N, 3), and white paper's share (N,).

    The share is what white paper shows that faces the light, as a factor of its rgb; 0 where none arrives.
    """
    s = (torch.stack([slot % 4, slot // 4], -1) + 0.5 + tensor([turn % 1 - 0.5, turn * 7 % 1 - 0.5], place)) / 2 - 1
    across, at = tensor(light.across, place), tensor(light.at, place)
    if light.kind == "panel":
        way = at + s @ across - place
        d2 = way.square().sum(1)
        leaving = -(way @ tensor(light.normal, place)) / d2.sqrt().clamp(min=1e-6)
        return way, light.area * leaving.clamp(min=0) / (torch.pi * d2 + light.area)
    s = s * (1 - s.flip(1).square() / 2).clamp(min=0).sqrt()  # the square on the disc
    if light.kind == "lamp":
        sides = torch.stack([s[:, 0], s[:, 1], -s.sum(1) * 0.5], 1) * across.norm(dim=1)[0]
        way = at + sides - place
        return way, 1 / (way.square().sum(1) + 0.05)
    way = normalize(at + s @ across, dim=1)
    if light.kind == "sun":
        return way * FAR_AWAY, torch.ones_like(way[:, 0])
    share, reach = torch.zeros_like(way[:, 0]), torch.ones_like(way[:, 0])
    for centre, right, up in tensor(light.openings, place):
        inward = torch.linalg.cross(right, up)
        falling = way @ inward
        t = ((centre - place) @ inward) / torch.where(falling.abs() < 1e-9, -1e-9, falling)
        off = place + t[:, None] * way - centre
        a, b = off @ right / right.square().sum(), off @ up / up.square().sum()
        frame = 0.04 / right.norm()
        glass = (a.abs() < 1 - frame) & (b.abs() < 0.96) & (a.abs() > 0.75 * frame)
        enters = glass & (t > 0) & (falling < 0)
        share, reach = torch.where(enters, 1.0, share), torch.where(enters, t, reach)
    return way * (reach * 0.98)[:, None], share


def direct(scene, tracer, place: Tensor, normal: Tensor, distance: Tensor, slot: Tensor):
    """Light that comes straight: (rgb (L, 3), share (N, L) by position and tilt, visibility (N, L) before smoothing).

    place, normal (N, 3), distance (N,) from the camera, slot (N,): see `screen.slots`.
    """
    lights = scene.look["lights"]
    rgb = tensor(np.array([light.rgb for light in lights]).reshape(-1, 3), place)
    shares, ways = torch.zeros(len(place), len(lights), device=place.device), []
    for i, light in enumerate(lights):
        way, share = rays_to(light, place, slot, (scene.look["pattern"] % 991) / 991 + 0.618 * i)
        shares[:, i] = share * (way * normal).sum(1).clamp(min=0) / way.norm(dim=1).clamp(min=1e-6)
        ways.append(way)
    visible = torch.full_like(shares, 0.65)
    casts = casts_shadow(scene.primitives)
    adds = (shares.mean(0) * rgb.mean(1)).tolist()
    order = sorted(range(len(lights)), key=lambda i: -adds[i])[:SHADOWED]
    start = place + normal * (0.003 + 4e-4 * distance[:, None])
    for i in order:
        if not casts.any() or adds[i] < 0.02 * sum(adds):
            continue
        active = shares[:, i] > 1e-3 * shares[:, i].max()
        visible[:, i] = 1 - tracer.blocked(start, ways[i], active, casts).float()
    return rgb, shares, visible


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
