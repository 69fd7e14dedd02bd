"""The suite of docs/own-data.md, run as its reader would."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import Program

DOCS = Path(__file__).parents[2] / "docs"
[SUITE], [MCE] = (
    re.findall(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for page, language in (("own-data.md", "toml"), ("corruptions.md", "sql"))
)
RUN = ("run-suite", "satellite", "--profile", "smoke")
IMPORT = ("data", "import", "satellite", "--own", "--test-fraction", "0.2")


def photographs(folder: Path, first: int = 0) -> Path:
    """Color images of 40 x 28 pixels in two classes, one of which is brighter at the top."""
    numbers = np.random.default_rng(first)
    light = np.linspace(0, 100, 40)[:, None, None]
    for label, shade in (("field", light), ("water", light[::-1])):
        (folder / label).mkdir(parents=True)
        for index in range(30):
            pixels = (shade + numbers.integers(0, 156, (40, 28, 3))).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("own-data")
    program = Program(folder, folder / "data")
    (folder / "experiments" / "satellite.toml").write_text(SUITE)
    return program


@pytest.fixture(scope="module")
def source(program: Program) -> Path:
    return photographs(program.folder / "photographs")


def test_before_it_is_there_a_suite_says_how_to_bring_it(program: Program) -> None:
    code, said = program(*RUN)
    assert code == 2
    assert "condition none: classification: no data set for classification called 'satellite'" in said
    assert "harness data import NAME PATH --own" in said


def test_test_images_that_are_trained_on_are_told(program: Program, tmp_path: Path) -> None:
    for label in ("train", "test"):
        photographs(tmp_path / "twice" / label)
    shutil.copy(tmp_path / "twice/test/field/0.png", tmp_path / "twice/test/water/again.png")
    for path in (tmp_path / "twice" / "test").glob("*/2*.png"):
        path.unlink()
    said = program("data", "import", "twice", "--own", tmp_path / "twice")[1]
    assert said.splitlines()[1:] == ["39 of its test images are among its training images too"]


def test_it_is_trained_on_attacked_and_corrupted_like_any_other(program: Program, source: Path) -> None:
    code, said = program(*IMPORT, source)
    assert (code, said.strip()) == (
        0,
        "satellite is ready: train 48, test 12 images, 2 classes: field, water (photographs)",
    )
    said = program("show", "satellite", "--profile", "smoke")[1]
    assert "13 to do, 2 blocked" in said
    assert "bring it with: harness data corrupt satellite" in said
    assert program("data", "corrupt", "satellite")[0] == 0
    code, said = program(*RUN)
    assert code == 0, said
    assert "15 of 15 jobs are done" in said
    assert program.query("SELECT DISTINCT condition, classification, regularization FROM v_models ORDER BY 1") == [
        ("none", "satellite", "none"),
        ("threshold", "satellite", "satellite"),
    ]
    sizes = program.query("SELECT evaluation, max(epsilon) FROM v_curves GROUP BY 1 ORDER BY 1")
    assert sizes == [("fgsm_transfer", 0.02), ("gaussian", 0.1), ("salt_pepper", 0.05)]
    assert program.query("SELECT count(*), min(n) FROM v_corruptions") == [(2 * 15 * 5, 12)]
    code, said = program("report", "satellite", "--profile", "smoke")
    assert code == 0, said
    assert "Generated images: satellite-c." in said


def test_the_mean_corruption_error_is_the_mean_share_of_the_references_errors(program: Program) -> None:
    query = MCE.replace("grayscale-cifar10", "satellite").replace("small", "smoke")
    found = {condition: mce for condition, _, mce in program.query(query)}
    errors = dict[str, dict[str, float]]()
    for condition, corruption, accuracy in program.query("SELECT condition, corruption, accuracy FROM v_corruptions"):
        of = errors.setdefault(condition, {})
        of[corruption] = of.get(corruption, 0) + 1 - accuracy
    shares = [errors["threshold"][name] / errors["none"][name] for name in errors["none"]]
    assert len(shares) == 15
    assert found == {"none": pytest.approx(1), "threshold": pytest.approx(sum(shares) / 15)}


def test_other_images_under_its_name_are_trained_on_anew_and_the_earlier_ones_are_not(
    program: Program, source: Path
) -> None:
    other = photographs(program.folder / "others", first=1)
    assert program(*IMPORT, other, "--replace")[0] == 0
    said = program("show", "satellite", "--profile", "smoke")[1]
    assert "3 of them trainings: 13 to do, 2 blocked" in said
    assert "was made of other images than satellite now has; make it again with: harness data corrupt satellite" in said
    again = [word for word in IMPORT if word != "--own"]  # which it is known to be
    assert program(*again, source, "--replace")[0] == 0
    assert "nothing to do" in program(*RUN)[1]


def test_images_too_small_for_the_papers_networks_are_refused_before_anything_runs(
    program: Program, source: Path
) -> None:
    assert program(*IMPORT, source, "--size", "24x32", "--replace")[0] == 0
    code, said = program(*RUN)
    assert code == 2
    assert "a resnet18 needs images of 25 x 25 pixels, those of satellite are 24 x 32; name a network of" in said
    assert program(*IMPORT, source, "--replace")[0] == 0


def test_options_for_sets_of_ones_own_need_it_to_be_said(program: Program, source: Path) -> None:
    code, said = program("data", "import", "mnist", source, "--size", "20x20")
    assert (code, said.strip()) == (2, "error: --size and --test-fraction are for a set of your own; add --own")
    for wrong in ("20", "0x20", "20x20x3"):
        code, said = program(*IMPORT, source, "--size", wrong, "--replace")
        assert code == 2
        assert f"--size is {wrong!r}; give height x width, for instance 64x64" in said


def test_it_is_listed_and_verified(program: Program) -> None:
    said = program("data", "list")[1]
    [line] = [line for line in said.splitlines() if line.startswith("satellite ")]
    assert re.sub(r"\s+", " ", line).strip() == (
        "satellite classification train 48, test 12 3 x 40 x 28 import, photographs ready"
    )
    assert program("data", "verify", "satellite", "satellite-c")[0] == 0


def test_without_the_clean_set_no_more_is_said_of_the_corrupted_one_than_is_known(program: Program) -> None:
    [clean] = program.folder.glob("**/satellite")
    clean.rename(clean.with_name("elsewhere"))
    said = program("data", "list")[1]
    clean.with_name("elsewhere").rename(clean)
    [line] = [line for line in said.splitlines() if line.startswith("satellite-c ")]
    assert re.sub(r"\s+", " ", line).strip() == "satellite-c damaged"
