"""What was measured in the pictures of a batch, in the form in which each head's loss takes it.

Every picture has its entry in the right shape; where nothing is known it is nan (depth), -1 (labels) or masked
(rays), so that it counts for nothing.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from heads.camera import Camera
from heads.distortion import slopes_at
from train.data.samples import View
from train.data.windows import read_depth, read_nearest
from vlm.images import Plan, camera_for
from vlm.look import token_pixels

PER_CELL = 16
"""Output pixels of a dense head per cell of its finest grid (`heads.pyramid.OUTPUT_PER_PATCH`)."""
CANONICAL_FOCAL_PX = 1000.0


def dense_size(head: Any, patches: tuple[int, int], tokens: tuple[int, int]) -> tuple[int, int]:
    """(H, W) of a depth head's output for a picture of so many patches and tokens (h, w)."""
    if hasattr(head, "stride"):  # the published heads
        return tokens[0] * head.stride, tokens[1] * head.stride
    finest = min(head.taps, key=lambda tap: tap.stride).name if head is not None else "vision"
    rows, columns = patches if finest.startswith("vision") else tokens
    return rows * PER_CELL, columns * PER_CELL


def depth_truth(view: View, plan: Plan, size: tuple[int, int], by_fx: bool = False) -> dict[str, Tensor]:
    """depth_z (H, W) metres, inf = sky, nan = unknown; focal_px of the network's image; rays (3, H, W), z = 1.

    size: (H, W), the head's output over the network's image, padding included (unknown). by_fx: the focal is fx,
    as the published heads have it, not sqrt(fx * fy).
    """
    camera = view.camera
    if camera is None:  # without a focal length no depth is metric for the network
        depth = np.full(size, np.nan, np.float32)
        rays = np.ones((3, *size), np.float32)
        return {"depth_z": torch.from_numpy(depth), "focal_px": torch.tensor(1.0), "rays": torch.from_numpy(rays)}
    if view.depth_z is None:
        depth = np.full(size, np.nan, np.float32)
    else:
        depth = read_depth(view.depth_z, view.window, size, _filled(plan))
    seen = camera_for(plan, camera)
    height, width = size
    x, y = (np.arange(width) + 0.5) * (seen.width / width), (np.arange(height) + 0.5) * (seen.height / height)
    rays = np.ones((3, height, width), np.float32)
    rays[:2] = np.moveaxis(slopes_at(np.stack(np.meshgrid(x, y), -1), seen, view.distortion), -1, 0)
    return {
        "depth_z": torch.from_numpy(np.ascontiguousarray(depth, np.float32)),
        "focal_px": torch.tensor(seen.fx if by_fx else seen.focal, dtype=torch.float32),
        "rays": torch.from_numpy(rays),
    }


def label_truth(view: View, plan: Plan, names: list[str]) -> dict[str, Tensor]:
    """name -> (H, W) int16 class ids at the network's size, -1 = unknown."""
    size = (plan.padded[1], plan.padded[0])
    truth = {}
    for name in names:
        if name in view.labels:
            ids = read_nearest(view.labels[name].astype(np.int16), view.window, size, _filled(plan), -1)
        else:
            ids = np.full(size, -1, np.int16)
        truth[name] = torch.from_numpy(ids)
    return truth


def ray_truth(rows: list[list[View]], plans: list[list[Plan]]) -> dict[str, Tensor]:
    """Rows of views, padded to the longest: what `heads.rays.RayHead.loss` takes. A row has at least one view.

    In the first view's frame; a later view counts where its pose and the first one's are known. Pixels are of the
    picture, stretched to square pixels where they are not. A bent lens counts as the pinhole of its focal length: that
    is what a look solves for.
    """
    counts = [[plan.tokens[0] * plan.tokens[1] for plan in row] for row in plans]
    length, most = max(map(sum, counts)), max(map(len, rows))
    pixels, direction = torch.zeros(len(rows), length, 2), torch.zeros(len(rows), length, 3)
    origin, mask = torch.zeros_like(direction), torch.zeros(len(rows), length, dtype=torch.bool)
    view_of = torch.zeros(len(rows), length, dtype=torch.long)
    focal_px, rotation = torch.ones(len(rows), most), torch.eye(3).repeat(len(rows), most, 1, 1)
    for b, row in enumerate(rows):
        first = 0
        for v, (view, plan, count) in enumerate(zip(row, plans[b], counts[b], strict=True)):
            here = slice(first, first + count)
            first += count
            view_of[b, here] = v
            pose = _relative(row[0].camera, view.camera, v)
            if view.camera is None or pose is None:
                continue
            place, inside = token_pixels(plan)
            camera = view.camera
            slopes = np.concatenate([slopes_at(place.numpy(), camera, (0.0, 0.0)), np.ones((count, 1))], 1)
            pixels[b, here] = torch.from_numpy(slopes[:, :2] * camera.focal + (camera.cx, camera.cy)).float()
            direction[b, here] = torch.from_numpy(slopes @ pose[:3, :3].T).float()
            mask[b, here] = inside > 0
            focal_px[b, v], rotation[b, v] = camera.focal, torch.from_numpy(pose[:3, :3]).float()
            if v > 0 and row[0].camera is not None:
                scale = CANONICAL_FOCAL_PX / camera_for(plans[b][0], row[0].camera).focal
                origin[b, here] = torch.from_numpy(pose[:3, 3] * scale).float()
    return {
        "pixels": pixels,
        "direction": direction,
        "origin": origin,
        "mask": mask,
        "view": view_of,
        "focal_px": focal_px,
        "rotation": rotation,
    }


def _filled(plan: Plan) -> tuple[float, float]:
    """The share of the network's width and height that the picture takes."""
    return plan.resized[0] / plan.padded[0], plan.resized[1] / plan.padded[1]


def _relative(first: Camera | None, other: Camera | None, number: int) -> np.ndarray | None:
    """(4, 4) from a view's frame to the first view's, metres; None where a pose is unknown."""
    if number == 0:
        return np.eye(4)
    if first is None or other is None or first.camera_to_world is None or other.camera_to_world is None:
        return None
    return np.linalg.inv(first.camera_to_world) @ other.camera_to_world
