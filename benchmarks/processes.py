"""Which of how many processes this one is, under `accelerate launch` or alone."""

import atexit
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Processes:
    """This process is number `rank` of `count`; `wait()` returns when every one has called it."""

    rank: int = 0
    count: int = 1
    wait: Callable[[], None] = lambda: None

    @property
    def first(self) -> bool:
        """True in the one process that writes what is written once."""
        return self.rank == 0


def accelerator() -> str:
    """Where this process's model goes: its own GPU, Apple's, or the CPU."""
    import torch

    if torch.cuda.is_available():
        return f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) % torch.cuda.device_count()}"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def launched() -> Processes:
    """As `accelerate launch` started us (gloo on CPUs); one process alone where it did not."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Processes()
    import torch
    from accelerate import PartialState

    state = PartialState(cpu=not torch.cuda.is_available(), timeout=timedelta(days=7))
    atexit.register(state.destroy_process_group)  # a process that exits with its group alive may be aborted
    return Processes(state.process_index, state.num_processes, state.wait_for_everyone)
