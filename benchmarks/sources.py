"""The records of a run, read from their files as often as needed, never all at once."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heads.errors import InputError
from vlm.records import Record, read_records


@dataclass(frozen=True)
class RecordFiles:
    """Iterating gives every record of the files in order, at most `limit` of each data set.

    paths: JSONL files. root: what images and depth are relative to; the folder of each file where None.
    """

    paths: tuple[Path, ...]
    root: Path | None = None
    limit: int | None = None

    def __iter__(self) -> Iterator[Record]:
        taken: Counter[str] = Counter()
        for path in self.paths:
            for record in read_records(path, self.root):
                taken[record.dataset] += 1
                if self.limit is None or taken[record.dataset] <= self.limit:
                    yield record

    def scan(self) -> "Scan":
        """One pass over the lines, no image opened; InputError for the first bad line, or where there is none."""
        if self.root is not None and not self.root.is_dir():
            raise InputError("root", f"no folder {self.root}", "the folder that images and depth are relative to")
        found = Scan()
        for record in self:
            found.count += 1
            found.datasets[record.dataset] += 1
            if record.valid_range_m is not None:
                near, far = found.valid_ranges_m.get(record.dataset, record.valid_range_m)
                found.valid_ranges_m[record.dataset] = (
                    min(near, record.valid_range_m[0]),
                    max(far, record.valid_range_m[1]),
                )
            if record.camera is None and found.without_camera is None:
                found.without_camera = record.where
            if not record.distances and found.without_distances is None:
                found.without_distances = record.where
        if not found.count:
            raise InputError("records", "there are none", "at least one record")
        return found

    def stated(self) -> dict[str, Any]:
        """Which lines these are, for the protocol: names and SHA-256 of the files, not where they lie."""
        files = [{"file": path.name, "sha256": _sha256(path)} for path in self.paths]
        return {"records": files, "limit_per_dataset": self.limit}


@dataclass
class Scan:
    """How many records, of which data sets; `where` of the first one without intrinsics, without distances.

    valid_ranges_m: data set -> the widest range that its records state.
    """

    count: int = 0
    datasets: Counter[str] = field(default_factory=Counter)
    valid_ranges_m: dict[str, tuple[float, float]] = field(default_factory=dict)
    without_camera: str | None = None
    without_distances: str | None = None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
