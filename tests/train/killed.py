"""A run in a process of its own that is killed: started from a fork server, so that it begins within moments."""

import multiprocessing
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SLOW_SECONDS = 1.0  # what every file of a checkpoint takes on the slow disk


def started(recipe: Path, out: Path, log: Path, slow_disk: bool = False) -> BaseProcess:
    """`fathom train` under way; what it says goes to `log`."""
    os.environ["PYTHONPATH"] = str(ROOT)  # the server finds our packages, and has them loaded already
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.train.runs", "train.run", "peft", "matplotlib.pyplot"])
    process = context.Process(target=_train, args=(str(recipe), str(out), str(log), slow_disk))
    process.start()
    return process


def _train(recipe: str, out: str, log: str, slow_disk: bool) -> None:
    with open(log, "ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if slow_disk:
        _write_slowly()
    sys.argv = ["fathom", "train", "--recipe", recipe, "--out", out]
    from vlm.cli import main

    main()


def _write_slowly() -> None:
    """Every file of a checkpoint appears in two halves, some time apart."""
    import torch

    save = torch.save

    def halves(value: object, path: object, *args: object, **kwargs: object) -> None:
        save(value, path, *args, **kwargs)  # type: ignore[arg-type]
        content = Path(str(path)).read_bytes()
        Path(str(path)).write_bytes(content[: len(content) // 2])
        time.sleep(SLOW_SECONDS)
        Path(str(path)).write_bytes(content)

    torch.save = halves  # type: ignore[assignment]


def kill_in_a_step(process: BaseProcess, log: Path, rng: random.Random) -> None:
    """-9 at a random moment between two lines of the log, which a step writes at its end."""
    before = steps_told(log)
    _wait(lambda: steps_told(log) > before, process)
    time.sleep(rng.uniform(0, 0.3))
    _kill(process)


def kill_in_a_save(process: BaseProcess, out: Path, rng: random.Random) -> bool:
    """-9 while a checkpoint is being written; True where it was certainly unfinished."""
    _wait(lambda: any((out / ".saving").glob("checkpoint-*")), process)
    time.sleep(rng.uniform(0, 2 * SLOW_SECONDS))
    _kill(process)
    return any((out / ".saving").glob("checkpoint-*"))


def steps_told(log: Path) -> int:
    """The last step that the run has told of; 0 at first."""
    told = re.findall(r"^step (\d+)/", log.read_text(errors="replace") if log.exists() else "", re.MULTILINE)
    return int(told[-1]) if told else 0


def _wait(ready: Callable[[], bool], process: BaseProcess, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert process.is_alive(), f"the run ended by itself, exit code {process.exitcode}"
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.002)


def _kill(process: BaseProcess) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL
