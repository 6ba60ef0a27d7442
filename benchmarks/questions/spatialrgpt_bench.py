"""SpatialRGPT-Bench: relations and measures of marked regions, indoors, outdoors and simulated; 1,406 questions.

Link      https://huggingface.co/datasets/a8cheng/SpatialRGPT-Bench (val-*.parquet, or its .json with the pictures)
Licence   as stated there; images from Omni3D's data sets
Paper     Cheng et al., "SpatialRGPT: Grounded Spatial Reasoning in Vision-Language Models", NeurIPS 2024,
          arXiv 2406.01584, section 4.1 and appendix J
Columns   id, image_info {"file_path", "height", "width"}, text_q, qa_info {"type", "category"}, conversations, bbox
          ([[x0, y0, x1, y1], ...]), rle, image; structures may be stored as text
Prompt    `text_q`, which speaks of Region [0], Region [1], ... Its regions are drawn into the picture as boxes with
          these names, because the model has no region input of its own
Rule      quantitative: a success within 25 % of the true length (directions: within one hour on the clock), and the
          absolute relative error over the answers that hold a number (section 4.1).
          qualitative: the paper lets GPT-4 compare the answers' meaning. Here the rules are: for *_predicate
          questions the same yes or no, for *_choice questions the same region. A right answer that says neither
          counts as wrong, so these numbers are a lower bound of the paper's.

behind_predicate questions are split by the height cue: the centres of the two boxes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.questions.base import Asked, Config, Question, asked, embedded, height_cue, mean, parsed, rows
from benchmarks.reading import yes_or_no

CONFIG = Config("SpatialRGPT-Bench", 1, "https://huggingface.co/datasets/a8cheng/SpatialRGPT-Bench", "see link", 128)


def question(row: dict[str, Any]) -> Question:
    """A row as published -> question."""
    info, turns = parsed(row["qa_info"]), parsed(row["conversations"])
    category, true = str(info["category"]), str(turns[1]["value"])
    if info["type"] == "quantitative":
        rule = "hour" if category == "direction" else "metres within 25 %"
    else:
        rule = "region" if category.endswith("_choice") else "yes or no"
    return Question(
        name=str(row["id"]),
        prompt=str(row["text_q"]),
        kind=category,
        rule=rule,
        true=true,
        group=str(info["type"]),
        height=_height(row, true) if category == "behind_predicate" else "",
    )


def read(folder: str | Path) -> Iterator[Asked]:
    """The pictures of a download with their questions, their regions to be drawn."""
    found = rows(folder, "val*.parquet", "*.parquet", "*.jsonl", "*.json", link=CONFIG.link)
    return asked(found, question, lambda row: _picture(row, Path(folder)))


def headline(samples: list[dict[str, Any]], key: str = "score") -> dict[str, float | None]:
    """Success of both halves, and the relative error of lengths (of answers, not of the floor)."""
    halves = {half: [s for s in samples if s["group"] == half] for half in ("qualitative", "quantitative")}
    found = {half: mean(part, key) for half, part in halves.items()}
    if key == "score":
        lengths = [s for s in halves["quantitative"] if s["rule"] != "hour" and s["error"] is not None]
        found["absolute relative error"] = mean(lengths, "error")
    return found


def _picture(row: dict[str, Any], root: Path) -> dict[str, Any]:
    info = parsed(row["image_info"])
    place = root if root.is_dir() else root.parent
    return {
        "dataset": CONFIG.name,
        "domain": str(info.get("dataset", "")),
        "scene_id": str(info["file_path"]),
        "image": embedded(row["image"], place) if row.get("image") else place / str(info["file_path"]),
        "boxes": tuple(tuple(float(value) for value in box) for box in parsed(row["bbox"])),
        "same": None,  # the regions differ
    }


def _height(row: dict[str, Any], true: str) -> str:
    boxes, behind = parsed(row["bbox"]), yes_or_no(true)
    if len(boxes) != 2 or behind is None:
        return ""
    first, second = ((box[1] + box[3]) / 2 for box in boxes)
    farther, nearer = (first, second) if behind == "yes" else (second, first)
    return height_cue(farther, nearer, float(parsed(row["image_info"])["height"]))
