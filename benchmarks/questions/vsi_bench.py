"""VSI-Bench: videos of indoor scenes; counts, sizes, distances, directions, routes, order; over 5,000 questions.

Link      https://huggingface.co/datasets/nyu-visionx/VSI-Bench (test*.parquet or test.jsonl; ARKitScenes, ScanNet
          and ScanNet++ videos as DATASET/SCENE.mp4)
Licence   Apache-2.0 (annotations; videos under their data sets' terms)
Paper     Yang et al., "Thinking in Space: How Multimodal Large Language Models See, Remember, and Recall Spaces",
          CVPR 2025, arXiv 2412.14171
Columns   id, dataset, scene_name, question_type, question, options, ground_truth
Prompt    lmms_eval/tasks/vsibench of github.com/vision-x-nyu/thinking-in-space, its default wording
Rule      choices: the first word is the right letter. Numbers: mean relative accuracy of the first word,
              MRA = 1/10 sum over t in {.5, .55, ..., .95} of 1(|answer - true| / true <= 1 - t)
          A total is the mean over eight tasks; the three levels of relative direction count as one.

Of each video so many frames are taken at equal steps and shown as several pictures of one prompt. With one frame
(for a model that takes one picture) it is the middle one, and the protocol says so. A folder DATASET/SCENE of frames
(.jpg, .png, in the order of their names) serves instead of the video.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.questions.base import Asked, Config, Question, asked, mean, mean_of, rows

CONFIG = Config("VSI-Bench", 1, "https://huggingface.co/datasets/nyu-visionx/VSI-Bench", "Apache-2.0", 16)
BEFORE = "These are frames of a video."
AFTER_NUMBER = "Please answer the question using a single word or phrase."
AFTER_CHOICE = "Answer with the option's letter from the given choices directly."
NUMBERS = ("object_abs_distance", "object_counting", "object_size_estimation", "room_size_estimation")
CHOICES = ("object_rel_distance", "route_planning", "obj_appearance_order")
DIRECTION = ("object_rel_direction_easy", "object_rel_direction_medium", "object_rel_direction_hard")


def question(row: dict[str, Any]) -> Question:
    """A row as published -> question."""
    kind, text = str(row["question_type"]), str(row["question"])
    name, true = str(row["id"]), str(row["ground_truth"]).strip()
    if kind in NUMBERS:
        return Question(name, f"{BEFORE}\n{text}\n{AFTER_NUMBER}", kind, "mean relative accuracy", true)
    if kind not in CHOICES + DIRECTION:
        raise ValueError(f"question_type is {kind!r}")
    options = tuple(str(option) for option in row["options"])
    prompt = "\n".join([BEFORE, text, "Options:", *options, AFTER_CHOICE])
    return Question(name, prompt, kind, "first letter", true, options)


def read(folder: str | Path) -> Iterator[Asked]:
    """The videos of a download with their questions."""
    found = rows(folder, "test*.parquet", "test.jsonl", link=CONFIG.link)
    return asked(found, question, lambda row: _picture(row, Path(folder)))


def headline(samples: list[dict[str, Any]], key: str = "score") -> dict[str, float | None]:
    """The eight tasks, and their mean over those that were asked."""
    of = {kind: mean([s for s in samples if s["type"] == kind], key) for kind in NUMBERS + CHOICES + DIRECTION}
    tasks = {kind: of[kind] for kind in NUMBERS + CHOICES} | {
        "object_rel_direction": mean_of(of[kind] for kind in DIRECTION)
    }
    known = [value for value in tasks.values() if value is not None]
    return tasks | {"mean of tasks": mean_of(known)}


def _picture(row: dict[str, Any], root: Path) -> dict[str, Any]:
    place = (root if root.is_dir() else root.parent) / str(row["dataset"])
    video = place / f"{row['scene_name']}.mp4"
    return {
        "dataset": f"VSI-Bench {row['dataset']}",
        "domain": "indoor",
        "scene_id": str(row["scene_name"]),
        "image": video if video.is_file() or not (place / str(row["scene_name"])).is_dir() else video.with_suffix(""),
        "same": str(video),
    }
