"""A scene from a seed: what stands where, the light, and the camera that looks at it.

The world frame is metres with z up and the floor at z = 0; the camera frame is OpenCV (x right, y down,
z forward). `sample_scene` depends on its seed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .camera import best_view, step_aside
from .drawing.light import Look, look
from .indoors.rooms import indoor as sample_room
from .lens import Lens, sample_lens
from .outdoors.outside import outdoor
from .places import Placed
from .things import COLOURS, KINDS, SHAPES, STRUCTURE, TEXTURES, turn_of, turn_of_yaw

FAR = 120.0
"""Metres of z-depth; anything beyond is sky."""
MOST_LABELS = 250
"""Things that 8-bit labels tell apart; places keep below by themselves (`places.MOST_THINGS`), but for a few."""
_SHAPE, _TEXTURE = ({name: i for i, name in enumerate(names)} for names in (SHAPES, TEXTURES))
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
    look: Look  # light and camera
    room: tuple[float, float, float] | None  # (x, y, z) size of the room, its corner at the world origin
    distortion: tuple[float, float] = (0.0, 0.0)  # Brown's k1, k2; see heads/distortion.py
    view: int = 0  # number of this view of the world
    camera_to_world: np.ndarray | None = None  # (4, 4): this camera -> the first view's camera; None: the only view

    @property
    def name(self) -> str:
        """Of its files: the seed, and the number of the view where there are several."""
        return scene_name(self.seed, self.view, 1 if self.camera_to_world is None else 2)

    @property
    def lens(self) -> Lens:
        return Lens(self.size, self.focal, self.principal, self.distortion)

    def slopes_at(self, pixels: np.ndarray) -> np.ndarray:
        """(..., 2) pixels -> x / z and y / z of what they show, in the camera frame."""
        return self.lens.slopes_at(pixels)

    def project(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) points in front of the camera, camera frame -> (..., 2) pixels."""
        return self.lens.pixels_of(points[..., :2] / points[..., 2:])

    @property
    def horizontal_fov(self) -> float:
        """Degrees between the left and the right edge, at the principal point's height, without distortion."""
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


def scene_name(seed: int, view: int, views: int) -> str:
    """The name of one of the `views` pictures of a world."""
    return f"{seed:08d}" if views == 1 else f"{seed:08d}_{view}"


def sample_scene(seed: int, size: tuple[int, int] | None = None) -> Scene:
    """The scene of this seed; `size` (H, W) overrides the image size but changes nothing else."""
    return sample_views(seed, 1, size)[0]


def sample_views(seed: int, count: int, size: tuple[int, int] | None = None) -> list[Scene]:
    """One world from `count` nearby viewpoints that overlap with the first, which is `sample_scene`'s.

    Light, weather and exposure are shared; 30 % of the later views are taken through a lens of their own.
    """
    rng = np.random.default_rng(seed)
    indoor = rng.random() < 0.55
    for _ in range(24):
        place = sample_room(rng) if indoor else outdoor(rng)
        place.placed = labelled(place.placed)
        primitives = primitives_of(place.placed)
        lens = sample_lens(rng, place)
        first = best_view(rng, primitives, place, lens)
        if first is not None:
            break
    else:
        raise RuntimeError(f"seed {seed}: no free view in 24 places")
    light = look(rng, place)
    views, aside = [first], np.random.default_rng([seed, 3])
    for _ in range(count - 1):
        other = sample_lens(aside, place) if aside.random() < 0.3 else lens
        views.append(step_aside(aside, primitives, place, first, other))
    scenes = []
    for number, view in enumerate(views):
        seen = view.lens if size is None else view.lens.resized(size)
        pose = np.eye(4)
        pose[:3, :3] = first.rotation.T @ view.rotation
        pose[:3, 3] = first.rotation.T @ (view.position - first.position)
        scenes.append(Scene(
            seed=seed, domain=place.domain, size=seen.size, focal=seen.focal, principal=seen.principal,
            rotation=view.rotation, position=view.position, primitives=primitives,
            things=things_of(place.placed, view.rotation, view.position), look=light, room=place.room,
            distortion=seen.distortion, view=number, camera_to_world=pose if count > 1 else None,
        ))  # fmt: skip
    return scenes


def labelled(placed: Sequence[Placed]) -> list[Placed]:
    """Without the things beyond MOST_LABELS, the last ones placed."""
    kept, things = [], 0
    for one in placed:
        things += one[0].kind not in STRUCTURE
        if one[0].kind in STRUCTURE or things <= MOST_LABELS:
            kept.append(one)
    return kept


def primitives_of(placed: Sequence[Placed]) -> Primitives:
    """The shapes of all placed items; things (not the fabric) are numbered from 1 in their order."""
    rows, instance = [], 0
    for item, _, _ in placed:
        fabric = item.kind in STRUCTURE
        instance += not fabric
        whose = (KINDS.index(item.kind), COLOURS.index(item.colour), 0 if fabric else instance)
        for part in item.parts:
            paint = part.paint
            rows.append((
                _SHAPE[part.shape], *part.half, *whose, _TEXTURE[paint.texture], *paint.rgb, *paint.rgb2,
                paint.scale, paint.gloss, paint.glow, part.round, *part.centre,
            ))  # fmt: skip
    counts = [len(item.parts) for item, _, _ in placed]
    spin = np.repeat([turn_of_yaw(yaw) for _, _, yaw in placed], counts, 0)
    at = np.repeat(np.array([at for _, at, _ in placed], float), counts, 0)
    table = np.array(rows, float)
    whole = table[:, [0, 4, 5, 6, 7]].astype(np.int64)
    return Primitives(
        shape=whole[:, 0], centre=(spin @ table[:, 18:, None])[:, :, 0] + at,
        turn=spin @ np.array([turn_of(part.axis) for item, _, _ in placed for part in item.parts]), half=table[:, 1:4],
        kind=whole[:, 1], colour=whole[:, 2], instance=whole[:, 3], texture=whole[:, 4],
        rgb=table[:, 8:11], rgb2=table[:, 11:14], scale=table[:, 14], gloss=table[:, 15], glow=table[:, 16],
        round=table[:, 17],
    )  # fmt: skip


def things_of(placed: Sequence[Placed], rotation: np.ndarray, position: np.ndarray) -> list[Thing]:
    """The things among placed items in the frame of a camera: rotation (3, 3) camera -> world, position (3,) metres."""
    things = []
    for item, at, yaw in placed:
        if item.kind in STRUCTURE:
            continue
        low, high = item.bounds()
        spin = turn_of_yaw(yaw)
        centre = spin @ ((low + high) / 2) + np.array(at)
        things.append(Thing(
            item.kind, item.colour, len(things) + 1,
            rotation.T @ (centre - position), high - low, rotation.T @ spin,
        ))  # fmt: skip
    return things
