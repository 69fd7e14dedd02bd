"""Where things lie and how jobs are done: from the environment, then `.env`, then defaults."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from harness.errors import SpecError

PREFIX = "HARNESS_"
EVALUATION_PRECISIONS = ("float32", "bfloat16", "auto")  # as specs have them, which take longer to import
TRAIN_PRECISIONS = (*EVALUATION_PRECISIONS, "tf32")
_FILE = Path(".env")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is the same for all commands; each is an environment variable `HARNESS_...`."""

    results_dir: Path = Path("results")
    """Database, weights, figures."""
    data_dir: Path = Path("data")
    """Verified image arrays."""
    experiments_dir: Path | None = None
    """A folder of suites of your own, beside the built-in ones."""
    database_url: str | None = None
    """SQLAlchemy URL of the result database; default: harness.sqlite in the results folder."""
    attempts: int = 3
    """Times that one command begins a job whose worker is lost, hangs or runs out of memory."""
    hang_minutes: float = 60.0
    """A worker that says nothing for so long hangs; inf: never.

    Trainings on a GPU speak once an epoch, analyses at their end.
    """
    gpu_share: float = 0.5
    """Part of a GPU that one job on a Ray cluster takes.

    Two jobs per GPU are reasoned, not measured: the network's last two stages occupy at most half of a large GPU's 132
    multiprocessors at the paper's batch of 64, and one job draws its random numbers while the other computes.
    """
    train_precision: str | None = None
    """Of trainings whose suite does not say it."""
    evaluation_precision: str | None = None
    """Of evaluations whose suite does not say it."""
    image: str = "robustness-harness"
    """Name of the container image that `--executor docker` runs jobs in."""

    @property
    def database(self) -> str | Path:
        """The SQLAlchemy URL of the result database, or its file: a path need not be one that a URL can hold."""
        return self.database_url or self.results_dir / "harness.sqlite"

    @property
    def on_server(self) -> bool:
        """Whether the database is on a server, where several runners may share it and the results folder."""
        return self.database_url is not None and not self.database_url.startswith("sqlite")

    @property
    def models_dir(self) -> Path:
        """Checkpoints and weights, one folder per trained model."""
        return self.results_dir / "models"

    @property
    def code_dir(self) -> Path:
        """Own code that results were made with, each file under its SHA-256."""
        return self.results_dir / "code"

    @property
    def arrays_dir(self) -> Path:
        """Arrays that belong to results, one folder per evaluation or analysis."""
        return self.results_dir / "arrays"


@cache
def settings() -> Settings:
    """The settings of this process; a variable that is empty counts as not set.

    Raises:
        SpecError: a value cannot be, or a variable is named nearly as a setting.
    """
    said = {**_file(), **os.environ}
    found = {each.name: said.get(f"{PREFIX}{each.name.upper()}") for each in fields(Settings)}
    _refuse_misspelt(said)
    folders = {name: _folder(name, value) for name, value in found.items() if value and name.endswith("_dir")}
    return Settings(
        **folders,
        database_url=found["database_url"] or None,
        attempts=int(_number("ATTEMPTS", found["attempts"], Settings.attempts, whole=True)),
        hang_minutes=_number("HANG_MINUTES", found["hang_minutes"], Settings.hang_minutes),
        gpu_share=_number("GPU_SHARE", found["gpu_share"], Settings.gpu_share, most=1),
        train_precision=_one_of("TRAIN_PRECISION", found["train_precision"], TRAIN_PRECISIONS),
        evaluation_precision=_one_of("EVALUATION_PRECISION", found["evaluation_precision"], EVALUATION_PRECISIONS),
        image=found["image"] or Settings.image,
    )


def _refuse_misspelt(said: Iterable[str]) -> None:
    """Raises SpecError for a name that is nearly one of these: results would go elsewhere, unnoticed."""
    known = [each.name.upper() for each in fields(Settings)]
    for name in sorted(each.removeprefix(PREFIX) for each in said if each.startswith(PREFIX)):
        near = difflib.get_close_matches(name, known, n=1)
        if near and name not in known:
            raise SpecError(f"{PREFIX}{name} is no setting; rename it to {PREFIX}{near[0]}, or unset it")


def _folder(name: str, text: str) -> Path:
    """The folder that a variable says; raises SpecError where it begins with the home of nobody."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise SpecError(f"{PREFIX}{name.upper()} is {text!r}, but there is no such user here") from None


def _number(name: str, text: str | None, default: float, *, whole: bool = False, most: float = math.inf) -> float:
    """What a variable says, the default if nothing.

    Raises:
        SpecError: it is not above 0, above `most`, or not whole where it must be.
    """
    try:
        number: float = (int(text) if whole else float(text)) if text else default
    except ValueError:
        number = 0
    if 0 < number <= most:
        return number
    bound = "" if most == math.inf else f" and at most {most:g}"
    raise SpecError(f"{PREFIX}{name} is {text!r}, but it must be a {'whole ' if whole else ''}number above 0{bound}")


def _one_of(name: str, text: str | None, allowed: tuple[str, ...]) -> str | None:
    """What a variable says, None if nothing; raises SpecError if it is something else than what is allowed."""
    if not text or text in allowed:
        return text or None
    raise SpecError(f"{PREFIX}{name} is {text!r}, but it must be one of {', '.join(allowed)}")


def _file() -> dict[str, str]:
    """What `.env` says."""
    try:
        if not _FILE.is_file():
            return {}
        from dotenv import dotenv_values

        return {name: value for name, value in dotenv_values(_FILE).items() if value is not None}
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{_FILE.absolute()} cannot be read: {error}") from None
