"""What jobs need to begin: verified data, the weights of their models, and own code where workers find it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.own_code import OwnCode, keep
from harness.spec import CheckpointSpec, LoadJob, PlannedJob, inputs_of
from harness.suites.executors.executor import JobWork
from harness.suites.inputs import Inputs
from harness.suites.model_weights import copy_checkpoint
from harness.suites.site import Site
from harness.suites.verified_data import VerifiedData


class Provisions:
    """What the jobs of a run need."""

    def __init__(self, inputs: Inputs, site: Site, weights: Mapping[str, str]) -> None:
        self.data = VerifiedData(site.settings.data_dir)
        self.weights = dict(weights)
        """File names of the weights of trained models, by the model's key."""
        self._inputs = inputs
        self._site = site

    def prepare(self, todo: Sequence[PlannedJob]) -> None:
        """Verify every byte that jobs read, and copy what is a researcher's own into the results folder.

        It is for workers wherever they are, and for readers. Raises DataDamaged.
        """
        settings = self._site.settings
        inputs = self.data.unverified(each for planned in todo for each in inputs_of(planned.job))
        if inputs:
            self._site.watch.note(f"checking data: {', '.join(sorted({each.name for each in inputs}))}")
            self.data.verify(inputs)
        keep(self._code_of(todo), settings.code_dir)
        for job in {job.key: job for planned in todo for job in (planned.job, *planned.needs)}.values():
            if isinstance(job, LoadJob) and isinstance(job.spec, CheckpointSpec):
                source = self._inputs.own_file(job.spec.weights_of(job.seed))
                copy_checkpoint(source, settings.models_dir, job.key, job.weights_sha256)

    def work(self, planned: PlannedJob) -> JobWork:
        """A job whose models are there, with what a worker needs to do it."""
        return JobWork(
            job=planned.job,
            data_dir=self._site.settings.data_dir,
            models_dir=self._site.settings.models_dir,
            weights={need.key: self.weights[need.key] for need in planned.needs},
            code=self._code_of([planned]),
        )

    def _code_of(self, jobs: Iterable[PlannedJob]) -> OwnCode:
        """What these jobs and their models need of a researcher's own."""
        return self._inputs.code(read for each in jobs for job in (each.job, *each.needs) for read in inputs_of(job))
