"""Where data came from, as every manifest says it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from harness import __version__
from harness.data.manifest_file import Record
from harness.files import file_sha256

Kind = Literal["download", "import", "bundled", "generated", "stand-in"]
Made = Literal[Kind, "recorded"]
"""Similarities of real recordings are as good as real, though made here."""


class Origin(Record):
    """Where data came from. It is stored with every result; it is not part of the content's digest."""

    kind: Kind
    """`generated`: made here of other data; `stand-in`: made here for want of the real data, to try the mechanics."""
    source: str
    """Archive, folder, package or set that they were read from, without its path."""
    sha256: str | None = None
    """Of the source archive, where there is one."""
    importer: str
    """Version of the harness that brought or made them."""

    @property
    def title(self) -> str:
        """As lists show it."""
        return f"{self.kind}, {self.source}"

    @property
    def text(self) -> str:
        """As the database has it."""
        return origin_text(self.kind, self.source)

    @property
    def stand_in(self) -> bool:
        """Made for want of the real data, or of such data."""
        return self.kind == "stand-in"

    @property
    def generated(self) -> bool:
        """Made by this program, stand-ins too."""
        return self.kind in {"generated", "stand-in"}

    @property
    def of_derived(self) -> Literal["generated", "stand-in"]:
        """The kind of what this program makes of it: of a stand-in another one."""
        return "stand-in" if self.stand_in else "generated"


def origin_text(kind: Made, source: str) -> str:
    """An origin as the database has it, which `is_stand_in` reads."""
    return f"{kind}: {source}"


def is_stand_in(text: str) -> bool:
    """Whether the database's text of an origin is that of a stand-in."""
    return text.startswith(origin_text("stand-in", ""))


def new_origin(kind: Kind, source: str, sha256: str | None = None) -> Origin:
    """The origin of what this version of the harness brings or makes."""
    shown = os.fsencode(source).decode(errors="replace")  # a file's name need not be text; a manifest is
    return Origin(kind=kind, source=shown, sha256=sha256, importer=__version__)


def origin_of(path: Path, kind: Literal["import", "download"] = "import", made: str = "") -> Origin:
    """The origin of what a folder or archive holds; made: what was made of it."""
    return new_origin(kind, path.resolve().name + made, file_sha256(path) if path.is_file() else None)
