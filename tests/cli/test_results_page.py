"""What docs/results.md asks of the suite of docs/own-code.md, asked as its reader would."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from own_code import example
from program import Program

from harness.data.splits import open_split
from harness.errors import HarnessError, WeightsDamaged
from harness.store.arrays import load
from harness.suites.trained_model import trained_model

PAGE = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8").replace("'paper'", "'smoke'")
ONLY = ("--only", "none", "--only", "penalized[weight=0.3]")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, digits_dir: Path) -> Program:
    """A program after two conditions of the suite."""
    program = Program(tmp_path_factory.mktemp("own"), digits_dir)
    (program.folder / "experiments" / "gradients.py").write_text(example("python"))
    (program.folder / "experiments" / "gradients.toml").write_text(example("toml"))
    code, said = program("run-suite", "gradients", "--profile", "smoke", *ONLY)
    assert code == 0, said
    return program


@pytest.fixture
def here(own: Program, digits_dir: Path, with_settings) -> Program:
    """The program, whose folders are this process' settings."""
    with_settings(results_dir=own.results, data_dir=digits_dir)
    return own


@pytest.mark.parametrize("query", blocks("sql"))
def test_every_question_has_an_answer(own, query):
    assert own.query(query)


def test_the_python_of_the_page_runs_from_its_beginning_to_its_end(own):
    command = [sys.executable, "-c", "\n".join(blocks("python"))]
    found = subprocess.run(command, cwd=own.folder, env=own.environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    for told in ("penalized[weight=0.3]", "images lost", "predicted"):
        assert told in found.stdout


def test_what_is_told_of_one_number_makes_it_again(own, digits_dir, tmp_path):
    again = Program(tmp_path / "again", digits_dir)
    again.environment["HARNESS_EXPERIMENTS_DIR"] = str(own.folder / "experiments")
    code, said = again("run-suite", "gradients", "--profile", "smoke", "--only", "none", "--seeds", "0")
    assert code == 0, said
    query = "SELECT evaluation, epsilon, accuracy FROM v_curves WHERE condition = 'none' ORDER BY 1, 2"
    assert again.query(query) == own.query(query)
    query = "SELECT model_id, clean_accuracy FROM v_models WHERE condition = 'none'"
    assert again.query(query) == own.query(query)


def test_hits_are_those_that_the_accuracies_count(own):
    rows = own.query("SELECT condition, file, sha256 FROM v_arrays WHERE name = 'hits' ORDER BY 1")
    assert len(rows) == 2
    for condition, file, sha256 in rows:
        hits = load(own.results / "arrays", file, sha256)
        counted = own.query(
            f"SELECT accuracy FROM v_curves WHERE evaluation = 'pgd' AND condition = '{condition}' ORDER BY epsilon"
        )
        assert hits.shape == (5, 50)
        assert [value for (value,) in counted] == pytest.approx(hits.mean(1))


def test_a_trained_model_classifies_as_it_did_with_its_code_as_it_was(here, digits_dir):
    (here.folder / "experiments" / "gradients.py").write_text("raise RuntimeError")
    for model_id, accuracy in here.query("SELECT model_id, clean_accuracy FROM v_models"):
        model, images, labels = trained_model(model_id)
        assert not model.training
        assert torch.equal(images, open_split(digits_dir, "digits", "test").images)
        with torch.inference_mode():
            assert (model(images / 255).argmax(1) == labels).double().mean().item() == pytest.approx(accuracy)
    (here.folder / "experiments" / "gradients.py").write_text(example("python"))


def test_a_model_that_is_not_there_is_refused(here):
    with pytest.raises(HarnessError, match="no model that was trained here has the model_id 'nope'"):
        trained_model("nope")


@pytest.mark.parametrize(("folder", "error"), [("code", HarnessError), ("models", WeightsDamaged)])
def test_a_model_whose_code_or_weights_are_altered_is_refused(here, folder, error):
    [(model_id,)] = here.query("SELECT model_id FROM v_models WHERE condition = 'none'")
    [path] = (here.results / folder).glob({"code": "*.py", "models": f"{model_id}/weights-*"}[folder])
    content = path.read_bytes()
    path.write_bytes(content + b"\n")
    with pytest.raises(error, match=f"{path.name}.*altered"):
        trained_model(model_id)
    path.write_bytes(content)
