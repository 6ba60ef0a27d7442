"""What a loss is divided by is known from the truth, before any forward pass."""

import pytest
import torch

from heads.base import Features, Tap
from heads.catalog import HEADS
from heads.depth import DepthHead
from heads.dpt import PublishedDptHead, PublishedMlpHead
from heads.labels import LabelHead
from heads.rays import RayHead, ray_tokens

HEIGHT, WIDTH = 64, 96


def dense_truth() -> dict[str, torch.Tensor]:
    """A tilted plane with sky and with holes, and class maps with unknown places; two images."""
    torch.manual_seed(0)
    depth = (2 + torch.linspace(0, 3, WIDTH)).expand(2, HEIGHT, WIDTH).clone()
    depth[torch.rand(depth.shape) < 0.05] = torch.nan
    depth[0, :9] = torch.inf
    ids = torch.randint(-1, 3, depth.shape)
    rays = torch.ones(2, 3, HEIGHT, WIDTH)
    return {"depth_z": depth, "focal_px": torch.tensor([80.0, 90.0]), "rays": rays, "kind": ids, "colour": ids.flip(1)}


def ray_truth() -> dict[str, torch.Tensor]:
    """Two scenes of two views, 2 x 3 tokens each; the second scene's second view is not there."""
    mask = torch.ones(2, 12, dtype=torch.bool)
    mask[1, 6:] = False
    return {
        "direction": torch.randn(2, 12, 3) + torch.tensor([0.0, 0.0, 4.0]),
        "origin": torch.randn(2, 12, 3),
        "pixels": torch.rand(2, 12, 2) * 90,
        "focal_px": torch.full((2, 2), 80.0),
        "rotation": torch.eye(3).expand(2, 2, 3, 3),
        "view": torch.arange(12).expand(2, 12) // 6,
        "mask": mask,
    }


def dense(kind: type, stride: int = 32, **options):
    taps = [Tap(f"language.{i}", 8, stride) for i in range(4)]
    grid = HEIGHT // stride, WIDTH // stride
    features = Features({tap.name: torch.randn(2, 8, *grid) for tap in taps}, torch.randn(2, 3, HEIGHT, WIDTH))
    return kind(taps, **options), features, dense_truth()


def rays():
    head = RayHead([Tap("language.0", 8, 32)], width=16, layers=1, attention_heads=2)
    views = [torch.randn(8, 2, 3) for _ in range(4)]
    return head, ray_tokens([views[:2], views[2:]]), ray_truth()


CASES = {
    "depth": lambda: dense(DepthHead, 16, widths=(8, 8, 8, 6, 4)),
    "published_dpt": lambda: dense(PublishedDptHead),
    "published_mlp": lambda: dense(PublishedMlpHead, hidden=8),
    "labels": lambda: dense(LabelHead, classes={"kind": 3, "colour": 4}),
    "rays": rays,
}


def test_every_head_has_its_case():
    assert CASES.keys() == HEADS.keys()


@pytest.mark.parametrize("name", CASES)
def test_counts_before_the_forward_are_those_of_the_loss(name):
    head, features, truth = CASES[name]()
    known = head.counts(truth)
    losses = head.loss(head(features), truth)
    assert known.keys() == losses.keys() and losses
    assert set(losses) == set(head.loss_names)
    for loss, (_, count) in losses.items():
        assert int(known[loss]) == int(count) > 0, loss


def test_what_is_unknown_counts_for_nothing():
    head, _, truth = CASES["depth"]()
    known = head.counts({**truth, "depth_z": torch.full_like(truth["depth_z"], torch.nan)})
    assert known and not any(int(count) for count in known.values())


@pytest.mark.parametrize("name", ["published_dpt", "published_mlp"])
def test_an_untrained_published_head_begins_near_the_depth_at_which_ours_begins(name):
    """exp(2.5) canonical metres: else a comparison of few steps shows who guesses the scale."""
    torch.manual_seed(0)
    ours, features, _ = CASES["depth"]()
    assert abs(float(ours(features)["log_depth"].detach().mean()) - 2.5) < 0.3
    published, features, _ = CASES[name]()
    assert abs(float(published(features)["canonical_depth"].detach().log().mean()) - 2.5) < 0.3


@pytest.mark.parametrize("width, levels", [(16, (8, 16, 24, 32)), (8, (4, 4, 4, 4))])
def test_a_narrow_dpt_head_has_the_maps_and_the_names_of_the_published_one(width, levels):
    narrow, features, truth = dense(PublishedDptHead, width=width, level_widths=levels)
    assert narrow(features)["canonical_depth"].shape == truth["depth_z"].shape
    published = PublishedDptHead(narrow.taps)
    assert narrow.state_dict().keys() == published.state_dict().keys()
    assert published.scratch.get_submodule("layer1_rn").weight.shape == (256, 256, 3, 3)
    assert narrow.scratch.get_submodule("layer1_rn").weight.shape == (width, levels[0], 3, 3)


@pytest.mark.parametrize("options", [{"width": 4}, {"level_widths": (8, 8, 8)}, {"level_widths": (8, 8, 8, 0)}])
def test_widths_that_cannot_be_are_told(options):
    with pytest.raises(ValueError, match="allowed"):
        dense(PublishedDptHead, **options)
