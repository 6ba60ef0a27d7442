"""What `fathom look` and `fathom chat` do, behind their options."""

import itertools
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TaskID
from rich.table import Table

from heads.camera import Camera
from heads.errors import InputError, NotPredictedError
from vlm.answer import check_question
from vlm.files import check_folder
from vlm.images import Photo, load_image
from vlm.save import answer_json, describe

BATCH = 8


@dataclass(frozen=True)
class Request:
    """What to do with every photograph."""

    questions: list[str] = field(default_factory=list)
    camera: dict[str, float] | None = None
    out: Path | None = None
    formats: list[str] | None = None  # None: all that the model has
    as_json: bool = False


def camera_from(
    fov_x_deg: float | None,
    focal_px: float | None,
    intrinsics: str | None,
    focal_mm: float | None,
    sensor_width_mm: float | None,
) -> dict[str, float] | None:
    """What the user said of the camera, or None; contradictions are found by `Camera.given`."""
    named = {"fov_x_deg": fov_x_deg, "focal_px": focal_px, "focal_mm": focal_mm, "sensor_width_mm": sensor_width_mm}
    told = {key: value for key, value in named.items() if value is not None}
    if intrinsics is not None:
        try:
            fx, fy, cx, cy = (float(part) for part in intrinsics.split(","))
        except ValueError:
            raise InputError("intrinsics", repr(intrinsics), "four numbers fx,fy,cx,cy in pixels") from None
        told |= {"fx": fx, "fy": fy, "cx": cx, "cy": cy}
    return told or None


def look_at_files(load: Callable[[], Any], images: list[Path], request: Request, console: Console) -> list[str]:
    """Looks in batches, prints and saves; returns one line for every photograph that could not be used.

    A single photograph that cannot be used is an InputError; so is anything that is wrong for all of them.
    """
    for question in request.questions:
        check_question(question)
    folders = folders_in(request.out, images)
    for folder in folders:
        if folder is not None:
            check_folder(folder)
    bad: list[str] = []
    good = _readable(images, folders, request, bad)
    model = None
    with _progress(len(images)) as (progress, task):
        while batch := list(itertools.islice(good, BATCH)):
            model = model or load()
            scenes = model.look_many([photo for photo, _ in batch], [request.camera] * len(batch))
            for scene, (_, folder) in zip(scenes, batch, strict=True):
                answer(scene, request.questions)
                if request.as_json:
                    print(json.dumps(answer_json(scene), ensure_ascii=False), flush=True)
                else:
                    show(scene, console)
                if folder is not None:
                    scene.save(folder, request.formats)
                    if not request.as_json:
                        console.print(f"  written to {escape(str(folder))}")
                progress.advance(task)
    return bad


def _readable(
    images: list[Path], folders: list[Path | None], request: Request, bad: list[str]
) -> Iterator[tuple[Photo, Path | None]]:
    """Each photograph that can be used, decoded once, when its turn comes; the others' lines go to `bad`."""
    for image, folder in zip(images, folders, strict=True):
        try:
            photo = load_image(image)
            if request.camera is not None:
                Camera.given(*photo.size, request.camera)
        except InputError as problem:
            if len(images) == 1:
                raise
            bad.append(f"{image}: {problem}")
        else:
            yield photo, folder


def folders_in(out: Path | None, images: list[Path]) -> list[Path | None]:
    """`out` for one photograph; for several a folder each, numbered where names repeat (a/x.jpg and b/x.jpg)."""
    if out is None:
        return [None] * len(images)
    if len(images) == 1:
        return [out]
    folders: list[Path | None] = []
    for image in images:
        names = (out / f"{image.stem}{'' if n == 1 else f'_{n}'}" for n in itertools.count(1))
        folders.append(next(name for name in names if name not in folders))
    return folders


class _progress:
    """A bar on standard error, where there are several photographs and somebody watches."""

    def __init__(self, total: int):
        watched = total > 1 and sys.stderr.isatty()
        self.bar = Progress(console=Console(stderr=True), disable=not watched, transient=True)
        self.total = total

    def __enter__(self) -> tuple[Progress, TaskID]:
        self.bar.start()
        return self.bar, self.bar.add_task("looking", total=self.total)

    def __exit__(self, *_: Any) -> None:
        self.bar.stop()


def answer(scene: Any, questions: list[str]) -> None:
    """Asks the questions, or for a caption where there are none; the scene keeps the answers."""
    for question in questions:
        scene.ask(question)
    if not questions:
        scene.caption()


def show(scene: Any, console: Console) -> None:
    """Prints one scene: camera, depth, notes, the answers so far."""
    told = describe(scene.views[0])
    console.print(f"[bold]{escape(told['image'])}[/bold]  {told['size'][0]}x{told['size'][1]}")
    table = Table(show_header=False, box=None, padding=(0, 1, 0, 2))
    table.add_row("camera", camera_line(scene))
    table.add_row("depth", depth_line(told["depth_z"]))
    for note in scene.notes:
        table.add_row("note", escape(note))
    for question, reply in scene.asked:
        table.add_row("asked", f"{escape(question)} [bold]{escape(reply.text)}[/bold]")
    table.add_row("seconds", f"{scene.seconds:.2f}")
    console.print(table)


def camera_line(scene: Any) -> str:
    camera = scene.camera
    angles = f"{camera.fov_x_deg:.1f} x {camera.fov_y_deg:.1f} degrees"
    return f"{camera.focal:.0f} px, {angles}, from {camera.source}"


def depth_line(depth: dict[str, Any]) -> str:
    if "median_m" not in depth:
        return "no surface, only sky"
    text = f"{depth['p01_m']:.2f} to {depth['p99_m']:.1f} m, median {depth['median_m']:.2f} m"
    if "median_log_depth_scale" in depth:
        text += f" (typical error {100 * depth['median_log_depth_scale']:.0f} %)"
    if "sky_share" in depth:
        text += f", sky {100 * depth['sky_share']:.0f} %"
    return text


HELP = """\
Ask in your own words, or:
  /camera                  the camera and where it comes from
  /depth X Y               depth at a pixel of the photograph, with its 90 % interval
  /distance X Y X2 Y2      metres between the surfaces at two pixels, with a 90 % interval
  /save FOLDER             depth, points, pictures and answers
  /help                    this list; an empty line ends the conversation"""


def talk(scene: Any, console: Console) -> None:
    """Reads lines until an empty one or the end of input; answers stream, commands show geometry."""
    conversation = scene.chat()
    console.print(escape(HELP))
    with suppress(EOFError, KeyboardInterrupt):
        while text := console.input("[bold]> [/bold]").strip():
            if text.startswith("/"):
                console.print(escape(geometry(scene, text)))
                continue
            for piece in conversation.say(text):
                console.print(piece, end="", markup=False)
            console.print()


def geometry(scene: Any, command: str) -> str:
    """What a chat command that starts with a slash shows; a wrong one is told, not raised."""
    name, *words = command.split()
    try:
        if name == "/camera":
            return camera_line(scene)
        if name == "/save" and len(words) == 1:
            return f"{len(scene.save(words[0]))} files in {words[0]}"
        numbers = [float(word) for word in words]
        if name == "/depth" and len(numbers) == 2:
            return _depth_at(scene, numbers[0], numbers[1])
        if name == "/distance" and len(numbers) == 4:
            d = scene.distance(numbers[:2], numbers[2:])
            sure = "" if d.lower is None else f" ({d.lower:.2f} to {d.upper:.2f} m with {100 * d.probability:.0f} %)"
            return f"{d.metres:.2f} m{sure}"
    except InputError as problem:
        return str(problem)
    except ValueError:
        pass
    return HELP


def _depth_at(scene: Any, x: float, y: float) -> str:
    height, width = scene.depth_z.shape
    if not (0 <= x <= width and 0 <= y <= height):
        raise InputError("pixel", f"({x:g}, {y:g}) is not in the image", f"x within 0..{width}, y within 0..{height}")
    row, column = min(int(y), height - 1), min(int(x), width - 1)
    depth = scene.depth_z[row, column]
    if depth == float("inf"):
        return "sky"
    try:
        low, high = (edge[row, column] for edge in scene.depth_interval(0.9))
    except NotPredictedError as lacking:
        return f"{depth:.2f} m ({lacking})"
    return f"{depth:.2f} m ({low:.2f} to {high:.2f} m with 90 %)"
