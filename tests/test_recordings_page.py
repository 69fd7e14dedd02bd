"""docs/recordings.md says what the program does."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from harness.cli.neural import neural_app
from harness.data.imports.recording_files import import_recording
from harness.data.recording_arrays import LAYOUTS
from harness.spec.neural import LEAST_IMAGES, LEAST_REPEATED

PAGE = (Path(__file__).parents[1] / "docs" / "recordings.md").read_text(encoding="utf-8")


def test_the_table_holds_every_array() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| \((.*?),?\) \| (.*) \|$", PAGE, flags=re.MULTILINE)
    assert {name: (dtype, shape) for name, dtype, shape, _ in rows} == {
        name: (layout.dtype, ", ".join(map(str, layout.shape))) for name, layout in LAYOUTS.items()
    }
    optional = {name for name, *_, meaning in rows if meaning.startswith(("optional", "true mean"))}
    assert optional == {name for name, layout in LAYOUTS.items() if layout.optional}
    assert f"at least {LEAST_IMAGES} images" in PAGE
    assert f"fewer than {LEAST_REPEATED} of them" in PAGE


def test_the_example_can_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [code] = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    exec(code, {})
    assert import_recording(tmp_path, "mouse", tmp_path / "scans").scans["mouse-1"].repeated_images == 40


def test_the_commands_exist() -> None:
    group = typer.main.get_command(neural_app)
    named = [shlex.split(line, comments=True)[2:] for line in PAGE.splitlines() if line.startswith("harness neural ")]
    assert {name for name, *_ in named} == set(group.commands)  # type: ignore[attr-defined]
