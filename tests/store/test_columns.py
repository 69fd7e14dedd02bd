from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from harness.store import relations
from harness.store.columns import Flag, Json, Real, UtcTime, Whole, Words
from harness.store.engine import Database
from harness.store.schema import Base, Suite

SQLITE: Dialect = SQLiteDialect()


@pytest.mark.parametrize("value", [5, np.int64(5), np.uint8(5), np.array(5)])
def test_whole_numbers_become_ints(value: object) -> None:
    bound = Whole().process_bind_param(value, SQLITE)
    assert (bound, type(bound)) == (5, int)


@pytest.mark.parametrize("value", [5.0, np.float32(5), "5", np.array([5])])
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        Whole().process_bind_param(value, SQLITE)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float64(0.5), np.float16(0.5)])
def test_numbers_become_floats(value: object) -> None:
    bound = Real().process_bind_param(value, SQLITE)
    assert (bound, type(bound)) == (0.5, float)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan"), 1.5e308])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not a number to store"):
        Real().process_bind_param(value, SQLITE)


@pytest.mark.parametrize("value", [True, np.bool_(True), 1])
def test_flags_become_one_and_zero(value: object) -> None:
    bound = Flag().process_bind_param(value, SQLITE)
    assert (bound, type(bound)) == (1, int)


def test_json_is_canonical_and_takes_numpy_scalars() -> None:
    value = {"b": np.float32(0.5), "a": [np.int64(1), np.bool_(False)], "none": None}
    assert Json().process_bind_param(value, SQLITE) == '{"a": [1, false], "b": 0.5, "none": null}'


@pytest.mark.parametrize("value", [math.nan, np.float32("inf")])
def test_json_refuses_what_is_not_finite(value: float) -> None:
    with pytest.raises(ValueError, match=r"JSON|not JSON compliant"):
        Json().process_bind_param({"deep": [{"inside": value}]}, SQLITE)


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)))
def test_json_comes_back_as_it_was(value: dict[str, object]) -> None:
    text = Json().process_bind_param(value, SQLITE)
    assert Json().process_result_value(text, SQLITE) == value == json.loads(text or "")


@given(st.datetimes(timezones=st.just(timezone(timedelta(hours=5)))))
def test_times_are_kept_in_utc_and_sort_as_text(moment: datetime) -> None:
    if not datetime.min.replace(tzinfo=UTC) + timedelta(days=1) < moment:
        return
    text = UtcTime().process_bind_param(moment, SQLITE)
    assert text is not None
    assert text.endswith("+00:00")
    assert len(text) == 32
    assert UtcTime().process_result_value(text, SQLITE) == moment


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        UtcTime().process_bind_param(datetime(2026, 1, 1), SQLITE)  # noqa: DTZ001


@given(st.text(st.characters()))
def test_text_that_utf_8_can_say_stays_and_other_text_is_written_out(text: str) -> None:
    bound = Words().process_bind_param(text, SQLITE)
    assert bound is not None
    assert "\0" not in bound.encode().decode()
    if all(char.isprintable() for char in text):
        assert bound == text


def test_what_an_error_says_in_bytes_that_are_no_text_can_be_stored(db: Database) -> None:
    with db.transaction() as session:
        session.add(Suite(name="half \udc80 \0", profile="smoke", title="Über α", planned_at=datetime.now(UTC)))
    assert relations.answer(db, "SELECT name, title FROM suite").rows == (("half \\udc80 \\x00", "Über α"),)


@pytest.mark.parametrize("kind", [Whole, Flag, Real, Json, UtcTime, Words])
def test_null_stays_null(kind: type) -> None:
    assert kind().process_bind_param(None, SQLITE) is None


def test_strict_tables_know_all_column_types() -> None:
    for table in Base.metadata.tables.values():
        assert table.dialect_options["sqlite"]["strict"], table.name
        for column in table.columns:
            assert column.type.compile(SQLITE) in {"INTEGER", "REAL", "TEXT"}, column
            assert column.type.compile(PGDialect()) in {"INTEGER", "BIGINT", "DOUBLE PRECISION", "TEXT"}, column


def test_every_float_is_checked_to_be_finite() -> None:
    for table in Base.metadata.tables.values():
        names = {str(constraint.name) for constraint in table.constraints}
        for column in table.columns:
            if isinstance(column.type, Real):
                assert f"ck_{table.name}_{column.name}_finite" in names


def test_columns_that_are_not_plain_are_explained() -> None:
    plain = {
        "id",
        "learning_rate",
        "seconds",
        "evaluation_id",
        "suite_id",
        "job_key",
        "model_id",
        "data_split_id",
        "runner_id",
    }
    silent = {
        str(column)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if not column.comment and column.name not in plain
    }
    assert silent == set()
