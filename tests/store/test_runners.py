"""Claims: a job is given to one runner, and comes back from those that left it."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace

import pytest
from every_table import ME
from recorded_study import curve, evaluate_job, planned, train_job
from test_write import evaluated, plan, state, trained

from harness.store import runners, write
from harness.store.engine import Database, open_database

FORK = multiprocessing.get_context("fork")
OTHER = replace(ME, folder="0" * 32, title="other host, process 2, /results", process=2)


@pytest.fixture
def two(db: Database) -> tuple[int, int]:
    plan(db)
    return runners.enter(db, ME), runners.enter(db, OTHER)


def test_a_job_is_given_to_one_runner(db: Database, two: tuple[int, int]) -> None:
    me, other = two
    key = train_job().key
    assert runners.claim(db, key, me, 0)
    assert not runners.claim(db, key, other, 0)
    holder = runners.running(db)[key]
    assert holder is not None
    assert (holder.id, holder.title, holder.folder) == (me, ME.title, ME.folder)
    assert runners.holder(db, key) == holder
    trained(db)
    assert runners.running(db) == {}
    assert runners.holder(db, key) == holder
    assert not runners.claim(db, key, other, 1)


def test_a_failed_job_is_given_only_to_who_has_seen_it_fail(db: Database, two: tuple[int, int]) -> None:
    me, other = two
    key = train_job().key
    assert runners.claim(db, key, me, 0)
    write.start(db, key, "Test CPU")
    write.fail(db, key, "it broke")
    assert not runners.claim(db, key, other, 0)
    assert runners.claim(db, key, other, 1)


def test_only_what_a_runner_left_running_waits_again(db: Database, two: tuple[int, int]) -> None:
    me, other = two
    mine, theirs, nobodys = (train_job(*which).key for which in (("none", 0), ("none", 1), ("threshold", 0)))
    assert runners.claim(db, mine, me, 0)
    assert runners.claim(db, theirs, other, 0)
    write.start(db, nobodys, "Test CPU")
    assert runners.running(db)[nobodys] is None
    assert runners.release(db, me) == 1
    assert [state(db, key).state for key in (mine, theirs, nobodys)] == ["waiting", "running", "running"]
    assert runners.release(db, None) == 1
    assert [state(db, key).state for key in (mine, theirs, nobodys)] == ["waiting", "running", "waiting"]
    assert runners.claim(db, mine, other, 0)


def test_a_sign_of_life_changes_what_others_see(db: Database, two: tuple[int, int]) -> None:
    me, _ = two
    key = train_job().key
    assert runners.claim(db, key, me, 0)
    before = runners.holder(db, key)
    runners.try_to_write(db)
    assert runners.holder(db, key) == before
    runners.give_sign(db, me)
    after = runners.holder(db, key)
    assert before is not None
    assert after is not None
    assert before.seen_at != after.seen_at
    assert replace(after, seen_at=before.seen_at) == before


def test_a_result_of_whoever_was_faster_stays(db: Database, two: tuple[int, int]) -> None:
    trained(db)
    key = evaluate_job().key
    evaluated(db, curve(0.8, 0.4))
    assert not runners.claim(db, key, two[1], 0)
    assert state(db, key).state == "done"


def _claim_all(url: str, number: int, got: multiprocessing.SimpleQueue[tuple[int, str]]) -> None:
    with open_database(url) as db:
        me = runners.enter(db, replace(ME, process=number))
        for each in planned():
            if runners.claim(db, each.key, me, 0):
                got.put((me, each.key))


def test_runners_that_claim_at_once_share_the_jobs_and_each_is_had_once(db: Database) -> None:
    plan(db)
    got = FORK.SimpleQueue()
    url = db.engine.url.render_as_string(hide_password=False)
    processes = [FORK.Process(target=_claim_all, args=(url, number, got)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    found = dict(reversed(got.get()) for _ in planned())
    assert got.empty()
    assert set(found) == {each.key for each in planned()}
    running = runners.running(db)
    assert {key: holder.id for key, holder in running.items() if holder} == found
