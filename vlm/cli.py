"""The `fathom` command. `train`, `worlds` and `bench` add theirs through the entry-point group `fathom.commands`."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from heads.errors import InputError
from vlm.installed import commands

app = typer.Typer(
    name="fathom",
    help="Text, metric depth with its uncertainty, and the camera from one look at a photograph.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
console = Console(highlight=False)

Model = Annotated[
    str, typer.Option(help='"nano", a folder with a Fathom, an adapter or a VLM, or published DepthVLM weights.')
]


Dtype = Annotated[str, typer.Option(help="Of the backbone: auto (as stored), float32, bfloat16 or float16.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, mps, or auto (spread). Default: the GPU if any.")]
Attention = Annotated[str, typer.Option(help="auto, flash, sdpa or eager.")]
In4bit = Annotated[bool, typer.Option("--load-in-4bit", help="Quantise the backbone (NF4); heads stay whole.")]


def load(
    model: str, dtype: str = "float32", device: str | None = None, attention: str = "auto", load_in_4bit: bool = False
) -> Any:
    """The model of that name; torch is imported only now, so that --help is quick."""
    import torch
    from transformers.utils import logging

    from vlm.model import Fathom

    logging.disable_progress_bar()
    if device is None and torch.accelerator.is_available():
        device = str(torch.accelerator.current_accelerator())
    told = {"dtype": dtype, "device_map": device, "attn_implementation": attention, "load_in_4bit": load_in_4bit}
    return Fathom.from_pretrained(model, **told)


@app.command()
def look(
    images: Annotated[list[Path], typer.Argument(help="Photographs, each a scene of its own.")],
    ask: Annotated[list[str] | None, typer.Option(help="A question; repeat for more. Default: a caption.")] = None,
    model: Model = "nano",
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures and arrays.")] = None,
    formats: Annotated[str | None, typer.Option(help="Comma-separated files to write; default all.")] = None,
    fov_x_deg: Annotated[float | None, typer.Option(help="Horizontal field of view in degrees.")] = None,
    focal_px: Annotated[float | None, typer.Option(help="Focal length in pixels of the photograph.")] = None,
    intrinsics: Annotated[str | None, typer.Option(help="fx,fy,cx,cy in pixels of the photograph.")] = None,
    focal_mm: Annotated[float | None, typer.Option(help="Focal length in mm; needs --sensor-width-mm.")] = None,
    sensor_width_mm: Annotated[float | None, typer.Option(help="Width of the sensor in mm.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a photograph, nothing else.")] = False,
    dtype: Dtype = "float32",
    device: Device = None,
    attention: Attention = "auto",
    load_in_4bit: In4bit = False,
) -> None:
    """Look at photographs: answers, metric depth, uncertainty and camera, each from one forward pass."""
    from vlm.commands import Request, camera_from, look_at_files
    from vlm.save import check_formats

    request = Request(
        questions=ask or [],
        camera=camera_from(fov_x_deg, focal_px, intrinsics, focal_mm, sensor_width_mm),
        out=out,
        formats=None if formats is None else check_formats([f.strip() for f in formats.split(",")]),
        as_json=json,
    )
    bad = look_at_files(lambda: load(model, dtype, device, attention, load_in_4bit), images, request, console)
    if bad:
        lines = "\n".join(f"  {problem}" for problem in bad)
        print(f"fathom: {len(bad)} of {len(images)} photographs failed:\n{lines}", file=sys.stderr)
        raise typer.Exit(2)


@app.command()
def chat(
    image: Annotated[Path, typer.Argument(help="A photograph.")],
    model: Model = "nano",
    fov_x_deg: Annotated[float | None, typer.Option(help="Horizontal field of view in degrees.")] = None,
    focal_px: Annotated[float | None, typer.Option(help="Focal length in pixels of the photograph.")] = None,
    dtype: Dtype = "float32",
    device: Device = None,
    attention: Attention = "auto",
    load_in_4bit: In4bit = False,
) -> None:
    """Talk about one photograph; it is encoded once. /help lists what shows geometry; an empty line ends it."""
    from vlm.commands import camera_from, talk
    from vlm.images import load_image

    photo = load_image(image)
    camera = camera_from(fov_x_deg, focal_px, None, None, None)
    talk(load(model, dtype, device, attention, load_in_4bit).look(photo, camera), console)


@app.command()
def doctor() -> None:
    """What is installed, which devices and attention kernels there are, what is missing and how to get it."""
    from vlm.doctor import examine

    examine(console)


@app.command()
def calibrate(
    records: Annotated[Path, typer.Argument(help="JSONL of records with depth, not used in training.")],
    out: Annotated[Path, typer.Option(help="Folder for the model with its new factors.")],
    model: Model = "nano",
    limit: Annotated[int | None, typer.Option(help="Use only the first records.")] = None,
) -> None:
    """Refit the uncertainty's factors (one per source of the focal) and its shared part on held-out records."""
    from vlm.calibrate import calibrate as fit
    from vlm.calibrate import rewrite_uncertainty
    from vlm.checkpoints import resolve
    from vlm.files import check_folder
    from vlm.records import read_records

    rows = list(read_records(records, limit=limit))
    check_folder(out)
    fathom = load(model)
    told = fit(fathom, rows, records.name)
    rewrite_uncertainty(resolve(model), out, told)
    console.print(told)


@app.command()
def convert(
    folder: Annotated[Path, typer.Argument(help="Published DepthVLM weights, or any folder that Fathom loads.")],
    out: Annotated[Path, typer.Option(help="A new folder for the Fathom checkpoint.")],
) -> None:
    """Write published weights as a Fathom checkpoint, which loads without being converted again."""
    from transformers.utils import logging

    from vlm.published import convert as rewrite

    logging.disable_progress_bar()
    console.print(f"written to {escape(str(rewrite(folder, out)))}")


@app.command()
def merge(
    adapter: Annotated[Path, typer.Argument(help="A folder that `fathom train` wrote with an adapter.")],
    out: Annotated[Path, typer.Option(help="A new folder for the whole checkpoint.")],
    base: Annotated[Path | None, typer.Option(help="The base, if it is not where the adapter says.")] = None,
) -> None:
    """Write an adapter and the model that it goes on as one whole checkpoint, which gives the same outputs."""
    from transformers.utils import logging

    from vlm.adapter import merge_folder

    logging.disable_progress_bar()
    console.print(f"written to {escape(str(merge_folder(adapter, out, base)))}")


from vlm.demo import demo  # noqa: E402

app.command()(demo)
for entry in commands():
    part = entry.load()
    if isinstance(part, typer.Typer):
        app.add_typer(part, name=entry.name)
    else:
        app.command(entry.name)(part)


def main() -> None:
    """Runs the command; bad input is one line on standard error and exit code 2."""
    try:
        app(standalone_mode=True)
    except InputError as problem:
        print(f"fathom: {problem}", file=sys.stderr)
        sys.exit(2)
