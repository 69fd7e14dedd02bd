"""docs/transfer.md, from a suite with its attacks to the report."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from program import WAYS, Program, after_a_run

PAGE = (Path(__file__).parents[2] / "docs" / "transfer.md").read_text(encoding="utf-8")
[EVALUATIONS] = re.findall(r"^```toml\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
SUITE = f"""
title = "Who made the examples?"
{WAYS}
{EVALUATIONS}
clean = {{ n_images = 12 }}
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, digits_dir: Path) -> Program:
    """A program after the suite's first run."""
    return after_a_run(Program(tmp_path_factory.mktemp("transfer"), digits_dir, SUITE))


def test_each_attack_is_made_with_what_it_names_and_each_substitute_is_trained_once(own: Program) -> None:
    asked = (
        "SELECT DISTINCT p.condition, p.evaluation, s.target FROM placed_evaluation p"
        " JOIN evaluation e ON e.id = p.evaluation_row JOIN model s ON s.id = e.substitute_id ORDER BY 1, 2"
    )
    assert own.query(asked) == [
        ("none", "fgsm-alike", "none"),
        ("none", "fgsm-threshold", "threshold"),
        ("none", "fgsm_transfer", "none"),
        ("threshold", "fgsm-alike", "threshold"),
        ("threshold", "fgsm-threshold", "threshold"),
        ("threshold", "fgsm_transfer", "none"),
    ]
    assert own.query("SELECT target, state FROM v_jobs WHERE condition IS NULL ORDER BY target") == [
        ("none", "done"),
        ("threshold", "done"),
    ]
    assert "nothing to do" in own("run-suite", "tiny")[1]


def test_substitutes_are_shown_by_what_they_are_trained_like(own: Program) -> None:
    code, said = own("show", "tiny")
    assert code == 0, said
    assert "train like threshold" in said


def test_attacks_on_one_model_by_the_same_network_are_one_result(own: Program) -> None:
    asked = "SELECT count(*), count(DISTINCT evaluation_row) FROM placed_evaluation WHERE evaluation LIKE 'fgsm%'"
    assert own.query(asked) == [(2 * 3, 2 * 2)]


def test_the_report_says_which_training_each_attack_is_made_with(own: Program) -> None:
    code, said = own("report", "tiny")
    assert code == 0, said
    summary = (own.results / "report" / "tiny-paper" / "summary.md").read_text(encoding="utf-8")
    for told in (
        "Transferred FGSM: made with another training of none (seed 10000).",
        "fgsm-threshold: made with another training of threshold (seed 10000).",
        "fgsm-alike: made with another training of none (seed 10000) for none; "
        "another training of threshold (seed 10000) for threshold.",
    ):
        assert told in summary
