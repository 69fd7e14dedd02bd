"""Taking over what another database has finished: all of it under the same seal, or nothing."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shutil import copy

import pytest
from every_table import HARD, ME, fill_every_table, numbers
from recorded_study import (
    EVALUATIONS,
    GAMMAS,
    ORIGIN,
    evaluate_job,
    loaded,
    planned,
    record_loaded,
    results,
    train_job,
)
from sqlalchemy import text
from trainings import DIVERGED, training_result

from harness.errors import DatabaseUnusable
from harness.spec import EvaluateJob, NoiseSpec, PlannedJob
from harness.store import relations, runners, seals, write
from harness.store.engine import Database, open_database
from harness.store.intact import require_intact
from harness.store.jobs import job_states
from harness.store.mending import forget_training
from harness.store.merging import Damaged, Left, finished, take, unite_plans
from harness.store.plan import write_plan
from harness.store.upkeep import check
from harness.store.views import PUBLIC


@pytest.fixture
def there(template: Path, tmp_path: Path) -> Iterator[Database]:
    """The database of another results folder, without results."""
    file = tmp_path / "there" / "harness.sqlite"
    file.parent.mkdir()
    with open_database(f"sqlite:///{copy(template, file)}") as database:
        yield database


OF_ONE_MODEL = 6
"""Its training and five evaluations."""


def plan(db: Database, jobs: list[PlannedJob] | None = None) -> None:
    write_plan(db, planned() if jobs is None else jobs, "study", "smoke", "A study")


def do(db: Database, *models: tuple[str, int], substitute: bool = True, sha256: str = "d" * 64) -> None:
    """Train and evaluate some of the study's models, and its substitute, as `fill` does."""
    for condition, seed in [*([("none", 10_000)] if substitute else []), *models]:
        key = train_job(condition, seed).key
        write.start(db, key, "Test CPU")
        gammas = GAMMAS if condition == "threshold" else ()
        write.finish_training(db, key, training_result(gammas, weights_sha256=sha256), ORIGIN, 4.0)
        for name, result in results(condition, seed).items() if seed < 10_000 else ():
            write.finish_evaluation(db, evaluate_job(name, condition, seed).key, result, ORIGIN, 2.0)


def merge(here: Database, there: Database) -> tuple[list[str], int, set[str]]:
    """The suites that differ, how much was taken, and what was left."""
    taken, left = 0, set()
    with there.at_one_moment() as moment:
        others = unite_plans(here, moment)
        for key in finished(moment):
            try:
                take(here, moment, key, runners.enter(here, ME))
                taken += 1
            except Left as reason:
                left.add(str(reason))
    return others, taken, left


def content(db: Database) -> dict[str, list[tuple[object, ...]]]:
    """What the views show, but for times."""
    found = {}
    for view in PUBLIC:
        rows = relations.rows(db, view)
        shown = [number for number, name in enumerate(rows.columns) if name not in {"started_at", "finished_at"}]
        found[view] = sorted((tuple(row[number] for number in shown) for row in rows.rows), key=repr)
    return found


def states(db: Database) -> dict[str, int]:
    """How many of the study's places have a job in each state."""
    with db.reading() as connection:
        return dict(connection.execute(text("SELECT state, count(*) FROM v_jobs GROUP BY state")).all())


def order(db: Database) -> list[tuple[str, int]]:
    """Conditions and seeds of the study, in the plan's order."""
    with db.reading() as connection:
        found = connection.execute(text("SELECT condition, seed FROM place WHERE evaluation = '' ORDER BY id"))
        return [(condition, seed) for condition, seed in found]


def change(db: Database, sql: str) -> None:
    with db.transaction() as session:
        session.execute(text(sql))


def test_a_merged_plan_compares_what_was_trained_elsewhere_as_the_other_did(db: Database, there: Database) -> None:
    def jobs(seed: int, baseline: str) -> list[PlannedJob]:
        return [*loaded("plain", (0, seed)), *loaded("robust", (0, seed), baseline)]

    for database, seed, baseline in ((db, 1, "plain"), (there, 2, "plain")):
        plan(database, jobs(seed, baseline))
        record_loaded(database, jobs(seed, baseline), 0.75, 0.5)
    assert merge(db, there)[0] == []
    seeds = "SELECT condition, n_seeds FROM v_acceptable"
    assert relations.answer(db, seeds).rows == (("robust", 3),)
    require_intact(db, "study", "smoke")
    plan(there, [*jobs(2, "none"), *planned((0,))])
    assert merge(db, there)[0] == ["study (smoke)"]
    assert relations.answer(db, seeds).rows == (("robust", 3),)


def test_two_halves_are_the_whole_and_a_second_time_changes_nothing(
    db: Database, there: Database, filled_sqlite: Database
) -> None:
    plan(db)
    do(db, ("none", 0), ("threshold", 1))
    plan(there)
    do(there, ("none", 1), ("threshold", 0))
    assert merge(db, there) == ([], 2 * OF_ONE_MODEL, {"finished here already"})
    assert check(db).problems == ()
    assert content(db) == content(filled_sqlite)
    assert merge(db, there) == ([], 0, {"finished here already"})
    assert content(db) == content(filled_sqlite)
    assert len(finished(there)) == 2 * OF_ONE_MODEL + 1


def test_all_that_a_database_has_goes_into_an_empty_one_under_the_same_seals(db: Database, there: Database) -> None:
    fill_every_table(there)
    _, taken, left = merge(db, there)
    assert (taken, left) == (len(finished(there)), set())
    assert check(db).problems == ()
    assert numbers(db) == HARD
    results_there, results_here = content(there), content(db)
    assert {view: rows for view, rows in results_here.items() if view != "v_jobs"} == {
        view: rows for view, rows in results_there.items() if view != "v_jobs"
    }
    assert {state for state in states(db) if state not in states(there)} <= {"waiting"}
    assert "failed" not in states(db), "what failed there waits here"
    with there.reading() as theirs, db.reading() as ours:
        sealed = "SELECT digest FROM seal ORDER BY digest"
        assert ours.scalars(text(sealed)).all() == theirs.scalars(text(sealed)).all()


def say_in_older_words(db: Database) -> None:
    """As a version wrote the specs that had fewer settings, and `db upgrade` sealed them."""
    with db.transaction() as session:
        for table, setting in (("model", "penalty"), ("evaluation", "precision")):
            specs = session.execute(text(f"SELECT id, spec FROM {table}")).all()
            fewer = ({name: value for name, value in json.loads(spec).items() if name != setting} for _, spec in specs)
            for (number, before), spec in zip(specs, fewer, strict=True):
                assert json.dumps(spec) != before
                session.execute(
                    text(f"UPDATE {table} SET spec = :spec WHERE id = :id"),
                    {"spec": json.dumps(spec, sort_keys=True), "id": number},
                )
        session.execute(text("DELETE FROM seal"))
        seals.seal_everything(session.connection())


@pytest.mark.parametrize("older", ["db", "there"])
def test_a_version_that_wrote_fewer_settings_has_done_the_same(
    older: str, db: Database, there: Database, request: pytest.FixtureRequest
) -> None:
    plan(db)
    do(db, ("none", 0))
    plan(there)
    do(there, ("none", 1), ("threshold", 1))
    write.finish_training(db, train_job("threshold", 1).key, training_result(GAMMAS), ORIGIN, 4.0)
    say_in_older_words(request.getfixturevalue(older))
    words = "SELECT key, spec FROM model UNION SELECT key, spec FROM evaluation ORDER BY key"
    specs = relations.answer(db, words).rows
    assert merge(db, there) == ([], 2 * OF_ONE_MODEL - 1, {"finished here already"})
    assert relations.answer(db, words).rows == specs
    assert check(db).problems == ()
    assert merge(db, there) == ([], 0, {"finished here already"})


def test_a_setting_that_was_altered_here_is_no_other_wording(db: Database, there: Database) -> None:
    plan(db)
    change(db, """UPDATE model SET spec = replace(spec, '"epochs": 2', '"epochs": 3')""")
    plan(there)
    do(there, ("none", 0))
    say_in_older_words(there)
    taken, left = merge(db, there)[1:]
    assert taken == 0
    assert "not as they were recorded, or of another version of this program" in left


def test_the_kinds_come_in_an_order_in_which_each_has_what_it_needs(there: Database) -> None:
    plan(there)
    do(there, ("none", 1))
    kinds = list(finished(there).values())
    assert kinds == sorted(kinds, key=lambda kind: kind != "train")


def test_results_of_other_weights_stay_there(db: Database, there: Database) -> None:
    plan(db)
    do(db)
    write.finish_training(db, train_job("none", 0).key, training_result(weights_sha256="e" * 64), ORIGIN, 4.0)
    plan(there)
    do(there, ("none", 0), ("none", 1))
    assert merge(db, there) == (
        [],
        OF_ONE_MODEL,
        {"finished here already", "of models that have other weights here, or none"},
    )
    with db.reading() as connection:
        assert connection.scalars(text("SELECT DISTINCT seed FROM v_curves")).all() == [1]


def test_an_attack_with_a_substitute_of_other_weights_stays_there(db: Database, there: Database) -> None:
    plan(db)
    do(db)
    plan(there)
    do(there, ("none", 0), sha256="e" * 64)
    others, taken, left = merge(db, there)
    assert (others, taken) == ([], OF_ONE_MODEL - 1)
    assert "of models that have other weights here, or none" in left
    with db.reading() as connection:
        waiting = "SELECT evaluation FROM v_jobs WHERE condition = 'none' AND seed = 0 AND state = 'waiting'"
        assert connection.scalars(text(waiting)).all() == ["fgsm_transfer"]


def test_what_was_done_with_lost_weights_makes_way_for_what_other_weights_did(db: Database, there: Database) -> None:
    plan(db)
    do(db, ("none", 0))
    forget_training(db, train_job("none", 0).key)
    plan(there)
    do(there, substitute=True)
    do(there, ("none", 0), substitute=False, sha256="e" * 64)
    assert merge(db, there) == ([], OF_ONE_MODEL, {"finished here already"})
    assert check(db).problems == ()
    with db.reading() as connection:
        assert set(connection.scalars(text("SELECT weights_sha256 FROM evaluation WHERE weights_sha256 > ''"))) == {
            "e" * 64
        }


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE measurement SET value = value / 2 WHERE epsilon = 0.1",
        "DELETE FROM image_result WHERE repeat = 1 AND image = 0",
        "UPDATE epoch SET seconds = 3 WHERE epoch = 1",
        "UPDATE job SET seconds = 5 WHERE state = 'done'",
        "DELETE FROM seal",
    ],
)
def test_what_was_altered_there_is_not_taken(db: Database, there: Database, damage: str) -> None:
    plan(db)
    before = content(db)
    plan(there)
    do(there, ("none", 0))
    change(there, damage)
    damaged = [key for key in finished(there) if _fails(db, there, key)]
    assert damaged
    assert check(db).problems == ()
    if "seal" in damage or "job" in damage:
        assert content(db) == before


def _fails(db: Database, there: Database, key: str) -> bool:
    try:
        take(db, there, key, runners.enter(db, ME))
    except Damaged:
        return True
    except Left:
        pass
    return False


def test_a_plan_that_was_altered_there_is_refused(db: Database, there: Database) -> None:
    plan(there)
    change(there, "DELETE FROM place WHERE condition = 'none' AND seed = 1")
    with pytest.raises(DatabaseUnusable, match=r"the plan of study \(smoke\) is not as it was written"):
        merge(db, there)
    assert order(db) == []


def test_what_is_being_done_here_is_left_to_whoever_does_it(db: Database, there: Database) -> None:
    plan(db)
    plan(there)
    do(there, ("none", 0))
    runner = runners.enter(db, ME)
    key = evaluate_job("clean", "none", 0).key
    assert runners.claim(db, key, runner, 0)
    assert merge(db, there) == ([], OF_ONE_MODEL, {"being done here now"})


def test_what_was_taken_is_claimed_by_whoever_took_it_since_the_files_are_there(db: Database, there: Database) -> None:
    plan(db)
    key = train_job("none", 0).key
    first = runners.enter(db, ME)
    assert runners.claim(db, key, first, 0)
    write.fail(db, key, "out of memory")
    plan(there)
    do(there, ("none", 0))
    merge(db, there)
    holder = runners.holder(db, key)
    assert holder is not None
    assert holder.id != first
    assert job_states(db, [key])[key].state == "done"


def test_more_seeds_and_conditions_of_a_suite_get_places_behind_those_that_are_there(
    db: Database, there: Database
) -> None:
    plan(db, [each for each in planned((0,)) if not each.places or each.places[0].condition == "none"])
    do(db, ("none", 0))
    plan(there, planned((1, 0)))
    do(there, ("none", 1), ("threshold", 1))
    assert order(db) == [("none", 0)]
    assert merge(db, there) == ([], 2 * OF_ONE_MODEL, {"finished here already"})
    assert order(db) == [("none", 0), ("none", 1), ("threshold", 1), ("threshold", 0)]
    assert states(db) == {"done": 3 * OF_ONE_MODEL + 1, "waiting": OF_ONE_MODEL}
    assert check(db).problems == ()


def test_a_suite_that_means_something_else_there_gets_no_places(db: Database, there: Database) -> None:
    """Both have a condition `none`; that of the other folder is `threshold` here."""
    plan(db)
    other = {"none": "threshold", "threshold": "none"}
    jobs = planned((0, 1, 2))
    for number, each in enumerate(jobs):
        places = tuple(replace(place, condition=other[place.condition]) for place in each.places)
        jobs[number] = replace(each, places=places)
    plan(there, jobs)
    do(there, ("none", 0))
    before = order(db)
    assert merge(db, there) == (["study (smoke)"], OF_ONE_MODEL + 1, set())
    assert order(db) == before


def test_an_evaluation_of_one_name_that_means_two_things_gets_no_places(db: Database, there: Database) -> None:
    """Each folder has a condition of its own, and its own `gaussian`."""
    none, threshold = (
        [each for each in planned((0,)) if not each.places or each.places[0].condition == condition]
        for condition in ("none", "threshold")
    )
    plan(db, none)
    do(db, ("none", 0))
    finer = NoiseSpec(kind="gaussian", max_epsilon=0.1, sizes=3)
    for number, each in enumerate(threshold):
        if each.places and each.places[0].evaluation == "gaussian":
            threshold[number] = replace(each, job=replace(each.job, evaluation=finer))
    plan(there, threshold)
    assert merge(db, there)[0] == ["study (smoke)"]
    assert order(db) == [("none", 0)]


def test_an_evaluation_that_means_another_thing_for_one_condition_alone_gets_no_places(
    db: Database, there: Database
) -> None:
    plan(db, planned((0,)))
    finer, key = NoiseSpec(kind="gaussian", max_epsilon=0.1, sizes=3), evaluate_job("gaussian", "threshold", 0).key
    changed = [
        replace(each, job=replace(each.job, evaluation=finer)) if each.key == key else each for each in planned()
    ]
    plan(there, changed)
    assert merge(db, there)[0] == ["study (smoke)"]
    assert order(db) == [("none", 0), ("threshold", 0)]


def test_what_is_blocked_there_and_has_no_place_here_waits_here(db: Database, there: Database) -> None:
    plan(db, [each for each in planned((0,)) if not each.places or each.places[0].condition == "none"])
    plan(there, [replace(each, blocked="no digits") for each in planned((0,))])
    assert merge(db, there)[0] == []
    assert states(db) == {"waiting": 2 * OF_ONE_MODEL + 1}


def test_what_is_planned_there_is_blocked_here_where_its_models_training_diverged(
    db: Database, there: Database
) -> None:
    plan(db, planned((0,), evaluations=("clean",)))
    write.finish_training(db, train_job("none", 0).key, DIVERGED, ORIGIN, 4.0)
    plan(there, planned((0,), evaluations=("clean", "gaussian")))
    assert merge(db, there)[0] == []
    assert states(db) == {"diverged": 1, "blocked": 2, "waiting": 3}


def test_what_is_blocked_there_and_done_here_keeps_its_place(db: Database, there: Database) -> None:
    absent = EvaluateJob(model=train_job("none", 0), evaluation=EVALUATIONS["corruption"], data={"digits-c/fog": "-"})
    done = evaluate_job("corruption", "none", 0).key
    plan(db, planned((0,)))
    do(db, ("none", 0))
    blocked = [
        replace(each, job=absent, blocked="no digits-c") if each.key == done else each for each in planned((0, 1))
    ]
    plan(there, blocked)
    do(there, ("none", 1))
    assert merge(db, there) == ([], OF_ONE_MODEL, {"finished here already"})
    assert job_states(db, [done, absent.key]).keys() == {done}


def test_what_has_no_place_there_any_more_is_taken_where_it_has_one_here(db: Database, there: Database) -> None:
    plan(db)
    plan(there)
    do(there, ("none", 1))
    plan(there, planned((0,)))
    assert merge(db, there) == ([], OF_ONE_MODEL + 1, set())


ALTERED = {
    "a number beyond its bounds": "UPDATE measurement SET value = 7 WHERE epsilon = 0.1",
    "no text": "UPDATE measurement SET reason = CAST(x'ff' AS TEXT), value = NULL WHERE epsilon = 0.1",
    "a reference to nothing": "UPDATE job SET environment_id = 77 WHERE kind = 'gaussian'",
    "a setting of the evaluation": "UPDATE evaluation SET spec = replace(spec, '2', '999') WHERE weights_sha256 > ''",
    "a column of the model": "UPDATE model SET alpha = 99 WHERE id IN (SELECT model_id FROM training)",
    "the machine": "UPDATE environment SET platform = 'Windows'",
}


@pytest.mark.parametrize("planned_here", [True, False])
@pytest.mark.parametrize("damage", ALTERED.values(), ids=ALTERED.keys())
def test_nothing_that_was_altered_there_spoils_what_is_here(
    db: Database, there: Database, damage: str, planned_here: bool
) -> None:
    if planned_here:
        plan(db)
    plan(there)
    do(there, ("none", 0))
    with closing(sqlite3.connect(there.path)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = 1")
        assert connection.execute(damage).rowcount
        connection.commit()
    _, taken, _ = merge(db, there)
    assert taken < OF_ONE_MODEL + 1
    assert check(db).problems == ()
    require_intact(db, "study", "smoke")
    with db.reading() as connection:
        assert not connection.scalar(text("SELECT count(*) FROM model WHERE alpha = 99"))
        assert not connection.scalar(text("SELECT count(*) FROM evaluation WHERE spec LIKE '%999%'"))


def test_a_plan_that_was_altered_here_is_refused(db: Database, there: Database) -> None:
    plan(db, planned((0,)))
    change(db, "UPDATE place SET evaluation = 'gaussiam' WHERE evaluation = 'gaussian' AND condition = 'none'")
    plan(there)
    with pytest.raises(DatabaseUnusable, match=r"the plan of study \(smoke\) is not as it was written; `harness run"):
        merge(db, there)
    assert check(db).problems


def test_a_database_that_cannot_be_read_is_the_one_that_is_named(sqlite_db: Database, there: Database) -> None:
    plan(sqlite_db)
    plan(there)
    do(there, ("none", 0))
    there.close()
    with closing(sqlite3.connect(there.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = "SELECT rootpage FROM sqlite_master WHERE name = 'measurement'"
        [page] = connection.execute(root).fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray(there.path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    there.path.write_bytes(content)
    with pytest.raises(DatabaseUnusable, match=re.escape(str(there.path))):
        merge(sqlite_db, there)
    assert check(sqlite_db).problems == ()


def test_a_condition_without_a_common_seed_may_be_another_one(db: Database, there: Database) -> None:
    plan(db, planned((0,)))
    plan(there, planned((1,)))
    do(there, ("none", 1))
    assert merge(db, there) == (["study (smoke)"], 1, {"of other jobs than the plans here have"})


def test_what_is_blocked_here_makes_way_for_what_was_done_there(db: Database, there: Database) -> None:
    """The corrupted images are only there, so the plan here has another identity for the evaluation of them."""
    absent = EvaluateJob(model=train_job("none", 0), evaluation=EVALUATIONS["corruption"], data={"digits-c/fog": "-"})
    done = evaluate_job("corruption", "none", 0)
    plan(
        db,
        [replace(each, job=absent, blocked="no digits-c") if each.key == done.key else each for each in planned()],
    )
    plan(there)
    do(there, ("none", 0))
    before = order(db)
    assert merge(db, there) == ([], OF_ONE_MODEL + 1, set())
    assert order(db) == before
    assert job_states(db, [done.key, absent.key]).keys() == {done.key}
    assert check(db).problems == ()


def test_a_diverged_training_blocks_here_what_needs_it(db: Database, there: Database) -> None:
    plan(db)
    plan(there)
    write.finish_training(there, train_job("none", 0).key, DIVERGED, ORIGIN, 4.0)
    assert merge(db, there) == ([], 1, set())
    assert states(db)["blocked"] == OF_ONE_MODEL - 1
    assert check(db).problems == ()
