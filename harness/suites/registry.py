"""Which suites and collections of suites there are: the built-in ones and a user's own, one TOML file each."""

from __future__ import annotations

from pathlib import Path

import harness
from harness.errors import SpecError
from harness.names import lookup
from harness.settings import settings
from harness.spec import Collection, Suite, find_collection, parse_suite


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
        for path in sorted(folder.glob("*.toml")):
            other = found.setdefault(path.stem, path)
            if not other.samefile(path):
                raise SpecError(f"two suites are called {path.stem!r}: {other} and {path}; rename yours")
    return dict(sorted(found.items()))


def get_suites(name: str, profile: str) -> tuple[Suite, ...]:
    """The suite of that name at a profile, or the suites of a collection; raises UnknownName or another SpecError."""
    collection = get_collection(name)
    return tuple(_parsed(suite, profile) for suite in (collection.suites if collection else (name,)))


def get_collection(name: str) -> Collection | None:
    """The collection of that name; None if it is a suite's. Raises UnknownName or another SpecError."""
    path = lookup(suite_files(), "suite", name)
    collection = find_collection(path)
    for member in collection.suites if collection else ():
        if find_collection(lookup(suite_files(), f"suite (of the collection {path.name})", member)):
            raise SpecError(f"{path.name}: {member} is a collection itself; name its suites")
    return collection


def _parsed(name: str, profile: str) -> Suite:
    return parse_suite(lookup(suite_files(), "suite", name), profile, suite_files())
