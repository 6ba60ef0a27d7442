"""What a world is made of: the names of kinds and colours, paint, parts and items.

An item (a chair, a car) is a handful of parts (unit shapes, scaled) in its own frame: metres, x to its
right, y away from its front, z up, origin on the ground under its middle. Its front faces -y.
"""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

STRUCTURE = ("floor", "ceiling", "wall", "ground", "road", "pavement", "grass", "building")
THINGS = (
    "door", "window", "table", "chair", "sofa", "bed", "cabinet", "shelf", "lamp", "box", "ball", "bottle",
    "plant", "painting", "person", "tv", "rug", "mug", "car", "van", "tree", "street lamp", "traffic cone",
    "bin", "bench", "fence", "bush", "sign", "stool", "curtain",
    "desk", "counter", "fridge", "oven", "sink", "toilet", "bathtub", "washing machine", "mirror", "clock", "radiator",
    "light switch", "socket", "fireplace", "piano", "stairs", "ladder", "cushion", "laptop", "book", "vase", "bowl",
    "backpack", "suitcase", "dog", "cat",
    "bicycle", "motorcycle", "bus", "truck", "traffic light", "fire hydrant", "mailbox", "bollard", "rock", "hedge",
    "tent", "fountain", "slide", "parasol", "pole", "bus shelter",
)  # fmt: skip
KINDS = ("nothing", *STRUCTURE, *THINGS)
"""Index 0 means sky or unknown; then the fabric of the place; then things one can ask about."""

COLOURS = (
    "none", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "grey",
)  # fmt: skip

# colour name -> (hue range in degrees, saturation range, value range), of sRGB
_HSV = {
    "red": ((-8, 6), (0.7, 0.95), (0.5, 0.85)),
    "orange": ((20, 32), (0.8, 0.98), (0.8, 1.0)),
    "yellow": ((47, 58), (0.65, 0.95), (0.8, 1.0)),
    "green": ((90, 150), (0.45, 0.85), (0.3, 0.7)),
    "blue": ((205, 235), (0.55, 0.9), (0.4, 0.85)),
    "purple": ((265, 290), (0.45, 0.75), (0.4, 0.7)),
    "pink": ((325, 350), (0.3, 0.5), (0.85, 1.0)),
    "brown": ((16, 32), (0.5, 0.72), (0.3, 0.55)),
    "black": ((0, 360), (0.0, 0.15), (0.05, 0.15)),
    "white": ((20, 60), (0.0, 0.08), (0.88, 1.0)),
    "grey": ((0, 360), (0.0, 0.06), (0.4, 0.62)),
}
TEXTURES = (
    "plain", "noise", "stripes", "checker", "tiles", "bricks", "wood", "facade", "speckle", "books", "blobs",
    "slats", "lane",
    "planks", "grain", "parquet", "plaster", "concrete", "asphalt", "lawn", "gravel", "soil", "carpet", "weave",
    "leather", "marble", "granite", "corrugated", "plaid", "floral", "dots", "text", "poster", "photo", "screen",
    "leaves", "bark", "metal", "mirror", "stone", "cobbles", "shingles", "siding", "rust", "water",
)  # fmt: skip
SCALES = {
    "planks": (0.07, 0.2), "grain": (0.1, 0.3), "parquet": (0.25, 0.6), "plaster": (0.2, 0.6), "concrete": (0.8, 3.0),
    "asphalt": (0.6, 1.5), "lawn": (0.05, 0.15), "gravel": (0.015, 0.05), "soil": (0.1, 0.4), "carpet": (0.01, 0.03),
    "weave": (0.006, 0.03), "leather": (0.02, 0.06), "marble": (0.4, 1.5), "granite": (0.01, 0.03),
    "corrugated": (0.05, 0.2), "plaid": (0.08, 0.3), "floral": (0.12, 0.5), "dots": (0.04, 0.2), "text": (0.2, 0.4),
    "poster": (0.3, 1.0), "photo": (0.3, 1.2), "screen": (0.4, 0.8), "leaves": (0.08, 0.3), "bark": (0.06, 0.2),
    "metal": (0.3, 1.0), "mirror": (1.0, 1.0), "stone": (0.2, 0.5), "cobbles": (0.08, 0.15), "shingles": (0.2, 0.35),
    "siding": (0.1, 0.2), "rust": (0.2, 0.6), "water": (0.5, 2.0), "tiles": (0.1, 0.6), "bricks": (0.2, 0.23),
    "wood": (0.07, 0.2), "speckle": (0.05, 0.2), "books": (0.02, 0.05), "slats": (0.08, 0.2), "noise": (0.2, 0.6),
    "stripes": (0.05, 0.3), "checker": (0.1, 0.5), "blobs": (0.15, 0.5), "plain": (1.0, 1.0), "facade": (2.2, 3.6),
    "lane": (2.75, 3.75),
}  # fmt: skip
"""Real periods in metres, lowest and highest: of boards, bricks, tiles, of what a pattern repeats, a page's width."""
SHAPES = ("box", "ellipsoid", "cylinder", "cone", "capsule", "rounded box")
Axis = str | tuple[float, float, float]
"""Where a part's z points in its item's frame: "x", "y", "z" or any direction."""


@dataclass(frozen=True)
class Paint:
    """A material: two linear RGB colours mixed by a texture whose period is `scale` metres.

    gloss: 0 dull to 1 polished (mirrors what stands before it); glow: light of its own, 1 = as bright as white paper
    in the light of the place. Lamps and screens glow; a window's pane glows with the daylight outside.
    """

    rgb: tuple[float, float, float]
    rgb2: tuple[float, float, float]
    texture: str = "plain"
    scale: float = 1.0
    gloss: float = 0.0
    glow: float = 0.0


@dataclass(frozen=True)
class Part:
    """One shape. `centre` and `half` (half extents before turning) in metres; `axis`: where its z points.

    round: radius of a rounded box's edges, metres, under every half extent. A capsule's radius is half[0] = half[1],
    its ends lie at +-half[2].
    """

    shape: str
    centre: tuple[float, float, float]
    half: tuple[float, float, float]
    paint: Paint
    axis: Axis = "z"
    round: float = 0.0


@dataclass
class Item:
    """A thing in its own frame. `top` is the height of a surface that can carry small things."""

    kind: str
    colour: str
    parts: list[Part] = field(default_factory=list)
    top: float | None = None
    _known: tuple[int, np.ndarray, np.ndarray] = field(
        default_factory=lambda: (0, np.full(3, np.inf), np.full(3, -np.inf)), init=False, repr=False, compare=False
    )  # bounds of the first parts; parts are only ever added

    def box(self, centre, size, paint, axis: Axis = "z"):
        half = (size[0] / 2, size[1] / 2, size[2] / 2)
        self.parts.append(Part("box", tuple(centre), half, paint, axis))

    def cushion(self, centre, size, radius, paint, axis: Axis = "z"):
        """A box with edges rounded by `radius` metres (at most half its thinnest side)."""
        half = (size[0] / 2, size[1] / 2, size[2] / 2)
        radius = min(radius, 0.999 * min(half))
        self.parts.append(Part("rounded box", tuple(centre), half, paint, axis, radius))

    def capsule(self, start, end, radius, paint):
        """A round-ended rod: all points within `radius` of the line from `start` to `end`."""
        self._between("capsule", start, end, radius, radius, paint)

    def rod(self, start, end, radius, paint):
        """A flat-ended cylinder from `start` to `end`."""
        self._between("cylinder", start, end, radius, 0.0, paint)

    def _between(self, shape, start, end, radius, extra, paint):
        (x0, y0, z0), (x1, y1, z1) = start, end
        length = math.dist(start, end)
        axis = ((x1 - x0) / length, (y1 - y0) / length, (z1 - z0) / length) if length > 1e-6 else "z"
        half = (radius, radius, length / 2 + extra)
        self.parts.append(Part(shape, ((x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2), half, paint, axis))

    def blob(self, centre, half, paint):
        self.parts.append(Part("ellipsoid", tuple(centre), tuple(half), paint))

    def post(self, x, y, low, high, radius, paint):
        """An upright cylinder from height `low` to `high`."""
        self.parts.append(Part("cylinder", (x, y, (low + high) / 2), (radius, radius, (high - low) / 2), paint))

    def disc(self, centre, radius, length, paint, axis):
        """A lying cylinder: its axis along `axis` (a wheel, a sign)."""
        self.parts.append(Part("cylinder", tuple(centre), (radius, radius, length / 2), paint, axis))

    def spire(self, x, y, low, high, radius, paint):
        """An upright cone."""
        self.parts.append(Part("cone", (x, y, (low + high) / 2), (radius, radius, (high - low) / 2), paint))

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """(3,), (3,): the lowest and highest corner over all parts, metres, in the item's frame."""
        count, low, high = self._known
        if new := self.parts[count:]:  # items are asked often while they are placed
            centre, half = np.array([p.centre for p in new]), np.array([p.half for p in new])
            half = (np.abs([turn_of(p.axis) for p in new]) @ half[:, :, None])[:, :, 0]
            low, high = np.minimum(low, (centre - half).min(0)), np.maximum(high, (centre + half).max(0))
            self._known = (len(self.parts), low, high)
        return low.copy(), high.copy()


_TURN = {
    "z": np.eye(3),
    "x": np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]),
    "y": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
}


def turn_of(axis: Axis) -> np.ndarray:
    """(3, 3): columns are the part's x, y, z in the item's frame."""
    return _TURN[axis] if isinstance(axis, str) else _turn_to(axis)


def turn_of_yaw(yaw: float) -> np.ndarray:
    """(3, 3): a turn by `yaw` radians about the upright, from x towards y."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


@lru_cache(8192)
def _turn_to(axis: tuple[float, float, float]) -> np.ndarray:
    """In plain numbers: worlds have a thousand parts."""
    a, b, c = axis
    length = math.sqrt(a * a + b * b + c * c)
    a, b, c = a / length, b / length, c / length
    x = (c, 0.0, -a) if abs(b) < 0.9 else (0.0, -c, b)  # the y axis, or the x axis, crossed with z
    length = math.sqrt(x[0] ** 2 + x[1] ** 2 + x[2] ** 2)
    x = (x[0] / length, x[1] / length, x[2] / length)
    y = (b * x[2] - c * x[1], c * x[0] - a * x[2], a * x[1] - b * x[0])
    turn = np.array([x, y, (a, b, c)]).T
    turn.flags.writeable = False
    return turn


def rgb_of(rng: np.random.Generator, colour: str) -> tuple[float, float, float]:
    """A linear RGB value that people would call `colour`."""
    hue, saturation, value = (rng.uniform(*r) for r in _HSV[colour])
    red, green, blue = colorsys.hsv_to_rgb(hue % 360 / 360, saturation, value)
    return red**2.2, green**2.2, blue**2.2


def shade(rgb, factor: float) -> tuple[float, float, float]:
    """A linear RGB value, brighter or darker by a factor; at most 1."""
    red, green, blue = (min(1.0, c * factor) for c in rgb)
    return red, green, blue


def paint_of(rng, colour: str, texture: str = "plain", scale: float = 1.0, contrast: float = 0.3, **kw) -> Paint:
    """Paint that keeps its colour's name: the second colour is a lighter or darker shade of the first."""
    rgb = rgb_of(rng, colour)
    factor = 1 - contrast if rng.random() < 0.6 or colour == "white" else 1 + contrast
    return Paint(rgb, shade(rgb, factor), texture, scale, **kw)


def stuff(rng, colour: str, texture: str, contrast: float = 0.3, **kw) -> Paint:
    """`paint_of` at a period that this texture has in real life."""
    return paint_of(rng, colour, texture, rng.uniform(*SCALES[texture]), contrast, **kw)


def pick_colour(rng, *favourites: str) -> str:
    """A colour name: one of the favourites half the time, else any."""
    if favourites and rng.random() < 0.5:
        return str(rng.choice(favourites))
    return COLOURS[1 + int(rng.integers(len(COLOURS) - 1))]
