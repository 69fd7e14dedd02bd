"""The page on own code, whose examples tests run."""

from __future__ import annotations

import re
from pathlib import Path

from harness.own_code import OwnCode

PAGE = (Path(__file__).parents[1] / "docs" / "own-code.md").read_text(encoding="utf-8")


def example(language: str, number: int = 0) -> str:
    """The page's first file in a language, or a later one."""
    return str(re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)[number])


CODE = OwnCode((("gradients.py", example("python")),))
PENALTIES = OwnCode((("penalties.py", example("python", 1)),))
CUTOUT = OwnCode((("cutout.py", example("python", 2)),))
TRANSFERRED = OwnCode((("transferred.py", example("python", 3)),))
LIBRARIES = OwnCode((("libraries.py", example("python", 4)),))


def code_of(text: str) -> OwnCode:
    """A file `mine.py` with this text."""
    return OwnCode((("mine.py", text),))
