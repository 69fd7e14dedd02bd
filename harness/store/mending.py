"""Taking damaged and lost results out, so that their jobs can be done again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from harness.spec import PlannedJob, kind_of, model_of
from harness.store import schema, seals
from harness.store.engine import Database
from harness.store.engine.patience import patient
from harness.store.model_rows import model_row
from harness.store.schema import FINAL


@patient
def mend(db: Database, planned: Mapping[str, PlannedJob], lost: Collection[str] = ()) -> list[str]:
    """Forget the results that are not as they were recorded; their jobs wait, once the plan is written again.

    What identifies such a job is damaged too, maybe: it is written anew, from the plan, never sealed as it is.

    planned: jobs to look at, by key. lost: keys of results whose files are gone or altered.

    Returns: the keys of those that were forgotten.

    Raises:
        DatabaseUnusable: the damage is in how the database hangs together, which only a backup cures.
    """
    with db.reading() as connection:
        found = sorted({*seals.broken(connection, planned), *lost})
    if found:
        models = {model.key: model for key in found if (model := model_of(planned[key].job))}
        with db.transaction() as session:
            for model in models.values():
                if not _is_vouched_for(session, model.key):
                    written = update(schema.Model).where(schema.Model.key == model.key)
                    session.execute(written.values(model_row(model)))
            for key in found:
                _forget(session, planned[key])
    return found


@patient
def forget_training(db: Database, key: str, blocked: str | None = None) -> None:
    """Let a training wait again whose weights are lost. What was done with them stays, if it ends with the same.

    blocked: why it cannot be done again now.
    """
    with db.transaction() as session:
        job = session.get(schema.Job, key, with_for_update=True)
        if job is None or job.kind != "train" or job.state not in FINAL:
            return
        _delete_training(session, job.model_id)
        _wait_again(session, key, **({"state": "blocked", "reason": blocked} if blocked else {}))


def forget_what_other_weights_did(session: Session, model_id: int, sha256: str | None) -> list[str]:
    """Let the evaluations of a model wait again, or attacks made with it, that are not of these weights; their keys.

    Such there are where weights were lost, and training again gave others: on a GPU, or with other threads.

    sha256: of the weights; None where the training diverged, of which there can be no evaluation.
    """
    evaluation, job = schema.Evaluation, schema.Job
    found: dict[str, None] = {}
    for model, weights in (
        (evaluation.model_id, evaluation.weights_sha256),
        (evaluation.substitute_id, evaluation.substitute_sha256),
    ):
        done = select(evaluation.key).join(job, job.key == evaluation.key).where(model == model_id, job.state == "done")
        found |= dict.fromkeys(session.scalars(done.where(weights.is_distinct_from(sha256)) if sha256 else done))
    for key in found:
        _delete_numbers(session, key)
        _wait_again(session, key)
    return list(found)


def _forget(session: Session, planned: PlannedJob) -> None:
    key, model = planned.key, model_of(planned.job)
    _delete_numbers(session, key)
    session.execute(delete(schema.Evaluation).where(schema.Evaluation.key == key))
    if model and model.key == key:
        _delete_training(session, session.scalar(select(schema.Model.id).where(schema.Model.key == key)))
    session.execute(delete(schema.JobData).where(schema.JobData.job_key == key))
    _wait_again(session, key, kind=kind_of(planned.job), work=planned.work)


def _delete_numbers(session: Session, key: str) -> None:
    """What an evaluation or analysis has found; the evaluation itself stays."""
    row = session.scalar(select(schema.Evaluation.id).where(schema.Evaluation.key == key))
    for table in schema.OF_EVALUATION:
        session.execute(delete(table).where(table.evaluation_id == row))


def _wait_again(session: Session, key: str, **facts: Any) -> None:
    """Let a job wait as if it had never been done; facts: columns that are written anew."""
    finished = dict.fromkeys(("reason", "finished_at", "seconds", "images_classified", "environment_id", "command"))
    values = {"state": "waiting"} | finished | facts
    session.execute(update(schema.Job).where(schema.Job.key == key).values(values))
    seals.unseal(session.connection(), key)


def _is_vouched_for(session: Session, model: str) -> bool:
    """Whether a result of a model shows by its seal that the model's row is as it was recorded.

    Such a row stays: with what a newer version of this program would write, that result's seal would be broken.
    """
    job = schema.Job
    query = select(job.key).join(schema.Model, schema.Model.id == job.model_id).where(schema.Model.key == model)
    done = session.scalars(query.where(job.state.in_(FINAL))).all()
    return len(seals.broken(session.connection(), done)) < len(done)


def _delete_training(session: Session, model_id: int | None) -> None:
    """What a training, or taking in an external model, has found; the model itself stays."""
    for table in reversed(schema.OF_TRAINING):
        session.execute(delete(table).where(table.model_id == model_id))
