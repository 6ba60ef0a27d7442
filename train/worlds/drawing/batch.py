"""The scenes of one batch on the device: their parts in one list, their looks as tensors, and whose each row is.

Rows (pixels, rays, hits) of all pictures stand in one list, those of a picture together and pictures in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import torch
from torch import Tensor

from ..layout import Primitives, Scene
from .groups import starts
from .light import Look


def per(values: Tensor, picture: Tensor) -> Tensor:
    """(B, ...) -> (N, ...): of each row's picture (N,)."""
    if len(values) == 1:
        return values.expand(len(picture), *values.shape[1:])
    return values.contiguous().index_select(0, picture)  # other layouts are read ten times as slowly


def pick(values: Tensor, at: Tensor | slice) -> Tensor:
    """Some rows, as `Rows.of` names them."""
    return values[at] if isinstance(at, slice) else values.index_select(0, at)


def processor_of(device: torch.device | str) -> str:
    """`cpu` or `gpu`: which of the two sizes of what is worked on at once a device takes."""
    return "cpu" if torch.device(device).type == "cpu" else "gpu"


class Rows:
    """Whose each of N rows is."""

    def __init__(self, picture: Tensor, pictures: int):
        self.picture = picture  # (N,), rising
        self.counts = torch.bincount(picture, minlength=pictures).cpu().numpy()  # (B,)
        self.first = starts(self.counts)  # (B,)

    def of(self, chosen: np.ndarray) -> Tensor | slice:
        """The rows of the chosen pictures (B,) bool: a slice where they follow each other, else indices."""
        own = np.flatnonzero(chosen)
        if not len(own):
            return slice(0, 0)
        if own[-1] - own[0] == len(own) - 1:
            return slice(int(self.first[own[0]]), int(self.first[own[-1]] + self.counts[own[-1]]))
        counts = self.counts[own]
        shift = self.first[own] - starts(counts)
        shift, repeats = torch.from_numpy(np.stack([shift, counts])).to(self.picture.device)
        shift = torch.repeat_interleave(shift, repeats, output_size=int(counts.sum()))
        return shift + torch.arange(len(shift), device=shift.device)

    def times(self, values: Tensor, tables: Tensor) -> Tensor:
        """(N, M): rows (N, K), multiplied by the table of their picture, (B, K, M)."""
        parts = values.split(self.counts.tolist())
        return torch.cat([part @ table for part, table in zip(parts, tables, strict=True)])

    def at(self, at: Tensor) -> Rows:
        """Of some of the rows (M,), pictures still in order."""
        return Rows(self.picture.index_select(0, at), len(self.counts))


_NAMES = [field.name for field in fields(Look) if field.name not in ("lights", "pattern")]


class Looks:
    """The looks of B scenes: `looks[name]` is (B, ...) float32, one entry of `Look` for each picture."""

    def __init__(self, each: list[Look], device, table: Tensor | None = None):
        self.each, self.device = each, device
        shapes = [np.shape(getattr(each[0], name)) for name in _NAMES]
        if table is None:
            rows = [np.concatenate([np.ravel(getattr(look, name)) for name in _NAMES]) for look in each]
            table = torch.from_numpy(np.stack(rows).astype(np.float32)).to(device)
        self._table = table
        columns = table.split([int(np.prod(shape)) for shape in shapes], 1)
        self._columns = {
            name: column.reshape(-1, *shape) for name, column, shape in zip(_NAMES, columns, shapes, strict=True)
        }

    def __getitem__(self, name: str) -> Tensor:
        return self._columns[name]

    def pattern(self, period: int) -> Tensor:
        """(B,) whole numbers: `Look.pattern` modulo `period`."""
        return torch.tensor([look.pattern % period for look in self.each]).to(self.device)

    def at(self, pictures: list[int]) -> Looks:
        rows = torch.tensor(pictures).to(self.device)
        return Looks([self.each[i] for i in pictures], self.device, self._table.index_select(0, rows))


class Batch:
    """Scenes that are drawn together. Parts (P,): those of all scenes, one scene after the other."""

    def __init__(self, scenes: list[Scene], device: torch.device | str):
        self.scenes, self.device = scenes, torch.device(device)
        self.processor = processor_of(self.device)
        self.size = len(scenes)  # B
        self.looks = Looks([scene.look for scene in scenes], device)
        self.indoor_host = np.array([scene.room is not None for scene in scenes])  # (B,) bool: whether it is a room
        self.indoor = torch.from_numpy(self.indoor_host).to(device)  # the same, on the device
        self.room = self.tensor([scene.room or (0.0, 0.0, 0.0) for scene in scenes])  # (B, 3) metres; outdoors 0
        self.position = self.tensor([scene.position for scene in scenes])  # (B, 3) of the camera: world, metres
        self.rotation = self.tensor([scene.rotation for scene in scenes])  # (B, 3, 3) camera -> world
        self.focal = self.tensor([scene.focal for scene in scenes])  # (B,) pixels
        counts = np.array([len(scene.primitives.shape) for scene in scenes])
        self.owner = np.repeat(np.arange(self.size), counts)  # (P,) index in `scenes`
        self.picture = torch.from_numpy(self.owner).to(device)  # the same, on the device
        number = np.arange(len(self.owner)) - np.repeat(starts(counts), counts)
        self.number = torch.from_numpy(number).to(device)  # (P,) of the part in its own scene
        self._columns: dict[str, Tensor] = {}
        local = self.stacked(lambda p: p.to_local())
        at = np.array([scene.position for scene in scenes])[self.owner]
        self.local = self.tensor(local)  # (P, 3, 3) metres along the world's axes -> the unit shape's coordinates
        self.axes = [axis.contiguous() for axis in self.local.unbind(1)]  # its rows (P, 3): read faster one by one
        centre = self.stacked(lambda p: p.centre)
        self.start = self.tensor(np.einsum("pij,pj->pi", local, at - centre))  # (P, 3) camera, in those coordinates
        self.shift = self.tensor(np.einsum("pij,pj->pi", local, centre))  # (P, 3): local @ world point - shift is there
        self.extent = self.tensor(self.stacked(lambda p: p.extent()))  # (P, 4) metres, as `rays.hit` takes them
        self.corners = self.stacked(lambda p: p.corners())  # (P, 8, 3) numpy, of the part's box: world, metres

    def tensor(self, values) -> Tensor:
        """Numbers -> float32 on the device."""
        return torch.from_numpy(np.asarray(values, dtype=np.float32)).to(self.device)

    def stacked(self, of: Callable[[Primitives], np.ndarray]) -> np.ndarray:
        """(P, ...): what `of` says of the primitives of each scene, one after the other."""
        return np.concatenate([of(scene.primitives) for scene in self.scenes])

    def column(self, name: str) -> Tensor:
        """(P, ...): one column of `Primitives`."""
        if name not in self._columns:
            values = self.stacked(lambda p: getattr(p, name))
            whole = torch.from_numpy(values)
            self._columns[name] = (whole.float() if whole.is_floating_point() else whole).to(self.device)
        return self._columns[name]

    def __call__(self, name: str, part: Tensor) -> Tensor:
        """(N, ...): that column for parts (N,)."""
        return self.column(name).index_select(0, part)
