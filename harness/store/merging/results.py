"""What is finished in one database and wanted in another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.orm import Session, aliased

from harness.spec import mean_the_same
from harness.store import schema, seals
from harness.store.engine import Database
from harness.store.engine.patience import patient
from harness.store.mending import forget_what_other_weights_did
from harness.store.merging.rows import insert_all, insert_row, link_data, read_rows, update_row
from harness.store.plan import block_dependents
from harness.store.raw import raw, raw_columns
from harness.store.schema import FINAL


class Left(Exception):
    """A result stays where it is; says what such results are."""


class Damaged(Left):
    """It is not there as it was recorded."""


def finished(there: Database) -> dict[str, str]:
    """The kind of each finished job of a database, by key; models first: the others need them."""
    job = schema.Job
    query = select(job.key, job.kind).where(job.state.in_(FINAL))
    ordered = query.order_by(job.kind.not_in(_MODELS), job.finished_at, job.key)
    with there.reading() as connection:
        return dict(connection.execute(ordered).all())


_MODELS = ("train", "load")
"""Kinds of jobs that make a model."""


@patient
def take(here: Database, there: Database, key: str, runner: int) -> list[str]:
    """Record a job as another database has it, which finished it. Its weights and arrays must be here already.

    runner: who has its files from now on.

    Returns: the keys of the evaluations that wait again, because they are of other weights, which were lost here.

    Raises:
        Left: it is not wanted here, or is not as it was recorded; nothing is changed.
    """
    with there.reading() as moment:
        if seals.broken(moment, [key]):
            raise Damaged("not as they were recorded")
        with here.transaction() as session:
            _require_wanted(session.connection(), moment, key)
            return _take(session, moment, key, runner)


def _take(session: Session, there: Connection, key: str, runner: int) -> list[str]:
    kind, model_id = session.execute(select(schema.Job.kind, schema.Job.model_id).filter_by(key=key)).one()
    with _in_the_words_of(there, session, key):
        _take_rows(session, there, key, model_id)
        seals.seal(session.connection(), [key])
        sealed = select(schema.Seal.digest).where(schema.Seal.subject == key)
        if session.scalar(sealed) != there.scalar(sealed):
            raise Damaged("not as they were recorded, or of another version of this program")
    session.execute(delete(schema.Claim).where(schema.Claim.job_key == key))
    session.add(schema.Claim(job_key=key, runner_id=runner))  # whose folder has the files
    if kind != "train" or model_id is None:
        return []
    sha256 = select(schema.Training.weights_sha256).where(schema.Training.model_id == model_id)
    forgotten = forget_what_other_weights_did(session, model_id, session.scalar(sha256))
    block_dependents(session)
    return forgotten


@contextmanager
def _in_the_words_of(there: Connection, session: Session, key: str) -> Iterator[None]:
    """Have the specs of a job and its model here as they are written there, for as long as its seal is compared.

    Another version of this program has written the settings that it has, which is no difference; here all results of a
    model are sealed with the words that are here, and so is this one in the end.
    """
    job, model, evaluation = schema.Job, schema.Model, schema.Evaluation
    of_job = (
        (model, select(*map(raw, (model.key, model.spec))).join(job, job.model_id == model.id).where(job.key == key)),
        (evaluation, select(*map(raw, (evaluation.key, evaluation.spec))).where(evaluation.key == key)),
    )
    kept = []
    for table, query in of_job:
        theirs: dict[str, str] = dict(there.execute(query).all())
        for name, ours in session.execute(query).all():
            if ours != theirs[name] and mean_the_same(ours, theirs[name]):
                kept.append((table, name, {"spec": ours}))
                update_row(session, table, name, {"spec": theirs[name]})
    yield
    for table, name, words in kept:
        update_row(session, table, name, words)
    if kept:
        seals.seal(session.connection(), [key])


def require_wanted(here: Database, there: Database, key: str) -> None:
    """Raises Left where a job's result there has no place here now."""
    with there.reading() as moment, here.reading() as now:
        _require_wanted(now, moment, key)


def _require_wanted(here: Connection, there: Connection, key: str) -> None:
    state = here.scalar(select(schema.Job.state).where(schema.Job.key == key))
    if state is None:
        raise Left("of other jobs than the plans here have")
    if state in FINAL:
        raise Left("finished here already")
    if state == "running":
        raise Left("being done here now")
    if _weights(here, key, recorded=False) != _weights(there, key, recorded=True):
        raise Left("of models that have other weights here, or none")


def _take_rows(session: Session, there: Connection, key: str, model_id: int | None) -> None:
    """Write all that belongs to a finished job, as `seals` counts it up."""
    job, model, evaluation, environment = schema.Job, schema.Model, schema.Evaluation, schema.Environment
    behind = select(*raw_columns(environment)).join(job, job.environment_id == environment.id)
    [ran_on] = read_rows(there, behind, job.key, [key])
    if seals.environment_digest(ran_on) != ran_on["digest"]:
        raise Damaged("made on what is not as it was recorded")
    number = session.scalar(select(environment.id).where(environment.digest == ran_on["digest"]))
    [facts] = read_rows(there, select(*raw_columns(job, "key", "model_id", "environment_id")), job.key, [key])
    update_row(session, job, key, facts | {"environment_id": number or insert_row(session, environment, ran_on)})
    link_data(session, there, [key])
    for made in schema.OF_TRAINING:
        rows = select(*raw_columns(made, "model_id")).join(model, model.id == made.model_id)
        insert_all(session, made, ({"model_id": model_id} | row for row in read_rows(there, rows, model.key, [key])))
    for digests in read_rows(there, select(*map(raw, _DIGESTS)), evaluation.key, [key]):
        update_row(session, evaluation, key, digests)
    ours = session.scalar(select(evaluation.id).where(evaluation.key == key))
    for found in schema.OF_EVALUATION:
        rows = select(*raw_columns(found, "evaluation_id")).join(evaluation, evaluation.id == found.evaluation_id)
        numbered = ({"evaluation_id": ours} | row for row in read_rows(there, rows, evaluation.key, [key]))
        insert_all(session, found, numbered)


_DIGESTS = (schema.Evaluation.weights_sha256, schema.Evaluation.substitute_sha256)


def _weights(connection: Connection, key: str, *, recorded: bool) -> tuple[str | None, ...] | None:
    """Digests of the weights of an evaluation's model and substitute.

    recorded: those that it was done with, as far as they are known; else those that the models have now.
    """
    evaluation, model, substitute = schema.Evaluation, schema.Training, aliased(schema.Training)
    now = (model.weights_sha256, substitute.weights_sha256)
    done_with = (func.coalesce(then, other) for then, other in zip(_DIGESTS, now, strict=True))
    query = (
        select(*(done_with if recorded else now))
        .select_from(evaluation)
        .join(model, model.model_id == evaluation.model_id, isouter=True)
        .join(substitute, substitute.model_id == evaluation.substitute_id, isouter=True)
    )
    found = connection.execute(query.where(evaluation.key == key)).one_or_none()
    return found and tuple(found)
