r"""A table as LaTeX that is as wide as the line and no wider.

Nothing here typesets, so widths are reckoned in letters of Computer Modern. Text from the database is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import ceil
from textwrap import wrap
from typing import NamedTuple

from harness.report.cells import tied
from harness.report.formats import Table, one_line

NEEDS = r"% needs \usepackage{array,booktabs,graphicx,longtable}"
LINE = 345.0
r"""Points of \linewidth that are reckoned with: article at 10pt."""
LONG = 40
"""More lines than this are not sure to fit one page."""
ROOM = 1.25
"""A line of words has at least so many times the width that it needs, or is set smaller."""


class Size(NamedTuple):
    """How large a table is set."""

    command: str
    letter: float
    """Points that a digit is wide, about as much as a letter on average."""
    tabcolsep: int
    """Points on each side of a column."""

    def letters(self, columns: int) -> float:
        """That fit a line of so many columns."""
        return (LINE - 2 * columns * self.tabcolsep) / self.letter


SIZES = (Size("footnotesize", 4.25, 6), Size("scriptsize", 3.99, 3), Size("tiny", 3.4, 2))


class Layout(NamedTuple):
    """How a table is set."""

    size: Size
    sides: str
    """The columns, as `tabular` has them."""
    wrapped: bool
    """Whether its cells are."""
    long: bool
    scaled: bool = False


def latex(table: Table) -> str:
    """The table in an environment of its own, `longtable` where it may need more than one page; notes below."""
    cells = [[tied(cell) for cell in row] for row in table.rows]
    columns = list(zip(*(table.columns, *cells), strict=True))
    size, sides, wrapped, long, scaled = _layout(columns, words=table.words)
    heads = [_broken(head) for head in table.columns] if wrapped else [_head(*column) for column in columns]
    printed = _broken if wrapped else latex_text
    top = [rf"\caption{{{latex_text(table.title)}}}\label{{{_label(table)}}}", *_ruled(heads)]
    rows = [" & ".join(map(printed, row)) + r" \\" for row in cells]
    notes = [rf"\par {latex_text(note)}" for note in table.notes]
    setting = rf"\{size.command}\setlength{{\tabcolsep}}{{{size.tabcolsep}pt}}"
    lines = _longtable(sides, top, rows) if long else _tabular(sides, top, rows, scaled=scaled)
    begin, end = (r"\begingroup", r"\endgroup") if long else (r"\begin{table}", r"\end{table}")
    return "\n".join([NEEDS, begin, setting, *lines, r"\raggedright", *notes, end]) + "\n"


def _layout(columns: Sequence[Sequence[str]], *, words: bool) -> Layout:
    """Cells of words wrap; numbers do only where they are too wide for the line and too many to be drawn smaller."""
    rows, natural = len(columns[0]) - 1, sum(_natural(columns))
    if not words:
        size = next((size for size in SIZES[:2] if natural <= size.letters(len(columns))), SIZES[1])
        fits = natural <= size.letters(len(columns))
        if fits or rows <= LONG:
            return Layout(size, f"l{'r' * (len(columns) - 1)}", wrapped=False, long=rows > LONG, scaled=not fits)
    size, widths = _paragraphs(columns)
    heights = ([ceil(len(cell) / width) for cell in column] for column, width in zip(columns, widths, strict=True))
    lines = sum(map(max, zip(*heights, strict=True)))
    return Layout(size, _sides(widths, words=words), wrapped=True, long=lines > LONG)


def _tabular(sides: str, top: Sequence[str], rows: Sequence[str], *, scaled: bool) -> Iterator[str]:
    caption, *head = top
    yield r"\centering"
    yield caption
    if scaled:
        yield r"\resizebox{\linewidth}{!}{% too wide for the line at any size: drawn smaller as a whole"
    yield rf"\begin{{tabular}}{{{sides}}}"
    yield from (*head, *rows, r"\bottomrule")
    yield r"\end{tabular}" + ("}" if scaled else "") + r"\par"


def _longtable(sides: str, top: Sequence[str], rows: Sequence[str]) -> Iterator[str]:
    caption, *head = top
    yield rf"\begin{{longtable}}{{{sides}}}"
    yield caption + r"\\"
    yield from (*head, r"\endfirsthead", *head, r"\endhead", r"\bottomrule", r"\endfoot", *rows)
    yield r"\end{longtable}"


def _ruled(heads: Sequence[str]) -> tuple[str, ...]:
    return r"\toprule", " & ".join(heads) + r" \\", r"\midrule"


def _paragraphs(columns: Sequence[Sequence[str]]) -> tuple[Size, list[float]]:
    """The largest size that leaves room beside the words' widest parts, and the columns' widths in letters.

    Each column has its widest part; what is left of the line goes to those whose cells are longer.
    """
    least = [max([len(part) for cell in column for part in _parts(cell)], default=1) for column in columns]
    wanted = [max(map(len, column)) - short + 1 for short, column in zip(least, columns, strict=True)]
    size = next((size for size in SIZES if ROOM * sum(least) <= size.letters(len(columns))), SIZES[-1])
    spare = max(0.0, size.letters(len(columns)) - sum(least))
    return size, [short + spare * more / sum(wanted) for short, more in zip(least, wanted, strict=True)]


def _sides(widths: Sequence[float], *, words: bool) -> str:
    """Columns that wrap and share, as their widths say, what their separations leave of the line."""
    shares = [int(1000 * width / sum(widths)) for width in widths]
    shares[shares.index(max(shares))] += 1000 - sum(shares)
    free = rf"\dimexpr\linewidth-{2 * len(widths)}\tabcolsep\relax"
    sides = ["right", *["right" if words else "left"] * (len(widths) - 1)]
    return "".join(
        rf">{{\ragged{side}\arraybackslash}}p{{0.{share:03}{free}}}" for side, share in zip(sides, shares, strict=True)
    )


def _natural(columns: Sequence[Sequence[str]]) -> list[int]:
    """Letters of each column whose cells do not wrap; its heading does."""
    return [max(map(len, [*_heading_lines(head, cells), *cells])) for head, *cells in columns]


def _heading_lines(head: str, cells: Sequence[str]) -> list[str]:
    """The heading on lines that are no wider than the cells below, or else than its longest word."""
    width = max([*map(len, head.split()), *map(len, cells)])
    return [line for given in head.split("\n") for line in wrap(given, width, break_long_words=False)]


def _head(head: str, *cells: str) -> str:
    lines = [latex_text(line) for line in _heading_lines(head, cells)]
    return lines[0] if len(lines) == 1 else r"\shortstack{" + r" \\ ".join(lines) + "}"


def _parts(text: str) -> list[str]:
    """What no line is broken within."""
    return [part for piece in _pieces(text) for part in re.split(r" |(?<=-)", piece) if part]


def _pieces(text: str) -> list[str]:
    """What a line may be broken between beside spaces and hyphens: names at punctuation and around a year."""
    return re.split(r"(?<=[_=/,:\[\]])(?=\S)|(?<=[a-z])(?=\d{4})|(?<=\d{4})(?=[a-z])", one_line(text))


def _broken(text: str) -> str:
    return r"\allowbreak{}".join(map(latex_text, _pieces(text)))


def _label(table: Table) -> str:
    return "tab:" + re.sub(r"[^A-Za-z0-9]+", "-", f"{table.report} {table.name}").strip("-")


def latex_text(text: str) -> str:
    """Text that LaTeX prints as it is: no command in it survives."""
    escaped = "".join(_LATEX.get(letter, letter) for letter in one_line(text))
    return escaped.replace("--", "-{}-")  # two hyphens would become a dash


_LATEX = {
    "\u00a0": r"\nobreakspace{}",
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # after \\ a bracket would be an optional argument
    "±": r"$\pm$",
    "−": "$-$",
    "×": r"$\times$",
    "≥": r"$\ge$",
    "≤": r"$\le$",
    "–": r"\textendash{}",
    "`": r"\textasciigrave{}",
    "α": r"$\alpha$",
    "γ": r"$\gamma$",
    "ε": r"$\varepsilon$",
    "∞": r"$\infty$",
    "⁻": r"\textsuperscript{$-$}",
    "³": r"\textsuperscript{3}",
    "₀": r"\textsubscript{0}",
}
