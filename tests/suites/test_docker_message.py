"""What containers say, and what a hostile one could."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import trainings

from harness.measurement import (
    DeviceFacts,
    EvaluationResult,
    ImageResult,
    Measurement,
    Progress,
)
from harness.own_code import OwnCode
from harness.provenance import provenance
from harness.spec import (
    AnalyseJob,
    AutoAttackSpec,
    CheckpointSpec,
    CleanSpec,
    EvaluateJob,
    FourierSpec,
    LoadJob,
    NetworkSpec,
    NoiseExamplesSpec,
    NoiseSpec,
    OwnAttackSpec,
    OwnMinimalAttackSpec,
    OwnTransferredAttackSpec,
    PenaltySpec,
    RegularizerSpec,
    RobustBenchSpec,
    TrainingSpec,
    TrainJob,
)
from harness.suites.executors.docker.message import (
    MOST_CHARACTERS,
    Refused,
    event_of,
    said_message,
    work_message,
    work_of,
)
from harness.suites.executors.executor import Failed, Finished, JobWork, PrepareWork, Progressed

REGULARIZER = RegularizerSpec(target="threshold", threshold=0.4, alpha=10, images="digits")
TRAIN = TrainJob(
    spec=TrainingSpec(classification="digits", regularizer=REGULARIZER), seed=1, data={"digits/train": "ab"}
)
OWN = TrainJob(
    spec=TrainingSpec(
        classification="digits",
        network=NetworkSpec(
            architecture="mine.py:network", options={"depth": 3, "act": "relu", "wide": True, "p": 0.5}
        ),
        penalty=PenaltySpec(function="mine.py:penalty", weight=0.5),
    ),
    seed=1,
    data={"digits/train": "ab", "mine.py/code": "01"},
)
OWN_ATTACK = OwnAttackSpec(function="mine.py:attack", max_epsilon=0.1, options={"steps": 3})
OWN_MINIMAL_ATTACK = OwnMinimalAttackSpec(function="mine.py:attack", norm="linf", options={"steps": 3})
OWN_TRANSFERRED_ATTACK = OwnTransferredAttackSpec(function="mine.py:attack", max_epsilon=0.1, substitute_seed=7)
LOAD = LoadJob(spec=RobustBenchSpec(model="Standard"), data={"robustbench-standard/weights": "cd"})
SEEDED = LoadJob(
    spec=CheckpointSpec(function="mine.py:network", weights="mine-{seed}.pt", classification="digits"),
    seed=3,
    data={"mine-3.pt/file": "23", "mine.py/code": "01"},
)
JOBS = [
    TRAIN,
    LOAD,
    SEEDED,
    EvaluateJob(model=TRAIN, evaluation=CleanSpec(n_images=3), data={"digits/test": "ef"}, substitute=TRAIN),
    EvaluateJob(model=LOAD, evaluation=NoiseSpec(kind="uniform"), data={}),
    EvaluateJob(model=LOAD, evaluation=AutoAttackSpec(max_epsilon=0.1, attacks=("fab-t", "square")), data={}),
    EvaluateJob(model=LOAD, evaluation=FourierSpec(epsilon=4.0), data={}),
    EvaluateJob(model=OWN, evaluation=OWN_ATTACK, data={"digits/test": "ef", "mine.py/code": "01"}),
    EvaluateJob(model=OWN, evaluation=OWN_MINIMAL_ATTACK, data={"digits/test": "ef", "mine.py/code": "01"}),
    EvaluateJob(
        model=OWN, evaluation=OWN_TRANSFERRED_ATTACK, data={"digits/test": "ef", "mine.py/code": "01"}, substitute=OWN
    ),
    AnalyseJob(spec=NoiseExamplesSpec(images="digits"), data={"digits/test": "ef"}),
]
MADE_WITH = provenance(DeviceFacts(device="some processor", driver=None, threads=2), command="")
EPOCH = replace(trainings.REPORT, gammas=(0.25, 0.75))
TRAINED = replace(trainings.TRAINED, epochs=(EPOCH,))
EVALUATED = EvaluationResult(
    measurements=(
        Measurement(metric="accuracy", value=0.5, n=3, epsilon=0.1),
        Measurement(metric="score", value=None, n=0, reason="no start"),
    ),
    images=(ImageResult(image=1, repeat=0, distance=None, start_distance=None, queries=3, outcome="no_start"),),
    arrays={
        "perturbations": np.arange(6, dtype=np.float32).reshape(2, 3),
        "distances": np.array([0.5, np.inf]),
        "hits": np.eye(3, dtype=bool)[None],
    },
    images_classified=9,
    warning="in float32",
)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: type(job).__name__)
def test_a_job_is_the_same_after_the_way_in(job):
    work = JobWork(
        job=job,
        data_dir=Path("/data"),
        models_dir=Path("/models"),
        weights={"key": "weights.safetensors"},
        code=OwnCode((("mine.py", "def attack(): ...\n"),)),
    )
    there = work_of(work_message(work))
    assert (there, there.key) == (work, work.key)


def test_so_is_a_data_set_to_be_made():
    work = PrepareWork(name="digits", data_dir=Path("/data"))
    assert work_of(work_message(work)) == work


def test_a_training_s_value_is_the_same_after_the_way_back():
    found = back(Finished("key", TRAINED, MADE_WITH, 1.5))
    assert (found.key, found.result, found.seconds) == ("key", TRAINED, 1.5)


def test_so_is_an_evaluation_s_with_its_arrays():
    result = back(Finished("key", EVALUATED, MADE_WITH, 1.5)).result
    assert result.measurements == EVALUATED.measurements
    assert result.images == EVALUATED.images
    assert (result.images_classified, result.warning) == (9, "in float32")
    assert result.arrays.keys() == EVALUATED.arrays.keys()
    for name, array in EVALUATED.arrays.items():
        assert result.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(result.arrays[name], array)


def test_so_are_progress_failures_and_sets_that_were_made():
    for event in (Progressed("key", Progress(done=1, total=3, text="epoch 1")), Failed("key", "no start")):
        assert back(event) == event
    assert back(Finished("key", None, MADE_WITH, 1.0)).result is None


def test_the_image_is_part_of_what_a_result_was_made_with():
    found = back(Finished("key", TRAINED, MADE_WITH, 1.5)).made_with
    assert found == replace(MADE_WITH, packages={**MADE_WITH.packages, "container-image": "sha256:image"})


def altered(**changes: object) -> bytes:
    """A training's message with some fields of its value changed."""
    message = json.loads(said_message(Finished("key", TRAINED, MADE_WITH, 1.5)))
    message["value"]["training"] |= changes
    return json.dumps(message).encode()


ARRAYS = json.loads(said_message(Finished("key", EVALUATED, MADE_WITH, 1.5)))


def with_array_called(name: str) -> bytes:
    result = EvaluationResult(measurements=(), arrays={name: np.zeros(2)})
    return said_message(Finished("key", result, MADE_WITH, 1.5)).encode()


def with_arrays(content: bytes) -> bytes:
    """An evaluation's message with another file of arrays."""
    evaluation = ARRAYS["value"]["evaluation"] | {"arrays": base64.b64encode(content).decode()}
    return json.dumps(ARRAYS | {"value": ARRAYS["value"] | {"evaluation": evaluation}}).encode()


def tensor_of(kind: str, size: int, dimensions: int = 0) -> bytes:
    """A file of one number, of a type or shape that NumPy does not have."""
    header = json.dumps({"a": {"dtype": kind, "shape": [1] * dimensions, "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(size)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"hello",
        b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
        b"{}",
        b'{"failure": 3}',
        b'{"failure": "x", "more": 1}',
        b'{"failure": "x", "cause": "lost"}',
        b"[" * 100_000,
        b'{"progress": {"done": 1, "total": NaN}}',
        b'{"progress": {"done": 1, "total": 2, "images_per_second": 1e999}}',
        b'{"progress": {"done": 1%s, "total": 2}}' % (b"0" * 400),  # which is no share of anything
        altered(weights="../../../etc/passwd"),
        altered(weights="/etc/passwd"),
        altered(weights=".hidden"),
        altered(epochs=[asdict(EPOCH) | {"gammas": [float("inf")]}]),
        altered(parameters="10"),
        altered(status="wonderful"),
        altered(surprise=1),
        with_array_called("../escaped"),
        with_array_called("a/b"),
        with_arrays(b"\0\0\0"),
        with_arrays(tensor_of("BF16", 2)),
        with_arrays(tensor_of("F8_E5M2", 1)),
        with_arrays(tensor_of("F32", 4, dimensions=100)),
    ],
)
def test_what_no_job_says_is_refused(message):
    with pytest.raises(Refused):
        event_of(message, "key", "sha256:image")


def test_texts_cannot_steer_a_terminal_nor_fill_a_disk():
    found = event_of(said_message(Failed("key", "\x1b[2J\x07" + "x" * 10_000)).encode(), "key", "sha256:image")
    assert isinstance(found, Failed)
    assert found.reason.isprintable()
    assert len(found.reason) <= MOST_CHARACTERS


def test_a_message_speaks_of_its_own_job_only():
    assert back(Failed("another", "no start")).key == "key"


def back(event):
    """What the runner hears."""
    return event_of(said_message(event).encode(), "key", "sha256:image")
