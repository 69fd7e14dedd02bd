"""How far suites are, counted by the database: a suite may have a million jobs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import func, select

from harness.store import schema, views
from harness.store.engine import Database
from harness.store.engine.patience import patient
from harness.store.schema import FINAL


def job_counts(db: Database, suites: Sequence[str] = ()) -> dict[tuple[str, str], dict[str, int]]:
    """By suite and profile, in their order, how many jobs are in each state; one that conditions share is one.

    suites: only these; all if empty.
    """
    jobs = views.JOBS.c
    by = (jobs.suite, jobs.profile, jobs.state)
    query = select(*by, func.count(jobs.job.distinct())).group_by(*by)
    if suites:
        query = query.where(jobs.suite.in_(suites))
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    with db.reading() as connection:
        for name, profile, state, count in connection.execute(query):
            found[name, profile][state] = count
    return dict(sorted(found.items()))


def begun(db: Database) -> set[tuple[str, str]]:
    """Each suite and profile that has the result of a job."""
    suite, place, job = schema.Suite, schema.Place, schema.Job
    ended = (
        select(place.id)
        .join(job, job.key == place.job_key)
        .where(place.suite_id == suite.id, job.state.in_(FINAL))
        .correlate(suite)
    )
    query = select(suite.name, suite.profile).where(ended.exists())
    with db.reading() as connection:
        return {(name, profile) for name, profile in connection.execute(query)}


@patient
def finished_in(db: Database, suite: str, profile: str) -> set[str]:
    """The keys of the jobs that are finished and have a place in a suite."""
    place, job = schema.Place, schema.Job
    query = (
        select(job.key)
        .join(place, place.job_key == job.key)
        .join(schema.Suite, schema.Suite.id == place.suite_id)
        .where(schema.Suite.name == suite, schema.Suite.profile == profile, job.state.in_(FINAL))
    )
    with db.reading() as connection:
        return set(connection.scalars(query))
