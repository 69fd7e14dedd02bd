"""Tables as CSV that programs read without loss of a number, and spreadsheets without running a word of it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"-\d+(\.\d*)?(e[+-]?\d+)?", re.IGNORECASE)


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A header and the rows: numbers in full precision, Unix line ends, None as an empty cell.

    A text that a spreadsheet would take for a formula gets an apostrophe before it. Where every byte of a text matters,
    `harness db copy` and `backup` are for that.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    formula = value.startswith(_FORMULA) and not _NUMBER.fullmatch(value)
    # a lone carriage return would end the row for most readers
    return (f"'{value}" if formula else value).replace("\r", " ")
