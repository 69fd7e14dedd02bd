"""From a real database to files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from databases import database_on
from invented import figures_of, results, tables_of
from sqlalchemy import Engine
from study import ARRAYS, CONDITIONS, HOSTILE, OWN, record
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import HarnessError, SpecError, UnknownName
from harness.report.page import page
from harness.report.suite_report import SuiteReport, render_suites
from harness.settings import settings
from harness.store.copying import copy
from harness.store.engine import Database, open_database


def test_the_summary_of_a_real_database(rendered: SuiteReport) -> None:
    table = rendered.tables[0]
    none, hostile, pixel = table.rows
    assert none[:4] == ("none", "2", "81.0 ± 1.0", "41.0 ± 1.0")
    assert hostile[:4] == (HOSTILE, "2", "76.0 ± 1.0", "50.0 (n = 1; 1 failed [1])")
    assert pixel[1] == "0"
    assert pixel[2].startswith("missing: ")
    assert none[4:] == ("4.00 ± 0.00", "5.00 ± 0.00", "4.00 ± 0.00", "51.0 ± 1.0", "2 of 20")


def test_the_differences_say_what_was_measured_where_they_stand_alone(folder: Path) -> None:
    text = (folder / "differences.md").read_text(encoding="utf-8")
    assert "Boundary score: median, over the images that have a start" in text
    assert "Its start: the same of where the attacks start." in text
    assert "All images: the same median" in text
    for name in ("differences", "acceptable"):
        assert "Test images behind each model's number: " in (folder / f"{name}.md").read_text(encoding="utf-8")


def test_every_table_and_figure_is_written_in_every_format(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    for table in ("summary", "differences", "gammas", "acceptable", "missing", "trainings", "evaluations"):
        assert {f"{table}.{kind}" for kind in ("md", "tex", "csv")} <= names
    for figure in ("curves", "boundary", "corruptions", "corruptions-by-severity", "acceptable", "training", "gammas"):
        assert {f"figure-{figure}.{kind}" for kind in ("png", "pdf", "md", "tex", "csv")} <= names
    assert folder.name == "study-small"


def test_a_figure_is_included_with_all_that_the_page_says_of_it(folder: Path) -> None:
    said = "study (small profile: not the paper's scale). Accuracy under perturbations of growing size."
    text = (folder / "figure-curves.tex").read_text(encoding="utf-8")
    assert r"\includegraphics[width=\linewidth]{figure-curves.pdf}" in text
    assert rf"\caption{{{said} Mean over n seeds; bands: SEM." in text
    assert r"}\label{fig:study-small-figure-curves}" in text
    assert (
        (folder / "figure-curves.md")
        .read_text(encoding="utf-8")
        .startswith("![figure-curves](figure-curves.png)\n\n" + said)
    )


def test_csv_holds_fractions_in_full_precision(folder: Path) -> None:
    rows = pd.read_csv(folder / "figure-curves.csv").query("condition == 'none' and epsilon == 0.1")
    assert rows["mean"].item() == pytest.approx(0.41)
    assert rows["n"].item() == 2


def test_every_csv_says_of_which_suite_and_profile_its_numbers_are(folder: Path) -> None:
    for path in folder.glob("*.csv"):
        frame = pd.read_csv(path)
        assert list(frame)[:2] == ["suite", "profile"], path.name
        assert (set(frame["suite"]), set(frame["profile"])) == ({"study"}, {"small"})


def test_latex_files_hold_no_command_of_the_database(folder: Path) -> None:
    for path in folder.glob("*.tex"):
        assert not re.search(r"\\input|(?<!\\)\$x", path.read_text(encoding="utf-8"))


def test_tables_and_page_are_the_same_bytes_again(db: Database, folder: Path, tmp_path: Path) -> None:
    [again] = render_suites(db, ["study"], arrays_dir=ARRAYS, out=tmp_path, profile="small")
    for path in again.written:
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_a_suite_whose_results_are_all_missing_has_a_summary_that_says_so() -> None:
    given = results(seeds=1, epochs=1)
    frames = ("models", "gammas", "curves", "corruptions", "boundary", "acceptable", "epochs", "gamma_epochs")
    empty = replace(given, **{name: getattr(given, name).iloc[:0] for name in frames})
    assert figures_of(empty) == []
    shown = tables_of(empty)
    assert [table.name for table in shown] == ["summary", "missing", "trainings", "evaluations"]
    assert shown[0].rows == tuple((name, "0") for name in given.order)
    assert "No figure has results yet" in page(empty, shown, [], {})


def test_an_unknown_suite_is_refused_with_the_nearest_name(db: Database, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'study'"):
        render_suites(db, ["studi"], arrays_dir=ARRAYS, out=tmp_path)


def test_profiles_without_results_are_refused(db: Database, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="study has no results at profile paper"):
        render_suites(db, ["study"], arrays_dir=ARRAYS, out=tmp_path, profile="paper")
    with pytest.raises(HarnessError, match="database has no results at profile paper yet, but at small: `harness run"):
        render_suites(db, [], arrays_dir=ARRAYS, out=tmp_path, profile="paper")
    with pytest.raises(UnknownName):
        render_suites(db, ["study"], arrays_dir=ARRAYS, out=tmp_path, profile="papper")
    assert not list(tmp_path.iterdir())


def test_an_unknown_format_is_refused(db: Database, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="no format called 'docx'"):
        render_suites(db, ["study"], arrays_dir=ARRAYS, out=tmp_path, formats=["docx"])


def test_a_database_without_results_says_how_to_make_some(tmp_path: Path) -> None:
    with (
        open_database(f"sqlite:///{tmp_path / 'harness.sqlite'}") as empty,
        pytest.raises(HarnessError, match="harness run-suite"),
    ):
        render_suites(empty, [], arrays_dir=ARRAYS, out=tmp_path)


def test_a_folder_that_cannot_be_written_is_named(db: Database, tmp_path: Path) -> None:
    (tmp_path / "study-small").write_text("in the way")
    with pytest.raises(HarnessError, match="study-small"):
        render_suites(db, ["study"], arrays_dir=ARRAYS, out=tmp_path, formats=["md"])


def test_the_command_prints_the_summary_and_what_it_wrote(
    db: Database,
    rendered: SuiteReport,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    with_settings: Callable[..., None],
) -> None:
    asked = {}

    def already(_: Database, suites: list[str], **options: object) -> list[SuiteReport]:
        asked.update(options, suites=suites)
        return [rendered]

    with_settings(database_url=f"sqlite:///{db.path}")
    monkeypatch.setattr("harness.report.suite_report.render_suites", already)
    options = ["--out", str(tmp_path), "--format", "md, html", "--format", "csv", "--A0", "0.8"]
    answer = CliRunner().invoke(app, ["report", "study", *options])
    assert answer.exit_code == 0, answer.output
    assert asked == {
        "suites": ["study"],
        "arrays_dir": settings().arrays_dir,
        "out": tmp_path,
        "profile": None,
        "formats": ["md", "html", "csv"],
        "least_clean_ratio": 0.8,
        "against": None,
    }
    assert "81.0 ± 1.0" in answer.output
    assert "11 results are missing" in answer.output
    assert "report.html" in answer.output.replace("\n", "")


def test_a_report_may_compare_with_another_condition(db: Database, tmp_path: Path) -> None:
    [found] = render_suites(
        db, ["study"], arrays_dir=ARRAYS, out=tmp_path, profile="small", formats=["md"], against="none"
    )
    assert "**Difference to none in" in (found.folder / "differences.md").read_text()


def test_the_conditions_of_a_collection_are_compared_with_none() -> None:
    answer = CliRunner().invoke(app, ["report", "paper", "--against", "none"])
    assert isinstance(answer.exception, SpecError)
    assert "paper is a collection" in str(answer.exception)


def test_no_choice_is_made_in_a_collection() -> None:
    answer = CliRunner().invoke(app, ["select", "paper"])
    assert isinstance(answer.exception, SpecError)
    assert "paper is a collection; select in one of its suites: grayscale-cifar10, " in str(answer.exception)


def test_an_attack_for_the_smallest_perturbation_is_shown_with_its_distance_and_its_curve(tmp_path: Path) -> None:
    """Three seeds: all have an accuracy at size 1, the median of the last is infinite."""
    with open_database(f"sqlite:///{tmp_path / 'harness.sqlite'}") as database:
        gains = {"none": 0.0, "pixel": 0.1}
        record(database, "own", {name: CONDITIONS[name] for name in gains}, gains, evaluations=OWN)
        [found] = render_suites(database, (), arrays_dir=ARRAYS, out=tmp_path)
    tables = {table.name: table for table in found.tables}
    assert tables["summary"].columns[3:] == (
        "ddn\nε = 1 (%)", "ddn\nmedian distance (L2)", "ddn\nnothing found"
    )  # fmt: skip
    none, pixel = tables["summary"].rows
    assert none[3:] == ("32.0 ± 1.2", "0.500 ± 0.000 (n = 2; 1 no number [1])", "70 of 300")
    assert pixel[3:] == ("42.0 ± 1.2", "0.600 ± 0.000 (n = 2; 1 no number [1])", "70 of 300")
    assert tables["summary"].notes[-1] == "[1] no number: the median is infinite"
    [difference] = tables["differences"].rows
    assert difference[-1] == "+0.100 (n = 2)"
    assert (
        "Pairs whose differences are all equal have no interval: they have no scatter." in tables["differences"].notes
    )
    [ratios] = tables["acceptable"].rows
    # R0 - 0.939 U0 is -0.0012, 0 and 0.0012, whose standard error over U0 is 0.00086, of which t makes 0.0037
    assert ratios[:9] == ("pixel", "ddn", "1", "3", "77.0", "82.0", "42.0", "32.0", "0.939 [0.935, 0.943]")
    assert ratios[9].startswith("1.313 [1.2")  # 1.3125
    assert ratios[10] == "acceptable"
    assert "no number" in {row[3] for row in tables["missing"].rows}
    curve = pd.read_csv(found.folder / "figure-curves.csv").query("evaluation == 'ddn' and condition == 'pixel'")
    assert curve.set_index("epsilon")["mean"].to_dict() == pytest.approx({0.0: 0.77, 1.0: 0.42})
    bars = pd.read_csv(found.folder / "figure-distances.csv").set_index("condition")
    assert bars["mean"].to_dict() == pytest.approx({"none": 0.5, "pixel": 0.6})
    assert set(bars["n"]) == {2}
    assert (found.folder / "figure-distances.png").is_file()


@pytest.mark.postgres
def test_a_report_is_the_same_from_both_kinds_of_database(db: Database, tmp_path: Path, server: Engine):
    [here] = render_suites(db, (), arrays_dir=ARRAYS, out=tmp_path / "sqlite")
    with database_on(server, "template0") as url:
        copy(db, url)
        with open_database(url) as other:
            [there] = render_suites(other, (), arrays_dir=ARRAYS, out=tmp_path / "postgresql")
    files = sorted(path.relative_to(here.folder) for path in here.folder.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(there.folder) for path in there.folder.rglob("*") if path.is_file())
    assert [file for file in files if (here.folder / file).read_bytes() != (there.folder / file).read_bytes()] == []
