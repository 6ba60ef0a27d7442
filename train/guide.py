"""Where a question looks: attention of the LLM is taught to go from a thing's name to the thing. A training aid.

From answers alone a small model is slow to find out that "the red chair" of a question is to be looked for among
the image tokens; the worlds' truth (instance per pixel) says which tokens those are. At the last token of every name,
or of a pixel "(x, y)", a loss compares the true share of each image token with what one query head attends to:

    - sum over tokens of share * log(attention),   one head of each chosen layer

It is the model's own attention that is taught (after rotary positions, over all that the token may attend to), so
nothing is added to what ships. A second loss, `places`, makes the token hold what was found there: where the thing
is in the picture, how far, how large. It is read off the hidden states by a fixed random matrix, which adds no
weights either; nor do the fixed codes by which it tells kind and colour. A third, `cells`, makes every image token hold
the same of what it shows itself, in the same directions: a look then finds it by its name, and has something to bring
along. Then `answers` teaches the token before an answer (before its first word that is no article) to look at the names
of its question, each with a head of its own, and to hold what they hold, LOUD enough to be heard among the rest;
`verdict` to hold which of the first two is farther left, higher, nearer, larger: an answer that compares two things
finds that there in one word; `chosen` to hold also how the question's words turn that comparison into the answer, and a
layer later the side that it takes (`train.asked`); `numbers` to hold a number that is answered; and `copies` where the
name is that an answer repeats. Every so many questions are `told`: true numbers (not kind and colour) are put in place
of those that `answers` and `verdict` hold, so that the words are learned while the sight is still poor. See
train/LOG.md for what they give. Qwen families, packed rows, whole weights. What a question names is found by
`train.shown`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.qwen3_vl.modeling_qwen3_vl import apply_rotary_pos_emb

from heads.base import masked_sum
from heads.errors import InputError
from heads.losses import focal_cross_entropy
from train.shown import VALUES
from train.taught import BINS, COMPARED, LOSSES, NAMED, SURE, GuideOptions, asked, counts, in_bins, truths, verdicts
from train.worlds.things import COLOURS, KINDS

FAMILY = "qwen3_vl"
LOUD = 1 / 6
"""Share of its hidden state's length that a value of 1 takes at the token before an answer; elsewhere 1 / sqrt(C)."""
CODE = 36.0
"""Scale of the logits of kinds, colours and numbers: a code that fills a quarter of a hidden state is near certain."""


@dataclass
class Seen:
    """What went by in one pass: of every taught layer its attention, that one's input and rotary positions; and the
    hidden states (B, L, C) that `places`, `cells`, `answers`, `verdict`, `chosen` and `numbers` read."""

    attentions: dict[int, tuple[nn.Module, Tensor, tuple[Tensor, Tensor]]] = field(default_factory=dict)
    hidden: dict[str, Tensor] = field(default_factory=dict)


class Guide:
    """The losses, on what went through the chosen layers during one pass."""

    def __init__(self, options: GuideOptions, backbone: Any):
        text = backbone.config.get_text_config()
        if backbone.config.model_type != FAMILY:
            raise InputError("guide", f"a {backbone.config.model_type} backbone", FAMILY)
        spare = text.num_attention_heads - (NAMED if options.answers is not None else 0)  # those of `answers`
        numbers = {name: getattr(options, name) for name in LOSSES if name != "layers"}
        told = [("layers", layer, text.num_hidden_layers) for layer in options.layers]
        told += [(name, layer, text.num_hidden_layers) for name, layer in numbers.items() if layer is not None]
        for name, value, most in (*told, ("head", options.head, spare)):
            if not 0 <= value < most:
                raise InputError(f"guide.{name}", f"there is no {value}", f"0 to {most - 1}")
        self.options = options
        layers = backbone.model.language_model.layers
        self.read_at = {name: layers[n] for name, n in numbers.items() if n is not None and name != "copies"}
        taught = {*options.layers, *(n for n in (options.answers, options.copies) if n is not None)}
        self.attentions = {number: layers[number].self_attn for number in sorted(taught)}
        own, size = torch.Generator().manual_seed(0), text.hidden_size
        loud = torch.tensor([1.0, *[LOUD * size**0.5] * (NAMED + 1)])[:, None, None]
        self.readers = torch.randn(2 + NAMED, len(VALUES), size, generator=own) / size**0.5 / loud
        self.codes = torch.randn(len(KINDS) + len(COLOURS), size, generator=own) * CODE / size
        self.askers = torch.randn(COMPARED + 1, size, generator=own) / size / LOUD
        self.bins = torch.randn(BINS, size, generator=own) * CODE / size
        rows = {"answers": self.readers[1:-1].flatten(0, 1), "verdict": self.readers[-1, :COMPARED]}
        if options.chosen is not None:
            rows["verdict"] = torch.cat([rows["verdict"], self.askers[:COMPARED]])
        self.tellers = {name: (each.T, torch.linalg.pinv(each).T) for name, each in rows.items()}

    @contextmanager
    def watching(self, told: dict[str, Tensor] | None = None) -> Iterator[Seen]:
        """Filled by the pass inside. told: a batch's looks, of which those that are told are heard further on."""
        seen = Seen()

        def keeping(number: int) -> Callable[[nn.Module, tuple, dict[str, Any], Any], None]:
            def keep(module: nn.Module, args: tuple, kwargs: dict[str, Any], _out: Any) -> None:
                hidden = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
                seen.attentions[number] = module, hidden, kwargs["position_embeddings"]

            return keep

        def keeping_hidden(name: str) -> Callable[[nn.Module, tuple, Any], None]:
            def keep(_module: nn.Module, _args: tuple, out: Any) -> None:
                seen.hidden[name] = out[0] if isinstance(out, tuple) else out

            return keep

        hooks = [each.register_forward_hook(keeping(n), with_kwargs=True) for n, each in self.attentions.items()]
        hooks += [layer.register_forward_hook(keeping_hidden(name)) for name, layer in self.read_at.items()]
        for name, truth in {} if told is None or not told["told"].any() else truths(told).items():
            if name in self.read_at:
                hooks.append(self.read_at[name].register_forward_hook(self._telling(name, *truth)))
        try:
            yield seen
        finally:
            for hook in hooks:
                hook.remove()

    def _telling(self, name: str, row: Tensor, token: Tensor, values: Tensor) -> Callable[[nn.Module, tuple, Any], Any]:
        """A hook after which hidden states hold `values` (N, K) at (row, token), nan = as they are."""

        def tell(_module: nn.Module, _args: tuple, out: Any) -> Any:
            hidden = out[0] if isinstance(out, tuple) else out
            changed = hidden.clone()
            changed[row, token] = self.told(hidden[row, token], values, name)
            return (changed, *out[1:]) if isinstance(out, tuple) else changed

        return tell

    def told(self, hidden: Tensor, values: Tensor, name: str) -> Tensor:
        """Hidden states (N, C) changed as little as makes them hold `values` (N, K), nan = as they are.

        name: "answers", VALUES of NAMED things one after the other; or "verdict", the COMPARED, with `chosen` also how
        each is asked. Of the length that they had: what is told makes them longer, so that some 5 to 10 % less is read
        back.
        """
        read, hold = (each.to(hidden.device) for each in self.tellers[name])
        gap = torch.where(values.isfinite(), values.nan_to_num() - unit(hidden) @ read, 0)
        size = hidden.float().square().mean(-1, keepdim=True).sqrt()
        return (hidden + size * (gap @ hold)).to(hidden.dtype)

    def losses(self, seen: Seen, mask: Tensor, looks: dict[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
        """name -> (sum, count), counts as `counts` has them. mask (B, 1, L, L) bool; looks: row, token, last, order,

        kind, colour (M,), share (M, L), values (M, 7), and those of `chosen`, `cells`, `numbers` and `copies`: see
        `stack_looks` of `train.data.batches`.
        """
        options, hidden, row, token = self.options, seen.hidden, looks["row"], looks["token"]
        total = looks["share"].new_zeros(())
        for layer in options.layers:
            total = total - (looks["share"] * self._logs(seen, layer, options.head, mask, row, token)).sum()
        sums = {"guide": total}
        if options.places is not None:
            held = hidden["places"][row, token]
            sums |= {"places": self._held(held, looks["values"]), "places_name": self._named(held, looks)}
        if options.cells is not None:
            shown = hidden["cells"][looks["cell_row"], looks["cell_token"]]
            names = {"kind": looks["cell_kind"], "colour": looks["cell_colour"]}
            sums |= {
                "cells": self._held(shown, looks["cell_values"]),
                "cells_name": self._named(shown, names, focus=2.0),
            }
        if options.answers is not None:
            sums |= self._answers(seen, mask, looks, options.answers)
        if options.verdict is not None:
            second = (looks["order"] == 1).nonzero()[:, 0]
            held = hidden["verdict"][row[second], looks["last"][second]]
            sums["verdict"] = self._judged(held, verdicts(looks))
        if options.chosen is not None:
            sums |= self._chosen(seen, looks)
        if options.numbers is not None:
            sums["numbers"] = self._numbers(seen, looks)
        if options.copies is not None:
            logs = self._logs(seen, options.copies, options.head, mask, looks["copy_row"], looks["copy_token"])
            sums["copies"] = -logs.gather(1, looks["copy_of"][:, None]).sum()
        known = counts(looks, options)
        return {name: (value, known[name]) for name, value in sums.items()}

    def _answers(self, seen: Seen, mask: Tensor, looks: dict[str, Tensor], layer: int) -> dict[str, Tensor]:
        """`answers_look`: - log(attention) from the token before an answer to the token of each name; `answers_hold`:

        VALUES of each; `answers_name`: kind and colour of the first.
        """
        look = hold = name = looks["share"].new_zeros(())
        for order in range(NAMED):
            here = (looks["order"] == order).nonzero()[:, 0]
            row, last, token = (looks[key][here] for key in ("row", "last", "token"))
            logs = self._logs(seen, layer, self.options.head + 1 + order, mask, row, last)
            look = look - logs.gather(1, token[:, None]).sum()
            held = seen.hidden["answers"][row, last]
            hold = hold + self._held(held, looks["values"][here], 1 + order)
            if order == 0:
                name = self._named(held, {key: looks[key][here] for key in ("kind", "colour")})
        return {"answers_look": look, "answers_hold": hold, "answers_name": name}

    def _logs(self, seen: Seen, layer: int, head: int, mask: Tensor, row: Tensor, token: Tensor) -> Tensor:
        """(M, L): log of what a head of decoder layer `layer` attends to, from tokens (row, token)."""
        scores = attention_scores(seen.attentions[layer][0], head, *seen.attentions[layer][1:], row, token)
        return scores.masked_fill(~mask[row, 0, token], -1e4).log_softmax(-1)

    def _held(self, hidden: Tensor, values: Tensor, reader: int = 0) -> Tensor:
        """How far hidden states (M, C) are from holding VALUES (M, 7), nan = unknown, in sum."""
        return masked_sum((self.read(hidden, reader) - values.nan_to_num()).abs(), values.isfinite())[0]

    def _judged(self, hidden: Tensor, values: Tensor) -> Tensor:
        """Cross-entropy of verdicts (P, 5), nan = unknown, with the odds that hidden states (P, C) hold, in sum."""
        odds = SURE * self.read(hidden, 1 + NAMED)[:, :COMPARED]
        wrong = functional.binary_cross_entropy_with_logits(odds, (values.nan_to_num() + 1) / 2, reduction="none")
        return masked_sum(wrong, values.isfinite())[0]

    def _chosen(self, seen: Seen, looks: dict[str, Tensor]) -> dict[str, Tensor]:
        """`asked`: squares of what the layer of `verdict` lacks of it; `chosen`: cross-entropy of the side."""
        self.askers = self.askers.to(looks["values"].device)
        turned, side, at = asked(looks)
        row, last = looks["row"][at], looks["last"][at]
        gap = unit(seen.hidden["verdict"][row, last]) @ self.askers[:COMPARED].T - turned
        odds = SURE * (unit(seen.hidden["chosen"][row, last]) @ self.askers[COMPARED])
        wrong = functional.binary_cross_entropy_with_logits(odds, (side + 1) / 2, reduction="sum")
        return {"asked": gap.square().sum(), "chosen": wrong}

    def _numbers(self, seen: Seen, looks: dict[str, Tensor]) -> Tensor:
        """How far the bins of the numbers that hidden states hold are from the true ones (Kullback-Leibler), in sum."""
        self.bins = self.bins.to(looks["number"].device)
        held = unit(seen.hidden["numbers"][looks["number_row"], looks["number_token"]])
        chances = (held @ self.bins.T).log_softmax(-1)
        return functional.kl_div(chances, in_bins(looks["number"]), reduction="sum")

    def _named(self, hidden: Tensor, looks: dict[str, Tensor], focus: float = 0.0) -> Tensor:
        """Cross-entropy of kinds and colours, -1 = unknown, read off hidden states (M, C) by fixed codes, in sum.

        focus: of `focal_cross_entropy`; most of what the cells show are walls and floors.
        """
        self.codes = self.codes.to(hidden.device)
        logits = unit(hidden) @ self.codes.T
        of_kind, of_colour = logits.split([len(KINDS), len(COLOURS)], 1)
        kind, colour = (
            focal_cross_entropy(*each, focus) for each in ((of_kind, looks["kind"]), (of_colour, looks["colour"]))
        )
        return kind.sum() + colour.sum()

    def read(self, hidden: Tensor, reader: int = 0) -> Tensor:
        """Hidden states (M, C) -> what they say of VALUES (M, 7): a fixed linear map of them at unit mean square.

        reader: 0 of what a token itself stands for, n of the question's n-th thing, the last of verdicts.
        """
        self.readers = self.readers.to(hidden.device)
        return unit(hidden) @ self.readers[reader].T


def unit(hidden: Tensor) -> Tensor:
    """Hidden states (M, C) in float32 at unit mean square."""
    hidden = hidden.float()
    return hidden * (hidden.square().mean(-1, keepdim=True) + 1e-6).rsqrt()


def attention_scores(
    module: Any, head: int, hidden: Tensor, rotary: tuple[Tensor, Tensor], row: Tensor, token: Tensor
) -> Tensor:
    """(M, L): scaled scores of one query head, from tokens (row, token) to all of their row, before the mask."""
    size, group = module.head_dim, head // module.num_key_value_groups
    cos, sin = rotary
    query_weight = module.q_proj.weight[head * size : (head + 1) * size]
    key_weight = module.k_proj.weight[group * size : (group + 1) * size]
    query = module.q_norm(functional.linear(hidden[row, token], query_weight))[None, None]
    key = module.k_norm(functional.linear(hidden, key_weight))[:, None]
    query, _ = apply_rotary_pos_emb(query, query, cos[row, token][None], sin[row, token][None])
    key, _ = apply_rotary_pos_emb(key, key, cos, sin)
    return torch.einsum("mc,mlc->ml", query[0, 0], key[row, 0]).float() * module.scaling
