"""Trained models say whether the checkout had changes that were not committed."""

from __future__ import annotations

revision = "0006"
down_revision = "0005"
VIEWS = "cd270542a4bd0d20"
"""Digest of the views that belong to this version."""


def upgrade() -> None:
    """No table changes: the views are made again when the newest version is reached."""


def downgrade() -> None:
    """No table changes."""
