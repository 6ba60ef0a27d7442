"""One small file a family; `family(config)` finds it by the config's model type."""

from types import ModuleType

from vlm.backbones import qwen3_vl

FAMILIES: dict[str, ModuleType] = {qwen3_vl.MODEL_TYPE: qwen3_vl}


def family(config) -> ModuleType:
    """The backbone file of a transformers config; an unknown family is an error that lists the known ones."""
    if config.model_type not in FAMILIES:
        raise ValueError(
            f"backbone: no file for the family {config.model_type!r}; allowed: {', '.join(sorted(FAMILIES))}"
        )
    return FAMILIES[config.model_type]
