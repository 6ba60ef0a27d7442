"""Questions about one drawn scene, with answers computed from its geometry and its visible pixels.

    found = questions(scene, depth_z, instance, kind)     # [{"type", "question", "answer", "value", ...}]

What counts as visible and how a thing is called: see seen.py. Positions are relative: 0-1000 from the left and the
top (Qwen3-VL's convention). Lengths are said in the unit that the question asks for, `value` and `unit` alike.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..layout import Scene
from . import camera_questions as camera
from . import naming, relations, sizes
from .asker import Asker
from .balance import balance
from .seen import Shown

ASKED: tuple[tuple[float, Callable[[Asker], None]], ...] = (
    (2.4, sizes.distance),
    (2.0, sizes.depth_at),
    (4.5, relations.closer),
    (1.6, relations.left_right),
    (2.0, naming.what_at),
    (1.6, naming.where),
    (1.5, naming.count),
    (1.6, naming.exists),
    (2.5, naming.colour),
    (2.0, relations.behind),
    (1.4, relations.above_below),
    (1.8, relations.statement),
    (0.7, relations.distance_between),
    (0.9, relations.closer_to),
    (0.5, relations.ratio),
    (4.0, relations.extreme),
    (0.9, relations.closer_point),
    (1.2, sizes.height),
    (0.8, sizes.width),
    (0.3, naming.box),
    (2.1, naming.refusal),  # after the questions whose wordings it takes
    (1.0, camera.ask_free_space),
    (1.0, camera.ask_room_height),
    (1.0, camera.ask_room_width),
    (0.7, camera.ask_camera_height),
    (0.9, camera.ask_tilt),
    (0.6, camera.ask_fov),
    (0.5, camera.ask_indoor_outdoor),
    (1.0, naming.caption),
)
"""How often each is tried in a scene, on average; a scene that does not offer it is not asked."""
ONCE = (naming.count, naming.exists, camera.ask_free_space, camera.ask_room_height, camera.ask_room_width,
        camera.ask_camera_height, camera.ask_tilt, camera.ask_fov, camera.ask_indoor_outdoor)  # fmt: skip
"""Not tried more often where more questions are wanted: their balance holds for so many tries."""

QUESTION_TYPES = (
    "distance", "depth_at", "closer", "behind", "front_behind", "left_right", "above_below", "yes_no", "true_false",
    "distance_between", "closer_to", "ratio", "closest", "farthest", "closer_point", "height", "width", "colour",
    "what_at", "where", "box", "count", "exists", "refusal", "free_space", "room_height", "room_width",
    "camera_height", "tilt", "tilt_word", "fov", "indoor_outdoor", "caption",
)  # fmt: skip


def questions(
    scene: Scene, depth_z: np.ndarray, instance: np.ndarray, kind: np.ndarray, times: float = 1.0
) -> list[dict]:
    """Question-answer pairs, 18 to 26 on average, a function of the scene's seed and the maps (H, W) given.

    times: so many times as many of each type are tried, but for those of ONCE; what a scene does not offer stays
    unasked.
    """
    return questions_about(Shown(scene, depth_z, instance, kind), times)


def questions_about(shown: Shown, times: float = 1.0) -> list[dict]:
    """`questions` where what the maps show is worked out already."""
    ask = Asker(shown, balance())
    for often, make in ASKED:
        tries = often if make in ONCE else often * times
        for _ in range(int(tries) + ask.chance(tries % 1)):
            make(ask)
    return ask.found
