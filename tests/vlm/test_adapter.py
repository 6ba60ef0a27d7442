"""LoRA on the backbone: what a user adds, saves, sends to somebody else, loads and merges."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn

import vlm.adapter
from heads.errors import InputError
from tests.vlm.conftest import fresh_model
from tests.vlm.families import KINDS, tiny_family
from tests.vlm.helpers import dense, forward, prompt
from vlm.adapter import (
    AdapterOptions,
    adapter_options,
    add_adapter,
    load_adapter,
    lora_targets,
    merge,
    merge_folder,
    save_adapter,
    vision_targets,
)
from vlm.model import Fathom

KIND = {
    "lora": AdapterOptions(rank=4),
    "dora": AdapterOptions(rank=4, dora=True),
    "rslora": AdapterOptions(rank=8, alpha=4, rslora=True),
    "vision": AdapterOptions(rank=2, vision=True),
}
LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("adapter") / "base"
    fresh_model().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (128, 192, 3), dtype=np.uint8)


def learned(base: Path, options: AdapterOptions) -> Fathom:
    """The base with an adapter that has learned something, and heads that have too."""
    model = Fathom.from_pretrained(base)
    add_adapter(model, options)
    torch.manual_seed(5)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.1)
            elif "magnitude" in name or name.startswith("heads.depth.last"):
                weight.mul_(1 + 0.2 * torch.rand_like(weight))
    return model


def answers(model: Fathom, image: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (L, vocabulary) and the depth head's maps (3, H, W) of one picture and question."""
    ids, images = prompt(model, [image], "How far is the red chair?")
    output = forward(model, ids, images)
    return output.logits[0], dense(output)


def apart(one: tuple, other: tuple) -> float:
    """The largest difference of two answers."""
    return max(float((a - b).abs().max()) for a, b in zip(one, other, strict=True))


def tensors(path: Path) -> dict[str, torch.Tensor]:
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


# ---- added, saved, loaded, merged --------------------------------------------------------------------------


@pytest.mark.parametrize("options", KIND.values(), ids=KIND)
def test_a_fresh_adapter_changes_no_answer_and_leaves_only_itself_to_train(base, image, options):
    model = Fathom.from_pretrained(base)
    before = answers(model, image)
    add_adapter(model, options)
    assert apart(before, answers(model, image)) < 1e-5
    trains = {name for name, weight in model.backbone.named_parameters() if weight.requires_grad}
    assert trains and all("lora_" in name for name in trains)
    assert any(".visual." in name for name in trains) == options.vision


@pytest.mark.parametrize("options", KIND.values(), ids=KIND)
def test_an_adapter_loaded_and_an_adapter_merged_answer_as_the_one_that_was_saved(base, image, options, tmp_path):
    model = learned(base, options)
    wanted = answers(model, image)
    assert apart(wanted, answers(Fathom.from_pretrained(base), image)) > 0.1  # it has learned something

    model.save_pretrained(tmp_path / "adapter")
    loaded = Fathom.from_pretrained(tmp_path / "adapter")
    assert apart(wanted, answers(loaded, image)) == 0
    assert not any(weight.requires_grad for weight in loaded.parameters())

    merge_folder(tmp_path / "adapter", tmp_path / "whole")
    whole = Fathom.from_pretrained(tmp_path / "whole")
    assert not any("lora_" in name for name in whole.state_dict())
    assert apart(wanted, answers(whole, image)) < 1e-5
    merge(model)
    assert apart(wanted, answers(model, image)) < 1e-5


def test_an_adapter_folder_is_small_and_holds_heads_once_and_no_base_weight(base, tmp_path):
    model = learned(base, KIND["lora"])
    save_adapter(model, tmp_path / "adapter")
    assert {path.name for path in (tmp_path / "adapter").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "fathom_adapter.json",
        "heads.safetensors",
    }
    lora, heads = (tensors(tmp_path / "adapter" / f"{name}.safetensors") for name in ("adapter_model", "heads"))
    shapes = {
        name: module.base_layer.weight.shape
        for name, module in model.backbone.named_modules()
        if hasattr(module, "base_layer")
    }
    assert sum(v.numel() for v in lora.values()) == sum(4 * (rows + columns) for rows, columns in shapes.values())
    assert {f"heads.{name}" for name in heads} == {name for name in model.state_dict() if name.startswith("heads.")}
    about = json.loads((tmp_path / "adapter" / "fathom_adapter.json").read_text())
    assert about["base"] == str(base) and about["heads"] == model.config.heads


def test_a_loaded_adapter_knows_what_it_was_made_with(base, tmp_path):
    options = AdapterOptions(rank=3, alpha=7, dropout=0.1, targets=r".*layers\.[01]\..*q_proj", rslora=True)
    save_adapter(learned(base, options), tmp_path / "adapter")
    assert adapter_options(load_adapter(tmp_path / "adapter")) == options
    assert adapter_options(Fathom.from_pretrained(base)) is None


def test_calibration_and_pixel_budget_travel_with_the_adapter(base, tmp_path):
    model = learned(base, KIND["lora"])
    model.config.uncertainty["factor"]["exif"] = 1.7
    model.set_max_pixels(128 * 128)
    model.save_pretrained(tmp_path / "adapter")
    loaded = Fathom.from_pretrained(tmp_path / "adapter")
    assert loaded.config.uncertainty["factor"]["exif"] == 1.7
    assert loaded.config.max_pixels == loaded.processor.max_pixels == 128 * 128


def test_an_adapter_on_a_plain_vlm_brings_its_heads_without_a_warning(base, image, tmp_path, recwarn):
    plain = tmp_path / "vlm"
    whole = fresh_model()
    whole.backbone.save_pretrained(plain)
    whole.processor.save_pretrained(plain)
    with pytest.warns(UserWarning, match="new, noise until trained"):
        model = Fathom.from_pretrained(plain)
    add_adapter(model, KIND["lora"])
    model.save_pretrained(tmp_path / "adapter")
    recwarn.clear()
    loaded = Fathom.from_pretrained(tmp_path / "adapter")
    assert not [w for w in recwarn if "noise" in str(w.message)]
    assert apart(answers(model.eval(), image), answers(loaded, image)) == 0


def test_heads_alone_are_an_adapter_folder_without_lora(base, image, tmp_path):
    model = Fathom.from_pretrained(base)
    with torch.no_grad():
        model.heads["depth"].last.bias.add_(1)
    model.saves_adapter = True
    model.save_pretrained(tmp_path / "heads")
    assert not (tmp_path / "heads" / "adapter_model.safetensors").exists()
    loaded = Fathom.from_pretrained(tmp_path / "heads")
    assert apart(answers(model, image), answers(loaded, image)) == 0
    merge_folder(tmp_path / "heads", tmp_path / "whole")
    assert apart(answers(model, image), answers(Fathom.from_pretrained(tmp_path / "whole"), image)) == 0


# ---- every family ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_default_targets_are_the_llms_linear_layers_in_every_family(name):
    model = tiny_family(name)
    pattern = lora_targets(model, AdapterOptions())
    tower = {id(module) for module in model.vision_tower.modules()}
    for path, module in model.backbone.named_modules():
        wanted = path.endswith(LINEAR) and id(module) not in tower
        assert bool(re.fullmatch(pattern, path)) == wanted, path
        assert not wanted or isinstance(module, nn.Linear)


@pytest.mark.parametrize("name", KINDS)
def test_vision_targets_are_all_linear_layers_of_the_vision_tower_and_nothing_else(name):
    model = tiny_family(name)
    tower = {id(module) for module in model.vision_tower.modules()}
    for _ in range(2):
        pattern = vision_targets(model)
        for path, module in model.backbone.named_modules():
            layer = getattr(module, "base_layer", module)
            if "lora_" not in path and not path.endswith("base_layer"):
                wanted = isinstance(layer, nn.Linear) and id(layer) in tower
                assert bool(re.fullmatch(pattern, path)) == wanted, path
        if not model.saves_adapter:
            add_adapter(model, AdapterOptions(rank=2, vision=True))  # the same pattern once the layers are in
    assert sum("lora_A" in path for path, _ in model.vision_tower.named_parameters()) > 3


@pytest.mark.parametrize("name", KINDS)
def test_an_adapter_of_every_family_is_saved_and_loaded(name, tmp_path):
    tiny_family(name).save_pretrained(tmp_path / "base")
    model = learned(tmp_path / "base", KIND["vision"])
    model.save_pretrained(tmp_path / "adapter")
    loaded = Fathom.from_pretrained(tmp_path / "adapter").state_dict()
    assert all(torch.equal(weight, loaded[key]) for key, weight in model.state_dict().items())


# ---- the wrong base, broken folders ------------------------------------------------------------------------


@pytest.fixture
def adapter(base, tmp_path) -> Path:
    learned(base, KIND["lora"]).save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def tell(adapter: Path, **changes) -> None:
    path = adapter / "fathom_adapter.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_base_that_has_moved_is_told_where_to_say_so(base, adapter, tmp_path, image):
    wanted = answers(Fathom.from_pretrained(adapter), image)
    moved = shutil.copytree(base, tmp_path / "elsewhere")
    tell(adapter, base="/nowhere/base")
    with pytest.raises(InputError, match=r"base: .*'/nowhere/base'.*allowed: base=FOLDER, or .*fathom_adapter\.json"):
        Fathom.from_pretrained(adapter)
    assert apart(wanted, answers(Fathom.from_pretrained(adapter, base=moved), image)) == 0
    tell(adapter, base=str(moved))
    assert apart(wanted, answers(Fathom.from_pretrained(adapter), image)) == 0


def test_a_base_of_other_sizes_weights_or_family_is_an_error(adapter, tmp_path):
    other = fresh_model(seed=1)
    other.save_pretrained(tmp_path / "retrained")
    with pytest.raises(InputError, match=r"base: .*retrained has other weights.*allowed: "):
        Fathom.from_pretrained(adapter, base=tmp_path / "retrained")
    tiny_family("qwen2_5_vl").save_pretrained(tmp_path / "qwen2")
    with pytest.raises(InputError, match=r"base: .*qwen2 is of another family.*allowed: "):
        Fathom.from_pretrained(adapter, base=tmp_path / "qwen2")
    other.backbone.config.text_config.num_hidden_layers = 3
    Fathom(type(other.config)(other.backbone.config, other.config.heads)).save_pretrained(tmp_path / "short")
    with pytest.raises(InputError, match=r"base: .*short is of other sizes.*allowed: "):
        Fathom.from_pretrained(adapter, base=tmp_path / "short")


def test_the_same_base_in_half_precision_is_still_that_base(base, adapter, tmp_path):
    Fathom.from_pretrained(base).bfloat16().save_pretrained(tmp_path / "half")
    loaded = Fathom.from_pretrained(adapter, base=tmp_path / "half", dtype="auto")
    assert loaded.backbone.dtype == torch.bfloat16


def test_an_interrupted_save_leaves_the_former_adapter(base, adapter, image, monkeypatch):
    before = answers(Fathom.from_pretrained(adapter), image)
    model = learned(base, KIND["lora"])
    with torch.no_grad():
        model.heads["depth"].last.bias.add_(1)
    calls, write = [], vlm.adapter.save_file

    def fails_at_the_second(*args):
        calls.append(1)
        if len(calls) == 2:
            raise OSError("No space left on device")
        write(*args)

    monkeypatch.setattr(vlm.adapter, "save_file", fails_at_the_second)
    with pytest.raises(OSError, match="No space left"):
        model.save_pretrained(adapter)
    assert apart(before, answers(Fathom.from_pretrained(adapter), image)) == 0
    assert [path.name for path in adapter.parent.iterdir()] == ["adapter"]

    monkeypatch.setattr(vlm.adapter, "save_file", write)
    model.save_pretrained(adapter)
    assert apart(before, answers(Fathom.from_pretrained(adapter), image)) > 0.1


def test_files_of_two_saves_are_not_taken_for_one(base, adapter, tmp_path):
    learned(base, KIND["lora"]).save_pretrained(tmp_path / "later")
    shutil.copy(tmp_path / "later" / "heads.safetensors", adapter)
    with pytest.raises(InputError, match=r"heads\.safetensors and fathom_adapter\.json are of two different saves"):
        Fathom.from_pretrained(adapter)


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "heads.safetensors", "fathom_adapter.json"])
def test_a_cut_off_file_is_an_error_that_names_it(adapter, name):
    path = adapter / name
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=rf"model: .*{re.escape(name)}.*allowed: "):
        Fathom.from_pretrained(adapter)


def test_targets_that_match_nothing_and_models_without_an_adapter_are_errors(base, tmp_path):
    model = Fathom.from_pretrained(base)
    with pytest.raises(
        InputError, match=r"adapter\.targets: no layer matches 'query'.*allowed: .*layers.0.self_attn.q_proj"
    ):
        add_adapter(model, AdapterOptions(targets="query"))
    with pytest.raises(InputError, match=r"adapter\.targets: '\(' .*allowed: a regular expression"):
        add_adapter(model, AdapterOptions(targets="("))
    with pytest.raises(InputError, match="model: it has no adapter"):
        merge(model)
    with pytest.raises(InputError, match=r"adapter: .* has no fathom_adapter\.json"):
        merge_folder(base, tmp_path / "out")
    with pytest.raises(InputError, match=r"out: .* holds files"):
        merge_folder(base, base)


def test_a_quantised_base_is_not_merged_into(adapter):
    model = Fathom.from_pretrained(adapter, load_in_4bit=True)
    with pytest.raises(InputError, match=r"model: its base is quantised.*allowed: the base loaded unquantised"):
        merge(model)
