"""What a question is, and how a published benchmark's files become questions.

One file a benchmark: its card (what, link, licence, rule with its source), `question(row) -> Question`, which reads
nothing but the row; `read(folder) -> Asked`, one after the other; CONFIG; `headline(samples, key)`, its own totals.
"""

import ast
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heads.errors import InputError

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels."""

AMBIGUOUS = 0.05  # of the image's height


@dataclass(frozen=True)
class Config:
    """version: of prompt and rule; a number is comparable with another of the same version only."""

    name: str
    version: int
    link: str
    licence: str
    max_new_tokens: int


@dataclass(frozen=True)
class Question:
    """name: its own within the benchmark. prompt: word for word what the model is asked.

    kind: the type by which results are told apart. rule: how it is judged (`benchmarks.answers.RULES`).
    true: the true answer in the form that the rule reads. choices: what is offered.
    group: a further division that a benchmark's total needs.
    height: whether "higher in the image" agrees with "farther" here (see `height_cue`), "" where not known.
    offered: which of two things that the question names is the answer ("first", "left", ...), where it says so.
    tag: by what the scores of a type are told apart further ("misleading", "not misleading"), "" = not at all.
    """

    name: str
    prompt: str
    kind: str
    rule: str
    true: str
    choices: tuple[str, ...] = ()
    group: str = ""
    height: str = ""
    offered: str | None = None
    tag: str = ""


@dataclass(frozen=True)
class Asked:
    """One picture with its questions. The first six are those of a `vlm.records.Record`.

    image: whatever `vlm.images.load_image` takes; a video (.mp4, or a folder of frames) is sampled.
    boxes: drawn into the picture and called Region [0], Region [1], ...
    """

    dataset: str
    domain: str
    scene_id: str
    image: Any
    where: str
    questions: list[Question] = field(default_factory=list)
    boxes: tuple[Box, ...] = ()

    def complete(self) -> "Asked":
        """As `benchmarks.questions.worlds.Picked` has it: here nothing is left to be read."""
        return self


def height_cue(farther: float, nearer: float, image_height: float) -> str:
    """Whether the farther of two things is the higher one: "agrees", "contradicts", "ambiguous".

    farther, nearer: rows of their centres, pixels from the top; ambiguous where they are less than 5 % of the
    image's height apart. In photographs far usually looks up: a model that only knows that is right where it agrees
    and wrong where it contradicts (Min et al., "Why Far Looks Up", arXiv 2605.30161, 2026, section 3).
    """
    if abs(farther - nearer) < AMBIGUOUS * image_height:
        return "ambiguous"
    return "agrees" if farther < nearer else "contradicts"


def rows(folder: str | Path, *patterns: str, link: str) -> Iterator[tuple[dict[str, Any], str]]:
    """(row, "file:number") of every file of the first pattern that a file in `folder` or below it matches.

    .parquet row by row in small batches, .jsonl line by line, .json a list (or rows under numbered keys) at once.
    `folder` may be such a file itself.
    """
    path = Path(folder)
    found = [path] if path.is_file() else []
    for pattern in patterns if not found else ():
        found = sorted(path.rglob(pattern)) if path.is_dir() else []
        if found:
            break
    if not found:
        raise InputError("data", f"no {' or '.join(patterns)} in {path}", f"the download of {link}")
    for file in found:
        for number, row in enumerate(_of_file(file)):
            yield row, f"{file.name}:{number}"


def _of_file(path: Path) -> Iterator[dict[str, Any]]:
    if path.suffix == ".parquet":
        from pyarrow import parquet

        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(16):
                yield from batch.to_pylist()
        return
    try:
        if path.suffix == ".jsonl":
            with path.open(encoding="utf-8") as lines:
                yield from (json.loads(line) for line in lines if line.strip())
        else:
            content = json.loads(path.read_text(encoding="utf-8"))
            yield from content.values() if isinstance(content, dict) else content
    except ValueError as problem:
        raise InputError("data", f"{path}: {problem}", "a whole JSON file") from problem


def asked(
    found: Iterable[tuple[dict[str, Any], str]],
    question: Callable[[dict[str, Any]], Question | None],
    picture: Callable[[dict[str, Any]], dict[str, Any]],
) -> Iterator[Asked]:
    """Rows -> pictures. Rows about one picture that follow each other share it, and so one look.

    question: None for a row that is left out (its truth is not published). picture: the other fields of `Asked`,
    `image` among them, and "same": what is equal for rows about the same picture.
    """
    before: Asked | None = None
    same: Any = None
    for row, where in found:
        try:
            this = question(row)
            if this is None:
                continue
            facts = picture(row)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as problem:
            told = f"misses {problem}" if isinstance(problem, KeyError) else str(problem)
            raise InputError("data", f"{where}: {told}", "rows as published, see benchmarks/questions") from problem
        key = facts.pop("same")
        if before is not None and key is not None and key == same:
            before.questions.append(this)
            continue
        if before is not None:
            yield before
        before, same = Asked(where=where, questions=[this], **facts), key
    if before is not None:
        yield before


def embedded(value: Any, root: Path) -> Any:
    """An image column: {"bytes", "path"}, bytes, or a path below `root`."""
    if isinstance(value, dict):
        value = value.get("bytes") or value.get("path")
    if not value:
        raise ValueError("it has no image")
    return value if isinstance(value, bytes) else root / value


def size_of(image: Any) -> tuple[int, int]:
    """(width, height) of image bytes, from the header alone."""
    import io

    from PIL import Image

    with Image.open(io.BytesIO(image) if isinstance(image, bytes) else image) as picture:
        return picture.size


def parsed(value: Any) -> Any:
    """A column that holds a structure, or its text in JSON or Python form (published tables have both)."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return ast.literal_eval(value)


def mean(samples: Iterable[dict[str, Any]], key: str) -> float | None:
    """Of `key` over the samples; None where there are none."""
    values = [sample[key] for sample in samples]
    return sum(values) / len(values) if values else None


def mean_of(values: Iterable[float | None]) -> float | None:
    """The mean; None where one of them is not known."""
    found = list(values)
    known = [value for value in found if value is not None]
    return sum(known) / len(known) if known and len(known) == len(found) else None
