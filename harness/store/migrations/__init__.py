"""Schema versions, run by alembic from inside the program: users need no alembic.ini.

Views and comments hold no data, so no migration carries them: views are dropped before the tables change, and both
are made again, in their present form, when the newest version is reached. A changed view therefore needs a revision
too (an empty one will do); a test reminds.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.schema import SetColumnComment

from harness.store import schema, views

FOLDER = Path(__file__).parent
VERSIONS = tuple(sorted(path.stem[1:5] for path in (FOLDER / "versions").glob("r[0-9]*.py")))
"""All schema versions that this program knows, oldest first."""
NEWEST = VERSIONS[-1]


def version(connection: Connection) -> str | None:
    """The database's schema version; None if it has none."""
    if "alembic_version" not in inspect(connection).get_table_names():
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def migrate(connection: Connection, to: str | None = None) -> None:
    """Bring tables and views to a schema version, inside the connection's transaction.

    to: the newest by default; "base" for none at all.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    to = to or NEWEST
    here = version(connection)
    _drop_views(connection)
    (command.upgrade if to != "base" and (here or "") <= to else command.downgrade)(config, to)
    if to == NEWEST:
        for view in views.VIEWS:
            connection.execute(text(views.statement(view)))
        _comment(connection)


def _drop_views(connection: Connection) -> None:
    """Remove the views that are there, also those of an older version of this program."""
    there = [name for name in inspect(connection).get_view_names() if name.startswith(("v_", "placed_"))]
    order = list(views.VIEWS)
    for name in sorted(there, key=lambda name: order.index(name) if name in order else -1, reverse=True):
        connection.execute(text(f"DROP VIEW {name}"))


def _comment(connection: Connection) -> None:
    """Writes the data dictionary into a database that has a place for it."""
    if connection.dialect.supports_comments:
        for table in schema.Base.metadata.tables.values():
            for column in filter(lambda column: column.comment, table.columns):
                connection.execute(SetColumnComment(column))
