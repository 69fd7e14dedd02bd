"""Recording what jobs do. Each call is one transaction: after a crash all of it is there, or nothing.

A job's state goes waiting -> running -> done, diverged (final) or failed (may run again). Nothing that is
finished is ever written again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from harness.data.sets import FREQUENCY
from harness.errors import AlreadyRecorded, StoreError
from harness.measurement import EpochReport, EvaluationResult, Measurement, TrainingResult
from harness.provenance import Provenance
from harness.store import schema, seals
from harness.store.arrays import SavedArray
from harness.store.batches import insert_rows
from harness.store.engine import Database
from harness.store.engine.patience import patient
from harness.store.mending import forget_what_other_weights_did
from harness.store.plan import block_dependents
from harness.store.schema import FINAL

_VARIED = ("epsilon", "corruption", "severity", "repeat", "radius")


def start(db: Database, key: str, device: str) -> None:
    """Note that a job runs from now on, on that device.

    Raises:
        AlreadyRecorded: it is finished.
    """
    _start(db, key, device, datetime.now(UTC))


@patient
def _start(db: Database, key: str, device: str, now: datetime) -> None:
    with db.transaction() as session:
        job = _unfinished(session, key)
        if job.started_at == now:  # this was noted before, and the answer was lost
            return
        job.state, job.reason, job.device = "running", None, device
        job.attempts += 1
        job.started_at, job.finished_at = now, None


@patient
def finish_training(db: Database, key: str, result: TrainingResult, origin: Provenance, seconds: float) -> list[str]:
    """Record a training, converged or diverged, or an external model; a diverged one blocks what needs its model.

    seconds: duration of the work.

    Returns: the keys of the evaluations that wait again, because they are of other weights, which were lost.

    Raises:
        AlreadyRecorded: it was recorded before; nothing is changed.
    """
    with db.transaction() as session:
        job = _unfinished(session, key)
        model_id = job.model_id
        if model_id is None:
            raise StoreError(f"job {key} ({job.kind}) makes no model")
        _finish(session, job, "done" if result.status == "ok" else "diverged", origin, seconds)
        job.reason = result.reason
        session.add(schema.Training(model_id=model_id, **_fields(result, "epochs")))
        session.flush()
        insert_rows(session, schema.Epoch, ({"model_id": model_id} | _epoch_row(report) for report in result.epochs))
        gammas = (
            {"model_id": model_id, "epoch": report.epoch, "tap": tap, "gamma": gamma}
            for report in result.epochs
            for tap, gamma in enumerate(report.gammas)
        )
        insert_rows(session, schema.Gamma, gammas)
        forgotten = forget_what_other_weights_did(session, model_id, result.weights_sha256)
        _seal(session, key)
        block_dependents(session)
        return forgotten


@patient
def finish_evaluation(
    db: Database,
    key: str,
    result: EvaluationResult,
    origin: Provenance,
    seconds: float,
    arrays: Sequence[SavedArray] = (),
) -> None:
    """Record an evaluation or analysis: its numbers, what happened to each image, and where its arrays lie.

    seconds: duration of the work. arrays: the files of the result's arrays, which are written already.

    Raises:
        AlreadyRecorded: it was recorded before; nothing is changed.
    """
    with db.transaction() as session:
        job = _unfinished(session, key)
        _finish(session, job, "done", origin, seconds)
        job.images_classified = result.images_classified
        evaluation = session.scalars(select(schema.Evaluation).filter_by(key=key)).one()
        evaluation.weights_sha256 = _weights(session, evaluation.model_id)
        evaluation.substitute_sha256 = _weights(session, evaluation.substitute_id)
        of = {"evaluation_id": evaluation.id}
        insert_rows(session, schema.Measurement, (of | _measurement_row(each) for each in result.measurements))
        insert_rows(session, schema.ImageResult, (of | _fields(each) for each in result.images))
        shaped = (of | _fields(each) | {"shape": " x ".join(map(str, each.shape))} for each in arrays)
        insert_rows(session, schema.ResultArray, shaped)
        _seal(session, key)


@patient
def fail(db: Database, key: str, reason: str) -> None:
    """Note why a job did not finish; it may be started again.

    Raises:
        AlreadyRecorded: it is finished.
    """
    with db.transaction() as session:
        job = _unfinished(session, key)
        job.state, job.reason, job.finished_at = "failed", reason, _end(job)


def _unfinished(session: Session, key: str) -> schema.Job:
    job = session.get(schema.Job, key, with_for_update=True)
    if job is None:
        raise StoreError(f"job {key} is in no plan any more; run the suite again")
    if job.state in FINAL:
        raise AlreadyRecorded(f"job {key} ({job.kind}) is recorded already as {job.state}")
    return job


def _finish(session: Session, job: schema.Job, state: str, origin: Provenance, seconds: float) -> None:
    environment = session.scalar(select(schema.Environment).filter_by(digest=origin.digest))
    if environment is None:
        environment = schema.Environment(digest=origin.digest, **origin.environment)
        session.add(environment)
        session.flush()
    job.environment_id, job.device, job.command = environment.id, origin.device, origin.command
    job.state, job.reason, job.finished_at, job.seconds = state, None, _end(job), seconds


def _weights(session: Session, model_id: int | None) -> str | None:
    """The digest of a model's weights; None without a model."""
    training = schema.Training
    return session.scalar(select(training.weights_sha256).where(training.model_id == model_id))


def _seal(session: Session, key: str) -> None:
    session.flush()
    seals.seal(session.connection(), [key])


def _end(job: schema.Job) -> datetime:
    """Now; but never before the job's start, also where the clock was set back meanwhile."""
    return max(datetime.now(UTC), job.started_at or datetime.min.replace(tzinfo=UTC))


def _fields(value: Any, *left_out: str) -> dict[str, Any]:
    """A value's fields, which are called as the columns are that keep them."""
    return {each.name: getattr(value, each.name) for each in fields(value) if each.name not in left_out}


def _epoch_row(report: EpochReport) -> dict[str, Any]:
    """The losses of a diverging training's last epochs may be no numbers; the training's reason says so."""
    row = _fields(report, "gammas")
    losses = {name: row[name] for name in ("task_loss", "similarity_loss", "validation_loss")}
    return row | {name: loss if loss is not None and math.isfinite(loss) else None for name, loss in losses.items()}


def _measurement_row(measurement: Measurement) -> dict[str, Any]:
    row = _fields(measurement)
    if measurement.epsilon is not None:
        row["epsilon"] = float(measurement.epsilon)
    point = " ".join(f"{name}={row[name]}" for name in _VARIED if row[name] is not None)
    return row | {"point": point, "frequency": FREQUENCY.get(measurement.corruption or "")}
