"""Digests of results, by which a changed byte in the database is noticed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
VIEWS = "6827aa0fd09c71f0"
"""Digest of the views that belong to this version."""


def upgrade() -> None:
    """Make room; what is recorded is sealed when the newest version is reached."""
    op.create_table(
        "seal",
        sa.Column("subject", sa.Text(), nullable=False, comment="A finished job's key, or SUITE/PROFILE."),
        sa.Column("digest", sa.Text(), nullable=False, comment="16 hex digits over all rows that belong to it."),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_seal")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Older versions seal nothing."""
    op.drop_table("seal")
