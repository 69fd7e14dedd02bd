from __future__ import annotations

import pytest
from rich.table import Table

from harness.cli.terminal import PIPED_WIDTH, wide_console


def test_names_in_brackets_and_colons_are_written_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("condition")
    table.add_row("threshold[alpha=1]")
    wide_console().print(table)
    wide_console().print("[red]:smile:", soft_wrap=True)
    said = capsys.readouterr().out
    assert "threshold[alpha=1]" in said
    assert said.endswith("[red]:smile:\n")


def test_a_table_has_room_where_there_is_no_screen(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("a", "b")
    table.add_row("x " * 40, "y " * 30)
    wide_console().print(table)
    longest = max(map(len, capsys.readouterr().out.splitlines()))
    assert 140 < longest <= PIPED_WIDTH
