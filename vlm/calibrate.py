"""How honest the uncertainty is, refitted on records that training never saw.

The head's Laplace scale b is multiplied by one factor per source of the focal length, chosen so that 90 % of
the errors |log pred - log true| lie within b * factor * ln 10. Errors of one picture are not independent: the
share of their variance that is common to a picture goes into the config for distances between pixels.
"""

import copy
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heads.errors import InputError
from heads.losses import laplace_half_width
from vlm.config import DEFAULT_UNCERTAINTY
from vlm.files import replacing
from vlm.records import Record

if TYPE_CHECKING:
    from vlm.model import Fathom

LEVEL = 0.9


def calibrate(model: "Fathom", records: list[Record], name: str, pixels_per_image: int = 500) -> dict[str, Any]:
    """A new `FathomConfig.uncertainty`: factor for caller, exif (taken as caller's) and rays; shared share.

    Sampled pixels per image count equally. Records need a camera and a depth map of the photograph's size.
    """
    usable = [r for r in records if r.camera is not None and r.depth_path is not None and r.depth_size == r.size]
    if len(usable) < 20:
        raise InputError("records", f"{len(usable)} with camera and depth at the image's size", "20 or more")
    rng = np.random.default_rng(0)
    model.config.uncertainty = copy.deepcopy(DEFAULT_UNCERTAINTY)
    focal_ratio, given, seen = [], [], []
    for record in usable:
        assert record.camera is not None
        truth = record.depth_z().ravel()
        known = np.flatnonzero(np.isfinite(truth) & (truth > 0))
        chosen = rng.choice(known, min(pixels_per_image, known.size), replace=False)
        if chosen.size == 0:
            continue
        for camera, rows in ((record.camera, given), (None, seen)):
            view = model.look_many([record.image], [camera])[0].views[0]
            if view.camera_from_rays is not None:
                off = abs(np.log(view.camera_from_rays.focal / record.camera.focal))
                focal_ratio.append(off / view.focal_scale)
            # Sky is where the model gives no depth: the error of its finite depth there is not asked.
            with np.errstate(invalid="ignore", divide="ignore"):
                error = np.log(view.depth_z.ravel()[chosen] / truth[chosen])
            finite = np.isfinite(error)
            if finite.any():
                rows.append((error[finite], view.log_depth_scale.ravel()[chosen][finite]))
    caller = _factor(given)
    return {
        "factor": {"caller": caller, "exif": caller, "rays": _factor(seen)},
        "focal_factor": _quantile_factor(np.array(focal_ratio)) if focal_ratio else 1.0,
        "shared": _shared(given),
        "calibrated_on": f"{name}, {len(usable)} images",
    }


def _factor(rows: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """What b must be multiplied by so that 90 % of the errors are inside their 90 % interval."""
    return _quantile_factor(np.concatenate([np.abs(error) / scale for error, scale in rows]))


def _quantile_factor(ratio: np.ndarray) -> float:
    return max(float(np.quantile(ratio, LEVEL) / laplace_half_width(1.0, LEVEL)), 1e-3)


def _shared(rows: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Variance of the pictures' mean standardised error over its whole variance, 0..1."""
    means = np.array([np.mean(error / scale) for error, scale in rows])
    everything = np.concatenate([error / scale for error, scale in rows])
    return float(np.clip(np.mean(means**2) / max(np.mean(everything**2), 1e-12), 0.0, 1.0))


def rewrite_uncertainty(folder: Path, out: Path, told: dict[str, Any]) -> None:
    """Copies a model's folder to `out` with another `uncertainty` in its config; the weights stay bit for bit."""
    out.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        if file.is_file() and file.resolve() != (out / file.name).resolve():
            shutil.copyfile(file, out / file.name)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    with replacing(out / "config.json") as temporary:
        temporary.write_text(json.dumps(config | {"uncertainty": told}, indent=2) + "\n", encoding="utf-8")
