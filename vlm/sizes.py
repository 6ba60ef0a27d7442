"""Published sizes of backbones, for counting on the meta device: no weights, no download."""

from typing import Any

from transformers import Qwen3VLConfig

QWEN3_VL_4B: dict[str, Any] = {
    "text_config": {
        "hidden_size": 2560,
        "intermediate_size": 9728,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "vocab_size": 151936,
        "max_position_embeddings": 262144,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 5000000,
            "mrope_section": [24, 20, 20],
            "mrope_interleaved": True,
        },
    },
    "vision_config": {
        "hidden_size": 1024,
        "depth": 24,
        "num_heads": 16,
        "intermediate_size": 4096,
        "out_hidden_size": 2560,
        "patch_size": 16,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "in_channels": 3,
        "num_position_embeddings": 2304,
        "deepstack_visual_indexes": [5, 11, 17],
    },
    "tie_word_embeddings": True,
}
"""Qwen3-VL-4B-Instruct's config.json (its token ids do not matter here)."""

SIZES: dict[str, Any] = {"qwen3-vl-4b": lambda: Qwen3VLConfig(**QWEN3_VL_4B)}
"""Name -> the backbone's config."""
