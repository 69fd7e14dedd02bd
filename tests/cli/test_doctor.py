from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

DOCTOR = import_module("harness.cli.doctor")
"""The module: in its package the command has the same name."""


@pytest.mark.parametrize(
    ("docker", "finding"),
    [
        ("#!/bin/sh\necho 27.1\n", (True, "docker 27.1")),
        ("#!/bin/sh\nexit 1\n", (False, "docker is there but its engine does not answer")),
        ("#!/bin/sh\nexec /bin/sleep 600\n", (False, "docker is there but its engine does not answer")),
        ("#!/no/such/interpreter\n", (False, "docker is there but its engine does not answer")),
    ],
    ids=["answers", "fails", "hangs", "cannot be run"],
)
def test_the_doctor_asks_docker_and_does_not_wait_for_ever(tmp_path: Path, monkeypatch, docker: str, finding) -> None:
    command = tmp_path / "docker"
    command.write_text(docker)
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(DOCTOR, "DOCKER_SECONDS", 0.5)
    [found] = DOCTOR._docker()
    assert (found.fine, found.what) == finding
