from __future__ import annotations

from typing import get_args

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.cli.options import ExecutorName, parsed_conditions, parsed_seeds
from harness.suites.executors import EXECUTORS


def test_the_executors_that_can_be_chosen_are_those_that_there_are() -> None:
    choice, *_ = get_args(ExecutorName)
    assert set(get_args(choice)) == set(EXECUTORS)


def test_seeds_that_are_given_again_are_seeds_beside_the_others() -> None:
    assert parsed_seeds(["4", "0-1,4"]) == (0, 1, 4)
    assert parsed_seeds(None) == ()


def test_conditions_are_divided_by_commas_but_for_those_inside_a_name() -> None:
    point = "threshold[alpha=1,threshold=0.4]"
    assert parsed_conditions([f"none, {point}", "pixel"]) == ("none", point, "pixel")
    assert parsed_conditions(None) == ()


@pytest.mark.parametrize("command", ["show", "run-suite", "status", "report", "select"])
def test_the_names_of_suites_are_completed(command: str) -> None:
    words = {"_HARNESS_COMPLETE": "complete_bash", "COMP_WORDS": f"harness {command} quick", "COMP_CWORD": "2"}
    found = CliRunner().invoke(app, env=words, prog_name="harness")
    assert found.output.split() == ["quickstart"]
