"""`accelerate launch` with the shipped configs: two processes train as one does."""

import shutil
from pathlib import Path

import pytest
import torch
from accelerate.commands.config.config_args import ClusterConfig, load_config_from_file
from accelerate.utils import DistributedType

from tests.train.runs import CONFIGS, fathom_train, launch, log_of, mixed_records, tiny_start, write_recipe
from tests.train.test_invariants import same_curve
from tests.train.test_training import tensors
from train.checkpoint import checkpoints, is_complete
from vlm.model import Fathom

KINDS = {
    "one_gpu": (DistributedType.NO, 1),
    "ddp": (DistributedType.MULTI_GPU, 2),
    "fsdp2": (DistributedType.FSDP, 2),
    "zero2": (DistributedType.DEEPSPEED, 2),
    "zero3": (DistributedType.DEEPSPEED, 2),
}
EVALUATED = {"eval_every": 2, "eval_samples": 5, "eval_pictures": 1}  # five: one process has a batch more


@pytest.fixture(scope="module")
def recipe(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("material")
    records = mixed_records(folder)
    start = tiny_start(folder / "tiny")
    return write_recipe(folder / "recipe.yaml", start, records, held_out=[str(records)], **EVALUATED)


@pytest.fixture(scope="module")
def alone(recipe, tmp_path_factory) -> Path:
    """The run of one process."""
    out = tmp_path_factory.mktemp("alone") / "out"
    fathom_train(recipe, out)
    return out


def same_run(out: Path, alone: Path) -> None:
    same_curve([row for row in log_of(out) if "loss" in row], [row for row in log_of(alone) if "loss" in row])
    held, other = ([row for row in log_of(path) if "eval_loss" in row] for path in (out, alone))
    assert [row["step"] for row in held] == [2, 4]
    for row, its in zip(held, other, strict=True):
        assert row == pytest.approx(its, rel=1e-4, abs=1e-5)
    ours, its = (tensors(path / "final") for path in (out, alone))
    assert ours.keys() == its.keys()
    for name, weight in ours.items():
        assert torch.allclose(weight, its[name], rtol=0, atol=1e-5), name


def test_two_processes_are_the_same_run_as_one_and_go_on_where_they_stopped(recipe, alone, tmp_path):
    out = tmp_path / "out"
    launch("ddp.yaml", recipe, out, "accumulate=2")
    same_run(out, alone)
    assert {path.name for path in (out / "checkpoint-4").glob("rng_state*")} == {"rng_state_0.pth", "rng_state_1.pth"}
    assert all(is_complete(path) for path in checkpoints(out))

    shutil.rmtree(out / "checkpoint-4")
    shutil.rmtree(out / "final")
    told = launch("ddp.yaml", recipe, out, "accumulate=1")
    assert "step 3/4" in told and "step 2/4" not in told
    same_run(out, alone)


@pytest.mark.slow
def test_weights_shared_out_by_fsdp2_are_the_same_run_as_one_process(recipe, alone, tmp_path):
    out, entry = tmp_path / "out", str(Path(__file__).with_name("sharded.py"))
    launch("fsdp2.yaml", recipe, out, "accumulate=2", entry=entry)
    same_run(out, alone)
    assert (out / "checkpoint-4" / "pytorch_model_fsdp.bin").is_file()  # it was really shared out
    shutil.rmtree(out / "checkpoint-4")
    shutil.rmtree(out / "final")
    told = launch("fsdp2.yaml", recipe, out, entry=entry)
    assert "step 3/4" in told and "step 2/4" not in told
    same_run(out, alone)
    assert Fathom.from_pretrained(out / "final").config.heads.keys() == {"depth", "rays"}


def test_every_config_is_shipped_and_says_what_its_name_says():
    assert {path.stem for path in CONFIGS.glob("*.yaml")} == KINDS.keys()
    for name, (kind, processes) in KINDS.items():
        config = load_config_from_file(str(CONFIGS / f"{name}.yaml"))
        assert isinstance(config, ClusterConfig)
        assert (config.distributed_type, config.num_processes) == (kind, processes)
        assert config.mixed_precision == "no"  # the recipe's dtype decides
        assert not config.use_cpu  # where there is no accelerator, the trainer sees that for itself
        assert (config.fsdp_config or {}).get("fsdp_version") == (2 if name == "fsdp2" else None)
        stage = {"zero2": 2, "zero3": 3}.get(name)
        assert (config.deepspeed_config or {}).get("zero_stage") == stage
