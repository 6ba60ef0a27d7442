"""Depth, its uncertainty and shape, and the camera, of a model on records: `fathom bench depth`.

    result = run_depth(load_adapter("nano"), RecordFiles((Path("depth.jsonl"),)), Path("out"), DepthOptions("dense"))
    result.datasets["kitti"]["delta1"], result.macro["delta1"]

Sparse: the labelled pixels, as DepthVLM-Bench has them; dense: the whole depth map, and its shape. Depth is compared
in metres as predicted, unless an alignment was asked for. What a model does not claim is left out, never filled in.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.adapters.base import Adapter, Prediction
from benchmarks.adapters.constant import OracleConstant
from benchmarks.alignment import ALIGNMENTS, PERMITTED, Alignment, apply, claimed, fit
from benchmarks.camera import camera_errors, random_crop
from benchmarks.columns import DEPTH
from benchmarks.constants import Truths
from benchmarks.gallery import Gallery, Picture, picture
from benchmarks.metrics import DepthErrors, sky_metrics, valid
from benchmarks.processes import Processes
from benchmarks.protocol import VALID_RANGES_M
from benchmarks.running import Progress, Sample, run
from benchmarks.shape import order_errors, shape_metrics
from benchmarks.spectrum import token_peak, token_seams
from benchmarks.summary import RunResult, result_of
from benchmarks.uncertainty import uncertainty_metrics
from heads.camera import Camera
from heads.errors import InputError
from vlm.images import Photo, load_image
from vlm.records import Record

CameraMode = Literal["given", "none"]
DepthMode = Literal["dense", "sparse"]


@dataclass(frozen=True)
class DepthOptions:
    """How depth is measured.

    mode: "dense" scores the whole depth map, "sparse" the labelled pixels. A record without the one that is asked
        for keeps its camera scores, has no depth scores, and is counted in `without_truth`.
    camera: "given" passes the record's camera; "none" withholds it and the file's EXIF.
    align: "none" = metres as predicted; "scale", "affine": see `benchmarks.alignment`.
    crop_seed: each photograph is cut at random (`benchmarks.camera.random_crop`); None = whole photographs.
    """

    mode: DepthMode = "dense"
    camera: CameraMode = "given"
    align: Alignment = "none"
    crop_seed: int | None = None
    batch: int = 4

    def __post_init__(self) -> None:
        for name, allowed in (("mode", ("dense", "sparse")), ("camera", ("given", "none")), ("align", ALIGNMENTS)):
            if getattr(self, name) not in allowed:
                raise InputError(name, repr(getattr(self, name)), ", ".join(allowed))
        if self.batch < 1:
            raise InputError("batch", str(self.batch), "1 or more photographs at a time")

    @property
    def name(self) -> str:
        """Short, for folders and files."""
        parts = [f"depth_{self.mode}", f"camera_{self.camera}"]
        parts += [] if self.align == "none" else [f"align_{self.align}"]
        return "_".join(parts + ([] if self.crop_seed is None else [f"crop_{self.crop_seed}"]))


@dataclass
class DepthTruth:
    """True depth_z: of the labelled pixels (n,), or on the depth map's own grid (h, w), and where it is read.

    rows, columns: of the photograph, for each label, or for each row and each column of the grid. pixels: (n, 2), of
    labels alone. camera: the photograph's true one; grid_camera: of the grid. photo_px: pixels of the photograph that
    a pixel of the grid is wide.
    """

    depth: np.ndarray | None
    rows: np.ndarray
    columns: np.ndarray
    camera: Camera | None
    pixels: np.ndarray | None = None
    grid_camera: Camera | None = None
    masks: dict[str, np.ndarray] | None = None
    photo_px: float = 1.0

    def read(self, values: np.ndarray) -> np.ndarray:
        """A map of the photograph (H, W), where the truth is."""
        at = np.ix_(self.rows, self.columns) if self.depth is not None and self.depth.ndim == 2 else None
        return values[at] if at is not None else values[self.rows, self.columns]


class DepthTask:
    """Decodes records and scores predictions, for `benchmarks.running`."""

    columns = DEPTH

    def __init__(self, options: DepthOptions, claims: frozenset[str], gallery: Gallery | None = None):
        self.options, self.claims, self.gallery = options, claims, gallery
        sparse = options.mode == "sparse" and options.align == "none" and "points_at" in claims
        self.scores_depth = sparse or bool(claims & set(PERMITTED[options.align]))

    def load(self, record: Record, row: dict[str, Any]) -> Sample:
        """The photograph (cut where asked), its camera, and the truth."""
        photo = load_image(record.image)
        if photo.size != record.size:
            wrong = f"{record.where} says {record.size}, the photograph is {photo.size}"
            raise InputError("original_rgb_size", wrong, "its upright [width, height]")
        camera, window = record.camera, None
        if self.options.crop_seed is not None:
            window = random_crop(photo.size, self.options.crop_seed, _key(record))
            left, top, width, height = window
            camera = None if camera is None else camera.crop(*window)
            rgb = np.ascontiguousarray(photo.rgb[top : top + height, left : left + width])
            photo = Photo(rgb, photo.exif_camera and photo.exif_camera.crop(*window), photo.exif_note, photo.name)
            row |= {"crop_left": left, "crop_top": top}
        given = self.options.camera == "given"
        if not given:
            photo = replace(photo, exif_camera=None, exif_note="withheld")
        row |= {"width": photo.size[0], "height": photo.size[1]}
        truth = self.truth(record, camera, window or (0, 0, *photo.size))
        return Sample(record, row, photo, camera if given else None, truth.pixels, truth)

    def truth(self, record: Record, camera: Camera | None, window: tuple[int, int, int, int]) -> DepthTruth:
        """The truth inside a window (left, top, width, height) of the photograph; `camera` is the window's."""
        left, top, width, height = window
        nothing = np.zeros(0, int)
        if self.options.mode == "sparse":
            pixels = record.pixels - (left, top)
            inside = np.asarray(np.all((pixels >= 0) & (pixels < (width, height)), axis=1))
            pixels = pixels[inside]
            columns, rows = pixels.astype(int).T
            return DepthTruth(record.depths[inside] if len(inside) else None, rows, columns, camera, pixels)
        if record.depth_path is None:
            return DepthTruth(None, nothing, nothing, camera)
        depth = record.depth_z()
        if record.valid_range_m is None and record.dataset in VALID_RANGES_M:
            near, far, _ = VALID_RANGES_M[record.dataset]
            depth[np.isfinite(depth) & ((depth < near) | (depth > far))] = np.nan
        rows, columns = np.arange(depth.shape[0]), np.arange(depth.shape[1])
        # centres of the depth map's pixels, as pixels of the window
        y = (rows + 0.5) * (record.size[1] / len(rows)) - top
        x = (columns + 0.5) * (record.size[0] / len(columns)) - left
        rows, columns = rows[(y >= 0) & (y < height)], columns[(x >= 0) & (x < width)]
        if not (len(rows) and len(columns)):
            return DepthTruth(None, nothing, nothing, camera)
        part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        whole = record.camera and record.camera.resize(*depth.shape[::-1])
        return DepthTruth(
            depth[part],
            y[rows].astype(int),
            x[columns].astype(int),
            camera,
            None,
            whole and whole.crop(int(columns[0]), int(rows[0]), len(columns), len(rows)),
            {name: record.masks(name)[part] for name in ("edges", "planes") if name in record.mask_paths},
            record.size[0] / depth.shape[1],
        )

    def score(self, sample: Sample, prediction: Prediction | None) -> dict[str, Any]:
        """The columns of `benchmarks.columns.DEPTH` that this model claims and this record can tell."""
        truth: DepthTruth = sample.truth
        row: dict[str, Any] = {}
        if truth.depth is not None and self.scores_depth:
            row |= self._depth(sample, truth, prediction)
        if prediction is None:
            return row
        if self.options.mode == "dense" and prediction.token_period_px is not None:
            found = claimed(prediction, self.options.align)
            if found is not None and not found[0].startswith("disparity"):
                row["token_peak"] = token_peak(found[1], prediction.token_period_px)
                row["token_seams"] = token_seams(found[1], prediction.token_period_px)
                row["token_period_px"] = prediction.token_period_px[0]
        if prediction.camera is not None and truth.camera is not None:
            row |= camera_errors(prediction.camera, truth.camera)
        return row

    def _depth(self, sample: Sample, truth: DepthTruth, prediction: Prediction | None) -> dict[str, Any]:
        assert truth.depth is not None
        row, depth_z = self._placed(truth, prediction)
        row |= DepthErrors(depth_z, truth.depth).measures()
        if self.options.align == "none" and "log_depth_scale" in self.claims:
            stated = None if prediction is None else prediction.log_depth_scale
            scale = np.full(truth.depth.shape, np.nan) if stated is None else truth.read(stated)
            row |= uncertainty_metrics(depth_z, scale, truth.depth)
        if self.gallery is not None and prediction is not None:
            make = lambda: self._picture(sample, prediction, depth_z, row)  # noqa: E731
            self.gallery.offer(sample.row["index"], row["abs_rel"], make)
        if prediction is not None and prediction.sky is not None and self.options.mode == "dense":
            row |= sky_metrics(truth.read(prediction.sky), truth.depth)
        key = _key(sample.record)
        if self.options.mode == "sparse":
            return row | order_errors(depth_z, truth.depth, key)
        return row | shape_metrics(depth_z, truth.depth, truth.grid_camera, truth.masks, key, truth.photo_px)

    def _picture(self, sample: Sample, prediction: Prediction, depth_z: np.ndarray, row: dict[str, Any]) -> Picture:
        """For the report: the photograph, the whole map as it was scored, and what the truth says of it."""
        assert sample.photo is not None
        found, whole = claimed(prediction, self.options.align), None
        if found is not None:
            whole = found[1]
            if "align_scale" in row:
                whole = apply(whole, found[0], row["align_scale"], row["align_shift"])
        truth = sample.truth
        return picture(sample.photo.rgb, whole, depth_z, truth.depth, truth.rows, truth.columns)

    def _placed(self, truth: DepthTruth, prediction: Prediction | None) -> tuple[dict[str, Any], np.ndarray]:
        """Predicted depth_z where the truth is, aligned where asked; nan where there is none."""
        assert truth.depth is not None
        missing = np.full(truth.depth.shape, np.nan)
        if prediction is None:
            return {}, missing
        if prediction.points_at is not None and self.options.mode == "sparse" and self.options.align == "none":
            return {}, np.asarray(prediction.points_at, np.float64)
        found = claimed(prediction, self.options.align)
        if found is None:
            return {}, missing
        claim, values = found[0], truth.read(found[1])
        if self.options.align == "none":
            return {}, values
        scale, shift = fit(values, truth.depth, claim, self.options.align)
        return {"align_scale": scale, "align_shift": shift}, apply(values, claim, scale, shift)


def run_depth(
    adapter: Adapter | Any,
    records: Iterable[Record],
    folder: Path,
    options: DepthOptions,
    stated: dict[str, Any] | None = None,
    processes: Processes | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """A model on records, into `folder` (its own: see `benchmarks.running`); goes on where it stopped.

    records: read once, and once more where a constant is chosen on their truth. stated: what the protocol says of
    them. A model that needs a camera is not run without one.
    """
    processes = processes or Processes()
    asked = {"benchmark": "depth", "model": adapter.name, "model_facts": adapter.facts, **_asked(options, adapter)}
    if options.camera == "none" and adapter.needs_camera:
        return RunResult(folder.name, asked | (stated or {}), not_run="it needs the true camera")
    if options.mode == "dense" and adapter.claims == {"points_at"}:
        return RunResult(folder.name, asked | (stated or {}), not_run="it answers at labelled pixels only (sparse)")
    task = DepthTask(options, adapter.claims, Gallery(folder / "_pictures"))
    adapter_of: Callable[[str], Adapter] = lambda dataset: adapter  # noqa: E731
    if isinstance(adapter, OracleConstant):
        chosen, asked["constants_m"] = adapter.fitted_to(all_truths(task, records))
        adapter_of = chosen.__getitem__
    run(adapter_of, task, records, folder, asked | (stated or {}), processes, options.batch, progress=progress)
    return result_of(folder)


def all_truths(task: DepthTask, records: Iterable[Record]) -> dict[str, Truths]:
    """The truth of each data set as the task scores it; what cannot be read is left out here, and told by the run."""
    truths: dict[str, Truths] = {}
    for record in records:
        kept = truths.setdefault(record.dataset, Truths())
        window = (0, 0, *record.size)
        if task.options.crop_seed is not None:
            window = random_crop(record.size, task.options.crop_seed, _key(record))
        try:
            truth = task.truth(record, None, window).depth
        except (InputError, OSError):
            continue
        if truth is not None:
            kept.add(truth[valid(truth)])
    return truths


def _asked(options: DepthOptions, adapter: Any) -> dict[str, Any]:
    crop = "none"
    if options.crop_seed is not None:
        crop = f"each side 50 to 100 %, drawn by seed {options.crop_seed} and the record's data set and file name"
    capped = {name: {"metres": [near, far], "from": source} for name, (near, far, source) in VALID_RANGES_M.items()}
    return {
        "mode": options.mode,
        "camera": options.camera,
        "alignment": options.align,
        "crop": crop,
        "caps": "as labelled" if options.mode == "sparse" else {"record": "its valid_range_m", **capped},
        "claims": sorted(adapter.claims),
        "batch": options.batch,
        "averaged": "photographs of a data set, then data sets (macro)",
    }


def _key(record: Record) -> str:
    """What a record is called wherever its files lie."""
    name = record.where if not isinstance(record.image, str | Path) else Path(record.image).name
    return f"{record.dataset}/{record.scene_id}/{name}"
