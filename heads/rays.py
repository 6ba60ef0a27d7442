"""Ray map head: per token a direction and an origin, and the camera solved from them.

The LLM is causal: its early image tokens have not seen the whole picture, and no view has seen the next one.
Two small bidirectional layers over the tokens of all views mend that. A direction is d = R K^-1 (u, v, 1),
unnormalised (its z is 1 in the view's own frame), in the first view's frame; an origin is the view's centre
in that frame at the first view's canonical scale, metres * 1000 / focal.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from heads.base import Head, Loss, Raw, Tap, masked_sum
from heads.losses import laplace_nll, laplace_scale

GUESS = 0.6  # half-diagonal tangent of a common camera: what the head predicts before it has learned anything


@dataclass
class RayTokens:
    """The image tokens of B scenes, all views of a scene in one padded row.

    tokens (B, N, C); position (B, N, 2) token centres relative to the image centre over half its diagonal;
    view (B, N) index of the view; mask (B, N) True where there is a token.
    """

    tokens: Tensor
    position: Tensor
    view: Tensor
    mask: Tensor


def ray_tokens(scenes: list[list[Tensor]]) -> RayTokens:
    """scenes[b][v] is the (C, h, w) feature grid of view v of scene b."""
    sizes = [[(grid.shape[-2], grid.shape[-1]) for grid in scene] for scene in scenes]
    device = scenes[0][0].device
    places = {(h, w): _centres(h, w, device) for h, w in {size for row in sizes for size in row}}
    rows = [torch.cat([grid.flatten(1) for grid in scene], 1).T.float() for scene in scenes]
    positions = [torch.cat([places[size] for size in row]) for row in sizes]
    counts = torch.tensor([len(row) for row in rows], device=device)
    mask = torch.arange(max(map(len, rows)), device=device) < counts[:, None]
    view = torch.zeros(mask.shape, dtype=torch.long)
    for b, row in enumerate(sizes):
        first = 0
        for v, (h, w) in enumerate(row):
            view[b, first : first + h * w] = v
            first += h * w
    pad = lambda parts: pad_sequence(parts, batch_first=True)  # noqa: E731
    return RayTokens(pad(rows), pad(positions), view.to(device), mask)


def _centres(height: int, width: int, device: torch.device) -> Tensor:
    """(height * width, 2): see `RayTokens.position`."""
    y, x = torch.meshgrid(
        torch.arange(height, device=device) + 0.5 - height / 2,
        torch.arange(width, device=device) + 0.5 - width / 2,
        indexing="ij",
    )
    return torch.stack([x, y], -1).reshape(-1, 2) / (0.5 * (height**2 + width**2) ** 0.5)


class RayHead(Head):
    """RayTokens -> {"direction" (B, N, 3), "origin" (B, N, 3), "raw_scale" (B, N), "raw_focal_scale" (B, V)}."""

    loss_names = ("ray_nll", "ray_l1", "origin", "focal_nll", "focal_l1")

    def __init__(
        self,
        taps: list[Tap],
        width: int = 128,
        layers: int = 2,
        attention_heads: int = 4,
        max_views: int = 16,
    ):
        super().__init__(taps)
        self.width, self.max_views = width, max_views
        self.norm = nn.LayerNorm(sum(tap.channels for tap in taps))
        self.project = nn.Linear(sum(tap.channels for tap in taps), width)
        self.place = nn.Linear(2, width)
        self.view = nn.Embedding(max_views, width)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width,
                attention_heads,
                4 * width,
                dropout=0.0,
                activation="gelu",
                batch_first=True,
                norm_first=True,
            )
            for _ in range(layers)
        )
        self.last_norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, 7)
        self.focal = nn.Linear(width, 1)
        for layer, bias in ((self.last, [0.0] * 6 + [-2.0]), (self.focal, [-2.0])):
            nn.init.normal_(layer.weight, std=0.01)
            layer.bias.data = torch.tensor(bias)

    def forward(self, features: RayTokens) -> Raw:
        with torch.autocast(features.tokens.device.type, enabled=False):
            x = self.project(self.norm(features.tokens)) + self.place(features.position) + self.view(features.view)
            for layer in self.layers:
                x = layer(x, src_key_padding_mask=~features.mask)
            x = self.last_norm(x)
            out = self.last(x)
            views = int(features.view.max()) + 1
            member = (features.view[:, None] == torch.arange(views, device=x.device)[:, None]) & features.mask[:, None]
            pooled = member.float() @ x / member.sum(-1, keepdim=True).clamp(min=1)
            focal = self.focal(pooled)[..., 0]
        start = torch.cat([features.position * GUESS, torch.ones_like(features.position[..., :1])], -1)
        return {
            "direction": start + out[..., :3],
            "origin": out[..., 3:6],
            "raw_scale": out[..., 6],
            "raw_focal_scale": focal,
        }

    def loss(self, raw: Raw, truth: dict[str, Tensor]) -> Loss:
        """truth: direction and origin (B, N, 3), mask (B, N), pixels (B, N, 2) and focal_px (B, V) of the

        photograph (square pixels), rotation (B, V, 3, 3) from a view to the first, view (B, N), as in `RayTokens`.
        """
        mask, scale = truth["mask"], laplace_scale(raw["raw_scale"])
        error = torch.linalg.vector_norm(raw["direction"] - truth["direction"] + 1e-9, dim=-1)
        losses: Loss = {
            "ray_nll": laplace_nll(error, scale, mask),
            "ray_l1": masked_sum(error, mask),
        }
        others = mask & (truth["view"] > 0)
        if others.any():  # the first view's origin is zero by definition
            off = torch.linalg.vector_norm(raw["origin"] - truth["origin"] + 1e-9, dim=-1)
            losses["origin"] = masked_sum(off / (1 + torch.linalg.vector_norm(truth["origin"], dim=-1)), others)
        errors, known = [], []
        for v in range(truth["focal_px"].shape[1]):
            here = mask & (truth["view"] == v)
            own = torch.einsum("bij,bni->bnj", truth["rotation"][:, v], raw["direction"])
            focal = solve_focal(own, truth["pixels"], here.float())
            errors.append(focal.clamp(min=1.0).log() - truth["focal_px"][:, v].clamp(min=1e-3).log())
            known.append(here.any(1))
        focal_error, present = torch.stack(errors, 1), torch.stack(known, 1)
        losses["focal_nll"] = laplace_nll(focal_error, laplace_scale(raw["raw_focal_scale"]), present)
        losses["focal_l1"] = masked_sum(focal_error.abs(), present)
        return losses

    def blank(self, truth: dict[str, Tensor]) -> Raw:
        zeros = torch.zeros_like
        return {
            "direction": zeros(truth["direction"]),
            "origin": zeros(truth["origin"]),
            "raw_scale": zeros(truth["direction"][..., 0]),
            "raw_focal_scale": zeros(truth["focal_px"]),
        }


def solve_focal(direction: Tensor, pixels: Tensor, weight: Tensor) -> Tensor:
    """(B, N, 3) directions in the view's own frame, (B, N, 2) pixels, (B, N) weights -> (B,) focal length in px.

    x/z and y/z are linear in the pixel with one common slope 1/f (square pixels): weighted least squares.
    """
    focal, _ = _regress(direction, pixels, weight)
    return focal


def solve_intrinsics(direction: Tensor, pixels: Tensor, weight: Tensor) -> Tensor:
    """One view's directions (N, 3), own frame, pixels (N, 2), weights (N,) -> K (3, 3), square pixels."""
    focal, centre = _regress(direction[None], pixels[None], weight[None])
    f, c = focal[0], centre[0]
    one, zero = torch.ones_like(f), torch.zeros_like(f)
    return torch.stack([torch.stack([f, zero, c[0]]), torch.stack([zero, f, c[1]]), torch.stack([zero, zero, one])])


def _regress(direction: Tensor, pixels: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    slope_of = direction[..., :2] / direction[..., 2:].clamp(min=0.05)
    share = (weight / weight.sum(-1, keepdim=True).clamp(min=1e-12))[..., None]
    pixel_mean, value_mean = (share * pixels).sum(-2), (share * slope_of).sum(-2)
    centred = pixels - pixel_mean[..., None, :]
    covariance = (share * centred * (slope_of - value_mean[..., None, :])).sum((-1, -2))
    variance = (share * centred**2).sum((-1, -2)).clamp(min=1e-12)
    focal = variance / covariance.clamp(min=1e-9)
    return focal, pixel_mean - focal[..., None] * value_mean


def solve_pose(direction: Tensor, pixels: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """A later view: directions (N, 3) in the first view's frame, pixels (N, 2) -> K (3, 3), R (3, 3) to the first.

    A = R K^-1 by weighted least squares on d = A (u, v, 1), then QR: K^-1 is upper triangular with a positive
    diagonal, so A's QR factors are R and K^-1 once their signs are fixed.
    """
    mean, spread = pixels.mean(0), pixels.std().clamp(min=1e-6)  # conditioning; undone below
    p = torch.cat([(pixels - mean) / spread, torch.ones_like(pixels[:, :1])], -1).double()
    root = weight.double().sqrt()[:, None]
    solution = torch.linalg.lstsq(p * root, direction.double() * root).solution.T
    undo = torch.eye(3, dtype=torch.float64, device=p.device)
    undo[0, 0] = undo[1, 1] = 1 / spread
    undo[:2, 2] = -mean / spread
    q, r = torch.linalg.qr(solution @ undo)
    signs = torch.sign(torch.diagonal(r))
    signs = torch.where(signs == 0, torch.ones_like(signs), signs)
    q, r = q * signs, signs[:, None] * r
    if torch.linalg.det(q) < 0:  # only an untrained head mirrors the image; keep a rotation that points its way
        q = torch.cat([q[:, :2], -q[:, 2:]], 1)
    intrinsics = torch.linalg.inv(r)
    return (intrinsics / intrinsics[2, 2]).float(), q.float()
