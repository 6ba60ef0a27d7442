"""Sources of records -> the samples of a run: sample k is a function of (seed, k) and of the files, of nothing else.

So a run that goes on sees what it would have seen, and any split over ranks and workers sees the same samples.
Nothing of a set is in memory but `nbytes` (see `train.data.index`).
"""

import difflib
import json
import time
import warnings
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info

from heads.errors import InputError
from train.data.index import RecordFile, Scan
from train.data.order import Order
from train.data.samples import Sample, sample_of
from train.data.sources import Source
from vlm.records import Record

TRIES = 100  # bad records in a row
GROWS_EVERY = 5.0  # s between two looks at a file that grows
PROCESSES = 257  # the main one and as many workers, each with its own counts


class NoGoodRecord(InputError):
    """Nothing of a source can be read any more. Its one line survives a worker process's traceback."""

    def __init__(self, argument: str, wrong: str = "", allowed: str = ""):
        super().__init__(argument.rsplit("NoGoodRecord: ", 1)[-1], wrong, allowed)


class Mixture(Dataset):
    """Item k, for any k >= 0, is a `Sample`; len() is how many a run takes.

    indoor: share of indoor records among those of indoor and outdoor scenes, over all sources; None = as they come.
    A sample that turns out bad is replaced by the next of its stream, and counted (`drawn`, `skipped`: the trainer
    stops a run past its share of them). report: a file that gets one JSON line for each. files_exist: look for
    every file that a record names, now. questions, favour: see `sample_of`.
    """

    def __init__(
        self,
        sources: list[Source],
        seed: int = 0,
        questions: int = 8,
        length: int = 1,
        indoor: float | None = None,
        report: Path | None = None,
        files_exist: bool = False,
        favour: Mapping[str, float] = MappingProxyType({}),
    ):
        if not sources:
            raise InputError("records", "no source of records", "at least one in `data` or `records`")
        self.sources, self.seed, self.questions, self.length = sources, seed, questions, max(length, 1)
        self.report, self.favour = report, dict(favour)
        self.files = [RecordFile(source.records, source.root, source.grows) for source in sources]
        scans = [
            Scan(file, source.split, source.views > 1, files_exist).check()
            for file, source in zip(self.files, sources, strict=True)
        ]
        self.groups = [scan.groups for scan in scans]
        self.licences = [dict(scan.licences.most_common()) for scan in scans]
        self.streams = [
            (i, domain, numbers) for i, scan in enumerate(scans) for domain, numbers in scan.numbers.items()
        ]
        types = set().union(*(scan.question_types for scan in scans))
        for name in favour:
            if name not in types:
                near = difflib.get_close_matches(name, types, 1)
                hint = f", did you mean {near[0]!r}?" if near else ""
                warnings.warn(f"favour: no question is of type {name!r}{hint}", stacklevel=2)
        self.next_look = [time.monotonic()] * len(sources)
        self.order = Order(self._weights(indoor), [len(numbers) for _, _, numbers in self.streams], seed)
        self._counts = torch.zeros(PROCESSES, 2, dtype=torch.long).share_memory_()  # drawn, skipped; a row each

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, k: int) -> Sample:
        stream, drawn = self.order.stream_at(k)
        source = self.sources[self.streams[stream][0]]
        if source.grows and time.monotonic() >= self.next_look[self.streams[stream][0]]:
            self._grow(self.streams[stream][0])
        self._counts[_row(), 0] += 1
        for attempt in range(min(TRIES, self.order.sizes[stream])):
            try:
                records = self._records(stream, drawn + attempt, np.random.default_rng((self.seed, k, 1)), source)
                rng = np.random.default_rng((self.seed, k))
                return sample_of(records, source, self.questions, rng, self.favour)
            except (OSError, ValueError) as problem:  # an InputError is a ValueError
                self._skip(k, stream, drawn + attempt, problem)
        raise NoGoodRecord("records", f"no good record among {TRIES} of {source.records}", "see `fathom data check`")

    def _records(self, stream: int, drawn: int, rng: np.random.Generator, source: Source) -> list[Record]:
        """The record of a draw, and with `views` some others of its group, in an order that the draw decides."""
        number, file = self.number(stream, drawn), self.files[self.streams[stream][0]]
        groups = self.groups[self.streams[stream][0]]
        others = groups.others(number) if groups is not None else []
        return [file[number], *(file[int(other)] for other in rng.permutation(others)[: source.views - 1])]

    def _grow(self, of: int) -> None:
        """What was added to a source's file joins its streams, in this process; a domain that is new is left out."""
        self.next_look[of] = time.monotonic() + GROWS_EVERY
        source, found = self.sources[of], defaultdict(list)
        try:
            added = self.files[of].grow()
        except OSError:  # a disk that is away for a moment: next time
            return
        for number in added:
            try:
                record = self.files[of][number]
            except InputError as problem:
                warnings.warn(f"left out: {problem}", stacklevel=2)
                continue
            if source.split in (None, record.split):
                found[record.domain].append(number)
        for stream, (own, domain, numbers) in enumerate(self.streams):
            if own == of and domain in found:
                grown = np.concatenate([numbers, np.array(found[domain], np.uint32)])
                self.streams[stream] = own, domain, grown
                self.order.sizes[stream] = len(grown)
                del found[domain]
        for domain, numbers in found.items():
            told = f"{len(numbers)} records of a domain that was not there at the start: {domain or 'none told'}"
            warnings.warn(f"left out: {told}", stacklevel=2)

    def number(self, stream: int, drawn: int) -> int:
        """The record, as its source's file counts them, that is drawn after `drawn` others of the stream."""
        return int(self.streams[stream][2][self.order.record_at(stream, drawn)])

    def where(self, k: int) -> str:
        """file:line of draw k, before any replacement."""
        stream, drawn = self.order.stream_at(k)
        return self.files[self.streams[stream][0]].where(self.number(stream, drawn))

    # ---- bad samples -----------------------------------------------------------------------------------------

    @property
    def drawn(self) -> int:
        """How many samples were drawn so far, by all worker processes of this rank."""
        return int(self._counts[:, 0].sum())

    @property
    def skipped(self) -> int:
        """How many records of those turned out bad and were replaced."""
        return int(self._counts[:, 1].sum())

    def restore(self, drawn: int, skipped: int) -> None:
        """Goes on counting where an earlier session of the run had stopped."""
        self._counts.zero_()
        self._counts[0] = torch.tensor([drawn, skipped])

    def _skip(self, k: int, stream: int, drawn: int, problem: Exception) -> None:
        where = self.files[self.streams[stream][0]].where(self.number(stream, drawn))
        self._counts[_row(), 1] += 1
        warnings.warn(f"skipped {where}: {problem}", stacklevel=3)
        if self.report is not None:
            line = json.dumps({"sample": k, "record": where, "problem": str(problem)}) + "\n"
            with open(self.report, "ab", buffering=0) as file:  # one write: lines of several processes do not mix
                file.write(line.encode())

    # ---- what there is ---------------------------------------------------------------------------------------

    def _weights(self, indoor: float | None) -> list[float]:
        """Of each stream (the records of one domain in one source)."""
        counts = np.array([len(numbers) for _, _, numbers in self.streams], float)
        of = np.array([source for source, _, _ in self.streams])
        weights = counts / np.bincount(of, counts)[of] * [self.sources[i].weight for i in of]
        if indoor is None:
            return weights.tolist()
        masks = {domain: np.array([told == domain for _, told, _ in self.streams]) for domain in ("indoor", "outdoor")}
        both = sum(weights[mask].sum() for mask in masks.values())
        for domain, share in (("indoor", indoor), ("outdoor", 1 - indoor)):
            if share > 0 and not masks[domain].any():
                raise InputError("indoor", f"{indoor:g}, but there is no {domain} record", "null, or records of both")
            weights[masks[domain]] *= share * both / max(weights[masks[domain]].sum(), 1e-12)
        return weights.tolist()

    @property
    def nbytes(self) -> int:
        """Memory that grows with the number of records."""
        own = sum(numbers.nbytes for _, _, numbers in self.streams) + sum(file.nbytes for file in self.files)
        return own + sum(groups.nbytes for groups in self.groups if groups is not None)

    def counts(self) -> list[dict[str, Any]]:
        """For a run's card, as the files are now: each source's file, weight, records by domain and by licence."""
        for i, source in enumerate(self.sources):
            if source.grows:
                self._grow(i)
        return [
            {
                "records": str(source.records),
                "weight": source.weight,
                "count": sum(len(numbers) for of, _, numbers in self.streams if of == i),
                "domains": {domain: len(numbers) for of, domain, numbers in self.streams if of == i},
                "licences": self.licences[i],
            }
            for i, source in enumerate(self.sources)
        ]

    def texts(self, limit: int = 2000) -> list[str]:
        """All that is said in the first `limit` records of every source: what a new tokenizer learns from.

        InputError where a file that grows has fewer: the run would have another tokenizer when it goes on.
        """
        said: list[str] = []
        for file in self.files:
            if file.grows and len(file) < limit:
                wrong = f"{file.path} grows and holds {len(file)} records, too few to make a tokenizer from"
                raise InputError("data", wrong, f"{limit} when the run begins, or grows: false")
            for number in range(min(limit, len(file))):
                record = file[number]
                for pair in record.questions:
                    said += [pair["question"], str(pair.get("answer", ""))]
                for turn in record.messages:
                    parts = turn["content"] if isinstance(turn["content"], list) else [{"text": turn["content"]}]
                    said += [part["text"] for part in parts if "text" in part]
        return said


def _row() -> int:
    """The counts of this process: workers do not write over each other's."""
    worker = get_worker_info()
    return 0 if worker is None else 1 + worker.id % (PROCESSES - 1)


class HeldOut(Dataset):
    """Records in the order of their files, not varied; one conversation a question of them, `questions` at most."""

    def __init__(self, files: list[str], questions: int = 8, limit: int | None = None):
        self.sources = [Source.of({"records": file, "augment": {"colour": 0}}, file) for file in files]
        self.files, self.questions = [RecordFile(source.records) for source in self.sources], questions
        places = [(i, number) for i, file in enumerate(self.files) for number in range(len(file))]
        self.places = places[:limit]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, k: int) -> Sample:
        file, number = self.places[k]
        return sample_of([self.files[file][number]], self.sources[file], self.questions, np.random.default_rng((0, k)))
