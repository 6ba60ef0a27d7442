"""`fathom bench`: what a user types, and the files and lines that come back."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.cli import app
from heads.errors import InputError
from tests.benchmarks.questions.miniatures import WRITERS
from tests.tiny import tiny_model, tiny_records


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> tuple[str, str]:
    """A saved tiny model and its records."""
    folder = tmp_path_factory.mktemp("bench")
    tiny_model().save_pretrained(folder / "model")
    return str(folder / "model"), str(tiny_records(folder / "data", 3))


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_depth_with_and_without_the_camera(saved, tmp_path):
    model, records = saved
    out = tmp_path / "new" / "out"
    done = run("depth", "--records", records, "--model", model, "--out", str(out), "--limit", "2")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == [
        "depth_dense.md",
        "depth_dense_camera_given.json",
        "depth_dense_camera_none.json",
    ]
    result = json.loads((out / "depth_dense_camera_none.json").read_text())
    assert len(result["samples"]) == 2 and result["protocol"]["records"] == [records]
    assert result["protocol"]["model"] == model and result["protocol"]["limit_per_dataset"] == 2
    table = (out / "depth_dense.md").read_text()
    assert "| tiny | given | 2 |" in table and "| tiny | none | 2 |" in table


def test_questions(saved, tmp_path):
    model, records = saved
    done = run("qa", "--records", records, "--model", model, "--out", str(tmp_path), "--limit", "1", "--questions", "2")
    assert done.exit_code == 0, done.output
    (result,) = (json.loads(path.read_text()) for path in tmp_path.glob("qa_records_*.json"))
    assert result["types"]["distance"]["questions"] == 2 and result["protocol"]["questions_per_record"] == 2
    assert result["protocol"]["records"][0]["file"] == Path(records).name and result["protocol"]["sessions"]
    assert "| distance | 2 |" in (tmp_path / "qa.md").read_text()
    assert len(list(tmp_path.glob("samples/qa_records_*/part-*.parquet"))) == 1


def test_a_published_benchmark(saved, tmp_path):
    model, _ = saved
    data = WRITERS["cv-bench"](tmp_path / "data")
    asked = ["qa", "--benchmark", "cv-bench", "--data", str(data), "--model", model]
    done = run(*asked, "--limit", "4", "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    (result,) = (json.loads(path.read_text()) for path in (tmp_path / "out").glob("qa_CV-Bench_*.json"))
    assert result["headline"].keys() == {"2D", "3D", "all"} and result["protocol"]["version"] == 1
    for wrong in (["qa", "--model", model], ["qa", "--benchmark", "cv-bench"], [*asked, "--records", "r.jsonl"]):
        assert isinstance(run(*wrong).exception, InputError)


def test_two_models_are_compared_on_the_same_questions(saved, tmp_path):
    model, records = saved
    other = tmp_path / "other"
    tiny_model(seed=1).save_pretrained(other)
    out = tmp_path / "out"
    done = run("qa", "--records", records, "--model", model, "--model", str(other), "--out", str(out))
    assert done.exit_code == 0, done.output
    assert len(list(out.glob("qa_records_*.json"))) == 3
    (found,) = (json.loads(path.read_text()) for path in out.glob("*_against_*.json"))
    assert (found["a"], found["b"]) == (model, str(other))
    assert found["differences"]["all"]["questions"] == 9 and found["differences"]["all"]["photographs"] == 3
    assert "| all | 9 |" in (out / "qa.md").read_text()


def test_speed(saved, tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.flops.qwen3_vl_4b", lambda: tiny_model().config)  # counted in test_speed.py
    model, _ = saved
    done = run("speed", "--model", model, "--width", "64", "--height", "64", "--repeats", "1", "--out", str(tmp_path))
    assert done.exit_code == 0, done.output
    result = json.loads((tmp_path / "speed.json").read_text())
    assert result["vision_calls"] == 1 and result["flops"][model]["share_of_backbone"] > 0
    assert "FLOPs of one pass" in (tmp_path / "speed.md").read_text()


def test_wrong_input_is_one_line_before_any_compute(saved, tmp_path):
    model, records = saved
    (tmp_path / "file").write_text("")
    for arguments, said in (
        (("depth", "--records", "none.jsonl", "--model", model), "records: no file none.jsonl"),
        (("depth", "--records", records, "--model", "huge"), "model: no model or folder named 'huge'"),
        (("qa", "--records", records, "--model", model, "--out", str(tmp_path / "file")), "folder: "),
    ):
        done = run(*arguments)
        assert isinstance(done.exception, InputError), done.output
        assert said in str(done.exception) and "\n" not in str(done.exception)
    assert run("depth", "--records", records, "--camera", "some").exit_code == 2
    assert [path.name for path in Path(tmp_path).iterdir()] == ["file"]
