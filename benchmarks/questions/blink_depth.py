"""BLINK, relative depth: two points are circled in the picture, A and B; which is closer? 124 choices (val).

Link      https://huggingface.co/datasets/BLINK-Benchmark/BLINK (Relative_Depth/val-*.parquet)
Licence   Apache-2.0 (annotations; images from the Depth in the Wild data set)
Paper     Fu et al., "BLINK: Multimodal Large Language Models Can See but Not Perceive", arXiv 2404.12390
Columns   idx, sub_task, question, prompt, choices, answer ("(A)"), explanation, image_1 ... image_4
Prompt    the `prompt` column as it is (eval/test_benchmark.py)
Rule      the right choice. The paper lets GPT-3.5 read answers that hold no single "(A)"; here
          `benchmarks.reading.letter` reads them, and what it cannot read is wrong and counted.

The test split's answers are hidden and left out. Where the points are is not published, so nothing can be split by
the height cue.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.questions.base import Asked, Config, Question, asked, embedded, mean, rows

CONFIG = Config("BLINK Relative_Depth", 1, "https://huggingface.co/datasets/BLINK-Benchmark/BLINK", "Apache-2.0", 32)


def question(row: dict[str, Any]) -> Question | None:
    """A row as published -> question; None where its answer is hidden."""
    true = str(row["answer"]).strip("() ")
    if true not in ("A", "B", "C", "D", "E"):
        return None
    return Question(
        name=str(row["idx"]),
        prompt=str(row["prompt"]),
        kind=str(row["sub_task"]),
        rule="letter",
        true=true,
        choices=tuple(str(choice) for choice in row["choices"]),
    )


def read(folder: str | Path) -> Iterator[Asked]:
    """The pictures of a download with their questions."""
    found = rows(folder, "Relative_Depth/val-*.parquet", "val-*.parquet", "*.parquet", link=CONFIG.link)
    return asked(found, question, lambda row: _picture(row, Path(folder)))


def headline(samples: list[dict[str, Any]], key: str = "score") -> dict[str, float | None]:
    return {"accuracy": mean(samples, key)}


def _picture(row: dict[str, Any], root: Path) -> dict[str, Any]:
    return {
        "dataset": CONFIG.name,
        "domain": "",
        "scene_id": str(row["idx"]),
        "image": embedded(row["image_1"], root),
        "same": None,
    }
