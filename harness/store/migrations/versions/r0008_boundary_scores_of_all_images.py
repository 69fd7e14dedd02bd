"""The view of Boundary attacks has a score over all images, those without a start among them."""

from __future__ import annotations

revision = "0008"
down_revision = "0007"
VIEWS = "a0f7081bf72fd87e"
"""Digest of the views that belong to this version."""


def upgrade() -> None:
    """Views are made anew in any case."""


def downgrade() -> None:
    """Views are made anew in any case."""
