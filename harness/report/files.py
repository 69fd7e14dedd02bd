"""A report's files: tables and figures in each format, and the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from harness.errors import HarnessError, SpecError
from harness.files import write_whole
from harness.names import lookup
from harness.report.illustrations import Illustration, latex_figure, markdown_figure
from harness.report.latex import latex
from harness.report.table import Table, csv, markdown

FORMATS: dict[str, tuple[Callable[[Table], str], Callable[[Illustration], str]] | None] = {
    "md": (markdown, markdown_figure),
    "tex": (latex, latex_figure),
    "csv": (lambda table: csv(table.data), lambda figure: csv(figure.data)),
    "html": None,
}
"""What can be asked for, and how it is written of a table and of a figure, whose picture is always there too."""


def require_formats(formats: Collection[str]) -> None:
    """Raises SpecError where a format is none, or there is none at all."""
    for name in formats:
        lookup(FORMATS, "format", name)
    if not formats:
        raise SpecError(f"--format names no format; say one or more of {', '.join(FORMATS)}")


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
    for name, writers in FORMATS.items():
        if name in formats and writers is not None:
            of_table, of_figure = writers
            files |= {f"{table.name}.{name}": of_table(table) for table in tables}
            files |= {f"{figure.name}.{name}": of_figure(figure) for figure in illustrations}
    vectors = {}
    for each in illustrations:
        kinds = each.pictures(("png", "pdf", *(("svg",) if "html" in formats else ())))
        files |= {f"{each.name}.{kind}": kinds[kind] for kind in ("png", "pdf")}
        vectors[each.name] = kinds.get("svg", b"")
    if "html" in formats:
        files["report.html"] = page(vectors)
    return tuple(_write(folder, name, content) for name, content in files.items())


def _write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    write_whole(path, content.encode() if isinstance(content, str) else content)
    return path
