from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from benchmarks import ledger
from benchmarks.commands import Duration, Errand, timed, told
from benchmarks.machine import Machine
from harness.errors import HarnessError

MACHINE = Machine(name="A CPU", device="cpu", threads=2, memory_gb=24, instructions="AVX2", torch="2.14.1")


def errand(*arguments: str) -> Errand:
    return Errand(title="an errand", arguments=arguments, environment=os.environ)


def test_the_time_of_a_process_and_its_work_are_both_counted():
    found = timed(errand("-c", "import time; time.sleep(0.2); sum(range(2_000_000))"), rounds=1)
    assert found.seconds > 0.2
    assert 0 < found.cpu_seconds < found.seconds
    assert told(found).startswith("an errand: ")


def test_a_command_that_fails_has_no_time():
    with pytest.raises(HarnessError, match="an errand ended with exit code 3: no"):
        timed(errand("-c", "import sys; print('no', file=sys.stderr); sys.exit(3)"), rounds=1)


def test_durations_have_a_table_of_their_own(tmp_path: Path):
    duration = Duration(title="harness list", rounds=5, seconds=0.3049, cpu_seconds=0.2951)
    kept = json.loads(ledger.keep(MACHINE, "commands", [duration], tmp_path).read_text())
    assert ledger.table(kept).splitlines()[-3:] == [
        "| command | seconds | of CPU |",
        "|---|---|---|",
        "| harness list | 0.30 | 0.30 |",
    ]
