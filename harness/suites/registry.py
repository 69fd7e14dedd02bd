"""Which suites and collections of suites there are: the built-in ones and a user's own, one TOML file each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import harness
from harness.errors import SpecError
from harness.names import lookup
from harness.settings import settings
from harness.spec import Collection, Suite, parse_suite, read_collection


def builtin_folder() -> Path:
    """The suites that come with the harness: inside an installed package, beside it in a checkout."""
    package = Path(harness.__file__).parent
    packaged = package / "experiments"
    return packaged if packaged.is_dir() else package.parent / "experiments"


def suite_files() -> dict[str, Path]:
    """Every suite's file by name, sorted; raises SpecError where two files have the same name."""
    own = settings().experiments_dir
    if own is not None and not own.is_dir():
        raise SpecError(f"HARNESS_EXPERIMENTS_DIR is {own}, which is not a folder")
    found: dict[str, Path] = {}
    for folder in filter(None, (builtin_folder(), own)):
        for path in sorted(folder.glob("[!.]*.toml")):
            other = found.setdefault(path.stem, path)
            if other != path and not other.samefile(path):
                raise SpecError(f"two suites are called {path.stem!r}: {other} and {path}; rename yours")
    return dict(sorted(found.items()))


def get_file(files: Mapping[str, Path], name: str) -> Path:
    """The file of a suite; raises SpecError, which says where those of one's own are looked for."""
    alone = Path(name).name.removesuffix(".toml")
    if name not in files and alone in files:
        raise SpecError(f"no suite called {name!r}; without folder and ending it is called {alone}")
    own = settings().experiments_dir
    where = f"the folder HARNESS_EXPERIMENTS_DIR, which is {own or 'not set'}"
    return lookup(files, "suite", name, f"one of your own is a file of {where}")


class Catalogue(NamedTuple):
    """Everything that there is at a profile, by name."""

    suites: dict[str, Suite]
    collections: dict[str, Collection]
    wrong: dict[str, SpecError]
    """Those whose file is wrong, and what is wrong with it: it is no reason to hide the others."""


def catalogue(profile: str) -> Catalogue:
    """All suites and collections, and those whose files are wrong; raises SpecError as `suite_files`."""
    files, look = suite_files(), cache(read_collection)
    found = Catalogue({}, {}, {})
    for name, path in files.items():
        try:
            if collection := _checked(path, files, look):
                found.collections[name] = collection
            else:
                found.suites[name] = _suite(path, profile, files)
        except SpecError as error:
            found.wrong[name] = error
    return found


def get_suites(name: str, profile: str) -> tuple[Suite, ...]:
    """The suite of that name at a profile, or the suites of a collection; raises UnknownName or another SpecError."""
    files, collection = suite_files(), find_collection(name)
    return tuple(_suite(files[each], profile, files) for each in (collection.suites if collection else (name,)))


def find_collection(name: str) -> Collection | None:
    """The collection of that name; None if it is a suite's. Raises UnknownName or another SpecError."""
    files = suite_files()
    return _checked(get_file(files, name), files, read_collection)


def members(name: str) -> tuple[str, ...]:
    """The suites of a collection; of anything else, also a suite that only a database knows, the name itself."""
    try:
        collection = find_collection(name)
    except SpecError:
        return (name,)
    return collection.suites if collection else (name,)


def _suite(path: Path, profile: str, files: Mapping[str, Path]) -> Suite:
    """The suite of a file, in the precisions of the settings where it says none."""
    said = {"train": settings().train_precision, "evaluations": settings().evaluation_precision}
    return parse_suite(path, profile, files, {part: {"precision": value} for part, value in said.items() if value})


def _checked(path: Path, files: Mapping[str, Path], look: Callable[[Path], Collection | None]) -> Collection | None:
    """The collection of a file, whose members `look` finds to be suites; None if it is a suite's."""
    collection = look(path)
    for member in collection.suites if collection else ():
        if look(lookup(files, f"suite (of the collection {path.name})", member)):
            raise SpecError(f"{path.name}: {member} is a collection itself; name its suites")
    return collection
