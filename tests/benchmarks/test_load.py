from __future__ import annotations

import sys

import pytest

from benchmarks import load


def test_what_growth_costs_is_told_of_each_size(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(load, "JOBS", (load.JOBS_OF_A_CONDITION,))
    monkeypatch.setattr(load, "MEASUREMENTS", (5_000, 10_000))
    monkeypatch.setattr(sys, "argv", ["benchmarks.load"])
    load.main()
    rows = [line.split(" | ")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert rows == ["| jobs", "| 50", "| measurements", "| 5,000", "| 10,000"]
