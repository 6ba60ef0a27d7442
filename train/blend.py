"""Weights part of the way from one model to what further training made of it.

On the line between the two there are often models that keep what was learned and lose less on pictures unlike those
of the training (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). What that gives is to be measured.
"""

from pathlib import Path

import torch

from heads.errors import InputError
from train.export import export_model
from train.groups import grouped
from vlm.adapter import is_adapter
from vlm.folders import check_new_folder, filled_folder

GROUPS = ("heads", "backbone", "vision")


def blend(before: str | Path, after: str | Path, out: str | Path, share: float = 0.5, groups: str = "all") -> Path:
    """Writes `after` with weights (1 - share) * before + share * after to `out`: a new or an empty folder.

    before, after: whole models of one shape ("nano" or folders). share: 0 to 1. groups: names in GROUPS, comma between;
    the weights of others are those of `after`, as are config, uncertainty and tokenizer. Written as `--export` does:
    float16, without training aids.
    """
    from vlm.model import Fathom

    chosen = GROUPS if groups == "all" else tuple(name.strip() for name in groups.split(","))
    if not set(chosen) <= set(GROUPS):
        raise InputError("groups", groups, f"all, or some of {', '.join(GROUPS)}")
    if not 0 <= share <= 1:
        raise InputError("share", str(share), "0 to 1")
    for name, given in (("before", before), ("after", after)):
        if is_adapter(given):
            raise InputError(name, f"{given} is an adapter", "a whole model: `fathom merge` makes one")
    target = check_new_folder(out)
    first, second = (Fathom.from_pretrained(given) for given in (before, after))
    old = dict(first.named_parameters())
    shapes = ({name: weight.shape for name, weight in model.named_parameters()} for model in (first, second))
    if next(shapes) != next(shapes):
        raise InputError("before", f"{before} is not built like {after}", "two states of one model")
    with torch.no_grad():
        for group, name, weight in grouped(second):
            if group in chosen:
                weight.copy_((1 - share) * old[name] + share * weight)
    with filled_folder(target) as new:
        export_model(second, new)
    return target
