from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from harness.cli import app

NAME = "a_condition_that_has_a_name_as_long_as_many_a_line_is_wide"
LONG = f"""
title = "Names that are longer than a column of a table"
seeds = [0]
train = {{ classification = "digits", n_train = 64, network.base_width = 2 }}
evaluations = {{ clean = {{}} }}

[conditions.{NAME}]
grid = {{ "optimisation.learning_rate" = [0.1, 0.2], "optimisation.weight_decay" = [0.3, 0.4] }}
"""


def test_a_long_name_is_shown_to_its_end(tmp_path: Path, digits_dir: Path, with_settings) -> None:
    (tmp_path / "long.toml").write_text(LONG)
    with_settings(experiments_dir=tmp_path, data_dir=digits_dir, results_dir=tmp_path / "results")
    shown = CliRunner().invoke(app, ["show", "long"]).output
    first = "".join(line[1:].partition("│")[0].strip() for line in shown.splitlines() if line.startswith("│"))
    for rate in ("0.1", "0.2"):
        for decay in ("0.3", "0.4"):
            assert f"{NAME}[learning_rate={rate},weight_decay={decay}]" in first
