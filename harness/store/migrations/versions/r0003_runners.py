"""Several runners on one database: who they are, and which jobs they have claimed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from harness.store.columns import UtcTime, Whole

revision = "0003"
down_revision = "0002"
VIEWS = "6827aa0fd09c71f0"
"""Digest of the views that belong to this version."""


def upgrade() -> None:
    """Make room for runners and claims; jobs of before have neither."""
    op.create_table(
        "runner",
        sa.Column("id", Whole(), nullable=False),
        sa.Column(
            "folder",
            sa.Text(),
            nullable=False,
            comment="Identity of its results folder, as in that folder's folder.id.",
        ),
        sa.Column("title", sa.Text(), nullable=False, comment="How people find it: host, process, results folder."),
        sa.Column(
            "machine",
            sa.Text(),
            nullable=False,
            comment="Where its process number means something: boot and namespace.",
        ),
        sa.Column("process", Whole(), nullable=False, comment="Its process number there."),
        sa.Column("started_at", UtcTime(), nullable=False, comment="Its first job, UTC."),
        sa.Column(
            "seen_at",
            UtcTime(),
            nullable=False,
            comment="Its last sign of life, UTC; others only look whether it changes, so clocks need not agree.",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runner")),
        sqlite_strict=True,
    )
    op.create_table(
        "claim",
        sa.Column("job_key", sa.Text(), nullable=False),
        sa.Column("runner_id", Whole(), nullable=False),
        sa.ForeignKeyConstraint(["job_key"], ["job.key"], name=op.f("fk_claim_job_key"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["runner_id"], ["runner.id"], name=op.f("fk_claim_runner_id")),
        sa.PrimaryKeyConstraint("job_key", name=op.f("pk_claim")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_claim_runner_id"), "claim", ["runner_id"])


def downgrade() -> None:
    """Forget who did what; an older version has one runner, and no result depends on it."""
    op.drop_table("claim")
    op.drop_table("runner")
