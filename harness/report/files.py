"""A report's files: tables and figures in each format, and the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.errors import HarnessError, SpecError
from harness.files import write_whole
from harness.names import lookup
from harness.report.formats import Table, csv, markdown
from harness.report.latex import latex

FORMATS: dict[str, Callable[[Table], str] | None] = {
    "md": markdown,
    "tex": latex,
    "csv": lambda table: csv(table.data),
    "html": None,
}
"""What can be asked for; figures are always written as PNG and PDF, their numbers with `csv`."""


def require_formats(formats: Collection[str]) -> None:
    """Raises SpecError where a format is none, or there is none at all."""
    for name in formats:
        lookup(FORMATS, "format", name)
    if not formats:
        raise SpecError(f"--format names no format; say one or more of {', '.join(FORMATS)}")


Kinds = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Illustration:
    """A figure that is to be written."""

    name: str
    """Stem of its files."""
    data: pd.DataFrame
    pictures: Callable[[Kinds], Mapping[str, bytes]]
    """Its content in each of some file formats."""


def folder_of(out: Path, name: str) -> Path:
    """The folder of one report in `out`, made if need be; suites' names, which may have . and +, stay as they are."""
    folder = out / re.sub(r"[^\w.+-]", "_", name)
    try:
        folder.mkdir(parents=True, exist_ok=True)  # before the work, so that a wrong folder is told at once
    except OSError as error:
        raise HarnessError(f"{folder} cannot be made: {error.strerror}; name another folder with --out") from error
    return folder


def write_files(
    folder: Path,
    tables: Sequence[Table],
    illustrations: Sequence[Illustration],
    formats: Collection[str],
    page: Callable[[Mapping[str, bytes]], str],
) -> tuple[Path, ...]:
    """Write everything; the files, the page `report.html` last where it was asked for.

    page: makes the page of the figures as SVG, by their names.

    Raises:
        HarnessError: a file cannot be written; it stays as it was, if it was there.
    """
    files: dict[str, str | bytes] = {}
    for name, writer in FORMATS.items():
        if name in formats and writer is not None:
            files |= {f"{table.name}.{name}": writer(table) for table in tables}
    vectors = {}
    for each in illustrations:
        kinds = each.pictures(("png", "pdf", *(("svg",) if "html" in formats else ())))
        files |= {f"{each.name}.{kind}": kinds[kind] for kind in ("png", "pdf")}
        vectors[each.name] = kinds.get("svg", b"")
        if "csv" in formats:
            files[f"{each.name}.csv"] = csv(each.data)
    if "html" in formats:
        files["report.html"] = page(vectors)
    return tuple(_write(folder, name, content) for name, content in files.items())


def _write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    write_whole(path, content.encode() if isinstance(content, str) else content)
    return path
