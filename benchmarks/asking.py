"""Several models on the same questions, and what each gains over the first: the body of `fathom bench qa`."""

import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks import questions
from benchmarks.answerer import check_answerer, load_answerer
from benchmarks.measuring import Bar, slug
from benchmarks.paired import paired_samples
from benchmarks.processes import Processes
from benchmarks.qa_report import paired_table, qa_table
from benchmarks.report import Table
from benchmarks.sources import RecordFiles
from benchmarks.spatial_qa import BenchmarkQuestions, QaResult, RecordQuestions, Source, run_qa
from heads.errors import InputError


def questions_of(
    records: list[Path],
    benchmark: str | None,
    data: Path | None,
    limit: int | None,
    per_record: int | None,
    seed: int,
) -> tuple[Source, dict[str, Any]]:
    """The questions that were asked for on the command line, and what the protocol says of them."""
    if (benchmark is None) == (not records):
        raise InputError("records, benchmark", "both or neither", "--records FILE, or --benchmark NAME --data FOLDER")
    if benchmark is None:
        files = RecordFiles(tuple(records), limit=limit)
        files.scan()
        return RecordQuestions(files, per_record, seed), files.stated()
    module = questions.benchmark(benchmark)
    if data is None or not data.exists():
        wrong = "it is not told" if data is None else f"no folder {data}"
        raise InputError("data", wrong, f"the download of {module.CONFIG.link}")
    return BenchmarkQuestions(benchmark, data, limit), {}


def ask_models(
    models: list[str],
    source: Source,
    frames: int,
    folder: Path | None,
    stated: dict[str, Any],
    processes: Processes,
    bar: Bar,
) -> tuple[dict[str, dict[str, Any]], list[Table]]:
    """(name -> content of a JSON file, tables). Samples go to `folder`/samples, without a folder nowhere.

    A picture counts as one in `bar`. Several processes need a folder to meet in.
    """
    for model in models:
        check_answerer(model)
    if folder is None and processes.count > 1:
        raise InputError("out", "there is none, with several processes", "a folder that all processes see")
    total = sum(1 for _ in source)
    if not total:
        raise InputError("records", "they hold no question that is scored", "records with `questions`")
    results: dict[str, QaResult] = {}
    with nullcontext(str(folder)) if folder else tempfile.TemporaryDirectory() as root:
        for model in dict.fromkeys(models):
            name = f"qa_{slug(source.module.CONFIG.name)}_{slug(model)}"
            with bar(f"questions, {model}", -(-total // processes.count)) as progress:
                place = Path(root) / "samples" / name
                results[name] = run_qa(load_answerer(model), source, place, frames, stated, processes, progress)
    contents: dict[str, dict[str, Any]] = {name: result.as_dict() for name, result in results.items()}
    tables = [qa_table(result) for result in results.values()]
    (first, before), *others = results.items()
    for name, after in others:
        found = paired_samples(before.samples, after.samples)
        a, b = before.protocol["model"], after.protocol["model"]
        differences = {kind: difference.as_dict() for kind, difference in found.items()}
        contents[f"{name}_against_{first}"] = {"a": a, "b": b, "differences": differences}
        tables.append(paired_table(a, b, found))
    return contents, tables
