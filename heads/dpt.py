"""The depth heads of the published DepthVLM checkpoints, so that their weights run here as they are.

Both read the three DeepStack outputs and the last hidden states at the image tokens, on the token grid, and say
metres for a photograph that was resized to fx = 1000 px. No uncertainty, no sky. Module names are those of the
published tensors (`depth_head.` there is `heads.depth.` here), one to one. Our own head is `heads.depth`.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from heads.base import Features, Head, Loss, Raw, Tap, masked_sum
from heads.depth import CANONICAL_FOCAL_PX
from heads.losses import edge_difference, multiscale_gradient, normal_difference, silog

TAPS = ["deepstack.0", "deepstack.1", "deepstack.2", "language.-1"]
LEVEL_WIDTHS = (256, 512, 1024, 1024)
WIDTH = 256
START_M = math.exp(2.5)
"""What an untrained head says everywhere, canonical metres: as our own head's. Softplus of nothing would be 0.7 m, and
hundreds of steps would go by before anything but the scale is learned."""
TOKENS_AT_ONCE = {"cpu": 64, "elsewhere": 1024}
"""Equal images share a pass up to this many tokens, each about 1 MB in the last layers. On a processor one image's
convolutions are work enough: eight at once took as long as one by one and 0.4 GB more (48 tokens each)."""


class PublishedDepthHead(Head):
    """Features -> {"canonical_depth"} (B, H, W) float32: metres if fx were 1000 px; H x W is the network's image.

    A subclass says how four (B, C, h, w) maps become a (B, H, W) map before softplus.
    """

    network_fx = CANONICAL_FOCAL_PX
    loss_names = ("depth_l1", "depth_silog", "depth_gradient", "depth_edge", "depth_normal")

    def __init__(self, taps: list[Tap]):
        super().__init__(taps)
        names = [tap.name for tap in taps]
        if len(names) != len(TAPS) or len({(tap.channels, tap.stride) for tap in taps}) != 1:
            raise ValueError(f"taps: {names}; allowed: four of one width on the token grid, as {TAPS}")
        self.channels, self.stride = taps[0].channels, taps[0].stride

    def forward(self, features: Features) -> Raw:
        with torch.autocast(features.image.device.type, enabled=False):  # bf16 cannot tell 4.00 m from 4.03 m
            levels = [features.taps[tap.name].float() for tap in self.taps]
            tokens = TOKENS_AT_ONCE.get(features.image.device.type, TOKENS_AT_ONCE["elsewhere"])
            rows = max(1, tokens // levels[0][0, 0].numel())
            parts = zip(*(level.split(rows) for level in levels), strict=True)
            maps = [functional.softplus(self.before_softplus(list(part))) for part in parts]
        return {"canonical_depth": torch.cat(maps)}

    def before_softplus(self, levels: list[Tensor]) -> Tensor:
        raise NotImplementedError

    def loss(self, raw: Raw, truth: dict[str, Tensor]) -> Loss:
        """SILog of canonical depth is the published loss; the others are those of our own head, for comparisons.

        truth: as in `heads.depth.DepthHead.loss`.
        """
        depth_z = truth["depth_z"]
        valid = torch.isfinite(depth_z) & (depth_z > 0)
        target = torch.where(valid, depth_z, 1.0) * CANONICAL_FOCAL_PX / truth["focal_px"][:, None, None]
        predicted = raw["canonical_depth"].clamp_min(1e-6)  # softplus can underflow
        log_depth, true_log_depth = predicted.log(), target.log()
        error = log_depth - true_log_depth
        return {
            "depth_l1": masked_sum(error.abs(), valid),
            "depth_silog": silog(error, valid),
            "depth_gradient": multiscale_gradient(error, valid),
            "depth_edge": edge_difference(error, true_log_depth, valid),
            "depth_normal": normal_difference(log_depth, true_log_depth, truth["rays"], valid),
        }

    def blank(self, truth: dict[str, Tensor]) -> Raw:
        return {"canonical_depth": torch.ones_like(truth["depth_z"])}


def read_published(raw: Raw, fx_px: float) -> Tensor:
    """Raw output of one image -> depth_z (H, W) metres; fx_px: of the image as the network saw it (not sqrt(fx * fy)).

    At fx = 1000 px the output is metres as it stands; else depth is in proportion to fx (see `heads.depth`).
    """
    return raw["canonical_depth"] * (fx_px / CANONICAL_FOCAL_PX)


class PublishedDptHead(PublishedDepthHead):
    """The `dpt` head: four levels at 8, 4, 2 and 1 cells a token, fused from coarse to fine (Ranftl et al. 2021).

    width: channels of the fused maps, a half and an eighth of it before the output; level_widths: of the four levels,
    fine to coarse. The published checkpoints have the defaults; others are for comparisons at equal cost.
    """

    def __init__(self, taps: list[Tap], width: int = WIDTH, level_widths: Sequence[int] = LEVEL_WIDTHS):
        super().__init__(taps)
        if len(level_widths) != len(LEVEL_WIDTHS) or min(level_widths) < 1:
            raise ValueError(f"level_widths: {list(level_widths)}; allowed: four numbers, 1 or more each")
        if width < 8:
            raise ValueError(f"width: {width}; allowed: 8 or more")
        self.norm = nn.LayerNorm(self.channels)
        self.projects = nn.ModuleList(nn.Conv2d(self.channels, level, 1) for level in level_widths)
        ups = [
            nn.ConvTranspose2d(level, level, step, stride=step)
            for level, step in zip(level_widths[:3], (8, 4, 2), strict=True)
        ]
        self.resize_layers = nn.ModuleList([*ups, nn.Identity()])
        self.scratch = _Fusion(width, level_widths)

    def before_softplus(self, levels: list[Tensor]) -> Tensor:
        height, width = levels[0].shape[-2:]
        mixed = [
            resize(project(self._normed(level)))
            for level, project, resize in zip(levels, self.projects, self.resize_layers, strict=True)
        ]
        return self.scratch(mixed, (height * self.stride, width * self.stride))

    def _normed(self, level: Tensor) -> Tensor:
        return self.norm(level.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class _Fusion(nn.Module):
    """Four levels, fine to coarse -> (B, H, W) before softplus."""

    def __init__(self, width: int, level_widths: Sequence[int]):
        super().__init__()
        for number, level in enumerate(level_widths, 1):
            self.add_module(f"layer{number}_rn", nn.Conv2d(level, width, 3, padding=1, bias=False))
            self.add_module(f"refinenet{number}", _FusionBlock(width, has_skip=number < 4))
        half, eighth = width // 2, width // 8
        self.output_conv1 = nn.Conv2d(width, half, 3, padding=1)
        last = nn.Conv2d(eighth, 1, 1)
        _start(last)
        self.output_conv2 = nn.Sequential(nn.Conv2d(half, eighth, 3, padding=1), nn.ReLU(inplace=True), last)

    def forward(self, levels: list[Tensor], size: tuple[int, int]) -> Tensor:
        x = None
        for number in (4, 3, 2, 1):
            level = self.get_submodule(f"layer{number}_rn")(levels[number - 1])
            finer = levels[number - 2].shape[-2:] if number > 1 else [2 * side for side in level.shape[-2:]]
            x = self.get_submodule(f"refinenet{number}")(level, x, finer)
        assert x is not None
        first, *rest = self.output_conv2
        assert isinstance(first, nn.Conv2d)
        x = _resized_then_convolved(self.output_conv1(x), size, first)
        for layer in rest:
            x = layer(x)
        return x[:, 0]


class _FusionBlock(nn.Module):
    """The level's own features (refined, where a coarser result is added to them), refined, resized, mixed."""

    def __init__(self, width: int, has_skip: bool):
        super().__init__()
        if has_skip:
            self.resConfUnit1 = _ResidualUnit(width)
        self.resConfUnit2 = _ResidualUnit(width)
        self.out_conv = nn.Conv2d(width, width, 1)

    def forward(self, level: Tensor, coarser: Tensor | None, size: tuple[int, ...]) -> Tensor:
        x = level if coarser is None else coarser + self.resConfUnit1(level)
        # Published: resize, then the 1x1 convolution. The two commute (the resize's weights sum to 1), and in this
        # order the convolution costs a quarter.
        return _aligned(self.out_conv(self.resConfUnit2(x)), size)


class _ResidualUnit(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(x)  # in place in the published code, so its skip adds relu(x) too
        return x + self.conv2(functional.relu(self.conv1(x), inplace=True))


class PublishedMlpHead(PublishedDepthHead):
    """The `mlp` head: every token by itself becomes its own stride x stride pixels.

    features: "llm_last" (the last hidden states alone), "concat" (all four inputs) or "sum" (their sum).
    """

    def __init__(self, taps: list[Tap], hidden: int = 1024, features: str = "llm_last"):
        super().__init__(taps)
        if features not in FEATURE_MODES:
            raise ValueError(f"features: {features!r}; allowed: {', '.join(FEATURE_MODES)}")
        self.features = features
        width = self.channels * (len(taps) if features == "concat" else 1)
        self.norm = nn.LayerNorm(width)
        last = nn.Linear(hidden, self.stride**2)
        _start(last)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), last)

    def before_softplus(self, levels: list[Tensor]) -> Tensor:
        x = {"llm_last": lambda: levels[-1], "concat": lambda: torch.cat(levels, 1), "sum": lambda: sum(levels)}
        tokens = x[self.features]().permute(0, 2, 3, 1)
        return functional.pixel_shuffle(self.mlp(self.norm(tokens)).permute(0, 3, 1, 2), self.stride)[:, 0]


FEATURE_MODES = ("llm_last", "concat", "sum")


def _start(last: nn.Linear | nn.Conv2d) -> None:
    """Sets the bias of the layer before softplus, which is the identity from about 10 on."""
    assert last.bias is not None
    nn.init.constant_(last.bias, START_M)


def _resized_then_convolved(x: Tensor, size: tuple[int, ...], conv: nn.Conv2d) -> Tensor:
    """conv(_aligned(x, size)) for a 3x3 convolution with zero padding, mixing channels before the resize.

    The sum over the kernel's nine places commutes with the resize: at each place a 1x1 convolution on the small map,
    resized, then laid one pixel aside. A quarter of the multiplications, and never all channels at full size.
    """
    height, width = size
    total = x.new_zeros(len(x), conv.out_channels, height, width)
    if conv.bias is not None:
        total = total + conv.bias[:, None, None]
    for row in range(3):
        for column in range(3):
            part = _aligned(functional.conv2d(x, conv.weight[:, :, row : row + 1, column : column + 1]), size)
            to_rows, from_rows = _shifted(row - 1, height)
            to_columns, from_columns = _shifted(column - 1, width)
            total[:, :, to_rows, to_columns] += part[:, :, from_rows, from_columns]
    return total


def _shifted(step: int, count: int) -> tuple[slice, slice]:
    """Where output i reads input i + step: the outputs and the inputs that there are."""
    return slice(max(-step, 0), count - max(step, 0)), slice(max(step, 0), count + min(step, 0))


def _aligned(x: Tensor, size: tuple[int, ...] | list[int]) -> Tensor:
    return functional.interpolate(x, size=tuple(size), mode="bilinear", align_corners=True)
