"""The embedded model's own small tokenizer: byte-level BPE, digits one by one, the family's special tokens."""

from collections.abc import Iterable
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import PreTrainedTokenizerFast

SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
]

CHAT_TEMPLATE = """\
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string -%}
{{ message.content }}
{%- else -%}
{%- for part in message.content -%}
{%- if part.type == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>
{%- else -%}{{ part.text }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}
"""


def train_tokenizer(texts: Iterable[str], vocabulary: int = 1536) -> PreTrainedTokenizerFast:
    """Any text can be encoded (bytes are the last resort); every digit is a token, so numbers have places."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens={"image_token": "<|image_pad|>", "vision_start_token": "<|vision_start|>"},
        chat_template=CHAT_TEMPLATE,
        model_max_length=4096,
        clean_up_tokenization_spaces=False,
    )


def moved_rows(old: Any, new: Any, rows: Tensor) -> Tensor:
    """Embeddings (old size, C) of one tokenizer's tokens -> (new size, C) for another's.

    A token that both know keeps its row; another begins as the mean of the rows of its pieces.
    """
    known = old.get_vocab()
    moved = rows.new_zeros(len(new), rows.shape[1])
    for token, number in new.get_vocab().items():
        if token in known:
            moved[number] = rows[known[token]]
        else:
            pieces = old(new.convert_tokens_to_string([token]), add_special_tokens=False).input_ids
            moved[number] = rows[torch.tensor(pieces)].mean(0)
    return moved
