"""Which weights a recipe moves."""

import pytest

from heads.errors import InputError
from tests.tiny import tiny_model
from train.groups import grouped, set_trainable
from train.recipe import Recipe, Trains


def recipe(first: int) -> Recipe:
    return Recipe(start="nano", records=["x"], trains=Trains(heads=False, vision=False, backbone_from=first))


def test_the_last_layers_alone_move_where_a_first_one_is_named():
    model = tiny_model()
    set_trainable(model, recipe(2))
    moving = {name for _, name, weight in grouped(model) if weight.requires_grad}
    wanted = ("language_model.layers.2.", "language_model.layers.3.", "language_model.norm.")
    assert moving == {name for name, _ in model.named_parameters() if any(part in name for part in wanted)}
    set_trainable(model, recipe(0))
    moving = {name for group, name, weight in grouped(model) if weight.requires_grad}
    assert moving == {name for group, name, _ in grouped(model) if group == "backbone"}


def test_a_layer_that_is_not_there_is_told():
    with pytest.raises(InputError, match=r"trains\.backbone_from: no layer 4; allowed: 0 to 3"):
        set_trainable(tiny_model(), recipe(4))
