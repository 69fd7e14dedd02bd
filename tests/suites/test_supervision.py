from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from plans import BFLOAT16_CPU, plan_of

from harness.evaluations.setting import CPU_CHUNK
from harness.models.architecture import ClassifierShape
from harness.models.folded import folded
from harness.models.resnet import build
from harness.settings import Settings
from harness.spec import EvaluateJob, Job, TrainJob
from harness.spec.training import NetworkSpec
from harness.suites.executors.executor import Cause, Failed, JobWork, Lost, PrepareWork, Work
from harness.suites.executors.supervision import FEWER, FEWEST, LONGEST_LOOK, Supervision, with_fewer_images
from harness.suites.inputs import Inputs


def killed(work: Work) -> Failed:
    return Failed(work.key, "its process was killed", "lost")


def no_memory(work: Work) -> Failed:
    return Failed(work.key, "not enough free memory", "memory")


class Clock:
    """Goes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def work_of(parse, folders):
    """The work of the suite's first job of a kind."""

    def found(kind: type[Job], precision: str = "float32") -> JobWork:
        suite = parse(("n_images = 32, sizes = 2 }", f'n_images = 32, sizes = 2, precision = "{precision}" }}'))
        plan = plan_of(Inputs(folders.data_dir, stand_ins=False), suite, device=BFLOAT16_CPU)
        job = next(
            planned.job
            for planned in plan.jobs
            if isinstance(planned.job, kind) and (kind is TrainJob or planned.job.evaluation.kind == "gaussian")
        )
        return JobWork(job=job, data_dir=folders.data_dir, models_dir=folders.models_dir, weights={})

    return found


@pytest.fixture
def work(tmp_path) -> Work:
    return PrepareWork(name="digits", data_dir=tmp_path)


def test_a_work_begins_again_as_often_as_is_allowed(work):
    supervision = Supervision(Settings(attempts=3))
    for _ in range(2):
        assert supervision.heed(work, killed(work)) == Lost(work.key, "its process was killed", work)
    assert supervision.heed(work, killed(work)) == Failed(work.key, "its process was killed, 3 times")
    assert isinstance(supervision.heed(work, killed(work)), Lost), "a work that is begun anew has all its attempts"


@pytest.mark.parametrize("cause", ["refused", "unexpected"])
def test_what_another_attempt_would_not_better_is_final(work, cause: Cause):
    failed = Failed(work.key, "no", cause)
    assert Supervision(Settings(attempts=3)).heed(work, failed) == failed


def test_the_last_attempt_is_known(work):
    supervision = Supervision(Settings(attempts=3))
    known = []
    for _ in range(3):
        supervision.heed(work, killed(work))
        known.append(supervision.has_one_attempt(work.key))
    assert known == [False, True, False]


def test_a_failure_tells_of_every_kind_of_trouble(work):
    supervision = Supervision(Settings(attempts=3))
    for trouble in (killed(work), no_memory(work)):
        supervision.heed(work, trouble)
    event = supervision.heed(work, no_memory(work))
    assert event.reason == "its process was killed; not enough free memory, 2 times; use fewer --workers"
    event = Supervision(Settings(attempts=1)).heed(work, no_memory(work), alone=True)
    assert event.reason == "not enough free memory; it needs more than there is"


def test_a_work_hangs_when_it_was_silent_for_so_long(work, clock):
    supervision = Supervision(Settings(hang_minutes=9 / 60), clock)
    supervision.hear(work.key)
    clock.now += 5
    assert supervision.find_hanging() == []
    supervision.hear(work.key)
    clock.now += 8
    assert supervision.find_hanging() == []
    clock.now += 1
    assert supervision.find_hanging() == [work.key]
    assert supervision.find_hanging() == [], "it is told once"


def test_what_is_over_does_not_hang(work, clock):
    supervision = Supervision(Settings(hang_minutes=1 / 60), clock)
    supervision.hear(work.key)
    supervision.heed(work, Failed(work.key, "no"))
    clock.now += 5
    assert supervision.find_hanging() == []


def test_a_runner_that_was_stopped_itself_does_not_take_its_workers_for_hanging(work, clock):
    supervision = Supervision(Settings(hang_minutes=2 * LONGEST_LOOK / 60), clock)
    supervision.hear(work.key)
    clock.now += 1_000_000
    assert supervision.find_hanging() == []


def test_an_evaluation_without_memory_begins_again_with_fewer_images_at_once(work_of):
    work = work_of(EvaluateJob)
    supervision = Supervision(Settings(attempts=4))
    fewer = "not enough free memory; fewer images will be classified at once"
    lost = supervision.heed(work, no_memory(work))
    assert lost == Lost(work.key, fewer, replace(work, fewer=4))
    lost = supervision.heed(lost.again, no_memory(work))
    assert lost == Lost(work.key, fewer, replace(work, fewer=8))
    lost = supervision.heed(lost.again, no_memory(work))
    assert lost == Lost(work.key, "not enough free memory", replace(work, fewer=8))


def test_a_worker_that_was_lost_for_another_reason_gets_the_same_work_again(work_of):
    work = work_of(EvaluateJob)
    assert Supervision(Settings()).heed(work, killed(work)).again == work


def test_what_depends_on_how_many_images_are_seen_at_once_is_left_as_it_is(work_of, work):
    assert with_fewer_images(work) == work
    for each in (work_of(TrainJob), work_of(EvaluateJob, "bfloat16")):
        assert with_fewer_images(each) == each


@pytest.mark.parametrize("architecture", ["resnet18", "resnet34"])
@torch.inference_mode()
def test_with_fewer_images_at_once_a_cpu_finds_the_same_logits_bit_for_bit(architecture):
    network = folded(build(NetworkSpec(architecture=architecture, base_width=8), ClassifierShape(1, 10), seed=0))
    images = torch.rand(120, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    found = [torch.cat([network(chunk) for chunk in images.split(CPU_CHUNK // fewer)]) for fewer in (1, FEWER, FEWEST)]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
