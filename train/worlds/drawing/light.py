"""The light of one photograph and the faults of its camera, drawn from a seed.

Brightness is that of white paper: 1 is what white paper shows in ordinary light. All colours are linear RGB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..places import Place
from ..things import KINDS, turn_of_yaw

WEATHERS = {"clear": 0.34, "broken": 0.26, "overcast": 0.2, "sunset": 0.08, "dusk": 0.06, "night": 0.06}
"""Skies and how often each comes."""


@dataclass(frozen=True)
class Light:
    """Something that shines: the sun, a lamp (to all sides), a panel (one side), or a shaft (sun through windows)."""

    kind: str
    at: np.ndarray  # (3,) metres; of the sun and of shafts the unit direction towards it
    rgb: np.ndarray  # (3,) white paper facing it: in the sun, or 1 m from a lamp; of a panel its own brightness
    across: np.ndarray  # (2, 3) half extents of what shines, metres; of the sun at a distance of 1 m
    openings: np.ndarray = field(default_factory=lambda: np.zeros((0, 3, 3)))  # of shafts: centres and half extents

    @property
    def normal(self) -> np.ndarray:
        """(3,): where a panel shines to."""
        n = np.cross(self.across[0], self.across[1])
        return n / np.linalg.norm(n)

    @property
    def area(self) -> float:
        return 4 * float(np.linalg.norm(np.cross(self.across[0], self.across[1])))


@dataclass(frozen=True)
class Look:
    """Lights, sky, haze and the camera's faults of one photograph, as `shade`, `lighting` and `looks` read them.

    Brightness, also of colours, is that of white paper, as above; shares and factors have no unit.
    """

    # what shines, and haze
    lights: tuple[Light, ...]  # all that shines by itself; may be none
    glow: np.ndarray  # (kinds,) by index in KINDS: factor on the glow of paint
    ambient: np.ndarray  # (6, 3) what white paper facing -x, +x, -y, +y, -z, +z gets from all around
    dark: bool  # whether there is so little light that cameras expose for long and amplify
    day: float  # brightness of daylight; outdoors 1
    lit: float  # share of the windows of facades that are lit, 0 to 1
    fog: float  # metres after which 63 % of the light is lost; from `looks.CLEAR` on there is no haze
    # the sky, outdoors or through windows
    zenith: np.ndarray  # (3,) brightness straight above
    horizon: np.ndarray  # (3,) brightness low above the ground
    sun: np.ndarray  # (3,) unit direction towards the sun, world frame
    glare: np.ndarray  # (3,) brightness that the sun adds around itself
    clouds: float  # how far clouds cover the sky, 0 to 1
    pattern: int  # from 0: the seed of clouds, skylines and textures
    # the camera
    white_balance: np.ndarray  # (3,) factors on red, green and blue
    target: float  # mean linear brightness that is aimed at
    stops: float  # error of exposure, stops: 1 doubles the light
    meter: float  # what the exposure goes by: 0 = the whole picture, 1 = mostly its middle
    shoulder: float  # brightness from which highlights are compressed; near 1 they clip
    lift: float  # local tone mapping of phones: exponent, 0 = none
    contrast: float  # factor on sRGB values, around their middle
    black: float  # veil of a dirty or flaring lens: brightness of black
    saturation: float  # factor on colourfulness: 0 = a picture without colours
    vignette: float  # share of the light that the corners lack
    shot: float  # noise by photons: standard deviation at white, brightness
    read: float  # noise by the sensor: standard deviation, brightness
    smear: float  # share of fine texture that denoising eats, 0 to 1
    blur: float  # of the lens: standard deviation, pixels
    sharpen: float  # factor on fine detail that is added once more
    shrink: float  # sensor pixels per image pixel, along a side
    aberration: float  # how much larger red and smaller blue is drawn, as a share of the picture
    motion: tuple[float, float]  # pixels across and down by which the camera moved
    defocus: tuple[float, float]  # metres that are in focus, and blur of what is far from it, pixels


def look(rng, place: Place) -> Look:
    """The light of this place and the camera that takes it, drawn."""
    return _outdoors(rng, place) if place.room is None else _indoors(rng, place)


_WARMER = np.array([1.0, 0.0, -1.0])


def _white(rng) -> np.ndarray:
    """(3,): the colour of a lamp, from candle to cold tube."""
    stops = np.array([[1.0, 0.62, 0.28], [1.0, 0.78, 0.5], [1.0, 0.93, 0.82], [0.9, 1.0, 1.08]])
    t = rng.uniform(0, 3)
    return stops[int(t)] + (stops[min(3, int(t) + 1)] - stops[int(t)]) * (t % 1)


def _camera(rng, dark: bool, illuminant: np.ndarray) -> dict[str, Any]:
    """What `Look` says of exposure, lens, sensor and processing: from good phones and reflex cameras down to webcams.

    illuminant (3,): the colour of the light, up to a factor; cameras take most of it back.
    """
    poor = rng.random() < 0.18
    motion = rng.uniform(1.5, 4) * (rng.random() < (0.15 if dark else 0.03))
    angle = rng.uniform(0, np.pi)
    drawn = {
        "pattern": int(rng.integers(1 << 30)),
        "target": rng.uniform(0.15, 0.26) * (0.55 if dark else 1.0),
        "stops": float(np.clip(rng.normal(0, 0.45), -1, 1)),
        "meter": float(rng.uniform(0, 1)),
        "shoulder": float(rng.uniform(0.45, 0.95)),
        "lift": float(rng.uniform(0.1, 0.5)) if rng.random() < 0.35 else 0.0,
        "contrast": rng.uniform(0.85, 1.18),
        "black": rng.uniform(0.0, 0.05) if rng.random() < 0.3 else 0.0,
        "saturation": 0.0 if rng.random() < 0.015 else rng.uniform(0.65, 1.3),
        "vignette": max(0.0, rng.normal(0.12, 0.15)),
        "shot": rng.uniform(0.003, 0.018) * (1.8 if dark or poor else 1.0),
        "read": rng.uniform(0.0, 0.0025) * (2.0 if dark or poor else 1.0),
        "smear": rng.uniform(0.3, 1.0) if rng.random() < 0.5 else 0.0,
        "blur": rng.uniform(0.5, 1.0) if poor else rng.uniform(0.2, 0.5),
        "sharpen": rng.uniform(0.2, 1.4) if rng.random() < 0.55 else 0.0,
        "shrink": rng.uniform(0.45, 0.8) if poor and rng.random() < 0.6 else 1.0,
        "aberration": rng.uniform(0.0005, 0.004) if rng.random() < 0.4 else 0.0,
        "motion": (motion * np.cos(angle), motion * np.sin(angle)),
        "defocus": (float(np.exp(rng.uniform(0, np.log(12.0)))), rng.uniform(0.5, 1.8) if rng.random() < 0.06 else 0.0),
    }
    adapted = illuminant ** -rng.uniform(0.45, 1.0)
    balance = adapted / adapted.mean() * np.exp(rng.normal(0, 0.05, 3) + rng.normal(0, 0.07) * _WARMER)
    return drawn | {"white_balance": balance}


# --- rooms -----------------------------------------------------------------------------------------------


def _panes(place: Place) -> np.ndarray:
    """(n, 3, 3): centre and the two half extents (to its right, up) of the pane or the hole of every window, metres."""
    panes = []
    for item, at, yaw in place.placed:
        glowing = [part for part in item.parts if part.paint.glow > 0 and part.shape == "box"]
        if item.kind == "window":
            low, high = item.bounds()
            centre, half = (low + high) / 2, (high - low) / 2
            if glowing:
                pane = max(glowing, key=lambda part: part.half[0] * part.half[2])
                centre, half = pane.centre, pane.half
            turn = turn_of_yaw(yaw)
            panes.append([turn @ centre + at, turn @ (half[0], 0, 0), np.array([0, 0, half[2]])])
    return np.array(panes).reshape(-1, 3, 3)


def _lamps(place: Place, kind: str) -> list[tuple[np.ndarray, float]]:
    """Position and radius of the glowing part of every lamp, metres."""
    lamps = []
    for item, at, yaw in place.placed:
        glowing = [part for part in item.parts if part.paint.glow > 0]
        if item.kind == kind and glowing:
            part = max(glowing, key=lambda part: part.paint.glow * math.prod(part.half))
            lamps.append((turn_of_yaw(yaw) @ part.centre + at, float(np.mean(part.half))))
    return lamps


def _albedo(place: Place, *kinds: str) -> np.ndarray:
    """(3,): the mean colour of the largest parts of these kinds; grey where there are none."""
    colours, weights = [[0.3, 0.3, 0.3]], [1e-6]
    for item, _, _ in place.placed:
        if item.kind in kinds:
            part = max(item.parts, key=lambda part: math.prod(part.half))
            colours.append((np.array(part.paint.rgb) * 0.6 + np.array(part.paint.rgb2) * 0.4).tolist())
            weights.append(math.prod(sorted(part.half)[1:]))
    return np.average(colours, axis=0, weights=weights)


def _globe(at, rgb, radius) -> Light:
    return Light("lamp", np.asarray(at, float), rgb, np.array([[radius, 0, 0], [0, radius, 0]]))


def _ceiling_lights(rng, room) -> list[Light]:
    """Panels, tubes or spots let into the ceiling, one to eight, in a grid."""
    width, length, height = room
    style, white = int(rng.integers(3)), _white(rng)
    half = ((0.3, 0.3), (0.06, rng.uniform(0.4, 0.75)), (0.07, 0.07))[style]
    columns = 1 if width < 4.5 or rng.random() < 0.5 else 2
    rows = max(1, min(4, round(length / rng.uniform(2.2, 5.0))))
    off = rng.uniform(-0.1, 0.1, 2)
    strength = rng.uniform(0.7, 1.6) * np.pi * height**2 / (columns * rows) ** 0.7 / (4 * half[0] * half[1])
    lights = []
    for i in range(columns):
        for j in range(rows):
            at = np.array([((i + 0.5) / columns + off[0]) * width, ((j + 0.5) / rows + off[1]) * length, height - 0.01])
            across = np.array([[0, half[1], 0], [half[0], 0, 0]])  # shines down
            lights.append(Light("panel", at, white * strength, across))
    return lights


def _indoors(rng, place: Place) -> Look:
    """Day through the windows, lamps, or both; the ambient light is what walls of their colours throw on."""
    room = place.room
    assert room is not None
    panes, lamps = _panes(place), _lamps(place, "lamp")
    time = str(rng.choice(["day", "day and lamps", "night"], p=[0.42, 0.33, 0.25])) if len(panes) else "lamps"
    day = float(np.exp(rng.uniform(np.log(1.2), np.log(14)))) if time.startswith("day") else rng.uniform(0.0, 0.04)
    sky = np.array([0.86, 0.95, 1.08]) * day
    glow, lights = np.ones(len(KINDS)), []
    lit = time != "day"
    hanging = [lamp for lamp in lamps if lamp[0][2] > room[2] - 1.0]
    if lit and (rng.random() < (0.25 if hanging else 0.8) or not lamps):
        lights += _ceiling_lights(rng, room)
    for at, radius in lamps if lit else []:
        lights.append(_globe(at, _white(rng) * rng.uniform(0.5, 1.6) * (2.0 if at[2] > room[2] - 1.0 else 0.7), radius))
    glow[KINDS.index("lamp")] = rng.uniform(2.0, 8.0) if lit else 0.05
    for kind in ("window", "building", "tree", "grass", "ground", "pavement"):  # what windows show
        glow[KINDS.index(kind)] = day
    sun = np.array([0, 0, 1.0])
    if time.startswith("day"):
        lights += [Light("panel", pane[0], sky, pane[1:]) for pane in panes]
        inward = np.cross(panes[0, 1], panes[0, 2])
        elevation = np.radians(rng.uniform(12, 55))
        heading = np.arctan2(-inward[1], -inward[0]) + rng.uniform(-1.2, 1.2)
        sun = np.array([np.cos(elevation) * np.cos(heading), np.cos(elevation) * np.sin(heading), np.sin(elevation)])
        if rng.random() < 0.4:
            warm = np.array([1.0, 0.88, 0.68]) * rng.uniform(0.5, 2.5) * day
            disc = 0.006 * np.stack([np.cross(sun, [0, 0, 1.0]), [0, 0, 1.0]])
            lights.append(Light("shaft", sun, warm, disc, panes))
    faces, flux = _faces(place, room), np.zeros(3)
    for light in lights:
        if light.kind == "shaft":
            enter = np.cross(panes[:, 1], panes[:, 2]) @ -sun * 4
            flux = flux + light.rgb * enter.clip(0).sum() * 0.7
        else:
            flux = flux + light.rgb * (light.area if light.kind == "panel" else 4 * np.pi)
    width, length, height = room
    areas = np.array([length * height] * 2 + [width * height] * 2 + [width * length] * 2)
    mean = 0.85 * (faces * areas[:, None]).sum(0) / areas.sum()  # furniture swallows some
    bounced = flux / areas.sum() / (1 - mean)  # what an integrating sphere of this reflectance would show
    ambient = bounced * (0.5 * faces + 0.5 * mean) + 0.004  # what faces -x sees mostly the wall at -x
    total = flux.sum() / areas.sum()
    dark = bool(total < 0.1)
    return Look(
        lights=tuple(lights), glow=glow, ambient=ambient, dark=dark,
        zenith=np.array([0.25, 0.45, 0.9]) * day, horizon=np.array([0.85, 0.92, 1.0]) * day, sun=sun,
        glare=np.array([1.0, 0.9, 0.75]) * day, clouds=rng.uniform(0, 1), day=day, lit=0.0,
        fog=float(rng.uniform(12, 60)) if rng.random() < 0.04 else 1e6,
        **_camera(rng, dark, flux + 1e-3),
    )  # fmt: skip


def _faces(place: Place, room) -> np.ndarray:
    """(6, 3): reflectance of the room's walls at -x, +x, -y, +y, of its floor and of its ceiling."""
    faces = np.stack([_albedo(place, "wall")] * 4 + [_albedo(place, "floor"), _albedo(place, "ceiling")])
    ends = np.array([[0, -1], [0, 1], [1, -1], [1, 1]])
    for item, at, _ in place.placed:
        part = max(item.parts, key=lambda part: math.prod(part.half))
        if item.kind == "wall" and part.half[2] > 0.4 * room[2]:
            offset = np.array([at[0] / room[0], at[1] / room[1]]) * 2 - 1
            face = int(np.argmax([offset[axis] * sign for axis, sign in ends]))
            faces[face] = np.array(part.paint.rgb) * 0.6 + np.array(part.paint.rgb2) * 0.4
    return faces.clip(0.02, 0.9)


# --- outdoors --------------------------------------------------------------------------------------------


def _outdoors(rng, place: Place) -> Look:
    """Sun, sky and street lamps of one of WEATHERS."""
    weather = str(rng.choice(list(WEATHERS), p=list(WEATHERS.values())))
    low, high = {"sunset": (3, 12), "clear": (15, 72), "broken": (15, 72), "overcast": (20, 70)}.get(weather, (25, 60))
    elevation, azimuth = np.radians(rng.uniform(low, high)), rng.uniform(0, 2 * np.pi)
    sun = np.array([np.cos(elevation) * np.sin(azimuth), np.cos(elevation) * np.cos(azimuth), np.sin(elevation)])
    evening = max(0.0, 1 - np.degrees(elevation) / 25)
    blue, grey = np.array([0.14, 0.33, 0.85]), np.array([0.62, 0.66, 0.72])
    warm = np.array([1.0, 0.95 - 0.3 * evening, 0.86 - 0.6 * evening])
    pale = np.array([0.8, 0.88, 1.0]) * (1 - 0.4 * evening) + np.array([1.0, 0.6, 0.3]) * 0.5 * evening
    zenith, horizon = blue * rng.uniform(0.6, 1.2) * (1 - 0.4 * evening), pale * rng.uniform(0.7, 1.1)
    strength = {"clear": rng.uniform(1.4, 3.2), "broken": rng.uniform(0.5, 2.6), "sunset": rng.uniform(0.6, 1.6)}
    strength = strength.get(weather, 0.0)
    ambient, clouds, lit = np.array([0.7, 0.85, 1.1]) * rng.uniform(0.35, 0.7), rng.uniform(0, 0.35), 0.02
    if weather == "broken":
        clouds, ambient = rng.uniform(0.4, 0.8), ambient * 1.2 + 0.1
    elif weather == "overcast":
        zenith = grey * rng.uniform(0.6, 1.2)
        horizon, ambient, clouds = zenith * rng.uniform(0.9, 1.4), zenith * 0.95, rng.uniform(0.8, 1.0)
        strength = rng.uniform(0.0, 0.15)
    elif weather == "dusk":
        zenith, horizon = np.array([0.03, 0.06, 0.16]), np.array([0.35, 0.22, 0.2]) * rng.uniform(0.3, 1)
        ambient, clouds, lit = np.array([0.05, 0.065, 0.11]), rng.uniform(0, 0.8), rng.uniform(0.15, 0.5)
    elif weather == "night":
        zenith, horizon = np.array([0.002, 0.003, 0.007]), np.array([0.02, 0.014, 0.01]) * rng.uniform(0.3, 1.5)
        ambient, clouds, lit = np.array([0.012, 0.012, 0.016]), rng.uniform(0, 0.5), rng.uniform(0.1, 0.5)
    dark = weather in ("dusk", "night")
    lights, glow = [], np.ones(len(KINDS))
    side = np.cross(sun, [0, 0, 1.0])
    disc = np.stack([side, np.cross(sun, side)]) / np.linalg.norm(side) * rng.uniform(0.005, 0.012)
    if strength > 0.05:
        lights.append(Light("sun", sun, warm * strength, disc))
    if dark:
        lights += _street_lamps(rng, place)
    glow[KINDS.index("street lamp")] = rng.uniform(5, 15) if dark else 0.0
    ground = _albedo(place, "grass", "ground", "pavement", "road")
    up = ambient + (warm * strength * sun[2] if strength > 0.05 else 0)
    sides = 0.5 * ambient + 0.35 * ground * up
    lamp = np.mean([light.rgb for light in lights], axis=0) if dark else ambient + 0.5 * warm * strength
    return Look(
        lights=tuple(lights), glow=glow, ambient=np.stack([sides] * 4 + [0.7 * ground * up, ambient]), dark=dark,
        zenith=zenith, horizon=horizon, sun=sun, glare=warm * strength, clouds=clouds, day=1.0, lit=lit, fog=_fog(rng),
        **_camera(rng, dark, lamp / lamp.max()),
    )  # fmt: skip


def _fog(rng) -> float:
    """Metres after which 63 % of the light is lost: mostly clear air, sometimes mist, rarely fog."""
    low, high = ((600, 3000), (150, 600), (40, 150))[int(rng.choice(3, p=[0.72, 0.2, 0.08]))]
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _street_lamps(rng, place: Place) -> list[Light]:
    """The six lamps nearest to where one stands; where there are none, one overhead."""
    white, places = _white(rng) * rng.uniform(4, 14), [at for at, _ in _lamps(place, "street lamp")]
    for item, at, yaw in place.placed if not places else []:
        if item.kind == "street lamp":
            low, high = item.bounds()
            places.append(turn_of_yaw(yaw) @ (0, low[1] + 0.3, high[2] - 0.25) + at)
    places.sort(key=lambda at: np.hypot(at[0], at[1] - 6))
    places = places[:6] or [np.array([rng.uniform(-4, 4), rng.uniform(-3, 6), rng.uniform(4, 7)])]
    return [_globe(at, white, 0.15) for at in places]
