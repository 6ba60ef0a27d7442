"""A tiny random VLM of every family, its tokenizer and image processor: real classes, a few thousand weights."""

from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLConfig
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

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

    def render(self, processor: Any, messages: list[dict]) -> str:
        """The prompt's text for the family's own processor."""
        if self.chats:
            return processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
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


def tiny_tokenizer(kind: Kind) -> PreTrainedTokenizerFast:
    """Bytes, the family's special tokens, its chat template as published."""
    tokenizer: Any = train_tokenizer(WORDS, 300)
    if kind.tokens:
        known = {name: token for name, token in kind.tokens.items() if name in ("bos_token", "eos_token")}
        tokenizer.add_special_tokens(
            {**known, "extra_special_tokens": {n: t for n, t in kind.tokens.items() if n not in known}}
        )
        tokenizer.chat_template = kind.template
    return tokenizer


def tiny_family(name: str, seed: int = 0, heads: dict | None = None) -> Fathom:
    """Random weights, large enough to matter: outputs depend on every input."""
    torch.manual_seed(seed)
    kind = KINDS[name]
    tokenizer = tiny_tokenizer(kind)
    backbone = kind.config(len(tokenizer), tokenizer.convert_tokens_to_ids)
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
    return Own(ours.image_processor, ours.tokenizer, chat_template=ours.tokenizer.chat_template, **kind.options)
