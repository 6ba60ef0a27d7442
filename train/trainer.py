"""transformers' Trainer with several losses, each divided by its own count, and a time budget."""

import math
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from transformers import Trainer, TrainerCallback, TrainingArguments

from train.recipe import Recipe


class FathomTrainer(Trainer):
    """Weighted sum of the recipe's losses; every one of them logged under its own name."""

    def __init__(self, recipe: Recipe, **kwargs: Any):
        self.recipe = recipe
        self.started = time.monotonic()
        self.seen: dict[str, list[float]] = defaultdict(list)
        super().__init__(**kwargs)
        self.add_callback(_TimeBudget(self))

    def compute_loss(self, model: nn.Module, inputs: dict, return_outputs: bool = False, **_: Any) -> Any:
        output = model(**inputs)
        total = 0.0
        for name, (value, count) in output.losses.items():
            mean = value / count.clamp(min=1)
            self.seen[name].append(float(mean.detach()))
            total = total + self.recipe.losses.get(name, 0.0) * mean
        return (total, output) if return_outputs else total

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        for name, values in self.seen.items():
            logs[f"loss_{name}"] = round(sum(values) / len(values), 4)
        self.seen.clear()
        super().log(logs, *args, **kwargs)

    def progress(self) -> float:
        """0 at the start, 1 at the end of the run: by steps or by minutes, whichever is further on."""
        steps = self.state.global_step / self.recipe.steps
        if self.recipe.minutes is None:
            return steps
        return max(steps, (time.monotonic() - self.started) / 60 / self.recipe.minutes)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW; matrices decay, vectors (norms, biases) and embeddings do not."""
        if self.optimizer is None:
            named = [(n, p) for n, p in self.model.named_parameters() if p.requires_grad]  # type: ignore[union-attr]
            decay = [p for n, p in named if p.ndim > 1 and "embed" not in n]
            plain = [p for n, p in named if p.ndim <= 1 or "embed" in n]
            self.optimizer = torch.optim.AdamW(
                [{"params": decay}, {"params": plain, "weight_decay": 0.0}],
                lr=self.recipe.rate,
                betas=(0.9, self.recipe.beta2),
                weight_decay=self.recipe.weight_decay,
                fused=True,
            )
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> LambdaLR:
        """Linear warm-up, then a cosine down to `final_rate` over `progress`."""

        def factor(step: int) -> float:
            warm = min(1.0, (step + 1) / self.recipe.warmup_steps)
            cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.progress())))
            return warm * (self.recipe.final_rate + (1 - self.recipe.final_rate) * cosine)

        if self.lr_scheduler is None:
            self.lr_scheduler = LambdaLR(optimizer or self.optimizer, factor)
        return self.lr_scheduler


class _TimeBudget(TrainerCallback):
    """Stops the run, with a checkpoint, when its minutes are used up."""

    def __init__(self, trainer: FathomTrainer):
        self.trainer = trainer

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.trainer.recipe.minutes is not None and self.trainer.progress() >= 1:
            control.should_training_stop = control.should_save = True


def arguments(recipe: Recipe, out: Path) -> TrainingArguments:
    """The recipe in transformers' words."""
    return TrainingArguments(
        output_dir=str(out),
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.batch,
        max_grad_norm=recipe.clip,
        save_steps=recipe.save_every,
        save_total_limit=2,
        logging_steps=recipe.log_every,
        dataloader_num_workers=recipe.workers,
        dataloader_persistent_workers=recipe.workers > 0,
        remove_unused_columns=False,
        report_to=["tensorboard"],
        seed=recipe.seed,
        include_num_input_tokens_seen="no",
    )
