"""transformers' Trainer with several losses, each divided by its own count over everything that a step saw.

A step sees the same samples whatever the split: of `batch` samples, each of P processes takes batch / (P *
accumulate) at a time. The gradient is that of sum over losses of weight * (sum over all samples) / (count over all
samples), so that 8 x 1, 1 x 8 accumulated and 2 processes x 4 are one and the same training.
"""

import math
import os
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Dataset, SequentialSampler
from transformers import PrinterCallback, Trainer, TrainerState, TrainingArguments
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK
from transformers.trainer import TRAINER_STATE_NAME
from transformers.utils.logging import disable_progress_bar

from heads.errors import InputError
from train import checkpoint
from train.average import Average
from train.callbacks import Averaging, BadSamples, ProgressLine, TimeBudget, tensorboard
from train.card import write_card
from train.data.packed import Packing, unpacked
from train.evaluate import evaluate
from train.groups import grouped, optimizer_groups
from train.guide import Guide
from train.losses import Tally, counts_of, over_ranks
from train.recipe import Recipe
from vlm import vision_attention
from vlm.adapter import is_adapter, read_adapter


class FathomTrainer(Trainer):
    """Weighted sum of the recipe's losses; every one of them logged under its own name.

    train_dataset: its item k is the run's sample k, for every k, and depends on nothing else. eval_dataset: held-out
    samples. data_collator: samples -> keyword arguments of `Fathom.forward`.
    """

    def __init__(self, recipe: Recipe, **kwargs: Any):
        self.recipe = recipe
        self.tally = Tally()
        self.bad = BadSamples(self)
        self.seconds_before = 0.0  # of earlier sessions of this run
        self.began = time.monotonic()
        self._saving: Path | None = None
        self.steps_before = 0  # taken by earlier sessions
        self.data = kwargs.pop("train_dataset")
        disable_progress_bar()  # of every file that is written
        model = kwargs["model"]  # each head is a unit of sharding: FSDP2 wants one precision in each
        model._no_split_modules = {*(model._no_split_modules or ()), *(type(h).__name__ for h in model.heads.values())}
        kwargs["data_collator"] = Packing(kwargs["data_collator"])
        super().__init__(train_dataset=_First(self.data, recipe.steps * recipe.batch), **kwargs)
        for name, wanted in (("guide", recipe.guide.layers), ("average", recipe.average)):
            if wanted and (self.is_fsdp_enabled or self.is_deepspeed_enabled):
                raise InputError(name, "weights that processes share out", "one process, or DDP")
        if self.args.device.type == "cuda":
            vision_attention.use(model.backbone)
        if recipe.guide.layers:
            self.guide = Guide(recipe.guide, model.backbone)
        self.average = Average(model, recipe.average) if recipe.average else None
        self.model_accepts_loss_kwargs = True  # the loss is divided by its own counts, and by nothing else
        self.out = Path(str(self.args.output_dir))
        self.remove_callback(PrinterCallback)
        for callback in (Averaging(self), TimeBudget(self), ProgressLine(self)):
            self.add_callback(callback)

    # ---- a run -----------------------------------------------------------------------------------------------

    def fit(self) -> None:
        """Trains to the end of the recipe, from the newest checkpoint of the run's folder where there is one."""
        resumed = checkpoint.newest(self.out, self.is_world_process_zero())
        if resumed is not None:
            kept = checkpoint.read_run(resumed)
            self.steps_before, self.seconds_before = checkpoint.step_of(resumed), kept["seconds"]
            self.bad.restore(kept["drawn"], kept["skipped"])
        if self.is_world_process_zero():
            self.add_callback(tensorboard(self.out, self.steps_before))
        self.began = time.monotonic()
        minutes = self.recipe.minutes
        if (
            resumed is not None
            and minutes is not None
            and self.seconds_before >= 60 * minutes
            and not self.is_fsdp_enabled
        ):
            self._load_from_checkpoint(str(resumed))  # nothing is left to do
            self.state = TrainerState.load_from_json(str(resumed / TRAINER_STATE_NAME))
        else:
            self.train(resume_from_checkpoint=None if resumed is None else str(resumed))
        if self.average is not None:
            self.average.take()
        evaluated = [row["step"] for row in self.state.log_history if "eval_loss" in row]
        if self.eval_dataset is not None and self.state.global_step not in evaluated:
            self.evaluate()

    def finish(self, folder: Path) -> None:
        """The trained model or adapter, its card and curves; the folder appears whole. Every process must call it."""
        target = self.out / checkpoint.SAVING / folder.name
        self.save_model(str(target), _internal_call=True)
        if self.is_world_process_zero():
            write_card(target, self)
            checkpoint.replace(folder, target)
        self._wait()

    @property
    def seconds(self) -> float:
        """Training time of the run so far, earlier sessions included (what a killed one had not saved is lost)."""
        return self.seconds_before + time.monotonic() - self.began

    # ---- the loss --------------------------------------------------------------------------------------------

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: torch.device) -> tuple[list, Any]:
        """The passes of a step, and what its losses are divided by."""
        batches, problem = [], None
        try:
            batches = [unpacked(batch) for _, batch in zip(range(num_batches), epoch_iterator, strict=False)]
        except InputError as raised:
            problem = raised
        self.bad.check(problem)
        return batches, self._get_num_items_in_batch(batches, device)

    def _get_num_items_in_batch(self, batch_samples: list, device: torch.device) -> dict[str, Tensor] | None:  # type: ignore[override]
        """What each loss of this step is divided by, counted over all its passes before the first of them.

        None for a step of one pass: its own forward gives the counts.
        """
        if len(batch_samples) < 2:
            return None
        counts: dict[str, Tensor] = {}
        for batch in batch_samples:
            for name, count in counts_of(self.model, batch, self.recipe.guide).items():  # type: ignore[arg-type]
                counts[name] = counts.get(name, 0) + count
        return over_ranks(counts, list(self.recipe.losses), device)

    def compute_loss(
        self, model: nn.Module, inputs: dict, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        output = self.one_pass(model, inputs)
        losses = output.losses
        self.tally.add(losses)
        counts = num_items_in_batch
        if counts is None:
            own = {name: count for name, (_, count) in losses.items()}
            counts = over_ranks(own, list(self.recipe.losses), self.args.device)
        total = _nothing(output)
        for name, (value, _) in losses.items():
            weight = self.weight(name)
            total = total + (value * (weight / counts[name].clamp(min=1)) if weight else 0.0 * value)
        total = total * self.accelerator.num_processes  # gradients are averaged over the processes
        return (total, output) if return_outputs else total

    def one_pass(self, model: nn.Module, inputs: dict) -> Any:
        """The model's output on a batch; the guide's losses are among its own where the recipe has a guide."""
        batch = dict(inputs)
        looks = batch.pop("looks", None)
        if looks is None:
            return model(**batch)
        with self.guide.watching(looks if model.training else None) as seen:
            output = model(**batch)
        output.losses |= self.guide.losses(seen, batch["attention_mask"], looks)
        return output

    def weight(self, name: str) -> float:
        """Of a loss at this step: all but text grow from 0 within the recipe's `ramp_steps`."""
        weight = self.recipe.losses.get(name, 0.0)
        if name == "text" or not self.recipe.ramp_steps:
            return weight
        return weight * min(1.0, (self.state.global_step + 1) / self.recipe.ramp_steps)

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        if "loss" in logs:  # a step's line, not an evaluation's
            logs |= {f"loss_{name}": float(f"{value:.7g}") for name, value in self.tally.read().items()}
            logs |= self.bad.logged()
        super().log(logs, *args, **kwargs)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:  # type: ignore[override]
        """Means of every loss over the held-out samples, depth metrics, and sheets of pictures in out/pictures."""
        with nullcontext() if self.average is None else self.average.taken():
            metrics = evaluate(self)
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _clip_grad_norm(self, model: nn.Module) -> Any:
        """The norm before clipping. Detached heads are a training of their own, so that no head slows the text:

        their norm and that of all else are clipped one by one, except where DeepSpeed or FSDP1 knows only one.
        """
        one_norm = self.is_deepspeed_enabled or (self.is_fsdp_enabled and not self.accelerator.is_fsdp2)
        if one_norm or not self.recipe.detach_heads:
            return super()._clip_grad_norm(model)
        parts: dict[bool, list[nn.Parameter]] = {True: [], False: []}
        for group, _, weight in grouped(self.accelerator.unwrap_model(model)):  # type: ignore[arg-type]
            if weight.grad is not None:
                parts[group == "heads"].append(weight)
        norms = []
        for weights in parts.values():
            norm: Any = get_total_norm([weight.grad for weight in weights if weight.grad is not None])
            norms.append(norm.full_tensor() if isinstance(norm, DTensor) else norm)
            clip_grads_with_norm_(weights, self.args.max_grad_norm, norms[-1])
        return torch.linalg.vector_norm(torch.stack([norm.to(self.args.device) for norm in norms]))

    # ---- the schedule ----------------------------------------------------------------------------------------

    def progress(self, step: int) -> float:
        """0 at the start, 1 at the end of the run: by steps or by minutes, whichever is further on.

        Minutes are those of all sessions of the run, up to the checkpoint that each ended with. Only by steps is it
        the same in every run: with a time budget the rate follows the clock, and so does what is learned.
        """
        share = step / self.recipe.steps
        if self.recipe.minutes is None:
            return share
        return max(share, self._shared(self.seconds) / 60 / self.recipe.minutes)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW with the recipe's rate for each group of weights."""
        if self.optimizer is None:
            groups = optimizer_groups(self.model, self.recipe)  # type: ignore[arg-type]
            self.optimizer = torch.optim.AdamW(groups, betas=(0.9, self.recipe.beta2), fused=True)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> LambdaLR:
        """Linear warm-up, then a cosine down to `final_rate` over `progress`."""

        def factor(step: int) -> float:
            warm = min(1.0, (step + 1) / self.recipe.warmup_steps)
            cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.progress(step))))
            return warm * (self.recipe.final_rate + (1 - self.recipe.final_rate) * cosine)

        if self.lr_scheduler is None:
            self.lr_scheduler = LambdaLR(optimizer or self.optimizer, factor)
        return self.lr_scheduler

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> SequentialSampler:
        """In order: the dataset itself shuffles, so that a sample's number says all there is to say about it."""
        return SequentialSampler(self.train_dataset)  # type: ignore[arg-type]

    def _shared(self, value: float) -> float:
        """The first process's value, everywhere: clocks differ, rates must not."""
        if dist.is_initialized():
            told = torch.tensor(value, dtype=torch.float32, device=self.args.device)
            dist.broadcast(told, 0)
            value = float(told)
        return value

    # ---- checkpoints -----------------------------------------------------------------------------------------

    def _get_output_dir(self, trial: Any = None) -> str:
        return str(self._saving or self.args.output_dir)

    def _save_checkpoint(self, model: nn.Module, trial: Any = None) -> None:
        """Into a hidden folder; it becomes a checkpoint in one step, when all of it is there."""
        step = self.state.global_step
        with checkpoint.saving(self.out, step, self.is_world_process_zero(), self._wait) as part:
            self._saving = part.parent
            try:
                super()._save_checkpoint(model, trial)
            finally:
                self._saving = None
            if self.is_world_process_zero():
                run = {"seconds": self.seconds, "drawn": self.bad.drawn, "skipped": self.bad.skipped}
                checkpoint.write_run(part, run)
                if self.average is not None:
                    self.average.save(part)

    def save_now(self) -> None:
        """A checkpoint of the steps taken so far, unless there is one."""
        step = self.state.global_step
        if step and not (self.out / f"checkpoint-{step}").exists():
            self._save_checkpoint(self.model_wrapped)  # type: ignore[arg-type]

    def _wait(self) -> None:
        self.accelerator.wait_for_everyone()

    def _save(self, output_dir: str | None = None, state_dict: dict | None = None) -> None:
        if self.args.should_save:
            os.makedirs(str(output_dir), exist_ok=True)
            model: Any = self.accelerator.unwrap_model(self.model)
            if state_dict is not None:  # gathered: tied weights are copies there
                tied = getattr(model, "_tied_weights_keys", None) or {}
                state_dict = {name: value for name, value in state_dict.items() if name not in tied}
            model.save_pretrained(str(output_dir), state_dict=state_dict)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        if self.is_fsdp_enabled:
            return super()._load_from_checkpoint(resume_from_checkpoint, model)
        running: Any = self.model
        folder = Path(resume_from_checkpoint)
        (read_adapter if is_adapter(folder) else load_trained)(running, folder)
        if self.average is not None:
            self.average.load(folder)
        return None


class _First(Dataset):
    """The first `count` samples of a dataset that may say another length: the run's samples."""

    def __init__(self, data: Dataset, count: int):
        self.data, self.count = data, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return self.data[index]


def _nothing(output: Any) -> Tensor:
    """Zero, with a path to every weight of the heads, through one picture: processes wait for each other's gradient of

    all that a pass has used, also where this batch has no truth for it.
    """
    raws = [rows[0] for rows in (output.dense or {}).values() if rows] + [output.rays or {}]
    total = torch.zeros(())
    for raw in raws:
        for value in raw.values():
            total = total.to(value.device) + 0.0 * value.float().sum()
    return total


def load_trained(model: nn.Module, folder: Path) -> None:
    """The tensors of a checkpoint into the model they came from."""
    found: dict[str, Tensor] = {}
    for file in sorted(folder.glob("model*.safetensors")):
        found |= load_file(file)
    result = model.load_state_dict(found, strict=False)
    state = model.state_dict()
    loaded = {state[name].data_ptr() for name in found if name in state}
    missing = [
        name for name in result.missing_keys if state[name].data_ptr() not in loaded
    ]  # tied ones are stored once
    if missing or result.unexpected_keys:
        wrong = f"{folder} misses {missing}, and has {result.unexpected_keys} too many"
        raise InputError("checkpoint", wrong, "one of this very run")


def split(recipe: Recipe) -> int:
    """Samples of one forward pass on one process. An InputError where the batch cannot be split so."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    passes = processes * recipe.accumulate
    if recipe.batch % passes:
        shared = f"{processes} processes x {recipe.accumulate} accumulated passes"
        raise InputError("batch", f"{recipe.batch} samples over {shared}", f"a multiple of {passes}")
    return recipe.batch // passes


def arguments(recipe: Recipe, out: Path) -> TrainingArguments:
    """The recipe in transformers' words."""
    for name in recipe.report_to:
        if name not in INTEGRATION_TO_CALLBACK:
            raise InputError("report_to", f"there is no {name!r}", ", ".join(sorted(INTEGRATION_TO_CALLBACK)))
    on_device = torch.accelerator.is_available()
    args = TrainingArguments(
        output_dir=str(out),
        max_steps=recipe.steps,
        per_device_train_batch_size=split(recipe),
        gradient_accumulation_steps=recipe.accumulate,
        max_grad_norm=recipe.clip,
        save_steps=recipe.save_every,
        eval_strategy="steps" if recipe.held_out else "no",
        eval_steps=recipe.eval_every,
        logging_steps=recipe.log_every,
        logging_first_step=True,
        logging_nan_inf_filter=False,  # a loss that is not a number is to be seen
        dataloader_num_workers=recipe.workers,
        dataloader_persistent_workers=recipe.workers > 0,
        dataloader_pin_memory=on_device,
        remove_unused_columns=False,
        ddp_find_unused_parameters=True,  # a batch without pictures uses no head
        report_to=[name for name in recipe.report_to if name != "tensorboard"],  # that one always, see `fit`
        seed=recipe.seed,
        include_num_input_tokens_seen="no",
        disable_tqdm=True,  # our own progress line
        use_cpu=not on_device,
    )
    args._n_gpu = min(args.n_gpu, 1)  # several GPUs: `accelerate launch`, never threads of one process
    if args.device.type == "cpu":  # of several processes "cpu:0", which torch.load does not know (transformers 5.17)
        vars(args)["_setup_devices"] = torch.device("cpu")
    return args
