"""Where the records of a set are: what stays in memory of a set that is read from disk record by record.

A JSONL file keeps 8 bytes a record (where its line begins), a table none (it is memory-mapped); the order of the
mixture 4 bytes a record more, and 12 where several views make a sample. `nbytes` says how many.
"""

import json
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from heads.errors import InputError
from vlm.records import Record, parse_record, record_of_row

ALLOWED = "a JSONL file (one record a line), a parquet file, or a folder saved by `datasets`"


class RecordFile:
    """The records of one file, by number; each is read from disk and parsed when asked for.

    grows: a JSONL file that is still being written; see `grow`.
    """

    def __init__(self, path: str | Path, root: str | Path | None = None, grows: bool = False):
        self.path, self.grows = Path(path), grows
        self.root = Path(root) if root is not None else self.path.parent
        self.table: Any = None
        if self.path.is_dir() or self.path.suffix == ".parquet":
            if grows:
                raise InputError("data", f"{path} is a table that grows", "a JSONL file")
            self.table = _table(self.path)
        elif self.path.is_file():
            self.offsets, self.blanks, self.end = _lines(self.path, grows=grows)
        else:
            raise InputError("records", f"no file {path}", ALLOWED)
        if not len(self):
            raise InputError("records", f"no record in {path}", "at least one")

    def __len__(self) -> int:
        return len(self.offsets) if self.table is None else len(self.table)

    def __getitem__(self, number: int) -> Record:
        """InputError with file and line where it is no record."""
        if self.table is not None:
            return record_of_row(self.table[int(number)], self.root, self.where(number))
        with self.path.open("rb") as lines:
            lines.seek(int(self.offsets[number]))
            return parse_record(lines.readline(), self.root, self.where(number))

    def grow(self) -> range:
        """Takes in the lines that a JSONL file was given since it was last read; their numbers."""
        known = len(self)
        offsets, blanks, self.end = _lines(self.path, self.end, grows=True)
        self.offsets = np.concatenate([self.offsets, offsets])
        self.blanks = np.concatenate([self.blanks, blanks + known])
        return range(known, len(self))

    def __iter__(self) -> Iterator[Record | InputError]:
        """Every record in order; in place of a bad one, what is wrong with it."""
        for number in range(len(self)):
            try:
                yield self[number]
            except InputError as problem:
                yield problem

    def light(self) -> Iterator[Record | InputError]:
        """As iteration, but files that a table holds are not read: a stand-in takes the place of their bytes."""
        if self.table is None:
            yield from self
            return
        number = 0
        for batch in self.table.with_format("arrow").iter(batch_size=1000):
            columns = {name: _light(batch.column(name)) for name in batch.column_names}
            for values in zip(*columns.values(), strict=True):
                try:
                    yield record_of_row(dict(zip(columns, values, strict=True)), self.root, self.where(number))
                except InputError as problem:
                    yield problem
                number += 1

    def where(self, number: int) -> str:
        """file:line (of a table: file:row), counted from 1."""
        blank = 0 if self.table is not None else int(np.searchsorted(self.blanks, number, side="right"))
        return f"{self.path.name}:{number + 1 + blank}"

    @property
    def nbytes(self) -> int:
        return 0 if self.table is not None else self.offsets.nbytes + self.blanks.nbytes


class Groups:
    """Which records are views of one scene: 12 bytes a record of a group."""

    def __init__(self, names: dict[int, str]):
        """names: number of a record -> its view_group."""
        self.numbers = np.fromiter(sorted(names, key=lambda number: (names[number], number)), np.uint32, len(names))
        known = {name: i for i, name in enumerate(sorted(set(names.values())))}
        self.group = np.array([known[names[int(number)]] for number in self.numbers], np.uint32)
        order = np.argsort(self.numbers, kind="stable")
        self.place = order.astype(np.uint32)  # places in `numbers`, by number

    def others(self, number: int) -> np.ndarray:
        """Numbers of the other records of its group; none where it has none."""
        at = np.searchsorted(self.numbers, number, sorter=self.place)
        if at == len(self.numbers) or self.numbers[self.place[at]] != number:
            return np.zeros(0, np.uint32)
        first, last = (np.searchsorted(self.group, self.group[self.place[at]], side) for side in ("left", "right"))
        members = self.numbers[first:last]
        return members[members != number]

    @property
    def nbytes(self) -> int:
        return self.numbers.nbytes + self.group.nbytes + self.place.nbytes


class Scan:
    """One look at every record: numbers by domain, view groups, bad lines, files that are missing.

    split: only records that say this one are taken.
    """

    def __init__(self, file: RecordFile, split: str | None = None, groups: bool = False, files_exist: bool = False):
        numbers: dict[str, array] = defaultdict(lambda: array("I"))
        names: dict[int, str] = {}
        self.problems: list[str] = []
        self.licences: Counter[str] = Counter()
        self.question_types: set[str] = set()
        for number, record in enumerate(file.light()):
            if isinstance(record, InputError):
                self.problems.append(str(record))
                continue
            if split is not None and record.split != split:
                continue
            numbers[record.domain].append(number)
            self.licences[record.licence or "not told"] += 1
            self.question_types.update(str(pair.get("type", "")) for pair in record.questions)
            if groups and record.view_group is not None:
                names[number] = record.view_group
            if files_exist:
                self.problems += [f"{record.where}: {key}: no file {path}" for key, path in missing_files(record)]
        self.numbers = {domain: np.frombuffer(found, np.uint32) for domain, found in sorted(numbers.items())}
        self.groups = Groups(names) if names else None
        if not self.problems and not self.numbers:
            raise InputError("split", f"no record of {file.path} is of {split!r}", "a split that its records name")

    def check(self) -> "Scan":
        """InputError that names the first bad line."""
        if self.problems:
            more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
            first = self.problems[0].removeprefix("records: ").split("; allowed: ")[0]
            raise InputError("records", f"{first}{more}", "records that `fathom data check FILE` finds no fault with")
        return self


def missing_files(record: Record) -> list[tuple[str, Path]]:
    """(key, path) of every file that a record names and that is not there."""
    named = {
        "image": record.image,
        "depth_path": record.depth_path,
        "sky_path": record.sky_path,
        "labels_path": record.labels_path,
        **{f"mask_paths.{name}": path for name, path in record.mask_paths.items()},
    }
    named |= {f"messages image {i}": path for i, path in enumerate(images_told(record)) if path is not None}
    return [(key, path) for key, path in named.items() if isinstance(path, Path) and not path.is_file()]


def images_told(record: Record) -> list[Path | None]:
    """The image slots of a record's messages, in reading order: a file of their own, or None: the record's image."""
    parts = [part for turn in record.messages if isinstance(turn["content"], list) for part in turn["content"]]
    return [part.get("image") for part in parts if part.get("type") == "image"]


def _lines(path: Path, first: int = 0, grows: bool = False) -> tuple[np.ndarray, np.ndarray, int]:
    """From byte `first` on: byte offsets of a file's lines that are not blank; for each blank one, how many of those

    precede it; and the byte behind them all. A last line without its end is left out where it is no JSON or where the
    file grows: it is still being written.
    """
    offsets, blanks, offset, line = array("q"), array("q"), first, b""
    with path.open("rb") as lines:
        lines.seek(first)
        for line in lines:
            if line.strip():
                offsets.append(offset)
            else:
                blanks.append(len(offsets))
            offset += len(line)
    if line.strip() and not line.endswith(b"\n") and (grows or not _is_json(line)):
        offset = offsets.pop()
    return np.array(offsets, np.int64), np.array(blanks, np.int64), offset


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _light(column: Any) -> list[Any]:
    """A column's values; where files stand as bytes only whether there is one, which reads none of them."""
    import pyarrow as pa

    stand_in = {True: b"in the table", False: None}
    kind = column.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return [stand_in[there] for there in column.is_valid().to_pylist()]
    if pa.types.is_struct(kind) and {field.name for field in kind} == {"bytes", "path"}:
        files = []
        for chunk in column.chunks:
            fields = dict(zip((field.name for field in kind), chunk.flatten(), strict=True))
            there, paths = fields["bytes"].is_valid().to_pylist(), fields["path"].to_pylist()
            files += [{"bytes": stand_in[one], "path": path} for one, path in zip(there, paths, strict=True)]
        return files
    return column.to_pylist()


def _table(path: Path) -> Any:
    """A `datasets` table whose images are left as they are stored: decoding may cast 16-bit depth."""
    import datasets

    try:
        if path.is_dir():
            table: Any = datasets.load_from_disk(str(path))
        else:
            table = datasets.Dataset.from_parquet(str(path))
    except (FileNotFoundError, ValueError, OSError) as problem:
        raise InputError("records", f"{path} cannot be read: {problem}", ALLOWED) from problem
    if not isinstance(table, datasets.Dataset):
        raise InputError("records", f"{path} holds several tables ({', '.join(table)})", "the folder of one of them")
    for name, feature in table.features.items():
        if isinstance(feature, datasets.Image):
            table = table.cast_column(name, datasets.Image(decode=False))
    return table
