"""Where torchvision is installed, the family's own image processor on it gives what ours gives without it."""

import copy

import numpy as np
import pytest
import torch
from transformers.models.auto.image_processing_auto import AutoImageProcessor

from tests.vlm.families import KINDS, tiny_family
from tests.vlm.test_families import prepared
from vlm.attention import problem

WHY = problem("torchvision")
pytestmark = pytest.mark.skipif(WHY is not None, reason=f"torchvision is {WHY}")

ONE_LEVEL = 0.02
"""Of 8 bits, normalised (1 / 255 over a standard deviation of 0.22 or more): small copies of the whole are resized."""
RESIZING = {"mean": 0.02, "most": 0.3}
"""Two antialiased filters on smooth pictures: 8-bit rounding is 0.008 where the standard deviation is 0.5."""


@pytest.fixture(params=KINDS)
def pair(request, tmp_path):
    """A family's model with our processor, and the same processor on torchvision."""
    model = tiny_family(request.param)
    model.processor.save_pretrained(tmp_path)
    theirs = copy.copy(model.processor)
    theirs.image_processor = AutoImageProcessor.from_pretrained(tmp_path, backend="torchvision")
    assert type(theirs.image_processor) is not type(model.processor.image_processor)
    return model, theirs, KINDS[request.param].sizes


def test_a_photograph_at_the_networks_size_is_the_same(pair, photo):
    model, theirs, sizes = pair
    for seed, size in enumerate(sizes):
        images = prepared(model, [photo(*size, seed)])
        (ours, grid), (other, other_grid) = model.processor.pixels(images), theirs.pixels(images)
        assert torch.equal(grid, other_grid) and ours.shape == other.shape
        off = (ours - other).abs()
        assert float(off.max()) < ONE_LEVEL and float(off.mean()) < ONE_LEVEL / 4


def test_resizing_differs_by_no_more_than_two_filters_do(pair, photo):
    """The family's own resizing, which we do before: it is only compared here."""
    model, theirs, sizes = pair
    for seed, (width, height) in enumerate(sizes):
        image = np.ascontiguousarray(photo(2 * width, 2 * height, seed))
        options = {"images": [image], "input_data_format": "channels_last", "return_tensors": "pt"}
        ours, other = (torch.as_tensor(p.image_processor(**options)["pixel_values"]) for p in (model.processor, theirs))
        assert ours.shape == other.shape
        off = (ours.float() - other.float()).abs()
        assert float(off.mean()) < RESIZING["mean"] and float(off.max()) < RESIZING["most"]
