"""`fathom doctor`: what is installed, what can run, what is missing and how to get it."""

import platform

import torch
from rich.console import Console
from rich.table import Table

from vlm.attention import kernels, problem
from vlm.checkpoints import EMBEDDED
from vlm.installed import version_of

NEEDED = (
    *("fathom-vlm", "torch", "transformers", "peft", "accelerate", "datasets", "bitsandbytes", "safetensors"),
    *("pillow", "numpy", "typer", "rich", "matplotlib", "trimesh", "tensorboard", "pyyaml", "num2words"),
)
MISSING = "missing. Get it: pip install fathom-vlm"
EXTRAS = {
    "flash": {"flash-attn": "flash_attn"},
    "viz": {"rerun-sdk": "rerun"},
    "serve": {"fastapi": "fastapi", "uvicorn": "uvicorn", "gradio": "gradio"},
    "bench": {"scipy": "scipy", "h5py": "h5py", "OpenEXR": "OpenEXR", "evo": "evo"},
}


def examine(console: Console) -> None:
    """Prints four tables: versions, devices, attention kernels, extras."""
    found = [(name, version_of(name) or MISSING) for name in NEEDED]
    _table(console, "versions", [("python", platform.python_version()), *found])
    _table(console, "devices", devices())
    _table(console, "attention", kernels())
    rows = []
    for extra, packages in EXTRAS.items():
        problems = [f"{name}: {why}" for name, module in packages.items() if (why := problem(module))]
        rows.append((extra, f"{'; '.join(problems)}. Get it: pip install 'fathom-vlm[{extra}]'" if problems else "ok"))
    _table(console, "extras", rows)
    missing = [name for name, folder in EMBEDDED.items() if not (folder / "config.json").is_file()]
    _table(console, "embedded models", [(n, "missing" if n in missing else "ok") for n in EMBEDDED])


def devices() -> list[tuple[str, str]]:
    """Where a model can run."""
    rows = [("cpu", f"{torch.get_num_threads()} threads, {platform.machine()}")]
    for number in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(number)
        rows.append((f"cuda:{number}", f"{facts.name}, {facts.total_memory / 2**30:.0f} GiB"))
    if not torch.cuda.is_available():
        rows.append(("cuda", "not available"))
    rows.append(("mps", "available" if torch.backends.mps.is_available() else "not available"))
    return rows


def _table(console: Console, title: str, rows: list[tuple[str, str]]) -> None:
    table = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 1, 0, 2))
    for row in rows:
        table.add_row(*row)
    console.print(table, markup=False)
