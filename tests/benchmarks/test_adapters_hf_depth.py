"""transformers' depth models as rivals: each class's own rule for its input, its metres and the way back."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil
from transformers.models.glpn.image_processing_pil_glpn import GLPNImageProcessorPil

from benchmarks.adapters import depth_families as families
from benchmarks.adapters.base import check_spec, load_adapter
from heads.camera import Camera
from heads.errors import InputError
from tests.benchmarks import tiny_depth
from vlm.images import Photo, load_image

MAKERS = {
    "depth_anything_metric": tiny_depth.depth_anything,
    "depth_anything": lambda folder: tiny_depth.depth_anything(folder, metric=False),
    "prompt_depth_anything": tiny_depth.prompt_depth_anything,
    "dpt": tiny_depth.dpt,
    "dinov2_dpt": tiny_depth.dinov2_dpt,
    "zoedepth": tiny_depth.zoedepth,
    "depth_pro": tiny_depth.depth_pro,
    "glpn": tiny_depth.glpn,
}
CLAIMS = {
    "depth_anything_metric": "depth_metric",
    "depth_anything": "disparity_affine_invariant",
    "prompt_depth_anything": "depth_affine_invariant",
    "dpt": "disparity_affine_invariant",
    "dinov2_dpt": "depth_metric",
    "zoedepth": "depth_metric",
    "depth_pro": "depth_metric",
    "glpn": "depth_metric",
}
MAPS = ("depth_metric", "depth_scale_invariant", "depth_affine_invariant", "disparity_affine_invariant")


def photo(width: int, height: int, seed: int = 0) -> Photo:
    return load_image(np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8))


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    made = tmp_path_factory.mktemp("rivals")
    return {name: make(made / name) for name, make in MAKERS.items()}


def rival(folder: Path):
    return load_adapter(f"hf-depth:{folder}")


@pytest.mark.parametrize("name", MAKERS)
def test_every_class_predicts_on_the_photographs_pixels_what_it_may_claim_and_nothing_else(folders, name):
    adapter = rival(folders[name])
    wide, tall = photo(90, 60), photo(50, 75, seed=1)
    found = adapter.predict([wide, tall, photo(90, 60, seed=2)], [None] * 3, None)
    for seen, prediction in zip((wide, tall), found, strict=False):
        claimed = [field for field in MAPS if getattr(prediction, field) is not None]
        assert claimed == [CLAIMS[name]] and CLAIMS[name] in adapter.claims
        values = getattr(prediction, CLAIMS[name])
        assert values.shape == seen.rgb.shape[:2] and values.dtype == np.float32 and np.isfinite(values).all()
        assert (prediction.camera is not None) == ("camera" in adapter.claims) == (name == "depth_pro")
        assert prediction.log_depth_scale is None and prediction.sky is None and prediction.points_at is None
    first, last = (getattr(found[i], CLAIMS[name]) for i in (0, 2))
    assert not np.allclose(first, last, rtol=1e-3)  # it looks at the picture
    assert not adapter.needs_camera and adapter.ignores_camera == (name != "depth_pro")
    assert adapter.facts["class"] == type(adapter.model).__name__


@pytest.mark.parametrize("name", MAKERS)
def test_a_batch_of_mixed_sizes_equals_single_calls(folders, name):
    adapter = rival(folders[name])
    photos = [photo(90, 60), photo(64, 64, seed=1), photo(90, 60, seed=2)]
    together = adapter.predict(photos, [None] * 3, None)
    for seen, prediction in zip(photos, together, strict=True):
        alone = getattr(adapter.predict([seen], [None], None)[0], CLAIMS[name])
        np.testing.assert_allclose(getattr(prediction, CLAIMS[name]), alone, rtol=1e-3, atol=1e-5 * abs(alone).max())


# ---- the way back ------------------------------------------------------------------------------------------


def ramp_seen_by_the_network(size, shape, border) -> torch.Tensor:
    """3 + x / 10 + y / 20 of the photograph's pixel under each network pixel's centre."""
    left, top, right, bottom = border
    x = (torch.arange(shape[1]) + 0.5) * (size[0] + left + right) / shape[1] - left
    y = (torch.arange(shape[0]) + 0.5) * (size[1] + top + bottom) / shape[0] - top
    return 3 + x / 10 + y[:, None] / 20


@pytest.mark.parametrize(
    ("family", "processor", "border"),
    [
        (families.DEPTH_ANYTHING_METRIC, {"do_pad": False}, (0, 0, 0, 0)),
        (families.GLPN, {}, (0, 0, 0, 0)),
        (families.TIPSV2, {}, (0, 0, 0, 0)),
        # 100 -> 112 and 61 -> 70: six pixels on both sides, four above and five below
        (families.DINOV2_DPT, {"do_pad": True, "do_resize": False, "size_divisor": 14}, (6, 4, 6, 5)),
        # int(3 sqrt(100 / 2)) = 21, int(3 sqrt(61 / 2)) = 16
        (families.ZOEDEPTH, {"do_pad": True}, (21, 16, 21, 16)),
    ],
)
def test_a_slanted_plane_comes_back_to_the_very_pixels_it_was_seen_in(family, processor, border):
    size = (100, 61)
    known = type("Processor", (), processor)()
    assert family.border(size, known) == border
    seen = ramp_seen_by_the_network(size, (43, 77), border)
    inside = (slice(6, -6), slice(6, -6))  # at the photograph's own border the filter has no neighbours
    true = (3 + (np.arange(100) + 0.5) / 10 + (np.arange(61)[:, None] + 0.5) / 20)[inside]
    by_bilinear = replace(family, mode="bilinear").back(seen, size, known).numpy()[inside]
    np.testing.assert_allclose(by_bilinear, true, atol=1e-4)
    ripple = family.back(seen, size, known).numpy()[inside] - true  # torch's bicubic bends a plane a little
    assert abs(ripple).max() < 0.02 and abs(ripple.mean()) < 1e-3  # a pixel off would be 0.1


def test_the_way_back_is_that_of_transformers_where_it_has_one_without_torchvision():
    outputs = type("Outputs", (), {"predicted_depth": torch.rand(1, 17, 23)})()
    for family, processor in ((families.DPT, DPTImageProcessorPil()), (families.GLPN, GLPNImageProcessorPil())):
        theirs = processor.post_process_depth_estimation(outputs, target_sizes=[(61, 100)])[0]["predicted_depth"]
        assert torch.equal(family.back(outputs.predicted_depth[0], (100, 61), processor), theirs)


# ---- metres ------------------------------------------------------------------------------------------------


def test_depth_anythings_metres_are_its_sigmoid_times_max_depth(tmp_path):
    near = rival(tiny_depth.depth_anything(tmp_path / "indoor", max_depth=20))
    far = rival(tiny_depth.depth_anything(tmp_path / "outdoor", max_depth=80))
    seen = photo(90, 60)
    logits = []
    near.model.head.conv3.register_forward_hook(lambda module, inputs, output: logits.append(output))
    indoor = near.predict([seen], [None], None)[0].depth_metric
    outdoor = far.predict([seen], [None], None)[0].depth_metric
    assert outdoor == pytest.approx(4 * indoor, rel=1e-5)  # the same weights
    by_hand = 20 / (1 + np.exp(-logits[0][0, 0].numpy()))
    assert by_hand.shape == (28, 42)
    assert indoor[30, 45] == pytest.approx(by_hand[13:15, 20:22].mean(), rel=0.1)


def test_a_camera_changes_no_metre_of_a_model_that_takes_none(folders):
    seen, camera = photo(90, 60), Camera.from_intrinsics(300.0, width=90, height=60)
    for name in ("depth_anything_metric", "zoedepth", "glpn", "dinov2_dpt"):
        adapter = rival(folders[name])
        with_camera, without = adapter.predict([seen, seen], [camera, None], None)
        np.testing.assert_allclose(with_camera.depth_metric, without.depth_metric, rtol=1e-5)
        assert with_camera.focal_from is None


def test_zoedepth_is_the_mean_with_the_mirrored_photograph(folders):
    adapter = rival(folders["zoedepth"])
    left_bright = np.zeros((64, 64, 3), np.uint8)
    left_bright[:, :32] = 255
    outputs = []
    forward = adapter.model.forward
    adapter.model.forward = lambda **inputs: outputs.append(forward(**inputs)) or outputs[-1]
    depth = adapter.predict([load_image(left_bright)], [None], None)[0].depth_metric
    straight, mirrored = (output.predicted_depth[0] for output in outputs)
    assert not torch.allclose(straight, mirrored)
    mean = (straight + mirrored.flip(-1)) / 2
    assert depth == pytest.approx(families.ZOEDEPTH.back(mean, (64, 64), adapter.processor).numpy())


def test_depth_pros_input_is_normalised_before_it_is_squashed():
    recipe = families.Recipe(5, 4, (0.5, 0.4, 0.3), (0.5, 0.25, 0.2))
    rgb = np.random.default_rng(0).integers(0, 256, (7, 9, 3)).astype(np.uint8)
    found = families.depth_pro_input(recipe, rgb).numpy()
    normal = (rgb / 255 - np.array(recipe.mean)) / np.array(recipe.std)
    for row in range(4):
        for column in range(5):
            y, x = (row + 0.5) * 7 / 4 - 0.5, (column + 0.5) * 9 / 5 - 0.5  # bilinear, by its definition
            y0, x0 = math.floor(y), math.floor(x)
            dy, dx = y - y0, x - x0
            y0, x0, y1, x1 = max(y0, 0), max(x0, 0), min(y0 + 1, 6), min(x0 + 1, 8)
            by_hand = (
                normal[y0, x0] * (1 - dy) * (1 - dx)
                + normal[y0, x1] * (1 - dy) * dx
                + normal[y1, x0] * dy * (1 - dx)
                + normal[y1, x1] * dy * dx
            )
            np.testing.assert_allclose(found[:, row, column], by_hand, atol=1e-5)


def test_depth_pros_metres_by_hand():
    canonical = torch.full((4, 4), 0.5)
    # a 90 px wide photograph at f = 60 px: 1 / (0.5 * 90 / 60) = 4 / 3 m
    metres = families.depth_pro_metres(canonical, (90, 60), 60.0)
    assert metres.shape == (60, 90) and metres.numpy() == pytest.approx(4 / 3)
    assert families.depth_pro_metres(torch.zeros(4, 4), (90, 60), 60.0).numpy() == pytest.approx(1e4)
    ramp = torch.linspace(0.1, 0.9, 9).expand(9, 9)
    between = families.depth_pro_metres(ramp, (9 * 3, 9), 27.0)  # inverse depth is resized, not depth
    assert 1 / between[4, 12].item() == pytest.approx(0.5 - 0.1 / 3, rel=1e-5)


def test_depth_pro_takes_the_given_focal_else_exif_else_its_own_field_of_view(folders):
    adapter = rival(folders["depth_pro"])
    seen = photo(90, 60)
    exif = Photo(seen.rgb, Camera.from_intrinsics(200.0, width=90, height=60, source="exif"), "", "photo")
    given = Camera.from_intrinsics(100.0, fy=120.0, width=90, height=60)
    told, by_exif, alone = adapter.predict([exif, exif, seen], [given, None, None], None)
    assert [found.focal_from for found in (told, by_exif, alone)] == ["caller", "exif", "rays"]
    own = alone.camera
    assert own.source == "rays" and own.fx == pytest.approx(45 / math.tan(math.radians(own.fov_x_deg / 2)))
    assert 55 < own.fov_x_deg < 65 and told.camera.fx == pytest.approx(own.fx, rel=1e-4)
    clear = (alone.depth_metric < 100) & (told.depth_metric < 100)
    assert clear.any()
    assert told.depth_metric[clear] == pytest.approx(alone.depth_metric[clear] * 100 / own.fx, rel=1e-3)
    assert by_exif.depth_metric[clear] == pytest.approx(2 * told.depth_metric[clear], rel=1e-3)


def test_depth_pro_without_a_field_of_view_head_needs_a_camera(tmp_path):
    adapter = rival(tiny_depth.depth_pro(tmp_path / "headless", own_fov=False))
    assert adapter.needs_camera and "camera" not in adapter.claims
    with pytest.raises(InputError, match="camera: headless needs a focal length: it has no field-of-view head"):
        adapter.predict([photo(90, 60)], [None], None)
    camera = Camera.from_fov(90, 60, fov_x_deg=60)
    assert adapter.predict([photo(90, 60)], [camera], None)[0].depth_metric.shape == (60, 90)


def test_how_far_apart_the_networks_tokens_are(folders):
    seen = [photo(90, 60)]
    # 90x60 becomes 42x28 with patches of 14: 14 * 90 / 42 and 14 * 60 / 28
    assert rival(folders["depth_anything"]).predict(seen, [None], None)[0].token_period_px == pytest.approx((30, 30))
    # padded to 98x70 at its own scale
    assert rival(folders["dinov2_dpt"]).predict(seen, [None], None)[0].token_period_px == pytest.approx((14, 14))
    # 64x64 with patches of 4
    assert rival(folders["depth_pro"]).predict(seen, [None], None)[0].token_period_px == pytest.approx((5.625, 3.75))
    assert rival(folders["glpn"]).predict(seen, [None], None)[0].token_period_px is None


def test_tipsv2s_metres_are_the_mean_of_its_bins(tmp_path):
    try:
        folder = tiny_depth.tipsv2(tmp_path / "tips")
    except ImportError:
        pytest.skip("this transformers has no TIPSv2")
    adapter, seen = rival(folder), photo(90, 60)
    outputs = []
    adapter.model.decoder.register_forward_hook(lambda module, inputs, output: outputs.append((inputs, output)))
    depth = adapter.predict([seen], [None], None)[0].depth_metric
    assert depth.shape == (60, 90) and depth.min() > 0 and depth.max() < 10
    weights = outputs[0][1][0].clamp(min=0).numpy() + 0.001  # (bins, h, w)
    mean = (weights / weights.sum(0) * np.linspace(0.001, 10, 16)[:, None, None]).sum(0)
    assert depth.mean() == pytest.approx(mean.mean(), rel=0.02)
    rows = families.squashed_input(adapter.processor, np.full((60, 90, 3), 51, np.uint8))
    assert rows.shape == (3, 28, 28) and rows.numpy() == pytest.approx(0.2)  # 51 / 255, not normalised


# ---- what cannot be used -----------------------------------------------------------------------------------


def test_a_class_without_a_rule_is_one_clear_error(tmp_path):
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"model: its model_type is 'bert'.*allowed: depth_anything, zoedepth"):
        rival(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "chmv2"}')
    with pytest.raises(InputError, match="height of trees"):
        rival(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "no such thing"}')
    with pytest.raises(InputError, match="model: "):
        rival(tmp_path)


def test_what_is_missing_is_named_before_anything_is_computed(folders, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="model: no folder 'nobody/nothing'"):
        load_adapter("hf-depth:nobody/nothing")
    check_spec("hf-depth:nobody/nothing")  # an id is looked at when it is loaded
    for path in ("./nothing", "/no/such/folder", "a/b/c"):
        with pytest.raises(InputError, match="model: no folder"):
            check_spec(f"hf-depth:{path}")
    bare = tmp_path / "bare"
    shutil.copytree(folders["glpn"], bare)
    (bare / "preprocessor_config.json").unlink()
    with pytest.raises(InputError, match=r"model: .*bare has no preprocessor_config.json"):
        check_spec(f"hf-depth:{bare}")
    other = tmp_path / "other"
    shutil.copytree(folders["glpn"], other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"decoder_hidden_size": 12}))
    with pytest.raises(InputError, match=r"model: .*missing or misshapen .*decoder"):
        rival(other)


def test_published_dpt_weights_lack_what_no_output_needs(folders, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "dpt"
    shutil.copytree(folders["dpt"], folder)
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "fusion_stage.layers.0.residual_layer1" not in name}
    assert len(kept) < len(weights)
    save_file(kept | {"aux_head.weight": torch.zeros(2)}, folder / "model.safetensors", {"format": "pt"})
    adapter, whole = rival(folder), rival(folders["dpt"])
    seen = [photo(90, 60)]
    found = adapter.predict(seen, [None], None)[0]
    assert found.notes == ["1 tensors of the checkpoint have no place in the class"]
    expected = whole.predict(seen, [None], None)[0].disparity_affine_invariant
    np.testing.assert_allclose(found.disparity_affine_invariant, expected, rtol=1e-5)


def test_glpn_refuses_a_photograph_that_its_rounding_would_leave_nothing_of(folders):
    with pytest.raises(InputError, match="image: it is 90x20 pixels; allowed: sides of 32 pixels or more"):
        rival(folders["glpn"]).predict([photo(90, 20)], [None], None)
