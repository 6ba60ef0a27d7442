"""A scene on disk: every format of `FORMATS`, each file whole or not there at all."""

import json
import platform
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from heads.errors import InputError
from vlm.files import check_folder, replacing, write_depth_png, write_npz, write_picture
from vlm.files_3d import write_mesh_glb, write_points_glb, write_points_ply
from vlm.geometry import grid_mesh, point_cloud
from vlm.installed import version_of
from vlm.pictures import depth_picture, photograph_picture, rays_picture, uncertainty_picture

if TYPE_CHECKING:
    from vlm.scene import Scene, View

FORMATS: dict[str, Callable[[Path, "View"], Any]] = {
    "depth.npz": lambda path, view: write_npz(
        path,
        depth_z=view.depth_z,
        camera=view.camera,
        log_depth_scale=getattr(view, "log_depth_scale", None),
        sky=getattr(view, "sky", None),
        ray_directions=view.ray_directions,
        depth_interval90=None if "log_depth_scale" in view.missing else view.depth_interval(0.9),
    ),
    "depth_z.png": lambda path, view: write_depth_png(path, view.depth_z),
    "photograph.jpg": lambda path, view: write_picture(path, photograph_picture(view.image)),
    "depth.jpg": lambda path, view: write_picture(path, depth_picture(view.depth_z)),
    "uncertainty.jpg": lambda path, view: write_picture(path, uncertainty_picture(view.log_depth_scale)),
    "rays.jpg": lambda path, view: write_picture(path, rays_picture(view.ray_directions)),
    "points.ply": lambda path, view: write_points_ply(path, *point_cloud(view.points, view.image, view.depth_z)),
    "points.glb": lambda path, view: write_points_glb(path, *point_cloud(view.points, view.image, view.depth_z)),
    "mesh.glb": lambda path, view: write_mesh_glb(path, *grid_mesh(view.points, view.depth_z, view.image)),
}
ANSWER = "answer.json"
NEEDS = {"uncertainty.jpg": "log_depth_scale"}  # left out, and said so, where the model does not predict it


def save_scene(scene: "Scene", folder: Path, formats: Iterable[str] | None) -> list[Path]:
    """Each view's files (in `view1`, `view2`, ... where there are several) and one answer.json.

    What a view's model does not predict is left out; `left_out` in answer.json says what. Raises InputError,
    before anything is written, where the folder cannot be or a format is unknown.
    """
    wanted = check_formats(formats)
    folder = check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written, views = [], []
    for number, view in enumerate(scene.views, 1):
        place = folder if len(scene.views) == 1 else folder / f"view{number}"
        place.mkdir(exist_ok=True)
        told = describe(view)
        absent = [name for name in wanted if NEEDS.get(name) in view.missing]
        if view.missing:
            told["left_out"] = {"not_predicted": view.missing, "files": absent}
        if absent and formats is not None:
            text = f"formats: {', '.join(absent)} left out: this model does not predict {', '.join(view.missing)}"
            warnings.warn(text, stacklevel=3)  # the line that called scene.save
        for name in (name for name in wanted if name not in absent):
            result = FORMATS[name](place / name, view)
            if name == "depth_z.png":
                told["depth_z_png"] = result
            written.append(place / name)
        views.append(told)
    answer = answer_json(scene, views)
    with replacing(folder / ANSWER) as temporary:
        temporary.write_text(json.dumps(answer, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return [*written, folder / ANSWER]


def answer_json(scene: "Scene", views: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Everything a program wants to know of a scene but the arrays: answers, cameras, statistics, versions."""
    return {
        "answers": [
            {"question": question, "text": a.text, "log_probability": round(a.log_probability, 4)}
            for question, a in scene.asked
        ],
        "views": views or [describe(view) for view in scene.views],
        "model": scene.model.config.name_or_path,
        "seconds_look": round(scene.seconds, 4),
        "versions": {name: version_of(name) for name in ("fathom-vlm", "torch", "transformers", "numpy")}
        | {"python": platform.python_version()},
    }


def check_formats(formats: Iterable[str] | None) -> list[str]:
    """The files to write; None = all of `FORMATS`. answer.json is always written."""
    wanted = list(FORMATS) if formats is None else [name for name in formats if name != ANSWER]
    for name in wanted:
        if name not in FORMATS:
            raise InputError("formats", f"unknown {name!r}", ", ".join([*FORMATS, ANSWER]))
    return wanted


def describe(view: "View") -> dict[str, Any]:
    """Camera, which focal was used, and statistics of depth_z, ready for JSON."""
    depth = view.depth_z
    known = depth[np.isfinite(depth)]
    statistics = {} if "sky" in view.missing else {"sky_share": round(float(np.isposinf(depth).mean()), 4)}
    if known.size:
        low, median, high = np.percentile(known, [1, 50, 99])
        statistics |= {
            "p01_m": round(float(low), 3),
            "median_m": round(float(median), 3),
            "p99_m": round(float(high), 3),
        }
        if "log_depth_scale" not in view.missing:
            statistics["median_log_depth_scale"] = round(float(np.median(view.log_depth_scale)), 4)
    seen = view.camera_from_rays
    return {
        "image": view.photo.name,
        "size": list(view.photo.size),
        "network_size": list(view.plan.padded),
        "focal_source": view.camera.source,
        "camera": view.camera.to_dict(),
        "camera_from_rays": None if seen is None else seen.to_dict(),
        "depth_z": statistics,
        "notes": view.notes,
    }
