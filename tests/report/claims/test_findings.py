"""From a real database to verdicts, in the command and on the page."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event
from study import ARRAYS, NONE, record
from typer.testing import CliRunner, Result

from harness.cli import app
from harness.errors import UnknownName
from harness.report.claims.findings import Findings, read_findings
from harness.report.claims.paper import CLAIMS
from harness.report.suite_report import SuiteReport, render_suites
from harness.spec.training import RegularizerSpec
from harness.store.engine import Database, open_database

SUITE = "regularization-sets"
SETS = ("cifar10", "cifar100", "imagenet")


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The suite that says most, with regularized models that are better at `small` and worse at `smoke`."""
    conditions = {"none": NONE} | {
        name: NONE.replaced(
            regularizer=RegularizerSpec(target="threshold", alpha=10 + i, threshold=0.8, images="digits", n_images=100)
        )
        for i, name in enumerate(SETS)
    }
    file = tmp_path_factory.mktemp("claims") / "harness.sqlite"
    with open_database(f"sqlite:///{file}") as database:
        for profile, gain, seeds in (("small", 0.2, range(4)), ("smoke", -0.1, range(4, 8))):
            gains = {"none": 0.0} | dict.fromkeys(SETS, gain)
            record(database, SUITE, conditions, gains, seeds=seeds, profile=profile, scatter=0.02)
        yield database


def verdict(found: Findings, name: str) -> str:
    [outcome] = found.named([name]).outcomes
    return outcome.verdict


def comparisons(found: Findings, name: str) -> dict[str, set[str]]:
    """The verdicts of a claim's parts, by measure."""
    [outcome] = found.named([name]).outcomes
    by_measure: dict[str, set[str]] = {}
    for each in outcome.parts:
        by_measure.setdefault(each.part.measure, set()).add(each.verdict)
    return by_measure


def test_profiles_are_never_mixed(db: Database) -> None:
    small, smoke = read_findings(db, "small"), read_findings(db, "smoke")
    assert comparisons(small, "every-set-helps")["gaussian"] == {"supported"}
    assert comparisons(smoke, "every-set-helps")["gaussian"] == {"contradicted"}
    for found in (small, smoke):
        assert {each.effect.n for each in found.named(["every-set-helps"]).outcomes[0].parts} == {0, 4}
    assert {each.verdict for each in read_findings(db, "paper").outcomes} == {"not run"}


def test_the_largest_profile_with_results_is_the_default(db: Database) -> None:
    assert read_findings(db).profile == "small"
    assert read_findings(db, about=["frequency"]).profile == "paper"
    assert read_findings(None).profile == "paper"


def test_all_claims_are_there_also_without_a_database() -> None:
    found = read_findings(None)
    assert [each.claim for each in found.outcomes] == list(CLAIMS)
    assert {each.verdict for each in found.outcomes} == {"not run"}
    assert all(each.lacking for each in found.outcomes)


def test_a_part_without_results_leaves_its_claim_not_run(db: Database) -> None:
    found = read_findings(db)
    assert comparisons(found, "every-set-helps") == {
        "gaussian": {"supported"},
        "fgsm_transfer": {"not run"},
        "boundary": {"supported"},
    }
    assert verdict(found, "every-set-helps") == "not run"


def test_claims_about_a_suite_need_no_other_suites_results(db: Database) -> None:
    everything, about = read_findings(db, "small"), read_findings(db, "small", [SUITE])
    assert str(about.outcomes) == str(everything.about(SUITE).outcomes)  # nan is not equal to itself
    assert 0 < len(about.outcomes) < len(everything.outcomes)
    assert read_findings(db, "small", ["my-own"]).outcomes == ()


def test_the_report_of_a_suite_that_claims_are_about_reads_its_results_once(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.report.suite_report.drawings", lambda *_: [])
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    render_suites(db, [SUITE], arrays_dir=ARRAYS, out=tmp_path, formats=["csv"])
    assert sum("FROM v_models" in statement for statement in asked) == 1


def test_unknown_names_are_refused_with_the_nearest(db: Database) -> None:
    with pytest.raises(UnknownName, match="did you mean 'small'"):
        read_findings(db, "smal")
    with pytest.raises(UnknownName, match="no claim called 'every-set-help'; did you mean 'every-set-helps'"):
        read_findings(db).named(["every-set-help"])


@pytest.fixture
def rendered(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SuiteReport:
    """The suite's report without its figures, which are drawn elsewhere."""
    monkeypatch.setattr("harness.report.suite_report.drawings", lambda *_: [])
    [found] = render_suites(db, [SUITE], arrays_dir=ARRAYS, out=tmp_path, formats=["html", "md", "csv"])
    return found


def test_the_page_opens_with_the_claims_of_its_suite(rendered: SuiteReport) -> None:
    assert [table.name for table in rendered.tables][:3] == ["claims", "evidence", "summary"]
    about = {row[0] for row in rendered.tables[0].rows}
    assert about == {claim.name for claim in CLAIMS if SUITE in claim.suites}
    assert rendered.page is not None
    text = rendered.page.read_text(encoding="utf-8")
    assert text.index('id="claims"') < text.index('id="evidence"') < text.index('id="summary"')
    assert "small profile: not the paper&#39;s scale" in text[text.index('id="claims"') :]
    assert (rendered.folder / "claims.md").is_file()


def test_published_gammas_stand_below_the_measured(rendered: SuiteReport) -> None:
    [gammas] = (table for table in rendered.tables if table.name == "gammas")
    measured, published = gammas.rows[:2]
    assert measured == (
        "cifar10",
        "4",
        "0.400 ± 0.000",
        "0.300 ± 0.000",
        "0.200 ± 0.000",
        "0.100 ± 0.000",
        "0.000 ± 0.000",
    )
    assert published == ("cifar10, published", "7", "0.008", "0.560", "0.380", "0.052", "0.000")


@pytest.fixture
def run(db: Database, with_settings: Callable[..., None]) -> object:
    """The command on that database."""
    with_settings(database_url=f"sqlite:///{db.path}")
    return lambda *arguments: CliRunner().invoke(app, ["claims", *arguments])


def test_the_command_prints_every_claim(run: object) -> None:
    answer: Result = run()
    assert answer.exit_code == 0, answer.output
    assert "The paper's claims (small profile: not the paper's scale)" in answer.output
    assert "harness run-suite neural --profile small" in answer.output
    assert "What the verdicts rest on" not in answer.output


def test_the_command_shows_the_comparisons_of_the_claims_asked_for(run: object) -> None:
    answer: Result = run("high-frequencies-gain-most", "--profile", "smoke")
    assert answer.exit_code == 0, answer.output
    assert "What the verdicts rest on (smoke profile: not the paper's scale)" in answer.output
    assert "every-set-helps" not in answer.output
    assert isinstance(run("every-set-help").exception, UnknownName)


def test_the_command_gives_all_numbers_as_csv(run: object) -> None:
    answer: Result = run("every-set-helps", "--csv")
    rows = list(csv.DictReader(answer.output.splitlines()))
    assert [row["measure"] for row in rows] == ["gaussian", "fgsm_transfer", "boundary"] * 3
    assert {row["profile"] for row in rows} == {"small"}
    assert float(rows[0]["effect"]) == pytest.approx(0.2 * (1 + 0.98 + 0.96 + 1) / 4)


def test_without_a_database_the_command_says_what_to_run(tmp_path: Path, with_settings: Callable[..., None]) -> None:
    with_settings(database_url=f"sqlite:///{tmp_path / 'none.sqlite'}")
    answer = CliRunner().invoke(app, ["claims", "pixel-helps"])
    assert answer.exit_code == 0, answer.output
    assert "not run" in answer.output
    assert "harness run-suite grayscale-cifar10 --profile paper" in answer.output
