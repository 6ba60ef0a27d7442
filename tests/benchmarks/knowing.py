"""An adapter that knows the truth, or misses it by a known factor: what the benchmark must say of it is known too."""

from pathlib import Path

import numpy as np

from benchmarks.adapters.base import Prediction
from heads.camera import Camera
from vlm.images import Photo
from vlm.records import Record


def enlarge(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Each value repeated to fill (width, height): the depth map as seen on the photograph's pixels."""
    return values.repeat(size[1] // values.shape[0], 0).repeat(size[0] // values.shape[1], 1)


class KnowingAdapter:
    """Returns the truth of records it has been shown, times `factor`; `focal_factor` bends its own camera.

    claim: the field it fills. fails_on: names of images on which it raises. calls: what it was asked, in order.
    """

    needs_camera = False

    def __init__(
        self,
        records: list[Record],
        factor: float = 1.0,
        focal_factor: float = 1.0,
        scale: float | None = 0.1,
        claim: str = "depth_metric",
        fails_on: tuple[str, ...] = (),
    ):
        self.records = {Path(record.image).name: record for record in records}
        self.factor, self.focal_factor, self.scale, self.claim = factor, focal_factor, scale, claim
        self.fails_on, self.name = fails_on, "knowing"
        self.claims = frozenset({claim, "sky", "camera"} | ({"log_depth_scale"} if scale else set()))
        self.facts = {"factor": factor}
        self.calls: list[tuple[list[Photo], list[Camera | None], list | None]] = []

    def predict(self, photos, cameras, pixels):
        self.calls.append((photos, cameras, pixels))
        names = [Path(photo.name).name for photo in photos]
        if set(names) & set(self.fails_on):
            raise RuntimeError("out of memory, says the model")
        return [self.prediction(*row) for row in zip(photos, cameras, names, strict=True)]

    def prediction(self, photo: Photo, camera: Camera | None, name: str) -> Prediction:
        record = self.records[name]
        truth = enlarge(record.depth_z(), record.size)
        true = record.camera
        own = true and Camera.from_intrinsics(
            true.focal * self.focal_factor, cx=true.cx, cy=true.cy, width=true.width, height=true.height, source="rays"
        )
        if photo.size != record.size:  # a crop: found again by its pixels
            left, top = find(photo.rgb, record)
            truth = truth[top : top + photo.size[1], left : left + photo.size[0]]
            own = own and own.crop(left, top, *photo.size)
        prediction = Prediction(
            log_depth_scale=None if self.scale is None else np.full(truth.shape, self.scale),
            sky=np.isposinf(truth).astype(np.float32),
            camera=own,
            focal_from="caller" if camera else "rays",
        )
        setattr(prediction, self.claim, truth * self.factor)
        return prediction


def find(rgb: np.ndarray, record: Record) -> tuple[int, int]:
    """(left, top) where a window lies in its photograph."""
    from vlm.images import load_image

    whole = load_image(record.image).rgb
    views = np.lib.stride_tricks.sliding_window_view(whole, rgb.shape[:2], axis=(0, 1))
    rows, columns = np.nonzero((views == np.moveaxis(rgb, -1, 0)).all((2, 3, 4)))
    assert len(rows) == 1
    return int(columns[0]), int(rows[0])
