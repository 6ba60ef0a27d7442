"""What the dry run tells: trainable weights and memory, against numbers worked out by hand."""

import pytest

from heads.errors import InputError
from tests.train.stages import RECIPES, fathom
from train.estimate import memory, sketch
from train.groups import grouped, trainable
from train.recipe import load_recipe

LLM_LAYER = {  # Qwen3-VL-4B: (in, out) of each linear layer, from its config.json
    "q": (2560, 32 * 128),
    "k": (2560, 8 * 128),
    "v": (2560, 8 * 128),
    "o": (32 * 128, 2560),
    "gate": (2560, 9728),
    "up": (2560, 9728),
    "down": (9728, 2560),
}
LORA_4B = 36 * 16 * sum(rows + columns for rows, columns in LLM_LAYER.values())


def recipe(name: str, *changes: str):
    return load_recipe(RECIPES / f"{name}.yaml", list(changes))


def test_trainable_weights_at_4b_are_those_of_the_formula():
    for name in ("stage1", "stage2"):
        counts = trainable(sketch(recipe(name), "qwen3-vl-4b"))
        assert counts["adapter"] == LORA_4B == 33_030_144
        assert counts["backbone"] == counts["vision"] == 0 < counts["heads"]
    wider = trainable(sketch(recipe("stage1", "adapter.rank=32"), "qwen3-vl-4b"))
    assert wider["adapter"] == 2 * LORA_4B


def test_layers_that_stay_as_they_are_keep_nothing_unless_the_vision_tower_below_them_trains():
    def kept(*changes: str) -> int:
        told = recipe("depthvlm-stage2", "batch=1", "accumulate=1", "gradient_checkpointing=false", *changes)
        parts = {part.name: part.bytes for part in memory(sketch(told, "qwen3-vl-4b"), told)}
        return parts["activations: LLM layers"]

    assert kept("trains.backbone_from=30") * 36 == kept() * 6
    assert kept("trains.backbone_from=30", "trains.vision=true") == kept("trains.vision=true") == kept()


def test_a_running_mean_is_counted():
    plain, averaged = recipe("depthvlm-stage2"), recipe("depthvlm-stage2", "average=0.99")
    model = sketch(plain, "qwen3-vl-4b")
    without, beside = (sum(part.bytes for part in memory(model, each)) for each in (plain, averaged))
    assert beside - without >= 4 * sum(trainable(model).values())


def test_the_published_stages_train_the_head_then_llm_and_head():
    first, second = (sketch(recipe(f"depthvlm-stage{i}"), "qwen3-vl-4b") for i in (1, 2))
    assert {group for group, count in trainable(first).items() if count} == {"heads"}
    counts = trainable(second)
    assert counts["adapter"] == counts["vision"] == 0
    llm = 36 * (sum(a * b for a, b in LLM_LAYER.values()) + 2 * 2560 + 2 * 128) + 151936 * 2560 + 2560
    assert counts["backbone"] == llm
    assert sum(w.numel() for group, _, w in grouped(second) if group == "vision") > 400e6


def test_memory_parts_follow_from_what_the_recipe_switches_on():
    def gib(*changes: str) -> dict[str, float]:
        told = recipe("stage1", "batch=1", "accumulate=1", *changes)
        return {part.name: part.bytes / 2**30 for part in memory(sketch(told, "qwen3-vl-4b"), told)}

    packed, plain = gib("quantise=nf4"), gib()
    linear = 36 * sum(a * b for a, b in LLM_LAYER.values())
    assert packed["weights in nf4"] > linear * 0.5 / 2**30 and "weights in nf4" not in plain
    assert 3 < sum(plain.values()) - sum(packed.values()) < 8.3 * 0.75
    assert sum(packed.values()) < 24 and sum(plain.values()) < 24
    open_ended = gib("gradient_checkpointing=false")
    assert open_ended["activations: LLM layers"] > 20 * plain["activations: inputs of LLM layers"]
    adam = packed["gradients, AdamW: adapter, heads"]
    assert adam == pytest.approx(3 * packed["adapter and heads"])


def test_the_command_prints_both_tables_and_trains_nothing(tmp_path):
    told = fathom("train", "--recipe", RECIPES / "stage1.yaml", "--dry-run", "--size", "qwen3-vl-4b", "quantise=nf4")
    assert "33,030,144" in told and "weights in nf4" in told and "together" in told
    told = fathom("train", "--recipe", RECIPES / "stage1.yaml", "--dry-run", "start=nano", "dtype=float32")
    assert "adapter" in told and "weights in nf4" not in told


def test_a_size_that_is_not_known_and_a_run_without_a_folder_are_errors():
    with pytest.raises(InputError, match=r"size: there is no 'qwen-900b'; allowed: qwen3-vl-4b"):
        fathom("train", "--recipe", RECIPES / "stage1.yaml", "--dry-run", "--size", "qwen-900b")
    with pytest.raises(InputError, match="out: missing"):
        fathom("train", "--recipe", RECIPES / "stage1.yaml")
