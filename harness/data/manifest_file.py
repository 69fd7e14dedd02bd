"""Manifests and the array files that they name, without torch: what planning needs to know of data on the disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import DataDamaged, DataError, SpecError
from harness.files import file_sha256

MANIFEST = "manifest.json"

State = Literal["ready", "missing", "damaged"]
"""Of data: `ready` without a visible damage, which is as much as sizes tell."""


class Record(BaseModel):
    """Base of everything in a manifest: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ArrayFile(Record):
    """One file of arrays."""

    file: str = Field(pattern=r"^[a-z0-9_-]+\.safetensors$")
    bytes: int
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the file, which depends on its content alone."""


class AnyManifest(Record):
    """What every manifest says."""

    format: Literal[1] = 1
    name: str

    @property
    def array_files(self) -> Iterable[ArrayFile]:
        """The files of arrays that lie beside it."""
        return ()


M = TypeVar("M", bound=AnyManifest)


@dataclass(frozen=True)
class ManifestFile(Generic[M]):
    """Where the manifest of something lies, beside the files that it names; what is not as it says is DataDamaged."""

    path: Path
    kind: type[M]
    name: str
    remedy: str
    """What to do where something of it is damaged."""

    def find(self) -> M | None:
        """The manifest, or None if there is none; raises DataDamaged if it makes no sense."""
        try:
            text = self.path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise DataError(f"cannot read {self.path}: {error.strerror}") from error
        try:
            manifest = self.kind.model_validate_json(text)
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(map(str, problem["loc"]))
            raise self.damaged(self.path, f"{where + ': ' if where else ''}{problem['msg']}") from None
        if manifest.name != self.name:
            raise self.damaged(self.path, f"it belongs to {manifest.name}")
        return manifest

    def named(self) -> set[str]:
        """The files of arrays that it names; raises DataDamaged if it makes no sense."""
        manifest = self.find()
        return {entry.file for entry in manifest.array_files} if manifest else set()

    def sized(self, entry: ArrayFile) -> Path:
        """Where a file of it lies, after a look at its size."""
        path = self.path.with_name(entry.file)
        self.check_size(path, entry.bytes)
        return path

    def verified(self, entry: ArrayFile, on_bytes: Callable[[int], None] | None = None) -> Path:
        """Where a file of it lies, after every byte of it was read and its SHA-256 compared."""
        path = self.sized(entry)
        self.check_sha256(path, entry.sha256, on_bytes)
        return path

    def check_size(self, path: Path, size: int) -> None:
        """Raises DataDamaged unless a file is there and as long as its manifest says."""
        try:
            found = path.stat().st_size
        except OSError as error:
            raise self.damaged(path, f"cannot be read: {error.strerror}") from None
        if found != size:
            raise self.damaged(path, f"it has {found} bytes instead of {size}")

    def check_sha256(self, path: Path, sha256: str, on_bytes: Callable[[int], None] | None = None) -> None:
        """Raises DataDamaged unless a file's bytes are those that its manifest says; on_bytes: as of `file_sha256`."""
        found = file_sha256(path, on_bytes)
        if found != sha256:
            raise self.damaged(path, f"its SHA-256 is {found[:12]}..., not {sha256[:12]}...")

    def damaged(self, path: Path, what: str) -> DataDamaged:
        """The error for a file that is not what was written."""
        return DataDamaged(f"{path} is damaged: {what}; {self.remedy}")


def names_in(folder: Path) -> list[str]:
    """Names of what lies in a folder with a manifest, damaged or not; other folders than ours are no concern."""
    found = (path.parent.name for path in folder.glob(f"*/{MANIFEST}"))
    return sorted(name for name in found if is_name(name))


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
