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
    here = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if device.type in here and (device.index or 0) >= here[device.type]:
        raise InputError(argument, f"{device} is not there", f"cpu, or one of {here[device.type]} {device.type}")
    return device
