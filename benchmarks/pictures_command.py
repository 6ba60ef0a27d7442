"""`fathom bench pictures`: what is typed; the work is in `benchmarks.pictures_page`, so that --help stays quick."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def pictures(
    records: Annotated[list[Path], typer.Option(help="A JSONL file, one record a line; repeat for more files.")],
    out: Annotated[Path, typer.Option(help="Folder for index.html and its pictures.")],
    model: Annotated[str, typer.Option(help='"nano" or a folder written by save_pretrained.')] = "nano",
    count: Annotated[int, typer.Option(min=1, help="Records of each data set, drawn at random.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Which ones, and which of their questions.")] = 0,
    camera: Annotated[
        Literal["given", "none", "both"], typer.Option(help="Pass the true camera, or withhold it and the file's EXIF.")
    ] = "both",
    hide: Annotated[
        list[str] | None,
        typer.Option(help="A data set whose photographs and depth must not be shown: predictions alone; repeat."),
    ] = None,
    strip: Annotated[bool, typer.Option("--strip", help="Also strip.jpg, all of them in one compact picture.")] = False,
    root: Annotated[Path | None, typer.Option(help="What images and depth are relative to.")] = None,
) -> None:
    """A page of pictures for people: photograph, truth, prediction, error, uncertainty and answers, right or wrong."""
    from transformers.utils import logging

    from benchmarks.answerer import check_answerer
    from benchmarks.cli import progress_bar
    from benchmarks.pictures_page import PagesOptions, make_pages
    from benchmarks.sources import RecordFiles
    from vlm.files import check_folder
    from vlm.model import Fathom

    cameras = ("given", "none") if camera == "both" else (camera,)
    options = PagesOptions(count, seed, cameras, frozenset(hide or ()), strip)
    files, folder = RecordFiles(tuple(records), root), check_folder(out)
    total = options.total(files)
    logging.disable_progress_bar()
    fathom = Fathom.from_pretrained(check_answerer(model))
    with progress_bar(f"pictures, {model}", total) as progress:
        written = make_pages(fathom, model, files, folder, options, progress)
    typer.echo("written: " + ", ".join(map(str, written)))
