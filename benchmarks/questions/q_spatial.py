r"""Q-Spatial Bench: a distance in metres, centimetres, feet or inches, measured by hand or in ScanNet; 271 questions.

Link      https://huggingface.co/datasets/andrewliao11/Q-Spatial-Bench (QSpatial_plus, QSpatial_scannet)
Licence   as stated there; the ScanNet photographs are under ScanNet's terms and rendered by
          github.com/andrewliao11/Q-Spatial-Bench-code into the places that `image_path` names
Paper     Liao et al., "Reasoning Paths with Reference Objects Elicit Quantitative Spatial Reasoning in Large
          Vision-Language Models", EMNLP 2024, arXiv 2409.09788
Columns   question, answer_value, answer_unit, question_type, image_path, image
Prompt    prompt_templates/system_prompt.txt and zero_shot_prompt.txt, one after the other (there is no system turn)
Rule      success where max(answer / true, true / answer) is at most 2. The answer is the mean of the numbers in the
          last \scalar{} times the last \distance_unit{} (examples/evaluate_success_rate.ipynb, which takes "less
          than 2"); where there are no such boxes, the last length that is named.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.questions.base import Asked, Config, Question, asked, embedded, mean, rows
from benchmarks.reading import METRES

CONFIG = Config("Q-Spatial", 1, "https://huggingface.co/datasets/andrewliao11/Q-Spatial-Bench", "see link", 256)
SYSTEM = (
    "You will be provided with a question and a 2D image. The question involves measuring the precise distance in 3D"
    " space through a 2D image. You will answer the question by providing a numeric answer consisting of a scalar and"
    ' a distance unit in the format of """\\scalar{scalar} \\distance_unit{distance unit}""" at the end of your'
    " response."
)
QUESTION = "Question: {question}\nLet's think step by step."


def question(row: dict[str, Any]) -> Question:
    """A row as published -> question; its true answer in metres."""
    unit = str(row["answer_unit"]).strip().casefold()
    if unit not in METRES:
        raise ValueError(f"answer_unit is {unit!r}")
    return Question(
        name=f"{row['image_path']} {row['question']}",
        prompt=f"{SYSTEM}\n{QUESTION.format(question=row['question'])}",
        kind=str(row["question_type"]),
        rule="metres within a factor of 2",
        true=f"{float(row['answer_value']) * METRES[unit]:.9g} m",
    )


def read(folder: str | Path) -> Iterator[Asked]:
    """The pictures of a download with their questions."""
    found = rows(folder, "QSpatial_*.parquet", "*.parquet", link=CONFIG.link)
    return asked(found, question, lambda row: _picture(row, Path(folder)))


def headline(samples: list[dict[str, Any]], key: str = "score") -> dict[str, float | None]:
    """The share of successes; of the two parts, and of all."""
    parts = {name: [s for s in samples if s["dataset"] == f"Q-Spatial {name}"] for name in ("plus", "ScanNet")}
    return {f"success, {name}": mean(part, key) for name, part in parts.items()} | {"success": mean(samples, key)}


def _picture(row: dict[str, Any], root: Path) -> dict[str, Any]:
    image = row.get("image") or row["image_path"]
    scannet = "scannet" in str(row["image_path"]).casefold() or not row.get("image")
    return {
        "dataset": "Q-Spatial ScanNet" if scannet else "Q-Spatial plus",
        "domain": "indoor",
        "scene_id": str(row["image_path"]),
        "image": embedded(image, root if root.is_dir() else root.parent),
        "same": str(row["image_path"]),
    }
