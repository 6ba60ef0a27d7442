"""A ramp between two depths becomes a step, and nothing else is touched: planes, creases, small things, the border."""

import math

import pytest
import torch
from torch.nn import functional

from heads.base import Features, Tap
from heads.depth import DepthHead
from heads.sharpen import sharpened

RADII = (5, 3, 2)
NEAR, FAR = math.log(2.0), math.log(5.0)
TAPS = [Tap("vision.1", 8, 16), Tap("language.0", 12, 32)]


def ramp(width: int, columns: int = 64, rows: int = 48) -> torch.Tensor:
    """(1, rows, columns) of log depth: 2 m on the left, 5 m on the right, `width` pixels from one to the other."""
    share = ((torch.arange(columns) + 0.5 - columns / 2) / width + 0.5).clamp(0, 1)
    return (NEAR + (FAR - NEAR) * share).expand(1, rows, columns)


def between(maps: torch.Tensor) -> int:
    """Pixels of the middle row that are neither within a tenth of the step of one side nor of the other."""
    share = (maps[0, maps.shape[1] // 2] - NEAR) / (FAR - NEAR)
    return int(((share > 0.1) & (share < 0.9)).sum())


@pytest.mark.parametrize("width", [2, 4, 6, 8, 10])
def test_a_ramp_becomes_a_step_in_its_middle(width):
    before, after = ramp(width), sharpened(ramp(width), RADII)
    assert between(after) <= 2 and between(before) >= 0.8 * width - 1
    assert after[0, 24, :20] == pytest.approx(NEAR, abs=1e-4) and after[0, 24, -20:] == pytest.approx(FAR, abs=1e-4)
    middle = after[0, 24] > (NEAR + FAR) / 2
    assert middle.long().diff().sum() == 1 and abs(int(middle.long().argmax()) - 32) <= 1


def test_turned_and_mirrored_maps_are_sharpened_the_same():
    maps = ramp(8) + 0.02 * torch.randn(1, 48, 64, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(sharpened(maps.mT, RADII), sharpened(maps, RADII).mT, atol=1e-5)
    assert torch.allclose(sharpened(maps.flip(2), RADII), sharpened(maps, RADII).flip(2), atol=1e-5)


@pytest.mark.parametrize("slopes", [(0.0, 0.0), (0.012, 0.0), (0.0, 0.014), (0.008, -0.007), (-0.002, 0.003)])
def test_a_plane_stays_as_it_is_up_to_the_border(slopes):
    """1 / depth_z of a plane is linear in the image; here it falls to a fifth at most, from one side to the other."""
    rows, columns = torch.meshgrid(torch.arange(48.0), torch.arange(64.0), indexing="ij")
    nearness = 1 + slopes[0] * (columns - 31.5) + slopes[1] * (rows - 23.5)
    plane = -nearness.log()[None]
    assert nearness.min() > 0.2
    assert torch.allclose(sharpened(plane, RADII), plane, atol=1e-3)


def test_a_floor_that_ends_at_a_wall_makes_no_stairs():
    """A wall 6 m away; below it a floor that comes nearer down to a third of that: log depth bends, but has no step."""
    row = torch.arange(48.0)[:, None].expand(48, 64)
    bent = -(1 + 2 * (row - 20).clamp_min(0) / 27).log()[None] + math.log(6.0)
    assert (sharpened(bent, RADII) - bent).abs().max() < 0.02
    assert sharpened(bent, RADII)[0, 28:].diff(dim=0).max() < -0.01  # still falls in every row


def test_a_thing_before_a_slanted_floor_is_cut_out_and_the_floor_stays():
    floor = -(0.3 + 0.01 * torch.arange(48.0)[:, None].expand(48, 64)).log()[None]
    thing = torch.zeros(1, 1, 48, 64)
    thing[..., 10:30, 20:40] = 1
    share = functional.avg_pool2d(functional.pad(thing, (3,) * 4), 7, 1)[0]
    found = sharpened(floor * (1 - share) + share * -0.7, RADII)
    assert (found - floor).abs()[:, :, :8].max() < 1e-3
    assert (found[0, 15:25, 25:35] + 0.7).abs().max() < 1e-3
    row = found[0, 20]
    between_the_two = (row - row[30] > 0.1 * (row[0] - row[30])) & (row - row[30] < 0.9 * (row[0] - row[30]))
    assert between_the_two.sum() <= 4  # two edges


def test_nothing_is_said_that_was_not_said_nearby():
    maps = functional.avg_pool2d(torch.randn(2, 40, 50, generator=torch.Generator().manual_seed(1)), 5, 1, 2)
    after = sharpened(maps, (4,))
    around = functional.max_pool2d(maps, 11, 1, 5), -functional.max_pool2d(-maps, 11, 1, 5)
    assert (after <= around[0] + 1e-5).all() and (after >= around[1] - 1e-5).all()
    assert (after - maps).abs().max() > 0.01


def test_no_radius_is_the_map_itself_and_small_maps_are_no_error():
    maps = torch.randn(1, 16, 16)
    assert torch.equal(sharpened(maps, ()), maps)
    assert sharpened(torch.randn(1, 1, 5), RADII).isfinite().all()
    assert sharpened(1e4 * maps, RADII).isfinite().all()  # of weights that have not learned anything


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_thin_pole_that_is_sharp_already_stays(width):
    maps = torch.full((1, 40, 60), 2.0)
    maps[:, 5:35, 30 : 30 + width] = 1.0
    found = sharpened(maps, RADII)
    assert torch.allclose(found[:, 8:32, 30 : 30 + width], torch.tensor(1.0), atol=1e-6)
    assert torch.allclose(found[:, 8:32, :20], torch.tensor(2.0), atol=1e-6)


def test_gradients_flow():
    maps = (ramp(8) + 0.01 * torch.randn(1, 48, 64, generator=torch.Generator().manual_seed(2))).requires_grad_()
    sharpened(maps, RADII).square().sum().backward()
    assert maps.grad is not None and maps.grad.isfinite().all() and maps.grad.any()


def test_the_depth_head_sharpens_depth_alone_and_has_no_more_weights():
    torch.manual_seed(3)
    plain, sharp = DepthHead(TAPS, (8, 8, 8, 6, 4)).eval(), DepthHead(TAPS, (8, 8, 8, 6, 4), sharpen=[5, 3, 2]).eval()
    sharp.load_state_dict(plain.state_dict())
    with torch.no_grad():
        plain.last.weight.mul_(20)
        sharp.last.weight.mul_(20)
    x = Features(
        {"vision.1": torch.randn(1, 8, 6, 10), "language.0": torch.randn(1, 12, 3, 5)}, torch.randn(1, 3, 96, 160)
    )
    before, after = plain(x), sharp(x)
    assert torch.equal(after["log_depth"], sharpened(before["log_depth"], (5, 3, 2)))
    assert not torch.equal(after["log_depth"], before["log_depth"])
    assert all(torch.equal(after[name], before[name]) for name in ("raw_scale", "sky_logit"))
    assert torch.equal(sharp.train()(x)["log_depth"], before["log_depth"])  # losses see the ramps


@pytest.mark.parametrize("radii", [[0], [4, -1], [2.5], [True], 3, ["3"]])
def test_radii_that_cannot_be_are_told(radii):
    with pytest.raises(ValueError, match=r"sharpen: .* allowed"):
        DepthHead(TAPS, (8, 8, 8, 6, 4), sharpen=radii)
