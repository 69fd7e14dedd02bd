"""What can be planned by what was done before: inputs that are gone since, and models that are trained already."""

from __future__ import annotations

from functools import partial

from harness.settings import Settings
from harness.spec import takes_stand_ins
from harness.store.engine import Database
from harness.store.jobs import trained
from harness.store.origins import digest_behind
from harness.suites.devices import Device
from harness.suites.inputs import Inputs
from harness.suites.plan import Plan, make_plan
from harness.suites.selection import Selection


def plan_after(
    selection: Selection, settings: Settings, device: Device, database: Database | None
) -> tuple[Plan, Inputs]:
    """The plan of suites beside what the database has of them, None if there is none yet; and what its jobs read.

    Of inputs that are not there any more the results stay, and models can be evaluated without what they were trained
    on. Raises SpecError as `make_plan`.
    """
    inputs = inputs_after(selection.profile, settings, database)
    return make_plan(selection, inputs, device, partial(trained, database) if database else tuple), inputs


def inputs_after(profile: str, settings: Settings, database: Database | None) -> Inputs:
    """What suites at a profile read; what is not there is as the database's results have it."""
    recall = partial(digest_behind, database, profile=profile) if database else lambda _: None
    stand_ins = takes_stand_ins(profile)
    return Inputs(settings.data_dir, settings.experiments_dir, stand_ins=stand_ins, recall=recall)
