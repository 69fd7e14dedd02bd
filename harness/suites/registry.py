"""Which suites there are: the built-in ones and a user's own, one TOML file each."""

from __future__ import annotations

from pathlib import Path

import harness
from harness.errors import SpecError
from harness.names import lookup
from harness.settings import settings
from harness.spec import Suite, parse_suite


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


def get_suite(name: str, profile: str) -> Suite:
    """The suite at a profile; raises UnknownName or another SpecError."""
    return parse_suite(lookup(suite_files(), "suite", name), profile)
