"""docs/hop-skip-jump.md, from a suite with its evaluations to the report and the page's Python."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from program import WAYS, Program, after_a_run

PAGE = (Path(__file__).parents[2] / "docs" / "hop-skip-jump.md").read_text(encoding="utf-8")
[EVALUATIONS], [PYTHON] = (
    re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL) for language in ("toml", "python")
)
SUITE = f"""
title = "How near do attacks come that see decisions only?"
{WAYS}
{EVALUATIONS.replace("{ ", "{ n_images = 12, queries = 80, first_samples = 10, ")}
clean = {{ n_images = 12 }}
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, digits_dir: Path) -> Program:
    """A program after the suite's first run."""
    return after_a_run(Program(tmp_path_factory.mktemp("hops"), digits_dir, SUITE))


def test_distances_curves_and_verdicts_are_stored_and_nothing_is_done_twice(own: Program) -> None:
    asked = (
        "SELECT evaluation, count(*), min(epsilon), max(epsilon) FROM v_curves GROUP BY evaluation ORDER BY evaluation"
    )
    assert own.query(asked) == [("hop_skip_jump", 22, 0, 0.5), ("hop_skip_jump-linf", 22, 0, 0.03137)]
    metrics = "SELECT DISTINCT metric FROM measurement WHERE epsilon IS NULL ORDER BY metric"
    assert own.query(metrics) == [("accuracy",), ("median_l2",), ("median_linf",), ("queries",)]
    assert own.query("SELECT count(*) FROM v_acceptable WHERE evaluation LIKE 'hop_skip_jump%'") == [(2,)]
    assert "nothing to do" in own("run-suite", "tiny")[1]


def test_the_report_names_it_in_tables_and_figures(own: Program) -> None:
    code, said = own("report", "tiny")
    assert code == 0, said
    folder = own.results / "report" / "tiny-paper"
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    for head in ("HopSkipJump median distance (L2)", "HopSkipJump queries (per image)"):
        assert head in summary
    assert (folder / "figure-distances.png").exists()
    assert "queries = 80" in (folder / "evaluations.md").read_text(encoding="utf-8")


def test_the_python_of_the_page_tells_what_fewer_queries_find(own: Program) -> None:
    python = PYTHON.replace('"hop-skip-jump", "small"', '"tiny", "paper"').replace("250, 500, 1000, 2000", "20, 40, 80")
    command = [sys.executable, "-c", python]
    found = subprocess.run(command, cwd=own.folder, env=own.environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    medians = [float(line.partition(": ")[2]) for line in found.stdout.splitlines()]
    assert len(medians) == 3
    assert medians == sorted(medians, reverse=True)
    [(median,)] = own.query(
        "SELECT value FROM placed_evaluation JOIN measurement ON evaluation_id = evaluation_row"
        " WHERE metric = 'median_l2' AND condition = 'none'"
    )
    assert medians[-1] == pytest.approx(median)
