"""SILog by its formula: sqrt(mean(e^2) - 0.5 * mean(e)^2) of every image that has truth."""

import math

import torch

from heads.losses import edge_difference, focal_cross_entropy, multiscale_gradient, silog


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


def step_of(height: float, columns: int = 24) -> torch.Tensor:
    """(1, 6, columns) log depth: 0 on the left half, `height` on the right."""
    return torch.where(torch.arange(columns) < columns // 2, 0.0, height).expand(1, 6, columns)


def test_a_missing_depth_edge_costs_its_whole_height_however_small_a_part_of_the_picture_it_is():
    true, everywhere = step_of(0.5), torch.ones(1, 6, 24, dtype=torch.bool)
    total, count = edge_difference(torch.zeros_like(true) - true, true, everywhere)
    assert int(count) == 6 * (1 + 2 + 4 + 8)  # pairs 1, 2, 4, 8 px apart that lie on both sides
    assert math.isclose(float(total / count), 0.5, rel_tol=1e-6)
    assert float(edge_difference(torch.zeros_like(true), true, everywhere)[0]) == 0


def test_what_a_blurred_edge_costs_falls_with_its_width_while_all_neighbours_together_prefer_none():
    """Ramps over 4 and 16 px against no edge at all, of the same true step."""
    true, everywhere = step_of(0.5, 48), torch.ones(1, 6, 48, dtype=torch.bool)

    def mean(loss, predicted: torch.Tensor, *more: torch.Tensor) -> float:
        total, count = loss(predicted - true, *more, everywhere)
        return float(total / count)

    ramps = [((torch.arange(48) - 23.5) / width + 0.5).clamp(0, 1).expand(1, 6, 48) * 0.5 for width in (4, 16)]
    narrow, wide, none = (mean(edge_difference, p, true) for p in (*ramps, torch.zeros_like(true)))
    assert narrow < 0.6 * wide and wide < 0.9 * none
    assert mean(multiscale_gradient, ramps[1]) > mean(multiscale_gradient, torch.zeros_like(true))


def test_jumps_to_sky_or_to_unknown_places_are_no_depth_edges():
    true, mask = step_of(0.5), torch.ones(1, 6, 24, dtype=torch.bool)
    mask[..., 12:] = False
    assert int(edge_difference(torch.randn(1, 6, 24), true, mask)[1]) == 0
    assert int(edge_difference(torch.randn(1, 6, 24), step_of(0.05), torch.ones_like(mask))[1]) == 0


def test_a_class_that_is_known_hardly_counts_and_one_that_is_missed_counts_as_ever():
    logits = torch.tensor([[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [1.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    ids = torch.tensor([0, 0, 2, -1])
    chance = logits.softmax(1)[torch.arange(4), ids.clamp(min=0)]
    costs = focal_cross_entropy(logits, ids)
    torch.testing.assert_close(costs[:3], (-((1 - chance) ** 2) * chance.log())[:3])
    assert costs[3] == 0
    torch.testing.assert_close(focal_cross_entropy(logits, ids, focus=0)[:3], -chance.log()[:3])
    known, missed = (costs[k] / -chance[k].log() for k in (0, 1))
    assert known < 0.002 and missed > 0.9


def test_a_map_of_classes_that_is_exact_has_finite_gradients():
    logits = torch.zeros(1, 3, 2, 2)
    logits[:, 1] = 200
    logits.requires_grad_(True)
    focal_cross_entropy(logits, torch.tensor([[[1, 1], [0, -1]]])).sum().backward()
    assert logits.grad.isfinite().all()
    assert logits.grad[0, :, 0].abs().sum() == 0 and logits.grad[0, :, 1, 1].abs().sum() == 0
    assert logits.grad[0, 0, 1, 0] == -1
