from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from every_table import contents, fill_every_table
from recorded_study import loaded, planned
from sqlalchemy import Connection, create_engine, inspect, text

from harness.errors import DatabaseUnusable, StoreError
from harness.store import migrations, relations, schema, views
from harness.store.engine import Database, open_database
from harness.store.plan import write_plan


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    """A migrated database in a transaction of its own."""
    with open_database(url) as db, db.engine.begin() as connection:
        yield connection


def test_migrated_tables_are_those_of_the_schema(connection: Connection) -> None:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    assert compare_metadata(context, schema.Base.metadata) == []


def test_migrated_checks_are_those_of_the_schema(connection: Connection) -> None:
    for table in schema.Base.metadata.tables.values():
        expected = {str(c.name) for c in table.constraints if str(c.name).startswith("ck_")}
        assert {check["name"] for check in inspect(connection).get_check_constraints(table.name)} == expected


def test_sqlite_tables_are_made_alike_by_migration_and_schema() -> None:
    """What alembic does not compare: STRICT, rows without numbers, the checks' texts."""
    made = []
    for make in (migrations.migrate, schema.Base.metadata.create_all):
        engine = create_engine("sqlite://")
        with engine.begin() as connection:
            make(connection)
            rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
            made.append(
                {name: sorted(line.strip(", \t").replace('"', "") for line in sql.splitlines()) for name, sql in rows}
            )
        engine.dispose()
    made[0].pop("alembic_version")
    assert made[0] == made[1]


def test_all_views_exist(connection: Connection) -> None:
    assert set(inspect(connection).get_view_names()) == set(views.VIEWS)


def test_every_version_can_be_left_and_reached_again(connection: Connection) -> None:
    for version in ("base", *migrations.VERSIONS, *reversed(migrations.VERSIONS), "base", migrations.NEWEST):
        migrations.migrate(connection, version)
        assert migrations.version(connection) == (None if version == "base" else version)
        if version == "base":
            assert inspect(connection).get_table_names() == ["alembic_version"]
            assert inspect(connection).get_view_names() == []
    assert set(inspect(connection).get_view_names()) == set(views.VIEWS)


def test_results_of_trained_models_survive_the_way_back_and_forth(filled: Database) -> None:
    before = {view: sorted(relations.rows(filled, view).rows, key=str) for view in views.PUBLIC}
    for version in (*reversed(migrations.VERSIONS), migrations.NEWEST):
        go_to(filled, version)
    assert {view: sorted(relations.rows(filled, view).rows, key=str) for view in views.PUBLIC} == before


def go_to(db: Database, version: str) -> None:
    with db.engine.connect() as connection:
        db.dialect.without_foreign_keys(connection)
        try:
            with connection.begin():
                migrations.migrate(connection, version)
        finally:
            connection.invalidate()


def test_what_an_older_version_has_no_room_for_is_never_dropped(db: Database) -> None:
    fill_every_table(db)
    before = contents(db)
    what = "1 external models, 1 analyses, 3 spectra, 1 arrays; nothing was changed"
    with pytest.raises(DatabaseUnusable, match=f"schema 0001 has no room for {what}"):
        go_to(db, "0001")
    assert contents(db) == before
    with db.reading() as connection:
        assert migrations.version(connection) == migrations.NEWEST
    go_to(db, "0002")
    go_to(db, migrations.NEWEST)
    forgotten = {"runner", "claim", "seal"}  # `db upgrade` seals again
    after = contents(db)
    for found in (before, after):  # of which weights they are
        found["evaluation"] = [row[:-2] for row in found["evaluation"]]
    assert {name: rows for name, rows in after.items() if name not in forgotten} == {
        name: rows for name, rows in before.items() if name not in forgotten
    }
    assert [after[name] for name in sorted(forgotten)] == [[], [], []]
    with db.reading() as connection:
        assert db.dialect.problems(connection) == []


def test_an_older_version_forgets_what_models_trained_elsewhere_are_compared_with(filled: Database) -> None:
    write_plan(filled, [*planned(), *loaded("robust", baseline="none")], "study", "smoke", "A study")
    write_plan(filled, loaded("plain", suite="other"), "other", "smoke", "Another")
    go_to(filled, "0009")
    go_to(filled, migrations.NEWEST)
    with filled.engine.connect() as connection:
        assert connection.scalars(text("SELECT DISTINCT baseline FROM place")).all() == [None]
        subjects = connection.scalars(text("SELECT subject FROM seal WHERE subject LIKE '%/%'")).all()
    assert subjects == ["other/smoke"]  # `db upgrade` seals the other again


def test_tables_with_results_are_never_removed(filled: Database) -> None:
    before = contents(filled)
    with pytest.raises(DatabaseUnusable, match="there are results, which go with their tables; nothing was changed"):
        go_to(filled, "base")
    assert contents(filled) == before


def test_migrating_to_where_one_is_keeps_everything(filled: Database) -> None:
    before = {view: sorted(relations.rows(filled, view).rows, key=str) for view in views.PUBLIC}
    with filled.engine.begin() as connection:
        migrations.migrate(connection)
    assert {view: sorted(relations.rows(filled, view).rows, key=str) for view in views.PUBLIC} == before


BAD_ROWS = {
    "a number that is not finite": "UPDATE measurement SET value = {infinity} WHERE metric = 'score'",
    "an accuracy above 1": "UPDATE measurement SET value = 1.5 WHERE metric = 'accuracy'",
    "neither number nor reason": "UPDATE measurement SET value = NULL",
    "an unknown state": "UPDATE job SET state = 'asleep'",
    "failed without a reason": "UPDATE job SET state = 'failed', reason = NULL",
    "done without an end": "UPDATE job SET state = 'done', finished_at = NULL",
    "two places in one": "UPDATE place SET seed = 0",
    "an image without outcome": "UPDATE image_result SET outcome = 'maybe'",
    "a distance without a start": "UPDATE image_result SET outcome = 'no_start'",
    "text for a number": "UPDATE measurement SET n = 'many'",
}


@pytest.mark.parametrize("sql", BAD_ROWS.values(), ids=BAD_ROWS)
def test_the_tables_themselves_refuse(filled: Database, sql: str) -> None:
    with pytest.raises(StoreError, match="does not take"), filled.transaction() as session:
        session.execute(text(sql.format(infinity="9e999" if filled.path else "'infinity'")))
