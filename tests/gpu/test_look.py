"""The embedded model sees and says on a GPU what it does on the CPU."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from tests.gpu import ON_GPU
from train.worlds.drawing.render import render
from train.worlds.layout import sample_scene, sample_views
from vlm.cli import app
from vlm.model import Fathom

pytestmark = ON_GPU
INDOOR, OUTDOOR = 900_000_000, 900_000_001
QUESTIONS = ["Is this indoors or outdoors?", "Is the camera level, or tilted up or down?", "How many chairs are there?"]


def picture(seed: int) -> tuple[np.ndarray, dict[str, float]]:
    """A scene of the worlds and its camera."""
    scene = sample_scene(seed)
    return render([scene]).image[0].numpy(), {"focal_px": scene.focal}


@pytest.fixture(scope="module")
def models():
    """On the CPU and on the GPU."""
    return Fathom.from_pretrained("nano"), Fathom.from_pretrained("nano", device_map="cuda")


def off(one, other) -> np.ndarray:
    """How far two scenes' log depths are apart, over what is no sky in either."""
    known = np.isfinite(one.depth_z) & np.isfinite(other.depth_z)
    assert (np.isfinite(one.depth_z) == np.isfinite(other.depth_z)).mean() > 0.999
    return np.abs(np.log(one.depth_z[known] / other.depth_z[known]))


@pytest.mark.parametrize("seed", [INDOOR, OUTDOOR])
@pytest.mark.parametrize("tf32", [True, False])
def test_depth_uncertainty_camera_and_answers_are_those_of_the_cpu(models, seed, tf32, monkeypatch):
    """By default cuDNN convolves in TF32, whose numbers have 11 bits: off by up to 2^-11 each.

    With weights and inputs of all convolutions rounded so on the CPU, log depth moved by 0.0001 in the median and by
    0.001 in 99 % of the pixels; at depth edges, where the head takes one side or the other, some move by more.
    """
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", tf32)
    image, camera = picture(seed)
    cpu, gpu = (model.look(image, camera) for model in models)
    error = off(cpu, gpu)
    assert np.median(error) < (5e-4 if tf32 else 2e-5)
    assert np.quantile(error, 0.99) < (5e-3 if tf32 else 2e-4) and (error > 0.01).mean() < 0.005
    assert np.abs(np.log(cpu.log_depth_scale / gpu.log_depth_scale)).max() < (0.01 if tf32 else 0.001)
    focals = [scene.views[0].camera_from_rays.focal for scene in (cpu, gpu)]
    assert focals[1] == pytest.approx(focals[0], rel=2e-3 if tf32 else 1e-4)
    for question in QUESTIONS:
        one, other = (scene.ask(question, max_new_tokens=12) for scene in (cpu, gpu))
        assert other.tokens == one.tokens and other.log_probability == pytest.approx(one.log_probability, abs=0.02)


def test_asked_together_and_in_a_conversation(models):
    image, camera = picture(INDOOR)
    scene = models[1].look(image, camera)
    together = scene.ask_many(QUESTIONS, max_new_tokens=12)
    assert [answer.tokens for answer in together] == [scene.ask(q, max_new_tokens=12).tokens for q in QUESTIONS]
    said = []
    for model in models:
        chat = model.look(image, camera).chat()
        said.append(["".join(chat.say(question, max_new_tokens=12)) for question in QUESTIONS[:2]])
    assert said[0] == said[1]
    torch.manual_seed(0)
    assert isinstance(scene.ask(QUESTIONS[2], max_new_tokens=6, temperature=1.0).text, str)


def test_many_photographs_of_any_sizes_and_several_views(models):
    pictures = [picture(seed) for seed in (INDOOR, OUTDOOR)] + [picture(900_000_003)]
    assert len({image.shape for image, _ in pictures}) > 1
    images, cameras = (list(column) for column in zip(*pictures, strict=True))
    for image, camera, one in zip(images, cameras, models[1].look_many(images, cameras), strict=True):
        assert np.quantile(off(models[1].look(image, camera), one), 0.99) < 5e-3
    views = [render([view]).image[0].numpy() for view in sample_views(INDOOR, 2)]
    one, other = (model.look(views=views).views[1] for model in models)
    assert np.median(off(one, other)) < 5e-4
    assert np.abs(one.camera.camera_to_world - other.camera.camera_to_world).max() < 0.02


def test_in_bfloat16_it_sees_nearly_the_same(models):
    image, camera = picture(INDOOR)
    half = Fathom.from_pretrained("nano", device_map="cuda", dtype="bfloat16")
    assert next(half.heads.parameters()).dtype == torch.float32
    assert np.median(off(models[0].look(image, camera), half.look(image, camera))) < 0.05


def test_the_command_takes_the_gpu_where_there_is_one(tmp_path):
    image, _ = picture(OUTDOOR)
    Image.fromarray(image).save(tmp_path / "photo.png")
    command = ["look", str(tmp_path / "photo.png"), "--ask", QUESTIONS[0], "--out", str(tmp_path / "seen")]
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    assert CliRunner().invoke(app, command).exit_code == 0
    assert torch.cuda.max_memory_allocated() > before + 40e6  # the weights alone are 45 MB
    answer = json.loads((tmp_path / "seen" / "answer.json").read_text())
    assert answer["answers"][0]["text"] == "outdoor"
    assert (tmp_path / "seen" / "depth.npz").is_file()
