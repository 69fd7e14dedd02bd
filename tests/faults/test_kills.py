"""kill -9 of the runner, of a worker, of both, at the very moment of each kind of event."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest
from faulty_program import Faulty
from ledger import NOTES, injected

KILLS = int(os.environ.get("FAULTS_KILLS", "50"))
SEED = int(os.environ.get("FAULTS_SEED", "5"))
OFTEN = {"step", "batch"}
"""Kinds that fill most of a run's time, chosen three times as often as the narrow moments of writing."""


def points(reference: Faulty) -> list[dict[str, object]]:
    """Events of a whole run, drawn by kind first: a rename is as likely as a flush, however few there are."""
    draws = random.Random(SEED)
    events: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for role, kind, number, detail in reference.events:
        if kind != "open":  # nothing is written yet
            events.setdefault((role, kind), []).append((number, detail))
    kinds = [each for each in sorted(events) for _ in range(3 if each[1] in OFTEN else 1)]
    found = []
    for place in range(KILLS):
        role, kind = draws.choice(kinds)
        number, _ = draws.choice(events[role, kind])
        found.append({"role": role, "kind": kind, "number": number, "victim": (role, role, "both")[place % 3]})
    return found


def check_kill(number: int, program: Faulty, reference: Faulty) -> None:
    point = points(reference)[number]
    victim = point["victim"]
    with injected(f"kill -9 of {'runner and workers' if victim == 'both' else f'the {victim}'}") as fault:
        code, said = program.run(workers=2, **point)
        [detail] = {
            each[3] for each in program.events if list(each[:3]) == [point["role"], point["kind"], point["number"]]
        }
        NOTES.append(f"kill {number:02}: {victim} at {point['role']}'s {point['kind']} {point['number']} {detail}")
        if victim == "worker":
            assert code == 0, said
            fault.seen = "a line: its process was killed (signal 9); it begins again"
        else:
            assert code == -signal.SIGKILL
            fault.seen = "the same command continues"
        code, said = program.run(workers=2)
        assert code == 0, said
        assert program.query("SELECT DISTINCT state FROM job") == [("done",)]
        assert program.outcome == reference.outcome
        fault.outlived()


@pytest.mark.faults
@pytest.mark.parametrize("number", range(1, KILLS))
def test_a_killed_run_ends_in_the_same_rows_and_files(number: int, program: Faulty, reference: Faulty) -> None:
    check_kill(number, program, reference)


@pytest.mark.faults
def test_the_first_of_them(program: Faulty, reference: Faulty) -> None:
    check_kill(0, program, reference)


MERGE_POINTS = [(kind, part) for kind in ("rename", "flush", "commit", "committed") for part in (0.0, 0.3, 0.6, 1.0)]


@pytest.fixture(scope="session")
def merged(tmp_path_factory: pytest.TempPathFactory, digits_dir: Path, reference: Faulty) -> Faulty:
    """A program that has taken over the reference's results, and to which nothing happened, its events counted."""
    program = Faulty(tmp_path_factory.mktemp("merged"), digits_dir)
    code, said = program.under_strike(("db", "merge", str(reference.results)))
    assert code == 0, said
    tables = {name: rows for name, rows in program.outcome.items() if name != "files"}
    assert tables == {name: rows for name, rows in reference.outcome.items() if name != "files"}
    return program


@pytest.mark.faults
@pytest.mark.parametrize(("kind", "part"), MERGE_POINTS)
def test_a_killed_merge_ends_in_the_same_rows_and_files(
    kind: str, part: float, program: Faulty, reference: Faulty, merged: Faulty
) -> None:
    numbers = [number for _, found, number, _ in merged.events if found == kind]
    point = {"role": "runner", "kind": kind, "number": numbers[round(part * (len(numbers) - 1))], "victim": "runner"}
    merge = ("db", "merge", str(reference.results))
    with injected("kill -9 of a merge") as fault:
        code, _ = program.under_strike(merge, **point)
        assert code == -signal.SIGKILL
        fault.seen = "the same command continues"
        code, said = program.under_strike(merge)
        assert code == 0, said
        assert program.outcome == merged.outcome
        assert "nothing to do" in program.run()[1]
        fault.outlived()
