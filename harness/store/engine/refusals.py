"""Every error of a database as one sentence of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DataError, IntegrityError, StatementError

from harness.errors import DatabaseAway, DatabaseLocked, DatabaseUnusable, ResultRefused
from harness.store.engine.address import Address
from harness.store.engine.dialect import dialect_of
from harness.store.engine.patience import LOCKED


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """SQLAlchemy's errors in our words.

    Raises:
        DatabaseUnusable: what a user can put right.
        ResultRefused: a value that no table takes.
    """
    try:
        yield
    except UnicodeDecodeError as error:  # the driver's, of a message that quotes a damaged name
        raise DatabaseUnusable(f"{Address(url).title} {dialect_of(url).sentence(error)}") from error
    except StatementError as error:
        title, dialect = Address(url).title, dialect_of(url)
        sentence = dialect.sentence(error.orig)
        if sentence is not None:
            if sentence == LOCKED:
                raise DatabaseLocked(f"{title} {sentence}") from error
            refusal = DatabaseAway if dialect.is_away(error.orig) else DatabaseUnusable
            raise refusal(f"{title} {sentence}") from error
        if dialect.lacks_schema(error.orig):  # its version says that it has all that this program asks for
            raise DatabaseUnusable(
                f"{title} is damaged; restore the newest backup: a table or column is missing"
            ) from error
        if isinstance(error, IntegrityError | DataError) or isinstance(error.orig, ValueError | TypeError):
            raise ResultRefused(
                f"{title} does not take this result: {error.orig}. That is a defect of this program: please report it"
            ) from error
        raise
