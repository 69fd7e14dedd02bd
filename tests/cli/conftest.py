"""The program, with folders of its own and the digits."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import Program

from harness.data.bundled import prepare_bundled


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the digits in it."""
    folder = tmp_path_factory.mktemp("data")
    prepare_bundled(folder, "digits")
    return folder


@pytest.fixture
def program(tmp_path: Path, data: Path) -> Program:
    return Program(tmp_path, data)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, data: Path) -> tuple[Program, int, str]:
    """A program after one whole run of the suite, with its exit code and what it said."""
    program = Program(tmp_path_factory.mktemp("finished"), data)
    return program, *program("run-suite", "tiny")
