"""What the benchmark asks of a model: a prediction for a photograph, in fields named by what they may claim.

    adapter = load_adapter("nano")  # "fathom:FOLDER", "depthvlm:FOLDER", "constant:2.0", "constant:best", ...
    prediction = adapter.predict([load_image("photo.jpg")], [None], None)[0]

A field that a model does not claim stays None: what would need it is then a dash in the tables, never a guess.
A new kind of rival is one module of this package with `load(argument, **options) -> Adapter`, and one line in
KINDS.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.processes import accelerator
from heads.camera import Camera
from heads.errors import InputError
from vlm.images import Photo

KINDS = {
    "fathom": "benchmarks.adapters.fathom",
    "depthvlm": "benchmarks.adapters.fathom",  # the same loader reads published weights
    "constant": "benchmarks.adapters.constant",
    "hf-depth": "benchmarks.adapters.hf_depth",
    "vlm-text": "benchmarks.adapters.vlm_text",
}

DEPTH_CLAIMS = ("depth_metric", "depth_scale_invariant", "depth_affine_invariant", "disparity_affine_invariant")


@dataclass
class Prediction:
    """Of one photograph, in its own upright pixels; maps are (H, W) float32, None = not claimed.

    depth_metric: z-depth, metres; inf = sky, nan = no prediction.
    depth_scale_invariant: z-depth right up to one factor; depth_affine_invariant: up to factor and shift.
    disparity_affine_invariant: 1 / z-depth right up to factor and shift.
    log_depth_scale: Laplace scale of the log of `depth_metric`. sky: probability.
    camera: the one that the model predicts by itself, whatever camera it was given.
    focal_from: whose focal made depth metric: "caller", "exif" or "rays"; None where the model uses none.
    points_at: (n,) z-depth in metres at the `pixels` that were asked for, nan = no answer: of a model that
        answers only there (a VLM asked in text). It claims "points_at" and leaves the maps None.
    distance: (pixel_a, pixel_b, probability) -> metres, lower, upper between two points; None where the model
        has no way of its own (then depth and camera give metres, without an interval).
    token_period_px: how far apart (across, down) the network's tokens are, in pixels of the photograph.
    notes: what the reader of a table should know (resized, focal from EXIF, an answer that was no number, ...).
    """

    depth_metric: np.ndarray | None = None
    depth_scale_invariant: np.ndarray | None = None
    depth_affine_invariant: np.ndarray | None = None
    disparity_affine_invariant: np.ndarray | None = None
    log_depth_scale: np.ndarray | None = None
    sky: np.ndarray | None = None
    camera: Camera | None = None
    focal_from: str | None = None
    points_at: np.ndarray | None = None
    distance: Callable[[np.ndarray, np.ndarray, float], tuple[float, float | None, float | None]] | None = None
    token_period_px: tuple[float, float] | None = None
    notes: list[str] = field(default_factory=list)


class Adapter(Protocol):
    """A model as the benchmark sees it.

    name: for tables, e.g. "nano". claims: the fields of `Prediction` that it fills.
    needs_camera: without one it cannot predict; the benchmark then shows dashes instead of asking. An adapter whose
        answer never depends on the camera may also have `ignores_camera = True`: it is run once, not with and without.
    facts: what the protocol states about it (dtype, device, pixel_budget, weights' digest, prompt, ...), JSON types.
        A run is resumed only where these are the same.
    """

    name: str
    claims: frozenset[str]
    needs_camera: bool

    @property
    def facts(self) -> dict[str, object]: ...

    def predict(
        self, photos: list[Photo], cameras: list[Camera | None], pixels: list[np.ndarray] | None
    ) -> list[Prediction]:
        """One prediction a photograph, in order.

        photos: decoded and upright (`.rgb` (H, W, 3) uint8; `.exif_camera`; `.name` is the file); crops already made.
        cameras: the true ones in the photographs' pixels, None where withheld (then `exif_camera` is, too).
        pixels: (n, 2) continuous (x, y) a photograph, where the truth is sparse; None where it is dense.
        An InputError or a RuntimeError for one photograph is that photograph's: the benchmark asks for the others
        one by one, and every valid truth of the failed one counts as wrong.
        """
        ...


def load_adapter(spec: str, **options: object) -> Adapter:
    """From what a user types after --model: KIND:ARGUMENT, "nano", or a folder of Fathom or DepthVLM weights.

    options: the kind's own. A model that is not told its place (`device_map`) goes to this process's accelerator.
    """
    kind, argument = _parts(spec)
    adapter = import_module(KINDS[kind]).load(argument, **options)
    model: Any = getattr(adapter, "model", None)
    if model is not None and "device_map" not in options:
        model.to(accelerator())
    return adapter


def check_spec(spec: str) -> None:
    """InputError where `spec` leads to no adapter, before anything is loaded; a kind checks more with `check`."""
    kind, argument = _parts(spec)
    check = getattr(import_module(KINDS[kind]), "check", None)
    if check is not None:
        check(argument)


def _parts(spec: str) -> tuple[str, str]:
    kind, colon, argument = spec.partition(":")
    if not colon and (spec == "nano" or Path(spec).is_dir()):
        kind, argument = "fathom", spec
    if kind not in KINDS or not argument:
        kinds = ", ".join(f"{kind}:..." for kind in KINDS)
        raise InputError("model", f"no model or folder named {spec!r}", f"nano, a folder, {kinds}")
    return kind, argument
