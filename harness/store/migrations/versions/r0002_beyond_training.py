"""Models that were trained elsewhere, analyses of data alone, spectra, and arrays beside the database."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import op

from harness.errors import DatabaseUnusable
from harness.store.columns import Whole

if TYPE_CHECKING:
    from alembic.operations.base import BatchOperations

revision = "0002"
down_revision = "0001"
VIEWS = "6827aa0fd09c71f0"
"""Digest of the views that belong to this version."""

_NULLABLE = (("model", "base_width"), ("job", "model_id"), ("evaluation", "model_id"))
_WITH_EPOCH = "(status = 'ok') = (weights IS NOT NULL AND weights_sha256 IS NOT NULL AND best_epoch IS NOT NULL)"
_WITHOUT_EPOCH = "(status = 'ok') = (weights IS NOT NULL AND weights_sha256 IS NOT NULL)"
_TOO_NEW = {
    "external models": "SELECT count(*) FROM model WHERE base_width IS NULL",
    "analyses": "SELECT count(*) FROM evaluation WHERE model_id IS NULL",
    "spectra": "SELECT count(*) FROM measurement WHERE radius IS NOT NULL",
    "arrays": "SELECT count(*) FROM result_array",
}
"""What the older version has no room for."""


def upgrade() -> None:
    """Loosen what only trained models have, and make room for spectra and arrays."""
    for table, column in _NULLABLE:
        _set_nullable(table, column, True)
    _set_training_check(_WITHOUT_EPOCH)
    with _changed("measurement") as measurement:
        measurement.add_column(
            sa.Column(
                "radius",
                Whole(),
                nullable=True,
                comment="Spatial frequency of a spectrum, in cycles per image, rounded.",
            )
        )
    op.create_table(
        "result_array",
        sa.Column("evaluation_id", Whole(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="What it holds, for instance perturbations."),
        sa.Column("file", sa.Text(), nullable=False, comment="Its path below the results folder's arrays/."),
        sa.Column("sha256", sa.Text(), nullable=False, comment="Digest of that file."),
        sa.Column("shape", sa.Text(), nullable=False, comment="For instance 1000 x 1 x 32 x 32."),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluation.id"], name=op.f("fk_result_array_evaluation_id")),
        sa.PrimaryKeyConstraint("evaluation_id", "name", name=op.f("pk_result_array")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Go back, if nothing is lost by it.

    Raises:
        DatabaseUnusable: there is something that the older version cannot hold; nothing was changed.
    """
    counts = {what: op.get_bind().scalar(sa.text(query)) for what, query in _TOO_NEW.items()}
    if any(counts.values()):
        found = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        raise DatabaseUnusable(
            f"schema {down_revision} has no room for {found}; nothing was changed. Restore the copy that"
            " `harness db upgrade` made, or keep this version of the program"
        )
    op.drop_table("result_array")
    with _changed("measurement") as measurement:
        measurement.drop_column("radius")
    _set_training_check(_WITH_EPOCH)
    for table, column in reversed(_NULLABLE):
        _set_nullable(table, column, False)


def _set_nullable(table: str, column: str, nullable: bool) -> None:
    with _changed(table) as changed:
        changed.alter_column(column, existing_type=Whole(), nullable=nullable)


def _set_training_check(text: str) -> None:
    with _changed("training") as training:
        training.drop_constraint(op.f("ck_training_ok_has_weights"), type_="check")
        training.create_check_constraint(op.f("ck_training_ok_has_weights"), text)


def _changed(table: str) -> AbstractContextManager[BatchOperations]:
    """Changes to one table, which SQLite makes by copying it."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    return op.batch_alter_table(table, recreate="always" if sqlite else "never", table_kwargs={"sqlite_strict": True})
