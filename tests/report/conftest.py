"""A result database, and what is rendered from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from study import ARRAYS, fill

from harness.report.suite_report import SuiteReport, render_suites
from harness.store.engine import Database, open_database


@pytest.fixture(scope="session")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with the suite of `study`."""
    file = tmp_path_factory.mktemp("results") / "harness.sqlite"
    with open_database(f"sqlite:///{file}") as database:
        fill(database)
        yield database


@pytest.fixture(scope="session")
def rendered(db: Database, tmp_path_factory: pytest.TempPathFactory) -> SuiteReport:
    """The report of the only suite with results."""
    [found] = render_suites(db, (), arrays_dir=ARRAYS, out=tmp_path_factory.mktemp("report"))
    return found


@pytest.fixture(scope="session")
def folder(rendered: SuiteReport) -> Path:
    return rendered.folder
