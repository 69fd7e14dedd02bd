"""What results were made with: commits, devices, systems, packages, precisions, data and commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from sqlalchemy import exists, func, select

from harness.data.origin import is_stand_in
from harness.measurement import LEAST_AGREEMENT
from harness.spec import Input
from harness.store import schema, views
from harness.store.engine import Database
from harness.store.engine.patience import patient
from harness.store.schema import FINAL

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class SplitOrigin:
    """An input that jobs read, and what is known of it; None: it was not there when they were planned."""

    name: str
    split: str
    """Its part: a split of a data set, "weights", "code" and so on (`spec.Input`)."""
    sha256: str
    n: int | None
    generated: bool | None
    origin: str | None
    """As `harness.data.origin` writes it."""

    @property
    def stand_in(self) -> bool:
        """It was made for want of the real data, to try the mechanics."""
        return is_stand_in(self.origin or "")


@dataclass(frozen=True, kw_only=True)
class Origins:
    """What finished results were made with; more than one entry is worth a remark."""

    commits: tuple[str, ...]
    """Git commits, with "+changes" where the checkout had some."""
    devices: tuple[str, ...]
    systems: tuple[str, ...]
    """Python, operating system and, of GPUs, driver."""
    packages: tuple[dict[str, str], ...]
    trained_in: tuple[str, ...]
    """Precisions of trainings."""
    evaluated_in: tuple[str, ...]
    """Precisions of evaluations, those that they were done in."""
    data: tuple[SplitOrigin, ...]
    analysed: tuple[SplitOrigin, ...]
    """Those of the data that analyses read, which need no model."""
    commands: tuple[str, ...]


def origins(db: Database, suite: str, profile: str) -> Origins:
    """The distinct commits, devices, systems, package versions, data and commands behind a suite's results."""
    placed = views.JOBS.c
    finished = select(placed.job).where(placed.suite == suite, placed.profile == profile, placed.state.in_(FINAL))
    job, data, link = schema.Job, schema.DataSplit, schema.JobData
    ran_on = select(job.environment_id).where(job.key.in_(finished))
    environments = select(schema.Environment.__table__).where(schema.Environment.id.in_(ran_on))
    splits, of_analyses = (
        select(data.name, data.split, data.sha256, data.n, data.generated, data.origin)
        .where(data.id.in_(select(link.data_split_id).where(link.job_key.in_(jobs))))
        .order_by(data.name, data.split, data.sha256)
        for jobs in (finished, finished.where(placed.seed.is_(None)))
    )
    trained = select(schema.Model.spec).where(schema.Model.key.in_(finished)).distinct()
    evaluation, agreement = schema.Evaluation, schema.Measurement
    of_evaluation = (agreement.evaluation_id == evaluation.id) & (agreement.metric == "agreement")
    evaluated = (
        select(evaluation.spec, func.coalesce(agreement.value < LEAST_AGREEMENT, True))
        .join(agreement, of_evaluation, isouter=True)
        .where(evaluation.key.in_(finished))
        .distinct()
    )
    commands = select(job.command).where(job.key.in_(finished)).distinct().order_by(job.command)
    with db.reading() as connection:
        found = connection.execute(environments.order_by(schema.Environment.id)).all()
        return Origins(
            commits=_distinct(
                f"{row.git_commit}{'+changes' if row.git_dirty else ''}" for row in found if row.git_commit
            ),
            devices=_distinct(row.device for row in found),
            systems=_distinct(
                f"Python {row.python}, {row.platform}{f', driver {row.driver}' if row.driver else ''}" for row in found
            ),
            packages=_distinct(row.packages for row in found),
            trained_in=_precisions((spec, False) for spec in connection.scalars(trained)),
            evaluated_in=_precisions(connection.execute(evaluated)),
            data=tuple(SplitOrigin(**row._mapping) for row in connection.execute(splits)),
            analysed=tuple(SplitOrigin(**row._mapping) for row in connection.execute(of_analyses)),
            commands=tuple(connection.scalars(commands)),
        )


def together(origins: Sequence[Origins]) -> Origins:
    """What the results of several suites were made with."""
    names = [field.name for field in fields(Origins)]
    return Origins(**{name: _distinct(value for each in origins for value in getattr(each, name)) for name in names})


@patient
def digest_behind(db: Database, read: Input, profile: str) -> str | None:
    """The SHA-256 of an input that results of suites at a profile were made of: the newest; None if none were."""
    split, link, job = schema.DataSplit, schema.JobData, schema.Job
    shown = (
        exists()
        .where(link.data_split_id == split.id, link.job_key == job.key, job.state.in_(FINAL))
        .where(schema.Place.job_key == job.key, schema.Place.suite_id == schema.Suite.id)
        .where(schema.Suite.profile == profile)
    )
    query = select(split.sha256).where(split.name == read.name, split.split == read.part, shown)
    with db.reading() as connection:
        return connection.scalar(query.order_by(split.id.desc()).limit(1))


def _precisions(specs: Iterable[tuple[Mapping[str, Any], bool]]) -> tuple[str, ...]:
    """Those of specs that have one; float32 where another was refused."""
    return tuple(
        sorted({"float32" if refused else spec["precision"] for spec, refused in specs if "precision" in spec})
    )


def _distinct(values: Iterable[T]) -> tuple[T, ...]:
    """Each value once, in order; the values need no hash."""
    found: list[T] = []
    for value in values:
        if value not in found:
            found.append(value)
    return tuple(found)
