"""MATLAB files: v5 through SciPy, v7.3 (HDF5) through h5py. Both come with the extra `bench`."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.base import Card, unreadable


def read_mat(path: Path, card: Card, key: str) -> Any:
    """One variable of a v5 file; of a struct its fields are attributes."""
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise ImportError('.mat files need the extra `bench`: pip install "fathom-vlm[bench]"') from error
    try:
        return loadmat(path, variable_names=[key], struct_as_record=False)[key]
    except (ValueError, KeyError, TypeError, OSError, NotImplementedError) as problem:
        raise unreadable(path, card, problem) from problem


def open_hdf5(path: Path, card: Card) -> Any:
    """A v7.3 file as an h5py.File, to read. Its arrays have MATLAB's axes in reverse order."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError('.mat files (v7.3) need the extra `bench`: pip install "fathom-vlm[bench]"') from error
    try:
        return h5py.File(path, "r")
    except OSError as problem:
        raise unreadable(path, card, problem) from problem


def hdf5_text(file: Any, reference: Any) -> str:
    """The characters that a cell's reference points to."""
    return "".join(map(chr, np.asarray(file[reference]).reshape(-1)))
