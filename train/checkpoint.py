"""Checkpoints that are there complete or not at all, whatever kills the run and when.

    checkpoint-200/     whole: every file is there with the size that its complete.json says
    .saving/            being written; one rename makes it a checkpoint
    .going/             being removed; it was a checkpoint until a newer one stood

A checkpoint holds the model (or adapter and heads), optimizer, schedule, random states of all processes, the
trainer's state with the log, and run.json (seconds used, samples that were skipped). The sampler's position is the
step: which samples a step takes is a function of its number alone.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heads.errors import InputError

COMPLETE, RUN = "complete.json", "run.json"
SAVING, GOING = ".saving", ".going"
KEPT = 2


def newest(out: Path, main: bool = True) -> Path | None:
    """The checkpoint with the most steps, or None. main: this process also clears away what a kill left behind.

    A checkpoint folder without complete.json was never written by this trainer: an InputError.
    """
    if main:
        for name in (SAVING, GOING):
            shutil.rmtree(out / name, ignore_errors=True)
    found = None
    for folder in checkpoints(out):
        if not (folder / COMPLETE).is_file():
            raise InputError("out", f"{folder} has no {COMPLETE}", "checkpoints written by `fathom train`, or none")
        if is_complete(folder):
            found = folder
        elif main:  # the file system lost what it had acknowledged: a power cut
            _remove(folder)
    return found


def checkpoints(out: Path) -> list[Path]:
    """Every checkpoint-N of the folder, by N."""
    found = out.glob("checkpoint-*")
    return sorted((path for path in found if path.name.removeprefix("checkpoint-").isdigit()), key=step_of)


def step_of(folder: Path) -> int:
    """checkpoint-200 -> 200."""
    return int(folder.name.removeprefix("checkpoint-"))


def is_complete(folder: Path) -> bool:
    """Every file that complete.json lists is there, at the size it had."""
    try:
        sizes = json.loads((folder / COMPLETE).read_text(encoding="utf-8"))
        return bool(sizes) and all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


@contextmanager
def saving(out: Path, step: int, main: bool, wait: Callable[[], None]) -> Iterator[Path]:
    """A folder for every process to write into; it becomes out/checkpoint-STEP once all have.

    main: this process makes and renames the folder. wait: returns when every process has called it.
    """
    target, part = out / f"checkpoint-{step}", out / SAVING / f"checkpoint-{step}"
    if main:
        shutil.rmtree(out / SAVING, ignore_errors=True)
        part.mkdir(parents=True)
    wait()
    yield part
    wait()
    if main:
        files = sorted(path for path in part.rglob("*") if path.is_file())
        sizes = {str(path.relative_to(part)): path.stat().st_size for path in files}
        (part / COMPLETE).write_text(json.dumps(sizes, indent=1), encoding="utf-8")
        replace(target, part)
        for old in checkpoints(out)[:-KEPT]:
            _remove(old)
    wait()


def replace(target: Path, part: Path) -> None:
    """`part`, a folder in target's own .saving, becomes `target`, in one step and on the disk itself."""
    for path in [*part.rglob("*"), part]:
        _flush(path)
    if target.exists():
        _remove(target)
    part.rename(target)
    _flush(target.parent)
    part.parent.rmdir()


def write_run(folder: Path, values: dict[str, Any]) -> None:
    """What a run remembers beside the trainer's state: see `read_run`."""
    (folder / RUN).write_text(json.dumps(values, indent=1), encoding="utf-8")


def read_run(folder: Path) -> dict[str, Any]:
    """seconds: training time used so far; skipped: samples that could not be read; drawn: samples asked for."""
    return json.loads((folder / RUN).read_text(encoding="utf-8"))


def _remove(folder: Path) -> None:
    """Out of sight in one step, then away: a kill in between leaves no half of a checkpoint."""
    going = folder.parent / GOING
    shutil.rmtree(going, ignore_errors=True)
    folder.rename(going)
    shutil.rmtree(going, ignore_errors=True)


def _flush(path: Path) -> None:
    """To the disk itself, so that a power cut after the rename finds the content too."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
