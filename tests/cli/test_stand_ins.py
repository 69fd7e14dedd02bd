"""Stand-ins from the command line to the report: taken by `smoke`, refused by the other profiles, marked everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import Program

from harness.report.results import read_results
from harness.stand_ins import STAND_INS, make_stand_in
from harness.store.engine import open_database

SUITE = """
title = "Every kind of data that a suite can read"
seeds = [0]

[train]
classification = "cifar10"
n_train = 64
network.base_width = 2
optimisation.epochs = 1

[regularizer]
alpha = 1
n_images = 16
pairs_per_batch = 2

[conditions.none]

[conditions.threshold.regularizer]
target = "threshold"
threshold = 0.8
images = "imagenet"

[conditions.neural.regularizer]
target = "neural"
images = "v1"

[conditions.external]
external.model = "Modas2021PRIMEResNet18"

[evaluations]
clean.n_images = 8
corruption = { images = "cifar10-c", n_images = 2, severities = [5], corruptions = ["fog", "snow"] }

[analyses]
similarity = { recording = "v1", n_images = 16, shown = 8 }
noise_examples.images = "cifar10"
corruption_spectra = { images = "cifar10-c", n_images = 4 }
"""
NAMES = ("cifar10", "imagenet", "cifar10-c", "v1", "robustbench-modas2021primeresnet18")
JOBS = 4 * 3 + 3


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("stand-ins")
    for name in NAMES:
        make_stand_in(folder / "data", name)
    program = Program(folder, folder / "data")
    (folder / "experiments" / "standins.toml").write_text(SUITE)
    return program


@pytest.fixture(scope="module")
def smoke(stand_ins: Program) -> tuple[int, str]:
    """What a run at the profile smoke ends with."""
    return stand_ins("run-suite", "standins", "--profile", "smoke")


def test_smoke_runs_on_every_kind_of_stand_in(smoke: tuple[int, str]) -> None:
    code, said = smoke
    assert code == 0, said
    assert f"{JOBS} of {JOBS} jobs are done" in said


@pytest.mark.usefixtures("smoke")
def test_reports_name_them_apart_from_generated_data(stand_ins: Program) -> None:
    with open_database(f"sqlite:///{stand_ins.results / 'harness.sqlite'}", create=False) as database:
        results = read_results(database, "standins", "smoke")
    assert results.remark == f"Stand-ins: {', '.join(sorted(NAMES))}."


@pytest.mark.usefixtures("smoke")
@pytest.mark.parametrize(("command", "profile"), [("show", "paper"), ("run-suite", "small")])
def test_other_profiles_refuse_them_also_where_smoke_has_the_result(
    stand_ins: Program, command: str, profile: str
) -> None:
    code, said = stand_ins(command, "standins", "--profile", profile)
    assert code == (1 if command == "run-suite" else 0)
    assert "Traceback" not in said
    reason = f" in {stand_ins.folder / 'data'} is a stand-in, which only the profile smoke takes; bring the real"
    assert f"the neural similarity v1{reason} one with: harness neural import v1 PATH --replace" in said
    if command == "show":
        assert f"data set cifar10{reason} one with: harness data prepare cifar10 --replace" in said
        assert f"{JOBS} jobs of standins (profile {profile}), 3 of them trainings: {JOBS} blocked" in said


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_whole_paper_runs_on_stand_ins_alone(tmp_path: Path) -> None:
    program = Program(tmp_path, tmp_path / "data", gpus=True)
    code, said = program("data", "stand-in", "--all")
    assert code == 0, said
    assert [line.split()[0] for line in said.splitlines() if line.endswith("a stand-in")] == list(STAND_INS)
    code, said = program("run-suite", "paper", "--profile", "smoke", "--workers", "1", timeout=3000)
    assert code == 0, said
    assert "blocked" not in said
    assert "failed" not in said
