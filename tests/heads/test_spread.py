"""Maps spread within what looks alike and stop at the picture's edges; nothing is lost and no grid is drawn."""

import pytest
import torch
from torch.nn import functional

from heads.base import Features, Tap
from heads.depth import DepthHead
from heads.spread import Spread

TAPS = [Tap("vision.1", 8, 16), Tap("language.0", 12, 32)]


def two_colours(width: int = 24, at: int = 12) -> torch.Tensor:
    """(1, 12, 8, width) cells of 2 x 2 pixels: dark before column `at`, bright from there on."""
    colour = torch.where(torch.arange(width) < at, -0.5, 0.5)
    return functional.pixel_unshuffle(colour.repeat_interleave(2).expand(1, 3, 16, 2 * width), 2)


def ramp(width: int = 24) -> torch.Tensor:
    """(1, 1, 8, width): 0 up to column 8, 1 from column 16 on, a ramp between: a blurred edge."""
    return ((torch.arange(width) - 7.5) / 8).clamp(0, 1).expand(1, 1, 8, width)


def step_at(maps: torch.Tensor, column: int) -> float:
    """The difference between a column and the one before it."""
    row = maps[0, 0, 4]
    return float(row[column] - row[column - 1])


def test_a_blurred_edge_becomes_a_step_where_the_picture_has_one():
    torch.manual_seed(0)
    spread = Spread(12, 4, (1, 2, 4))
    with torch.no_grad():
        sharp = spread(ramp(), two_colours(), torch.zeros(1, 4, 8, 24))
        blurred = spread(ramp(), torch.zeros(1, 12, 8, 24), torch.zeros(1, 4, 8, 24))
    assert step_at(ramp(), 12) == pytest.approx(1 / 8)
    assert step_at(sharp, 12) > 0.4
    assert step_at(blurred, 12) < 1 / 8
    assert sharp.amin() >= 0 and sharp.amax() <= 1  # means of what was there


def test_the_picture_s_colour_counts_before_training_and_the_features_can_learn_to_stop_it_too():
    torch.manual_seed(0)
    spread = Spread(12, 1, (1, 2, 4))
    with torch.no_grad():
        spread.of_features.weight.zero_()
        spread.of_features.weight[0] = 3.0
        features = two_colours()[:, :1]
        assert step_at(spread(ramp(), torch.zeros(1, 12, 8, 24), features), 12) > 0.4


def test_an_even_map_stays_as_it_is_whatever_the_picture():
    torch.manual_seed(1)
    spread = Spread(12, 4)
    for weight in spread.parameters():
        torch.nn.init.normal_(weight)
    out = spread(torch.full((2, 3, 9, 7), 1.7), torch.randn(2, 12, 9, 7), torch.randn(2, 4, 9, 7))
    assert torch.allclose(out, torch.full_like(out, 1.7), atol=1e-5)


def test_one_step_is_its_formula():
    """Column, then row: weights exp(b - |m - m'|^2) of the two neighbours beside 1 of the cell itself."""
    torch.manual_seed(2)
    spread = Spread(12, 2, (2,))
    maps, picture, features = torch.randn(1, 1, 7, 6), torch.randn(1, 12, 7, 6), torch.randn(1, 2, 7, 6)
    with torch.no_grad():
        spread.bias.copy_(torch.tensor([[0.3, -0.8]]))
        marks = (spread.of_picture(picture) + spread.of_features(features))[0]
        found = spread(maps, picture, features)[0, 0]
    values = maps[0, 0]
    for axis, bias in ((0, 0.3), (1, -0.8)):
        size, result = values.shape[axis], torch.empty_like(values)
        for y in range(7):
            for x in range(6):
                weight, total = 1.0, float(values[y, x])
                for offset in (-2, 2):
                    place = min(max((y, x)[axis] + offset, 0), size - 1)
                    at = (place, x) if axis == 0 else (y, place)
                    w = float((bias - (marks[:, y, x] - marks[:, at[0], at[1]]).square().sum()).exp())
                    weight, total = weight + w, total + w * float(values[at])
                result[y, x] = total / weight
        values = result
    assert torch.allclose(found, values, atol=1e-5)


def test_a_head_without_it_has_the_weights_of_before_and_one_with_it_five_more():
    """So that models that were saved before it load as they are."""
    plain, spreading = DepthHead(TAPS, (8, 8, 8, 6, 4)), DepthHead(TAPS, (8, 8, 8, 6, 4), spread=[1, 2])
    names = set(plain.state_dict())
    assert not any(name.startswith("spread") for name in names)
    more = {f"spread.{name}" for name in ("bias", "of_picture.weight", "of_picture.bias")}
    more |= {"spread.of_features.weight", "spread.of_features.bias"}
    assert set(spreading.state_dict()) - names == more


@pytest.mark.parametrize("patch", [14, 16])
def test_the_depth_head_spreads_its_three_maps_over_pictures_of_any_patch(patch):
    torch.manual_seed(3)
    taps = [Tap("vision.1", 8, patch), Tap("language.0", 12, 2 * patch)]
    plain, spreading = DepthHead(taps, (8, 8, 8, 6, 4)), DepthHead(taps, (8, 8, 8, 6, 4), spread=[1, 2])
    spreading.load_state_dict(plain.state_dict(), strict=False)
    image = torch.randn(1, 3, 6 * patch, 10 * patch)
    x = Features({"vision.1": torch.randn(1, 8, 6, 10), "language.0": torch.randn(1, 12, 3, 5)}, image)
    before, after = plain(x), spreading(x)
    for name, value in after.items():
        assert value.shape == (1, 96, 160) and value.dtype == torch.float32
        assert (value - before[name]).abs().max() > 1e-6
        assert value.var() < before[name].var()  # means vary less
    after["log_depth"].sum().backward()
    grads = {name: weight.grad for name, weight in spreading.named_parameters() if name.startswith("spread")}
    assert len(grads) == 5 and all(grad is not None and grad.any() for grad in grads.values())


@pytest.mark.parametrize("steps, marks", [((0, 1), 8), ((1,), 2)])
def test_steps_and_marks_that_cannot_be_are_told(steps, marks):
    with pytest.raises(ValueError, match="allowed"):
        Spread(12, 4, steps, marks)
