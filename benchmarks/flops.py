"""How much arithmetic the heads add to the backbone's pass: counted on shapes, no weights needed.

    count_flops(qwen3_vl_4b(), 1024, 768).share  # of the backbone's: goal at most 0.05

A FLOP is one multiplication or one addition (a multiply-add is two). Counted by torch's FlopCounterMode, the
backbone on the meta device (no memory, no arithmetic), the heads by `count_head`: matrix products, convolutions
and attention (causal attention in full, as is usual). Not counted: norms, activations, resizes, the softmax.
The pass is that of `look`: one image, the few tokens before it, logits of one token.
"""

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import Qwen3VLConfig

from heads.base import Features
from heads.rays import RayHead, ray_tokens
from vlm.config import FathomConfig
from vlm.images import fit_to_budget
from vlm.model import Fathom
from vlm.sizes import QWEN3_VL_4B

PROMPT_TOKENS = 4  # <|im_start|>user\n<|vision_start|>: what stands before the image in Qwen3-VL's chat template


@dataclass(frozen=True)
class Flops:
    """FLOPs of one pass: `vision` tower, `language` model with one token's logits, and each of the `heads`."""

    image: tuple[int, int]  # width, height, as the network sees it
    tokens: int
    vision: int
    language: int
    heads: dict[str, int] = field(default_factory=dict)

    @property
    def backbone(self) -> int:
        return self.vision + self.language

    @property
    def share(self) -> float:
        """All heads over the backbone."""
        return sum(self.heads.values()) / self.backbone

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        shares = {name: count / self.backbone for name, count in self.heads.items()}
        return {
            "image": list(self.image),
            "tokens": self.tokens,
            "vision": self.vision,
            "language": self.language,
            "backbone": self.backbone,
            "heads": dict(self.heads),
            "shares_of_backbone": shares,
            "share_of_backbone": self.share,
        }


def qwen3_vl_4b() -> FathomConfig:
    """A Fathom on Qwen3-VL-4B with the default heads."""
    return FathomConfig(Qwen3VLConfig(**QWEN3_VL_4B))


def count_flops(config: FathomConfig, width: int, height: int, prompt_tokens: int = PROMPT_TOKENS) -> Flops:
    """FLOPs of looking at one width x height image with a Qwen3-VL Fathom of this config, within its budget.

    prompt_tokens: text tokens before the image; a small tokenizer of one's own may need more than Qwen's four.
    """
    with torch.device("meta"):
        model = Fathom(config).eval()
    backbone = config.backbone_config
    stride, patch = model.family.token_stride(backbone), model.family.patch_stride(backbone)
    plan = fit_to_budget(width, height, stride, max_pixels=config.max_pixels)
    h, w = plan.tokens
    length = prompt_tokens + h * w
    taps: dict[int, tuple[int, int]] = {stride: (h, w), patch: (plan.padded[1] // patch, plan.padded[0] // patch)}
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):  # fused CPU kernels are not counted by torch
        return Flops(
            plan.padded,
            length,
            _counted(lambda: _vision(model, taps[patch])),
            _counted(lambda: _language(model, length)),
            {
                name: count_head(head, {tap.name: taps[tap.stride] for tap in head.taps}, plan.padded)
                for name, head in model.heads.items()
            },
        )


def _vision(model: Fathom, grid: tuple[int, int]) -> None:
    """The tower's modules in its own order; its rotary and position tables, which need real numbers, left out."""
    tower: Any = model.vision_tower
    config = model.config.backbone_config.vision_config
    count = grid[0] * grid[1]
    width = config.in_channels * config.temporal_patch_size * config.patch_size**2
    x = tower.patch_embed(torch.empty(count, width, device="meta"))
    turn = torch.empty(count, config.hidden_size // config.num_heads, device="meta")
    lengths = torch.tensor([0, count], dtype=torch.int32)
    for number, block in enumerate(tower.blocks):
        x = block(x, cu_seqlens=lengths, position_embeddings=(turn, turn))
        if number in config.deepstack_visual_indexes:
            tower.deepstack_merger_list[config.deepstack_visual_indexes.index(number)](x)
    tower.merger(x)


def _language(model: Fathom, length: int) -> None:
    width = model.config.backbone_config.text_config.hidden_size
    embedded = torch.empty(1, length, width, device="meta")
    positions = torch.zeros(3, 1, length, dtype=torch.long, device="meta")
    language = model.backbone.model.language_model
    hidden = language(inputs_embeds=embedded, position_ids=positions, use_cache=False).last_hidden_state
    model.get_output_embeddings()(hidden[:, -1:])


def count_head(head: Any, grids: dict[str, tuple[int, int]], image: tuple[int, int]) -> int:
    """FLOPs of one head on taps of these (h, w) and an image of (width, height), whatever device the head is on.

    On shapes alone (fake tensors: autocast has no meta form); the ray head, whose view numbers are looked at, on zeros.
    """
    is_rays = isinstance(head, RayHead)
    with nullcontext() if is_rays else FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        head = head.to_empty(device="cpu")
        for weight in head.parameters():
            weight.zero_()
        taps = {tap.name: torch.zeros(1, tap.channels, *grids[tap.name]) for tap in head.taps}
        if not is_rays:
            features = Features(taps, torch.zeros(1, 3, image[1], image[0]))
            return _counted(lambda: head(features))
        fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)  # its fused layer is not counted by torch
        try:
            with sdpa_kernel(SDPBackend.MATH):  # nor are the fused kernels of processors
                tokens = ray_tokens([[torch.cat([taps[tap.name][0] for tap in head.taps])]])
                return _counted(lambda: head(tokens))
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)


def _counted(run: Any) -> int:
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())
