"""Published DepthVLM checkpoints for tests: the golden one, and tiny ones that can look at photographs."""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from tests.golden.depthvlm import weights
from tests.tiny import tiny_backbone_config, tiny_processor
from vlm.config import FathomConfig
from vlm.model import Fathom

TAPS = ["deepstack.0", "deepstack.1", "deepstack.2", "language.-1"]


def golden_tensors() -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(values) for name, values in weights.checkpoint()[1].items()}


def write_folder(folder: Path, config: dict, tensors: dict[str, torch.Tensor], shards: int = 1) -> Path:
    """A model directory: one model.safetensors, or several with an index."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        return folder
    names = sorted(tensors)
    places = {}
    for number in range(shards):
        file, part = f"model-{number + 1:05}-of-{shards:05}.safetensors", names[number::shards]
        save_file({name: tensors[name] for name in part}, folder / file, {"format": "pt"})
        places |= dict.fromkeys(part, file)
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def golden_folder(folder: Path, shards: int = 1) -> Path:
    return write_folder(folder, {"model_type": "qwen3_vl", **weights.checkpoint()[0]}, golden_tensors(), shards)


def golden_inputs(case: int) -> tuple[dict[str, torch.Tensor], np.ndarray, list[np.ndarray]]:
    """What goes in, and the last logits and depths (metres) that the published code computed from it."""
    with np.load(weights.HERE / "outputs.npz") as stored:
        told = {key.removeprefix(f"case{case}_"): stored[key] for key in stored.files if key.startswith(f"case{case}_")}
    grid = told["image_grid_thw"]
    inputs = {
        "input_ids": torch.from_numpy(told["input_ids"]),
        "attention_mask": torch.from_numpy(told["attention_mask"]),
        "pixel_values": torch.from_numpy(weights.pixel_values(grid, int(told["pixel_values_salt"]))),
        "image_grid_thw": torch.from_numpy(grid),
    }
    return inputs, told["last_logits"], [told[f"depth{b}"] for b in range(len(grid))]


def tiny_published(folder: Path, features: str = "llm_last", hidden: int = 16) -> Path:
    """A tiny model with the mlp head, tokenizer and image processor beside it, under published names.

    Random weights; its embeddings are tied, so that there is no lm_head in the file, as with the real 4B.
    """
    torch.manual_seed(0)
    processor = tiny_processor()
    backbone = tiny_backbone_config(processor)
    backbone.vision_config.deepstack_visual_indexes = [0, 1, 2]
    head = {"kind": "published_mlp", "hidden": hidden, "features": features, "taps": TAPS}
    model = Fathom(FathomConfig(backbone, heads={"depth": head}))
    for weight in model.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.15)
    tensors = {
        name.replace("heads.depth.", "depth_head.").replace("backbone.", ""): tensor.contiguous()
        for name, tensor in model.state_dict().items()
        if "lm_head" not in name
    }
    extra = {"depth_head_type": "mlp", "depth_head_mlp_hidden": hidden, "depth_head_feature_mode": features}
    write_folder(folder, {**backbone.to_dict(), **extra}, tensors)
    processor.save_pretrained(folder)
    return folder
