"""What `fathom bench depth` and `fathom bench distance` do: every model in every way, then tables and files.

OUT/depth_sparse.md                                        the tables
OUT/depth_sparse_camera_given_nano.json                    one a run: protocol, data sets, domains, averages
OUT/samples/depth_sparse_camera_given_nano/part-*.parquet  one row a photograph (`benchmarks.running`)
"""

import hashlib
import re
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.adapters.base import check_spec, load_adapter
from benchmarks.depth import DepthOptions, run_depth
from benchmarks.depth_tables import depth_tables, distance_tables
from benchmarks.distance import DistanceOptions, run_distance
from benchmarks.processes import Processes
from benchmarks.report import Table
from benchmarks.sources import RecordFiles
from benchmarks.summary import RunResult
from heads.errors import InputError

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


def measure(
    models: list[str],
    sources: RecordFiles,
    options: DepthOptions | DistanceOptions,
    cameras: list[str],
    out: Path | None,
    processes: Processes,
    bar: Bar,
) -> tuple[list[RunResult], list[Table]]:
    """All of `models` with each of `cameras`; one run after the other, each shared out among the processes.

    out: where runs are kept and gone on with; None = a folder that is thrown away. bar: progress of (what, total).
    Everything that can be checked is checked before the first model is loaded.
    """
    found = sources.scan()
    if "given" in cameras and isinstance(options, DepthOptions) and found.without_camera:
        wrong = f"{found.without_camera} has no intrinsics"
        raise InputError("camera", wrong, "--camera none, or records with intrinsics")
    for spec in models:
        check_spec(spec)
    if out is None and processes.count > 1:
        raise InputError("out", "there is none, with several processes", "a folder that all processes see")
    stated = sources.stated() | {"photographs": found.count, "per_dataset": dict(found.datasets)}
    stated["valid_ranges_m"] = found.valid_ranges_m
    results: list[RunResult] = []
    with nullcontext(str(out)) if out else tempfile.TemporaryDirectory() as root:
        for spec in models:
            adapter = load_adapter(spec)
            once = getattr(adapter, "ignores_camera", False) and isinstance(options, DepthOptions)
            ways = cameras[-1:] if once else cameras  # a distance takes the camera's rays, whoever gave the depth
            for camera in ways:
                way: Any = replace(options, camera=camera)
                folder = Path(root) / "samples" / f"{way.name}_{slug(spec)}"
                run: Any = run_depth if isinstance(options, DepthOptions) else run_distance
                with bar(f"{spec}, camera {camera}", -(-found.count // processes.count)) as progress:
                    results.append(run(adapter, sources, folder, way, stated, processes, progress))
            del adapter  # a large model goes before the next one comes
    tables = depth_tables(results) if isinstance(options, DepthOptions) else distance_tables(results)
    return results, tables


def slug(spec: str) -> str:
    """A model's name as part of a file name; two different ones never get the same."""
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", spec).strip("-.")
    if plain == spec or re.fullmatch(r"(fathom|constant):[A-Za-z0-9.]+", spec):
        return plain
    return f"{plain[-40:].strip('-.')}-{hashlib.sha256(spec.encode()).hexdigest()[:6]}"
