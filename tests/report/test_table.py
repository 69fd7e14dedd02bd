from __future__ import annotations

import re
from io import StringIO

import pandas as pd
import pytest

from harness.report.table import Table, csv, markdown


def table(cell: str = "71.6 ± 0.4") -> Table:
    return Table(
        name="summary",
        title=f"Title {cell}",
        columns=("Condition", "Gaussian noise\nε = 0.1 (%)"),
        rows=(("none", "30.1 ± 0.6"), (cell, "5")),
        notes=(f"Note {cell}",),
        data=pd.DataFrame({"mean": [0.1 + 0.2]}),
    )


@pytest.mark.parametrize("cell", ["a|b", "<b>bold</b>", "`code`", "a\nb", "$x$", "[link](x)"])
def test_a_markdown_cell_stays_one_cell_of_plain_text(cell: str) -> None:
    row = markdown(table(cell)).splitlines()[5]
    assert len(re.findall(r"(?<!\\)\|", row)) == 3
    assert not re.search(r"(?<!\\)[<`$\[]", row)


def test_csv_keeps_full_precision() -> None:
    assert csv(table().data) == f"mean\n{0.1 + 0.2!r}\n"


def test_tables_of_words_stand_on_the_left() -> None:
    table = Table(name="t", title="t", columns=("a", "b"), rows=(("x", "y"),), words=True, data=pd.DataFrame())
    assert "| :-- | :-- |" in markdown(table)


@pytest.mark.parametrize("formula", ["=HYPERLINK(1)", "+1", "-1+2", "@SUM(1)", "\t=1", "\r=1"])
def test_a_text_is_no_formula_in_csv_and_a_negative_number_stays_one(formula: str) -> None:
    read = pd.read_csv(StringIO(csv(pd.DataFrame({"condition": [formula], "value": [-0.5]}))))
    assert read["condition"].item().startswith("'")
    assert read["value"].item() == -0.5
