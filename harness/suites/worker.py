"""What a worker process does: works come, values and errors go back."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch import nn

from harness.data.bundled import prepare_bundled
from harness.data.catalogue import get_dataset
from harness.data.weights import weights_file
from harness.errors import DeviceError, HarnessError, WeightsDamaged
from harness.evaluations import analyse, evaluate, setting_for
from harness.files import is_whole
from harness.machine import cpu_name, memory_note
from harness.measurement import DeviceFacts, EvaluationResult, Progress, TrainingResult
from harness.models.checkpoint import load_checkpoint
from harness.models.zoo import load_robustbench
from harness.provenance import provenance
from harness.seeding import global_generators
from harness.spec import (
    AnalyseJob,
    CheckpointSpec,
    EvaluateJob,
    LoadJob,
    ModelJob,
    RobustBenchSpec,
    TrainJob,
)
from harness.suites.allocator import keep_freed_memory
from harness.suites.executors.executor import Failed, Finished, JobWork, Progressed, Result, Work
from harness.suites.inputs import Inputs
from harness.suites.model_weights import checkpoint_file, model_folder
from harness.suites.unforeseen import error_text, ran_out_of_memory
from harness.torch_settings import compute_exactly
from harness.training.images import training_images
from harness.training.loop import train
from harness.training.trained import load_trained

PROGRESS_SECONDS = 0.2  # between two looks at the same job
MODELS_IN_MEMORY = 3
SUBSTITUTES_IN_MEMORY = 6  # a suite may have one for each of its conditions, and every model meets them all

Tell = Callable[[Progressed], None]
"""Takes what a worker says of a work that goes on."""


def serve(connection: Connection, device: str, threads: int) -> None:
    """Do each work that comes through the pipe, until it is closed."""
    try:
        worker = make_worker(device, threads, connection.send)
    except DeviceError as error:
        connection.send(error)
        return
    while True:
        try:
            work: Work = connection.recv()
        except EOFError:
            return
        connection.send(worker.do(work))


def make_worker(device: str, threads: int, tell: Tell) -> Worker:
    """The worker of this process, for which torch is set up; raises DeviceError."""
    keep_freed_memory()
    torch.set_num_threads(threads)
    compute_exactly()
    if device == "cuda":
        _require_gpu()
    return Worker(torch.device(device), threads, tell)


def _require_gpu() -> None:
    """Raises DeviceError where torch cannot compute on this process's GPU; where its memory is full, it can later."""
    if not torch.cuda.is_available():
        raise DeviceError("torch cannot use this machine's GPU: is the driver new enough? See harness doctor")
    try:
        torch.zeros((), device="cuda")  # nothing before it opens the device
    except RuntimeError as error:
        if not ran_out_of_memory(error):
            raise DeviceError(
                f"torch cannot use this machine's GPU ({str(error).splitlines()[0]}); one that nvidia-smi shows in "
                "exclusive mode takes a single process: free it, and say --workers 1"
            ) from error


class Worker:
    """Does works one after the other; the last models stay loaded, since their next evaluation comes soon."""

    def __init__(self, device: torch.device, threads: int, tell: Tell) -> None:
        self._device = device
        self._tell = tell
        self._load_trained = lru_cache(maxsize=MODELS_IN_MEMORY)(load_trained)
        # a substitute is needed again by every model: what was remembered about it must not be lost in between
        self._load_substitute = lru_cache(maxsize=SUBSTITUTES_IN_MEMORY)(load_trained)
        self._load_robustbench = lru_cache(maxsize=1)(load_robustbench)
        self._load_checkpoint = lru_cache(maxsize=1)(load_checkpoint)
        self._told = 0.0
        gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
        self._where = gpu or "this machine"
        facts = DeviceFacts(device=gpu or cpu_name(), driver=_driver_version() if gpu else None, threads=threads)
        self._made_with = provenance(facts, command="")

    def do(self, work: Work) -> Finished | Failed:
        """Do a work; its value, or why there is none: whatever goes wrong with one must not stop the others."""
        began = time.perf_counter()
        try:
            result = self._do(work)
        except HarnessError as error:
            return Failed(work.key, str(error))
        except (Exception, SystemExit) as error:  # whatever it is
            if ran_out_of_memory(error):
                return Failed(work.key, f"not enough free memory on {self._where}{memory_note()}", "memory")
            files = {file for file, _ in work.code.sources} if isinstance(work, JobWork) else set()
            return Failed(work.key, error_text(error, files), "unexpected")
        finally:
            if self._device.type == "cuda":
                with suppress(RuntimeError):  # a broken device must not hide what happened
                    torch.cuda.empty_cache()  # others on the same GPU need it
        return Finished(work.key, result, self._made_with, time.perf_counter() - began)

    def _do(self, work: Work) -> Result:
        if not isinstance(work, JobWork):
            prepare_bundled(work.data_dir, work.name)
            return None
        with global_generators(0, "own code"):
            work.code.run()
        match work.job:
            case TrainJob():
                return self._train(work, work.job)
            case LoadJob():
                result: Result = self._take_in(work, work.job)
            case EvaluateJob():
                result = self._evaluate(work, work.job)
            case AnalyseJob():
                result = analyse(work.job.spec, work.data_dir)
        _require_planned_data(work)
        return result

    def _train(self, work: JobWork, job: TrainJob) -> TrainingResult:
        images = training_images(job.spec, work.data_dir, self._device, work.code)
        _require_planned_data(work)
        return train(
            job.spec,
            job.seed,
            images,
            device=self._device,
            folder=model_folder(work.models_dir, job.key),
            code=work.code,
            on_progress=lambda progress: self._tell_now_and_then(job.key, progress),
        )

    def _evaluate(self, work: JobWork, job: EvaluateJob) -> EvaluationResult:
        setting = setting_for(
            job.evaluation,
            job.model.spec,
            work.data_dir,
            self._device,
            self._load(work, job.substitute, as_substitute=True) if job.substitute else None,
            work.code,
            on_progress=lambda progress: self._tell_now_and_then(job.key, progress),
        )
        setting = replace(setting, chunk=max(1, setting.chunk // work.fewer))
        return evaluate(self._load(work, job.model), setting, job.evaluation)

    def _take_in(self, work: JobWork, job: LoadJob) -> TrainingResult:
        """Make sure that an external model loads and classifies."""
        model = self._load(work, job)
        return TrainingResult(
            status="ok",
            reason=None,
            epochs=(),
            best_epoch=None,
            weights=_weights_of(work, job).name,
            weights_sha256=job.weights_sha256,
            parameters=sum(parameter.numel() for parameter in model.parameters()),
        )

    def _load(self, work: JobWork, job: ModelJob, *, as_substitute: bool = False) -> nn.Module:
        if isinstance(job.spec, RobustBenchSpec):
            return self._load_robustbench(job.spec, _weights_of(work, job), self._device)
        task = get_dataset(work.data_dir, job.spec.classification).task
        code = work.code.only(job.spec.functions)  # that of an attack would make it another model to load
        if isinstance(job.spec, CheckpointSpec):
            spec = job.spec.replaced(weights=job.spec.weights_of(job.seed))  # the file that errors name
            return self._load_checkpoint(spec, _weights_of(work, job), task, self._device, code)
        folder = model_folder(work.models_dir, job.key)
        load_trained = self._load_substitute if as_substitute else self._load_trained
        return load_trained(job.spec, folder, work.weights[job.key], task, self._device, code)

    def _tell_now_and_then(self, key: str, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._told >= PROGRESS_SECONDS:
            self._told = now
            self._tell(Progressed(key, progress))


def _require_planned_data(work: JobWork) -> None:
    """Raises DataDamaged where somebody has put other data into the folder, which the job may have read.

    To be asked after the reading: what was read before is still open then, and as it was.
    """
    data = dict(work.job.data)
    if isinstance(work.job, EvaluateJob) and isinstance(work.job.model, LoadJob):
        data |= work.job.model.data  # its weights are read again for each evaluation
    Inputs(work.data_dir, stand_ins=True).require_same(data)


def _weights_of(work: JobWork, job: ModelJob) -> Path:
    """The file of a model that was trained elsewhere, every byte of it checked."""
    assert isinstance(job, LoadJob)
    if isinstance(job.spec, RobustBenchSpec):
        return weights_file(work.data_dir, job.spec.weights)
    path = checkpoint_file(work.models_dir, job.key, job.weights_sha256)
    if not is_whole(path, job.weights_sha256):
        raise WeightsDamaged(f"{path} is gone or altered; run the same command again, which copies it again")
    return path


def _driver_version() -> str | None:
    try:
        return Path("/sys/module/nvidia/version").read_text().strip()
    except OSError:
        return None
