"""Column types: the one place where Python and numpy values become database values.

SQLite keeps NaN as NULL and numpy integers as blobs without a word; these types convert or refuse. They also
name the same storage on both databases: SQLite's STRICT tables know INTEGER, REAL and TEXT only.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import REAL, BigInteger, Dialect, Double, Integer, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

LARGEST = 1e308
"""Numbers beyond this count as infinite; a CHECK keeps them out of every table."""


class Whole(TypeDecorator[int]):
    """An integer of 64 bits; numpy's integers and booleans are converted, fractions refused."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLite's own INTEGER holds 64 bits."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        """A Python int; TypeError for anything that is not a whole number, ValueError for one beyond 64 bits."""
        if value is None:
            return None
        number = operator.index(_plain(value))
        if number.bit_length() > 63:
            raise ValueError(f"{number} is beyond 64 bits")
        return number


class Flag(TypeDecorator[bool]):
    """True or false, kept as 1 and 0 so that a query reads the same on both databases."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        """1, 0 or NULL."""
        return None if value is None else int(bool(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> bool | None:
        """True, False or None."""
        return None if value is None else bool(value)


class Real(TypeDecorator[float]):
    """A finite double; numpy's floats are converted, NaN and infinity refused."""

    impl = Double
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLite's REAL is a double."""
        return dialect.type_descriptor(REAL() if dialect.name == "sqlite" else Double())

    def process_bind_param(self, value: Any, dialect: Dialect) -> float | None:
        """A Python float; ValueError if it is not finite."""
        if value is None:
            return None
        number = float(value)
        if not math.isfinite(number) or abs(number) > LARGEST:
            raise ValueError(f"{number} is not a number to store; store NULL and a reason")
        return number


class Words(TypeDecorator[str]):
    r"""Text; what the databases refuse, halves of surrogate pairs and NUL, is written as in Python: \udc80, \x00."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The text as UTF-8 can say it."""
        return None if value is None else value.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


class Json(TypeDecorator[dict[str, Any]]):
    """A JSON object as canonical text (sorted keys, no NaN), which both databases' JSON functions read."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> str | None:
        """The text; ValueError for NaN or infinity anywhere inside."""
        return None if value is None else json.dumps(dict(value), sort_keys=True, allow_nan=False, default=_plain)

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any] | None:
        """The object."""
        return None if value is None else json.loads(value)


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC as ISO 8601 text with microseconds, which sorts by time: 2026-01-31T12:00:00.000000+00:00."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """The text; a time without a zone is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone is not a moment")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """The moment, in UTC."""
        return None if value is None else datetime.fromisoformat(value)


def _plain(value: Any) -> Any:
    """A numpy (or torch) scalar as Python's own number; TypeError for what is neither."""
    if isinstance(value, (int, float)):
        return value
    if getattr(value, "shape", None) == ():
        return value.item()
    raise TypeError(f"{value!r} is not a number")
