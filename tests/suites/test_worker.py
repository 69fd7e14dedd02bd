from __future__ import annotations

import multiprocessing
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image

from harness import provenance
from harness.data.imports.folder import import_images
from harness.data.splits import open_split
from harness.errors import DeviceError
from harness.evaluations import ANALYSES
from harness.evaluations.fgsm_transfer import gradient_signs
from harness.evaluations.setting import CPU_CHUNK
from harness.measurement import EvaluationResult
from harness.spec import (
    AnalyseJob,
    CleanSpec,
    EvaluateJob,
    FgsmTransferSpec,
    Input,
    LoadJob,
    NetworkSpec,
    NoiseExamplesSpec,
    OptimisationSpec,
    RobustBenchSpec,
    TrainingSpec,
    TrainJob,
)
from harness.stand_ins import make_stand_in
from harness.suites.executors.executor import Failed, Finished, JobWork, PrepareWork
from harness.suites.inputs import Inputs
from harness.suites.worker import Worker, make_worker

EVERYTHING = 1 << 50  # bytes; no machine has them
TINY = TrainingSpec(
    classification="digits",
    n_train=40,
    network=NetworkSpec(base_width=2),
    optimisation=OptimisationSpec(epochs=1, batch_size=20),
    augmentation="none",
)


@pytest.fixture
def outcome(folders, monkeypatch) -> Callable[..., object]:
    """What a worker says of an analysis that does `what`."""

    def found(what: Callable[[], object]) -> object:
        monkeypatch.setitem(ANALYSES, "noise_examples", lambda spec, data_dir: what())
        job = AnalyseJob(spec=NoiseExamplesSpec(images="digits"), data={})
        work = JobWork(job=job, data_dir=folders.data_dir, models_dir=folders.models_dir, weights={})
        ours, theirs = multiprocessing.Pipe()
        with ours, theirs:
            return Worker(torch.device("cpu"), 1, theirs).do(work)

    return found


@pytest.mark.parametrize(
    "greedy",
    [
        lambda: torch.empty(EVERYTHING, dtype=torch.uint8),
        lambda: numpy.empty(EVERYTHING, dtype="uint8"),
        lambda: bytearray(EVERYTHING),
    ],
    ids=["torch", "numpy", "python"],
)
def test_memory_that_runs_out_is_told_apart_from_other_errors(outcome, greedy):
    failed = outcome(greedy)
    assert isinstance(failed, Failed)
    assert (failed.cause, failed.reason) == ("memory", "not enough free memory on this machine")


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("could not create a primitive", "memory"),
        ("could not create a primitive descriptor for a convolution", "unexpected"),
        ("unable to mmap 371768 bytes from file <test.safetensors>: Cannot allocate memory (12)", "memory"),
        ("CUDA error: out of memory", "memory"),
        ("CUDA driver error: out of memory", "memory"),
        ("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`", "memory"),
        ("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", "memory"),
        ("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR", "unexpected"),
        ("FIND was unable to find an engine to execute this computation", "memory"),
        ("CUDA error: an illegal memory access was encountered", "unexpected"),
    ],
)
def test_what_torch_says_below_a_limit_of_a_process_s_memory_is_understood(outcome, said, cause):
    def raised() -> object:
        raise RuntimeError(said)

    assert outcome(raised).cause == cause


def test_memory_that_ran_out_behind_another_error_is_found(outcome):
    def recorded() -> object:
        try:
            raise torch.OutOfMemoryError("CUDA out of memory")
        finally:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")

    assert outcome(recorded).cause == "memory"


@pytest.fixture
def opened_as(monkeypatch) -> Callable[[str], Worker]:
    """A worker with a GPU that says so much when it is opened."""

    def made(said: str) -> Worker:
        def refuse(*size: object, **options: object) -> None:
            raise torch.AcceleratorError(said)

        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "some GPU")
        monkeypatch.setattr(torch, "zeros", refuse)
        return make_worker("cuda", 1, lambda told: None)

    return made


def test_a_gpu_that_another_process_has_to_itself_is_refused_before_any_job(opened_as):
    with pytest.raises(DeviceError, match=r"GPU \(CUDA error: .* busy or unavailable\); .* --workers 1$"):
        opened_as("CUDA error: CUDA-capable device(s) is/are busy or unavailable\nCUDA kernel errors might be ...")


def test_a_gpu_whose_memory_is_full_is_taken_since_jobs_that_lack_it_begin_again(opened_as):
    assert isinstance(opened_as("CUDA error: out of memory"), Worker)


def test_an_unforeseen_error_is_described(outcome):
    failed = outcome(lambda: {}["key"])
    assert isinstance(failed, Failed)
    assert failed.cause == "unexpected"
    assert failed.reason.startswith("unexpected KeyError: 'key' (")


def test_what_leaves_the_process_is_told_like_other_errors(outcome):
    failed = outcome(lambda: sys.exit(3))
    assert isinstance(failed, Failed)
    assert "unexpected SystemExit: 3" in failed.reason


def test_where_memory_ran_out_fewer_images_are_classified_at_once_but_one_at_least(folders, tmp_path, monkeypatch):
    seen = []

    def watched(model, setting, spec):
        seen.append(setting.chunk)
        return EvaluationResult(measurements=())

    monkeypatch.setattr("harness.suites.worker.evaluate", watched)
    worker = Worker(torch.device("cpu"), 1, lambda told: None)
    monkeypatch.setattr(worker, "_load", lambda work, job: torch.nn.Identity())
    training = TrainJob(spec=TrainingSpec(classification="digits"), seed=0, data={})
    job = EvaluateJob(model=training, evaluation=CleanSpec(), data={})
    for fewer in (1, 4, 1000):
        work = JobWork(job=job, data_dir=folders.data_dir, models_dir=tmp_path, weights={}, fewer=fewer)
        assert isinstance(worker.do(work), Finished)
    assert seen == [CPU_CHUNK, CPU_CHUNK // 4, 1]


@pytest.fixture
def other_digits(folders, tmp_path) -> Path:
    """A data folder whose digits are replaced: each image is turned upside down."""
    for split in ("train", "test"):
        digits = open_split(folders.data_dir, "digits", split)
        for label in range(10):
            (tmp_path / "upside down" / split / str(label)).mkdir(parents=True)
        for number, (image, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
            pixels = image[0].flip(0).numpy()
            Image.fromarray(pixels).save(tmp_path / "upside down" / split / str(int(label)) / f"{number:05}.png")
    shutil.copytree(folders.data_dir, tmp_path / "data")
    import_images(tmp_path / "data", "digits", tmp_path / "upside down", existing="replace")
    return tmp_path / "data"


def test_what_substitutes_attack_with_is_found_once_for_all_models(folders, tmp_path, monkeypatch):
    """As in a suite that attacks each of its conditions with networks that are trained as all of them."""
    planned = Inputs(folders.data_dir, stand_ins=False)
    trainings = [TrainJob(spec=TINY, seed=seed, data=planned.digests(TINY.inputs)) for seed in range(9)]
    worker, weights, asked = Worker(torch.device("cpu"), 1, lambda told: None), dict[str, str](), []

    def result(job):
        done = worker.do(JobWork(job=job, data_dir=folders.data_dir, models_dir=tmp_path / "models", weights=weights))
        assert isinstance(done, Finished), done
        return done.result

    def watched(substitute, images, labels):
        asked.append(substitute)
        return gradient_signs(substitute, images, labels)

    monkeypatch.setattr(sys.modules[gradient_signs.__module__], "gradient_signs", watched)
    weights |= {job.key: result(job).weights for job in trainings}
    attack, data = FgsmTransferSpec(n_images=20, sizes=2, max_epsilon=0.1), planned.digests([Input("digits", "test")])
    attacked, substitutes = trainings[:4], trainings[4:]
    for model in attacked:
        for substitute in substitutes:
            result(EvaluateJob(model=model, evaluation=attack, data=data, substitute=substitute))
    assert len(asked) == len(substitutes)


@pytest.mark.parametrize("kind", ["train", "evaluate", "analyse"])
def test_what_was_read_of_other_data_than_planned_is_no_result(kind, folders, other_digits, tmp_path):
    """A colleague replaces a data set while a run works."""
    planned = Inputs(folders.data_dir, stand_ins=False)
    training = TrainJob(spec=TINY, seed=0, data=planned.digests(TINY.inputs))
    job = {
        "train": training,
        "evaluate": EvaluateJob(
            model=training, evaluation=CleanSpec(n_images=20), data=planned.digests([Input("digits", "test")])
        ),
        "analyse": AnalyseJob(spec=NoiseExamplesSpec(images="digits"), data=planned.digests([Input("digits", "test")])),
    }[kind]
    worker = Worker(torch.device("cpu"), 1, lambda told: None)

    def outcome(job, data_dir, **weights):
        models = tmp_path / "models"
        return worker.do(JobWork(job=job, data_dir=data_dir, models_dir=models, weights=weights))

    trained = outcome(training, folders.data_dir) if kind == "evaluate" else None
    weights = {training.key: trained.result.weights} if trained else {}
    assert isinstance(outcome(job, folders.data_dir, **weights), Finished)
    if kind == "train":
        shutil.rmtree(tmp_path / "models")  # it would be found finished
    failed = outcome(job, other_digits, **weights)
    assert isinstance(failed, Failed)
    assert failed.reason == f"digits in {other_digits} was replaced since this run began; run the command again"
    assert failed.cause == "refused"


def test_an_evaluation_with_other_weights_than_planned_is_no_result(tmp_path):
    """A colleague replaces a published model's weights while a run works."""
    spec = RobustBenchSpec(model="Modas2021PRIMEResNet18")
    make_stand_in(tmp_path, "cifar10")
    make_stand_in(tmp_path, spec.weights)
    inputs = Inputs(tmp_path, stand_ins=True)
    data, evaluation = inputs.digests([Input("cifar10", "test")]), CleanSpec(n_images=2)
    worker = Worker(torch.device("cpu"), 1, lambda told: None)

    def outcome(weights):
        job = EvaluateJob(model=LoadJob(spec=spec, data=weights), evaluation=evaluation, data=data)
        return worker.do(JobWork(job=job, data_dir=tmp_path, models_dir=tmp_path / "models", weights={}))

    assert isinstance(outcome(inputs.digests(spec.inputs)), Finished)
    failed = outcome(dict.fromkeys(map(str, spec.inputs), "0" * 64))
    assert isinstance(failed, Failed)
    assert failed.reason.startswith(f"{spec.weights} in {tmp_path} was replaced since this run began")


def test_a_result_says_with_which_code_its_worker_began(folders, monkeypatch):
    """Somebody commits while it works."""
    worker = Worker(torch.device("cpu"), 1, lambda told: None)
    began_with = provenance._checkout()
    monkeypatch.setattr(provenance, "_checkout", lambda: ("a later commit", False))
    done = worker.do(PrepareWork(name="digits", data_dir=folders.data_dir))
    assert isinstance(done, Finished)
    assert (done.made_with.git_commit, done.made_with.git_dirty) == began_with
