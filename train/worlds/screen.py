"""Work on whole pictures: corners that light reaches badly, and smoothing that stops at edges. All (H, W, ...)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

TAPS = (1.0, 2.0, 2.0, 2.0, 1.0)
"""A 4-pixel box met by a 2-pixel one: each of the 4 x 4 samples of `slots` weighs the same."""
_ORDER = (0, 10, 5, 15, 8, 2, 13, 7, 6, 12, 3, 9, 14, 4, 11, 1)


def slots(height: int, width: int, device) -> Tensor:
    """(H, W): which of 16 samples a pixel takes; every 4 x 4 pixels hold each sample once.

    The samples of every second pixel, as on a chessboard, are spread over all of 0..15, too.
    """
    order = torch.tensor(_ORDER, device=device).reshape(4, 4) * 5 % 16
    return order.repeat(-(-height // 4), -(-width // 4))[:height, :width]


def occlusion(place: Tensor, normal: Tensor, seen: Tensor, slot: Tensor, focal: float, radii) -> Tensor:
    """(H, W): share of the surrounding light that reaches each point, judged from what the picture shows near it.

    place (H, W, 3) metres from the camera, normal (H, W, 3), seen (H, W) bool, radii: metres, small and large.
    """
    height, width = seen.shape
    y = torch.arange(height, device=seen.device)[:, None].float()
    x = torch.arange(width, device=seen.device)[None].float()
    distance = torch.where(seen, place.norm(dim=2), 1e6)
    lifted = place + normal * (2e-3 * distance)[..., None]
    flat, flat_seen = place.reshape(-1, 3), seen.reshape(-1)
    open_share = torch.ones_like(distance)
    for ring, (radius, strength) in enumerate(zip(radii, (1.5, 1.5), strict=True)):
        reach, blocked = (radius * focal / distance).clamp(1.5, 40), torch.zeros_like(distance)
        for k in range(2):
            angle = (slot / 16 + k + 0.5 * ring) * torch.pi
            far = reach * (0.35 + 0.65 * ((slot * 7 + 5 * k) % 16) / 16)
            row = (y + far * angle.sin()).round().long().clamp(0, height - 1)
            column = (x + far * angle.cos()).round().long().clamp(0, width - 1)
            index = (row * width + column).reshape(-1)
            gap = flat[index].reshape(height, width, 3) - lifted
            length = gap.norm(dim=2).clamp(min=1e-4)
            rise = ((gap * normal).sum(2) / length - 0.1).clamp(min=0)
            rise = rise * flat_seen[index].reshape(height, width)
            blocked = blocked + rise / (1 + (length / radius) ** 2)
        open_share = open_share * (1 - strength * blocked / 2).clamp(0.15, 1)
    return torch.where(seen, open_share, 1.0)


def smooth(values: Tensor, place: Tensor, normal: Tensor, seen: Tensor) -> Tensor:
    """(H, W, C) averaged over 5 x 5 neighbours that lie on the same smooth surface."""
    distance = place.norm(dim=2)
    limit = 0.012 * distance + 0.004
    guide = torch.cat([place, normal, seen[..., None].float()], 2).permute(2, 0, 1)
    values = values.permute(2, 0, 1)
    for sides in ((2, 2, 0, 0), (0, 0, 2, 2)):
        wide_values, wide_guide = (pad(x[None], sides, mode="replicate")[0] for x in (values, guide))
        total, weight = torch.zeros_like(values), torch.zeros_like(distance)
        for k, tap in enumerate(TAPS):
            at = (slice(None), slice(None), slice(k, k + values.shape[2]))
            at = at if sides[0] else (slice(None), slice(k, k + values.shape[1]), slice(None))
            near = wide_guide[at]
            off = ((near[:3] - guide[:3]) * guide[3:6]).sum(0).abs()
            alike = (near[3:6] * guide[3:6]).sum(0)
            share = tap * ((off < limit) & (alike > 0.85)) * near[6]
            total, weight = total + share * wide_values[at], weight + share
        values = torch.where(weight > 0, total / weight.clamp(min=1e-6), values)
    return values.permute(1, 2, 0)


def soften(linear: Tensor, which: Tensor) -> Tensor:
    """Blend pixels at the outlines of parts with their neighbours, against jagged edges. (H, W, 3)."""
    edge = torch.zeros(which.shape, dtype=torch.bool, device=which.device)
    across, down = which[:, 1:] != which[:, :-1], which[1:] != which[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    planes = pad(linear.clamp(max=6).permute(2, 0, 1)[None], (1, 1, 1, 1), mode="replicate")
    rows = planes[..., :-2, :] + 2 * planes[..., 1:-1, :] + planes[..., 2:, :]
    mild = (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:])[0].permute(1, 2, 0) / 16
    return torch.where(edge[..., None], mild, linear)
