"""Seals: digests by which a changed byte in the database is noticed before its number is used.

SQLite looks at how its pages hang together, not at what is in them: a number with one other bit is as good to it as
any. So the transaction that finishes a job also stores a digest over all rows that belong to the result, and a plan one
over the places of its suite. Whoever uses a result computes the digest again.

A digest is over values by column names; columns without a value are left out, so that one that a later version adds
changes no seal, and row numbers are left out, so that a copied database has the same seals. It is the same on SQLite
and PostgreSQL.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, bindparam, delete, insert, select
from sqlalchemy.orm import aliased

from harness.spec import digest
from harness.store import schema
from harness.store.batches import batches, rows_among
from harness.store.raw import raw, raw_columns
from harness.store.schema import FINAL

CHUNK = 50
"""Jobs whose rows are in memory at a time: an attack has thousands."""

_JOB = (
    *("key", "kind", "state", "attempts", "reason", "started_at", "finished_at", "seconds"),
    *("images_classified", "device", "command", "work", "planned_at"),
)


_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)
"""Of jobs: the queries are made once, which takes five times as long as their answers."""


def seal(connection: Connection, keys: Collection[str]) -> None:
    """Store the digests of finished jobs, in the transaction that writes them."""
    _put(connection, digests(connection, keys))


def seal_suite(connection: Connection, name: str, profile: str) -> None:
    """Store the digest of a suite's places, in the transaction that writes them."""
    _put(connection, suite_digests(connection, (name, profile)))


def seal_everything(connection: Connection) -> None:
    """Seal what an older version of this program recorded, as it is now."""
    job = schema.Job
    finished = connection.scalars(select(job.key).where(job.state.in_(FINAL))).all()
    there = set(connection.scalars(select(schema.Seal.subject)))
    for chunk in batches((key for key in finished if key not in there), CHUNK):
        seal(connection, chunk)
    _put(connection, {name: value for name, value in suite_digests(connection).items() if name not in there})


def unseal(connection: Connection, key: str) -> None:
    """Forget a job's digest, with its result."""
    connection.execute(delete(schema.Seal).where(schema.Seal.subject == key))


def broken(connection: Connection, keys: Collection[str] | None = None) -> list[str]:
    """Keys of the jobs whose results are not as they were recorded.

    keys: only these; all jobs if None.
    """
    job, seals = schema.Job, schema.Seal
    states = select(raw(job.key), raw(job.state))
    sealed = select(raw(seals.subject), raw(seals.digest))

    def asked(query: Any, column: Any) -> Iterator[Any]:
        return iter(connection.execute(query)) if keys is None else rows_among(connection, query, column, keys)

    with _any_text(connection):
        stored: dict[str, str] = {name: value for name, value in asked(sealed, seals.subject) if "/" not in name}
        finished = {key for key, state in asked(states, job.key) if state in FINAL}
    found: list[str] = []
    for chunk in batches(sorted(finished | stored.keys()), CHUNK):
        now = digests(connection, chunk)
        found += [key for key in chunk if now.get(key) is None or now[key] != stored.get(key)]
    return found


def broken_suites(connection: Connection, only: tuple[str, str] | None = None) -> list[str]:
    """The suites, as "name/profile", whose places are not as they were planned.

    only: the name and profile of one suite; all if None.
    """
    seals = schema.Seal
    query = select(raw(seals.subject), raw(seals.digest))
    if only:
        query = query.where(seals.subject == _subject(*only))
    with _any_text(connection):
        stored: dict[str, str] = dict(connection.execute(query).all())
    now = suite_digests(connection, only)
    named = {subject for subject in stored if "/" in subject} | now.keys()
    return sorted(subject for subject in named if now.get(subject) != stored.get(subject))


def broken_environments(connection: Connection) -> list[int]:
    """Numbers of the environments that do not have their digest."""
    table = schema.Environment.__table__
    with _any_text(connection):
        rows = connection.execute(select(*map(raw, table.columns))).mappings().all()
    return [row["id"] for row in rows if environment_digest(dict(row)) != row["digest"]]


def digests(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """The digests of what the database holds of jobs now, 16 hex digits, by key."""
    lines: dict[str, list[str]] = defaultdict(list)
    with _any_text(connection):
        for name, query in _belongings().items():
            found = connection.execute(query, {_KEYS.key: list(keys)})
            columns = tuple(found.keys())[1:]
            for key, *values in found:
                lines[key].append(_line(name, columns, values))
    return {key: _digest(lines[key]) for key in keys if key in lines}


def suite_digests(connection: Connection, only: tuple[str, str] | None = None) -> dict[str, str]:
    """The digests of the suites and their places as they are now, by "name/profile"; `only` as of `broken_suites`."""
    suite, place = schema.Suite, schema.Place
    columns = (
        *(suite.name, suite.profile, suite.title),
        *(place.condition, place.seed, place.evaluation, place.job_key, place.baseline),
    )
    query = select(*map(raw, columns)).join(place, place.suite_id == suite.id, isouter=True)
    if only:
        query = query.where(suite.name == only[0], suite.profile == only[1])
    lines: dict[str, list[str]] = defaultdict(list)
    with _any_text(connection):
        found = connection.execute(query)
        names = tuple(found.keys())
        for values in found:
            lines[_subject(values[0], values[1])].append(_line("place", names, values))
    return {subject: _digest(rows) for subject, rows in lines.items()}


@cache
def _belongings() -> Mapping[str, Select[Any]]:
    """What belongs to the jobs `_KEYS`: by the name of its kind, a query whose first column is the job's key."""
    job, model, evaluation = schema.Job, schema.Model, schema.Evaluation
    environment, substitute = schema.Environment, aliased(schema.Model)
    split, link = schema.DataSplit, schema.JobData
    facts = [raw(job.__table__.c[name]) for name in _JOB]
    return {
        "job": select(job.key, *facts, raw(model.key).label("model"), raw(environment.digest).label("environment"))
        .join(model, model.id == job.model_id, isouter=True)
        .join(environment, environment.id == job.environment_id, isouter=True)
        .where(job.key.in_(_KEYS)),
        "model": select(job.key, *raw_columns(model)).join(model, model.id == job.model_id).where(job.key.in_(_KEYS)),
        "evaluation": select(evaluation.key, *raw_columns(evaluation, "model_id", "substitute_id"))
        .add_columns(raw(model.key).label("model"), raw(substitute.key).label("substitute"))
        .join(model, model.id == evaluation.model_id, isouter=True)
        .join(substitute, substitute.id == evaluation.substitute_id, isouter=True)
        .where(evaluation.key.in_(_KEYS)),
        "data": select(link.job_key, *map(raw, (split.name, split.split, split.sha256)))
        .join(split, split.id == link.data_split_id)
        .where(link.job_key.in_(_KEYS)),
        **{
            made.__tablename__: select(model.key, *raw_columns(made, "model_id"))
            .join(made, made.model_id == model.id)
            .where(model.key.in_(_KEYS))
            for made in schema.OF_TRAINING
        },
        **{
            found.__tablename__: select(evaluation.key, *raw_columns(found, "evaluation_id"))
            .join(found, found.evaluation_id == evaluation.id)
            .where(evaluation.key.in_(_KEYS))
            for found in schema.OF_EVALUATION
        },
    }


def _line(name: str, columns: Sequence[str], values: Iterable[Any]) -> str:
    there = {column: value for column, value in zip(columns, values, strict=True) if value is not None}
    return _encode([name, there])


_encode = json.JSONEncoder(sort_keys=True, default=repr).encode
"""`json.dumps` makes an encoder each time, which a row of a million notices."""


def _digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]


def environment_digest(row: Mapping[str, Any]) -> str | None:
    """The digest of an environment's columns, as `Provenance` computes it; None if one makes no sense."""
    facts = {name: value for name, value in row.items() if name not in {"id", "digest"}}
    try:
        facts["packages"] = json.loads(row["packages"])
    except ValueError:
        return None
    return digest(facts | {"git_dirty": None if row["git_dirty"] is None else bool(row["git_dirty"])})


def _subject(name: str, profile: str) -> str:
    """How a seal calls a suite; jobs' keys have no slash."""
    return f"{name}/{profile}"


def _put(connection: Connection, found: Mapping[str, str]) -> None:
    if found:
        connection.execute(delete(schema.Seal).where(schema.Seal.subject.in_(list(found))))
        connection.execute(insert(schema.Seal), [{"subject": name, "digest": value} for name, value in found.items()])


@contextmanager
def _any_text(connection: Connection) -> Iterator[None]:
    """Text with bytes that are no UTF-8 is read too: it is not the text that was written."""
    driver = connection.connection.dbapi_connection
    if connection.dialect.name != "sqlite":  # others refuse such text when it is written
        yield
        return
    driver.text_factory = lambda content: content.decode(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        yield
    finally:
        driver.text_factory = str  # type: ignore[union-attr]
