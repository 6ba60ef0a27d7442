"""7-Scenes: Kinect sequences of seven rooms with tracked poses.

link      https://www.microsoft.com/en-us/research/project/rgb-d-dataset-7-scenes/
layout    SCENE/TestSplit.txt, TrainSplit.txt; SCENE/seq-01/frame-000000.color.png, .depth.png, .pose.txt
splits    test, train (as the split files of the scenes say)
range     0.1 to 10 m
depth     z-depth of a Kinect, 16-bit PNG, millimetres; referenced in place
licence   Microsoft Research, non-commercial
faults    65535 means no measurement: the valid range takes it out. Colour and depth are two cameras and the
          release does not register them: depth is up to some pixels off at edges. The page gives one camera (focal
          length 585 px, principal point (320, 240)), which everyone uses for both; so do we. Do not measure
          edges on it.
poses     camera to world, metres, OpenCV axes, from KinectFusion; records of one scene share a view group
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.base import Card, expected, image_size, none_found, photograph, pinhole, record_row, unreadable

CARD = Card(
    name="sevenscenes",
    domain="indoor",
    link="https://www.microsoft.com/en-us/research/project/rgb-d-dataset-7-scenes/",
    licence="Microsoft Research, non-commercial",
    layout="RGB-D Dataset 7-Scenes (2013)",
    splits=("test", "train"),
    depth="Kinect v1, not registered to colour",
    valid_range_m=(0.1, 10.0),
)

FOCAL_PX, CENTRE = 585.0, (320.0, 240.0)


@dataclass(frozen=True)
class Item:
    """One frame of a sequence's folder. name: as frame-000000."""

    scene: str
    folder: Path
    name: str
    split: str


def items(root: Path, split: str) -> list[Item]:
    """Every frame of the scenes in `root` that their split files name."""
    lists = sorted(root.glob(f"*/{split.capitalize()}Split.txt"))
    if not lists:
        raise none_found(root / "SCENE" / f"{split.capitalize()}Split.txt", CARD)
    found = []
    for path in lists:
        for number in re.findall(r"\d+", path.read_text(encoding="utf-8")):
            folder = expected(path.parent / f"seq-{int(number):02d}", CARD)
            names = sorted(color.name.removesuffix(".color.png") for color in folder.glob("frame-*.color.png"))
            if not names:
                raise none_found(folder / "frame-000000.color.png", CARD)
            found += [Item(path.parent.name, folder, name, split) for name in names]
    return found


def record(item: Item) -> dict[str, Any]:
    """Colour and depth in place, the pose of the depth camera for both."""
    color, depth, pose = (item.folder / f"{item.name}.{end}" for end in ("color.png", "depth.png", "pose.txt"))
    image, size = photograph(color, CARD)
    try:
        camera_to_world = np.loadtxt(expected(pose, CARD)).reshape(4, 4)
    except ValueError as problem:
        raise unreadable(pose, CARD, problem) from problem
    camera = pinhole((FOCAL_PX, FOCAL_PX, *CENTRE), size, 0.5, camera_to_world)
    return record_row(
        CARD,
        item.split,
        scene=item.scene,
        frame=f"{item.scene}_{item.folder.name}_{item.name}",
        image=image,
        size=size,
        camera=camera,
        depth=expected(depth, CARD),
        depth_scale=1000.0,
        depth_size=image_size(depth, CARD),
        view_group=item.scene,
    )
