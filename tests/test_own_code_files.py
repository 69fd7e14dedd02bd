from __future__ import annotations

import dataclasses
import inspect
import pickle
from pathlib import Path

import pytest
from own_code import CODE, code_of

from harness import own_code
from harness.errors import HarnessError, SpecError
from harness.own_code import OwnCode, names_in, read_code, sha256_of, signature_in


def test_a_function_is_that_of_the_text_and_not_of_a_file_that_changed_since(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def number():\n    return 1\n")
    before = code_of(read_code(tmp_path, "mine.py"))
    (tmp_path / "mine.py").write_text("def number():\n    return 2\n")
    after = code_of(read_code(tmp_path, "mine.py"))
    assert [code.function("mine.py:number")() for code in (before, after, before)] == [1, 2, 1]


def test_a_text_is_run_once_in_a_process() -> None:
    code = code_of("import itertools\ncalls = itertools.count()\ndef call():\n    return next(calls)\n")
    assert [code.function("mine.py:call")() for _ in range(3)] == [0, 1, 2]


def test_what_is_run_anew_knows_nothing_of_before() -> None:
    code = code_of("import itertools\ncalls = itertools.count()\ndef call():\n    return next(calls)\n")
    found = []
    for _ in range(2):
        code.run()
        found += [code.function("mine.py:call")() for _ in range(2)]
    assert found == [0, 1, 0, 1]


def test_its_source_is_its_own_and_not_that_of_a_file_in_the_current_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("def number():\n    return 2\n")
    code = code_of("def number():\n    return 1\n")
    code.run()
    assert inspect.getsource(code.function("mine.py:number")) == "def number():\n    return 1\n"


def test_a_byte_order_mark_is_no_part_of_the_code(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_bytes("\ufeffx = 1\r\n".encode())
    assert read_code(tmp_path, "mine.py") == "x = 1\r\n"


def test_code_that_failed_when_it_was_run_is_run_again() -> None:
    code = code_of("import torch\nraise ValueError('too early')\ndef f(): ...\n")
    for _ in range(2):
        with pytest.raises(ValueError, match="too early"):
            code.function("mine.py:f")


def test_what_needs_its_module_finds_it() -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\n"
    )
    made = code_of(text).function("mine.py:A")()
    assert dataclasses.asdict(pickle.loads(pickle.dumps(made))) == {"x": 1}


def test_annotations_are_what_the_file_says() -> None:
    code = OwnCode((("typed.py", "def attack(images: list) -> int: ..."),))
    assert code.function("typed.py:attack").__annotations__ == {"images": list, "return": int}


def test_code_that_python_warns_of_is_read_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def same(x): return x is 'y\\d'\n")
    assert names_in(read_code(tmp_path, "mine.py")) == {"same"}


def test_own_code_goes_to_other_processes() -> None:
    assert pickle.loads(pickle.dumps(CODE)) == CODE
    assert hash(CODE) == hash(OwnCode(CODE.sources))


def test_only_the_files_that_are_named_are_kept() -> None:
    code = OwnCode((("a.py", "x = 1"), ("b.py", "x = 2")))
    assert code.only(["b.py:x"]) == OwnCode((("b.py", "x = 2"),))
    assert code.only([]) == OwnCode()


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
        (b"#" * (own_code.MOST_BYTES + 1), "has more than 1 MB"),
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


def test_what_ran_can_be_read_under_its_digest(tmp_path: Path) -> None:
    [(_, text)] = CODE.sources
    own_code.keep(CODE, tmp_path / "code")
    own_code.keep(CODE, tmp_path / "code")
    [kept] = (tmp_path / "code").iterdir()
    assert kept.name == f"gradients-{sha256_of(text)}.py"
    assert kept.read_text() == text
    assert own_code.kept(tmp_path / "code", {"gradients.py": sha256_of(text)}) == CODE
    (tmp_path / "file").touch()
    with pytest.raises(HarnessError, match="cannot write"):
        own_code.keep(CODE, tmp_path / "file")
