from __future__ import annotations

import dataclasses
import inspect
import pickle
from pathlib import Path

import pytest
from own_code import CODE, code_of

from harness import own_code
from harness.errors import HarnessError
from harness.own_code import OwnCode, sha256_of
from harness.suites.own_source import read_code


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


def test_own_code_goes_to_other_processes() -> None:
    assert pickle.loads(pickle.dumps(CODE)) == CODE
    assert hash(CODE) == hash(OwnCode(CODE.sources))


def test_only_the_files_that_are_named_are_kept() -> None:
    code = OwnCode((("a.py", "x = 1"), ("b.py", "x = 2")))
    assert code.only(["b.py:x"]) == OwnCode((("b.py", "x = 2"),))
    assert code.only([]) == OwnCode()


def test_what_ran_can_be_read_under_its_digest(tmp_path: Path) -> None:
    [(_, text)] = CODE.sources
    own_code.keep(CODE, tmp_path / "code")
    own_code.keep(CODE, tmp_path / "code")
    [kept] = (tmp_path / "code").iterdir()
    assert kept.name == f"gradients-{sha256_of(text)}.py"
    assert kept.read_text() == text
    files = {"gradients.py": sha256_of(text)}
    assert own_code.kept(tmp_path / "code", files) == CODE
    kept.write_text(f"{text}\n")
    with pytest.raises(HarnessError, match=rf"{kept.name}, .* is gone or altered; put back the file"):
        own_code.kept(tmp_path / "code", files)
    (tmp_path / "file").touch()
    with pytest.raises(HarnessError, match="cannot write"):
        own_code.keep(CODE, tmp_path / "file")
