"""The page on own code, whose example tests run."""

from __future__ import annotations

import re
from pathlib import Path

from harness.own_code import OwnCode

PAGE = (Path(__file__).parents[1] / "docs" / "own-code.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    """The page's file in a language."""
    text, *_ = re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    return str(text)


CODE = OwnCode((("gradients.py", example("python")),))


def code_of(text: str) -> OwnCode:
    """A file `mine.py` with this text."""
    return OwnCode((("mine.py", text),))
