"""What every result states about how it was made: without it a number cannot be compared with another."""

import math
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from vlm.installed import version_of

PACKAGES = ("fathom-vlm", "torch", "transformers", "numpy", "pillow")

VALID_RANGES_M = {
    "nyuv2": (1e-3, 10.0, "Eigen et al. 2014: Kinect indoors"),
    "kitti": (1e-3, 80.0, "Eigen et al. 2014; Garg et al. 2016: capped at 80 m"),
    "sunrgbd": (1e-3, 8.0, "Bhat et al. 2023 (ZoeDepth): 8 m; files wrap at 8.19 m"),
}
"""Data set -> nearest and farthest true depth that dense maps are scored on, and whose convention that is. A record's
own `valid_range_m` comes first; labelled pixels are scored as published, and other data sets without a cap."""


def protocol(model: Any, **stated: Any) -> dict[str, Any]:
    """`stated` (mode, camera, alignment, seconds per image, ...) and what can be found out here, as JSON types.

    model: its name, dtype, device and pixel budget (`processor.max_pixels`) are stated; None where it has none.
    """
    return {
        "model": _attribute(model, "config", "name_or_path") or type(model).__name__,
        **stated,
        "pixel_budget": _attribute(model, "processor", "max_pixels"),
        "dtype": _text(_attribute(model, "dtype")),
        "device": _text(_attribute(model, "device")),
        "peak_memory_mib": peak_memory_mib(),
        "versions": versions(),
        "commit": commit(),
        "hardware": hardware(),
    }


def session(processes: int) -> dict[str, Any]:
    """By what a run is made: versions, commit, hardware, how many processes."""
    return {"versions": versions(), "commit": commit(), "hardware": hardware(), "processes": processes}


def versions() -> dict[str, str | None]:
    """Python's and the packages' versions; None for one that is not installed."""
    return {"python": platform.python_version()} | {name: version_of(name) for name in PACKAGES}


def commit() -> str | None:
    """The git commit of this source tree, with "+changes" where files differ from it; None outside of one."""
    here = Path(__file__).parent
    try:
        head = _git(here, "rev-parse", "--short=12", "HEAD")
        return head + ("+changes" if _git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def hardware() -> dict[str, Any]:
    """Processor, cores of the machine and threads that torch uses, GPU's name or None."""
    return {
        "machine": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def peak_memory_mib() -> float | None:
    """The largest resident memory of this process so far, MiB: Python, torch and the model, not the model alone.

    It never falls, so it also holds what was run before. None on Windows, which has no `getrusage`.
    """
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024**2 if sys.platform == "darwin" else 1024), 1)  # Linux counts KiB, macOS bytes


def peak_gpu_mib() -> float | None:
    """The largest memory that torch has held on this process's GPU so far, MiB; None without one."""
    return round(torch.cuda.max_memory_allocated() / 1024**2, 1) if torch.cuda.is_available() else None


def plain(value: Any) -> Any:
    """The same with what JSON knows: nan and inf become None, NumPy numbers and paths plain ones."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int | str | None) else str(value)


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=20
    )
    return done.stdout.strip()


def _attribute(thing: Any, *names: str) -> Any:
    for name in names:
        thing = getattr(thing, name, None)
    return thing


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
