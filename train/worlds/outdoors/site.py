"""A piece of open country being filled: grounds, things that must not overlap, and where the viewer stands."""

from __future__ import annotations

import numpy as np

from .. import people, small_things
from ..places import MOST_THINGS, Place, footprint, is_free, slab
from ..things import STRUCTURE, Item, Paint, rgb_of, shade, stuff
from . import nature, street, vehicles
from .facades import building
from .nature import height_on, hill
from .vehicles import GLASS

NEAR = 16.0
"""Metres from the viewer within which things get their small parts."""
PARTS = 1400
"""Shapes that a place may have."""
SMALL = ("bicycle", "bin", "bench", "fire hydrant", "mailbox", "bollard", "bush", "traffic cone", "table", "rock",
         "motorcycle", "dog", "box", "backpack")  # fmt: skip
"""Kinds worth a close-up."""
IN_ROADS = ("person", "dog", "bicycle", "motorcycle", "traffic cone", "car")


class Site:
    """Things placed so far. The viewer stands near `eye` = (x, y, heading), which is kept free.

    style: as in `Place`. spread: of the headings in which views look, radians. room: metres kept free around a walker.
    """

    def __init__(self, rng, eye: tuple[float, float, float], style: str, spread: float, room: float = 0.7):
        self.rng, self.eye, self.style, self.spread = rng, eye, style, spread
        self.placed, self.taken, self.hills, self.slabs, self.things = [], [], [], [], 0
        self.species = rng.choice(nature.SPECIES, int(rng.integers(1, 5)), p=nature.SPECIES_ODDS)
        x, y, _ = eye
        half, back, ahead = (1.2, 5.0, 2.4) if style == "driver" else (room, room, room)
        self.taken.append((x - half, y - back, x + half, y + ahead))

    def near(self, x: float, y: float, reach: float = NEAR) -> bool:
        return float(np.hypot(x - self.eye[0], y - self.eye[1])) < reach

    def put(self, item: Item, x, y, z: float | None = None, yaw=0.0, margin: float = 0.05) -> bool:
        """Place a thing unless it would overlap another; on the ground unless told otherwise."""
        if self.things >= MOST_THINGS:
            return False
        z = self.under(x, y)[0] if z is None else z
        area = footprint(item, x, y, yaw, margin)
        if not is_free(area, self.taken):
            return False
        self.taken.append(area)
        self.placed.append((item, (x, y, z), yaw))
        self.things += 1
        return True

    def under(self, x: float, y: float) -> tuple[float, str]:
        """The height of the ground at (x, y), metres, and what it is."""
        found = [(top, kind) for kind, area, top in self.slabs if area[0] <= x <= area[2] and area[1] <= y <= area[3]]
        return max([*found, (height_on(self.hills, x, y), "grass")])

    def stand(self, item: Item, x, y, z: float | None = None, yaw: float = 0.0, radius: float = 0.3) -> bool:
        """Like `put` for what is wide only overhead (a tree, a lamp): it needs `radius` metres around its foot."""
        spot = (x - radius, y - radius, x + radius, y + radius)
        if self.things >= MOST_THINGS or not is_free(spot, self.taken):
            return False
        self.taken.append(spot)
        self.placed.append((item, (x, y, self.under(x, y)[0] if z is None else z), yaw))
        self.things += 1
        return True

    def tree(self, x: float, y: float, z: float | None = None, species: str = "", radius: float = 0.4) -> bool:
        """A tree of this species, or of one that grows here."""
        species = species or str(self.rng.choice(self.species))
        item = nature.tree(self.rng, self.near(x, y), species)
        return self.stand(item, x, y, z, self.rng.uniform(0, 2 * np.pi), radius)

    def slab(self, kind: str, colour: str, area, top: float, paint: Paint) -> None:
        """A flat ground over area = (x0, y0, x1, y1), its surface at `top` metres."""
        x0, y0, x1, y1 = area
        centre = ((x0 + x1) / 2, (y0 + y1) / 2, top - 1.0)
        self.placed.append((slab(kind, colour, (x1 - x0, y1 - y0, 2.0), paint), centre, 0.0))
        self.slabs.append((kind, area, top))

    def ground(self, kind: str) -> None:
        """What everything stands on: earth of this kind, 900 x 900 m, its surface at height 0."""
        colour, paint = earth(self.rng, kind)
        self.slab("ground" if kind == "sand" else kind, colour, (-450, -450, 450, 450), 0.0, paint)

    def raise_hill(self, x: float, y: float, size, colour: str = "green") -> None:
        self.hills.append((hill(self.rng, size, colour), (x, y, 0.0), 0.0))
        self.placed.append(self.hills[-1])

    def raise_horizon(self, hills: int, clear: float = 20.0) -> None:
        """Hills beside the way, `clear` metres from its middle, or across it 108 m ahead: to be called first."""
        rng = self.rng
        for _ in range(hills):
            size = (rng.uniform(50, 150), rng.uniform(50, 110), rng.uniform(5, 28))
            x, y = rng.uniform(-110, 110), rng.uniform(85, 130)
            beside = abs(x) - size[0] / 2 > clear
            if not beside:
                size, y = (size[0], rng.uniform(20, 32), size[2]), 0.0
            self.raise_hill(x, max(y, (40 if beside else 108) + size[1] / 2), size)

    def horizon(self, towers: int = 2, trees: int = 10, wide: float = 70.0) -> None:
        """What fills the far range: buildings and trees 55-115 m ahead."""
        rng = self.rng
        for _ in range(towers):
            built = building(rng, str(rng.choice(["flats", "office", "old", "house", "warehouse"])), near=False)
            self.build(built, rng.uniform(-wide, wide), rng.uniform(62, 112), rng.uniform(-0.4, 0.4))
        for _ in range(trees):
            self.tree(rng.uniform(-wide, wide), rng.uniform(55, 112), radius=1.0)

    def build(self, built, x: float, y: float, yaw: float, margin: float = 0.0) -> bool:
        """Place a building and, where it stands, the things on its front; balconies and awnings may overhang."""
        core = Item("building", "none")
        core.box((0, 0, 0), built.size, GLASS)
        area = footprint(core, x, y, yaw, margin)
        if not is_free(area, self.taken):
            return False
        self.taken.append(area)
        z = height_on(self.hills, x, y)
        self.placed.append((built.item, (x, y, z), yaw))
        at, c, s = self.placed[-1][1], np.cos(yaw), np.sin(yaw)
        for item, (u, v, w) in built.things:
            if self.things < MOST_THINGS:
                self.placed.append((item, (at[0] + c * u - s * v, at[1] + s * u + c * v, at[2] + w), yaw))
                self.things += 1
        return True

    def somebody(self, x: float, y: float, z: float | None = None, yaw: float | None = None) -> bool:
        """A person, or a child, alone or with a dog or a case."""
        rng = self.rng
        yaw = rng.uniform(0, 2 * np.pi) if yaw is None else yaw
        done = self.put(people.anybody(rng), x, y, z, yaw)
        if done and rng.random() < 0.12:
            maker = people.dog if rng.random() < 0.7 else small_things.suitcase
            self.put(maker(rng), x + rng.uniform(0.6, 1.0) * rng.choice([-1, 1]), y + rng.uniform(-0.5, 0.5), None, yaw)
        return done

    def seat(self, x: float, y: float, z: float | None = None, yaw: float = 0.0) -> None:
        """A bench, half the time with somebody on it."""
        if self.put(street.bench(self.rng), x, y, z, yaw) and self.things < MOST_THINGS and self.rng.random() < 0.5:
            side = self.rng.uniform(-0.4, 0.4)
            at = (x + np.cos(yaw) * side, y + np.sin(yaw) * side, self.placed[-1][1][2])
            self.placed.append((people.seated(self.rng), at, yaw))
            self.things += 1

    def ride(self, x: float, y: float, z: float, yaw: float) -> None:
        """Somebody on a bicycle or a motorcycle."""
        motor, near = bool(self.rng.random() < 0.35), self.near(x, y)
        bike = vehicles.motorcycle(self.rng, near) if motor else vehicles.bicycle(self.rng, near)
        if self.things < MOST_THINGS - 1 and self.put(bike, x, y, z, yaw):
            self.placed.append((vehicles.rider(self.rng, motor), (x, y, z), yaw))
            self.things += 1

    def vehicle(self, x: float, y: float, z: float, yaw: float, heavy: float = 0.12, margin: float = 0.3) -> bool:
        """A car, or with odds `heavy` something larger."""
        near = self.near(x, y)
        draw = self.rng.random()
        maker = vehicles.car if draw > heavy else vehicles.van if draw > 0.6 * heavy else vehicles.truck
        if draw < 0.25 * heavy:
            maker = vehicles.bus
        return self.put(maker(self.rng, near), x, y, z, yaw, margin)

    def before(self, count: int, makers, reach=(0.8, 3.5)) -> None:
        """Things close before the viewer, so that what lies behind is partly hidden."""
        rng = self.rng
        for _ in range(count):
            item = makers[int(rng.integers(len(makers)))](rng)
            low, high = item.bounds()
            half = float(np.hypot(*(high - low)[:2])) / 2
            away = rng.uniform(*reach) + half
            angle = self.eye[2] + rng.choice([-1, 1]) * rng.uniform(0.12, 0.65)
            x, y = self.eye[0] + away * np.sin(angle), self.eye[1] + away * np.cos(angle)
            if item.kind in IN_ROADS or self.under(x, y)[1] != "road":
                self.put(item, x, y, None, rng.uniform(0, 2 * np.pi))

    def _thin(self) -> None:
        """Drop the farthest things until the shapes fit into PARTS."""
        excess = sum(len(item.parts) for item, *_ in self.placed) - PARTS
        away = [np.hypot(at[0] - self.eye[0], at[1] - self.eye[1]) for _, at, _ in self.placed]
        gone = set()
        for i in np.argsort(away)[::-1].tolist():
            if excess <= 0:
                break
            if self.placed[i][0].kind not in STRUCTURE:
                gone.add(i)
                excess -= len(self.placed[i][0].parts)
        self.placed = [one for i, one in enumerate(self.placed) if i not in gone]

    def place(self) -> Place:
        self._thin()
        x, y, heading = self.eye
        wander = 0.12 if self.style == "driver" else 0.3

        def view(rng):
            turn = rng.normal(0, self.spread)
            if self.style == "driver" and rng.random() < 0.12:  # a camera at the car's side
                turn = rng.choice([-1, 1]) * rng.uniform(0.5, 1.4)
            return x + rng.uniform(-wander, wander), y + rng.uniform(-wander, wander), heading + turn

        return Place("outdoor", self.placed, view, targets=self._close_by(), style=self.style)

    def _close_by(self) -> list[tuple[float, float, float]]:
        """Points on small things within 8 m."""
        points = []
        for item, at, _ in self.placed:
            if item.kind in SMALL and self.near(at[0], at[1], 8.0):
                low, high = item.bounds()
                points.append((float(at[0]), float(at[1]), float(at[2] + 0.3 * low[2] + 0.7 * high[2])))
        return points


def earth(rng, kind: str) -> tuple[str, Paint]:
    """The named colour and the paint of a ground: grass, ground, sand, pavement or road."""
    if kind == "grass":
        rgb = np.array(rgb_of(rng, "green")) * rng.uniform(0.4, 0.8)
        rgb = 0.7 * rgb + 0.3 * np.array(rgb_of(rng, "yellow")) * rng.uniform(0.2, 0.5)
        return "green", Paint(tuple(rgb), shade(rgb, 0.55), "lawn", rng.uniform(0.05, 0.15))
    if kind == "sand":
        rgb = np.array([0.55, 0.42, 0.26]) * rng.uniform(0.7, 1.1)
        return "yellow", Paint(tuple(rgb), shade(rgb, 0.8), "soil", rng.uniform(0.1, 0.4))
    if kind == "road":
        rgb = shade(rgb_of(rng, "grey"), rng.uniform(0.25, 0.65))
        return "grey", Paint(rgb, shade(rgb, 0.75), "asphalt", rng.uniform(0.6, 1.5))
    if kind == "pavement":
        colour = str(rng.choice(["grey", "grey", "brown", "white"]))
        rgb = 0.5 * np.array(rgb_of(rng, colour)) + 0.35 * np.array(rgb_of(rng, "grey"))
        texture = str(rng.choice(["tiles", "cobbles", "stone", "concrete", "asphalt"]))
        scale = {"tiles": rng.uniform(0.2, 0.6)}.get(texture) or stuff(rng, colour, texture).scale
        return colour, Paint(tuple(rgb), shade(rgb, 0.7), texture, scale)
    colour = str(rng.choice(["brown", "grey"]))
    rgb = 0.6 * np.array(rgb_of(rng, colour)) + 0.3 * np.array(rgb_of(rng, "grey"))
    texture = str(rng.choice(["soil", "gravel"]))
    return colour, Paint(tuple(rgb), shade(rgb, 0.7), texture, stuff(rng, colour, texture).scale)


STREET_SIDE = (
    street.bin, street.bench, street.sign, street.fire_hydrant, street.mailbox, street.bollard, street.pole,
    nature.bush, vehicles.bicycle, street.traffic_cone, small_things.box,
)  # fmt: skip
"""What stands about on pavements."""
