"""Devices by name."""

from typing import Any

import torch

from heads.errors import InputError


def device_there(place: Any, argument: str = "device", allowed: str = "cpu, cuda, cuda:1, mps") -> torch.device:
    """The device of that name, if this machine has it; else an InputError about the argument."""
    try:
        device = torch.device(place)
    except (RuntimeError, TypeError):
        raise InputError(argument, repr(place), allowed) from None
    here = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (device.index or 0) >= here.get(device.type, 0):
        there = ", ".join(f"{count} {kind}" for kind, count in here.items() if count)
        raise InputError(argument, f"{device} is not there", f"{allowed}; here: {there}")
    return device
