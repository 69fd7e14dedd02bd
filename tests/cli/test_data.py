from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from harness import stand_ins
from harness.cli.data import data_app
from harness.cli.doctor import _data as data_findings
from harness.data.weights import get_weights
from harness.errors import DataDamaged, DataError, DataMissing, HarnessError, ImportRefused, SpecError, UnknownName
from harness.models.zoo import architecture
from harness.spec import RobustBenchSpec

MODAS = RobustBenchSpec(model="Modas2021PRIMEResNet18")


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, with_settings: Callable[..., None]) -> Path:
    with_settings(data_dir=tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    numbers = np.random.default_rng(0)
    for label in ("cat", "dog"):
        for index in range(3):
            path = tmp_path / "photographs" / "train" / label / f"{index}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(numbers.integers(0, 256, (150, 260, 3), dtype=np.uint8)).save(path)
    return tmp_path / "photographs"


@pytest.fixture(scope="module")
def random_modas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of random weights, as they would be published."""
    path = tmp_path_factory.mktemp("modas") / "random.pt"
    with torch.random.fork_rng(devices=[]):
        torch.save(architecture(MODAS).state_dict(), path)
    return path


def harness_data(*arguments: object) -> Result:
    result = CliRunner().invoke(data_app, [str(argument) for argument in arguments])
    if isinstance(result.exception, HarnessError):
        raise result.exception
    return result


def test_an_empty_folder_lists_every_set_with_the_command_that_brings_it() -> None:
    text = harness_data("list").output
    assert "cifar10 is missing: harness data prepare cifar10\n" in text
    assert "imagenet is missing: harness data import imagenet PATH\n" in text
    assert "robustbench-standard is missing: harness data prepare robustbench-standard\n" in text


def test_an_import_is_listed_with_its_origin_and_what_is_unusual_about_it(photographs: Path) -> None:
    result = harness_data("import", "imagenet", photographs)
    assert result.exit_code == 0
    assert "imagenet is ready: train 6 images, 2 classes: cat, dog (photographs)" in result.output
    text = harness_data("list").output
    assert "import, photographs" in text
    assert "imagenet is not the whole official set: train 6 of 1281167" in text


def test_a_second_import_needs_replace(photographs: Path) -> None:
    harness_data("import", "imagenet", photographs)
    with pytest.raises(DataError, match="--replace"):
        harness_data("import", "imagenet", photographs)
    assert "train 4 images" in harness_data("import", "imagenet", photographs, "--replace", "--first", 4).output


def test_prepare_corrupt_and_verify_tell_what_they_did(data_dir: Path) -> None:
    assert "digits is ready: train 1437, test 360 images" in harness_data("prepare", "digits").output
    result = harness_data("verify")
    assert (result.exit_code, result.output) == (0, "digits: every byte is as it was made\n")
    assert "digits-c is ready: gaussian_noise 1800, and 14 more like it" in harness_data("corrupt", "digits").output


def test_verify_names_the_damaged_file(data_dir: Path, photographs: Path) -> None:
    harness_data("import", "imagenet", photographs)
    [path] = data_dir.rglob("*.safetensors")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataDamaged, match=path.name):
        harness_data("verify", "imagenet")


def test_a_wrong_name_is_told_before_anything_is_prepared(data_dir: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'digits-c'"):
        harness_data("prepare", "digits", "digit-c")
    assert not data_dir.exists()


def test_options_for_image_folders_are_refused_for_corruption_files(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"made of \.npy files"):
        harness_data("import", "cifar10-c", tmp_path, "--train-only")


def test_weights_are_imported_listed_and_verified(data_dir: Path, random_modas: Path) -> None:
    digest = hashlib.sha256(random_modas.read_bytes()).hexdigest()
    result = harness_data("import", MODAS.weights, random_modas)
    assert result.output == f"{MODAS.weights} is ready: 45 MB, SHA-256 {digest} (random.pt)\n"
    lines = harness_data("list").output.splitlines()
    assert f"{MODAS.weights} weights 45 MB import, random.pt ready" in [" ".join(line.split()) for line in lines]
    assert harness_data("verify").output == f"{MODAS.weights}: every byte is as it was made\n"
    assert harness_data("prepare", MODAS.weights).output == result.output  # it is there: nothing is downloaded
    with pytest.raises(DataError, match="--replace"):
        harness_data("import", MODAS.weights, random_modas)
    path = get_weights(MODAS.weights).path(data_dir)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataDamaged, match=path.name):
        harness_data("verify", MODAS.weights)
    path.write_bytes(content[:-1])
    assert f"{path} is damaged" in harness_data("list").output
    harness_data("import", MODAS.weights, random_modas, "--replace")
    harness_data("verify", MODAS.weights)


def test_weights_of_another_architecture_are_refused(random_modas: Path) -> None:
    with pytest.raises(ImportRefused, match=r"random\.pt is not Engstrom2019Robustness .*Missing key"):
        harness_data("import", "robustbench-engstrom2019robustness", random_modas)


def test_options_for_image_folders_are_refused_for_weights(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="vgg19 is made of one file"):
        harness_data("import", "vgg19", tmp_path, "--first", "3")


def test_weights_that_are_not_there_cannot_be_verified() -> None:
    with pytest.raises(DataMissing, match="harness data prepare vgg19"):
        harness_data("verify", "vgg19")


def test_a_stand_in_is_listed_with_the_command_that_brings_the_real_set(data_dir: Path) -> None:
    assert harness_data("stand-in", "fashionmnist", "imagenet").output.splitlines() == [
        "fashionmnist is ready: a stand-in",
        "imagenet is ready: a stand-in",
    ]
    text = harness_data("list").output
    assert "stand-in, random patterns" in text
    assert "fashionmnist is a stand-in; the real one: harness data prepare fashionmnist --replace\n" in text
    assert "not the whole official set" not in text
    assert "fashionmnist-c is ready" in harness_data("corrupt", "fashionmnist").output
    assert (
        "fashionmnist-c is a stand-in; the real one: harness data corrupt fashionmnist" in harness_data("list").output
    )


def test_the_doctor_does_not_take_a_stand_in_for_the_real_set() -> None:
    harness_data("stand-in", "mnist", MODAS.weights)
    found = {finding.what: (finding.fine, finding.advice) for finding in data_findings()}
    assert found["data set mnist is a stand-in"] == (False, "harness data prepare mnist --replace")
    assert found[f"the weights {MODAS.weights} are a stand-in"][0] is False
    assert found["data set cifar10 is missing"] == (False, "harness data prepare cifar10")


def test_all_stand_ins_leave_alone_what_is_there(data_dir: Path, photographs: Path, monkeypatch) -> None:
    harness_data("import", "imagenet", photographs)
    before = (data_dir / "imagenet" / "manifest.json").read_bytes()
    chosen = {name: stand_ins.STAND_INS[name] for name in ("mnist", "imagenet", "mnist-c")}
    monkeypatch.setattr(stand_ins, "STAND_INS", chosen)
    assert harness_data("stand-in", "--all").output.splitlines() == [
        "mnist is ready: a stand-in",
        "imagenet is left alone: it is there already (import), and only --replace puts a stand-in in its place",
        "mnist-c is ready: a stand-in",
    ]
    assert (data_dir / "imagenet" / "manifest.json").read_bytes() == before
    assert harness_data("stand-in", "--all").output.count("left alone") == 3
    with pytest.raises(DataError, match=r"no stand-in of imagenet is made: .* already \(import\)"):
        harness_data("stand-in", "imagenet")
    harness_data("stand-in", "imagenet", "--replace")
    harness_data("import", "imagenet", photographs, "--replace")
    assert (data_dir / "imagenet" / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("arguments", [(), ("mnist", "--all"), ("--all", "--replace")])
def test_stand_ins_are_named_or_all(arguments: tuple[str, ...], data_dir: Path) -> None:
    with pytest.raises(SpecError, match="give either names or --all; --replace goes with names only"):
        harness_data("stand-in", *arguments)
    assert not data_dir.exists()


@pytest.mark.parametrize("command", ["list", "prepare", "import", "corrupt", "stand-in", "verify"])
def test_every_command_has_help(command: str) -> None:
    result = harness_data(command, "--help")
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 5
