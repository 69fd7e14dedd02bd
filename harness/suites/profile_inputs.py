"""The inputs of a profile's suites, and of those that are not there what the database's results were made of."""

from __future__ import annotations

from functools import partial

from harness.settings import Settings
from harness.spec import takes_stand_ins
from harness.store import read
from harness.store.engine import Database
from harness.suites.inputs import Inputs


def profile_inputs(profile: str, settings: Settings, database: Database | None) -> Inputs:
    """What suites at a profile read. The database must be open as long as these are asked."""
    recall = partial(read.digest_behind, database, profile=profile) if database else lambda _: None
    stand_ins = takes_stand_ins(profile)
    return Inputs(settings.data_dir, settings.experiments_dir, stand_ins=stand_ins, recall=recall)
