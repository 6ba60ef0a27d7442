"""`fathom bench`: depth, qa, coexistence and speed. Heavy imports are inside the commands, so that --help is quick."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks.datasets.cli import prepare
from benchmarks.pictures_command import pictures
from benchmarks.report_command import report

if TYPE_CHECKING:
    from benchmarks.report import Table

app = typer.Typer(help="Measure a model: metric depth and camera, spatial questions, speed.", no_args_is_help=True)
app.command()(prepare)
app.command()(report)
app.command()(pictures)


class CameraChoice(StrEnum):
    """Which cameras the model is given."""

    given = "given"
    none = "none"
    both = "both"


class ModeChoice(StrEnum):
    """Which truth depth is compared with."""

    dense = "dense"
    sparse = "sparse"


class AlignChoice(StrEnum):
    """What a prediction is told of the truth before it is scored."""

    none = "none"
    scale = "scale"
    affine = "affine"


Records = Annotated[list[Path], typer.Option(help="A JSONL file, one record a line; repeat for more files.")]
Model = Annotated[str, typer.Option(help='"nano" or a folder written by save_pretrained.')]
Models = Annotated[
    list[str] | None,
    typer.Option(
        help="nano, a folder, depthvlm:FOLDER, constant:METRES, constant:best, hf-depth:ID, vlm-text:ID; repeat."
    ),
]
Cameras = Annotated[CameraChoice, typer.Option(help="Pass the true camera, or withhold it and the file's EXIF.")]
Root = Annotated[Path | None, typer.Option(help="What images and depth are relative to. Default: the records' folder.")]
Batch = Annotated[int, typer.Option(min=1, help="Photographs at a time.")]
Out = Annotated[Path | None, typer.Option(help="Folder for the tables and every sample's result. Default: none.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most this many records of each data set.")]


@app.command()
def depth(
    records: Records,
    model: Models = None,
    mode: Annotated[ModeChoice, typer.Option(help="The whole depth map, or the labelled pixels.")] = ModeChoice.dense,
    camera: Cameras = CameraChoice.both,
    align: Annotated[
        AlignChoice, typer.Option(help="Tell each prediction the truth's scale; marked in every table.")
    ] = AlignChoice.none,
    crop_seed: Annotated[int | None, typer.Option(min=0, help="Cut every photograph at random, by this seed.")] = None,
    root: Root = None,
    out: Out = None,
    limit: Limit = None,
    batch: Batch = 4,
) -> None:
    """Metric depth, its shape and uncertainty, and the camera; models beside constants, on the same photographs.

    Goes on where it stopped. `accelerate launch` shares the photographs out.
    """
    from benchmarks.depth import DepthOptions

    options = DepthOptions(mode.value, "none", align.value, crop_seed, batch)  # type: ignore[arg-type]
    _measure(f"depth_{mode.value}", model or ["nano", "constant:best"], records, root, limit, camera, options, out)


@app.command()
def distance(
    records: Records,
    model: Models = None,
    camera: Cameras = CameraChoice.both,
    pairs: Annotated[int, typer.Option(min=1, help="Drawn from the depth map of a record without distances.")] = 10,
    root: Root = None,
    out: Out = None,
    limit: Limit = None,
    batch: Batch = 4,
) -> None:
    """Metres between two pixels (Tri-Bench's triangles, pairs of a depth map), with the focal and without."""
    from benchmarks.distance import DistanceOptions

    options = DistanceOptions("none", pairs, batch)
    _measure("distance", model or ["nano", "constant:2.0"], records, root, limit, camera, options, out)


@app.command()
def qa(
    records: Annotated[list[Path] | None, typer.Option(help="As in depth: the questions of records.")] = None,
    benchmark: Annotated[str | None, typer.Option(help="Or a published one: cv-bench, vsi-bench, ...")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of that benchmark's download.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="nano, a folder; more are compared with the first.")] = None,
    out: Out = None,
    limit: Limit = None,
    questions: Annotated[int | None, typer.Option(min=1, help="At most this many questions a record, drawn.")] = None,
    seed: Annotated[int, typer.Option(help="Which questions are drawn.")] = 0,
    frames: Annotated[int, typer.Option(min=1, help="Of each video; 1 for a model that takes one picture.")] = 16,
) -> None:
    """Answers to spatial questions by type, beside the fixed answer that scores best without the picture.

    Several models: also what each gains over the first on the same questions, with its 95 % interval.
    Goes on where it stopped. `accelerate launch` shares the pictures out.
    """
    from benchmarks.asking import ask_models, questions_of
    from benchmarks.processes import launched

    folder, processes = _checked(out), launched()
    source, stated = questions_of(records or [], benchmark, data, limit, questions, seed)
    bar = progress_bar if processes.first else _no_progress
    contents, tables = ask_models(model or ["nano"], source, frames, folder, stated, processes, bar)
    if processes.first:
        _deliver(folder, "qa", contents, *tables)


@app.command()
def coexistence(
    records: Records,
    model: Annotated[str, typer.Option(help='"nano" or a folder: the model that does both.')] = "nano",
    base: Annotated[str | None, typer.Option(help="The untouched VLM that it was made from.")] = None,
    depth_only: Annotated[str | None, typer.Option(help="The same, trained on depth alone.")] = None,
    mode: Annotated[ModeChoice, typer.Option(help="The whole depth map, or the labelled pixels.")] = ModeChoice.dense,
    root: Root = None,
    out: Out = None,
    limit: Limit = None,
    questions: Annotated[int | None, typer.Option(min=1, help="At most this many questions a record, drawn.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Seconds are medians over this many.")] = 3,
) -> None:
    """What text and geometry cost each other: scores, depth and seconds, together against apart."""
    import tempfile
    from contextlib import nullcontext

    from benchmarks.coexistence import measure_coexistence
    from benchmarks.depth import DepthOptions
    from benchmarks.qa_report import coexistence_table
    from benchmarks.sources import RecordFiles

    folder, files = _checked(out), RecordFiles(tuple(records), root, limit)
    options = DepthOptions(mode.value)  # type: ignore[arg-type]
    with nullcontext(str(folder)) if folder else tempfile.TemporaryDirectory() as place:
        found = measure_coexistence(model, files, Path(place), base, depth_only, options, questions, repeats)
    _deliver(folder, "coexistence", {"coexistence": found.as_dict()}, coexistence_table(found))


@app.command()
def speed(
    model: Model = "nano",
    out: Out = None,
    width: Annotated[int, typer.Option(min=1, help="Pixels across.")] = 640,
    height: Annotated[int, typer.Option(min=1, help="Pixels down.")] = 480,
    repeats: Annotated[int, typer.Option(min=1, help="Medians are over this many.")] = 5,
) -> None:
    """Seconds and memory of a look and a question; what the heads add, measured here and counted at 4B size."""
    from benchmarks.flops import count_flops, qwen3_vl_4b
    from benchmarks.report import flops_table, speed_table
    from benchmarks.speed import measure_speed

    folder = _checked(out)
    fathom = _load(model)
    measured = measure_speed(fathom, (width, height), repeats)
    counted = {model: count_flops(fathom.config, width, height), "Qwen3-VL-4B": count_flops(qwen3_vl_4b(), 1024, 768)}
    content = {**measured, "flops": {name: flops.as_dict() for name, flops in counted.items()}}
    _deliver(folder, "speed", {"speed": content}, speed_table(measured), flops_table(counted))


@app.command()
def published_speed(
    model: Annotated[str, typer.Option(help="Folder of published DepthVLM weights, or what `fathom convert` wrote.")],
    out: Out = None,
    width: Annotated[int, typer.Option(min=32, help="Pixels across.")] = 320,
    height: Annotated[int, typer.Option(min=32, help="Pixels down.")] = 256,
    repeats: Annotated[int, typer.Option(min=1, help="Medians are over this many.")] = 3,
) -> None:
    """The published DepthVLM head: our batched pass against sample by sample; one, eight equal, eight mixed."""
    from benchmarks.published_speed import measure_published_speed
    from benchmarks.report import published_speed_table

    folder = _checked(out)
    rows = measure_published_speed(_load(model), height, width, repeats)
    _deliver(folder, "published_speed", {"published_speed": {"rows": rows}}, published_speed_table(rows))


@app.command()
def heads(
    runs: Annotated[Path, typer.Argument(help="Folder of NAME/SEED runs of fathom train: heads, several seeds each.")],
    records: Records,
    out: Annotated[Path, typer.Option(help="Folder for the table and every sample's result.")],
    root: Root = None,
    limit: Limit = None,
) -> None:
    """Depth heads side by side, trained on the same frozen features: depth, shape, intervals, cost; mean and spread.

    Goes on where it stopped.
    """
    from benchmarks.head_against_head import compare_heads, heads_table
    from benchmarks.sources import RecordFiles

    folder, files = _checked(out), RecordFiles(tuple(records), root, limit)
    assert folder is not None
    found = compare_heads(runs, files, folder, progress_bar)
    table = heads_table(found, f"{files.scan().count} photographs, dense truth, true camera")
    _deliver(folder, "heads", {"heads": {row.name: row.as_dict() for row in found}}, table)


@app.command()
def families(
    junit: Annotated[
        Path | None, typer.Option(help="What `pytest tests/vlm --junitxml FILE` wrote; without it, no tests are told.")
    ] = None,
    out: Out = None,
) -> None:
    """Every family of backbones: its tests, taps and grid, and what the heads add at its smallest published size."""
    from benchmarks.families import as_dicts, examine_families, families_table

    folder = _checked(out)
    rows = examine_families(junit)
    _deliver(folder, "families", {"families": {"rows": as_dicts(rows)}}, families_table(rows))


def _measure(
    name: str,
    models: list[str],
    records: list[Path],
    root: Path | None,
    limit: int | None,
    camera: CameraChoice,
    options: Any,
    out: Path | None,
) -> None:
    """Every model with every camera; the first process shows the tables and writes them."""
    from benchmarks.measuring import measure
    from benchmarks.processes import launched
    from benchmarks.sources import RecordFiles

    folder, processes = _checked(out), launched()
    cameras = ["given", "none"] if camera == CameraChoice.both else [camera.value]
    bar = progress_bar if processes.first else _no_progress
    sources = RecordFiles(tuple(records), root, limit)
    results, tables = measure(models, sources, options, cameras, folder, processes, bar)
    if processes.first:
        from benchmarks.depth_tables import overview

        contents = {result.name: result.as_dict() for result in results}
        _deliver(folder, name, contents, *tables, shown=overview(tables))


@contextmanager
def _no_progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    yield lambda done: None


def _checked(out: Path | None) -> Path | None:
    from vlm.files import check_folder

    return None if out is None else check_folder(out)


def _load(name: str) -> Any:
    from transformers.utils import logging

    from vlm.model import Fathom

    logging.disable_progress_bar()
    return Fathom.from_pretrained(name)


def _deliver(
    folder: Path | None,
    name: str,
    contents: dict[str, dict[str, Any]],
    *tables: "Table",
    shown: "list[Table] | None" = None,
) -> None:
    """Tables (or what is `shown`) to the terminal; with a folder also `name`.md and a JSON each of `contents`."""
    from benchmarks.report import write_json, write_markdown

    for table in tables if shown is None else shown:
        table.show()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        written = [write_json(folder / f"{key}.json", content) for key, content in contents.items()]
        written.append(write_markdown(folder / f"{name}.md", *tables))
        typer.echo("written: " + ", ".join(map(str, written)))


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
