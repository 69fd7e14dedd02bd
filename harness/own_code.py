"""Python files of a researcher's own: networks, targets, penalties and attacks, which suites name as "FILE.py:NAME".

The plan reads a file once. Its SHA-256 is part of the identity of all results that it has a share in, and its text goes
with the job to the worker, wherever that is: so what ran is what the identity says, even if the file was changed since.
A file may import what is installed, but no other file, which would be in no identity.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import linecache
import sys
import types
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, SpecError
from harness.files import is_whole, write_whole

MOST_BYTES = 1 << 20


def read_code(folder: Path | None, file: str) -> str:
    """The text of a file in the folder of one's own suites.

    Raises:
        SpecError: there is no such file, it is not Python, or it imports another file beside it.
    """
    path = own_folder(folder, file) / file
    try:
        content = path.read_bytes()
        if len(content) > MOST_BYTES:
            raise SpecError(f"{path}: no code of one's own has more than {MOST_BYTES >> 20} MB")
        text = content.decode("utf-8-sig")
        module = _tree(text)
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}") from None
    except SyntaxError as error:
        raise SpecError(f"{path}: line {error.lineno} is not Python: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:  # of another encoding, with zero bytes, nested too deep
        raise SpecError(f"{path} is not Python: {str(error) or 'it is nested too deep'}") from None
    for line, name in _imported(module):
        if _lies_in(path.parent, name):
            raise SpecError(
                f"{path}: line {line} imports {name}, which lies beside it; own code is one file "
                f"(docs/own-code.md), so put what it needs into {file}"
            )
    return text


def _imported(module: ast.Module) -> Iterator[tuple[int, str]]:
    """The line and the name of each module that an import anywhere in a file begins with."""
    for node in ast.walk(module):
        match node:
            case ast.ImportFrom(module=str(name), lineno=line):
                yield line, name.partition(".")[0]
            case ast.Import(names=names, lineno=line) | ast.ImportFrom(names=names, lineno=line):
                yield from ((line, each.name.partition(".")[0]) for each in names)


def _lies_in(folder: Path, name: str) -> bool:
    """Whether what an import of that name is to find lies in the folder, and is not installed elsewhere."""
    if name in sys.stdlib_module_names or not any((folder / each).exists() for each in (name, f"{name}.py")):
        return False
    found = importlib.util.find_spec(name)  # also in the folder, where that is the current one
    if found is None or found.origin is None:
        return True
    return Path(found.origin).resolve().parent in {folder.resolve(), (folder / name).resolve()}


def own_folder(folder: Path | None, file: str) -> Path:
    """The folder of one's own suites, in which a file is looked for; raises SpecError if there is none."""
    if folder is None:
        raise SpecError(
            f"{file} lies beside your own suites, but HARNESS_EXPERIMENTS_DIR is not set; "
            "set it to the folder of your suites"
        )
    return folder


def sha256_of(text: str) -> str:
    """The identity of a file's text."""
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _tree(text: str) -> ast.Module:
    """What a text is made of, of which nothing is run; each condition of a grid asks for it.

    Raises:
        SyntaxError: it is not Python, which of some mistakes only the compiler says.
    """
    with warnings.catch_warnings(action="ignore"):  # they are told where it is run
        tree = ast.parse(text)
        compile(tree, "own code", "exec", dont_inherit=True)
    return tree


@cache
def names_in(text: str) -> frozenset[str]:
    """The names that a file's text defines, of which nothing is run."""
    return frozenset(_defined(_tree(text)))


def _defined(block: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(block):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (each.asname or each.name for each in names)
            case ast.Assign(targets=targets):
                parts = (part for target in targets for part in ast.walk(target))  # of a tuple all that it names
                yield from (part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.If() | ast.For() | ast.While() | ast.Try() | ast.ExceptHandler() | ast.With():
                yield from _defined(node)


def signature_in(text: str, name: str) -> inspect.Signature | None:
    """How what a text defines under a name can be called, of which nothing is run; None where only running it tells."""
    for node in _tree(text).body:
        match node:
            case ast.FunctionDef(name=found, decorator_list=[]) if found == name:
                return _signature(node.args)
            case ast.ClassDef(name=found, decorator_list=[], body=body) if found == name:
                made = [each for each in body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
                return _signature(made[0].args, 1) if made and not made[0].decorator_list else None
    return None


def _signature(given: ast.arguments, bound: int = 0) -> inspect.Signature:
    """The signature of a function of which the first arguments are bound."""
    kind = inspect.Parameter
    placed = [
        *((each.arg, kind.POSITIONAL_ONLY) for each in given.posonlyargs),
        *((each.arg, kind.POSITIONAL_OR_KEYWORD) for each in given.args),
    ]
    required = len(placed) - len(given.defaults)
    parameters = [
        kind(name, of, default=kind.empty if place < required else None) for place, (name, of) in enumerate(placed)
    ]
    parameters += [kind(given.vararg.arg, kind.VAR_POSITIONAL)] if given.vararg else []
    parameters += [
        kind(each.arg, kind.KEYWORD_ONLY, default=kind.empty if default is None else None)
        for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    parameters += [kind(given.kwarg.arg, kind.VAR_KEYWORD)] if given.kwarg else []
    return inspect.Signature(parameters[bound:])


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
            raise HarnessError(f"{path}, the own code that was run, is gone or altered")
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
