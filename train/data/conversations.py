"""Chat messages -> token ids and labels, put together as `Scene` will put them together when it is asked."""

from collections.abc import Sequence
from typing import Any

from heads.errors import InputError
from vlm.processor import FathomProcessor

Message = dict[str, Any]
Told = tuple[list[int], list[int]]
"""ids, and labels as long: the id where the assistant speaks (its end-of-turn token too), -100 elsewhere."""


SLOTS = ("<|image_pad|>", "<image>", "<IMG_CONTEXT>", "<start_of_image>", "<image_soft_token>")
"""What the families write where an image stands: no text may hold it."""


def check(messages: list[Message], where: str) -> list[Message]:
    """The same messages; InputError where no conversation can be learned from them."""
    try:
        exchanges = _exchanges(messages)
    except InputError as problem:
        raise InputError(f"{where}: {problem}") from None
    asked = [part for turns, _ in exchanges for turn in turns for part in _parts(turn["content"])]
    texts = [part["text"] for part in asked if part["type"] == "text"] + [answer for _, answer in exchanges]
    for slot in SLOTS:
        if any(slot in text for text in texts):
            raise InputError("messages", f"{where}: text holds {slot}", '{"type": "image"} where an image stands')
    return messages


def images_in(turns: Sequence[Message]) -> int:
    """How many image slots there are."""
    return sum(part["type"] == "image" for turn in turns for part in _parts(turn["content"]))


def told(processor: FathomProcessor, messages: list[Message], grids: list[list[int]]) -> Told:
    """A conversation that ends with an answer; grids: the rows (t, h, w) of its images, in reading order."""
    ids: list[int] = []
    labels: list[int] = []
    left = iter(grids)
    for asked, answer in _exchanges(messages):
        own = [next(left) for _ in range(images_in(asked))]
        prompt = processor.next_turn_ids(asked, own) if ids else processor.prompt_ids(asked, own)
        said = processor.answer_ids(answer)
        ids += prompt + said
        labels += [-100] * len(prompt) + said
    return ids, labels


def only_exchange(messages: list[Message]) -> tuple[str, str] | None:
    """Question and answer of a conversation of one of each."""
    exchanges = _exchanges(messages)
    asked, answer = exchanges[0]
    return (_text(asked[-1]["content"]), answer) if len(exchanges) == 1 and asked[-1]["role"] == "user" else None


def joined(conversations: list[list[Message]]) -> list[Message]:
    """Conversations about the same images as one: the images are shown once, in the first turn."""
    first, *others = conversations
    turns = list(first)
    for conversation in others:
        for turn in conversation:
            turns.append({**turn, "content": [part for part in _parts(turn["content"]) if part["type"] != "image"]})
    return turns


def _exchanges(messages: list[Message]) -> list[tuple[list[Message], str]]:
    """(what comes before an answer, the answer); what comes after the last answer is left out."""
    exchanges, asked = [], []
    for turn in messages:
        if turn["role"] != "assistant":
            asked.append(_plain(turn))
            continue
        if not asked:
            raise InputError("messages", "an answer that nothing was asked before", "turns of the user between answers")
        exchanges.append((asked, _text(turn["content"])))
        asked = []
    if not exchanges:
        raise InputError("messages", "no turn of the assistant", "at least one: it is what is learned")
    return exchanges


def _plain(turn: Message) -> Message:
    """Without the images' files, which templates would take for something to load."""
    parts = [part if part["type"] == "text" else {"type": "image"} for part in _parts(turn["content"])]
    return {"role": turn["role"], "content": parts}


def _text(content: Any) -> str:
    return "".join(part["text"] for part in _parts(content) if part["type"] == "text")


def _parts(content: str | list[Message]) -> list[Message]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content
