"""The `fathom` command. `train`, `worlds` and `bench` add theirs through the entry-point group `fathom.commands`."""

import itertools
import sys
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from heads.errors import InputError

app = typer.Typer(
    name="fathom",
    help="Text, metric depth with its uncertainty, and the camera from one look at a photograph.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
console = Console(highlight=False)

Model = Annotated[str, typer.Option(help='"nano", a folder written by save_pretrained, or published DepthVLM weights.')]


def load(model: str) -> Any:
    """The model of that name; torch is imported only now, so that --help is quick."""
    from transformers.utils import logging

    from vlm.model import Fathom

    logging.disable_progress_bar()
    return Fathom.from_pretrained(model)


def camera_options(
    focal_px: float | None, fov_x_deg: float | None, focal_mm: float | None, sensor_width_mm: float | None
) -> dict[str, float] | None:
    """What the user said of the camera, or None; contradictions are found by `Camera.given`."""
    named = {
        "focal_px": focal_px,
        "fov_x_deg": fov_x_deg,
        "focal_mm": focal_mm,
        "sensor_width_mm": sensor_width_mm,
    }
    return {key: value for key, value in named.items() if value is not None} or None


def folders_in(out: Path, images: list[Path]) -> list[Path]:
    """`out` for one photograph; for several a folder each, numbered where names repeat (a/x.jpg and b/x.jpg)."""
    if len(images) == 1:
        return [out]
    folders: list[Path] = []
    for image in images:
        names = (out / f"{image.stem}{'' if n == 1 else f'_{n}'}" for n in itertools.count(1))
        folders.append(next(name for name in names if name not in folders))
    return folders


@app.command()
def look(
    images: Annotated[list[Path], typer.Argument(help="Photographs, each looked at on its own.")],
    ask: Annotated[list[str] | None, typer.Option(help="A question; repeat for more. Default: a caption.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures and arrays.")] = None,
    formats: Annotated[str | None, typer.Option(help="Comma-separated files to write; default all.")] = None,
    model: Model = "nano",
    focal_px: Annotated[float | None, typer.Option(help="Focal length in pixels of the photograph.")] = None,
    fov_x_deg: Annotated[float | None, typer.Option(help="Horizontal field of view in degrees.")] = None,
    focal_mm: Annotated[float | None, typer.Option(help="Focal length in mm; needs --sensor-width-mm.")] = None,
    sensor_width_mm: Annotated[float | None, typer.Option(help="Width of the sensor in mm.")] = None,
) -> None:
    """Look at photographs: answers, metric depth, uncertainty and camera, each from one forward pass."""
    from heads.camera import Camera
    from vlm.answer import check_question
    from vlm.files import check_folder
    from vlm.images import load_image
    from vlm.save import check_formats

    camera = camera_options(focal_px, fov_x_deg, focal_mm, sensor_width_mm)
    for question in ask or []:
        check_question(question)
    wanted = check_formats(None if formats is None else [f.strip() for f in formats.split(",")])
    for image in images:
        photo = load_image(image)
        if camera is not None:
            Camera.given(*photo.size, camera)
    folders = [None if out is None else check_folder(folder) for folder in folders_in(out or Path(), images)]
    fathom = load(model)
    for image, folder in zip(images, folders, strict=True):
        scene = fathom.look(image, camera)
        show(scene, ask or [])
        if folder is not None:
            scene.save(folder, None if formats is None else wanted)
            console.print(f"  written to {escape(str(folder))}")


def show(scene: Any, questions: list[str]) -> None:
    """Prints one scene: camera, depth, answers."""
    from vlm.save import describe

    told = describe(scene.views[0])
    camera, depth = scene.camera, told["depth_z"]
    console.print(f"[bold]{escape(told['image'])}[/bold]  {told['size'][0]}x{told['size'][1]}")
    table = Table(show_header=False, box=None, padding=(0, 1, 0, 2))
    table.add_row(
        "camera",
        f"{camera.focal:.0f} px, {camera.fov_x_deg:.1f} x {camera.fov_y_deg:.1f} degrees, from {camera.source}",
    )
    if "median_m" in depth:
        text = f"{depth['p01_m']:.2f} to {depth['p99_m']:.1f} m, median {depth['median_m']:.2f} m"
        if "median_log_depth_scale" in depth:
            text += f" (typical error {100 * depth['median_log_depth_scale']:.0f} %)"
        if "sky_share" in depth:
            text += f", sky {100 * depth['sky_share']:.0f} %"
        table.add_row("depth", text)
    for note in scene.notes:
        table.add_row("note", escape(note))
    for question in questions or [None]:
        answer = scene.caption() if question is None else scene.ask(question)
        table.add_row("question", f"{escape(scene.asked[-1][0])} [bold]{escape(answer.text)}[/bold]")
    table.add_row("seconds", f"{scene.seconds:.2f}")
    console.print(table)


@app.command()
def chat(
    image: Annotated[Path, typer.Argument(help="A photograph.")],
    model: Model = "nano",
    focal_px: Annotated[float | None, typer.Option(help="Focal length in pixels of the photograph.")] = None,
) -> None:
    """Talk about one photograph; it is encoded once. An empty line or the end of input ends it."""
    from vlm.images import load_image

    load_image(image)
    scene = load(model).look(image, camera_options(focal_px, None, None, None))
    conversation = scene.chat()
    with suppress(EOFError):
        while text := console.input("[bold]> [/bold]").strip():
            for piece in conversation.say(text):
                console.print(piece, end="", markup=False)
            console.print()


@app.command()
def calibrate(
    records: Annotated[Path, typer.Argument(help="JSONL of records with depth, not used in training.")],
    out: Annotated[Path, typer.Option(help="Folder for the model with its new factors.")],
    model: Model = "nano",
    limit: Annotated[int | None, typer.Option(help="Use only the first records.")] = None,
) -> None:
    """Refit the uncertainty's factors (one per source of the focal) and its shared part on held-out records."""
    from vlm.calibrate import calibrate as fit
    from vlm.files import check_folder
    from vlm.records import read_records

    rows = list(read_records(records, limit=limit))
    check_folder(out)
    fathom = load(model)
    fathom.config.uncertainty = fit(fathom, rows, records.name)
    fathom.save_pretrained(out)
    console.print(fathom.config.uncertainty)


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


from vlm.demo import demo  # noqa: E402

app.command()(demo)
for entry in entry_points(group="fathom.commands"):
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
