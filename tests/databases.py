"""Databases of both kinds, each test with one of its own."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

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


@contextmanager
def away(server: Engine, url: str) -> Iterator[None]:
    """A database as while its server is started again: connections are ended, and new ones refused."""
    name = make_url(url).database
    with server.connect() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        connection.execute(text(ended), {"name": name})
        yield
        connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


class Cable:
    """A network between a program and a server, which breaks before some answers that a transaction is committed."""

    def __init__(self, url: str) -> None:
        self.commits, self.lost = 0, set[int]()
        """How many answers there were, and the numbers of those that are not delivered."""
        self._socket = f"{make_url(url).query['host']}/.s.PGSQL.5432"
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        self.url = make_url(url).set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                program, _ = self._listening.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._socket)
            for source, target in ((program, server), (server, program)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError), source, target:
            while content := source.recv(1 << 16):
                if target.family == socket.AF_INET and b"COMMIT" in content:
                    self.commits += 1
                    if self.commits in self.lost:
                        target.shutdown(socket.SHUT_RDWR)
                        source.shutdown(socket.SHUT_RDWR)
                target.sendall(content)
            target.shutdown(socket.SHUT_WR)
