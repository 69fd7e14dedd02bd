"""What a suite's results must be before anybody uses them: as they were recorded."""

from __future__ import annotations

from sqlalchemy import select

from harness.errors import DatabaseUnusable
from harness.store import definitions, schema, seals, views
from harness.store.engine import Database


def require_intact(db: Database, suite: str, profile: str) -> None:
    """Look at the seals of a suite's plan and results.

    Raises:
        DatabaseUnusable: something is not as it was recorded; says what, and what brings it back.
    """
    again = f"`harness run-suite {suite} --profile {profile}` makes it again"
    with db.reading() as connection:
        if any(definitions.altered(connection)) or seals.broken_environments(connection):
            raise DatabaseUnusable(f"{db.title} is damaged; restore the newest backup; `harness db check` says more")
        if seals.broken_suites(connection, (suite, profile)):
            raise DatabaseUnusable(f"{db.title} is damaged: the plan of {suite} is not as it was written; {again}")
        place, shown = schema.Place, views.JOBS.c
        # Whatever a damaged index hides from the views has its place all the same.
        placed = (
            select(place.job_key).join(schema.Suite).where(schema.Suite.name == suite, schema.Suite.profile == profile)
        )
        helping = select(shown.job).where(shown.suite == suite, shown.profile == profile, shown.condition.is_(None))
        broken = seals.broken(connection, {*connection.scalars(placed), *connection.scalars(helping)})
    if broken:
        count = "1 result is" if len(broken) == 1 else f"{len(broken)} results are"
        raise DatabaseUnusable(
            f"{db.title} is damaged: of {suite} ({profile}), {count} not as recorded (job {broken[0]}); {again}"
        )
