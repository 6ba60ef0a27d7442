"""Tiny things of the real kinds: a Qwen3-VL of a few thousand weights, its processor, records on disk."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import Qwen3VLConfig
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from train.tokenizer import train_tokenizer
from vlm.config import FathomConfig
from vlm.model import Fathom
from vlm.processor import FathomProcessor

WORDS = ["How far is the red chair?", "2.4 m", "Describe the picture.", "a table at (512, 304)", "yes", "no"]


def tiny_processor(max_pixels: int = 128 * 128) -> FathomProcessor:
    images = Qwen2VLImageProcessorPil(patch_size=16, merge_size=2, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    return FathomProcessor(train_tokenizer(WORDS, 300), images, max_pixels)


def tiny_backbone_config(processor: FathomProcessor) -> Qwen3VLConfig:
    tokens = processor.tokenizer
    return Qwen3VLConfig(
        text_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "vocab_size": len(tokens),
            "max_position_embeddings": 1024,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "mrope_section": [4, 2, 2],
                "mrope_interleaved": True,
            },
        },
        vision_config={
            "hidden_size": 32,
            "depth": 3,
            "num_heads": 2,
            "intermediate_size": 48,
            "out_hidden_size": 32,
            "patch_size": 16,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0, 1],  # inside the depth, or the DeepStack path is never run
        },
        tie_word_embeddings=True,
        image_token_id=tokens.convert_tokens_to_ids("<|image_pad|>"),
        video_token_id=tokens.convert_tokens_to_ids("<|video_pad|>"),
        vision_start_token_id=tokens.convert_tokens_to_ids("<|vision_start|>"),
        vision_end_token_id=tokens.convert_tokens_to_ids("<|vision_end|>"),
    )


def tiny_model(seed: int = 0, **changes) -> Fathom:
    """Random weights, large enough to matter: outputs depend on every input."""
    torch.manual_seed(seed)
    processor = tiny_processor()
    heads = {
        "depth": {"widths": [16, 16, 16, 8, 8]},
        "rays": {"width": 16, "layers": 1, "attention_heads": 2},
    }
    config = FathomConfig(tiny_backbone_config(processor), **{"heads": heads, "max_pixels": 128 * 128, **changes})
    model = Fathom(config)
    for name, weight in model.named_parameters():
        if weight.ndim > 1 and "heads.rays.last" not in name:
            torch.nn.init.normal_(weight, std=0.15)
    model.processor = processor
    return model.eval()


def tiny_records(folder: Path, count: int = 6, size: tuple[int, int] = (64, 96)) -> Path:
    """`count` pictures of a tilted plane under a sky, with depth, labels, camera and questions."""
    height, width = size
    rng = np.random.default_rng(0)
    lines = []
    for i in range(count):
        focal = width * rng.uniform(0.6, 1.4)
        y = (np.arange(height) + 0.5 - height / 2)[:, None] / focal + np.zeros((1, width))
        depth = np.where(y > 0.02, 1.5 / np.maximum(y, 0.02), np.inf)
        values = np.where(np.isinf(depth), 65535, np.minimum(depth * 500, 60000)).astype(np.uint16)
        image = rng.integers(0, 255, (height, width, 3)).astype(np.uint8) // 4
        image[y <= 0.02] += 150
        labels = np.zeros((height, width, 3), np.uint8)
        labels[y > 0.02] = (1, 2, 1)
        for kind, array in (("images", image), ("depth", values), ("labels", labels)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(folder / kind / f"{i}.png")
        lines.append(
            {
                "dataset": "tiny",
                "domain": "outdoor",
                "scene_id": str(i),
                "image": f"images/{i}.png",
                "original_rgb_size": [width, height],
                "original_fx": focal,
                "original_fy": focal,
                "original_cx": width / 2,
                "original_cy": height / 2,
                "depth_path": f"depth/{i}.png",
                "depth_scale": 500.0,
                "sky_code": 65535,
                "original_depth_size": [width, height],
                "depth_type": "z_depth",
                "labels_path": f"labels/{i}.png",
                "things": [{"kind": "chair", "colour": "red", "instance": 1}],
                "questions": [{"type": "distance", "question": WORDS[0], "answer": f"{2 + i / 10} m"}] * 3,
            }
        )
    path = folder / "records.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
