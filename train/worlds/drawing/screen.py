"""Work on whole pictures: corners that light reaches badly, and smoothing that stops at edges."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from .vectors import dot, length, mix

TAPS = (1.0, 2.0, 2.0, 2.0, 1.0)
"""A 4-pixel box met by a 2-pixel one: each of the 4 x 4 samples of `slots` weighs the same."""
_ORDER = (0, 10, 5, 15, 8, 2, 13, 7, 6, 12, 3, 9, 14, 4, 11, 1)


def slots(height: int, width: int, device) -> Tensor:
    """(H, W): which of 16 samples a pixel takes; every 4 x 4 pixels hold each sample once.

    The samples of every second pixel, as on a chessboard, are spread over all of 0..15, too.
    """
    order = torch.tensor(_ORDER, device=device).reshape(4, 4) * 5 % 16
    return order.repeat(-(-height // 4), -(-width // 4))[:height, :width]


def occlusion(place: Tensor, normal: Tensor, seen: Tensor, slot: Tensor, focal: Tensor, radii: Tensor) -> Tensor:
    """(B, H, W): share of the surrounding light that reaches each point, judged from what its picture shows near it.

    place (B, H, W, 3) metres from the camera, normal (B, H, W, 3), seen (B, H, W) bool, slot (H, W), focal (B,) pixels,
    radii (B, 2): metres, small and large.
    """
    count, height, width = seen.shape
    first = torch.arange(count, device=seen.device)[:, None, None] * (height * width)
    y = torch.arange(height, device=seen.device)[:, None].float()
    x = torch.arange(width, device=seen.device)[None].float()
    distance = length(place) + 1e6 * ~seen
    lifted = place + normal * (2e-3 * distance)[..., None]
    flat, flat_seen = place.reshape(-1, 3), seen.reshape(-1)
    open_share, sample, cell = torch.ones_like(distance), torch.arange(16, device=slot.device), slot.reshape(-1)
    for ring, radius in enumerate(radii[..., None, None].unbind(1)):
        reach, blocked = (radius * focal[:, None, None] / distance).clamp(1.5, 40), torch.zeros_like(distance)
        for k in range(2):
            angle = (sample / 16 + k + 0.5 * ring) * torch.pi
            share = 0.35 + 0.65 * ((sample * 7 + 5 * k) % 16) / 16
            down, across = (
                part.index_select(0, cell).reshape(slot.shape) for part in (share * angle.sin(), share * angle.cos())
            )
            row = (y + reach * down).round().long().clamp(0, height - 1)
            column = (x + reach * across).round().long().clamp(0, width - 1)
            index = (first + row * width + column).reshape(-1)
            gap = flat.index_select(0, index).reshape(place.shape) - lifted
            away = length(gap).clamp(min=1e-4)
            rise = (dot(gap, normal) / away - 0.1).clamp(min=0)
            rise = rise * flat_seen.index_select(0, index).reshape(seen.shape)
            blocked = blocked + rise / (1 + (away / radius) ** 2)
        open_share = open_share * (1 - 1.5 * blocked / 2).clamp(0.15, 1)
    return open_share


def smooth(values: Tensor, place: Tensor, normal: Tensor) -> Tensor:
    """(C, B, H, W) averaged over 5 x 5 neighbours on the same smooth surface.

    place and normal (B, H, W, 3); where normal is 0 nothing is.
    """
    limit = 0.012 * length(place) + 0.004
    guide = torch.cat([place, normal], 3).permute(3, 0, 1, 2).contiguous()
    level = (guide[:3] * guide[3:]).sum(0)  # of the plane through each pixel's point
    for sides, axis in (((2, 2, 0, 0), 3), ((0, 0, 2, 2), 2)):
        wide_values, wide_guide = (pad(x, sides, mode="replicate") for x in (values, guide))
        total, weight = TAPS[2] * values, torch.full_like(limit, TAPS[2])
        for k, tap in enumerate(TAPS):
            if k == 2:  # the pixel itself
                continue
            near = wide_guide.narrow(axis, k, guide.shape[axis])
            off = (near[:3] * guide[3:]).sum(0).sub_(level).abs_()
            alike = (near[3:] * guide[3:]).sum(0)
            share = ((off < limit) & (alike > 0.85)) * tap
            total.addcmul_(wide_values.narrow(axis, k, guide.shape[axis]), share)
            weight += share
        values = total / weight
    return values


def soften(linear: Tensor, which: Tensor) -> Tensor:
    """Blend pixels at the outlines of parts with their neighbours, against jagged edges. (B, H, W, 3), (B, H, W)."""
    edge = torch.zeros(which.shape, dtype=torch.bool, device=which.device)
    across, down = which[:, :, 1:] != which[:, :, :-1], which[:, 1:] != which[:, :-1]
    edge[:, :, 1:] |= across
    edge[:, :, :-1] |= across
    edge[:, 1:] |= down
    edge[:, :-1] |= down
    planes = pad(linear.clamp(max=6).permute(0, 3, 1, 2), (1, 1, 1, 1), mode="replicate")
    rows = planes[..., :-2, :] + 2 * planes[..., 1:-1, :] + planes[..., 2:, :]
    mild = (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]).permute(0, 2, 3, 1) / 16
    return mix(linear, mild, edge.float())
