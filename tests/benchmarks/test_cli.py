"""`fathom bench`: what a user types, and the files and lines that come back."""

import hashlib
import json
from pathlib import Path

import pytest
from pyarrow.parquet import read_table
from typer.testing import CliRunner

from benchmarks.cli import app
from benchmarks.measuring import slug
from heads.errors import InputError
from tests.benchmarks.questions.miniatures import WRITERS
from tests.tiny import tiny_model, tiny_records


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> tuple[str, str]:
    """A saved tiny model and its records."""
    folder = tmp_path_factory.mktemp("bench")
    tiny_model().save_pretrained(folder / "model")
    return str(folder / "model"), str(tiny_records(folder / "data", 3))


def sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_depth_with_and_without_the_camera(saved, tmp_path):
    model, records = saved
    out = tmp_path / "new" / "out"
    done = run("depth", "--records", records, "--model", model, "--out", str(out), "--limit", "2")
    assert done.exit_code == 0, done.output
    names = [f"depth_dense_camera_{camera}_{slug(model)}" for camera in ("given", "none")]
    assert {"depth_dense.md", "samples", *(f"{name}.json" for name in names)} <= {path.name for path in out.iterdir()}
    result = json.loads((out / f"{names[1]}.json").read_text())
    assert result["datasets"]["tiny"]["photographs"] == 2 and result["protocol"]["model"] == model
    assert result["protocol"]["records"] == [{"file": "records.jsonl", "sha256": sha256(records)}]
    assert result["protocol"]["limit_per_dataset"] == 2 and result["protocol"]["photographs"] == 2
    table = (out / "depth_dense.md").read_text()
    given, none = (json.loads((out / f"{name}.json").read_text())["datasets"]["tiny"]["delta1"] for name in names)
    assert f"- {model}: delta1 lost without the camera {given - none:+.3f} (mean of data sets)" in table
    assert f"| tiny | {model} | given | 2 |" in table and f"| tiny | {model} | none | 2 |" in table
    rows = read_table(sorted((out / "samples" / names[0]).glob("part-*.parquet")))
    assert rows.num_rows == 2 and rows["delta1"].to_pylist() != [None, None]


def test_several_models_on_the_same_photographs_go_on_where_they_stopped(saved, tmp_path):
    _, records = saved
    models = ["--model", "constant:2.0", "--model", "constant:best", "--model", "constant:best-abs-rel"]
    arguments = ["depth", "--records", records, *models, "--align", "scale", "--crop-seed", "3", "--out", str(tmp_path)]
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    table = (tmp_path / "depth_dense.md").read_text()
    assert "ALIGNED" in table and "CROPPED" in table and "chosen on each data set's own truth" in table
    rows = [line for line in table.splitlines() if line.startswith("| tiny | constant:")]
    assert len(rows) >= 3 and all("| none | 3 |" in row for row in rows)  # a constant is run once: no camera changes it
    parts = {path: path.stat().st_mtime_ns for path in tmp_path.glob("samples/*/part-*.parquet")}
    assert len(parts) == 3 and run(*arguments).exit_code == 0
    assert parts == {path: path.stat().st_mtime_ns for path in tmp_path.glob("samples/*/part-*.parquet")}
    changed = run(*arguments, "--limit", "1")
    assert isinstance(changed.exception, InputError) and "limit_per_dataset was None, is 1" in str(changed.exception)


def test_the_range_that_records_call_valid_is_stated(saved, tmp_path):
    _, records = saved
    rows = [json.loads(line) for line in Path(records).read_text().splitlines()]
    far = [3.0, 4.0, 4.0]
    path = Path(records).with_name("ranges.jsonl")
    path.write_text("\n".join(json.dumps(row | {"valid_range_m": [0.5, far[i]]}) for i, row in enumerate(rows)))
    done = run("depth", "--records", str(path), "--model", "constant:2.0", "--out", str(tmp_path))
    assert done.exit_code == 0, done.output
    result = json.loads((tmp_path / "depth_dense_camera_none_constant-2.0.json").read_text())
    assert result["protocol"]["valid_ranges_m"] == {"tiny": [0.5, 4.0]}
    assert "valid range: tiny 0.5 to 4 m, no cap elsewhere" in (tmp_path / "depth_dense.md").read_text()


def test_images_relative_to_a_root_and_nothing_kept_without_out(saved, tmp_path, monkeypatch):
    _, records = saved
    elsewhere = tmp_path / "records.jsonl"
    elsewhere.write_text(Path(records).read_text())
    monkeypatch.chdir(tmp_path)
    lost = run("depth", "--records", str(elsewhere), "--model", "constant:2.0")
    assert lost.exit_code == 0 and "3 bad" in " ".join(lost.output.split())
    nowhere = run("depth", "--records", str(elsewhere), "--root", str(tmp_path / "no"), "--model", "constant:2.0")
    assert isinstance(nowhere.exception, InputError) and "root: no folder" in str(nowhere.exception)
    found = run("depth", "--records", str(elsewhere), "--root", str(Path(records).parent), "--model", "constant:2.0")
    assert found.exit_code == 0 and "bad (" not in found.output
    assert [path.name for path in tmp_path.iterdir()] == ["records.jsonl"]


def test_distances(saved, tmp_path):
    model, records = saved
    arguments = ["--records", records, "--model", model, "--model", "constant:2.0"]
    done = run("distance", *arguments, "--pairs", "3", "--out", str(tmp_path))
    assert done.exit_code == 0, done.output
    table = (tmp_path / "distance.md").read_text()
    for name in (model, "constant:2.0"):  # a constant, too, needs the camera here
        assert f"| tiny | {name} | given | 3 |" in table and f"| tiny | {name} | none | 3 |" in table


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


def test_coexistence(saved, tmp_path):
    model, records = saved
    asked = ["coexistence", "--records", records, "--model", model, "--base", model, "--repeats", "1", "--limit", "1"]
    done = run(*asked, "--out", str(tmp_path))
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "coexistence.json").read_text())
    assert found["text"]["difference"] == 0 and found["depth"] is None and found["question"]["largest"] < 1e-4
    assert "text and geometry in one model" in (tmp_path / "coexistence.md").read_text()


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
    unknown = tmp_path / "unknown.jsonl"
    line = json.loads(Path(records).read_text().splitlines()[0])
    unknown.write_text(json.dumps({key: value for key, value in line.items() if not key.startswith("original_f")}))
    for arguments, said in (
        (("depth", "--records", "none.jsonl", "--model", model), "records: no file none.jsonl"),
        (("depth", "--records", records, "--model", "huge"), "model: no model or folder named 'huge'"),
        (("depth", "--records", records, "--model", "constant:far"), "model: constant:far"),
        (("depth", "--records", str(unknown), "--model", "constant:2"), "camera: unknown.jsonl:1 has no intrinsics"),
        (("depth", "--records", records, "--model", model, "--out", str(tmp_path / "file")), "folder: "),
        (("qa", "--records", records, "--model", model, "--out", str(tmp_path / "file")), "folder: "),
    ):
        done = run(*arguments)
        assert isinstance(done.exception, InputError), done.output
        assert said in str(done.exception) and "\n" not in str(done.exception)
    assert run("depth", "--records", records, "--camera", "some").exit_code == 2
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == ["file", "unknown.jsonl"]
