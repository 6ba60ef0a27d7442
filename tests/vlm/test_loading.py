"""How a model is loaded: in which precision, quantised or not, on which devices; heads are whole and float32 always."""

import json

import numpy as np
import pytest
import torch
from bitsandbytes.nn import Linear4bit, Linear8bitLt
from safetensors.torch import load_file, save_file
from transformers import BitsAndBytesConfig

from tests.vlm.families import KINDS, tiny_family
from tests.vlm.published import tiny_published
from vlm.errors import InputError
from vlm.model import Fathom

SIZE = (160, 120)
QUANTISED = {"load_in_4bit": Linear4bit, "load_in_8bit": Linear8bitLt}


@pytest.fixture(scope="module", params=KINDS)
def family_folder(request, tmp_path_factory):
    """A tiny Fathom of every family, wide enough for bitsandbytes' blocks, and its folder."""
    model = tiny_family(request.param, wide=True)
    folder = tmp_path_factory.mktemp(request.param)
    model.save_pretrained(folder)
    return model, folder


def off(one, other) -> float:
    """Median factor between two scenes' depths, as a logarithm."""
    known = np.isfinite(one.depth_z) & np.isfinite(other.depth_z)
    assert known.mean() > 0.3
    return float(np.median(np.abs(np.log(one.depth_z[known] / other.depth_z[known]))))


def linear(module: torch.nn.Module, kind: type) -> list[str]:
    return [name for name, layer in module.named_modules() if isinstance(layer, kind)]


def assert_heads_are_whole(model: Fathom, like: Fathom | None = None) -> None:
    assert {weight.dtype for weight in model.heads.parameters()} == {torch.float32}
    assert not linear(model.heads, (Linear4bit, Linear8bitLt))
    if like is not None:
        ours, theirs = model.heads.state_dict(), like.heads.state_dict()
        assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


# ---- precision ---------------------------------------------------------------------------------------------


def test_a_backbone_in_bfloat16_still_measures_in_float32(family_folder, photo):
    exact, folder = family_folder
    half = Fathom.from_pretrained(folder, dtype="bfloat16")
    assert {weight.dtype for weight in half.backbone.parameters()} == {torch.bfloat16}
    assert_heads_are_whole(half, exact)
    one, other = (model.look(photo(*SIZE)) for model in (half, exact))
    assert one.depth_z.dtype == one.log_depth_scale.dtype == np.float32
    assert 0 < off(one, other) < 0.03
    assert len(np.unique(one.depth_z)) > 1000  # bfloat16 has 256 values from 1 m to 4 m


def test_auto_is_the_precision_on_disk(family_folder, tmp_path):
    _, folder = family_folder
    assert Fathom.from_pretrained(folder, dtype="auto").dtype == torch.float32
    Fathom.from_pretrained(folder, dtype="bfloat16").save_pretrained(tmp_path)
    again = Fathom.from_pretrained(tmp_path, dtype="auto")
    assert {weight.dtype for weight in again.backbone.parameters()} == {torch.bfloat16}
    assert_heads_are_whole(again)
    assert Fathom.from_pretrained(tmp_path).dtype == torch.float32  # unless told otherwise


def test_auto_is_read_from_the_tensors_where_no_config_says_it(tmp_path):
    tiny_published(tmp_path)
    tensors = {name: tensor.bfloat16() for name, tensor in load_file(tmp_path / "model.safetensors").items()}
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    told = json.loads((tmp_path / "config.json").read_text())
    for part in (told, told["text_config"], told["vision_config"]):
        part.pop("dtype", None)
    (tmp_path / "config.json").write_text(json.dumps(told))
    model = Fathom.from_pretrained(tmp_path, dtype="auto")
    assert next(model.backbone.parameters()).dtype == torch.bfloat16
    assert_heads_are_whole(model)


# ---- quantisation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", QUANTISED)
def test_a_quantised_backbone_measures_nearly_the_same(family_folder, photo, option):
    exact, folder = family_folder
    small = Fathom.from_pretrained(folder, **{option: True})
    layers = linear(small.backbone, QUANTISED[option])
    assert {name.rsplit(".", 1)[-1] for name in layers} >= {"q_proj", "o_proj", "gate_proj", "down_proj"}
    assert type(small.get_output_embeddings()) is torch.nn.Linear
    assert_heads_are_whole(small, exact)
    one, other = (model.look(photo(*SIZE)) for model in (small, exact))
    assert one.depth_z.dtype == np.float32 and 0 < off(one, other) < 0.3
    assert np.isfinite(one.ask("yes", max_new_tokens=3).log_probability)


def test_what_bitsandbytes_cannot_pack_on_a_processor_stays_as_it_is(tmp_path, photo):
    """Widths of 32: no layer fits but those with 64 inputs; it still runs."""
    model = tiny_family("gemma3")
    model.save_pretrained(tmp_path)
    small = Fathom.from_pretrained(tmp_path, load_in_4bit=True)
    assert all(layer.in_features % 64 == 0 for layer in small.modules() if isinstance(layer, Linear4bit))
    assert linear(small.backbone, Linear4bit)
    assert small.look(photo(*SIZE)).depth_z.shape == SIZE[::-1]


@pytest.mark.parametrize("option", QUANTISED)
def test_a_quantised_model_is_saved_and_loaded_as_it_is(tmp_path, photo, option):
    tiny_family("qwen3_vl", wide=True).save_pretrained(tmp_path / "whole")
    small = Fathom.from_pretrained(tmp_path / "whole", **{option: True})
    small.save_pretrained(tmp_path / "small")
    again = Fathom.from_pretrained(tmp_path / "small")
    assert linear(again, QUANTISED[option]) == linear(small, QUANTISED[option])
    assert_heads_are_whole(again, small)
    one, other = (model.look(photo(*SIZE)) for model in (small, again))
    assert off(one, other) < 1e-5
    with pytest.raises(InputError, match=f"{option}: .*quantised already"):
        Fathom.from_pretrained(tmp_path / "small", **{option: True})


@pytest.mark.parametrize("option", QUANTISED)
def test_a_plain_vlm_is_quantised_and_its_new_heads_are_not(tmp_path, photo, option):
    model = tiny_family("idefics3", wide=True)
    model.backbone.save_pretrained(tmp_path / "vlm")
    model.processor.save_pretrained(tmp_path / "vlm")
    with pytest.warns(UserWarning, match="noise until trained"):
        small = Fathom.from_pretrained(tmp_path / "vlm", **{option: True})
    assert linear(small.backbone, QUANTISED[option])
    assert_heads_are_whole(small)
    small.save_pretrained(tmp_path / "small")
    again = Fathom.from_pretrained(tmp_path / "small")
    assert linear(again, QUANTISED[option]) == linear(small, QUANTISED[option])
    assert_heads_are_whole(again, small)
    assert off(*(model.look(photo(*SIZE)) for model in (small, again))) < 1e-5


def test_ones_own_bitsandbytes_config_leaves_the_heads_alone_too(tmp_path):
    tiny_family("qwen3_vl", wide=True).save_pretrained(tmp_path)
    own = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="fp4", llm_int8_skip_modules=["backbone.model.visual"]
    )
    small = Fathom.from_pretrained(tmp_path, quantization_config=own)
    assert linear(small.backbone, Linear4bit) and not linear(small.vision_tower, Linear4bit)
    assert_heads_are_whole(small)


def test_after_a_look_in_4_bit_gradients_are_those_of_before(tmp_path, photo):
    """At a look some processors lay 4-bit weights out in a way that lets no gradient through."""
    tiny_family("qwen3_vl", wide=True).save_pretrained(tmp_path)
    model = Fathom.from_pretrained(tmp_path, load_in_4bit=True)
    ids = torch.tensor([model.processor.prompt_ids([{"role": "user", "content": "How far?"}], [])])

    def gradient(model: Fathom) -> torch.Tensor:
        vectors = model.get_input_embeddings()(ids).detach().requires_grad_()
        model.train()
        model.backbone(inputs_embeds=vectors).logits.square().mean().backward()
        return vectors.grad

    before = gradient(Fathom.from_pretrained(tmp_path, load_in_4bit=True))
    for _ in range(2):  # as evaluations between steps of a training
        model.eval().look(photo(*SIZE))
        assert float((gradient(model) - before).norm() / before.norm()) < 0.05


# ---- devices -----------------------------------------------------------------------------------------------

PLACES = {
    "one device": "cpu",
    "left to accelerate": "auto",
    "by name": {"backbone": "cpu", "heads": "cpu"},
    "everything": {"": "cpu"},
}


@pytest.mark.parametrize("places", PLACES)
def test_a_placed_model_is_the_same_model(tmp_path, photo, places):
    model = tiny_family("internvl")
    model.save_pretrained(tmp_path)
    placed = Fathom.from_pretrained(tmp_path, device_map=PLACES[places])
    assert off(model.look(photo(*SIZE)), placed.look(photo(*SIZE))) < 1e-5


def test_a_language_model_on_disk_is_fetched_layer_by_layer(tmp_path, photo):
    model = tiny_family("qwen3_vl")
    model.save_pretrained(tmp_path / "model")
    language = "backbone.model.language_model"
    parts = {f"{language}.layers.{i}": "disk" for i in range(4)}
    names = ["backbone.model.visual", f"{language}.embed_tokens", f"{language}.norm", "backbone.lm_head", "heads"]
    rest = dict.fromkeys(names, "cpu")
    placed = Fathom.from_pretrained(tmp_path / "model", device_map=parts | rest, offload_folder=tmp_path / "off")
    layer = placed.backbone.model.language_model.layers[0]
    assert {weight.device.type for weight in layer.parameters()} == {"meta"}
    one, other = (m.look(photo(*SIZE)) for m in (model, placed))
    assert off(one, other) < 1e-5
    assert one.ask("yes", max_new_tokens=3).tokens == other.ask("yes", max_new_tokens=3).tokens


def test_a_plain_vlm_is_placed_by_the_same_names(tmp_path, photo):
    model = tiny_family("llava_onevision")
    model.backbone.save_pretrained(tmp_path)
    model.processor.save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="noise"):
        placed = Fathom.from_pretrained(tmp_path, device_map={"backbone": "cpu", "heads": "cpu"})
    assert {weight.device.type for weight in placed.parameters()} == {"cpu"}
    assert placed.look(photo(*SIZE)).depth_z.shape == SIZE[::-1]


# ---- what cannot be ----------------------------------------------------------------------------------------

WRONG = {
    "dtype: 'int8'": {"dtype": "int8"},
    "dtype: torch.float64": {"dtype": torch.float64},
    "load_in_8bit: beside load_in_4bit": {"load_in_4bit": True, "load_in_8bit": True},
    "quantization_config: beside load_in_4bit": {"load_in_4bit": True, "quantization_config": BitsAndBytesConfig()},
    "quantization_config: dict": {"quantization_config": {"load_in_4bit": True}},
    "device_map: 'nowhere'": {"device_map": "nowhere"},
    "device_map: cuda:77 is not there": {"device_map": "cuda:77"},
    "device_map: no place for heads.depth.* and [0-9]+ more": {"device_map": {"backbone": "cpu"}},
    "device_map: disk, without offload_folder": {"device_map": {"backbone": "disk", "heads": "cpu"}},
    "device_map: heads on disk": {"device_map": {"backbone": "cpu", "heads": "disk"}, "offload_folder": "off"},
    "device_map: disk, for a quantised model": {
        "device_map": {"backbone": "disk", "heads": "cpu"},
        "offload_folder": "off",
        "load_in_4bit": True,
    },
    "attn_implementation: 'fast'": {"attn_implementation": "fast"},
}


@pytest.mark.parametrize("told", WRONG)
def test_what_cannot_be_is_one_clear_error_before_any_weight_is_read(saved, tmp_path, told, monkeypatch):
    monkeypatch.setattr(
        "transformers.PreTrainedModel.from_pretrained", lambda *a, **k: pytest.fail("weights were read")
    )
    with pytest.raises(InputError, match=rf"^{told}.*; allowed: .") as error:
        Fathom.from_pretrained(saved, **WRONG[told])
    assert "\n" not in str(error.value)


def test_without_bitsandbytes_the_error_says_so(saved, monkeypatch):
    monkeypatch.setattr("vlm.loading.problem", lambda _: "not installed")
    with pytest.raises(InputError, match="load_in_8bit: bitsandbytes is not installed; allowed: pip install"):
        Fathom.from_pretrained(saved, load_in_8bit=True)
