from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from plans import BFLOAT16_CPU, GPU, plan_of

from harness.errors import DataDamaged, SpecError, UnknownName
from harness.spec import (
    AutoAttackSpec,
    CheckpointSpec,
    EvaluateJob,
    FourierSpec,
    HopSkipJumpSpec,
    Input,
    NoiseExamplesSpec,
    RobustBenchSpec,
    Suite,
    TrainingSpec,
    TrainJob,
    kind_of,
)
from harness.stand_ins import make_stand_in
from harness.suites.cost import evaluation_gflop
from harness.suites.devices import PLAIN_CPU, Device
from harness.suites.inputs import Inputs, InputState
from harness.suites.resolution import Resolver


def test_every_condition_seed_and_evaluation_has_one_place(parse, inputs):
    plan = plan_of(inputs, parse())
    places = [(p.condition, p.seed, p.evaluation) for planned in plan.jobs for p in planned.places]
    evaluations = (None, "clean", "gaussian", "fgsm_transfer")
    expected = [(c, s, e) for s in (0, 1) for c in ("none", "threshold") for e in evaluations]
    assert sorted(places, key=str) == sorted(expected, key=str)


def test_what_a_job_needs_comes_before_it(parse, inputs):
    plan = plan_of(inputs, parse())
    order = {planned.key: number for number, planned in enumerate(plan.jobs)}
    assert all(order[need.key] < order[planned.key] for planned in plan.jobs for need in planned.needs)


def test_a_seed_is_whole_before_the_next_begins(parse, inputs):
    seeds = [p.seed for planned in plan_of(inputs, parse()).jobs for p in planned.places]
    assert seeds == sorted(seeds)


def test_one_substitute_of_its_own_seed_serves_all_models(parse, inputs):
    plan = plan_of(inputs, parse())
    substitutes = [planned for planned in plan.jobs if not planned.places]
    assert [(planned.job.seed, planned.job.spec.regularizer) for planned in substitutes] == [(10_000, None)]
    assert substitutes[0].title == "substitute, seed 10000"
    attacks = [p.job for p in plan.jobs if isinstance(p.job, EvaluateJob) and p.job.evaluation.kind == "fgsm_transfer"]
    assert {job.substitute.key for job in attacks} == {substitutes[0].key}


def test_models_of_both_precisions_share_a_substitute_whose_precision_is_said(parse, inputs):
    both = ("[conditions.none]", '[conditions.none]\n[conditions.rounded]\nprecision = "bfloat16"')
    one = ("fgsm_transfer = {", 'fgsm_transfer = { substitute_precision = "auto", ')
    for changes, expected in ([both], ["float32", "bfloat16"]), ([both, one], ["bfloat16"]):
        plan = plan_of(inputs, parse(*changes), device=BFLOAT16_CPU)
        assert [p.job.spec.precision for p in plan.jobs if not p.places] == expected


def test_an_evaluation_in_bfloat16_depends_on_the_clean_images_that_it_is_tried_on(parse, inputs):
    for precision, names in (("float32", {"digits-c"}), ("bfloat16", {"digits", "digits-c"})):
        written = f'corruption = {{ images = "digits-c", corruptions = ["fog"], precision = "{precision}" }}'
        plan = plan_of(inputs, parse(("clean.n_images = 32", f"clean.n_images = 32\n{written}")), device=BFLOAT16_CPU)
        [data] = {tuple(p.job.data) for p in plan.jobs if kind_of(p.job) == "corruption"}
        assert {path.partition("/")[0] for path in data} == names


def test_a_model_is_never_attacked_with_its_own_gradients(parse, inputs):
    suite = parse(('seeds = "0-1"', "seeds = [10000]"))
    with pytest.raises(SpecError, match="seed 10000 is the substitute's"):
        plan_of(inputs, suite)


def test_conditions_that_ask_for_the_same_share_the_job(parse, inputs):
    suite = parse(("[conditions.none]", "[conditions.none]\n[conditions.again]"))
    plan = plan_of(inputs, suite)
    shared = [planned for planned in plan.jobs if len(planned.places) == 2]
    assert {p.condition for planned in shared for p in planned.places} == {"none", "again"}
    assert len(shared) == 2 * 4


def test_a_regularizer_of_weight_zero_is_a_condition_of_its_own(parse, inputs):
    plan = plan_of(inputs, parse(("alpha = 10", "alpha = 0")))
    assert sum(isinstance(planned.job, TrainJob) for planned in plan.jobs) == 2 * 2 + 1


def test_what_the_spec_leaves_open_is_resolved(parse, inputs):
    suite = parse(("n_train = 64", 'n_train = 64\nprecision = "auto"'))
    for device, precision in ((BFLOAT16_CPU, "bfloat16"), (PLAIN_CPU, "float32")):
        jobs = [planned.job for planned in plan_of(inputs, suite, device=device).jobs]
        training = [job.spec for job in jobs if isinstance(job, TrainJob)]
        assert {(spec.precision, spec.augmentation) for spec in training} == {(precision, "none")}
    curves = [job.evaluation for job in jobs if isinstance(job, EvaluateJob) and job.evaluation.kind == "gaussian"]
    assert {curve.max_epsilon for curve in curves} == {0.5}


@pytest.mark.parametrize(("task", "epsilon"), [("cifar10", 4.0), ("mnist", 3.5)])
def test_a_fourier_basis_image_is_by_default_as_strong_in_images_of_all_sizes(task, epsilon, inputs):
    resolver, model = Resolver(inputs, PLAIN_CPU), TrainingSpec(classification=task)
    assert resolver.evaluation(FourierSpec(), model, "here") == FourierSpec(epsilon=epsilon)
    assert resolver.evaluation(FourierSpec(epsilon=1), model, "here") == FourierSpec(epsilon=1)


@pytest.mark.parametrize(
    ("attacks", "classes", "size", "message"),
    [
        (("apgd-t",), 3, (32, 32), "here: apgd-t needs 4 classes or more, here are 3"),
        (("square",), 10, (32, 48), "here: the library's square in l2 cannot have images of 32 x 48"),
    ],
)
def test_attacks_of_autoattack_that_a_set_cannot_have_are_refused_before_anything_is_trained(
    attacks, classes, size, message, inputs, monkeypatch
):
    fitting = inputs.dataset("digits")
    resolver, model = Resolver(inputs, PLAIN_CPU), TrainingSpec(classification="digits")
    spec = AutoAttackSpec(norm="l2", max_epsilon=1, attacks=attacks)
    assert resolver.evaluation(spec, model, "here") == spec
    monkeypatch.setattr(inputs, "dataset", lambda name: replace(fitting, classes=classes, size=size))
    with pytest.raises(SpecError, match=message):
        resolver.evaluation(spec, model, "here")


@pytest.mark.parametrize(("color", "largest"), [("gray", 32.0), ("rgb", 32 * 3**0.5)])
def test_a_size_in_l2_that_no_image_can_be_moved_by_is_refused(color, largest, inputs):
    resolver, model = Resolver(inputs, PLAIN_CPU), TrainingSpec(classification="digits", color=color)
    for kind in (AutoAttackSpec, HopSkipJumpSpec):
        spec = kind(norm="l2", max_epsilon=largest)
        assert resolver.evaluation(spec, model, "here") == spec
        with pytest.raises(SpecError, match=f"^here: max_epsilon is 128 in l2, but .* farther apart than {largest:g}$"):
            resolver.evaluation(spec.replaced(max_epsilon=128), model, "here")


def test_a_training_in_tf32_is_blocked_where_the_device_would_do_float32(parse, inputs):
    suite = parse(("n_train = 64", 'n_train = 64\nprecision = "tf32"'))
    there, absent = (plan_of(inputs, suite, device=device).jobs for device in (GPU, BFLOAT16_CPU))
    assert not any(planned.blocked for planned in there)
    assert {planned.blocked for planned in absent} == {
        'precision "tf32" needs an NVIDIA GPU, Ampere\'s or newer; say "float32" or "bfloat16"'
    }
    reference = plan_of(inputs, parse(), device=BFLOAT16_CPU).jobs
    assert not {planned.key for planned in there} & {planned.key for planned in reference}


@pytest.mark.parametrize(
    ("kind", "bfloat16", "expected"), [("cuda", True, True), ("cuda", False, False), ("cpu", True, False)]
)
def test_gpus_with_bfloat16_have_tf32_too(kind, bfloat16, expected):
    assert Device(kind, "a device", 1, bfloat16).tf32 is expected


def test_the_precision_of_evaluations_is_the_devices_where_it_is_left_open(parse, inputs):
    def keys(precision: str, device: Device) -> dict[str, set[str]]:
        suite = parse(("clean.n_images = 32", f'clean = {{ n_images = 32, precision = "{precision}" }}'))
        jobs = plan_of(inputs, suite, device=device).jobs
        found: dict[str, set[str]] = {}
        for planned in jobs:
            found.setdefault(kind_of(planned.job), set()).add(planned.key)
            assert not isinstance(planned.job, EvaluateJob) or planned.job.evaluation.precision != "auto"
        return found

    for device, other, precision in ((BFLOAT16_CPU, PLAIN_CPU, "bfloat16"), (PLAIN_CPU, BFLOAT16_CPU, "float32")):
        assert keys("auto", device) == keys(precision, device) == keys(precision, other)
    fast, reference = keys("bfloat16", BFLOAT16_CPU), keys("float32", BFLOAT16_CPU)
    assert not fast.pop("clean") & reference.pop("clean")
    assert fast == reference


def test_selected_jobs_come_with_what_they_need(parse, inputs):
    plan = plan_of(inputs, parse(), seeds=[1], only=["threshold"])
    asked = {planned.title for planned in plan.asked}
    evaluations = {f"threshold, seed 1: {name}" for name in ("clean", "gaussian", "fgsm_transfer")}
    assert asked == {"threshold, seed 1", "substitute, seed 10000"} | evaluations
    assert len(plan.jobs) == 2 * 2 * 4 + 1


def test_seeds_of_the_command_join_those_of_the_suite(parse, inputs):
    plan = plan_of(inputs, parse(), seeds=[7])
    assert {p.seed for planned in plan.jobs for p in planned.places} == {0, 1, 7}
    assert {p.seed for planned in plan.asked for p in planned.places} == {7}


def test_the_name_of_a_sweep_selects_all_its_points(parse, inputs):
    suite = parse(("threshold = 0.8", 'threshold = 0.8\n[conditions.threshold.grid]\n"regularizer.alpha" = [1, 2]'))
    plan = plan_of(inputs, suite, only=["threshold"])
    assert {p.condition for planned in plan.asked for p in planned.places} == {
        "threshold[alpha=1]",
        "threshold[alpha=2]",
    }


def test_an_unknown_condition_is_refused(parse, inputs):
    with pytest.raises(UnknownName, match="no condition of tiny called 'treshold'; did you mean 'threshold'"):
        plan_of(inputs, parse(), only=["treshold"])


SETS = {
    "an unknown set": (
        ('classification = "digits"', 'classification = "digitz"'),
        "condition none: classification: no data set for classification called 'digitz'; did you mean 'digits'",
    ),
    "a set that is no task": (
        ('classification = "digits"', 'classification = "imagenet"'),
        "no data set for classification called 'imagenet'",
    ),
    "corrupted images as regularization images": (
        ('images = "digits"', 'images = "digits-c"'),
        "condition threshold: regularizer.images: no data set",
    ),
    "another set corrupted": (
        ("clean.n_images = 32", 'clean.n_images = 32\ncorruption.images = "cifar10-c"'),
        "evaluation corruption: cifar10-c is not digits corrupted",
    ),
    "an unknown corruption": (
        ("clean.n_images = 32", 'clean.n_images = 32\ncorruption = { images = "digits-c", corruptions = ["fogg"] }'),
        "no corruption called 'fogg'",
    ),
    "a similarity that nothing can be called": (
        ('target = "threshold"\nthreshold = 0.8', 'target = "neural"\nimages = "../v1"'),
        "condition threshold: regularizer.images: similarity '../v1': names are made of a to z",
    ),
    "a recording that nothing can be called": (
        ("[conditions.none]", '[analyses.similarity]\nrecording = ""\n[conditions.none]'),
        "analysis similarity: recording: similarity '': names are made of a to z",
    ),
}


@pytest.mark.parametrize(("replacement", "message"), SETS.values(), ids=SETS.keys())
def test_a_set_that_does_not_fit_is_refused(parse, inputs, replacement, message):
    with pytest.raises(SpecError) as caught:
        plan_of(inputs, parse(replacement))
    assert message in str(caught.value)
    assert str(caught.value).startswith("tiny.toml: ")


def test_absent_data_block_only_what_reads_them(parse, inputs):
    suite = parse(('images = "digits"', 'images = "imagenet"'))
    plan = plan_of(inputs, suite)
    blocked = {planned.title for planned in plan.jobs if planned.blocked}
    assert {name.split(",")[0] for name in blocked} == {"threshold"}
    assert len(blocked) == 2 * 4
    assert {planned.blocked for planned in plan.jobs if planned.blocked} == {
        f"data set imagenet is not in {inputs.data_dir}; bring it with: harness data import imagenet PATH"
    }


def test_too_few_images_block_and_say_how_many_there_are(parse, inputs):
    plan = plan_of(inputs, parse(("n_images = 32", "n_images = 5000")))
    assert {planned.blocked for planned in plan.jobs if planned.blocked} == {
        "regularizer.n_images is 5000, but digits here has 1437 training images; set it to at most 1437"
    }


def test_where_a_part_of_a_set_is_too_few_the_command_that_brings_more_is_named(parse, tmp_path):
    make_stand_in(tmp_path, "cifar10")
    suite = parse(('"digits"', '"cifar10"'), ("n_train = 64", "n_train = 5000"))
    plan = plan_of(Inputs(tmp_path, stand_ins=True), suite)
    assert {planned.blocked for planned in plan.jobs} == {
        "n_train is 5000, but cifar10 here has 1000 training images; set it to at most 1000, or bring more with: "
        "harness data prepare cifar10 --replace"
    }


def test_bundled_sets_that_are_not_made_yet_block_nothing(parse, tmp_path):
    plan = plan_of(Inputs(tmp_path, stand_ins=False), parse())
    assert not any(planned.blocked for planned in plan.jobs)
    assert all(planned.work > 0 for planned in plan.jobs)


def test_truncated_data_is_an_error(parse, tmp_path, digits_dir):
    copy = tmp_path / "data" / "digits"
    copy.mkdir(parents=True)
    for path in (digits_dir / "digits").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    victim = next(copy.glob("train*"))
    victim.write_bytes(victim.read_bytes()[:-1])
    with pytest.raises(DataDamaged, match="is damaged"):
        plan_of(Inputs(tmp_path / "data", stand_ins=False), parse())


def renamed(suite: Suite, name: str, **changes: object) -> Suite:
    return suite.model_copy(update={"name": name, **changes})


def test_suites_share_what_they_both_ask_for(parse, inputs):
    suite = parse()
    only_none = {"none": suite.conditions["none"]}
    plan = plan_of(inputs, suite, renamed(suite, "second", conditions=only_none))
    alone = plan_of(inputs, suite)
    assert [planned.key for planned in plan.jobs] == [planned.key for planned in alone.jobs]
    shared = [planned for planned in plan.jobs if {place.suite for place in planned.places} == {"tiny", "second"}]
    assert len(shared) == 2 * 4


def test_each_suite_has_its_own_places_and_all_that_they_need(parse, inputs):
    suite = parse()
    second = renamed(suite, "second", conditions={"none": suite.conditions["none"]}, seeds=(0,))
    plan = plan_of(inputs, suite, second)
    own = plan.jobs_of(second)
    assert {place.suite for planned in own for place in planned.places} == {"second"}
    keys = {planned.key for planned in own}
    assert all(need.key in keys for planned in own for need in planned.needs)
    assert len(own) == 4 + 1


def test_a_seed_is_whole_in_all_suites_before_the_next_begins(parse, inputs):
    suite = parse()
    other = renamed(suite, "second", conditions={"threshold": suite.conditions["threshold"]}, seeds=(0, 1))
    seeds = [p.seed for planned in plan_of(inputs, suite, other).jobs for p in planned.places]
    assert seeds == sorted(seeds)


EXTERNAL = RobustBenchSpec(model="Standard")


def with_external(suite: Suite) -> Suite:
    without = {name: spec for name, spec in suite.evaluations.items() if name != "fgsm_transfer"}
    return suite.model_copy(update={"conditions": {"standard": EXTERNAL}, "evaluations": without})


def test_an_external_model_is_there_once_however_many_seeds_the_suite_has(parse, inputs):
    jobs = plan_of(inputs, with_external(parse())).jobs
    assert [(kind_of(planned.job), planned.places[0].seed) for planned in jobs] == [
        ("load", 0),
        ("clean", 0),
        ("gaussian", 0),
    ]


def test_an_external_model_is_asked_for_whatever_the_seeds(parse, inputs):
    plan = plan_of(inputs, with_external(parse()), seeds=[1])
    assert plan.selected == {planned.key for planned in plan.jobs}


SEEDED = CheckpointSpec(function="mine.py:network", weights="mine-{seed}.pt", classification="digits", color="gray")


def with_seeded(suite: Suite, folder: Path, *seeds: int) -> Suite:
    """The suite with a network that was trained elsewhere over seeds, of which these are there."""
    (folder / "mine.py").write_text("def network(channels, classes, size): ...")
    for seed in seeds:
        (folder / f"mine-{seed}.pt").write_text(f"weights of seed {seed}")
    return suite.model_copy(update={"conditions": {"mine": SEEDED} | suite.conditions})


def test_a_checkpoint_over_seeds_is_a_model_for_each_seed(parse, digits_dir, tmp_path):
    suite = with_seeded(parse(), tmp_path, 0, 1, 4)
    inputs = Inputs(digits_dir, tmp_path, stand_ins=False)
    plan = plan_of(inputs, suite, seeds=[1, 4], only=["mine"])
    places = {planned.key: place for planned in plan.jobs for place in planned.places if place.condition == "mine"}
    assert [(place.seed, place.evaluation) for place in places.values()] == [
        (seed, evaluation) for seed in (0, 1, 4) for evaluation in (None, "clean", "gaussian", "fgsm_transfer")
    ]
    assert {places[planned.key].seed for planned in plan.asked if planned.key in places} == {1, 4}
    models = [planned.job for planned in plan.jobs if kind_of(planned.job) == "load"]
    assert [list(model.data) for model in models] == [["mine.py/code", f"mine-{seed}.pt/file"] for seed in (0, 1, 4)]
    assert len({model.spec_digest for model in models}) == 1


def test_the_place_of_a_model_says_which_condition_the_suite_compares_it_with(parse, digits_dir, tmp_path):
    suite = with_seeded(parse(), tmp_path, 0, 1).model_copy(update={"baselines": {"mine": "none"}})
    plan = plan_of(Inputs(digits_dir, tmp_path, stand_ins=False), suite)
    places = [place for planned in plan.jobs for place in planned.places]
    named = {(place.condition, place.seed, place.evaluation, place.baseline) for place in places if place.baseline}
    assert named == {("mine", 0, None, "none"), ("mine", 1, None, "none")}


def test_of_a_checkpoint_over_seeds_the_seeds_without_weights_are_named(parse, digits_dir, tmp_path):
    suite = with_seeded(parse(), tmp_path, 1)
    inputs = Inputs(digits_dir, tmp_path, stand_ins=False)
    with pytest.raises(SpecError) as refused:
        plan_of(inputs, suite, seeds=[3, 4])
    assert str(refused.value) == (
        f"{suite.source.name}: condition mine: there is no file {tmp_path / 'mine-{seed}.pt'} of seeds 0,3-4; a "
        "checkpoint's weights lie beside its suite"
    )


def test_an_external_model_waits_for_its_weights_and_its_test_images(parse, inputs):
    [load, *_] = plan_of(inputs, with_external(parse())).jobs
    assert "cifar10 is not in" in load.blocked


def on_cifar(suite: Suite, condition: str, **changes: object) -> TrainingSpec:
    """A condition of the suite with color CIFAR-10 in the place of its images."""
    return suite.conditions[condition].replaced(classification="cifar10", color="rgb", **changes)


def test_a_transferred_attack_on_an_external_model_is_made_with_the_baseline_of_the_suite(parse, inputs):
    suite = parse()
    ours = {name: on_cifar(suite, name) for name in ("threshold", "none")}
    suite = suite.model_copy(update={"conditions": {"standard": EXTERNAL} | ours})
    jobs = plan_of(inputs, suite).jobs
    attacks = [planned.job for planned in jobs if kind_of(planned.job) == "fgsm_transfer"]
    assert len(attacks) == 1 + 2 * 2  # the external model's, and those of two seeds
    assert len({job.substitute.key for job in attacks}) == 1
    substitute = attacks[0].substitute
    assert substitute.spec.unregularized == substitute.spec
    assert (substitute.spec.classification, substitute.spec.color) == ("cifar10", "rgb")


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        (lambda suite: {}, "there is none"),
        (lambda suite: {"gray": on_cifar(suite, "none").replaced(color="gray")}, "there is none"),
        (lambda suite: {"digits": suite.conditions["none"]}, "there is none"),
        (
            lambda suite: {
                "none": on_cifar(suite, "none"),
                "wide": on_cifar(suite, "none").replaced(network={"base_width": 3}),
            },
            "there are several: say in condition standard which, substitute = 'none' or 'wide'",
        ),
    ],
    ids=["nothing", "another color", "other images", "two networks"],
)
def test_it_is_refused_where_no_one_baseline_is_trained_on_the_same_images(beside, said, parse, inputs):
    suite = parse()
    suite = suite.model_copy(update={"conditions": {"standard": EXTERNAL} | beside(suite)})
    with pytest.raises(SpecError, match=f"evaluation fgsm_transfer: standard .* on cifar10 .rgb., of which {said}"):
        plan_of(inputs, suite)


@pytest.mark.parametrize(("named", "width"), [("none", 2), ("wide", 3), ("pixel", 3)])
def test_it_is_attacked_with_the_unregularized_twin_of_the_condition_that_it_names(named, width, parse, inputs):
    suite = parse()
    wide = {"network": {"base_width": 3}}
    conditions = {
        "standard": EXTERNAL,
        "none": on_cifar(suite, "none"),
        "wide": on_cifar(suite, "none", **wide),
        "pixel": on_cifar(suite, "threshold", **wide),
    }
    suite = suite.model_copy(update={"conditions": conditions, "substitutes": {"standard": named}})
    jobs = [planned for planned in plan_of(inputs, suite).jobs if kind_of(planned.job) == "fgsm_transfer"]
    used = {planned.places[0].condition: planned.job.substitute.spec for planned in jobs}
    assert {name: spec.network.base_width for name, spec in used.items()} == {
        "standard": width,
        "none": 2,
        "wide": 3,
        "pixel": 3,
    }
    assert {spec.regularizer for spec in used.values()} == {None}


TRANSFERRED = 'kind = "own_transferred_attack", function = "mine.py:attack", max_epsilon = 0.1'
OF_ONES_OWN = ("[evaluations]", f"[evaluations]\nmine = {{ {TRANSFERRED} }}")


@pytest.fixture
def with_attack(digits_dir, tmp_path):
    """The digits, and a file with an attack beside the suite."""
    (tmp_path / "mine.py").write_text("def attack(model, images, labels, epsilon): ...")
    return Inputs(digits_dir, tmp_path, stand_ins=False)


def test_a_transferred_attack_of_ones_own_is_made_with_the_network_that_fgsm_is_made_with(parse, with_attack):
    plan = plan_of(with_attack, parse(OF_ONES_OWN))
    [substitute] = [planned for planned in plan.jobs if not planned.places]
    read = {"own_transferred_attack": {"digits/test", "mine.py/code"}, "fgsm_transfer": {"digits/test"}}
    for kind, paths in read.items():
        attacks = [planned for planned in plan.jobs if kind_of(planned.job) == kind]
        assert len(attacks) == 4
        assert {planned.needs[1].key for planned in attacks} == {substitute.key}
        assert {path for planned in attacks for path in planned.job.data} == paths
        job = attacks[0].job
        assert attacks[0].work == evaluation_gflop(
            job.evaluation, job.model.spec, with_attack, substitute=substitute.job.spec
        )


@pytest.mark.parametrize(
    ("said", "seed", "precision"),
    [
        ("", 10_000, "float32"),
        (", substitute_seed = 7", 7, "float32"),
        (', substitute_precision = "auto"', 10_000, "bfloat16"),
    ],
)
def test_its_substitute_may_be_another(said, seed, precision, parse, with_attack):
    suite = parse(("[evaluations]", f"[evaluations]\nmine = {{ {TRANSFERRED}{said} }}"))
    jobs = plan_of(with_attack, suite, device=BFLOAT16_CPU).jobs
    made_with = [planned.job.substitute for planned in jobs if kind_of(planned.job) == "own_transferred_attack"]
    assert {(substitute.seed, substitute.spec.precision) for substitute in made_with} == {(seed, precision)}


def test_it_needs_a_baseline_on_the_same_images_to_attack_an_external_model(parse, with_attack):
    suite = parse(OF_ONES_OWN).model_copy(update={"conditions": {"standard": EXTERNAL}})
    said = r"^tiny\.toml: evaluation mine: standard .* on cifar10 .rgb., of which there is none: add a condition"
    with pytest.raises(SpecError, match=said):
        plan_of(with_attack, suite)


def test_analyses_come_first_and_have_neither_condition_nor_needs(parse, inputs):
    analyses = {"noise_examples": NoiseExamplesSpec(images="digits")}
    plan = plan_of(inputs, parse().model_copy(update={"analyses": analyses}))
    first = plan.jobs[0]
    assert first.title == "analysis noise_examples"
    assert (first.needs, first.places[0].condition, list(first.job.data)) == ((), "", ["digits/test"])
    assert first.key in plan.selected
    only = plan_of(inputs, plan.suites[0], only=["none"])
    assert first.key not in only.selected


def test_what_recorded_targets_read_is_named_with_the_command_that_makes_it(parse, inputs):
    neural = ('target = "threshold"\nthreshold = 0.8', 'target = "neural"')
    suite = parse(neural, ('images = "digits"', 'images = "v1"'))
    [reason] = {planned.blocked for planned in plan_of(inputs, suite).jobs if planned.blocked}
    assert "there is no neural similarity v1" in reason
    assert "harness neural similarity v1" in reason


class WithFewRecordedImages(Inputs):
    """A data folder with the similarities of a thousand recorded images."""

    def state(self, wanted: Input) -> InputState:
        return InputState(digest="ab" * 32, count=1000) if wanted.kind == "recorded" else super().state(wanted)


def test_where_a_recording_is_of_too_few_images_the_commands_that_make_one_of_more_are_named(parse, digits_dir):
    neural = ('target = "threshold"\nthreshold = 0.8', 'target = "neural"')
    suite = parse(neural, ('images = "digits"', 'images = "v1"'), ("n_images = 32", "n_images = 5000"))
    jobs = plan_of(WithFewRecordedImages(digits_dir, stand_ins=False), suite).jobs
    assert {planned.blocked for planned in jobs if planned.blocked} == {
        "regularizer.n_images is 5000, but v1 here has the similarity of 1000 images; set it to at most 1000, or bring "
        "more with: harness neural import v1 PATH --replace (or harness neural simulate v1 --n-images 5000 --replace), "
        "then harness neural fit v1, then harness neural similarity v1"
    }


def test_a_training_on_features_waits_for_their_weights(parse, inputs):
    suite = parse(('target = "threshold"\nthreshold = 0.8', 'target = "features"'))
    blocked = {planned.title: planned.blocked for planned in plan_of(inputs, suite).jobs}
    assert blocked.pop("substitute, seed 10000") is None
    assert {reason for name, reason in blocked.items() if name.startswith("none")} == {None}
    assert {reason for name, reason in blocked.items() if name.startswith("threshold")} == {
        f"the weights vgg19 are not in {inputs.data_dir}; bring them with: harness data prepare vgg19, "
        "or from a file that you have: harness data import vgg19 PATH"
    }


class WithoutTestImages(Inputs):
    """A data folder whose digits are there but for the test images."""

    def state(self, wanted: Input) -> InputState:
        found = super().state(wanted)
        return replace(found, digest="", missing="no test images") if str(wanted) == "digits/test" else found


def test_a_training_waits_for_the_test_images_too(parse, digits_dir):
    jobs = plan_of(WithoutTestImages(digits_dir, stand_ins=False), parse()).jobs
    assert {planned.blocked for planned in jobs if isinstance(planned.job, TrainJob)} == {"no test images"}


def test_a_transferred_attack_on_an_external_model_is_blocked_where_its_substitute_is(parse, digits_dir, tmp_path):
    (tmp_path / "mine.py").write_text("def network(channels, classes, size): ...")
    (tmp_path / "mine.pt").write_bytes(b"weights")
    mine = CheckpointSpec(function="mine.py:network", weights="mine.pt", classification="digits", color="gray")
    suite = parse(("n_train = 64", 'n_train = 64\nprecision = "tf32"'))
    suite = suite.model_copy(update={"conditions": {"mine": mine, "none": suite.conditions["none"]}})
    jobs = plan_of(Inputs(digits_dir, tmp_path, stand_ins=False), suite).jobs
    blocked = {kind_of(each.job): each.blocked for each in jobs if each.places and each.places[0].condition == "mine"}
    assert "needs an NVIDIA GPU" in blocked.pop("fgsm_transfer")
    assert blocked == {"load": None, "clean": None, "gaussian": None}
