"""Where images are imported from: a folder, a tar or a zip, read without unpacking anything to the disk.

All names are checked before the first byte of an image is used. Refused, by name: paths that leave the tree, links
(in a folder only those that leave it), devices, doubled members, and archives that unpack to far more than they are.
"""

from __future__ import annotations

import contextlib
import gzip
import posixpath
import stat
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, Protocol, Self

from harness.errors import ImportRefused

# JPEG, PNG and NumPy files hardly compress; a tar of 1 KB images unpacks to about five times its size, and
# archives made to do harm to a thousand times and more.
MAX_RATIO = 50
ALWAYS_ALLOWED = 16 << 20  # bytes

_UNREADABLE = (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, zlib.error, RuntimeError, NotImplementedError)


class Source(Protocol):
    """Files by name; names are relative, with slashes."""

    path: Path

    def names(self) -> list[str]:
        """All files, checked."""

    def read(self, wanted: Container[str]) -> Iterator[tuple[str, bytes]]:
        """The wanted files with their content, in the source's own order."""


def open_source(path: Path) -> Source:
    """A folder or archive; raises ImportRefused if it is neither."""
    if path.is_dir():
        return Folder(path)
    if not path.is_file():
        raise ImportRefused(f"{path} does not exist; name a folder, or a .tar, .tar.gz or .zip")
    return ZipArchive(path) if zipfile.is_zipfile(path) else TarArchive(path)


class Inside:
    """A source from inside the one folder that all of it lies in, if there is one, without what desktops leave."""

    def __init__(self, source: Source) -> None:
        self.path = source.path
        self._source = source
        shown = [name for name in source.names() if not _hidden(name)]
        self._top = _top_folder(shown)
        self._names = [name.removeprefix(self._top) for name in shown]

    def names(self) -> list[str]:
        """All files that are shown, checked."""
        return self._names

    def read(self, wanted: Container[str]) -> Iterator[tuple[str, bytes]]:
        """The wanted files with their content, in the source's own order."""
        for name, content in self._source.read({self._top + name for name in self._names if name in wanted}):
            yield name.removeprefix(self._top), content


def _top_folder(names: Sequence[str]) -> str:
    """The folder that everything lies in, with its slash, or "" if train/ or test/ is at the top."""
    firsts = {name.split("/", 1)[0] for name in names}
    if len(firsts) != 1 or not all("/" in name for name in names) or firsts & {"train", "test"}:
        return ""
    return f"{firsts.pop()}/"


def _hidden(name: str) -> bool:
    """Files that desktops and archivers leave behind."""
    return any(part.startswith(".") or part in {"__MACOSX", "Thumbs.db", "desktop.ini"} for part in name.split("/"))


class Folder:
    """Files below a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    def names(self) -> list[str]:
        """All files, checked."""
        with _refusing(self.path):
            return sorted(self._below(self.path))

    def read(self, wanted: Container[str]) -> Iterator[tuple[str, bytes]]:
        """The wanted files with their content, sorted by name."""
        for name in self.names():
            if name in wanted:
                with _refusing(self.path):
                    content = (self.path / name).read_bytes()
                yield name, content

    def _below(self, folder: Path) -> Iterator[str]:
        for entry in folder.iterdir():
            name = entry.relative_to(self.path).as_posix()
            if entry.is_symlink() and not (entry.is_file() and entry.resolve().is_relative_to(self.path)):
                raise ImportRefused(f"{self.path}: {name!r} is a link out of the folder, or to a folder, or to nothing")
            if entry.is_dir():
                yield from self._below(entry)
            elif entry.is_file():
                yield name
            else:
                raise ImportRefused(f"{self.path}: {name!r} is neither a file nor a folder")


class _TarMember(tarfile.TarInfo):
    """A member of a tar that ends where it says so, with an empty block.

    By itself `tarfile` takes whatever is no header for the end, and so an archive that was cut between two members, or
    one with a damaged header, for a shorter one.
    """

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        """The next member of an archive; raises ReadError where there is something else, or nothing."""
        try:
            return super().fromtarfile(archive)
        except tarfile.HeaderError as error:
            if isinstance(error, tarfile.EOFHeaderError):  # type: ignore[attr-defined]
                raise
            where = f" at byte {archive.offset}: it was cut short, or is damaged" if archive.offset else ""
            raise tarfile.ReadError(f"{error}{where}") from None


_Kind = Literal["file", "folder", "link", "other"]


class _Member(NamedTuple):
    """What an archive has under a name."""

    name: str
    kind: _Kind
    read: Callable[[], bytes]


class _Archive(ABC):
    """Files of an archive, each of them there once and under a plain path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        """All files, checked."""
        found: dict[str, None] = {}
        with _refusing(self.path):
            for name, kind, _ in self._members():
                if name.startswith("/") or ".." in name.split("/") or "\\" in name or not name:
                    raise ImportRefused(f"{self.path}: {name!r} is not a plain path inside the archive")
                if kind == "link":
                    raise ImportRefused(f"{self.path}: {name!r} is a link; archives must hold plain files")
                if kind == "other":
                    raise ImportRefused(f"{self.path}: {name!r} is neither a file nor a folder")
                if kind == "file":
                    plain = posixpath.normpath(name)
                    if plain in found:
                        raise ImportRefused(f"{self.path}: {plain!r} is in it twice")
                    found[plain] = None
        return list(found)

    def read(self, wanted: Container[str]) -> Iterator[tuple[str, bytes]]:
        """The wanted files with their content, in the archive's order."""
        with _refusing(self.path):
            for name, kind, read in self._members():
                plain = posixpath.normpath(name)
                if kind == "file" and plain in wanted:
                    yield plain, read()

    @abstractmethod
    def _members(self) -> Iterator[_Member]:
        """All that is in it, in its order."""


class TarArchive(_Archive):
    """Files of a tar, compressed with gzip or not."""

    def _members(self) -> Iterator[_Member]:
        with self.path.open("rb") as file:
            compressed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            unpacked = gzip.GzipFile(fileobj=file) if compressed else file
            stream = _Limited(unpacked, self.path)
            with tarfile.open(fileobj=stream, mode="r|", bufsize=1 << 16, tarinfo=_TarMember) as archive:  # type: ignore[call-overload]
                for member in archive:
                    yield _Member(member.name, _kind(member), partial(_content, archive, member))


def _kind(member: tarfile.TarInfo) -> _Kind:
    if member.issym() or member.islnk():
        return "link"
    return "file" if member.isfile() else "folder" if member.isdir() else "other"


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read() if file else b""


class ZipArchive(_Archive):
    """Files of a zip."""

    def _members(self) -> Iterator[_Member]:
        with zipfile.ZipFile(self.path) as archive:
            # zipfile never unpacks more of a member than the size that is written here
            if sum(member.file_size for member in archive.infolist()) > _allowed(self.path):
                raise _bomb(self.path)
            for member in archive.infolist():
                linked = stat.S_ISLNK(member.external_attr >> 16)
                kind: _Kind = "link" if linked else "folder" if member.is_dir() else "file"
                yield _Member(member.filename, kind, partial(archive.read, member))


class _Limited:
    """A stream that stops an archive from unpacking to far more than it is."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile, path: Path) -> None:
        self.stream, self.path, self.left = stream, path, _allowed(path)

    def read(self, size: int) -> bytes:
        block = self.stream.read(size)
        self.left -= len(block)
        if self.left < 0:
            raise _bomb(self.path)
        return block


def _allowed(path: Path) -> int:
    return ALWAYS_ALLOWED + MAX_RATIO * path.stat().st_size


def _bomb(path: Path) -> ImportRefused:
    return ImportRefused(f"{path} unpacks to more than {MAX_RATIO} times its size; images do not compress like that")


@contextlib.contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn what the archive libraries raise into a refusal."""
    try:
        yield
    except _UNREADABLE as error:
        raise ImportRefused(f"{path} cannot be read: {error or type(error).__name__}") from error
