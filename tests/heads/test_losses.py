"""SILog by its formula: sqrt(mean(e^2) - 0.5 * mean(e)^2) of every image that has truth."""

import math

import torch

from heads.losses import silog


def test_a_common_factor_costs_half_as_much_as_the_same_error_with_changing_sign():
    factor = torch.full((1, 4, 6), 0.3)
    changing = factor * torch.tensor([1.0, -1.0]).repeat(3)
    everywhere = torch.ones(1, 4, 6, dtype=torch.bool)
    assert math.isclose(float(silog(factor, everywhere)[0]), 0.3 * math.sqrt(0.5), rel_tol=1e-5)
    assert math.isclose(float(silog(changing, everywhere)[0]), 0.3, rel_tol=1e-5)


def test_every_image_counts_once_however_many_places_it_has_and_none_without_truth():
    error = torch.tensor([[[0.1, 0.5], [0.0, 0.0]], [[0.2, 9.0], [9.0, 9.0]], [[9.0, 9.0], [torch.nan, torch.inf]]])
    mask = torch.tensor([[[True, True], [False, False]], [[True, False], [False, False]], [[False] * 2] * 2])
    total, count = silog(error, mask)
    first = math.sqrt((0.01 + 0.25) / 2 - 0.5 * 0.3**2)
    assert int(count) == 2
    assert math.isclose(float(total), first + 0.2 * math.sqrt(0.5), rel_tol=1e-5)


def test_an_exact_prediction_and_an_unknown_place_have_finite_gradients():
    error = torch.zeros(2, 3, 3, requires_grad=True)
    mask = torch.zeros(2, 3, 3, dtype=torch.bool)
    mask[0] = True
    silog(error, mask)[0].backward()
    assert error.grad is not None and error.grad.isfinite().all() and not error.grad[1].any()
