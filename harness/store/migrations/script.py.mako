"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from harness.store.columns import Flag, Json, Real, UtcTime, Whole

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """${message}."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Undo it."""
    ${downgrades if downgrades else "pass"}
