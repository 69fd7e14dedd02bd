"""From a real database to files."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from databases import database_on
from invented import results
from sqlalchemy import Engine
from study import CONDITIONS, HOSTILE, OWN, record
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import HarnessError, UnknownName
from harness.report.claims.findings import Findings
from harness.report.figures.drawings import drawings
from harness.report.page import page
from harness.report.results import _refuse_twins, read_results
from harness.report.suite_report import SuiteReport, render_suites, suite_tables
from harness.settings import settings
from harness.store.copying import copy
from harness.store.engine import Database, open_database
from harness.store.origins import SplitOrigin


class Tags(HTMLParser):
    """Every start tag of a page with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_results_are_read_in_the_suites_order(db: Database) -> None:
    found = read_results(db, "study", "small")
    assert found.order == ("none", HOSTILE, "pixel")
    assert found.title == "What does it do?"
    assert len(found.curves) == 2 * 3
    assert set(found.missing["state"]) == {"diverged", "blocked", "failed", "waiting"}


def test_the_summary_of_a_real_database(rendered: SuiteReport) -> None:
    table = rendered.tables[0]
    none, hostile, pixel = table.rows
    assert none[:4] == ("none", "2", "81.0 ± 1.0", "41.0 ± 1.0")
    assert hostile[:4] == (HOSTILE, "2", "76.0 ± 1.0", "50.0 (n = 1; 1 failed [1])")
    assert pixel[1] == "0"
    assert pixel[2].startswith("missing: ")
    assert none[4:] == ("4.00 ± 0.00", "5.00 ± 0.00", "51.0 ± 1.0", "2 of 20")


def test_every_table_and_figure_is_written_in_every_format(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    for table in ("summary", "differences", "gammas", "acceptable", "missing"):
        assert {f"{table}.{kind}" for kind in ("md", "tex", "csv")} <= names
    for figure in ("curves", "boundary", "corruptions", "corruptions-by-severity", "acceptable", "training", "gammas"):
        assert {f"figure-{figure}.{kind}" for kind in ("png", "pdf", "csv")} <= names
    assert folder.name == "study-small"


def test_csv_holds_fractions_in_full_precision(folder: Path) -> None:
    rows = pd.read_csv(folder / "figure-curves.csv").query("condition == 'none' and epsilon == 0.1")
    assert rows["mean"].item() == pytest.approx(0.41)
    assert rows["n"].item() == 2


def test_the_page_needs_nothing_from_elsewhere(rendered: SuiteReport) -> None:
    assert rendered.page is not None
    text = rendered.page.read_text(encoding="utf-8")
    for _, attributes in Tags(text).found:
        for key in ("src", "href"):
            assert (attributes.get(key) or "#").startswith(("data:", "#"))
    assert "url(" not in text


def test_the_page_shows_names_and_reasons_as_text(rendered: SuiteReport) -> None:
    assert rendered.page is not None
    text = rendered.page.read_text(encoding="utf-8")
    assert "script" not in {tag for tag, _ in Tags(text).found}
    assert "&lt;script&gt;alert(1)" in text


def test_the_page_tells_profile_and_provenance(rendered: SuiteReport) -> None:
    assert rendered.page is not None
    text = rendered.page.read_text(encoding="utf-8")
    for told in (
        "Small profile: not the paper&#39;s scale",
        "Test CPU",
        "torch 2.14.1",
        "<dt>Trained in</dt><dd>float32</dd>",
        "<dt>Evaluated in</dt><dd>float32</dd>",
        "c" * 40 + "+changes",
        "a" * 16,
    ):
        assert told in text
    assert "harness run-suite study --profile small" in text
    assert "epoch 1, step 3: loss is nan" in text


def test_latex_files_hold_no_command_of_the_database(folder: Path) -> None:
    for path in folder.glob("*.tex"):
        assert not re.search(r"\\input|(?<!\\)\$x", path.read_text(encoding="utf-8"))


def test_tables_and_page_are_the_same_bytes_again(db: Database, folder: Path, tmp_path: Path) -> None:
    [again] = render_suites(db, ["study"], out=tmp_path, profile="small")
    for path in again.written:
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_a_suite_whose_results_are_all_missing_has_a_summary_that_says_so() -> None:
    given = results(seeds=1, epochs=1)
    frames = ("models", "gammas", "curves", "corruptions", "boundary", "acceptable", "epochs", "gamma_epochs")
    empty = replace(given, **{name: getattr(given, name).iloc[:0] for name in frames})
    assert drawings(empty, 0.9) == []
    shown = suite_tables(empty, Findings(profile="small"), 0.9)
    assert [table.name for table in shown] == ["summary", "missing"]
    assert shown[0].rows == tuple((name, "0") for name in given.order)
    assert "No figure has results yet" in page(empty, shown, [], {})


def test_evaluations_that_the_views_cannot_tell_apart_are_not_mixed(db: Database) -> None:
    twice = pd.DataFrame({"suite": "study", "condition": "none", "seed": [0, 0], "steps": 50})
    with pytest.raises(HarnessError, match="two Boundary attacks with the same steps"):
        _refuse_twins(twice, ["condition", "seed", "steps"], "Boundary attacks with the same steps")


def test_generated_images_are_marked(db: Database) -> None:
    assert results().remark == "Generated images: cifar10-c."
    assert read_results(db, "study", "small").remark == ""


def test_what_was_made_of_test_images_is_not_told_of_where_it_is_not_shown() -> None:
    assert results().remark_on(corrupted=True) == "Generated images: cifar10-c."
    assert results().remark_on(corrupted=False) == ""
    remarks = {drawing.name: drawing.remark(results()) for drawing in drawings(results(), 0.9)}
    assert {name for name, remark in remarks.items() if remark} == {"corruptions-by-severity", "corruptions"}


@pytest.mark.parametrize(
    ("name", "split", "n", "told"),
    [
        ("mnist", "test", 120, "Parts of the official sets: mnist."),
        ("mnist", "test", 10_000, ""),
        ("imagenet", "train", 1000, ""),
        ("v1", "neural", 64, ""),
    ],
)
def test_a_part_of_an_official_set_is_called_one(name: str, split: str, n: int, told: str) -> None:
    part = SplitOrigin(name=name, split=split, sha256="ef" * 32, n=n, generated=False, origin="import: folder")
    given = results()
    assert replace(given, origins=replace(given.origins, data=(part,))).remark == told


def test_stand_ins_are_told_apart_from_generated_images() -> None:
    given = results()
    stand_in = SplitOrigin(
        name="cifar100", split="train", sha256="ef" * 32, n=9, generated=True, origin="stand-in: patterns"
    )
    marked = replace(given, origins=replace(given.origins, data=(*given.origins.data, stand_in)))
    assert marked.remark == "Stand-ins: cifar100. Generated images: cifar10-c."
    text = page(marked, [], [], {})
    assert f'<dd class="generated">{marked.remark}</dd>' in text
    assert '<td class="generated">stand-in: patterns</td>' in text


def test_an_unknown_suite_is_refused_with_the_nearest_name(db: Database, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'study'"):
        render_suites(db, ["studi"], out=tmp_path)


def test_profiles_without_results_are_refused(db: Database, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="study has no results at profile paper"):
        render_suites(db, ["study"], out=tmp_path, profile="paper")
    with pytest.raises(UnknownName):
        render_suites(db, ["study"], out=tmp_path, profile="papper")
    assert not list(tmp_path.iterdir())


def test_an_unknown_format_is_refused(db: Database, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="no format called 'docx'"):
        render_suites(db, ["study"], out=tmp_path, formats=["docx"])


def test_a_database_without_results_says_how_to_make_some(tmp_path: Path) -> None:
    empty = open_database(f"sqlite:///{tmp_path / 'harness.sqlite'}")
    with pytest.raises(HarnessError, match="harness run-suite"):
        render_suites(empty, [], out=tmp_path)
    empty.close()


def test_a_folder_that_cannot_be_written_is_named(db: Database, tmp_path: Path) -> None:
    (tmp_path / "study-small").write_text("in the way")
    with pytest.raises(HarnessError, match="study-small"):
        render_suites(db, ["study"], out=tmp_path, formats=["md"])


def test_the_command_prints_the_summary_and_what_it_wrote(
    db: Database, rendered: SuiteReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def already(_: Database, suites: list[str], **options: object) -> list[SuiteReport]:
        asked.update(options, suites=suites)
        return [rendered]

    monkeypatch.setenv("HARNESS_DATABASE_URL", f"sqlite:///{db.path}")
    monkeypatch.setattr("harness.report.suite_report.render_suites", already)
    settings.cache_clear()
    answer = CliRunner().invoke(app, ["report", "study", "--out", str(tmp_path), "--format", "md, html", "--A0", "0.8"])
    settings.cache_clear()
    assert answer.exit_code == 0, answer.output
    assert asked == {
        "suites": ["study"],
        "out": tmp_path,
        "profile": None,
        "formats": ["md", "html"],
        "least_clean_ratio": 0.8,
    }
    assert "81.0 ± 1.0" in answer.output
    assert "11 results are missing" in answer.output
    assert "report.html" in answer.output.replace("\n", "")


def test_an_attack_for_the_smallest_perturbation_is_shown_with_its_distance_and_its_curve(tmp_path: Path) -> None:
    """Three seeds: all have an accuracy at size 1, the median of the last is infinite."""
    with closing(open_database(f"sqlite:///{tmp_path / 'harness.sqlite'}")) as database:
        gains = {"none": 0.0, "pixel": 0.1}
        record(database, "own", {name: CONDITIONS[name] for name in gains}, gains, evaluations=OWN)
        [found] = render_suites(database, (), out=tmp_path)
    tables = {table.name: table for table in found.tables}
    assert tables["summary"].columns[3:] == (
        "ddn\nε = 1 (%)", "ddn\nmedian distance (L2)", "ddn\nnothing found"
    )  # fmt: skip
    none, pixel = tables["summary"].rows
    assert none[3:] == ("32.0 ± 1.2", "0.500 ± 0.000 (n = 2; 1 no number [1])", "70 of 300")
    assert pixel[3:] == ("42.0 ± 1.2", "0.600 ± 0.000 (n = 2; 1 no number [1])", "70 of 300")
    assert tables["summary"].notes[-1] == "[1] no number: the median is infinite"
    [difference] = tables["differences"].rows
    assert difference[-1] == "+0.100 [+0.100, +0.100] (n = 2)"
    [ratios] = tables["acceptable"].rows
    assert ratios == (
        "pixel", "ddn", "1", "3", "77.0", "82.0", "42.0", "32.0", "0.939", "1.312", "acceptable"
    )  # fmt: skip
    assert "no number" in {row[3] for row in tables["missing"].rows}
    curve = pd.read_csv(found.folder / "figure-curves.csv").query("evaluation == 'ddn' and condition == 'pixel'")
    assert curve.set_index("epsilon")["mean"].to_dict() == pytest.approx({0.0: 0.77, 1.0: 0.42})
    bars = pd.read_csv(found.folder / "figure-distances.csv").set_index("condition")
    assert bars["mean"].to_dict() == pytest.approx({"none": 0.5, "pixel": 0.6})
    assert set(bars["n"]) == {2}
    assert (found.folder / "figure-distances.png").is_file()


@pytest.mark.postgres
def test_a_report_is_the_same_from_both_kinds_of_database(db: Database, tmp_path: Path, server: Engine):
    [here] = render_suites(db, (), out=tmp_path / "sqlite")
    with database_on(server, "template0") as url:
        copy(db, url)
        with closing(open_database(url)) as other:
            [there] = render_suites(other, (), out=tmp_path / "postgresql")
    files = sorted(path.relative_to(here.folder) for path in here.folder.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(there.folder) for path in there.folder.rglob("*") if path.is_file())
    assert [file for file in files if (here.folder / file).read_bytes() != (there.folder / file).read_bytes()] == []
