"""What a result was made with: code, packages, hardware, command."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.measurement import DeviceFacts
from harness.spec import digest

PACKAGES = (
    "robustness-harness",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "scikit-learn",
    "pillow",
    "foolbox",
    "robustbench",
    "safetensors",
    "sqlalchemy",
)
"""The packages that numbers, images or their storage can depend on."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a job's result comes from. The machine's name is not kept."""

    git_commit: str | None
    """Commit of the harness checkout, or the one that the container image was built from; None if neither is known."""
    git_dirty: bool | None
    """Whether the checkout had changes that were not committed."""
    python: str
    platform: str
    packages: Mapping[str, str]
    """Version of each of PACKAGES that is installed."""
    device: str
    driver: str | None
    threads: int
    command: str
    """The command line that asked for the job."""

    @property
    def environment(self) -> dict[str, object]:
        """Everything but the command: equal for all jobs of one set-up."""
        facts = asdict(self)
        del facts["command"]
        return facts

    @property
    def digest(self) -> str:
        """The environment's identity, 16 hex digits."""
        return digest(self.environment)


def provenance(facts: DeviceFacts, command: str) -> Provenance:
    """The provenance of what this process computes on that device."""
    commit, dirty = _checkout()
    return Provenance(
        git_commit=commit,
        git_dirty=dirty,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        packages=_packages(),
        device=facts.device,
        driver=facts.driver,
        threads=facts.threads,
        command=command,
    )


@cache
def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def _checkout() -> tuple[str | None, bool | None]:
    """Commit and whether anything was changed since, when first asked: workers do as soon as their code is loaded."""
    root = Path(__file__).parents[1]
    if not (root / ".git").exists():  # installed into some other project's checkout, perhaps
        return _built_from(os.environ.get("HARNESS_GIT_COMMIT", ""))
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    return commit or None, None if changes is None else bool(changes)


def _built_from(description: str) -> tuple[str | None, bool | None]:
    """What the container image says of its source: a commit, with "-dirty" if anything was changed since."""
    commit = description.removesuffix("-dirty")
    return (commit, commit != description) if commit else (None, None)


def _git(root: Path, *arguments: str) -> str | None:
    """What git answers; None where git is missing or refuses."""
    try:
        answer = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
