"""`fathom bench prepare`: a data set's official download becomes records on disk."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.datasets import DATASETS


def prepare(
    dataset: Annotated[str, typer.Argument(help=f"One of {', '.join(DATASETS)}.")],
    root: Annotated[Path, typer.Option(help="Folder of the official download, unpacked.")],
    out: Annotated[Path, typer.Option(help="Folder for records.jsonl and what it needs. Goes on where it stopped.")],
    split: Annotated[str | None, typer.Option(help="Default: the benchmark's own split of the data set.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many, spread evenly.")] = None,
    points: Annotated[int, typer.Option(min=0, help="Labelled pixels drawn for each record (sparse mode).")] = 10,
    crop: Annotated[str | None, typer.Option(help='Window of the truth, or "none". Default: as published.')] = None,
) -> None:
    """Convert a data set from its official layout to records; the card and the request go into dataset.json."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from benchmarks.datasets.prepare import prepare as convert

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(dataset, total=None)
        done = convert(
            dataset, root, out, split, limit, points, crop,
            lambda number, total: bar.update(task, completed=number, total=total),
        )  # fmt: skip
    resumed = f", {done.resumed} of them already there" if done.resumed else ""
    typer.echo(f"{done.count} records{resumed}: {done.records}")
