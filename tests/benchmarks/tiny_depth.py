"""Tiny random models of transformers' real depth classes, saved as their published folders are."""

import json
from pathlib import Path

import torch
from transformers import (
    BeitConfig,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    DepthProConfig,
    DepthProForDepthEstimation,
    Dinov2Config,
    DPTConfig,
    DPTForDepthEstimation,
    GLPNConfig,
    GLPNForDepthEstimation,
    PromptDepthAnythingConfig,
    PromptDepthAnythingForDepthEstimation,
    ZoeDepthConfig,
    ZoeDepthForDepthEstimation,
)

HALF = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
DPT_INPUT = {
    "image_processor_type": "DPTImageProcessor",
    "size": {"height": 28, "width": 28},
    "keep_aspect_ratio": True,
    "ensure_multiple_of": 14,
    **HALF,
}
PADDED_INPUT = {
    "image_processor_type": "DPTImageProcessor",
    "do_resize": False,
    "do_rescale": False,
    "do_pad": True,
    "size_divisor": 14,
    "image_mean": [123.675, 116.28, 103.53],
    "image_std": [58.395, 57.12, 57.375],
}
ZOE_INPUT = {
    "image_processor_type": "ZoeDepthImageProcessor",
    "size": {"height": 32, "width": 32},
    "ensure_multiple_of": 16,
    **HALF,
}
DEPTH_PRO_INPUT = {"image_processor_type": "DepthProImageProcessor", "size": {"height": 64, "width": 64}, **HALF}
GLPN_INPUT = {"image_processor_type": "GLPNImageProcessor", "size_divisor": 32}
PROMPT_INPUT = {
    "image_processor_type": "PromptDepthAnythingImageProcessor",
    "size": {"height": 28, "width": 28},
    "keep_aspect_ratio": True,
    "ensure_multiple_of": 14,
}


def save(model, folder: Path, preprocessor: dict, std: float = 0.2) -> Path:
    """Weights, config and preprocessor_config.json; weights large enough for outputs to depend on the picture."""
    torch.manual_seed(0)
    for weight in model.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=std)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder


def dinov2(image_size: int = 28) -> Dinov2Config:
    return Dinov2Config(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        patch_size=14,
        image_size=image_size,
        out_indices=[1, 2, 3, 4],
        apply_layernorm=True,
        reshape_hidden_states=False,
    )


NECK = {"neck_hidden_sizes": [8, 8, 8, 8], "fusion_hidden_size": 8, "reassemble_factors": [4, 2, 1, 0.5]}


def depth_anything(folder: Path, metric: bool = True, max_depth: int = 20) -> Path:
    kind = {"depth_estimation_type": "metric", "max_depth": max_depth} if metric else {}
    config = DepthAnythingConfig(
        backbone_config=dinov2(), patch_size=14, reassemble_hidden_size=16, head_hidden_size=8, **NECK, **kind
    )
    return save(DepthAnythingForDepthEstimation(config), folder, DPT_INPUT)


def prompt_depth_anything(folder: Path) -> Path:
    config = PromptDepthAnythingConfig(
        backbone_config=dinov2(), patch_size=14, reassemble_hidden_size=16, head_hidden_size=8, **NECK
    )
    return save(PromptDepthAnythingForDepthEstimation(config), folder, PROMPT_INPUT)


def dpt(folder: Path) -> Path:
    config = DPTConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        **NECK,
    )
    return save(DPTForDepthEstimation(config), folder, DPT_INPUT | {"size": {"height": 32, "width": 32}} | {
        "keep_aspect_ratio": False, "ensure_multiple_of": 1
    })  # fmt: skip


def dinov2_dpt(folder: Path) -> Path:
    config = DPTConfig(
        backbone_config=dinov2(), add_projection=True, use_bias_in_fusion_residual=False, **NECK | {
            "fusion_hidden_size": 256  # the projection is built for 256
        }
    )  # fmt: skip
    return save(DPTForDepthEstimation(config), folder, PADDED_INPUT, std=0.03)


def zoedepth(folder: Path) -> Path:
    backbone = BeitConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=16,
        use_relative_position_bias=True,
        reshape_hidden_states=False,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = ZoeDepthConfig(
        backbone_config=backbone,
        num_relative_features=8,
        bottleneck_features=8,
        num_attractors=[4, 2, 2, 1],
        bin_embedding_dim=8,
        bin_configurations=[{"n_bins": 8, "min_depth": 0.001, "max_depth": 10.0}],
        **NECK,
    )
    return save(ZoeDepthForDepthEstimation(config), folder, ZOE_INPUT)


def depth_pro(folder: Path, own_fov: bool = True) -> Path:
    tower = {
        "model_type": "dinov2",
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "patch_size": 4,
        "image_size": 16,
    }
    config = DepthProConfig(
        patch_size=16,
        fusion_hidden_size=16,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[8, 8],
        scaled_images_ratios=[0.25, 0.5, 1.0],
        scaled_images_overlap_ratios=[0.0, 0.5, 0.25],
        scaled_images_feature_dims=[16, 16, 8],
        merge_padding_value=1,
        num_fov_head_layers=2,
        use_fov_model=own_fov,
        image_model_config=tower,
        patch_model_config=tower,
        fov_model_config=tower,
    )
    model = DepthProForDepthEstimation(config)
    folder = save(model, folder, DEPTH_PRO_INPUT)
    if own_fov:  # a random head sees no sensible angle: its last bias says 60 degrees
        last = model.fov_model.head.layers[-1]
        torch.nn.init.normal_(last.weight, std=0.01)
        torch.nn.init.constant_(last.bias, 60.0)
        model.save_pretrained(folder)
    return folder


def glpn(folder: Path) -> Path:
    config = GLPNConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 16, 16],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=8,
        max_depth=10,
    )
    return save(GLPNForDepthEstimation(config), folder, GLPN_INPUT)


def tipsv2(folder: Path) -> Path:
    """Newer than the oldest transformers that Fathom runs with: ImportError there."""
    from transformers.models.tipsv2.configuration_tipsv2 import Tipsv2VisionConfig
    from transformers.models.tipsv2_dpt.modeling_tipsv2_dpt import Tipsv2DptConfig, Tipsv2DptForDepthEstimation

    backbone = Tipsv2VisionConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=28,
        out_indices=[1, 2, 3, 4],
        reshape_hidden_states=False,
    )
    config = Tipsv2DptConfig(
        backbone_config=backbone,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        num_depth_bins=16,
        max_depth=10.0,
    )
    preprocessor = {
        "image_processor_type": "Tipsv2DptImageProcessor",
        "size": {"height": 28, "width": 28},
        "do_normalize": False,
    }
    return save(Tipsv2DptForDepthEstimation(config), folder, preprocessor)
