"""Worlds that a GPU draws are those that the CPU draws, but for rounding."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from tests.gpu import ON_GPU
from train.worlds import write
from train.worlds.drawing.render import render
from train.worlds.layout import sample_scene
from train.worlds.write import SKY_CODE
from vlm.cli import app

pytestmark = ON_GPU
SEEDS = (900_000_000, 900_000_001, 900_000_002, 900_000_003, 900_000_006)  # three places indoors, two outdoors


@pytest.mark.parametrize("seed", SEEDS)
def test_depth_labels_normals_and_picture_are_those_of_the_cpu(seed):
    """Rays hit the same things but where two are equally far, at outlines: for less than 0.2 % of the pixels."""
    scene = sample_scene(seed)
    cpu, gpu = render([scene]), render([scene], device="cuda")
    assert {value.device.type for value in vars(gpu).values()} == {"cuda"}
    cpu, gpu = ({name: value[0].cpu().numpy() for name, value in vars(each).items()} for each in (cpu, gpu))
    same = np.ones(scene.size, bool)
    for name in ("instance", "kind", "colour", "material"):
        assert gpu[name].dtype == cpu[name].dtype
        same &= gpu[name] == cpu[name]
    depths = [np.where(np.isfinite(each["depth_z"]), each["depth_z"], -1) for each in (cpu, gpu)]
    same &= np.isclose(*depths, rtol=1e-3, atol=0)
    same &= np.abs(cpu["normals"] - gpu["normals"]).max(-1) < 1e-2
    assert same.mean() > 0.998
    levels = np.abs(cpu["image"].astype(int) - gpu["image"]).max(-1)
    assert (levels > 4).mean() < 0.01 and levels.mean() < 0.5


def test_several_scenes_at_once_are_each_as_if_alone():
    scenes = [sample_scene(seed) for seed in range(900_000_000, 900_000_040)]
    scenes = [scene for scene in scenes if scene.size == scenes[0].size][:3]
    assert len(scenes) == 3
    together = render(scenes, device="cuda")
    for i, scene in enumerate(scenes):
        alone = render([scene], device="cuda")
        assert torch.equal(together.instance[i], alone.instance[0])
        assert ((together.depth_z[i] / alone.depth_z[0] - 1).nan_to_num().abs() < 1e-4).float().mean() > 0.999


def test_a_whole_batch_fits_into_8_gib_and_its_pictures_are_each_as_if_alone():
    scenes = [sample_scene(seed, size=(192, 256)) for seed in range(900_000_000, 900_000_064)]
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    together = render(scenes, device="cuda")
    assert together.image.shape == (64, 192, 256, 3)
    assert torch.cuda.max_memory_allocated() < 8 * 2**30
    for i in (0, 63):
        alone = render([scenes[i]], device="cuda")
        assert (together.instance[i] == alone.instance[0]).float().mean() > 0.999
        assert ((together.depth_z[i] / alone.depth_z[0] - 1).nan_to_num().abs() < 1e-4).float().mean() > 0.999
        levels = (together.image[i].float() - alone.image[0].float()).abs()
        assert levels.mean() < 0.5 and (levels > 4).float().mean() < 0.01


def test_the_command_writes_them_with_several_processes(tmp_path, monkeypatch):
    monkeypatch.setitem(write.CHUNK, "gpu", 3)  # scenes of one process's turn
    command = ["worlds", "--out", str(tmp_path / "gpu"), "--count", "6", "--first-seed", "20", "--device", "cuda"]
    result = CliRunner().invoke(app, [*command, "--workers", "2"])
    assert result.exit_code == 0, result.output
    write.write_records(tmp_path / "cpu", 6, 20, progress=False)
    rows = {row["scene_id"]: row for row in lines(tmp_path / "gpu")}
    for row in lines(tmp_path / "cpu"):
        assert rows[row["scene_id"]]["original_fx"] == row["original_fx"] and rows[row["scene_id"]]["questions"]
        one, other = (
            np.asarray(Image.open(tmp_path / name / row["depth_path"])).astype(float) for name in ("cpu", "gpu")
        )
        assert ((one == SKY_CODE) == (other == SKY_CODE)).mean() > 0.998
        assert (np.abs(one - other) <= 1 + 1e-3 * one).mean() > 0.998


def lines(out) -> list[dict]:
    return [json.loads(line) for line in (out / "records.jsonl").read_text().splitlines()]
