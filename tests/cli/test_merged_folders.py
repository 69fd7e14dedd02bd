"""`harness db merge`, as a user types it: two folders that share nothing become one whole suite."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from program import NEEDED, Program


def halves(tmp_path: Path, digits_dir: Path) -> tuple[Program, Program]:
    """Two programs, each of which has done one condition of the suite."""
    found = Program(tmp_path / "here", digits_dir), Program(tmp_path / "there", digits_dir)
    for program, condition in zip(found, ("none", "threshold"), strict=True):
        code, said = program("run-suite", "tiny", "--only", condition)
        assert code == 0, said
    return found


def test_two_folders_become_what_one_run_would_have_done_also_when_the_merge_is_killed(
    finished, tmp_path: Path, digits_dir: Path
):
    undisturbed, _, _ = finished
    here, there = halves(tmp_path, digits_dir)
    [(trained,)] = there.query("SELECT DISTINCT job FROM v_jobs WHERE condition = 'threshold' AND kind = 'train'")
    with here.start("db", "merge", str(there.results)) as process:
        while not (here.results / "models" / trained).exists() and process.poll() is None:
            time.sleep(0.001)
        os.killpg(process.pid, signal.SIGKILL)
    code, said = here("db", "merge", str(there.results))
    assert code == 0, said
    assert "left there: 1 finished here already" in said
    assert "harness report" in said
    code, said = here("run-suite", "tiny", *NEEDED)
    assert (code, "nothing to do" in said) == (0, True), said
    kept = [[row for row in rows if row[0] in {"none", "threshold"}] for rows in undisturbed.content]
    assert [[row for row in rows if row[0] in {"none", "threshold"}] for rows in here.content] == kept
    assert here("db", "check")[1].splitlines()[-1] == "sound"
    code, said = here("db", "merge", str(there.results))
    assert (code, said.splitlines()) == (0, ["taken over: 0 results", "left there: 6 finished here already"])


def test_what_is_no_results_folder_is_said_in_one_line(program: Program):
    code, said = program("db", "merge", "nowhere")
    assert (code, len(said.splitlines())) == (2, 1), said
    assert "nowhere/harness.sqlite does not exist" in said
