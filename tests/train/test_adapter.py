"""QLoRA on the processor: trained for real on NF4 weights, saved, loaded, merged into the base as it was."""

from pathlib import Path

import numpy as np
import pytest
import torch
from bitsandbytes.nn import Linear4bit

from tests.tiny import tiny_backbone_config, tiny_processor, tiny_records
from tests.train.stages import curve, fathom, lora, tensors, train
from vlm.config import FathomConfig
from vlm.model import Fathom

HEADS = {"depth": {"widths": [16, 16, 16, 8, 8]}, "rays": {"width": 16, "layers": 1, "attention_heads": 2}}


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A tiny Fathom whose layers are of sizes that bitsandbytes packs on a processor."""
    torch.manual_seed(0)
    processor = tiny_processor()
    backbone = tiny_backbone_config(processor)
    backbone.text_config.hidden_size = backbone.vision_config.out_hidden_size = 64
    backbone.text_config.intermediate_size = backbone.vision_config.intermediate_size = 128
    backbone.vision_config.hidden_size = 64
    model = Fathom(FathomConfig(backbone, HEADS, max_pixels=128 * 128))
    for name, weight in model.named_parameters():
        if weight.ndim > 1 and "heads.rays.last" not in name:
            torch.nn.init.normal_(weight, std=0.1)
    model.processor = processor
    folder = tmp_path_factory.mktemp("base") / "fathom"
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    records = f"records=[{tiny_records(folder / 'data', 4)}]"
    first = train("stage1", folder / "1", f"start={base}", records, "quantise=nf4", "steps=6", "rate=1e-2", "rates={}")
    return train("stage2", folder / "2", f"start={first}", records, "quantise=nf4", "steps=6", "rate=1e-2", "rates={}")


def seen(model: Fathom) -> tuple[np.ndarray, float]:
    """Depth and the log probability of an answer."""
    image = np.random.default_rng(0).integers(0, 255, (96, 128, 3), dtype=np.uint8)
    scene = model.look(image, {"focal_px": 100})
    return np.asarray(scene.depth_z), scene.ask("How far is the red chair?").log_probability


def test_qlora_trains_on_nf4_weights_with_heads_in_full_precision(base, trained):
    for stage in ("1", "2"):
        losses = curve(trained.parents[1] / stage)
        assert len(losses) == 6 and np.mean(losses[-2:]) < losses[0], losses
    assert all(value.any() for value in lora(trained).values())
    model = Fathom.from_pretrained(trained, load_in_4bit=True)
    packed = {name: m for name, m in model.backbone.named_modules() if isinstance(m, Linear4bit)}
    assert sum("language_model.layers" in name for name in packed) == 4 * 7
    assert sum("visual.blocks" in name for name in packed) == 3 * 4
    assert all(layer.quant_state.quant_type == "nf4" for layer in packed.values())
    assert all(weight.dtype == torch.float32 for weight in model.heads.parameters())
    assert all(weight.dtype == torch.float32 for name, weight in model.named_parameters() if "lora_" in name)


def test_what_was_saved_is_what_is_loaded_quantised_or_not(base, trained):
    packed, whole = (Fathom.from_pretrained(trained, load_in_4bit=bits) for bits in (True, False))
    stored = tensors(trained / "adapter_model.safetensors")
    for model in (packed, whole):
        own = {name.replace(".default", ""): value for name, value in model.backbone.state_dict().items()}
        assert all(torch.equal(own[name.removeprefix("base_model.model.")], value) for name, value in stored.items())
    assert not np.array_equal(seen(packed)[0], seen(whole)[0])  # NF4 is not float32


def test_it_merges_into_the_base_as_it_was_before_it_was_quantised(base, trained, tmp_path):
    fathom("merge", trained, "--out", tmp_path / "whole")
    merged, adapted = Fathom.from_pretrained(tmp_path / "whole"), Fathom.from_pretrained(trained)
    depth, words = seen(merged)
    wanted, wanted_words = seen(adapted)
    assert np.allclose(depth, wanted, rtol=5e-5, atol=0)  # infinite where there is sky
    assert words == pytest.approx(wanted_words, rel=1e-4)
    before, after = tensors(base / "model.safetensors"), tensors(tmp_path / "whole" / "model.safetensors")
    assert before.keys() == after.keys()
    assert {name for name in before if name.startswith("backbone.") and (before[name] != after[name]).any()} == {
        name for name in before if "language_model.layers" in name and name.endswith("proj.weight")
    }
