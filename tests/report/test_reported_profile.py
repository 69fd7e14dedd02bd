"""Which profile is reported. What a command says of it is in the tests of the reports."""

from __future__ import annotations

from pathlib import Path

import pytest
from study import NONE, planned

from harness.errors import HarnessError, UnknownName
from harness.report.reported_profile import find_profile, get_profile, require_profile, suites_with_results
from harness.store.engine import open_database

THERE = {("one", "smoke"), ("one", "small"), ("two", "paper")}


def test_the_largest_profile_at_which_one_of_the_suites_has_results_is_found() -> None:
    assert find_profile(THERE, ["one"], None) == "small"
    assert find_profile(THERE, ["one", "two"], None) == "paper"
    assert find_profile(THERE, ["three"], None) is None


def test_of_a_profile_that_is_asked_for_no_other_is_found() -> None:
    assert find_profile(THERE, ["one"], "smoke") == "smoke"
    assert find_profile(THERE, ["one"], "paper") is None


def test_where_there_is_none_the_command_that_makes_results_is_named() -> None:
    with pytest.raises(HarnessError, match=r"^all has no results yet: `harness run-suite all` makes them$"):
        get_profile(THERE, "all", ["three"], None)
    told = (
        "^all has no results at profile paper yet, but at small, smoke: `harness run-suite all --profile paper` makes"
    )
    with pytest.raises(HarnessError, match=told):
        get_profile(THERE, "all", ["one"], "paper")


def test_an_unknown_profile_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'smoke'"):
        require_profile("smok")
    require_profile(None)


def test_an_unknown_suite_is_refused_with_each_known_one_once(tmp_path: Path) -> None:
    with open_database(f"sqlite:///{tmp_path / 'harness.sqlite'}") as db:
        for profile in ("small", "smoke"):
            planned(db, "study", {"none": NONE}, profile=profile)
        with pytest.raises(UnknownName, match=r"^no suite in the database called 'nope'; known: study; a run adds"):
            suites_with_results(db, ["nope"], None)
