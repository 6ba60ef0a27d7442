"""The renderer works on the device that it is given, and asks little of it: on a stand-in for a GPU."""

from collections import Counter

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from train.worlds.drawing.render import render
from train.worlds.layout import sample_scene

MADE_UP = torch.device("meta")
COUNTS = Counter()
WAITS = ("nonzero", "_local_scalar_dense", "_unique2", "bincount", "masked_select", "repeat_interleave")
"""Operations whose result has a size that depends on the numbers, or is one: the processor waits for a GPU there.

It waits for copies from one device to the other, too, and where rows are named by a mask: see `_waits`.
"""


class Elsewhere(torch.Tensor):
    """A tensor that says it is on another device; its numbers are on the CPU."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held):
        layout = {"strides": held.stride(), "storage_offset": held.storage_offset()}
        made = torch.Tensor._make_wrapper_subclass(cls, held.size(), **layout, dtype=held.dtype, device=MADE_UP)
        made.held = held
        return made

    def tolist(self):
        COUNTS["waits"] += 1
        return self.held.tolist()

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return Watch.run(func, args, kwargs or {})


class Watch(TorchDispatchMode):
    """Runs every operation on the CPU, counts those of the other device, and refuses to mix the two."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return self.run(func, args, kwargs or {})

    @classmethod
    def run(cls, func, args, kwargs):
        tensors = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, torch.Tensor)]
        away = [x for x in tensors if isinstance(x, Elsewhere)]
        wanted, name = kwargs.get("device"), func.overloadpacket.__name__
        there = bool(away) if wanted is None else torch.device(wanted) == MADE_UP
        moves = name in ("_to_copy", "copy_")
        mixed = [x for x in tensors if x.dim() and not isinstance(x, Elsewhere)] if away else []
        assert moves or not mixed, f"{func} of tensors on two devices"
        if away or there:
            COUNTS["operations"] += 1
            COUNTS["waits"] += _waits(name, args, kwargs)
        kwargs = dict(kwargs) | ({} if wanted is None else {"device": torch.device("cpu")})
        args, kwargs = tree_map(lambda x: x.held if isinstance(x, Elsewhere) else x, (args, kwargs))
        result = func(*args, **kwargs)
        same = {id(x.held): x for x in away}  # of what was changed in place
        return tree_map(lambda x: _send(x, same) if there and isinstance(x, torch.Tensor) else x, result)


def _waits(name, args, kwargs):
    """Whether a processor waits for the other device in this operation, which that device has a part in."""
    if name == "_to_copy":
        wanted = kwargs.get("device")
        return wanted is not None and isinstance(args[0], Elsewhere) != (torch.device(wanted) == MADE_UP)
    if name == "copy_":
        return isinstance(args[0], Elsewhere) != isinstance(args[1], Elsewhere)
    if name in ("index", "index_put_"):
        return any(at is not None and at.dtype == torch.bool for at in args[1])
    return name in WAITS and "output_size" not in kwargs


def _send(held, same):
    if isinstance(held, Elsewhere):
        return held
    return same[id(held)] if id(held) in same else Elsewhere(held)


@pytest.fixture
def draw(monkeypatch):
    """Scenes -> their maps, drawn on the other device, and how many operations and waits that took."""
    plain = torch.tensor
    monkeypatch.setattr(torch, "tensor", lambda data, device="cpu", **more: plain(data, **more).to(device))

    def drawn(scenes):
        COUNTS.clear()
        with Watch():
            maps = vars(render(scenes, str(MADE_UP)))
        return {name: value.held for name, value in maps.items()}, dict(COUNTS)

    return drawn


@pytest.fixture(scope="module")
def scenes():
    return [sample_scene(seed, size=(48, 64)) for seed in range(900_000_100, 900_000_124)]


def test_all_is_drawn_on_the_device_that_is_given(draw, scenes):
    there, _ = draw(scenes[:8])
    here = vars(render(scenes[:8]))
    for name, value in here.items():
        close = 1 if name == "image" else 1e-6 if name == "normals" else 0
        torch.testing.assert_close(there[name], value, rtol=0, atol=close)


def test_operations_and_waits_hardly_grow_with_the_batch(draw, scenes):
    draw(scenes)  # tables and constants stay on the device from then on
    few, many = (draw(some)[1] for some in (scenes[:8], scenes))
    assert many["operations"] < 1.4 * few["operations"]  # for three times as many
    assert many["waits"] < 1.2 * few["waits"]
    assert many["waits"] < 300
