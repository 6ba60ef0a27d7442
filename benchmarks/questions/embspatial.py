"""EmbSpatial-Bench: six relations seen from an embodied camera (MP3D, AI2-THOR, ScanNet); 3,640 choices of four.

Link      https://huggingface.co/datasets/Phineas476/EmbSpatial-Bench (embspatial_bench.json)
Licence   Apache-2.0 (annotations; images under their data sets' terms)
Paper     Du et al., "EmbSpatial-Bench: Benchmarking Spatial Understanding for Embodied Tasks with Large
          Vision-Language Models", ACL 2024 (short), arXiv 2406.05756
Keys      question_id, question, answer_options, answer (0 = A), relation (close, far, above, under, left, right),
          data_source, objects ([{"bbox": [x, y, width, height], "name"}]), image (base64 of a JPEG)
Prompt    the question, "A. ..." lines, and the usual request for a letter: the paper's own code is not published
Rule      the right choice; the total is over all questions

close and far are split by the height cue: the answer's centre against the mean centre of the other options' boxes.
The whole JSON file is read at once, because it is one list.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.questions.base import Asked, Config, Question, asked, height_cue, mean, rows, size_of

CONFIG = Config("EmbSpatial-Bench", 1, "https://huggingface.co/datasets/Phineas476/EmbSpatial-Bench", "Apache-2.0", 16)
SUFFIX = "Answer with the option's letter from the given choices directly."
LETTERS = "ABCDEF"


def question(row: dict[str, Any]) -> Question:
    """A row as published -> question."""
    options = [str(option) for option in row["answer_options"]]
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
    answer = int(row["answer"])
    return Question(
        name=str(row["question_id"]),
        prompt="\n".join([str(row["question"]), *lines, SUFFIX]),
        kind=str(row["relation"]),
        rule="letter",
        true=LETTERS[: len(options)][answer],
        choices=tuple(options),
        group=str(row.get("data_source", "")),
        height=_height(row, options, answer),
    )


def read(folder: str | Path) -> Iterator[Asked]:
    """The pictures of a download with their questions."""
    found = rows(folder, "embspatial_bench.json", "*.parquet", link=CONFIG.link)
    return asked(found, question, lambda row: _picture(row, Path(folder)))


def headline(samples: list[dict[str, Any]], key: str = "score") -> dict[str, float | None]:
    return {"accuracy": mean(samples, key)}


def _image(row: dict[str, Any], root: Path | None = None) -> Any:
    """JPEG bytes, or a path below `root` where the row names a file; None for a file without a root."""
    stored = row["image"]
    image: Any = (stored.get("bytes") or stored.get("path")) if isinstance(stored, dict) else stored
    if isinstance(image, bytes):
        return image
    if str(image).casefold().endswith((".jpg", ".jpeg", ".png")):
        return None if root is None else root / image
    return base64.b64decode(image, validate=True)


def _picture(row: dict[str, Any], root: Path) -> dict[str, Any]:
    image = _image(row, root if root.is_dir() else root.parent)
    return {
        "dataset": CONFIG.name,
        "domain": "indoor",
        "scene_id": str(row["question_id"]),
        "image": image,
        "same": image,
    }


def _height(row: dict[str, Any], options: list[str], answer: int) -> str:
    """The cue of a close or far question, where every option has one box of its own."""
    image = _image(row)
    if row["relation"] not in ("close", "far") or not row.get("objects") or image is None:
        return ""
    names = [str(thing["name"]) for thing in row["objects"]]
    if any(names.count(option) != 1 for option in options):
        return ""
    boxes = [row["objects"][names.index(option)]["bbox"] for option in options]
    centres = [box[1] + box[3] / 2 for box in boxes]
    others = [centre for i, centre in enumerate(centres) if i != answer]
    rest, chosen = sum(others) / len(others), centres[answer]
    farther, nearer = (chosen, rest) if row["relation"] == "far" else (rest, chosen)
    return height_cue(farther, nearer, size_of(image)[1])
