"""A run in progress: jobs go to the workers, and what becomes of them is recorded, each in one transaction.

Where several runners work on one database, each job is claimed by one (`harness.suites.peers`).
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from harness.errors import AlreadyRecorded, DataDamaged, DataError, DataMissing, ResultRefused
from harness.measurement import EvaluationResult, TrainingResult
from harness.provenance import Provenance
from harness.spec import LoadJob, PlannedJob, TrainJob
from harness.store import arrays, jobs, write
from harness.suites.cost import estimate, job_seconds
from harness.suites.executors.executor import Event, Failed, Finished, Lost, Progressed, Started
from harness.suites.inputs import Inputs
from harness.suites.missing_weights import find_missing, has_weights, train_again, whereabouts
from harness.suites.model_weights import fault, model_folder
from harness.suites.plan import Plan
from harness.suites.provisions import Provisions
from harness.suites.request import Summary
from harness.suites.schedule import Schedule
from harness.suites.site import Site
from harness.suites.stopping import heed_signals

LOOK_SECONDS = 0.5  # between looks at what the workers say, so that clocks on the display move


class Run:
    """A run in progress."""

    def __init__(
        self, plan: Plan, inputs: Inputs, site: Site, states: Mapping[str, jobs.JobState], command: str
    ) -> None:
        """states: where earlier runs left the jobs, by key. command: the command line, for provenance."""
        self._plan = plan
        self._site = site
        self._command = command
        self._device = site.executor.device
        self._attempts = {key: state.attempts for key, state in states.items()}
        weights = {key: state.weights for key, state in states.items() if state.weights}
        self._provisions = Provisions(inputs, site, weights)
        self._schedule = Schedule(
            plan,
            {key for key, state in states.items() if state.state == "done"},
            {key: state.reason or "" for key, state in states.items() if state.state == "diverged"},
        )
        self._finished = 0

    def work(self) -> Summary:
        """Do what is to do."""
        schedule, executor, workers = self._schedule, self._site.executor, self._site.executor.idle
        self._look_for_weights(schedule.todo.values())
        todo = list(schedule.todo.values())
        if todo:
            self._provisions.prepare(todo)
            rates = jobs.rates(self._site.database, self._device.name)
            self._site.watch.begin(todo, len(schedule.asked), estimate(todo, rates, self._device, workers))
            taken = {each.key: job_seconds(each, rates, self._device, workers) for each in schedule.asked}
            schedule.share_out(taken, workers)
        elif schedule.blocked and not schedule.done and not schedule.failed:
            raise DataMissing("\n".join(dict.fromkeys(schedule.blocked.values())))
        while schedule.todo or schedule.running or schedule.left:
            heed_signals()
            while executor.idle and (planned := schedule.begin_next()):
                self._begin(planned)
            assert schedule.running or schedule.left, "a job that waits has a need that is neither done nor to do"
            for event in executor.events(LOOK_SECONDS):
                self._heed(event)
            self._heed_peers()
        return self._summary()

    def _begin(self, planned: PlannedJob) -> None:
        if self._site.peers.claim(planned.key, self._attempts.get(planned.key, 0)):
            self._site.executor.submit(self._provisions.work(planned))
        else:
            self._schedule.leave(planned.key)

    def _heed_peers(self) -> None:
        """Learn what became of the jobs that were left to other runners."""
        self._site.peers.give_sign()
        schedule = self._schedule
        theirs = self._site.peers.look() if schedule.left else None
        if theirs is None:
            return
        states = jobs.job_states(self._site.database, schedule.left)
        for key in schedule.left.keys() - theirs.keys():
            self._learn(key, states.get(key))
        if not schedule.todo and not schedule.running and not schedule.left.keys() & theirs.keys():
            schedule.give_up_left()

    def _learn(self, key: str, state: jobs.JobState | None) -> None:
        """What became of a job that no other runner does any more; None: nobody plans it now."""
        planned = self._plan.by_key[key]
        if state is None:
            self._give_up(planned, "another run planned this suite without this job; run the same command again")
        elif state.state == "done" and not has_weights(planned, state, self._site.settings.models_dir):
            self._schedule.miss(key, whereabouts(planned, self._site))
        elif state.state == "done":
            if state.weights:
                self._provisions.weights[key] = state.weights
            self._schedule.finish(key)
            self._site.watch.elsewhere(planned)
        elif state.state in {"failed", "diverged"}:
            reason = state.reason or ""
            self._give_up(planned, f"diverged: {reason}" if state.state == "diverged" else reason)
        elif state.state != "running":
            self._schedule.take_back(key)

    def _heed(self, event: Event) -> None:
        """Record what happened to a job; what another runner has recorded meanwhile stays."""
        if event.key not in self._schedule.running:
            return  # another runner has finished it first, and a worker is still at it
        planned = self._plan.by_key[event.key]
        try:
            self._note_down(planned, event)
        except AlreadyRecorded:
            self._site.watch.note(f"{planned.title}: another runner finished it first; its result is kept")
            self._schedule.leave(event.key)

    def _note_down(self, planned: PlannedJob, event: Event) -> None:
        match event:
            case Started():
                write.start(self._site.database, event.key, self._device.name)
                self._site.watch.started(planned)
            case Progressed():
                self._site.watch.progressed(planned, event.progress)
            case Lost():
                self._site.watch.note(f"{planned.title}: {event.reason}; it begins again")
            case Failed():
                self._fail(planned, event.reason)
            case Finished():
                try:
                    self._record(planned, event)
                except ResultRefused as error:  # what comes out of a container may be anything
                    self._fail(planned, " ".join(str(error).split()))

    def _record(self, planned: PlannedJob, event: Finished) -> None:
        try:
            self._provisions.data.require_unaltered(planned.job.data)
        except DataError as error:
            self._fail(planned, str(error))
            if isinstance(error, DataDamaged) and isinstance(planned.job, TrainJob):  # it would go on from a checkpoint
                shutil.rmtree(model_folder(self._site.settings.models_dir, event.key), ignore_errors=True)
            return
        origin = replace(event.made_with, command=self._command)
        match planned.job, event.result:
            case TrainJob() | LoadJob(), TrainingResult() as result:
                self._record_training(planned, result, origin, event.seconds)
            case TrainJob() | LoadJob(), _:
                self._fail(planned, "the worker trained no model")
            case _, EvaluationResult() as result:
                self._record_evaluation(planned, result, origin, event.seconds)
            case _:
                self._fail(planned, "the worker evaluated nothing")

    def _record_evaluation(
        self, planned: PlannedJob, result: EvaluationResult, origin: Provenance, seconds: float
    ) -> None:
        files = arrays.save(self._site.settings.arrays_dir, planned.key, result.arrays)
        with self._site.peers.recording(planned.key):
            write.finish_evaluation(self._site.database, planned.key, result, origin, seconds, files)
        if result.warning:
            self._site.watch.note(f"{planned.title}: {result.warning}")
        self._finish(planned, seconds)

    def _record_training(
        self, planned: PlannedJob, result: TrainingResult, origin: Provenance, last_attempt: float
    ) -> None:
        models_dir = self._site.settings.models_dir
        if isinstance(planned.job, TrainJob) and (reason := fault(models_dir, planned.key, result)):
            self._fail(planned, reason)
            return
        # a training that was continued has taken longer than its last attempt
        seconds = max(last_attempt, sum(epoch.seconds for epoch in result.epochs))
        forgotten: list[str] = []
        with self._site.peers.recording(planned.key):
            forgotten = write.finish_training(self._site.database, planned.key, result, origin, seconds)
        if result.weights is None:
            self._give_up(planned, f"diverged: {result.reason}")
        else:
            self._provisions.weights[planned.key] = result.weights
            self._finish(planned, last_attempt)
        self._do_again(planned, forgotten)

    def _do_again(self, trained: PlannedJob, forgotten: Collection[str]) -> None:
        """Do again what was done with lost weights of a model that has others now; raises DataDamaged."""
        schedule, site = self._schedule, self._site
        evaluations = schedule.again(forgotten)
        if not evaluations:
            return
        one = len(evaluations) == 1
        done = "1 evaluation" if one else f"{len(evaluations)} evaluations"
        site.watch.note(
            f"{trained.title}: training again gave other weights; {done} done with the lost ones"
            f" {'is' if one else 'are'} done again"
        )
        more = [*self._look_for_weights(evaluations), *evaluations]
        self._provisions.prepare(more)
        site.watch.extend(more)

    def _look_for_weights(self, waiting: Iterable[PlannedJob]) -> list[PlannedJob]:
        """See whether the weights are here that jobs need; the trainings that wait again since theirs are lost."""
        lost = []
        for training in find_missing(waiting, self._plan, self._site):
            if self._site.peers.belongs_here(training.key):
                train_again(training, self._site)
                lost.append(training.key)
            else:
                self._schedule.miss(training.key, whereabouts(training, self._site))
        return self._schedule.again(lost)

    def _finish(self, planned: PlannedJob, seconds: float) -> None:
        self._schedule.finish(planned.key)
        self._finished += 1
        self._site.watch.finished(planned, seconds)

    def _fail(self, planned: PlannedJob, reason: str) -> None:
        write.fail(self._site.database, planned.key, reason)
        self._give_up(planned, reason)

    def _give_up(self, planned: PlannedJob, reason: str) -> None:
        self._schedule.fail(planned.key, reason)
        self._site.watch.failed(planned, reason)

    def _summary(self) -> Summary:
        schedule, by_key = self._schedule, self._plan.by_key
        return Summary(
            asked=len(schedule.asked),
            finished=self._finished,
            done=len(schedule.done),
            failed=tuple((by_key[key], reason) for key, reason in schedule.failed.items()),
            blocked=tuple((by_key[key], reason) for key, reason in schedule.blocked.items()),
        )
