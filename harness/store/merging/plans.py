"""What is planned in one database and not in another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, literal, select
from sqlalchemy.orm import Session, aliased

from harness.errors import DatabaseUnusable
from harness.store import schema, seals
from harness.store.batches import rows_among
from harness.store.engine import Database
from harness.store.engine.patience import patient
from harness.store.merging.rows import insert_new, link_data, read_rows
from harness.store.plan import Placed, block_dependents, forget_unneeded, put_places
from harness.store.raw import raw, raw_columns

Place = tuple[str, int, str]
"""Condition, seed and evaluation, as `schema.Place` has them."""


@patient
def unite_plans(here: Database, there: Database) -> list[str]:
    """Plan here what is planned in another database: its suites, and its conditions, seeds and evaluations of ours.

    A job that is blocked here makes way for another one there, since its data are only there, for instance; one that is
    blocked there for none.

    Returns: "NAME (PROFILE)" of the suites that ask for something else there under the same names, since the suite's
    file, the data or the program differ. Those stay as they are.

    Raises:
        DatabaseUnusable: a plan, there or here, is not as it was written.
    """
    others = []
    with there.reading() as moment:
        suites = moment.execute(select(schema.Suite.name, schema.Suite.profile, schema.Suite.title)).all()
        for name, profile, title in suites:
            if seals.broken_suites(moment, (name, profile)):
                raise DatabaseUnusable(
                    f"the database of that folder is damaged: the plan of {name} ({profile}) is not as it was written; "
                    "the next `harness run-suite` there writes it again"
                )
            if not _unite(here, moment, name, profile, title):
                others.append(f"{name} ({profile})")
    return others


def _unite(here: Database, there: Connection, name: str, profile: str, title: str) -> bool:
    """Plan here what is planned there of a suite; False, and nothing is changed, if that is something else."""
    theirs = _places(there, name, profile)
    with here.transaction() as session:
        if seals.broken_suites(session.connection(), (name, profile)):
            raise DatabaseUnusable(
                f"{here.title} is damaged: the plan of {name} ({profile}) is not as it was written; "
                f"`harness run-suite {name} --profile {profile}` writes it again"
            )
        ours = _places(session.connection(), name, profile)
        if _contradict(ours, theirs):
            return False
        before = {place: placed for place, (placed, _) in ours.items()}
        added = {
            place: placed
            for place, (placed, state) in theirs.items()
            if placed != before.get(place) and (state != "blocked" or place not in before)
        }
        new = _with_models(there, {placed.key for placed in added.values()})
        altered = _with_evaluations(there, seals.broken(there, new))  # what identifies them may be altered
        united = before | {place: placed for place, placed in added.items() if placed.key not in altered}
        if united != before:
            _add_jobs(session, there, new - altered)
            our_title = session.scalar(select(schema.Suite.title).filter_by(name=name, profile=profile))
            put_places(session, name, profile, our_title or title, united.items())
            block_dependents(session)
            forget_unneeded(session)
    return True


def _places(connection: Connection, name: str, profile: str) -> dict[Place, tuple[Placed, str]]:
    """What is at each place of a suite, and the state of its job, in the plan's order."""
    place, job = schema.Place, schema.Job
    query = (
        select(place.condition, place.seed, place.evaluation, job.key, place.baseline, job.state)
        .join(schema.Suite, schema.Suite.id == place.suite_id)
        .join(job, job.key == place.job_key)
        .where(schema.Suite.name == name, schema.Suite.profile == profile)
        .order_by(place.id)
    )
    return {
        (condition, seed, evaluation): (Placed(key, baseline), state)
        for condition, seed, evaluation, key, baseline, state in connection.execute(query)
    }


def _contradict(ours: Mapping[Place, tuple[Placed, str]], theirs: Mapping[Place, tuple[Placed, str]]) -> bool:
    """Whether two plans of a suite may mean different things by the name of a condition or an evaluation.

    They mean the same where both have it at some place, and the same job and baseline at every place that both have.
    Whatever is blocked says nothing: its data may be absent.
    """
    held, asked = (
        {place: placed for place, (placed, state) in places.items() if state != "blocked"} for places in (ours, theirs)
    )
    both = held.keys() & asked.keys()
    same = {place for place in both if held[place] == asked[place]}
    return same != both or any(named(same) != named(held) & named(asked) for named in (_conditions, _evaluations))


def _conditions(places: Iterable[Place]) -> set[str]:
    return {condition for condition, _, _ in places if condition}


def _evaluations(places: Iterable[Place]) -> set[str]:
    return {evaluation for condition, _, evaluation in places if condition and evaluation}


def _with_models(there: Connection, keys: Collection[str]) -> set[str]:
    """Keys of jobs, and of those that make the models which these evaluate or use."""
    evaluation, model = schema.Evaluation, schema.Model
    query = select(model.key).join(
        evaluation, (evaluation.model_id == model.id) | (evaluation.substitute_id == model.id)
    )
    return {*keys, *(key for (key,) in rows_among(there, query, evaluation.key, keys))}


def _with_evaluations(there: Connection, keys: Collection[str]) -> set[str]:
    """Keys of jobs, and of the evaluations that need the models which these make."""
    evaluation, model = schema.Evaluation, schema.Model
    query = select(evaluation.key).join(
        model, (evaluation.model_id == model.id) | (evaluation.substitute_id == model.id)
    )
    return {*keys, *(key for (key,) in rows_among(there, query, model.key, keys))}


def _add_jobs(session: Session, there: Connection, keys: Collection[str]) -> None:
    """Plan jobs of another database here, as far as they are not; they wait: nobody has begun them here."""
    job, model, evaluation, substitute = schema.Job, schema.Model, schema.Evaluation, aliased(schema.Model)
    insert_new(session, model, read_rows(there, select(*raw_columns(model)), model.key, keys))
    numbers: dict[str | None, int] = dict(rows_among(session, select(model.key, model.id), model.key, keys))
    jobs = (
        select(*map(raw, (job.key, job.kind, job.work, job.planned_at)))
        .add_columns(literal("waiting").label("state"), literal(0).label("attempts"), raw(model.key).label("model_id"))
        .join(model, model.id == job.model_id, isouter=True)
    )
    insert_new(
        session,
        job,
        (row | {"model_id": numbers.get(row["model_id"])} for row in read_rows(there, jobs, job.key, keys)),
    )
    evaluations = (
        select(*map(raw, (evaluation.key, evaluation.kind, evaluation.spec, evaluation.steps)))
        .add_columns(raw(model.key).label("model_id"), raw(substitute.key).label("substitute_id"))
        .join(model, model.id == evaluation.model_id, isouter=True)
        .join(substitute, substitute.id == evaluation.substitute_id, isouter=True)
    )
    insert_new(
        session,
        evaluation,
        (
            row | {name: numbers.get(row[name]) for name in ("model_id", "substitute_id")}
            for row in read_rows(there, evaluations, evaluation.key, keys)
        ),
    )
    link_data(session, there, keys)
