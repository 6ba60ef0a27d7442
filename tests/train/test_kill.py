"""Kill -9 at any moment: no half checkpoint, only the steps since the last one lost, the same curve in the end."""

import json
import os
import random
import shutil
from pathlib import Path

import pytest
import torch

from heads.errors import InputError
from tests.train.killed import kill_in_a_save, kill_in_a_step, started, steps_told
from tests.train.runs import log_of, mixed_records, tiny_start, write_recipe
from tests.train.test_training import tensors
from train.checkpoint import COMPLETE, GOING, KEPT, SAVING, checkpoints, is_complete, newest, replace, saving, step_of

SAVE_EVERY = 3


def finished(recipe: Path, out: Path, log: Path) -> None:
    process = started(recipe, out, log)
    process.join(300)
    assert process.exitcode == 0, log.read_text()[-2000:]


def killed_again_and_again(folder: Path, kills: int, steps: int) -> None:
    """One run that is killed `kills` times, every other time in a save, against one that is left alone."""
    recipe = write_recipe(
        folder / "recipe.yaml", tiny_start(folder / "tiny"), mixed_records(folder), batch=2, steps=steps,
        save_every=SAVE_EVERY, losses={"text": 1.0, "depth_l1": 1.0, "ray_l1": 1.0},
    )  # fmt: skip
    finished(recipe, folder / "alone", folder / "alone.log")
    out, rng, in_saves = folder / "out", random.Random(0), 0
    for number in range(kills):
        log = folder / f"{number}.log"
        before = newest_step(out)
        if number % 2:
            in_saves += kill_in_a_save(started(recipe, out, log, slow_disk=True), out, rng)
        else:
            kill_in_a_step(started(recipe, out, log), log, rng)
        assert all(is_complete(path) for path in checkpoints(out))
        assert len(checkpoints(out)) <= KEPT + 1  # a kill between the rename and the removal of the oldest
        reached = max(before, steps_told(log))
        assert newest_step(out) >= max(before, (reached - 1) // SAVE_EVERY * SAVE_EVERY)
        if newest_step(out) + 2 * SAVE_EVERY >= steps:  # begin anew rather than run out of steps
            shutil.rmtree(out)
    assert in_saves >= kills // 4 and in_saves >= 1, "no kill fell into a save"
    finished(recipe, out, folder / "last.log")
    assert not (out / SAVING).exists() and not (out / GOING).exists()
    assert log_of(out) == log_of(folder / "alone")  # every loss of every step, to the last digit
    ours, alone = (tensors(path / "final") for path in (out, folder / "alone"))
    assert ours.keys() == alone.keys()
    assert all(torch.equal(weight, alone[name]) for name, weight in ours.items())


def newest_step(out: Path) -> int:
    found = checkpoints(out) if out.is_dir() else []
    return step_of(found[-1]) if found else 0


def test_killed_three_times_a_run_ends_as_if_left_alone(tmp_path):
    killed_again_and_again(tmp_path, 3, steps=24)


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_killed_twenty_times_a_run_ends_as_if_left_alone(tmp_path):
    killed_again_and_again(tmp_path, 20, steps=40)


# ---- the parts, at moments that no clock can hit -------------------------------------------------------------


def save(out: Path, step: int, content: str = "weights") -> None:
    with saving(out, step, True, lambda: None) as part:
        (part / "inner").mkdir()
        (part / "inner" / "a.bin").write_text(content)


def test_a_checkpoint_appears_whole_and_the_oldest_goes(tmp_path):
    for step in (9, 10, 11):
        save(tmp_path, step)
    assert [step_of(path) for path in checkpoints(tmp_path)] == [10, 11]  # by number, not by letters
    assert all(is_complete(path) for path in checkpoints(tmp_path)) and newest(tmp_path) == tmp_path / "checkpoint-11"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-11"]


@pytest.mark.parametrize("moment", ["write", "rename", "remove"])
def test_torn_at_any_place_the_one_before_is_there(tmp_path, monkeypatch, moment):
    """What a kill would leave: the process's last act is the one that fails."""
    for step in (1, 2):
        save(tmp_path, step)

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    if moment == "write":
        monkeypatch.setattr(Path, "write_text", dies)
    elif moment == "rename":
        monkeypatch.setattr(Path, "rename", dies)
    else:
        monkeypatch.setattr(shutil, "rmtree", lambda path, **_: dies() if Path(path).exists() else None)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, 3)
    monkeypatch.undo()
    assert all(is_complete(path) for path in checkpoints(tmp_path))
    assert newest(tmp_path) == tmp_path / f"checkpoint-{3 if moment == 'remove' else 2}"
    assert not (tmp_path / SAVING).exists() and not (tmp_path / GOING).exists()  # `newest` has cleared up
    save(tmp_path, 3)
    assert newest(tmp_path) == tmp_path / "checkpoint-3"


def test_a_checkpoint_that_lost_bytes_is_not_gone_on_from(tmp_path):
    for step in (1, 2):
        save(tmp_path, step)
    (tmp_path / "checkpoint-2" / "inner" / "a.bin").write_text("w")
    assert newest(tmp_path, main=False) == tmp_path / "checkpoint-1"
    assert newest(tmp_path) == tmp_path / "checkpoint-1"
    assert [step_of(path) for path in checkpoints(tmp_path)] == [1]


def test_a_folder_of_another_trainer_is_one_clear_error(tmp_path):
    (tmp_path / "checkpoint-5").mkdir()
    with pytest.raises(InputError, match=r"out: .*checkpoint-5 has no complete.json; allowed: "):
        newest(tmp_path)


def test_the_list_of_files_says_every_size(tmp_path):
    save(tmp_path, 7, "x" * 123)
    assert json.loads((tmp_path / "checkpoint-7" / COMPLETE).read_text()) == {os.path.join("inner", "a.bin"): 123}


def test_a_finished_folder_takes_the_place_of_the_one_before(tmp_path):
    for content in ("first", "second"):
        part = tmp_path / SAVING / "final"
        part.mkdir(parents=True)
        (part / "model").write_text(content)
        replace(tmp_path / "final", part)
    assert (tmp_path / "final" / "model").read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["final"]
