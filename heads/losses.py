"""Losses on log depth, directions and classes. Most return (sum, count); see `heads.base`."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from heads.base import masked_sum

SMALLEST_SCALE = 1e-3


def laplace_scale(raw: Tensor) -> Tensor:
    """A raw output -> Laplace scale b = 1e-3 + exp(raw): any size above 1e-3, with a gradient everywhere."""
    return SMALLEST_SCALE + raw.clamp(max=8.0).exp()


def laplace_nll(error: Tensor, scale: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """-log of the Laplace density: |e| / b + log(2 b), summed where `mask`. All of one shape."""
    return masked_sum(error.abs() / scale + torch.log(2 * scale), mask)


def focal_cross_entropy(logits: Tensor, ids: Tensor, focus: float = 2.0) -> Tensor:
    """(N, ...): cross-entropy times (1 - p)^focus of each place: what is known already hardly counts. 0 where ids < 0.

    logits: (N, classes, ...). ids: (N, ...) whole numbers, below 0 = unknown. The focal loss of Lin et al. 2017, eq. 4
    (no focal length is meant): walls and floors are most of a picture and soon known, and would hide the things.
    """
    values = functional.cross_entropy(logits, ids.clamp(min=0), reduction="none")
    values = (-torch.expm1(-values)) ** focus * values
    return torch.where(ids >= 0, values, torch.zeros_like(values))


def silog(error: Tensor, mask: Tensor, share: float = 0.5) -> tuple[Tensor, Tensor]:
    """Scale-invariant log error, sqrt(mean(e^2) - share * mean(e)^2), of each (H, W) of a (B, H, W) log-depth error.

    Eigen et al. 2014, eq. 3, as its square root; share = 0.5 as there and in the published DepthVLM. Summed over the
    images that have any place in `mask`, and how many those are.
    """
    number = mask.sum((1, 2))
    places = number.clamp(min=1)
    kept = torch.where(mask, error, torch.zeros_like(error))
    mean, mean_square = kept.sum((1, 2)) / places, kept.square().sum((1, 2)) / places
    # The root's slope at 0 is infinite: 1e-8 keeps it finite where a prediction is exact.
    return masked_sum((mean_square - share * mean.square() + 1e-8).sqrt(), number > 0)


def multiscale_gradient(error: Tensor, mask: Tensor, scales: int = 4) -> tuple[Tensor, Tensor]:
    """Differences of the log-depth error between neighbours 1, 2, 4, 8 px apart; (B, H, W) each.

    As in MegaDepth (Li and Snavely 2018, eq. 8), but with strided differences at full resolution in place of
    a subsampled map: keeps edges sharp and surfaces free of ripples. Blind to the overall scale.
    """
    total, count = error.new_zeros(()), mask.new_zeros((), dtype=torch.long)
    for axis, step in _neighbours(error, scales):
        part, number = masked_sum(_difference(error, axis, step).abs(), _both(mask, axis, step))
        total, count = total + part, count + number
    return total, count


def edge_difference(
    error: Tensor, true_log_depth: Tensor, mask: Tensor, scales: int = 4, jump: float = 0.1
) -> tuple[Tensor, Tensor]:
    """The same differences, only of neighbours whose true log depths differ by more than `jump`; (B, H, W) each.

    Depth edges are a few per cent of all neighbours, and blurring one raises `multiscale_gradient` more than leaving it
    out does: without a mean of their own they are learned last.
    """
    total, count = error.new_zeros(()), mask.new_zeros((), dtype=torch.long)
    for axis, step in _neighbours(error, scales):
        across = _both(mask, axis, step) & (_difference(true_log_depth, axis, step).abs() > jump)
        part, number = masked_sum(_difference(error, axis, step).abs(), across)
        total, count = total + part, count + number
    return total, count


def _neighbours(x: Tensor, scales: int) -> Iterator[tuple[int, int]]:
    """(axis, step) of neighbours 1, 2, 4, ... px apart along columns and rows, where (B, H, W) has any."""
    for step in (2**level for level in range(scales)):
        yield from ((axis, step) for axis in (1, 2) if x.shape[axis] > step)


def _difference(x: Tensor, axis: int, step: int) -> Tensor:
    return x.narrow(axis, step, x.shape[axis] - step) - x.narrow(axis, 0, x.shape[axis] - step)


def _both(mask: Tensor, axis: int, step: int) -> Tensor:
    return mask.narrow(axis, step, mask.shape[axis] - step) & mask.narrow(axis, 0, mask.shape[axis] - step)


def normal_difference(
    log_depth: Tensor, true_log_depth: Tensor, rays: Tensor, mask: Tensor, step: int = 2, edge: float = 0.1
) -> tuple[Tensor, Tensor]:
    """1 - cos of the angle between surface normals of the predicted and the true depth.

    log_depth, true_log_depth: (B, H, W). rays: (B, 3, H, W) with z = 1. Normals are cross products of
    differences over `step` pixels; places whose true depth jumps by more than `edge` (log) are left out.
    """
    ours, theirs = (_normals(x, rays, step) for x in (log_depth, true_log_depth))
    here = true_log_depth[:, step:, step:]
    jump = torch.maximum(
        (here - true_log_depth[:, step:, :-step]).abs(), (here - true_log_depth[:, :-step, step:]).abs()
    )
    valid = mask[:, step:, step:] & mask[:, step:, :-step] & mask[:, :-step, step:] & (jump < edge)
    return masked_sum(1 - (ours * theirs).sum(1), valid)


def _normals(log_depth: Tensor, rays: Tensor, step: int) -> Tensor:
    """(B, 3, H - step, W - step) unit normals, up to a common sign."""
    # The overall scale cancels; subtracting the mean keeps exp in range where a prediction is wild.
    relative = (log_depth - log_depth.mean((1, 2), keepdim=True).detach()).clamp(-20, 20)
    points = rays * relative.exp()[:, None]
    here = points[:, :, step:, step:]
    right = here - points[:, :, step:, :-step]
    down = here - points[:, :, :-step, step:]
    normal = torch.linalg.cross(right, down, dim=1)
    return normal * (normal.square().sum(1, keepdim=True) + 1e-24).rsqrt()


def laplace_half_width(scale: Any, probability: float) -> Any:
    """The half width that holds probability p of a Laplace variable: b * log(1 / (1 - p))."""
    return scale * math.log(1 / (1 - probability))
