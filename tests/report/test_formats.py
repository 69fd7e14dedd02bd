from __future__ import annotations

import re
from io import StringIO

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.formats import Table, csv, latex, latex_text, markdown


def table(cell: str = "71.6 ± 0.4") -> Table:
    return Table(
        name="summary",
        title=f"Title {cell}",
        columns=("Condition", "Gaussian noise\nε = 0.1 (%)"),
        rows=(("none", "30.1 ± 0.6"), (cell, "5")),
        notes=(f"Note {cell}",),
        data=pd.DataFrame({"mean": [0.1 + 0.2]}),
    )


@given(st.text())
def test_no_latex_command_survives_escaping(text: str) -> None:
    rest = latex_text(text)
    for ours in (
        r"\\text[a-z]+\{\$-\$\}",
        r"\\text[a-z]+\{\d?\}",
        r"\\[{}&%$#_]",
        r"\$(\\[a-z]+|-)\$",
        r"\{\[\}",
        r"-\{\}-",
    ):
        rest = re.sub(ours, "", rest)
    assert not set(rest) & set("\\{}$&#%_^~")


def test_latex_text_prints_hostile_names_as_they_are() -> None:
    assert latex_text(r"\input{x} 50% a_b --c") == r"\textbackslash{}input\{x\} 50\% a\_b -{}-c"


def test_latex_uses_booktabs_and_two_line_headings() -> None:
    text = latex(table())
    assert text.startswith("\\begin{table}\n")
    assert r"\toprule" in text
    assert r"\shortstack{Gaussian noise \\ $\varepsilon$ = 0.1 (\%)}" in text
    assert r"71.6 $\pm$ 0.4 & 5 \\" in text


@pytest.mark.parametrize("cell", ["a|b", "<b>bold</b>", "`code`", "a\nb", "$x$", "[link](x)"])
def test_a_markdown_cell_stays_one_cell_of_plain_text(cell: str) -> None:
    row = markdown(table(cell)).splitlines()[5]
    assert len(re.findall(r"(?<!\\)\|", row)) == 3
    assert not re.search(r"(?<!\\)[<`$\[]", row)


def test_csv_keeps_full_precision() -> None:
    text = csv(table().data)
    assert text == "mean\n0.30000000000000004\n"
    assert pd.read_csv(StringIO(text))["mean"].item() == 0.1 + 0.2


def test_tables_of_words_stand_on_the_left_and_wrap() -> None:
    table = Table(name="t", title="t", columns=("a", "b"), rows=(("x", "y"),), words=True, data=pd.DataFrame())
    assert "| :-- | :-- |" in markdown(table)
    assert r"\begin{tabular}{p{0.450\linewidth}p{0.450\linewidth}}" in latex(table)


@pytest.mark.parametrize("formula", ["=HYPERLINK(1)", "+1", "-1+2", "@SUM(1)", "\t=1", "\r=1"])
def test_a_text_is_no_formula_in_csv_and_a_negative_number_stays_one(formula: str) -> None:
    read = pd.read_csv(StringIO(csv(pd.DataFrame({"condition": [formula], "value": [-0.5]}))))
    assert read["condition"].item().startswith("'")
    assert read["value"].item() == -0.5
