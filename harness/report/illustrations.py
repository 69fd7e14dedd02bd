"""A figure as a document includes it: its picture with all that is said of it, in Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from harness.report.latex import label, latex_text
from harness.report.table import markdown_text

Kinds = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Illustration:
    """A figure that is to be written."""

    name: str
    """Stem of its files."""
    caption: str
    """All that is said of it, as plain text."""
    data: pd.DataFrame
    pictures: Callable[[Kinds], Mapping[str, bytes]]
    """Its content in each of some file formats."""
    report: str
    """`Marks.stem` of its report, which tells its labels from those of other reports."""


def markdown_figure(figure: Illustration) -> str:
    """The picture with its caption below."""
    return f"![{figure.name}]({figure.name}.png)\n\n{markdown_text(figure.caption)}\n"


def latex_figure(figure: Illustration) -> str:
    """The picture as wide as the line, in an environment of its own."""
    lines = (
        r"% needs \usepackage{graphicx}",
        r"\begin{figure}",
        r"\centering",
        rf"\includegraphics[width=\linewidth]{{{figure.name}.pdf}}",
        rf"\caption{{{latex_text(figure.caption)}}}\label{{{label('fig', figure.report, figure.name)}}}",
        r"\end{figure}",
    )
    return "\n".join(lines) + "\n"
