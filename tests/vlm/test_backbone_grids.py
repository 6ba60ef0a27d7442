"""Where a thing is in the photograph is where it is on every grid that a head reads."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import AutoModelForImageTextToText
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from tests.vlm.families import KINDS
from vlm import vision_attention
from vlm.backbones import family, qwen3_vl

SHAPES = [(4, 4), (4, 10), (12, 6)]  # patches: square, panorama, portrait
SQUARE = 16


def image_processor() -> Qwen2VLImageProcessorPil:
    return Qwen2VLImageProcessorPil(patch_size=16, merge_size=2, image_mean=[0.5] * 3, image_std=[0.5] * 3)


def cut(images: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixel rows and grids as transformers' own image processor makes them."""
    options = {"do_resize": False, "input_data_format": "channels_last", "return_tensors": "pt"}
    batch = image_processor()(images=images, **options)
    return batch["pixel_values"], batch["image_grid_thw"]


def marked(shape: tuple[int, int], row: int, column: int, side: int = SQUARE, dark: int = 10) -> np.ndarray:
    """A dark picture of `shape` patches with a bright square of `side` pixels, the (row, column)-th of that size."""
    image = np.full((shape[0] * 16, shape[1] * 16, 3), dark, np.uint8)
    image[row * side : (row + 1) * side, column * side : (column + 1) * side] = 250
    return image


def places(shape: tuple[int, int]) -> list[tuple[int, int]]:
    return [(row, column) for row in range(shape[0]) for column in range(shape[1])]


def brightest(grid: torch.Tensor) -> tuple[int, int]:
    """(row, column) of the largest value of a (1, h, w) grid."""
    row, column = np.unravel_index(int(grid[0].argmax()), tuple(grid.shape[1:]))
    return int(row), int(column)


def raster(rows: torch.Tensor, grid_thw: torch.Tensor) -> list[torch.Tensor]:
    """The mistake: patch rows taken for rows of the picture."""
    parts = rows.split(grid_thw.prod(-1).tolist())
    return [part.T.reshape(-1, h, w) for part, (_, h, w) in zip(parts, grid_thw.tolist(), strict=True)]


def found_everywhere(shape: tuple[int, int], to_grids) -> bool:
    images = [marked(shape, *place) for place in places(shape)]
    pixel_values, grid_thw = cut(images)
    grids = to_grids(pixel_values.mean(1, keepdim=True), grid_thw)
    return [brightest(grid) for grid in grids] == places(shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_square_moved_over_the_picture_moves_over_the_patch_grid(model, shape):
    config = model.config.backbone_config
    assert found_everywhere(shape, lambda rows, thw: qwen3_vl.patch_rows_to_grids(rows, thw, config))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shuffled_grid_would_be_noticed(shape):
    assert not found_everywhere(shape, raster)


def test_images_of_different_shapes_in_one_batch_each_keep_their_square(model):
    images = [marked(shape, 3, 1) for shape in SHAPES]
    pixel_values, grid_thw = cut(images)
    grids = qwen3_vl.patch_rows_to_grids(pixel_values.mean(1, keepdim=True), grid_thw, model.config.backbone_config)
    assert [tuple(grid.shape[1:]) for grid in grids] == SHAPES
    assert [brightest(grid) for grid in grids] == [(3, 1)] * 3
    assert qwen3_vl.token_sizes(grid_thw, model.config.backbone_config) == [(2, 2), (2, 5), (6, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_patches_put_together_are_the_picture(model, shape):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (h * 16, w * 16, 3), dtype=np.uint8) for h, w in (shape, (4, 6))]
    pictures = qwen3_vl.images(*cut(images), model.config.backbone_config)
    for image, picture in zip(images, pictures, strict=True):
        expected = torch.from_numpy(image).permute(2, 0, 1) / 127.5 - 1  # (x / 255 - 0.5) / 0.5
        assert picture.shape == expected.shape
        assert torch.allclose(picture, expected, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_tap_answers_most_where_the_square_is(model, shape):
    """Through the real network: what a square changes is largest at its own place, on each grid."""
    taps = ["vision.0", "deepstack.0", "language.0"]
    config = model.config.backbone_config
    tokens = (shape[0] // 2, shape[1] // 2)
    prefix, _ = model.processor.split_prompt("?", [tokens[0] * tokens[1]])
    ids = torch.tensor([prefix])

    def look(image: np.ndarray) -> dict[str, torch.Tensor]:
        seen = {}
        hooks = [
            model.family.module(model.backbone, name).register_forward_hook(
                lambda _m, _i, out, name=name: seen.__setitem__(name, out[0] if isinstance(out, tuple) else out)
            )
            for name in taps
        ]
        pixel_values, thw = cut([image])
        with torch.no_grad():
            model(ids, pixel_values=pixel_values, image_grid_thw=thw)
        for hook in hooks:
            hook.remove()
        is_image = ids[0] == config.image_token_id
        return {
            "vision.0": qwen3_vl.patch_rows_to_grids(seen["vision.0"], thw, config)[0],
            "deepstack.0": seen["deepstack.0"].T.reshape(-1, *tokens),
            "language.0": seen["language.0"][0][is_image].T.reshape(-1, *tokens),
        }

    plain = look(np.full((shape[0] * 16, shape[1] * 16, 3), 110, np.uint8))
    for row, column in [(0, tokens[1] - 1), (tokens[0] - 1, 0), (tokens[0] - 1, tokens[1] - 1)]:
        with_square = look(marked(shape, row, column, side=32, dark=110))
        for name in taps:
            change = (with_square[name] - plain[name]).square().sum(0, keepdim=True)
            found = brightest(change)
            assert (found if name != "vision.0" else (found[0] // 2, found[1] // 2)) == (row, column), name


def test_an_unknown_tap_or_family_is_an_error_that_lists_what_there_is(model):
    for name in ("vision.3", "vision.-1", "deepstack.2", "language.4", "language.-2", "elsewhere.0", "vision"):
        with pytest.raises(ValueError, match=r"taps: .*allowed: vision.0 to vision.2, deepstack.0 to deepstack.1"):
            qwen3_vl.tap(model.config.backbone_config, name)

    class Other:
        model_type = "other"

    with pytest.raises(ValueError, match=r"'other'.*allowed: .*qwen3_vl"):
        family(Other())


def test_a_deepstack_index_behind_the_last_block_gives_no_tap():
    config = KINDS["qwen3_vl"].config(300, lambda token: 1)
    config.vision_config.deepstack_visual_indexes = [0, config.vision_config.depth]
    assert qwen3_vl.default_taps(config)["depth"][-1] == "deepstack.0"
    with pytest.raises(ValueError, match=r"deepstack.1.*allowed: .*deepstack.0 to deepstack.0"):
        qwen3_vl.tap(config, "deepstack.1")


@pytest.mark.parametrize("rows", [[[4, 6], [2, 2], [6, 4], [4, 6]], [[2, 2]] * 6 + [[8, 8]], [[4, 6]], [[4, 6]] * 3])
@pytest.mark.parametrize("name", ["qwen3_vl", "qwen2_5_vl"])
def test_all_pictures_at_once_are_seen_as_one_by_one(name, rows):
    """The kernel that a GPU gets: pictures of several sizes padded to one length, where that is not too much."""
    config = KINDS[name].config(300, lambda token: 1)
    torch.manual_seed(0)
    visual = AutoModelForImageTextToText.from_config(config).model.visual.double()
    grid = torch.tensor([[1, *row] for row in rows])
    vision = config.vision_config
    width = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
    pixels = torch.randn(int(grid.prod(-1).sum()), width, dtype=torch.float64)

    def seen() -> tuple[torch.Tensor, torch.Tensor]:
        visual.zero_grad()
        out = visual(pixels, grid_thw=grid).last_hidden_state
        out.square().sum().backward()
        return out.detach(), visual.blocks[0].attn.qkv.weight.grad.clone()

    assert visual.config._attn_implementation == "sdpa"
    expected = seen()
    vision_attention.use(SimpleNamespace(config=config, model=SimpleNamespace(visual=visual)))
    assert visual.config._attn_implementation == vision_attention.NAME
    AutoModelForImageTextToText.from_config(copy.deepcopy(config))  # others can be made from the model's config
    for ours, theirs in zip(seen(), expected, strict=True):
        torch.testing.assert_close(ours, theirs)
