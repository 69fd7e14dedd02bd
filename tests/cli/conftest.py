"""The program, with folders of its own and the digits."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import Program


@pytest.fixture
def program(tmp_path: Path, digits_dir: Path) -> Program:
    return Program(tmp_path, digits_dir)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, digits_dir: Path) -> tuple[Program, int, str]:
    """A program after one whole run of the suite, with its exit code and what it said."""
    program = Program(tmp_path_factory.mktemp("finished"), digits_dir)
    return program, *program("run-suite", "tiny")
