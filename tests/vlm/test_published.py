"""The published DepthVLM weights give the published answers here; what that model lacks is said, never made up."""

import io
import json
import math
import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from benchmarks.adapters.fathom import FathomAdapter
from benchmarks.depth import DepthOptions, run_depth
from heads.base import Features
from heads.dpt import TOKENS_AT_ONCE
from tests.tiny import tiny_records
from tests.vlm.helpers import forward, prompt
from tests.vlm.published import golden_folder, golden_inputs, golden_tensors, tiny_published, write_folder
from vlm.cli import app
from vlm.errors import InputError, NotPredictedError
from vlm.model import Fathom
from vlm.published import convert
from vlm.records import read_records


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    return golden_folder(tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def converted(golden, tmp_path_factory):
    return convert(golden, tmp_path_factory.mktemp("converted") / "model")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_published(tmp_path_factory.mktemp("tiny-published"))


@pytest.fixture(scope="module")
def model(tiny):
    return Fathom.from_pretrained(tiny)


def run(model, inputs):
    """Last logits (B, vocabulary), and metres per image."""
    with torch.no_grad():
        output = model(**inputs)
    return output.logits[:, -1].numpy(), [raw["canonical_depth"].numpy() for raw in output.dense["depth"]]


def assert_golden(model, case):
    inputs, logits, depths = golden_inputs(case)
    found_logits, found_depths = run(model, inputs)
    assert np.abs(found_logits - logits).max() < 1e-4
    assert [depth.shape for depth in found_depths] == [depth.shape for depth in depths]
    assert max(np.abs(a - b).max() for a, b in zip(found_depths, depths, strict=True)) < 1e-4
    # a golden case that any map would pass proves nothing
    assert min(depth.std() for depth in depths) > 0.05 and logits.std() > 0.5


# ---- the published answers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [0, 1])
def test_published_weights_give_the_published_logits_and_depth(golden, case):
    assert_golden(Fathom.from_pretrained(golden), case)


@pytest.mark.parametrize("case", [0, 1])
def test_converted_they_still_do(converted, case):
    assert_golden(Fathom.from_pretrained(converted), case)


def test_conversion_changes_names_and_nothing_else(golden, converted):
    before, after = load_file(golden / "model.safetensors"), load_file(converted / "model.safetensors")
    renamed = {
        name.replace("depth_head.", "heads.depth.") if name.startswith("depth_head.") else f"backbone.{name}": tensor
        for name, tensor in before.items()
    }
    assert renamed.keys() == after.keys()
    assert all(torch.equal(renamed[name], after[name]) for name in renamed)
    assert json.loads((converted / "config.json").read_text())["model_type"] == "fathom"


def test_a_folder_in_shards_loads_too(tmp_path):
    assert_golden(Fathom.from_pretrained(golden_folder(tmp_path, shards=3)), 1)


def test_left_padding_and_company_change_nothing(golden):
    """Both samples of a case once more in one batch with a longer row: padded on the left, grids of three sizes."""
    model = Fathom.from_pretrained(golden)
    one, logits_one, depths_one = golden_inputs(0)
    two, logits_two, depths_two = golden_inputs(1)
    assert one["input_ids"].shape[1] < two["input_ids"].shape[1]
    pad = lambda row, value: torch.nn.functional.pad(row, (1, 0), value=value)  # noqa: E731
    together = {
        "input_ids": torch.cat([two["input_ids"], pad(one["input_ids"], 0)]),
        "attention_mask": torch.cat([two["attention_mask"], pad(one["attention_mask"], 0)]),
        "pixel_values": torch.cat([two["pixel_values"], one["pixel_values"]]),
        "image_grid_thw": torch.cat([two["image_grid_thw"], one["image_grid_thw"]]),
    }
    logits, depths = run(model, together)
    assert np.abs(logits - np.concatenate([logits_two, logits_one])).max() < 1e-4
    for found, expected in zip(depths, [*depths_two, *depths_one], strict=True):
        assert np.abs(found - expected).max() < 1e-4


def test_equal_images_in_one_batch_equal_single_ones(golden, monkeypatch):
    head = Fathom.from_pretrained(golden).heads["depth"]
    torch.manual_seed(0)
    taps = {tap.name: torch.randn(3, tap.channels, 2, 3) for tap in head.taps}
    image = torch.zeros(3, 3, 64, 96)
    with torch.no_grad():
        singles = [head(Features(taps, image).select([i]))["canonical_depth"] for i in range(3)]
        for tokens in (1000, 12, 1):  # all at once, two at once, one by one
            monkeypatch.setitem(TOKENS_AT_ONCE, "cpu", tokens)
            together = head(Features(taps, image))["canonical_depth"]
            assert (together - torch.cat(singles)).abs().max() < 1e-5


def test_the_loss_is_of_canonical_depth_where_there_is_truth(golden):
    """4 m at a focal of 2000 px look like 2 m at 1000 px."""
    head = Fathom.from_pretrained(golden).heads["depth"]
    depth_z = torch.tensor([[[4.0, 4.0, math.inf, math.nan]]])
    truth = {"depth_z": depth_z, "focal_px": torch.tensor([2000.0]), "rays": torch.ones(1, 3, 1, 4)}
    total, count = head.loss({"canonical_depth": torch.tensor([[[2.0, 2 * math.e, 1.0, 1.0]]])}, truth)["depth_l1"]
    assert int(count) == 2 and float(total) == pytest.approx(1.0)


# ---- the mlp head ------------------------------------------------------------------------------------------


def gelu(x):
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


@pytest.mark.parametrize("features", ["llm_last", "concat", "sum"])
def test_the_mlp_head_is_its_formula(tmp_path, photo, features):
    """LayerNorm, Linear, GELU, Linear to 32 x 32 pixels a token, softplus; written out for every token."""
    folder = tiny_published(tmp_path, features)
    model = Fathom.from_pretrained(folder)
    weights = {
        name.removeprefix("depth_head."): tensor.double().numpy()
        for name, tensor in load_file(folder / "model.safetensors").items()
        if name.startswith("depth_head.")
    }
    seen = []
    hook = model.heads["depth"].register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0].taps))
    output = forward(model, *prompt(model, [photo(192, 128)], "yes"))
    hook.remove()
    depth = output.dense["depth"][0]["canonical_depth"].numpy()
    four = [seen[0][name][0].double().numpy() for name in ("deepstack.0", "deepstack.1", "deepstack.2", "language.-1")]
    assert depth.shape == (128, 192) and four[0].shape[1:] == (4, 6)
    for row in range(4):
        for column in range(6):
            inputs = [level[:, row, column] for level in four]
            x = {"llm_last": inputs[3], "concat": np.concatenate(inputs), "sum": np.sum(inputs, axis=0)}[features]
            x = (x - x.mean()) / np.sqrt(x.var() + 1e-5) * weights["norm.weight"] + weights["norm.bias"]
            x = gelu(weights["mlp.0.weight"] @ x + weights["mlp.0.bias"])
            x = np.log1p(np.exp(weights["mlp.2.weight"] @ x + weights["mlp.2.bias"])).reshape(32, 32)
            found = depth[32 * row : 32 * row + 32, 32 * column : 32 * column + 32]
            assert np.abs(found - x).max() < 1e-4


def test_the_taps_are_the_deepstack_outputs_and_the_last_hidden_states(model, photo):
    seen, normed = [], []
    language = model.backbone.model.language_model
    hooks = [
        language.register_forward_pre_hook(lambda _m, _i, named: seen.append(named), with_kwargs=True),
        model.heads["depth"].register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0].taps)),
        language.register_forward_hook(lambda _m, _i, out: normed.append(out.last_hidden_state)),
    ]
    ids, images = prompt(model, [photo(192, 128)], "yes")
    forward(model, ids, images)
    for hook in hooks:
        hook.remove()
    entering, taps = seen
    for number, rows in enumerate(entering["deepstack_visual_embeds"]):
        assert torch.equal(taps[f"deepstack.{number}"][0].flatten(1).T, rows)
    image = torch.tensor(ids) == model.processor.image_token_id
    assert torch.equal(taps["language.-1"][0].flatten(1).T, normed[0][0, image])


def test_the_mlp_layers_are_found_under_any_names(tiny, model, tmp_path, photo):
    """No published file says what the layers of that head are called."""
    other = {"norm": "ln", "mlp.0": "net.fc1", "mlp.2": "net.fc2"}
    tensors = load_file(tiny / "model.safetensors")
    for ours, theirs in other.items():
        for kind in ("weight", "bias"):
            tensors[f"depth_head.{theirs}.{kind}"] = tensors.pop(f"depth_head.{ours}.{kind}")
    again = Fathom.from_pretrained(write_folder(tmp_path, json.loads((tiny / "config.json").read_text()), tensors))
    ours, theirs = model.heads.state_dict(), again.heads.state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


# ---- tensors and configs that do not fit -------------------------------------------------------------------


def changed(tmp_path, golden, change) -> str:
    """The golden folder with `change` applied to its tensors."""
    tensors = golden_tensors()
    change(tensors)
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    (tmp_path / "config.json").write_bytes((golden / "config.json").read_bytes())
    return str(tmp_path)


MISSING = ["depth_head.scratch.refinenet2.out_conv.bias", "model.visual.merger.norm.weight", "lm_head.weight"]


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_tensor_is_named_as_published(tmp_path, golden, name):
    with pytest.raises(InputError, match=rf"model: .*missing {name}") as error:
        Fathom.from_pretrained(changed(tmp_path, golden, lambda tensors: tensors.pop(name)))
    assert "heads.depth" not in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["depth_head.scratch.refinenet4.resConfUnit1.conv1.bias", "model.extra", "extra"])
def test_an_unexpected_tensor_is_named_as_published(tmp_path, golden, name):
    folder = changed(tmp_path, golden, lambda tensors: tensors.update({name: torch.zeros(3)}))
    with pytest.raises(InputError, match=rf"model: .*unexpected {name}[;,]? "):
        Fathom.from_pretrained(folder)


def test_a_tensor_of_the_wrong_shape_is_named_as_published(tmp_path, golden):
    name = "depth_head.projects.1.weight"
    folder = changed(tmp_path, golden, lambda tensors: tensors.update({name: torch.zeros(3)}))
    with pytest.raises(InputError, match=rf"model: .*{name} has shape \(3,\)"):
        Fathom.from_pretrained(folder)


@pytest.mark.parametrize(
    "key, value",
    [
        ("depth_head_type", "unet"),
        ("depth_head_feature_mode", "mean"),
        ("depth_head_mlp_hidden", "wide"),
        ("depth_head_mlp_hidden", 0),
    ],
)
def test_an_unknown_kind_of_head_is_refused(tiny, tmp_path, key, value):
    config = json.loads((tiny / "config.json").read_text()) | {key: value}
    with pytest.raises(InputError, match=rf"model: .*{key} {value!r}; allowed: "):
        Fathom.from_pretrained(write_folder(tmp_path, config, load_file(tiny / "model.safetensors")))


def test_a_missing_shard_is_named(tmp_path):
    golden_folder(tmp_path, shards=3)
    (tmp_path / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(InputError, match=r"model: .*model-00002-of-00003.safetensors.*; allowed: all of its"):
        Fathom.from_pretrained(tmp_path)


def test_weights_without_a_tokenizer_run_but_do_not_look(golden, photo):
    with pytest.raises(InputError, match="processor"):
        Fathom.from_pretrained(golden).look(photo(128, 128), {"focal_px": 1000})


# ---- a photograph at fx = 1000 px --------------------------------------------------------------------------


@pytest.fixture
def two_metres(model):
    """From now on the network says 2 m everywhere."""
    hook = model.heads["depth"].register_forward_hook(
        lambda _m, _i, out: {"canonical_depth": torch.full_like(out["canonical_depth"], 2.0)}
    )
    yield model
    hook.remove()


@pytest.mark.parametrize(
    "size, fx, network",
    [
        ((160, 128), 500, (320, 256)),  # twice as large, whole tokens: fx is 1000 px exactly
        ((640, 512), 2000, (320, 256)),
        ((320, 256), 1000, (320, 256)),
        ((160, 128), 520, (320, 256)),  # 307.7 px asked for, the nearest whole token taken: fx is 1040 px
    ],
)
def test_the_photograph_is_resized_to_fx_1000(two_metres, photo, size, fx, network):
    scene = two_metres.look(photo(*size), {"focal_px": fx})
    seen = fx * network[0] / size[0]
    assert scene.views[0].plan.padded == network
    assert scene.depth_z.shape == size[::-1] and scene.depth_z.dtype == np.float32
    assert np.allclose(scene.depth_z, 2 * seen / 1000, rtol=1e-6)
    (note,) = [note for note in scene.notes if note.startswith("resized")]
    assert f"to {network[0]}x{network[1]}: fx {seen:.0f} px" in note
    assert ("times 1.040" in note) == (seen == 1040) and "budget" not in note


def test_it_is_fx_that_counts_not_fy(two_metres, photo):
    scene = two_metres.look(photo(160, 128), [[500, 0, 80], [0, 700, 64], [0, 0, 1]])
    assert scene.views[0].plan.padded == (320, 256) and np.allclose(scene.depth_z, 2)
    assert scene.camera.fy == 700  # the points use the camera as it is


def test_where_the_budget_forbids_depth_follows_the_smaller_focal(two_metres, photo, monkeypatch):
    monkeypatch.setattr(two_metres.processor, "max_pixels", 128 * 128)
    scene = two_metres.look(photo(256, 256), {"focal_px": 500})
    assert scene.views[0].plan.padded == (128, 128)  # fx is 250 px instead of 1000
    assert np.allclose(scene.depth_z, 2 * 250 / 1000)
    (note,) = [note for note in scene.notes if note.startswith("resized")]
    assert "fx 250 px, not 1000, because of the budget of 16384 pixels" in note and "times 0.250" in note


def test_the_depth_of_a_scene_is_that_of_the_pass(model, photo):
    image = photo(320, 256)  # at fx = 1000 px the network sees these very pixels
    output = forward(model, *prompt_at_size(model, image))
    scene = model.look(image, {"focal_px": 1000})
    assert np.allclose(scene.depth_z, output.dense["depth"][0]["canonical_depth"].numpy(), atol=1e-5)


def prompt_at_size(model, image):
    return prompt(model, [image], "yes", prepared=True)


def test_the_budget_is_the_folders_own_up_to_ours(tmp_path, tiny):
    for path in tiny.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    told = json.loads((tmp_path / "preprocessor_config.json").read_text())
    for stated, used in ((16_777_216, 2048 * 2048), (1_000_000, 1_000_000)):
        told["size"] = {"shortest_edge": 65536, "longest_edge": stated}
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(told))
        assert Fathom.from_pretrained(tmp_path).processor.max_pixels == used


# ---- what it cannot do ------------------------------------------------------------------------------------


def test_without_a_focal_it_refuses_and_says_what_to_pass(model, photo):
    seen = []
    hook = model.register_forward_pre_hook(lambda *_: seen.append(1))
    with pytest.raises(InputError) as error:
        model.look(photo(160, 128))
    with pytest.raises(InputError, match=r"camera: images\[1\]: .*needs the focal length"):
        model.look_many([photo(160, 128), photo(160, 128)], [{"focal_px": 500}, None])
    hook.remove()
    assert str(error.value).startswith("camera: ") and "\n" not in str(error.value)
    assert "focal_px" in str(error.value) and "EXIF" in str(error.value)
    assert not seen  # before any compute


def test_the_focal_of_the_exif_will_do(model, photo):
    image, buffer = Image.fromarray(photo(160, 120)), io.BytesIO()
    exif = image.getexif()
    exif.get_ifd(0x8769).update({0xA405: 108, 0xA002: 160, 0xA003: 120})
    image.save(buffer, "JPEG", exif=exif.tobytes())
    scene = model.look(buffer.getvalue())
    fx = 108 * 200 / 43.27  # the diagonal of 160 x 120 is 200 px
    assert scene.camera.source == "exif" and scene.camera.fx == pytest.approx(fx)
    assert scene.views[0].plan.padded == (320, 256)  # 160 * 1000 / fx = 320.5, 240.4


ABSENT = [lambda scene: scene.sky, lambda scene: scene.log_depth_scale, lambda scene: scene.depth_interval(0.9)]


@pytest.mark.parametrize("ask", ABSENT)
def test_what_it_does_not_predict_is_an_error_that_says_so(model, photo, ask):
    scene = model.look(photo(160, 128), {"focal_px": 500})
    for source in (scene, scene.views[0]):
        with pytest.raises(NotPredictedError, match="this model") as error:
            ask(source)
        assert isinstance(error.value, InputError) and "\n" not in str(error.value)
    assert getattr(scene, "sky", None) is None and not hasattr(scene.views[0], "log_depth_scale")


def test_what_it_does_predict_is_all_there(model, photo):
    scene = model.look(photo(160, 128), {"focal_px": 500})
    assert scene.views[0].camera_from_rays is None and scene.camera.source == "caller"
    assert np.isfinite(scene.depth_z).all() and np.isfinite(scene.points).all()
    between = scene.distance((10, 10), (100, 90))
    a, b = scene.points[10, 10].astype(float), scene.points[90, 100].astype(float)
    assert between.metres == pytest.approx(np.linalg.norm(a - b), rel=0.02)  # points are half a pixel off
    assert between.lower is None and between.upper is None
    assert any("no uncertainty" in note for note in scene.notes)
    assert scene.ask("yes", max_new_tokens=3).tokens


def test_several_views_have_depth_and_no_pose(model, photo):
    scene = model.look(views=[photo(160, 128), photo(128, 160, 1)], camera=[{"focal_px": 500}, {"focal_px": 500}])
    assert [view.depth_z.shape for view in scene.views] == [(128, 160), (160, 128)]
    assert all(view.camera.camera_to_world is None for view in scene.views)
    assert any("no ray head" in note for note in scene.views[1].notes)


def test_saving_leaves_out_what_is_not_there_and_says_so(model, photo, tmp_path):
    scene = model.look(photo(160, 128), {"focal_px": 500})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        written = scene.save(tmp_path / "all")
    names = sorted(path.name for path in (tmp_path / "all").iterdir())
    assert names == sorted(path.name for path in written)
    assert "uncertainty.jpg" not in names and {"depth.npz", "depth.jpg", "points.ply", "answer.json"} <= set(names)
    with np.load(tmp_path / "all" / "depth.npz") as arrays:
        assert set(arrays) == {"depth_z_m", "ray_directions", "intrinsics_px"}
    (view,) = json.loads((tmp_path / "all" / "answer.json").read_text())["views"]
    assert view["left_out"] == {"not_predicted": ["log_depth_scale", "sky"], "files": ["uncertainty.jpg"]}
    assert set(view["depth_z"]) == {"p01_m", "median_m", "p99_m"} and view["camera_from_rays"] is None
    with pytest.warns(UserWarning, match=r"uncertainty\.jpg left out: this model does not predict log_depth_scale"):
        scene.save(tmp_path / "one", ["uncertainty.jpg", "depth.jpg"])
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["answer.json", "depth.jpg"]


def test_the_benchmark_scores_depth_and_leaves_the_rest_out(model, tmp_path):
    records = list(read_records(tiny_records(tmp_path, 2)))
    adapter = FathomAdapter(model, "published")
    result = run_depth(adapter, records, tmp_path / "run", DepthOptions(camera="given"))
    scored = result.datasets["tiny"]
    assert 0 <= scored["delta1"] <= 1 and scored["pixels"] > 0
    assert not [key for key in scored if "sky" in key or "coverage" in key or "fov" in key or "ray" in key]
    assert run_depth(adapter, records, tmp_path / "none", DepthOptions(camera="none")).not_run


# ---- the commands -----------------------------------------------------------------------------------------


def test_convert_then_look(tiny, model, photo, tmp_path):
    done = CliRunner().invoke(app, ["convert", str(tiny), "--out", str(tmp_path / "new")])
    assert done.exit_code == 0, done.output
    again = Fathom.from_pretrained(tmp_path / "new")
    one, other = (m.look(photo(160, 128), {"focal_px": 500}) for m in (model, again))
    assert np.allclose(one.depth_z, other.depth_z, rtol=1e-5)
    assert one.ask("yes", max_new_tokens=5).tokens == other.ask("yes", max_new_tokens=5).tokens
    Image.fromarray(photo(160, 128)).save(tmp_path / "photo.png")
    arguments = ["look", str(tmp_path / "photo.png"), "--model", str(tmp_path / "new")]
    done = CliRunner().invoke(app, [*arguments, "--focal-px", "500", "--out", str(tmp_path / "seen")])
    assert done.exit_code == 0, done.output
    assert "typical error" not in done.output and "no uncertainty" in " ".join(done.output.split())
    refused = CliRunner().invoke(app, arguments)
    assert isinstance(refused.exception, InputError) and "focal" in str(refused.exception)


def test_convert_writes_whole_folders_or_none(tiny, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"out: .*holds files"):
        convert(tiny, tmp_path / "full")
    with pytest.raises(InputError, match="model: "):
        convert(tmp_path / "nowhere", tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full"]
    (tmp_path / "empty").mkdir()
    assert (convert(tiny, tmp_path / "empty") / "config.json").is_file()


def test_half_precision_stays_half_precision_and_the_head_stays_exact(tiny, tmp_path):
    tensors = {name: tensor.bfloat16() for name, tensor in load_file(tiny / "model.safetensors").items()}
    config = json.loads((tiny / "config.json").read_text()) | {"dtype": "bfloat16"}
    written = convert(write_folder(tmp_path / "half", config, tensors), tmp_path / "new")
    after = load_file(written / "model.safetensors")
    assert all(
        tensor.dtype == (torch.float32 if name.startswith("heads.") else torch.bfloat16)
        for name, tensor in after.items()
    )
    one, other = Fathom.from_pretrained(tmp_path / "half"), Fathom.from_pretrained(written)
    ours, theirs = one.state_dict(), other.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
