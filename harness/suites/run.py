"""A run in progress: jobs go to the workers, and what becomes of them is recorded, each in one transaction.

Where several runners work on one database, each job is claimed by one (`harness.suites.peers`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from harness.errors import AlreadyRecorded, DataMissing
from harness.files import is_whole
from harness.measurement import EvaluationResult, TrainingResult
from harness.own_code import OwnCode, keep
from harness.settings import Settings
from harness.spec import CheckpointSpec, LoadJob, PlannedJob, TrainJob, inputs_of
from harness.store import arrays, read, write
from harness.store.engine import Database
from harness.store.mending import forget_training
from harness.suites.cost import estimate, seconds
from harness.suites.devices import Device
from harness.suites.executors.executor import Event, Executor, Failed, Finished, JobWork, Lost, Progressed, Started
from harness.suites.inputs import Inputs
from harness.suites.peers import Peers
from harness.suites.plan import Plan
from harness.suites.request import Request, Summary, Watch
from harness.suites.results_folder import checkpoint_file, copy_whole
from harness.suites.schedule import Schedule

LOOK_SECONDS = 0.5  # between looks at what the workers say, so that clocks on the display move


class Run:
    """A run in progress."""

    def __init__(
        self,
        plan: Plan,
        inputs: Inputs,
        request: Request,
        settings: Settings,
        device: Device,
        database: Database,
        peers: Peers,
        executor: Executor,
        watch: Watch,
    ) -> None:
        self._plan = plan
        self._inputs = inputs
        self._request = request
        self._settings = settings
        self._device = device
        self._database = database
        self._peers = peers
        self._executor = executor
        self._watch = watch
        states = read.job_states(database, plan.by_key)
        self._attempts = {key: state.attempts for key, state in states.items()}
        absent = self._absent_weights(states)
        lost = [key for key in absent if peers.belongs_here(key)]
        for key in lost:
            watch.note(f"{plan.by_key[key].title}: its weights are missing or damaged, it is trained again")
            forget_training(database, key)
            del states[key]
        self._weights = {key: state.weights for key, state in states.items() if state.weights}
        self._schedule = Schedule(
            plan,
            {key for key, state in states.items() if state.state == "done"},
            {key: state.reason or "" for key, state in states.items() if state.state == "diverged"},
        )
        for key in set(absent).difference(lost):
            self._schedule.miss(key, self._whereabouts(key))
        self._finished = 0

    def work(self, workers: int) -> Summary:
        """Do what is to do."""
        schedule = self._schedule
        todo = list(schedule.todo.values())
        if todo:
            self._verify_data(todo)
            self._bring_own(todo)
            rates = read.rates(self._database, self._device.name)
            self._watch.begin(todo, len(schedule.asked), estimate(todo, rates, self._device, workers))
            schedule.share_out({each.key: seconds(each, rates, self._device, workers) for each in todo}, workers)
        elif schedule.blocked and not schedule.done and not schedule.failed:
            raise DataMissing("\n".join(dict.fromkeys(schedule.blocked.values())))
        while schedule.todo or schedule.running or schedule.left:
            while self._executor.idle and (planned := schedule.begin_next()):
                self._begin(planned)
            assert schedule.running or schedule.left, "a job that waits has a need that is neither done nor to do"
            for event in self._executor.events(LOOK_SECONDS):
                self._heed(event)
            self._heed_peers()
        return self._summary()

    def _begin(self, planned: PlannedJob) -> None:
        if self._peers.claim(planned.key, self._attempts.get(planned.key, 0)):
            self._executor.submit(self._work(planned))
        else:
            self._schedule.leave(planned.key)

    def _work(self, planned: PlannedJob) -> JobWork:
        return JobWork(
            job=planned.job,
            data_dir=self._settings.data_dir,
            models_dir=self._settings.models_dir,
            weights={need.key: self._weights[need.key] for need in planned.needs},
            code=self._code_of([planned]),
        )

    def _bring_own(self, todo: Sequence[PlannedJob]) -> None:
        """Copy what is a researcher's own into the results folder, for workers wherever they are, and for readers."""
        keep(self._code_of(todo), self._settings.code_dir)
        for job in {job.key: job for planned in todo for job in (planned.job, *planned.needs)}.values():
            if isinstance(job, LoadJob) and isinstance(job.spec, CheckpointSpec):
                place = checkpoint_file(self._settings.models_dir, job.key, job.weights_sha256)
                copy_whole(self._inputs.own_file(job.spec.weights), place, job.weights_sha256)

    def _code_of(self, jobs: Iterable[PlannedJob]) -> OwnCode:
        """What these jobs and their models need of a researcher's own."""
        return self._inputs.code(read for each in jobs for job in (each.job, *each.needs) for read in inputs_of(job))

    def _heed_peers(self) -> None:
        """Learn what became of the jobs that were left to other runners."""
        self._peers.give_sign()
        schedule = self._schedule
        theirs = self._peers.look() if schedule.left else None
        if theirs is None:
            return
        states = read.job_states(self._database, schedule.left)
        for key in schedule.left.keys() - theirs.keys():
            self._learn(key, states.get(key))
        if not schedule.todo and not schedule.running and not schedule.left.keys() & theirs.keys():
            schedule.give_up_left()

    def _learn(self, key: str, state: read.JobState | None) -> None:
        """What became of a job that no other runner does any more; None: nobody plans it now."""
        planned = self._plan.by_key[key]
        if state is None:
            self._give_up(planned, "another run planned this suite without this job; run the same command again")
        elif state.state == "done" and not self._has_weights(planned, state):
            self._schedule.miss(key, self._whereabouts(key))
        elif state.state == "done":
            if state.weights:
                self._weights[key] = state.weights
            self._schedule.finish(key)
            self._watch.elsewhere(planned)
        elif state.state in {"failed", "diverged"}:
            reason = state.reason or ""
            self._give_up(planned, f"diverged: {reason}" if state.state == "diverged" else reason)
        elif state.state != "running":
            self._schedule.take_back(key)

    def _whereabouts(self, key: str) -> str:
        return (
            f"the weights of {self._plan.by_key[key].title} lie with {self._peers.title(key)}: run the same command"
            f" there, share the results folder, or copy its models/{key} to {self._settings.models_dir}"
        )

    def _heed(self, event: Event) -> None:
        """Record what happened to a job; what another runner has recorded meanwhile stays."""
        try:
            self._note_down(event)
        except AlreadyRecorded:
            self._watch.note(
                f"{self._plan.by_key[event.key].title}: another runner finished it first; its result is kept"
            )
            self._schedule.leave(event.key)

    def _note_down(self, event: Event) -> None:
        planned = self._plan.by_key[event.key]
        match event:
            case Started():
                write.start(self._database, event.key, self._device.name)
                self._watch.started(planned)
            case Progressed():
                self._watch.progressed(planned, event.progress)
            case Lost():
                self._watch.note(f"{planned.title}: {event.reason}; it begins again")
            case Failed():
                write.fail(self._database, event.key, event.reason)
                self._give_up(planned, event.reason)
            case Finished():
                self._record(planned, event)

    def _record(self, planned: PlannedJob, event: Finished) -> None:
        origin = replace(event.made_with, command=self._request.command)
        if isinstance(event.result, TrainingResult):
            # a training that was continued has taken longer than its last attempt
            seconds = max(event.seconds, sum(epoch.seconds for epoch in event.result.epochs))
            write.finish_training(self._database, event.key, event.result, origin, seconds)
            if event.result.weights is None:
                self._give_up(planned, f"diverged: {event.result.reason}")
                return
            self._weights[event.key] = event.result.weights
        elif isinstance(event.result, EvaluationResult):
            files = arrays.save(self._settings.arrays_dir, event.key, event.result.arrays)
            write.finish_evaluation(self._database, event.key, event.result, origin, event.seconds, files)
            if event.result.warning:
                self._watch.note(f"{planned.title}: {event.result.warning}")
        self._schedule.finish(event.key)
        self._finished += 1
        self._watch.finished(planned, event.seconds)

    def _give_up(self, planned: PlannedJob, reason: str) -> None:
        self._schedule.fail(planned.key, reason)
        self._watch.failed(planned, reason)

    def _absent_weights(self, states: Mapping[str, read.JobState]) -> list[str]:
        """Trained models whose weights an evaluation needs and the disk does not have as they were."""
        waiting = [planned for planned in self._plan.asked if states[planned.key].state not in {"done", "blocked"}]
        needed = {need.key for planned in waiting for need in planned.needs}
        return [key for key in sorted(needed) if not self._has_weights(self._plan.by_key[key], states[key])]

    def _has_weights(self, planned: PlannedJob, state: read.JobState) -> bool:
        """Whether the weights are here that the database has of a model, if it has some; others' lie with the data."""
        if state.weights is None or not isinstance(planned.job, TrainJob):
            return True
        return is_whole(self._settings.models_dir / planned.key / state.weights, state.weights_sha256)

    def _verify_data(self, todo: Sequence[PlannedJob]) -> None:
        """Read every byte of the sets that will be used; raises DataDamaged."""
        inputs = {each for planned in todo for each in inputs_of(planned.job)}
        self._watch.note(f"checking data: {', '.join(sorted({each.name for each in inputs}))}")
        self._inputs.verify(inputs)

    def _summary(self) -> Summary:
        schedule, by_key = self._schedule, self._plan.by_key
        return Summary(
            asked=len(schedule.asked),
            finished=self._finished,
            done=len(schedule.done),
            failed=tuple((by_key[key], reason) for key, reason in schedule.failed.items()),
            blocked=tuple((by_key[key], reason) for key, reason in schedule.blocked.items()),
        )
