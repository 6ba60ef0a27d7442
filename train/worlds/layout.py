"""A scene from a seed: what stands where, the light, and the camera that looks at it.

The world frame is metres with z up and the floor at z = 0; the camera frame is OpenCV (x right, y down,
z forward). `sample_scene` depends on its seed alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .light import look
from .outside import outdoor
from .places import indoor as sample_room
from .rays import first_hits
from .things import COLOURS, KINDS, SHAPES, STRUCTURE, TEXTURES, Item, turn_of

SIZES = ((192, 256), (256, 192), (224, 224), (160, 288), (128, 384))
SIZE_ODDS = (0.5, 0.15, 0.1, 0.15, 0.1)
FAR = 120.0
"""Metres of z-depth; anything beyond is sky."""
_GROUND = [KINDS.index(kind) for kind in ("floor", "ground", "road", "pavement", "grass")]


@dataclass
class Primitives:
    """All shapes of a scene, as arrays over P primitives; world frame, metres, linear RGB."""

    shape: np.ndarray  # (P,) index in SHAPES
    centre: np.ndarray  # (P, 3)
    turn: np.ndarray  # (P, 3, 3) local axes as columns
    half: np.ndarray  # (P, 3) half extents along the local axes
    kind: np.ndarray  # (P,) index in KINDS
    colour: np.ndarray  # (P,) index in COLOURS
    instance: np.ndarray  # (P,) 0 = fabric of the place, else 1 + index in Scene.things
    texture: np.ndarray  # (P,) index in TEXTURES
    rgb: np.ndarray  # (P, 3)
    rgb2: np.ndarray  # (P, 3)
    scale: np.ndarray  # (P,) texture period, metres
    gloss: np.ndarray  # (P,)
    glow: np.ndarray  # (P,)
    round: np.ndarray  # (P,) radius of a rounded box's edges, metres

    def to_local(self) -> np.ndarray:
        """(P, 3, 3): world offsets from the centre -> coordinates of the unit shape."""
        return self.turn.transpose(0, 2, 1) / self.half[:, :, None]

    def extent(self) -> np.ndarray:
        """(P, 4): half extents and radius of the edges, metres, as `rays.hit` takes them."""
        return np.concatenate([self.half, self.round[:, None]], 1)

    def corners(self) -> np.ndarray:
        """(P, 8, 3): the corners of every bounding box, world frame; neighbours differ in one bit."""
        signs = np.array([[1 - 2 * (i >> k & 1) for k in range(3)] for i in range(8)], float)
        return self.centre[:, None] + np.einsum("pij,pcj->pci", self.turn, signs * self.half[:, None])


@dataclass
class Thing:
    """One instance. Its box is in the camera frame: corners = centre + turn @ (+-size / 2)."""

    kind: str
    colour: str
    instance: int
    centre: np.ndarray  # (3,)
    size: np.ndarray  # (3,)
    turn: np.ndarray  # (3, 3)

    def corners(self) -> np.ndarray:
        """(8, 3), camera frame, metres."""
        signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        return self.centre + (signs * self.size / 2) @ self.turn.T


@dataclass
class Scene:
    """Everything needed to draw one image and to know the truth about it."""

    seed: int
    domain: str  # "indoor" or "outdoor"
    size: tuple[int, int]  # (H, W) pixels
    focal: float  # pixels; square
    principal: tuple[float, float]  # (cx, cy) pixels; pixel centres at +0.5
    rotation: np.ndarray  # (3, 3) camera -> world
    position: np.ndarray  # (3,) world, metres
    primitives: Primitives
    things: list[Thing]
    look: dict  # light and lens: see light.look
    room: tuple[float, float, float] | None  # (x, y, z) size of the room, its corner at the world origin

    @property
    def horizontal_fov(self) -> float:
        """Degrees between the left and the right edge, at the principal point's height."""
        width, cx = self.size[1], self.principal[0]
        return float(np.degrees(np.arctan(cx / self.focal) + np.arctan((width - cx) / self.focal)))

    @property
    def camera_height(self) -> float:
        """Metres from the floor, the road or the ground right below up to the camera."""
        p, (x, y, z) = self.primitives, self.position
        ground = np.isin(p.kind, _GROUND)
        offset = np.einsum("pji,pj->pi", p.turn[ground], np.array([x, y, 0.0]) - p.centre[ground])
        below = (np.abs(offset[:, :2]) <= p.half[ground][:, :2]).all(1)
        tops = (p.centre[ground][:, 2] + p.half[ground][:, 2])[below]
        return float(z - tops[tops < z].max(initial=0.0))

    @property
    def pitch_deg(self) -> float:
        """Degrees by which the optical axis points above the horizon."""
        return float(np.degrees(np.arcsin(np.clip(self.rotation[2, 2], -1, 1))))

    @property
    def roll_deg(self) -> float:
        """Degrees by which the camera is turned clockwise: its right side lower, the picture counter-clockwise."""
        return float(np.degrees(np.arctan2(-self.rotation[2, 0], -self.rotation[2, 1])))


def sample_scene(seed: int, size: tuple[int, int] | None = None) -> Scene:
    """The scene of this seed; `size` (H, W) overrides the image size but changes nothing else."""
    rng = np.random.default_rng(seed)
    own_size = SIZES[rng.choice(len(SIZES), p=SIZE_ODDS)]
    indoor = rng.random() < 0.55
    for attempt in range(12):
        place = sample_room(rng) if indoor else outdoor(rng)
        primitives = _primitives(place.placed)
        cameras = [_camera(rng, place, own_size) for _ in range(4)]
        scores = [_score(primitives, camera, own_size, place) for camera in cameras]
        best = int(np.argmax(scores))
        if scores[best] > 0 or attempt == 11:
            break
    focal, principal, rotation, position = cameras[best]
    height, width = size or own_size
    factor = width / own_size[1]
    if size is not None:
        principal = (principal[0] * factor, principal[1] * height / own_size[0])
    return Scene(
        seed=seed,
        domain="indoor" if indoor else "outdoor",
        size=(height, width),
        focal=focal * factor,
        principal=principal,
        rotation=rotation,
        position=position,
        primitives=primitives,
        things=_things(place.placed, rotation, position),
        look=look(rng, place),
        room=place.room,
    )


def _yaw(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def _primitives(placed: list[tuple[Item, tuple[float, float, float], float]]) -> Primitives:
    rows, turns, centres, instance = [], [], [], 0
    for item, at, yaw in placed:
        fabric = item.kind in STRUCTURE
        instance += not fabric
        spin, at = _yaw(yaw), np.array(at)
        centres.append(np.array([p.centre for p in item.parts]) @ spin.T + at)
        for part in item.parts:
            paint = part.paint
            turns.append(spin @ turn_of(part.axis))
            rows.append((
                SHAPES.index(part.shape), *part.half, KINDS.index(item.kind), COLOURS.index(item.colour),
                0 if fabric else instance, TEXTURES.index(paint.texture), *paint.rgb, *paint.rgb2,
                paint.scale, paint.gloss, paint.glow, part.round,
            ))  # fmt: skip
    table = np.array(rows)
    whole = table[:, [0, 4, 5, 6, 7]].astype(np.int64)
    return Primitives(
        shape=whole[:, 0], centre=np.concatenate(centres), turn=np.array(turns), half=table[:, 1:4],
        kind=whole[:, 1], colour=whole[:, 2], instance=whole[:, 3], texture=whole[:, 4],
        rgb=table[:, 8:11], rgb2=table[:, 11:14], scale=table[:, 14], gloss=table[:, 15], glow=table[:, 16],
        round=table[:, 17],
    )  # fmt: skip


def _things(placed, rotation, position) -> list[Thing]:
    things = []
    for item, at, yaw in placed:
        if item.kind in STRUCTURE:
            continue
        low, high = item.bounds()
        spin = _yaw(yaw)
        centre = spin @ ((low + high) / 2) + np.array(at)
        things.append(Thing(
            item.kind, item.colour, len(things) + 1,
            rotation.T @ (centre - position), high - low, rotation.T @ spin,
        ))  # fmt: skip
    return things


def _camera(rng, place, size):
    """Focal length (pixels), principal point, rotation and position of one camera in this place."""
    height, width = size
    x, y, heading = place.viewpoint(rng)
    if place.domain == "indoor":
        z = rng.uniform(0.4, 1.0) if rng.random() < 0.25 else rng.uniform(1.0, min(2.0, place.room[2] - 0.4))
        pitch = np.clip(rng.normal(-9, 8), -25, 12)
    else:
        z, pitch = rng.uniform(1.0, 2.0), np.clip(rng.normal(-3, 6), -25, 12)
    lens = rng.choice(5, p=[0.3, 0.15, 0.15, 0.1, 0.3])
    fov = rng.uniform(*((62, 72), (57, 60), (75, 85), (47, 53), (35, 100))[lens])
    if width < height:
        fov *= 0.8
    elif width > 2 * height:
        fov = min(100.0, fov * 1.25)
    fov = max(35.0, fov)
    focal = width / 2 / np.tan(np.radians(fov) / 2)
    shift = rng.uniform(-0.12, 0.12, 2) if rng.random() < 0.1 else np.clip(rng.normal(0, 0.02, 2), -0.06, 0.06)
    principal = (width * (0.5 + shift[0]), height * (0.5 + shift[1]))
    p, roll = np.radians(pitch), np.radians(np.clip(rng.normal(0, 2.5), -8, 8))
    forward = np.array([np.sin(heading) * np.cos(p), np.cos(heading) * np.cos(p), np.sin(p)])
    right = np.array([np.cos(heading), -np.sin(heading), 0])
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    rotation = np.stack([c * right + s * down, c * down - s * right, forward], 1)
    return float(focal), (float(principal[0]), float(principal[1])), rotation, np.array([x, y, z])


def _score(primitives: Primitives, camera, size, place) -> float:
    """How much there is to see: 0 where the view is blocked, else about the number of things in it."""
    focal, (cx, cy), rotation, position = camera
    height, width = size
    rows, columns = 10, 14
    v, u = np.meshgrid((np.arange(rows) + 0.5) * height / rows, (np.arange(columns) + 0.5) * width / columns,
                       indexing="ij")  # fmt: skip
    rays = np.stack([(u - cx) / focal, (v - cy) / focal, np.ones_like(u)], -1).reshape(-1, 3) @ rotation.T
    extent = np.linalg.norm(primitives.half, axis=1)
    front = (primitives.centre - position) @ rotation[:, 2] > -extent
    local = primitives.to_local()
    origin = np.einsum("pij,pj->pi", local, position - primitives.centre)
    if (np.abs(origin) < 1.1).all(1).any():
        return 0.0  # inside a shape
    front = np.flatnonzero(front)
    depth, which = first_hits(
        torch.from_numpy(primitives.shape[front]), torch.from_numpy(local[front]).float(),
        torch.from_numpy(origin[front]).float(), torch.from_numpy(primitives.extent()[front]).float(),
        torch.from_numpy(rays.T.copy()).float(),
    )  # fmt: skip
    depth, which = depth.numpy(), front[which.numpy()]
    hit = np.isfinite(depth)
    if np.median(depth) < 0.5 or depth.min() < 0.25 or (~hit).mean() > 0.85:
        return 0.0
    counts = np.bincount(primitives.instance[which[hit]], minlength=1)
    if len(counts) > 1 and counts[1:].max() > 0.5 * rows * columns:
        return 0.0
    return 0.5 + min(8, int((counts[1:] > 0).sum()))


__all__ = ["FAR", "SIZES", "Primitives", "Scene", "Thing", "sample_scene"]
