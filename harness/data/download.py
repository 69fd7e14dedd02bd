"""Downloads that continue where they stopped and are used only when their checksum is right."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import io
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data.progress import OnProgress, Tell, ignore_line, ignore_progress
from harness.errors import DataError
from harness.files import flush

FOLDER = "downloads"
"""Below the data folder, with a folder for each name; what lies there is removed once a set is made of it."""
BLOCK = 1 << 18  # bytes
TIMEOUT_SECONDS = 30
ATTEMPTS = 5
MOST_BYTES = 4 << 30  # of a file; the largest, CIFAR-100-C's, has 2.9 GB
MOST_CHARACTERS = 200  # of what a server says is wrong

_BROKEN = (http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError)
"""A connection that was cut, or an answer that is none; where something arrived before, another attempt may help."""


class _Redirections(urllib.request.HTTPRedirectHandler):
    """Follows redirections without a look at their pages, which urllib would read whole, however long they are."""

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        fp.close()
        return super().http_error_302(req, io.BytesIO(), code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _http_opener() -> urllib.request.OpenerDirector:
    """For HTTP alone: a redirection leads to no file of this machine, and to no other protocol."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        _Redirections,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


_OPENER = _http_opener()


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file on a server."""

    url: str
    md5: str = ""
    """Against cut and altered transfers; published by the server."""
    sha256: str = ""
    """The same, where the server publishes that: all of it, or its beginning."""

    @property
    def file(self) -> str:
        """Its name."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def promised(self) -> str:
        """How its checksum begins."""
        return self.sha256 or self.md5


def fetch(
    download: Download,
    folder: Path,
    name: str,
    on_progress: OnProgress = ignore_progress,
    *,
    instead: str = "",
    tell: Tell = ignore_line,
) -> Path:
    """Download a file into `folder`, and say where it lies; a part that is there from an earlier attempt is continued.

    name: the data set that it is for, said in errors. on_progress: told (bytes done, bytes in all). instead: what
    else can be done without a connection. tell: told where another process downloads it, which is waited for.

    Raises:
        DataError: no connection, the disk is full, or the file that arrived is not the one that was promised.
    """
    path = folder / download.file
    part = folder / f"{download.file}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _held(part, tell):
            if path.exists() and _checksum(download, path).startswith(download.promised):
                return path  # nothing of it has changed since it came
            _complete(download, part, on_progress)
            _check(download, part)
            flush(part)
            part.replace(path)
            flush(folder)
    except (urllib.error.URLError, *_BROKEN) as error:
        raise DataError(
            f"cannot download {download.url}: {_reason(error)}. What has arrived is kept and the same command goes on "
            f"from there. Without a connection put {download.file} into {folder} and run the same command, or import "
            f"what you got elsewhere: harness data import {name} PATH" + (f"; {instead}" if instead else "")
        ) from error
    except OSError as error:
        raise DataError(
            f"cannot write {part}: {error.strerror or error}; what has arrived is kept. Free some space, or set "
            "HARNESS_DATA_DIR to a folder that can be written"
        ) from error
    return path


@contextlib.contextmanager
def _held(part: Path, tell: Tell) -> Iterator[None]:
    """The part, made if need be, for this process alone; an empty one is not left."""
    waits = False
    while True:
        with part.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not waits:
                    tell(f"another process downloads {part.with_suffix('')}: waiting until it has ended")
                waits = True
                fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_called(file.fileno(), part):  # whoever had it has renamed or removed it
                continue
            try:
                yield
            finally:
                if _is_called(file.fileno(), part) and not _size(part):
                    part.unlink()
            return


def _is_called(handle: int, path: Path) -> bool:
    """Whether an open file has that name."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _reason(error: Exception) -> str:
    """What went wrong, in a few words; what the server said of it moves no terminal's cursor."""
    text = str(getattr(error, "reason", "") or error or type(error).__name__)
    return "".join(char if char.isprintable() else " " for char in " ".join(text.split())[:MOST_CHARACTERS])


def _complete(download: Download, part: Path, on_progress: OnProgress) -> None:
    """Bring the part to its full length; a connection that is cut on the way is taken up again."""
    for attempt in range(1, ATTEMPTS + 1):
        before = _size(part)
        try:
            if _continue(download, part, on_progress):
                return
        except _BROKEN:
            if attempt == ATTEMPTS or _size(part) == before:  # no way forward
                raise
    raise http.client.IncompleteRead(b"")


def _continue(download: Download, part: Path, on_progress: OnProgress) -> bool:
    """Append what is missing of the file; returns whether it is whole."""
    done = _size(part)
    request = urllib.request.Request(download.url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        response = _OPENER.open(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and done:  # nothing is missing
            error.close()
            return True
        raise
    except ValueError as error:  # it sends us to an address that is none
        raise http.client.HTTPException(f"the server's answer cannot be read: {error}") from error
    with response:
        if response.status != http.client.PARTIAL_CONTENT:  # the server begins anew
            done = 0
        total = done + (response.length or 0)
        _refuse_too_long(download, part, total)
        with part.open("ab" if done else "wb") as file:
            while block := response.read(BLOCK):
                file.write(block)
                done += len(block)
                _refuse_too_long(download, part, done)
                on_progress(done, max(done, total))
    return done >= total


def _size(part: Path) -> int:
    """Bytes that are there; 0 before the first."""
    return part.stat().st_size if part.exists() else 0


def _refuse_too_long(download: Download, part: Path, size: int) -> None:
    """Raise DataError if no file that is wanted has so many bytes: the disk is not for a server to fill."""
    if size > MOST_BYTES:
        part.unlink(missing_ok=True)
        raise DataError(
            f"{download.url} has more than {MOST_BYTES >> 20} MB, so it is not the file that was promised; nothing of "
            "it was kept. Try again, or get it elsewhere and use: harness data import"
        )


def _check(download: Download, part: Path) -> None:
    """Raise DataError if it is not the file that was promised, which is removed."""
    found = _checksum(download, part)
    if not found.startswith(download.promised):
        part.unlink()
        kind = "SHA-256" if download.sha256 else "MD5"
        raise DataError(
            f"{download.url} arrived with the {kind} {found}, not {download.promised}; it was removed, and nothing was "
            "imported. Try again, or get it elsewhere and use: harness data import"
        )


def _checksum(download: Download, file: Path) -> str:
    """Of a file's content, of the kind that the download's is."""
    algorithm = hashlib.sha256 if download.sha256 else lambda: hashlib.md5(usedforsecurity=False)
    with file.open("rb") as content:
        return hashlib.file_digest(content, algorithm).hexdigest()
