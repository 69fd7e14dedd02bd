from __future__ import annotations

from dataclasses import replace

import pytest
from plans import plan_of

from harness.spec import TrainJob
from harness.suites.inputs import Inputs
from harness.suites.plan import Plan
from harness.suites.registry import get_suites
from harness.suites.schedule import Schedule


@pytest.fixture
def plan(parse, digits_dir) -> Plan:
    return plan_of(Inputs(digits_dir, stand_ins=False), parse())


def key_of(plan: Plan, name: str) -> str:
    return next(planned.key for planned in plan.jobs if planned.title == name)


def test_jobs_begin_in_the_plans_order_once_their_models_are_there(plan):
    schedule = Schedule(plan, (), {})
    begun = []
    while planned := schedule.begin_next():
        begun.append(planned.key)
        schedule.finish(planned.key)
    assert begun == [planned.key for planned in plan.jobs]
    assert schedule.done == set(begun)


def test_an_evaluation_waits_for_its_model_and_its_substitute(plan):
    schedule = Schedule(plan, (), {})
    begun = []
    while planned := schedule.begin_next():
        begun.append(planned.title)
    trainings = [f"{name}, seed {seed}" for seed in (0, 1) for name in ("none", "threshold")]
    assert sorted(begun) == sorted([*trainings, "substitute, seed 10000"])
    schedule.finish(key_of(plan, "none, seed 0"))
    assert [schedule.begin_next().title for _ in range(2)] == ["none, seed 0: clean", "none, seed 0: gaussian"]
    assert schedule.begin_next() is None
    schedule.finish(key_of(plan, "substitute, seed 10000"))
    assert schedule.begin_next().title == "none, seed 0: fgsm_transfer"


def test_done_jobs_are_left_out(plan):
    done = [planned.key for planned in plan.jobs]
    schedule = Schedule(plan, done, {})
    assert schedule.begin_next() is None
    assert len(schedule.done) == len(plan.jobs)


def test_what_is_done_or_diverged_is_not_blocked_by_a_device_that_could_not_do_it(plan):
    one, other = plan.jobs[0].key, plan.jobs[1].key
    blocked = tuple(replace(planned, blocked="this device has no TF32") for planned in plan.jobs)
    schedule = Schedule(replace(plan, jobs=blocked), (one,), {other: "epoch 3, step 7"})
    assert not {one, other} & schedule.blocked.keys()
    assert len(schedule.blocked) == len(plan.jobs) - 2
    assert schedule.failed == {other: "diverged: epoch 3, step 7"}


def test_a_failed_training_blocks_its_evaluations_and_nothing_else(plan):
    schedule = Schedule(plan, (), {})
    schedule.begin_next()
    schedule.fail(key_of(plan, "none, seed 0"), "it broke")
    blocked = {plan.by_key[key].title: reason for key, reason in schedule.blocked.items()}
    names = ("clean", "gaussian", "fgsm_transfer")
    assert blocked == {f"none, seed 0: {name}": "a model that it needs failed: it broke" for name in names}
    assert len(schedule.todo) == len(plan.jobs) - 4


def test_a_failed_substitute_blocks_the_transferred_attacks(plan):
    schedule = Schedule(plan, (), {})
    schedule.fail(key_of(plan, "substitute, seed 10000"), "it broke")
    assert {plan.by_key[key].title.rsplit(" ", 1)[-1] for key in schedule.blocked} == {"fgsm_transfer"}
    assert len(schedule.blocked) == 4


def test_a_training_that_diverged_before_is_not_tried_again(plan):
    key = key_of(plan, "threshold, seed 1")
    schedule = Schedule(plan, (), {key: "epoch 3, step 7"})
    assert schedule.failed == {key: "diverged: epoch 3, step 7"}
    assert len(schedule.blocked) == 3
    assert key not in schedule.todo


def test_what_is_left_to_another_runner_waits_again_here_unless_its_weights_are_elsewhere(plan):
    schedule = Schedule(plan, (), {})
    training, other = key_of(plan, "none, seed 0"), key_of(plan, "threshold, seed 0")
    schedule.leave(training)
    schedule.leave(other)
    schedule.give_up_left()
    assert set(schedule.left) == {training, other}, "they need no weights, so somebody can do them"
    schedule.take_back(other)
    assert other in schedule.todo
    schedule.miss(training, "far away")
    while planned := schedule.begin_next():
        schedule.finish(planned.key)
    assert {planned.title for planned in schedule.left.values()} == {
        f"none, seed 0: {kind}" for kind in ("clean", "gaussian", "fgsm_transfer")
    }
    for key in list(schedule.left):
        schedule.take_back(key)
    schedule.give_up_left()
    assert (schedule.left, set(schedule.blocked.values()), len(schedule.blocked)) == ({}, {"far away"}, 3)
    assert len(schedule.done) == len(plan.jobs) - 3


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_done_with_other_weights_waits_again_if_it_is_asked_for(plan, workers):
    training, kinds = key_of(plan, "none, seed 0"), ("clean", "gaussian", "fgsm_transfer")
    ours = [key_of(plan, f"none, seed 0: {kind}") for kind in kinds]
    elsewhere = key_of(plan, "none, seed 1: clean")
    asked = replace(plan, selected=plan.selected - {elsewhere})
    schedule = Schedule(asked, plan.by_key.keys() - {training}, {})
    schedule.share_out({planned.key: 1.0 for planned in asked.asked}, workers)
    assert schedule.begin_next().key == training
    schedule.finish(training)
    assert [planned.key for planned in schedule.again([elsewhere, "unknown", *reversed(ours)])] == ours
    assert not schedule.done & {elsewhere, *ours}
    assert sorted(schedule.begin_next().key for _ in ours) == sorted(ours)
    assert schedule.begin_next() is None


def test_what_waits_again_waits_for_its_other_model_too(plan):
    attack, trainings = key_of(plan, "none, seed 0: fgsm_transfer"), ["none, seed 0", "substitute, seed 10000"]
    own, substitute = (key_of(plan, name) for name in trainings)
    schedule = Schedule(plan, plan.by_key.keys() - {own, substitute}, {})
    assert {schedule.begin_next().key for _ in trainings} == {own, substitute}
    schedule.finish(own)
    schedule.again([attack])
    assert schedule.begin_next() is None
    schedule.finish(substitute)
    assert schedule.begin_next().key == attack


@pytest.mark.parametrize("workers", [1, 2])
def test_what_waits_does_not_begin_while_its_model_is_made_again(plan, workers):
    training, waiting = key_of(plan, "none, seed 0"), key_of(plan, "none, seed 0: gaussian")
    schedule = Schedule(plan, plan.by_key.keys() - {waiting}, {})
    schedule.share_out({planned.key: 9.0 if planned.key == waiting else 1.0 for planned in plan.jobs}, workers)
    schedule.again([training])
    assert schedule.begin_next().key == training
    assert schedule.begin_next() is None
    schedule.finish(training)
    assert schedule.begin_next().key == waiting


def test_what_needs_a_model_that_cannot_be_made_again_is_blocked_whether_it_waits_or_was_done(plan):
    training = key_of(plan, "none, seed 0")
    gone = tuple(replace(each, blocked="its images are gone") if each.key == training else each for each in plan.jobs)
    done, waits = key_of(plan, "none, seed 0: clean"), key_of(plan, "none, seed 0: gaussian")
    schedule = Schedule(replace(plan, jobs=gone), (training, done), {})
    assert waits in schedule.todo
    assert schedule.again([done, training]) == []
    assert schedule.blocked.keys() >= {training, done, waits}
    assert set(schedule.blocked.values()) == {"its images are gone"}


def test_what_was_done_with_other_weights_is_blocked_where_it_cannot_be_done_again(plan):
    failed, substitute = key_of(plan, "none, seed 0"), key_of(plan, "substitute, seed 10000")
    attack, unfit = (key_of(plan, f"none, seed {seed}: fgsm_transfer") for seed in (0, 1))
    plan = replace(
        plan,
        jobs=tuple(replace(each, blocked="no TF32 here" if each.key == unfit else None) for each in plan.jobs),
    )
    schedule = Schedule(plan, plan.by_key.keys() - {failed, substitute}, {})
    schedule.fail(failed, "it broke")
    schedule.finish(substitute)
    assert schedule.again([attack, unfit]) == []
    assert schedule.blocked == {attack: "a model that it needs failed: it broke", unfit: "no TF32 here"}


def run_through(plan: Plan, workers: int, seconds: dict[str, float], *, shared_out: bool) -> tuple[float, list[str]]:
    """When the last job ends if each takes so long, and the jobs in the order in which they began."""
    schedule = Schedule(plan, (), {})
    if shared_out:
        schedule.share_out(seconds, workers)
    now, running, begun = 0.0, [], []
    while schedule.todo or running:
        while len(running) < workers and (planned := schedule.begin_next()):
            running.append((now + seconds[planned.key], planned.key))
            begun.append(planned.title)
        now, key = min(running)
        running.remove((now, key))
        schedule.finish(key)
    return now, begun


def test_the_last_training_begins_in_time(digits_dir):
    """Nine trainings for two workers: in the plan's order one of them has nothing to do beside the last."""
    plan = plan_of(Inputs(digits_dir, stand_ins=False), *get_suites("grayscale-cifar10", "small"))
    plan = replace(plan, jobs=tuple(replace(planned, blocked=None) for planned in plan.jobs))  # as if CIFAR were here
    seconds = {planned.key: planned.work / (100 if isinstance(planned.job, TrainJob) else 150) for planned in plan.jobs}
    in_order, _ = run_through(plan, 2, seconds, shared_out=False)
    end, begun = run_through(plan, 2, seconds, shared_out=True)
    assert sorted(begun) == sorted(planned.title for planned in plan.jobs)
    assert sum(seconds.values()) / 2 <= end < 1.03 * sum(seconds.values()) / 2 < 1.05 * end < in_order
    trainings = [place for place, name in enumerate(begun) if ":" not in name]
    assert trainings[:3] == [0, 1, 2]
    assert trainings[-1] > len(begun) / 2, "results need not wait for all trainings"


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("evaluation", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("training", [1.0, 3.0, 20.0])
def test_suites_of_every_kind_end_no_later_than_in_the_plans_order(plan, workers, training, evaluation):
    longest = {"none, seed 1: gaussian", "threshold, seed 0: fgsm_transfer"}
    seconds = {
        planned.key: training
        if isinstance(planned.job, TrainJob)
        else evaluation * (3 if planned.title in longest else 1)
        for planned in plan.jobs
    }
    in_order, _ = run_through(plan, workers, seconds, shared_out=False)
    end, begun = run_through(plan, workers, seconds, shared_out=True)
    assert end <= in_order
    if workers == 1:
        assert begun == [planned.title for planned in plan.jobs]


def test_a_long_training_that_comes_back_from_another_runner_is_as_urgent_as_before(plan):
    seconds = {planned.key: 1.0 for planned in plan.jobs}
    last = key_of(plan, "threshold, seed 1")
    seconds[last] = 10.0
    orders = []
    for taken_back in (False, True):
        schedule = Schedule(plan, (), {})
        schedule.share_out(seconds, 2)
        if taken_back:
            schedule.leave(last)
            first = schedule.begin_next()
            schedule.take_back(last)
            begun = [first.key]
            schedule.finish(first.key)
        else:
            begun = []
        while planned := schedule.begin_next():
            begun.append(planned.key)
            schedule.finish(planned.key)
        orders.append(begun.index(last))
    assert orders[0] == orders[1] < len(plan.jobs) - 4
