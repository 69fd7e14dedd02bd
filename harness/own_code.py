"""Python files of a researcher's own: networks, targets, penalties and attacks, which suites name as "FILE.py:NAME".

The plan reads a file once (`harness.suites.own_source`). Its SHA-256 is part of the identity of all results that it has
a share in, and its text goes with the job to the worker, wherever that is: so what ran is what the identity says, even
if the file was changed since. A file may import what is installed, but no other file, which would be in no identity.
"""

from __future__ import annotations

import hashlib
import linecache
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.files import is_whole, write_whole


def sha256_of(text: str) -> str:
    """The identity of a file's text."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class OwnCode:
    """Files of own code, ready to be run."""

    sources: tuple[tuple[str, str], ...] = ()
    """Each file's name and text."""

    def function(self, reference: str) -> Callable[..., Any]:
        """What a reference names; its file is run if this process has not run the same text yet."""
        file, _, name = reference.partition(":")
        found: Callable[..., Any] = getattr(_module(file, dict(self.sources)[file]), name)
        return found

    def run(self) -> None:
        """Run the files, also where this process has: what an earlier job left in their globals is gone."""
        for file, text in self.sources:
            sys.modules.pop(_module_name(file, text), None)
            _module(file, text)

    def only(self, references: Iterable[str]) -> OwnCode:
        """The files of these references."""
        files = {reference.partition(":")[0] for reference in references}
        return OwnCode(tuple(source for source in self.sources if source[0] in files))


NO_CODE = OwnCode()


@dataclass(frozen=True)
class OwnFunction:
    """A function of own code; those of one name in the same text are equal, however often it was run."""

    code: OwnCode
    reference: str

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """What the function returns."""
        return self.code.function(self.reference)(*arguments, **options)


def described(value: Any) -> str:
    """What own code returned, for an error that says what it should have: "a tensor (3, 4)", "a list"."""
    kind = type(value).__name__
    return f"a tensor {tuple(value.shape)}" if kind == "Tensor" else f"a {kind}"


def keep(code: OwnCode, folder: Path) -> None:
    """Write each file's text into a folder under its SHA-256, so that what ran can be read when the file has changed.

    Raises:
        HarnessError: the folder cannot be written.
    """
    for file, text in code.sources:
        path = _kept_file(folder, file, sha256_of(text))
        if not is_whole(path, sha256_of(text)):
            write_whole(path, text.encode())


def kept(folder: Path, files: Mapping[str, str]) -> OwnCode:
    """What `keep` wrote of files, each named with its SHA-256; raises HarnessError where it is gone or altered."""
    found = []
    for file, sha256 in sorted(files.items()):
        path = _kept_file(folder, file, sha256)
        if not is_whole(path, sha256):
            raise HarnessError(
                f"{path}, the own code that was run, is gone or altered; put back the file of the SHA-256 in its name"
            )
        found.append((file, path.read_bytes().decode()))
    return OwnCode(tuple(found))


def _kept_file(folder: Path, file: str, sha256: str) -> Path:
    return folder / f"{Path(file).stem}-{sha256}.py"


def _module_name(file: str, text: str) -> str:
    return f"{Path(file).stem}_{sha256_of(text)[:16]}"


def _module(file: str, text: str) -> types.ModuleType:
    """The module of a text. It is among Python's modules, as dataclasses and pickles ask, under a name of its own."""
    name = _module_name(file, text)
    if name not in sys.modules:
        module = types.ModuleType(name)
        sys.modules[name] = module
        # what asks for the source, as torch.jit does, gets this one, and not that of a file in the current folder
        linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
        try:
            exec(compile(text, file, "exec", dont_inherit=True), module.__dict__)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]
