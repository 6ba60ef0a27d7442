"""What is shown for a question: a picture, regions drawn into it, or frames of a video."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.questions.base import Asked, Box
from heads.errors import InputError
from vlm.images import Photo, load_image

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm")
PICTURES = (".jpg", ".jpeg", ".png")
COLOURS = ("#ff3030", "#3070ff", "#20c040", "#ffb000", "#c040ff", "#00c0c0", "#ff70b0", "#808000")


def pictures(asked: Asked, frames: int) -> list[Photo]:
    """The picture with its regions drawn, or `frames` frames of the video at equal steps (one: the middle)."""
    image = asked.image
    if isinstance(image, str | Path) and (Path(image).suffix.casefold() in VIDEOS or Path(image).is_dir()):
        return sampled(Path(image), frames)
    photo = load_image(image)
    return [drawn(photo, asked.boxes) if asked.boxes else photo]


def steps(total: int, count: int) -> list[int]:
    """`count` of `total` frames, first and last among them; of one the middle, of too few all."""
    if count == 1:
        return [total // 2]
    return sorted({round(i * (total - 1) / (count - 1)) for i in range(count)})


def sampled(path: Path, count: int) -> list[Photo]:
    """Frames of a video file, or of a folder of pictures in the order of their names."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.casefold() in PICTURES)
        if not files:
            raise InputError("data", f"{path} holds no frames", f"{', '.join(PICTURES)} files")
        return [load_image(files[i]) for i in steps(len(files), count)]
    if not path.is_file():
        raise InputError("data", f"no video {path}", "the video, or a folder of its frames of the same name")
    try:
        import av  # type: ignore[import-not-found]
    except ImportError as problem:
        instead = f"`pip install av`, or a folder {path.with_suffix('')} of its frames"
        raise InputError("data", f"{path.name} cannot be read without PyAV", instead) from problem
    return _decoded(av, path, count)


def _decoded(av: Any, path: Path, count: int) -> list[Photo]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        total = stream.frames or sum(1 for _ in container.decode(stream))
    wanted, photos = set(steps(total, count)), []
    with av.open(str(path)) as container:
        for i, frame in enumerate(container.decode(container.streams.video[0])):
            if i in wanted:
                photos.append(Photo(frame.to_ndarray(format="rgb24"), None, "a video's frame", f"{path}:{i}"))
    if not photos:
        raise InputError("data", f"{path} has no frames", "a whole video")
    return photos


def drawn(photo: Photo, boxes: tuple[Box, ...]) -> Photo:
    """Each box as an outline, with "Region [i]" at its upper left corner, inside the picture."""
    picture = Image.fromarray(photo.rgb)
    draw, side = ImageDraw.Draw(picture), max(photo.size)
    font: Any = ImageFont.load_default(max(10, side // 40))
    for number, box in enumerate(boxes):
        colour = COLOURS[number % len(COLOURS)]
        x0, y0, x1, y1 = box
        draw.rectangle((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), outline=colour, width=max(2, side // 250))
        name = f"Region [{number}]"
        left, _, right, bottom = draw.textbbox((0, 0), name, font=font)
        x = min(max(min(x0, x1), 0), max(photo.size[0] - (right - left), 0))
        y = min(max(min(y0, y1) - bottom, 0), max(photo.size[1] - bottom, 0))
        draw.rectangle((x, y, x + right, y + bottom), fill=colour)
        draw.text((x, y), name, fill="black", font=font)
    return Photo(np.asarray(picture).copy(), photo.exif_camera, photo.exif_note, photo.name)
