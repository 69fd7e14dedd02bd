"""Results that a run would replace, since what they are made of was changed after they were planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.settings import settings
from harness.spec import PlannedJob, Suite
from harness.store import relations
from harness.store.engine import Database
from harness.store.schema import FINAL
from harness.suites.devices import get_device
from harness.suites.past import inputs_after
from harness.suites.plan import make_plan
from harness.suites.registry import get_suites
from harness.suites.selection import Selection


@dataclass(frozen=True, kw_only=True)
class Outdated:
    """What a run of a suite or collection would replace."""

    rows: tuple[Mapping[str, Any], ...]
    """Of the view `v_jobs`: finished jobs that it does not ask for as it is now."""
    finished: int
    """So many jobs are finished."""
    seeds: tuple[int, ...]
    """What a run has to be told to keep the seeds that are finished beyond the suites' own; empty if there are none."""


def outdated(db: Database, name: str, profile: str) -> Outdated:
    """The finished jobs of a suite or collection, beside what its files, own code, data and settings ask for now.

    The seeds are those that are finished. What cannot be planned here, its data being elsewhere, counts as asked for.

    Raises:
        HarnessError: a suite cannot be planned as it is now.
    """
    suites = get_suites(name, profile)
    names = [suite.name for suite in suites]
    rows = relations.rows(db, "v_jobs", suite=names, profile=profile, state=FINAL).records
    finished = [row for row in rows if row["condition"] or row["seed"] is None]  # the others are substitutes
    inputs = inputs_after(profile, settings(), db)
    device = get_device("auto")
    asked: set[tuple[str | None, ...]] = set()
    own, done = set[int](), set[int]()
    for suite in suites:
        seeds = {row["seed"] for row in finished if row["suite"] == suite.name and _has_seeds(row, suite)}
        own, done = own.union(suite.seeds), done | seeds
        plan = make_plan(Selection(suites=(suite,), seeds=tuple(seeds)), inputs, device)
        for planned in plan.jobs:
            key = planned.key if _is_whole(planned) else None
            asked |= {(place.suite, place.condition, place.evaluation, key) for place in planned.places}

    def is_asked(row: Mapping[str, Any]) -> bool:
        place = row["suite"], row["condition"] or "", row["evaluation"]
        return not asked.isdisjoint({(*place, None), (*place, row["job"])})

    return Outdated(
        rows=tuple(row for row in finished if not is_asked(row)),
        finished=len(finished),
        seeds=() if done <= own else tuple(sorted(own | done)),
    )


def _has_seeds(row: Mapping[str, Any], suite: Suite) -> bool:
    """Whether a job makes a model for a seed of the suite; a single one that was trained elsewhere has none."""
    spec = suite.conditions.get(row["condition"])
    return row["kind"] == "train" or (row["kind"] == "load" and spec is not None and spec.has_seeds)


def _is_whole(planned: PlannedJob) -> bool:
    """Whether all that a job reads is here, without which it has another identity."""
    read_by = (planned.job, *planned.needs)
    return not planned.blocked and all(digest for job in read_by for digest in dict(job.data).values())
