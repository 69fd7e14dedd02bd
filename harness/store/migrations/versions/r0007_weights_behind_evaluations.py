"""Evaluations say of which weights they are."""

from __future__ import annotations

from contextlib import AbstractContextManager

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0007"
down_revision = "0006"
VIEWS = "fb65101dd86604ee"
"""Digest of the views that belong to this version."""
_COLUMNS = {
    "weights_sha256": "Digest of the weights that were evaluated; NULL: not known, or an analysis.",
    "substitute_sha256": "Digest of the substitute's weights.",
}


def upgrade() -> None:
    """Make room. Which weights older results are of is not known."""
    with _changed() as evaluation:
        for name, comment in _COLUMNS.items():
            evaluation.add_column(sa.Column(name, sa.Text(), nullable=True, comment=comment))


def downgrade() -> None:
    """Forget it, and the seals that it is under: `harness db upgrade` seals again."""
    op.execute("DELETE FROM seal WHERE subject IN (SELECT key FROM evaluation WHERE weights_sha256 IS NOT NULL)")
    with _changed() as evaluation:
        for name in _COLUMNS:
            evaluation.drop_column(name)


def _changed() -> AbstractContextManager[BatchOperations]:
    """Changes to the table, which SQLite makes by copying it."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    return op.batch_alter_table(
        "evaluation", recreate="always" if sqlite else "never", table_kwargs={"sqlite_strict": True}
    )
