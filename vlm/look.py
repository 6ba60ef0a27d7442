"""Photographs -> scenes: everything is checked first, then one batched pass, then each scene keeps its share."""

import time
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from heads.camera import Camera
from heads.errors import InputError
from heads.losses import laplace_half_width, laplace_scale
from heads.rays import solve_intrinsics, solve_pose
from vlm.answer import Memory, remember
from vlm.images import Photo, Plan, camera_for, fit_to_budget, load_image, prepare
from vlm.processor import pad_rows
from vlm.scene import Scene, View

if TYPE_CHECKING:
    from vlm.model import Fathom


FOCAL = 'camera={"focal_px": ...}, {"fov_x_deg": ...}, {"focal_35mm": ...} or a 3x3 matrix, or a file with EXIF focal'


def look_at(model: "Fathom", scenes: list[list[Any]], cameras: list[list[Any]]) -> list[Scene]:
    """scenes[b]: the images of scene b; cameras: as many, None where not given. One forward pass for all."""
    started = time.perf_counter()
    processor = model.processor
    if processor is None:
        raise InputError("model", "it has no processor", "a model from Fathom.from_pretrained")
    if not scenes or not all(scenes):
        raise InputError("image", "there is none", "at least one image")
    single = len(scenes) == 1 and len(scenes[0]) == 1
    place = iter(range(sum(map(len, scenes))))
    photos = [[load_image(image, "image" if single else f"images[{next(place)}]") for image in row] for row in scenes]
    given = []
    for row, wanted in zip(photos, cameras, strict=True):
        if len(row) != len(wanted):
            raise InputError("camera", f"{len(wanted)} for {len(row)} views", "as many, None where unknown")
        given.append([None if c is None else Camera.given(*p.size, c) for p, c in zip(row, wanted, strict=True)])
    flat = [photo for row in photos for photo in row]
    counts = [len(row) for row in photos for _ in row]
    asked = [camera for row in given for camera in row]
    plans = [_plan(model, *one) for one in zip(flat, asked, counts, strict=True)]

    prepared = [prepare(*pair) for pair in zip(flat, plans, strict=True)]
    pixel_values, grid_thw = processor.pixels(prepared, [len(row) for row in photos])
    grids = iter(grid_thw.tolist())
    image_grids = [[next(grids) for _ in row] for row in photos]
    rows = [processor.split_prompt("?", row)[0] for row in image_grids]
    ids, mask = pad_rows(rows, processor.end_id)
    device = model.device
    with torch.no_grad():
        output = model(
            ids.to(device),
            attention_mask=None if bool(mask.all()) else mask.to(device),
            pixel_values=pixel_values.to(device),
            image_grid_thw=grid_thw.to(device),
            use_cache=True,
            logits_to_keep=1,
        )

    results, first = [], 0
    for b, row in enumerate(photos):
        length = len(rows[b])
        if model.family.IMAGE_SEES_QUESTION:
            here = slice(first, first + len(row))  # one picture an image
            seen = {"pixel_values": pixel_values[here].to(device), "image_grid_thw": grid_thw[here].to(device)}
            memory = Memory([], int(output.position_ids[..., b, 0]), seen)
        else:
            memory = remember(output.cache, b, length, int(output.position_ids[..., b, :length].max()) + 1)
        count = len(row)
        views = _views(model, output, b, first, row, plans[first : first + count], given[b])
        results.append(Scene(model, memory, views, image_grids[b], (time.perf_counter() - started) / len(photos)))
        first += count
    return results


def _plan(model: "Fathom", photo: Photo, given: Camera | None, count: int) -> Plan:
    """The network's size of one of a scene's `count` photographs.

    InputError where the model itself cannot tell the focal and nobody else does.
    """
    processor = model.processor
    assert processor is not None
    known = given or photo.exif_camera
    if known is None and "rays" not in model.heads:
        wrong = f"{photo.name}: this model needs the focal length (it has no ray head); EXIF: {photo.exif_note}"
        raise InputError("camera", wrong, FOCAL)
    fx = model.heads["depth"].network_fx
    if fx is None or known is None:
        return processor.plan(*photo.size, count)
    plan = fit_to_budget(*photo.size, processor.factor, max_pixels=processor.max_pixels, wanted=fx / known.fx)
    seen = known.fx * plan.resized[0] / plan.original[0]
    note = (
        f"resized from {plan.original[0]}x{plan.original[1]} to {plan.resized[0]}x{plan.resized[1]}: fx {seen:.0f} px"
    )
    if plan.note.startswith("downscaled"):
        note += f", not {fx:.0f}, because of the budget of {processor.max_pixels} pixels"
    if abs(seen / fx - 1) >= 5e-4:
        note += f"; depth is the network's times {seen / fx:.3f}"
    padding = [part for part in plan.note.split(", ") if part.startswith("padded")]
    return replace(plan, note=", ".join([note, *padding]))


def _views(
    model: "Fathom",
    output: Any,
    b: int,
    first: int,
    photos: list[Photo],
    plans: list[Plan],
    given: list,
) -> list[View]:
    solved = _cameras_from_rays(output, b, plans) if output.rays is not None else [(None, 0.0)] * len(photos)
    views: list[View] = []
    for v, (photo, plan, camera) in enumerate(zip(photos, plans, given, strict=True)):
        from_rays, focal_scale = solved[v]
        notes = [plan.note] if plan.note else []
        if model.family.IMAGE_SEES_QUESTION and v == 0:
            notes.append(
                "this family's image features depend on the question: measured without one, encoded again for each"
            )
        used = camera or photo.exif_camera or from_rays
        assert used is not None  # see `_plan`
        if camera is None:
            notes.append(f"EXIF: {photo.exif_note}")
        if camera is not None and from_rays is not None:
            notes += _doubt(camera, from_rays, focal_scale * model.config.uncertainty["focal_factor"])
        if v > 0 and from_rays is not None:
            pose = np.array(from_rays.camera_to_world)
            pose[:3, 3] *= camera_for(plans[0], views[0].camera).focal / 1000  # canonical -> metres
            used = Camera(used.intrinsics, used.width, used.height, used.source, pose)
        dense = output.dense["depth"][first + v]
        raw = {key: value.float().cpu() for key, value in dense.items()}
        if v > 0 and used.camera_to_world is None:
            notes.append("this model has no ray head: where this view was taken from is unknown")
        if "raw_scale" not in raw:
            notes.append("this model states no uncertainty of its depth and does not tell sky")
        views.append(View(photo, plan, used, raw, focal_scale, model.config.uncertainty, from_rays, notes))
    return views


def _doubt(camera: Camera, from_rays: Camera, focal_scale: float) -> list[str]:
    """A warning where a given focal lies outside the ray head's own 99 % interval."""
    limit = float(laplace_half_width(focal_scale, 0.99))
    if abs(np.log(camera.focal / from_rays.focal)) <= limit:
        return []
    low, high = from_rays.focal * np.exp(-limit), from_rays.focal * np.exp(limit)
    expected = f"{low:.0f} to {high:.0f} px (99 %)"
    text = f"camera: the given focal of {camera.focal:.0f} px is outside what the image looks like, {expected}"
    warnings.warn(text, stacklevel=5)  # the line that called look
    return [text]


def _cameras_from_rays(output: Any, b: int, plans: list[Plan]) -> list[tuple[Camera, float]]:
    """One (camera, Laplace scale of its log focal) a view. Poses are in canonical units of the first view."""
    rays, tokens = output.rays, output.ray_input
    results = []
    for v, plan in enumerate(plans):
        here = tokens.mask[b] & (tokens.view[b] == v)
        direction = rays["direction"][b, here].double().cpu()
        weight = laplace_scale(rays["raw_scale"][b, here]).double().cpu() ** -2
        pixels, inside = token_pixels(plan)
        weight = weight * inside
        pose = None
        if v == 0:
            intrinsics = solve_intrinsics(direction, pixels, weight)
        else:
            intrinsics, rotation = solve_pose(direction, pixels, weight)
            origin = (rays["origin"][b, here].double().cpu() * (weight / weight.sum())[:, None]).sum(0)
            pose = np.eye(4)
            pose[:3, :3], pose[:3, 3] = rotation.numpy(), origin.numpy()
        focal_scale = float(laplace_scale(rays["raw_focal_scale"][b, v]))
        results.append((_plausible(intrinsics.double().numpy(), plan.original, pose), focal_scale))
    return results


def token_pixels(plan: Plan) -> tuple[torch.Tensor, torch.Tensor]:
    """Token centres in the caller's pixels (n, 2), and 1 where they lie on the photograph (0 on padding)."""
    rows, columns = plan.tokens
    y, x = torch.meshgrid(torch.arange(rows) + 0.5, torch.arange(columns) + 0.5, indexing="ij")
    cell = torch.tensor([plan.padded[0] / columns, plan.padded[1] / rows]).double()
    network = torch.stack([x, y], -1).reshape(-1, 2).double() * cell
    inside = (network <= torch.tensor(plan.resized).double()).all(-1).double()
    scale = torch.tensor(plan.original).double() / torch.tensor(plan.resized).double()
    if inside.sum() < 4:  # next to nothing but padding: its constant border is all there is to go by
        inside = torch.ones_like(inside)
    return network * scale, inside


def _plausible(intrinsics: np.ndarray, size: tuple[int, int], pose: np.ndarray | None) -> Camera:
    """Keeps a solved camera within what `Camera` accepts: focal 0.1 to 20 sides, centre within the image."""
    side = max(size)
    focal = np.clip(np.nan_to_num((intrinsics[0, 0] * intrinsics[1, 1]) ** 0.5, nan=side), 0.1 * side, 20.0 * side)
    centre = np.clip(np.nan_to_num(intrinsics[:2, 2]), 0, size)
    matrix = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1.0]])
    return Camera(matrix, size[0], size[1], "rays", pose)
