from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.modules.module import register_module_forward_hook
from typer.testing import CliRunner, Result

from harness.cli.neural import neural_app
from harness.data.bundled import prepare_bundled
from harness.errors import DataMissing, HarnessError, ImportRefused, SpecError
from harness.torch_settings import compute_exactly

TINY = ("--images", "digits", "--n-images", 60, "--oracle-images", 12, "--repeats", 3, "--scans", 2, "--neurons", 10)
SHORT = ("--channels", 2, "--max-epochs", 1, "--device", "cpu")


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, with_settings: Callable[..., None]) -> Path:
    with_settings(data_dir=tmp_path / "data", results_dir=tmp_path / "results")
    prepare_bundled(tmp_path / "data", "digits")
    return tmp_path / "data"


def harness_neural(*arguments: object) -> Result:
    result = CliRunner().invoke(neural_app, [str(argument) for argument in arguments])
    if isinstance(result.exception, HarnessError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_from_a_simulation_to_its_similarity() -> None:
    assert "v1 is ready (simulated): 2 scans, 20 neurons, 60 images" in harness_neural("simulate", "v1", *TINY).output
    fitting = harness_neural("fit", "v1", *SHORT).output
    lines = re.findall(
        r"simulated-0[01]: correlation -?0\.\d{3} over held-out trials, -?0\.\d{3} with the means of repeats; "
        r"1 epochs, \d+ s",
        fitting,
    )
    assert len(lines) == 2
    assert harness_neural("fit", "v1", *SHORT).output.count("fitted before") == 2
    ending = harness_neural("similarity", "v1", *SHORT).output
    assert "similarity v1 is ready (simulated): 60 images, 2 scans, neural and raw" in ending
    assert re.search(r"noise-free similarity: predictive models -?0\.\d{3}, single trials -?0\.\d{3}", ending)
    listed = harness_neural("list").output
    assert re.search(r"v1 +60 +2 +20 +168 +generated, simulated V1, seed 0, 10 neurons, digits +neural, raw", listed)


def test_on_a_gpu_no_fit_and_no_similarity_is_rounded_to_tf32() -> None:
    """torch lets convolutions do so unless it is told not to."""
    harness_neural("simulate", "v1", *TINY)
    convolutions: Any = torch.backends.cudnn
    found: list[str] = []
    seen = register_module_forward_hook(lambda *_: found.append(convolutions.conv.fp32_precision))
    try:
        for command in ("fit", "similarity"):
            convolutions.allow_tf32 = True
            convolutions.conv.fp32_precision = convolutions.rnn.fp32_precision = "tf32"
            harness_neural(command, "v1", *SHORT)
            assert set(found) == {"ieee"}, command
            found.clear()
    finally:
        seen.remove()
        compute_exactly()


def test_an_import_is_fitted_without_repeats_and_behaviour(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    images = numbers.integers(0, 256, (40, 1, 36, 64), dtype=np.uint8)
    responses = numbers.exponential(size=(40, 3)).astype(np.float32)
    folder = tmp_path / "laboratory"
    folder.mkdir()
    np.savez(folder / "mouse-1.npz", images=images, responses=responses, trial_images=np.arange(40))
    assert "m is ready (imported): 1 scans, 3 neurons, 40 images" in harness_neural("import", "m", folder).output
    assert "no repeats, so neurons are weighted by it alone" in harness_neural("fit", "m", *SHORT).output
    ending = harness_neural("similarity", "m", *SHORT).output
    assert "similarity m is ready (recorded): 40 images, 1 scans" in ending
    assert "noise-free" not in ending


def test_the_list_says_what_is_damaged_and_how_to_start(data_dir: Path) -> None:
    assert "make one with: harness neural simulate NAME" in harness_neural("list").output
    harness_neural("simulate", "v1", *TINY)
    for path in (data_dir / "recordings" / "v1").glob("*.safetensors"):
        path.write_bytes(b"")
    text = harness_neural("list").output
    assert re.search(r"v1 .* damaged +none yet", text)
    assert "it has 0 bytes instead of" in text


def test_the_list_passes_over_a_folder_that_no_command_made(data_dir: Path) -> None:
    harness_neural("simulate", "v1", *TINY)
    for folder in ("recordings", "similarities"):
        copy = data_dir / folder / "V1 (copy)"
        copy.mkdir(parents=True)
        (copy / "manifest.json").write_text("{}")
    text = harness_neural("list").output
    assert "v1" in text
    assert "copy" not in text


def test_what_is_wrong_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"harness neural simulate: .*oracle_images can be at most half of the 20"):
        harness_neural("simulate", "v1", "--n-images", 20)
    with pytest.raises(SpecError, match="harness neural simulate: n_images should be greater than or equal to 20"):
        harness_neural("simulate", "v1", "--n-images", 19, "--oracle-images", 0)
    with pytest.raises(SpecError, match="harness neural simulate: oracle_images can be 0 or at least 10, got 9"):
        harness_neural("simulate", "v1", "--oracle-images", 9)
    with pytest.raises(SpecError, match="harness neural fit: channels should be greater than or equal to 1"):
        harness_neural("fit", "v1", "--channels", 0)
    with pytest.raises(DataMissing, match="no recording v1"):
        harness_neural("fit", "v1")
    with pytest.raises(ImportRefused, match="is not a folder"):
        harness_neural("import", "v1", tmp_path / "nowhere")
    harness_neural("simulate", "v1", *TINY)
    with pytest.raises(DataMissing, match="harness neural fit v1, and the same options"):
        harness_neural("similarity", "v1")


@pytest.mark.parametrize("command", ["simulate", "import", "list", "fit", "similarity"])
def test_every_command_has_help(command: str) -> None:
    assert len(harness_neural(command, "--help").output.splitlines()) > 5
