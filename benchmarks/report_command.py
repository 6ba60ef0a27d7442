"""`fathom bench report`: what is typed; the work is in `benchmarks.site`, so that --help stays quick."""

from pathlib import Path
from typing import Annotated

import typer


def report(folder: Annotated[Path, typer.Argument(help="An --out of fathom bench depth or distance.")]) -> None:
    """Rebuild report.md and report.html (one self-contained page) from the results in a folder, without any model."""
    from benchmarks.site import build

    typer.echo("written: " + ", ".join(map(str, build(folder))))
