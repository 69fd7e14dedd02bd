"""The suite of docs/own-code.md, run as its reader would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from own_code import example
from program import Program

from harness.data.splits import open_split
from harness.store.arrays import load
from harness.store.engine import open_database
from harness.suites.outdated import outdated

RUN = ("run-suite", "gradients", "--profile", "smoke")
CONDITIONS = ("coarse", "none", "penalized[weight=0.3]", "penalized[weight=1]")
JOBS = (None, "boundary", "clean", "ddn", "gaussian", "pgd")
"""A condition's, by evaluation; None is the training."""
CURVES = "SELECT condition, evaluation, epsilon, accuracy FROM v_curves ORDER BY 1, 2, 3"


def program_with(folder: Path, data: Path, python: str = "", toml: str = "") -> Program:
    program = Program(folder, data)
    (folder / "experiments" / "gradients.py").write_text(python or example("python"))
    (folder / "experiments" / "gradients.toml").write_text(toml or example("toml"))
    return program


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, digits_dir: Path) -> tuple[Program, int, str]:
    """A program after the suite's first run, with its exit code and what it said."""
    program = program_with(tmp_path_factory.mktemp("own"), digits_dir)
    return program, *program(*RUN)


def test_all_of_it_gets_the_same_evidence_as_the_papers_models(own):
    program, code, said = own
    assert code == 0, said
    assert "24 of 24 jobs are done" in said
    assert program.query("SELECT DISTINCT condition, target, alpha, architecture FROM v_models ORDER BY 1") == [
        ("coarse", "gradients.py:coarse", 1.0, "gradients.py:Small"),
        ("none", "none", None, "gradients.py:Small"),
        ("penalized[weight=0.3]", "gradients.py:input_gradient", 0.3, "gradients.py:Small"),
        ("penalized[weight=1]", "gradients.py:input_gradient", 1.0, "gradients.py:Small"),
    ]
    for attack in ("pgd", "ddn"):
        assert program.query(f"SELECT count(*) FROM v_curves WHERE evaluation = '{attack}'") == [(4 * 5,)]
    compared = program.query(
        "SELECT DISTINCT condition, evaluation FROM v_acceptable WHERE evaluation <> 'boundary' ORDER BY 1, 2"
    )
    assert compared == [
        (condition, evaluation)
        for condition in ("coarse", "penalized[weight=0.3]", "penalized[weight=1]")
        for evaluation in ("ddn", "gaussian", "pgd")
    ]
    assert program.query("SELECT condition, count(*) FROM v_gammas GROUP BY 1") == [("coarse", 3)]
    code, said = program("report", "gradients", "--profile", "smoke")
    assert code == 0, said
    summary = (program.results / "report" / "gradients-smoke" / "summary.md").read_text()
    assert "pgd" in summary
    assert "ddn median distance (L2)" in summary


def test_median_distances_and_the_distance_of_each_image_are_there(own):
    program, *_ = own
    found = program.query(example("sql"))
    assert [row[2] for row in found] == ["coarse", "none", "penalized[weight=0.3]", "penalized[weight=1]"]
    assert {(row[5], row[7] + row[8]) for row in found} == {("median_l2", 50)}
    arrays = program.query("SELECT condition, file, sha256 FROM v_arrays WHERE name = 'distances' ORDER BY 1")
    for (condition, file, sha256), row in zip(arrays, found, strict=True):
        distances = load(program.results / "arrays", file, sha256)
        assert (condition, len(distances), np.isinf(distances).sum()) == (row[2], 50, row[8])
        assert np.median(distances) == (np.inf if row[6] is None else pytest.approx(row[6]))
        left = program.query(
            f"SELECT epsilon, accuracy FROM v_curves WHERE evaluation = 'ddn' AND condition = '{condition}'"
        )
        assert dict(left) == {size: pytest.approx((distances > size).mean()) for size in (0, 0.25, 0.5, 0.75, 1)}


def test_a_finished_suite_has_nothing_to_do_until_its_code_changes(own):
    program, *_ = own
    assert "nothing to do" in program(*RUN)[1]
    before, file = program.query(CURVES), program.folder / "experiments" / "gradients.py"
    file.write_text(example("python") + "# another line\n")
    assert "24 jobs of gradients (profile smoke), 4 of them trainings: 24 to do" in program(*RUN, "--dry-run")[1]
    file.write_text(example("python"))
    assert "nothing to do" in program(*RUN)[1]
    assert program.query(CURVES) == before


def written(program: Program, before: str, after: str) -> None:
    """Changes the suite's file as it is in the page."""
    assert before in example("toml")
    (program.folder / "experiments" / "gradients.toml").write_text(example("toml").replace(before, after))


@pytest.mark.parametrize(
    ("before", "after", "data", "places"),
    [
        ("", "", "here", set()),
        ("{ steps = 10 }", "{ steps = 11 }", "here", {(name, "pgd") for name in CONDITIONS}),
        ("pgd =", "pgd2 =", "here", {(name, "pgd") for name in CONDITIONS}),
        ("conditions.coarse", "conditions.blurred", "here", {("coarse", name) for name in JOBS}),
        ("epochs = 1 }", "epochs = 2 }", "here", {(name, job) for name in CONDITIONS for job in JOBS}),
        ("{ steps = 10 }", "{ steps = 11 }", "elsewhere", set()),
    ],
)
def test_results_that_the_suite_does_not_ask_for_any_more_are_outdated(
    before, after, data, places, own, digits_dir, tmp_path, with_settings
):
    """Where the data are elsewhere, nothing is known."""
    program, *_ = own
    written(program, before, after)
    with_settings(
        data_dir={"here": digits_dir, "elsewhere": tmp_path}[data], experiments_dir=program.folder / "experiments"
    )
    with open_database(program.results / "harness.sqlite") as database:
        found = outdated(database, "gradients", "smoke")
    written(program, "", "")
    assert found.finished == len(CONDITIONS) * len(JOBS)
    assert {(row["condition"], row["evaluation"]) for row in found.rows} == places
    assert len(found.rows) == len(places)


def test_a_run_that_replaces_results_is_told_of_seeds_beyond_the_suites_own(own, digits_dir, with_settings):
    program, *_ = own
    written(program, "seeds = [0]", "seeds = [2, 3]")
    with_settings(data_dir=digits_dir, experiments_dir=program.folder / "experiments")
    with open_database(program.results / "harness.sqlite") as database:
        found = outdated(database, "gradients", "smoke")
    written(program, "", "")
    assert (found.rows, found.seeds) == ((), (0, 2, 3))


def test_a_report_is_told_although_the_folder_of_suites_is_gone(own, monkeypatch):
    program, *_ = own
    monkeypatch.setitem(program.environment, "HARNESS_EXPERIMENTS_DIR", "/nowhere")
    code, output = program("report", "--format", "md")
    assert code == 0
    assert "tables and" in output
    assert "Whether gradients still asks for what is shown is not known: HARNESS_EXPERIMENTS_DIR" in output


def test_a_report_says_which_of_its_results_are_outdated(own):
    program, *_ = own
    written(program, "{ steps = 10 }", "{ steps = 11 }")
    code, output = program("report", "gradients", "--profile", "smoke", "--format", "md")
    written(program, "", "")
    assert code == 0
    assert "4 of 24 finished jobs are not what gradients asks for here and now" in output


def test_what_ran_is_kept(own):
    program, *_ = own
    [(digest,)] = program.query("SELECT sha256 FROM data_split WHERE split = 'code'")
    assert (program.results / "code" / f"gradients-{digest}.py").read_text() == example("python")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            '"gradients.py:pgd"',
            '"gradients.py:pdg"',
            "evaluation pgd: no function in gradients.py called 'pdg'; did you mean 'pgd'?",
        ),
        ('"gradients.py:Small"', '"gradient.py:Small"', "gradient.py cannot be read: No such file or directory"),
        ('"gradients.py:Small"', '"Small"', "network.architecture should be 'resnet18', 'resnet34', or FILE.py:NAME"),
        ("max_epsilon = 0.1, ", "", "evaluations.pgd: max_epsilon is missing"),
        ("max_epsilon = 1, ", "", "evaluations.ddn: max_epsilon is missing: without a largest size"),
        (
            "options = { steps = 10 }",
            "options = { step = 10 }",
            "evaluation pgd: gradients.py: pgd(model, images, labels, epsilon, step=...) cannot be called: "
            "missing a required argument: 'steps'",
        ),
        (
            "options = { depth = 3 }",
            "options = { depth = 3, channels = 1 }",
            "depth=..., channels=...) cannot be called: channels is given in any case, and is no option",
        ),
        (", options = { side = 8 }", "", "gradients.py: coarse(images) cannot be called: missing a required argument"),
        ('target = "gradients.py:coarse"', 'target = "pixel"', "options are for a target of your own, not for 'pixel'"),
        ("weight = 1 }\n", "wieght = 1 }\n", "did you mean 'weight'?"),
    ],
)
def test_a_mistake_in_the_suite_is_refused_before_anything_runs(before, after, said, tmp_path, digits_dir):
    assert before in example("toml")
    program = program_with(tmp_path, digits_dir, toml=example("toml").replace(before, after))
    code, output = program(*RUN)
    assert code == 2
    assert said in " ".join(output.split())
    assert "Traceback" not in output


def test_a_mistake_in_the_code_is_named_by_its_line_and_the_other_jobs_go_on(tmp_path, digits_dir):
    wrong = '        raise ValueError("no idea")'
    python = example("python").replace("        attacked.requires_grad_()", wrong)
    line = python.splitlines().index(wrong) + 1
    program = program_with(tmp_path, digits_dir, python=python)
    code, said = program(*RUN, "--only", "none", "--seeds", "0-1")
    assert code == 1
    reason = f"unexpected ValueError: no idea (gradients.py:{line})"
    assert f"\nfailed: none, seed 0: pgd and 1 more: {reason}\n" in said
    assert "Traceback" not in said
    told = [line for line in program("status")[1].splitlines() if line.startswith("failed: ")]
    assert told == [f"failed: gradients (profile smoke): none, seed 0: pgd and 1 more: {reason}"]
    assert program.query("SELECT DISTINCT kind, state FROM v_jobs WHERE condition = 'none' ORDER BY 1") == [
        ("boundary", "done"),
        ("clean", "done"),
        ("gaussian", "done"),
        ("own_attack", "failed"),
        ("own_minimal_attack", "done"),
        ("train", "done"),
    ]


def test_an_attack_that_exceeds_its_size_has_no_result(tmp_path, digits_dir):
    python = example("python").replace(".clamp(-epsilon, epsilon)", "").replace("2.5 * epsilon", "5 * epsilon")
    program = program_with(tmp_path, digits_dir, python=python)
    code, said = program(*RUN, "--only", "none")
    assert code == 1
    assert "gradients.py:pgd moves an image by" in said
    assert program.query("SELECT count(*) FROM v_curves WHERE evaluation = 'pgd'") == [(0,)]


def test_an_attack_for_the_smallest_perturbation_that_returns_something_else_is_named(tmp_path, digits_dir):
    python = example("python").replace("    return closest\n", "    return closest, least\n")
    program = program_with(tmp_path, digits_dir, python=python)
    code, said = program(*RUN, "--only", "none")
    assert code == 1
    assert "ddn: gradients.py:ddn returns a tuple for images (50, 1, 32, 32)" in said
    assert "Traceback" not in said
    assert program.query("SELECT state, count(*) FROM v_jobs WHERE condition = 'none' GROUP BY 1 ORDER BY 1") == [
        ("done", 5), ("failed", 1)
    ]  # fmt: skip


def test_training_images_of_ones_own_making_are_learned_from_and_named(tmp_path, digits_dir):
    program = program_with(
        tmp_path, digits_dir, toml=example("toml").replace("[evaluations]", example("toml", 1) + "[evaluations]", 1)
    )
    (program.folder / "experiments" / "cutout.py").write_text(example("python", 2))
    code, said = program(*RUN, "--only", "none", "--only", "cutout[side=8]")
    assert code == 0, said
    assert program.query("SELECT condition, target, alpha, status FROM v_models ORDER BY 1") == [
        ("cutout[side=8]", "cutout.py:cutout", None, "ok"),
        ("none", "none", None, "ok"),
    ]
    assert program.query("SELECT count(DISTINCT weights_sha256) FROM training") == [(2,)]
    assert program.query("SELECT DISTINCT condition FROM v_acceptable") == [("cutout[side=8]",)]
    code, said = program("report", "gradients", "--profile", "smoke")
    assert code == 0, said
    trainings = (program.results / "report" / "gradients-smoke" / "trainings.md").read_text()
    assert "perturbation: kind = cutout.py:cutout" in trainings


TRANSFERRED = """
[evaluations.fgsm_transfer]
max_epsilon = 0.3
sizes = 4

[evaluations.fgsm]
kind = "own_transferred_attack"
function = "transferred.py:mi_fgsm"
options.steps = 1
max_epsilon = 0.3
sizes = 4
"""


def test_an_attack_of_ones_own_is_transferred_from_the_network_that_fgsm_is_transferred_from(tmp_path, digits_dir):
    program = program_with(tmp_path, digits_dir, toml=example("toml") + TRANSFERRED)
    (program.folder / "experiments" / "transferred.py").write_text(example("python", 3))
    code, said = program(*RUN, "--only", "none", "--only", "coarse")
    assert code == 0, said
    assert "17 of 17 jobs are done" in said  # two models, seven evaluations of each, and the substitute
    of = "SELECT condition, epsilon, accuracy FROM v_curves WHERE evaluation = '{}' ORDER BY 1, 2"
    built_in, own = (program.query(of.format(name)) for name in ("fgsm_transfer", "fgsm"))
    assert own == [(*place, pytest.approx(accuracy, abs=1 / 360)) for *place, accuracy in built_in]
    assert len(own) == 2 * 4
    assert len(program.query("SELECT * FROM v_arrays WHERE evaluation = 'fgsm' AND name = 'hits'")) == 2
    compared = "SELECT evaluation FROM v_acceptable WHERE condition = 'coarse' AND evaluation LIKE 'fgsm%' ORDER BY 1"
    assert program.query(compared) == [("fgsm",), ("fgsm_transfer",)]


CHECKPOINT = """
title = "A network that was trained elsewhere"
seeds = "0-1"
train = { classification = "digits" }
conditions.mine.checkpoint = { function = "mine.py:f", weights = "mine.pt", classification = "digits", color = "gray" }

[evaluations]
clean = {}
boundary = { n_images = 10, repeats = 1, steps = 3 }
"""
TRAIN = 'train = { classification = "digits" }'
BESIDE_A_BASELINE = (
    CHECKPOINT.replace(
        TRAIN,
        """
train = { classification = "digits", n_train = 64, network.base_width = 2, optimisation = { epochs = 1 } }
conditions.none = {}
""",
    )
    + "fgsm_transfer = { sizes = 2 }"
)
OVER_SEEDS = CHECKPOINT.replace("mine.pt", "mine-{seed}.pt") + "gaussian = { sizes = 2 }"
NEAREST_MEAN = """
import torch
def f(channels, classes, size):
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(channels * size[0] * size[1], classes))
"""


def digit_means(digits_dir: Path) -> torch.Tensor:
    """The mean image of each digit."""
    train = open_split(digits_dir, "digits", "train")
    images = train.images.flatten(1).float() / 255
    return torch.stack([images[train.labels == label].mean(0) for label in range(10)])


def save_means(path: Path, means: torch.Tensor) -> None:
    """Weights with which `NEAREST_MEAN` says whose mean is nearest."""
    torch.save({"1.weight": means, "1.bias": -means.square().sum(1) / 2}, path)


def noisy(means: torch.Tensor, seed: int, amount: float = 0.3) -> torch.Tensor:
    """The means with noise of a seed."""
    return means + amount * torch.randn(means.shape, generator=torch.Generator().manual_seed(seed))


def test_a_checkpoint_of_ones_own_is_evaluated_and_its_weights_are_part_of_the_identity(tmp_path, digits_dir):
    means = digit_means(digits_dir)
    program = Program(tmp_path, digits_dir)
    folder = tmp_path / "experiments"
    (folder / "mine.toml").write_text(CHECKPOINT)
    (folder / "mine.py").write_text(NEAREST_MEAN)
    save_means(folder / "mine.pt", means)
    code, said = program("run-suite", "mine")
    assert code == 0, said
    assert "3 of 3 jobs are done" in said
    test = open_split(digits_dir, "digits", "test")
    distances = torch.cdist(test.images.flatten(1).double() / 255, means.double())
    expected = (distances.argmin(1) == test.labels).double().mean().item()
    [(accuracy, target, architecture)] = program.query("SELECT clean_accuracy, target, architecture FROM v_models")
    assert accuracy == pytest.approx(expected, abs=2 / len(test.labels))
    assert accuracy > 0.8
    assert (target, architecture) == ("external", "mine.pt (mine.py:f)")
    assert program("report", "mine")[0] == 0
    torch.save({"1.weight": -means, "1.bias": means.square().sum(1) / 2}, folder / "mine.pt")
    assert (
        "3 jobs of mine (profile paper), 0 of them trainings: 3 to do" in program("run-suite", "mine", "--dry-run")[1]
    )
    (folder / "mine.toml").write_text(BESIDE_A_BASELINE)
    code, said = program("run-suite", "mine", "--only", "mine")
    assert code == 0, said
    attacked = program.query("SELECT epsilon, accuracy FROM v_curves WHERE evaluation = 'fgsm_transfer' ORDER BY 1")
    assert [epsilon for epsilon, _ in attacked] == [0, 0.5]
    assert attacked[0][1] < 0.1 < 1 - attacked[1][1]  # the weights above, with the farthest mean for the nearest
    (folder / "mine.pt").unlink()
    code, said = program("run-suite", "mine")
    assert code == 2
    assert f"there is no file {folder / 'mine.pt'}" in " ".join(said.split())


def test_a_checkpoint_over_seeds_has_all_that_a_trained_condition_has(tmp_path, digits_dir, with_settings):
    program = Program(tmp_path, digits_dir)
    folder = tmp_path / "experiments"
    (folder / "mine.toml").write_text(OVER_SEEDS)
    (folder / "mine.py").write_text(NEAREST_MEAN)
    means = digit_means(digits_dir)
    for seed in (0, 2):
        save_means(folder / f"mine-{seed}.pt", noisy(means, seed))
    code, said = program("run-suite", "mine")
    assert code == 2
    assert f"condition mine: there is no file {folder}/mine-{{seed}}.pt of seed 1; a" in " ".join(said.split())
    torch.save({"weight": means}, folder / "mine-1.pt")
    code, said = program("run-suite", "mine")
    assert code == 1
    assert "mine, seed 1: mine-1.pt does not fit mine.py:f" in said
    assert "4 of 8 jobs are done, 4 of them now" in said
    save_means(folder / "mine-1.pt", means)
    code, said = program("run-suite", "mine", "--seeds", "1-2")
    assert (code, "8 of 8 jobs are done, 8 of them now" in said) == (0, True), said
    assert (
        "12 jobs of mine (profile paper), 0 of them trainings: 12 done" in program("show", "mine", "--seeds", "0-2")[1]
    )
    summary = "SELECT condition, architecture, epsilon, n_seeds, sem > 0 FROM v_curve_summary ORDER BY epsilon"
    assert program.query(summary) == [("mine", "mine-{seed}.pt (mine.py:f)", size, 3, 1) for size in (0, 0.5)]
    assert len(program.query("SELECT DISTINCT clean_accuracy FROM v_models")) == 3
    assert program.query("SELECT count(DISTINCT spec_digest) FROM v_models") == [(1,)]
    files = "SELECT DISTINCT name FROM data_split WHERE split = 'file' ORDER BY 1"
    assert program.query(files) == [(f"mine-{seed}.pt",) for seed in (0, 1, 2)]
    with_settings(data_dir=digits_dir, experiments_dir=folder)
    with open_database(program.results / "harness.sqlite") as database:
        found = outdated(database, "mine", "paper")
    assert (found.rows, found.seeds) == ((), (0, 1, 2))
    code, said = program("report", "mine")
    assert code == 0, said


COMPARED = """
title = "Three networks that were trained elsewhere, over seeds"
seeds = "0-3"
train = { classification = "digits" }

[conditions]
plain.checkpoint = { function = "mine.py:f", weights = "plain-{seed}.pt", classification = "digits", color = "gray" }
other.checkpoint = { function = "mine.py:f", weights = "other-{seed}.pt", classification = "digits", color = "gray" }

[conditions.robust]
checkpoint = { function = "mine.py:f", weights = "robust-{seed}.pt", classification = "digits", color = "gray" }
baseline = "plain"

[evaluations]
clean = {}
gaussian = { sizes = 2, max_epsilon = 0.5 }
"""


def test_a_checkpoint_is_compared_with_the_condition_that_the_suite_names(tmp_path, digits_dir):
    program = Program(tmp_path, digits_dir)
    folder = tmp_path / "experiments"
    (folder / "mine.toml").write_text(COMPARED)
    (folder / "mine.py").write_text(NEAREST_MEAN)
    means = digit_means(digits_dir)
    for seed in range(4):
        for name, noise in (("plain", 0.9), ("other", 0.6), ("robust", 0.1)):
            save_means(folder / f"{name}-{seed}.pt", noisy(means, seed, noise))
    code, said = program("run-suite", "mine")
    assert code == 0, said
    compared = "SELECT condition, evaluation, n_seeds, acceptable, u0 FROM v_acceptable"
    [(*found, u0)] = program.query(compared)
    assert found == ["robust", "gaussian", 4, 1]
    assert program("report", "mine")[0] == 0
    report = program.results / "report" / "mine-paper"
    table = (report / "acceptable.md").read_text()
    assert "| robust | Gaussian noise | 0.5 | 4 |" in table
    assert "R and U of what was trained elsewhere, as the suite names them: robust and plain." in table
    [row] = [line for line in (report / "differences.md").read_text().splitlines() if "| robust |" in line]
    assert row.startswith("| robust | plain | 4 |")
    assert (report / "figure-acceptable.png").is_file()
    (folder / "mine.toml").write_text(COMPARED.replace('baseline = "plain"', 'baseline = "other"'))
    assert "nothing to do" in program("run-suite", "mine")[1]
    [(*found, other)] = program.query(compared)
    assert found == ["robust", "gaussian", 4, 1]
    assert other > u0
