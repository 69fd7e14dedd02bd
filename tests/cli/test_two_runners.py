"""The program on a PostgreSQL database: two at once, of which one is killed; and one whose server is away a while."""

from __future__ import annotations

import psutil
import pytest
from databases import away, database_on
from program import NEEDED, RESULTS, Program, wait_for, workers_of

from harness.store import relations
from harness.store.engine import Database, open_database

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


def content(db: Database) -> list[list[tuple[object, ...]]]:
    """All results of what can be finished."""
    return [[row for row in relations.answer(db, sql).rows if row[0] in {"none", "threshold"}] for sql in RESULTS]


def test_two_programs_share_a_suite_and_one_that_is_killed_is_replaced(finished, program: Program, server):
    undisturbed, _, _ = finished
    with open_database(f"sqlite:///{undisturbed.results / 'harness.sqlite'}") as db:
        expected = content(db)
    with database_on(server, "template") as url:
        program.environment["HARNESS_DATABASE_URL"] = url
        command = ("run-suite", "tiny", *NEEDED)
        with program.start(*command) as first, program.start(*command) as second:
            wait_for(first, "training")
            workers = workers_of(first)
            first.kill()
            said, _ = second.communicate(timeout=250)
        assert not psutil.wait_procs(workers, timeout=30)[1]
        assert second.returncode == 0, said
        with open_database(url) as db:
            assert content(db) == expected
            assert relations.answer(db, "SELECT count(*) FROM runner").rows == ((2,),)


def test_a_run_waits_for_its_server_and_ends_as_without(finished, program: Program, server):
    undisturbed, _, _ = finished
    with open_database(f"sqlite:///{undisturbed.results / 'harness.sqlite'}") as db:
        expected = content(db)
    with database_on(server, "template") as url:
        program.environment["HARNESS_DATABASE_URL"] = url
        with program.start("run-suite", "tiny", *NEEDED) as process:
            wait_for(process, "none, seed 0: training")
            with away(server, url):
                wait_for(process, "waiting until it is back, for 10 minutes at most")
            said, _ = process.communicate(timeout=250)
        assert (process.returncode, " is back" in said) == (0, True), said
        with open_database(url) as db:
            assert content(db) == expected
            assert relations.answer(db, "SELECT max(attempts) FROM job WHERE state = 'done'").rows == ((1,),)
