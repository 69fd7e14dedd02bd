"""Reading of .npz files from elsewhere: plain arrays, never unpickled."""

from __future__ import annotations

import zlib
from collections.abc import Container
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from harness.data.array_errors import NOT_NUMPY, one_line
from harness.data.source import ZipArchive
from harness.errors import ImportRefused

_UNREADABLE = (OSError, EOFError, BadZipFile, zlib.error, RuntimeError, *NOT_NUMPY)


def read_npz(path: Path, wanted: Container[str] | None = None) -> dict[str, NDArray[np.generic]]:
    """The wanted arrays of a file, or all, by name; raises ImportRefused for what is none, or unpacks to far more."""
    try:
        ZipArchive(path).names()
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files if wanted is None or name in wanted}
    except _UNREADABLE as error:
        raise ImportRefused(f"{path} cannot be read: {one_line(error)}") from error
    for name, array in found.items():
        if not isinstance(array, np.ndarray):  # NumPy gives the bytes of what is no .npy file
            raise ImportRefused(f"{path}: {name} is not a .npy file")
    return found
