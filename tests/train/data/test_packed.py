"""Batches that travel as a few blocks are the batches that were put in."""

import copy
import pickle

import torch
from torch.utils.data import DataLoader

from tests.tiny import tiny_model, tiny_records
from train.data.batches import Collator
from train.data.mixture import Mixture
from train.data.packed import Packing, packed, unpacked
from train.data.sources import Source


def batch_of(samples: list[int]) -> dict:
    return {
        "ids": torch.tensor(samples),
        "mask": torch.ones(2, 3, dtype=torch.bool).T,
        "truth": {
            "depth": [{"depth_z": torch.full((2, number + 1), float(number))} for number in samples],
            "empty": [],
        },
        "looks": {"row": torch.zeros(0, dtype=torch.long), "share": torch.zeros(0, 7)},
        "none": None,
        "focal_px": torch.tensor(320.0),
    }


def same(a: object, b: object) -> bool:
    if isinstance(a, torch.Tensor):
        return (
            isinstance(b, torch.Tensor)
            and a.dtype == b.dtype
            and a.shape == b.shape
            and torch.allclose(a, b, 0, 0, equal_nan=True)
        )
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return a == b


def test_what_is_unpacked_is_what_was_packed():
    whole = batch_of([0, 1, 2])
    assert same(unpacked(packed(whole)), whole)
    assert not same(unpacked(packed(whole)), batch_of([0, 1, 3]))
    assert sorted(packed(whole)["blocks"]) == ["torch.bool", "torch.float32", "torch.int64"]


def test_it_passes_worker_processes_and_a_move_of_its_tensors():
    from accelerate.utils import send_to_device

    loader = DataLoader(range(4), batch_size=2, num_workers=1, collate_fn=Packing(batch_of))
    got = [unpacked(send_to_device(batch, torch.device("cpu"))) for batch in loader]
    assert same(got, [batch_of([0, 1]), batch_of([2, 3])])


def test_it_can_be_sent_to_processes_that_share_nothing(tmp_path):
    """As on macOS, where worker processes are spawned: no module, no weights of a head."""
    model = tiny_model()
    data = Mixture([Source(str(tiny_records(tmp_path)))])
    collate = Packing(Collator(model.processor, model.heads))
    sent = pickle.dumps((collate, data))
    assert len(sent) < 500_000
    other, again = pickle.loads(sent)
    assert same(unpacked(other([again[0]])), unpacked(collate([data[0]])))
    assert copy.deepcopy(model).family is model.family
