"""`fathom data`: is a set of records fit to train on?"""

from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Records to train on: checked before anything is trained.")
SHOWN = 10


@app.callback()
def _group() -> None:
    """Records to train on."""


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="JSONL or parquet files, or folders saved by `datasets`.")],
    root: Annotated[Path | None, typer.Option(help="Where relative paths begin, if not at each file's folder.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Also write a contact sheet: image, depth, points. A PNG.")] = None,
    rows: Annotated[int, typer.Option(min=1, max=100, help="Records on the sheet.")] = 8,
    quick: Annotated[bool, typer.Option(help="Open the files of the first records only, as before a run.")] = False,
    all_findings: Annotated[bool, typer.Option("--all", help="Every finding, not the first ten of each kind.")] = False,
) -> None:
    """Validate every record and its files; counts, the first bad lines, exit code 1 where something is wrong."""
    from train.data.build import FULLY_CHECKED
    from train.data.check import examine_all
    from train.data.index import RecordFile
    from vlm.files import check_folder

    if sheet is not None:
        from heads.errors import InputError

        check_folder(sheet.parent)
        if sheet.suffix.lower() != ".png":
            raise InputError("sheet", f"{sheet.name} is no PNG", "a name that ends with .png")
    bad, kept = False, []
    for file in files:
        records = RecordFile(file, root)
        with _progress(str(file), len(records)) as seen:
            counts, found = examine_all(seen(records), FULLY_CHECKED if quick else None)
        typer.echo(f"{file}: {counts.records:,} records")
        for group, numbers in counts.by.items():
            if numbers:
                typer.echo(f"  {group}: " + ", ".join(f"{name} {n:,}" for name, n in numbers.most_common()))
        _tell(found, None if all_findings else SHOWN)
        bad |= any(finding.bad for finding in found)
        if sheet is not None:
            kept.append(records)
    if sheet is not None:
        from train.data.sheet import spread, write_sheet

        write_sheet(sheet, spread([record for records in kept for record in _some(records)], rows))
        typer.echo(f"wrote {sheet}")
    if bad:
        raise typer.Exit(1)


def _some(records) -> list:
    """A thousand of them at most, evenly over the set, without the bad ones."""
    found = []
    for number in range(0, len(records), max(1, len(records) // 1000)):
        with suppress(ValueError):
            found.append(records[number])
    return found


def _progress(name: str, total: int):
    """A context with a function that passes records on and shows how many have gone by."""
    from rich.console import Console
    from rich.progress import Progress

    @contextmanager
    def shown():
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(name, total=total)

            def seen(records):
                for record in records:
                    yield record
                    bar.advance(task)

            yield seen

    return shown()


def _tell(found: list, most: int | None) -> None:
    """Errors first; of each kind the first `most`, and how many more there are."""
    for bad, word in ((True, "error"), (False, "warning")):
        kinds: dict[str, list] = {}
        for finding in found:
            if finding.bad is bad:
                kinds.setdefault(finding.kind, []).append(finding)
        for kind, findings in kinds.items():
            for finding in findings[:most]:
                typer.echo(f"  {word}: {finding}")
            if most is not None and len(findings) > most:
                typer.echo(f"  {word}: {len(findings) - most:,} more of the kind {kind!r} (--all shows them)")
    errors = sum(finding.bad for finding in found)
    typer.echo(f"  {errors:,} errors, {len(found) - errors:,} warnings")
