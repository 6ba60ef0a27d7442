"""The evaluation within a run: losses and depth metrics on held-out samples, and sheets of pictures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from heads.depth import read_depth
from heads.dpt import PublishedDepthHead, read_published
from train.data.packed import unpacked
from train.losses import Tally
from train.pictures import Seen, write_sheets

if TYPE_CHECKING:
    from train.trainer import FathomTrainer

DELTA1 = 1.25  # Eigen et al. 2014: the share of pixels with max(pred / true, true / pred) under it


@torch.no_grad()
def evaluate(trainer: FathomTrainer) -> dict[str, float]:
    """eval_loss (weighted as in training), eval_NAME of each loss, eval_delta1, eval_abs_rel, eval_seconds.

    Metric depth, each picture's true camera given, over all pixels with a true depth. Pictures go to out/pictures.
    No random number of the training is used up.
    """
    started = time.monotonic()
    model: Any = trainer.model_wrapped or trainer.model
    recipe = trainer.recipe
    was_training = model.training
    model.eval()
    tally, seen = Tally(), []
    for batch, counts in _batches(trainer):
        output = trainer.one_pass(model, batch)
        if not counts:
            continue
        tally.add(output.losses)
        head = dict(trainer.model.heads).get("depth")  # type: ignore[union-attr, operator]
        for i, truth in enumerate((batch.get("truth") or {}).get("depth") or []):
            raw = output.dense["depth"][i]
            predicted = _metres(head, raw, float(truth["focal_px"]))
            tally.add(_depth_metrics(predicted[0], truth["depth_z"]))
            if len(seen) < recipe.eval_pictures:
                seen.append(_seen(trainer, batch, i, truth["depth_z"], *predicted))
    model.train(was_training)
    means = tally.read()
    weighted = sum(weight * means[name] for name, weight in recipe.losses.items() if name in means)
    if trainer.is_world_process_zero():
        write_sheets(Path(trainer.out) / "pictures", trainer.state.global_step, seen)
    metrics = {"eval_loss": weighted, **{f"eval_{name}": value for name, value in means.items()}}
    return {
        name: float(f"{value:.7g}") for name, value in (metrics | {"eval_seconds": time.monotonic() - started}).items()
    }


def _batches(trainer: FathomTrainer) -> Any:
    """(batch, whether it counts) of this process; every process gets as many, so that none waits for another.

    A process without a last batch of its own repeats its share's first, which then does not count.
    """
    data, args = trainer.eval_dataset, trainer.args
    size = args.per_device_train_batch_size
    all_batches = [range(i, min(i + size, len(data))) for i in range(0, len(data), size)]  # type: ignore[arg-type]
    mine = all_batches[args.process_index :: args.world_size]
    rounds = -(-len(all_batches) // args.world_size)
    loader = DataLoader(
        data,  # type: ignore[arg-type]
        batch_sampler=[list(b) for b in mine + all_batches[: rounds - len(mine)]],
        collate_fn=trainer.data_collator,
        num_workers=args.dataloader_num_workers,
        generator=torch.Generator(),
    )
    for number, batch in enumerate(loader):
        yield unpacked(trainer._prepare_inputs(batch)), number < len(mine)


def _metres(head: Any, raw: dict[str, Tensor], focal_px: float) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Depth in metres everywhere and, where the head has them, the Laplace scale of its log and sky probability."""
    if isinstance(head, PublishedDepthHead):
        return read_published(raw, focal_px), None, None
    return read_depth(raw, focal_px)


def _depth_metrics(predicted: Tensor, truth: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    valid = torch.isfinite(truth) & (truth > 0)
    ratio = torch.where(valid, predicted / truth, 1.0)
    right = valid & (torch.maximum(ratio, 1 / ratio) < DELTA1)
    return {"delta1": (right.sum(), valid.sum()), "abs_rel": ((ratio - 1).abs().sum(), valid.sum())}


def _seen(
    trainer: FathomTrainer, batch: dict, i: int, truth: Tensor, depth: Tensor, scale: Tensor | None, sky: Tensor | None
) -> Seen:
    """As a scene would show it: no depth where sky is more likely than not."""
    model: Any = trainer.accelerator.unwrap_model(trainer.model)
    pictures = model.family.images(batch["pixel_values"], batch["image_grid_thw"], model.config.backbone_config)
    shown = depth if sky is None else depth.masked_fill(sky > 0.5, torch.inf)
    maps = (None if x is None else x.float().cpu().numpy() for x in (truth, shown, scale))
    image = ((pictures[i].float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
    return Seen(image, *maps)  # type: ignore[arg-type]
