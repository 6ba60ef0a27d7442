"""One tiny model for all of these tests, read only, and the same on disk."""

import numpy as np
import pytest
from PIL import Image

from tests.tiny import tiny_model

BUDGET = 256 * 256  # room for several sizes and shapes: the smallest image the network sees is 128x128


def fresh_model(seed: int = 0, **changes):
    """A tiny model of one's own, to change; calm enough that depths and scales are ordinary numbers."""
    model = tiny_model(seed, max_pixels=BUDGET, **changes)
    model.processor.max_pixels = BUDGET
    if "depth" in model.heads:
        model.heads["depth"].last.weight.data *= 0.1
    return model


@pytest.fixture(scope="session")
def model():
    return fresh_model()


@pytest.fixture(scope="session")
def saved(model, tmp_path_factory):
    """The folder of the same model."""
    folder = tmp_path_factory.mktemp("tiny")
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def photo():
    """photo(width, height, seed): smooth shapes and some grain, uint8."""

    def make(width: int, height: int, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        coarse = Image.fromarray(rng.integers(0, 255, (5, 6, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
        return np.clip(smooth + rng.integers(-12, 12, smooth.shape), 0, 255).astype(np.uint8)

    return make
