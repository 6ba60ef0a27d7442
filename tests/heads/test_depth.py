"""Depth in metres from raw outputs, and losses that are smallest at the truth and blind to what is unknown."""

import math

import pytest
import torch

from heads.base import Features, Tap
from heads.depth import DepthHead, read_depth
from heads.losses import laplace_half_width, laplace_nll, laplace_scale, multiscale_gradient

TAPS = [Tap("vision.1", 8, 16), Tap("language.0", 12, 32)]
FOCAL = 60.0
SIZE = 64, 40
ROUNDING = 0.01  # of a sum over some 5000 float32 pixels


def head() -> DepthHead:
    torch.manual_seed(0)
    return DepthHead(TAPS, (8, 8, 8, 6, 4))


def floor_truth(focal: float = FOCAL, size: tuple[int, int] = SIZE, metres: float = 1.5) -> dict[str, torch.Tensor]:
    """A floor `metres` below a level camera; sky from the horizon up. Two equal pictures."""
    height, width = size
    y = (torch.arange(height) + 0.5 - height / 3) / focal
    x = (torch.arange(width) + 0.5 - width / 2) / focal
    depth = torch.where(y > 0.02, metres / y.clamp(min=0.02), torch.inf)[:, None].expand(height, width)
    rays = torch.stack([x[None, :].expand(height, width), y[:, None].expand(height, width), torch.ones(size)])
    return {
        "depth_z": depth.expand(2, -1, -1).clone(),
        "focal_px": torch.full((2,), focal),
        "rays": rays.expand(2, -1, -1, -1).clone(),
    }


def raw_at(truth: dict[str, torch.Tensor], scale: float = 0.1) -> dict[str, torch.Tensor]:
    """What a perfect network says: the log of depth * 1000 / focal; 0 where there is none."""
    depth = truth["depth_z"]
    canonical = depth * 1000 / truth["focal_px"][:, None, None]
    return {
        "log_depth": torch.where(depth.isfinite(), canonical.log(), 0.0).requires_grad_(),
        "raw_scale": torch.full_like(depth, math.log(scale - 1e-3)).requires_grad_(),
        "sky_logit": torch.where(depth.isposinf(), 30.0, -30.0).requires_grad_(),
    }


def values(losses) -> dict[str, float]:
    return {name: float(total.detach()) for name, (total, _) in losses.items()}


# ---- reading ---------------------------------------------------------------------------------------------


def test_metres_are_canonical_depth_times_focal_over_1000():
    raw = {"log_depth": torch.tensor([[0.0, 1.0]]), "raw_scale": torch.zeros(1, 2), "sky_logit": torch.zeros(1, 2)}
    depth, scale, sky = read_depth(raw, 500.0)
    assert depth.tolist()[0] == pytest.approx([0.5, 0.5 * math.e])
    assert scale.tolist()[0] == pytest.approx([1.001, 1.001])  # 1e-3 + exp(0)
    assert sky.tolist()[0] == [0.5, 0.5]
    assert read_depth(raw, 1000.0)[0].tolist()[0] == pytest.approx([1, math.e])


def test_one_scene_at_two_resolutions_is_the_same_metres():
    # Twice the pixels, twice the focal length: everything is twice as large in pixels, so canonical depth,
    # real size over size in pixels, is half. Read with its own focal, either picture gives the truth.
    small, large = floor_truth(), floor_truth(2 * FOCAL, (128, 80))
    for truth, focal in ((small, FOCAL), (large, 2 * FOCAL)):
        raw = raw_at(truth)
        off = values(head().loss(raw, truth))
        assert off["depth_l1"] == pytest.approx(0, abs=ROUNDING)
        depth = read_depth({k: v[0].detach() for k, v in raw.items()}, focal)[0]
        known = truth["depth_z"][0].isfinite()
        assert torch.allclose(depth[known], truth["depth_z"][0][known], rtol=1e-5)
    # pixel (x, y) of the small picture covers (2x, 2y)..(2x + 1, 2y + 1) of the large one
    deep = small["depth_z"][0, 50, 5], large["depth_z"][0, 100:102, 10].mean()
    assert float(deep[1] / deep[0]) == pytest.approx(1, abs=0.01)


def test_equal_pictures_have_equal_targets_whatever_the_lens():
    # Seen through a lens twice as long from twice as far, a thing has the same size in pixels.
    near, far = floor_truth(), floor_truth()
    far["depth_z"], far["focal_px"] = far["depth_z"] * 2, far["focal_px"] * 2
    assert torch.allclose(raw_at(near)["log_depth"], raw_at(far)["log_depth"], atol=1e-6)
    assert values(head().loss(raw_at(near), far))["depth_l1"] == pytest.approx(0, abs=ROUNDING)


# ---- losses ----------------------------------------------------------------------------------------------


def test_losses_are_smallest_at_the_truth():
    truth = floor_truth()
    at_truth = values(head().loss(raw_at(truth), truth))
    count = int(truth["depth_z"].isfinite().sum())
    assert at_truth["depth_l1"] == pytest.approx(0, abs=ROUNDING)
    assert at_truth["depth_gradient"] == pytest.approx(0, abs=ROUNDING)
    assert at_truth["depth_normal"] == pytest.approx(0, abs=ROUNDING)
    assert int(head().loss(raw_at(truth), truth)["depth_normal"][1]) > 100
    assert at_truth["sky"] == pytest.approx(0, abs=ROUNDING)
    assert at_truth["depth_nll"] == pytest.approx(count * math.log(2 * 0.1), rel=1e-4)  # |e| = 0: log(2 b)

    torch.manual_seed(0)
    for size in (0.01, 0.1, 1.0):
        raw = raw_at(truth)
        raw["log_depth"] = raw["log_depth"] + size * torch.randn(raw["log_depth"].shape)
        raw["sky_logit"] = raw["sky_logit"] * (1 - size / 2)
        moved = values(head().loss(raw, truth))
        for name in ("depth_nll", "depth_l1", "depth_gradient", "depth_normal"):
            assert moved[name] > at_truth[name] + ROUNDING, (name, size)
        assert moved["sky"] >= at_truth["sky"]
    assert values(head().loss({**raw_at(truth), "sky_logit": -raw_at(truth)["sky_logit"]}, truth))["sky"] > 1000


def test_a_wrong_scale_costs_depth_but_no_edges_and_no_normals():
    truth = floor_truth()
    raw = raw_at(truth)
    raw["log_depth"] = raw["log_depth"] + math.log(1.3)
    off, (_, count) = values(head().loss(raw, truth)), head().loss(raw, truth)["depth_l1"]
    assert off["depth_l1"] == pytest.approx(int(count) * math.log(1.3), rel=1e-4)
    assert off["depth_gradient"] == pytest.approx(0, abs=ROUNDING)
    assert off["depth_normal"] == pytest.approx(0, abs=ROUNDING)


def test_gradient_loss_is_the_mean_difference_of_errors_1_2_4_8_pixels_apart():
    error = torch.zeros(1, 1, 16)
    error[..., 8:] = 0.5  # one step: a pair straddles it for as many offsets as it is pixels apart
    total, count = multiscale_gradient(error, torch.ones(1, 1, 16, dtype=torch.bool))
    assert float(total) == pytest.approx(0.5 * (1 + 2 + 4 + 8))
    assert int(count) == 15 + 14 + 12 + 8


@pytest.mark.parametrize("hole", [torch.nan, torch.inf, 0.0, -1.0, -torch.inf])
def test_what_is_unknown_neither_counts_nor_pulls(hole):
    torch.manual_seed(1)
    truth = floor_truth()
    truth["depth_z"][:, 40:52, 10:30] = hole
    there = torch.zeros_like(truth["depth_z"], dtype=torch.bool)
    there[:, 40:52, 10:30] = True
    there |= truth["depth_z"].isposinf()

    def losses(at_holes: float):
        raw = raw_at(floor_truth())
        wrong = (raw["log_depth"] + 0.05).detach()
        raw["log_depth"] = torch.where(there, wrong + at_holes, wrong).requires_grad_()
        raw["raw_scale"] = torch.where(there, 5 * at_holes - 2, -2.0).requires_grad_()
        found = head().loss(raw, truth)
        geometry = sum(total for name, (total, _) in found.items() if name != "sky")
        (geometry + found["sky"][0]).backward()
        return raw, found

    (raw, found), (_, other) = losses(0.0), losses(1.0)
    for name, (total, count) in found.items():
        assert math.isfinite(float(total.detach())), name
        assert float(total.detach()) == pytest.approx(float(other[name][0].detach()), rel=1e-4, abs=1e-3), name
        assert int(count) == int(other[name][1]), name
    assert int(found["depth_l1"][1]) == int((~there).sum())
    known = truth["depth_z"].isposinf() | (truth["depth_z"].isfinite() & (truth["depth_z"] > 0))
    assert int(found["sky"][1]) == int(known.sum())
    for name in ("log_depth", "raw_scale", "sky_logit"):
        assert raw[name].grad.isfinite().all(), name
    assert (raw["log_depth"].grad[there] == 0).all() and (raw["raw_scale"].grad[there] == 0).all()
    assert (raw["sky_logit"].grad[~known] == 0).all()
    assert (raw["log_depth"].grad[~there] != 0).any()


def test_a_picture_without_any_truth_costs_nothing():
    truth = floor_truth()
    truth["depth_z"][:] = torch.nan
    raw = raw_at(floor_truth())
    losses = head().loss(raw, truth)
    assert all(float(total) == 0 and int(count) == 0 for total, count in losses.values())
    sum(total for total, _ in losses.values()).backward()
    assert all((value.grad == 0).all() for value in raw.values())


def test_sums_of_parts_are_the_sum_of_the_whole():
    truth = floor_truth()
    truth["depth_z"][1, 50:] = torch.nan
    raw = raw_at(floor_truth())
    raw["log_depth"] = raw["log_depth"] + 0.1 * torch.sin(torch.arange(raw["log_depth"].numel())).reshape(2, *SIZE)
    whole = head().loss(raw, truth)
    parts = [
        head().loss({k: v[i : i + 1] for k, v in raw.items()}, {k: v[i : i + 1] for k, v in truth.items()})
        for i in (0, 1)
    ]
    for name, (total, count) in whole.items():
        assert float(total) == pytest.approx(sum(float(part[name][0]) for part in parts), rel=1e-4, abs=1e-4), name
        assert int(count) == sum(int(part[name][1]) for part in parts), name


# ---- uncertainty -----------------------------------------------------------------------------------------


def test_nll_is_that_of_a_laplace_distribution():
    torch.manual_seed(0)
    error, scale = torch.randn(200), 0.01 + torch.rand(200)
    total, count = laplace_nll(error, scale, torch.ones(200, dtype=torch.bool))
    expected = -torch.distributions.Laplace(torch.zeros(200), scale).log_prob(error).sum()
    assert float(total) == pytest.approx(float(expected), rel=1e-5) and int(count) == 200


def test_the_scale_that_fits_is_the_mean_absolute_error():
    torch.manual_seed(0)
    error = torch.distributions.Laplace(0, 0.3).sample((500,)).double()
    best = error.abs().mean()
    everywhere = torch.ones(500, dtype=torch.bool)

    def nll(scale: torch.Tensor) -> torch.Tensor:
        raw = torch.log(scale - 1e-3).requires_grad_()
        total, _ = laplace_nll(error, laplace_scale(raw).expand(500), everywhere)
        return torch.stack([total.detach(), torch.autograd.grad(total, raw)[0]])

    (at_best, slope), (below, _), (above, _) = nll(best), nll(0.9 * best), nll(1.1 * best)
    assert abs(float(slope)) < 1e-6 and float(below) > float(at_best) < float(above)


def test_the_scale_is_never_below_a_thousandth_and_never_infinite():
    raw = torch.tensor([-1e4, -100.0, 0.0, 100.0, 1e4], requires_grad=True)
    scale = laplace_scale(raw)
    assert scale.min() >= 1e-3 and float(scale[0].detach()) == pytest.approx(1e-3) and scale.isfinite().all()
    total, _ = laplace_nll(torch.full((5,), 0.2), scale, torch.ones(5, dtype=torch.bool))
    total.backward()
    assert raw.grad.isfinite().all()


@pytest.mark.parametrize("probability", [0.5, 0.9, 0.99])
def test_the_half_width_holds_its_share_of_a_laplace_variable(probability):
    half = torch.tensor(laplace_half_width(0.3, probability))
    laplace = torch.distributions.Laplace(0, 0.3)
    assert float(laplace.cdf(half) - laplace.cdf(-half)) == pytest.approx(probability, abs=1e-5)


# ---- precision -------------------------------------------------------------------------------------------


def test_bf16_autocast_does_not_reach_the_head():
    torch.manual_seed(0)
    features = Features(
        {"vision.1": torch.randn(1, 8, 6, 8), "language.0": torch.randn(1, 12, 3, 4)}, torch.randn(1, 3, 96, 128)
    )
    depth = head()
    plain = depth(features)
    with torch.autocast("cpu", torch.bfloat16):
        cast = depth(features)
    for name, value in plain.items():
        assert cast[name].dtype == torch.float32 and torch.equal(cast[name], value), name


def test_bf16_features_give_float32_answers():
    features = Features(
        {"vision.1": torch.randn(1, 8, 6, 8), "language.0": torch.randn(1, 12, 3, 4)}, torch.randn(1, 3, 96, 128)
    )
    exact = head()(features)
    rounded = head()(Features({k: v.bfloat16() for k, v in features.taps.items()}, features.image))
    for name, value in rounded.items():
        assert value.dtype == torch.float32
        assert torch.allclose(value, exact[name], atol=0.05), name
