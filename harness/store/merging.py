"""Taking over what another results folder has finished: each job in one transaction, under the seal that it has there.

Rows travel as they are; only row numbers are each database's own. A seal is over all that belongs to a result, so one
that is the same here says that everything has arrived, and that nothing had been altered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session, aliased

from harness.errors import DatabaseUnusable
from harness.store import schema, seals
from harness.store.batches import batches, keys_among, rows_among
from harness.store.engine import Database
from harness.store.engine.patience import patient
from harness.store.engine.refusals import translated
from harness.store.mending import forget_what_other_weights_did
from harness.store.plan import block_dependents, forget_unneeded, put_places
from harness.store.raw import raw, raw_columns, raw_table
from harness.store.schema import FINAL

Place = tuple[str, int, str]
"""Condition, seed and evaluation, as `schema.Place` has them."""
Row = dict[str, Any]


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
            if seals.is_broken(moment, name, profile):
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
        if seals.is_broken(session.connection(), name, profile):
            raise DatabaseUnusable(
                f"{here.title} is damaged: the plan of {name} ({profile}) is not as it was written; "
                f"`harness run-suite {name} --profile {profile}` writes it again"
            )
        ours = _places(session.connection(), name, profile)
        if _contradict(ours, theirs):
            return False
        before = {place: key for place, (key, _) in ours.items()}
        added = {
            place: key
            for place, (key, state) in theirs.items()
            if key != before.get(place) and (state != "blocked" or place not in before)
        }
        new = _with_models(there, set(added.values()))
        altered = _with_evaluations(there, seals.broken(there, new))  # what identifies them may be altered
        united = before | {place: key for place, key in added.items() if key not in altered}
        if united != before:
            _add_jobs(session, there, new - altered)
            our_title = session.scalar(select(schema.Suite.title).filter_by(name=name, profile=profile))
            put_places(session, name, profile, our_title or title, united.items())
            block_dependents(session)
            forget_unneeded(session)
    return True


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
    _take_rows(session, there, key, model_id)
    session.execute(delete(schema.Claim).where(schema.Claim.job_key == key))
    session.add(schema.Claim(job_key=key, runner_id=runner))  # whose folder has the files
    recorded = there.scalar(select(schema.Seal.digest).where(schema.Seal.subject == key))
    if seals.digests(session.connection(), [key]).get(key) != recorded:
        raise Damaged("not as they were recorded, or of another version of this program")
    seals.seal(session.connection(), [key])
    if kind != "train" or model_id is None:
        return []
    sha256 = select(schema.Training.weights_sha256).where(schema.Training.model_id == model_id)
    forgotten = forget_what_other_weights_did(session, model_id, session.scalar(sha256))
    block_dependents(session)
    return forgotten


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


def _places(connection: Connection, name: str, profile: str) -> dict[Place, tuple[str, str]]:
    """The key and the state of the job at each place of a suite, in the plan's order."""
    place, job = schema.Place, schema.Job
    query = (
        select(place.condition, place.seed, place.evaluation, job.key, job.state)
        .join(schema.Suite, schema.Suite.id == place.suite_id)
        .join(job, job.key == place.job_key)
        .where(schema.Suite.name == name, schema.Suite.profile == profile)
        .order_by(place.id)
    )
    return {
        (condition, seed, evaluation): (key, state)
        for condition, seed, evaluation, key, state in connection.execute(query)
    }


def _contradict(ours: Mapping[Place, tuple[str, str]], theirs: Mapping[Place, tuple[str, str]]) -> bool:
    """Whether two plans of a suite may mean different things by the name of a condition or an evaluation.

    They mean the same where both have it at some place, and the same job at every place that both have. Whatever is
    blocked says nothing: its data may be absent.
    """
    held, asked = (
        {place: key for place, (key, state) in places.items() if state != "blocked"} for places in (ours, theirs)
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
    _insert_new(session, model, _rows(there, select(*raw_columns(model)), model.key, keys))
    numbers: dict[str | None, int] = dict(rows_among(session, select(model.key, model.id), model.key, keys))
    jobs = (
        select(*map(raw, (job.key, job.kind, job.work, job.planned_at)))
        .add_columns(literal("waiting").label("state"), literal(0).label("attempts"), raw(model.key).label("model_id"))
        .join(model, model.id == job.model_id, isouter=True)
    )
    _insert_new(
        session,
        job,
        (row | {"model_id": numbers.get(row["model_id"])} for row in _rows(there, jobs, job.key, keys)),
    )
    evaluations = (
        select(*map(raw, (evaluation.key, evaluation.kind, evaluation.spec, evaluation.steps)))
        .add_columns(raw(model.key).label("model_id"), raw(substitute.key).label("substitute_id"))
        .join(model, model.id == evaluation.model_id, isouter=True)
        .join(substitute, substitute.id == evaluation.substitute_id, isouter=True)
    )
    _insert_new(
        session,
        evaluation,
        (
            row | {name: numbers.get(row[name]) for name in ("model_id", "substitute_id")}
            for row in _rows(there, evaluations, evaluation.key, keys)
        ),
    )
    _link_data(session, there, keys)


def _link_data(session: Session, there: Connection, keys: Collection[str]) -> None:
    """Say what data jobs read, as another database does."""
    split, link = schema.DataSplit, schema.JobData
    query = select(link.job_key, *raw_columns(split)).join(split, split.id == link.data_split_id)
    numbers = {
        (name, part, sha256): number
        for number, name, part, sha256 in session.execute(select(split.id, split.name, split.split, split.sha256))
    }
    linked = set(rows_among(session, select(link.job_key, link.data_split_id), link.job_key, keys))
    for row in _rows(there, query, link.job_key, keys):
        key, identity = row.pop("job_key"), (row["name"], row["split"], row["sha256"])
        if identity not in numbers:
            numbers[identity] = _insert(session, split, row)
        if (key, numbers[identity]) not in linked:
            session.execute(insert(link).values(job_key=key, data_split_id=numbers[identity]))


def _take_rows(session: Session, there: Connection, key: str, model_id: int | None) -> None:
    """Write all that belongs to a finished job, as `seals` counts it up."""
    job, model, evaluation, environment = schema.Job, schema.Model, schema.Evaluation, schema.Environment
    behind = select(*raw_columns(environment)).join(job, job.environment_id == environment.id)
    [ran_on] = _rows(there, behind, job.key, [key])
    if seals.environment_digest(ran_on) != ran_on["digest"]:
        raise Damaged("made on what is not as it was recorded")
    number = session.scalar(select(environment.id).where(environment.digest == ran_on["digest"]))
    [facts] = _rows(there, select(*raw_columns(job, "key", "model_id", "environment_id")), job.key, [key])
    _update(session, job, key, facts | {"environment_id": number or _insert(session, environment, ran_on)})
    _link_data(session, there, [key])
    for made in schema.OF_TRAINING:
        rows = select(*raw_columns(made, "model_id")).join(model, model.id == made.model_id)
        _insert_all(session, made, ({"model_id": model_id} | row for row in _rows(there, rows, model.key, [key])))
    for digests in _rows(there, select(*map(raw, _DIGESTS)), evaluation.key, [key]):
        _update(session, evaluation, key, digests)
    ours = session.scalar(select(evaluation.id).where(evaluation.key == key))
    for found in schema.OF_EVALUATION:
        rows = select(*raw_columns(found, "evaluation_id")).join(evaluation, evaluation.id == found.evaluation_id)
        numbered = ({"evaluation_id": ours} | row for row in _rows(there, rows, evaluation.key, [key]))
        _insert_all(session, found, numbered)


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


def _rows(connection: Connection, query: Any, column: Any, keys: Collection[str]) -> Iterator[Row]:
    """The rows of a select whose `column` is one of the keys, by their columns' names."""
    with translated(connection.engine.url):  # or it would look as if the database here were in trouble
        for row in rows_among(connection, query, column, keys):
            yield dict(row._mapping)


def _insert_new(session: Session, table: Any, rows: Iterable[Row]) -> None:
    """Insert the rows whose key is not there yet."""
    for some in batches(rows):
        known = keys_among(session, table.key, [row["key"] for row in some])
        _insert_all(session, table, (row for row in some if row["key"] not in known))


def _insert_all(session: Session, table: Any, rows: Iterable[Row]) -> None:
    for some in batches(rows):
        session.execute(insert(raw_table(table.__table__)), some)


def _insert(session: Session, table: Any, row: Row) -> int:
    """Insert a row; its number."""
    written = raw_table(table.__table__)
    number: int = session.scalars(insert(written).values(row).returning(written.c.id)).one()
    return number


def _update(session: Session, table: Any, key: str, values: Row) -> None:
    written = raw_table(table.__table__)
    session.execute(update(written).where(written.c.key == key).values(values))
