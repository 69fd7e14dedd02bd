"""Going through a frame's rows. What a cell holds only the database knows, so the cells are `Any`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd


def records(frame: pd.DataFrame) -> Iterator[Any]:
    """The rows as named tuples."""
    return iter(frame.itertuples(index=False))


def groups(frame: pd.DataFrame, by: list[str]) -> Iterator[tuple[Any, pd.DataFrame]]:
    """The rows that share the values of those columns, in order of appearance: (values, rows)."""
    found: Any = frame.groupby(by, sort=False, dropna=False)
    return iter(found)


def by_key(frame: pd.DataFrame, keys: list[str]) -> dict[Any, Any]:
    """The rows as named tuples, by the values of those columns: one value, or a tuple of several."""
    return {
        tuple(getattr(row, key) for key in keys) if len(keys) > 1 else getattr(row, keys[0]): row
        for row in records(frame)
    }


def stacked(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all frames; empty ones, whose columns are of no type, do not count beside others."""
    every = list(frames)
    return pd.concat([frame for frame in every if len(frame)] or every[:1])


def in_order_of(frame: pd.DataFrame, column: str, values: Iterable[str]) -> pd.DataFrame:
    """The rows in the order of those values of a column; rows that have the same stay in theirs."""
    ranks = {value: rank for rank, value in enumerate(values)}
    return frame.sort_values(column, key=lambda cells: cells.map(ranks), kind="stable")
