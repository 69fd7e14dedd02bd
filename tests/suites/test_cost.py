from __future__ import annotations

from dataclasses import replace

import pytest
from plans import plan_of

from harness.models.architecture import ClassifierShape
from harness.models.cost import forward_gflop
from harness.spec import EVALUATION_SPECS, NetworkSpec, RobustBenchSpec
from harness.suites.cost import estimate, evaluation_gflop, job_seconds
from harness.suites.devices import Device
from harness.suites.inputs import Inputs

ONE = forward_gflop(NetworkSpec(base_width=2), ClassifierShape(1, 10))


@pytest.fixture
def work(parse, digits_dir):
    """GFLOP of the suite's jobs by name, after some replacements in it."""

    def found(*replacements):
        plan = plan_of(Inputs(digits_dir, stand_ins=False), parse(*replacements))
        return {planned.title: planned.work for planned in plan.jobs}

    return found


def test_a_training_passes_each_image_forward_and_backward(work):
    held_out = 0.01 * 64
    once = ONE * (3 * (64 - held_out) + held_out)
    assert work()["none, seed 0"] == pytest.approx(once)
    assert work(("epochs = 1", "epochs = 3"))["none, seed 0"] == pytest.approx(3 * once)


def test_adversarial_training_asks_for_the_gradient_in_the_pixels_in_each_of_its_steps(work):
    before, none = "[conditions.none]", work()["none, seed 0"]
    kinds = (('"gaussian"', 0), ('"adversarial", steps = 1', 1), ('"adversarial", steps = 7', 7))
    for kind, steps in kinds:
        perturbed = work((before, f"{before}\nperturbation = {{ epsilon = 0.1, kind = {kind} }}"))["none, seed 0"]
        assert perturbed - none == pytest.approx(ONE * 0.99 * 64 * 2 * steps)


def test_pairs_cost_two_images_each_per_step(work):
    jobs = work()
    assert jobs["threshold, seed 0"] - jobs["none, seed 0"] == pytest.approx(ONE * 3 * 2 * 16 * 1)


@pytest.mark.parametrize("target", ['target = "threshold"\nthreshold = 0.8', 'target = "neural"'])
def test_larger_pair_images_cost_more(target, work):
    """Those of a recording, too, which are guessed to be of the paper's size."""
    jobs = work(('images = "digits"', 'images = "imagenet"'), ('target = "threshold"\nthreshold = 0.8', target))
    wide = forward_gflop(NetworkSpec(base_width=2), ClassifierShape(1, 10, (36, 64)))
    assert jobs["threshold, seed 0"] - jobs["none, seed 0"] == pytest.approx(wide * 3 * 2 * 16 * 1)
    assert wide > 2 * ONE


@pytest.mark.parametrize(
    ("evaluation", "passes"),
    [
        ("clean.n_images = 32", 32),
        ("clean.n_images = 9999", 360),
        ("clean = {}", 360),
        ("gaussian = { n_images = 10, sizes = 5 }", 50),
        ("fgsm_transfer = { n_images = 10, sizes = 5 }", 80),
        ("boundary = { n_images = 10, steps = 5, repeats = 2 }", 600),
        ("autoattack = { max_epsilon = 0.1, n_images = 10 }", 10 * (1 + 300 + 0.25 * (2 * 2700 + 5000))),
        ('autoattack = { max_epsilon = 0.1, n_images = 10, sizes = 3, attacks = ["square"], queries = 50 }', 10 * 101),
        ("hop_skip_jump = { n_images = 10, queries = 300 }", 10 * 300),
        ('corruption = { images = "digits-c", n_images = 10, severities = [1, 5] }', 15 * 20),
        ("fourier = { n_images = 10 }", 10 * 514),
    ],
)
def test_evaluations_cost_what_they_classify(work, evaluation, passes):
    others = ("gaussian = { n_images = 32, sizes = 2 }\nfgsm_transfer = { n_images = 32, sizes = 2 }", "")
    kind = evaluation.split()[0].split(".")[0]
    assert work(others, ("clean.n_images = 32", evaluation))[f"none, seed 0: {kind}"] == pytest.approx(passes * ONE)


@pytest.mark.parametrize(
    ("kind", "table", "passes"),
    [
        ("own_attack", {"max_epsilon": 0.1, "sizes": 5}, 20 * 5),
        ("own_minimal_attack", {"max_epsilon": 1, "sizes": 5}, 100),
    ],
)
def test_attacks_of_ones_own_are_guessed_to_need_some_passes(kind, table, passes, parse, digits_dir):
    spec = EVALUATION_SPECS[kind].model_validate({"function": "mine.py:attack", "n_images": 10} | table)
    model = parse().conditions["none"]
    assert evaluation_gflop(spec, model, Inputs(digits_dir, stand_ins=False)) == pytest.approx(10 * passes * ONE)


@pytest.mark.parametrize("model", ["none", RobustBenchSpec(model="Standard")], ids=["none", "external"])
def test_a_transferred_one_is_guessed_to_need_them_of_the_substitute(model, parse, digits_dir):
    table = {"function": "mine.py:attack", "n_images": 10, "max_epsilon": 0.1, "sizes": 5}
    spec = EVALUATION_SPECS["own_transferred_attack"].model_validate(table)
    inputs, substitute = Inputs(digits_dir, stand_ins=False), parse().conditions["none"]
    model = substitute if model == "none" else model
    clean = evaluation_gflop(EVALUATION_SPECS["clean"](n_images=10), model, inputs)
    found = evaluation_gflop(spec, model, inputs, substitute)
    assert found == pytest.approx(5 * clean + 10 * 5 * 20 * ONE)


def test_time_is_shared_out_among_workers_and_measured_rates_are_believed(parse, digits_dir):
    plan = plan_of(Inputs(digits_dir, stand_ins=False), parse())
    device = Device("cpu", "some processor", 4, False)
    trainings = [planned for planned in plan.jobs if not planned.needs]
    total = sum(planned.work for planned in trainings)
    width = trainings[0].job.spec.network.base_width
    rates = {("train", "resnet18", width): 2.0}
    measured = estimate(trainings, rates, device, 1)
    assert measured.measured
    assert measured.seconds == pytest.approx(total / 2)
    assert estimate(trainings, rates, device, 2).seconds == pytest.approx(total / 4)
    assert not estimate(trainings, {}, device, 1).measured
    [first, *_] = trainings
    assert estimate([first], {("train", "resnet18", width): 2.0}, device, 4).seconds == pytest.approx(first.work / 2)
    assert estimate([replace(first, work=0.0)], {}, device, 1).measured
    assert estimate([], {}, device, 1).seconds == 0


def test_what_was_not_measured_is_guessed_by_the_cores_of_a_worker_or_for_a_gpu(parse, digits_dir):
    [training, *_] = plan_of(Inputs(digits_dir, stand_ins=False), parse()).jobs
    training = replace(training, work=1000.0)
    cores, gpu = Device("cpu", "some processor", 4, False), Device("cuda", "some GPU", 1, True)
    assert [job_seconds(training, {}, cores, workers) for workers in (1, 2, 8)] == [0.5 + 5, 0.5 + 10, 0.5 + 20]
    assert job_seconds(training, {}, gpu, 1) == 0.5 + 0.1


@pytest.mark.parametrize(("architecture", "part"), [("resnet18", 2), ("mine.py:Mixer", 1)])
def test_rates_of_narrow_networks_and_others_say_nothing(architecture, part, parse, digits_dir):
    plan = plan_of(Inputs(digits_dir, stand_ins=False), parse())
    device = Device("cpu", "some processor", 4, False)
    trainings = [planned for planned in plan.jobs if not planned.needs]
    width = trainings[0].job.spec.network.base_width
    slow = estimate(trainings, {("train", architecture, width // part): 1e-6}, device, 1)
    assert slow == estimate(trainings, {}, device, 1)
