"""The label head: what a saved config does to its options must not change what its weights mean; its losses."""

import torch

from heads.base import Features, Tap
from heads.labels import LabelHead
from heads.losses import focal_cross_entropy


def test_the_order_of_the_label_maps_is_that_of_their_names():
    torch.manual_seed(0)
    tap = Tap("language.1", 8, 32)
    one, other = (LabelHead([tap], classes) for classes in ({"kind": 3, "colour": 4}, {"colour": 4, "kind": 3}))
    other.load_state_dict(one.state_dict())
    features = Features({"language.1": torch.randn(1, 8, 2, 3)}, torch.zeros(1, 3, 64, 96))
    first, second = one(features), other(features)
    assert {name: logits.shape[1] for name, logits in first.items()} == {"kind": 3, "colour": 4}
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_losses_are_focal_and_unknown_places_count_for_nothing():
    head = LabelHead([Tap("language.1", 8, 32)], {"kind": 3, "colour": 4})
    raw = {"kind": torch.randn(1, 3, 8, 12), "colour": torch.randn(1, 4, 8, 12)}
    ids = torch.randint(0, 3, (1, 8, 12))
    ids[:, :2] = -1
    truth = {name: ids.repeat_interleave(8, 1).repeat_interleave(8, 2) for name in raw}
    for name, (total, count) in head.loss(raw, truth).items():
        assert count == 6 * 12
        torch.testing.assert_close(total, focal_cross_entropy(raw[name.removeprefix("label_")], ids).sum())
