"""Head against head: the recipes differ in the head and its losses, and in nothing else."""

from dataclasses import asdict

import pytest
from transformers import AutoConfig

from benchmarks.flops import count_head
from heads.catalog import HEADS
from train.recipe import SHIPPED, Trains, load_recipe
from vlm.backbones import family
from vlm.checkpoints import resolve

NAMES = ("ours", "dpt", "mlp")


def head_of(recipe):
    """The recipe's depth head on the embedded model's places."""
    options = dict(recipe.model.heads["depth"])
    config = AutoConfig.from_pretrained(resolve("nano")).backbone_config
    taps = [family(config).tap(config, name) for name in options.pop("taps")]
    return HEADS[options.pop("kind", "depth")](taps, **options)


@pytest.fixture(scope="module")
def recipes():
    return {name: load_recipe(SHIPPED / f"heads-{name}.yaml") for name in NAMES}


def test_data_steps_and_rates_are_one_and_the_same(recipes):
    plain = {name: asdict(recipe) for name, recipe in recipes.items()}
    assert all(set(values["model"]["heads"]) == {"depth"} for values in plain.values())
    for values in plain.values():
        values.pop("losses")
        values["model"].pop("heads")
    assert plain["ours"] == plain["dpt"] == plain["mlp"]


def test_only_heads_train_and_no_text_is_computed(recipes):
    for recipe in recipes.values():
        assert recipe.trains == Trains(adapter=False, heads=True, backbone=False, vision=False)
        assert "text" not in recipe.losses and not any(source.text for source in recipe.sources)
        assert recipe.weight_decay == 0  # else the ray head, which is not trained, would shrink


def test_every_loss_is_one_that_the_head_gives(recipes):
    for recipe in recipes.values():
        assert set(recipe.losses) <= set(head_of(recipe).loss_names)


def test_ours_costs_no_more_than_the_dpt_head_beside_it(recipes):
    grids = {16: (12, 16), 32: (6, 8)}
    counted = {}
    for name in ("ours", "dpt"):
        head = head_of(recipes[name])
        counted[name] = count_head(head, {tap.name: grids[tap.stride] for tap in head.taps}, (256, 192))
    assert 0.85 * counted["dpt"] < counted["ours"] <= counted["dpt"]
