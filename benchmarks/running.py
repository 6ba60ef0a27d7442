"""Runs a model over records, photograph by photograph, so that it can be killed, resumed and shared out.

    OUT/samples/RUN/run.json               what was asked (`asked`), and every session that worked on it
    OUT/samples/RUN/part-000000.parquet    32 photographs each, one row a photograph, in the order of the records
    OUT/samples/RUN/_pictures/*.npz        of the worst and best ones (`benchmarks.gallery`)

RUN is one model in one way, e.g. "depth_dense_camera_none_nano". pyarrow.parquet's read_table takes the list of its
parts; the columns with their units are in `benchmarks/columns.py` (COMMON, then DEPTH or DISTANCE).
`benchmarks.summary` reads them part by part, so memory does not grow with the number of records.

A part is written to a temporary name and renamed: it is there whole or not at all. A run goes on with the parts
that are missing. Under `accelerate launch` process r of n makes the parts k with k % n = r. Parts, and batches
inside them, are the same however many processes there are and however often it was killed: so are the tables.
Decoding and scoring run in threads beside the model's forward pass.
"""

import json
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.adapters.base import Adapter, Prediction
from benchmarks.columns import schema
from benchmarks.processes import Processes
from benchmarks.protocol import peak_gpu_mib, peak_memory_mib, plain, session
from heads.camera import Camera
from heads.errors import InputError
from vlm.files import replacing
from vlm.images import Photo
from vlm.records import Record

PART = 32  # photographs: what a kill can cost
AHEAD = 2  # batches decoded before, and scored behind, the one in the model
Progress = Callable[[int], None]


@dataclass
class Sample:
    """One record, decoded: what the model is shown, and the truth it is scored against.

    photo, camera: after the crop; camera None where it is withheld. pixels: (n, 2) where sparse truth is asked.
    truth: the task's own. row: the columns known so far. problem: why its data cannot be read; then no more is set.
    """

    record: Record
    row: dict[str, Any]
    photo: Photo | None = None
    camera: Camera | None = None
    pixels: np.ndarray | None = None
    truth: Any = None
    problem: str | None = None


class Task(Protocol):
    """What is measured: columns beside COMMON; a record decoded; a prediction (None: the model failed) scored."""

    columns: dict[str, str]

    def load(self, record: Record, row: dict[str, Any]) -> Sample: ...

    def score(self, sample: Sample, prediction: Prediction | None) -> dict[str, Any]: ...


@dataclass
class _Part:
    number: int
    rows: list["Future[dict[str, Any]]"] = field(default_factory=list)


def run(
    adapter_of: Callable[[str], Adapter],
    task: Task,
    records: Iterable[Record],
    folder: Path,
    asked: dict[str, Any],
    processes: Processes,
    batch: int = 4,
    threads: int = 2,
    progress: Progress | None = None,
) -> None:
    """Makes the parts of this process that are not there yet; returns when all processes have done so.

    adapter_of: data set -> the adapter for it (an oracle's constant differs by data set).
    asked: JSON types; a folder that holds results of another request is refused with an InputError.
    progress: called with the number of photographs done since the last call, those done before included.
    """
    if processes.first:
        _begin(folder, asked, processes)
    processes.wait()
    with ThreadPoolExecutor(threads) as pool:
        behind: deque[_Part | list[Future]] = deque()
        clock = time.process_time()
        for step in _steps(task, records, folder, processes, batch, pool, progress):
            if isinstance(step, _Part):
                behind.append(step)
            else:
                futures, part = step
                samples = [future.result() for future in futures]
                part.rows += _predicted(adapter_of, task, samples, pool)
                behind.append(part.rows[-len(samples) :])
            while len(behind) > AHEAD:
                clock = _finish(behind.popleft(), task, folder, clock, progress)
        while behind:
            clock = _finish(behind.popleft(), task, folder, clock, progress)
    processes.wait()


def read_parts(folder: Path) -> Iterator[list[dict[str, Any]]]:
    """The rows of a run, part by part, in the order of the records."""
    from pyarrow import parquet

    for path in sorted(folder.glob("part-*.parquet")):
        yield parquet.read_table(path).to_pylist()


def _begin(folder: Path, asked: dict[str, Any], processes: Processes) -> None:
    """Writes what was asked, or checks that the folder was begun with the same; adds this session."""
    path = folder / "run.json"
    folder.mkdir(parents=True, exist_ok=True)
    asked = json.loads(json.dumps(plain(asked)))
    sessions = []
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        changed = [key for key in before["asked"] | asked if before["asked"].get(key) != asked.get(key)]
        if changed:
            told = "; ".join(f"{key} was {before['asked'].get(key)!r}, is {asked.get(key)!r}" for key in changed)
            raise InputError("out", f"{folder} holds results of another run: {told}", "a new folder, or the same run")
        sessions = before["sessions"]
    now = session(processes.count)
    if not sessions or sessions[-1] != now:
        sessions.append(now)
    with replacing(path) as temporary:
        temporary.write_text(json.dumps({"asked": asked, "sessions": sessions}, indent=1) + "\n", encoding="utf-8")


def _steps(
    task: Task,
    records: Iterable[Record],
    folder: Path,
    processes: Processes,
    batch: int,
    pool: ThreadPoolExecutor,
    progress: Progress | None,
) -> Iterator[_Part | tuple[list["Future[Sample]"], _Part]]:
    """Batches being decoded, AHEAD of the one that is handed out; after the batches of a part the part itself."""
    waiting: deque[_Part | tuple[list[Future[Sample]], _Part]] = deque()
    stream = enumerate(records)
    for number in range(2**62):
        block = list(islice(stream, PART))
        if not block:
            break
        if number % processes.count != processes.rank:
            continue
        if part_path(folder, number).is_file():
            if progress:
                progress(len(block))
            continue
        part = _Part(number)
        for _, same in groupby(block, key=lambda pair: pair[1].dataset):  # a batch is of one data set
            while group := list(islice(same, batch)):
                waiting.append(([pool.submit(_load, task, index, record) for index, record in group], part))
                while len(waiting) > AHEAD:
                    yield waiting.popleft()
        waiting.append(part)
    yield from waiting


def part_path(folder: Path, number: int) -> Path:
    """Where part `number` of a run is."""
    return folder / f"part-{number:06}.parquet"


def _load(task: Task, index: int, record: Record) -> Sample:
    started = time.thread_time()
    row = {
        "index": index,
        "where": record.where,
        "dataset": record.dataset,
        "domain": record.domain,
        "scene_id": record.scene_id,
        "image": None if isinstance(record.image, bytes) else str(record.image),
    }
    try:
        sample = task.load(record, row)
    except (InputError, OSError) as problem:
        sample = Sample(record, row, problem=" ".join(str(problem).split()))
    row["cpu_seconds_load"] = time.thread_time() - started
    return sample


def _predicted(
    adapter_of: Callable[[str], Adapter], task: Task, samples: list[Sample], pool: ThreadPoolExecutor
) -> list["Future[dict[str, Any]]"]:
    """The model on one batch of one data set; scoring is handed to the threads."""
    good = [sample for sample in samples if sample.problem is None]
    found: dict[int, Prediction | str] = {}
    if good:
        started = time.perf_counter()
        predictions = _ask(adapter_of(good[0].record.dataset), good)
        seconds = (time.perf_counter() - started) / len(good)
        for sample, prediction in zip(good, predictions, strict=True):
            sample.row["seconds"], found[id(sample)] = seconds, prediction
    return [pool.submit(_score, task, sample, found.get(id(sample))) for sample in samples]


def _ask(adapter: Adapter, samples: list[Sample]) -> list[Prediction | str]:
    """One prediction a sample; the message where the model fails on it, found by asking one by one."""
    photos = [sample.photo for sample in samples if sample.photo is not None]
    pixels = [sample.pixels for sample in samples if sample.pixels is not None]
    try:
        return list(adapter.predict(photos, [sample.camera for sample in samples], pixels or None))
    except (InputError, RuntimeError) as problem:
        if len(samples) == 1:
            return [" ".join(f"{type(problem).__name__}: {problem}".split())]
        return [prediction for sample in samples for prediction in _ask(adapter, [sample])]


def _score(task: Task, sample: Sample, prediction: Prediction | str | None) -> dict[str, Any]:
    started = time.thread_time()
    row = sample.row
    if sample.problem is not None:
        return row | {"status": "bad", "problem": sample.problem}
    if isinstance(prediction, str):
        row |= {"status": "failed", "problem": prediction} | task.score(sample, None)
    else:
        assert prediction is not None and sample.photo is not None
        _check(prediction, sample.photo)
        row |= {"status": "ok", "focal_from": prediction.focal_from, "notes": list(prediction.notes)}
        row |= task.score(sample, prediction)
    peaks = {"peak_memory_mib": peak_memory_mib(), "peak_gpu_mib": peak_gpu_mib()}
    return row | {"cpu_seconds_score": time.thread_time() - started} | peaks


def _check(prediction: Prediction, photo: Photo) -> None:
    """A map of another size would be scored against the wrong pixels: the adapter's mistake, not the model's."""
    for name, value in vars(prediction).items():
        if isinstance(value, np.ndarray) and value.ndim == 2 and value.shape != photo.rgb.shape[:2]:
            raise ValueError(f"{name} has the shape {value.shape}, the photograph {photo.rgb.shape[:2]}")


def _finish(step: "_Part | list[Future]", task: Task, folder: Path, clock: float, progress: Progress | None) -> float:
    """Waits for scored rows, or writes a whole part; returns the CPU clock from which the next part is counted."""
    if not isinstance(step, _Part):
        for future in step:
            future.result()
        if progress:
            progress(len(step))
        return clock
    import pyarrow
    from pyarrow import parquet

    rows = [future.result() for future in step.rows]
    now = time.process_time()
    beside = sum(row.get("cpu_seconds_load", 0) + row.get("cpu_seconds_score", 0) for row in rows)
    for row in rows:
        row["cpu_seconds_predict"] = max(now - clock - beside, 0.0) / len(rows)
    columns = schema(task.columns)
    unknown = {key for row in rows for key in row} - set(columns.names)
    if unknown:
        raise ValueError(f"no such column: {', '.join(sorted(unknown))}; see benchmarks/columns.py")
    table = pyarrow.Table.from_pylist([{key: _cell(value) for key, value in row.items()} for row in rows], columns)
    with replacing(part_path(folder, step.number)) as temporary:
        parquet.write_table(table, temporary)
    return now


def _cell(value: Any) -> Any:
    """A nan outside of lists is null: not measured."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
