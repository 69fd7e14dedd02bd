"""What alembic runs for each migration: it uses the connection, and so the transaction, that it is given."""

from __future__ import annotations

from alembic import context

from harness.store.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
