"""Do text and geometry live together in one model? Four questions, each answered beside what it costs.

    found = measure_coexistence("joint", records, out, base="base", depth_only="depth")

text      the score of the untouched base against the model, on the same questions
depth     delta1 and AbsRel of a model that learned depth alone against the model, on the same photographs
seconds   two passes, one for the answer and one for depth and camera, against one pass for all three
question  depth with a question in the prompt against depth without: the same where attention is causal, which is
          asserted; where image features see the question (PaliGemma), what that costs is told

What a model cannot do, or what was not given, is a dash: None here.
"""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.adapters.base import Prediction
from benchmarks.adapters.fathom import FathomAdapter
from benchmarks.answerer import Answerer, load_answerer
from benchmarks.depth import DepthOptions, run_depth
from benchmarks.measuring import slug
from benchmarks.paired import PairedDifference, paired_means, paired_samples
from benchmarks.processes import launched
from benchmarks.questions.worlds import NOT_SCORED
from benchmarks.running import read_parts
from benchmarks.sources import RecordFiles
from benchmarks.spatial_qa import RecordQuestions, run_qa
from benchmarks.speed import forward_inputs, timed, vision_calls
from heads.camera import Camera
from heads.errors import InputError
from vlm.images import Photo, load_image

QUESTION = "How far away is the nearest thing in the picture?"
PHOTOGRAPHS = 8
"""For seconds, and for depth with a question: the first so many records."""
SAME = {torch.float32: 1e-4, torch.bfloat16: 0.1, torch.float16: 0.02}
"""Largest change of log depth that rounding alone may make, by the weights' type."""


@dataclass
class Coexistence:
    """text, depth: a, b (of the other model and of this one), difference with its interval; depth by measure.

    seconds: see `measure_seconds`.
    question: sees_question (the family's image features do), largest (change of log depth), mean; where they do also
    delta1 and abs_rel, each with a (without) and b (with a question).
    """

    model: str
    base: str | None
    depth_only: str | None
    text: PairedDifference | None
    depth: dict[str, PairedDifference] | None
    seconds: dict[str, float]
    question: dict[str, Any]
    camera_from_rays: bool

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        return asdict(self)


def measure_coexistence(
    model: str,
    records: RecordFiles,
    folder: Path,
    base: str | None = None,
    depth_only: str | None = None,
    options: DepthOptions | None = None,
    per_record: int | None = None,
    repeats: int = 3,
) -> Coexistence:
    """Loads one model after the other; their samples are kept below `folder`, and gone on with.

    options: which truth depth is compared with. AssertionError where the family's attention is causal and a question
    behind the picture changes depth all the same: then a scene would not be what the model sees.
    """
    options = options or DepthOptions()
    if repeats < 1:
        raise InputError("repeats", str(repeats), "1 or more")
    if launched().count > 1:
        raise InputError("coexistence", "it was launched in several processes", "one: seconds are measured")
    records.scan()
    asked = any(row.get("type") not in NOT_SCORED for record in records for row in record.questions)
    here = _Runs(folder, records, options, per_record)
    mine = load_answerer(model)
    heads = mine.model.heads
    my_answers = here.answers(mine, model) if base is not None and asked else None
    my_depth = here.depth(FathomAdapter(mine.model, model), model) if depth_only is not None else None
    seconds = measure_seconds(mine.model, [load_image(record.image) for record in here.first()], repeats)
    question = _question(mine.model, here, model)
    del mine
    text = depth = None
    if base is not None and my_answers is not None:
        text = paired_samples(here.answers(load_answerer(base), base), my_answers)["all"]
    if depth_only is not None and my_depth is not None:
        other = FathomAdapter(load_answerer(depth_only).model, depth_only)
        depth = compared(here.depth(other, depth_only), my_depth)
    return Coexistence(model, base, depth_only, text, depth, seconds, question, "rays" in heads)


@dataclass(frozen=True)
class _Runs:
    folder: Path
    records: RecordFiles
    options: DepthOptions
    per_record: int | None

    def first(self) -> list[Any]:
        return list(islice(self.records, PHOTOGRAPHS))

    def answers(self, answerer: Answerer, spec: str) -> list[dict[str, Any]]:
        source = RecordQuestions(self.records, self.per_record)
        place = self.folder / "samples" / f"coexistence_qa_{slug(spec)}"
        return run_qa(answerer, source, place, stated=self.records.stated()).samples

    def depth(self, adapter: FathomAdapter, spec: str, name: str = "depth") -> list[dict[str, Any]]:
        """One row a photograph (`benchmarks.columns.DEPTH`)."""
        place = self.folder / "samples" / f"coexistence_{name}_{self.options.name}_{slug(spec)}"
        run_depth(adapter, self.records, place, self.options, self.records.stated())
        return [row for part in read_parts(place) for row in part]


def compared(a: list[dict[str, Any]], b: list[dict[str, Any]]) -> dict[str, PairedDifference] | None:
    """delta1 and abs_rel of two depth runs on the photographs that both have; None where there are none."""
    found = {}
    for name in ("delta1", "abs_rel"):
        pairs = [(x[name], y[name]) for x, y in zip(a, b, strict=True) if None not in (x.get(name), y.get(name))]
        if pairs:
            found[name] = paired_means(*zip(*pairs, strict=True))
    return found or None


# ---- seconds -----------------------------------------------------------------------------------------------


def measure_seconds(model: Any, photos: list[Photo], repeats: int) -> dict[str, float]:
    """Medians over the photographs and `repeats`, after one warm-up, in turns.

    text: the backbone's pass over picture and prompt without heads, as a plain VLM makes it before an answer. look:
    the pass that gives depth and camera, too. answer: `QUESTION`, at most 16 tokens, behind either.
    one_pass = look + answer; two_passes = text + answer, then look. Where image features see the question, an answer
    encodes the picture itself: then both are look + answer. vision_calls: runs of the vision tower for one look, its
    depth and one answer; vision_calls_apart: for the two passes.
    """
    shown = [(photo, _camera_for(model, photo)) for photo in photos]
    inputs = [forward_inputs(model, *one) for one in shown]
    looks, texts, answers = [], [], []
    with torch.no_grad():
        for _ in range(repeats):
            for one, given in zip(shown, inputs, strict=True):
                texts.append(timed(model, lambda given=given: model(**{**given, "heads": False}))[1])
                scene, seconds = timed(model, lambda one=one: model.look(*one))
                looks.append(seconds)
                answers.append(timed(model, lambda scene=scene: scene.ask(QUESTION, max_new_tokens=16))[1])
    with vision_calls(model) as calls:
        scene = model.look(*shown[0])
        _ = scene.depth_z
        scene.ask(QUESTION, max_new_tokens=2)
    again = bool(model.family.IMAGE_SEES_QUESTION)  # then an answer encodes the picture by itself
    text, look, answer = (statistics.median(times) for times in (texts, looks, answers))
    return {
        "text": text,
        "look": look,
        "answer": answer,
        "one_pass": look + answer,
        "two_passes": look + answer + (0 if again else text),
        "vision_calls": calls[0],
        "vision_calls_apart": calls[0] + (0 if again else 1),
    }


def _camera_for(model: Any, photo: Photo) -> Any:
    """Something to go by for a model that cannot look without a camera."""
    return None if "rays" in model.heads or photo.exif_camera is not None else {"fov_x_deg": 60.0}


# ---- a question in the prompt ------------------------------------------------------------------------------


@contextmanager
def question_in_prompt(model: Any, question: str = QUESTION) -> Iterator[None]:
    """While the block lasts, a look is at the whole prompt: the pictures and `question` behind them."""
    processor = model.processor
    plain = processor.split_prompt

    def whole(_question: str, image_tokens: Any) -> tuple[list[int], list[int]]:
        before, behind = plain(question, image_tokens)
        return before + behind, []

    processor.split_prompt = whole
    try:
        yield
    finally:
        del processor.split_prompt


class WithQuestion(FathomAdapter):
    """The same model, with a question behind every photograph."""

    @property
    def facts(self) -> dict[str, object]:
        return super().facts | {"prompt": QUESTION}

    def predict(
        self, photos: list[Photo], cameras: list[Camera | None], pixels: list[np.ndarray] | None
    ) -> list[Prediction]:
        with question_in_prompt(self.model):
            return super().predict(photos, cameras, pixels)


def log_depth_changes(model: Any, photos: list[Photo]) -> list[np.ndarray]:
    """|log depth with a question - log depth without| of each photograph, on the network's own map (h, w)."""
    changes = []
    for photo in photos:
        plain = _log_depth(model, photo)
        with question_in_prompt(model):
            changes.append(np.abs(_log_depth(model, photo) - plain))
    return changes


@torch.no_grad()
def _log_depth(model: Any, photo: Photo) -> np.ndarray:
    raw = model(**forward_inputs(model, photo, _camera_for(model, photo))).dense["depth"][0]
    log_depth = raw["log_depth"] if "log_depth" in raw else raw["canonical_depth"].log()
    return log_depth.double().cpu().numpy()


def _question(model: Any, here: _Runs, spec: str) -> dict[str, Any]:
    changes = log_depth_changes(model, [load_image(record.image) for record in here.first()])
    all_of_them = np.concatenate([change.ravel() for change in changes])
    sees = bool(model.family.IMAGE_SEES_QUESTION)
    found: dict[str, Any] = {
        "sees_question": sees,
        "largest": float(all_of_them.max()),
        "mean": float(all_of_them.mean()),
    }
    if not sees:
        limit = SAME.get(model.dtype, SAME[torch.float32])
        largest = found["largest"]
        if not largest <= limit:
            told = f"a question changes log depth by {largest:.2g}, rounding alone by {limit:.2g} at most"
            raise AssertionError(f"{spec}: attention is causal, yet {told}")
        return found
    plain = here.depth(FathomAdapter(model, spec), spec)
    asked = here.depth(WithQuestion(model, spec), spec, "depth_with_question")
    return found | (compared(plain, asked) or {})
