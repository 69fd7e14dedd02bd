"""Copying between both kinds of database: everything arrives, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from databases import BOTH, database_on, unopened
from every_table import HARD, contents, fill_every_table, numbers
from recorded_study import planned
from sqlalchemy import text

from harness.errors import DatabaseUnusable, StoreError
from harness.store import copying
from harness.store.copying import copy
from harness.store.engine import Database, find_database, open_database
from harness.store.plan import write_plan


@pytest.fixture(params=BOTH)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A second database of each kind, that nobody has opened yet."""
    with unopened(request, tmp_path / "elsewhere" / "copy.sqlite") as url:
        yield url


def test_a_copy_has_every_row_of_every_table_and_goes_on(
    db: Database, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH", 7)
    fill_every_table(db)
    before = contents(db)
    assert all(before.values()), "every table has rows"
    done = copy(db, target)
    assert {name: content.rows for name, content in done.tables.items()} == {
        name: len(rows) for name, rows in before.items()
    }
    with open_database(target, create=False) as copied:
        assert contents(copied) == before
        assert numbers(copied) == HARD
        write_plan(copied, planned((7, 8, 9), "next"), "next", "smoke", "The next numbers are free")
    assert contents(db) == before


def test_a_target_with_rows_is_refused_and_left_as_it_was(filled: Database, target: str) -> None:
    with open_database(target) as other:
        write_plan(other, planned(suite="other"), "other", "smoke", "Another study")
        before = contents(other)
        with pytest.raises(DatabaseUnusable, match="is not empty, it has rows in data_split"):
            copy(filled, target)
        assert contents(other) == before
    with pytest.raises(DatabaseUnusable, match="is not empty"):
        copy(filled, filled.engine.url.render_as_string(hide_password=False))


@pytest.mark.parametrize("wrong", ["a row too few", "another number"])
def test_a_target_that_does_not_hold_what_was_sent_stays_empty(
    filled: Database, target: str, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    spoil = {
        "a row too few": "DELETE FROM gamma WHERE tap = 4 AND epoch = 0",
        "another number": "UPDATE gamma SET gamma = gamma + 1e-12 WHERE tap = 3 AND epoch = 0",
    }[wrong]
    monkeypatch.setattr(copying, "_batches", _spoiled(copying._batches, spoil))
    with pytest.raises(DatabaseUnusable, match=r"does not hold what was sent to it: gamma has"):
        copy(filled, target)
    assert find_database(target) is None


def _spoiled(batches: Callable[..., Iterator[object]], spoil: str) -> Callable[..., Iterator[object]]:
    """Reads rows as `copying._batches`, but somebody changes the target before it is read again."""
    seen: list[str] = []

    def read(connection, table):
        seen.append(table.name)
        if seen.count("gamma") == 2 and table.name == "gamma":
            connection.execute(text(spoil))
        return batches(connection, table)

    return read


@pytest.mark.postgres
def test_a_value_that_the_other_kind_cannot_keep_stops_the_copy(filled_sqlite: Database, server) -> None:
    with filled_sqlite.transaction() as session:
        session.execute(text("UPDATE suite SET title = :title"), {"title": "before\0after"})
    with database_on(server, "template0") as url:
        with pytest.raises(StoreError, match="does not take"):
            copy(filled_sqlite, url)
        assert find_database(url) is None


def test_an_interrupted_copy_leaves_no_file(
    filled_sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(connection, table):
        raise KeyboardInterrupt

    monkeypatch.setattr(copying, "_batches", interrupt)
    with pytest.raises(KeyboardInterrupt):
        copy(filled_sqlite, f"sqlite:///{tmp_path / 'copies' / 'new.sqlite'}")
    assert list((tmp_path / "copies").iterdir()) == []


def test_others_may_write_to_the_source_meanwhile(filled: Database, target: str) -> None:
    before = contents(filled)
    batches = copying._batches

    def meanwhile(connection, table):
        if table.name == "suite" and connection.engine is filled.engine:
            write_plan(filled, planned(suite="meanwhile"), "meanwhile", "smoke", "Meanwhile")
        return batches(connection, table)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "_batches", meanwhile)
        copy(filled, target)
    with open_database(target) as copied:
        assert contents(copied) == before
    assert len(contents(filled)["suite"]) == 2
