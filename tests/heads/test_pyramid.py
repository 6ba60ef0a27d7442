"""The pyramid draws no grid of its own: what is even stays even, and no frequency of the token grid stands out."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from heads.base import Features, Tap
from heads.depth import DepthHead
from heads.pyramid import Pyramid, resize

TAPS = [Tap("vision.1", 8, 16), Tap("language.0", 12, 32)]
WIDTHS = (8, 8, 8, 6, 4)


def features(
    height: int, width: int, batch: int = 1, patch: int = 16, taps=torch.randn, image: float = 0.3
) -> Features:
    """height x width tokens of two patches a side; `taps` makes their values."""
    return Features(
        {"vision.1": taps(batch, 8, 2 * height, 2 * width), "language.0": taps(batch, 12, height, width)},
        torch.full((batch, 3, 2 * height * patch, 2 * width * patch), image),
    )


def even(batch: int, channels: int, height: int, width: int) -> torch.Tensor:
    """The same feature vector everywhere."""
    return torch.linspace(-2, 3, channels)[None, :, None, None].expand(batch, channels, height, width).clone()


def with_random_weights(module: nn.Module, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    for weight in module.parameters():
        nn.init.normal_(weight, std=0.4)
    return module


def unevenness(x: torch.Tensor) -> float:
    """The largest difference within a channel, over the largest value."""
    flat = x.detach().flatten(2)
    return float((flat.amax(-1) - flat.amin(-1)).max() / flat.abs().max())


def uneven(batch: int, channels: int, height: int, width: int) -> torch.Tensor:
    """Noise around a common feature vector, as real features are."""
    return even(batch, channels, height, width) + torch.randn(batch, channels, height, width)


def grid_peak(x: torch.Tensor, period: int) -> float:
    """Power at the grid's frequency 1 / period over what its neighbours on both sides let expect, along each row.

    Power is averaged over samples, channels and rows; x (B, C, H, W), W a multiple of the period. A smooth
    spectrum falls about exponentially here, so the geometric mean is the expectation: 1 = no peak.
    """
    x = x.detach().double()
    power = torch.fft.rfft(x - x.mean(-1, keepdim=True), dim=-1).abs().square().mean((0, 1, 2))
    k = x.shape[-1] // period
    around = torch.cat([power[k - 4 : k - 1], power[k + 2 : k + 5]])
    return float(power[k] / around.log().mean().exp())


class TransposedPyramid(nn.Module):
    """What published heads do: two transposed convolutions whose kernel is their stride."""

    def __init__(self):
        super().__init__()
        self.first = nn.ConvTranspose2d(12, 8, 4, stride=4)
        self.second = nn.ConvTranspose2d(8, 4, 4, stride=4)

    def forward(self, x: Features) -> torch.Tensor:
        return self.second(functional.gelu(self.first(x.taps["language.0"])))


# ---- even in, even out -----------------------------------------------------------------------------------


@pytest.mark.parametrize("height, width", [(4, 4), (3, 7)])
@pytest.mark.parametrize("weights", ["initial", "random"])
def test_an_even_picture_with_even_features_gives_an_even_map(height, width, weights):
    pyramid = Pyramid(TAPS, WIDTHS)
    if weights == "random":
        with_random_weights(pyramid)
    out = pyramid(features(height, width, taps=even))
    assert out.abs().max() > 1e-3  # something comes out
    assert unevenness(out) < 1e-4


def test_a_transposed_convolution_would_fail_that_test():
    assert unevenness(with_random_weights(TransposedPyramid())(features(4, 4, taps=even))) > 0.1


def test_the_depth_head_starts_without_a_checkerboard():
    torch.manual_seed(0)
    head = DepthHead(TAPS, WIDTHS)
    with_random_weights(head.pyramid)
    for name, value in head(features(4, 5, taps=even)).items():
        assert unevenness(value[:, None]) < 1e-4, name
    raw = head(features(4, 5))["log_depth"][0].detach()
    sub = torch.stack([raw[row::2, column::2] for row in (0, 1) for column in (0, 1)])
    assert raw.std() > 1e-3 and (sub == sub[:1]).all()  # ICNR: the four sub-pixels start exactly equal


# ---- random features: no line at the grid's frequency ------------------------------------------------------


@pytest.mark.parametrize("period", [8, 16])  # pixels of the pyramid's output for a patch and for a token
@pytest.mark.parametrize("weights", ["initial", "random"])
def test_the_token_and_the_patch_frequency_do_not_stand_out(period, weights):
    torch.manual_seed(1)
    pyramid = Pyramid(TAPS, WIDTHS)
    if weights == "random":
        with_random_weights(pyramid, 2)
    with torch.no_grad():
        out = pyramid(features(4, 16, batch=24, taps=uneven))
    assert out.shape[-1] == 256
    assert grid_peak(out, period) < 2


def test_a_transposed_convolution_has_a_peak_at_the_token_period():
    pyramid = with_random_weights(TransposedPyramid(), 2)
    assert grid_peak(pyramid(features(4, 16, batch=24, taps=uneven)), 16) > 10


# ---- sizes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("patch", [14, 16])
def test_output_has_16_pixels_per_patch_whatever_the_patch_is(patch):
    height, width = 3, 5  # tokens; 6 x 10 patches
    x = features(height, width, patch=patch)
    assert x.image.shape[-2:] == (6 * patch, 10 * patch)
    taps = [Tap("vision.1", 8, patch), Tap("language.0", 12, 2 * patch)]
    assert Pyramid(taps, WIDTHS)(x).shape == (1, WIDTHS[-1], 6 * 8, 10 * 8)
    for value in DepthHead(taps, WIDTHS)(x).values():
        assert value.shape == (1, 6 * 16, 10 * 16) and value.dtype == torch.float32


def test_taps_of_one_grid_alone_are_enough():
    x = features(3, 4)
    for tap, scale in ((TAPS[0], 2), (TAPS[1], 1)):
        assert Pyramid([tap], WIDTHS)(x).shape == (1, WIDTHS[-1], 3 * scale * 8, 4 * scale * 8)


def test_every_tap_and_the_picture_reach_the_output():
    pyramid = with_random_weights(Pyramid(TAPS, WIDTHS))
    x = features(3, 4)
    before = pyramid(x)
    for name, tap in x.taps.items():
        changed = Features({**x.taps, name: tap + torch.randn_like(tap)}, x.image)
        assert (pyramid(changed) - before).abs().max() > 1e-2, name
    assert (pyramid(Features(x.taps, x.image + torch.rand_like(x.image))) - before).abs().max() > 1e-2


# ---- upsampling ------------------------------------------------------------------------------------------


def test_a_ramp_stays_the_same_ramp_at_another_size():
    """Pixel centres are at +0.5 in both: a value that grows with position is the position, inside the border."""
    ramp = (torch.arange(6) + 0.5).expand(1, 1, 4, 6)  # position in cells
    finer = resize(ramp, (8, 24))[0, 0, 3]
    assert finer[2:-2].tolist() == pytest.approx([(i + 0.5) / 4 for i in range(2, 22)], abs=1e-5)


def test_moving_everything_by_one_token_moves_the_map_by_16_pixels():
    torch.manual_seed(3)
    pyramid = with_random_weights(Pyramid(TAPS, WIDTHS))
    wide = features(2, 19, taps=uneven)
    wide.image.normal_()

    def window(first: int) -> torch.Tensor:
        """The map of 18 tokens from the first-th on."""
        per_token = {"vision.1": 2, "language.0": 1}
        taps = {
            name: tap[..., first * per_token[name] :][..., : 18 * per_token[name]] for name, tap in wide.taps.items()
        }
        with torch.no_grad():
            out = pyramid(Features(taps, wide.image[..., first * 32 :][..., : 18 * 32]))
        return out / 1000  # such weights make large numbers

    left, right = window(0)[..., 16:], window(1)[..., :-16]
    inner = slice(7 * 16, -7 * 16)  # what the window's own border reaches
    assert torch.allclose(left[..., inner], right[..., inner], atol=1e-4)
    assert not torch.allclose(left[..., 1:], right[..., :-1], atol=1e-2)


@pytest.mark.parametrize("weights", ["initial", "random"])
def test_steps_are_not_larger_where_a_patch_begins(weights):
    """Mean difference of neighbouring pixels by their place within a patch: no seam stands out."""
    torch.manual_seed(1)
    pyramid = Pyramid(TAPS, WIDTHS)
    if weights == "random":
        with_random_weights(pyramid, 2)
    with torch.no_grad():
        out = pyramid(features(4, 16, batch=24, taps=uneven))
    steps = (out[..., 1:] - out[..., :-1]).abs().mean((0, 1, 2))[7:-8]  # starts at the seam between two patches
    by_place = steps[: len(steps) // 8 * 8].reshape(-1, 8).mean(0)
    assert float(by_place.max() / by_place.median()) < 2
