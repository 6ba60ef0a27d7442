"""Dense metric depth: log depth at canonical focal, its Laplace scale, and sky.

The network sees pixels, not metres: from one picture it can tell real size over size in pixels, that is
depth_z / focal. So the head predicts canonical depth, depth_z * 1000 / focal, that is 1000 times real size over
size in pixels: equal pictures have equal targets, whatever the lens, and one photograph at twice the resolution has
half the target. `read_depth` brings it back to metres.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from heads.base import Features, Head, Loss, Raw, Tap, masked_sum
from heads.losses import edge_difference, laplace_nll, laplace_scale, multiscale_gradient, normal_difference, silog
from heads.pyramid import OUTPUT_PER_PATCH, Pyramid, output_sized
from heads.sharpen import sharpened
from heads.spread import Spread

CANONICAL_FOCAL_PX = 1000.0
CELLS_PER_PATCH = OUTPUT_PER_PATCH // 2  # of the pyramid's own output, which `last` doubles


class DepthHead(Head):
    """Features -> {"log_depth", "raw_scale", "sky_logit"}, each (B, H, W) float32, H x W at 16 per patch.

    widths: of `heads.pyramid.Pyramid`. spread: the steps of `heads.spread.Spread` over the maps, in cells of 2 x 2
    pixels; none = as the pyramid leaves them. sharpen: the radii of `heads.sharpen`, in pixels, when
    not training; none = ramps stay.
    """

    loss_names = ("depth_nll", "depth_l1", "depth_silog", "depth_gradient", "depth_edge", "depth_normal", "sky")
    weightless = ("sharpen",)

    def __init__(
        self,
        taps: list[Tap],
        widths: Sequence[int] = (64, 64, 64, 48, 32),
        spread: Sequence[int] = (),
        sharpen: Sequence[int] = (),
    ):
        super().__init__(taps)
        if not isinstance(sharpen, list | tuple) or any(type(radius) is not int or radius < 1 for radius in sharpen):
            raise ValueError(f"sharpen: {sharpen!r}; allowed: a list of radii, whole numbers of 1 pixel or more")
        self.sharpen = tuple(sharpen)
        self.pyramid = Pyramid(taps, tuple(widths))
        self.spread = Spread(12, widths[-1], spread) if spread else None
        self.last = nn.Conv2d(widths[-1], 12, 3, padding=1, padding_mode="replicate")
        with torch.no_grad():
            # ICNR (Aitken et al. 2017): the four sub-pixels of each output start equal, so no checkerboard.
            self.last.weight.copy_(self.last.weight[::4].repeat_interleave(4, dim=0))
            self.last.bias = nn.Parameter(torch.tensor([2.5, -1.0, -2.0]).repeat_interleave(4))

    def forward(self, features: Features) -> Raw:
        with torch.autocast(features.image.device.type, enabled=False):  # bf16 cannot tell 4.00 m from 4.03 m
            x = self.pyramid(features).float()
            maps = self.last(x)
            if self.spread is not None:
                grid = x.shape[-2] // CELLS_PER_PATCH, x.shape[-1] // CELLS_PER_PATCH
                maps = self.spread(maps, functional.pixel_unshuffle(output_sized(features.image, grid), 2), x)
            x = functional.pixel_shuffle(maps, 2)
            # Losses see the ramps: a head that was trained through the steps made fewer edges, not sharper ones.
            log_depth = x[:, 0] if self.training else sharpened(x[:, 0], self.sharpen)
        return {"log_depth": log_depth, "raw_scale": x[:, 1], "sky_logit": x[:, 2]}

    def loss(self, raw: Raw, truth: dict[str, Tensor]) -> Loss:
        """truth: depth_z (B, H, W) metres with inf = sky and nan = unknown, focal_px (B,), rays (B, 3, H, W) z = 1.

        H x W is the raw output's size; the rays and the focal are those of that image.
        """
        depth_z = truth["depth_z"]
        valid = torch.isfinite(depth_z) & (depth_z > 0)
        safe = torch.where(valid, depth_z, torch.ones_like(depth_z))
        target = safe.log() + (CANONICAL_FOCAL_PX / truth["focal_px"]).log()[:, None, None]
        error = raw["log_depth"] - target
        known = valid | torch.isposinf(depth_z)
        sky = functional.binary_cross_entropy_with_logits(
            raw["sky_logit"], torch.isposinf(depth_z).float(), reduction="none"
        )
        return {
            # Where b is large the likelihood hardly moves the depth, so a plain L1 goes beside it.
            "depth_nll": laplace_nll(error, laplace_scale(raw["raw_scale"]), valid),
            "depth_l1": masked_sum(error.abs(), valid),
            "depth_silog": silog(error, valid),
            "depth_gradient": multiscale_gradient(error, valid),
            "depth_edge": edge_difference(error, target, valid),
            "depth_normal": normal_difference(raw["log_depth"], target, truth["rays"], valid),
            "sky": masked_sum(sky, known),
        }

    def blank(self, truth: dict[str, Tensor]) -> Raw:
        return {name: torch.zeros_like(truth["depth_z"]) for name in ("log_depth", "raw_scale", "sky_logit")}


def read_depth(raw: Raw, focal_px: float) -> tuple[Tensor, Tensor, Tensor]:
    """Raw outputs of one image -> depth_z (H, W) metres, log_depth_scale (H, W), sky probability (H, W).

    focal_px: sqrt(fx * fy) of the image as the network saw it, in its pixels. Depth is finite everywhere here;
    who reads decides from which sky probability on a pixel has no depth.
    """
    depth_z = (raw["log_depth"] + math.log(focal_px / CANONICAL_FOCAL_PX)).exp()
    return depth_z, laplace_scale(raw["raw_scale"]), raw["sky_logit"].sigmoid()
