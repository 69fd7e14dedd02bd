from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.report.files import folder_of


def test_suites_whose_names_differ_in_any_letter_have_folders_of_their_own(tmp_path: Path) -> None:
    names = ["a.b-paper", "a_b-paper", "a+b-paper"]
    assert [folder_of(tmp_path, name).name for name in names] == names


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(HarnessError, match=r"out/a-paper cannot be made: .*; name another folder with --out"):
        folder_of(tmp_path / "out", "a-paper")
