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
from harness.report.table import Table, one_line

NEEDS = r"% needs \usepackage{array,booktabs,graphicx,longtable}"
LINE = 345.0
r"""Points of \linewidth that are reckoned with: article at 10pt."""
LONG = 40
"""More lines than this are not sure to fit one page."""
SMALLEST = 0.85
"""Share of its size that a table is drawn smaller to: letters of 6 points."""
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

    def width(self, columns: Sequence[int]) -> float:
        """Points that columns of so many letters take."""
        return sum(columns) * self.letter + 2 * len(columns) * self.tabcolsep


SIZES = (Size("footnotesize", 4.25, 6), Size("scriptsize", 3.99, 3), Size("tiny", 3.4, 2))


class Layout(NamedTuple):
    """How a table is set."""

    size: Size
    parts: Sequence[Sequence[int]]
    """The columns of each of the parts that stand below each other."""
    long: bool
    sides: str = ""
    """The columns, as `tabular` has them, where cells wrap."""
    scaled: bool = False


def latex(table: Table) -> str:
    """The table in an environment of its own, `longtable` where it may need more than one page; notes below."""
    cells = [[tied(cell) for cell in row] for row in table.rows]
    columns = list(zip(*(table.columns, *cells), strict=True))
    layout = _layout(columns, words=table.words)
    caption = rf"\caption{{{latex_text(table.title)}}}\label{{{label('tab', table.report, table.name)}}}"
    parts = [_lines([columns[number] for number in part], wrapped=bool(layout.sides)) for part in layout.parts]
    every_side = [layout.sides or f"l{'r' * (len(part) - 1)}" for part in layout.parts]
    notes = [rf"\par {latex_text(note)}" for note in table.notes]
    setting = rf"\{layout.size.command}\setlength{{\tabcolsep}}{{{layout.size.tabcolsep}pt}}"
    if layout.long:
        begin, end = r"\begingroup", r"\endgroup"
        lines = list(_longtables(every_side, caption, parts))
    else:
        begin, end = r"\begin{table}", r"\end{table}"
        lines = [r"\centering", caption, *_tabulars(every_side, parts, scaled=layout.scaled)]
    return "\n".join([NEEDS, begin, setting, *lines, r"\raggedright", *notes, end]) + "\n"


def _layout(columns: Sequence[Sequence[str]], *, words: bool) -> Layout:
    """Cells of words wrap; numbers do only where they are too wide for the line and too many for one page.

    Other tables of numbers that are too wide are drawn smaller, or divided where that would be too small to read.
    """
    rows, whole = len(columns[0]) - 1, [range(len(columns))]
    if not words:
        size = next((size for size in SIZES[:2] if size.width(_natural(columns)) <= LINE), SIZES[1])
        share = LINE / size.width(_natural(columns))
        if share >= 1 or (rows <= LONG and share >= SMALLEST):
            return Layout(size, whole, long=rows > LONG, scaled=share < 1)
        if rows <= LONG:
            parts = _divided(columns, size)
            heads = [len(_heading_lines(head, cells)) for head, *cells in columns]
            lines = sum(rows + max(heads[number] for number in part) for part in parts)
            return Layout(size, parts or whole, long=lines > LONG, scaled=not parts)
    size, widths = _paragraphs(columns)
    heights = ([ceil(len(cell) / width) for cell in column] for column, width in zip(columns, widths, strict=True))
    lines = sum(map(max, zip(*heights, strict=True)))
    return Layout(size, whole, long=lines > LONG, sides=_sides(widths, words=words))


def _divided(columns: Sequence[Sequence[str]], size: Size) -> list[list[int]]:
    """Parts that fit the line, each with the first columns, which tell the rows apart; none where a part does not."""
    rows = list(zip(*columns, strict=True))
    first = next((n for n in range(1, len(columns)) if len({row[:n] for row in rows}) == len(rows)), len(columns))
    keys = list(range(first))
    parts: list[list[int]] = []
    for number in range(first, len(columns)):
        if not parts or not _fits(columns, [*parts[-1], number], size):
            parts.append(list(keys))
        parts[-1].append(number)
    return parts if all(_fits(columns, part, size) for part in parts) else []


def _fits(columns: Sequence[Sequence[str]], part: Sequence[int], size: Size) -> bool:
    return size.width(_natural([columns[number] for number in part])) <= LINE


def _lines(columns: Sequence[Sequence[str]], *, wrapped: bool) -> tuple[str, list[str]]:
    """The line of headings and the rows."""
    heads = [_broken(head) if wrapped else _head(head, *cells) for head, *cells in columns]
    rows = zip(*(cells for _, *cells in columns), strict=True)
    head, *lines = [
        " & ".join(line) + r" \\" for line in (heads, *(map(_broken if wrapped else latex_text, row) for row in rows))
    ]
    return head, lines


def _tabulars(sides: Sequence[str], parts: Sequence[tuple[str, list[str]]], *, scaled: bool) -> Iterator[str]:
    for number, (side, (head, rows)) in enumerate(zip(sides, parts, strict=True)):
        if number:
            yield r"\medskip"
        if scaled:
            yield r"\resizebox{\linewidth}{!}{% a little too wide for the line: drawn smaller as a whole"
        yield rf"\begin{{tabular}}{{{side}}}"
        yield from (r"\toprule", head, r"\midrule", *rows, r"\bottomrule")
        yield r"\end{tabular}" + ("}" if scaled else "") + r"\par"


def _longtables(sides: Sequence[str], caption: str, parts: Sequence[tuple[str, list[str]]]) -> Iterator[str]:
    for number, (side, (head, rows)) in enumerate(zip(sides, parts, strict=True)):
        ruled = r"\toprule", head, r"\midrule"
        if number:
            yield r"\addtocounter{table}{-1}% longtable counts also what has no caption"
        yield rf"\begin{{longtable}}{{{side}}}"
        yield from () if number else (caption + r"\\", *ruled, r"\endfirsthead")
        yield from (*ruled, r"\endhead", r"\bottomrule", r"\endfoot", *rows)
        yield r"\end{longtable}"


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


def label(kind: str, *names: str) -> str:
    """What a document refers to by those names, which may have any letters."""
    return f"{kind}:" + re.sub(r"[^A-Za-z0-9]+", "-", " ".join(names)).strip("-")


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
    "“": "``",
    "”": "''",
    "α": r"$\alpha$",
    "γ": r"$\gamma$",
    "ε": r"$\varepsilon$",
    "∞": r"$\infty$",
    "√": r"$\surd$",
    "⁻": r"\textsuperscript{$-$}",
    "³": r"\textsuperscript{3}",
    "₀": r"\textsubscript{0}",
}
