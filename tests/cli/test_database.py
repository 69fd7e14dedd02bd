"""`harness db ...` and `harness sql`, as a user types them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from screen import on_a_terminal
from sqlalchemy import text
from typer.testing import CliRunner, Result

from harness.cli.database import database_app
from harness.cli.sql import sql
from harness.errors import DatabaseUnusable, HarnessError, ResultsBusy, SpecError
from harness.settings import settings
from harness.store.engine import open_database
from harness.store.views import PUBLIC
from harness.suites.results_folder import lock_folder


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_settings: Callable[..., None]) -> Path:
    """A results folder with a database in it."""
    monkeypatch.delenv("HARNESS_DATABASE_URL", raising=False)
    with_settings(results_dir=tmp_path)
    with open_database(settings().database) as db, db.transaction() as session:
        session.execute(
            text("INSERT INTO suite (name, profile, title, planned_at) VALUES ('study', 'smoke', 'A [b]', '2026')")
        )
    return tmp_path


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.add_typer(database_app, name="db")
    app.command()(sql)
    return CliRunner().invoke(app, arguments)


WIDE = "SELECT " + ", ".join(f"'value-of-a-cell' AS column_{number}" for number in range(20))


def test_sql_prints_a_table() -> None:
    result = run("sql", "SELECT name, title, NULL AS empty, 0.25 AS quarter FROM suite")
    assert result.exit_code == 0
    header, _, row, count = (line.split() for line in result.output.splitlines() if line.strip())
    assert header == ["name", "title", "empty", "quarter"]
    assert row == ["study", "A", "[b]", "0.25"]
    assert count == ["1", "row"]


def test_sql_prints_whole_lines_into_a_file_however_wide_they_are() -> None:
    header, _, row, _ = (line.split() for line in run("sql", WIDE).output.splitlines() if line.strip())
    assert header == [f"column_{number}" for number in range(20)]
    assert row == ["value-of-a-cell"] * 20


def test_sql_prints_values_below_one_another_on_a_terminal_that_is_too_narrow(results: Path) -> None:
    lines = on_a_terminal("sql", WIDE, columns=80)
    assert lines[:3] == ["row 1", "  column_0   value-of-a-cell", "  column_1   value-of-a-cell"]
    assert lines[20:] == ["  column_19  value-of-a-cell", "1 row"]
    header, *_ = on_a_terminal("sql", WIDE, columns=400)
    assert header.split() == [f"column_{number}" for number in range(20)]


def test_sql_prints_csv() -> None:
    result = run("sql", "SELECT name, NULL AS empty, 0.25 AS quarter FROM suite", "--csv")
    assert result.output == "name,empty,quarter\nstudy,,0.25\n"


def test_sql_answers_the_name_of_a_view() -> None:
    assert run("sql", "v_acceptable", "--csv").output.endswith("clean_ratio,distorted_ratio,acceptable\n")


@pytest.mark.parametrize(("query", "why"), [("SELECT nonsense", "nonsense"), ("DELETE FROM suite", "only queries")])
def test_sql_that_is_wrong_or_writes_is_refused_in_one_line(query: str, why: str) -> None:
    error = run("sql", query).exception
    assert isinstance(error, SpecError)
    assert error.exit_code == 2
    assert why in str(error)
    assert "\n" not in str(error)
    assert "study" in run("sql", "suite", "--csv").output


def test_check_says_sound_and_counts() -> None:
    output = run("db", "check").output
    assert "sound" in output
    assert ["suite", "1"] in [line.split() for line in output.splitlines()]


def test_check_reports_damage(results: Path) -> None:
    file = results / "harness.sqlite"
    content = bytearray(file.read_bytes())
    content[-4096:] = b"\xff" * 4096
    file.write_bytes(content)
    assert isinstance(run("db", "check").exception, DatabaseUnusable)


def test_backup_says_where_it_is(results: Path) -> None:
    output = run("db", "backup", str(results / "copy.sqlite")).output
    assert "copy.sqlite: checked, sound" in output.replace("\n", "")
    assert (results / "copy.sqlite").exists()
    assert isinstance(run("db", "backup", str(results / "copy.sqlite")).exception, HarnessError)


def test_export_writes_a_file_per_view(results: Path) -> None:
    assert run("db", "export").exit_code == 0
    assert (results / "export" / "v_models.csv").read_text().startswith("suite,profile,condition")
    assert run("db", "export", "--out", str(results / "other")).exit_code == 0
    assert len(list((results / "other").iterdir())) == len(PUBLIC)


def test_copy_says_what_it_did_and_refuses_to_do_it_twice(results: Path) -> None:
    target = f"sqlite:///{results / 'copy' / 'copy.sqlite'}"
    output = run("db", "copy", "--to", target).output
    assert ["suite", "1"] in [line.split()[:2] for line in output.splitlines()]
    assert "copy.sqlite: compared, the same" in output
    error = run("db", "copy", "--to", target).exception
    assert isinstance(error, DatabaseUnusable)
    assert "is not empty, it has rows in suite; a copy needs a database of its own" in str(error)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cret@127.0.0.1:9/results",
        "postgresql://me@127.0.0.1:9/results?password=s3cret",
        "postgresql://me:s3cret@127.0.0.1:port/results",
        "postgresql:/me:s3/cr@s3cret@127.0.0.1/results",
    ],
)
def test_no_message_has_a_password_in_it(url: str, with_settings: Callable[..., None]) -> None:
    copied = run("db", "copy", "--to", url)
    with_settings(database_url=url)
    for result in (copied, run("db", "check")):
        assert isinstance(result.exception, HarnessError)
        assert "s3cret" not in f"{result.exception}{result.output}"


@pytest.mark.parametrize("url", ["results.sqlite", "sqlite://", "oracle://me@host/db"])
def test_a_url_of_no_database_is_a_wrong_setting_like_others(url: str, with_settings: Callable[..., None]) -> None:
    copied = run("db", "copy", "--to", url)
    with_settings(database_url=url)
    for error in (copied.exception, run("db", "check").exception):
        assert isinstance(error, HarnessError)
        assert error.exit_code == 2


def test_a_database_that_a_run_works_on_is_not_upgraded(results: Path) -> None:
    """The run would go on as the older version does."""
    with lock_folder(results):
        assert isinstance(run("db", "upgrade").exception, ResultsBusy)


def test_upgrade_says_when_there_is_nothing_to_do() -> None:
    assert "nothing to do" in run("db", "upgrade").output


@pytest.mark.parametrize("command", [("sql", "v_models"), ("db", "check"), ("db", "backup"), ("db", "export")])
def test_without_a_database_every_command_says_how_to_get_one(results: Path, command: tuple[str, ...]) -> None:
    for file in results.glob("harness.sqlite*"):
        file.unlink()
    error = run(*command).exception
    assert isinstance(error, DatabaseUnusable)
    assert "no results yet" in str(error)
    assert "harness run-suite" in str(error)
