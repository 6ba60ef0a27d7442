"""The label head: what a saved config does to its options must not change what its weights mean."""

import torch

from heads.base import Features, Tap
from heads.labels import LabelHead


def test_the_order_of_the_label_maps_is_that_of_their_names():
    torch.manual_seed(0)
    tap = Tap("language.1", 8, 32)
    one, other = (LabelHead([tap], classes) for classes in ({"kind": 3, "colour": 4}, {"colour": 4, "kind": 3}))
    other.load_state_dict(one.state_dict())
    features = Features({"language.1": torch.randn(1, 8, 2, 3)}, torch.zeros(1, 3, 64, 96))
    first, second = one(features), other(features)
    assert {name: logits.shape[1] for name, logits in first.items()} == {"kind": 3, "colour": 4}
    assert all(torch.equal(first[name], second[name]) for name in first)
