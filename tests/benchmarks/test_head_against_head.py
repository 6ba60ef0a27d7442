"""Heads side by side: what may be compared, the mean and spread of seeds, and cost by its formula."""

import math
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from benchmarks.cli import app
from benchmarks.head_against_head import COLUMNS, Compared, compare_heads, heads_table, trained_runs
from benchmarks.sources import RecordFiles
from heads.errors import InputError
from tests.tiny import tiny_model, tiny_records

MLP = {"kind": "published_mlp", "taps": ["deepstack.0", "deepstack.1", "language.1", "language.-1"], "hidden": 8}


def trained(folder: Path, seed: int, heads: dict | None = None, **changes) -> Path:
    """A finished run's folder: the recipe that it kept, and its model."""
    recipe = {"start": "nano", "steps": 3, "batch": 2, "data": [{"records": "a.jsonl"}], "seed": seed} | changes
    model = tiny_model(seed=seed)
    if heads:
        model.set_heads(model.config.heads | heads)
    model.save_pretrained(folder / "final")
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return folder


@contextmanager
def no_bar(_what: str, _total: int):
    yield lambda done: None


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """Two seeds of our head, one of an MLP's."""
    folder = tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        trained(folder / "ours" / str(seed), seed)
    trained(folder / "mlp" / "0", 0, {"depth": MLP})
    return folder


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    return tiny_records(tmp_path_factory.mktemp("data"), 3, (96, 128))


@pytest.fixture(scope="module")
def found(runs, records, tmp_path_factory) -> dict[str, Compared]:
    out = tmp_path_factory.mktemp("out")
    return {row.name: row for row in compare_heads(runs, RecordFiles((records,)), out, no_bar, (128, 128))}


def test_each_head_has_one_value_a_seed_and_only_ours_says_intervals(found):
    assert {name: row.seeds for name, row in found.items()} == {"mlp": [0], "ours": [0, 1]}
    ours, mlp = found["ours"].values, found["mlp"].values
    assert set(ours) == set(COLUMNS) and all(len(values) == 2 for values in ours.values())
    assert all(0 <= value <= 1 for value in ours["coverage_90"]) and math.isnan(mlp["coverage_90"][0])
    assert ours["order_wrong"][0] != ours["order_wrong"][1]  # other seeds, other weights


def test_flops_of_an_mlp_are_its_formula(found):
    """4 x 4 tokens of 32 channels: 32 -> 8 -> 1,024 numbers, two operations a multiply-add."""
    row = found["mlp"]
    assert row.size == (128, 128)
    assert row.flops == 2 * 16 * (32 * 8 + 8 * 1024)
    assert row.parameters == 2 * 32 + 32 * 8 + 8 + 8 * 1024 + 1024
    assert 0 < row.seconds < 10
    assert found["ours"].flops > row.flops


def test_intervals_are_measured_without_the_calibration_of_another_head(runs, records, found, tmp_path):
    """A model whose config says that its intervals are a thousand times as wide is told the same coverage."""
    for seed in (0, 1):
        wide = tiny_model(seed=seed)
        wide.config.uncertainty["factor"] = {"caller": 1000.0, "exif": 1000.0, "rays": 1000.0}
        folder = tmp_path / "runs" / "wide" / str(seed)
        trained(folder, seed)
        wide.save_pretrained(folder / "final")
    rows = compare_heads(tmp_path / "runs", RecordFiles((records,)), tmp_path / "out", no_bar, (128, 128))
    assert rows[0].values["coverage_90"] == pytest.approx(found["ours"].values["coverage_90"], abs=1e-9)


def test_the_table_tells_mean_and_standard_deviation_of_seeds():
    values = {name: [math.nan] for name in COLUMNS} | {"delta1": [0.5, 0.6, 0.7], "edge_width_px": [4.0]}
    table = heads_table(
        [Compared("ours", [0, 1, 2], (256, 192), 2_000_000, 3 * 10**9, 0.0125, values)], "3 photographs"
    )
    cells = dict(zip(table.columns, table.rows[0], strict=True))
    assert cells["delta1"] == "0.600 ± 0.100" and cells["edge width px"] == "4.0" and cells["in 90 %"] == "-"
    assert cells["GFLOPs"] == "3.00" and cells["ms"] == "12.5" and cells["M parameters"] == "2.00"


@pytest.mark.parametrize(
    "change, said",
    [
        ({"steps": 4}, "differ in steps"),
        ({"data": [{"records": "b.jsonl"}]}, "differ in data"),
        ({"seed": 5}, "was trained with seed 5"),
    ],
)
def test_runs_that_differ_in_more_than_the_head_are_refused_before_any_model_is_loaded(tmp_path, change, said):
    common = {"start": "nano", "steps": 3, "batch": 2, "data": [{"records": "a.jsonl"}], "seed": 0}
    for name, recipe in (("a", common), ("b", common | change)):
        (tmp_path / name / "0" / "final").mkdir(parents=True)  # holds no model
        (tmp_path / name / "0" / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.raises(InputError, match=said):
        trained_runs(tmp_path)


def test_an_empty_folder_and_an_unfinished_run_are_told(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        trained_runs(tmp_path)
    (tmp_path / "ours" / "0").mkdir(parents=True)
    (tmp_path / "ours" / "0" / "recipe.yaml").write_text("seed: 0\n")
    with pytest.raises(InputError, match="not finished"):
        trained_runs(tmp_path)


def test_the_command_writes_the_table_and_every_seed(runs, records, tmp_path):
    told = CliRunner().invoke(app, ["heads", str(runs), "--records", str(records), "--out", str(tmp_path / "heads")])
    assert told.exit_code == 0, told.output
    assert "± " in (tmp_path / "heads" / "heads.md").read_text()
    kept = yaml.safe_load((tmp_path / "heads" / "heads.json").read_text())
    assert kept["ours"]["seeds"] == [0, 1] and len(kept["ours"]["values"]["delta1"]) == 2
