"""The questions that stand in records themselves, as `fathom worlds` writes them: twelve types with short answers.

Prompt    the question as it is
Rule      distance, depth_at: within 25 % of the true length, and the share within 10 %. fov: within 10 %. where:
          within 100 of 1000, across and down. Others: the same words. Captions are not scored.

`closer` names two things; where the record has a label map, their median rows give the height cue.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.questions.base import Asked, Config, Question, height_cue, mean, mean_of
from vlm.records import Record

CONFIG = Config("records", 2, "train/worlds", "Apache-2.0", 48)
NOT_SCORED = ("caption",)
RULES = {"distance": "metres within 25 %", "depth_at": "metres within 25 %", "fov": "degrees within 10 %"} | {
    "where": "position"
}
SAID_BY_THE_QUESTION = ("closer", "left_right")


def question(row: dict[str, Any], number: int, height: str = "") -> Question:
    """One of a record's questions, the `number`-th, with its height cue."""
    kind, value = str(row["type"]), row.get("value")
    return Question(
        name=str(number),
        prompt=str(row["question"]),
        kind=kind,
        rule=RULES.get(kind, "words"),
        true=str(row["answer"]),
        height=height,
        offered=value if kind in SAID_BY_THE_QUESTION and isinstance(value, str) else None,
    )


@dataclass(frozen=True)
class Picked:
    """A record with the numbers of those of its questions that are asked; what they need is read in `complete`."""

    record: Record
    numbers: list[int]

    def __getattr__(self, name: str) -> Any:
        if name not in ("dataset", "domain", "scene_id", "image", "where"):
            raise AttributeError(name)
        return getattr(self.record, name)

    def complete(self) -> Asked:
        record = self.record
        chosen = [(number, record.questions[number]) for number in self.numbers]
        cues = _heights(record, chosen)
        return Asked(
            dataset=record.dataset,
            domain=record.domain,
            scene_id=record.scene_id,
            image=record.image,
            where=record.where,
            questions=[question(row, number, cues.get(number, "")) for number, row in chosen],
        )


def picked(record: Record, count: int | None, seed: list[int]) -> Picked:
    """`count` of a record's questions (all where None) in their own order, captions left out; same seed, same ones."""
    numbers = np.arange(len(record.questions))
    if count is not None and count < len(numbers):
        numbers = np.sort(np.random.default_rng(seed).choice(numbers, count, replace=False))
    return Picked(record, [int(n) for n in numbers if record.questions[n].get("type") not in NOT_SCORED])


def _heights(record: Record, rows: list[tuple[int, dict[str, Any]]]) -> dict[int, str]:
    """The cue of each `closer` question that names two instances of the label map."""
    pairs = {n: row for n, row in rows if row["type"] == "closer" and len(row.get("instances") or ()) == 2}
    if not pairs or record.labels_path is None:
        return {}
    instance = record.labels()["instance"]
    cues = {}
    for number, row in pairs.items():
        centres = [np.nonzero(instance == name)[0] for name in row["instances"]]
        if row.get("value") in ("first", "second") and all(len(found) for found in centres):
            nearer = 0 if row["value"] == "first" else 1
            middle = [float(np.median(found)) for found in centres]
            cues[number] = height_cue(middle[1 - nearer], middle[nearer], instance.shape[0])
    return cues


def headline(samples: list[dict[str, Any]], key: str = "score") -> dict[str, float | None]:
    """The mean over types."""
    kinds = dict.fromkeys(sample["type"] for sample in samples)
    return {"mean of types": mean_of(mean([s for s in samples if s["type"] == kind], key) for kind in kinds)}
