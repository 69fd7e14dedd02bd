"""A clock that is set forward and back by days at every look."""

from __future__ import annotations

import pytest
from faulty_program import Faulty
from ledger import injected


@pytest.mark.faults
def test_no_duration_is_negative_and_no_result_another(program: Faulty, reference: Faulty) -> None:
    program.environment["FAULTS_CLOCK"] = "1"
    with injected("a clock that jumps by a day, back and forth") as fault:
        code, said = program.run()
        assert code == 0, said
        days = program.query("SELECT DISTINCT date(started_at) FROM job")
        assert len(days) > 1, "the clock did not jump"
        assert program.query("SELECT count(*) FROM job WHERE finished_at < started_at OR seconds < 0") == [(0,)]
        assert program.outcome == reference.outcome
        fault.outlived(seen="nothing; durations are of a clock that cannot be set")
