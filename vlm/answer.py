"""Text from a cache: the question's tokens in, answer tokens out, one by one. The image is not seen again."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import DynamicCache

from heads.errors import InputError

if TYPE_CHECKING:
    from vlm.model import Fathom


@dataclass(frozen=True)
class Answer:
    """text; tokens: its ids without the end; log_probability: of all of them and the end, natural log."""

    text: str
    tokens: tuple[int, ...]
    log_probability: float

    def __str__(self) -> str:
        return self.text


@dataclass
class Memory:
    """What a scene keeps of one pass: keys and values of its prefix, and the rotary position after it.

    again: where the image sees the question, nothing can be kept but the pixels; they go in with every question.
    """

    layers: list[tuple[Tensor, Tensor]]  # per layer (1, heads, length, width)
    position: int
    again: dict[str, Any] = field(default_factory=dict)

    def cache(self) -> DynamicCache:
        """A fresh cache that starts with the prefix; appending to it leaves the prefix as it is."""
        cache = DynamicCache()
        for number, (keys, values) in enumerate(self.layers):
            cache.update(keys, values, number)
        return cache


def remember(cache: Any, row: int, length: int, position: int) -> Memory:
    """Row `row` of a batch's cache without its padding on the right."""
    layers = [
        (layer.keys[row : row + 1, :, :length].clone(), layer.values[row : row + 1, :, :length].clone())
        for layer in cache.layers
    ]
    return Memory(layers, position)


def check_sampling(max_new_tokens: int, temperature: float) -> None:
    if max_new_tokens < 1:
        raise InputError("max_new_tokens", f"is {max_new_tokens}", "1 or more")
    if not 0 <= temperature < float("inf"):
        raise InputError("temperature", f"is {temperature}", "0 (the likeliest word) or more")


def check_question(question: str) -> str:
    if not isinstance(question, str) or not question.strip():
        raise InputError("question", f"{question!r} says nothing", "a text that is not empty")
    return question.strip()


@torch.no_grad()
def stream(
    model: "Fathom",
    cache: DynamicCache,
    ids: list[int],
    position: int,
    limit: int,
    temperature: float = 0.0,
    again: dict[str, Any] | None = None,
) -> Iterator[tuple[int, float]]:
    """Feeds `ids` behind the cache, then yields (token, log probability) until the end token or `limit`.

    again: what goes in beside `ids` (see `Memory`).

    Greedy at temperature 0, else sampled with torch's generator. The cache grows; the last token that was
    yielded is not in it yet.
    """
    assert model.processor is not None
    end, device = model.processor.end_id, model.device
    if limit < 1:
        raise InputError("max_new_tokens", f"is {limit}", "1 or more")
    if not temperature >= 0:
        raise InputError("temperature", f"is {temperature}", "0 (the likeliest token) or more")
    for _ in range(limit):
        positions = model.family.text_positions(position, len(ids), device)
        output = model(
            torch.tensor([ids], device=device),
            position_ids=positions,
            cache=cache,
            use_cache=True,
            logits_to_keep=1,
            heads=False,
            **(again or {}),
        )
        again = None
        position += len(ids)
        scores = output.logits[0, -1].float().log_softmax(-1)
        token = int(scores.argmax() if temperature == 0 else torch.multinomial((scores / temperature).softmax(-1), 1))
        yield token, float(scores[token])
        if token == end:
            return
        ids = [token]


class Chat:
    """Questions that know what was said before. `say` streams the answer; `history` holds all turns."""

    def __init__(self, model: "Fathom", memory: Memory, first_turn):
        self.model, self.memory, self.first_turn = model, memory, first_turn
        self.history: list[dict[str, str]] = []

    def say(self, text: str, max_new_tokens: int = 128, temperature: float = 0.0) -> Iterator[str]:
        """Pieces of the answer as they come; the turn counts once the iterator has been used up."""
        text = check_question(text)
        check_sampling(max_new_tokens, temperature)
        assert self.model.processor is not None
        processor = self.model.processor
        ids = [processor.end_id, *processor.next_turn_ids(text)] if self.history else self.first_turn(text)
        cache, position = self.memory.cache(), self.memory.position  # a turn broken off leaves no trace
        tokens: list[int] = []
        told = ""
        for token, _ in stream(self.model, cache, ids, position, max_new_tokens, temperature, self.memory.again):
            if token != processor.end_id:
                tokens.append(token)
                whole = str(processor.tokenizer.decode(tokens))
                if not whole.endswith("\N{REPLACEMENT CHARACTER}"):  # half of a multi-byte character waits
                    yield whole[len(told) :]
                    told = whole
            fed = len(tokens) if token == processor.end_id else len(tokens) - 1
        # Everything fed so far is in the cache; a token yielded last and not fed goes in front of the next turn.
        position += len(ids) + fed
        if fed < len(tokens):
            position = self._feed(cache, position, tokens[fed:])
        self.memory = remember(cache, 0, cache.get_seq_length(), position)
        self.history += [{"role": "user", "content": text}, {"role": "assistant", "content": told}]

    @torch.no_grad()
    def _feed(self, cache: DynamicCache, position: int, ids: list[int]) -> int:
        positions = self.model.family.text_positions(position, len(ids), self.model.device)
        self.model(
            torch.tensor([ids], device=self.model.device),
            position_ids=positions,
            cache=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return position + len(ids)
