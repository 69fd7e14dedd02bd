"""Numbers as tables write them: in which unit, with how many digits, with their SEM or their sign."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from harness.measurement import ROUNDING
from harness.report.vocabulary import NORMS


class Unit(NamedTuple):
    """What numbers are shown in."""

    factor: float
    """From stored values to shown ones."""
    title: str
    """How it is written."""


UNITS = {
    "accuracy": Unit(100.0, "%"),
    "score": Unit(1000.0, "10⁻³"),
    **{norm: Unit(1.0, title) for norm, title in NORMS.items()},
    "queries": Unit(1.0, "per image"),
}
"""By the unit of the stored values."""

INFINITE = "∞"

POINTS = {"accuracy": "points"}
"""How differences are written where that is not the numbers' own unit."""


def number(value: float, decimals: int) -> str:
    """A number of any sign, which zero has not; the minus is a real one."""
    return _written(value, f"z.{decimals}f")


def plus_minus(mean: float, sem: float, decimals: int) -> str:
    """Mean ± SEM, or the mean alone where there is no SEM (one seed)."""
    text = number(mean, decimals)
    return text if pd.isna(sem) else f"{text} ± {number(sem, decimals)}"


def bracketed(value: float, low: float, high: float, decimals: int = 2) -> str:
    """A ratio with its interval, or alone where there is none (`statistics.ratio`); a dash without a ratio."""
    if pd.isna(value):
        return "–"
    text = number(value, decimals)
    return text if pd.isna(low) else f"{text} [{number(low, decimals)}, {number(high, decimals)}]"


def signed(value: float, decimals: int) -> str:
    """A difference with its sign, also where it is rounded to zero."""
    return _written(value, f"+.{decimals}f")


def span(values: Iterable[float], form: str = ".0f") -> str:
    """The least and the largest value as one text: "7", "5 to 7"; a dash if there is none."""
    known = list(values)
    return " to ".join(dict.fromkeys(f"{end:{form}}" for end in (min(known), max(known)))) if known else "–"


def tied(cell: str) -> str:
    """The cell with non-breaking spaces inside its numbers, so that lines break between them."""
    return re.sub(r" (?=±)|(?<=±) |(?<=,) (?=[+−]|[\d.]+\]|∞\])|(?<==) | (?=\[\d+\])", "\u00a0", cell)


def _written(value: float, form: str) -> str:
    """What is a half but for rounding is rounded away from zero, so that equal means look equal in all tables."""
    return f"{value * (1 + ROUNDING):{form}}".replace("-", "−").replace("inf", INFINITE)
