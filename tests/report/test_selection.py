from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from invented import FOUR, GRID, condition, results, tables_of
from study import NONE, record
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import HarnessError, UnknownName
from harness.report import selection
from harness.report.latex import latex
from harness.report.ratios import judged, seed_values
from harness.report.results import Results, read_results
from harness.report.selection import Selection, agreement_frame, count_pairs
from harness.report.selection_tables import agreement_table, selection_table
from harness.report.table import markdown
from harness.spec.training import RegularizerSpec
from harness.store.engine import Database, open_database

PAIRS = {"weak": 1.0, "middle": 4.0, "strong": 10.0}
GAINS = {"none": 0.0, "weak": 0.02, "middle": 0.1, "strong": 0.3}
"""Each costs half of it in clean accuracy: of 0.8 the strong one keeps 0.65, less than nine tenths."""


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with the suite `grid`: three alphas, three seeds."""
    conditions = {"none": NONE} | {
        name: NONE.replaced(
            regularizer=RegularizerSpec(target="threshold", alpha=alpha, threshold=0.8, images="digits", n_images=100)
        )
        for name, alpha in PAIRS.items()
    }
    file = tmp_path_factory.mktemp("grid") / "harness.sqlite"
    with open_database(f"sqlite:///{file}") as database:
        record(database, "grid", conditions, GAINS)
        yield database


def given(*rows: tuple[str, str, float, float]) -> Results:
    """Results with these ratios: condition, evaluation, R0/U0, RD/UD; one seed whose values say nothing more."""
    names = list(dict.fromkeys(name for name, *_ in rows))
    conditions = (condition("none"), *(condition(name, "threshold", alpha=i) for i, name in enumerate(names)))
    made = results(conditions, seeds=1, epochs=1)
    table = pd.DataFrame(rows, columns=["condition", "evaluation", "clean_ratio", "distorted_ratio"])
    table = table.assign(rd=table["distorted_ratio"], ud=1.0, n_seeds=1, epsilon=0.1)
    return replace(made, acceptable=table.merge(made.conditions, on="condition"))


def select(made: Results, by: str = "gaussian", least_clean_ratio: float = 0.9) -> Selection:
    return selection.select(made, judged(made, least_clean_ratio), by)


def test_the_acceptable_pair_with_the_largest_gain_is_chosen(grid: Database) -> None:
    found = select(read_results(grid, "grid", "small"))
    assert found.chosen == "middle"
    assert select(read_results(grid, "grid", "small"), least_clean_ratio=0.5).chosen == "strong"


def test_of_equal_pairs_the_suites_first_is_chosen_and_all_are_shown_in_its_order(grid: Database) -> None:
    made = read_results(grid, "grid", "small")
    equal = made.acceptable.assign(clean_ratio=0.95, distorted_ratio=1.2, rd=0.6, ud=0.5)
    found = select(replace(made, acceptable=equal))
    assert found.chosen == "weak"
    assert list(found.ratios["condition"].unique()) == list(PAIRS)


def test_ratios_and_their_intervals_come_from_the_same_seeds(grid: Database) -> None:
    made = read_results(grid, "grid", "small")
    values, found = seed_values(made), select(made).ratios
    assert len(found) == 3 * 2
    for row in found.itertuples():
        own = values[(values["condition"] == row.condition) & (values["evaluation"] == row.evaluation)]
        assert own["rd"].mean() / own["ud"].mean() == pytest.approx(row.distorted_ratio)
        assert own["r0"].mean() / own["u0"].mean() == pytest.approx(row.clean_ratio)
        assert len(own) == row.n_seeds == 3
        if row.evaluation == "gaussian":
            assert row.distorted_low < row.distorted_ratio < row.distorted_high
        else:  # equal scores at each seed
            assert math.isnan(row.distorted_low)
        assert row.clean_low < row.clean_ratio < row.clean_high


def test_another_attack_may_choose_otherwise() -> None:
    made = given(
        ("a", "gaussian", 0.95, 1.5),
        ("b", "gaussian", 0.95, 1.2),
        ("a", "boundary", 0.95, 1.1),
        ("b", "boundary", 0.95, 1.3),
    )
    assert (select(made).chosen, select(made, "boundary").chosen) == ("a", "b")


def test_an_attack_that_was_not_run_is_refused_with_those_that_were_and_the_option_that_names_one() -> None:
    made = given(("a", "boundary", 0.95, 1.1), ("b", "boundary", 0.95, 1.3))
    with pytest.raises(UnknownName, match=r"called 'gaussian'; known: boundary; choose with another by --by$"):
        select(made)


def test_equal_gains_are_decided_by_clean_accuracy_and_told() -> None:
    found = select(given(("a", "gaussian", 0.92, 1.5), ("b", "gaussian", 0.97, 1.5), ("c", "gaussian", 0.99, 1.4)))
    assert (found.chosen, found.tied) == ("b", ("a",))
    assert any("Tied with the same RD/UD: a;" in note for note in selection_table(found).notes)


def test_the_choice_is_said_to_be_by_the_images_that_its_numbers_are_of() -> None:
    found = select(given(("a", "gaussian", 0.95, 1.5), ("b", "gaussian", 0.95, 1.2)))
    assert selection_table(found).notes[0] == (
        "Recommended: a, the acceptable condition with the largest RD/UD under Gaussian noise. "
        "It was chosen by the test images and seeds that these numbers are of, as in the paper, so its own flatter it."
    )


def test_pairs_that_the_seeds_cannot_tell_apart_are_named() -> None:
    made = results(GRID, seeds=4, epochs=1)
    found = select(made, least_clean_ratio=0.5)
    assert found.chosen == "imagenet[alpha=10,threshold=0.8]"
    assert found.close
    assert "imagenet[alpha=0.5,threshold=0.2]" not in found.close
    assert any(found.close[0] in note for note in selection_table(found).notes)


def test_one_seed_has_no_interval_and_tells_nothing_apart() -> None:
    found = select(results(GRID, seeds=1, epochs=1), least_clean_ratio=0.5)
    assert found.close == ()
    assert found.ratios["distorted_low"].isna().all()
    table = selection_table(found)
    assert not any("[" in cell for row in table.rows for cell in row[1:])
    assert table.notes[-1].startswith("One seed: no interval")
    assert table.notes[-1].endswith("yes: acceptable.")


def test_a_pair_with_one_seed_is_not_told_apart_from_those_with_more() -> None:
    made, apart = results(GRID, seeds=4, epochs=1), "imagenet[alpha=4,threshold=0.2]"
    found = select(made, least_clean_ratio=0.5)
    [own] = found.ratios.query("evaluation == 'gaussian' and condition == @apart").itertuples()
    assert own.acceptable
    assert apart not in found.close
    one = made.comparisons.query("condition != @apart or seed == 0")
    n_seeds = made.acceptable["n_seeds"].mask(made.acceptable["condition"] == apart, 1)
    fewer = replace(made, comparisons=one, acceptable=made.acceptable.assign(n_seeds=n_seeds))
    assert apart in select(fewer, least_clean_ratio=0.5).close


def test_where_nothing_is_acceptable_nothing_is_recommended() -> None:
    found = select(results(GRID, seeds=2, epochs=1), least_clean_ratio=2.0)
    assert found.chosen is None
    assert selection_table(found).notes[0] == "No condition is acceptable under Gaussian noise: none is recommended."
    assert all(math.isnan(each.jaccard) for each in found.agreements)


def test_agreement_counts_verdicts_and_ranks() -> None:
    rows = {"a": (1.5, 1.3), "b": (1.2, 1.4), "c": (1.1, 0.9), "d": (0.8, 0.7)}
    made = given(
        *((name, "gaussian", 0.95, first) for name, (first, _) in rows.items()),
        *((name, "uniform", 0.95, second) for name, (_, second) in rows.items()),
    )
    [found] = select(made).agreements
    # Gaussian accepts a, b, c; uniform a, b: one of four differs. Ranks 4 3 2 1 and 3 4 2 1: d^2 = 1 + 1.
    assert (found.evaluation, found.n, found.n_acceptable, found.n_both) == ("uniform", 4, 2, 2)
    assert found.same_verdict == 3 / 4
    assert found.jaccard == pytest.approx(2 / 3)
    assert found.rank_correlation == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert agreement_table(select(made)).rows == (("Uniform noise", "4", "2", "2", "75 %", "0.67", "0.80"),)


def test_a_rank_correlation_below_zero_has_a_real_minus() -> None:
    ratios = {"gaussian": (1.5, 1.2, 1.1), "uniform": (0.7, 0.9, 1.3)}
    made = given(
        *((name, attack, 0.95, own[place]) for attack, own in ratios.items() for place, name in enumerate("abc"))
    )
    assert agreement_table(select(made)).rows[0][-1] == "−1.00"


def test_agreement_is_over_the_conditions_that_both_attacks_have() -> None:
    made = given(
        ("a", "gaussian", 0.95, 1.5),
        ("b", "gaussian", 0.95, 1.2),
        ("c", "gaussian", 0.95, 1.1),
        ("a", "uniform", 0.95, 1.3),
    )
    [found] = select(made).agreements
    assert found.n == 1
    assert math.isnan(found.rank_correlation)
    assert selection_table(select(made)).rows[1][-1] == "missing"


def test_the_attack_chosen_by_stands_first_and_the_best_pair_above() -> None:
    table = selection_table(select(results(GRID, seeds=2, epochs=1), "salt_pepper", 0.5))
    assert table.columns[5:7] == ("Salt and pepper\nRD/UD", "Gaussian noise\nRD/UD")
    assert table.rows[0][0].endswith("(chosen)")


def test_seeds_without_one_of_the_four_numbers_are_in_no_ratio() -> None:
    made = results(GRID, seeds=2, epochs=1)
    for name in ("clean", "baseline_distorted"):
        lacking = made.comparisons.assign(**{name: made.comparisons[name].where(made.comparisons["seed"] == 0)})
        assert set(seed_values(replace(made, comparisons=lacking))["seed"]) == {0}


def test_an_unknown_attack_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="did you mean 'gaussian'"):
        select(results(GRID, seeds=1, epochs=1), "gausian")


def test_what_was_trained_elsewhere_is_no_choice_of_a_pair() -> None:
    made = given(("a", "gaussian", 0.95, 1.5), ("b", "gaussian", 0.95, 1.2), ("mine", "gaussian", 1.0, 3.0))
    elsewhere = made.acceptable["condition"] == "mine"
    made = replace(made, acceptable=made.acceptable.assign(alpha=made.acceptable["alpha"].mask(elsewhere)))
    assert select(made).chosen == "a"
    with pytest.raises(HarnessError, match="no regularized condition has its `clean` accuracy"):
        select(replace(made, acceptable=made.acceptable[elsewhere]))


def test_no_run_is_promised_to_bring_pairs_where_nothing_is_regularized() -> None:
    elsewhere = {"target": "external", "regularization": "none", "alpha": float("nan")}
    made = results((condition("none"), condition("mine", "pixel") | elsewhere), seeds=1, epochs=1)
    with pytest.raises(HarnessError, match=r"no choice of \(alpha, Th\): it regularizes no condition; `harness select"):
        select(made)


def test_a_suite_without_a_grid_is_refused(db: Database) -> None:
    assert count_pairs(results(FOUR, epochs=1).acceptable) == 1
    with pytest.raises(HarnessError, match=r"study \(profile small\): no choice of \(alpha, Th\)"):
        select(read_results(db, "study", "small"))


def test_a_grid_without_results_says_what_makes_them() -> None:
    made = results(GRID, seeds=1, epochs=1)
    with pytest.raises(HarnessError, match="`harness run-suite grayscale-cifar10 --profile small` makes them"):
        select(replace(made, acceptable=made.acceptable.iloc[:0]))


def test_an_attack_that_leaves_nothing_of_the_baseline_ranks_no_pairs() -> None:
    """So strong noise, or so few images, that the unregularized models are always wrong: RD/UD is no number."""
    made = results(GRID, seeds=2, epochs=1)
    strong = made.acceptable["evaluation"] == "gaussian"
    ratios = made.acceptable.assign(
        ud=made.acceptable["ud"].mask(strong, 0.0), distorted_ratio=made.acceptable["distorted_ratio"].mask(strong)
    )
    found = replace(made, acceptable=ratios)
    with pytest.raises(HarnessError, match="no RD/UD under gaussian, which leaves nothing"):
        select(found)
    by_name = {table.name: table for table in tables_of(found)}
    assert "selection" not in by_name
    assert by_name["acceptable"].notes[-1].startswith("RD/UD –")
    assert [row[9] for row in by_name["acceptable"].rows if row[1] == "Gaussian noise"] == ["–"] * 18
    other = select(found, "uniform", 0.5)
    assert other.chosen
    [row] = [row for row in selection_table(other).rows if row[0] == f"{other.chosen} (chosen)"]
    assert row[6] == "yes –"
    [agreement] = [each for each in other.agreements if each.evaluation == "gaussian"]
    assert agreement.n == 18
    assert math.isnan(agreement.rank_correlation)


def test_baselines_that_are_always_wrong_are_no_missing_results() -> None:
    made = results(GRID, seeds=2, epochs=1)
    wrong = replace(made, acceptable=made.acceptable.assign(u0=0.0, clean_ratio=float("nan")))
    with pytest.raises(HarnessError, match="baselines' clean accuracy is 0"):
        select(wrong)
    assert "selection" not in [table.name for table in tables_of(wrong)]


def test_tables_can_be_written_in_every_format(grid: Database) -> None:
    found = select(read_results(grid, "grid", "small"))
    for table in (selection_table(found), agreement_table(found)):
        assert "middle" in markdown(selection_table(found))
        assert latex(table).count(r"\\") >= len(table.rows)
    assert list(agreement_frame(found)["by"]) == ["gaussian"]


def test_the_report_of_a_grid_says_which_to_choose(grid: Database) -> None:
    made = read_results(grid, "grid", "small")
    assert [table.name for table in tables_of(made)][-5:-2] == [
        "selection",
        "agreement",
        "missing",
    ]
    small = replace(made, acceptable=made.acceptable[made.acceptable["condition"] != "weak"])
    assert "selection" not in [table.name for table in tables_of(small)]
    without = replace(made, acceptable=made.acceptable[made.acceptable["evaluation"] == "boundary"])
    assert "selection" not in [table.name for table in tables_of(without)]


def test_the_command_recommends_and_tells_the_agreement(grid: Database, with_settings: Callable[..., None]) -> None:
    with_settings(database_url=f"sqlite:///{grid.path}")
    answer = CliRunner().invoke(app, ["select", "grid", "--by", "boundary", "--A0", "0.5", "--profile", "small"])
    wrong = CliRunner().invoke(app, ["select", "gird"])
    assert answer.exit_code == 0, answer.output
    assert (
        "Recommended: strong, the acceptable condition with the largest RD/UD under Boundary attack." in answer.output
    )
    assert "R0/U0 ≥ 0.5" in answer.output
    assert "Spearman" in answer.output
    assert isinstance(wrong.exception, UnknownName)


def test_a_database_that_is_not_there_says_how_to_make_one(tmp_path: Path, with_settings: Callable[..., None]) -> None:
    with_settings(database_url=f"sqlite:///{tmp_path / 'none.sqlite'}")
    error = CliRunner().invoke(app, ["select", "grid"]).exception
    assert isinstance(error, HarnessError)
    assert "run-suite" in str(error)
