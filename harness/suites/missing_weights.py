"""Weights of trained models that jobs need and that are not here: lost, or in another results folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.files import is_whole
from harness.spec import PlannedJob, TrainJob
from harness.store.jobs import JobState, job_states
from harness.store.mending import forget_training
from harness.suites.model_weights import model_folder
from harness.suites.plan import Plan
from harness.suites.site import Site


def find_missing(waiting: Iterable[PlannedJob], plan: Plan, site: Site) -> list[PlannedJob]:
    """The trainings of the models that these jobs need, if the weights are not here."""
    states = job_states(site.database, {need.key for planned in waiting for need in planned.needs})
    trainings = (plan.by_key[key] for key in sorted(states))
    return [each for each in trainings if not has_weights(each, states[each.key], site.settings.models_dir)]


def train_again(lost: PlannedJob, site: Site) -> None:
    """Let a training wait again whose weights are lost."""
    consequence = "and cannot be trained again now" if lost.blocked else "it is trained again"
    site.watch.note(f"{lost.title}: its weights are missing or damaged, {consequence}")
    forget_training(site.database, lost.key, lost.blocked)


def has_weights(planned: PlannedJob, state: JobState, models_dir: Path) -> bool:
    """Whether the weights are here that the database has of a model, if it has some; others' lie with the data."""
    if state.weights is None or not isinstance(planned.job, TrainJob):
        return True
    return is_whole(model_folder(models_dir, planned.key) / state.weights, state.weights_sha256)


def whereabouts(planned: PlannedJob, site: Site) -> str:
    """Where the weights are of a training that another runner did, and how to bring both together."""
    settings, key = site.settings, planned.key
    folder = model_folder(settings.models_dir, key)
    return (
        f"the weights of {planned.title} lie with {site.peers.title(key)}: run the same command there, share the"
        f" results folder, or copy its {folder.relative_to(settings.results_dir)} to {folder.parent}"
    )
