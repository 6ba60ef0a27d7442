"""SpatialBench (SpatialBot): existence, counting, positions, sizes and reaching in RGB-D pictures.

Link      https://huggingface.co/datasets/RussRobin/SpatialBench (existence.json, counting.json, positional.json,
          reach.json, size.json, and a folder of pictures for each)
Licence   as stated there, behind terms to accept
Paper     Cai et al., "SpatialBot: Precise Spatial Understanding with Vision Language Models", arXiv 2406.13642
Keys      image (a path, or a list of one), question, answer, maybe id
Prompt    the question as it is; RGB alone (the published script can add a depth picture)
Rule      bunny/eval/eval_spatialbench.py of github.com/BAAI-DCAI/SpatialBot. An answer is right where it contains the
          true answer's text, letter by letter; then
            positional      share right
            existence       questions come in pairs, one to affirm and one to deny: share of pairs with both right
            reach, size     of each pair a point for either and one for both, of 3
            counting        1 - mean of |answer - true| / true; one that is no number counts as an error of 1
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.questions.base import Asked, Config, Question, asked, mean, mean_of, rows
from heads.errors import InputError

CONFIG = Config("SpatialBench", 1, "https://huggingface.co/datasets/RussRobin/SpatialBench", "see link", 128)
KINDS = ("existence", "counting", "positional", "reach", "size")
PAIRED = ("existence", "reach", "size")
SAID = ("Yes", "No", "A", "B", "C", "D", "yes", "no")


def question(row: dict[str, Any]) -> Question:
    """A row as published, with its file's name as "kind" and its place in it as "number" -> question."""
    kind = str(row["kind"])
    if kind not in KINDS:
        raise ValueError(f"its file is called {kind!r}")
    return Question(
        name=f"{kind}/{row['number']}",
        prompt=str(row["question"]),
        kind=kind,
        rule="count" if kind == "counting" else "contained",
        true=str(row["answer"]),
        choices=() if kind == "counting" else SAID,
        group=str(int(row["number"]) // 2) if kind in PAIRED else "",
    )


def read(folder: str | Path) -> Iterator[Asked]:
    """The pictures of a download with their questions, file by file."""
    path = Path(folder)
    files = [kind for kind in KINDS if (path / f"{kind}.json").is_file()]
    if not files:
        raise InputError("data", f"no {', '.join(f'{kind}.json' for kind in KINDS)} in {path}", CONFIG.link)
    for kind in files:
        found = rows(path / f"{kind}.json", link=CONFIG.link)
        numbered = (({**row, "kind": kind, "number": i}, where) for i, (row, where) in enumerate(found))
        yield from asked(numbered, question, lambda row: _picture(row, path))


def headline(samples: list[dict[str, Any]], key: str = "score") -> dict[str, float | None]:
    """The five scores, and their mean over those that were asked."""
    scores = {kind: _score(kind, [s for s in samples if s["type"] == kind], key) for kind in KINDS}
    return scores | {"mean": mean_of(value for value in scores.values() if value is not None)}


def _score(kind: str, samples: list[dict[str, Any]], key: str) -> float | None:
    if kind not in PAIRED or not samples:
        return mean(samples, key)
    pairs: dict[str, list[float]] = {}
    for sample in samples:
        pairs.setdefault(sample["group"], []).append(sample[key])
    both = [float(len(pair) == 2 and min(pair) == 1) for pair in pairs.values()]
    if kind == "existence":
        return sum(both) / len(both)
    either = [sum(pair) for pair in pairs.values()]
    return sum(one + two for one, two in zip(either, both, strict=True)) / (3 * len(pairs))


def _picture(row: dict[str, Any], root: Path) -> dict[str, Any]:
    images = row["image"] if isinstance(row["image"], list) else [row["image"]]
    if len(images) != 1:
        raise ValueError(f"it has {len(images)} pictures")
    return {
        "dataset": CONFIG.name,
        "domain": "",
        "scene_id": str(images[0]),
        "image": root / str(images[0]),
        "same": str(images[0]),
    }
