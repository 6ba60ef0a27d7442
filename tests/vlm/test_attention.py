"""The kernel of attention: flash-attn only where it can run, a broken install is a reason and never a crash."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from rich.console import Console
from transformers.utils import import_utils

from tests.vlm.families import KINDS, tiny_family
from tests.vlm.helpers import close, dense
from tests.vlm.test_families import batch_of
from vlm import attention
from vlm.backbones import family
from vlm.doctor import examine
from vlm.errors import InputError
from vlm.model import Fathom

BROKEN = "raise ImportError('flash_attn_2_cuda.so: undefined symbol: _ZN3c105ErrorC2E\\nsecond line')"
CUDA, CPU = torch.device("cuda"), torch.device("cpu")


def config_of(name: str):
    return KINDS[name].config(300, lambda token: 1)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """installed(source): a flash_attn package with this source comes first on the path; returns the folder."""

    def make(source: str, version: str = "2.8.3") -> Path:
        (tmp_path / "flash_attn").mkdir()
        (tmp_path / "flash_attn" / "__init__.py").write_text(source)
        about = tmp_path / f"flash_attn-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: flash-attn\nVersion: {version}\n")
        (about / "top_level.txt").write_text("flash_attn\n")
        (about / "RECORD").write_text("flash_attn/__init__.py,,\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "flash_attn", raising=False)
        if hasattr(import_utils, "PACKAGE_DISTRIBUTION_MAPPING"):  # transformers 5.17 makes it once, on import
            monkeypatch.setitem(import_utils.PACKAGE_DISTRIBUTION_MAPPING, "flash_attn", ["flash-attn"])
        forget()
        return tmp_path

    def forget() -> None:
        for check in (import_utils.is_flash_attn_2_available, import_utils._is_package_available):
            getattr(check, "cache_clear", lambda: None)()
        mapping = getattr(import_utils, "_package_distribution_mapping", None)
        getattr(mapping, "cache_clear", lambda: None)()

    yield make
    sys.modules.pop("flash_attn", None)
    forget()


@pytest.fixture
def gpu(monkeypatch):
    """A machine that says it has a Hopper GPU."""
    for module in (torch.cuda, import_utils):
        name = "is_available" if module is torch.cuda else "is_torch_cuda_available"
        monkeypatch.setattr(module, name, lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (9, 0))


def told_by_doctor() -> str:
    console = Console(record=True, width=200, file=io.StringIO())
    examine(console)
    return " ".join(console.export_text().split())


# ---- which one ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_without_flash_every_family_has_sdpa(name):
    assert attention.choose("auto", config_of(name), CPU, torch.float32) == "sdpa"
    assert attention.choose("eager", config_of(name), CPU, torch.float32) == "eager"


def test_a_family_without_sdpa_has_eager(monkeypatch):
    monkeypatch.setattr("transformers.Qwen2_5_VLForConditionalGeneration._supports_sdpa", False)
    assert attention.choose("auto", config_of("qwen2_5_vl"), CPU, torch.float32) == "eager"
    with pytest.raises(InputError, match="attn_implementation: qwen2_5_vl has no sdpa; allowed: auto or eager"):
        attention.choose("sdpa", config_of("qwen2_5_vl"), CPU, torch.float32)


def test_flash_is_used_where_gpu_precision_family_and_install_allow(installed, gpu):
    installed("def flash_attn_func(*_): ...\n")
    config = config_of("qwen3_vl")
    for asked in ("auto", "flash", "flash_attention_2"):
        assert attention.choose(asked, config, CUDA, torch.bfloat16) == "flash_attention_2"
    assert attention.choose("auto", config, CUDA, torch.float32) == "sdpa"
    assert attention.choose("auto", config, CPU, torch.bfloat16) == "sdpa"
    for name in KINDS:
        allowed = attention.choose("auto", config_of(name), CUDA, torch.bfloat16) == "flash_attention_2"
        assert allowed == (name not in ("gemma3", "paligemma")) == family(config_of(name)).FLASH


def test_an_old_gpu_or_an_old_flash_falls_back(installed, gpu, monkeypatch):
    installed("def flash_attn_func(*_): ...\n", version="1.0.9")
    assert attention.choose("auto", config_of("qwen3_vl"), CUDA, torch.bfloat16) == "sdpa"
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (7, 5))
    with pytest.raises(InputError, match=r"flash_attn needs a GPU of compute capability 8\.0; allowed: auto"):
        attention.choose("flash_attention_2", config_of("qwen3_vl"), CUDA, torch.bfloat16)


@pytest.mark.parametrize("asked", ["flash", "flash_attention_2", "flash_attention_3"])
def test_flash_by_name_is_one_clear_error_where_it_cannot_be(saved, asked):
    with pytest.raises(InputError, match=rf"attn_implementation: '{asked}' cannot be used: it needs a CUDA") as error:
        Fathom.from_pretrained(saved, attn_implementation=asked)
    assert "\n" not in str(error.value)


def test_tests_can_override_the_choice(saved, monkeypatch):
    monkeypatch.setattr(attention, "OVERRIDE", "eager")
    model = Fathom.from_pretrained(saved, attn_implementation="sdpa")
    assert model.backbone.config.text_config._attn_implementation == "eager"


def test_packed_questions_are_refused_by_flash(model):
    mask = torch.ones(1, 1, 4, 4, dtype=torch.bool)
    text = model.backbone.config.text_config
    before = text._attn_implementation_internal
    text._attn_implementation_internal = "flash_attention_2"
    try:
        with pytest.raises(InputError, match=r"attention_mask: .*flash_attention_2 .*='sdpa'"):
            model(torch.tensor([[1, 2, 3, 4]]), attention_mask=mask, position_ids=torch.arange(4).expand(3, 1, 4))
    finally:
        text._attn_implementation_internal = before


# ---- a broken install --------------------------------------------------------------------------------------


def test_a_broken_flash_attn_is_a_reason_on_one_line(installed, gpu):
    installed(BROKEN)
    assert attention.choose("auto", config_of("qwen3_vl"), CUDA, torch.bfloat16) == "sdpa"
    with pytest.raises(InputError, match=r"flash_attn is installed, but broken: .*undefined symbol") as error:
        attention.choose("flash", config_of("qwen3_vl"), CUDA, torch.bfloat16)
    assert "\n" not in str(error.value)


def test_doctor_tells_why_flash_is_not_used(installed):
    installed(BROKEN)
    told = told_by_doctor()
    assert "flash-attn 2 not used: installed, but broken: flash_attn_2_cuda.so: undefined symbol" in told
    assert "flash-attn 3 not used: not installed; sdpa is used instead" in told


def test_doctor_of_one_that_imports_but_has_no_gpu(installed, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    installed("def flash_attn_func(*_): ...\n")
    assert "flash-attn 2 not used: it needs a CUDA device; sdpa is used instead" in told_by_doctor()


def test_a_flash_attn_that_lacks_a_part_is_named(installed, gpu):
    installed("import no_such_part\n")
    with pytest.raises(InputError, match="flash_attn is installed, but it needs no_such_part"):
        attention.choose("flash", config_of("qwen3_vl"), CUDA, torch.bfloat16)


def test_a_model_loads_and_looks_beside_a_broken_flash_attn(installed, saved):
    """In a process of its own, so that nothing was imported before."""
    code = f"""
import numpy as np
from vlm.model import Fathom
model = Fathom.from_pretrained({str(saved)!r}, dtype="bfloat16")
print(model.backbone.config.text_config._attn_implementation, model.look(np.zeros((64, 64, 3), np.uint8)).depth_z.shape)
"""
    paths = os.pathsep.join([str(installed(BROKEN)), str(Path(__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[-2] == "sdpa (64, 64)"


# ---- the same answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_sdpa_and_eager_agree(name, photo, tmp_path):
    tiny_family(name).save_pretrained(tmp_path)
    one, other = (Fathom.from_pretrained(tmp_path, attn_implementation=kernel) for kernel in ("sdpa", "eager"))
    kernels = [
        {part.config._attn_implementation for part in model.modules() if hasattr(part, "config")}
        for model in (one, other)
    ]
    assert kernels == [{"sdpa"}, {"eager"}]
    prompts = [([photo(*size, i)], "How far is the table?") for i, size in enumerate(KINDS[name].sizes)]
    batch = batch_of(one, prompts, "left")
    with torch.no_grad():
        ours, theirs = one(**batch), other(**batch)
    known = batch["attention_mask"].bool()
    assert close(ours.logits[known], theirs.logits[known])
    assert all(close(dense(ours, i), dense(theirs, i)) for i in range(len(prompts)))
    assert close(ours.rays["direction"], theirs.rays["direction"])


@pytest.mark.gpu
@pytest.mark.skipif(attention.problem("flash_attn") is not None, reason="flash-attn is not installed")
@pytest.mark.parametrize("name", [name for name in KINDS if name not in ("gemma3", "paligemma")])
def test_flash_and_sdpa_agree_in_bfloat16(name, photo, tmp_path):
    tiny_family(name, wide=True).save_pretrained(tmp_path)
    scenes = [
        Fathom.from_pretrained(tmp_path, dtype="bfloat16", attn_implementation=kernel, device_map="cuda").look(
            photo(160, 120)
        )
        for kernel in ("flash", "sdpa")
    ]
    assert abs(torch.tensor(scenes[0].depth_z).log() - torch.tensor(scenes[1].depth_z).log()).nanmedian() < 0.03
