"""Which model an adapter goes on: its name, and marks by which another model under that name is recognised."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from heads.errors import InputError

if TYPE_CHECKING:
    from vlm.model import Fathom

CLOSE = 0.02
"""Values may differ by this much of themselves: a bfloat16 copy of a base is still that base (2^-8 = 0.4 %)."""


@dataclass
class Base:
    """name: as `from_pretrained` takes it, a folder's path in full. marks: see `marks_of`."""

    name: str
    marks: dict[str, Any]


def base_of(model: "Fathom", name: str | Path) -> Base:
    """What an adapter on this freshly loaded model must remember."""
    return Base(str(Path(name).absolute()) if Path(name).is_dir() else str(name), marks_of(model.backbone))


def marks_of(backbone: Any) -> dict[str, Any]:
    """model_type, a hash of all tensors' names and shapes, and a few weights.

    Weights: eight values each of the embeddings, which no quantisation touches, and of the first and the last attention
    layer's output where it is not quantised. The hash takes a linear layer's shape from its features, so that it is
    the same for a quantised one.
    """
    shapes = {}
    for name, module in backbone.named_modules():
        if isinstance(module, nn.Linear):
            shapes[f"{name}.weight"] = [module.out_features, module.in_features]
    for name, weight in backbone.named_parameters():
        shapes.setdefault(name, list(weight.shape))
    told = json.dumps(sorted(shapes.items())).encode()
    return {
        "model_type": backbone.config.model_type,
        "tensors": hashlib.sha256(told).hexdigest(),
        "weights": _samples(backbone),
    }


ALLOWED = "the very model that the adapter was trained on, as base=... or in fathom_adapter.json"


def check_family(name: str, wanted: dict[str, Any], folder: Path) -> None:
    """InputError where the base's config tells of another family; a folder without one is told of on loading."""
    path = Path(name) / "config.json"
    if not path.is_file():
        return
    config = json.loads(path.read_text(encoding="utf-8"))
    found = config.get("backbone_config", config).get("model_type", wanted["model_type"])
    if found != wanted["model_type"]:
        raise InputError("base", f"{name} is of another family than what {folder} was trained on", ALLOWED)


def check_base(base: Base, wanted: dict[str, Any], folder: Path) -> None:
    """InputError where the base that was found is not the one that the adapter in `folder` was trained on."""
    if base.marks["tensors"] != wanted["tensors"]:
        raise InputError("base", f"{base.name} is of other sizes than what {folder} was trained on", ALLOWED)
    for name, values in wanted["weights"].items():
        found = base.marks["weights"].get(name)  # absent where it is quantised
        if found is not None and any(
            abs(a - b) > CLOSE * max(abs(a), abs(b)) + 1e-6 for a, b in zip(values, found, strict=True)
        ):
            raise InputError("base", f"{base.name} has other weights than what {folder} was trained on", ALLOWED)


def _samples(backbone: Any) -> dict[str, list[float]]:
    matrices = {"embeddings": backbone.get_input_embeddings().weight}
    layers = [
        (name, module)
        for name, module in backbone.named_modules()
        if isinstance(module, nn.Linear) and module.weight.is_floating_point() and name.endswith("o_proj")
    ]
    matrices |= {name: module.weight for name, module in (layers[:1] + layers[-1:])}
    samples = {}
    for name, weight in matrices.items():
        flat = weight.detach().flatten()
        step = max(1, flat.numel() // 8)
        samples[name] = [] if weight.is_meta else [round(float(v), 7) for v in flat[step // 2 :: step][:8]]
    return samples
