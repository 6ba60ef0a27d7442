"""How a model is loaded: precision, attention, quantisation, devices; all checked before a weight is read.

    Fathom.from_pretrained(FOLDER, dtype="auto", attn_implementation="auto", load_in_4bit=True, device_map="auto")

Heads are never quantised and always float32. `device_map` names modules of the Fathom ("backbone...", "heads"), for a
plain VLM too. Some processors compute faster with 4-bit weights whose scales bitsandbytes rounds to bfloat16 at the
first look: to save exactly what was loaded, save before it.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn
from transformers import BitsAndBytesConfig

from heads.errors import InputError
from vlm.attention import choose, problem
from vlm.config import FathomConfig
from vlm.devices import device_there

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
IN_FILES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
"""What safetensors calls them."""
PLACED = ("auto", "balanced", "balanced_low_0", "sequential")
UNQUANTISED = ["heads", "lm_head"]
PACKED = {"in_features": 64, "out_features": 32}
"""bitsandbytes 0.50 packs 4-bit weights for processors in blocks of this size; other layers stay as they are."""


@dataclass(frozen=True)
class Loading:
    """options: keyword arguments of transformers' `from_pretrained`; heads: where new heads go, None = the backbone."""

    options: dict[str, Any]
    heads: Any = None


def loading(
    config: FathomConfig, folder: Path, plain: bool, blank: Callable[[], nn.Module], told: dict[str, Any]
) -> Loading:
    """Checks `told`, the keyword arguments of `Fathom.from_pretrained`; InputError for what cannot be, or not here.

    plain: the folder holds a VLM whose names have no "backbone." in front. blank: makes the model without weights.
    """
    rest = dict(told)
    asked = [rest.pop(name, None) for name in ("dtype", "torch_dtype")]
    dtype = _dtype(folder, next((value for value in asked if value is not None), torch.float32))
    places = _places(rest.pop("device_map", None), blank, "offload_folder" in rest)
    device = _device(places)
    kept = getattr(config.backbone_config, "_attn_implementation", None)  # AutoModel puts it there
    attention = choose(rest.pop("attn_implementation", None) or kept or "auto", config.backbone_config, device, dtype)
    quantised = _quantisation(folder, rest, dtype, device, blank)
    if quantised is not None and isinstance(places, dict) and "disk" in places.values():
        raise InputError("device_map", "disk, for a quantised model", "devices only")
    heads = None
    if plain and isinstance(places, dict):
        heads = next((place for name, place in places.items() if name.split(".")[0] in ("", "heads")), None)
        places = {_in_vlm(name): place for name, place in places.items() if name.split(".")[0] != "heads"}
    if isinstance(places, dict):
        places = {name: str(place) for name, place in places.items()}
    more = {"device_map": places, "quantization_config": quantised}
    return Loading(
        rest | {"dtype": dtype, "attn_implementation": attention} | {k: v for k, v in more.items() if v is not None},
        heads,
    )


def adopt(model: nn.Module, backbone: nn.Module, heads: Any) -> None:
    """A Fathom around a VLM that was loaded by itself: what transformers knows of how it was loaded, and one place.

    heads: the device of the new heads; where the backbone ends if None.
    """
    names = ("hf_quantizer", "quantization_method", "is_quantized", "is_loaded_in_4bit", "is_loaded_in_8bit")
    for name in names:
        if hasattr(backbone, name):
            setattr(model, name, getattr(backbone, name))
    any_model: Any = model
    quantised = any_model.config.backbone_config.__dict__.pop("quantization_config", None)
    if quantised is not None:
        quantised.llm_int8_skip_modules += [f"backbone.{name}" for name in quantised.llm_int8_skip_modules]
        any_model.config.quantization_config = quantised
    end = any_model.get_output_embeddings().weight.device
    any_model.heads.to(end if heads is None else heads)


def let_gradients_through(model: nn.Module) -> None:
    """For good: 4-bit layers without the layout for AVX512-BF16, which a look gives them and no gradient passes."""
    from bitsandbytes.nn.modules import Linear4bit

    for layer in model.modules():
        if isinstance(layer, Linear4bit):
            layer.support_avx512bf16_for_cpu = False
            if getattr(getattr(layer.weight, "quant_state", None), "packing_format_for_cpu", False):
                layer.state_dict()  # bitsandbytes undoes the layout to save


def _dtype(folder: Path, asked: Any) -> torch.dtype:
    """ "auto": what the folder says, else what most of its numbers are in."""
    if asked == "auto":
        stored = _json(folder / "config.json")
        inner = (stored.get(key) or {} for key in ("backbone_config", "text_config"))
        named = [part.get("dtype") or part.get("torch_dtype") for part in (stored, *inner)]
        asked = next((name for name in named if name), None) or _stored_dtype(folder)
    dtype = asked if isinstance(asked, torch.dtype) else DTYPES.get(str(asked).removeprefix("torch."))
    if dtype not in DTYPES.values():
        raise InputError("dtype", repr(asked), f"auto, {', '.join(DTYPES)}")
    assert dtype is not None
    return dtype


def _stored_dtype(folder: Path) -> torch.dtype:
    sizes: Counter[torch.dtype] = Counter()
    for path in folder.glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118 - no dictionary
                part = file.get_slice(name)
                if part.get_dtype() in IN_FILES:
                    sizes[IN_FILES[part.get_dtype()]] += int(torch.Size(part.get_shape()).numel())
    return sizes.most_common(1)[0][0] if sizes else torch.float32


def _places(device_map: Any, blank: Callable[[], nn.Module], has_folder: bool) -> Any:
    """A device map as transformers takes it, every device there and every weight with a place."""
    if device_map is None or device_map in PLACED:
        return device_map
    if not isinstance(device_map, dict):
        return {"": _there(device_map)}
    places = {name: place if place == "disk" else _there(place) for name, place in device_map.items()}
    if "disk" in places.values() and not has_folder:
        raise InputError("device_map", "disk, without offload_folder", "offload_folder=FOLDER beside it")
    if any(place == "disk" and name.split(".")[0] in ("", "heads") for name, place in places.items()):
        raise InputError("device_map", "heads on disk", "heads on a device")
    with torch.device("meta"):
        names = [name for name, _ in blank().named_parameters()]
    homeless = [name for name in names if not any(_holds(place, name) for place in places)]
    if homeless:
        wrong = f"no place for {homeless[0]} and {len(homeless) - 1} more weights"
        raise InputError("device_map", wrong, "places that cover the model, as {'backbone': 0, 'heads': 0}")
    return places


def _holds(module: str, weight: str) -> bool:
    return not module or weight == module or weight.startswith(f"{module}.")


def _there(place: Any) -> torch.device:
    return device_there(place, "device_map", f"a device, {', '.join(PLACED)}, or a dictionary")


def _device(places: Any) -> torch.device:
    """Where the backbone computes: a GPU if any part is on one (what is elsewhere is fetched)."""
    if isinstance(places, str):
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    devices = [place for place in (places or {}).values() if isinstance(place, torch.device)]
    return next((device for device in devices if device.type != "cpu"), torch.device("cpu"))


def _quantisation(
    folder: Path, rest: dict[str, Any], dtype: torch.dtype, device: torch.device, blank: Callable[[], nn.Module]
) -> BitsAndBytesConfig | None:
    """What `load_in_4bit` (NF4, as in QLoRA), `load_in_8bit` or `quantization_config` ask for; taken out of rest."""
    bits = [name for name in ("load_in_4bit", "load_in_8bit") if rest.pop(name, False)]
    given = rest.pop("quantization_config", None)
    asked = bits + ([] if given is None else ["quantization_config"])
    if not asked:
        return None
    if len(asked) > 1:
        raise InputError(asked[1], f"beside {asked[0]}", "one of the two")
    if _json(folder / "config.json").get("quantization_config"):
        raise InputError(asked[0], f"{folder} is quantised already", "to load it as it is")
    if given is not None and not isinstance(given, BitsAndBytesConfig):
        raise InputError("quantization_config", type(given).__name__, "BitsAndBytesConfig")
    if why := problem("bitsandbytes"):
        raise InputError(asked[0], f"bitsandbytes is {why}", "pip install bitsandbytes")
    if bits == ["load_in_4bit"]:
        given = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
    given = given or BitsAndBytesConfig(load_in_8bit=True)
    unfit = _unfit(blank) if given.load_in_4bit and device.type == "cpu" else []
    given.llm_int8_skip_modules = [*(given.llm_int8_skip_modules or []), *UNQUANTISED, *unfit]
    return given


def _unfit(blank: Callable[[], nn.Module]) -> list[str]:
    """Linear layers that bitsandbytes cannot pack on a processor, by their names within the backbone."""
    with torch.device("meta"):
        model = blank()
    layers = [(name, module) for name, module in model.named_modules() if type(module) is nn.Linear]
    unfit = [n for n, layer in layers if any(getattr(layer, key) % block for key, block in PACKED.items())]
    return [_in_vlm(name) for name in unfit if not name.startswith("heads.")]


def _in_vlm(name: str) -> str:
    """A module's name within the backbone itself."""
    return name.removeprefix("backbone").removeprefix(".")


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
