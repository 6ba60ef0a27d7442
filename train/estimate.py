"""What a recipe trains, and the memory that it needs on one GPU: counted on shapes, without weights.

    fathom train --recipe stage1 --dry-run --size qwen3-vl-4b quantise=nf4

An estimate, good for choosing a recipe: every part comes with its arithmetic, and the room that it leaves out (the
CUDA context, kernels' workspaces, fragments) is named as a part of its own.
"""

import copy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, Qwen3VLConfig

from heads.base import Features
from heads.errors import InputError
from heads.rays import RayHead, ray_tokens
from train.groups import GROUPS, grouped, trainable
from train.recipe import Recipe
from train.start import adapt, check_losses
from vlm.adapter import is_adapter
from vlm.checkpoints import model_type, resolve
from vlm.config import DEFAULT_HEADS, FathomConfig
from vlm.loading import UNQUANTISED
from vlm.model import Fathom
from vlm.sizes import SIZES

NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Of a weight: 4 bits, a byte of scale for 64 of them, 4 bytes for 256 such scales (Dettmers et al. 2023)."""
SPARE = 1.5 * 2**30
"""CUDA context, cuBLAS workspace, fragments."""


@dataclass(frozen=True)
class Part:
    """bytes, and in words what was multiplied."""

    name: str
    bytes: float
    arithmetic: str


def sketch(recipe: Recipe, size: str | None = None) -> Fathom:
    """The recipe's model with its heads and adapter, on the meta device. size: a name in `vlm.sizes`, for `start`."""
    if size is not None and size not in SIZES:
        raise InputError("size", f"there is no {size!r}", ", ".join(SIZES))
    heads = recipe.model.heads
    if size is not None:
        config = FathomConfig(SIZES[size](), heads or DEFAULT_HEADS)
    elif recipe.start is None:
        sizes = recipe.model
        backbone = Qwen3VLConfig(
            text_config=sizes.text | {"vocab_size": recipe.vocabulary},
            vision_config=sizes.vision,
            tie_word_embeddings=True,
        )
        config = FathomConfig(backbone, heads)
    else:
        folder = resolve(recipe.start)
        if is_adapter(folder):
            raise InputError("size", f"{folder} is an adapter", f"{', '.join(SIZES)}, or its base as start=FOLDER")
        told: Any = AutoConfig.from_pretrained(folder)
        own = told.heads if model_type(folder) == "fathom" else {} if heads else DEFAULT_HEADS
        config = FathomConfig(getattr(told, "backbone_config", told), own | heads)
    with torch.device("meta"):
        model = Fathom(config)
        adapt(model, replace(recipe, start=recipe.start or size))
    check_losses(model, recipe)
    return model


def memory(model: Fathom, recipe: Recipe, width: int = 1024, height: int = 768) -> list[Part]:
    """One forward and backward pass of one picture of width x height px, with the recipe's questions."""
    trains = trainable(model)
    text, labels = 32 * recipe.questions_per_image, 16 * recipe.questions_per_image
    b = 2 if recipe.dtype == "bfloat16" else 4
    words = model.config.get_text_config().vocab_size
    return [
        *_weights(model, recipe, b),
        *_states(trains, b, recipe.average > 0),
        *_activations(model, recipe, width, height, text, b),
        _heads(model, width, height),
        Part(
            "logits",
            labels * words * (2 * b + 8),
            f"{labels} answer tokens x {words} words x ({b} + {b} gradient + 2 x 4) bytes",
        ),
        Part("spare", SPARE, "CUDA context, workspaces, fragments: 1.5 GiB"),
    ]


def _weights(model: Fathom, recipe: Recipe, b: int) -> list[Part]:
    packed = 0
    if recipe.quantise == "nf4":
        for name, module in model.backbone.named_modules():
            if isinstance(module, nn.Linear) and ".lora_" not in name and name.split(".")[0] not in UNQUANTISED:
                packed += module.weight.numel()
    rest = sum(weight.numel() for group, _, weight in grouped(model) if group in ("backbone", "vision")) - packed
    parts = [Part("weights", rest * b, f"{rest:,} x {b} bytes")]
    if packed:
        parts.insert(0, Part("weights in nf4", packed * NF4_BYTES, f"{packed:,} x {NF4_BYTES:.4f} bytes"))
    own = sum(weight.numel() for group, _, weight in grouped(model) if group in ("adapter", "heads"))
    return [*parts, Part("adapter and heads", own * 4, f"{own:,} x 4 bytes")]


def _states(trains: dict[str, int], b: int, average: bool) -> list[Part]:
    """Gradients and the two moments of AdamW, in the weights' own precision, and the running mean of the weights."""
    small, large = trains["adapter"] + trains["heads"], trains["backbone"] + trains["vision"]
    parts = [Part("gradients, AdamW: adapter, heads", small * 12, f"{small:,} x (4 + 8) bytes")]
    if large:
        parts.append(Part("gradients, AdamW: backbone", large * 3 * b, f"{large:,} x ({b} + {2 * b}) bytes"))
    if average:  # in float32; an evaluation puts the weights themselves aside
        parts.append(Part("running mean", (small + large) * 4, f"{small + large:,} x 4 bytes"))
        parts.append(Part("weights put aside by an evaluation", small * 4 + large * b, "adapter and heads in float32"))
    return parts


def _activations(model: Fathom, recipe: Recipe, width: int, height: int, text: int, b: int) -> list[Part]:
    """Of the backbone: what each block keeps for the backward pass, or its input alone and one block at a time.

    A block keeps, per token: two norms (in and out, float32 inside), queries, keys, values, attention's output, and the
    MLP's inner features (twice; gated: four times); a LoRA layer also its input in float32.
    """
    config = model.config.backbone_config
    text_config, vision = config.get_text_config(), config.vision_config
    tower = getattr(vision, "depth", None) or vision.num_hidden_layers
    patches = width * height // model.family.tap(config, "vision.0").stride ** 2
    tokens = width * height // model.family.tap(config, "language.0").stride ** 2 + text
    heads = text_config.num_attention_heads
    dim = getattr(text_config, "head_dim", None) or text_config.hidden_size // heads
    hidden, inner, narrow = text_config.hidden_size, text_config.intermediate_size, text_config.num_key_value_heads
    lora = 4 * (5 * hidden + heads * dim + inner) if recipe.trains.adapter else 0
    block = 2 * (4 + b) * hidden + b * (2 * heads + 2 * narrow) * dim + 4 * b * inner + lora
    one = vision.hidden_size
    vision_block = 2 * (4 + b) * one + 4 * b * one + 2 * b * vision.intermediate_size
    has_gradient = recipe.trains.vision or (recipe.adapter is not None and recipe.adapter.vision)
    parts = []
    if has_gradient:
        parts.append(("vision blocks", tower, patches, one, vision_block))
    if recipe.trains.adapter or recipe.trains.backbone:
        still = 0 if has_gradient else recipe.trains.backbone_from  # layers that no gradient passes
        parts.append(("LLM layers", text_config.num_hidden_layers - still, tokens, hidden, block))
    if not recipe.gradient_checkpointing:
        return [
            Part(f"activations: {name}", count * places * kept, f"{count} x {places} tokens x {kept:,} bytes")
            for name, count, places, _, kept in parts
        ]
    inputs = [
        Part(f"activations: inputs of {name}", count * places * size * b, f"{count} x {places} tokens x {size} x {b}")
        for name, count, places, size, _ in parts
    ]
    largest = max((places * kept, name, places, kept) for name, _, places, _, kept in parts) if parts else None
    if largest is None:
        return inputs
    total, name, places, kept = largest
    return [*inputs, Part("activations: one block again", total, f"{name}: {places} tokens x {kept:,} bytes")]


def _heads(model: Fathom, width: int, height: int) -> Part:
    """What the heads keep for their backward pass: counted tensor by tensor on a small picture, scaled by area."""
    small = 256, 192
    kept = 0
    for head in model.heads.values():
        taps = {
            tap.name: torch.zeros(1, tap.channels, small[1] // tap.stride, small[0] // tap.stride) for tap in head.taps
        }
        features: Any = Features(taps, torch.zeros(1, 3, small[1], small[0]))
        if isinstance(head, RayHead):
            features = ray_tokens([[torch.cat([tap[0] for tap in taps.values()])]])
        kept += _kept(copy.deepcopy(head).to_empty(device="cpu"), features)
    share = width * height / (small[0] * small[1])
    return Part("activations: heads", kept * share, f"{kept:,} bytes for {small[0]} x {small[1]} px x {share:g}")


def _kept(head: nn.Module, features: Any) -> int:
    """Bytes of the tensors that autograd keeps, each storage once, weights left out."""
    own = {weight.untyped_storage()._cdata for weight in head.parameters()}
    held: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        held.setdefault(tensor.untyped_storage()._cdata, tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        head(features)
    return sum(tensor.untyped_storage().nbytes() for key, tensor in held.items() if key not in own)


def report(recipe: Recipe, name: str, size: str | None, width: int = 1024, height: int = 768) -> str:
    """Both tables as text."""
    model = sketch(recipe, size)
    counts, trains = dict.fromkeys(GROUPS, 0), trainable(model)
    for group, _, weight in grouped(model):
        counts[group] += weight.numel()
    lines = [f"{name} from {size or recipe.start or 'nothing'}", "", "weights            all       trained"]
    lines += [f"{group:9} {counts[group]:13,} {trains[group]:13,}" for group in GROUPS]
    lines += [f"{'together':9} {sum(counts.values()):13,} {sum(trains.values()):13,}", ""]
    parts = memory(model, recipe, width, height)
    lines.append(f"memory of one picture of {width} x {height} px a pass, GiB (estimated)")
    lines += [f"{part.bytes / 2**30:6.2f}  {part.name}: {part.arithmetic}" for part in parts]
    lines.append(f"{sum(part.bytes for part in parts) / 2**30:6.2f}  together")
    return "\n".join(lines)
