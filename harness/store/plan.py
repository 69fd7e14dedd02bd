"""Writing a plan: which jobs a suite needs, before any of them has run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import Session

from harness.spec import AnalyseJob, EvaluateJob, Input, Job, ModelJob, PlannedJob, kind_of, model_of
from harness.store import schema, seals
from harness.store.batches import batches, insert_rows, keys_among, rows_among
from harness.store.engine import Database
from harness.store.engine.patience import patient
from harness.store.model_rows import model_row
from harness.store.origins import SplitOrigin


@patient
def write_plan(
    db: Database,
    planned: Sequence[PlannedJob],
    suite: str,
    profile: str,
    title: str,
    splits: Sequence[SplitOrigin] = (),
) -> None:
    """Record a suite's whole plan in one transaction; a second time changes nothing.

    The places of the suite's profile are replaced, so `planned` must be all of its jobs, also where only some
    shall run now: a result without a place is kept but shown nowhere. New jobs wait or are blocked. Of known jobs
    those that wait, are blocked or failed become waiting or blocked as `planned` says, but a failed one that is
    not blocked keeps its reason until it is started again; running and finished jobs are left alone. Evaluations
    of a diverged model are blocked. Jobs that no suite needs any more and that never ran are removed.
    """
    with db.transaction() as session:
        models = _models(session, [job for each in planned for job in _models_of(each)])
        _jobs(session, planned, models)
        _evaluations(session, [each.job for each in planned], models)
        _data(session, [each.job for each in planned if each.blocked is None], splits)
        _places(session, planned, suite, profile, title)
        block_dependents(session)
        forget_unneeded(session)


def block_dependents(session: Session) -> None:
    """Block what cannot be computed: evaluations of, or with the help of, a model whose training diverged."""
    for kind, link in (("model", schema.Evaluation.model_id), ("substitute", schema.Evaluation.substitute_id)):
        found = session.execute(
            select(schema.Evaluation.key, schema.Training.reason)
            .join(schema.Training, schema.Training.model_id == link)
            .join(schema.Job, schema.Job.key == schema.Evaluation.key)
            .where(schema.Training.status == "diverged", schema.Job.state.not_in(("done", "blocked")))
        ).all()
        for key, reason in found:
            blocked = {"state": "blocked", "reason": f"its {kind}'s training diverged: {reason}"}
            session.execute(update(schema.Job).where(schema.Job.key == key).values(blocked))


def _models_of(planned: PlannedJob) -> tuple[ModelJob, ...]:
    """The models that a job makes or needs."""
    model = model_of(planned.job)
    return planned.needs or ((model,) if model else ())


def _models(session: Session, jobs: Iterable[ModelJob]) -> dict[str, int]:
    """Row numbers of the models by key; those that are missing are added."""
    by_key = {job.key: job for job in jobs}
    known = keys_among(session, schema.Model.key, by_key)
    insert_rows(session, schema.Model, (model_row(job) for key, job in by_key.items() if key not in known))
    rows = rows_among(session, select(schema.Model.key, schema.Model.id), schema.Model.key, by_key)
    return dict(rows)


def _jobs(session: Session, planned: Sequence[PlannedJob], models: dict[str, int]) -> None:
    by_key = {each.key: each for each in planned}
    job = schema.Job
    states = dict(rows_among(session, select(job.key, job.state), job.key, by_key))
    new = (_job_row(each) | _job_facts(each.job, models) for key, each in by_key.items() if key not in states)
    insert_rows(session, job, new)
    changed = (
        _job_row(each)
        for key, each in by_key.items()
        if (state := states.get(key)) in {"waiting", "blocked"} or (state == "failed" and each.blocked)
    )
    for some in batches(changed):
        session.execute(update(job), some)


def _job_row(planned: PlannedJob) -> dict[str, Any]:
    """What every plan says of a job."""
    blocked = planned.blocked
    return {"key": planned.key, "work": planned.work, "state": "blocked" if blocked else "waiting", "reason": blocked}


def _job_facts(job: Job, models: dict[str, int]) -> dict[str, Any]:
    model = model_of(job)
    return {
        "kind": kind_of(job),
        "model_id": models[model.key] if model else None,
        "attempts": 0,
        "planned_at": datetime.now(UTC),
    }


def _evaluations(session: Session, jobs: Iterable[Job], models: dict[str, int]) -> None:
    """Evaluations of models, and analyses of data, which have none."""
    by_key = {job.key: job for job in jobs if isinstance(job, EvaluateJob | AnalyseJob)}
    known = keys_among(session, schema.Evaluation.key, by_key)
    rows = (_evaluation_row(job, models) for key, job in by_key.items() if key not in known)
    insert_rows(session, schema.Evaluation, rows)


def _evaluation_row(job: EvaluateJob | AnalyseJob, models: dict[str, int]) -> dict[str, Any]:
    model = model_of(job)
    spec = job.evaluation if isinstance(job, EvaluateJob) else job.spec
    substitute = job.substitute if isinstance(job, EvaluateJob) else None
    return {
        "key": job.key,
        "kind": spec.kind,
        "spec": spec.model_dump(mode="json"),
        "model_id": models[model.key] if model else None,
        "substitute_id": models[substitute.key] if substitute else None,
        "steps": getattr(spec, "steps", None),
    }


def _data(session: Session, jobs: Iterable[Job], splits: Sequence[SplitOrigin]) -> None:
    """Link jobs to the data that they read. Blocked jobs are left out: their data may not exist."""
    facts = {(each.name, each.split, each.sha256): each for each in splits}
    needs: dict[tuple[str, str], set[str]] = {}
    for job in jobs:
        for read in job.data.items():
            needs.setdefault(read, set()).add(job.key)
    for (path, sha256), keys in needs.items():
        name, split = Input.parsed(path)
        identity = {"name": name, "split": split, "sha256": sha256}
        row = session.scalar(select(schema.DataSplit).filter_by(**identity))
        if row is None:
            row = schema.DataSplit(**identity)
            session.add(row)
        if known := facts.get((name, split, sha256)):
            row.n, row.generated, row.origin = known.n, known.generated, known.origin
        session.flush()
        linked = set(session.scalars(select(schema.JobData.job_key).where(schema.JobData.data_split_id == row.id)))
        number = row.id
        new = ({"job_key": key, "data_split_id": number} for key in sorted(keys - linked))
        insert_rows(session, schema.JobData, new)


def _places(session: Session, planned: Sequence[PlannedJob], name: str, profile: str, title: str) -> None:
    """Put the suite's places where `planned` says and nowhere else."""
    for place in (place for each in planned for place in each.places):
        if (place.suite, place.profile) != (name, profile):
            raise ValueError(f"a plan of {name} ({profile}) has a place in {place.suite} ({place.profile})")
    places = (
        ((place.condition, place.seed, place.evaluation or ""), Placed(each.key, place.baseline))
        for each in planned
        for place in each.places
    )
    put_places(session, name, profile, title, places)


class Placed(NamedTuple):
    """What is at a place of a suite."""

    key: str
    """The job's."""
    baseline: str | None
    """Of a model: the condition that the suite compares it with."""


def put_places(
    session: Session, name: str, profile: str, title: str, places: Iterable[tuple[tuple[str, int, str], Placed]]
) -> None:
    """Give jobs their places in a suite, which then has no others; and seal them.

    places: condition, seed and evaluation of each, and what is there.
    """
    suite = session.scalar(select(schema.Suite).filter_by(name=name, profile=profile))
    if suite is None:
        suite = schema.Suite(name=name, profile=profile)
        session.add(suite)
    suite.title, suite.planned_at = title, datetime.now(UTC)
    session.flush()
    number = suite.id
    session.execute(delete(schema.Place).where(schema.Place.suite_id == number))
    rows = (
        {
            "suite_id": number,
            "condition": condition,
            "seed": seed,
            "evaluation": evaluation,
            "job_key": placed.key,
            "baseline": placed.baseline,
        }
        for (condition, seed, evaluation), placed in places
    )
    insert_rows(session, schema.Place, rows)
    seals.seal_suite(session.connection(), name, profile)


def forget_unneeded(session: Session) -> None:
    """Remove jobs that have no place, serve no other job and never got anywhere."""
    job, evaluation = schema.Job, schema.Evaluation
    unneeded = (
        job.state.in_(("waiting", "blocked", "failed")),
        ~exists().where(schema.Place.job_key == job.key),
    )
    session.execute(delete(job).where(*unneeded, job.kind != "train"))  # external models have places of their own
    serves = exists().where(or_(evaluation.model_id == job.model_id, evaluation.substitute_id == job.model_id))
    session.execute(delete(job).where(*unneeded, job.kind == "train", ~serves))
