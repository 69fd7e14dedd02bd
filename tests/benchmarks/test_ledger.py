from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from benchmarks import ledger
from benchmarks.contest import Outcome, Timed
from benchmarks.machine import Machine

MACHINE = Machine(
    name="A CPU (R) 3", device="cpu", threads=2, memory_gb=24, instructions="AVX512, bfloat16", torch="2.14.1"
)
OUTCOME = Outcome(
    title="training step",
    unit="images",
    agreement="losses within 1e-07",
    rounds=5,
    harness=Timed(title="batches", rate=12345.6, seconds=0.5, peak_mb=310.2),
    reference=Timed(title="a DataLoader", rate=0.0123456, seconds=1.5, peak_mb=None),
    ratio=2.345,
    lowest=2.2,
    highest=2.5,
    shares={"convolutions": 0.456},
)


def test_a_benchmark_that_ran_again_replaces_its_outcomes_and_leaves_the_others(tmp_path: Path) -> None:
    ledger.keep(MACHINE, "pairs", [OUTCOME], tmp_path)
    ledger.keep(MACHINE, "passes", [OUTCOME], tmp_path)
    path = ledger.keep(MACHINE, "pairs", [replace(OUTCOME, ratio=3.0)], tmp_path)
    kept = json.loads(path.read_text())
    assert [each["outcomes"][0]["ratio"] for each in kept["benchmarks"].values()] == [3.0, 2.345]
    assert kept["benchmarks"]["pairs"]["measured_at"]


def test_machines_have_a_file_each(tmp_path: Path) -> None:
    ledger.keep(MACHINE, "pairs", [OUTCOME], tmp_path)
    ledger.keep(replace(MACHINE, threads=1), "pairs", [OUTCOME], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a-cpu-r-3-1-threads.json",
        "a-cpu-r-3-2-threads.json",
    ]


def test_a_table_has_a_row_for_each_outcome(tmp_path: Path) -> None:
    kept = json.loads(ledger.keep(MACHINE, "pairs", [OUTCOME], tmp_path).read_text())
    *_, row = ledger.table(kept).splitlines()
    assert row == (
        "| training step | **2.35** (2.2 to 2.5) | 12,300 images/s | 0.0123 images/s | 46% of convolutions "
        "| 310 MB / ? | losses within 1e-07 |"
    )


def test_the_page_of_the_docs_shows_what_was_measured() -> None:
    page = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text()
    assert list(ledger.FOLDER.glob("*.json"))
    assert ledger.tables() in page
