"""A tiny random VLM of every family, its tokenizer and image processor: real classes, a few thousand weights."""

import copy
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from transformers import (
    Gemma3Config,
    Idefics3Config,
    InternVLConfig,
    LlavaOnevisionConfig,
    PaliGemmaConfig,
    PreTrainedTokenizerFast,
    ProcessorMixin,
    Qwen2_5_VLConfig,
    SmolVLMConfig,
)
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import LlavaOnevisionImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

from tests.tiny import WORDS, tiny_backbone_config, tiny_processor
from train.tokenizer import train_tokenizer
from vlm.config import FathomConfig
from vlm.model import Fathom
from vlm.processor import FathomProcessor

HEADS = {"depth": {"widths": [16, 16, 16, 8, 8]}, "rays": {"width": 16, "layers": 1, "attention_heads": 2}}
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
}

SIGLIP = {"model_type": "siglip_vision_model", "vision_use_head": False}
VISION = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 2}

WIDE = {"hidden_size": 64, "intermediate_size": 64, "num_attention_heads": 8, "num_key_value_heads": 4}
AROUND_WIDE = {"projection_dim": 64, "out_hidden_size": 64}
"""An LLM of twice the width, and where else in a config it shows."""


@dataclass
class Kind:
    """How one family is made. sizes: (width, height) of photographs that it sees in three different shapes."""

    config: Any  # vocabulary, ids of tokens -> backbone config
    images: Any  # () -> image processor
    tokens: dict[str, str] = field(default_factory=dict)  # attribute of the tokenizer -> token
    template: str | None = None
    sizes: tuple[tuple[int, int], ...] = ((160, 160), (260, 120), (120, 230))
    shapes: int = 3  # how many different ones the network sees them in
    max_pixels: int = 192 * 192
    processor: str = ""  # the family's own processor class
    options: dict[str, Any] = field(default_factory=dict)  # of that class
    as_prepared: dict[str, Any] = field(default_factory=lambda: {"do_resize": False})  # images have their size
    chats: bool = True
    mark: float = 1.0  # side of the marked square, in tokens

    def render(self, processor: Any, messages: list[dict]) -> str:
        """The prompt's text for the family's own processor."""
        if self.chats:
            return ProcessorMixin.apply_chat_template(processor, messages, tokenize=False, add_generation_prompt=True)
        return "".join("<image>" if part["type"] == "image" else part["text"] for part in messages[0]["content"])


def qwen2_5_vl(vocabulary: int, ids: Any) -> Any:
    return Qwen2_5_VLConfig(
        text_config=TEXT
        | {
            "vocab_size": vocabulary,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]},
        },
        vision_config={
            "hidden_size": 32,
            "depth": 3,
            "num_heads": 2,
            "intermediate_size": 48,
            "out_hidden_size": 32,
            "patch_size": 14,
            "window_size": 56,  # two merge blocks a side: several windows in every picture
            "fullatt_block_indexes": [1],
        },
        tie_word_embeddings=True,
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
    )


KINDS: dict[str, Kind] = {
    "qwen3_vl": Kind(
        lambda vocabulary, ids: tiny_backbone_config(tiny_processor()),
        lambda: tiny_processor().image_processor,
        processor="Qwen3VLProcessor",
    ),
    "qwen2_5_vl": Kind(
        qwen2_5_vl,
        lambda: Qwen2VLImageProcessorPil(patch_size=14, merge_size=2),
        processor="Qwen2_5_VLProcessor",
    ),
}


CHATML = """\
{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n'}}{% if message['content'] is string %}\
{{ message['content'] }}{% else %}{% for content in message['content'] %}{% if content['type'] == 'image' %}\
{{ '<IMG_CONTEXT>\n' }}{% elif content['type'] == 'text' %}{{ content['text'] }}{% endif %}{% endfor %}{% endif %}\
{{'<|im_end|>\n'}}{% endfor %}{% if add_generation_prompt %}{{'<|im_start|>assistant\n' }}{% endif %}"""

KINDS["internvl"] = Kind(
    lambda vocabulary, ids: InternVLConfig(
        text_config=TEXT | {"model_type": "qwen2", "vocab_size": vocabulary, "tie_word_embeddings": True},
        vision_config=VISION | {"image_size": [56, 56], "patch_size": [14, 14]},
        image_token_id=ids("<IMG_CONTEXT>"),
        image_seq_length=4,
    ),
    lambda: GotOcr2ImageProcessorPil(size={"height": 56, "width": 56}),
    tokens={
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    },
    template=CHATML,
    processor="InternVLProcessor",
    options={"image_seq_length": 4},
    as_prepared={"max_patches": 9},
)


SMOL = """\
<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}\
{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}\
{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}\
{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>
{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"""


def idefics3(config_class: Any) -> Any:
    return lambda vocabulary, ids: config_class(
        text_config=TEXT | {"model_type": "llama", "vocab_size": vocabulary, "pad_token_id": 0},
        vision_config=VISION | {"image_size": 56, "patch_size": 14},
        image_token_id=ids("<image>"),
        scale_factor=2,
    )


KINDS["idefics3"] = Kind(
    idefics3(Idefics3Config),
    lambda: Idefics3ImageProcessorPil(size={"longest_edge": 224}, max_image_size={"longest_edge": 56}),
    tokens={
        "fake_image_token": "<fake_token_around_image>",
        "image_token": "<image>",
        "end_of_utterance_token": "<end_of_utterance>",
        "global_image_token": "<global-img>",
        **{f"row_{r}_col_{c}": f"<row_{r}_col_{c}>" for r in range(1, 5) for c in range(1, 5)},
    },
    template=SMOL,
    processor="Idefics3Processor",
    options={"image_seq_len": 4},
)
KINDS["smolvlm"] = replace(
    KINDS["idefics3"],
    config=idefics3(SmolVLMConfig),
    images=lambda: SmolVLMImageProcessorPil(size={"longest_edge": 224}, max_image_size={"longest_edge": 56}),
    processor="SmolVLMProcessor",
    options={"image_seq_len": 4, "video_processor": None},
)

ONEVISION = """\
{% for message in messages %}{{'<|im_start|>' + message['role'] + ' '}}\
{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>' }}{% endfor %}\
{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}\
{{ '\\n' + content['text'] }}{% endfor %}\
{{'<|im_end|>'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
PINPOINTS = [[60 * rows, 60 * columns] for rows in range(1, 5) for columns in range(1, 5)]

KINDS["llava_onevision"] = Kind(
    lambda vocabulary, ids: LlavaOnevisionConfig(
        text_config=TEXT | {"model_type": "qwen2", "vocab_size": vocabulary},
        # 60 px are four patches of 14 px and 4 px that no patch sees, as 384 px are 27 patches and 6 px.
        vision_config=VISION | SIGLIP | {"image_size": 60, "patch_size": 14},
        image_token_index=ids("<image>"),
        video_token_index=ids("<video>"),
        image_grid_pinpoints=PINPOINTS,
        vision_aspect_ratio="anyres_max_4",  # so that larger pictures are thinned
    ),
    lambda: LlavaOnevisionImageProcessorPil(size={"height": 60, "width": 60}, image_grid_pinpoints=PINPOINTS),
    tokens={"image_token": "<image>", "video_token": "<video>"},
    template=ONEVISION,
    processor="LlavaOnevisionProcessor",
    options={
        "num_image_tokens": 16,
        "vision_feature_select_strategy": "full",
        "vision_aspect_ratio": "anyres_max_4",
    },
    as_prepared={},
    mark=0.5,  # tokens of a thinned grid overlap: a square as large as one is seen by its neighbours as well
)

GEMMA = """\
{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'][0]['text'] + '\n\n' %}\
{% set rest = messages[1:] %}{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}\
{% for message in rest %}{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}\
{{ '<start_of_turn>' + role + '\n' + (first if loop.first else '') }}{% for item in message['content'] %}\
{% if item['type'] == 'image' %}{{ '<start_of_image>' }}{% else %}{{ item['text'] | trim }}{% endif %}{% endfor %}\
{{ '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"""

KINDS["gemma3"] = Kind(
    lambda vocabulary, ids: Gemma3Config(
        text_config=TEXT
        | {
            "vocab_size": vocabulary,
            "head_dim": 16,
            "query_pre_attn_scalar": 16,
            "sliding_window": 12,  # shorter than an image: windows matter
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
        },
        vision_config=VISION | SIGLIP | {"image_size": 56, "patch_size": 7},
        mm_tokens_per_image=16,
        boi_token_index=ids("<start_of_image>"),
        eoi_token_index=ids("<end_of_image>"),
        image_token_index=ids("<image_soft_token>"),
    ),
    lambda: Gemma3ImageProcessorPil(size={"height": 56, "width": 56}, image_mean=[0.5] * 3, image_std=[0.5] * 3),
    tokens={
        "bos_token": "<bos>",
        "boi_token": "<start_of_image>",
        "eoi_token": "<end_of_image>",
        "image_token": "<image_soft_token>",
        "turn_start": "<start_of_turn>",
        "turn_end": "<end_of_turn>",
    },
    template=GEMMA,
    shapes=1,
    processor="Gemma3Processor",
    options={"image_seq_length": 16},
)


def siglip() -> SiglipImageProcessorPil:
    images: Any = SiglipImageProcessorPil(size={"height": 56, "width": 56})
    images.image_seq_length = 16
    return images


KINDS["paligemma"] = Kind(
    lambda vocabulary, ids: PaliGemmaConfig(
        text_config=TEXT | {"model_type": "gemma", "vocab_size": vocabulary, "head_dim": 16},
        vision_config=VISION | SIGLIP | {"image_size": 56, "patch_size": 14},
        image_token_index=ids("<image>"),
        projection_dim=32,
        hidden_size=32,
    ),
    siglip,
    tokens={"bos_token": "<bos>", "image_token": "<image>"},
    shapes=1,
    processor="PaliGemmaProcessor",
    chats=False,
)


def tiny_tokenizer(kind: Kind) -> PreTrainedTokenizerFast:
    """Bytes, the family's special tokens, its chat template as published."""
    tokenizer = train_tokenizer(WORDS, 300)
    if not kind.tokens:
        return tokenizer
    inner = tokenizer.backend_tokenizer
    inner.add_special_tokens(list(kind.tokens.values()))
    usual = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    usual |= {name: token for name, token in kind.tokens.items() if name in ("bos_token", "eos_token")}
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        **usual,
        extra_special_tokens={name: token for name, token in kind.tokens.items() if name not in usual},
        chat_template=kind.template,
        clean_up_tokenization_spaces=False,
    )


def tiny_family(name: str, seed: int = 0, heads: dict | None = None, wide: bool = False) -> Fathom:
    """Random weights, large enough to matter: outputs depend on every input.

    wide: an LLM of 64 channels instead of 32.
    """
    torch.manual_seed(seed)
    kind = KINDS[name]
    tokenizer = tiny_tokenizer(kind)
    backbone = kind.config(len(tokenizer), tokenizer.convert_tokens_to_ids)
    if wide:
        parts = [(backbone.text_config, WIDE), (backbone.vision_config, AROUND_WIDE), (backbone, AROUND_WIDE)]
        for part, sizes in parts:
            for key, size in sizes.items():
                if hasattr(part, key):
                    setattr(part, key, size)
    config = FathomConfig(backbone, heads=HEADS if heads is None else heads, max_pixels=kind.max_pixels)
    model = Fathom(config)
    for path, weight in model.named_parameters():
        if weight.ndim > 1 and "heads.rays.last" not in path:
            torch.nn.init.normal_(weight, std=0.15)
    model.heads["depth"].last.weight.data *= 0.1
    model.processor = FathomProcessor(tokenizer, kind.images(), kind.max_pixels, backbone)
    return model.eval()


def own_processor(model: Fathom, name: str) -> Any:
    """The family's own processor class around the same parts, its check for a video processor skipped."""
    import transformers

    kind, ours = KINDS[name], model.processor
    assert ours is not None

    class Own(getattr(transformers, kind.processor)):
        def check_argument_for_proper_class(self, argument_name, argument):
            if argument_name == "video_processor" and argument is None:
                return None
            return super().check_argument_for_proper_class(argument_name, argument)

    Own.__name__ = kind.processor
    tokenizer = copy.deepcopy(ours.tokenizer)  # some classes add tokens to it
    return Own(ours.image_processor, tokenizer, chat_template=tokenizer.chat_template, **kind.options)
