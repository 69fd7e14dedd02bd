"""Where things lie: from the environment, then `.env`, then defaults."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Folders and the database; each is an environment variable `HARNESS_...`."""

    model_config = SettingsConfigDict(env_prefix="HARNESS_", env_file=".env", extra="ignore", frozen=True)

    results_dir: Path = Field(default=Path("results"), description="Database, weights, figures.")
    data_dir: Path = Field(default=Path("data"), description="Verified image arrays.")
    experiments_dir: Path | None = Field(
        default=None, description="A folder of suites of your own, beside the built-in ones."
    )
    database_url: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the result database; default: harness.sqlite in the results folder.",
    )

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the result database."""
        return self.database_url or f"sqlite:///{self.results_dir / 'harness.sqlite'}"

    @property
    def models_dir(self) -> Path:
        """Checkpoints and weights, one folder per trained model."""
        return self.results_dir / "models"

    @property
    def arrays_dir(self) -> Path:
        """Arrays that belong to results, one folder per evaluation or analysis."""
        return self.results_dir / "arrays"


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
