"""What is installed. Also answers in a checkout that is run from its root (`python3 -m vlm`) and not installed."""

import tomllib
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from pathlib import Path

GROUP = "fathom.commands"
PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def version_of(package: str) -> str | None:
    """None for one that is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def commands() -> list[EntryPoint]:
    """The commands of the group `fathom.commands`: those installed, else those that the checkout declares."""
    found = list(entry_points(group=GROUP))
    if found or not PROJECT.is_file():
        return found
    declared = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["entry-points"][GROUP]
    return [EntryPoint(name, value, GROUP) for name, value in declared.items()]
