from __future__ import annotations

import csv
import io

import pytest

from harness.csv_text import csv_text


def cell_of(value: object) -> str:
    """What a reader finds of a value."""
    header, [cell, other] = csv.reader(io.StringIO(csv_text(["value", "other"], [(value, -0.5)]), newline=""))
    assert (header, other) == (["value", "other"], "-0.5")
    return cell


@pytest.mark.parametrize("formula", ["=HYPERLINK(1)", "+1", "-1+2", "-cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1"])
def test_a_text_is_no_formula(formula: str) -> None:
    assert cell_of(formula) == f"'{formula}".replace("\r", " ")


@pytest.mark.parametrize("number", [-0.5, 0.1 + 0.2, -3, 1e-300, -1e300, True])
def test_a_number_is_itself(number: float) -> None:
    assert cell_of(number) == repr(number)


@pytest.mark.parametrize("text", ["-0.500", "-3", "-1.5E-7", "none", "a=b", "two\nlines", 'a "quoted", word', ""])
def test_a_text_that_is_no_formula_is_itself(text: str) -> None:
    assert cell_of(text) == text


def test_what_is_not_there_is_an_empty_cell() -> None:
    assert csv_text(["a", "b"], [(None, 1)]) == "a,b\n,1\n"
