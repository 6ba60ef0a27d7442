"""Depth edges without a ramp: every pixel of one goes to the side it is nearer to, so no points fly between the two.

A head that is unsure where a thing ends says something in between, and a point cloud shows a curtain from the thing to
what is behind it. Here such a pixel takes the smallest or the largest value around it, whichever is nearer: the toggle
contrast of Kramer & Bruckner (1975), which shock filters (Osher & Rudin 1990) do in small steps. It has no weights.

Only edges may be touched. An edge's values span no more within twice the radius than within it; a plane's span twice as
much, and those of a floor that ends at a wall at least 1.5 times: so the ratio of the two spans tells.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

LEAST_STEP = (0.06, 0.12)
"""Of log depth, within the radius: below the first nothing is an edge, above the second all that the ratio lets by."""
SPAN_RATIO = (1.4, 1.5)
"""Spans within twice the radius over those within it: up to the first an edge, from the second on none."""

MOST = 80.0  # of log depth: what float32 can still be raised to


def sharpened(log_depth: Tensor, radii: Sequence[int]) -> Tensor:
    """(B, H, W) finite -> (B, H, W): one round for each of `radii`, in pixels; ramps up to twice as wide become steps.

    No value is outside of those within the radius and a pixel. Gradients flow to the values that pixels took.
    """
    maps = log_depth.contiguous()[:, None]  # in channels_last it may be every third number
    for radius in radii:
        maps = _round(maps, radius)
    return maps[:, 0]


def _round(maps: Tensor, radius: int) -> Tensor:
    smooth = _mean(functional.pad(maps, (1, 1, 1, 1), mode="replicate"))  # no single pixel counts
    both = torch.cat([smooth, -smooth], 1)
    far, minus_near = _largest(functional.pad(both, (radius,) * 4, value=-math.inf), radius).split(1, 1)
    # In a ramp away from its middle, more of the edge comes in from further away: its middle answers for it.
    reach = (radius + 1) // 2
    edge = _largest(functional.pad(_edgeness(both, radius), (reach,) * 4), reach)
    nearer_far = (2 * maps > far - minus_near).to(maps.dtype)
    # What is beyond both already, as a pole thinner than the mean's 3 pixels, is no ramp and stays.
    side = torch.lerp(torch.minimum(-minus_near, maps), torch.maximum(far, maps), nearer_far)
    return torch.lerp(maps, side, edge)  # `where` takes ten times as long


def _edgeness(both: Tensor, radius: int) -> Tensor:
    """(B, 1, H, W) from 0 to 1: how surely the values around a pixel are two sides of an edge. both: and negated."""
    within = _largest(_continued(both, 2 * radius), radius)
    far_2, minus_near_2 = _largest(within, radius).split(1, 1)
    far, minus_near = within[..., radius:-radius, radius:-radius].split(1, 1)
    span = far + minus_near
    ratio = (far_2 + minus_near_2) / span.clamp_min(1e-6)
    # The same in inverse depth, in which planes are even however steeply they are seen (times the depth of `far`).
    below, above = (far + minus_near_2).clamp_max(MOST), far - far_2
    inverse = (below.exp() - above.exp()) / torch.expm1(span.clamp_max(MOST)).clamp_min(1e-6)
    return _ramp(span, *LEAST_STEP) * (1 - _ramp(torch.maximum(ratio, inverse), *SPAN_RATIO))


def _continued(maps: Tensor, margin: int) -> Tensor:
    """With a margin on all sides in which planes go on: the mirror image, turned about the border's own value."""
    for axis in (2, 3):
        size = maps.shape[axis]
        reach = torch.arange(1, margin + 1, device=maps.device).clamp(max=size - 1)  # small maps: the last goes on
        first, last = maps.narrow(axis, 0, 1), maps.narrow(axis, size - 1, 1)
        before = 2 * first - maps.index_select(axis, reach.flip(0))
        after = 2 * last - maps.index_select(axis, size - 1 - reach)
        maps = torch.cat([before, maps, after], axis)
    return maps


def _mean(maps: Tensor) -> Tensor:
    """Of the 3 x 3 around every pixel that has them: one fewer on all sides."""
    for axis in (2, 3):
        size = maps.shape[axis] - 2
        maps = (maps.narrow(axis, 0, size) + maps.narrow(axis, 1, size) + maps.narrow(axis, 2, size)) / 3
    return maps


def _largest(maps: Tensor, radius: int) -> Tensor:
    """In the square around every pixel that has one inside the map: `radius` fewer on all sides.

    By windows of 1, 2, 4, ... pixels; `max_pool2d` takes 20 times as long on a processor.
    """
    for axis in (2, 3):
        window = 1
        while window < 2 * radius + 1:
            step = min(window, 2 * radius + 1 - window)
            size = maps.shape[axis] - step
            maps = torch.maximum(maps.narrow(axis, 0, size), maps.narrow(axis, step, size))
            window += step
    return maps


def _ramp(values: Tensor, low: float, high: float) -> Tensor:
    """0 up to `low`, 1 from `high` on, smooth between."""
    share = ((values - low) / (high - low)).clamp(0, 1)
    return share * share * (3 - 2 * share)
