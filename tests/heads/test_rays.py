"""Cameras come exactly out of exact rays, and the ray head sees neither padding nor other scenes."""

import math

import numpy as np
import pytest
import torch

from heads.base import Tap
from heads.rays import GUESS, RayHead, ray_tokens, solve_focal, solve_intrinsics, solve_pose

TAPS = [Tap("language.0", 6, 32), Tap("language.-1", 4, 32)]


def rotation(rng: np.random.Generator, degrees: float | None = None) -> torch.Tensor:
    """A random rotation; with `degrees` one of that angle, else any."""
    if degrees is None:
        q, r = np.linalg.qr(rng.normal(size=(3, 3)))
        q = q * np.sign(np.diag(r))
        return torch.from_numpy(q * np.sign(np.linalg.det(q)))
    x, y, z = (axis := rng.normal(size=3)) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = math.radians(degrees)
    return torch.from_numpy(np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross)


def intrinsics(fx: float, fy: float, cx: float, cy: float) -> torch.Tensor:
    return torch.tensor([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], dtype=torch.float64)


def token_centres(columns: int, rows: int, stride: float = 32) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(rows) + 0.5, torch.arange(columns) + 0.5, indexing="ij")
    return stride * torch.stack([x, y], -1).reshape(-1, 2).double()


def rays(camera: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """K^-1 (u, v, 1) by NumPy: the definition."""
    p = np.concatenate([pixels.numpy(), np.ones((len(pixels), 1))], 1)
    return torch.from_numpy(p @ np.linalg.inv(camera.numpy()).T)


# ---- the camera from rays --------------------------------------------------------------------------------


@pytest.mark.parametrize("focal, cx, cy", [(300, 256, 192), (120, 10, 300), (900, 500, -50), (250, 256, 100)])
def test_intrinsics_are_exact_for_any_principal_point(focal, cx, cy):
    pixels = token_centres(16, 12)
    solved = solve_intrinsics(rays(intrinsics(focal, focal, cx, cy), pixels), pixels, torch.rand(len(pixels)).double())
    assert torch.allclose(solved, intrinsics(focal, focal, cx, cy), rtol=1e-6, atol=1e-6 * focal)


def test_only_the_direction_of_a_ray_matters():
    torch.manual_seed(0)
    pixels, truth = token_centres(8, 6), intrinsics(200, 200, 100, 120)
    longer = rays(truth, pixels) * (0.2 + 5 * torch.rand(len(pixels), 1).double())
    solved = solve_intrinsics(longer, pixels, torch.ones(len(pixels)).double())
    assert torch.allclose(solved, truth, rtol=1e-6, atol=1e-4)


def test_what_has_no_weight_does_not_count():
    torch.manual_seed(0)
    pixels, truth = token_centres(8, 6), intrinsics(200, 200, 100, 120)
    junk = torch.randn(20, 3).double() + torch.tensor([0, 0, 3.0])
    where = torch.cat([pixels, 1000 * torch.rand(20, 2).double()])
    weight = torch.cat([torch.ones(len(pixels)), torch.zeros(20)]).double()
    solved = solve_intrinsics(torch.cat([rays(truth, pixels), junk]), where, weight)
    assert torch.allclose(solved, truth, rtol=1e-6, atol=1e-4)
    focal = solve_focal(torch.cat([rays(truth, pixels), junk])[None], where[None], weight[None])
    assert float(focal[0]) == pytest.approx(200, rel=1e-6)

    turn, other = rotation(np.random.default_rng(3), 40), intrinsics(210, 190, 90, 130)
    camera, found = solve_pose(torch.cat([rays(other, pixels) @ turn.T, junk]), where, weight)
    assert torch.allclose(camera.double(), other, rtol=1e-5, atol=1e-3)
    assert torch.allclose(found.double(), turn, atol=1e-5)


def test_a_noisy_ray_with_little_weight_moves_the_focal_little():
    pixels, truth = token_centres(8, 6), intrinsics(200, 200, 128, 96)
    noisy = rays(truth, pixels)
    noisy[0] += torch.tensor([1.0, 0.5, 0.0])
    off = [abs(float(solve_intrinsics(noisy, pixels, w)[0, 0]) - 200) for w in _weights(len(pixels), 1.0, 1e-4)]
    assert off[0] > 5 and off[1] < 0.01


def _weights(count: int, *first: float) -> list[torch.Tensor]:
    return [torch.cat([torch.tensor([value]), torch.ones(count - 1)]).double() for value in first]


@pytest.mark.parametrize("seed", range(8))
def test_pose_is_exact_for_any_rotation_and_any_intrinsics(seed):
    rng = np.random.default_rng(seed)
    turn = rotation(rng)
    truth = intrinsics(*rng.uniform(150, 900, 2), *rng.uniform(0, 500, 2))  # off-centre, pixels not square
    pixels = token_centres(16, 12)
    camera, found = solve_pose(rays(truth, pixels) @ turn.T, pixels, torch.from_numpy(rng.uniform(0.1, 2, 192)))
    assert torch.allclose(camera.double(), truth, rtol=1e-5, atol=1e-3)
    assert torch.allclose(found.double(), turn, atol=1e-5)
    assert float(torch.linalg.det(found)) == pytest.approx(1, abs=1e-5)


def test_a_mirrored_field_of_rays_still_gives_a_rotation():
    pixels = token_centres(8, 6)
    mirrored = rays(intrinsics(200, 200, 128, 96), pixels) * torch.tensor([-1.0, 1.0, 1.0]).double()
    _, found = solve_pose(mirrored, pixels, torch.ones(len(pixels)).double())
    assert float(torch.linalg.det(found)) == pytest.approx(1, abs=1e-5)
    assert torch.allclose(found @ found.T, torch.eye(3), atol=1e-5)


# ---- the head --------------------------------------------------------------------------------------------


def head(seed: int = 0) -> RayHead:
    torch.manual_seed(seed)
    made = RayHead(TAPS, width=16, layers=2, attention_heads=2)
    for weight in made.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.3)
    return made


def grids(seed: int, *sizes: tuple[int, int]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(10, h, w, generator=generator) for h, w in sizes]


@pytest.mark.parametrize("training", [True, False])
def test_scenes_batched_and_padded_are_as_alone(training):
    made = head().train(training)
    scenes = [grids(1, (4, 5)), grids(2, (6, 4), (4, 7)), grids(3, (4, 4))]
    with torch.no_grad():
        together = made(ray_tokens(scenes))
        for b, scene in enumerate(scenes):
            alone = made(ray_tokens([scene]))
            n = sum(grid[0].numel() for grid in scene)
            for name in ("direction", "origin", "raw_scale"):
                assert torch.allclose(together[name][b, :n], alone[name][0], atol=1e-5), (name, b)
            views = len(scene)
            assert torch.allclose(together["raw_focal_scale"][b, :views], alone["raw_focal_scale"][0], atol=1e-5)


def test_every_view_sees_the_others():
    made = head()
    first, second = grids(2, (4, 4), (4, 5))
    with torch.no_grad():
        before = made(ray_tokens([[first, second]]))["direction"]
        after = made(ray_tokens([[first, grids(9, (4, 5))[0]]]))["direction"]
    assert (before[:, :16] - after[:, :16]).abs().max() > 1e-3


def test_an_untrained_head_guesses_a_common_camera():
    made = RayHead(TAPS, width=16)
    torch.nn.init.zeros_(made.last.weight)
    rows, columns = 6, 8
    pixels = token_centres(columns, rows)
    direction = made(ray_tokens([grids(0, (rows, columns))]))["direction"][0].detach().double()
    camera = solve_intrinsics(direction, pixels, torch.ones(len(pixels)).double())
    half_diagonal = 32 * math.hypot(rows, columns) / 2
    assert torch.allclose(camera, intrinsics(half_diagonal / GUESS, half_diagonal / GUESS, 128, 96), rtol=1e-5)


# ---- its loss --------------------------------------------------------------------------------------------


def two_views(focals=(200.0, 260.0)) -> tuple[dict, dict]:
    """One scene of two views: what a perfect head says, and the truth; padded by five junk tokens."""
    turn = rotation(np.random.default_rng(5), 25)
    pixels = token_centres(4, 4)
    cameras = [intrinsics(f, f, 70, 60) for f in focals]
    direction = torch.cat([rays(cameras[0], pixels), rays(cameras[1], pixels) @ turn.T])
    origin = torch.cat([torch.zeros(16, 3), torch.tensor([0.4, -0.1, 0.7]).expand(16, 3)])
    junk = torch.full((5, 3), 7.0)
    truth = {
        "direction": torch.cat([direction.float(), junk])[None],
        "origin": torch.cat([origin, junk])[None],
        "mask": torch.tensor([[True] * 32 + [False] * 5]),
        "pixels": torch.cat([pixels, pixels, torch.full((5, 2), 9.0)]).float()[None],
        "focal_px": torch.tensor([focals]),
        "rotation": torch.stack([torch.eye(3), turn.float()])[None],
        "view": torch.tensor([[0] * 16 + [1] * 16 + [0] * 5]),
    }
    scale = math.log(0.1 - 1e-3)
    raw = {
        "direction": truth["direction"].clone(),
        "origin": truth["origin"].clone(),
        "raw_scale": torch.full((1, 37), scale),
        "raw_focal_scale": torch.full((1, 2), scale),
    }
    return raw, truth


def test_loss_is_smallest_at_the_truth():
    raw, truth = two_views()
    losses = head().loss(raw, truth)
    for name in ("ray_l1", "origin", "focal_l1"):
        assert float(losses[name][0]) == pytest.approx(0, abs=1e-4), name
    assert float(losses["ray_nll"][0]) == pytest.approx(32 * math.log(0.2), rel=1e-4)
    assert float(losses["focal_nll"][0]) == pytest.approx(2 * math.log(0.2), rel=1e-3)
    assert {n: int(c) for n, (_, c) in losses.items()} == {
        "ray_l1": 32, "ray_nll": 32, "origin": 16, "focal_l1": 2, "focal_nll": 2
    }  # fmt: skip
    torch.manual_seed(0)
    moved = {**raw, "direction": raw["direction"] + 0.1 * torch.randn(1, 37, 3), "origin": raw["origin"] + 0.1}
    for name, (total, _) in head().loss(moved, truth).items():
        assert float(total) > float(losses[name][0]) + 1e-3, name


def test_the_focal_loss_is_the_log_ratio_of_the_focals():
    raw, truth = two_views()
    truth["focal_px"] = truth["focal_px"] * 1.2
    assert float(head().loss(raw, truth)["focal_l1"][0]) == pytest.approx(2 * math.log(1.2), rel=1e-4)


def test_padding_has_no_say_in_the_loss():
    raw, truth = two_views()
    wild = {k: v.clone() for k, v in raw.items()}
    for name in ("direction", "origin", "raw_scale"):
        wild[name][:, 32:] = 1e4
        wild[name].requires_grad_()
    losses = head().loss(wild, truth)
    for name, (total, _) in head().loss(raw, truth).items():
        assert float(losses[name][0]) == pytest.approx(float(total), abs=1e-4), name
    sum(total for total, _ in losses.values()).backward()
    for name in ("direction", "origin", "raw_scale"):
        assert wild[name].grad.isfinite().all() and (wild[name].grad[:, 32:] == 0).all(), name


def test_the_first_view_is_the_origin_by_definition_and_is_not_trained():
    raw, truth = two_views()
    raw["origin"][:, :16] += 3
    assert float(head().loss(raw, truth)["origin"][0]) == pytest.approx(0, abs=1e-4)


# ---- precision -------------------------------------------------------------------------------------------


def test_bf16_autocast_does_not_reach_the_head():
    made = head().eval()
    tokens = ray_tokens([grids(1, (4, 5))])
    with torch.no_grad():
        plain = made(tokens)
        with torch.autocast("cpu", torch.bfloat16):
            cast = made(tokens)
    for name, value in plain.items():
        assert cast[name].dtype == torch.float32 and torch.equal(cast[name], value), name
