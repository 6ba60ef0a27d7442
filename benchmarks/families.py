"""What each family of backbones is to Fathom: a table whose every cell is read or counted, none written down.

    fathom bench families --junit families.xml     # of `pytest tests/vlm --junitxml families.xml`

Parameters and FLOPs are those of the default heads at the smallest size that the family is published in, for one
photograph of 1024 x 768 px within the default budget; nothing is downloaded and no weight is made.
"""

import inspect
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import torch
from transformers import AutoConfig

from benchmarks.family_sizes import PUBLISHED, Published
from benchmarks.flops import count_head
from benchmarks.report import NONE, Table
from heads.errors import InputError
from vlm.config import FathomConfig
from vlm.model import Fathom
from vlm.processor import FathomProcessor

PHOTOGRAPH = (1024, 768)
OUTCOMES = ("passed", "failed", "skipped")


@dataclass(frozen=True)
class Row:
    """One family. passed, failed, skipped: its tests in the JUnit file, None without one. flops: of all heads."""

    family: str
    source: str
    taps: dict[str, list[str]]
    grid: str
    tokens: tuple[int, int]  # (h, w) for the photograph
    sees_question: bool
    backbone_parameters: int
    head_parameters: int
    flops: int
    lines: int
    passed: int | None = None
    failed: int | None = None
    skipped: int | None = None


def examine_families(junit: Path | None = None) -> list[Row]:
    """One row a family; junit: a file that `pytest --junitxml` wrote of tests/vlm."""
    counts = None if junit is None else count_tests(junit)
    return [examine(published, counts) for published in PUBLISHED]


def examine(published: Published, counts: dict[str, dict[str, int]] | None = None) -> Row:
    backbone = AutoConfig.for_model(**published.config)
    config = FathomConfig(backbone)
    with torch.device("meta"):
        model = Fathom(config)
    processor = FathomProcessor(None, published.images(), config.max_pixels, backbone)
    plan = processor.plan(*PHOTOGRAPH)
    pixels, grid_thw = processor.pixels([np.zeros((*plan.padded[::-1], 3), np.uint8)])
    (tokens,), (picture,) = (
        model.family.token_sizes(grid_thw, backbone),
        model.family.images(pixels, grid_thw, backbone),
    )
    grids = {
        tap.name: _patches(model, grid_thw) if tap.name.startswith("vision") else tokens
        for head in model.heads.values()
        for tap in head.taps
    }
    tested = {} if counts is None else {key: sum(counts[kind][key] for kind in published.kinds) for key in OUTCOMES}
    return Row(
        published.family,
        published.source,
        model.family.default_taps(backbone),
        grid_kind(model.family, backbone),
        tokens,
        model.family.IMAGE_SEES_QUESTION,
        sum(weight.numel() for weight in model.backbone.parameters()),
        sum(weight.numel() for weight in model.heads.parameters()),
        sum(count_head(head, grids, (picture.shape[2], picture.shape[1])) for head in model.heads.values()),
        lines_of(model.family),
        **tested,
    )


def _patches(model: Fathom, grid_thw: torch.Tensor) -> tuple[int, int]:
    """(h, w) of a vision tap's grid, from what the family makes of rows of that many patches."""
    backbone = model.config.backbone_config
    tiles = getattr(model.family, "tiles", None)
    shape = (int(grid_thw[0, 0]), tiles(backbone).patches ** 2, 1) if tiles else (int(grid_thw.prod()), 1)
    (grid,) = model.family.patch_rows_to_grids(torch.zeros(shape), grid_thw, backbone)
    return grid.shape[1], grid.shape[2]


def grid_kind(family: Any, backbone: Any) -> str:
    """How a photograph's tokens lie."""
    if not hasattr(family, "tiles"):
        return "any rectangle"
    tiles = family.tiles(backbone)
    side = f"{tiles.tokens} x {tiles.tokens}"
    return f"one square of {side}" if tiles.whole is None else f"tiles of {side} and the whole, stitched"


def lines_of(family: Any) -> int:
    """Lines of the family's own file."""
    path = inspect.getsourcefile(family if inspect.ismodule(family) else type(family))
    assert path is not None
    return len(Path(path).read_text(encoding="utf-8").splitlines())


def count_tests(junit: Path) -> dict[str, dict[str, int]]:
    """Kind -> outcome -> how many tests that are parametrised by it; InputError where there are none of a kind."""
    allowed = "what `pytest tests/vlm --junitxml FILE` writes"
    try:
        cases = list(ElementTree.parse(junit).iter("testcase"))
    except (OSError, ElementTree.ParseError) as problem:
        raise InputError("junit", f"{junit} cannot be read ({problem})", allowed) from None
    counts: dict[str, dict[str, int]] = {
        kind: dict.fromkeys(OUTCOMES, 0) for published in PUBLISHED for kind in published.kinds
    }
    for case in cases:
        marked = case.get("name", "").partition("[")[2].removesuffix("]").split("-")
        found = {child.tag for child in case}
        outcome = "failed" if found & {"failure", "error"} else "skipped" if "skipped" in found else "passed"
        for kind in counts.keys() & set(marked):
            counts[kind][outcome] += 1
    if missing := [kind for kind, told in counts.items() if not sum(told.values())]:
        raise InputError("junit", f"{junit} holds no test of {', '.join(missing)}", allowed)
    return counts


def families_table(rows: list[Row]) -> Table:
    """Rows as a table."""
    heads = ["family", "tests passed", "default taps", "grid", "tokens", "sees the question"]
    heads += ["backbone", "heads", "heads GFLOPs", "lines"]
    cells = []
    for row in rows:
        told = NONE if row.passed is None else f"{row.passed} of {row.passed + (row.failed or 0)}"
        taps = "; ".join(f"{head}: {', '.join(names)}" for head, names in row.taps.items())
        size = f"{row.backbone_parameters / 1e6:,.0f} M", f"{row.head_parameters / 1e6:.1f} M"
        counted = f"{row.flops / 1e9:.0f}", str(row.lines)
        seen = "yes" if row.sees_question else "no"
        tokens = f"{row.tokens[0]} x {row.tokens[1]}"
        cells.append([row.family, told, taps, row.grid, tokens, seen, *size, *counted])
    sizes = ", ".join(row.source for row in rows)
    note = f"sizes of {sizes}; heads as by default, counted for one photograph of {PHOTOGRAPH[0]} x {PHOTOGRAPH[1]} px"
    notes = [f"{note} without making a weight; a FLOP is one multiplication or one addition"]
    if any(row.skipped for row in rows):
        notes.append("tests skipped: " + ", ".join(f"{row.family} {row.skipped}" for row in rows if row.skipped))
    return Table("Families of backbones", heads, cells, notes, narrow=("family", "tests passed", "heads", "lines"))


def as_dicts(rows: list[Row]) -> list[dict[str, Any]]:
    """For a JSON file."""
    return [asdict(row) for row in rows]
