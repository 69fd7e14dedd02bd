"""The paper rendered from a database that has some of its suites."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from study import NONE, ORIGIN, record
from trainings import training_result

from harness.errors import HarnessError, StoreError
from harness.measurement import EvaluationResult, Measurement
from harness.report.notes import SEEDS_ONLY
from harness.report.paper.report import PaperReport, render_paper
from harness.report.results import read_results
from harness.spec import AnalyseJob, NoiseExamplesSpec, Place, PlannedJob, RegularizerSpec, TrainJob
from harness.store import arrays, write
from harness.store.engine import Database, open_database
from harness.store.origins import SplitOrigin
from harness.store.plan import write_plan

SUITES = ("grayscale-cifar10", "mnist", "regularization-sets", "frequency")
CONDITIONS = {
    "none": NONE,
    **{
        name: NONE.replaced(
            regularizer=RegularizerSpec(target="threshold", alpha=alpha, threshold=0.8, images=name, n_images=100)
        )
        for name, alpha in (("mnist", 4), ("fashionmnist", 10))
    },
}
STAND_IN = SplitOrigin(
    name="cifar10", split="test", sha256="f" * 64, n=2, generated=True, origin="stand-in: random patterns"
)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def db(results: Path) -> Iterator[Database]:
    """MNIST's suite is done; of `grayscale-cifar10` only what needs no model, and one model on other stand-ins."""
    with open_database(f"sqlite:///{results / 'harness.sqlite'}") as database:
        record(database, "mnist", CONDITIONS, {"none": 0.0, "mnist": 0.1, "fashionmnist": 0.2})
        noises = AnalyseJob(spec=NoiseExamplesSpec(images="cifar10"), data={"cifar10/test": "f" * 64})
        place = Place(suite="grayscale-cifar10", profile="small", condition="", seed=0, evaluation="noise_examples")
        pixel = TrainJob(spec=CONDITIONS["mnist"], seed=0, data={"digits/train": "9" * 64})
        lacking = replace(place, condition="pixel", evaluation=None)
        none = TrainJob(spec=NONE, seed=7, data={"digits/train": "e" * 64})
        planned = [
            PlannedJob(job=noises, places=(place,), work=0.0),
            PlannedJob(job=pixel, places=(lacking,), work=1.0, blocked="no images"),
            PlannedJob(job=none, places=(replace(lacking, condition="none", seed=7),), work=1.0),
        ]
        other = replace(STAND_IN, name="digits", split="train", sha256="e" * 64)
        write_plan(database, planned, "grayscale-cifar10", "small", "Gray", [STAND_IN, other])
        write.finish_training(database, none.key, training_result(), ORIGIN, 1.0)
        images = np.random.default_rng(0).random((2, 1, 32, 32)).astype(np.float32)
        kept = dict.fromkeys(("clean", "gaussian", "uniform", "salt_pepper"), images)
        files = arrays.save(results / "arrays", noises.key, kept)
        number = Measurement(metric="gaussian_distance", value=0.1, n=2, epsilon=0.06)
        write.finish_evaluation(database, noises.key, EvaluationResult(measurements=(number,)), ORIGIN, 1.0, files)
        yield database


@pytest.fixture(scope="module")
def rendered(db: Database, results: Path, tmp_path_factory: pytest.TempPathFactory) -> PaperReport:
    return render_paper(db, "paper", SUITES, results / "arrays", out=tmp_path_factory.mktemp("report"))


def test_a_figure_names_its_stand_ins_also_where_its_notes_do_not_go_with_it(rendered: PaperReport) -> None:
    [noises] = [each for each in rendered.shown if each.figure.id == "Figure 11"]
    assert "Stand-ins: cifar10." in noises.notes
    assert "not the paper's scale) on stand-ins for the real data: " in noises.heading
    assert noises.heading.endswith(noises.figure.title)
    [digits] = [each for each in rendered.shown if each.figure.id == "Figure 14"]
    assert digits.heading == f"Figure 14 (small profile: not the paper's scale): {digits.figure.title}"


def test_a_figure_of_data_alone_tells_of_no_other_data(db: Database, rendered: PaperReport) -> None:
    assert "Stand-ins: cifar10, digits." in read_results(db, "grayscale-cifar10", "small").remark
    [noises] = [each for each in rendered.shown if each.figure.id == "Figure 11"]
    assert noises.remark == "Stand-ins: cifar10."
    assert set(noises.data["remark"]) == {noises.remark}


def test_figures_with_results_are_pictures_with_their_numbers(rendered: PaperReport) -> None:
    names = {path.name for path in rendered.written}
    for number in (11, 14, 17):
        assert {f"figure-{number:02}.{kind}" for kind in ("png", "pdf", "csv")} <= names
    assert (rendered.folder / "figure-11.png").stat().st_size > 10_000


def test_a_figure_is_included_with_its_caption_and_what_it_lacks(rendered: PaperReport) -> None:
    text = (rendered.folder / "figure-11.tex").read_text(encoding="utf-8")
    assert r"\caption{Figure 11 (small profile: not the paper's scale). The three noises." in text
    assert r"Stand-ins: cifar10.}\label{fig:paper-small-figure-11}" in text
    assert not (rendered.folder / "figure-05.tex").exists()


def test_figures_without_results_name_the_command(rendered: PaperReport) -> None:
    notes = {each.figure.number: each.notes for each in rendered.shown}
    assert notes[5] == ("Not run yet: harness run-suite regularization-sets --profile small.",)
    assert len(notes[7]) == 2
    assert rendered.page is not None
    assert "harness run-suite regularization-sets --profile small" in rendered.page.read_text()


def test_only_figures_of_the_named_suites_are_shown(rendered: PaperReport) -> None:
    assert {each.figure.number for each in rendered.shown} == {5, 6, 7, 11, 14, 17, 25}


def test_published_hyperparameters_and_gammas_stand_beside_ours(rendered: PaperReport) -> None:
    tables = {table.name: table for table in rendered.tables}
    assert tables["table-1"].rows == (
        ("digits - MNIST", "4", "0.8", "–", "–"),
        ("digits - FashionMNIST", "10", "0.8", "–", "–"),
    )
    assert [row[0] for row in tables["table-2"].rows] == [
        "digits - MNIST",
        "digits - MNIST, published",
        "digits - FashionMNIST",
        "digits - FashionMNIST, published",
    ]
    assert "claims" in tables


def test_intervals_are_said_once_to_be_given_the_test_images(rendered: PaperReport) -> None:
    assert [table.name for table in rendered.tables if SEEDS_ONLY in table.notes] == ["claims"]
    assert rendered.page is not None
    assert rendered.page.read_text().count(SEEDS_ONLY) == 1


def test_every_table_and_csv_names_the_profile_and_its_suites(rendered: PaperReport) -> None:
    assert all("(small profile: not the paper's scale)" in table.title for table in rendered.tables)
    written = {path: pd.read_csv(path) for path in rendered.written if path.suffix == ".csv"}
    for path, frame in written.items():
        assert list(frame)[:2] == ["suite", "profile"], path.name
        assert set(frame["profile"]) == {"small"}
    assert set(written[rendered.folder / "table-2.csv"]["suite"]) == {"mnist"}
    assert set(written[rendered.folder / "figure-11.csv"]["remark"]) == {"Stand-ins: cifar10."}


def test_a_csv_names_the_files_that_its_figure_is_drawn_from(rendered: PaperReport, results: Path) -> None:
    frame = pd.read_csv(rendered.folder / "figure-11.csv")
    files = frame[frame["array"].notna()].set_index("array")
    assert set(files.index) == {"clean", "gaussian", "uniform", "salt_pepper"}
    for file, sha256 in zip(files["file"], files["sha256"], strict=True):
        assert hashlib.sha256((results / "arrays" / file).read_bytes()).hexdigest() == sha256
    assert list(frame["value"].dropna()) == [0.1]


def test_the_same_database_gives_the_same_bytes(
    db: Database, results: Path, rendered: PaperReport, tmp_path: Path
) -> None:
    again = render_paper(db, "paper", SUITES, results / "arrays", out=tmp_path)
    for path in again.written:
        assert path.read_bytes() == (rendered.folder / path.name).read_bytes(), path.name


def test_nothing_to_show_says_what_makes_it(db: Database, results: Path, tmp_path: Path) -> None:
    with pytest.raises(
        HarnessError,
        match="paper has no results at profile smoke yet, but at small: `harness run-suite paper --profile",
    ):
        render_paper(db, "paper", SUITES, results / "arrays", out=tmp_path, profile="smoke")


def test_an_altered_array_is_never_drawn(db: Database, results: Path, tmp_path: Path) -> None:
    """The file is named, and put back for the other tests."""
    path = next((results / "arrays").rglob("clean-*.safetensors"))
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        with pytest.raises(StoreError, match=path.name):
            render_paper(db, "paper", ("grayscale-cifar10",), results / "arrays", out=tmp_path)
    finally:
        path.write_bytes(content)


def test_what_a_figure_lacks_is_said_in_words(rendered: PaperReport) -> None:
    """Its label in the legend is mathematics."""
    notes = {each.figure.number: each.notes for each in rendered.shown}
    assert notes[6][0] == "Missing of grayscale-cifar10: S_pixel (1 result, blocked: no images)."
