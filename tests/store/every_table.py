"""A database with rows in every table, and the values that a careless copy would change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from recorded_study import ORIGIN, accuracy, evaluate_job, fill, planned, train_job
from sqlalchemy import select, text
from test_views import plan_and_record_all_kinds

from harness.measurement import EvaluationResult
from harness.store import runners, schema, write
from harness.store.engine import Database
from harness.store.origins import SplitOrigin
from harness.store.plan import write_plan
from harness.store.runners import RunnerFacts

ME = RunnerFacts(folder="f" * 32, title="host, process 1, /results", machine="boot pid:[1]", process=1)
HARD = {
    "the smallest double": 5e-324,
    "a third": 1 / 3,
    "a long tail": 0.1 + 0.2,
    "the largest": 1e308,
    "a whole one": 2.0**60,
}
"""Values whose last bit is easily lost."""


def fill_every_table(db: Database) -> None:
    """The recorded study, a suite with every kind of job, and one with hard values, a claim and a failure."""
    fill(db)
    plan_and_record_all_kinds(db)
    later = planned((2,), "später \u2028", ("gaussian", "clean"))
    splits = [SplitOrigin(name="digits", split="test", sha256="b" * 64, n=360, generated=False, origin="scikit-learn")]
    write_plan(db, later, "später \u2028", "smoke", "A 'title'; with \"quotes\", \ttabs and\nlines", splits)
    runner = runners.enter(db, ME)
    key = evaluate_job("gaussian", "none", 2).key
    assert runners.claim(db, key, runner, 0)
    numbers = [replace(accuracy(0.5), metric=name, value=value) for name, value in HARD.items()]
    missing = accuracy(None, n=0, epsilon=0.0, reason="logits are nan")
    write.finish_evaluation(db, key, EvaluationResult(measurements=(*numbers, missing)), ORIGIN, 1e-9)
    failed = evaluate_job("clean", "none", 2).key
    write.start(db, failed, "Test CPU")
    write.fail(db, failed, "out of memory")
    assert runners.claim(db, train_job("none", 2).key, runner, 0)


def contents(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables but the schema's version."""
    with db.reading() as connection:
        return {
            name: sorted((tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))), key=repr)
            for name in schema.Base.metadata.tables
        }


def numbers(db: Database) -> dict[str, float]:
    """The hard values as they are in a database."""
    query = select(schema.Measurement.metric, schema.Measurement.value)
    with db.reading() as connection:
        return dict(connection.execute(query.where(schema.Measurement.metric.in_(HARD))).all())
