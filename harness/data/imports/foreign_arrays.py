"""Arrays in files from elsewhere, read without trusting them: plain numbers, never unpickled. Free of torch."""

from __future__ import annotations

import zlib
from collections.abc import Container
from io import BytesIO
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from harness.data.imports.source import ZipArchive
from harness.errors import ImportRefused

# What libraries raise of array files that are none is more than their pages say.
NOT_TENSORS = (SafetensorError, ValueError, TypeError, AttributeError, KeyError)
"""safetensors' reader for NumPy: the last three for types that NumPy does not have, such as bfloat16."""
_NOT_NUMPY = (ValueError, TypeError, OverflowError, SyntaxError, TokenError, RecursionError, MemoryError)
"""NumPy's reader of .npy files: a header is parsed as Python, and then made a type and a shape."""
_NO_ARCHIVE = (OSError, EOFError, BadZipFile, zlib.error, RuntimeError)


def read_npz(path: Path, wanted: Container[str] | None = None) -> dict[str, NDArray[Any]]:
    """The wanted arrays of a file, or all, by name; raises ImportRefused for what is none, or unpacks to far more."""
    try:
        ZipArchive(path).names()
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files if wanted is None or name in wanted}
    except (*_NO_ARCHIVE, *_NOT_NUMPY) as error:
        raise ImportRefused(f"{path} cannot be read: {_one_line(error)}") from error
    for name, array in found.items():
        if not isinstance(array, np.ndarray):  # NumPy gives the bytes of what is no .npy file
            raise ImportRefused(f"{path}: {name} is not a .npy file")
    return found


def read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of a file, by name; raises ImportRefused for what is none."""
    try:
        return load_file(path)
    except (OSError, MemoryError, *NOT_TENSORS) as error:
        raise ImportRefused(f"{path} cannot be read: {_one_line(error)}") from error


def npy_array(file: str, content: bytes, shape: tuple[int, ...]) -> NDArray[Any]:
    """A .npy file's array, without a copy; its header is believed only as far as the file is long.

    file: what it is called in a refusal.

    Raises:
        ImportRefused: it is none, or of another shape.
    """
    stream = BytesIO(content)
    try:
        version = npy.read_magic(stream)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        found, by_columns, dtype = read_header(stream)
    except _NOT_NUMPY as error:
        raise ImportRefused(f"{file!r} is not a .npy file: {_one_line(error)}") from error
    if found != shape or by_columns:
        raise ImportRefused(f"{file!r} has shape {found}{' in column order' * by_columns}, not {shape}")
    expected = dtype.itemsize * int(np.prod(shape))
    if dtype.hasobject or len(content) - stream.tell() != expected:
        raise ImportRefused(f"{file!r} is cut short or too long: {len(content) - stream.tell()} of {expected} bytes")
    return np.frombuffer(content, dtype, offset=stream.tell()).reshape(shape)


def _one_line(error: Exception) -> str:
    """What such an error says, in one line of bearable length: headers from elsewhere are quoted in it."""
    return " ".join(str(error).split())[:200] or type(error).__name__
