"""Named arrays in one safetensors file, written whole or not at all, and verified byte by byte when opened.

    FOLDER/manifest.json
    FOLDER/STEM-<first 12 digits of its SHA-256>.safetensors
    FOLDER/.lock                                                held by whoever writes there

A folder's manifest is replaced in one step after the files that it names are safely on the disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from harness.data.manifest_file import AnyManifest, ArrayFile, ManifestFile
from harness.errors import DataDamaged, DataError
from harness.files import BLOCK, flush

if TYPE_CHECKING:
    from torch import Tensor

LOCK = ".lock"
OURS = re.compile(r"\.lock|[a-z0-9_-]+-[0-9a-f]{12}\.safetensors|[\w-]+(\.pth?)?(\.json)?\.partial")
"""Names of the files that are written here; a folder may have others."""

_CODES = {"uint8": "U8", "int64": "I64", "float32": "F32"}
"""safetensors' names of the types that are stored."""


def open_arrays(place: ManifestFile[Any], entry: ArrayFile) -> dict[str, Tensor]:
    """All arrays of a file, memory-mapped, after comparing its SHA-256; raises DataDamaged."""
    path = place.sized(entry)
    try:
        place.verified(entry)
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise place.damaged(path, str(error)) from None


@contextlib.contextmanager
def writable(place: ManifestFile[Any]) -> Iterator[Path]:
    """The manifest's folder, made if need be and held against other writers; leftovers are swept before and after.

    Raises:
        DataError: the folder cannot be written; the disk is full.
    """
    folder = place.path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _lock_file(folder / LOCK)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            _sweep(place)
            try:
                yield folder
            finally:
                _sweep(place)
        finally:
            os.close(handle)
    except OSError as error:
        raise DataError(
            f"cannot write {folder}: {error.strerror or error}; nothing was changed. "
            "Free some space, or set HARNESS_DATA_DIR to a folder that can be written"
        ) from error


def _lock_file(path: Path) -> int:
    """Open for writing, without which NFS locks nothing beyond this host; another user's, that may not be."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:
        if not path.exists():
            raise
        return os.open(path, os.O_RDONLY)


def _sweep(place: ManifestFile[Any]) -> None:
    """Remove the files that the manifest does not name: they are what an interrupted or replaced import left."""
    try:
        keep = place.named()
    except DataDamaged:
        return
    for path in place.path.parent.iterdir():
        if OURS.fullmatch(path.name) and path.name not in {*keep, LOCK}:
            path.unlink(missing_ok=True)


def write_arrays(
    folder: Path, stem: str, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None
) -> ArrayFile:
    """Write a file down to the disk; its bytes depend on arrays and metadata alone."""
    parts: list[bytes | memoryview] = [_header(arrays, metadata or {}), *map(_bytes, arrays.values())]
    partial = folder / f"{stem}.partial"
    digest = write_parts(partial, parts)
    path = folder / f"{stem}-{digest[:12]}.safetensors"
    partial.replace(path)
    return ArrayFile(file=path.name, bytes=sum(map(len, parts)), sha256=digest)


def write_manifest(path: Path, manifest: AnyManifest) -> None:
    """Put a manifest in the place of the one before, in one step."""
    flush(path.parent)  # it must never be there before the files that it names
    partial = path.with_name(f"{path.name}.partial")
    write_parts(partial, [manifest.model_dump_json(indent=2).encode() + b"\n"])
    partial.replace(path)
    flush(path.parent)


def _header(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    """The head of a safetensors file, written here so that its bytes never depend on a library's version."""
    table: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, array in arrays.items():
        start, end = end, end + array.nbytes
        table[name] = {"dtype": _CODES[array.dtype.name], "shape": list(array.shape), "data_offsets": [start, end]}
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the arrays start at a multiple of 8 bytes
    return len(text).to_bytes(8, "little") + text


def _bytes(array: NDArray[Any]) -> memoryview:
    """An array's bytes in C order and little-endian."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data.cast("B")


def write_parts(path: Path, parts: Iterable[bytes | memoryview]) -> str:
    """Write a file down to the disk; returns its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for part in parts:
            for start in range(0, len(part), BLOCK):
                block = part[start : start + BLOCK]
                digest.update(block)
                file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()
