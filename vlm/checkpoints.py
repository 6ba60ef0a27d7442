"""Where a name given to `from_pretrained` leads, and what must be true of the tensors found there."""

import json
from pathlib import Path
from typing import Any

from heads.errors import InputError
from vlm.adapter import is_adapter
from vlm.backbones import FAMILIES
from vlm.published import is_published

EMBEDDED = {"nano": Path(__file__).parent / "nano"}


def resolve(name: str | Path) -> Path:
    """ "nano", or a folder with a Fathom, a published DepthVLM or a known VLM -> that folder; else an InputError."""
    folder = EMBEDDED.get(str(name), Path(name))
    families = ", ".join(FAMILIES)
    allowed = (
        f"{', '.join(EMBEDDED)}, a folder written by save_pretrained, an adapter's, published DepthVLM weights, "
        f"or a VLM ({families})"
    )
    if not folder.is_dir():
        raise InputError("model", f"no model or folder named {str(name)!r}", allowed)
    if is_adapter(folder):
        return folder
    config = folder / "config.json"
    if not config.is_file():
        raise InputError("model", f"{folder} has no config.json", allowed)
    if is_published(folder):
        return folder
    try:
        kind = model_type(folder)
    except (ValueError, KeyError, TypeError):
        raise InputError("model", f"{config} is no model's config", allowed) from None
    if kind != "fathom" and kind not in FAMILIES:
        raise InputError("model", f"{folder} holds a {kind!r} model", allowed)
    return folder


def model_type(folder: Path) -> str:
    """What the folder's config.json says that it holds."""
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]


def check_tensors(folder: Path, info: dict[str, Any]) -> None:
    """Missing, unexpected or misshapen tensors are an error that names them."""
    problems = []
    for key, word in (("missing_keys", "missing"), ("unexpected_keys", "unexpected")):
        if info.get(key):
            problems.append(f"{word} {', '.join(sorted(info[key]))}")
    for name, found, wanted in info.get("mismatched_keys") or []:
        problems.append(f"{name} has shape {tuple(found)}, the config wants {tuple(wanted)}")
    if problems:
        raise InputError(
            "model", f"{folder}: {'; '.join(problems)}", "exactly the tensors that its config.json describes"
        )
