"""A table as Markdown, LaTeX or CSV. Text from the database is escaped for each; the output is byte-stable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.csv_text import csv_text


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table for readers, its cells plain text, and the numbers behind it."""

    name: str
    """Stem of its files."""
    title: str
    columns: tuple[str, ...]
    """Headings; they may have two lines."""
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    words: bool = False
    """Whether its cells are words, which stand on the left and wrap, rather than numbers."""
    corrupted: bool = True
    """Whether it may show something of corrupted images."""
    data: pd.DataFrame
    """Full precision, fractions: what the CSV holds."""


def markdown(table: Table) -> str:
    """The table as GitHub-flavoured Markdown, title above and notes below."""
    lines = [f"**{_markdown_text(table.title)}**", "", _markdown_row(table.columns)]
    side = " :-- " if table.words else " --: "
    lines.append("|" + "|".join([" :-- ", *[side] * (len(table.columns) - 1)]) + "|")
    lines += [_markdown_row(row) for row in table.rows]
    lines += [f"\n{_markdown_text(note)}" for note in table.notes]
    return "\n".join(lines) + "\n"


def latex(table: Table) -> str:
    r"""The table as a LaTeX `table` environment that needs only the booktabs package (`\usepackage{booktabs}`)."""
    count = len(table.columns)
    sides = rf"p{{{0.9 / count:.3f}\linewidth}}" * count if table.words else f"l{'r' * (count - 1)}"
    lines = [
        r"\begin{table}",
        r"  \centering\footnotesize",
        rf"  \caption{{{latex_text(table.title)}}}",
        rf"  \begin{{tabular}}{{{sides}}}",
        r"    \toprule",
        "    " + " & ".join(_latex_head(head) for head in table.columns) + r" \\",
        r"    \midrule",
        *("    " + _latex_row(row) for row in table.rows),
        r"    \bottomrule",
        r"  \end{tabular}",
    ]
    lines += [rf"  \par\footnotesize {latex_text(note)}" for note in table.notes]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def csv(data: pd.DataFrame) -> str:
    """The numbers as CSV (see `harness.csv_text`), empty cells where there is no number."""
    cells = data.astype(object).where(data.notna(), None)
    return csv_text(list(data.columns), cells.itertuples(index=False, name=None))


def latex_text(text: str) -> str:
    """Text that LaTeX prints as it is: no command in it survives."""
    escaped = "".join(_LATEX.get(letter, letter) for letter in _one_line(text))
    return escaped.replace("--", "-{}-")  # two hyphens would become a dash


_LATEX = {
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


def _markdown_text(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|$~#])", r"\\\1", _one_line(text).replace("&", "&amp;"))


def _one_line(text: str) -> str:
    """Without line breaks and other control characters."""
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", text)


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_markdown_text(cell) for cell in cells) + " |"


def _latex_head(text: str) -> str:
    lines = [latex_text(line) for line in text.split("\n")]
    return lines[0] if len(lines) == 1 else r"\shortstack{" + r" \\ ".join(lines) + "}"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(latex_text(cell) for cell in cells) + r" \\"
