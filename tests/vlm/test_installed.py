"""A checkout that is run from its root and not installed: the same commands, and versions that say so."""

import importlib.metadata

import pytest

from vlm import installed


@pytest.fixture
def not_installed(monkeypatch):
    """The machine of somebody who has a checkout, and none of our package's own metadata."""

    def version(name: str) -> str:
        if name == "fathom-vlm":
            raise importlib.metadata.PackageNotFoundError(name)
        return importlib.metadata.version(name)

    monkeypatch.setattr(installed, "version", version)
    monkeypatch.setattr(installed, "entry_points", lambda group: ())


def test_a_checkout_has_the_commands_that_an_installation_has(monkeypatch, not_installed):
    declared = {command.name: command.value for command in installed.commands()}
    assert declared["train"] == "train.cli:train" and "worlds" in declared and "bench" in declared
    assert all(callable(command.load()) for command in installed.commands())
    monkeypatch.setattr(installed, "PROJECT", installed.PROJECT.with_name("none.toml"))
    assert list(installed.commands()) == []  # a wheel without its entry points: look and chat still work


def test_what_is_not_installed_has_no_version(not_installed):
    assert installed.version_of("torch") == importlib.metadata.version("torch")
    assert installed.version_of("fathom-vlm") is None


def test_a_scene_and_a_card_are_written_all_the_same(not_installed, saved, photo, tmp_path):
    from train import card
    from vlm.model import Fathom
    from vlm.save import answer_json

    versions = answer_json(Fathom.from_pretrained(saved).look(photo(64, 64)))["versions"]
    assert versions["fathom-vlm"] is None and versions["torch"] == importlib.metadata.version("torch")
    told = dict(card._versions())
    assert told["fathom-vlm"] == "not installed" and told["torch"] == versions["torch"]
