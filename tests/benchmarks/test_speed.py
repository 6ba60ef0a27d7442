"""One encoding serves everything; the arithmetic of the heads is counted right."""

import json
from pathlib import Path

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.flops import PROMPT_TOKENS, QWEN3_VL_4B, count_flops, qwen3_vl_4b
from benchmarks.report import flops_table, speed_table
from benchmarks.speed import forward_inputs, made_up_picture, measure_speed
from heads.errors import InputError
from tests.tiny import tiny_model

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "qwen3_vl" / "config.json"


def test_the_image_is_encoded_once_for_everything():
    measured = measure_speed(tiny_model(), size=(96, 64), repeats=2)
    assert measured["vision_calls"] == 1
    assert measured["look_seconds"] > 0 and measured["question_seconds"] > 0
    assert measured["with_heads_seconds"] > 0 and measured["backbone_seconds"] > 0  # no order: a busy machine
    assert measured["heads_ratio"] > -1 and measured["heads"] == ["depth", "rays"]
    assert measured["peak_memory_mib"] >= measured["peak_memory_before_mib"] > 50
    assert "96x64 photograph" in speed_table(measured).markdown()
    with pytest.raises(InputError, match="repeats"):
        measure_speed(tiny_model(), repeats=0)


def test_counted_on_shapes_as_in_a_real_pass():
    model = tiny_model()
    inputs = forward_inputs(model, made_up_picture(128, 96))
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        totals = []
        for heads in (False, True):
            with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
                model(**{**inputs, "heads": heads})
            totals.append(counter.get_total_flops())
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    before = inputs["input_ids"].shape[1] - 4 * 4  # a side of 96 px is padded to four tokens of 32
    counted = count_flops(model.config, 128, 96, prompt_tokens=before)
    assert counted.tokens == inputs["input_ids"].shape[1]
    assert counted.backbone == totals[0]
    # pooling tokens into views (member @ x) is 2 * tokens * width, counted in both
    assert counted.backbone + sum(counted.heads.values()) == totals[1]


def test_heads_cost_at_most_five_percent_of_qwen3_vl_4b():
    flops = count_flops(qwen3_vl_4b(), 1024, 768)
    patches, tokens = 64 * 48, 32 * 24
    length = tokens + PROMPT_TOKENS
    language = 36 * (
        2 * length * (2560 * 128 * (32 + 8 + 8) + 128 * 32 * 2560 + 3 * 2560 * 9728)  # q, k, v; out; mlp
        + 2 * 2 * length**2 * 32 * 128  # scores and mixing
    )
    angles = 3 * 2 * length * 64  # of rotary positions: a matrix product in transformers 5.17, no longer in 5.24
    assert flops.language - language - 2 * 2560 * 151936 in (0, angles)
    block = 2 * patches * (4 * 1024**2 + 2 * 1024 * 4096) + 2 * 2 * patches**2 * 1024
    merger = 2 * tokens * (4096 * 4096 + 4096 * 2560)  # one at the end, three for DeepStack
    assert flops.vision == 2 * patches * 3 * 2 * 16 * 16 * 1024 + 24 * block + 4 * merger
    assert set(flops.heads) == {"depth", "rays"} and 0 < flops.share <= 0.05
    assert "Qwen3-VL-4B, all heads (1024x768, 772 tokens)" in flops_table({"Qwen3-VL-4B": flops}).markdown()


@pytest.mark.skipif(not PUBLISHED.is_file(), reason=f"needs {PUBLISHED}")
def test_sizes_are_those_of_the_published_config():
    published = json.loads(PUBLISHED.read_text())
    for part in ("text_config", "vision_config"):
        ours = {key: value for key, value in QWEN3_VL_4B[part].items() if key != "rope_parameters"}
        assert ours == {key: published[part][key] for key in ours}
    rope = QWEN3_VL_4B["text_config"]["rope_parameters"]
    assert published["text_config"]["rope_theta"] == rope["rope_theta"]
    scaling = published["text_config"]["rope_scaling"]
    assert scaling == {key: rope[key] for key in scaling}
