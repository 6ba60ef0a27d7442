"""A recipe: one YAML file that says what trains, on what, how fast. Unknown keys are errors."""

import difflib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from heads.errors import InputError


@dataclass
class Recipe:
    """Every setting of a run, grouped. A relative path is relative to the working directory."""

    # the model: a folder or name to start from, or the sizes of a new one
    start: str | None = None
    model: dict[str, Any] = field(default_factory=dict)
    vocabulary: int = 1536

    # the data
    records: list[str] = field(default_factory=list)
    questions_per_image: int = 8
    seed: int = 0

    # the schedule: whichever of steps and minutes ends first; the cosine follows the one that is further on
    steps: int = 3000
    minutes: float | None = None
    batch: int = 8
    rate: float = 1e-3
    final_rate: float = 0.02
    warmup_steps: int = 100
    weight_decay: float = 0.05
    beta2: float = 0.98
    clip: float = 1.0
    save_every: int = 200
    log_every: int = 20
    workers: int = 1

    # loss name -> weight; a loss that is not named here is not trained
    losses: dict[str, float] = field(default_factory=dict)


def load_recipe(path: str | Path, changes: list[str] | None = None) -> Recipe:
    """A YAML file and `key=value` changes -> Recipe. An unknown key is an InputError naming the nearest one."""
    path = Path(path)
    if not path.is_file():
        raise InputError("recipe", f"no file {path}", "a YAML file such as train/recipes/nano.yaml")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as problem:
        raise InputError("recipe", f"{path.name} is no YAML: {problem}", "key: value lines") from None
    if not isinstance(values, dict):
        raise InputError("recipe", f"{path.name} holds a {type(values).__name__}", "key: value lines")
    for change in changes or []:
        key, equals, value = change.partition("=")
        if not equals:
            raise InputError("recipe", f"{change!r} has no '='", "key=value")
        values[key] = yaml.safe_load(value)
    known = [f.name for f in fields(Recipe)]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            raise InputError("recipe", f"unknown key {key!r} in {path.name}{hint}", ", ".join(known))
    return Recipe(**values)
