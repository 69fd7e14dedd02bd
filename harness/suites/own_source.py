"""The text of own code, read beside one's own suites and looked into; nothing of it is run."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from harness.errors import SpecError

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


@cache
def _tree(text: str) -> ast.Module:
    """What a text is made of; each condition of a grid asks for it.

    Raises:
        SyntaxError: it is not Python, which of some mistakes only the compiler says.
    """
    with warnings.catch_warnings(action="ignore"):  # they are told where it is run
        tree = ast.parse(text)
        compile(tree, "own code", "exec", dont_inherit=True)
    return tree


@cache
def names_in(text: str) -> frozenset[str]:
    """The names that a file's text defines."""
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
    """How what a text defines under a name can be called; None where only running it tells."""
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
