"""What watches a run: its time budget, samples that cannot be read, the progress line, TensorBoard."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from transformers import TrainerCallback
from transformers.integrations.integration_utils import TensorBoardCallback

from heads.errors import InputError

if TYPE_CHECKING:
    from train.trainer import FathomTrainer

FEWEST_BAD = 3  # that many may always be skipped, however few samples were drawn
SKIPPED = "skipped.jsonl"  # in the run's folder: what was wrong with each sample that was skipped


class Averaging(TrainerCallback):
    """Adds the weights of every step to their running mean, where the recipe wants one."""

    def __init__(self, trainer: FathomTrainer):
        self.trainer = trainer

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.trainer.average is not None:
            self.trainer.average.add()


class TimeBudget(TrainerCallback):
    """Stops the run, with a checkpoint, when its minutes are used up."""

    def __init__(self, trainer: FathomTrainer):
        self.trainer = trainer

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.trainer.recipe.minutes is not None and self.trainer.progress(state.global_step) >= 1:
            control.should_training_stop = control.should_save = True


class BadSamples:
    """How many samples could not be read, over all processes and sessions; more than the recipe's share end the run."""

    def __init__(self, trainer: FathomTrainer):
        self.trainer = trainer
        self.drawn = self.skipped = 0

    def restore(self, drawn: int, skipped: int) -> None:
        """Goes on counting where a checkpoint stood."""
        self.drawn, self.skipped = drawn, skipped
        restore = getattr(self.trainer.data, "restore", None)
        if restore is not None and self.trainer.is_world_process_zero():
            restore(drawn, skipped)

    def check(self, problem: InputError | None) -> None:
        """Before a step, on every process. problem: what the data itself raised here.

        Where any process has one, or too many were skipped: a checkpoint, then an InputError on all of them.
        """
        data, trainer = self.trainer.data, self.trainer
        told = [int(problem is not None), int(getattr(data, "drawn", 0)), int(getattr(data, "skipped", 0))]
        if dist.is_initialized():
            total = torch.tensor(told, device=trainer.args.device)
            dist.all_reduce(total)
            told = total.tolist()
        failed, self.drawn, self.skipped = told
        allowed = max(FEWEST_BAD, trainer.recipe.bad_share * self.drawn)
        if not failed and self.skipped <= allowed:
            return
        trainer.save_now()
        step = trainer.state.global_step
        raise problem or InputError(
            "data",
            f"{self.skipped} of {self.drawn} samples could not be read ({trainer.out / SKIPPED} says why); stopped "
            + (f"after step {step}, with a checkpoint" if step else "before the first step"),
            f"a share of {trainer.recipe.bad_share:g} (bad_share)",
        )

    def logged(self) -> dict[str, float]:
        """For a line of the log, once there is anything to say."""
        return {"samples_skipped": self.skipped} if self.skipped else {}


class ProgressLine(TrainerCallback):
    """One line that says how far, how fast, until when and what the losses are; in a file, one line a log entry."""

    def __init__(self, trainer: FathomTrainer):
        from rich.console import Console

        self.trainer = trainer
        self.console = Console(stderr=True, highlight=False)
        self.losses = ""
        self.bar: Any = None
        self.began, self.first = time.monotonic(), 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        if not state.is_world_process_zero:
            return
        self.began, self.first = time.monotonic(), self._share(state)
        if self.console.is_terminal:
            self.bar = Progress(TextColumn("{task.description}"), BarColumn(20), console=self.console, transient=False)
            self.bar.add_task("", total=1.0)
            self.bar.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=self._share(state), description=self._line(state))

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if not state.is_world_process_zero or not logs:
            return
        if "loss" in logs:
            parts = {name.removeprefix("loss_"): value for name, value in logs.items() if name.startswith("loss_")}
            shown = {name: parts[name] for name in self.trainer.recipe.losses if name in parts}
            self.losses = " ".join(f"{name} {value:.3g}" for name, value in {"loss": logs["loss"], **shown}.items())
            if self.bar is None:
                self.console.print(self._line(state), soft_wrap=True)
        elif "eval_loss" in logs:
            told = " ".join(
                f"{name.removeprefix('eval_')} {value:.4g}" for name, value in logs.items() if "eval" in name
            )
            self.console.print(f"step {state.global_step}, held out: {told}", soft_wrap=True)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.bar is not None:
            self.bar.stop()

    def _share(self, state: Any) -> float:
        """Of the run that is done; a time budget is read from this process's own clock."""
        recipe = self.trainer.recipe
        share = state.global_step / recipe.steps
        return share if recipe.minutes is None else max(share, self.trainer.seconds / 60 / recipe.minutes)

    def _line(self, state: Any) -> str:
        done, seconds = self._share(state) - self.first, time.monotonic() - self.began
        left = seconds / done * max(0.0, 1 - self.first - done) if done > 0 else 0.0
        speed = (state.global_step - self.trainer.steps_before) / max(seconds, 1e-9)
        of = f"{state.global_step}/{self.trainer.recipe.steps}"
        return f"step {of} {speed:.2f}/s, {_clock(seconds)} + {_clock(left)} to go, {self.losses}"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def tensorboard(out: Path, step: int) -> TensorBoardCallback:
    """Scalars in out/tensorboard; entries after `step`, which a killed session wrote, are replaced."""
    from torch.utils.tensorboard import SummaryWriter

    return TensorBoardCallback(SummaryWriter(str(out / "tensorboard"), purge_step=step + 1))
