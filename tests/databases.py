"""Databases of both kinds, each test with one of its own."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
"""Parameters of a fixture that makes a database of each kind."""


def new_database(server: Engine, name: str, template: str) -> str:
    """The URL of a new database on a server, made like another one there."""
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    return server.url.set(database=name).render_as_string(hide_password=False)


@contextmanager
def unopened(request: pytest.FixtureRequest, file: Path, template: str = "template0") -> Iterator[str]:
    """The URL of a database of the kind `request.param` that nobody has opened: a file, or one on the server."""
    if request.param == "sqlite":
        yield f"sqlite:///{file}"
    else:
        with database_on(request.getfixturevalue("server"), template) as url:
            yield url


@contextmanager
def database_on(server: Engine, template: str) -> Iterator[str]:
    """The URL of a new database on the server, which is removed afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    yield new_database(server, name, template)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def locked(url: str, seconds: float = 60.0) -> Iterator[None]:
    """What somebody does who writes with another tool, and leaves the transaction open for so long."""
    engine = create_engine(url, connect_args={"check_same_thread": False} if url.startswith("sqlite") else {})
    connection = engine.connect()
    connection.execute(text("UPDATE job SET work = work"))
    ended = threading.Timer(seconds, connection.rollback)
    ended.start()
    yield
    ended.cancel()
    ended.join()
    connection.close()
    engine.dispose()
