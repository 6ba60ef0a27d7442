"""How each depth class of transformers is fed, what its output means, and the way back to the photograph's pixels.

Nothing here needs torchvision: where a class has an image processor with the PIL backend that one prepares the
photograph; Depth Pro and TIPSv2 have none, so their few lines are here. The way back is the inverse of how the
photograph came in (pixel centres at +0.5: `align_corners=False`), on the photograph's own grid, unit unchanged.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from heads.camera import Camera
from heads.errors import InputError

Size = tuple[int, int]
"""Width and height, pixels."""

DEPTH_PRO_NEAREST, DEPTH_PRO_FARTHEST = 1e-4, 1e4  # metres: what its authors clamp to


Border = tuple[int, int, int, int]
"""Pixels that the network's input has more than the photograph: left, top, right, bottom."""


def no_border(size: Size, processor: Any) -> Border:
    return 0, 0, 0, 0


@dataclass(frozen=True)
class Family:
    """What is true of one class.

    claim: the field of `Prediction` that its output fills. means: in one sentence, with its source.
    prepare: image processor, (H, W, 3) uint8 -> (3, h, w), the network's input.
    border: size, image processor -> what `prepare` put around the photograph, in the photograph's pixels.
    mode: how transformers' post-processing of the class resizes.
    flip: the mean with the mirrored photograph's mirrored output is taken.
    """

    claim: str
    means: str
    prepare: Callable[[Any, np.ndarray], Tensor]
    border: Callable[[Size, Any], Border] = no_border
    mode: str = "bicubic"
    flip: bool = False

    def whole(self, size: Size, processor: Any) -> Size:
        """The photograph with its border."""
        left, top, right, bottom = self.border(size, processor)
        return size[0] + left + right, size[1] + top + bottom

    def back(self, values: Tensor, size: Size, processor: Any) -> Tensor:
        """The network's (h, w) output -> (H, W), on the pixels of the photograph."""
        left, top, _, _ = self.border(size, processor)
        return resized(values, self.whole(size, processor), self.mode)[top : top + size[1], left : left + size[0]]


# ---- in ----------------------------------------------------------------------------------------------------


def by_processor(processor: Any, rgb: np.ndarray) -> Tensor:
    """By the class's own image processor (PIL backend)."""
    return processor(images=Image.fromarray(rgb), return_tensors="pt")["pixel_values"][0]


def glpn_input(processor: Any, rgb: np.ndarray) -> Tensor:
    """GLPN rounds the sides down to a multiple of 32, which leaves nothing of a smaller photograph."""
    if min(rgb.shape[:2]) < processor.size_divisor:
        wrong = f"it is {rgb.shape[1]}x{rgb.shape[0]} pixels"
        raise InputError("image", wrong, f"sides of {processor.size_divisor} pixels or more for GLPN")
    return by_processor(processor, rgb)


@dataclass(frozen=True)
class Recipe:
    """What a preprocessor_config.json says, for the classes whose image processor needs torchvision."""

    width: int
    height: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def read(cls, folder: Path, defaults: dict[str, Any]) -> "Recipe":
        said = defaults | json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
        size = said["size"]
        plain = not said.get("do_normalize", True)
        mean, std = ((0.0,) * 3, (1.0,) * 3) if plain else (said["image_mean"], said["image_std"])
        return cls(int(size["width"]), int(size["height"]), tuple(mean), tuple(std))


DEPTH_PRO_DEFAULTS = {
    "size": {"height": 1536, "width": 1536},
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
TIPSV2_DEFAULTS = {"size": {"height": 448, "width": 448}, "do_normalize": False}


def depth_pro_input(recipe: Recipe, rgb: np.ndarray) -> Tensor:
    """(rgb / 255 - mean) / std, then squashed to the square: bilinear, not antialiased, as its authors do.

    Bochkovskii et al. 2024 (arXiv:2410.02073); the order is the one of transformers' DepthProImageProcessor.
    """
    pixels = torch.from_numpy(rgb).permute(2, 0, 1).float() / 255
    pixels = (pixels - torch.tensor(recipe.mean)[:, None, None]) / torch.tensor(recipe.std)[:, None, None]
    size = (recipe.height, recipe.width)
    return functional.interpolate(pixels[None], size, mode="bilinear", align_corners=False)[0]


def squashed_input(recipe: Recipe, rgb: np.ndarray) -> Tensor:
    """Squashed to the square (bilinear with Pillow, which antialiases), then (rgb / 255 - mean) / std."""
    small = Image.fromarray(rgb).resize((recipe.width, recipe.height), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1).float() / 255
    return (pixels - torch.tensor(recipe.mean)[:, None, None]) / torch.tensor(recipe.std)[:, None, None]


# ---- back --------------------------------------------------------------------------------------------------


def resized(values: Tensor, size: Size, mode: str) -> Tensor:
    """(h, w) -> (height, width), the same field of view."""
    return functional.interpolate(values[None, None], (size[1], size[0]), mode=mode, align_corners=False)[0, 0]


def whole_patches(size: Size, processor: Any) -> Border:
    """What pads the photograph to whole patches around its middle, as the DINOv2 depth heads want it.

    transformers' own post-processing leaves that border in, which shifts and squashes the map by some pixels.
    """
    if not processor.do_pad or not processor.size_divisor or processor.do_resize:
        return 0, 0, 0, 0
    missing = [math.ceil(side / processor.size_divisor) * processor.size_divisor - side for side in size]
    left, top = (pixels // 2 for pixels in missing)
    return left, top, missing[0] - left, missing[1] - top


def zoe_border(size: Size, processor: Any) -> Border:
    """int(3 sqrt(side / 2)) reflected pixels against artefacts at the border.

    Bhat et al. 2023 (arXiv:2302.12288), `DepthModel.infer` of their code.
    """
    x, y = (int(math.sqrt(side / 2) * 3) if processor.do_pad else 0 for side in size)
    return x, y, x, y


def depth_pro_metres(inverse: Tensor, size: Size, focal_x_px: float) -> Tensor:
    """Canonical inverse depth C (h, w) -> (H, W) metres: z = 1 / (C * W / f), f along x in the photograph's pixels.

    The inverse is resized (bilinear) before it is inverted. Bochkovskii et al. 2024, section 3.2: C is inverse
    depth of a camera whose focal length is the image's width.
    """
    scaled = resized(inverse * (size[0] / focal_x_px), size, "bilinear")
    return 1 / scaled.clamp(1 / DEPTH_PRO_FARTHEST, 1 / DEPTH_PRO_NEAREST)


def camera_from_fov(size: Size, fov_x_deg: float) -> Camera | None:
    """The camera that a model's own horizontal field of view makes; None for an angle that no camera has."""
    if not 0 < fov_x_deg < 180:
        return None
    known = Camera.from_fov(*size, fov_x_deg=fov_x_deg)
    return Camera(known.intrinsics, *size, source="rays")


# ---- the classes -------------------------------------------------------------------------------------------

DISPARITY = "disparity_affine_invariant"
METRIC = "depth_metric"

DEPTH_ANYTHING_METRIC = Family(
    METRIC,
    "sigmoid times max_depth is z-depth in metres, whatever the camera (Yang et al. 2024, arXiv:2406.09414)",
    by_processor,
)
DEPTH_ANYTHING = Family(
    DISPARITY,
    "inverse depth up to factor and shift (Yang et al. 2024, arXiv:2401.10891 and 2406.09414)",
    by_processor,
)
ZOEDEPTH = Family(
    METRIC,
    "z-depth in metres, whatever the camera, mean with the mirrored photograph (Bhat et al. 2023, arXiv:2302.12288)",
    by_processor,
    zoe_border,
    flip=True,
)
DEPTH_PRO = Family(
    METRIC,
    "canonical inverse depth; metres by the given fx, else by its own field of view (arXiv:2410.02073)",
    depth_pro_input,
    mode="bilinear",
)
DPT = Family(
    DISPARITY,
    "inverse depth up to factor and shift (Ranftl et al. 2021, arXiv:2103.13413)",
    by_processor,
    whole_patches,
)
DINOV2_DPT = Family(
    METRIC,
    "z-depth in metres of NYU or KITTI, whatever the camera (Oquab et al. 2023, arXiv:2304.07193)",
    by_processor,
    whole_patches,
)
GLPN = Family(
    METRIC,
    "sigmoid times max_depth is z-depth in metres, whatever the camera (Kim et al. 2022, arXiv:2201.07436)",
    glpn_input,
)
PROMPT_DEPTH_ANYTHING = Family(
    "depth_affine_invariant",
    "without its LiDAR prompt: depth between the prompt's ends, so up to factor and shift (arXiv:2412.14015)",
    by_processor,
)
TIPSV2 = Family(
    METRIC,
    "mean of depth bins is z-depth in metres up to max_depth, whatever the camera (transformers' Tipsv2Dpt)",
    squashed_input,
    mode="bilinear",
)

KNOWN = (
    "depth_anything",
    "zoedepth",
    "depth_pro",
    "dpt",
    "glpn",
    "prompt_depth_anything",
    "tipsv2_dpt",
)


def family_of(config: Any) -> Family:
    """The family of a transformers config; InputError for a class whose output has no rule here."""
    kind = config.model_type
    if kind == "depth_anything":
        return DEPTH_ANYTHING_METRIC if config.depth_estimation_type == "metric" else DEPTH_ANYTHING
    if kind == "dpt":  # only the DINOv2 heads have this projection (transformers' convert_dinov2_depth_to_hf)
        return DINOV2_DPT if config.add_projection else DPT
    families = {
        "zoedepth": ZOEDEPTH,
        "depth_pro": DEPTH_PRO,
        "glpn": GLPN,
        "prompt_depth_anything": PROMPT_DEPTH_ANYTHING,
        "tipsv2_dpt": TIPSV2,
    }
    if kind not in families:
        why = "it predicts the height of trees, not depth" if kind == "chmv2" else "nothing here says what it predicts"
        raise InputError("model", f"its model_type is {kind!r}: {why}", ", ".join(KNOWN))
    return families[kind]


def image_processor(kind: str, folder: Path) -> Any:
    """What prepares photographs for models of that type: a PIL-backed image processor, or a `Recipe`."""
    if not (folder / "preprocessor_config.json").is_file():
        raise InputError("model", f"{folder} has no preprocessor_config.json", "a folder with its image processor")
    if kind == "depth_pro":
        return Recipe.read(folder, DEPTH_PRO_DEFAULTS)
    if kind == "tipsv2_dpt":
        return Recipe.read(folder, TIPSV2_DEFAULTS)
    from transformers.models.auto.image_processing_auto import AutoImageProcessor  # 5.17 hides it at the top

    return AutoImageProcessor.from_pretrained(folder, backend="pil")
