"""How far jobs are, and how fast they were done. Nothing here writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, select

from harness.store import schema, views
from harness.store.batches import rows_among
from harness.store.engine import Database
from harness.store.engine.patience import patient
from harness.store.schema import FINAL


@dataclass(frozen=True, kw_only=True)
class JobState:
    """How far a job is."""

    state: str
    """waiting, running, done, diverged, failed or blocked."""
    attempts: int
    reason: str | None
    weights: str | None
    """For a finished training: file name in the model's folder."""
    weights_sha256: str | None


@patient
def job_states(db: Database, keys: Collection[str]) -> dict[str, JobState]:
    """The states of those of the jobs that the database knows, by key."""
    job, training = schema.Job, schema.Training
    query = (
        select(job.key, job.state, job.attempts, job.reason, training.weights, training.weights_sha256)
        .join(schema.Model, schema.Model.id == job.model_id, isouter=True)
        .join(training, (training.model_id == job.model_id) & (schema.Model.key == job.key), isouter=True)
    )
    with db.reading() as connection:
        return {
            key: JobState(state=state, attempts=attempts, reason=reason, weights=weights, weights_sha256=sha256)
            for key, state, attempts, reason, weights, sha256 in rows_among(connection, query, job.key, keys)
        }


@patient
def trained(db: Database) -> frozenset[str]:
    """Keys of the trainings that are done."""
    job = schema.Job
    with db.reading() as connection:
        return frozenset(connection.scalars(select(job.key).where(job.kind == "train", job.state == "done")))


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


@patient
def rates(db: Database, device: str) -> dict[tuple[str, str | None, int | None], float]:
    """GFLOP per second by kind of job and the network's architecture and base width, as measured on a device.

    Narrow networks get far less out of a device, so what they reach says nothing about wide ones; nor does what one of
    one's own reaches, whose work is a guess. All external models are one: None and None.
    """
    job, width = schema.Job, schema.Model.base_width
    architecture = case((width.is_not(None), schema.Model.architecture))
    query = (
        select(job.kind, architecture, width, func.sum(job.work) / func.sum(job.seconds))
        .join(schema.Model, schema.Model.id == job.model_id)
        .where(job.state == "done", job.device == device, job.seconds > 0, job.work > 0)
        .group_by(job.kind, architecture, width)
    )
    with db.reading() as connection:
        return {(kind, name, base_width): rate for kind, name, base_width, rate in connection.execute(query)}
