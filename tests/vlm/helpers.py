"""Prompts and full passes, put together without a scene: what answers from the cache are compared with."""

import contextlib

import numpy as np
import torch

from vlm.images import fit_to_budget, load_image, prepare


def prompt(model, images: list[np.ndarray], question: str | None, prepared: bool = False):
    """Ids of a whole prompt and its prepared images; `question` None: up to the last image token.

    prepared: the images have the network's size already.
    """
    processor = model.processor
    if not prepared:
        photos = [load_image(image) for image in images]
        plans = [fit_to_budget(*photo.size, processor.factor, max_pixels=processor.max_pixels) for photo in photos]
        images = [prepare(photo, plan) for photo, plan in zip(photos, plans, strict=True)]
    content = [*({"type": "image"} for _ in images), {"type": "text", "text": question or "?"}]
    tokens = [image.shape[0] // processor.factor * (image.shape[1] // processor.factor) for image in images]
    ids = widened(processor, [{"role": "user", "content": content}], tokens)
    if question is None:
        ids = ids[: len(ids) - ids[::-1].index(processor.image_token_id)]
    return ids, images


def widened(processor, messages: list[dict], tokens: list[int]) -> list[int]:
    """The chat template's ids with its answer next, one image token for every token of an image."""
    ids = processor.tokenizer.apply_chat_template(
        messages, tokenize=True, add_generation_prompt=True, return_dict=False
    )
    counts = iter(tokens)
    return [t for token in ids for t in [token] * (next(counts) if token == processor.image_token_id else 1)]


@torch.no_grad()
def forward(model, ids: list[int], images: list[np.ndarray]):
    """One pass over everything, without a cache."""
    pixel_values, grid_thw = model.processor.pixels(images)
    return model(torch.tensor([ids]), pixel_values=pixel_values, image_grid_thw=grid_thw)


def logits_of(model, ids: list[int], images: list[np.ndarray]) -> torch.Tensor:
    """(L, vocabulary)."""
    return forward(model, ids, images).logits[0]


def dense(output, index: int = 0) -> torch.Tensor:
    """(3, H, W): all raw maps of the depth head for one image."""
    return torch.stack([output.dense["depth"][index][name] for name in ("log_depth", "raw_scale", "sky_logit")])


def close(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-4) -> bool:
    return a.shape == b.shape and bool((a - b).abs().max() <= tolerance)


@contextlib.contextmanager
def calls_of(module: torch.nn.Module):
    """The outputs of a module's calls, as they happen."""
    seen = []
    hook = module.register_forward_hook(lambda _m, _i, out: seen.append(out))
    try:
        yield seen
    finally:
        hook.remove()
