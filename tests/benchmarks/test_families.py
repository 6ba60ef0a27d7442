"""The table of families: sizes are the published ones, tests are counted from pytest's own file, FLOPs by formula."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForImageTextToText
from typer.testing import CliRunner

from benchmarks import families
from benchmarks.family_sizes import PUBLISHED
from benchmarks.flops import count_head
from heads.base import Tap
from heads.dpt import TAPS, PublishedMlpHead
from heads.errors import InputError
from vlm.backbones import FAMILIES
from vlm.cli import app

MILLIONS = {
    "Qwen/Qwen3-VL-2B-Instruct": 2128,
    "Qwen/Qwen2.5-VL-3B-Instruct": 3755,
    "HuggingFaceTB/SmolVLM-256M-Instruct": 256,
    "OpenGVLab/InternVL3-1B-hf": 938,
    "llava-hf/llava-onevision-qwen2-0.5b-ov-hf": 894,
    "google/gemma-3-4b-it": 4300,
    "google/paligemma-3b-pt-224": 2923,
}
"""Parameters as the models' pages on the hub state them."""
BY_NAME = {published.family: published for published in PUBLISHED}


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published.family)
def test_sizes_add_up_to_the_published_model(published):
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(AutoConfig.for_model(**published.config))
    assert round(sum(weight.numel() for weight in model.parameters()) / 1e6) == MILLIONS[published.source]


def test_every_family_has_its_row():
    assert {kind for published in PUBLISHED for kind in published.kinds} == set(FAMILIES)
    assert {published.config["model_type"] for published in PUBLISHED} <= set(FAMILIES)


def test_what_a_row_says_of_paligemma():
    """224 px in patches of 14: 16 x 16 tokens, every one of which sees the question."""
    row = families.examine(BY_NAME["PaliGemma"])
    assert (row.grid, row.tokens, row.sees_question) == ("one square of 16 x 16", (16, 16), True)
    assert row.taps == {
        "depth": ["vision.13", "vision.26", "language.9", "language.-1"],
        "rays": ["language.9", "language.-1"],
    }
    assert row.lines == len(Path("vlm/backbones/paligemma.py").read_text().splitlines())
    assert row.passed is None and families.families_table([row]).rows[0][1] == "-"


def test_a_photograph_in_tiles_is_counted_at_its_own_grid():
    """1024 x 768 px on two by two tiles of 512 px, 8 x 8 tokens each."""
    row = families.examine(BY_NAME["SmolVLM / Idefics3"])
    assert (row.grid, row.tokens) == ("tiles of 8 x 8 and the whole, stitched", (16, 16))
    assert row.head_parameters > 0 and row.flops > row.head_parameters  # every weight is used at many places


def test_flops_of_a_head_are_those_of_its_formula():
    """Two linear layers for each of 6 x 4 tokens: 64 -> 48 -> 32 x 32; a multiply-add is two."""
    head = PublishedMlpHead([Tap(name, 64, 32) for name in TAPS], hidden=48)
    grids = dict.fromkeys(TAPS, (4, 6))
    assert count_head(head, grids, (192, 128)) == 2 * 24 * (64 * 48 + 48 * 1024)


def junit(folder: Path, kinds: list[str]) -> Path:
    """Of every kind two tests that passed, one that failed, one that was skipped, one broken; and one of no kind."""
    cases = ['<testcase classname="tests.vlm.test_x" name="test_of_nobody[1]"/>']
    for kind in kinds:
        cases += [f'<testcase name="test_a[{kind}]"/>', f'<testcase name="test_b[left-{kind}]"/>']
        for number, end in enumerate(("failure", "skipped", "error")):
            cases.append(f'<testcase name="test_c[{kind}-{number}]"><{end} message="so"/></testcase>')
    path = folder / "junit.xml"
    path.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    return path


def test_tests_are_counted_from_pytests_own_file(tmp_path):
    counts = families.count_tests(junit(tmp_path, list(FAMILIES)))
    assert counts == {kind: {"passed": 2, "failed": 2, "skipped": 1} for kind in FAMILIES}


def test_a_file_without_a_familys_tests_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"junit: .*holds no test of gemma3; allowed: what `pytest"):
        families.count_tests(junit(tmp_path, [kind for kind in FAMILIES if kind != "gemma3"]))
    (tmp_path / "bad.xml").write_text("<testsuites>")
    for path in ("bad.xml", "none.xml"):
        with pytest.raises(InputError, match=r"junit: .*cannot be read"):
            families.count_tests(tmp_path / path)


def test_the_command_writes_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(families, "PUBLISHED", (BY_NAME["SmolVLM / Idefics3"],))
    told = str(junit(tmp_path, ["idefics3", "smolvlm"]))
    done = CliRunner().invoke(app, ["bench", "families", "--junit", told, "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    (row,) = json.loads((tmp_path / "out" / "families.json").read_text())["rows"]
    assert (row["passed"], row["failed"], row["skipped"]) == (4, 4, 2) and row["sees_question"] is False
    written = (tmp_path / "out" / "families.md").read_text()
    assert "| SmolVLM / Idefics3 | 4 of 8 |" in written and "SmolVLM / Idefics3 2" in written
