from __future__ import annotations

import platform
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from harness import provenance as module
from harness.measurement import DeviceFacts
from harness.provenance import provenance

FACTS = DeviceFacts(device="Test CPU", driver=None, threads=1)
GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]


@pytest.fixture(autouse=True)
def _look_afresh() -> Iterator[None]:
    module._checkout.cache_clear()
    yield
    module._checkout.cache_clear()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A harness checkout with one commit."""
    file = tmp_path / "harness" / "provenance.py"
    file.parent.mkdir(parents=True)
    file.write_text("")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*GIT, *command], cwd=tmp_path, check=True)
    monkeypatch.setattr(module, "__file__", str(file))
    return file


def test_facts_of_the_device_and_the_command_are_kept() -> None:
    found = provenance(replace(FACTS, device="H100", driver="550.1", threads=2), "harness run-suite study")
    assert (found.device, found.driver, found.threads, found.command) == (
        "H100", "550.1", 2, "harness run-suite study",
    )  # fmt: skip
    assert found.python == platform.python_version()
    assert {"torch", "numpy", "foolbox"} <= set(found.packages)
    assert socket.gethostname() not in str(asdict(found))


def test_the_commit_of_the_checkout_and_whether_it_was_changed(checkout: Path) -> None:
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout.parent, check=True, capture_output=True, text=True)
    clean = provenance(FACTS, "x")
    assert (clean.git_commit, clean.git_dirty) == (head.stdout.strip(), False)
    checkout.write_text("changed")
    module._checkout.cache_clear()
    assert provenance(FACTS, "x").git_dirty is True


def test_an_installed_harness_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "__file__", str(tmp_path / "harness" / "provenance.py"))
    found = provenance(FACTS, "x")
    assert (found.git_commit, found.git_dirty) == (None, None)


@pytest.mark.usefixtures("checkout")
def test_without_git_there_is_no_commit_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert provenance(FACTS, "x").git_commit is None


def test_the_digest_is_of_the_environment_alone() -> None:
    found = provenance(FACTS, "x")
    assert replace(found, command="another").digest == found.digest
    assert replace(found, threads=2).digest != found.digest
