"""The program as users run it, with faults in it, and all that it leaves on the disk but what time it took."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

from program import WAYS, Program

SUITE = f"""
title = "Two ways to train a tiny network, and an analysis that leaves arrays"
{WAYS}
[evaluations]
clean = {{ n_images = 32 }}
gaussian = {{ n_images = 32, sizes = 2 }}
boundary = {{ n_images = 4, steps = 3, repeats = 1, start_draws = 10 }}

[analyses]
noise_examples = {{ images = "digits" }}
"""
INJECTED = Path(__file__).parent / "injected"

TIMES = {"seconds", "images_per_second", "started_at", "finished_at", "planned_at"}
NOT_COMPARED = TIMES | {"attempts", "environment_id", "device", "command"}
"""What depends on when, where and how often a job ran."""


class Faulty(Program):
    """`python -m harness` with a fault."""

    def __init__(self, folder: Path, data: Path) -> None:
        super().__init__(folder, data, SUITE)
        self.faults = folder / "faults"
        self.faults.mkdir()
        self.events: list[tuple[str, str, int, str]] = []
        """What happened in the last struck command: role, kind, number, detail."""
        package = Path(__file__).parents[2]
        self.environment |= {
            "FAULTS_DIR": str(self.faults),
            "PYTHONPATH": os.pathsep.join(map(str, (INJECTED, package, os.environ.get("PYTHONPATH", "")))),
        }

    def into(self, results: Path) -> None:
        """Keep results elsewhere."""
        self.results = results
        self.environment["HARNESS_RESULTS_DIR"] = str(results)

    def run(self, workers: int = 1, **strike: Any) -> tuple[int, str]:
        """The suite, struck at an event if one is named: role, kind, number or detail, and the victim."""
        return self.under_strike(("run-suite", "tiny", "--workers", str(workers)), **strike)

    def under_strike(self, command: tuple[str, ...], **strike: Any) -> tuple[int, str]:
        """A command, struck like a run of the suite."""
        for path in self.faults.iterdir():
            path.unlink()
        self.environment["FAULTS_STRIKE"] = json.dumps(strike or None)
        code, said = self(*command, timeout=900)
        written = self.faults / "events"
        self.events = [tuple(json.loads(line)) for line in written.read_text().splitlines()] if written.exists() else []
        assert "Traceback" not in said, said
        assert not strike or self.struck, f"{strike} never came: {said}"
        return code, said

    @property
    def struck(self) -> bool:
        return (self.faults / "struck").exists()

    @property
    def outcome(self) -> dict[str, Any]:
        """Every row of every table, and every file, without what depends on time."""
        with contextlib.closing(sqlite3.connect(self.results / "harness.sqlite")) as connection:
            connection.row_factory = sqlite3.Row
            found: dict[str, Any] = {name: _rows(connection, name) for name in TABLES}
        files = sorted((self.results / "models").glob("*/*")) + sorted((self.results / "arrays").glob("*/*"))
        found["files"] = [_file(path, self.results) for path in files]
        return found


TABLES = {
    "suite": "SELECT * FROM suite",
    "place": "SELECT * FROM place JOIN suite s ON s.id = suite_id",
    "job": "SELECT j.*, m.key AS model FROM job j LEFT JOIN model m ON m.id = j.model_id",
    "model": "SELECT * FROM model",
    "training": "SELECT t.*, m.key AS model FROM training t JOIN model m ON m.id = t.model_id",
    "epoch": "SELECT t.*, m.key AS model FROM epoch t JOIN model m ON m.id = t.model_id",
    "gamma": "SELECT t.*, m.key AS model FROM gamma t JOIN model m ON m.id = t.model_id",
    "evaluation": "SELECT e.*, m.key AS model FROM evaluation e LEFT JOIN model m ON m.id = e.model_id",
    "measurement": "SELECT x.*, e.key FROM measurement x JOIN evaluation e ON e.id = x.evaluation_id",
    "image_result": "SELECT x.*, e.key FROM image_result x JOIN evaluation e ON e.id = x.evaluation_id",
    "result_array": "SELECT x.*, e.key FROM result_array x JOIN evaluation e ON e.id = x.evaluation_id",
    "job_data": "SELECT d.*, job_key FROM job_data JOIN data_split d ON d.id = data_split_id",
}


def _rows(connection: sqlite3.Connection, table: str) -> list[str]:
    """Values bit for bit (a float's hexadecimal digits), without row numbers."""
    rows = []
    for row in connection.execute(TABLES[table]):
        kept = {name: row[name] for name in row.keys() if name not in NOT_COMPARED and not name.endswith("id")}  # noqa: SIM118
        rows.append(str(sorted((k, v.hex() if isinstance(v, float) else v) for k, v in kept.items())))
    return sorted(rows)


def _file(path: Path, root: Path) -> str:
    """A file's name and content; a result file's has times in it, so of it only that it is there."""
    if path.name.startswith("result-"):
        return str(path.relative_to(root).parent / "result")
    return f"{path.relative_to(root)} {hashlib.sha256(path.read_bytes()).hexdigest()}"
