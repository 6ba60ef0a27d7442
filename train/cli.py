"""`fathom train`, `fathom worlds`, `fathom worlds-floors` and `fathom blend`."""

import os
from pathlib import Path
from typing import Annotated

import typer


def train(
    recipe: Annotated[
        Path, typer.Option(help="stage1, stage2, nano-pretrain, ... (the files of train/recipes), or a YAML file.")
    ],
    changes: Annotated[
        list[str] | None, typer.Argument(help="key=value or group.key=value, over the recipe's.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; an existing run in it goes on.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Time budget: the rate is decayed within it.")] = None,
    export: Annotated[
        Path | None, typer.Option(help="Also write the model that ships: float16, no training aids.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would train and the memory it needs.")
    ] = False,
    size: Annotated[
        str | None, typer.Option(help="With --dry-run: qwen3-vl-4b, in place of the recipe's start.")
    ] = None,
) -> None:
    """Train by a recipe. Interrupt it at any time; the same command goes on from the last checkpoint."""
    from heads.errors import InputError
    from train.recipe import load_recipe
    from vlm.files import check_folder

    loaded = load_recipe(recipe, changes)
    if dry_run:
        from train.estimate import report

        typer.echo(report(loaded, recipe.stem, size))
        return
    if out is None:
        raise InputError("out", "missing", "a folder for the run")
    if minutes is not None:
        loaded.minutes = minutes
    check_folder(out)
    if export is not None:
        check_folder(export)
    from train.export import export_model
    from train.run import run

    model = run(loaded, out)
    if export is not None and os.environ.get("RANK", "0") == "0":
        export_model(model, export)


def worlds(
    out: Annotated[Path, typer.Option(help="Folder for records.jsonl, images, depth, labels, surface.")],
    count: Annotated[int, typer.Option(min=1, help="How many worlds.")] = 100,
    first_seed: Annotated[int, typer.Option(min=0, help="Scene i has the seed first_seed + i.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that render.")] = 1,
    views: Annotated[int, typer.Option(min=1, max=16, help="Pictures of each world, from nearby viewpoints.")] = 1,
    device: Annotated[str, typer.Option(help="Which draws: cpu, cuda, cuda:1. Every process draws on it.")] = "cpu",
    questions: Annotated[float, typer.Option(min=0, max=100, help="So many times as many questions are tried.")] = 1.0,
) -> None:
    """Render procedural scenes with exact depth, camera and questions; goes on where it stopped."""
    from train.worlds.write import write_records
    from vlm.files import check_folder

    check_folder(out)
    path = write_records(out, count, first_seed, workers=workers, views=views, device=device, questions=questions)
    typer.echo(path)


def worlds_floors(
    records: Annotated[Path, typer.Argument(help="records.jsonl of `fathom worlds`, a few hundred scenes or more.")],
) -> None:
    """What a guesser scores on the worlds' questions without a look at the pictures, type by type."""
    from train.worlds.asking.floors import read, report

    typer.echo(report(read(records)))


def blend(
    before: Annotated[str, typer.Argument(help="A model: nano, or a folder.")],
    after: Annotated[str, typer.Argument(help="What further training made of it: a folder.")],
    out: Annotated[Path, typer.Option(help="A new folder for the blended model.")],
    share: Annotated[float, typer.Option(min=0, max=1, help="How far towards the second, 0 to 1.")] = 0.5,
    groups: Annotated[str, typer.Option(help="all, or which weights: heads, backbone, vision, comma between.")] = "all",
) -> None:
    """Write weights between those before and after a training: often better on unlike pictures than either."""
    from train.blend import blend as blended

    typer.echo(f"written to {blended(before, after, out, share, groups)}")
