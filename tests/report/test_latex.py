"""LaTeX without a typesetter: what is printed, and by arithmetic whether it fits the line."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from invented import FOUR, GRID, results

from harness.report import summary, tables
from harness.report.acceptable_table import acceptable_table
from harness.report.claims.findings import findings
from harness.report.claims.tables import claims_table, evidence_table
from harness.report.latex import LINE, SIZES, latex, latex_text
from harness.report.ratios import judged
from harness.report.table import Table


def table(rows: Sequence[Sequence[str]], columns: tuple[str, ...], *, words: bool = False) -> Table:
    return Table(
        name="t_1",
        title="Title",
        columns=columns,
        rows=tuple(map(tuple, rows)),
        words=words,
        report="a suite-small",
        data=pd.DataFrame(),
    )


def shares(text: str) -> list[float]:
    """Which part of the line, less what separates columns, each has."""
    return [float(share) for share in re.findall(r"p\{(0\.\d{3})\\dimexpr\\linewidth-\d+\\tabcolsep\\relax\}", text)]


PRINTED = (
    (r"\\allowbreak\{\}|(?<=-)", " "),
    (r"\\textsuperscript\{[^}]*\}|\\[a-z]+\{\}|\$[^$]*\$", "x"),
    (r"\{\[\}", "["),
    (r"\\(?=[_%&#])", ""),
)


def _printed(cell: str) -> str:
    for ours, letters in PRINTED:
        cell = re.sub(ours, letters, cell)
    return cell


def overfull(text: str) -> list[str]:
    """Each part of a word that its column is too narrow for."""
    [size] = [size for size in SIZES if rf"\{size.command}" in text.splitlines()[2]]
    widths = [share * size.letters(len(shares(text))) for share in shares(text)]
    found = []
    for line in text.splitlines():
        cells = line.removesuffix(r" \\").split(" & ")
        if len(cells) == len(widths):
            parts = [_printed(cell).split() for cell in cells]
            found += [part for own, width in zip(parts, widths, strict=True) for part in own if len(part) > width + 0.2]
    return found


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
        r"\\nobreakspace\{\}",
    ):
        rest = re.sub(ours, "", rest)
    assert not set(rest) & set("\\{}$&#%_^~")


def test_latex_text_of_what_reports_say_is_ascii() -> None:
    assert latex_text("“3 of 5” α ε γ ± − × ≥ ≤ – ∞ 10⁻³ R₀").isascii()


def test_latex_text_prints_hostile_names_as_they_are() -> None:
    assert latex_text(r"\input{x} 50% a_b --c") == r"\textbackslash{}input\{x\} 50\% a\_b -{}-c"


def test_latex_uses_booktabs_and_two_line_headings() -> None:
    text = latex(table([["none", "30.1 ± 0.6"], ["71.6 ± 0.4", "5"]], ("Condition", "Gaussian noise\nε = 0.1 (%)")))
    assert r"\begin{table}" in text
    assert r"\toprule" in text
    assert r"\shortstack{Gaussian \\ noise \\ $\varepsilon$ = 0.1 \\ (\%)}" in text
    assert r"71.6\nobreakspace{}$\pm$\nobreakspace{}0.4 & 5 \\" in text


@pytest.mark.parametrize("words", [False, True])
def test_a_table_without_rows_has_its_headings(words: bool) -> None:
    assert r"a & b \\" in latex(table([], ("a", "b"), words=words))


def test_a_table_can_be_referred_to() -> None:
    assert r"\caption{Title}\label{tab:a-suite-small-t-1}" in latex(table([["b"]], ("a",)))


def test_columns_of_words_share_the_line_by_what_they_hold() -> None:
    text = latex(
        table([["short", "a sentence that is a good deal longer than a word"] * 2], ("a", "b", "c", "d"), words=True)
    )
    assert sum(shares(text)) == pytest.approx(1, abs=1e-9)
    assert shares(text)[0] < shares(text)[1] / 2
    assert r"\dimexpr\linewidth-8\tabcolsep" in text


def test_names_can_be_broken() -> None:
    text = latex(table([["threshold[pairs_per_batch=4]", "engstrom2019robustness"]], ("a", "b"), words=True))
    assert r"threshold{[}\allowbreak{}pairs\_\allowbreak{}per\_\allowbreak{}batch=\allowbreak{}4]" in text
    assert r"engstrom\allowbreak{}2019\allowbreak{}robustness" in text


def test_numbers_that_fit_stand_as_they_are_and_others_are_drawn_smaller() -> None:
    few, many = (latex(table([["12.3 ± 0.4"] * n] * 3, ("head",) * n)) for n in (5, 15))
    assert "resizebox" not in few
    assert r"\resizebox{\linewidth}{!}{%" in many
    assert many.count("{") == many.count("}")


def widths(text: str) -> list[float]:
    """Points that each part of the table takes at least: its widest cells beside each other."""
    [size] = [size for size in SIZES if rf"\{size.command}" in text.splitlines()[2]]
    parts = re.split(r"\\begin\{(?:tabular|longtable)\}", text)[1:]
    cells = [[line.removesuffix(r" \\").split(" & ") for line in part.splitlines() if " & " in line] for part in parts]
    rows = [[row for row in own if "stack" not in "".join(row)] for own in cells]
    columns = (zip(*([len(_printed(cell)) for cell in row] for row in own), strict=True) for own in rows)
    return [size.width([max(column) for column in own]) for own in columns]


@pytest.mark.parametrize("grid", [False, True])
def test_numbers_that_would_be_too_small_to_read_stand_below_each_other(grid: bool) -> None:
    given = results(GRID if grid else FOUR, epochs=2)
    values = summary.scores(given)
    differences = summary.paired_differences(values, summary.baselines(given.conditions))
    ratios = judged(given, 0.9)
    noises = ratios.rows[ratios.rows["evaluation"].isin(["gaussian", "uniform"])]
    every = (
        tables.summary_table(values, summary.failures(given), given),
        tables.difference_table(differences, given.scope),
        acceptable_table(ratios._replace(rows=noises), given.scope),
    )
    for each in every:
        text = latex(each)
        assert "resizebox" not in text
        assert len(widths(text)) > 1
        assert max(widths(text)) <= LINE
        assert text.count(r"\caption") == text.count(r"\label") == 1
        for row in each.rows:
            names = row[: 2 if each.name == "acceptable" else 1]
            assert text.count("\n" + " & ".join(map(latex_text, names)) + " & ") >= len(widths(text))
    assert r"\begin{longtable}" in latex(every[1]) if grid else r"\begin{tabular}" in latex(every[1])


def test_a_table_of_many_rows_runs_over_pages() -> None:
    narrow, wide = (latex(table([["12.3 ± 0.4"] * n] * 60, ("head",) * n)) for n in (3, 12))
    for text in (narrow, wide):
        assert r"\begin{longtable}" in text
        assert text.index(r"\endfirsthead") < text.index(r"\endhead") < text.index(r"\endfoot")
    assert r"\begin{longtable}" in latex(table([["a word, " * 100] * 5] * 3, ("head",) * 5, words=True))
    assert not shares(narrow)
    assert sum(shares(wide)) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("grid", [False, True])
def test_no_word_of_a_report_is_wider_than_its_column(grid: bool) -> None:
    suite = "hyperparameters" if grid else "grayscale-cifar10"
    given = results(GRID, epochs=2) if grid else results(epochs=2)
    found = findings({suite: given}, "small")
    ratios = acceptable_table(judged(given, 0.9), given.scope)
    for each in map(latex, (claims_table(found), evidence_table(found), ratios)):
        assert overfull(each) == []
        assert sum(shares(each)) in (0, pytest.approx(1, abs=1e-9))


def test_the_line_that_is_reckoned_with_is_that_of_an_article() -> None:
    assert pytest.approx(LINE) == SIZES[0].letters(3) * SIZES[0].letter + 6 * SIZES[0].tabcolsep
