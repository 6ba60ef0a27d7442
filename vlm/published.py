"""The published DepthVLM checkpoints: recognised, and read as a Fathom without being rewritten.

Such a folder holds a Qwen3-VL config (which may carry `depth_head_*`) and, beside Qwen3-VL's own tensors, those of
a depth head under `depth_head.`; only the tensors' names and the config change on the way in.
"""

import json
import re
import secrets
import shutil
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from heads.dpt import TAPS
from heads.errors import InputError
from vlm.config import FathomConfig

PREFIX = "depth_head."
OURS = {PREFIX: "heads.depth.", "model.": "backbone.model.", "lm_head.": "backbone.lm_head."}
MAX_PIXELS = 2048 * 2048
"""At fx = 1000 px a wide photograph is large: 90 degrees across are 2000 px. The folder may ask for less."""


def is_published(folder: Path) -> bool:
    """True where the folder's config or tensors tell of DepthVLM's head."""
    try:
        config = _json(folder / "config.json")
    except InputError:  # whoever asks next says so
        return False
    if not isinstance(config, dict) or config.get("model_type", "qwen3_vl") != "qwen3_vl":
        return False
    return "depth_head_type" in config or any(name.startswith(PREFIX) for name in _shapes(folder))


def loading_options(folder: Path) -> dict[str, Any]:
    """What `PreTrainedModel.from_pretrained(folder)` must be told to read the folder as a Fathom."""
    renamed = {f"^{re.escape(theirs)}": ours for theirs, ours in OURS.items()}
    config = published_config(folder)
    if config.heads["depth"]["kind"] == "published_mlp":
        renamed = _mlp_names(_shapes(folder)) | renamed
    return {"config": config, "key_mapping": renamed}


def published_config(folder: Path) -> FathomConfig:
    """Its config as ours: the backbone's without the head's keys, and the head as an entry of `heads`."""
    options = {"model_type": "qwen3_vl"} | _json(folder / "config.json")
    kind = options.pop("depth_head_type", "dpt")
    hidden = options.pop("depth_head_mlp_hidden", 1024)
    features = options.pop("depth_head_feature_mode", "llm_last")
    head: dict[str, Any] = {"kind": f"published_{kind}", "taps": list(TAPS)}
    if kind == "mlp" and (type(hidden) is not int or hidden < 1):
        raise InputError("model", f"{folder}: depth_head_mlp_hidden {hidden!r}", "a whole number, at least 1")
    if kind == "mlp":
        head |= {"hidden": hidden, "features": features}
    elif kind != "dpt":
        raise InputError("model", f"{folder}: depth_head_type {kind!r}", "dpt or mlp")
    if kind == "mlp" and features not in ("llm_last", "concat", "sum"):
        raise InputError("model", f"{folder}: depth_head_feature_mode {features!r}", "llm_last, concat or sum")
    return FathomConfig(options, heads={"depth": head}, max_pixels=_max_pixels(folder))


def in_published_names(info: dict[str, Any]) -> dict[str, Any]:
    """transformers' loading report with the names that the published files use."""

    def back(name: str) -> str:
        for theirs, ours in OURS.items():
            if name.startswith(ours):
                return theirs + name.removeprefix(ours)
        return name

    return {
        "missing_keys": [back(name) for name in info.get("missing_keys") or []],
        "unexpected_keys": [back(name) for name in info.get("unexpected_keys") or []],
        "mismatched_keys": [(back(name), *shapes) for name, *shapes in info.get("mismatched_keys") or []],
    }


def convert(folder: str | Path, out: str | Path) -> Path:
    """Writes any model that `Fathom.from_pretrained` reads as a Fathom checkpoint, in the precision it came in.

    out: a folder that does not exist yet, or an empty one; it appears complete or not at all.
    """
    from vlm.folders import check_new_folder
    from vlm.model import Fathom

    target = check_new_folder(Path(out).absolute())
    model = Fathom.from_pretrained(folder, dtype="auto")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        model.save_pretrained(temporary)
        if target.is_dir():
            target.rmdir()
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _mlp_names(shapes: dict[str, tuple[int, ...]]) -> dict[str, str]:
    """The two-layer head's tensors by what they are: one norm and two linear layers, whatever they are called.

    The published checkpoint is of the other head, so no file states these names. Anything but exactly these
    layers is left as it is and reported as missing and unexpected.
    """
    weights = {
        name.removesuffix(".weight"): shape
        for name, shape in shapes.items()
        if name.startswith(PREFIX) and name.endswith(".weight")
    }
    norms = [name for name, shape in weights.items() if len(shape) == 1]
    linear = sorted(name for name, shape in weights.items() if len(shape) == 2)
    if len(norms) != 1 or len(linear) != 2:
        return {}
    width = weights[norms[0]][0]
    linear.sort(key=lambda name: weights[name][1] != width)  # the first reads what the norm gives
    layers = dict(zip([*norms, *linear], ("norm", "mlp.0", "mlp.2"), strict=True))
    return {rf"^{re.escape(theirs)}\.": f"heads.depth.{ours}." for theirs, ours in layers.items()}


def _max_pixels(folder: Path) -> int:
    """The image processor's own limit, at most `MAX_PIXELS`."""
    path = folder / "preprocessor_config.json"
    told = _json(path) if path.is_file() else {}
    size = told.get("size")
    stated = told.get("max_pixels") or (size.get("longest_edge") if isinstance(size, dict) else None)
    return min(int(stated or MAX_PIXELS), MAX_PIXELS)


def _shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor in the folder's safetensors files; only their headers are read."""
    shapes: dict[str, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, "pt") as file:
                shapes |= {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        except SafetensorError as problem:
            raise InputError("model", f"{path} is no whole safetensors file ({problem})", "all of its files") from None
    return shapes


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise InputError(
            "model", f"{path} cannot be read ({problem})", "a folder with a readable config.json"
        ) from None
