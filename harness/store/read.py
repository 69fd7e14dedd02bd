"""What reports ask of the database. Nothing here writes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, Subquery, case, func, literal, select
from sqlalchemy.orm import aliased

from harness.store import schema, views
from harness.store.engine import Database

if TYPE_CHECKING:
    import pandas

MEDIANS = {"median_l2": "l2", "median_linf": "linf"}
"""The norm of each metric of an attack for the smallest perturbation."""
QUERIES = "queries"
"""The metric of an attack that counts the decisions that it asks for."""
BANDS = {"accuracy_low": "low", "accuracy_medium": "medium", "accuracy_high": "high"}
"""The frequencies that each metric of a Fourier heat map is of."""
_OF_IMAGES = ("accuracy", "score", *MEDIANS, *BANDS)  # metrics

NOT_RUN = "not run yet"
"""The reason of a job that only waits."""
NO_NUMBER = "no number"
"""The state of a result that has none, for a reason."""


def models_of(suite: str, profile: str) -> Select[tuple[int]]:
    """Row numbers of a suite's models; a query, since they may be more than one statement takes as values."""
    place = views.MODELS.c
    return select(place.model_row).where(place.suite == suite, place.profile == profile)


def measured(db: Database, suite: str, profile: str, metrics: Collection[str]) -> pandas.DataFrame:
    """A suite's numbers of some metrics: condition, seed, evaluation, epsilon, n, n_failed, value, metric.

    value: NaN where there is none.
    """
    place, number = views.EVALUATIONS.c, schema.Measurement
    of = (place.condition, place.seed, place.evaluation, number.epsilon, number.n, number.n_failed)
    query = select(*of, number.value, number.metric).where(number.metric.in_(metrics))
    return _measured(db, suite, profile, query).astype({"value": float})


def specs(db: Database, suite: str, profile: str) -> pandas.DataFrame:
    """What a suite asks for: condition, evaluation (None: the training itself), spec; in the plan's order, each once.

    condition: empty for an analysis of data alone.
    """
    import pandas

    place, model, evaluation = schema.Place, schema.Model, schema.Evaluation
    of = (place.condition, place.evaluation, func.coalesce(model.spec, evaluation.spec))
    query = (
        select(*of)
        .join(schema.Suite, schema.Suite.id == place.suite_id)
        .join(model, model.key == place.job_key, isouter=True)
        .join(evaluation, evaluation.key == place.job_key, isouter=True)
        .where(schema.Suite.name == suite, schema.Suite.profile == profile)
        .group_by(*of)
        .order_by(func.min(place.id))
    )
    with db.reading() as connection:
        found = [(condition, name or None, spec) for condition, name, spec in connection.execute(query)]
    return pandas.DataFrame(found, columns=["condition", "evaluation", "spec"])


def substitutes(db: Database, suite: str, profile: str) -> pandas.DataFrame:
    """What a suite's transferred attacks are made with: condition, evaluation, seed, twin; in the plan's order.

    seed: of the training that attacks. twin: the condition that the suite trains alike with seeds of its own, empty if
    there is none.
    """
    import pandas

    place, substitute, alike = schema.Place, aliased(schema.Model), _by_spec(suite, profile)
    of = (place.condition, place.evaluation, substitute.seed, func.coalesce(alike.c.condition, ""))
    query = (
        select(*of)
        .join(schema.Suite, schema.Suite.id == place.suite_id)
        .join(schema.Evaluation, schema.Evaluation.key == place.job_key)
        .join(substitute, substitute.id == schema.Evaluation.substitute_id)
        .join(alike, alike.c.spec_digest == substitute.spec_digest, isouter=True)
        .where(schema.Suite.name == suite, schema.Suite.profile == profile)
        .group_by(*of)
        .order_by(func.min(place.id))
    )
    with db.reading() as connection:
        found = [tuple(row) for row in connection.execute(query)]
    return pandas.DataFrame(found, columns=["condition", "evaluation", "seed", "twin"])


def _by_spec(suite: str, profile: str) -> Subquery:
    """A condition of the suite by the digest of its models' spec."""
    place, model = schema.Place, schema.Model
    return (
        select(model.spec_digest, func.min(place.condition).label("condition"))
        .join(place, place.job_key == model.key)
        .join(schema.Suite, schema.Suite.id == place.suite_id)
        .where(schema.Suite.name == suite, schema.Suite.profile == profile)
        .group_by(model.spec_digest)
        .subquery()
    )


def images_behind(db: Database, suite: str, profile: str) -> pandas.DataFrame:
    """How many test images each number of an evaluation is of: condition, evaluation, kind, n.

    n: the fewest of its models; of a corruption those of one severity, of an attack those that it failed on too.
    """
    place, number = views.EVALUATIONS.c, schema.Measurement
    by = (place.condition, place.evaluation, place.kind)
    n = func.min(number.n + number.n_failed).label("n")
    return _measured(db, suite, profile, select(*by, n).where(number.metric.in_(_OF_IMAGES)).group_by(*by))


def _measured(db: Database, suite: str, profile: str, query: Select[Any]) -> pandas.DataFrame:
    """What a query for a suite's measurements at their places finds."""
    import pandas

    place, number = views.EVALUATIONS, schema.Measurement
    query = query.join_from(place, number, number.evaluation_id == place.c.evaluation_row)
    with db.reading() as connection:
        found = connection.execute(query.where(place.c.suite == suite, place.c.profile == profile))
        return pandas.DataFrame.from_records([tuple(row) for row in found], columns=list(found.keys()))


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A place of a suite that has no result, and why."""

    condition: str
    """Empty for an analysis."""
    seed: int
    evaluation: str | None
    """None for the training itself."""
    state: str
    """The job's; `NO_NUMBER` if it is done."""
    reason: str
    """For a job that only waits: why its model is not there, or that it was not run yet."""


def missing(db: Database, suite: str, profile: str) -> list[Missing]:
    """The places of a suite without a result, in the plan's order; then those whose result has no number."""
    job, evaluation, substitute = schema.Job, schema.Evaluation, aliased(schema.Model)
    training_job, substitute_job = aliased(schema.Job), aliased(schema.Job)
    reason = func.coalesce(
        job.reason,
        _no_model(training_job, "its model"),
        _no_model(substitute_job, "its substitute"),
        NOT_RUN,
    )
    query = (
        select(
            schema.Place.condition,
            schema.Place.seed,
            schema.Place.evaluation,
            job.state,
            reason.label("reason"),
        )
        .join(schema.Suite, schema.Suite.id == schema.Place.suite_id)
        .join(job, job.key == schema.Place.job_key)
        .join(schema.Model, schema.Model.id == job.model_id, isouter=True)
        .join(training_job, training_job.key == schema.Model.key, isouter=True)
        .join(evaluation, evaluation.key == job.key, isouter=True)
        .join(substitute, substitute.id == evaluation.substitute_id, isouter=True)
        .join(substitute_job, substitute_job.key == substitute.key, isouter=True)
        .where(schema.Suite.name == suite, schema.Suite.profile == profile, job.state != "done")
        .order_by(schema.Place.id)
    )
    with db.reading() as connection:
        rows = [*connection.execute(query), *connection.execute(_without_numbers(suite, profile))]
    return [
        Missing(condition=condition, seed=seed, evaluation=evaluation or None, state=state, reason=reason)
        for condition, seed, evaluation, state, reason in rows
    ]


def _no_model(training: type[schema.Job], whose: str) -> ColumnElement[str]:
    """Why a model is not there, NULL where nothing keeps it from being trained: it cannot be, or it failed."""
    failed = f"{whose} failed: " + training.reason
    return case((training.state == "blocked", training.reason), else_=failed)


def _without_numbers(suite: str, profile: str) -> Select[Any]:
    """The places of a suite whose evaluation is done and has no value of what it measures, and why."""
    place, evaluation, number = schema.Place, schema.Evaluation, schema.Measurement
    metrics = (
        select(place.id, place.condition, place.seed, place.evaluation, func.min(number.reason).label("reason"))
        .join(schema.Suite, schema.Suite.id == place.suite_id)
        .join(evaluation, evaluation.key == place.job_key)
        .join(number, number.evaluation_id == evaluation.id)
        .where(schema.Suite.name == suite, schema.Suite.profile == profile)
        .group_by(place.id, number.metric)
        .having(func.count(number.value) == 0)
        .subquery()
    )
    names = metrics.c
    return (
        select(names.condition, names.seed, names.evaluation, literal(NO_NUMBER), func.min(names.reason))
        .group_by(names.id, names.condition, names.seed, names.evaluation)
        .order_by(names.id)
    )
