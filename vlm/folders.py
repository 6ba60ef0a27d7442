"""Folders that appear complete or not at all."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heads.errors import InputError
from vlm.files import check_folder


@contextmanager
def filled_folder(target: str | Path) -> Iterator[Path]:
    """A temporary folder beside `target` to write files into; after an error nothing of it stays.

    When the block ends, it becomes `target` in one step. Where `target` is there already, the files move into it one
    after the other, in the order of their names, and what else is there stays.
    """
    path = Path(target).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    new.mkdir()
    try:
        yield new
        if path.is_dir():
            for file in sorted(new.iterdir()):
                file.replace(path / file.name)
        else:
            new.rename(path)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def check_new_folder(folder: str | Path) -> Path:
    """`vlm.files.check_folder` of an output folder that must be new or empty; InputError where it holds files."""
    path = check_folder(folder)
    if path.is_dir() and any(path.iterdir()):
        raise InputError("out", f"{path} holds files", "a new or an empty folder")
    return path
