"""Spatial questions: the worlds' own, and one file for each published benchmark."""

from importlib import import_module
from typing import Any

from heads.errors import InputError

BENCHMARKS = {
    "cv-bench": "cv_bench",
    "blink-depth": "blink_depth",
    "spatialrgpt-bench": "spatialrgpt_bench",
    "q-spatial": "q_spatial",
    "vsi-bench": "vsi_bench",
    "spatialbench": "spatialbench",
    "embspatial": "embspatial",
}
"""What `fathom bench qa --benchmark` knows, and its file."""


def benchmark(name: str) -> Any:
    """The module of a published benchmark: CONFIG, question, read, headline."""
    if name not in BENCHMARKS:
        raise InputError("benchmark", f"no benchmark named {name!r}", ", ".join(BENCHMARKS))
    return import_module(f"benchmarks.questions.{BENCHMARKS[name]}")
