"""The open real records, as they are published beside this checkout, are records: they parse and their depth reads."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from vlm.records import read_records

OPEN = Path(__file__).parents[4] / "shared" / "data" / "real"

pytestmark = pytest.mark.skipif(not OPEN.is_dir(), reason="the open real records are not beside this checkout")


def test_every_line_parses_and_its_files_are_there():
    records = list(read_records(OPEN / "depth.jsonl"))
    assert Counter(record.dataset for record in records) == {
        "ibims1": 50, "scannetpp": 15, "sevenscenes": 25, "hololens": 24, "nyuv2": 3, "kitti": 10, "ddad": 9, "eth3d": 1
    }  # fmt: skip
    for record in records:
        assert record.image.is_file() and record.camera.size == record.size
        assert len(record.depths) and (record.depths > 0).all()
        assert (record.pixels >= 0).all() and (record.pixels < record.size).all()


def test_labelled_pixels_are_those_of_the_depth_map():
    first = {record.dataset: record for record in read_records(OPEN / "depth.jsonl") if record.depth_path}
    assert len(first) == 7
    for record in first.values():
        depth = record.depth_z()
        assert depth.shape[::-1] == record.depth_size
        columns, rows = (record.pixels * np.array(record.depth_size) / record.size).astype(int).T
        assert np.allclose(depth[rows, columns], record.depths, atol=2e-3), record.where
