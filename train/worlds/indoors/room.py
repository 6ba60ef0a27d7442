"""A room that is being furnished: what stands on its floor, hangs on its walls and lies on its furniture.

Walls are numbered 0 = +y, 1 = -y, 2 = -x, 3 = +x; `along` is the distance in metres along a wall from the room's lower
corner. Things look at -y of their own frame, so that a thing with its back to wall 0 has yaw 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..clash import clash
from ..places import MOST_THINGS, Rectangle, footprint, inside, is_free
from ..things import STRUCTURE, Item

MOST_PARTS = 1150
"""Shapes that a place may have."""
WALLS = range(4)
DRAWN_BACK = (0.0, 0.1, 0.2, 0.3, 0.45, 0.6)
"""Metres that a chair is moved back from where it would stand in its table's legs or drawers."""


class Spot(NamedTuple):
    """A thing where it stands."""

    item: Item
    x: float
    y: float
    z: float
    yaw: float

    def at(self, u: float, v: float) -> tuple[float, float]:
        """(x, y) in the place of the point (u, v) in the thing's own frame."""
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        return self.x + c * u - s * v, self.y + s * u + c * v


@dataclass
class Budget:
    """What the scene may still spend; shared by the rooms of one place."""

    parts: int = MOST_PARTS
    things: int = MOST_THINGS


@dataclass
class Room:
    """The floor `area` (metres, in the frame of the place) under a ceiling at `height`.

    density: 0 = sparse, 1 = cluttered. spans: per wall what is in use, as (from, to, lowest, highest). holes: the
    openings, alike; wall_depth: thickness. taken: floor in use; lying: what is above it, as (height, footprint).
    knee: for an attic the height of its low walls 2 and 3, and the slope of the roof.
    storey: metres from the floor down to the ground outside. shut: the wall that a second room lies behind.
    """

    rng: np.random.Generator
    area: Rectangle
    height: float
    density: float
    placed: list = field(default_factory=list)
    targets: list = field(default_factory=list)
    budget: Budget = field(default_factory=Budget)
    lying: list[tuple[float, Rectangle]] = field(default_factory=list)
    taken: list[Rectangle] = field(default_factory=list)
    spans: list[list] = field(default_factory=lambda: [[], [], [], []])
    holes: list[list] = field(default_factory=lambda: [[], [], [], []])
    wall_depth: list[float] = field(default_factory=lambda: [0.12] * 4)
    knee: tuple[float, float] | None = None
    storey: float = 0.3
    name: str = ""
    shut: int | None = None

    @property
    def width(self) -> float:
        return self.area[2] - self.area[0]

    @property
    def length(self) -> float:
        return self.area[3] - self.area[1]

    def extent(self, side: int) -> float:
        return self.width if side < 2 else self.length

    def longest(self) -> list[int]:
        """The walls, long ones first, in a drawn order."""
        order = [2, 3, 0, 1] if self.length > self.width else [0, 1, 2, 3]
        for at in (0, 2):
            if self.rng.random() < 0.5:
                order[at], order[at + 1] = order[at + 1], order[at]
        return order

    def against(self, side: int, along: float, depth: float) -> tuple[float, float, float]:
        """(x, y, yaw) of a thing whose middle is `depth` metres before the wall, its back to it."""
        x0, y0, x1, y1 = self.area
        if side == 0:
            return x0 + along, y1 - depth, 0.0
        if side == 1:
            return x0 + along, y0 + depth, np.pi
        if side == 2:
            return x0 + depth, y0 + along, np.pi / 2
        return x1 - depth, y0 + along, -np.pi / 2

    def headroom(self, area: Rectangle) -> float:
        """Height of the ceiling over the lowest point of this floor."""
        if self.knee is None:
            return self.height
        return self._roof(min(area[0] - self.area[0], self.area[2] - area[2]))

    def _roof(self, gap: float) -> float:
        """Height of an attic's ceiling `gap` metres from its low walls."""
        low, slope = self.knee or (self.height, 0.0)
        return min(self.height, low + slope * max(gap, 0.0))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def count(self, least: int, most: int) -> int:
        """A number that grows with the density."""
        return least + round((most - least) * float(np.clip(self.density + self.rng.normal(0, 0.2), 0, 1)))

    def pick(self, makers) -> Item:
        return makers[int(self.rng.integers(len(makers)))](self.rng)

    def add(self, item: Item, x: float, y: float, z: float = 0.0, yaw: float = 0.0) -> Spot | None:
        """Place the item as told, if the budget allows."""
        thing = item.kind not in STRUCTURE
        if len(item.parts) > self.budget.parts or (thing and not self.budget.things):
            return None
        self.budget.parts -= len(item.parts)
        self.budget.things -= thing
        self.placed.append((item, (float(x), float(y), float(z)), float(yaw)))
        if thing and z > 0.0:
            self.lying.append((z, footprint(item, x, y, yaw)))
        return Spot(item, float(x), float(y), float(z), float(yaw))

    def put(self, item: Item, x: float, y: float, yaw: float = 0.0, margin: float = 0.03) -> Spot | None:
        """Stand the item on the floor unless it would overlap another, leave the room or touch the slope."""
        area = footprint(item, x, y, yaw, margin)
        if not inside(area, self.area) or not is_free(area, self.taken):
            return None
        if item.bounds()[1][2] > self.headroom(area) - 0.05:
            return None
        spot = self.add(item, x, y, 0.0, yaw)
        if spot:
            self.taken.append(area)
        return spot

    def scatter(self, item: Item, tries: int = 5, yaw: float | None = None) -> Spot | None:
        """Stand the item anywhere on the floor."""
        for _ in range(tries):
            turn = self.rng.uniform(0, 2 * np.pi) if yaw is None else yaw
            x = self.rng.uniform(self.area[0] + 0.1, self.area[2] - 0.1)
            y = self.rng.uniform(self.area[1] + 0.1, self.area[3] - 0.1)
            if spot := self.put(item, x, y, turn):
                return spot
        return None

    def span(self, side: int, wide: float, low: float, high: float, along: float | None = None) -> float | None:
        """A free place on the wall for something `wide` metres, from height `low` to `high`; it is then in use."""
        half, extent = wide / 2, self.extent(side)
        if extent < wide + 0.02 or (self.knee and side > 1 and high > self.knee[0]):
            return None
        for _ in range(1 if along is not None else 8):
            at = along if along is not None else self.rng.uniform(half + 0.01, extent - half - 0.01)
            if at - half < 0 or at + half > extent:
                return None
            if self.knee and side < 2 and self._roof(min(at - half, extent - at - half)) < high + 0.03:
                continue
            taken = any(a < at + half and at - half < b and z0 < high and low < z1 for a, b, z0, z1 in self.spans[side])
            if not taken:
                self.spans[side].append((at - half, at + half, low, high))
                return at
        return None

    def stand(self, item: Item, side: int | None = None, along: float | None = None, gap: float = 0.01) -> Spot | None:
        """Stand the item with its back to a wall."""
        low, high = item.bounds()
        for wall in [side] if side is not None else list(self.rng.permutation(4)):
            kept = len(self.spans[wall])
            at = self.span(wall, high[0] - low[0] + (0.04 if along is None else 0.002), 0.0, high[2], along)
            if at is None:
                continue
            x, y, yaw = self.against(wall, at - self._mirrored(wall, (low[0] + high[0]) / 2), high[1] + gap)
            if spot := self.put(item, x, y, yaw, 0.004):
                return spot
            del self.spans[wall][kept:]
        return None

    def hang(self, item: Item, z: float, side: int | None = None, along: float | None = None) -> Spot | None:
        """Fix the item to a wall, its origin at height z."""
        low, high = item.bounds()
        if z + high[2] > self.height - 0.03:
            return None
        wall = int(self.rng.integers(4)) if side is None else side
        at = self.span(
            wall, high[0] - low[0] + (0.06 if along is None else 0.002), z + low[2] - 0.02, z + high[2] + 0.02, along
        )
        if at is None:
            return None
        x, y, yaw = self.against(wall, at - self._mirrored(wall, (low[0] + high[0]) / 2), high[1])
        return self.add(item, x, y, z, yaw)

    @staticmethod
    def _mirrored(wall: int, offset: float) -> float:
        """How far a point `offset` to the right of a thing's middle lies along the wall that the thing leans on."""
        return offset if wall in (0, 2) else -offset

    def on(self, spot: Spot | None, makers, count: int, level: tuple[float, float] | None = None, reach: float = 0.92,
           facing: bool = True) -> None:  # fmt: skip
        """Lay up to `count` small things on the thing's top, or on a `level` (height, clear height) of it."""
        if level is None and spot is not None and spot.item.top is not None:
            level = spot.item.top, self.height
        if spot is None or level is None:
            return
        low, high = spot.item.bounds()
        for _ in range(count):
            small = self.pick(makers)
            turn = self.rng.normal(0, 0.25) if facing else self.rng.uniform(0, 2 * np.pi)
            x0, y0, x1, y1 = footprint(small, 0, 0, turn)
            rise = float(small.bounds()[1][2])
            u0, u1 = low[0] * reach - x0, high[0] * reach - x1
            v0, v1 = low[1] * reach - y0, high[1] * reach - y1
            if rise > level[1] or u1 <= u0 or v1 <= v0:
                continue
            for _ in range(3):
                u, v = self.rng.uniform(u0, u1), self.rng.uniform(v0, v1)
                if spot.item.parts[0].shape == "cylinder" and np.hypot(u, v) + max(x1, y1) > high[0] * 0.97:
                    continue
                if self._lay(small, *spot.at(u, v), spot.z + level[0], spot.yaw + turn, rise):
                    break

    def _lay(self, small: Item, x: float, y: float, z: float, yaw: float, rise: float) -> bool:
        area = footprint(small, x, y, yaw, -0.003)
        busy = [other for height, other in self.lying if abs(height - z) < 0.02]
        if not is_free(area, busy) or self.headroom((x, y, x, y)) < z + rise + 0.05:
            return False
        if self.add(small, x, y, z, yaw) is None:
            return False
        self.targets.append((x, y, z + rise / 2))
        return True

    def around(self, spot: Spot | None, maker, share: float, people=None) -> None:
        """Chairs along the four sides of a table (round: in a ring), a `share` of the places taken; some are sat on."""
        if spot is None:
            return
        low, high = spot.item.bounds()
        seats = []
        if spot.item.parts[0].shape == "cylinder":
            count, radius = int(self.rng.integers(3, 6)), high[0]
            turn = self.rng.uniform(0, 2)
            for k in range(count):
                angle = turn + k * 2 * np.pi / count
                seats.append((np.cos(angle), np.sin(angle), radius * np.cos(angle), radius * np.sin(angle)))
        else:
            for k in range(max(1, int((high[0] - low[0]) / 0.62))):
                n = max(1, int((high[0] - low[0]) / 0.62))
                u = low[0] + (high[0] - low[0]) * (k + 0.5) / n
                seats += [(0, -1, u, low[1]), (0, 1, u, high[1])]
            seats += [(-1, 0, low[0], 0.0), (1, 0, high[0], 0.0)]
        template = maker(self.rng)
        for dx, dy, u, v in seats:
            if not self.chance(share):
                continue
            chair = template if self.chance(0.85) else maker(self.rng)
            away = self.rng.uniform(-0.02, 0.3) - float(chair.bounds()[0][1]) * 0.75
            yaw = spot.yaw + np.arctan2(dy, dx) - np.pi / 2 + self.rng.normal(0, 0.12)
            x, y = spot.at(u + dx * away, v + dy * away)
            self.seat(chair, x, y, yaw, spot, people)

    def seat(self, chair: Item, x, y, yaw, table: Spot | None, people) -> Spot | None:
        """A chair may reach under its table, drawn back as far as the table's parts demand; other things stay free."""
        if table is not None and (free := self._drawn_back(chair, x, y, yaw, table)) is None:
            return None
        x, y = free if table is not None else (x, y)
        area = footprint(chair, x, y, yaw)
        own = [footprint(table.item, table.x, table.y, table.yaw, 0.06)] if table else []
        others = [t for t in self.taken if not any(inside(t, o) for o in own)]
        if not inside(area, self.area) or not is_free(area, others):
            return None
        spot = self.add(chair, x, y, 0.0, yaw)
        if spot:
            self.taken.append(area)
            if people is not None and self.chance(0.1):
                self.sit(people(self.rng), spot, table)
        return spot

    def sit(self, person: Item, chair: Spot, table: Spot | None) -> None:
        """Somebody sits on the chair, unless legs or arms would be in the table."""
        at = (*chair.at(0, 0.02), 0.0)
        if table is None or not clash(person, at, chair.yaw, table.item, (table.x, table.y, table.z), table.yaw):
            self.add(person, *at, chair.yaw)

    @staticmethod
    def _drawn_back(chair: Item, x: float, y: float, yaw: float, table: Spot) -> tuple[float, float] | None:
        """Where the chair, moved straight back in steps, is first clear of its table; None where it never is."""
        for back in DRAWN_BACK:
            at = x - np.sin(yaw) * back, y + np.cos(yaw) * back
            if not clash(chair, (*at, 0.0), yaw, table.item, (table.x, table.y, table.z), table.yaw):
                return at
        return None
