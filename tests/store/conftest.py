"""Databases to test on: each test that takes `url` or `db` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import BOTH, database_on, new_database, unopened
from recorded_study import fill
from sqlalchemy import Engine

from harness.store.engine import Database, open_database


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database without results: copying is faster than making one."""
    file = tmp_path_factory.mktemp("template") / "harness.sqlite"
    open_database(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session")
def filled_template(template: Path) -> Path:
    """The same with the results of `recorded_study.fill`."""
    file = Path(shutil.copy(template, template.with_name("filled.sqlite")))
    with open_database(f"sqlite:///{file}") as database:
        fill(database)
    return file


@pytest.fixture(scope="session")
def filled_server(server: Engine) -> Engine:
    """The PostgreSQL server, with a database `filled` that has the results of `recorded_study.fill`."""
    with open_database(new_database(server, "filled", "template")) as database:
        fill(database)
    return server


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind that nobody has opened yet."""
    with unopened(request, tmp_path / "results" / "harness.sqlite") as url:
        yield url


@pytest.fixture(params=BOTH)
def db(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> Iterator[Database]:
    """An open database of each kind, without results."""
    if request.param == "sqlite":
        with open_database(f"sqlite:///{shutil.copy(template, tmp_path)}") as database:
            yield database
    else:
        server = request.getfixturevalue("server")
        with database_on(server, "template") as url, open_database(url) as database:
            yield database


@pytest.fixture(params=BOTH)
def filled(request: pytest.FixtureRequest, filled_template: Path, tmp_path: Path) -> Iterator[Database]:
    """An open database of each kind, with the results of `recorded_study.fill`."""
    if request.param == "sqlite":
        with open_database(f"sqlite:///{shutil.copy(filled_template, tmp_path)}") as database:
            yield database
    else:
        server = request.getfixturevalue("filled_server")
        with database_on(server, "filled") as url, open_database(url) as database:
            yield database


@pytest.fixture
def filled_sqlite(filled_template: Path, tmp_path: Path) -> Iterator[Database]:
    """An open SQLite database with results."""
    with open_database(f"sqlite:///{shutil.copy(filled_template, tmp_path)}") as database:
        yield database


@pytest.fixture
def file(template: Path, tmp_path: Path) -> Path:
    """A SQLite database without results."""
    return Path(shutil.copy(template, tmp_path))


@pytest.fixture
def sqlite_db(file: Path) -> Iterator[Database]:
    """The same, open."""
    with open_database(f"sqlite:///{file}") as database:
        yield database
