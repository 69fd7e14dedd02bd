from __future__ import annotations

import pytest

from harness.cli.quantities import duration, flop, told_by_reason


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (42, "42 s"),
        (150, "2 min"),
        (2 * 3600 + 300, "2 h 5 min"),
        (86400 * 3.26, "3.3 days"),
    ],
)
def test_durations_are_told_in_units_that_people_use(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("gflop", "text"),
    [(0.04, "0.0 GFLOP"), (999, "999.0 GFLOP"), (1500, "1.5 TFLOP"), (2.5e6, "2.5 PFLOP"), (4e9, "4.0 EFLOP")],
)
def test_arithmetic_is_told_in_the_largest_unit_that_fits(gflop, text):
    assert flop(gflop) == text


def test_a_reason_is_told_once_however_many_jobs_it_stops():
    jobs = [("none, seed 0", "no disk"), ("none, seed 1", "no data"), ("none, seed 2", "no disk")]
    assert [*told_by_reason(jobs)] == ["none, seed 0 and 1 more: no disk", "none, seed 1: no data"]
