"""The tables of a suite's TOML file, laid over those of the suite that it extends.

It takes over all but title, figures, conditions and analyses; an evaluation that is `false` is left out.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import SpecError, UnknownName
from harness.names import MOST_LETTERS, NAME, lookup
from harness.spec.spec import Table

MOST_BYTES = 1 << 20  # of a suite's file; the longest of ours has a few thousand
MOST_LEVELS = 12
_NOT_INHERITED = ("extends", "title", "figures", "conditions", "analyses")
_OF_TABLES = ("evaluations", "analyses")  # where tables are merged one by one


def read_toml(path: Path) -> Table:
    """A file's tables; raises SpecError, also for a name that commands cannot be given as it is."""
    if not NAME.fullmatch(path.stem):
        raise SpecError(
            f"{path.name}: a suite's name is made of ASCII letters, digits and _ . + -, at most {MOST_LETTERS}, the "
            "first a letter or digit; rename the file"
        )
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise SpecError(f"{path.name}: no suite has more than {MOST_BYTES >> 20} MB")
        table = tomllib.loads(content.decode("utf-8-sig"))  # some editors begin with a mark
        if _is_deeper(table, MOST_LEVELS):
            raise RecursionError
        return table
    except RecursionError:
        raise SpecError(f"{path.name}: no suite has tables and arrays more than {MOST_LEVELS} levels deep") from None
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path.name}: not valid TOML: {error}") from None


def _is_deeper(table: Table, levels: int) -> bool:
    """Whether there is something below so many levels; without recursion, which has a limit of its own."""
    level: list[Any] = [table]
    for _ in range(levels):
        below = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = list(itertools.chain.from_iterable(below))
    return bool(level)


def extended(path: Path, others: Mapping[str, Path], below: tuple[str, ...] = ()) -> Table:
    """The file's tables, laid over those of the file that it extends.

    others: all suites' files by name. below: the suites that extend it. Raises SpecError.
    """
    table = read_toml(path)
    name = table.get("extends")
    if name is None and not below:
        return table
    _require_tables(path.name, table)
    if name is None:
        return table
    if path.stem in below:
        raise SpecError(f"{path.name}: it extends itself, by way of {', '.join(below)}")
    base = extended(lookup(others, f"suite (that {path.name} extends)", str(name)), others, (*below, path.stem))
    if "conditions" not in table:
        raise SpecError(f"{path.name}: conditions are missing, which are not taken over from {name}")
    for profile in (base, *base.get("profiles", {}).values()):
        for key in _NOT_INHERITED:
            profile.pop(key, None)
    whole, taken_over = laid_over(base, table), base.get("evaluations", {})
    for left_out in [each for each, value in whole.get("evaluations", {}).items() if value is False]:
        if left_out not in taken_over:
            raise SpecError(f"{path.name}: {UnknownName(f'evaluation of {name}', left_out, taken_over)}")
        for profile in (whole, *whole.get("profiles", {}).values()):
            profile.get("evaluations", {}).pop(left_out, None)
    _require_none_left_out(path.name, whole.get("profiles", {}))
    return whole


def _require_tables(where: str, written: Table) -> None:
    """Refuse anything else where tables are laid over each other; raises SpecError."""
    profiles = written.get("profiles", {})
    places = {"": written, "profiles": profiles}
    places |= {f"profiles.{name}": table for name, table in profiles.items()} if isinstance(profiles, dict) else {}
    for at, table in places.items():
        parts = {name: table.get(name, {}) for name in _OF_TABLES} if isinstance(table, dict) else {}
        for name, part in {"": table, **parts}.items():
            if not isinstance(part, dict):
                raise SpecError(f"{where}: {'.'.join(filter(None, (at, name)))} should be a table, got {part!r:.80}")


def _require_none_left_out(where: str, profiles: Table) -> None:
    """Raises SpecError where a profile alone leaves out an evaluation."""
    for profile, table in profiles.items():
        for name, value in table.get("evaluations", {}).items():
            if value is False:
                raise SpecError(
                    f"{where}: profiles.{profile}.evaluations.{name} is false, but an evaluation is left out in every "
                    "profile or in none; say it in [evaluations]"
                )


def laid_over(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> Table:
    """`base` with `overlay`'s values; tables are merged, everything else is replaced."""
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        merged[key] = laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
