"""Photographs and text -> model inputs: pixel values, token ids, grids. No torchvision needed.

The family's own image processor (its PIL backend) normalises and cuts patches or tiles; the size is decided
before, in a `vlm.images.Plan`, so that the camera can follow. Text goes through the tokenizer's chat template.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoTokenizer
from transformers.models.auto.image_processing_auto import AutoImageProcessor  # 5.17 hides it without torchvision
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

from heads.errors import InputError
from vlm.backbones import family, qwen3_vl
from vlm.images import Plan

IMAGE_SLOT = "<|image_pad|>"
ANSWERS_KEPT = 20_000
Message = dict[str, Any]
Size = int | list[int]
"""What a prompt must know of an image: its number of tokens, or its row (t, h, w) of grid_thw."""


class FathomProcessor:
    """tokenizer and image_processor of the family; max_pixels the largest image that is passed on.

    config: the backbone's; Qwen3-VL where there is none.
    """

    def __init__(self, tokenizer: Any, image_processor: Any, max_pixels: int, config: Any = None):
        self.tokenizer, self.image_processor, self.max_pixels = tokenizer, image_processor, max_pixels
        self.config = config
        image_token = tokenizer.convert_tokens_to_ids(IMAGE_SLOT) if config is None else config.image_token_id
        self.image_token_id = int(image_token)
        self._answers: tuple[Any, dict[str, list[int]]] = (None, {})

    @property
    def family(self) -> Any:
        """The module of `vlm.backbones`; not kept, so that a processor can be copied and sent to other processes."""
        return qwen3_vl if self.config is None else family(self.config)

    @property
    def factor(self) -> int:
        """Pixels per image token: sides of the network's image are multiples of it."""
        return self.image_processor.patch_size * self.image_processor.merge_size

    def plan(self, width: int, height: int, images: int = 1) -> Plan:
        """The network's size for a photograph of width x height that is one of `images` in its prompt."""
        return self.family.plan(width, height, self, images)

    def pixels(self, images: list[np.ndarray], per_prompt: list[int] | None = None) -> tuple[Tensor, Tensor]:
        """(H, W, 3) uint8 arrays of planned sizes -> pixel_values, image_grid_thw (see `vlm.backbones`).

        per_prompt: how many of them each prompt has; one each where not given.
        """
        return self.family.pixels(self, images, per_prompt)

    def tokens_per_image(self, grid_thw: Tensor) -> list[int]:
        if self.config is not None:
            return self.family.token_counts(grid_thw, self.config)
        return (grid_thw.prod(-1) // self.image_processor.merge_size**2).tolist()

    def prompt_ids(self, messages: list[Message], image_tokens: Sequence[Size], answer_next: bool = True) -> list[int]:
        """The chat template's ids with every image slot widened to what its image takes.

        messages: as transformers' chat templates take them, images as {"type": "image"}.
        """
        messages = [_in_parts(turn) for turn in messages]
        if hasattr(self.family, "image_text"):
            return self._written_out(messages, image_tokens, answer_next)
        ids = self.tokenizer.apply_chat_template(
            messages, tokenize=True, add_generation_prompt=answer_next, return_dict=False
        )
        counts = (n if isinstance(n, int) else self.tokens_per_image(torch.tensor([n]))[0] for n in image_tokens)
        widened: list[int] = []
        for token in ids:
            widened.extend([token] * (next(counts) if token == self.image_token_id else 1))
        return widened

    def _written_out(self, messages: list[Message], grids: Sequence[Size], answer_next: bool) -> list[int]:
        """The prompt as text, what the family writes for an image in every slot, then its ids."""
        if self.tokenizer.chat_template is None and hasattr(self.family, "prompt_text"):
            text = self.family.prompt_text(self.tokenizer, messages)
        else:
            text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=answer_next)
        first, *others = str(text).split(self.family.SLOT)
        if len(others) != len(grids):
            raise InputError("question", f"it contains {self.family.SLOT}", "text without the family's image slot")
        slots = [self.family.image_text(self.tokenizer, grid, self.config) for grid in grids]
        whole = first + "".join(slot + other for slot, other in zip(slots, others, strict=True))
        return self.tokenizer(whole, add_special_tokens=False).input_ids

    def split_prompt(self, question: str, image_tokens: Sequence[Size]) -> tuple[list[int], list[int]]:
        """Ids up to and with the last image token (what a scene keeps), and the rest (what a question costs)."""
        content = [*({"type": "image"} for _ in image_tokens), {"type": "text", "text": question}]
        ids = self.prompt_ids([{"role": "user", "content": content}], image_tokens)
        last = len(ids) - ids[::-1].index(self.image_token_id)
        return ids[:last], ids[last:]

    def next_turn_ids(self, question: str | list[Message], image_tokens: Sequence[Size] = ()) -> list[int]:
        """Ids of a further user turn (or of several turns), after an answer that ended with the end-of-turn token."""
        first = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
        turns = [{"role": "user", "content": question}] if isinstance(question, str) else question
        before, after = self.prompt_ids(first, [], answer_next=False), self.prompt_ids([*first, *turns], image_tokens)
        end = len(before) - before[::-1].index(self.end_id)
        return after[end:]

    def answer_ids(self, answer: str) -> list[int]:
        """Ids of an answer as the chat template writes it after the prompt, up to and with the end-of-turn token.

        Most answers are told again and again: they are kept for as long as tokenizer and template are the same.
        """
        written_by = self.tokenizer, self.tokenizer.chat_template, len(self.tokenizer), self.end_id
        if self._answers[0] != written_by or len(self._answers[1]) > ANSWERS_KEPT:
            self._answers = written_by, {}
        kept = self._answers[1]
        ids = kept.get(answer)
        if ids is None:
            ids = kept[answer] = self._answer_ids(answer)
        return list(ids)

    def _answer_ids(self, answer: str) -> list[int]:
        asked = [{"role": "user", "content": "a"}]
        before = self.prompt_ids(asked, [])
        after = self.prompt_ids([*asked, {"role": "assistant", "content": answer}], [], answer_next=False)
        if after[: len(before)] == before and self.end_id in after[len(before) :]:
            return after[len(before) : after.index(self.end_id, len(before)) + 1]
        return [*self.tokenizer(answer, add_special_tokens=False).input_ids, self.end_id]

    @property
    def end_id(self) -> int:
        """The token that ends an answer."""
        own = self.tokenizer.get_added_vocab().get(getattr(self.family, "END_OF_TURN", None))
        return int(self.tokenizer.eos_token_id if own is None else own)

    def save_pretrained(self, folder: str | Path) -> None:
        folder = Path(folder)
        self.tokenizer.save_pretrained(folder)
        self.image_processor.save_pretrained(folder)

    @classmethod
    def from_pretrained(cls, folder: str | Path, max_pixels: int, config: Any = None) -> "FathomProcessor":
        """From a folder with a tokenizer and a preprocessor_config.json; always the PIL backend."""
        tokenizer = AutoTokenizer.from_pretrained(folder)
        template = Path(folder) / "chat_template.json"  # older folders keep it there, for their processor
        if tokenizer.chat_template is None and template.is_file():
            tokenizer.chat_template = json.loads(template.read_text(encoding="utf-8"))["chat_template"]
        return cls(tokenizer, _image_processor(Path(folder)), max_pixels, config)


def _image_processor(folder: Path) -> Any:
    """The family's own on PIL. transformers 5.17 takes two of these classes for torchvision's: they are named here."""
    hidden = {"Idefics3ImageProcessor": Idefics3ImageProcessorPil, "SmolVLMImageProcessor": SmolVLMImageProcessorPil}
    told = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    named = hidden.get(str(told.get("image_processor_type")).removesuffix("Fast").removesuffix("Pil"))
    return named.from_pretrained(folder) if named else AutoImageProcessor.from_pretrained(folder, backend="pil")


def _in_parts(turn: Message) -> Message:
    """A turn whose content is a list, which every family's template can read."""
    content = turn["content"]
    return {**turn, "content": [{"type": "text", "text": content}]} if isinstance(content, str) else turn


def pad_rows(rows: list[list[int]], fill: int) -> tuple[Tensor, Tensor]:
    """Rows of ids -> (B, L) ids padded on the right, and their attention mask."""
    length = max(map(len, rows))
    ids = torch.tensor([row + [fill] * (length - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return ids, mask
