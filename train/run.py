"""One training run: recipe in, checkpoint folder out. Stops at any time, goes on where it stopped."""

from pathlib import Path

import torch.distributed as dist
from transformers import set_seed

from train.data.build import collator_of, held_out_data, mixture_of
from train.recipe import Recipe, check_recipe, keep_recipe
from train.start import starting_model
from train.trainer import FathomTrainer, arguments
from vlm.model import Fathom


def run(recipe: Recipe, out: Path) -> Fathom:
    """Trains (or goes on training) in `out`; the result ends up in `out/final`.

    That is a whole model, or, where the weights of `start` stay as they are, a folder with what goes on top of them.
    """
    args = arguments(recipe, out)
    if args.process_index == 0:
        check_recipe(recipe, out)
    set_seed(recipe.seed)
    data = mixture_of(recipe, args.process_index, report=out / "skipped.jsonl")
    model = starting_model(recipe, data.texts() if recipe.retokenise or not recipe.start else [])
    trainer = FathomTrainer(
        recipe,
        model=model,
        args=args,
        train_dataset=data,
        eval_dataset=held_out_data(recipe),
        data_collator=collator_of(recipe, model, args.world_size),
    )
    if args.process_index == 0:
        keep_recipe(recipe, out)  # not before: one that names bad data may be mended in the same folder
    trainer.fit()
    trainer.finish(out / "final")
    if dist.is_initialized():  # a process that exits with its group alive may be aborted on the way out
        trainer.accelerator.wait_for_everyone()
        dist.destroy_process_group()
    return model
