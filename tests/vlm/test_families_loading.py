"""A folder of a plain VLM becomes a Fathom with new heads and one warning; a folder that is not whole, an error."""

import warnings

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.vlm.families import KINDS, tiny_family
from vlm.errors import InputError
from vlm.model import Fathom


@pytest.fixture(params=KINDS)
def plain(request, tmp_path):
    """A folder as people download it: the backbone's weights and config, tokenizer, image processor; no heads."""
    model = tiny_family(request.param)
    model.backbone.save_pretrained(tmp_path)
    model.processor.save_pretrained(tmp_path)
    return model, tmp_path


def test_a_plain_vlm_loads_with_new_heads_and_one_warning(plain, photo, tmp_path):
    model, folder = plain
    with pytest.warns(UserWarning, match="depth, rays.*noise until trained") as told:
        loaded = Fathom.from_pretrained(folder)
    assert len(told) == 1
    ours, theirs = model.backbone.state_dict(), loaded.backbone.state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert set(loaded.heads) == {"depth", "rays"} and loaded.family is model.family
    assert {part.config._attn_implementation for part in loaded.modules() if hasattr(part, "config")} == {"sdpa"}
    loaded.save_pretrained(tmp_path / "fathom")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        again = Fathom.from_pretrained(tmp_path / "fathom")
    assert all(torch.equal(weight, again.state_dict()[name]) for name, weight in loaded.state_dict().items())


def test_a_plain_vlm_with_a_tensor_missing_or_too_many_is_an_error_that_names_them(plain):
    _, folder = plain
    tensors = load_file(folder / "model.safetensors")
    name = next(key for key in tensors if "down_proj" in key or "fc1" in key)
    tensors["stray.weight"] = tensors.pop(name)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"missing \S*(down_proj|fc1)\S*; unexpected stray.weight"):
        Fathom.from_pretrained(folder)


@pytest.mark.parametrize("left", [0, 2000])
def test_a_plain_vlm_whose_weights_are_cut_short_or_gone_is_one_clear_error(tmp_path, left):
    tiny_family("internvl").backbone.save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:left])
    if not left:
        weights.unlink()
    with pytest.raises(InputError, match=r"^model: .*; allowed: all of its weight files") as error:
        Fathom.from_pretrained(tmp_path)
    assert "\n" not in str(error.value)
