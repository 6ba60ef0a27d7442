"""Data sets: from the official download's own layout to records on disk, one file a data set.

Each module has a card as its docstring and as CARD, `items(root, split)`, which walks the layout and opens nothing
large, and `record(item)`, which reads one item and returns one record as a dictionary (see `base.py`).
A new data set is one such module and one line in DATASETS.
"""

from importlib import import_module
from types import ModuleType

from heads.errors import InputError

DATASETS = (
    "argoverse2",
    "ddad",
    "diode",
    "eth3d",
    "ibims1",
    "kitti",
    "nuscenes",
    "nyuv2",
    "scannetpp",
    "sevenscenes",
    "sunrgbd",
    "tribench",
    "waymo",
)


def load_dataset(name: str) -> ModuleType:
    """The module of a data set; InputError where there is none of this name."""
    if name not in DATASETS:
        raise InputError("dataset", f"{name!r} is not known", ", ".join(DATASETS))
    return import_module(f"benchmarks.datasets.{name}")
