"""Folders that appear complete or not at all."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_folder(target: str | Path) -> Iterator[Path]:
    """A temporary folder beside `target` to write into; it becomes `target` when the block ends without an error.

    What stood at `target` before is replaced as a whole, and is left as it was after an error.
    """
    path = Path(target).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    mark = secrets.token_hex(4)
    new, old = path.with_name(f".{path.name}-{mark}"), path.with_name(f".{path.name}-{mark}-old")
    new.mkdir()
    try:
        yield new
        if path.exists():
            path.rename(old)
        new.rename(path)
    except BaseException:
        if old.exists() and not path.exists():
            old.rename(path)
        raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
