"""Classes per pixel (kind of thing, its colour), read from LLM features at the image tokens.

A training aid: questions about things can only be answered once the image tokens say what is where, and a
dense target teaches that with hundreds of samples a picture, where a question gives one. See train/LOG.md.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from heads.base import Features, Head, Loss, Raw, Tap, masked_sum
from heads.losses import focal_cross_entropy


class LabelHead(Head):
    """Features -> {name: (B, classes, 4*h, 4*w) logits} for a token grid of h x w, one entry per label map.

    classes: label map -> number of classes; class 0 means "nothing" and is a class like any other. The maps lie in
    the order of their names, as a saved config does: a loaded head reads what the trained one wrote.
    """

    def __init__(self, taps: list[Tap], classes: dict[str, int], cells: int = 4):
        super().__init__(taps)
        self.classes, self.cells = dict(sorted(classes.items())), cells
        self.loss_names = tuple(f"label_{name}" for name in classes)
        self.reads = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(tap.channels), nn.Linear(tap.channels, sum(classes.values()) * cells**2))
            for tap in taps
        )

    def forward(self, features: Features) -> Raw:
        tokens = [features.taps[tap.name].permute(0, 2, 3, 1).float() for tap in self.taps]
        logits = torch.stack([read(x) for read, x in zip(self.reads, tokens, strict=True)]).sum(0)
        logits = functional.pixel_shuffle(logits.permute(0, 3, 1, 2), self.cells)
        return dict(zip(self.classes, logits.split(list(self.classes.values()), dim=1), strict=True))

    def loss(self, raw: Raw, truth: dict[str, Tensor]) -> Loss:
        """truth: label map name -> (B, H, W) class ids at the image's size, -1 = unknown; nearest cell centres."""
        losses = {}
        for name, logits in raw.items():
            ids = functional.interpolate(truth[name][:, None].float(), size=logits.shape[-2:], mode="nearest-exact")
            ids = ids[:, 0].long()
            values = focal_cross_entropy(logits, ids)
            losses[f"label_{name}"] = masked_sum(values, ids >= 0)
        return losses

    def blank(self, truth: dict[str, Tensor]) -> Raw:
        raw = {}
        for name, number in self.classes.items():
            count, *size = truth[name].shape
            height, width = (side // self.taps[0].stride * self.cells for side in size)
            raw[name] = torch.zeros(count, number, height, width, device=truth[name].device)
        return raw
