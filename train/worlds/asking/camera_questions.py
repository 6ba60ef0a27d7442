"""What the picture tells of the camera and of the space in front of it: height, tilt, free way, room.

The way ahead is 0.6 m wide, on the ground, along the horizontal direction in which the camera looks. What reaches
between 0.1 and 1.8 m above the ground within it is an obstacle; the free space is the horizontal distance to the
nearest visible one, and is known only where the picture shows the ground of the way in front of it, too.
"""

from __future__ import annotations

import numpy as np

from ..things import KINDS
from .asker import Asker
from .seen import Shown, level_right

GROUND = [KINDS.index(kind) for kind in ("floor", "ground", "road", "pavement", "grass")]
CEILING, FLOOR, WALL = (KINDS.index(kind) for kind in ("ceiling", "floor", "wall"))
HALF_WAY = 0.3
LOW, HIGH = 0.1, 1.8
SPECKS = 4
"""So many nearest pixels may be a sliver: the next one is the obstacle."""
SEEN = 0.02
"""Share of the picture that a floor, a ceiling or a wall must fill to be spoken of."""


def free_space(shown: Shown) -> float | None:
    """Metres along the ground to the first visible obstacle of the way ahead; None where it is not to be seen."""
    scene = shown.scene
    forward = scene.rotation[:, 2]
    if abs(forward[2]) > 0.8:
        return None
    along = scene.rotation.T @ np.append(forward[:2] / np.linalg.norm(forward[:2]), 0.0)
    points = shown.points
    with np.errstate(invalid="ignore"):
        ahead, above = points @ along, shown.heights()
        way = (np.abs(points @ level_right(scene)) < HALF_WAY) & np.isfinite(shown.depth_z)
    obstacles = ahead[way & (above > LOW) & (above < HIGH)]
    ground = ahead[way & np.isin(shown.kind, GROUND)]
    if len(obstacles) <= SPECKS or len(ground) <= SPECKS:
        return None
    nearest = float(np.partition(obstacles, SPECKS)[SPECKS])
    return nearest if 0.3 < nearest < 60 and ground.min() < 0.85 * nearest else None


def room_height(shown: Shown) -> float | None:
    """Metres from the visible floor to the visible, flat ceiling."""
    if shown.structure[FLOOR] < SEEN or shown.structure[CEILING] < SEEN:
        return None
    above = shown.heights()
    ceiling, floor = above[shown.kind == CEILING], above[shown.kind == FLOOR]
    if np.ptp(ceiling) > 0.05 or np.ptp(floor) > 0.05:
        return None
    return float(np.median(ceiling) - np.median(floor))


def room_width(shown: Shown) -> float | None:
    """Metres between the walls to the left and to the right, where the picture shows both, and floor and ceiling."""
    scene, room = shown.scene, shown.scene.room
    if room is None or shown.structure[FLOOR] < SEEN or shown.structure[CEILING] < SEEN:
        return None
    axis = int(np.abs(scene.rotation[:2, 0]).argmax())  # the world's axis that points most to the side
    if abs(scene.rotation[axis, 0]) < 0.85:
        return None
    walls = shown.points[shown.kind == WALL] @ scene.rotation[axis] + scene.position[axis]
    both = [float((np.abs(walls - end) < 0.06).sum()) / shown.kind.size for end in (0.0, room[axis])]
    return float(room[axis]) if min(both) > SEEN else None


def camera_height(shown: Shown) -> float | None:
    """Metres above the ground, where the picture shows ground."""
    height = shown.scene.camera_height
    return height if shown.structure[GROUND].sum() > 0.03 and height > 0.2 else None


def tilt_word(shown: Shown) -> str | None:
    """ "level" within 2.5 degrees, "up" and "down" from 5 degrees on."""
    degrees = shown.scene.pitch_deg
    return "level" if abs(degrees) < 2.5 else None if abs(degrees) < 5 else "up" if degrees > 0 else "down"


MEASURES = {"free_space": free_space, "room_height": room_height, "room_width": room_width,
            "camera_height": camera_height}  # fmt: skip


def _length(kind: str):
    def ask_it(ask: Asker) -> None:
        value = MEASURES[kind](ask.shown)
        if value is not None and ask.chance(ask.balance.usual(kind, ask.domain, value)):
            ask.say_length(kind, value)

    return ask_it


ask_free_space, ask_room_height, ask_room_width, ask_camera_height = map(_length, MEASURES)


def ask_tilt(ask: Asker) -> None:
    degrees, word = ask.scene.pitch_deg, tilt_word(ask.shown)
    if word is not None and ask.chance(ask.balance.tilt(ask.domain, word)):
        if ask.chance(0.5):
            ask.say("tilt_word", word, value=word)
        else:
            whole = round(degrees)
            said = (
                f"{abs(whole)} degree{'s' * (abs(whole) > 1)} {'up' if whole > 0 else 'down'}" if whole else "0 degrees"
            )
            ask.say("tilt", said, value=round(degrees, 2), unit="degrees")


def ask_fov(ask: Asker) -> None:
    degrees = ask.scene.horizontal_fov
    if ask.chance(ask.balance.usual("fov", "any", degrees)):
        ask.say("fov", f"{5 * round(degrees / 5)} degrees", value=round(degrees, 2), unit="degrees")


def ask_indoor_outdoor(ask: Asker) -> None:
    if ask.chance(ask.balance.outdoor_or_indoor(ask.domain)):
        ask.say("indoor_outdoor", ask.domain, value=ask.domain)
