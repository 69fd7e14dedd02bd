"""Manifests and the array files that they name, without torch: what planning needs to know of data on the disk."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import DataDamaged, DataError, SpecError
from harness.files import file_sha256

MANIFEST = "manifest.json"

Damaged = Callable[[Path, str], DataDamaged]
"""Makes the error for a file that is not what was written, of its path and what is wrong."""


State = Literal["ready", "missing", "damaged"]
"""Of data: `ready` without a visible damage, which is as much as sizes tell."""


class Record(BaseModel):
    """Base of everything in a manifest: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


R = TypeVar("R", bound=Record)


class ArrayFile(Record):
    """One file of arrays."""

    file: str = Field(pattern=r"^[a-z0-9_-]+\.safetensors$")
    bytes: int
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the file, which depends on its content alone."""


def find_record(path: Path, kind: type[R], damaged: Damaged) -> R | None:
    """The manifest at `path`, or None if there is none; raises `damaged` if it makes no sense."""
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise damaged(path, f"{where + ': ' if where else ''}{problem['msg']}") from None


def names_in(folder: Path) -> list[str]:
    """Names of what lies in a folder with a manifest, damaged or not; other folders than ours are no concern."""
    found = (path.parent.name for path in folder.glob(f"*/{MANIFEST}"))
    return sorted(name for name in found if is_name(name))


def sized_file(folder: Path, entry: ArrayFile, damaged: Damaged) -> Path:
    """Where a file lies, after a look at its size; raises `damaged` if it is gone or has another one."""
    path = folder / entry.file
    check_size(path, entry.bytes, damaged)
    return path


def check_size(path: Path, size: int, damaged: Damaged) -> None:
    """Raise `damaged` unless the file is there and as long as its manifest says."""
    try:
        found = path.stat().st_size
    except OSError as error:
        raise damaged(path, f"cannot be read: {error.strerror}") from None
    if found != size:
        raise damaged(path, f"it has {found} bytes instead of {size}")


def check_sha256(path: Path, sha256: str, damaged: Damaged, on_bytes: Callable[[int], None] | None = None) -> None:
    """Raise `damaged` unless the file's bytes are those that its manifest names; on_bytes: as of `file_sha256`."""
    found = file_sha256(path, on_bytes)
    if found != sha256:
        raise damaged(path, f"its SHA-256 is {found[:12]}..., not {sha256[:12]}...")


def is_name(name: str) -> bool:
    """Whether users may call something so that becomes a folder or file."""
    return re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,99}", name) is not None


def checked_name(kind: str, name: str) -> str:
    """A name that users choose and that becomes a folder or file; raises SpecError."""
    if not is_name(name):
        raise SpecError(
            f"{kind} {name!r}: names are made of a to z, 0 to 9, - and _, at most 100, and begin with a letter or digit"
        )
    return name
