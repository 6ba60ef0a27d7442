"""Models that know the truth, or miss it by a known factor: what the benchmark must say of them is known too."""

from types import SimpleNamespace

import numpy as np

from heads.camera import Camera
from vlm.records import Record


class KnowingModel:
    """Looks at records it has been shown and returns their truth, times `factor`; `fov_factor` bends its rays."""

    def __init__(self, records: list[Record], factor: float = 1.0, focal_factor: float = 1.0, scale: float = 0.1):
        self.records = {str(record.image): record for record in records}
        self.factor, self.focal_factor, self.scale = factor, focal_factor, scale
        self.cameras: list = []
        self.looks = 0

    def look_many(self, images: list, cameras: list) -> list:
        self.cameras += cameras
        return [self.scene(self.records[str(image)], camera) for image, camera in zip(images, cameras, strict=True)]

    def look(self, image, camera=None):
        self.looks += 1
        return self.scene(self.records[str(image)], camera)

    def scene(self, record: Record, camera: Camera | None) -> SimpleNamespace:
        truth = enlarge(record.depth_z(), record.size)
        true = record.camera
        assert true is not None
        focal = true.focal * self.focal_factor
        rays = Camera.from_intrinsics(
            focal, cx=true.cx, cy=true.cy, width=true.width, height=true.height, source="rays"
        )
        view = SimpleNamespace(
            depth_z=truth * self.factor,
            sky=np.isposinf(truth).astype(np.float32),
            log_depth_scale=np.full(truth.shape, self.scale),
            camera=camera or rays,
            camera_from_rays=rays,
        )

        def ask_many(questions: list[str], **_) -> list[SimpleNamespace]:
            return [self.answer(record, question) for question in questions]

        return SimpleNamespace(views=[view], ask_many=ask_many)

    def answer(self, record: Record, question: str) -> SimpleNamespace:
        known = {row["question"]: row["answer"] for row in record.questions}
        return SimpleNamespace(text=known[question])


def enlarge(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Each value repeated to fill (width, height): the depth map as seen on the photograph's pixels."""
    return values.repeat(size[1] // values.shape[0], 0).repeat(size[0] // values.shape[1], 1)
