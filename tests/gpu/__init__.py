"""A GPU gives what the CPU gives: `make test-gpu`, or `python3 -m pytest tests/gpu` where nothing is installed."""

import pytest
import torch

ON_GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]
"""A test module's `pytestmark`."""
