from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from made import SUITE, accuracies, differing, outcome, part
from study import CONDITIONS, EVALUATIONS, ORIGIN, planned
from trainings import training_result

from harness.measurement import EvaluationResult, Measurement
from harness.report.claims.measures import MEASURES, WHOLE_GRID
from harness.report.claims.outcome import relative_margin, resolved
from harness.report.results import read_results
from harness.store import write
from harness.store.engine import open_database

CLEARLY = (0.10, 0.11, 0.12, 0.10, 0.11, 0.12, 0.10)
NOT_CLEARLY = (0.10, -0.11, 0.12, -0.10, 0.01, 0.02, -0.05)


def negative(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(-value for value in values)


def test_a_claim_is_supported_where_all_seeds_say_so() -> None:
    found = outcome(differing(*CLEARLY), part())
    [only] = found.parts
    assert found.verdict == only.verdict == "supported"
    assert (only.effect.mean, only.effect.n) == (pytest.approx(0.76 / 7), 7)
    assert only.p == only.smallest_p == 2 / 128
    assert 0 < only.effect.low < only.effect.mean < only.effect.high


def test_a_claim_is_contradicted_where_all_seeds_say_the_opposite() -> None:
    assert outcome(differing(*negative(CLEARLY)), part()).verdict == "contradicted"
    assert outcome(differing(*negative(CLEARLY)), part(side="lower")).verdict == "supported"


def test_a_claim_is_undecided_where_seeds_disagree() -> None:
    assert outcome(differing(*NOT_CLEARLY), part()).verdict == "undecided"


def test_fewer_than_four_seeds_decide_nothing() -> None:
    assert outcome(differing(*CLEARLY[:3]), part()).verdict == "undecided"
    assert outcome(differing(*CLEARLY[:4]), part()).verdict == "supported"


@pytest.mark.parametrize("side", ["higher", "lower", "same", "different", "no lower", "no higher"])
def test_one_seed_decides_nothing(side: str) -> None:
    found = outcome(differing(0.3), part(side=side))
    assert found.verdict == "undecided"
    assert (found.parts[0].p, found.parts[0].smallest_p) == (1.0, 1.0)
    assert math.isnan(found.parts[0].effect.low)


def test_a_suite_without_results_was_not_run_and_the_command_is_said() -> None:
    found = outcome(None, part(), part("other"))
    assert found.verdict == "not run"
    assert [(each.condition, each.against, each.p) for each in found.parts] == [
        ("own", "none", 1.0),
        ("other", "none", 1.0),
    ]
    assert found.lacking == (f"harness run-suite {SUITE} --profile small",)


def test_what_a_run_cannot_make_is_said_instead_of_its_command() -> None:
    given = accuracies(none=[0.5], own=[0.6])
    row = {"condition": "own", "seed": 0, "state": "blocked", "reason": "data set cifar10 is not here"}
    missing = pd.DataFrame([row | {"evaluation": "boundary"}, row | {"condition": "other", "evaluation": "clean"}])
    there = replace(given, missing=missing)
    assert outcome(there, part("absent")).lacking == (f"harness run-suite {SUITE} --profile small",)
    blocked = replace(given, missing=missing.assign(evaluation="clean"))
    assert outcome(blocked, part("own"), part("absent")).lacking == (f"harness run-suite {SUITE} --profile small",)
    without = replace(blocked, models=given.models[given.models["condition"] != "own"])
    assert outcome(without, part("own")).lacking == ("data set cifar10 is not here",)


def test_a_part_without_numbers_was_not_run_unless_it_was_measured_in_vain() -> None:
    given = accuracies(none=[0.5, float("nan")], own=[float("nan"), 0.6])
    assert outcome(given, part("absent")).verdict == "not run"
    assert outcome(given, part("own")).verdict == "undecided"
    lacking = given.missing.reindex([0]).assign(condition="own", evaluation="clean", seed=0, state="waiting", reason="")
    assert outcome(replace(given, missing=lacking), part("own")).verdict == "not run"


def test_a_suite_that_was_run_whole_is_not_to_be_run_for_numbers_that_it_cannot_give(tmp_path: Path) -> None:
    nothing = {"value": None, "n": 0, "n_failed": 10, "repeat": 0, "reason": "no image had a starting point"}
    found = {
        "clean": [Measurement(metric="accuracy", value=0.5, n=10)],
        "gaussian": [Measurement(metric="accuracy", value=0.5, n=10, epsilon=0.1)],
        "boundary": [Measurement(metric=metric, **nothing) for metric in ("score", "start_score")],
    }
    conditions = {name: CONDITIONS[name] for name in ("none", "pixel")}
    with open_database(f"sqlite:///{tmp_path}/harness.sqlite") as db:
        for each in planned(db, SUITE, conditions, evaluations={name: EVALUATIONS[name] for name in found}):
            [place], key = each.places, each.job.key
            if place.evaluation is None:
                write.finish_training(db, key, training_result(), ORIGIN, 1.0)
            else:
                result = EvaluationResult(measurements=tuple(found[place.evaluation]))
                write.finish_evaluation(db, key, result, ORIGIN, 1.0)
        given = read_results(db, SUITE, "small")
    assert set(given.missing["state"]) == {"no number"}
    pixel, grid = part("pixel", measure="boundary"), part(WHOLE_GRID, against=None, measure="ranks_boundary")
    in_vain = outcome(given, pixel, grid)
    assert [each.verdict for each in in_vain.parts] == ["undecided"] * 2
    assert (in_vain.verdict, in_vain.lacking) == ("undecided", ())


def test_what_other_measures_lack_does_not_matter() -> None:
    given = accuracies(none=[0.5, float("nan")], own=[float("nan"), 0.6])
    blocked = given.missing.reindex([0]).assign(
        condition="own", evaluation="corruption", seed=0, state="blocked", reason=""
    )
    assert outcome(replace(given, missing=blocked), part("own")).verdict == "undecided"


def test_a_claim_says_nothing_before_all_of_its_parts_were_run() -> None:
    found = outcome(differing(*negative(CLEARLY)), part(), part("absent"))
    assert [each.verdict for each in found.parts] == ["contradicted", "not run"]
    assert found.verdict == "not run"


def test_few_seeds_decide_only_where_they_are_of_one_mind() -> None:
    # Student's t alone would decide (p = 0.018), but four of the 32 choices of signs reach as far.
    found = outcome(differing(0.1, 0.11, 0.1, 0.09, -0.001), part())
    assert found.parts[0].holm_p < 0.05
    assert found.parts[0].p == 4 / 32
    assert found.verdict == "undecided"
    assert outcome(differing(0.1, 0.11, 0.1, 0.09, 0.001), part()).verdict == "supported"


def test_a_claim_of_many_parts_needs_more_of_each() -> None:
    given = differing(0.02, 0.05, 0.08, 0.05, 0.09)
    alone = outcome(given, part())
    # Mean 0.058, squared SEM 0.00308 / 20, so that t^2 = 21.8; p = 0.0095 with four degrees of freedom.
    assert (alone.verdict, alone.parts[0].holm_p) == ("supported", pytest.approx(0.0095, abs=1e-4))
    many = outcome(given, part(), *[part("absent")] * 5)
    assert many.parts[0].holm_p == pytest.approx(6 * alone.parts[0].holm_p)
    assert many.parts[0].verdict == "undecided"


def test_diverged_models_are_in_no_comparison() -> None:
    given = differing(*CLEARLY[:4], -5.0)
    status = given.models["status"].mask((given.models["seed"] == 4) & (given.models["condition"] == "own"), "diverged")
    found = outcome(replace(given, models=given.models.assign(status=status)), part())
    assert (found.parts[0].effect.n, found.parts[0].n_lacking, found.verdict) == (4, 1, "supported")


def test_seeds_that_give_no_number_are_counted() -> None:
    given = accuracies(none=[0.5, 0.5, float("nan")], own=[0.6, float("nan"), 0.6])
    waiting = given.missing.reindex([0]).assign(condition="own", evaluation="clean", seed=3, state="waiting", reason="")
    found = outcome(replace(given, missing=waiting), part(), part(against=None))
    assert [(each.effect.n, each.n_lacking) for each in found.parts] == [(1, 3), (2, 2)]


@pytest.mark.parametrize(
    ("shift", "verdicts"),
    [
        (0.0, {"same": "supported", "different": "contradicted", "no lower": "supported", "no higher": "supported"}),
        (0.1, {"same": "contradicted", "different": "supported", "no lower": "supported", "no higher": "contradicted"}),
        (
            -0.1,
            {"same": "contradicted", "different": "supported", "no lower": "contradicted", "no higher": "supported"},
        ),
        (0.03, {"same": "undecided", "different": "undecided", "no lower": "supported", "no higher": "undecided"}),
    ],
)
def test_likeness_is_within_three_points(shift: float, verdicts: dict[str, str]) -> None:
    given = differing(*(shift + noise for noise in (0.005, -0.005, 0.002, -0.002, 0.001, -0.001)))
    assert {side: outcome(given, part(side=side)).verdict for side in verdicts} == verdicts


def test_likeness_needs_students_t_at_the_nearer_bound() -> None:
    """All seeds are inside, so that all signs agree, but one is far from the others."""
    [only] = outcome(differing(*[0.029] * 5, -0.025), part(side="same")).parts
    # Five lie 0.001 below the bound 0.03 and one 0.055: mean 0.01, squared SEM 0.00243 / 30, so that t = 10/9 with five
    # degrees of freedom. From -0.03 the mean is 0.05: t = 50/9, p = 0.0026.
    assert only.holm_p == pytest.approx(0.3171, abs=1e-4)
    assert (only.p, only.smallest_p) == (2 / 64, 2 / 64)
    assert only.verdict == "undecided"


def test_likeness_needs_the_signs_at_the_nearer_bound() -> None:
    """Student's t would decide, but one of six seeds is beyond."""
    [only] = outcome(differing(*[0.01] * 5, 0.031), part(side="same")).parts
    # Five lie 0.02 below the bound 0.03 and one 0.001 above: mean 0.0165, squared SEM 0.0003675 / 30, so that
    # t = 4.714. Four of the 64 choices of signs reach as far; from -0.03 all seeds lie on one side.
    assert only.holm_p == pytest.approx(0.0053, abs=1e-4)
    assert (only.p, only.smallest_p) == (4 / 64, 2 / 64)
    assert only.verdict == "undecided"


def test_only_a_margin_of_scores_is_a_tenth_unless_a_share_is_given() -> None:
    margins = {measure: relative_margin(part(measure=measure)) for measure in ("boundary", "clean", "early_taps")}
    assert margins == {"boundary": 0.1, "clean": None, "early_taps": None}
    assert {relative_margin(part(measure=measure, share=0.5)) for measure in margins} == {0.5}


def test_scattered_differences_do_not_show_likeness() -> None:
    assert outcome(differing(*NOT_CLEARLY), part(side="same")).verdict == "undecided"


def test_a_margin_may_be_a_share_of_what_is_compared_with() -> None:
    given = accuracies(none=[0.8] * 4, own=[0.73, 0.731, 0.732, 0.731])
    [tenth] = outcome(given, part(side="no lower", share=0.1)).parts
    assert (tenth.bounds, tenth.verdict) == ((pytest.approx(-0.08),), "supported")
    assert outcome(given, part(side="no lower")).verdict == "contradicted"


def test_a_margin_that_is_a_share_is_a_share_of_each_seeds_own_number() -> None:
    base = [0.88, 0.92, 0.80, 0.90, 0.84, 0.91, 0.86]
    kept = accuracies(none=base, own=[0.904 * value + noise for value, noise in zip(base, [0, 1e-4] * 4, strict=False)])
    assert outcome(kept, part(side="no lower", share=0.1)).verdict == "supported"  # every seed keeps more than 0.9
    near = accuracies(none=base, own=[value - 0.085 for value in base])
    [only] = outcome(near, part(side="no lower", share=0.1)).parts
    assert only.bounds == (pytest.approx(-0.1 * sum(base) / 7),)
    assert only.verdict == "undecided"  # two of seven seeds keep less


def test_boundary_scores_are_alike_within_a_tenth() -> None:
    given = accuracies(none=[0.5] * 4, own=[0.5] * 4)
    scores = given.boundary.iloc[[0] * 8].assign(
        condition=["none"] * 4 + ["own"] * 4,
        seed=[0, 1, 2, 3] * 2,
        score=[0.004, 0.005, 0.006, 0.005, 0.0041, 0.0052, 0.0061, 0.0051],
    )
    [only] = outcome(replace(given, boundary=scores), part(side="same", measure="boundary")).parts
    assert only.bounds == pytest.approx((-0.0005, 0.0005))
    assert only.verdict == "supported"


def test_a_claim_that_some_do_needs_one_part() -> None:
    given = accuracies(
        none=[0.5] * 5,
        up=[0.6, 0.61, 0.62, 0.6, 0.61],
        down=[0.4, 0.41, 0.42, 0.4, 0.41],
        even=[0.5, 0.51, 0.49, 0.5, 0.5],
    )

    def verdicts(*names: str) -> tuple[str, str]:
        parts = [part(name) for name in names]
        return outcome(given, *parts).verdict, outcome(given, *parts, needs="any").verdict

    assert verdicts("up", "up") == ("supported", "supported")
    assert verdicts("up", "down") == ("contradicted", "supported")
    assert verdicts("up", "even") == ("undecided", "supported")
    assert verdicts("down", "even") == ("contradicted", "undecided")
    assert verdicts("down", "down") == ("contradicted", "contradicted")
    assert verdicts("up", "absent") == ("not run", "not run")


def test_a_fixed_model_is_compared_with_every_seed() -> None:
    given = accuracies(fixed=[0.5], own=[0.6, 0.61, 0.62, 0.61])
    found = outcome(given, part(against="fixed", once=True))
    assert (found.parts[0].effect.mean, found.parts[0].effect.n) == (pytest.approx(0.11), 4)
    assert found.verdict == "supported"
    assert outcome(given, part(against="absent", once=True)).verdict == "not run"


def test_without_a_baseline_values_are_compared_with_a_level() -> None:
    given = accuracies(own=[0.7, 0.71, 0.72, 0.71])
    found = outcome(given, part(against=None, level=0.6))
    assert (found.parts[0].effect.mean, found.parts[0].bounds) == (pytest.approx(0.71), (0.6,))
    assert found.verdict == "supported"
    assert outcome(given, part(against=None, level=0.8)).verdict == "contradicted"


def test_min_and_max_stand_for_the_ends_of_a_grid() -> None:
    names = ["none", "a[n=100]", "a[n=20]", "a[n=1000]", "a[m=1]", "a[n=7,m=1]", "b[n=5000]"]
    assert resolved("a[n=min]", names) == "a[n=20]"
    assert resolved("a[n=max]", names) == "a[n=1000]"
    assert resolved("a[n=max,m=1]", names) == "a[n=7,m=1]"
    assert resolved("none", names) == "none"
    assert resolved("a[k=min]", names) == "a[k=min]"


def test_every_measure_can_be_read_from_a_suite_without_results() -> None:
    given = accuracies(none=[0.5], own=[0.6])
    frames = ("models", "gammas", "curves", "corruptions", "boundary", "spectra", "acceptable")
    empty = replace(given, **{name: getattr(given, name).iloc[:0] for name in frames})
    for measure in MEASURES:
        assert outcome(empty, part(measure=measure)).verdict == "not run", measure
