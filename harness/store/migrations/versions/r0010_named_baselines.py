"""Places say which condition their suite compares a model with that was trained elsewhere."""

from __future__ import annotations

from contextlib import AbstractContextManager

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0010"
down_revision = "0009"
VIEWS = "91c918c79a74bf82"
"""Digest of the views that belong to this version."""


def upgrade() -> None:
    """Make room. Older suites name no such condition."""
    comment = "Of a model's place: the condition that the suite compares it with; NULL: that of model.baseline."
    with _changed() as place:
        place.add_column(sa.Column("baseline", sa.Text(), nullable=True, comment=comment))


def downgrade() -> None:
    """Forget it, and the seals that it is under: `harness db upgrade` seals again."""
    op.execute(
        "DELETE FROM seal WHERE subject IN (SELECT s.name || '/' || s.profile FROM suite s"
        " JOIN place p ON p.suite_id = s.id WHERE p.baseline IS NOT NULL)"
    )
    with _changed() as place:
        place.drop_column("baseline")


def _changed() -> AbstractContextManager[BatchOperations]:
    """Changes to the table, which SQLite makes by copying it."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    return op.batch_alter_table("place", recreate="always" if sqlite else "never", table_kwargs={"sqlite_strict": True})
