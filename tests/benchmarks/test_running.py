"""A run that is killed, shared out, or meets bad data: the same tables, and everything told."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

from benchmarks import running
from benchmarks.adapters.base import Prediction
from benchmarks.depth import DepthOptions, DepthTask, run_depth
from benchmarks.depth_tables import depth_tables
from benchmarks.processes import Processes
from benchmarks.running import part_path, read_parts
from benchmarks.summary import result_of
from heads.errors import InputError
from tests.benchmarks.knowing import KnowingAdapter
from tests.tiny import tiny_model, tiny_records
from vlm.records import Record, read_records

OPTIONS = DepthOptions(camera="none")


@pytest.fixture
def records(tmp_path: Path, monkeypatch) -> list[Record]:
    monkeypatch.setattr(running, "PART", 2)
    return list(read_records(tiny_records(tmp_path, 7)))


def markdown(folder: Path) -> str:
    """The tables of measures: all but what it cost."""
    return "\n".join(table.markdown() for table in depth_tables([result_of(folder)])[:-1])


class Interrupted(Exception):
    """Stands for a kill."""


def test_a_run_that_was_killed_goes_on_where_it_stopped(records, tmp_path):
    whole, broken = tmp_path / "whole" / "run", tmp_path / "broken" / "run"
    run_depth(KnowingAdapter(records, factor=1.2), records, whole, OPTIONS)
    adapter = KnowingAdapter(records, factor=1.2)
    ask, asked = adapter.predict, []

    def killed_at_the_third_batch(*arguments):
        asked.append(arguments)
        if len(asked) == 3:
            raise Interrupted
        return ask(*arguments)

    adapter.predict = killed_at_the_third_batch
    with pytest.raises(Interrupted):
        run_depth(adapter, records, broken, OPTIONS)
    done = sorted(path.name for path in broken.glob("part-*"))
    assert 0 < len(done) < 4 and not list(broken.glob(".*"))
    again, progress = KnowingAdapter(records, factor=1.2), []
    run_depth(again, records, broken, OPTIONS, progress=progress.append)
    assert sum(len(photos) for photos, _, _ in again.calls) == 7 - 2 * len(done)  # no photograph twice
    assert sum(progress) == 7
    assert markdown(broken) == markdown(whole)
    last = KnowingAdapter(records, factor=1.2)
    run_depth(last, records, broken, OPTIONS)
    assert last.calls == []  # complete: nothing is asked again


def test_shared_out_among_processes_the_table_is_the_same(records, tmp_path):
    one, two = tmp_path / "one" / "run", tmp_path / "two" / "run"
    run_depth(KnowingAdapter(records, factor=1.2), records, one, OPTIONS)
    meet = threading.Barrier(2)
    adapters = [KnowingAdapter(records, factor=1.2) for _ in range(2)]
    threads = [
        threading.Thread(
            target=run_depth, args=(adapter, records, two, OPTIONS, None, Processes(rank, 2, lambda: bool(meet.wait())))
        )
        for rank, adapter in enumerate(adapters)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert [sum(len(photos) for photos, _, _ in adapter.calls) for adapter in adapters] == [4, 3]
    assert markdown(one) == markdown(two)


def test_a_folder_of_another_run_is_refused(records, tmp_path):
    folder = tmp_path / "run"
    run_depth(KnowingAdapter(records), records, folder, OPTIONS)
    with pytest.raises(InputError, match=r"out: .*another run: model_facts was .*factor.*a new folder"):
        run_depth(KnowingAdapter(records, factor=2.0), records, folder, OPTIONS)
    with pytest.raises(InputError, match="batch was 4, is 2"):
        run_depth(KnowingAdapter(records), records, folder, DepthOptions(camera="none", batch=2))


def test_a_bad_sample_is_left_out_told_and_counted(records, tmp_path):
    records[1].image.write_bytes(b"no picture")
    records[4].depth_path.unlink()
    folder = tmp_path / "run"
    result = run_depth(KnowingAdapter(records), records, folder, OPTIONS)
    found = result.datasets["tiny"]
    assert (found["photographs"], found["bad"], found["failed"], found["delta1"]) == (7, 2, 0, 1)
    assert [trouble["where"] for trouble in result.troubles] == ["records.jsonl:2", "records.jsonl:5"]
    assert "not an image" in result.troubles[0]["problem"] and "4.png" in result.troubles[1]["problem"]
    table = depth_tables([result])[0].markdown()
    assert "2 bad (left out), first records.jsonl:2: " in table
    assert table.splitlines()[4].endswith("| 0 | 0 | 2 |")


def test_where_the_model_fails_its_truths_count_as_wrong(records, tmp_path):
    adapter = KnowingAdapter(records, fails_on=("2.png",))
    result = run_depth(adapter, records, tmp_path / "run", OPTIONS)
    found = result.datasets["tiny"]
    assert (found["failed"], found["bad"]) == (1, 0)
    assert found["delta1"] == pytest.approx(6 / 7) and found["abs_rel"] == 0
    assert found["coverage_95"] == pytest.approx(6 / 7)  # what is missing covers nothing
    assert found["order_wrong"] == pytest.approx(1 / 7)  # nor has it any order
    assert found["missing"] == np.isfinite(records[2].depth_z()).sum()
    assert result.troubles == [
        {"where": "records.jsonl:3", "status": "failed", "problem": "RuntimeError: out of memory, says the model"}
    ]
    rows = [row["status"] for part in read_parts(tmp_path / "run") for row in part]
    assert rows == ["ok", "ok", "failed", "ok", "ok", "ok", "ok"]  # its neighbour in the batch was asked alone


def test_a_mistake_of_the_adapter_is_not_counted_against_the_model(records, tmp_path):
    adapter = KnowingAdapter(records)
    adapter.prediction = lambda photo, camera, name: Prediction(np.ones((3, 3)))
    with pytest.raises(ValueError, match=r"depth_metric has the shape \(3, 3\), the photograph \(64, 96\)"):
        run_depth(adapter, records, tmp_path / "run", OPTIONS)


def test_loading_and_scoring_run_beside_the_model(records, tmp_path, monkeypatch):
    seen: dict[str, list[tuple[float, float]]] = {"load": [], "predict": [], "score": []}

    def timed(name, call):
        def wrapped(*arguments):
            started = time.perf_counter()
            time.sleep(0.05)
            found = call(*arguments)
            seen[name].append((started, time.perf_counter()))
            return found

        return wrapped

    adapter = KnowingAdapter(records)
    adapter.predict = timed("predict", adapter.predict)
    monkeypatch.setattr(DepthTask, "load", timed("load", DepthTask.load))
    monkeypatch.setattr(DepthTask, "score", timed("score", DepthTask.score))
    run_depth(adapter, records, tmp_path / "run", DepthOptions(camera="none", batch=1))

    def beside(name: str) -> int:
        return sum(
            any(start < end_p and start_p < end for start_p, end_p in seen["predict"]) for start, end in seen[name]
        )

    assert len(seen["load"]) == len(seen["score"]) == len(seen["predict"]) == 7
    assert beside("load") >= 3 and beside("score") >= 3


def test_what_is_held_at_once_does_not_grow_with_the_number_of_records(tmp_path, monkeypatch):
    path = tiny_records(tmp_path, 2, size=(16, 24))
    path.write_text(path.read_text() * 32)
    samples, most = [], []

    def counted(self, record, row, load=DepthTask.load):
        sample = load(self, record, row)
        samples.append(weakref.ref(sample))
        most.append(sum(known() is not None for known in samples))
        return sample

    monkeypatch.setattr(DepthTask, "load", counted)
    adapter = KnowingAdapter(list(read_records(path, limit=2)))
    ask = adapter.predict
    adapter.predict = lambda *asked: (ask(*asked), adapter.calls.clear())[0]
    result = run_depth(adapter, read_records(path), tmp_path / "run", DepthOptions("sparse", "none", batch=2))
    assert result.datasets["tiny"]["photographs"] == 64
    # in the model, decoded before it, scored behind it, and what the threads have in hand
    assert max(most) <= (1 + running.AHEAD + running.AHEAD + 2) * 2


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("launch")
    tiny_model().save_pretrained(folder / "model")
    return str(folder / "model"), str(tiny_records(folder / "data", 72))  # three parts: two can be written at once


def command(saved: tuple[str, str], out: Path) -> list[str]:
    model, records = saved
    arguments = ["--records", records, "--model", model, "--camera", "none", "--mode", "dense", "--out", str(out)]
    return [str(Path(sys.executable).with_name("fathom")), "bench", "depth", *arguments]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def tables_of(out: Path) -> str:
    """What the command wrote, without what it cost."""
    return (out / "depth_dense.md").read_text().split("**What it cost**")[0]


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_one_process_two_processes_killed_and_resumed_give_identical_tables(saved, tmp_path):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    run = {"env": environment, "capture_output": True, "text": True, "timeout": 900}
    one, two, killed = tmp_path / "one", tmp_path / "two", tmp_path / "killed"
    done = subprocess.run([sys.executable, *command(saved, one)], **run)
    assert done.returncode == 0, done.stderr
    launch = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", str(free_port())]
    done = subprocess.run([sys.executable, *launch, *command(saved, two)], **run)  # no GPU here: gloo on two CPUs
    assert done.returncode == 0, done.stderr
    assert tables_of(one) == tables_of(two)
    sessions = json.loads(next((two / "samples").glob("*/run.json")).read_text())["sessions"]
    assert sessions[-1]["processes"] == 2

    process = subprocess.Popen(
        [sys.executable, *command(saved, killed)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    first = None
    until = time.monotonic() + 400
    while time.monotonic() < until:
        ended = process.poll() is not None
        first = next((killed / "samples").glob("*/part-000000.parquet"), None)
        if first is not None or ended:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert first is not None and not part_path(first.parent, 2).is_file()  # it had not finished
    before = first.stat().st_mtime_ns
    done = subprocess.run([sys.executable, *command(saved, killed)], **run)
    assert done.returncode == 0, done.stderr
    assert first.stat().st_mtime_ns == before  # what was done stays
    assert tables_of(killed) == tables_of(one)
