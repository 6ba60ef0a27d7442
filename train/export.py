"""The model as it ships: float16 on disk, without heads that only help in training."""

from pathlib import Path

from vlm.adapter import has_adapter, merge
from vlm.model import Fathom

TRAINING_AIDS = ("labels",)


def export_model(model: Fathom, folder: Path) -> None:
    """Writes weights, config and processor to `folder`; an adapter is merged into the model, here and there.

    Every figure is to be measured on what this writes: float16 rounds weights to 3 digits.
    """
    if has_adapter(model):
        merge(model)
    heads = {name: options for name, options in model.config.heads.items() if name not in TRAINING_AIDS}
    config = type(model.config)(model.config.backbone_config, heads, model.config.uncertainty, model.config.max_pixels)
    small = Fathom(config)
    kept = {
        k: v for k, v in model.state_dict().items() if not k.startswith(tuple(f"heads.{n}." for n in TRAINING_AIDS))
    }
    small.load_state_dict(kept)
    small.processor = model.processor
    small.half().save_pretrained(folder)
