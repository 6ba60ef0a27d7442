"""The questions that stand in records themselves, as `fathom worlds` writes them: short answers of many types.

Prompt    the question as it is
Rule      lengths (distance, height, free_space, ...): within 25 % of the true length, and the share within 10 %; a
          number without a unit is in the unit that was asked for. room_height, ratio, fov: within 10 %.
          tilt: within 5 degrees. where: within 100 of 1000, across and down. box: overlap of half or more.
          refusal: the answer says that the thing is not there. Yes or no, true or false: the right one.
          Others: the same words, or where letters are offered the right choice. Captions are not scored.

`closer`, `behind` and `front_behind` name two things; where the record has a label map, their median rows give the
height cue; questions that say "misleading" true or false (the nearer thing is the higher one, or not) are scored
apart, too. The floor of `refusal` is 1, because one answer fits all: read it beside `distance` and `where`, whose
questions have the same words.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.questions.base import Asked, Config, Question, height_cue, mean, mean_of
from heads.errors import InputError
from vlm.records import Record

CONFIG = Config("records", 3, "train/worlds", "Apache-2.0", 48)
NOT_SCORED = ("caption",)
LENGTHS = ("distance", "depth_at", "distance_between", "height", "width", "free_space", "room_width", "camera_height")
UNITS = {"m": "metres", "cm": "centimetres", "ft": "feet", "in": "inches"}
RULES = {
    **dict.fromkeys(LENGTHS, "{unit} within 25 %"),
    "room_height": "{unit} within 10 %",
    "ratio": "ratio within 10 %",
    "fov": "degrees within 10 %",
    "tilt": "tilt",
    "where": "position",
    "box": "box",
    "refusal": "refusal",
    **dict.fromkeys(("exists", "yes_no", "true_false"), "yes or no"),
}
SAID_BY_THE_QUESTION = (
    "closer",
    "behind",
    "front_behind",
    "closest",
    "farthest",
    "left_right",
    "above_below",
)
NEARER = {("closer", "first"): 0, ("closer", "second"): 1, ("behind", "first"): 1, ("behind", "second"): 0} | {
    ("front_behind", "in front"): 0,
    ("front_behind", "behind"): 1,
}
"""Which of the two named things is the nearer one, by type and value."""


def question(row: dict[str, Any], number: int, height: str = "") -> Question:
    """One of a record's questions, the `number`-th, with its height cue."""
    kind, value, choices = str(row["type"]), row.get("value"), row.get("choices") or {}
    return Question(
        name=str(number),
        prompt=str(row["question"]),
        kind=kind,
        rule=RULES.get(kind, "words or letter").format(unit=UNITS.get(str(row.get("unit")), "metres")),
        true=str(row["answer"]),
        choices=tuple(str(choice) for choice in choices.values()),
        height=height,
        offered=value if kind in SAID_BY_THE_QUESTION and isinstance(value, str) else None,
        tag="" if "misleading" not in row else "misleading" if row["misleading"] else "not misleading",
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
        try:
            cues = _heights(record, chosen)
            questions = [question(row, number, cues.get(number, "")) for number, row in chosen]
        except KeyError as problem:
            raise InputError(
                "records", f"{record.where}: a question misses {problem}", "type, question, answer"
            ) from None
        return Asked(
            dataset=record.dataset,
            domain=record.domain,
            scene_id=record.scene_id,
            image=record.image,
            where=record.where,
            questions=questions,
        )


def picked(record: Record, count: int | None, seed: list[int]) -> Picked:
    """`count` of a record's questions (all where None) in their own order, captions left out; same seed, same ones."""
    numbers = np.arange(len(record.questions))
    if count is not None and count < len(numbers):
        numbers = np.sort(np.random.default_rng(seed).choice(numbers, count, replace=False))
    return Picked(record, [int(n) for n in numbers if record.questions[n].get("type") not in NOT_SCORED])


def _heights(record: Record, rows: list[tuple[int, dict[str, Any]]]) -> dict[int, str]:
    """The cue of each question of NEARER that names two instances of the label map."""
    pairs = {n: row for n, row in rows if _nearer(row) is not None and len(row.get("instances") or ()) == 2}
    if not pairs or record.labels_path is None:
        return {}
    instance = record.labels()["instance"]
    cues = {}
    for number, row in pairs.items():
        centres = [np.nonzero(instance == name)[0] for name in row["instances"]]
        nearer = _nearer(row)
        if nearer is not None and all(len(found) for found in centres):
            middle = [float(np.median(found)) for found in centres]
            cues[number] = height_cue(middle[1 - nearer], middle[nearer], instance.shape[0])
    return cues


def _nearer(row: dict[str, Any]) -> int | None:
    value = row.get("value")
    return NEARER.get((str(row["type"]), value)) if isinstance(value, str) else None


def headline(samples: list[dict[str, Any]], key: str = "score") -> dict[str, float | None]:
    """The mean over types."""
    kinds = dict.fromkeys(sample["type"] for sample in samples)
    return {"mean of types": mean_of(mean([s for s in samples if s["type"] == kind], key) for kind in kinds)}
