from __future__ import annotations

import pytest
from rich.table import Table
from screen import on_a_terminal

from harness.cli.terminal import PIPED_WIDTH, wide_console
from harness.data.weights import WEIGHTS
from harness.suites.registry import suite_files


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


@pytest.mark.parametrize(("command", "names"), [("list", [*suite_files()]), ("data list", [*WEIGHTS])])
def test_names_that_are_to_be_typed_are_whole_on_a_screen_of_80_columns(command: str, names: list[str]) -> None:
    lines = on_a_terminal(*command.split(), columns=80)
    assert "…" not in "".join(lines)
    firsts = {line.strip("│ ").split(" ")[0] for line in lines}
    assert {*names} <= firsts


def test_numbers_are_whole_on_a_screen_that_is_too_narrow() -> None:
    lines = on_a_terminal("show", "quickstart", "--profile", "smoke", columns=60)
    assert "…" not in "".join(lines)
