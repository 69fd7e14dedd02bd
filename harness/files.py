"""Files that are on the disk whole or not at all, whatever stops the machine on the way, and what is in them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable
from functools import cache
from glob import escape
from pathlib import Path

from harness.errors import HarnessError
from harness.machine import lives, process_space

BLOCK = 1 << 22  # bytes hashed at a time
_ABANDONED_SECONDS = 3600.0  # after which nobody goes on writing a file that was begun


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in its place in one step, safely on the disk when this returns; its folder is made if need be.

    What a killed writer left of the same file is removed.

    Raises:
        HarnessError: it cannot be written, as where the disk is full; nothing half-written stays.
    """
    begun = unfinished(path)
    try:
        _make_folder(path.parent)
        remove_abandoned(path.parent, f"{escape(path.name)}.*.tmp")
        with begun.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        begun.replace(path)
        flush(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            begun.unlink()
        raise HarnessError(
            f"cannot write {path} ({len(content):,} bytes): {error.strerror}; make room or fix the folder, then run "
            "the same command again"
        ) from error


def copy_whole(source: Path, target: Path, sha256: str) -> bool:
    """Put a copy of a file in its place, unless that has the content; False if the source has not.

    Raises:
        OSError: the source cannot be read.
        HarnessError: the target cannot be written.
    """
    if is_whole(target, sha256):
        return True
    content = source.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        return False
    write_whole(target, content)
    return True


def unfinished(path: Path) -> Path:
    """Where this process writes a file until it is whole: nobody else's who writes the same."""
    return path.with_name(f"{path.name}.{_here()}.{os.getpid()}.tmp")


def remove_abandoned(folder: Path, pattern: str = "*.tmp") -> None:
    """Remove what writers that were killed left in a folder; what somebody is writing stays."""
    for begun in folder.glob(pattern):
        with contextlib.suppress(OSError):
            if _writer_is_gone(begun) or time.time() - begun.stat().st_mtime > _ABANDONED_SECONDS:
                begun.unlink()


def _writer_is_gone(begun: Path) -> bool:
    """Whether a process that this one would see was writing a file, and has ended."""
    writer, _, process = begun.stem.rpartition(".")
    return writer.endswith(f".{_here()}") and process.isdecimal() and not lives(int(process))


@cache
def _here() -> str:
    """Where a process' number means something, short enough for a file's name."""
    return hashlib.sha256(process_space().encode()).hexdigest()[:12]


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are not there, and their names safe too."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in made:
        flush(each.parent)


def flush(path: Path) -> None:
    """Make a file's content, or the renames in a folder, survive a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_sha256(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            if on_bytes:
                on_bytes(len(block))
    return digest.hexdigest()


def is_whole(path: Path, sha256: str | None) -> bool:
    """Whether a file is there with that content."""
    try:
        return file_sha256(path) == sha256
    except OSError:
        return False
