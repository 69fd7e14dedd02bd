"""Arrays that belong to results: files beside the database, known to it by their SHA-256.

A file is written, and safely on the disk, before the database names it. So a crash between the two leaves a file that
the same job will write again with the same content, and never a row without its file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from harness.errors import StoreError
from harness.files import remove_abandoned, write_whole
from harness.store import schema
from harness.store.engine import Database
from harness.store.engine.patience import patient

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class SavedArray:
    """Where an array lies that was saved."""

    name: str
    file: str
    """Path below the folder of arrays."""
    sha256: str
    shape: tuple[int, ...]


def save(folder: Path, key: str, arrays: Mapping[str, NDArray[Any]]) -> list[SavedArray]:
    """Write the arrays of the result `key`, each into a safetensors file of its own in `folder`/`key`.

    Raises:
        HarnessError: the disk is full or the folder cannot be written; nothing half-written stays.
    """
    from safetensors.numpy import save as content_of

    remove_abandoned(folder / key)
    found = []
    for name, array in arrays.items():
        content = content_of({name: array})
        sha256 = hashlib.sha256(content).hexdigest()
        file = f"{key}/{name}-{sha256[:16]}.safetensors"
        write_whole(folder / file, content)
        found.append(SavedArray(name=name, file=file, sha256=sha256, shape=array.shape))
    return found


def load(folder: Path, file: str, sha256: str) -> NDArray[Any]:
    """The array of a file that `save` wrote.

    Raises:
        StoreError: the file is gone, truncated or altered.
    """
    from safetensors.numpy import load as arrays_of

    path = folder / file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read: {error.strerror}; the database says that it belongs there. Copy it from the "
            "results folder that has it, or run its suite again: `harness run-suite` makes it anew"
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise StoreError(
            f"{path} is truncated or altered: its SHA-256 is not the one that the database has; run its suite again: "
            "`harness run-suite` makes it anew"
        )
    [array] = arrays_of(content).values()
    return array


@patient
def array_files(db: Database) -> list[tuple[str, str, str]]:
    """Of each array beside the database: its job's key, its file below arrays/, and the file's SHA-256."""
    query = select(schema.Evaluation.key, schema.ResultArray.file, schema.ResultArray.sha256).join(
        schema.ResultArray, schema.ResultArray.evaluation_id == schema.Evaluation.id
    )
    with db.reading() as connection:
        return [(key, file, sha256) for key, file, sha256 in connection.execute(query)]
