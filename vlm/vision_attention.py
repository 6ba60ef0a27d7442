"""Attention of Qwen's vision towers over all pictures of a batch at once.

transformers calls PyTorch's kernel for one picture after the other; only flash-attn, which float32 cannot have, gets
all of them and where each begins. On a GPU a batch of small pictures then waits for a thousand calls of every pass.
Ours is registered under a name that has "flash" in it, so it is called once, and pads the pictures to one length.
"""

import copy
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

NAME = "padded_not_flash"
FAMILIES = ("qwen2_5_vl", "qwen3_vl")


def use(backbone: Any) -> None:
    """From here on the backbone's vision tower attends to all pictures at once, where it would use sdpa."""
    visual = backbone.model.visual if backbone.config.model_type in FAMILIES else None
    if visual is None or visual.config._attn_implementation != "sdpa":
        return
    shared, own = visual.config, copy.copy(visual.config)  # others are made from the model's config: it stays
    own._attn_implementation = NAME
    for module in visual.modules():
        if getattr(module, "config", None) is shared:
            module.config = own


def padded(
    _module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    _mask: None = None,
    *,
    cu_seq_lens_q: Tensor,
    max_length_q: int,
    scaling: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """query, key, value (1, heads, N, C), pictures one after the other; cu_seq_lens_q (B + 1,): where each begins, N.

    Returns (1, N, heads, C) and None, as transformers wants it. Where padding would more than double them, one by one.
    """
    attend = partial(functional.scaled_dot_product_attention, dropout_p=dropout, scale=scaling)
    if (len(cu_seq_lens_q) - 1) * int(max_length_q) > 2 * query.shape[2]:
        parts = (x.split(cu_seq_lens_q.diff().tolist(), 2) for x in (query, key, value))
        return torch.cat([attend(*each) for each in zip(*parts, strict=True)], 2).transpose(1, 2), None
    first, length = cu_seq_lens_q[:-1].long(), cu_seq_lens_q.diff().long()
    count, total, longest = len(length), query.shape[2], int(max_length_q)
    step = torch.arange(longest, device=query.device)
    there = step < length[:, None]  # (B, longest)
    place = (first[:, None] + step).clamp(max=total - 1).flatten()
    rows = [x[0].index_select(1, place).unflatten(1, (count, longest)).transpose(0, 1) for x in (query, key, value)]
    mask = None if count * longest == total else there[:, None, None]  # all of one length: nothing is padding
    seen = attend(*rows, attn_mask=mask)
    picture = torch.arange(count, device=query.device).repeat_interleave(length, output_size=total)
    back = picture * longest + torch.arange(total, device=query.device) - first[picture]
    return seen.transpose(1, 2).flatten(0, 1).index_select(0, back)[None], None


ALL_ATTENTION_FUNCTIONS.register(NAME, padded)
