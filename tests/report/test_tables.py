from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest
from invented import condition, figures_of, results, tables_of

from harness.errors import UnknownName
from harness.report import notes, summary, tables
from harness.report.latex import latex
from harness.report.missing import DATA
from harness.report.results import Results
from harness.report.table import csv
from harness.spec import PerturbationSpec

NOISE = PerturbationSpec(kind="gaussian", epsilon=0.1)


def summary_of(given: Results) -> tables.Table:
    values, failures = summary.scores(given), summary.failures(given)
    return tables.summary_table(values, failures, given)


def differences_of(given: Results) -> tables.Table:
    differences = summary.paired_differences(summary.scores(given), summary.baselines(given.conditions))
    return tables.difference_table(differences, given.scope)


def column(table: tables.Table, head: str) -> list[str]:
    """The cells below a heading."""
    place = table.columns.index(head)
    return [row[place] for row in table.rows]


def test_the_title_of_differences_is_true_of_baselines_that_were_trained_elsewhere() -> None:
    elsewhere = {"target": "external", "regularization": "none"}
    given = results((condition("plain") | elsewhere, condition("robust", "pixel") | elsewhere))
    assert column(differences_of(given), "Baseline") == ["plain"]
    assert "unregularized" not in differences_of(given).title


def missing(*rows: tuple[str, str, int, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["condition", "evaluation", "seed", "state", "reason"])
    return frame.assign(name=frame["evaluation"])


def test_one_seed_has_no_sem_in_its_cells() -> None:
    assert not any("±" in cell for row in summary_of(results(seeds=1)).rows for cell in row)


def test_the_summary_says_how_many_test_images_are_behind_each_number() -> None:
    given = results(seeds=1)
    assert summary_of(given).notes[0] == (
        "Test images behind each model's number: Clean, Gaussian noise, Uniform noise, Salt and pepper, "
        "Transferred FGSM, Corruptions, mean 10000; Boundary attack, ddn 1000 (of corruptions at each severity)."
    )
    fewer = given.images["n"].mask((given.images["condition"] == "none") & (given.images["kind"] == "clean"), 2000)
    assert "Clean 2000 to 10000;" in summary_of(replace(given, images=given.images.assign(n=fewer))).notes[0]


def test_curves_of_ones_own_attack_that_begin_at_other_images_than_the_clean_accuracy_are_told_of() -> None:
    given = results(seeds=1)
    told = "Clean accuracy is of 10000 images, accuracies by ε of 1000 or 10000: at ε = 0 the two need not agree."
    assert told not in summary_of(given).notes
    own = given.curves.query("evaluation == 'gaussian'").assign(evaluation="ddn")
    with_own = replace(given, curves=pd.concat([given.curves, own]))
    assert told in summary_of(with_own).notes
    [curves] = [each for each in figures_of(with_own) if each.name == "curves"]
    assert told in curves.caption


def test_attacks_in_a_norm_are_shown_with_it_and_with_their_budget() -> None:
    given = results(seeds=1)
    assert not any("Norm of ε" in told for told in (*summary_of(given).notes, *(f.caption for f in figures_of(given))))
    attacks = {"autoattack": {"norm": "linf", "queries": 5000}, "hop_skip_jump": {"norm": "l2", "queries": 2000}}
    attacks["mine"] = {"norm": "none"}
    own = [given.curves.query("evaluation == 'gaussian'").assign(evaluation=name) for name in attacks]
    asked = [("none", name, {"kind": name} | spec) for name, spec in attacks.items()]
    more = replace(
        given,
        curves=pd.concat([given.curves, *own]),
        distances=given.distances.assign(evaluation="hop_skip_jump"),
        specs=pd.concat([given.specs, pd.DataFrame(asked, columns=list(given.specs))]),
    )
    told = "Norm of ε and of distances, pixels in [0, 1]: "
    searched = "HopSkipJump L2, at most 2000 queries for each image."
    whole = f"{told}AutoAttack L∞; {searched}"
    assert whole in summary_of(more).notes
    captions = {each.name: each.caption for each in figures_of(more)}
    assert whole in captions["curves"]
    assert captions["distances"].endswith(told + searched)
    assert {each.name for each in tables_of(more) if whole in each.notes} == {"summary", "differences", "acceptable"}


def test_a_transferred_attack_is_shown_with_the_training_that_it_is_made_with() -> None:
    given = results(seeds=1)
    told = "Transferred FGSM: made with another training of none (seed 10000)."
    captions = {each.name: each.caption for each in figures_of(given)}
    assert captions["curves"].endswith(told)
    assert not any(told in captions[name] for name in ("boundary", "corruptions", "training"))
    assert {each.name for each in tables_of(given) if told in each.notes} == {"summary", "differences", "acceptable"}
    others = given.substitutes.assign(twin=["none", "none", "threshold", ""])
    several = (
        "Transferred FGSM: made with another training of none (seed 10000) for none, pixel; another training of "
        "threshold (seed 10000) for threshold; an unregularized training (seed 10000) for threshold-cifar10."
    )
    assert several in summary_of(replace(given, substitutes=others)).notes


def test_the_summary_tells_the_regularizers_in_a_note_and_in_its_data() -> None:
    table = summary_of(results(seeds=1))
    assert (
        "Regularizers (N: regularization images): pixel: α = 10, N = 5000; threshold, threshold-cifar10: α = 10, "
        "Th = 0.8, N = 5000." in table.notes
    )
    own = table.data.set_index("condition").loc["threshold"]
    assert {*own["alpha"], *own["threshold"], *own["regularization_images"]} == {10, 0.8, 5000}
    assert table.data.set_index("condition").loc["none", "alpha"].isna().all()
    assert ",10.0,0.8,,5000\n" in csv(table.data)
    many = summary_of(results(tuple(condition(f"a{i}", "threshold", alpha=i) for i in range(1, 20)), epochs=1))
    assert "α, Th and N (regularization images) of each condition are columns of the CSV." in many.notes


def perturbed(**perturbations: PerturbationSpec | None) -> pd.DataFrame:
    """What conditions are trained with."""
    rows = [
        (name, None, {"perturbation": each and each.model_dump(mode="json")}) for name, each in perturbations.items()
    ]
    return pd.DataFrame(rows, columns=["condition", "evaluation", "spec"])


def test_the_summary_tells_how_images_were_perturbed_before_they_were_learned_from() -> None:
    specs = perturbed(
        none=None,
        pixel=PerturbationSpec(kind="adversarial", epsilon=0.03, steps=1),
        threshold=PerturbationSpec(kind="mine.py:cutout", options={"side": 8}),
        elsewhere=NOISE,
    )
    assert (
        "Perturbed before they were learned from: images of pixel: adversarial, ε = 0.03, steps = 1; threshold: "
        "mine.py:cutout, side = 8."
    ) in summary_of(replace(results(seeds=1), specs=specs)).notes
    assert not any("Perturbed" in note for note in summary_of(results(seeds=1)).notes)


def test_settings_of_many_perturbations_are_left_to_the_table_of_trainings() -> None:
    names = [f"noise{number}" for number in range(notes.MOST + 1)]
    [told] = notes.perturbations_note(perturbed(**dict.fromkeys(names, NOISE)), dict(zip(names, names, strict=True)))
    assert told == "How images were perturbed before they were learned from is in the table of trainings."


@pytest.mark.parametrize("table_of", [summary_of, differences_of])
def test_a_table_says_that_its_intervals_are_given_the_test_images(table_of: Callable[[Results], tables.Table]) -> None:
    assert notes.SEEDS_ONLY in table_of(results(seeds=2)).notes


def test_the_attacks_behind_the_boundary_score_are_counted() -> None:
    [told] = [note for note in summary_of(results(seeds=2)).notes if note.startswith("Boundary score: ")]
    assert told.endswith("Attacks: 50 steps each, 1000 images × 5 repeats × seeds.")


def test_accuracies_are_percent_only_in_cells() -> None:
    table = summary_of(results(seeds=2))
    assert table.rows[0][2].startswith("7")
    assert (table.data.loc[table.data["unit"] == "accuracy", "mean"] <= 1).all()


def test_the_profile_is_in_every_title() -> None:
    assert "(small profile: not the paper's scale)" in summary_of(results()).title
    assert "(paper profile)" in summary_of(results(profile="paper")).title


def test_an_empty_cell_says_why_and_each_reason_is_told_once() -> None:
    given = results(seeds=1)
    reason = "imagenet is not there"
    lacking = missing(
        *(("threshold", name, 0, "blocked", reason) for name in ("clean", "gaussian")),
        ("threshold", "uniform", 0, "waiting", "not run yet"),
    )
    curves = given.curves.query("not (condition == 'threshold' and evaluation in ('gaussian', 'uniform'))")
    models = given.models.assign(
        clean_accuracy=given.models["clean_accuracy"].mask(given.models["condition"] == "threshold")
    )
    table = summary_of(replace(given, curves=curves, models=models, missing=lacking))
    row = next(row for row in table.rows if row[0] == "threshold")
    assert row[2:5] == ("missing: blocked [1]", "missing: blocked [1]", "missing: waiting")
    assert table.notes[-1] == "[1] blocked: imagenet is not there"


def test_an_evaluation_that_nobody_has_yet_is_a_column_of_missing_cells() -> None:
    given = results(seeds=1)
    lacking = missing(*((name, "uniform", 0, "waiting", "not run yet") for name in given.order))
    table = summary_of(replace(given, curves=given.curves.query("evaluation != 'uniform'"), missing=lacking))
    place = table.columns.index("Uniform noise (%)")
    assert {row[place] for row in table.rows} == {"missing: waiting"}


def test_a_cell_with_fewer_seeds_says_its_n_and_what_is_missing() -> None:
    given = results(seeds=3)
    curves = given.curves.query("not (condition == 'pixel' and evaluation == 'gaussian' and seed == 2)")
    lacking = missing(("pixel", "gaussian", 2, "failed", "no memory"))
    table = summary_of(replace(given, curves=curves, missing=lacking))
    row = next(row for row in table.rows if row[0] == "pixel")
    assert row[1] == "3"
    assert row[3].endswith("(n = 2; 1 failed [1])")


def test_images_without_a_start_are_counted_once() -> None:
    table = summary_of(results(seeds=2))
    assert column(table, "Attacks\nwithout a start")[0] == "6 of 10006"


def test_diverged_trainings_are_counted_beside_the_means() -> None:
    given = replace(results(), missing=missing(("pixel", "training", 1, "diverged", "epoch 3, step 17: loss is nan")))
    assert "Diverged trainings, in no mean: 1 of pixel." in summary_of(given).notes


def test_missing_results_of_the_same_seeds_and_reason_share_a_row() -> None:
    lacking = missing(
        ("pixel", "clean", 1, "failed", "no memory"),
        ("pixel", "clean", 0, "failed", "no memory"),
        ("pixel", "gaussian", 0, "failed", "no memory"),
        ("pixel", "gaussian", 1, "failed", "no memory"),
        ("pixel", "boundary", 1, "failed", "no memory"),
    )
    assert tables.missing_table(lacking, "study").rows == (
        ("pixel", "0, 1", "clean, gaussian", "failed", "no memory"),
        ("pixel", "1", "boundary", "failed", "no memory"),
    )


def test_two_evaluations_of_a_kind_that_are_missing_have_their_own_names() -> None:
    lacking = missing(
        ("pixel", "boundary", 0, "failed", "no memory"),
        ("pixel", "boundary", 1, "failed", "no memory"),
        ("pixel", "boundary", 1, "failed", "no memory"),
    ).assign(name=["boundary", "boundary", "boundary_long"])
    assert tables.missing_table(lacking, "study").rows == (
        ("pixel", "0, 1", "boundary", "failed", "no memory"),
        ("pixel", "1", "boundary_long", "failed", "no memory"),
    )


def test_a_seed_that_lacks_two_evaluations_of_a_kind_is_counted_once() -> None:
    given = results(seeds=3)
    corruptions = given.corruptions.query("condition != 'pixel' or seed != 2")
    lacking = missing(*(("pixel", "corruption", 2, "waiting", "not run yet") for _ in range(2)))
    table = summary_of(replace(given, corruptions=corruptions, missing=lacking))
    [cell] = [cell for row in table.rows for cell in row if "waiting" in cell]
    assert "(n = 2; 1 waiting)" in cell


def test_gammas_have_the_form_of_table_two() -> None:
    given = results(seeds=2)
    table = tables.gamma_table(summary.gamma_means(given), given.order, given.scope, {})
    assert table.columns == ("Condition", "Seeds", "stem", "stage 1", "stage 2", "stage 3", "stage 4")
    assert [row[0] for row in table.rows] == ["pixel", "threshold", "threshold-cifar10"]


def test_an_analysis_that_is_missing_is_no_column_of_the_summary() -> None:
    lacking = missing((DATA, "noise_examples", 0, "waiting", "not run yet"))
    table = summary_of(replace(results(), missing=lacking))
    assert not any("noise_examples" in column for column in table.columns)


def test_attacks_without_a_start_are_counted_where_no_image_had_one() -> None:
    given = results(seeds=2)
    none = (given.boundary["condition"] == "none") & (given.boundary["seed"] == 0)
    all_failed = given.boundary.assign(
        score=given.boundary["score"].mask(none),
        start_score=given.boundary["start_score"].mask(none),
        n=given.boundary["n"].mask(none, 0),
        n_failed=given.boundary["n_failed"].mask(none, 100),
    )
    rest = given.boundary[(given.boundary["condition"] == "none") & ~none]
    reason = "no image had a starting point"
    lacking = missing(("none", "boundary", 0, "no number", reason))
    table = summary_of(replace(given, boundary=all_failed, missing=lacking))
    [row] = [row for row in table.rows if row[0] == "none"]
    assert (
        column(table, "Attacks\nwithout a start")[0]
        == f"{100 + int(rest['n_failed'].sum())} of {100 + int((rest['n'] + rest['n_failed']).sum())}"
    )
    assert any("(n = 1; 1 no number [1])" in cell for cell in row)
    assert f"[1] no number: {reason}" in table.notes


ALL_IMAGES = "Boundary score\n50 steps, all images (10⁻³)"


def test_each_column_of_the_boundary_attack_says_what_it_is_by_itself() -> None:
    given = results(seeds=2)
    more = given.boundary.assign(steps=1000, score=given.boundary["score"] / 2)
    heads = summary_of(replace(given, boundary=pd.concat([given.boundary, more]))).columns
    own = [head for head in heads if head.startswith("Boundary score")]
    assert len(own) == len(set(own)) == 6
    assert "Boundary score\n1000 steps, its start (10⁻³)" in own


def test_a_score_of_all_images_stands_beside_the_score_where_some_have_no_start() -> None:
    given = results(seeds=2)
    table = summary_of(given)
    own = given.boundary.query("condition == 'none'")
    assert column(table, ALL_IMAGES)[0].startswith(f"{1000 * own['score_all_images'].mean():.2f} ± ")
    assert any(note.startswith("All images: the same median") for note in table.notes)
    every = summary_of(replace(given, boundary=given.boundary.assign(n_failed=0)))
    assert ALL_IMAGES not in every.columns
    assert not any(note.startswith("All images") for note in every.notes)


def test_a_score_of_all_images_is_infinite_where_it_is_for_one_seed() -> None:
    given = results(seeds=3)
    one = (given.boundary["condition"] == "pixel") & (given.boundary["seed"] == 1)
    masked = given.boundary.assign(score_all_images=given.boundary["score_all_images"].mask(one))
    changed = replace(given, boundary=masked)
    table = summary_of(changed)
    shown = dict(zip(given.order, column(table, ALL_IMAGES), strict=True))
    assert shown["pixel"] == "∞"
    assert "±" in shown["none"]
    against = differences_of(changed)
    [infinite] = [row for row in against.rows if row[0] == "pixel"]
    assert infinite[against.columns.index(ALL_IMAGES)] == "+∞"
    assert sum(note.startswith("∞: of one seed at least") for note in table.notes) == 1
    assert not any(note.startswith("∞") for note in summary_of(given).notes)


@pytest.mark.parametrize(
    ("infinite", "pairs"),
    [({"none": [0], "pixel": [1]}, 2), ({"none": [0, 1], "pixel": [0, 1]}, 0)],
)
def test_a_difference_of_infinite_scores_is_no_number(infinite: dict[str, list[int]], pairs: int) -> None:
    """infinite: the seeds of whose models half of the images have no start. pairs: of which the difference is known."""
    given = results(seeds=2)
    without = pd.Series([row.seed in infinite.get(row.condition, []) for row in given.boundary.itertuples()])
    masked = given.boundary.assign(score_all_images=given.boundary["score_all_images"].mask(without))
    table = differences_of(replace(given, boundary=masked))
    [row] = [row for row in table.rows if row[0] == "pixel"]
    assert row[table.columns.index(ALL_IMAGES)] == "∞ − ∞"
    [pixel] = table.data.query("condition == 'pixel' and measure == 'boundary_score_all_images_50'").itertuples()
    assert (pixel.n, pixel.holm_p, pixel.sure) == (pairs, 1.0, False)


def test_sure_differences_have_a_star_and_the_rule_stands_below() -> None:
    table = differences_of(results(seeds=7))
    clean = [row[table.columns.index("Clean (points)")] for row in table.rows]
    assert all("* [" in cell for cell in clean)
    [rule] = [note for note in table.notes if note.startswith("* off 0")]
    assert f"over the {len(table.data)} differences of this table" in rule
    assert "one table in twenty has a star" in rule
    few = differences_of(results(seeds=2))
    assert not any("*" in cell for row in few.rows for cell in row)
    assert not any(note.startswith("*") for note in few.notes)


def test_a_column_is_there_where_no_model_has_a_score() -> None:
    given = results(seeds=2)
    nothing = given.boundary.assign(score=float("nan"), start_score=float("nan"), n=0, n_failed=100)
    lacking = missing(*((name, "boundary", seed, "no number", "why") for name in given.order for seed in (0, 1)))
    table = summary_of(replace(given, boundary=nothing, missing=lacking))
    assert all("missing: no number [1]" in cell for cell in column(table, "Boundary score\n50 steps (10⁻³)"))
    assert set(column(table, "Attacks\nwithout a start")) == {"200 of 200"}


def test_median_distances_have_a_column_in_their_norm_and_one_for_what_was_not_found() -> None:
    table = summary_of(results(seeds=2))
    first, *_ = column(table, "ddn\nmedian distance (L2)")
    assert 0.3 < float(first.split(" ± ")[0]) < 0.5
    assert set(column(table, "ddn\nnothing found")) == {"20 of 2000"}
    assert any(note.startswith("Median distance: over all images") for note in table.notes)


def test_an_infinite_median_is_told_where_it_is_missing_and_not_beside_the_accuracy_of_the_same_attack() -> None:
    given = results(seeds=2)
    hidden = (given.distances["condition"] == "none") & (given.distances["seed"] == 0)
    distances = given.distances.assign(distance=given.distances["distance"].mask(hidden))
    reason = "the median is infinite: nothing was found for 600 of 1000 images"
    curves = given.curves.replace({"evaluation": {"gaussian": "ddn"}})
    lacking = missing(("none", "ddn", 0, "no number", reason))
    table = summary_of(replace(given, distances=distances, curves=curves, missing=lacking))
    assert column(table, "ddn\nmedian distance (L2)")[0].endswith("(n = 1; 1 no number [1])")
    assert "number" not in column(table, "ddn\nε = 0.1 (%)")[0]
    assert table.notes[-1] == f"[1] no number: {reason}"


def test_a_column_is_there_where_every_median_is_infinite() -> None:
    given = results(seeds=1)
    lacking = missing(*((name, "ddn", 0, "no number", "the median is infinite") for name in given.order))
    distances = given.distances.assign(distance=float("nan"), n=100, n_failed=900)
    table = summary_of(replace(given, distances=distances, missing=lacking))
    assert set(column(table, "ddn\nmedian distance (L2)")) == {"missing: no number [1]"}
    assert set(column(table, "ddn\nnothing found")) == {"900 of 1000"}


def test_decision_based_attacks_stand_beside_their_queries_by_which_nothing_is_compared() -> None:
    given = results(seeds=2)
    asked = given.distances.assign(evaluation="hop_skip_jump", queries=1987 + 2 * given.distances["seed"])
    both = replace(given, queries=asked)
    table = summary_of(both)
    assert set(column(table, "Boundary attack\n50 steps, queries (per image)")) == {"512 ± 0"}
    assert set(column(table, "HopSkipJump\nqueries (per image)")) == {"1988 ± 1"}
    told = "Queries: decisions of the model that an attack asked for, mean over the images that it attacked."
    assert told in table.notes
    assert not any("queries" in head for head in differences_of(both).columns)
    none = summary_of(replace(given, boundary=given.boundary.iloc[:0]))
    assert not any("queries" in head for head in none.columns)
    assert told not in none.notes


def test_a_model_that_no_attack_was_made_on_is_in_no_mean_of_queries() -> None:
    given = results(seeds=2)
    asked = given.distances.assign(evaluation="hop_skip_jump", queries=1987.0)
    asked.loc[asked["seed"] == 0, "queries"] = float("nan")
    table = summary_of(replace(given, queries=asked))
    assert set(column(table, "HopSkipJump\nqueries (per image)")) == {"1987 (n = 1)"}


def test_each_attack_counts_its_own_failures() -> None:
    given = results(seeds=1)
    other = given.distances[given.distances["condition"] != "none"].assign(evaluation="fmn", norm="linf", n_failed=7)
    table = summary_of(replace(given, distances=pd.concat([given.distances, other])))
    assert column(table, "fmn\nnothing found") == ["–", *["7 of 997"] * 3]
    assert column(table, "ddn\nnothing found") == ["10 of 1000"] * 4
    assert column(table, "fmn\nmedian distance (L∞)")[0] == "missing: not measured"
    assert r"\shortstack{fmn \\ median distance (L$\infty$)}" in latex(table)


def test_a_difference_of_fewer_pairs_than_its_row_says_how_many() -> None:
    given = results(seeds=3)
    curves = given.curves.query("not (condition == 'pixel' and evaluation == 'gaussian' and seed == 2)")
    values = summary.scores(replace(given, curves=curves))
    table = tables.difference_table(summary.paired_differences(values, {"pixel": "none"}), given.scope)
    [row] = [dict(zip(table.columns, row, strict=True)) for row in table.rows if row[0] == "pixel"]
    [fewer] = [head for head in table.columns if head.startswith("Gaussian noise")]
    assert row["Pairs"] == "3"
    assert row[fewer].endswith("] (n = 2)")
    assert not any("n =" in cell for head, cell in row.items() if head != fewer)


def test_all_conditions_may_be_compared_with_any_of_them() -> None:
    given = results(seeds=4)
    values, compared = summary.scores(given), summary.compared(given.conditions, "pixel")
    table = tables.difference_table(summary.paired_differences(values, compared), given.scope, against="pixel")
    assert table.title.startswith("Difference to pixel in ")
    assert [row[:3] for row in table.rows] == [(name, "pixel", "4") for name in given.order if name != "pixel"]
    own = table.data.set_index(["condition", "measure"])["difference"]
    usual = summary.paired_differences(values, summary.baselines(given.conditions))
    usual = usual.set_index(["condition", "measure"])["difference"]
    for measure in table.data["measure"].unique():
        assert own["none", measure] == pytest.approx(-usual["pixel", measure])
        expected = usual["threshold", measure] - usual["pixel", measure]
        assert own["threshold", measure] == pytest.approx(expected)


def test_a_condition_that_there_is_not_is_compared_with_nothing() -> None:
    with pytest.raises(UnknownName, match="no condition called 'pixels'; did you mean 'pixel'"):
        summary.compared(results(seeds=1).conditions, "pixels")
