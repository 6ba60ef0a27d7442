"""Every family of backbones looks and answers on a GPU as on the CPU: tiny random models of the real classes."""

import numpy as np
import pytest
import torch

from tests.gpu import ON_GPU
from tests.vlm.families import KINDS, tiny_family

pytestmark = ON_GPU
QUESTIONS = ["How far is the red chair?", "yes"]


@pytest.mark.parametrize("name", KINDS)
def test_photographs_of_two_sizes_and_questions(name, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (*size, 3), dtype=np.uint8) for size in ((160, 120), (90, 200))]
    found = []
    for model in (tiny_family(name), tiny_family(name).to("cuda")):
        scenes = model.look_many(images)
        together = scenes[1].ask_many(QUESTIONS, max_new_tokens=4)
        found.append(([scene.depth_z for scene in scenes], [scenes[0].ask(QUESTIONS[0], 4), *together]))
    for cpu, gpu in zip(*(depths for depths, _ in found), strict=True):
        known = np.isfinite(cpu) & np.isfinite(gpu)
        assert (np.isfinite(cpu) == np.isfinite(gpu)).mean() > 0.99 and known.any()
        assert np.quantile(np.abs(np.log(cpu[known] / gpu[known])), 0.99) < 1e-3
    for cpu, gpu in zip(*(answers for _, answers in found), strict=True):
        assert gpu.tokens == cpu.tokens and gpu.log_probability == pytest.approx(cpu.log_probability, abs=0.01)
