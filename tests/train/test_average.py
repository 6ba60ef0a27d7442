"""The running mean of the weights: what ships is the mean, what trains on is not, and a stop changes neither."""

import pytest
import torch
from torch import nn

from heads.errors import InputError
from tests.tiny import tiny_records
from tests.train.test_training import recipe, tensors
from train.average import FILE, Average
from train.export import export_model
from train.run import run


def test_a_constant_stays_and_a_change_is_followed_at_the_share():
    model = nn.Linear(2, 2)
    average = Average(model, 0.9)
    for _ in range(200):
        average.add()
    assert torch.allclose(average.means["weight"], model.weight)
    before = model.weight.detach().clone()
    with torch.no_grad():
        model.weight += 1
    average.add()
    assert torch.allclose(average.means["weight"], before + 0.1, atol=1e-5)
    with average.taken():
        assert torch.allclose(model.weight, before + 0.1, atol=1e-5)
    assert torch.equal(model.weight, before + 1)


def test_weights_that_stand_still_are_not_kept():
    model = nn.Linear(2, 2)
    model.bias.requires_grad_(False)
    assert list(Average(model, 0.9).means) == ["weight"]


def test_a_weight_that_lies_otherwise_in_memory_is_kept_and_saved(tmp_path):
    model = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    average = Average(model, 0.9)
    average.save(tmp_path)
    average.load(tmp_path)
    assert torch.equal(average.means["weight"], model.weight)


def test_the_mean_ships_the_checkpoint_trains_on_and_a_stop_changes_nothing(tmp_path):
    records = tiny_records(tmp_path, 6)
    plan = recipe(records, steps=6, save_every=3, batch=2, average=0.8)
    model = run(plan, tmp_path / "whole")
    export_model(model, tmp_path / "exported")
    whole, exported = tensors(tmp_path / "whole" / "final"), tensors(tmp_path / "exported")
    last = tensors(tmp_path / "whole" / "checkpoint-6")
    assert any(not torch.allclose(whole[name], last[name], atol=1e-5) for name in whole)
    assert all(torch.equal(whole[name].half(), weight) for name, weight in exported.items())

    (tmp_path / "halves").mkdir()
    (tmp_path / "whole" / "recipe.yaml").rename(tmp_path / "halves" / "recipe.yaml")
    (tmp_path / "whole" / "checkpoint-3").rename(tmp_path / "halves" / "checkpoint-3")
    run(plan, tmp_path / "halves")
    halves = tensors(tmp_path / "halves" / "final")
    assert all(torch.allclose(whole[name], halves[name], rtol=0, atol=1e-6) for name in whole)


def test_a_checkpoint_without_the_mean_or_with_another_is_an_error(tmp_path):
    with pytest.raises(InputError, match=f"no {FILE}"):
        Average(nn.Linear(2, 2), 0.9).load(tmp_path)
    Average(nn.Linear(3, 2), 0.9).save(tmp_path)
    with pytest.raises(InputError, match="other weights"):
        Average(nn.Linear(2, 2), 0.9).load(tmp_path)
