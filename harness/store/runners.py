"""Runners on one database, and which of them does a job. A job has one claim, and it is taken in one transaction.

Whether a runner lives is for the runners to judge (`harness.suites.peers`); here is what they tell one another.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, exists, false, select, update

from harness.store import schema
from harness.store.engine import Database
from harness.store.engine.patience import patient


@dataclass(frozen=True, kw_only=True)
class RunnerFacts:
    """Who a runner is."""

    folder: str
    """Identity of its results folder."""
    title: str
    """How people find it."""
    machine: str
    """Where its process number means something."""
    process: int


@dataclass(frozen=True, kw_only=True)
class Holder(RunnerFacts):
    """A runner that has a claim."""

    id: int
    seen_at: datetime


@patient
def enter(db: Database, facts: RunnerFacts) -> int:
    """Introduce a runner; its number."""
    now = datetime.now(UTC)
    with db.transaction() as session:
        runner = schema.Runner(**vars(facts), started_at=now, seen_at=now)
        session.add(runner)
        session.flush()
        return runner.id


def give_sign(db: Database, runner: int) -> None:
    """Let the others see that a runner lives; raises DatabaseLocked or DatabaseAway where nobody can write."""
    with db.transaction() as session:
        session.execute(update(schema.Runner).filter_by(id=runner).values(seen_at=datetime.now(UTC)))


def try_to_write(db: Database) -> None:
    """Change nothing; raises DatabaseLocked or DatabaseAway where nobody could give a sign."""
    with db.transaction() as session:
        session.execute(update(schema.Runner).where(false()).values(seen_at=schema.Runner.seen_at))


@patient
def claim(db: Database, key: str, runner: int, attempts: int) -> bool:
    """Give a job to a runner, which is to begin it now; False if it is not to be had.

    attempts: how often it was started when the runner looked. A job that has failed since then was tried by another.
    """
    with db.transaction() as session:
        job, claimed = session.get(schema.Job, key, with_for_update=True), session.get(schema.Claim, key)
        if job is not None and job.state == "running" and claimed is not None and claimed.runner_id == runner:
            return True  # it was given before, and the answer was lost
        if job is None or job.state not in {"waiting", "blocked", "failed"}:
            return False
        if job.state == "failed" and job.attempts != attempts:
            return False
        job.state, job.reason = "running", None
        if claimed is None:
            session.add(schema.Claim(job_key=key, runner_id=runner))
        else:
            claimed.runner_id = runner
        return True


@patient
def running(db: Database) -> dict[str, Holder | None]:
    """Who does the jobs that run, by key; None where no claim says it."""
    job, claimed, runner = schema.Job, schema.Claim, schema.Runner.__table__
    query = (
        select(job.key, runner)
        .join(claimed, claimed.job_key == job.key, isouter=True)
        .join(runner, runner.c.id == claimed.runner_id, isouter=True)
        .where(job.state == "running")
    )
    with db.reading() as connection:
        return {row.key: _holder(row) for row in connection.execute(query)}


@patient
def holder(db: Database, key: str) -> Holder | None:
    """Who does a job or did it last."""
    runner = schema.Runner.__table__
    query = select(runner).join(schema.Claim, schema.Claim.runner_id == runner.c.id)
    with db.reading() as connection:
        found = connection.execute(query.where(schema.Claim.job_key == key)).one_or_none()
        return None if found is None else _holder(found)


@patient
def release(db: Database, runner: int | None) -> int:
    """Let the jobs wait again that a runner left running; how many there were.

    runner: its number; None: the jobs that nobody has claimed.
    """
    job, claimed = schema.Job, schema.Claim
    has_claim = exists().where(claimed.job_key == job.key)
    left = ~has_claim if runner is None else has_claim.where(claimed.runner_id == runner)
    again = update(job).where(job.state == "running", left).values(state="waiting").returning(job.key)
    with db.transaction() as session:
        return len(session.execute(again).all())


def _holder(row: Row[Any]) -> Holder | None:
    """None for a row of an outer join that found no runner."""
    return None if row.id is None else Holder(**{each.name: getattr(row, each.name) for each in fields(Holder)})
