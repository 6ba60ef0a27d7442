"""Everything needed to rebuild a Fathom: backbone config, heads with their taps, uncertainty calibration."""

import copy
from typing import Any, ClassVar

from transformers import AutoConfig, PreTrainedConfig

DEFAULT_HEADS: dict[str, dict[str, Any]] = {
    "depth": {"widths": [256, 256, 128, 96, 64], "spread": [1, 2, 4], "sharpen": [5, 3, 2]},
    "rays": {"width": 256},
}
DEFAULT_UNCERTAINTY: dict[str, Any] = {
    "factor": {"caller": 1.0, "exif": 1.0, "rays": 1.0},
    "focal_factor": 1.0,
    "shared": 0.5,
    "calibrated_on": None,
}


class FathomConfig(PreTrainedConfig):
    """Config of `vlm.model.Fathom`.

    backbone_config: the family's own config, or its dictionary.
    heads: head name -> options; `taps` lists the places it reads (default: the backbone file's choice); `kind`
        is the entry of `heads.catalog` where it is not the name itself.
    uncertainty: `factor` multiplies the predicted Laplace scale, one for each source of the focal length;
        `focal_factor` does so for the ray head's scale of log focal;
        `shared` is the share of the variance of the log-depth error that all pixels of an image have in common.
    max_pixels: the largest image the processor passes on, in pixels.
    """

    model_type = "fathom"
    sub_configs: ClassVar[Any] = {"backbone_config": AutoConfig}
    has_no_defaults_at_init = True

    def __init__(
        self,
        backbone_config: PreTrainedConfig | dict | None = None,
        heads: dict[str, dict[str, Any]] | None = None,
        uncertainty: dict[str, Any] | None = None,
        max_pixels: int = 1024 * 1024,
        **kwargs: Any,
    ):
        if isinstance(backbone_config, dict):
            options = dict(backbone_config)
            backbone_config = AutoConfig.for_model(options.pop("model_type"), **options)
        self.backbone_config: Any = backbone_config
        source = DEFAULT_HEADS if heads is None else heads
        self.heads = copy.deepcopy(dict(source))
        self.uncertainty = copy.deepcopy(dict(DEFAULT_UNCERTAINTY if uncertainty is None else uncertainty))
        self.max_pixels = max_pixels
        super().__init__(**kwargs)

    def get_text_config(self, *args: Any, **kwargs: Any) -> PreTrainedConfig:
        return self if self.backbone_config is None else self.backbone_config.get_text_config(*args, **kwargs)
