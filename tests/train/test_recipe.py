"""A recipe says what trains; a user's slip in it is told before anything is loaded."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from heads.errors import InputError
from train.recipe import Recipe, Trains, keep_recipe, load_recipe
from train.worlds.things import COLOURS, KINDS
from vlm.adapter import AdapterOptions
from vlm.checkpoints import resolve
from vlm.config import FathomConfig

RECIPES = Path(__file__).parents[2] / "train" / "recipes"
JOINT = {"start": "nano", "trains": {"adapter": True, "backbone": False, "vision": False}}


def written(folder: Path, **values) -> Path:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


# ---- reading -----------------------------------------------------------------------------------------------


def test_groups_are_read_and_what_is_not_said_is_the_default(tmp_path):
    recipe = load_recipe(written(tmp_path, **JOINT, adapter={"rank": 4, "dora": True}, rates={"heads": 1e-3}))
    assert recipe.adapter == AdapterOptions(rank=4, dora=True)
    assert (recipe.adapter.alpha, recipe.trains.heads, recipe.steps) == (32, True, Recipe().steps)
    assert (recipe.rate_of("heads"), recipe.rate_of("adapter")) == (1e-3, recipe.rate)


def test_changes_on_the_command_line_reach_into_groups_and_keep_the_rest(tmp_path):
    path = written(tmp_path, **JOINT, adapter={"rank": 4, "alpha": 8})
    recipe = load_recipe(
        path, ["adapter.rank=16", "rates.adapter=2e-4", "losses.text=0.5", "data=[{records: a.jsonl}]"]
    )
    assert recipe.adapter == AdapterOptions(rank=16, alpha=8)
    assert recipe.rates.adapter == 2e-4  # which YAML by itself takes for text
    assert recipe.losses == {"text": 0.5}
    assert [source.records for source in recipe.sources] == ["a.jsonl"]
    assert load_recipe(path, ["adapter=null"]).adapter is None


def test_short_records_and_full_sources_make_one_mixture(tmp_path):
    recipe = load_recipe(
        written(tmp_path, records=["a.jsonl"], data=[{"records": "b.jsonl", "weight": 3, "text": False}])
    )
    assert [(s.records, s.weight, s.text, s.depth) for s in recipe.sources] == [
        ("b.jsonl", 3.0, False, True),
        ("a.jsonl", 1.0, True, True),
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step": 10}, r"unknown key 'step' in mine\.yaml, did you mean 'steps'\?; allowed: .*warmup_steps"),
        ({"adapter": {"rnk": 4}}, r"unknown key 'adapter\.rnk'.*did you mean 'adapter\.rank'\?; allowed: .*dora"),
        ({"trains": {"adaptor": True}}, r"unknown key 'trains\.adaptor'.*'trains\.adapter'"),
        ({"data": [{"record": "a"}]}, r"unknown key 'data\.0\.record'.*'data\.0\.records'"),
        ({"data": [{"weight": 1}]}, r"misses data\.0\.records"),
        ({"steps": 1.5}, r"steps: 1\.5 is a float; allowed: a whole number"),
        ({"steps": 0}, r"steps: 0 is out of range; allowed: a number at least 1"),
        ({"batch": True}, r"batch: True is a bool; allowed: a whole number"),
        ({"rate": "fast"}, r"rate: 'fast' is a str; allowed: a number"),
        ({"clip": float("nan")}, r"clip: nan is out of range; allowed: a number above 0"),
        ({"beta2": 1}, r"beta2: 1 is out of range; allowed: .*at most 0\.999999"),
        ({"detach_heads": "no"}, r"detach_heads: 'no' is a str; allowed: true or false"),
        ({"quantise": "int4"}, r"quantise: there is no 'int4'; allowed: none, nf4"),
        ({"attention": "fast"}, r"attention: there is no 'fast'; allowed: null, sdpa, eager"),
        ({"records": "a.jsonl"}, r"records: 'a\.jsonl' is a str; allowed: a list"),
        ({"losses": {"text": "much"}}, r"losses\.text: 'much' is a str; allowed: a number"),
        ({**JOINT, "adapter": {"dropout": 1}}, r"adapter\.dropout: 1 is out of range; allowed: .*at most 0\.99"),
    ],
)  # fmt: skip
def test_a_slip_is_one_error_that_says_where_and_what_is_allowed(changes, message, tmp_path):
    with pytest.raises(InputError, match=message):
        load_recipe(written(tmp_path, **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trains": dict.fromkeys(("adapter", "heads", "backbone", "vision"), False)}, "trains: nothing trains"),
        ({"start": "nano", "trains": {"adapter": True}}, "trains: an adapter and the weights that it adapts"),
        ({"start": "nano", "adapter": {"rank": 4}}, r"adapter: given, but trains\.adapter is false"),
        ({"start": "nano", "quantise": "nf4"}, "quantise: quantised weights cannot be trained"),
        ({"trains": JOINT["trains"]}, "start: a new model whose own weights do not train"),
        ({"trains": {"backbone_from": 2}}, "start: a new model whose own weights do not train"),
        ({"start": "nano", "trains": {"backbone": False, "backbone_from": 2}}, r"trains\.backbone_from: of a backbone"),
    ],
)
def test_what_cannot_be_together_is_an_error(changes, message, tmp_path):
    with pytest.raises(InputError, match=rf"{message}.*allowed: "):
        load_recipe(written(tmp_path, **changes))


def test_a_recipe_that_ships_has_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_recipe("stage1") == load_recipe(RECIPES / "stage1.yaml")
    with pytest.raises(InputError, match=r"recipe: no file stage3; allowed: a YAML file, or one of .*stage1, stage2"):
        load_recipe("stage3")


# ---- one run, one recipe -----------------------------------------------------------------------------------


def test_a_run_goes_on_by_the_recipe_it_began_with_and_by_no_other(tmp_path):
    path = written(tmp_path, **JOINT, adapter={"rank": 4})
    keep_recipe(load_recipe(path), tmp_path / "run")
    keep_recipe(load_recipe(path), tmp_path / "run")
    with pytest.raises(InputError, match=r"another recipe \(adapter\.rank was 4, now 8; rate was 0\.001, now 0\.002\)"):
        keep_recipe(load_recipe(path, ["adapter.rank=8", "rate=0.002"]), tmp_path / "run")
    with pytest.raises(InputError, match=r"losses\.text was None, now 1\.0.*allowed: the same, or a new folder"):
        keep_recipe(load_recipe(path, ["losses.text=1"]), tmp_path / "run")


def test_how_often_to_save_and_how_long_to_run_may_change(tmp_path):
    path = written(tmp_path, **JOINT)
    keep_recipe(load_recipe(path), tmp_path / "run")
    keep_recipe(load_recipe(path, ["save_every=7", "log_every=3", "workers=0", "minutes=5"]), tmp_path / "run")
    assert yaml.safe_load((tmp_path / "run" / "recipe.yaml").read_text())["save_every"] == 7


def test_the_kept_recipe_is_the_recipe(tmp_path):
    recipe = load_recipe(written(tmp_path, **JOINT, data=[{"records": "a", "weight": 2}], losses={"text": 1}))
    keep_recipe(recipe, tmp_path)
    assert load_recipe(tmp_path / "recipe.yaml") == recipe


# ---- the recipes that ship ---------------------------------------------------------------------------------


def test_stages_continue_each_other_and_keep_their_promises():
    first, second = (load_recipe(RECIPES / f"stage{i}.yaml") for i in (1, 2))
    assert first.detach_heads and not second.detach_heads
    assert second.start == "runs/stage1/final" and second.adapter is None  # the same LoRA goes on
    assert second.ramp_steps > 0 and second.losses["text"] > 0
    for recipe in (first, second):
        assert recipe.trains.adapter and recipe.trains.heads and not recipe.trains.backbone


def test_the_words_are_learned_behind_the_layers_that_stay_as_they_are():
    pretrain, words = (load_recipe(RECIPES / f"nano-{name}.yaml") for name in ("pretrain", "answers"))
    told = replace(pretrain.guide, places=None, cells=None)
    assert words.guide == told and words.trains == Trains(heads=False, vision=False, backbone_from=told.answers + 1)


def test_the_embedded_models_recipes_continue_each_other_and_fit_what_ships():
    pretrain, first, second = (load_recipe(RECIPES / f"nano-{name}.yaml") for name in ("pretrain", "stage1", "stage2"))
    assert pretrain.start is None and second.start == "runs/nano-stage1/final" and second.adapter is None
    assert first.detach_heads and first.trains.adapter and not second.detach_heads and second.losses["text"] > 0
    shipped = FathomConfig.from_pretrained(resolve("nano"))
    heads = dict(pretrain.model.heads)
    assert heads.pop("labels")["classes"] == {"kind": len(KINDS), "colour": len(COLOURS)}
    assert heads == {name: {key: shipped.heads[name][key] for key in options} for name, options in heads.items()}


def test_the_published_recipe_is_as_published():
    """Rates, batches, loss: github.com/hanxunyu/DepthVLM, train/train-stage1.sh and train-stage2.sh."""
    first, second = (load_recipe(RECIPES / f"depthvlm-stage{i}.yaml") for i in (1, 2))
    assert (first.rate, first.batch, first.losses) == (3.5e-4, 2560, {"depth_silog": 1.0})
    assert (second.rate, second.batch, second.losses) == (2e-5, 640, {"text": 1.0, "depth_silog": 1.0})
    assert (first.warmup_steps / first.steps, second.warmup_steps / second.steps) == (0.04, 0.05)
    assert first.trains == Trains(adapter=False, heads=True, backbone=False, vision=False)
    assert second.trains == Trains(adapter=False, heads=True, backbone=True, vision=False)
    assert not any(source.text for source in first.sources)
    assert all(source.reply for source in second.sources)
