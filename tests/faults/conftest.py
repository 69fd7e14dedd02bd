"""The program on a suite of seconds, what it leaves when nothing happens, and places where faults are."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_program import Faulty
from ledger import LEDGER, NOTES, table


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table."""
    if LEDGER:
        terminalreporter.section("faults")
        for line in (*sorted(NOTES), *table()):
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory, digits_dir: Path) -> Faulty:
    """A program to which nothing happened, after one whole run, its events counted."""
    program = Faulty(tmp_path_factory.mktemp("reference"), digits_dir)
    code, said = program.run(workers=2)
    assert code == 0, said
    return program


@pytest.fixture
def program(tmp_path: Path, digits_dir: Path) -> Faulty:
    return Faulty(tmp_path / "program", digits_dir)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, which can be full or read-only; runs want 200 MB free before they start."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=230m,mode=755", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(["mount", *options], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here (root is needed)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
