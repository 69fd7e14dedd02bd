"""Which network transferred attacks are made with, where they name a condition."""

from __future__ import annotations

import pytest
from plans import plan_of

from harness.errors import SpecError
from harness.spec import EvaluateJob, RobustBenchSpec, kind_of


@pytest.fixture
def attacked_by(parse):
    """Parses the suite with another FGSM beside its own, whose examples are made with the condition that is named."""

    def parsed(named, *replacements, more=""):
        line = f'alike = {{ kind = "fgsm_transfer", n_images = 32, sizes = 2, substitute_condition = "{named}"{more} }}'
        return parse(("[evaluations]", f"[evaluations]\n{line}"), *replacements)

    return parsed


def attacks(plan, name):
    """The jobs of an evaluation, by the condition that is attacked."""
    found: dict[str, list[EvaluateJob]] = {}
    for planned in plan.jobs:
        for place in planned.places:
            if place.evaluation == name:
                found.setdefault(place.condition, []).append(planned.job)
    return found


def test_an_attack_is_made_with_a_network_that_is_trained_as_the_condition_that_it_names(attacked_by, inputs):
    suite = attacked_by("threshold")
    by_condition = attacks(plan_of(inputs, suite), "alike")
    assert {*by_condition} == {"none", "threshold"}
    substitutes = {job.substitute.key: job.substitute for jobs in by_condition.values() for job in jobs}
    [substitute] = substitutes.values()
    assert (substitute.spec, substitute.seed) == (suite.conditions["threshold"].replaced(augmentation="none"), 10_000)


def test_it_may_be_made_with_a_network_that_is_trained_as_the_one_that_it_attacks(attacked_by, inputs):
    by_condition = attacks(plan_of(inputs, attacked_by("{condition}")), "alike")
    for jobs in by_condition.values():
        assert len(jobs) == 2
        assert all(job.substitute.spec == job.model.spec and job.substitute.seed == 10_000 for job in jobs)
    assert [bool(jobs[0].substitute.spec.regularizer) for jobs in by_condition.values()] == [False, True]


def test_the_name_of_the_condition_is_no_part_of_an_identity(attacked_by, inputs):
    keys = []
    for name in ("threshold", "renamed"):
        plan = plan_of(inputs, attacked_by(name, ("[conditions.threshold.", f"[conditions.{name}.")))
        keys.append({planned.key for planned in plan.jobs})
    assert keys[0] == keys[1]


def test_an_attack_that_names_the_unregularized_condition_is_the_papers(attacked_by, inputs):
    plan = plan_of(inputs, attacked_by("none"))
    shared = [planned for planned in plan.jobs if kind_of(planned.job) == "fgsm_transfer"]
    assert [{place.evaluation for place in planned.places} for planned in shared] == [{"alike", "fgsm_transfer"}] * 4


def test_substitutes_are_told_apart_by_what_they_are_trained_like(attacked_by, inputs):
    titles = {planned.title for planned in plan_of(inputs, attacked_by("threshold")).jobs if not planned.places}
    assert titles == {"substitute, seed 10000", "substitute like threshold, seed 10000"}


def test_a_grids_point_may_be_named(attacked_by, inputs):
    grid = ("threshold = 0.8", 'threshold = 0.8\n[conditions.threshold.grid]\n"regularizer.alpha" = [1, 4]')
    by_condition = attacks(plan_of(inputs, attacked_by("threshold[alpha=4]", grid)), "alike")
    assert {job.substitute.spec.regularizer.alpha for jobs in by_condition.values() for job in jobs} == {4}


def test_a_condition_that_is_not_there_is_refused_with_those_that_are(attacked_by, inputs):
    with pytest.raises(SpecError) as refused:
        plan_of(inputs, attacked_by("treshold"))
    assert str(refused.value) == (
        "tiny.toml: evaluation alike: substitute_condition: no condition called 'treshold'; did you mean 'threshold'?"
    )


def test_a_condition_that_was_trained_elsewhere_or_on_other_images_is_refused(attacked_by, inputs):
    standard = RobustBenchSpec(model="Standard")
    for named in ("standard", "{condition}"):
        suite = attacked_by(named, ("fgsm_transfer = { n_images = 32, sizes = 2 }", ""))
        suite = suite.model_copy(update={"conditions": suite.conditions | {"standard": standard}})
        with pytest.raises(SpecError, match="substitute_condition: standard was trained elsewhere; name a condition"):
            plan_of(inputs, suite)
    suite = attacked_by("color", ("[conditions.none]", '[conditions.none]\n[conditions.color]\ncolor = "rgb"'))
    with pytest.raises(SpecError, match=r"none classifies digits \(gray\), color digits \(rgb\); both must be alike"):
        plan_of(inputs, suite)


def test_a_model_trained_elsewhere_is_attacked_with_the_condition_that_is_named(attacked_by, inputs):
    suite = attacked_by("threshold", ("fgsm_transfer = { n_images = 32, sizes = 2 }", ""))
    ours = {
        name: spec.replaced(classification="cifar10", color="rgb", network={"base_width": width})
        for width, (name, spec) in enumerate(suite.conditions.items(), start=2)
    }
    elsewhere = {"standard": RobustBenchSpec(model="Standard")}
    by_condition = attacks(plan_of(inputs, suite.model_copy(update={"conditions": elsewhere | ours})), "alike")
    assert {jobs[0].substitute.spec.network.base_width for jobs in by_condition.values()} == {3}


def test_a_precision_beside_a_condition_is_refused_since_the_condition_has_one(attacked_by):
    said = r"alike.*substitute_precision has no effect with substitute_condition 'threshold'"
    with pytest.raises(SpecError, match=said):
        attacked_by("threshold", more=', substitute_precision = "bfloat16"')


def test_evaluated_models_never_make_the_examples_themselves(attacked_by, inputs):
    suite = attacked_by("threshold", more=", substitute_seed = 1")
    with pytest.raises(SpecError, match="evaluation alike: seed 1 is the substitute's; evaluate other seeds"):
        plan_of(inputs, suite)
