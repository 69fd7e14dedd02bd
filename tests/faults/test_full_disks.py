"""A disk that is full at the moment when something is written: real file systems, filled to the last byte."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from faulty_program import Faulty
from ledger import injected

pytestmark = pytest.mark.faults

WRITES = {
    "a checkpoint": ("worker", "open", "checkpoint-0002"),
    "a weights file": ("worker", "open", "weights-"),
    "a training's result": ("worker", "open", "result-"),
    "an array of a result": ("runner", "open", "epsilon"),
    "the database, at a commit": ("runner", "commit", ""),
    "the database, when a result is committed": ("runner", "commit", "result"),
}


def fill(folder: Path) -> None:
    """To the last byte."""
    with (folder / "ballast").open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue


def complaint(said: str) -> str:
    """The line that says what is wrong."""
    found = [line for line in said.splitlines() if re.search(r"No space left|disk is full|disk reports", line)]
    assert found, said
    return re.sub(r"\S*/(\S+)", r"\1", found[0])


@pytest.mark.parametrize("what", WRITES)
def test_a_run_says_so_loses_nothing_and_continues(
    what: str, program: Faulty, reference: Faulty, small_disk: Path
) -> None:
    role, kind, detail = WRITES[what]
    event = {"number": 2 if detail == "" else 9} if kind == "commit" else {"detail": detail}
    if what.startswith("an array"):
        opened = (e[3] for e in reference.events if e[0] == "runner" and e[1] == "open" and "-" in e[3])
        event = {"detail": next(opened).partition(".")[0]}  # the process's number is in the rest
    program.into(small_disk / "results")
    with injected(f"disk full while {what} is written") as fault:
        code, said = program.run(role=role, kind=kind, victim="disk", folder=str(small_disk), **event)
        assert code == 1, said
        fault.seen = complaint(said)
        (small_disk / "ballast").unlink()
        code, said = program.run()
        assert code == 0, said
        assert program.outcome == reference.outcome
        fault.outlived()


def test_figures_that_do_not_fit_leave_the_old_ones(reference: Faulty, small_disk: Path) -> None:
    with injected("disk full while tables and figures are written") as fault:
        out = ("report", "tiny", "--profile", "paper", "--out", str(small_disk))
        code, said = reference(*out)
        assert code == 0, said
        before = {path: path.read_bytes() for path in small_disk.rglob("*") if path.is_file()}
        fill(small_disk)
        code, said = reference(*out)
        assert (code, "Traceback" in said) == (1, False), said
        fault.seen = complaint(said)
        (small_disk / "ballast").unlink()
        assert {path: path.read_bytes() for path in small_disk.rglob("*") if path.is_file()} == before
        assert reference(*out)[0] == 0
        fault.outlived()


def test_an_export_and_a_backup_that_do_not_fit_say_so(reference: Faulty, small_disk: Path) -> None:
    fill(small_disk)
    for command in (("db", "export", "--out", str(small_disk)), ("db", "backup", str(small_disk / "copy.sqlite"))):
        with injected(f"disk full at harness {' '.join(command[:2])}") as fault:
            code, said = reference(*command)
            assert (code, "Traceback" in said) == (1, False), said
            assert [path.name for path in small_disk.iterdir()] == ["ballast"]
            fault.outlived(seen=complaint(said))


def test_a_data_set_that_does_not_fit_says_so(program: Faulty, small_disk: Path) -> None:
    program.environment["HARNESS_DATA_DIR"] = str(small_disk)
    fill(small_disk)
    with injected("disk full while a data array is written") as fault:
        code, said = program("data", "prepare", "digits")
        assert (code, "Traceback" in said) == (1, False), said
        fault.seen = complaint(said)
        (small_disk / "ballast").unlink()
        assert program("data", "prepare", "digits")[0] == 0
        assert program("data", "verify", "digits")[0] == 0
        fault.outlived()


def test_folders_that_cannot_be_written_are_named_and_the_command_works_once_they_can(
    program: Faulty, reference: Faulty, small_disk: Path
) -> None:
    program.into(small_disk / "results")
    data = small_disk / "data"
    commands = {
        "run-suite, results folder": ("run-suite", "tiny", "--workers", "1"),
        "report, results folder": ("report", "tiny", "--profile", "paper"),
        "data prepare, data folder": ("data", "prepare", "digits"),
    }
    for name, command in commands.items():
        if command[0] == "data":
            program.environment["HARNESS_DATA_DIR"] = str(data)
        with injected(f"read-only: {name}") as fault:
            subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
            code, said = program(*command)
            assert (code, "Traceback" in said) == (1, False), said
            [line] = [line for line in said.splitlines() if line.startswith("error: ")]
            assert str(small_disk) in line
            subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
            code, said = program(*command)
            assert code == 0, said
            fault.outlived(seen=re.sub(r"\S*/(\S+)", r"\1", line))
    assert program.outcome == reference.outcome
