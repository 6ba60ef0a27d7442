"""A running mean of the weights that train, which ships in their place: steps at a high rate scatter around it.

Polyak and Juditsky 1992; exponential, with the usual start that forgets the first steps faster.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from heads.errors import InputError

FILE = "average.safetensors"  # in a checkpoint


class Average:
    """mean = share * mean + (1 - share) * weight after every step, in float32; share: below 1, near it."""

    def __init__(self, model: nn.Module, share: float):
        self.share, self.steps = share, 0
        self.weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        self.means = {
            name: weight.detach().float().clone(memory_format=torch.contiguous_format)
            for name, weight in self.weights.items()
        }

    @torch.no_grad()
    def add(self) -> None:
        """The weights as they are now; of the first steps each counts more than the share says."""
        self.steps += 1
        share = min(self.share, (1 + self.steps) / (10 + self.steps))
        weights = [weight.float() for weight in self.weights.values()]
        torch._foreach_lerp_(list(self.means.values()), weights, 1 - share)  # type: ignore[reportPrivateImportUsage]

    @torch.no_grad()
    def take(self) -> None:
        """The model has the mean from here on."""
        for name, weight in self.weights.items():
            weight.copy_(self.means[name])

    @contextmanager
    def taken(self) -> Iterator[None]:
        """The model has the mean inside, and its own weights again after."""
        own = {name: weight.detach().clone() for name, weight in self.weights.items()}
        self.take()
        try:
            yield
        finally:
            with torch.no_grad():
                for name, weight in self.weights.items():
                    weight.copy_(own[name])

    def save(self, folder: Path) -> None:
        save_file(self.means, folder / FILE, {"steps": str(self.steps)})

    @torch.no_grad()
    def load(self, folder: Path) -> None:
        """What `save` wrote there; an InputError where that is missing or of other weights."""
        if not (folder / FILE).is_file():
            raise InputError("average", f"{folder} has no {FILE}", "a checkpoint of a run with the same average")
        with safe_open(folder / FILE, "pt") as file:
            found: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            steps = int(file.metadata()["steps"])
        if {k: v.shape for k, v in found.items()} != {k: v.shape for k, v in self.means.items()}:
            raise InputError("average", f"{folder / FILE} holds other weights", "a checkpoint of this very run")
        for name, mean in self.means.items():
            mean.copy_(found[name])
        self.steps = steps
