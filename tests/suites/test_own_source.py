from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import SpecError
from harness.suites.own_source import MOST_BYTES, names_in, read_code, signature_in


def test_a_byte_order_mark_is_no_part_of_the_code(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_bytes("\ufeffx = 1\r\n".encode())
    assert read_code(tmp_path, "mine.py") == "x = 1\r\n"


def test_code_that_python_warns_of_is_read_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def same(x): return x is 'y\\d'\n")
    assert names_in(read_code(tmp_path, "mine.py")) == {"same"}


def test_names_are_found_without_running_anything() -> None:
    text = """
raise SystemExit
import numpy as np
from torch.nn import Linear, Conv2d as Conv
made = lambda x: x
left, [right, *others] = again = make(made)
made.part, made[again] = left
class Network: ...
def attack():
    def inner(): ...
typed: object = made
async def later(): ...
if made:
    def one_way(): ...
else:
    try:
        def other_way(): ...
    except ImportError:
        def last_way(): ...
for one in others:
    def looped(): ...
"""
    expected = {
        "np",
        "Linear",
        "Conv",
        "made",
        "left",
        "right",
        "others",
        "again",
        "Network",
        "attack",
        "typed",
        "later",
        "one_way",
        "other_way",
        "last_way",
        "looped",
    }
    assert names_in(text) == expected


SIGNATURES = """
def attack(model, /, images, labels=None, *more, steps, rate=0.1, **rest): ...
@decorated
def unknown(images): ...
class Network:
    def __init__(self, channels, *, depth=3): ...
class Inherited(Network): ...
from elsewhere import imported
"""


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("attack", "(model, /, images, labels=None, *more, steps, rate=None, **rest)"),
        ("Network", "(channels, *, depth=None)"),
        ("unknown", "None"),
        ("Inherited", "None"),
        ("imported", "None"),
    ],
)
def test_signatures_are_found_without_running_anything(name: str, signature: str) -> None:
    assert str(signature_in(SIGNATURES, name)) == signature


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"def f(:\n", "line 1 is not Python: "),
        (b"x = 1\0", "is not Python: "),
        (b"def penalty(model, images, images): ...\n", "line 1 is not Python: duplicate argument 'images'"),
        (b"-" * 100_000 + b"1\n", "is not Python: "),
        (b"x = 1\nreturn x\n", "line 2 is not Python: 'return' outside function"),
        (b"# \xff\n", "is not Python: "),
        (b"#" * (MOST_BYTES + 1), "has more than 1 MB"),
    ],
)
def test_a_file_that_is_no_code_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_bytes(content)
    with pytest.raises(SpecError, match=rf"mine\.py.*{said}"):
        read_code(tmp_path, "mine.py")


@pytest.mark.parametrize(
    "line",
    ["import helper", "import torch, helper.parts as parts", "from helper import f", "from . import helper"],
)
@pytest.mark.parametrize("beside", ["helper.py", "helper/__init__.py", "helper/parts.py"])
@pytest.mark.parametrize("importable", [False, True])
def test_an_import_of_a_file_beside_it_is_refused_even_where_python_would_find_it(
    line: str, beside: str, importable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / beside).parent.mkdir(exist_ok=True)
    (tmp_path / beside).touch()
    (tmp_path / "mine.py").write_text(f"def attack():\n    {line}\n")
    if importable:  # as of `python -m harness` in that folder
        monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SpecError, match=r"mine\.py: line 2 imports helper, .* so put what it needs into mine\.py"):
        read_code(tmp_path, "mine.py")


def test_what_is_installed_may_be_imported_whatever_lies_beside(tmp_path: Path) -> None:
    text = "import sys\nimport numpy.linalg\nfrom torch import nn\nimport not_here\n"
    (tmp_path / "mine.py").write_text(text)
    for name in ("sys", "numpy", "torch"):
        (tmp_path / f"{name}.py").touch()
    assert read_code(tmp_path, "mine.py") == text


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"mine\.py cannot be read: No such file"):
        read_code(tmp_path, "mine.py")
    with pytest.raises(SpecError, match=r"mine\.py lies beside your own suites, but HARNESS_EXPERIMENTS_DIR is not"):
        read_code(None, "mine.py")
