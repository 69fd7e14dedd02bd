"""What datasette is told of the database: every view, and queries that it can answer."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from harness.store.engine import open_database
from harness.store.schema import Base
from harness.store.views import VIEWS

METADATA = json.loads((Path(__file__).parents[2] / "docker" / "datasette.json").read_text())["databases"]["harness"]


def test_every_view_that_users_rely_on_is_described_and_the_tables_below_are_hidden():
    told = METADATA["tables"]
    assert {name for name in told if "description" in told[name]} == {name for name in VIEWS if name.startswith("v_")}
    assert {name for name in told if told[name].get("hidden")} == {*Base.metadata.tables, "alembic_version"}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    path = tmp_path_factory.mktemp("results") / "harness.sqlite"
    open_database(f"sqlite:///{path}").close()
    return sqlite3.connect(path)


@pytest.mark.parametrize("name", METADATA["queries"])
def test_a_canned_query_is_one_that_the_database_understands(name: str, database: sqlite3.Connection):
    given = {"suite": "quickstart", "profile": "smoke", "evaluation": "gaussian"}
    assert database.execute(METADATA["queries"][name]["sql"], given).fetchall() == []
