"""`fathom train-speed`: a step of the trainer against a plain loop that computes the same losses sample by sample."""

import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from train.recipe import Recipe

SCENES = 16
WARM_UP = 2  # steps that are not timed
TINY = {
    "max_pixels": 160 * 128,
    "text": {
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 4096,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [4, 2, 2],
                            "mrope_interleaved": True},
    },
    "vision": {
        "hidden_size": 48, "depth": 3, "num_heads": 3, "intermediate_size": 96, "out_hidden_size": 64,
        "patch_size": 16, "deepstack_visual_indexes": [0, 1], "num_position_embeddings": 256,
    },
    "heads": {"depth": {"widths": [16, 16, 16, 8, 8]}, "rays": {"width": 32, "layers": 1},
              "labels": {"taps": ["language.1"], "classes": {"kind": 81, "colour": 12}}},
}  # fmt: skip


def train_speed(
    out: Annotated[Path | None, typer.Option(help="Also write the figures here, as JSON.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Timed steps of each size.")] = 10,
    sizes: Annotated[str, typer.Option(help="Comma-separated: tiny, nano.")] = "tiny,nano",
) -> None:
    """Steps per second and peak memory of training, turn by turn with a plain loop over the same samples."""
    from heads.errors import InputError

    wanted = sizes.split(",")
    if unknown := [name for name in wanted if name not in ("tiny", "nano")]:
        raise InputError("sizes", f"there is no {unknown[0]!r}", "tiny, nano")
    with tempfile.TemporaryDirectory() as folder:
        from train.worlds.write import write_records

        records = write_records(Path(folder) / "worlds", SCENES, 4_000_000)
        figures = {name: measure(name, records, steps, Path(folder)) for name in wanted}
    told = json.dumps(figures, indent=1)
    typer.echo(told)
    if out is not None:
        from vlm.files import replacing

        with replacing(out) as temporary:
            temporary.write_text(told + "\n", encoding="utf-8")


def measure(size: str, records: Path, steps: int, folder: Path) -> dict[str, Any]:
    """seconds: medians of a step, ours, plain, and of loading its data in the same process; ratio: of plain to ours.

    Medians over the steps, taken turn by turn, of steps that begin with the same weights and see the same samples.
    loss_difference: the largest relative one between the two, over all steps. peak_memory_mib: resident memory of a
    process of its own at its highest, with two threads as the timings; before: with model and data, untrained.
    """
    turns = SideBySide(recipe_of(size, records, steps))
    turns.run(folder / size)
    ours, plain, loading = (values[WARM_UP:] for values in (turns.ours, turns.plain, turns.loading))
    ratios = [p / o for p, o in zip(plain, ours, strict=True)]
    return {
        "parameters": sum(weight.numel() for weight in turns.model.parameters()),
        "batch": turns.recipe.batch,
        "questions_per_image": turns.recipe.questions_per_image,
        "steps": len(ours),
        "ours_seconds": statistics.median(ours),
        "plain_seconds": statistics.median(plain),
        "ratio": statistics.median(ratios),
        "ours_steps_per_second": 1 / statistics.median(ours),
        "loading_seconds": statistics.median(loading),
        "loading_share": statistics.median(seconds / o for seconds, o in zip(loading, ours, strict=True)),
        "loss_difference": max(turns.differences),
        "peak_memory_mib": {way: peak_memory(way, size, records, folder) for way in ("before", "ours", "plain")},
    }


def recipe_of(size: str, records: Path, steps: int) -> "Recipe":
    """nano's own recipe, for a few steps; with `tiny`'s sizes where that is asked."""
    from train.recipe import load_recipe
    from train.taught import LOSSES

    changes = [f"records=[{records}]", f"steps={steps + WARM_UP}", "workers=0", "favour={}", "batch=8"]
    changes += ["log_every=1000000", "save_every=1000000"]
    # The guide's losses are the trainer's own, not the model's.
    changes += ["guide={}", *(f"losses.{name}=0" for names in LOSSES.values() for name in names)]
    nano = load_recipe("nano-pretrain", changes)
    return nano if size == "nano" else replace(nano, model=TINY)


class SideBySide:
    """The real trainer; after each of its steps the plain loop takes the same one from the same weights."""

    def __init__(self, recipe: "Recipe"):
        from transformers import set_seed

        from train.data.build import collator_of, mixture_of

        self.recipe = recipe
        set_seed(recipe.seed)
        self.data = mixture_of(recipe)
        self.model = self.new_model()
        self.collate = collator_of(recipe, self.model)
        self.ours: list[float] = []
        self.plain: list[float] = []
        self.loading: list[float] = []
        self.differences: list[float] = []

    def new_model(self) -> Any:
        from train.start import starting_model

        return starting_model(self.recipe, self.data.texts())

    def run(self, out: Path, plain: bool = True) -> None:
        """Trains to the end of the recipe; with `plain`, turn by turn with the plain loop."""
        from transformers import TrainerCallback

        from train.trainer import FathomTrainer, arguments

        trainer = FathomTrainer(
            self.recipe,
            model=self.model,
            args=arguments(self.recipe, out),
            train_dataset=self.data,
            data_collator=self.collate,
        )
        other = PlainLoop(self.new_model(), self.recipe, self.collate) if plain else None
        figures = self

        class Turns(TrainerCallback):
            mark = time.perf_counter()

            def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                figures.loading.append(time.perf_counter() - self.mark)
                if other is not None:
                    other.begin_as(trainer)
                self.mark = time.perf_counter()

            def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                figures.ours.append(time.perf_counter() - self.mark)
                if other is not None:
                    first = (state.global_step - 1) * figures.recipe.batch
                    samples = [figures.data[k] for k in range(first, first + figures.recipe.batch)]
                    began = time.perf_counter()
                    loss = other.step(samples)
                    figures.plain.append(time.perf_counter() - began)
                    means = trainer.tally.read()
                    told = sum(trainer.recipe.losses.get(name, 0.0) * value for name, value in means.items())
                    figures.differences.append(abs(loss - told) / abs(told))
                self.mark = time.perf_counter()

        trainer.add_callback(Turns())
        trainer.fit()


class PlainLoop:
    """What one writes first: for each sample a batch of its own, forward and backward; then a step."""

    def __init__(self, model: Any, recipe: "Recipe", collate: Any):
        import torch

        from train.groups import optimizer_groups

        self.model, self.recipe, self.collate = model.train(), recipe, collate
        groups = optimizer_groups(model, recipe)
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, recipe.beta2))

    def begin_as(self, trainer: Any) -> None:
        """With the trainer's weights, optimizer and rates of this moment."""
        self.model.load_state_dict(trainer.model.state_dict())
        if trainer.optimizer.state_dict()["state"]:
            self.optimizer.load_state_dict(trainer.optimizer.state_dict())
        for group, other in zip(self.optimizer.param_groups, trainer.optimizer.param_groups, strict=True):
            group["lr"], group["fused"] = other["lr"], False

    def step(self, samples: list[Any]) -> float:
        """The loss of these samples, before the step that it takes."""
        import torch

        from train.losses import counts_of

        batches = [self.collate([sample]) for sample in samples]
        counts: dict[str, Any] = {}
        for batch in batches:
            for name, count in counts_of(self.model, batch).items():
                counts[name] = counts.get(name, 0) + count
        told = 0.0
        for batch in batches:
            losses = self.model(**batch).losses
            weights = self.recipe.losses
            loss = sum(
                weights[name] * value / counts[name].clamp(min=1)
                for name, (value, _) in losses.items()
                if weights.get(name)
            )
            loss.backward()  # type: ignore[union-attr]
            told += float(loss.detach())  # type: ignore[union-attr]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return told


def peak_memory(way: str, size: str, records: Path, folder: Path) -> float:
    """MiB of a new process that does nothing else: "before", "ours" or "plain"."""
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    process = context.Process(target=_peak, args=(way, size, str(records), str(folder / f"{size}-{way}"), told))
    process.start()
    peak = told.get()
    process.join()
    return peak


def _peak(way: str, size: str, records: str, out: str, told: Any) -> None:
    from train.card import peak_memory_mib

    recipe = replace(recipe_of(size, Path(records), 1), steps=WARM_UP + 1)
    turns = SideBySide(recipe)
    if way == "ours":
        turns.run(Path(out), plain=False)
    elif way == "plain":
        loop = PlainLoop(turns.model, recipe, turns.collate)
        for first in range(0, recipe.steps * recipe.batch, recipe.batch):
            loop.step([turns.data[k] for k in range(first, first + recipe.batch)])
    told.put(peak_memory_mib())
