"""The container image, where a Docker engine runs and `make image` has built it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

IMAGE = "robustness-harness"


def why_not() -> str:
    """Why no container can be started here; empty if one can."""
    if shutil.which("docker") is None:
        return "no docker command"
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        return "no Docker engine"
    if subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode:
        return f"no image {IMAGE}: build it with make image"
    return ""


REASON = why_not()
pytestmark = [pytest.mark.docker, pytest.mark.skipif(bool(REASON), reason=REASON)]


def started(*arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """A container of the image that has run to its end."""
    command = ["docker", "run", "--rm", *options, IMAGE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_results_belong_to_the_owner_of_their_folder(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("data", "results")]
    owner = 12_345 if os.getuid() == 0 else os.getuid()
    for folder in folders:
        folder.mkdir()
        os.chown(folder, owner, -1)
    mounts = [f"--volume={folder}:/app/{folder.name}" for folder in folders]
    done = started("run-suite", "quickstart", "--profile", "smoke", options=("--user=0:0", "--network=none", *mounts))
    assert done.returncode == 0, done.stderr
    assert {path.stat().st_uid for folder in folders for path in folder.rglob("*")} == {owner}
    with sqlite3.connect(tmp_path / "results" / "harness.sqlite") as database:
        assert set(database.execute("SELECT state FROM v_jobs")) == {("done",)}


@pytest.mark.parametrize("user", ["", "--user=4321:4321"])
def test_any_user_but_root_may_run_it(user: str) -> None:
    options = (user,) if user else ()
    done = started("list", options=options)
    assert done.returncode == 0, done.stderr
    assert "quickstart" in done.stdout


def test_the_default_user_is_not_root() -> None:
    done = started("-c", "id -u", options=("--entrypoint=sh",))
    assert int(done.stdout) != 0
