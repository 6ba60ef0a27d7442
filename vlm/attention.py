"""Which kernel attention runs on: flash-attn where it can, else PyTorch's sdpa, else eager; chosen once, on loading.

    Fathom.from_pretrained(FOLDER, attn_implementation="auto" | "flash" | "sdpa" | "eager")

flash-attn is imported only where the device and the precision would let it run, and one that cannot be imported is
a reason (`fathom doctor` shows it), never an error, unless it was asked for by name.
"""

import importlib
from typing import Any

import torch
from transformers import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
from transformers.utils import import_utils

from heads.errors import InputError
from vlm.backbones import family

FLASH = {"flash_attention_3": ("flash_attn_interface", 9), "flash_attention_2": ("flash_attn", 8)}
"""transformers' name -> the module and the least CUDA compute capability it needs (Hopper, Ampere); best first."""
ALLOWED = "auto, flash, sdpa or eager"
OVERRIDE: str | None = None
"""For tests: taken instead of what was asked for."""


def choose(asked: str, config: Any, device: torch.device, dtype: torch.dtype) -> str:
    """transformers' name of the kernel for a backbone of this config; InputError where what was asked cannot be had."""
    asked = OVERRIDE or asked
    backbone: Any = MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING[type(config)]
    if asked in ("auto", "flash", *FLASH):
        names = [asked] if asked in FLASH else list(FLASH)
        reasons = {name: flash_problem(name, config, device, dtype) for name in names}
        if usable := [name for name, why in reasons.items() if why is None]:
            return usable[0]
        if asked != "auto":
            told = "; ".join(dict.fromkeys(str(why) for why in reasons.values()))
            raise InputError("attn_implementation", f"{asked!r} cannot be used: {told}", "auto, sdpa or eager")
        return "sdpa" if backbone._supports_sdpa else "eager"
    if asked not in ("sdpa", "eager"):
        raise InputError("attn_implementation", repr(asked), ALLOWED)
    if asked == "sdpa" and not backbone._supports_sdpa:
        raise InputError("attn_implementation", f"{config.model_type} has no sdpa", "auto or eager")
    return asked


def flash_problem(name: str, config: Any, device: torch.device, dtype: torch.dtype) -> str | None:
    """Why flash-attn cannot run here, in one line; None where it can. config: of a backbone, None for any."""
    module, capability = FLASH[name]
    if config is not None and not family(config).FLASH:
        return f"it drops the mask by which {config.model_type}'s image tokens see each other"
    if device.type != "cuda" or not torch.cuda.is_available():
        return "it needs a CUDA device"
    if torch.cuda.get_device_capability(device)[0] < capability:
        return f"{module} needs a GPU of compute capability {capability}.0"
    if dtype not in (torch.bfloat16, torch.float16):
        return f"it needs bfloat16 or float16, the model is in {str(dtype).removeprefix('torch.')}"
    if why := problem(module):
        return f"{module} is {why}"
    available = import_utils.is_flash_attn_3_available if name[-1] == "3" else import_utils.is_flash_attn_2_available
    return None if available() else f"transformers does not take this {module} (its version, or how it was installed)"


def problem(module: str) -> str | None:
    """Why a module cannot be imported, in one line; None where it can. A broken install is a reason, not a crash."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as missing:
        return "not installed" if missing.name == module else f"installed, but it needs {missing.name}"
    except Exception as broken:
        return f"installed, but broken: {' '.join(str(broken).split())[:120]}"
    return None


def kernels() -> list[tuple[str, str]]:
    """Which kernels there are here, for `fathom doctor`."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rows = [("sdpa", "ok (where flash-attn is not used)"), ("eager", "ok")]
    for name, (module, _) in FLASH.items():
        why = problem(module) or flash_problem(name, None, device, torch.bfloat16)
        told = "ok, used in bfloat16 and float16" if why is None else f"not used: {why}; sdpa is used instead"
        rows.append((f"flash-attn {name[-1]}", told))
    return rows
