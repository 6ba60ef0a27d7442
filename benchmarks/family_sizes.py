"""The smallest published model of every family of `vlm.backbones`: its sizes, and its image processor.

From the models' own config.json and preprocessor_config.json; tests compare the parameters
that they add up to with those that the models' pages state.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import LlavaOnevisionImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

SQUARE = {"height": 384, "width": 384}
PINPOINTS = [[384 * rows, 384 * columns] for rows in range(1, 7) for columns in range(1, 7)]
QWEN_IDS = {"vision_start_token_id": 151652, "vision_end_token_id": 151653, "image_token_id": 151655}
SIGLIP = {
    "model_type": "siglip_vision_model",
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_attention_heads": 16,
    "patch_size": 14,
    "vision_use_head": False,
}
"""SigLIP so400m, as three families have it."""
QWEN2_HALF_B = {
    "model_type": "qwen2",
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
}


@dataclass(frozen=True)
class Published:
    """The smallest published model of a family. source: whose config.json and preprocessor_config.json these are."""

    family: str
    source: str
    kinds: tuple[str, ...]  # what tests call it
    config: dict[str, Any]
    images: Callable[[], Any]


PUBLISHED = (
    Published(
        "Qwen3-VL",
        "Qwen/Qwen3-VL-2B-Instruct",
        ("qwen3_vl",),
        {
            "model_type": "qwen3_vl",
            "text_config": {
                "hidden_size": 2048,
                "intermediate_size": 6144,
                "num_hidden_layers": 28,
                "num_attention_heads": 16,
                "num_key_value_heads": 8,
                "head_dim": 128,
                "vocab_size": 151936,
            },
            "vision_config": {
                "hidden_size": 1024,
                "intermediate_size": 4096,
                "depth": 24,
                "num_heads": 16,
                "out_hidden_size": 2048,
                "patch_size": 16,
                "num_position_embeddings": 2304,
                "deepstack_visual_indexes": [5, 11, 17],
            },
            "tie_word_embeddings": True,
            **QWEN_IDS,
        },
        lambda: Qwen2VLImageProcessorPil(patch_size=16, merge_size=2),
    ),
    Published(
        "Qwen2.5-VL",
        "Qwen/Qwen2.5-VL-3B-Instruct",
        ("qwen2_5_vl",),
        {
            "model_type": "qwen2_5_vl",
            "text_config": {
                "hidden_size": 2048,
                "intermediate_size": 11008,
                "num_hidden_layers": 36,
                "num_attention_heads": 16,
                "num_key_value_heads": 2,
                "vocab_size": 151936,
                "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
            },
            "vision_config": {
                "hidden_size": 1280,
                "intermediate_size": 3420,
                "depth": 32,
                "num_heads": 16,
                "out_hidden_size": 2048,
                "patch_size": 14,
                "window_size": 112,
                "fullatt_block_indexes": [7, 15, 23, 31],
            },
            "tie_word_embeddings": True,
            **QWEN_IDS,
        },
        lambda: Qwen2VLImageProcessorPil(patch_size=14, merge_size=2),
    ),
    Published(
        "SmolVLM / Idefics3",
        "HuggingFaceTB/SmolVLM-256M-Instruct",
        ("idefics3", "smolvlm"),
        {
            "model_type": "idefics3",
            "text_config": {
                "model_type": "llama",
                "hidden_size": 576,
                "intermediate_size": 1536,
                "num_hidden_layers": 30,
                "num_attention_heads": 9,
                "num_key_value_heads": 3,
                "head_dim": 64,
                "vocab_size": 49280,
            },
            "vision_config": {
                "hidden_size": 768,
                "intermediate_size": 3072,
                "num_hidden_layers": 12,
                "num_attention_heads": 12,
                "image_size": 512,
                "patch_size": 16,
            },
            "scale_factor": 4,
            "tie_word_embeddings": False,
        },
        lambda: Idefics3ImageProcessorPil(size={"longest_edge": 2048}, max_image_size={"longest_edge": 512}),
    ),
    Published(
        "InternVL3 (-hf)",
        "OpenGVLab/InternVL3-1B-hf",
        ("internvl",),
        {
            "model_type": "internvl",
            "text_config": QWEN2_HALF_B | {"vocab_size": 151674},
            "vision_config": {
                "hidden_size": 1024,
                "intermediate_size": 4096,
                "num_hidden_layers": 24,
                "num_attention_heads": 16,
                "image_size": [448, 448],
                "patch_size": [14, 14],
            },
            "tie_word_embeddings": False,
        },
        lambda: GotOcr2ImageProcessorPil(size={"height": 448, "width": 448}),
    ),
    Published(
        "LLaVA-OneVision",
        "llava-hf/llava-onevision-qwen2-0.5b-ov-hf",
        ("llava_onevision",),
        {
            "model_type": "llava_onevision",
            "text_config": QWEN2_HALF_B | {"vocab_size": 152000, "tie_word_embeddings": True},
            "vision_config": SIGLIP | {"num_hidden_layers": 26, "image_size": 384},
            "image_grid_pinpoints": PINPOINTS,
            "tie_word_embeddings": True,
        },
        lambda: LlavaOnevisionImageProcessorPil(size=SQUARE, image_grid_pinpoints=PINPOINTS),
    ),
    Published(
        "Gemma3",
        "google/gemma-3-4b-it",
        ("gemma3",),
        {
            "model_type": "gemma3",
            "text_config": {
                "hidden_size": 2560,
                "intermediate_size": 10240,
                "num_hidden_layers": 34,
                "num_attention_heads": 8,
                "num_key_value_heads": 4,
                "head_dim": 256,
                "vocab_size": 262208,
            },
            "vision_config": SIGLIP | {"num_hidden_layers": 27, "image_size": 896},
            "mm_tokens_per_image": 256,
        },
        lambda: Gemma3ImageProcessorPil(size={"height": 896, "width": 896}),
    ),
    Published(
        "PaliGemma",
        "google/paligemma-3b-pt-224",
        ("paligemma",),
        {
            "model_type": "paligemma",
            "text_config": {
                "model_type": "gemma",
                "hidden_size": 2048,
                "intermediate_size": 16384,
                "num_hidden_layers": 18,
                "num_attention_heads": 8,
                "num_key_value_heads": 1,
                "head_dim": 256,
                "vocab_size": 257216,
            },
            "vision_config": SIGLIP | {"num_hidden_layers": 27, "image_size": 224},
            "projection_dim": 2048,
            "hidden_size": 2048,
        },
        lambda: SiglipImageProcessorPil(size={"height": 224, "width": 224}),
    ),
)
