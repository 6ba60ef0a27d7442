"""`fathom bench`: what a user types, and the files and lines that come back."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.cli import app
from heads.errors import InputError
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
    assert len(json.loads((tmp_path / "qa.json").read_text())["samples"]) == 2
    assert "| distance | 2 |" in (tmp_path / "qa.md").read_text()


def test_two_models_are_compared_on_the_same_questions(saved, tmp_path):
    model, records = saved
    other = tmp_path / "other"
    tiny_model(seed=1).save_pretrained(other)
    out = tmp_path / "out"
    done = run("qa", "--records", records, "--model", model, "--model", str(other), "--out", str(out))
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == ["qa.md", "qa_1.json", "qa_2.json", "qa_paired_2.json"]
    found = json.loads((out / "qa_paired_2.json").read_text())
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
