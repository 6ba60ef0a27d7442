"""ETH3D, high-resolution multi-view: DSLR photographs of 13 scenes with a FARO laser scan.

link      https://www.eth3d.net/datasets
layout    SCENE/images/dslr_images_undistorted/NAME.JPG and SCENE/dslr_calibration_undistorted/{cameras,images}.txt
          (multi_view_training_dslr_undistorted.7z); SCENE/dslr_calibration_jpg/{cameras,images}.txt
          (multi_view_training_dslr_jpg.7z); SCENE/ground_truth_depth/dslr_images/NAME.JPG, which is raw float32,
          row by row, without a header (SCENE_dslr_depth.7z)
split     training (454 photographs); the test scenes' truth is not published
range     0.1 to 300 m
depth     z-depth of laser points seen in two photographs or more, inf = none
licence   CC BY-NC-SA 4.0
faults    The truth is a map of the DISTORTED photograph (THIN_PRISM_FISHEYE), of another size than the undistorted
          one. Each of its points is moved to the pixel of the undistorted photograph on which its ray falls; its z
          stays. The map is a quarter of the photograph's size (a block of 4x4 keeps the point nearest its centre:
          full maps would be 96 MB each). inf means no truth, not sky.
poses     camera to world, metres; records of one scene share a view group
source    ETH3D/dataset-pipeline: ground_truth_creator.cc (z, inf), colmap_model.cc (pixel centres at +0.5)
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.base import Card, expected, none_found, photograph, record_row, unreadable
from benchmarks.datasets.colmap import ColmapCamera, read_cameras, read_images
from benchmarks.datasets.points import scattered
from heads.camera import Camera

CARD = Card(
    name="eth3d",
    domain="mixed",
    link="https://www.eth3d.net/datasets",
    licence="CC BY-NC-SA 4.0",
    layout="ETH3D high-res multi-view training data: undistorted and JPEG DSLR images, depth (2017)",
    splits=("training",),
    depth="FARO laser scanner",
    valid_range_m=(0.1, 300.0),
)

OUTDOOR = {"courtyard", "electro", "facade", "meadow", "playground", "terrace"}
SHRINK = 4


@dataclass(frozen=True)
class Item:
    """One photograph: its own pinhole camera, and the distorted camera of its truth."""

    scene: str
    image: Path
    truth: Path
    camera: Camera
    lens: ColmapCamera
    split: str


def items(root: Path, split: str) -> list[Item]:
    """The photographs of every scene in `root` that has calibration and truth."""
    scenes = sorted(path.parent for path in root.glob("*/dslr_calibration_undistorted"))
    if not scenes:
        raise none_found(root / "SCENE" / "dslr_calibration_undistorted" / "cameras.txt", CARD)
    found = []
    for scene in scenes:
        plain, raw = scene / "dslr_calibration_undistorted", scene / "dslr_calibration_jpg"
        cameras, images = read_cameras(plain / "cameras.txt", CARD), read_images(plain / "images.txt", CARD)
        lenses, originals = read_cameras(raw / "cameras.txt", CARD), read_images(raw / "images.txt", CARD)
        lens_of = {Path(name).name: lenses[number] for name, (number, _) in originals.items()}
        expected(scene / "ground_truth_depth" / "dslr_images", CARD)
        for name, (number, camera_to_world) in sorted(images.items()):
            file = Path(name).name
            if file not in lens_of:
                raise unreadable(raw / "images.txt", CARD, f"it misses {file}")
            truth = scene / "ground_truth_depth" / "dslr_images" / file
            camera = cameras[number].pinhole(camera_to_world)
            found.append(Item(scene.name, scene / "images" / name, truth, camera, lens_of[file], split))
    return found


def record(item: Item) -> dict[str, Any]:
    """The undistorted photograph in place, its truth moved onto it."""
    image, size = photograph(item.image, CARD)
    if size != item.camera.size:
        raise unreadable(item.image, CARD, f"it has {size} pixels, its calibration {item.camera.size}")
    depth = moved_truth(_truth(item), item.lens, item.camera)
    return record_row(
        CARD,
        item.split,
        scene=item.scene,
        frame=f"{item.scene}_{item.image.stem}",
        image=image,
        size=size,
        camera=item.camera,
        depth=depth,
        depth_size=(depth.shape[1], depth.shape[0]),
        domain="outdoor" if item.scene in OUTDOOR else "indoor",
        view_group=item.scene,
    )


def _truth(item: Item) -> np.ndarray:
    """(H, W) float32 metres of the distorted photograph, inf = none."""
    values = np.fromfile(expected(item.truth, CARD), "<f4")
    if values.size != item.lens.width * item.lens.height:
        wrong = f"{values.size} values for {item.lens.width}x{item.lens.height} pixels"
        raise unreadable(item.truth, CARD, wrong)
    return values.reshape(item.lens.height, item.lens.width)


def moved_truth(truth: np.ndarray, lens: ColmapCamera, camera: Camera) -> np.ndarray:
    """(H, W) z-depth of the distorted photograph -> (h, w) of the pinhole one, a quarter of its size; nan = none."""
    rows, columns = np.nonzero(np.isfinite(truth) & (truth > 0))
    slopes = lens.slopes_of(np.stack([columns, rows], axis=-1) + 0.5)
    small = camera.resize(max(1, camera.width // SHRINK), max(1, camera.height // SHRINK))
    pixels = slopes * (small.fx, small.fy) + (small.cx, small.cy)
    off_centre = np.abs(pixels - np.floor(pixels) - 0.5).max(-1)
    return scattered(pixels, truth[rows, columns], small.size, order=-off_centre)
