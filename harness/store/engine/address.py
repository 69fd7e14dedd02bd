"""Where a database is: a file, or a server's URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from harness.errors import SpecError


@dataclass(frozen=True)
class Address:
    """An SQLAlchemy URL, as messages and the file system know it."""

    url: URL

    @classmethod
    def parsed(cls, where: str | Path) -> Address:
        """Of a URL's text, or of an SQLite file; raises SpecError for a text that is no URL."""
        if isinstance(where, Path):
            return cls(URL.create("sqlite", database=str(where)))
        try:
            return cls(make_url(where))
        except (ArgumentError, ValueError):  # the latter for a port that is no number
            raise SpecError(
                f"{_without_password(where)!r} is not a database URL;"
                " write sqlite:///FOLDER/FILE or postgresql://USER@HOST/NAME"
            ) from None

    @property
    def file(self) -> Path | None:
        """Of an SQLite database; None for one in memory or on a server."""
        if self.url.get_backend_name() != "sqlite" or self.url.database in {None, "", ":memory:"}:
            return None
        name = str(self.url.database)
        return Path(unquote(name.removeprefix("file:")) if "uri" in self.url.query else name)

    @property
    def title(self) -> str:
        """How messages call it: never with a password, wherever in the URL it stands."""
        shown = self.url.update_query_dict({name: "***" for name in self.url.query if "password" in name})
        return str(self.file or shown.render_as_string(hide_password=True))


def _without_password(text: str) -> str:
    """What should have been a URL, without what may be a password in it."""
    return re.sub(r"(password=)[^&]*", r"\1***", re.sub(r":.*@", ":***@", text))
