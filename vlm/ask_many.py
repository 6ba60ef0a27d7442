"""Many questions of one scene, each as if it were the only one, answered together: one batch behind one prefix.

    answers = scene.ask_many(["How far is the red chair?", "Which is closer?"])

Greedy, and token for token what `scene.ask` gives. Shorter questions are padded on their left, between the prefix
and their first word; the padding is masked, and rotary positions count as if it were not there. Where a layer's
attention window counts places in the cache (Gemma 3), only questions of one length go together.
"""

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import DynamicCache

from heads.errors import InputError
from vlm.answer import Answer, Memory

if TYPE_CHECKING:
    from vlm.model import Fathom


def answer_many(
    model: "Fathom", memory: Memory, rows: list[list[int]], max_new_tokens: int, together: int = 32
) -> list[Answer]:
    """The answer to each row of token ids that goes on behind `memory`'s prefix; at most `together` at once.

    memory: of a family whose image does not see the question, so that there is a prefix.
    """
    if together < 1:
        raise InputError("together", f"is {together}", "1 or more questions at once")
    answers: dict[int, Answer] = {}
    for batch in _batches([len(row) for row in rows], together, _windowed(model.config)):
        drawn = _greedy(model, memory, [rows[i] for i in batch], max_new_tokens)
        answers |= dict(zip(batch, drawn, strict=True))
    return [answers[i] for i in range(len(rows))]


def _windowed(config: Any) -> bool:
    """True where some layer attends to the last so many places only."""
    return "sliding_attention" in (getattr(config.get_text_config(), "layer_types", None) or ())


def _batches(lengths: list[int], together: int, equal: bool) -> list[list[int]]:
    """Which rows go at once: neighbours in length, so that little is padded; of one length where `equal`."""
    groups: dict[int, list[int]] = defaultdict(list)
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        groups[lengths[i] if equal else 0].append(i)
    return [group[k : k + together] for group in groups.values() for k in range(0, len(group), together)]


@torch.no_grad()
def _greedy(model: Any, memory: Memory, rows: list[list[int]], limit: int) -> list[Answer]:
    processor, device = model.processor, model.device
    end, cache = processor.end_id, _repeated(memory, len(rows))
    longest = max(map(len, rows))
    ids = torch.tensor([[end] * (longest - len(row)) + row for row in rows], device=device)
    padding = torch.tensor([longest - len(row) for row in rows], device=device)
    seen = torch.ones(len(rows), cache.get_seq_length(), dtype=torch.long, device=device)
    mask = torch.cat([seen, (torch.arange(longest, device=device) >= padding[:, None]).long()], 1)
    starts = [memory.position - (longest - len(row)) for row in rows]
    tokens: list[list[int]] = [[] for _ in rows]
    scores = [0.0] * len(rows)
    open_rows = set(range(len(rows)))
    for _ in range(limit):
        output = model(
            ids,
            attention_mask=mask if bool(padding.any()) else None,
            position_ids=_positions(model, starts, ids.shape[1]),
            cache=cache,
            use_cache=True,
            logits_to_keep=1,
            heads=False,
        )
        best, token = output.logits[:, -1].float().log_softmax(-1).max(-1)
        for i in sorted(open_rows):
            scores[i] += float(best[i])
            if int(token[i]) == end:
                open_rows.discard(i)
            else:
                tokens[i].append(int(token[i]))
        if not open_rows:
            break
        starts = [start + ids.shape[1] for start in starts]
        ids, mask = token[:, None], torch.cat([mask, torch.ones_like(mask[:, :1])], 1)
    texts = [str(processor.tokenizer.decode(row)).strip() for row in tokens]
    return [Answer(text, tuple(row), score) for text, row, score in zip(texts, tokens, scores, strict=True)]


def _repeated(memory: Memory, count: int) -> DynamicCache:
    """A cache that starts with the prefix in each of `count` rows."""
    cache = DynamicCache()
    for number, (keys, values) in enumerate(memory.layers):
        cache.update(keys.expand(count, -1, -1, -1), values.expand(count, -1, -1, -1), number)
    return cache


def _positions(model: Any, starts: list[int], length: int) -> Tensor:
    """Rotary positions, one row a question; padding stands before the prefix's end, where nobody looks."""
    return torch.cat([model.family.text_positions(start, length, model.device) for start in starts], -2)
