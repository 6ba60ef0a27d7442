"""CV-Bench: 2D relation and count (ADE20K, COCO), 3D depth order and distance (Omni3D); 2,638 choices.

Link      https://huggingface.co/datasets/nyu-visionx/CV-Bench (test_2d.parquet, test_3d.parquet, or test.parquet)
Licence   Apache-2.0 (annotations; images under their own data sets' terms)
Paper     Tong et al., "Cambrian-1: A Fully Open, Vision-Centric Exploration of Multimodal LLMs", arXiv 2406.16860
Columns   idx, type (2D, 3D), task (Count, Relation, Depth, Distance), image, question, choices, answer ("(A)"),
          prompt, filename, source, source_dataset, source_filename, target_class, target_size, bbox
Prompt    the `prompt` column and the line that Cambrian's evaluation adds to it (eval/eval/ade/ade_eval.py)
Rule      the right choice; 2D = (ADE20K + COCO) / 2, 3D = Omni3D, all = (2D + 3D) / 2 (the data set card's code)

Depth questions name two things with a box each, so they are split by the height cue. The card does not say whether
`bbox` is x0, y0, x1, y1 or x, y, width, height: the reading that fits the image is taken, and where both fit, but
order the two things differently, the question is left out of the split.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.questions.base import Asked, Config, Question, asked, embedded, height_cue, mean, mean_of, rows, size_of

CONFIG = Config("CV-Bench", 1, "https://huggingface.co/datasets/nyu-visionx/CV-Bench", "Apache-2.0", 16)
SUFFIX = "Answer with the option's letter from the given choices directly."


def question(row: dict[str, Any]) -> Question:
    """A row as published -> question."""
    choices = tuple(str(choice) for choice in row["choices"])
    true = str(row["answer"]).strip("() ")
    return Question(
        name=str(row["idx"]),
        prompt=f"{row['prompt']}\n{SUFFIX}",
        kind=str(row["task"]),
        rule="letter",
        true=true,
        choices=choices,
        group=str(row["source"]),
        height=_height(row, choices, true) if row["task"] == "Depth" else "",
    )


def read(folder: str | Path) -> Iterator[Asked]:
    """The pictures of a download with their questions."""
    found = rows(folder, "test_*d.parquet", "test*.parquet", "*.parquet", link=CONFIG.link)
    return asked(found, question, lambda row: _picture(row, Path(folder)))


def headline(samples: list[dict[str, Any]], key: str = "score") -> dict[str, float | None]:
    """The card's accuracies; None where a part was not asked."""
    ade, coco, omni = (mean([s for s in samples if s["group"] == name], key) for name in ("ADE20K", "COCO", "Omni3D"))
    two = mean_of([ade, coco])
    return {"2D": two, "3D": omni, "all": mean_of([two, omni])}


def _picture(row: dict[str, Any], root: Path) -> dict[str, Any]:
    return {
        "dataset": CONFIG.name,
        "domain": str(row.get("type", "")),
        "scene_id": str(row.get("filename") or row["idx"]),
        "image": embedded(row["image"], root),
        "same": None,  # boxes are drawn into the pictures: each row has its own
    }


def _height(row: dict[str, Any], choices: tuple[str, ...], true: str) -> str:
    """The cue of a Depth question: its answer is the nearer of two things, boxes in the order of the choices."""
    boxes, image = row.get("bbox"), row.get("image")
    image = image.get("bytes") if isinstance(image, dict) else image
    if boxes is None or len(boxes) != 2 or len(choices) != 2 or not isinstance(image, bytes):
        return ""
    names = list(row.get("target_class") or [])
    order = (1, 0) if names[:2] == [choices[1], choices[0]] and choices[0] != choices[1] else (0, 1)
    nearer = order["AB".index(true)]
    width, height = size_of(image)
    corners = all(x1 > x0 and y1 > y0 for x0, y0, x1, y1 in boxes)
    extents = all(x + w <= width * 1.01 and y + h <= height * 1.01 for x, y, w, h in boxes)
    cues = set()
    if corners:
        rows_of_centres = [(box[1] + box[3]) / 2 for box in boxes]
        cues.add(height_cue(rows_of_centres[1 - nearer], rows_of_centres[nearer], height))
    if extents:
        rows_of_centres = [box[1] + box[3] / 2 for box in boxes]
        cues.add(height_cue(rows_of_centres[1 - nearer], rows_of_centres[nearer], height))
    return cues.pop() if len(cues) == 1 else ""
