"""Pages of pictures for people: records drawn at random, what a model sees in them and answers, right or wrong.

    OUT/index.html                  every page, by data set; the folder can be moved as it is
    OUT/pages/DATASET-000041.jpg    one record: photograph, truth, prediction, error, uncertainty; answers
    OUT/strip.jpg                   (asked for) all of them in one compact picture

`count` records of each data set, drawn by the seed alone: neither the best nor the worst. Questions are judged as
`fathom bench qa` judges them. Of a record without questions three are asked whose true answers are not known.
"""

import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.adapters.base import Prediction
from benchmarks.adapters.fathom import FathomAdapter, prediction_of
from benchmarks.answers import judge
from benchmarks.camera import camera_errors
from benchmarks.depth import DepthOptions, DepthTask, DepthTruth
from benchmarks.gallery import Picture, picture, reduced
from benchmarks.html import page as html_page
from benchmarks.measuring import slug
from benchmarks.metrics import DepthErrors, valid
from benchmarks.panels import panels_of
from benchmarks.plots import COLOURS
from benchmarks.questions import worlds
from benchmarks.questions.base import Question
from benchmarks.running import Sample
from benchmarks.sheets import Shown, Told, Way, page, strip, write_jpeg
from benchmarks.sources import RecordFiles
from heads.errors import InputError
from vlm.files import replacing
from vlm.records import Record
from vlm.scale_bar import INK, font_of

FIXED = ("Describe the picture.", "Is this indoors or outdoors?", "What is the camera's field of view?")
MOST_QUESTIONS, MOST_LENGTHS = 6, 3
PAGE_BYTES, STRIP_BYTES = 400_000, 250_000
PREDICTED = ("prediction", "uncertainty")  # the panels from which neither photograph nor true depth can be read
CAMERAS = {"given": "true camera", "none": "no camera told"}


@dataclass(frozen=True)
class PagesOptions:
    """count: records of each data set. seed: which ones, and which of their questions. cameras: "given", "none".

    hidden: data sets of which neither photograph nor true depth is shown, nor a picture that they could be read from.
    """

    count: int = 12
    seed: int = 0
    cameras: tuple[str, ...] = ("given", "none")
    hidden: frozenset[str] = frozenset()
    strip: bool = False

    def total(self, records: RecordFiles) -> int:
        """How many of these records are shown; InputError where there is none, or one of a hidden name."""
        datasets = records.scan().datasets
        if unknown := sorted(self.hidden - set(datasets)):
            raise InputError("hide", f"no record of {', '.join(unknown)}", ", ".join(datasets))
        return sum(min(self.count, total) for total in datasets.values())


def make_pages(
    model: Any, name: str, records: RecordFiles, folder: Path, options: PagesOptions, progress: Callable[[int], None]
) -> list[Path]:
    """Looks at the chosen records and writes their pages and the index; what cannot be read is told there.

    model: a loaded Fathom, called `name`. progress: is told of each record.
    """
    options.total(records)
    datasets = records.scan().datasets
    (folder / "pages").mkdir(parents=True, exist_ok=True)
    claims = FathomAdapter(model, name).claims
    rows: dict[str, list[tuple[Path, Shown]]] = {dataset: [] for dataset in datasets}
    unread: dict[str, list[str]] = {dataset: [] for dataset in datasets}
    for number, record in chosen(records, datasets, options.count, options.seed):
        try:
            shown = show(model, claims, record, number, options)
        except (InputError, OSError) as problem:
            unread[record.dataset].append(f"{record.where}: {problem}")
            continue
        finally:
            progress(1)
        path = folder / "pages" / f"{slug(record.dataset)}-{number:06}.jpg"
        rows[record.dataset].append((write_jpeg(path, page(shown), PAGE_BYTES), shown))
    made = [shown for mine in rows.values() for _, shown in mine]
    if not made:
        first = next(told for mine in unread.values() for told in mine)
        raise InputError("records", f"none could be shown; first: {first}", "photographs that can be read")
    written = [_write_index(folder, name, datasets, rows, unread, options)]
    if options.strip:
        written.append(write_jpeg(folder / "strip.jpg", strip(made), STRIP_BYTES))
    return written


def chosen(records: RecordFiles, datasets: Counter[str], count: int, seed: int) -> Iterator[tuple[int, Record]]:
    """(place in its data set, record), `count` of each data set, the same whatever other data sets there are."""
    picked = {}
    for dataset, total in datasets.items():
        drawn = np.random.default_rng([seed, zlib.crc32(dataset.encode())])
        picked[dataset] = set(drawn.choice(total, min(count, total), replace=False).tolist())
    seen: Counter[str] = Counter()
    for record in records:
        number = seen[record.dataset]
        seen[record.dataset] += 1
        if number in picked[record.dataset]:
            yield number, record


def show(model: Any, claims: frozenset[str], record: Record, number: int, options: PagesOptions) -> Shown:
    """One record, looked at once for each camera; the first look is asked."""
    ways: list[Way] = []
    told: list[Told] = []
    scale = None
    for camera in options.cameras:
        mode = "dense" if record.depth_path is not None else "sparse"
        task = DepthTask(DepthOptions(mode, camera), claims)  # type: ignore[arg-type]
        sample = task.load(record, {})
        known = sample.camera or (sample.photo and sample.photo.exif_camera)
        if camera == "given" and known is None and "none" in options.cameras:
            continue  # it would be the same as without
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="camera: the given focal")
            scene = model.look(sample.photo, camera=sample.camera)
        if not ways:
            told = lengths(scene, record) + answers(scene, record, number, options.seed)
        prediction = prediction_of(scene)
        panels = panels_of(_picture(sample, prediction), scale)
        scale = next(panel.bar.scale for panel in panels if panel.name == "prediction" and panel.bar)  # of both ways
        if record.dataset in options.hidden:
            panels = [panel for panel in panels if panel.name in PREDICTED]
        elif ways:
            panels = [panel for panel in panels if panel.name not in ("photograph", "truth")]
        ways.append(Way(figures(camera, sample, prediction), panels))
    return Shown(f"{record.dataset} {record.scene_id}, {record.domain}", ways, told)


def lengths(scene: Any, record: Record) -> list[Told]:
    """What is measured between the pairs of pixels whose true distance is known, judged as spoken lengths are."""
    told = []
    for number, (a, b, metres) in enumerate(record.distances[:MOST_LENGTHS], 1):
        found = scene.distance(a, b)
        question = Question("", f"Measured: line {number}", "distance", "metres within 25 %", f"{metres:.2f} m")
        said = f"{found.metres:.2f} m"
        told.append(Told(question.prompt, said, question.true, judge(question, said).score))
    return told


def answers(scene: Any, record: Record, number: int, seed: int) -> list[Told]:
    """Up to six of the record's questions, drawn, answered and judged; the fixed ones, unjudged, where it has none."""
    questions = worlds.picked(record, MOST_QUESTIONS, [seed, number]).complete().questions
    prompts = [question.prompt for question in questions] or list(FIXED)
    said = [answer.text for answer in scene.ask_many(prompts, max_new_tokens=worlds.CONFIG.max_new_tokens)]
    if not questions:
        return [Told(prompt, text) for prompt, text in zip(prompts, said, strict=True)]
    try:
        return [
            Told(question.prompt, text, question.true, judge(question, text).score)
            for question, text in zip(questions, said, strict=True)
        ]
    except ValueError as problem:
        raise InputError("records", f"{record.where}: {problem}", "an answer in the form of its type") from problem


def figures(camera: str, sample: Sample, prediction: Prediction) -> str:
    """The line above the panels: whose camera, this picture's AbsRel and delta1, the field of view."""
    truth: DepthTruth = sample.truth
    told = "focal from EXIF" if prediction.focal_from == "exif" else CAMERAS[camera]
    if camera == "given" and prediction.focal_from == "rays":
        told = "true camera not known"
    parts = []
    if truth.depth is not None and valid(truth.depth).any():
        assert prediction.depth_metric is not None
        errors = DepthErrors(truth.read(prediction.depth_metric), truth.depth)
        parts.append(f"AbsRel {errors.abs_rel():.3f}, delta1 {errors.delta(1):.3f}")
        if truth.depth.ndim == 1:
            parts[-1] += f" at {errors.count} labelled pixels"
    else:
        parts.append("true depth not known")
    if prediction.camera is not None and truth.camera is not None:
        found = camera_errors(prediction.camera, truth.camera)
        parts.append(f"field of view {found['fov_predicted_deg']:.1f}° predicted, {found['fov_true_deg']:.1f}° true")
    elif prediction.camera is not None:
        parts.append(f"field of view {prediction.camera.fov_x_deg:.1f}° predicted")
    return f"{told}: {'; '.join(parts)}"


def _picture(sample: Sample, prediction: Prediction) -> Picture:
    """The arrays that `benchmarks.panels` draws, small."""
    photo, depth, truth = sample.photo, prediction.depth_metric, sample.truth
    assert photo is not None and depth is not None
    if truth.depth is None:
        nothing = np.full((1, 1), np.nan)
        small = picture(photo.rgb, depth, nothing, nothing, np.zeros(1, int), np.zeros(1, int))
    else:
        small = picture(photo.rgb, depth, truth.read(depth), truth.depth, truth.rows, truth.columns)
        if truth.depth.ndim == 2:
            small["truth"][np.isposinf(reduced(truth.depth, small["truth"].shape))] = np.inf  # sky is no depth
    if prediction.log_depth_scale is not None:
        small["log_depth_scale"] = reduced(prediction.log_depth_scale, small["rgb"].shape[:2])
    for line, (a, b, _) in enumerate(sample.record.distances[:MOST_LENGTHS]):
        small["rgb"] = _with_line(small["rgb"], np.array([a, b]) / photo.size, line)
    return small


def _with_line(rgb: np.ndarray, ends: np.ndarray, line: int) -> np.ndarray:
    """The photograph with a numbered line; ends (2, 2): shares of its width and height."""
    drawn = Image.fromarray(rgb)
    draw = ImageDraw.Draw(drawn)
    (a, b), middle = ends * drawn.size, tuple(ends.mean(0) * drawn.size)
    draw.line((*a, *b), COLOURS[line % len(COLOURS)], 3)
    draw.text(middle, str(line + 1), "white", font_of(18), anchor="mm", stroke_width=3, stroke_fill=INK)
    return np.asarray(drawn)


def _write_index(
    folder: Path,
    name: str,
    datasets: Counter[str],
    rows: dict[str, list[tuple[Path, Shown]]],
    unread: dict[str, list[str]],
    options: PagesOptions,
) -> Path:
    sections = []
    for dataset, mine in rows.items():
        lines = [f"{len(mine)} of {datasets[dataset]} records, drawn by seed {options.seed}."]
        scores = [told.score for _, shown in mine for told in shown.told if told.score is not None]
        if scores:
            lines.append(f"{sum(score >= 1 for score in scores)} of {len(scores)} answers shown are right.")
        if dataset in options.hidden:
            lines.append("Predictions alone: photographs and true depth of this data set are not shown.")
        lines += [f"Left out, {told}." for told in unread[dataset]]
        body = "".join(f"<p>{escape(line)}</p>" for line in lines)
        sections.append((dataset, body + "".join(_figure(path, shown) for path, shown in mine)))
    subtitle = (
        f"{name} on records drawn at random, neither the best nor the worst. Truth and prediction share one scale; "
        "the error is signed, in percent of the truth (magenta: no depth predicted where there is one); "
        "the uncertainty is the expected error, in percent. Pale blue is sky; grey is not known."
    )
    path = folder / "index.html"
    with replacing(path) as temporary:
        temporary.write_text(html_page(f"What {name} sees", subtitle, sections), encoding="utf-8")
    return path


def _figure(path: Path, shown: Shown) -> str:
    """A page in the index; what it says in words is its text, too."""
    told = "; ".join(f"{one.question} {one.answer} ({one.mark})" for one in shown.told)
    text = escape(f"{shown.title}. {'. '.join(way.line for way in shown.ways)}. {told}", quote=True)
    return (
        f'<figure><a href="pages/{path.name}"><img class="page" loading="lazy" src="pages/{path.name}" alt="{text}">'
        "</a></figure>"
    )
