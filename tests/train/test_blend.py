"""Weights between two states of one model."""

import pytest
import torch
from typer.testing import CliRunner

from heads.errors import InputError
from tests.tiny import tiny_model
from train.blend import blend
from train.groups import grouped
from vlm.cli import app
from vlm.model import Fathom


@pytest.fixture
def states(tmp_path):
    """A model, what a training made of it, and their folders; float16 on disk, as what ships."""
    before, after = tiny_model(), tiny_model()
    with torch.no_grad():
        for weight in after.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    for name, model in (("before", before), ("after", after)):
        model.half().save_pretrained(tmp_path / name)
    return before, after, tmp_path


def test_chosen_groups_lie_between_and_all_else_is_that_of_the_second(states):
    before, after, folder = states
    command = ["blend", str(folder / "before"), str(folder / "after"), "--out", str(folder / "out")]
    result = CliRunner().invoke(app, [*command, "--share", "0.25", "--groups", "vision, heads"])
    assert result.exit_code == 0, result.output
    mixed = Fathom.from_pretrained(folder / "out")
    old, new = dict(before.named_parameters()), dict(after.named_parameters())
    moved = set()
    for group, name, weight in grouped(mixed):
        if group in ("vision", "heads"):
            expected = (0.75 * old[name].float() + 0.25 * new[name].float()).half()
            moved.add(group)
        else:
            expected = new[name]
        assert torch.equal(weight.half(), expected), name
    assert moved == {"vision", "heads"}
    assert sorted(p.name for p in (folder / "out").iterdir()) == sorted(p.name for p in (folder / "after").iterdir())


def test_the_ends_are_the_two_models(states):
    before, after, folder = states
    for share, end in ((0, before), (1, after)):
        out = blend(folder / "before", folder / "after", folder / str(share), share)
        weights = dict(Fathom.from_pretrained(out).half().named_parameters())
        assert all(torch.equal(weights[name], weight) for name, weight in end.named_parameters())


def test_what_cannot_be_blended_is_told_before_anything_is_written(states):
    _, _, folder = states
    (folder / "full").mkdir()
    (folder / "full" / "mine.txt").write_text("kept")
    tiny_model(heads={}).half().save_pretrained(folder / "headless")
    (folder / "adapter").mkdir()
    (folder / "adapter" / "fathom_adapter.json").write_text("{}")
    for told, values in {
        "groups": {"groups": "vision,eyes"},
        "share": {"share": 1.5},
        "out": {"out": folder / "full"},
        "not built like": {"before": folder / "headless"},
        "is an adapter": {"after": folder / "adapter"},
        "no model or folder": {"before": folder / "missing"},
    }.items():
        given = {"before": folder / "before", "after": folder / "after", "out": folder / "new"} | values
        with pytest.raises(InputError, match=told):
            blend(**given)
        assert not (folder / "new").exists()
    assert [path.name for path in (folder / "full").iterdir()] == ["mine.txt"]
